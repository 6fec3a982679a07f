/*
 * kafka_note: a message's number, family and type as the one pointer that librdkafka keeps with it.
 * Internal to kafka_producer.
 */
#ifndef SIPSPAN_EXPORT_KAFKA_NOTE_H
#define SIPSPAN_EXPORT_KAFKA_NOTE_H

#include <string.h>

#include "export/kafka_producer.h"

enum { KAFKA_NOTE_NUMBER_BITS = 48, KAFKA_NOTE_TYPE_BITS = 8 };

_Static_assert(sizeof(void *) == sizeof(uint64_t), "a pointer holds 64 bits");
_Static_assert(EVENT_TYPE_COUNT < 1 << KAFKA_NOTE_TYPE_BITS, "types fit");

static inline void *kafka_note_pack(uint64_t number, enum event_family family, enum event_type type)
{
    uint64_t word = number | (uint64_t)type << KAFKA_NOTE_NUMBER_BITS |
                    (uint64_t)family << (KAFKA_NOTE_NUMBER_BITS + KAFKA_NOTE_TYPE_BITS);
    void *packed;
    memcpy(&packed, &word, sizeof packed);
    return packed;
}

/* Without a result. */
static inline struct kafka_settled kafka_note_unpack(const void *packed)
{
    uint64_t word;
    memcpy(&word, &packed, sizeof word);
    return (struct kafka_settled){
        .number = word & ((UINT64_C(1) << KAFKA_NOTE_NUMBER_BITS) - 1),
        .type =
            (enum event_type)(word >> KAFKA_NOTE_NUMBER_BITS & ((1U << KAFKA_NOTE_TYPE_BITS) - 1)),
        .family = (enum event_family)(word >> (KAFKA_NOTE_NUMBER_BITS + KAFKA_NOTE_TYPE_BITS)),
    };
}

#endif
