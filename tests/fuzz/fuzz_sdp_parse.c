/* sdp_parse: every view must lie in the body, every number within its bound. */
#include <stdlib.h>

#include "sdp/sdp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void require_inside(struct slice body, struct slice s)
{
    require(s.len == 0 || (s.at >= body.at && s.len <= (size_t)(body.at + body.len - s.at)));
}

static void check_media(struct slice body, const struct sdp_media *m)
{
    require_inside(body, m->type);
    require_inside(body, m->proto);
    require_inside(body, m->mid);
    require_inside(body, m->address);
    require(m->direction <= SDP_SENDRECV && m->port_count >= 1 && m->ssrc_count <= SDP_SSRCS_MAX);
    require(m->payload_count <= SDP_PAYLOADS_MAX && (m->is_rtp || m->payload_count == 0));
    require(!(m->broken && m->disabled));
    for (unsigned i = 0; i < m->payload_count; i++) {
        const struct sdp_payload *p = &m->payload[i];
        require(p->type <= 127 && p->clock_hz <= 1000000 && p->channels >= 1);
        /* In the body, or a static type's name: each octet of it can be read. */
        require(slice_find(p->codec, '/') == p->codec.len);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct sdp sdp;
    struct slice body = slice_of((const char *)data, size);
    memset(&sdp, 0xa5, sizeof sdp);
    enum sdp_verdict verdict = sdp_parse(body, &sdp);
    require(sdp.media_count <= SDP_MEDIA_MAX && sdp.media_count <= sdp.media_seen);
    if (verdict != SDP_OK)
        return 0;
    require_inside(body, sdp.session_id);
    require_inside(body, sdp.session_version);
    require_inside(body, sdp.origin_address);
    require_inside(body, sdp.address);
    for (unsigned i = 0; i < sdp.media_count; i++)
        check_media(body, &sdp.media[i]);
    return 0;
}
