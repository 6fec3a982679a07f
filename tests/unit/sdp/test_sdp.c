/* sdp: what the RFCs write, what the field writes, and what an attacker writes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "sdp/sdp.h"

/* The body, in memory exactly as large as it is, for as long as a test looks at the views into it.
 */
struct parsed {
    char *body;
    struct sdp *sdp;
};

static int setup(void **state)
{
    struct parsed *p = calloc(1, sizeof *p);
    assert_non_null(p);
    p->sdp = malloc(sizeof *p->sdp);
    assert_non_null(p->sdp);
    *state = p;
    return 0;
}

static int teardown(void **state)
{
    struct parsed *p = *state;
    free(p->body);
    free(p->sdp);
    free(p);
    return 0;
}

static enum sdp_verdict parse_octets(void **state, const char *text, size_t len)
{
    struct parsed *p = *state;
    free(p->body);
    p->body = malloc(len > 0 ? len : 1);
    assert_non_null(p->body);
    memcpy(p->body, text, len);
    memset(p->sdp, 0xa5, sizeof *p->sdp);
    return sdp_parse(slice_of(p->body, len), p->sdp);
}

static const struct sdp *parse(void **state, const char *text)
{
    assert_int_equal(parse_octets(state, text, strlen(text)), SDP_OK);
    return ((struct parsed *)*state)->sdp;
}

#define HEAD "v=0\r\no=- 123 456 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n"

static void assert_slice(struct slice s, const char *text)
{
    if (!slice_eq(s, slice_str(text)))
        fail_msg("\"%.*s\" is not \"%s\"", SLICE_ARGS(s), text);
}

static void assert_endpoint(const struct endpoint *e, const char *text)
{
    char buf[ENDPOINT_TEXT_MAX];
    assert_string_equal(endpoint_format(e, buf), text);
}

static void assert_payload(const struct sdp_payload *p, unsigned type, const char *codec,
                           unsigned clock_hz, unsigned channels)
{
    assert_int_equal(p->type, type);
    assert_slice(p->codec, codec);
    assert_int_equal(p->clock_hz, clock_hz);
    assert_int_equal(p->channels, channels);
}

static void test_usual_offer(void **state)
{
    const struct sdp *sdp = parse(state, "v=0\r\n"
                                         "o=alice 2890844526 2890842807 IN IP4 192.0.2.5\r\n"
                                         "s= \r\n"
                                         "c=IN IP4 192.0.2.7\r\n"
                                         "t=0 0\r\n"
                                         "m=audio 49170 RTP/AVP 8 0 96 101 13\r\n"
                                         "a=rtpmap:8 PCMA/8000\r\n"
                                         "a=rtpmap:96 opus/48000/2\r\n"
                                         "a=fmtp:96 useinbandfec=1\r\n"
                                         "a=rtpmap:101 telephone-event/8000\r\n"
                                         "a=fmtp:101 0-16\r\n"
                                         "a=ptime:20\r\n"
                                         "a=maxptime:150\r\n"
                                         "a=sendrecv\r\n");
    assert_int_equal(sdp->defects, 0);
    assert_slice(sdp->session_id, "2890844526");
    assert_slice(sdp->session_version, "2890842807");
    assert_slice(sdp->origin_address, "192.0.2.5");
    assert_slice(sdp->address, "192.0.2.7");
    assert_int_equal(sdp->media_count, 1);
    assert_int_equal(sdp->media_seen, 1);
    const struct sdp_media *m = &sdp->media[0];
    assert_slice(m->type, "audio");
    assert_slice(m->proto, "RTP/AVP");
    assert_slice(m->address, "192.0.2.7");
    assert_slice(m->mid, "");
    assert_endpoint(&m->rtp, "192.0.2.7:49170");
    assert_endpoint(&m->rtcp, "192.0.2.7:49171");
    assert_int_equal(m->port_count, 1);
    assert_int_equal(m->ptime_ms, 20);
    assert_int_equal(m->maxptime_ms, 150);
    assert_int_equal(m->direction, SDP_SENDRECV);
    assert_true(m->is_rtp);
    assert_false(m->broken || m->disabled || m->secure || m->ice || m->zero_address || m->rtcp_mux);
    assert_int_equal(m->payload_count, 5);
    assert_payload(&m->payload[0], 8, "PCMA", 8000, 1);
    assert_payload(&m->payload[1], 0, "PCMU", 8000, 1); /* without an rtpmap */
    assert_payload(&m->payload[2], 96, "opus", 48000, 2);
    assert_payload(&m->payload[3], 101, "telephone-event", 8000, 1);
    assert_payload(&m->payload[4], 13, "CN", 8000, 1);
    for (unsigned i = 0; i < 5; i++) {
        assert_int_equal(m->payload[i].telephone_event, i == 3);
        assert_int_equal(m->payload[i].comfort_noise, i == 4);
    }
}

static void test_media_sections(void **state)
{
    const struct sdp *sdp = parse(state, HEAD "a=inactive\r\n"
                                              "m=audio 5000 RTP/AVP 0\r\n"
                                              "m=video 6000/2 RTP/AVPF 99\r\n"
                                              "c=IN IP6 2001:db8::7\r\n"
                                              "a=recvonly\r\n"
                                              "a=rtpmap:99 H264/90000\r\n"
                                              "a=rtcp:7000\r\n"
                                              "a=mid:v1\r\n"
                                              "m=image 0 udptl t38\r\n"
                                              "m=audio 8000 RTP/AVP 0\r\n"
                                              "a=rtcp:53020 IN IP4 198.51.100.4\r\n"
                                              "a=rtcp-mux\r\n");
    assert_int_equal(sdp->defects, 0);
    assert_int_equal(sdp->media_count, 4);
    assert_endpoint(&sdp->media[0].rtp, "192.0.2.1:5000");
    assert_int_equal(sdp->media[0].direction, SDP_INACTIVE);
    const struct sdp_media *video = &sdp->media[1];
    assert_endpoint(&video->rtp, "[2001:db8::7]:6000");
    assert_endpoint(&video->rtcp, "[2001:db8::7]:7000");
    assert_int_equal(video->port_count, 2);
    assert_int_equal(video->direction, SDP_RECVONLY);
    assert_slice(video->mid, "v1");
    assert_payload(&video->payload[0], 99, "H264", 90000, 1);
    const struct sdp_media *image = &sdp->media[2];
    assert_true(image->disabled);
    assert_false(image->is_rtp);
    assert_int_equal(image->payload_count, 0);
    assert_int_equal(image->rtcp.port, 0);
    assert_slice(image->proto, "udptl");
    assert_endpoint(&sdp->media[3].rtcp, "198.51.100.4:53020");
    assert_true(sdp->media[3].rtcp_mux);
    assert_false(video->rtcp_mux);
}

static void test_directions(void **state)
{
    static const struct {
        const char *name;
        enum sdp_direction direction;
        bool sends, receives;
    } rows[] = {
        {"sendrecv", SDP_SENDRECV, true, true},
        {"sendonly", SDP_SENDONLY, true, false},
        {"recvonly", SDP_RECVONLY, false, true},
        {"inactive", SDP_INACTIVE, false, false},
    };
    for (unsigned i = 0; i < 4; i++) {
        char text[256];
        snprintf(text, sizeof text, HEAD "m=audio 5000 RTP/AVP 0\r\na=%s\r\n", rows[i].name);
        const struct sdp *sdp = parse(state, text);
        assert_int_equal(sdp->media[0].direction, rows[i].direction);
        assert_int_equal(sdp_direction_sends(sdp->media[0].direction), rows[i].sends);
        assert_int_equal(sdp_direction_receives(sdp->media[0].direction), rows[i].receives);
    }
}

static void test_secure(void **state)
{
    static const struct {
        const char *media;
        bool rtp, secure;
    } rows[] = {
        {"m=audio 5000 RTP/SAVP 0\r\n", true, true},
        {"m=audio 5000 RTP/SAVPF 0\r\n", true, true},
        {"m=audio 5000 UDP/TLS/RTP/SAVPF 0\r\n", true, true},
        {"m=audio 5000 RTP/AVPF 0\r\n", true, false},
        {"m=audio 5000 rtp/avp 0\r\n", true, false},
        {"m=application 5000 TCP/DTLS/SCTP webrtc-datachannel\r\n", false, true},
        {"m=image 5000 UDP/TLS/UDPTL t38\r\n", false, true},
        {"m=audio 5000 RTP/AVP 0\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1j\r\n",
         true, true},
        {"m=audio 5000 RTP/AVP 0\r\na=fingerprint:sha-256 4A:AD\r\n", true, true},
        {"a=fingerprint:sha-256 4A:AD\r\nm=audio 5000 RTP/AVP 0\r\n", true, true},
        {"m=audio 5000 XRTP/AVP 0\r\n", false, false},
    };
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[512];
        snprintf(text, sizeof text, HEAD "%s", rows[i].media);
        const struct sdp *sdp = parse(state, text);
        assert_int_equal(sdp->media[0].is_rtp, rows[i].rtp);
        assert_int_equal(sdp->media[0].secure, rows[i].secure);
    }
}

/* The key of an a=crypto is not to be found in the view. */
static void test_keys_are_not_kept(void **state)
{
    const struct sdp *sdp = parse(
        state, HEAD "m=audio 5000 RTP/SAVP 0\r\na=crypto:1 AES inline:c2VjcmV0\r\na=mid:1\r\n");
    const char *key = strstr(((struct parsed *)*state)->body, "inline");
    const struct sdp_media *m = &sdp->media[0];
    const struct slice views[] = {m->type, m->proto, m->mid, m->address, m->payload[0].codec};
    for (unsigned i = 0; i < 5; i++)
        assert_false(views[i].at <= key && key < views[i].at + views[i].len);
}

static void test_ice_and_ssrc(void **state)
{
    const struct sdp *sdp = parse(
        state,
        "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"
        "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\na=ice-ufrag:abcd\r\n"
        "a=rtpmap:111 opus/48000/2\r\n"
        "a=ssrc:4294967295 cname:x\r\na=ssrc:4294967295 msid:y\r\na=ssrc:0 cname:x\r\n"
        "a=ssrc:1 cname:x\r\na=ssrc:2 cname:x\r\na=ssrc:3 cname:x\r\n"
        "m=audio 7000 RTP/AVP 0\r\nc=IN IP4 192.0.2.1\r\n"
        "a=candidate:1 1 UDP 2130706431 192.0.2.1 7000 typ host\r\na=ssrc:4294967296 cname:x\r\n");
    assert_true(sdp->media[0].ice && sdp->media[0].zero_address);
    assert_int_equal(sdp->media[0].ssrc_count, 4);
    static const uint32_t ssrcs[] = {UINT32_MAX, 0, 1, 2};
    assert_memory_equal(sdp->media[0].ssrc, ssrcs, sizeof ssrcs);
    assert_true(sdp->media[1].ice);
    assert_int_equal(sdp->media[1].ssrc_count, 0);
    assert_int_equal(sdp->defects, SDP_DEFECT_ATTRIBUTE);
}

static void test_session_wide_ice(void **state)
{
    const struct sdp *sdp = parse(state, HEAD "a=ice-ufrag:abcd\r\nm=audio 5000 RTP/AVP 0\r\n");
    assert_true(sdp->media[0].ice);
    assert_int_equal(sdp->defects, 0);
}

/* Several addresses are layers of a multicast; the first is the base. */
static void test_first_address_counts(void **state)
{
    const struct sdp *sdp = parse(
        state, HEAD "c=IN IP4 192.0.2.2\r\nm=audio 5000 RTP/AVP 0\r\nm=audio 6000 RTP/AVP 0\r\n"
                    "c=IN IP4 233.252.0.1/127\r\nc=IN IP4 233.252.0.2/127\r\n");
    assert_slice(sdp->media[0].address, "192.0.2.1");
    assert_slice(sdp->media[1].address, "233.252.0.1");
}

static void test_addresses(void **state)
{
    static const struct {
        const char *line, *address, *rtp;
        unsigned defects;
        bool zero;
    } rows[] = {
        {"c=IN IP4 192.0.2.9", "192.0.2.9", "192.0.2.9:5000", 0, false},
        {"c=IN IP4 233.252.0.1/127/3", "233.252.0.1", "233.252.0.1:5000", 0, false},
        {"c=IN IP6 2001:db8::9", "2001:db8::9", "[2001:db8::9]:5000", 0, false},
        {"c=IN IP6 fe80::1%eth0", "fe80::1%eth0", "[fe80::1]:5000", SDP_DEFECT_SCOPE, false},
        {"c=IN IP4 0.0.0.0", "0.0.0.0", "0.0.0.0:5000", 0, true},
        {"c=IN IP6 ::", "::", "[::]:5000", 0, true},
        {"c=IN IP4 media.example.com", "media.example.com", "-:5000", 0, false},
        {"c=IN IP4 192.0.2.999", "192.0.2.999", "-:5000", 0, false},
        {"c=IN IP6 192.0.2.9", "192.0.2.9", "192.0.2.9:5000", 0, false},
        {"c=IN IP4", "", "-:5000", SDP_DEFECT_CONNECTION | SDP_DEFECT_NO_CONNECTION, false},
        {"c=", "", "-:5000", SDP_DEFECT_CONNECTION | SDP_DEFECT_NO_CONNECTION, false},
        {"a=x", "", "-:5000", SDP_DEFECT_NO_CONNECTION, false},
        {"c=IN\tIP4\t192.0.2.9", "192.0.2.9", "192.0.2.9:5000", SDP_DEFECT_SPACING, false},
    };
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++)
        for (unsigned in_media = 0; in_media < 2; in_media++) {
            char text[256];
            snprintf(text, sizeof text,
                     "v=0\r\no=- 1 2 IN IP4 192.0.2.1\r\n%s\r\nm=audio 5000 RTP/AVP 0\r\n%s\r\n",
                     in_media ? "t=0 0" : rows[i].line, in_media ? rows[i].line : "b=AS:64");
            const struct sdp *sdp = parse(state, text);
            assert_slice(sdp->media[0].address, rows[i].address);
            assert_endpoint(&sdp->media[0].rtp, rows[i].rtp);
            assert_int_equal(sdp->media[0].zero_address, rows[i].zero);
            assert_int_equal(sdp->defects, rows[i].defects);
        }
}

static void test_origin(void **state)
{
    const struct sdp *sdp =
        parse(state, "v=0\r\no=Some Gateway 11 22 IN IP4 192.0.2.1\r\nc=IN IP4 192.0.2.1\r\n");
    assert_slice(sdp->session_id, "11");
    assert_slice(sdp->session_version, "22");
    assert_int_equal(sdp->defects, SDP_DEFECT_ORIGIN);
    sdp = parse(state, "v=0\r\no=- 11 22 IN\r\n");
    assert_slice(sdp->session_id, "");
    assert_int_equal(sdp->defects, SDP_DEFECT_ORIGIN);
    sdp = parse(state, "v=0\r\ns=-\r\n");
    assert_int_equal(sdp->defects, SDP_DEFECT_ORIGIN);
}

static void test_media_lines_gone_wrong(void **state)
{
    static const struct {
        const char *line;
        unsigned defects, port, port_count;
        bool broken, disabled;
    } rows[] = {
        {"m=", SDP_DEFECT_MEDIA_LINE, 0, 1, true, false},
        {"m=X", SDP_DEFECT_MEDIA_LINE, 0, 1, true, false},
        {"m=audio", SDP_DEFECT_MEDIA_LINE, 0, 1, true, false},
        {"m=audio 5000", SDP_DEFECT_MEDIA_LINE, 0, 1, true, false},
        {"m=audio 65536 RTP/AVP 0", SDP_DEFECT_PORT, 0, 1, true, false},
        {"m=audio 18446744073709551617 RTP/AVP 0", SDP_DEFECT_PORT, 0, 1, true, false},
        {"m=audio -1 RTP/AVP 0", SDP_DEFECT_PORT, 0, 1, true, false},
        {"m=audio $ RTP/AVP 0", SDP_DEFECT_PORT, 0, 1, true, false},
        {"m=audio 65535 RTP/AVP 0", 0, 65535, 1, false, false},
        {"m=audio 0 RTP/AVP 0", 0, 0, 1, false, true},
        {"m=audio 5000/99999 RTP/AVP 0", SDP_DEFECT_PORT_COUNT, 5000, 1, false, false},
        {"m=audio 5000/0 RTP/AVP 0", SDP_DEFECT_PORT_COUNT, 5000, 1, false, false},
        {"m=audio 5000/ RTP/AVP 0", SDP_DEFECT_PORT_COUNT, 5000, 1, false, false},
        {"m=audio 65530/4 RTP/AVP 0", SDP_DEFECT_PORT_COUNT, 65530, 1, false, false},
        {"m=audio 65530/3 RTP/AVP 0", 0, 65530, 3, false, false},
        {"m=audio  5000\tRTP/AVP   0", SDP_DEFECT_SPACING, 5000, 1, false, false},
        {" m= audio 5000 RTP/AVP 0 ", SDP_DEFECT_SPACING, 5000, 1, false, false},
    };
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[256];
        snprintf(text, sizeof text, HEAD "%s\r\na=sendonly\r\n", rows[i].line);
        const struct sdp *sdp = parse(state, text);
        assert_int_equal(sdp->media_count, 1);
        const struct sdp_media *m = &sdp->media[0];
        assert_int_equal(sdp->defects, rows[i].defects);
        assert_int_equal(m->rtp.port, rows[i].port);
        assert_int_equal(m->port_count, rows[i].port_count);
        assert_int_equal(m->broken, rows[i].broken);
        assert_int_equal(m->disabled, rows[i].disabled);
        assert_int_equal(m->direction, SDP_SENDONLY);
        if (rows[i].port == 65535) /* there is no port after it */
            assert_int_equal(m->rtcp.port, 0);
    }
}

static void test_rtpmaps_gone_wrong(void **state)
{
    static const struct {
        const char *list, *line, *codec;
        unsigned clock_hz, defects;
    } rows[] = {
        {"96", "a=rtpmap:96", "", 0, SDP_DEFECT_RTPMAP},
        {"96", "a=rtpmap", "", 0, SDP_DEFECT_RTPMAP},
        {"96", "a=rtpmap:96 /8000", "", 0, SDP_DEFECT_RTPMAP},
        {"96", "a=rtpmap:96 AMR", "AMR", 0, SDP_DEFECT_RTPMAP | SDP_DEFECT_CLOCK_RATE},
        {"0", "a=rtpmap:0 pcmu", "pcmu", 8000, SDP_DEFECT_RTPMAP | SDP_DEFECT_CLOCK_RATE},
        {"0", "a=rtpmap:0 AMR", "AMR", 0, SDP_DEFECT_RTPMAP | SDP_DEFECT_CLOCK_RATE},
        {"96", "a=rtpmap:96 AMR/0", "AMR", 0, SDP_DEFECT_CLOCK_RATE},
        {"96", "a=rtpmap:96 AMR/4294967296", "AMR", 0, SDP_DEFECT_CLOCK_RATE},
        {"96", "a=rtpmap:96 AMR/1000001", "AMR", 0, SDP_DEFECT_CLOCK_RATE},
        {"96", "a=rtpmap:96 AMR/1000000", "AMR", 1000000, 0},
        {"96", "a=rtpmap:96 telephone-event/0", "telephone-event", 0, SDP_DEFECT_CLOCK_RATE},
        {"96", "a=rtpmap:96 AMR/8000/0", "AMR", 8000, 0},
        {"96", "a=rtpmap:96 AMR/8000/256", "AMR", 8000, 0},
        {"96", "a=rtpmap:97 AMR/8000", "", 0, SDP_DEFECT_RTPMAP},
        {"96", "a=rtpmap:128 AMR/8000", "", 0, SDP_DEFECT_RTPMAP},
        {"96", "a=RTPMAP: 96\tAMR/8000", "AMR", 8000, SDP_DEFECT_SPACING},
        {"128 96 96 300 x -1", "a=rtpmap:96 AMR/8000", "AMR", 8000, SDP_DEFECT_PAYLOAD_TYPE},
    };
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[256];
        snprintf(text, sizeof text, HEAD "m=audio 5000 RTP/AVP %s\r\n%s\r\n", rows[i].list,
                 rows[i].line);
        const struct sdp *sdp = parse(state, text);
        const struct sdp_media *m = &sdp->media[0];
        assert_int_equal(m->payload_count, 1);
        assert_slice(m->payload[0].codec, rows[i].codec);
        assert_int_equal(m->payload[0].clock_hz, rows[i].clock_hz);
        assert_int_equal(m->payload[0].channels, 1);
        assert_int_equal(sdp->defects, rows[i].defects);
    }
}

static void test_static_types(void **state)
{
    const struct sdp *sdp =
        parse(state, HEAD "m=audio 5000 RTP/AVP 3 4 9 10 11 18 19 34 35 72 127\r\n");
    const struct sdp_payload *p = sdp->media[0].payload;
    assert_int_equal(sdp->media[0].payload_count, 11);
    assert_payload(&p[0], 3, "GSM", 8000, 1);
    assert_payload(&p[1], 4, "G723", 8000, 1);
    assert_payload(&p[2], 9, "G722", 8000, 1); /* though it samples at 16,000 Hz */
    assert_payload(&p[3], 10, "L16", 44100, 2);
    assert_payload(&p[4], 11, "L16", 44100, 1);
    assert_payload(&p[5], 18, "G729", 8000, 1);
    assert_payload(&p[6], 19, "", 0, 1);
    assert_payload(&p[7], 34, "H263", 90000, 1);
    for (unsigned i = 8; i < 11; i++)
        assert_payload(&p[i], p[i].type, "", 0, 1);
}

static void test_ptimes_and_rtcp_gone_wrong(void **state)
{
    static const struct {
        const char *line;
        unsigned ptime, rtcp, defects;
    } rows[] = {
        {"a=ptime:20.0", 20, 5001, 0},
        {"a=ptime:0", 0, 5001, SDP_DEFECT_ATTRIBUTE},
        {"a=ptime:", 0, 5001, SDP_DEFECT_ATTRIBUTE},
        {"a=ptime:-20", 0, 5001, SDP_DEFECT_ATTRIBUTE},
        {"a=ptime:5001", 0, 5001, SDP_DEFECT_ATTRIBUTE},
        {"a=rtcp:0", 0, 5001, SDP_DEFECT_ATTRIBUTE},
        {"a=rtcp:65536", 0, 5001, SDP_DEFECT_ATTRIBUTE},
        {"a=rtcp:6000 IN IP4 rtcp.example.com", 0, 6000, SDP_DEFECT_ATTRIBUTE},
        {"a=rtcp:6000 IN", 0, 6000, 0},
        {"a=mid:", 0, 5001, SDP_DEFECT_ATTRIBUTE},
    };
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[256];
        snprintf(text, sizeof text, HEAD "m=audio 5000 RTP/AVP 0\r\n%s\r\n", rows[i].line);
        const struct sdp *sdp = parse(state, text);
        assert_int_equal(sdp->media[0].ptime_ms, rows[i].ptime);
        assert_int_equal(sdp->media[0].rtcp.port, rows[i].rtcp);
        assert_true(ip_eq(&sdp->media[0].rtcp.ip, &sdp->media[0].rtp.ip));
        assert_int_equal(sdp->defects, rows[i].defects);
    }
}

static void test_line_ends(void **state)
{
    static const char *const ends[] = {"\r\n", "\n", "\r", "\r\n\r\n"};
    for (unsigned i = 0; i < 4; i++)
        for (unsigned final = 0; final < 2; final++) {
            char text[256];
            snprintf(text, sizeof text,
                     "v=0%so=- 1 2 IN IP4 192.0.2.1%sc=IN IP4 192.0.2.1%sm=audio 5000 RTP/AVP "
                     "0%sa=sendonly%s",
                     ends[i], ends[i], ends[i], ends[i], final ? ends[i] : "");
            const struct sdp *sdp = parse(state, text);
            assert_int_equal(sdp->media_count, 1);
            assert_endpoint(&sdp->media[0].rtp, "192.0.2.1:5000");
            assert_int_equal(sdp->media[0].direction, SDP_SENDONLY);
            assert_int_equal(sdp->defects, (i == 1 || i == 2 ? SDP_DEFECT_LINE_END : 0) |
                                               (final ? 0 : SDP_DEFECT_NO_FINAL_EOL));
        }
}

static void test_lines_that_are_none(void **state)
{
    const struct sdp *sdp =
        parse(state, "c=IN IP4 192.0.2.1\r\nhello\r\n=\r\nx\r\nm=audio 5000 RTP/AVP 0\r\n");
    assert_int_equal(sdp->defects, SDP_DEFECT_VERSION | SDP_DEFECT_ORIGIN | SDP_DEFECT_LINE);
    assert_endpoint(&sdp->media[0].rtp, "192.0.2.1:5000");
}

static void test_verdicts(void **state)
{
    assert_int_equal(sdp_parse(SLICE_NONE, ((struct parsed *)*state)->sdp), SDP_EMPTY);
    assert_int_equal(parse_octets(state, "", 0), SDP_EMPTY);
    assert_int_equal(parse_octets(state, "\r\n \t\r\n", 6), SDP_EMPTY);
    assert_int_equal(parse_octets(state, "<presence/>", 11), SDP_NOT_SDP);
    assert_int_equal(((struct parsed *)*state)->sdp->media_count, 0);
    assert_int_equal(parse_octets(state, "Signal=5\r\nDuration=160\r\n", 24), SDP_NOT_SDP);
    assert_int_equal(parse_octets(state, "a=sendrecv\r\n", 12), SDP_NOT_SDP);
    assert_int_equal(parse_octets(state, "v=0\0\r\n", 6), SDP_OK);
}

/* Sections too many are counted, and what stands in them does not reach those that are kept. */
static void test_many_media(void **state)
{
    char *text = malloc(64 * 1024);
    assert_non_null(text);
    size_t len = (size_t)sprintf(text, HEAD);
    for (unsigned i = 0; i < 500; i++)
        len += (size_t)sprintf(text + len, "m=audio %u RTP/AVP 0\r\n", 5000 + 2 * i);
    len += (size_t)sprintf(text + len,
                           "c=IN IP4 203.0.113.1\r\na=inactive\r\na=ptime:30\r\na=crypto:1\r\n");
    const struct sdp *sdp = parse(state, text);
    free(text);
    assert_int_equal(sdp->media_count, SDP_MEDIA_MAX);
    assert_int_equal(sdp->media_seen, 500);
    assert_int_equal(sdp->defects, SDP_DEFECT_MORE_MEDIA);
    for (unsigned i = 0; i < SDP_MEDIA_MAX; i++) {
        assert_int_equal(sdp->media[i].rtp.port, 5000 + 2 * i);
        assert_slice(sdp->media[i].address, "192.0.2.1");
        assert_int_equal(sdp->media[i].direction, SDP_SENDRECV);
        assert_int_equal(sdp->media[i].ptime_ms, 0);
        assert_false(sdp->media[i].secure);
    }
}

static void test_many_payload_types(void **state)
{
    char text[1024];
    size_t len = (size_t)sprintf(text, HEAD "m=audio 5000 RTP/AVP");
    for (unsigned i = 0; i < 128; i++)
        len += (size_t)sprintf(text + len, " %u", 127 - i);
    const struct sdp *sdp = parse(state, text);
    assert_int_equal(sdp->media[0].payload_count, SDP_PAYLOADS_MAX);
    assert_int_equal(sdp->media[0].payload[63].type, 64);
    assert_int_equal(sdp->defects, SDP_DEFECT_MORE_PAYLOADS | SDP_DEFECT_NO_FINAL_EOL);
}

static void test_every_prefix(void **state)
{
    static const char text[] =
        HEAD "a=sendonly\r\nm=audio 5000/2 RTP/SAVP 0 96\r\nc=IN IP6 2001:db8::1/3\r\n"
             "a=rtpmap:96 opus/48000/2\r\na=rtcp:5003 IN IP4 192.0.2.3\r\na=ssrc:1 cname:a\r\n"
             "a=ptime:20\r\na=mid:a\r\na=candidate:1\r\n";
    for (size_t len = 2; len < sizeof text; len++)
        assert_int_equal(parse_octets(state, text, len), SDP_OK);
    const struct sdp_media *m = &((struct parsed *)*state)->sdp->media[0];
    assert_true(m->ice && m->secure);
    assert_endpoint(&m->rtcp, "192.0.2.3:5003");
    assert_int_equal(parse_octets(state, text, 1), SDP_NOT_SDP);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_usual_offer),
        TEST(test_media_sections),
        TEST(test_directions),
        TEST(test_secure),
        TEST(test_keys_are_not_kept),
        TEST(test_ice_and_ssrc),
        TEST(test_session_wide_ice),
        TEST(test_first_address_counts),
        TEST(test_addresses),
        TEST(test_origin),
        TEST(test_media_lines_gone_wrong),
        TEST(test_rtpmaps_gone_wrong),
        TEST(test_static_types),
        TEST(test_ptimes_and_rtcp_gone_wrong),
        TEST(test_line_ends),
        TEST(test_lines_that_are_none),
        TEST(test_verdicts),
        TEST(test_many_media),
        TEST(test_many_payload_types),
        TEST(test_every_prefix),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
