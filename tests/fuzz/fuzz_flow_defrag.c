/*
 * defrag: the first octet says how much room there is, then each 8 octets are a fragment. What
 * comes out must be made of what went in, and everything must be counted.
 */
#include <stdlib.h>

#include "flow/defrag.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { RECORD = 8, LEN_MAX = 2048 };

/* Of the first octet of a record. */
enum { V6 = 1, MORE = 2, TRUNCATED = 4, CHANGED = 8, STEP = 16, ADVANCE = 32, ODD = 64 };

struct told {
    uint64_t count;
};

/* A changed octet is always another one. */
static char octet(size_t at, bool changed)
{
    return (char)((at * 7 + at / 251) << 1 | changed);
}

static void check_octets(struct slice payload)
{
    for (size_t i = 0; i < payload.len; i++)
        if (payload.at[i] != octet(i, false) && payload.at[i] != octet(i, true))
            abort();
}

static void on_incomplete(void *context, const struct defrag_incomplete *incomplete)
{
    struct told *told = context;
    told->count++;
    if (incomplete->first) {
        check_octets(incomplete->first->payload);
        if (incomplete->first->payload.len > incomplete->octets)
            abort();
    }
    if (incomplete->first_ns > incomplete->last_ns)
        abort();
}

static struct datagram make_fragment(const uint8_t *record, int64_t time_ns, char *octets)
{
    bool is_v6 = record[0] & V6;
    size_t offset = (size_t)(record[2] << 8 | record[3]) & 0xfff8;
    size_t len = (size_t)(record[4] << 8 | record[5]) % LEN_MAX;
    if (!(record[0] & ODD))
        len &= ~(size_t)7;
    for (size_t i = 0; i < len; i++)
        octets[i] = octet(offset + i, record[0] & CHANGED);
    return (struct datagram){
        .time_ns = time_ns,
        .src.ip = {.version = is_v6 ? 6 : 4, .octets = {record[1] >> 6}},
        .dst.ip = {.version = is_v6 ? 6 : 4, .octets = {record[1] >> 4 & 3}},
        .payload = slice_of(octets, len),
        .fragment = {record[1] & 3, (uint16_t)offset, record[0] & MORE},
        .protocol = record[1] >> 2 & 3,
        .truncated = record[0] & TRUNCATED,
    };
}

static void check_stats(const struct defrag *defrag, uint64_t added, const struct told *told)
{
    struct defrag_stats stats;
    defrag_stats(defrag, &stats);
    if (told->count != stats.evicted + stats.timed_out)
        abort();
    /* A fragment that made room by giving up its own datagram is none of these. */
    uint64_t counted = stats.fragments + stats.repeated + stats.refused + stats.overlapping;
    if (counted > added || counted + stats.evicted < added)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char octets[LEN_MAX];
    struct told told = {0};
    if (size < 1)
        return 0;
    bool is_small = data[0] & 1;
    size_t bytes_max = is_small ? 180000 : 1 << 20;
    struct defrag *defrag = defrag_create(&(struct defrag_params){
        .datagrams_max = data[0] & 2 ? 2 : 32,
        .bytes_max = bytes_max,
        .timeout_ns = 1000,
        .on_incomplete = on_incomplete,
        .context = &told,
    });
    if (!defrag)
        abort();
    int64_t now_ns = 0;
    uint64_t added = 0;
    for (const uint8_t *at = data + 1; at + RECORD <= data + size; at += RECORD) {
        struct datagram fragment = make_fragment(at, now_ns += at[6], octets);
        struct datagram first;
        struct slice payload;
        added++;
        if (defrag_add(defrag, &fragment, &first, &payload)) {
            check_octets(payload);
            if (payload.len > 65535 || (payload.len == 0 && !first.truncated) ||
                first.fragment.offset != 0 || first.time_ns != now_ns)
                abort();
        }
        if (at[0] & ADVANCE)
            defrag_advance(defrag, now_ns += at[7]);
        if (at[0] & STEP)
            defrag_clock_step(defrag, (int8_t)at[7]);
        check_stats(defrag, added, &told);
        struct defrag_stats stats;
        defrag_stats(defrag, &stats);
        if (stats.bytes > bytes_max || stats.waiting > 32)
            abort();
    }
    defrag_finish(defrag);
    check_stats(defrag, added, &told);
    struct defrag_stats stats;
    defrag_stats(defrag, &stats);
    if (stats.waiting != 0 || stats.bytes != 0)
        abort();
    defrag_destroy(defrag);
    return 0;
}
