/* What one datagram of media is taken for: no octet outside is read, and the answers agree. The
 * first octet of the input says whether a snap length cut the rest. */
#include <stdlib.h>

#include "rtp/rtp_packet.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void check(struct slice payload, bool is_truncated)
{
    enum media_protocol protocol = media_protocol_of(payload, is_truncated);
    require(protocol < MEDIA_PROTOCOL_COUNT && media_protocol_name(protocol));
    bool looks_like = rtp_looks_like(payload);
    require(looks_like == (protocol == MEDIA_RTP));
    if (!rtp_is_plausible(payload, is_truncated))
        return;
    require(looks_like);
    /* What a snap length takes away makes nothing implausible. */
    for (size_t len = RTP_HEADER_LEN; len < payload.len; len++)
        require(rtp_is_plausible(slice_head(payload, len), true));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    /* A copy with nothing behind it, however the input was allocated. */
    char *copy = malloc(size);
    require(copy != NULL);
    memcpy(copy, data, size);
    struct slice payload = slice_of(copy + 1, size - 1);
    check(payload, copy[0] & 1);
    if (rtp_looks_like(payload)) {
        struct rtp_header header;
        rtp_header_read(payload, &header);
        require(header.payload_type < RTP_PAYLOAD_TYPES);
    }
    free(copy);
    return 0;
}
