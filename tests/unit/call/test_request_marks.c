/* What an INVITE's text shows of the way it came: the marks of STANDARDS' N1, N2 and N4, the target
 * of RFC 3261 section 18.2.2 and RFC 3581 section 4. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "call/request_marks.h"

#define SDP(o, c)                                                                                  \
    "v=0\r\no=- 1 1 IN IP4 " o "\r\ns=-\r\nc=IN IP4 " c "\r\nt=0 0\r\nm=audio 20000 RTP/AVP 0\r\n"

static struct endpoint endpoint_of(const char *ip, uint16_t port)
{
    struct endpoint endpoint = {.port = port};
    assert_true(ip_parse(slice_str(ip), &endpoint.ip));
    return endpoint;
}

/* One request, as it varies. NULL: what a client on a public address writes. */
struct request {
    const char *what;
    const char *src_ip;
    uint16_t src_port; /* 0: 5060 */
    const char *via, *more_via, *contact, *call_id, *from_host, *sdp;
    const char *uri, *hops; /* of the Request-URI, Max-Forwards */
    int length_off;         /* Content-Length is so many octets short */
    bool no_blank_line;
    enum transport transport;
    uint32_t marks;
    const char *private_ip;
};

static const char * or (const char *text, const char *plain)
{
    return text ? text : plain;
}

static void read_marks(const struct request *r, struct request_facts *facts)
{
    char text[2048];
    struct sip_msg msg;
    const char *sdp = or (r->sdp, SDP("203.0.113.7", "203.0.113.7"));
    int len = snprintf(
        text, sizeof text,
        "INVITE %s SIP/2.0\r\nVia: SIP/2.0/UDP %s\r\n%sMax-Forwards: %s\r\n"
        "From: <sip:200@%s>;tag=a\r\nTo: <sip:100@198.51.100.20>\r\nCall-ID: %s\r\nCSeq: 1 "
        "INVITE\r\n"
        "Contact: <sip:200@%s>\r\nContent-Type: application/sdp\r\nContent-Length: %zu\r\n\r\n%s",
        or (r->uri, "sip:100@198.51.100.20"), or (r->via, "203.0.113.7:5060;branch=z9hG4bKx"),
        or (r->more_via, ""), or (r->hops, "70"), or (r->from_host, "example.com"),
        or (r->call_id, "abc@203.0.113.7"), or (r->contact, "203.0.113.7:5060"),
        strlen(sdp) - (size_t)r->length_off, sdp);
    assert_in_range(len, 1, sizeof text - 1);
    if (r->no_blank_line)
        len = (int)(strstr(text, "\r\n\r\n") + 2 - text);
    struct datagram datagram = {
        .src = endpoint_of(or (r->src_ip, "203.0.113.7"), r->src_port ? r->src_port : 5060),
        .dst = endpoint_of("198.51.100.20", 5060),
        .payload = slice_of(text, (size_t)len),
        .transport = r->transport,
    };
    bool is_short = r->length_off < 0 || r->no_blank_line;
    assert_int_equal(sip_msg_parse(datagram.payload, false, &msg),
                     is_short ? SIP_SHORT_BODY : SIP_ACCEPTED);
    request_marks_read(&datagram, &msg, facts);
    assert_int_equal(facts->octets, len);
}

static void test_marks(void **state)
{
    (void)state;
    static const struct request rows[] = {
        {.what = "a public client"},
        {.what = "names are no addresses",
         .via = "pbx.example.com;branch=z9hG4bKx",
         .contact = "pbx.example.com",
         .call_id = "abc@pbx.example.com"},
        {.what = "a client behind NAT",
         .src_port = 40001,
         .via = "192.168.1.5:5060;branch=z9hG4bKx",
         .contact = "10.0.0.5:5060",
         .sdp = SDP("192.168.1.5", "192.168.1.5"),
         .call_id = "abc",
         .marks = REQUEST_PRIVATE_VIA | REQUEST_PRIVATE_CONTACT | REQUEST_PRIVATE_SDP |
                  REQUEST_PORT_DIFFERS,
         .private_ip = "192.168.1.5"},
        {.what = "private media only",
         .sdp = SDP("10.1.2.3", "10.1.2.3"),
         .marks = REQUEST_PRIVATE_SDP,
         .private_ip = "10.1.2.3"},
        {.what = "IPv6",
         .src_ip = "2001:db8::7",
         .via = "[fd00::5]:5060;branch=z9hG4bKx",
         .contact = "[fe80::5]:5060",
         .marks = REQUEST_PRIVATE_VIA | REQUEST_PRIVATE_CONTACT,
         .private_ip = "fd00::5"},
        {.what = "all private",
         .src_ip = "10.0.0.7",
         .src_port = 1024,
         .via = "10.0.0.7:5060;branch=z9hG4bKx",
         .contact = "10.0.0.7",
         .sdp = SDP("10.0.0.7", "10.0.0.7")},
        {.what = "shared address space",
         .via = "100.64.0.9:5060;branch=z9hG4bKx",
         .marks = REQUEST_PRIVATE_VIA,
         .private_ip = "100.64.0.9"},
        {.what = "an ALG wrote the Via and the Contact",
         .call_id = "abc@192.168.1.5",
         .marks = REQUEST_ALG_ADDRESS},
        {.what = "and left From", .from_host = "192.168.1.5", .marks = REQUEST_ALG_ADDRESS},
        {.what = "and half of the SDP",
         .sdp = SDP("192.168.1.5", "203.0.113.7"),
         .marks = REQUEST_ALG_SDP},
        {.what = "and did not count its octets", .length_off = 4, .marks = REQUEST_ALG_LENGTH},
        {.what = "its datagram ends within the body",
         .length_off = -4,
         .marks = REQUEST_ALG_LENGTH | REQUEST_TRUNCATED},
        {.what = "or within the header",
         .no_blank_line = true,
         .marks = REQUEST_ALG_LENGTH | REQUEST_TRUNCATED},
        {.what = "and another port in the Contact",
         .contact = "203.0.113.7:1027",
         .marks = REQUEST_ALG_CONTACT},
        {.what = "over TCP ports are another's",
         .contact = "203.0.113.7:5060",
         .src_port = 40000,
         .transport = TRANSPORT_TCP},
        {.what = "and a Via doubled",
         .more_via = "Via: SIP/2.0/UDP 203.0.113.7:5060;branch=z9hG4bKx\r\n",
         .marks = REQUEST_ALG_VIA},
        {.what = "a bare number is no URI", .uri = "100", .marks = REQUEST_MALFORMED},
        {.what = "no hop left", .hops = "0", .marks = REQUEST_NO_HOPS_LEFT},
        {.what = "one left", .hops = "1"},
        {.what = "no number", .hops = "none"},
        {.what = "a proxy's Via is another",
         .more_via = "Via: SIP/2.0/UDP 192.168.1.5:5060;branch=z9hG4bKy\r\n"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct request_facts facts;
        struct ip_addr private_ip = {0};
        read_marks(&rows[i], &facts);
        if (rows[i].private_ip)
            assert_true(ip_parse(slice_str(rows[i].private_ip), &private_ip));
        if (facts.marks != rows[i].marks || !ip_eq(&facts.private_ip, &private_ip))
            fail_msg("%s: marks %#x", rows[i].what, (unsigned)facts.marks);
    }
}

static void test_rport(void **state)
{
    (void)state;
    struct request_facts facts;
    read_marks(&(struct request){.via = "203.0.113.7:5060;branch=z9hG4bKx;rport"}, &facts);
    assert_true(facts.asked_rport);
    read_marks(&(struct request){0}, &facts);
    assert_false(facts.asked_rport);
}

/* The same transaction once more, without what it had. */
static void test_rport_taken_out(void **state)
{
    static const struct {
        bool had, has;
        uint32_t marks;
    } rows[] = {
        {true, true, 0}, {true, false, REQUEST_ALG_RPORT}, {false, true, 0}, {false, false, 0}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct request_facts facts = {.asked_rport = rows[i].had};
        const struct sip_msg msg = {.top_via.has_rport = rows[i].has};
        struct datagram datagram = {.src = endpoint_of("203.0.113.7", 40001),
                                    .dst = endpoint_of("198.51.100.20", 5060)};
        const struct datagram first = datagram;
        request_marks_read_again(&datagram, &msg, &facts);
        assert_int_equal(facts.marks, rows[i].marks);
        datagram.src.port++; /* once more */
        request_marks_read_again(&datagram, &msg, &facts);
        const struct endpoint none = {0};
        assert_true(endpoint_eq(&facts.bare_src, rows[i].marks ? &first.src : &none));
        assert_true(endpoint_eq(&facts.bare_dst, rows[i].marks ? &first.dst : &none));
    }
}

/* What the capture cut, and what lost its fragments, was whole when it was sent. */
static void test_cut_is_not_truncated(void **state)
{
    (void)state;
    for (int has_body = 0; has_body < 2; has_body++) {
        static struct sip_msg msg;
        struct request_facts facts;
        char text[512];
        int len = snprintf(text, sizeof text,
                           "INVITE sip:100@198.51.100.20 SIP/2.0\r\n"
                           "Via: SIP/2.0/UDP 203.0.113.7;branch=z9hG4bKx\r\nMax-Forwards: 70\r\n"
                           "From: <sip:200@example.com>;tag=a\r\nTo: <sip:100@example.com>\r\n"
                           "Call-ID: abc\r\nCSeq: 1 INVITE\r\nContent-Length: 100\r\n%s",
                           has_body ? "\r\nv=0\r\n" : "");
        struct datagram datagram = {.src = endpoint_of("203.0.113.7", 5060),
                                    .payload = slice_of(text, (size_t)len)};
        assert_int_equal(sip_msg_parse(datagram.payload, true, &msg), SIP_ACCEPTED);
        request_marks_read(&datagram, &msg, &facts);
        assert_int_equal(facts.marks, 0);
    }
}

static void test_response_target(void **state)
{
    (void)state;
    const struct endpoint src = endpoint_of("203.0.113.7", 40001);
    const struct {
        struct sip_via via;
        const char *ip; /* NULL: none */
        uint16_t port;
    } rows[] = {
        {{.host = SLICE("192.168.1.5")}, "203.0.113.7", 5060},
        {{.host = SLICE("192.168.1.5"), .port = 5070}, "203.0.113.7", 5070},
        {{.host = SLICE("192.168.1.5"), .port = 5070, .has_rport = true}, "203.0.113.7", 40001},
        {{.port = 5070, .has_rport = true, .maddr = SLICE("198.51.100.9")}, "198.51.100.9", 5070},
        {{.maddr = SLICE("pbx.example.com")}, NULL, 5060},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct endpoint expected = {.port = rows[i].port};
        if (rows[i].ip)
            expected = endpoint_of(rows[i].ip, rows[i].port);
        struct endpoint target = request_marks_response_target(&src, &rows[i].via);
        if (!endpoint_eq(&target, &expected))
            fail_msg("row %zu", i);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_marks),           cmocka_unit_test(test_rport),
        cmocka_unit_test(test_rport_taken_out), cmocka_unit_test(test_cut_is_not_truncated),
        cmocka_unit_test(test_response_target),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
