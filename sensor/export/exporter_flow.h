/*
 * exporter_flow: what the exporter's thread does: from the outbox into the spool, from both into
 * the producer, and what it learns of each back into the spool. Internal to exporter.
 *
 * - GIVING: new events go straight through, what waits in the spool beside them.
 * - DRAINING: a topic that was refused is to be tried again: nothing is given until nothing is on
 *   its way, then the spool's reader begins again with the oldest. What is still on its way after a
 *   few seconds, as for a partition without a leader, is taken back.
 * - RESTING: events failed. All that was on its way was taken back, and the reader began again;
 *   after a pause, which grows, it goes on.
 *
 * Thread: the exporter's, but for stats and is_empty.
 */
#ifndef SIPSPAN_EXPORT_EXPORTER_FLOW_H
#define SIPSPAN_EXPORT_EXPORTER_FLOW_H

#include <stdatomic.h>

#include "export/exporter.h"
#include "spool/outbox.h"

enum flow_state { FLOW_GIVING, FLOW_DRAINING, FLOW_RESTING };

/* A topic that was refused: its events are passed over until rest_ns. */
struct flow_family {
    bool is_resting;
    int64_t rest_ns, pause_ns;
};

struct exporter_flow {
    struct outbox *outbox;
    struct spool *spool;
    struct kafka_producer *producer;
    const char *spool_dir;

    enum flow_state state;
    int64_t rest_ns, pause_ns;
    int64_t drain_ns; /* no longer than to then */
    struct flow_family family[FAMILY_COUNT];
    bool must_take_back;   /* an event failed that may work later */
    bool must_begin_again; /* events were passed over that may go now */
    uint64_t on_its_way;   /* given to the producer, and not settled */

    uint64_t at;           /* in the outbox, of what was not appended yet */
    unsigned appended;     /* of the outbox, and not written yet */
    uint64_t first_number; /* of these, in the spool; 0: there is none */
    int64_t write_ns;      /* no write before, after one that failed */
    int64_t sync_ns;       /* of the next one */
    bool is_disk_failing;  /* said */
    bool is_losing;        /* said */
    uint64_t lost_seen;
    int64_t lost_ns; /* when the latest loss was seen */

    _Atomic uint64_t lost; /* the outbox had no room; whoever gives events counts */
    _Atomic uint64_t delivered[EVENT_TYPE_COUNT], failed[EVENT_TYPE_COUNT];
    _Atomic uint64_t unreadable; /* in the outbox or the spool, and lost */
};

bool exporter_flow_init(struct exporter_flow *flow, const struct exporter_params *params,
                        struct outbox *outbox, char *error, size_t len);
void exporter_flow_fini(struct exporter_flow *flow);

/* One round; sleeps a little if there is nothing to do. */
void exporter_flow_step(struct exporter_flow *flow);
/* The last: nothing is given any more, what is still in the outbox goes to the spool, and what
 * stays there is said. */
void exporter_flow_finish(struct exporter_flow *flow);

/* Nothing waits in the spool. From any thread. */
bool exporter_flow_is_empty(struct exporter_flow *flow);
/* Without what is the outbox's. From any thread. */
void exporter_flow_stats(struct exporter_flow *flow, struct exporter_stats *out);

#endif
