/*
 * outlets: all that leaves this program, as the configuration asks for it: events to a file and to
 * Kafka, SIP to Homer, sightings to other sensors. For main alone, which knows the whole
 * configuration.
 */
#ifndef SIPSPAN_OUTLETS_H
#define SIPSPAN_OUTLETS_H

#include <stdbool.h>

#include "config/config.h"
#include "export/exporter.h"
#include "export/hep_sender.h"
#include "sightings/sightings.h"
#include "export/sink_file.h"
#include "pipeline/hep_feed.h"

/* NULL: not asked for. */
struct outlets {
    struct sink_file *file;
    struct exporter *exporter;
    struct hep_sender *hep_sender;
    struct hep_feed *hep_feed;
    struct sightings *sightings;
};

/*
 * Both return 0, or -errno with what is wrong in `error`. Everything of config that they use must
 * outlive them; what was opened is closed by outlets_close in every case.
 */
/* What may need the privileges that are given up next; no thread yet. */
int outlets_open(struct outlets *outlets, const struct config *config, bool is_live, char *error,
                 size_t len);
/* The rest, with its threads. */
int outlets_start(struct outlets *outlets, const struct config *config, bool is_live, char *error,
                  size_t len);

/* At the end: waits for what is still on its way, as long as config says. */
void outlets_finish(struct outlets *outlets, const struct config *config);
/* From a signal handler: outlets_finish does not wait any longer. */
void outlets_hurry(struct outlets *outlets);
void outlets_close(struct outlets *outlets);

/* Were events lost, that could not be written or delivered? */
bool outlets_have_lost(const struct outlets *outlets);

#endif
