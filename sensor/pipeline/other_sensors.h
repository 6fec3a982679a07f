/*
 * other_sensors: what this sensor tells others on the path of an INVITE, and hears from them: the
 * calls' words in those of sightings/sightings.h. Thread: the correlator's.
 */
#ifndef SIPSPAN_PIPELINE_OTHER_SENSORS_H
#define SIPSPAN_PIPELINE_OTHER_SENSORS_H

#include "pipeline/pipeline.h"

/* For struct calls_params; context: the pipeline, which has sightings. */
void other_sensors_tell(void *context, enum calls_word word, const struct calls_sighting *sighting);
void other_sensors_look(void *context, const struct calls_sighting *sighting,
                        struct sensors_facts *facts);

/* After each batch, or when there was none: how far this sensor is. Without sightings nothing, as
 * below. */
void other_sensors_time(struct pipeline *pipeline, bool has_packets);
/* Now and then: have packets been lost? */
void other_sensors_update(struct pipeline *pipeline);

#endif
