#include "verdict/evidence.h"

#define NS_PER_S  INT64_C(1000000000)
#define NS_PER_MS INT64_C(1000000)

struct list_of_evidence {
    const struct view *view;
    struct cause *cause;
    struct evidence left_out; /* what found no place: the list is longer than all rows together */
};

static struct evidence *add(struct list_of_evidence *list, const char *kind)
{
    struct cause *cause = list->cause;
    struct evidence *evidence = cause->evidence_count < EVENT_EVIDENCE_MAX
                                    ? &cause->evidence[cause->evidence_count++]
                                    : &list->left_out;
    *evidence = (struct evidence){
        .kind = kind,
        .at_ns = EVENT_NO_TIME,
        .since_ns = EVENT_NO_TIME,
        .delay_ns = EVENT_NO_DURATION,
        .usual_ns = EVENT_NO_DURATION,
        .place.vlan = EVENT_NO_VLAN,
    };
    return evidence;
}

static void add_ladder(struct list_of_evidence *list)
{
    const struct unanswered_facts *facts = list->view->facts;
    struct evidence *ladder = add(list, "transmissions");
    ladder->count = facts->transmissions;
    ladder->since_ns = facts->first_sent_ns;
    ladder->at_ns = facts->last_sent_ns;
}

static void add_blindness(struct list_of_evidence *list)
{
    const struct view *view = list->view;
    uint64_t unseen = rules_answered_unseen(view), stopped = rules_stopped_early(view), pairs;
    uint64_t one_way = rules_one_way_conversations(view, &pairs);
    if (view->peers->responses == 0)
        add(list, "no_response_from_anybody")->since_ns = view->facts->first_sent_ns;
    if (unseen > 0)
        add(list, "answered_unseen")->count = unseen;
    if (stopped >= RULES_PATTERN_MIN)
        add(list, "stopped_early")->count = stopped;
    if (one_way >= RULES_PATTERN_MIN) {
        struct evidence *evidence = add(list, "one_way_conversations");
        evidence->count = one_way;
        evidence->of = pairs;
    }
}

static void add_icmp(struct list_of_evidence *list)
{
    const struct icmp_facts *icmp = &list->view->facts->icmp;
    if (icmp->count == 0)
        return;
    struct evidence *evidence = add(list, "icmp_error");
    evidence->at_ns = icmp->first_ns;
    evidence->count = icmp->count;
    evidence->who.ip = icmp->sender;
    evidence->has_icmp = true;
    evidence->icmp_type = icmp->type;
    evidence->icmp_code = icmp->code;
}

static void add_reset(struct list_of_evidence *list)
{
    const struct connection_facts *connection = &list->view->facts->connection;
    if (!connection->is_known || !connection->is_reset ||
        connection->reset_ns < list->view->facts->first_sent_ns)
        return;
    struct evidence *evidence = add(list, "connection_reset");
    evidence->at_ns = connection->reset_ns;
    evidence->who = connection->reset_by;
}

static void add_unacknowledged(struct list_of_evidence *list)
{
    const struct unanswered_facts *facts = list->view->facts;
    if (!rules_is_unacknowledged(facts))
        return;
    struct evidence *evidence = add(list, "unacknowledged_octets");
    evidence->since_ns = facts->connection.unacknowledged_since_ns;
    evidence->count = facts->connection.unacknowledged;
    evidence->who = facts->dst.endpoint;
}

static void add_elsewhere(struct list_of_evidence *list)
{
    const struct stray_facts *stray = &list->view->facts->stray;
    if (stray->count == 0)
        return;
    struct evidence *evidence = add(list, "response_elsewhere");
    evidence->at_ns = stray->last_ns;
    evidence->status = stray->last_status;
    evidence->who = stray->dst;
    evidence->count = stray->count;
    if (stray->expected.ip.version != 0)
        add(list, "response_expected")->who = stray->expected;
}

static void add_mangled(struct list_of_evidence *list)
{
    static const char *const names[MANGLED_COUNT] = {
        [MANGLED_VIA] = "via",
        [MANGLED_CALL_ID] = "call_id",
    };
    const struct mangled_facts *mangled = &list->view->facts->mangled;
    if (mangled->count == 0)
        return;
    struct evidence *evidence = add(list, "response_mangled");
    evidence->at_ns = mangled->last_ns;
    evidence->status = mangled->last_status;
    evidence->who = mangled->src;
    evidence->count = mangled->count;
    evidence->what = names[mangled->what];
}

static void add_response_marks(struct list_of_evidence *list)
{
    static const struct {
        uint32_t mark;
        const char *name;
    } marks[] = {{RESPONSE_NO_RPORT, "no_rport"},
                 {RESPONSE_NO_RECEIVED, "no_received"},
                 {RESPONSE_CONTACT, "contact_differs"}};
    const struct response_facts *response = &list->view->facts->response;
    for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++) {
        if (!(response->marks & marks[i].mark))
            continue;
        struct evidence *evidence = add(list, "response_mark");
        evidence->what = marks[i].name;
        if (marks[i].mark == RESPONSE_CONTACT)
            evidence->who = response->contact;
    }
}

/* What of a response is missing, where nothing but such parts passed. */
static void add_partial(struct list_of_evidence *list)
{
    static const char *const kinds[PARTIAL_COUNT] = {
        [PARTIAL_FRAGMENTS] = "response_fragments_lost",
        [PARTIAL_TRUNCATED] = "response_truncated",
    };
    const struct partial_facts *partial = &list->view->facts->partial;
    if (partial->count == 0)
        return;
    struct evidence *evidence = add(list, kinds[partial->what]);
    evidence->at_ns = partial->last_ns;
    evidence->status = partial->last_status;
    evidence->who = partial->src;
    evidence->count = partial->count;
}

static void add_far_end(struct list_of_evidence *list)
{
    if (list->view->facts->far_end.ip.version != 0)
        add(list, "far_end_elsewhere")->who = list->view->facts->far_end;
}

static void add_fragments(struct list_of_evidence *list)
{
    const struct unanswered_facts *facts = list->view->facts;
    if (facts->fragments_lost == 0)
        return;
    add(list, "fragments_lost")->count = facts->fragments_lost;
}

static void add_at_sensor(struct list_of_evidence *list, const char *kind, const char *point,
                          const char *what)
{
    struct evidence *evidence = add(list, kind);
    evidence->point = point;
    evidence->what = what;
}

/* What each sensor on the path saw, in the order of the path. */
static void add_sensors(struct list_of_evidence *list)
{
    const struct sensors_facts *sensors = &list->view->facts->sensors;
    bool is_answered = rules_is_answered_elsewhere(sensors);
    for (unsigned i = 0; i < sensors->points; i++) {
        const struct sensors_point *point = &sensors->point[i];
        if (point->saw_request)
            add_at_sensor(list, "seen_at_sensor", point->name, "request");
        if (point->saw_response)
            add_at_sensor(list, "seen_at_sensor", point->name, "response");
        bool misses_response = is_answered && !point->saw_response;
        if (point->unfit && (!point->saw_request || misses_response || i == sensors->own))
            add_at_sensor(list, "sensor_unfit", point->name, point->unfit);
        else if (!point->saw_request || misses_response)
            add_at_sensor(list, "not_seen_at_sensor", point->name,
                          point->saw_request ? "response" : "request");
    }
}

/* What the request's text shows of NAT and ALG. */
static void add_request_marks(struct list_of_evidence *list)
{
    static const struct {
        uint32_t mark;
        const char *name;
    } marks[] = {{REQUEST_PRIVATE_VIA, "private_via"}, {REQUEST_PRIVATE_CONTACT, "private_contact"},
                 {REQUEST_PRIVATE_SDP, "private_sdp"}, {REQUEST_PORT_DIFFERS, "port_differs"},
                 {REQUEST_MALFORMED, "malformed"},     {REQUEST_NO_HOPS_LEFT, "no_hops_left"},
                 {REQUEST_TRUNCATED, "truncated"}};
    const uint32_t private = REQUEST_PRIVATE_VIA | REQUEST_PRIVATE_CONTACT | REQUEST_PRIVATE_SDP;
    const struct request_facts *request = &list->view->facts->request;
    bool is_private = false;
    for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++) {
        if (!(request->marks & marks[i].mark))
            continue;
        struct evidence *evidence = add(list, "request_mark");
        evidence->what = marks[i].name;
        /* One address was kept, the first. */
        if (!is_private && marks[i].mark & private)
            evidence->who.ip = request->private_ip;
        is_private = true;
    }
}

static void add_alg(struct list_of_evidence *list)
{
    if (list->view->alg_traits > 0)
        add(list, "sip_alg")->count = list->view->alg_traits;
}

static void add_other_transports(struct list_of_evidence *list)
{
    const struct view *view = list->view;
    for (enum transport t = 0; t < TRANSPORT_COUNT; t++) {
        if (!rules_answered_over(view, t))
            continue;
        struct evidence *evidence = add(list, "answered_over");
        evidence->transport = transport_name(t);
        evidence->at_ns = view->host->answered_over_ns[t];
        evidence->who = (struct endpoint){view->host->who.ip, view->host->answered_port[t]};
    }
}

/* Of a hundred requests. */
static void add_control(struct list_of_evidence *list)
{
    const struct peers_told *told = &list->view->told;
    if (told->shed_percent == 0)
        return;
    struct evidence *evidence = add(list, "overload_control");
    evidence->count = told->shed_percent;
    evidence->of = 100;
    evidence->at_ns = told->shed_ns;
    evidence->who.ip = told->shed_client;
    evidence->delay_ns = told->shed_validity_ms * NS_PER_MS;
}

static void add_overload(struct list_of_evidence *list)
{
    const struct peers_others *others = &list->view->others;
    if (others->refused > 0) {
        struct evidence *evidence = add(list, "answered_503");
        evidence->count = others->refused;
        evidence->at_ns = others->last_refused_ns;
        evidence->who.ip = others->refused_client;
        if (others->retry_after_s > 0)
            evidence->delay_ns = others->retry_after_s * NS_PER_S;
    }
    if (others->is_slow) {
        struct evidence *evidence = add(list, "slow_answers");
        evidence->delay_ns = others->median_ns;
        evidence->usual_ns = others->usual_median_ns;
        evidence->count = others->delays;
    }
    add_control(list);
    if (rules_has_losses(list->view)) {
        struct evidence *evidence = add(list, "destination_losses");
        evidence->count = list->view->told.invites_repeated;
        evidence->of = list->view->told.invites;
    }
}

static void add_others(struct list_of_evidence *list)
{
    const struct view *view = list->view;
    int64_t answered_ns = rules_answered_since_ns(view);
    if (answered_ns == EVENT_NO_TIME)
        return;
    struct evidence *evidence = add(list, "answered_others");
    evidence->at_ns = answered_ns;
    evidence->count = view->others.clients;
    if (rules_knows_answer(view)) {
        evidence->who = view->endpoint->answered_client;
        evidence->method = view->endpoint->answered_method;
        evidence->status = view->endpoint->answered_status;
    }
}

static void add_this_caller(struct list_of_evidence *list)
{
    const struct view *view = list->view;
    /* What came since may be a part of a response to this very INVITE, which was none for it. */
    bool is_before =
        view->facts->partial.count == 0 || view->pair.answered_ns < view->facts->first_sent_ns;
    if (view->pair.answered_ns != EVENT_NO_TIME && is_before) {
        struct evidence *evidence = add(list, "answered_this_caller");
        evidence->at_ns = view->pair.answered_ns;
        evidence->status = view->pair.answered_status;
    }
    if (view->pair.invites_repeated > 0) {
        struct evidence *evidence = add(list, "partial_loss");
        evidence->count = view->pair.invites_repeated;
        evidence->of = view->pair.invites;
    }
    if (view->told.retry_after_s > 0) {
        struct evidence *evidence = add(list, "retry_after_violated");
        evidence->at_ns = view->told.retry_after_ns;
        evidence->delay_ns = view->told.retry_after_s * NS_PER_S;
    }
    if (rules_was_challenged(view)) {
        struct evidence *evidence = add(list, "challenged_before");
        evidence->count = view->pair.challenges;
        evidence->at_ns = view->pair.challenged_ns;
    }
    if (rules_is_largest(view))
        add(list, "larger_than_answered")->octets = view->facts->request.octets;
}

static void add_silence(struct list_of_evidence *list)
{
    const struct view *view = list->view;
    if (view->is_silent) {
        struct evidence *evidence = add(list, "nothing_from_destination");
        evidence->since_ns = view->facts->first_sent_ns;
        evidence->who = view->facts->dst.endpoint;
        if (view->host->has_sent)
            add(list, "last_heard")->at_ns = view->host->last_packet_ns;
    } else if (view->is_alive && rules_answered_since_ns(view) == EVENT_NO_TIME) {
        struct evidence *evidence = add(list, "alive_without_answer");
        evidence->at_ns = view->host->last_packet_ns;
        evidence->who.ip = view->host->who.ip;
    }
    if (view->endpoint && view->endpoint->unanswered > 0)
        add(list, "others_unanswered_too")->count = view->endpoint->unanswered;
    if (view->endpoint && view->endpoint->registered_ns != EVENT_NO_TIME)
        add(list, "registered")->at_ns = view->endpoint->registered_ns;
    int64_t idle_ns = rules_binding_idle_ns(view);
    if (idle_ns >= RULES_BINDING_IDLE_NS) {
        struct evidence *evidence = add(list, "nat_binding_idle");
        evidence->since_ns = view->facts->first_sent_ns - idle_ns;
        evidence->delay_ns = idle_ns;
    }
}

static struct evidence *add_dns_kind(struct list_of_evidence *list, const char *kind)
{
    const struct dns_facts *dns = &list->view->facts->dns;
    struct evidence *evidence = add(list, kind);
    evidence->name = dns->name;
    evidence->what = dns->type;
    evidence->who = dns->server;
    return evidence;
}

static void add_dns(struct list_of_evidence *list)
{
    const struct dns_facts *dns = &list->view->facts->dns;
    if (!rules_has_dns_fault(dns))
        return;
    if (dns->failed + dns->unanswered > 0) {
        struct evidence *evidence = add_dns_kind(list, "dns_failure");
        evidence->count = dns->failed + dns->unanswered;
        evidence->of = dns->asked;
        evidence->delay_ns = dns->delay_ns;
    }
    if (dns->rcode)
        add(list, "dns_rcode")->what = dns->rcode;
    if (dns->delay_ns > RULES_DNS_SLOW_NS)
        add_dns_kind(list, "dns_slow")->delay_ns = dns->delay_ns;
    if (dns->is_elsewhere)
        add_dns_kind(list, "dns_elsewhere");
}

static void add_hops(struct list_of_evidence *list)
{
    const struct hop_facts *hop = &list->view->facts->hop;
    if (hop->hops > 1) {
        struct evidence *evidence = add(list, "hop");
        evidence->count = hop->hops;
        evidence->at_ns = hop->last_sent_ns;
        evidence->status = hop->last_status;
        evidence->who = hop->last_dst;
    }
    if (hop->others_passed_on > 0) {
        struct evidence *evidence = add(list, "not_passed_on");
        evidence->count = hop->others_passed_on;
        evidence->who = hop->last_dst;
    }
    if (!hop->missing.interface)
        return;
    for (unsigned i = 0; i < hop->seen_count; i++)
        add(list, "seen_at")->place = hop->seen[i];
    add(list, "not_seen_at")->place = hop->missing;
}

static void add_scanner(struct list_of_evidence *list)
{
    if (list->view->facts->scanner.len > 0)
        add(list, "scanner")->name = list->view->facts->scanner;
}

/* The sensor's doubts about itself. */
static void add_doubts(struct list_of_evidence *list)
{
    const struct unanswered_facts *facts = list->view->facts;
    if (facts->sensor_lost_packets)
        add(list, "sensor_lost_packets")->since_ns = facts->first_sent_ns;
    if (facts->mirror_lost_packets)
        add(list, "mirror_lost_packets")->since_ns = facts->first_sent_ns;
    if (facts->mirror_is_disordered)
        add(list, "mirror_disordered")->since_ns = facts->first_sent_ns;
    if (rules_is_warming_up(facts))
        add(list, "watching_since")->since_ns = facts->watching_since_ns;
}

void evidence_collect(const struct view *view, struct cause *cause)
{
    /* In the order of the causes on which they bear first of all. */
    static const struct {
        enum cause_code code;
        void (*add)(struct list_of_evidence *list);
    } rows[] = {
        {CAUSE_MIRROR_ONE_WAY, add_blindness},
        {CAUSE_ICMP_UNREACHABLE, add_icmp},
        {CAUSE_TCP_REFUSED, add_reset},
        {CAUSE_TCP_NO_ANSWER, add_unacknowledged},
        {CAUSE_RESPONSE_MISDIRECTED, add_elsewhere},
        {CAUSE_RESPONSE_MISDIRECTED, add_response_marks},
        {CAUSE_RESPONSE_MANGLED, add_mangled},
        {CAUSE_FRAGMENT_LOST, add_fragments},
        {CAUSE_LOST_BETWEEN_SENSORS, add_sensors},
        {CAUSE_PRIVATE_ADDRESS, add_request_marks},
        {CAUSE_WRONG_TRANSPORT, add_other_transports},
        {CAUSE_DESTINATION_OVERLOADED, add_overload},
        {CAUSE_DESTINATION_SELECTIVE, add_others},
        {CAUSE_DESTINATION_SELECTIVE, add_this_caller},
        {CAUSE_DESTINATION_SILENT, add_silence},
        {CAUSE_UNKNOWN, add_partial},
        {CAUSE_UNKNOWN, add_hops},
        {CAUSE_UNKNOWN, add_dns},
        {CAUSE_UNKNOWN, add_far_end},
        {CAUSE_UNKNOWN, add_alg},
        {CAUSE_UNKNOWN, add_scanner},
        {CAUSE_UNKNOWN, add_doubts},
    };
    enum { ROWS = sizeof rows / sizeof rows[0] };
    struct list_of_evidence list = {.view = view, .cause = cause};
    for (size_t i = 0; i < ROWS; i++)
        if (rows[i].code == cause->code)
            rows[i].add(&list);
    add_ladder(&list);
    for (size_t i = 0; i < ROWS; i++)
        if (rows[i].code != cause->code)
            rows[i].add(&list);
}
