#include "export/exporter_flow.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "base/log.h"
#include "export/event_record.h"

enum {
    NEW_BATCH = 512,      /* records of one round */
    WAITING_BATCH = 2048, /* the same, most of which may be passed over */
    BUSY_WAIT_MS = 10,
    IDLE_WAIT_MS = 100,
};

#define MILLISECOND_NS  INT64_C(1000000)
#define SECOND_NS       INT64_C(1000000000)
#define PAUSE_MIN_NS    (100 * MILLISECOND_NS)
#define PAUSE_MAX_NS    (10 * SECOND_NS)
#define TOPIC_PAUSE_MIN (5 * SECOND_NS)
#define TOPIC_PAUSE_MAX (60 * SECOND_NS)
#define DRAIN_MAX_NS    (3 * SECOND_NS)
#define LOSS_IS_OVER_NS (10 * SECOND_NS)

static int64_t now_ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * SECOND_NS + ts.tv_nsec;
}

/* From the least to the most, twice as long each time. */
static int64_t next_pause(int64_t pause_ns, int64_t least_ns, int64_t most_ns)
{
    pause_ns *= 2;
    return pause_ns < least_ns ? least_ns : pause_ns > most_ns ? most_ns : pause_ns;
}

/* --- what became of an event */

static void count(_Atomic uint64_t *counts, enum event_type type)
{
    if (type < EVENT_TYPE_COUNT) /* a later version's spool may hold more */
        atomic_fetch_add_explicit(&counts[type], 1, memory_order_relaxed);
}

static void on_settled(void *context, const struct kafka_settled *what)
{
    struct exporter_flow *flow = context;
    struct flow_family *family = &flow->family[what->family];
    flow->on_its_way--;
    switch (what->result) {
    case KAFKA_DELIVERED:
        count(flow->delivered, what->type);
        spool_confirm(flow->spool, what->number);
        flow->pause_ns = family->pause_ns = 0;
        break;
    case KAFKA_NEVER:
        count(flow->failed, what->type);
        spool_confirm(flow->spool, what->number);
        break;
    case KAFKA_TOPIC_REFUSED:
        if (family->is_resting)
            break;
        family->is_resting = true;
        family->pause_ns = next_pause(family->pause_ns, TOPIC_PAUSE_MIN, TOPIC_PAUSE_MAX);
        family->rest_ns = now_ns() + family->pause_ns;
        break;
    case KAFKA_RETRY:
        flow->must_take_back = true;
        break;
    }
}

/* --- its states */

/* Others of a key may have gone on past the one that failed: all come back, and go in order. */
static void take_back(struct exporter_flow *flow)
{
    kafka_producer_purge(flow->producer);
    flow->must_take_back = false;
    flow->on_its_way = 0;
    spool_rewind(flow->spool);
    flow->must_begin_again = false;
    flow->pause_ns = next_pause(flow->pause_ns, PAUSE_MIN_NS, PAUSE_MAX_NS);
    flow->rest_ns = now_ns() + flow->pause_ns;
    flow->state = FLOW_RESTING;
}

static void look_at_families(struct exporter_flow *flow, int64_t now)
{
    for (int i = 0; i < FAMILY_COUNT; i++) {
        struct flow_family *family = &flow->family[i];
        if (!family->is_resting || now < family->rest_ns)
            continue;
        family->is_resting = false;
        flow->must_begin_again = true;
    }
}

static void update_state(struct exporter_flow *flow, int64_t now)
{
    if (flow->must_take_back)
        take_back(flow);
    look_at_families(flow, now);
    if (flow->state == FLOW_RESTING && now >= flow->rest_ns)
        flow->state = FLOW_GIVING;
    if (flow->state == FLOW_GIVING && flow->must_begin_again) {
        flow->state = FLOW_DRAINING;
        flow->drain_ns = now + DRAIN_MAX_NS;
    }
    if (flow->state == FLOW_DRAINING && flow->on_its_way == 0) {
        spool_rewind(flow->spool);
        flow->must_begin_again = false;
        flow->state = FLOW_GIVING;
    }
    if (flow->state == FLOW_DRAINING && now >= flow->drain_ns)
        take_back(flow);
}

/* --- giving */

static bool give(struct exporter_flow *flow, const struct event_record *record, uint64_t number)
{
    flow->on_its_way++;
    if (kafka_producer_put(flow->producer, record, number))
        return true;
    flow->on_its_way--;
    return false;
}

/* The outbox's next record goes to the spool and, if nothing speaks against it, out. False: the
 * spool does not take it now. */
static bool take_one(struct exporter_flow *flow, struct slice octets)
{
    struct event_record record;
    if (!event_record_read(octets, &record)) {
        log_limited(LOG_LEVEL_ERROR, "an event in shared memory cannot be read: it is lost");
        atomic_fetch_add_explicit(&flow->unreadable, 1, memory_order_relaxed);
        return true;
    }
    uint64_t hash = spool_key_hash(record.key);
    bool is_behind = spool_is_behind(flow->spool, hash);
    uint64_t number = spool_append(flow->spool, octets, hash);
    if (number == 0)
        return false;
    if (flow->first_number == 0)
        flow->first_number = number;
    if (flow->state == FLOW_GIVING && !flow->family[record.family].is_resting && !is_behind &&
        give(flow, &record, number))
        spool_given(flow->spool, number);
    return true;
}

static void note_disk(struct exporter_flow *flow, bool is_well)
{
    if (!is_well && !flow->is_disk_failing)
        log_error("%s: events go to Kafka without the spool; what Kafka does not take at once may "
                  "be lost",
                  spool_error(flow->spool));
    else if (is_well && flow->is_disk_failing)
        log_info("%s: the spool can be written again", flow->spool_dir);
    flow->is_disk_failing = !is_well;
}

/* What the kernel has of the spool, or Kafka has, the outbox need not keep. */
static void write_spool(struct exporter_flow *flow)
{
    bool is_written = spool_write(flow->spool);
    note_disk(flow, is_written);
    if (!is_written || flow->appended == 0)
        return;
    outbox_take(flow->outbox, flow->appended);
    flow->appended = 0;
    flow->first_number = 0;
    flow->at = 0;
}

/* True: there was one. */
static bool take_new(struct exporter_flow *flow)
{
    struct slice octets;
    unsigned taken = 0;
    uint64_t before = flow->at;
    while (taken < NEW_BATCH && outbox_peek_on(flow->outbox, &flow->at, &octets)) {
        if (!take_one(flow, octets)) {
            flow->at = before;
            break;
        }
        before = flow->at;
        flow->appended++;
        taken++;
    }
    if (taken > 0 || flow->appended > 0 || flow->is_disk_failing)
        write_spool(flow);
    return taken > 0;
}

/* What waits in the spool, in order. True: there was something. */
static bool give_waiting(struct exporter_flow *flow)
{
    struct spool_record waiting;
    struct event_record record;
    unsigned given = 0;
    while (flow->state == FLOW_GIVING && given < WAITING_BATCH &&
           !kafka_producer_is_busy(flow->producer) && spool_next(flow->spool, &waiting)) {
        if (!event_record_read(waiting.octets, &record)) {
            log_limited(LOG_LEVEL_ERROR, "%s: an event is of no version that is known: it is lost",
                        flow->spool_dir);
            atomic_fetch_add_explicit(&flow->unreadable, 1, memory_order_relaxed);
            spool_confirm(flow->spool, waiting.number);
        } else if (!flow->family[record.family].is_resting &&
                   !give(flow, &record, waiting.number)) {
            spool_unread(flow->spool);
            break;
        }
        given++;
    }
    return given > 0;
}

/* --- what is done each second */

/* What the spool drops, it says itself. */
static void look_for_losses(struct exporter_flow *flow, int64_t now)
{
    uint64_t lost = atomic_load_explicit(&flow->lost, memory_order_relaxed);
    if (lost > flow->lost_seen) {
        flow->lost_ns = now;
        if (!flow->is_losing)
            log_error("events are lost: neither Kafka nor the spool takes them as fast as they "
                      "come");
        flow->is_losing = true;
    } else if (flow->is_losing && now - flow->lost_ns > LOSS_IS_OVER_NS) {
        log_info("no more events are lost; %" PRIu64 " were, since the start", lost);
        flow->is_losing = false;
    }
    flow->lost_seen = lost;
}

static void each_second(struct exporter_flow *flow, int64_t now)
{
    if (now < flow->sync_ns)
        return;
    flow->sync_ns = now + SECOND_NS;
    if (!spool_sync(flow->spool))
        note_disk(flow, false);
    look_for_losses(flow, now);
}

/* --- its life */

bool exporter_flow_init(struct exporter_flow *flow, const struct exporter_params *params,
                        struct outbox *outbox, char *error, size_t len)
{
    struct kafka_params kafka = params->kafka;
    flow->outbox = outbox;
    flow->spool_dir = params->spool.dir;
    kafka.settled = on_settled;
    kafka.context = flow;
    flow->spool = spool_open(&params->spool, error, len);
    if (!flow->spool)
        return false;
    flow->producer = kafka_producer_create(&kafka, error, len);
    return flow->producer != NULL;
}

void exporter_flow_fini(struct exporter_flow *flow)
{
    kafka_producer_destroy(flow->producer);
    spool_close(flow->spool);
    flow->producer = NULL;
    flow->spool = NULL;
}

void exporter_flow_step(struct exporter_flow *flow)
{
    int64_t now = now_ns();
    update_state(flow, now);
    bool is_busy = take_new(flow);
    is_busy |= give_waiting(flow);
    each_second(flow, now);
    if (is_busy) {
        kafka_producer_poll(flow->producer, 0);
    } else if (flow->on_its_way > 0 || flow->state != FLOW_GIVING || flow->is_disk_failing ||
               flow->appended > 0) {
        kafka_producer_poll(flow->producer, BUSY_WAIT_MS);
    } else {
        outbox_wait(flow->outbox, IDLE_WAIT_MS);
        kafka_producer_poll(flow->producer, 0);
    }
}

/*
 * What is still in the outbox ends with the process, but for what Kafka has already. Returns how
 * many of these the spool has, and could not write.
 */
static uint64_t count_left(struct exporter_flow *flow)
{
    struct slice octets;
    struct event_record record;
    uint64_t at = 0, number = flow->first_number, lost = 0, unwritten = 0;
    for (unsigned i = 0; outbox_peek_on(flow->outbox, &at, &octets); i++) {
        bool is_appended = i < flow->appended;
        if (!event_record_read(octets, &record) ||
            (is_appended && spool_is_done(flow->spool, number++)))
            continue;
        count(flow->failed, record.type);
        lost++;
        unwritten += is_appended;
    }
    if (lost > 0)
        log_error("%s: the latest %" PRIu64 " events are lost", spool_error(flow->spool), lost);
    return unwritten;
}

void exporter_flow_finish(struct exporter_flow *flow)
{
    struct outbox_stats outbox;
    struct spool_stats spool;
    kafka_producer_stop(flow->producer);
    spool_rewind(flow->spool);
    while (take_new(flow))
        continue;
    spool_sync(flow->spool);
    outbox_stats(flow->outbox, &outbox);
    spool_stats(flow->spool, &spool);
    if (!outbox_is_shared(flow->outbox))
        spool.records -= count_left(flow);
    else if (outbox.queued_bytes > 0)
        log_error("%s: the latest events stay in shared memory, until the machine restarts",
                  spool_error(flow->spool));
    if (spool.records > 0)
        log_warning("%" PRIu64 " events for Kafka stay in %s until the next start", spool.records,
                    flow->spool_dir);
}

bool exporter_flow_is_empty(struct exporter_flow *flow)
{
    struct spool_stats spool;
    spool_stats(flow->spool, &spool);
    return spool.records == 0;
}

void exporter_flow_stats(struct exporter_flow *flow, struct exporter_stats *out)
{
    *out = (struct exporter_stats){.queued_bytes = 0};
    for (int type = 0; type < EVENT_TYPE_COUNT; type++) {
        out->delivered[type] = atomic_load_explicit(&flow->delivered[type], memory_order_relaxed);
        out->failed[type] = atomic_load_explicit(&flow->failed[type], memory_order_relaxed);
    }
    spool_stats(flow->spool, &out->spool);
    out->spool.dropped_damaged += atomic_load_explicit(&flow->unreadable, memory_order_relaxed);
    kafka_producer_stats(flow->producer, &out->kafka);
}
