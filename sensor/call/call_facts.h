/*
 * call_facts: gathers all that is known of an INVITE that nothing has answered, for the verdict.
 * Internal to the folder.
 */
#ifndef SIPSPAN_CALL_CALL_FACTS_H
#define SIPSPAN_CALL_CALL_FACTS_H

#include "call/calls.h"

/* Everything but src, dst and sensors. The slices live as long as the findings. */
void call_facts_read(const struct calls *calls, const struct transaction *transaction,
                     const struct findings *findings, int64_t now_ns,
                     struct unanswered_facts *facts);

/* As the other sensors know it. */
struct calls_sighting call_facts_sighting(const struct transaction *transaction,
                                          const struct findings *findings, int64_t now_ns);
/* What they said of it. */
void call_facts_read_sensors(const struct calls *calls, const struct transaction *transaction,
                             const struct findings *findings, int64_t now_ns,
                             struct sensors_facts *facts);

/* May it have come in pieces, of fragments or of a stream? Then it is seen whole at one place only.
 */
bool call_facts_is_in_pieces(const struct transaction *transaction);

#endif
