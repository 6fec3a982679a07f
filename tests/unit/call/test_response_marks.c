/* What the text of a response shows that its client did not get, or not know. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "call/response_marks.h"

static struct ip_addr ip_of(const char *text)
{
    struct ip_addr ip;
    assert_true(ip_parse(slice_str(text), &ip));
    return ip;
}

struct row {
    const char *what;
    const char *via;     /* behind "SIP/2.0/UDP " */
    const char *lines;   /* header lines */
    const char *contact; /* the address that is found; NULL: none */
    uint16_t status;     /* 0: 200 */
    enum transport transport;
    bool asked_rport, is_rewritten;
    uint32_t marks;
};

/* The request came from 192.0.2.10, the response from 198.51.100.20. */
static void read_row(const struct row *row, struct response_facts *facts)
{
    static struct sip_msg msg;
    char text[1024];
    const struct transaction t = {.src = {ip_of("192.0.2.10"), 5060},
                                  .transport = row->transport,
                                  .asked_rport = row->asked_rport};
    int len =
        snprintf(text, sizeof text,
                 "SIP/2.0 %u Whatever\r\nVia: SIP/2.0/UDP %s\r\n"
                 "From: <sip:a@example.com>;tag=a\r\nTo: <sip:b@example.com>;tag=b\r\n"
                 "Call-ID: abc\r\nCSeq: 1 INVITE\r\n%sContent-Length: 0\r\n\r\n",
                 row->status ? row->status : 200U,
                 row->via ? row->via : "192.0.2.10;branch=z9hG4bKx", row->lines ? row->lines : "");
    assert_in_range(len, 1, sizeof text - 1);
    const struct datagram datagram = {.src = {ip_of("198.51.100.20"), 5060},
                                      .payload = slice_of(text, (size_t)len)};
    assert_int_equal(sip_msg_parse(datagram.payload, false, &msg), SIP_ACCEPTED);
    response_marks_read(&t, &datagram, &msg, !row->is_rewritten, facts);
}

static const struct row rows[] = {
    {.what = "nothing is due"},
    {.what = "rport and received are there",
     .via = "192.0.2.10;branch=z9hG4bKx;rport=5060;received=192.0.2.10",
     .asked_rport = true},
    {.what = "rport was asked for", .asked_rport = true, .marks = RESPONSE_NO_RPORT},
    {.what = "it was sent back as it came",
     .via = "192.0.2.10;branch=z9hG4bKx;rport",
     .asked_rport = true,
     .marks = RESPONSE_NO_RPORT},
    {.what = "with rport comes received (RFC 3581)",
     .via = "192.0.2.10;branch=z9hG4bKx;rport=5060",
     .asked_rport = true,
     .marks = RESPONSE_NO_RECEIVED},
    {.what = "also in a Via that was rewritten",
     .via = "192.0.2.10;branch=z9hG4bKx;rport=5060",
     .asked_rport = true,
     .is_rewritten = true,
     .marks = RESPONSE_NO_RECEIVED},
    {.what = "another address in sent-by",
     .via = "192.168.1.5;branch=z9hG4bKx",
     .marks = RESPONSE_NO_RECEIVED},
    {.what = "a name in sent-by",
     .via = "pbx.example.com;branch=z9hG4bKx",
     .marks = RESPONSE_NO_RECEIVED},
    {.what = "which is there", .via = "pbx.example.com;branch=z9hG4bKx;received=192.0.2.10"},
    {.what = "in a Via that was rewritten sent-by may be anybody's",
     .via = "192.168.1.5;branch=z9hG4bKx",
     .is_rewritten = true},
    {.what = "over TCP it goes back on the connection",
     .via = "192.168.1.5;branch=z9hG4bKx",
     .asked_rport = true,
     .transport = TRANSPORT_TCP},
    {.what = "its own Contact", .lines = "Contact: <sip:b@198.51.100.20:5080>\r\n"},
    {.what = "another's",
     .lines = "Contact: <sip:b@10.1.1.1:5080>\r\n",
     .contact = "10.1.1.1",
     .marks = RESPONSE_CONTACT},
    {.what = "a name may be anybody's", .lines = "Contact: <sip:b@gw.example.net>\r\n"},
    {.what = "a redirection names others", .status = 302, .lines = "Contact: <sip:b@10.1.1.1>\r\n"},
    {.what = "a proxy stays on the way",
     .lines = "Contact: <sip:b@10.1.1.1>\r\nRecord-Route: <sip:198.51.100.20;lr>\r\n"},
    {.what = "a proxy's client",
     .lines = "Contact: <sip:b@10.1.1.1>\r\nVia: SIP/2.0/UDP 203.0.113.5;branch=z9hG4bKy\r\n"},
};

static void test_marks(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct response_facts facts = {0};
        read_row(&rows[i], &facts);
        if (facts.marks != rows[i].marks)
            fail_msg("%s: marks %#x", rows[i].what, (unsigned)facts.marks);
        assert_int_equal(facts.contact.ip.version != 0, rows[i].contact != NULL);
        if (rows[i].contact) {
            struct ip_addr contact = ip_of(rows[i].contact);
            assert_true(ip_eq(&facts.contact.ip, &contact));
            assert_int_equal(facts.contact.port, 5080);
        }
    }
}

/* Of several the marks are put together; the first Contact stays. */
static void test_several(void **state)
{
    (void)state;
    struct response_facts facts = {0};
    read_row(&(struct row){.asked_rport = true, .lines = "Contact: <sip:b@10.1.1.1>\r\n"}, &facts);
    read_row(&(struct row){.via = "192.168.1.5;branch=z9hG4bKx",
                           .lines = "Contact: <sip:b@10.1.1.2>\r\n"},
             &facts);
    assert_int_equal(facts.marks, RESPONSE_NO_RPORT | RESPONSE_NO_RECEIVED | RESPONSE_CONTACT);
    struct ip_addr first = ip_of("10.1.1.1");
    assert_true(ip_eq(&facts.contact.ip, &first));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_marks),
        cmocka_unit_test(test_several),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
