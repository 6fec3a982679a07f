/* Where several sensors saw an INVITE, and where not: what follows from it, and what does not. */
#include "verdict_bench.h"

/*
 * A row has four characters for each point of the path, "qr>_" and the like:
 *   q: it saw the request; r: it saw a response; -: it did not
 *   >  beyond this sensor, fit; others' requests passed there lately     )  the same, not lately
 *   <  before it, fit   ?  unproven   u  beyond, no heartbeat   l  beyond, lost packets
 *   *  this sensor's own, fit   x  its own, and it lost packets
 */
struct row {
    const char *what, *path;
    uint32_t transmissions;
    enum cause_code code;
    enum confidence confidence;
    const char *passed, *missed; /* named in the summary, in this order */
    bool is_response;
};

#define LOST  CAUSE_LOST_BETWEEN_SENSORS
#define OTHER CAUSE_DESTINATION_SELECTIVE

static const char *const names[] = {"outside", "dmz", "core", "inside", "lab"};

static struct sensors_facts read_path(const char *path)
{
    struct sensors_facts facts = {.is_ours = true};
    for (; *path; path += path[3] ? 4 : 3) {
        struct sensors_point *point = &facts.point[facts.points];
        point->name = names[facts.points];
        point->saw_request = path[0] == 'q';
        point->saw_response = path[1] == 'r';
        point->is_beyond = strchr(">)ul", path[2]);
        point->passed_lately = path[2] == '>';
        point->unfit = path[2] == '?'                     ? "unproven"
                       : path[2] == 'u'                   ? "heartbeat"
                       : path[2] == 'l' || path[2] == 'x' ? "lost_packets"
                                                          : NULL;
        if (path[2] == '*' || path[2] == 'x')
            facts.own = facts.points;
        facts.points++;
    }
    return facts;
}

static const struct row rows[] = {
    /* The request. */
    {"to the neighbour", "q-* -->", 7, LOST, CONFIDENCE_HIGH, "outside", "dmz", false},
    {"from the other end", "--> q-*", 7, LOST, CONFIDENCE_HIGH, "dmz", "outside", false},
    {"further on", "q-< q-* q-> -->", 7, LOST, CONFIDENCE_HIGH, "core", "inside", false},
    {"none of those beyond", "q-* --> -->", 7, LOST, CONFIDENCE_HIGH, "outside", "dmz", false},
    {"sent four times in 3.5 s", "q-* -->", 4, LOST, CONFIDENCE_MEDIUM, "outside", "dmz", false},
    {"sent twice", "q-* -->", 2, LOST, CONFIDENCE_MEDIUM, "outside", "dmz", false},
    {"sent once", "q-* -->", 1, OTHER, CONFIDENCE_LOW, NULL, NULL, false},
    {"nobody passed lately", "q-* --)", 7, LOST, CONFIDENCE_MEDIUM, "outside", "dmz", false},
    {"over one that is away", "q-* --u -->", 7, LOST, CONFIDENCE_HIGH, "outside", "core", false},
    {"over one that lost some", "q-* --l -->", 7, LOST, CONFIDENCE_HIGH, "outside", "core", false},
    {"the neighbour is away", "q-* --u", 7, OTHER, CONFIDENCE_MEDIUM, NULL, NULL, false},
    {"the neighbour lost packets", "q-* --l", 7, OTHER, CONFIDENCE_MEDIUM, NULL, NULL, false},
    {"the neighbour is unproven", "q-* --?", 7, OTHER, CONFIDENCE_MEDIUM, NULL, NULL, false},
    {"this sensor lost packets", "q-x -->", 7, OTHER, CONFIDENCE_MEDIUM, NULL, NULL, false},
    {"all saw it", "q-* q-> q->", 7, OTHER, CONFIDENCE_MEDIUM, NULL, NULL, false},
    {"who was overtaken is blind", "q-* --> q->", 7, OTHER, CONFIDENCE_MEDIUM, NULL, NULL, false},
    {"overtaken, and then lost", "q-* --> q-> -->", 7, LOST, CONFIDENCE_HIGH, "core", "inside",
     false},
    {"it came from within", "--< q-*", 7, OTHER, CONFIDENCE_MEDIUM, NULL, NULL, false},
    {"from within, and lost", "--< q-* -->", 7, LOST, CONFIDENCE_HIGH, "dmz", "core", false},
    {"both sides should have it", "--> q-* -->", 7, OTHER, CONFIDENCE_MEDIUM, NULL, NULL, false},
    {"one side is unproven", "--? q-* -->", 7, LOST, CONFIDENCE_HIGH, "dmz", "core", false},
    /* The response. */
    {"at the neighbour", "q-* qr>", 7, LOST, CONFIDENCE_HIGH, "dmz", "outside", true},
    {"further back", "q-* q-> qr>", 7, LOST, CONFIDENCE_HIGH, "core", "dmz", true},
    {"as far as the neighbour", "q-* qr> qr>", 7, LOST, CONFIDENCE_HIGH, "dmz", "outside", true},
    {"to the other end", "qr> q-*", 7, LOST, CONFIDENCE_HIGH, "outside", "dmz", true},
    {"a response, sent once", "q-* qr>", 1, OTHER, CONFIDENCE_LOW, NULL, NULL, true},
    {"a response, sent twice", "q-* qr>", 2, LOST, CONFIDENCE_MEDIUM, "dmz", "outside", true},
    {"over one that lost some", "q-* q-l qr>", 7, LOST, CONFIDENCE_HIGH, "core", "outside", true},
    {"over one that is blind", "q-* --> qr>", 7, LOST, CONFIDENCE_HIGH, "core", "outside", true},
    {"who saw it need not be fit", "q-* qru", 7, LOST, CONFIDENCE_MEDIUM, "dmz", "outside", true},
    {"on the caller's side", "qr< q-*", 7, OTHER, CONFIDENCE_LOW, NULL, NULL, true},
    {"on both sides", "qr< q-* qr>", 7, OTHER, CONFIDENCE_LOW, NULL, NULL, true},
    {"on an unknown side", "q-* qr?", 7, OTHER, CONFIDENCE_LOW, NULL, NULL, true},
    {"this sensor missed it", "q-x qr>", 7, OTHER, CONFIDENCE_LOW, NULL, NULL, true},
};

static struct unanswered_facts facts_of_row(const struct row *row)
{
    struct unanswered_facts facts = facts_of(row->transmissions);
    facts.sensors = read_path(row->path);
    return facts;
}

static void check_names(const struct row *row, const struct cause *cause)
{
    const char *passed = strstr(cause->summary, "passed ");
    const char *missed = strstr(cause->summary, "never reached ");
    assert_true(passed && missed && passed < missed);
    if (strncmp(passed + 7, row->passed, strlen(row->passed)) != 0 ||
        strncmp(missed + 14, row->missed, strlen(row->missed)) != 0)
        fail_msg("%s: %s", row->what, cause->summary);
    assert_int_equal(strstr(cause->summary, "response") != NULL, row->is_response);
    assert_says(cause->next_step, row->passed);
    assert_says(cause->next_step, row->missed);
    assert_says(cause->next_step, "firewall");
}

static void test_rows(void **state)
{
    (void)state;
    gateway_answered_once();
    gateway_answers(1);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct unanswered_facts facts = facts_of_row(&rows[i]);
        struct cause cause = judge_facts(&facts);
        if (cause.code != rows[i].code || cause.confidence != rows[i].confidence)
            fail_msg("%s: %s, %s: %s", rows[i].what, cause_code_name(cause.code),
                     confidence_name(cause.confidence), cause.summary);
        if (rows[i].passed)
            check_names(&rows[i], &cause);
    }
}

static const struct evidence *find_at(const struct cause *cause, const char *kind,
                                      const char *point, const char *what)
{
    for (unsigned i = 0; i < cause->evidence_count; i++)
        if (is_same(cause->evidence[i].kind, kind) && is_same(cause->evidence[i].point, point) &&
            is_same(cause->evidence[i].what, what))
            return &cause->evidence[i];
    return NULL;
}

static void test_evidence(void **state)
{
    (void)state;
    mirror_works();
    struct unanswered_facts facts = facts_of(7);
    facts.sensors = read_path("q-? q-* q-> --u -->");
    struct cause cause = judge_facts(&facts);
    assert_cause(cause, CAUSE_LOST_BETWEEN_SENSORS, CONFIDENCE_HIGH);
    /* It comes first. */
    assert_string_equal(cause.evidence[0].kind, "seen_at_sensor");
    assert_non_null(find_at(&cause, "seen_at_sensor", "outside", "request"));
    assert_non_null(find_at(&cause, "seen_at_sensor", "dmz", "request"));
    assert_non_null(find_at(&cause, "seen_at_sensor", "core", "request"));
    assert_non_null(find_at(&cause, "sensor_unfit", "inside", "heartbeat"));
    assert_non_null(find_at(&cause, "not_seen_at_sensor", "lab", "request"));
    assert_null(find_at(&cause, "sensor_unfit", "outside", "unproven")); /* it saw it */
    assert_null(find_at(&cause, "not_seen_at_sensor", "inside", "request"));

    facts.sensors = read_path("q-* q-> qr>");
    cause = judge_facts(&facts);
    assert_non_null(find_at(&cause, "seen_at_sensor", "core", "response"));
    assert_non_null(find_at(&cause, "not_seen_at_sensor", "dmz", "response"));
    assert_non_null(find_at(&cause, "not_seen_at_sensor", "outside", "response"));

    /* Beside another cause it is told, too. */
    gateway_answered_once();
    facts.sensors = read_path("q-* q-> --?");
    cause = judge_facts(&facts);
    assert_cause(cause, CAUSE_DESTINATION_SILENT, CONFIDENCE_MEDIUM);
    assert_non_null(find_at(&cause, "seen_at_sensor", "dmz", "request"));
    assert_non_null(find_at(&cause, "sensor_unfit", "core", "unproven"));
}

/* A path as long as may be, all of it unfit or seen, and yet everything finds its place. */
static void test_long_path(void **state)
{
    (void)state;
    mirror_works();
    struct unanswered_facts facts = facts_of(7);
    facts.sensors.points = UNANSWERED_POINTS_MAX;
    facts.sensors.is_ours = true;
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz";
    for (unsigned i = 0; i < UNANSWERED_POINTS_MAX; i++)
        facts.sensors.point[i] = (struct sensors_point){
            .name = &letters[i], .saw_request = true, .saw_response = i > 1, .is_beyond = i > 0};
    facts.sensors.point[1].passed_lately = true;
    struct cause cause = judge_facts(&facts);
    assert_int_equal(cause.code, CAUSE_LOST_BETWEEN_SENSORS);
    assert_true(cause.evidence_count < EVENT_EVIDENCE_MAX);
    assert_non_null(find_at(&cause, "seen_at_sensor", &letters[15], "response"));
}

/* What this sensor itself saw, or did not, comes before what others say. */
static void test_own_view_first(void **state)
{
    (void)state;
    mirror_works();
    struct unanswered_facts facts = facts_of(7);
    facts.sensors = read_path("q-* -->");
    facts.mirror_lost_packets = true;
    assert_int_not_equal(judge_facts(&facts).code, CAUSE_LOST_BETWEEN_SENSORS);
    facts.mirror_lost_packets = false;
    facts.sensor_lost_packets = true;
    assert_int_not_equal(judge_facts(&facts).code, CAUSE_LOST_BETWEEN_SENSORS);
    facts.sensor_lost_packets = false;
    facts.mirror_is_disordered = true;
    assert_cause(judge_facts(&facts), CAUSE_LOST_BETWEEN_SENSORS, CONFIDENCE_MEDIUM);
    facts.mirror_is_disordered = false;
    facts.scanner = SLICE("user_agent");
    assert_cause(judge_facts(&facts), CAUSE_LOST_BETWEEN_SENSORS, CONFIDENCE_LOW);
    facts.scanner = SLICE_NONE;
    facts.watching_since_ns = SENT; /* what it remembers of others does not matter here */
    assert_cause(judge_facts(&facts), CAUSE_LOST_BETWEEN_SENSORS, CONFIDENCE_HIGH);
    facts.hop = (struct hop_facts){.hops = 2, .last_dst = carol}; /* it was sent on from there */
    assert_int_not_equal(judge_facts(&facts).code, CAUSE_LOST_BETWEEN_SENSORS);
    facts.hop = (struct hop_facts){.hops = 1};
    facts.partial = (struct partial_facts){.count = 1, .last_status = 200, .src = gw};
    assert_int_not_equal(judge_facts(&facts).code, CAUSE_LOST_BETWEEN_SENSORS);
    facts.partial = (struct partial_facts){.count = 0};
    facts.icmp = (struct icmp_facts){.count = 1,
                                     .first_ns = SENT + S,
                                     .last_ns = SENT + 20 * S,
                                     .sender = gw.ip,
                                     .type = 3,
                                     .code = 13,
                                     .meaning = ICMP_ADMIN_PROHIBITED};
    assert_int_equal(judge_facts(&facts).code, CAUSE_ICMP_UNREACHABLE);
}

/* Over a connection it is sent once, and who met that in its middle may see nothing of it. */
static void test_over_tcp(void **state)
{
    (void)state;
    mirror_works();
    struct unanswered_facts facts = facts_of(1);
    facts.transport = TRANSPORT_TCP;
    facts.sensors = read_path("q-* -->");
    assert_cause(judge_facts(&facts), CAUSE_LOST_BETWEEN_SENSORS, CONFIDENCE_MEDIUM);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_rows),           TEST(test_evidence), TEST(test_long_path),
        TEST(test_own_view_first), TEST(test_over_tcp),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
