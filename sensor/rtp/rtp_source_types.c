#include "rtp/rtp_source_types.h"

#include <math.h>

enum {
    LEARN_EVERY = 50, /* packets */
    LEARN_LOOKS = 16, /* then it begins anew */
};

#define NS_PER_S 1e9

static void put_type_last(struct rtp_oddities *odd, unsigned at)
{
    uint8_t type = odd->type[at];
    uint32_t count = odd->type_count[at];
    for (; at + 1 < odd->types; at++) {
        odd->type[at] = odd->type[at + 1];
        odd->type_count[at] = odd->type_count[at + 1];
    }
    odd->type[at] = type;
    odd->type_count[at] = count;
}

void rtp_source_change_type(struct rtp_source *source, struct rtp_record *record,
                            uint8_t payload_type)
{
    struct rtp_oddities *odd = rtp_record_note(record);
    source->payload_type = payload_type;
    odd->type_count[odd->types - 1] += source->received - record->type_since;
    record->type_since = source->received;
    unsigned at = 0;
    while (at < odd->types && odd->type[at] != payload_type)
        at++;
    if (at == RTP_TYPES_MAX) {
        at = 0; /* the one that was not sent for longest makes room */
        odd->type_count[at] = 0;
    } else if (at == odd->types) {
        odd->type_count[at] = 0;
        odd->types++;
    }
    odd->type[at] = payload_type;
    put_type_last(odd, at);
}

unsigned rtp_source_types(const struct rtp_source *source, const struct rtp_record *record,
                          struct rtp_type_count types[static RTP_TYPES_MAX])
{
    const struct rtp_oddities *odd = record->odd;
    uint32_t latest = source->received - record->type_since;
    if (!odd) {
        types[0] = (struct rtp_type_count){record->type, latest};
        return 1;
    }
    unsigned last = odd->types - 1U;
    for (unsigned i = 0; i < last; i++)
        types[i] = (struct rtp_type_count){odd->type[i], odd->type_count[i]};
    types[last] = (struct rtp_type_count){odd->type[last], odd->type_count[last] + latest};
    return odd->types;
}

uint8_t rtp_source_main_type(const struct rtp_source *source, const struct rtp_record *record,
                             bool *is_mixed)
{
    struct rtp_type_count types[RTP_TYPES_MAX];
    unsigned count = rtp_source_types(source, record, types), best = count - 1, used = 0;
    for (unsigned i = 0; i < count; i++) {
        used += types[i].count > 0;
        if (types[i].count > types[best].count)
            best = i;
    }
    *is_mixed = used > 1;
    return types[best].type;
}

void rtp_source_learn_anew(const struct rtp_source *source, struct rtp_record *record,
                           const struct rtp_header *header, int64_t arrival_ns)
{
    struct rtp_oddities *odd = rtp_record_note(record);
    odd->learn_ns = arrival_ns;
    odd->learn_timestamp = header->timestamp;
    odd->learn_received = source->received;
}

uint32_t rtp_source_learn_clock(const struct rtp_source *source, struct rtp_record *record,
                                const struct rtp_header *header, int64_t arrival_ns)
{
    static const uint32_t rates[] = {8000, 16000, 24000, 32000, 44100, 48000, 90000};
    const struct rtp_oddities *odd = record->odd;
    uint32_t packets = source->received - (odd ? odd->learn_received : 1);
    if (packets == 0 || packets % LEARN_EVERY != 0)
        return 0;
    int64_t since_ns = odd ? odd->learn_ns : record->first_ns;
    uint32_t since_timestamp = odd ? odd->learn_timestamp : record->first_timestamp;
    double elapsed_s = (double)(arrival_ns - since_ns) / NS_PER_S;
    double ticks = (double)(int32_t)(header->timestamp - since_timestamp);
    for (unsigned i = 0; i < sizeof rates / sizeof rates[0]; i++)
        if (fabs(ticks - rates[i] * elapsed_s) <= 0.02 * rates[i] * elapsed_s)
            return rates[i];
    if (packets >= LEARN_EVERY * LEARN_LOOKS)
        rtp_source_learn_anew(source, record, header, arrival_ns);
    return 0;
}
