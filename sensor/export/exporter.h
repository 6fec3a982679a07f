/*
 * exporter: events to Kafka and none lost. A thread takes them from the outbox, writes them to the
 * spool, and gives them to the producer; an event leaves the spool when its delivery is confirmed.
 *
 *     exporter_write ─► outbox ─► spool ─► producer ─► Kafka
 *      (correlator)     (shared    (disk)
 *                        memory)
 *
 * New events go out at once, but for those that would overtake an older one of their key that still
 * waits in the spool; what waits is given in order, beside them, and never takes all of the
 * producer's room. A disk that is full does not stop events while Kafka is there. Whatever is slow
 * or away outside, exporter_write returns at once, but where it may wait.
 */
#ifndef SIPSPAN_EXPORT_EXPORTER_H
#define SIPSPAN_EXPORT_EXPORTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "event/event.h"
#include "export/kafka_producer.h"
#include "spool/spool.h"

struct exporter;

struct exporter_params {
    const char *sensor_id;
    struct kafka_params kafka; /* without `settled` and its context */
    struct spool_params spool;
    uint64_t outbox_bytes;
    /* Whoever gives events reads a file: it can wait for room, up to 30 s, and after that not until
     * there is some again. */
    bool may_wait;
};

/*
 * Opens the outbox, in shared memory under a name that is the spool's, as whoever the process is
 * then. No thread, no connection yet. Everything that params points to must outlive it. NULL, and
 * error filled.
 */
struct exporter *exporter_open(const struct exporter_params *params, char *error, size_t len);
/*
 * Opens the spool and begins, as whoever the process is by now. False, and error filled: the spool
 * cannot be used, or a property of Kafka's is wrong.
 */
bool exporter_start(struct exporter *exporter, char *error, size_t len);
/*
 * At the end, when no more events come: waits up to timeout_ms until all is delivered, shows on
 * standard error that it does if that takes more than a second, ends the thread and says how many
 * events stay in the spool.
 */
void exporter_finish(struct exporter *exporter, int timeout_ms);
/* exporter_finish waits no longer. From any thread, and from a signal's handler. */
void exporter_hurry(struct exporter *exporter);
void exporter_close(struct exporter *exporter); /* NULL does nothing */

/* The thread that gives events. */
void exporter_write(struct exporter *exporter, const struct event *event);

/* From any thread, once it was started. */
struct exporter_stats {
    uint64_t delivered[EVENT_TYPE_COUNT]; /* confirmed by the broker */
    uint64_t failed[EVENT_TYPE_COUNT];    /* never taken up, or refused for good: lost */
    uint64_t queued_bytes;                /* outbox and spool */
    struct spool_stats spool; /* dropped_damaged: in the outbox and of other versions, too */
    struct kafka_stats kafka;
};
void exporter_stats(struct exporter *exporter, struct exporter_stats *out);

#endif
