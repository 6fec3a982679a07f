/*
 * rtcp_packet: the first octet says whether a snap length cut the datagram, and where it is cut in
 * any case: what is read of that must be how the whole begins.
 */
#include <stdlib.h>

#include "rtp/rtcp_packet.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { IS_TRUNCATED = 0x80, ITEMS_MAX = 512 };

struct outcome {
    bool accepted, is_padded;
    size_t count;
    struct rtcp_item item[ITEMS_MAX];
};

static void read_all(struct slice payload, bool is_truncated, struct outcome *out)
{
    struct rtcp_reader reader;
    struct rtcp_item item;
    memset(out, 0, sizeof *out);
    out->accepted = rtcp_reader_init(&reader, payload, is_truncated);
    if (!out->accepted)
        return;
    if (reader.packets.left > payload.len || (!is_truncated && reader.packets.left % 4 != 0))
        abort();
    out->is_padded = reader.packets.left < payload.len;
    for (size_t items = 0;; items++) {
        memset(&item, 0, sizeof item);
        if (!rtcp_reader_next(&reader, &item))
            break;
        /* The smallest takes a word: it could not end otherwise. */
        if (items >= payload.len / 4 || item.type > RTCP_XR_VOIP)
            abort();
        if (out->count < ITEMS_MAX)
            out->item[out->count++] = item;
    }
    if (rtcp_reader_next(&reader, &item))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct outcome whole, cut;
    if (size < 1)
        return 0;
    struct slice payload = slice_of((const char *)data + 1, size - 1);
    bool is_truncated = data[0] & IS_TRUNCATED;
    read_all(payload, is_truncated, &whole);

    /* What adds up, with no surplus behind it, also reads so if more may have followed. */
    read_all(payload, true, &cut);
    if (whole.accepted && payload.len % 4 == 0 &&
        (!cut.accepted || cut.count != whole.count ||
         memcmp(whole.item, cut.item, whole.count * sizeof whole.item[0]) != 0))
        abort();

    /* Where the cut took the padding away, nobody knows how much of the rest was padding. */
    read_all(slice_head(payload, (data[0] & ~IS_TRUNCATED) * 2), true, &cut);
    if (whole.accepted && cut.accepted && !whole.is_padded &&
        (cut.count > whole.count ||
         memcmp(whole.item, cut.item, cut.count * sizeof cut.item[0]) != 0))
        abort();
    return 0;
}
