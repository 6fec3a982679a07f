/* What an ICMP error quotes of an INVITE, cut off wherever it is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "call/quoted_invite.h"

static const char invite[] = "INVITE sip:+4930555001@198.51.100.20 SIP/2.0\r\n"
                             "Via: SIP/2.0/UDP 192.0.2.10:5062;branch=z9hG4bKabc\r\n"
                             "Via: SIP/2.0/UDP 203.0.113.9;branch=z9hG4bKup\r\n"
                             "Max-Forwards: 70\r\n"
                             "Call-ID: c1@example.com\r\n"
                             "CSeq: 4711 INVITE\r\n"
                             "Content-Length: 0\r\n\r\n";

/* An exact copy on the heap, so that a sanitizer sees a read past its end. */
static enum quoted read_copy(const char *text, size_t len, struct quoted_invite *out, char **copy)
{
    *copy = malloc(len ? len : 1);
    assert_non_null(*copy);
    memcpy(*copy, text, len);
    return quoted_invite_read(slice_of(*copy, len), out);
}

static size_t after(const char *line)
{
    const char *at = strstr(invite, line);
    assert_non_null(at);
    return (size_t)(at - invite) + strlen(line);
}

/* A line counts from the octet on that follows its end: before, it may yet be folded. */
static void test_cut_anywhere(void **state)
{
    size_t via = after("branch=z9hG4bKabc\r\n"), call_id = after("c1@example.com\r\n"),
           cseq = after("4711 INVITE\r\n"), start = after("SIP/2.0\r\n");
    (void)state;
    for (size_t len = 0; len < sizeof invite; len++) {
        struct quoted_invite quote;
        char *copy;
        enum quoted quoted = read_copy(invite, len, &quote, &copy);
        assert_int_equal(quoted, len < start ? QUOTED_NOTHING : QUOTED_INVITE);
        assert_int_equal(quote.has_via, len > via);
        assert_int_equal(quote.call_id.len > 0, len > call_id);
        assert_int_equal(quote.has_cseq, len > cseq);
        if (quote.has_via) {
            assert_true(slice_eq(quote.via.branch, SLICE("z9hG4bKabc")));
            assert_true(slice_eq(quote.via.host, SLICE("192.0.2.10")));
            assert_int_equal(quote.via.port, 5062);
        }
        if (quote.call_id.len > 0)
            assert_true(slice_eq(quote.call_id, SLICE("c1@example.com")));
        if (quote.has_cseq)
            assert_int_equal(quote.cseq, 4711);
        free(copy);
    }
}

static enum quoted read_text(const char *text, struct quoted_invite *quote)
{
    return quoted_invite_read(slice_str(text), quote);
}

static void test_what_it_is(void **state)
{
    struct quoted_invite quote;
    (void)state;
    assert_int_equal(read_text("OPTIONS sip:a@example.com SIP/2.0\r\nVia: S", &quote),
                     QUOTED_OTHER);
    assert_int_equal(read_text("CANCEL sip:a@example.com SIP/2.0\r\n", &quote), QUOTED_OTHER);
    assert_int_equal(read_text("SIP/2.0 200 OK\r\nVia: S", &quote), QUOTED_OTHER);
    assert_int_equal(read_text("invite sip:a@example.com SIP/2.0\r\n", &quote), QUOTED_OTHER);
    assert_int_equal(read_text("\r\n\r\nINVITE sip:a@example.com SIP/2.0\n", &quote),
                     QUOTED_INVITE);
    assert_int_equal(read_text("", &quote), QUOTED_NOTHING);
    assert_int_equal(read_text("\r\n\r\n", &quote), QUOTED_NOTHING);
    assert_int_equal(read_text("\x80\x12\n\n\n", &quote), QUOTED_NOTHING);
}

/* The Via below a broken one is another hop's, and no word of the body is a header. */
static void test_only_the_top_via(void **state)
{
    struct quoted_invite quote;
    (void)state;
    assert_int_equal(read_text("INVITE sip:a@example.com SIP/2.0\r\nVia: broken\r\n"
                               "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKup\r\nX: y\r\n",
                               &quote),
                     QUOTED_INVITE);
    assert_false(quote.has_via);
    read_text("INVITE sip:a@example.com SIP/2.0\r\n\r\n"
              "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKbody\r\nCSeq: 1 INVITE\r\nX: y\r\n",
              &quote);
    assert_false(quote.has_via);
    assert_false(quote.has_cseq);
    /* Folded, joined, compact, with junk between. */
    read_text("INVITE sip:a@example.com SIP/2.0\r\nno header\r\nv: SIP/2.0/UDP 192.0.2.1\r\n"
              " ;branch=z9hG4bK1, SIP/2.0/UDP 192.0.2.2;branch=z9hG4bK2\r\ni: x\r\n"
              "CSeq: 4294967296 INVITE\r\nCSeq: 7 INVITE\r\n.",
              &quote);
    assert_true(quote.has_via);
    assert_true(slice_eq(quote.via.branch, SLICE("z9hG4bK1")));
    assert_true(slice_eq(quote.call_id, SLICE("x")));
    assert_int_equal(quote.cseq, 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cut_anywhere),
        cmocka_unit_test(test_what_it_is),
        cmocka_unit_test(test_only_the_top_via),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
