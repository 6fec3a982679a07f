#include "verdict/mirror.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "event/event_id.h"
#include "verdict/mirror_rules.h"

/* Two links of one mirror differ by less. */
#define LATE_NS INT64_C(1000000)
/* Told again only after it was under this share of its threshold. */
#define RECOVERED 0.8

struct mirror {
    char *sensor_id;
    event_receiver receive;
    void *context;

    struct mirror_figures total; /* without the conversations and what `window` counts */
    struct mirror_port port[MIRROR_PORTS_MAX];
    uint32_t port_key[MIRROR_PORTS_MAX]; /* interface and VLAN: read without the counters */
    unsigned ports;
    uint32_t last_key;
    struct mirror_port *last_port; /* of last_key; NULL: none yet */

    struct mirror_window window;
    int64_t first_ns; /* EVENT_NO_TIME: no packet yet */
    int64_t start_ns, end_ns;
    bool is_over[MIRROR_PROBLEM_COUNT];
    int64_t disordered_ns; /* end of the latest window with packets out of order */
    int64_t lost_ns; /* when many flows missed packets together, or the sensor lost some, last */
    struct mirror_loss loss;
};

struct mirror *mirror_create(const char *sensor_id, event_receiver receive, void *context)
{
    struct mirror *mirror = calloc(1, sizeof *mirror);
    if (!mirror)
        return NULL;
    mirror->sensor_id = strdup(sensor_id);
    if (!mirror->sensor_id) {
        free(mirror);
        return NULL;
    }
    mirror->receive = receive;
    mirror->context = context;
    mirror->first_ns = mirror->lost_ns = mirror->disordered_ns = EVENT_NO_TIME;
    mirror->loss.number = 1;
    mirror->loss.factor = hash_key_random().k0 | 1;
    return mirror;
}

void mirror_destroy(struct mirror *mirror)
{
    if (mirror)
        free(mirror->sensor_id);
    free(mirror);
}

static int64_t add_time(int64_t time_ns, int64_t more_ns)
{
    int64_t sum;
    return __builtin_add_overflow(time_ns, more_ns, &sum) ? time_ns : sum;
}

/* The window that time_ns is in, counted from the first packet. */
static void begin_window(struct mirror *mirror, int64_t time_ns)
{
    if (mirror->first_ns == EVENT_NO_TIME)
        mirror->first_ns = mirror->start_ns = mirror->end_ns = time_ns;
    int64_t quiet_ns;
    if (!__builtin_sub_overflow(time_ns, mirror->start_ns, &quiet_ns) && quiet_ns > 0)
        mirror->start_ns += quiet_ns / MIRROR_WINDOW_NS * MIRROR_WINDOW_NS;
    mirror->end_ns = add_time(mirror->start_ns, MIRROR_WINDOW_NS);
}

static __attribute__((noinline)) void count_late(struct mirror *mirror, int64_t time_ns,
                                                 int64_t latest_ns)
{
    int64_t behind_ns;
    if (__builtin_sub_overflow(latest_ns, time_ns, &behind_ns))
        return;
    mirror->total.behind++;
    if (behind_ns > mirror->total.behind_max_ns)
        mirror->total.behind_max_ns = behind_ns;
    mirror->window.late += behind_ns > LATE_NS;
    if (behind_ns > mirror->window.late_max_ns)
        mirror->window.late_max_ns = behind_ns;
}

void mirror_stamp(struct mirror *mirror, int64_t time_ns, int64_t latest_ns)
{
    if (mirror->window.stamps++ == 0)
        begin_window(mirror, latest_ns);
    if (time_ns < latest_ns)
        count_late(mirror, time_ns, latest_ns);
}

static struct mirror_port *add_port(struct mirror *mirror, uint32_t key)
{
    mirror->port_key[mirror->ports] = key;
    struct mirror_port *port = &mirror->port[mirror->ports++];
    *port = (struct mirror_port){.interface = (uint16_t)(key >> 16), .vlan = (uint16_t)key};
    return port;
}

/* NULL: too many. */
static __attribute__((noinline)) struct mirror_port *find_port(struct mirror *mirror, uint32_t key)
{
    unsigned i = 0;
    while (i < mirror->ports && mirror->port_key[i] != key)
        i++;
    if (i == MIRROR_PORTS_MAX)
        return NULL;
    mirror->last_key = key;
    mirror->last_port = i < mirror->ports ? &mirror->port[i] : add_port(mirror, key);
    return mirror->last_port;
}

/* Their port; NULL: one of too many. */
static inline struct mirror_port *count_packets(struct mirror *mirror, uint16_t interface,
                                                uint16_t vlan, unsigned count)
{
    uint32_t key = (uint32_t)interface << 16 | vlan;
    bool is_last = mirror->last_port && mirror->last_key == key;
    struct mirror_port *port = is_last ? mirror->last_port : find_port(mirror, key);
    mirror->window.packets += count;
    *(port ? &port->packets : &mirror->total.other_ports_packets) += count;
    return port;
}

void mirror_packets(struct mirror *mirror, uint16_t interface, unsigned count)
{
    mirror->window.stamps += count;
    (void)count_packets(mirror, interface, MIRROR_NO_VLAN, count);
}

void mirror_packet(struct mirror *mirror, unsigned copy_kind, uint16_t interface, uint16_t vlan,
                   bool is_truncated)
{
    bool is_copy = copy_kind >= 1 && copy_kind <= MIRROR_COPY_KINDS;
    struct mirror_port *port = count_packets(mirror, interface, vlan, 1);
    if (is_truncated)
        mirror->window.truncated++;
    if (is_copy) {
        mirror->total.copies[copy_kind - 1]++;
        *(port ? &port->copies : &mirror->total.other_ports_copies) += 1;
    }
}

void mirror_flow(struct mirror *mirror, uint32_t flow, bool has_hole, bool is_tcp, int64_t now_ns)
{
    if (has_hole)
        *(is_tcp ? &mirror->total.tcp_holes : &mirror->total.rtp_holes) += 1;
    unsigned shared = mirror->loss.shared;
    mirror_loss_add(&mirror->loss, flow, has_hole, is_tcp,
                    now_ns > mirror->start_ns ? now_ns - mirror->start_ns : 0);
    if (mirror->loss.shared != shared)
        mirror->lost_ns = now_ns;
}

void mirror_sensor_lost(struct mirror *mirror, int64_t now_ns)
{
    mirror->window.sensor_lost = true;
    mirror->lost_ns = now_ns;
}

bool mirror_lost_since(const struct mirror *mirror, int64_t since_ns)
{
    return mirror->lost_ns != EVENT_NO_TIME && mirror->lost_ns >= since_ns;
}

bool mirror_disordered_since(const struct mirror *mirror, int64_t since_ns)
{
    struct mirror_degraded degraded = {0};
    return mirror->is_over[MIRROR_DISORDER] ||
           (mirror->disordered_ns != EVENT_NO_TIME && mirror->disordered_ns >= since_ns) ||
           (mirror_rules_judge(&mirror->window, MIRROR_DISORDER, &degraded) &&
            degraded.value > degraded.threshold);
}

int64_t mirror_due_ns(const struct mirror *mirror)
{
    return mirror->window.stamps > 0 ? mirror->end_ns : INT64_MAX;
}

/* What it says of the conversations holds since the first packet; of the rest, in this window. */
static void tell(struct mirror *mirror, struct event *event)
{
    struct mirror_degraded *degraded = &event->mirror_degraded;
    degraded->since_ns = degraded->problem == MIRROR_ONE_WAY ? mirror->first_ns : mirror->start_ns;
    const struct event_id_part parts[] = {
        event_id_text(slice_str(mirror->sensor_id)),
        event_id_text(slice_str(event_type_name(event->type))),
        event_id_text(slice_str(mirror_problem_name(degraded->problem))),
        {&mirror->start_ns, sizeof mirror->start_ns},
    };
    event_set_id(event, parts, sizeof parts / sizeof parts[0]);
    mirror->total.told[degraded->problem]++;
    mirror->receive(mirror->context, event);
}

static void judge(struct mirror *mirror, const struct peers *peers, int64_t now_ns)
{
    mirror_loss_end(&mirror->loss);
    if (!mirror->window.sensor_lost)
        mirror->total.shared_losses += mirror->loss.shared;
    mirror->window.loss = &mirror->loss;
    mirror->window.conversations = &peers->conversations;
    for (int problem = 0; problem < MIRROR_PROBLEM_COUNT; problem++) {
        struct event event = {.type = EVENT_MIRROR_DEGRADED, .time_ns = now_ns};
        struct mirror_degraded *degraded = &event.mirror_degraded;
        if (!mirror_rules_judge(&mirror->window, (enum mirror_problem)problem, degraded))
            continue;
        if (degraded->value > degraded->threshold && !mirror->is_over[problem]) {
            mirror->is_over[problem] = true;
            tell(mirror, &event);
        } else if (degraded->value < RECOVERED * degraded->threshold) {
            mirror->is_over[problem] = false;
        }
    }
    if (mirror->is_over[MIRROR_DISORDER])
        mirror->disordered_ns = now_ns;
    mirror->total.packets += mirror->window.packets;
    mirror->total.truncated += mirror->window.truncated;
    mirror->window = (struct mirror_window){0};
    mirror_loss_begin(&mirror->loss);
}

void mirror_advance(struct mirror *mirror, const struct peers *peers, int64_t now_ns)
{
    if (now_ns >= mirror_due_ns(mirror))
        judge(mirror, peers, mirror->end_ns);
}

void mirror_finish(struct mirror *mirror, const struct peers *peers, int64_t now_ns)
{
    mirror_advance(mirror, peers, now_ns);
    if (mirror->window.stamps > 0)
        judge(mirror, peers, now_ns);
}

void mirror_clock_step(struct mirror *mirror, int64_t step_ns)
{
    if (mirror->first_ns == EVENT_NO_TIME)
        return;
    mirror->first_ns = add_time(mirror->first_ns, step_ns);
    mirror->start_ns = add_time(mirror->start_ns, step_ns);
    mirror->end_ns = add_time(mirror->start_ns, MIRROR_WINDOW_NS);
    if (mirror->lost_ns != EVENT_NO_TIME)
        mirror->lost_ns = add_time(mirror->lost_ns, step_ns);
    if (mirror->disordered_ns != EVENT_NO_TIME)
        mirror->disordered_ns = add_time(mirror->disordered_ns, step_ns);
}

void mirror_figures(const struct mirror *mirror, const struct peers *peers,
                    struct mirror_figures *figures)
{
    *figures = mirror->total;
    figures->packets += mirror->window.packets;
    figures->truncated += mirror->window.truncated;
    figures->conversations = peers->conversations.pairs;
    figures->conversations_one_way = peers->conversations.one_way;
    figures->conversations_proven = peers->conversations.proven;
}

/* Of two with as many, the lower interface and VLAN. */
static int compare_ports(const void *a, const void *b)
{
    const struct mirror_port *x = a, *y = b;
    if (x->packets != y->packets)
        return x->packets > y->packets ? -1 : 1;
    if (x->interface != y->interface)
        return x->interface < y->interface ? -1 : 1;
    return (x->vlan > y->vlan) - (x->vlan < y->vlan);
}

size_t mirror_ports(const struct mirror *mirror, struct mirror_port *port, size_t max)
{
    struct mirror_port sorted[MIRROR_PORTS_MAX];
    memcpy(sorted, mirror->port, sizeof sorted);
    qsort(sorted, mirror->ports, sizeof *sorted, compare_ports);
    size_t count = mirror->ports < max ? mirror->ports : max;
    memcpy(port, sorted, count * sizeof *port);
    return count;
}
