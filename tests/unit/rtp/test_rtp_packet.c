/* What shares a port with RTP told apart, the header read, and what may be RTP without SDP. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rtp/rtp_packet.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* A datagram of `len` octets that begins with `head`, alone on the heap: a read past it is seen. */
static char *datagram(const char *head, size_t head_len, size_t len)
{
    char *at = malloc(len > 0 ? len : 1);
    assert_non_null(at);
    memset(at, 0xc3, len);
    memcpy(at, head, head_len < len ? head_len : len);
    return at;
}

static enum media_protocol protocol_of(const char *head, size_t head_len, size_t len,
                                       bool is_truncated)
{
    char *octets = datagram(head, head_len, len);
    enum media_protocol protocol = media_protocol_of(slice_of(octets, len), is_truncated);
    free(octets);
    return protocol;
}

static bool plausible(const char *head, size_t head_len, size_t len, bool is_truncated)
{
    char *octets = datagram(head, head_len, len);
    bool is_plausible = rtp_is_plausible(slice_of(octets, len), is_truncated);
    free(octets);
    return is_plausible;
}

#define PROTOCOL(head, len)      protocol_of(head, sizeof(head) - 1, len, false)
#define PROTOCOL_CUT(head, len)  protocol_of(head, sizeof(head) - 1, len, true)
#define PLAUSIBLE(head, len)     plausible(head, sizeof(head) - 1, len, false)
#define PLAUSIBLE_CUT(head, len) plausible(head, sizeof(head) - 1, len, true)

#define COOKIE "\x21\x12\xa4\x42"
#define ZRTP   "\x10\x00\x12\x34ZRTP"
/* PCMU, sequence 0x1234, time stamp 0x01020304, SSRC 0xcafebabe */
#define RTP_REST "\x12\x34\x01\x02\x03\x04\xca\xfe\xba\xbe"

/* RFC 7983 section 7: by the first octet, whatever follows. */
static void test_ranges(void **state)
{
    (void)state;
    for (unsigned first = 0; first < 256; first++) {
        for (unsigned second = 0; second < 256; second++) {
            const char head[] = {(char)first, (char)second, 0, 2};
            enum media_protocol protocol = protocol_of(head, sizeof head, 172, false);
            if (first >> 6 == 2)
                assert_int_equal(protocol, second >= 192 && second <= 223 ? MEDIA_RTCP : MEDIA_RTP);
            else if (first < 32 || first >= 64)
                assert_int_equal(protocol, MEDIA_OTHER);
            else
                assert_true(protocol == MEDIA_DTLS || protocol == MEDIA_OTHER);
        }
    }
    assert_int_equal(protocol_of("", 0, 0, false), MEDIA_OTHER);
    assert_int_equal(media_protocol_of(SLICE_NONE, false), MEDIA_OTHER);
    assert_int_equal(media_protocol_of(SLICE_NONE, true), MEDIA_OTHER);
    assert_int_equal(PROTOCOL("\x80", 1), MEDIA_OTHER);
    assert_int_equal(PROTOCOL("\r\n\r\n", 4), MEDIA_OTHER); /* SIP's keep-alive */
    assert_int_equal(PROTOCOL("\0\0\0\0", 4), MEDIA_OTHER);
}

static void test_stun(void **state)
{
    (void)state;
    assert_int_equal(PROTOCOL("\x00\x01\x00\x00" COOKIE, 20), MEDIA_STUN);
    assert_int_equal(PROTOCOL("\x01\x01\x00\x0c" COOKIE, 32), MEDIA_STUN);
    assert_int_equal(PROTOCOL("\x00\x16\x00\x0c" COOKIE, 32), MEDIA_STUN); /* TURN's send */
    assert_int_equal(PROTOCOL("\x00\x01\x00\x0c" COOKIE, 33), MEDIA_OTHER);
    assert_int_equal(PROTOCOL("\x00\x01\x00\x0c" COOKIE, 31), MEDIA_OTHER);
    assert_int_equal(PROTOCOL("\x00\x01\x00\x0d" COOKIE, 33), MEDIA_OTHER);
    assert_int_equal(PROTOCOL("\x00\x01\x00\x00" COOKIE, 19), MEDIA_OTHER);
    /* RFC 3489: no cookie; requests and answers of its two methods. */
    assert_int_equal(PROTOCOL("\x00\x01\x00\x08"
                              "abcd",
                              28),
                     MEDIA_STUN);
    assert_int_equal(PROTOCOL("\x01\x01\x00\x24"
                              "abcd",
                              56),
                     MEDIA_STUN);
    assert_int_equal(PROTOCOL("\x01\x12\x00\x00"
                              "abcd",
                              20),
                     MEDIA_STUN);
    assert_int_equal(PROTOCOL("\x00\x03\x00\x08"
                              "abcd",
                              28),
                     MEDIA_OTHER);
    assert_int_equal(PROTOCOL("\x02\x01\x00\x08"
                              "abcd",
                              28),
                     MEDIA_OTHER);
    /* Cut: the datagram has at least what was captured. */
    assert_int_equal(PROTOCOL_CUT("\x00\x01\x00\x60" COOKIE, 54), MEDIA_STUN);
    assert_int_equal(PROTOCOL_CUT("\x00\x01\x00\x60" COOKIE, 8), MEDIA_STUN);
    assert_int_equal(PROTOCOL_CUT("\x00\x01\x00\x08" COOKIE, 54), MEDIA_OTHER);
    assert_int_equal(PROTOCOL_CUT("\x00\x01\x00\x60" COOKIE, 7), MEDIA_OTHER);
    assert_int_equal(PROTOCOL_CUT("\x00\x01\xf0\x00" COOKIE, 54), MEDIA_OTHER);
}

static void test_zrtp(void **state)
{
    (void)state;
    assert_int_equal(PROTOCOL(ZRTP, 28), MEDIA_ZRTP);
    assert_int_equal(PROTOCOL(ZRTP, 144), MEDIA_ZRTP);
    assert_int_equal(PROTOCOL(ZRTP, 27), MEDIA_OTHER);
    assert_int_equal(PROTOCOL("\x10\x00\x12\x34ZRTQ", 144), MEDIA_OTHER);
    assert_int_equal(PROTOCOL_CUT(ZRTP, 8), MEDIA_ZRTP);
    assert_int_equal(PROTOCOL_CUT(ZRTP, 7), MEDIA_OTHER);
}

static void test_dtls(void **state)
{
    (void)state;
#define RECORD(type, version, len) type version "\0\0\0\0\0\0\0\1" len
    assert_int_equal(PROTOCOL(RECORD("\x16", "\xfe\xff", "\x00\x64"), 113), MEDIA_DTLS);
    assert_int_equal(PROTOCOL(RECORD("\x16", "\xfe\xfd", "\x00\x64"), 113), MEDIA_DTLS);
    assert_int_equal(PROTOCOL(RECORD("\x14", "\xfe\xfd", "\x00\x01"), 113), MEDIA_DTLS); /* two */
    assert_int_equal(PROTOCOL(RECORD("\x1a", "\xfe\xfd", "\x00\x20"), 45), MEDIA_DTLS);
    assert_int_equal(PROTOCOL(RECORD("\x19", "\xfe\xfd", "\xff\xff"), 60), MEDIA_DTLS); /* CID */
    assert_int_equal(PROTOCOL(RECORD("\x16", "\xfe\xfd", "\x00\x64"), 112), MEDIA_OTHER);
    assert_int_equal(PROTOCOL(RECORD("\x16", "\x03\x03", "\x00\x64"), 113), MEDIA_OTHER);
    assert_int_equal(PROTOCOL(RECORD("\x1b", "\xfe\xfd", "\x00\x64"), 113), MEDIA_OTHER);
    assert_int_equal(PROTOCOL("\x16\xfe\xfd\0\0\0\0", 12), MEDIA_OTHER);
    assert_int_equal(PROTOCOL_CUT(RECORD("\x16", "\xfe\xfd", "\x04\x64"), 54), MEDIA_DTLS);
    assert_int_equal(PROTOCOL_CUT(RECORD("\x16", "\xfe\xfd", "\xf4\x64"), 54), MEDIA_OTHER);

    /* DTLS 1.3: 0x2f is 0 0 1 C=0 S=1 L=1, epoch 3; then 16 bits of number, a length. */
    assert_int_equal(PROTOCOL("\x2f\x12\x34\x00\x20", 37), MEDIA_DTLS);
    assert_int_equal(PROTOCOL("\x2f\x12\x34\x00\x20", 100), MEDIA_DTLS); /* another follows */
    assert_int_equal(PROTOCOL("\x2f\x12\x34\x00\x20", 36), MEDIA_OTHER);
    assert_int_equal(PROTOCOL("\x2f\x12\x34\x00\x0f", 100), MEDIA_OTHER);
    assert_int_equal(PROTOCOL("\x26\x12\x00\x10", 20), MEDIA_DTLS); /* S=0 */
    assert_int_equal(PROTOCOL("\x2b\x12\x34", 19), MEDIA_DTLS);     /* L=0: to the end */
    assert_int_equal(PROTOCOL("\x2b\x12\x34", 18), MEDIA_OTHER);
    assert_int_equal(PROTOCOL("\x3f", 60), MEDIA_OTHER); /* with an id of unknown length */
    assert_int_equal(PROTOCOL("\x30\x82\x01\x00\x02", 60), MEDIA_OTHER); /* SNMP */
    assert_int_equal(PROTOCOL_CUT("\x2f\x12\x34\x04\x20", 54), MEDIA_DTLS);
    assert_int_equal(PROTOCOL_CUT("\x2f\x12\x34\xf4\x20", 54), MEDIA_OTHER);
    /* Text that begins with a digit or a bracket is none. */
    assert_int_equal(PROTOCOL("<?xml version=\"1.0\"?><presence/>", 32), MEDIA_OTHER);
    assert_int_equal(PROTOCOL("200 8234 0.0.0.0 OK 1.2 lorem\r\n", 31), MEDIA_OTHER);
}

static void test_turn(void **state)
{
    (void)state;
    assert_int_equal(PROTOCOL("\x40\x00\x00\xa0", 164), MEDIA_TURN);
    assert_int_equal(PROTOCOL("\x4f\xff\x00\xa1", 165), MEDIA_TURN);
    assert_int_equal(PROTOCOL("\x4f\xff\x00\xa1", 168), MEDIA_TURN); /* padded */
    assert_int_equal(PROTOCOL("\x4f\xff\x00\xa1", 166), MEDIA_OTHER);
    assert_int_equal(PROTOCOL("\x40\x00\x00\xa0", 163), MEDIA_OTHER);
    assert_int_equal(PROTOCOL("\x40\x00", 2), MEDIA_OTHER);
    assert_int_equal(PROTOCOL_CUT("\x40\x00\x00\xa0", 54), MEDIA_TURN);
    assert_int_equal(PROTOCOL_CUT("\x40\x00\x00\x10", 54), MEDIA_OTHER);
    /* SIP begins with these octets too. */
    assert_int_equal(PROTOCOL("INVITE sip:bob@example.com SIP/2.0\r\n", 400), MEDIA_OTHER);
    assert_int_equal(PROTOCOL_CUT("INVITE sip:bob@example.com SIP/2.0\r\n", 54), MEDIA_OTHER);
    assert_int_equal(PROTOCOL_CUT("OPTIONS sip:bob@example.com SIP/2.0\r\n", 54), MEDIA_OTHER);
}

/* RFC 5761 section 4: by the second octet. */
static void test_rtcp(void **state)
{
    (void)state;
    assert_int_equal(PROTOCOL("\x80\xc8\x00\x06", 28), MEDIA_RTCP);
    assert_int_equal(PROTOCOL("\x81\xc9\x00\x07", 60), MEDIA_RTCP); /* compound */
    assert_int_equal(PROTOCOL("\x81\xcd\x00\x02", 12), MEDIA_RTCP);
    assert_int_equal(PROTOCOL("\x80\xc8\x00\x06", 27), MEDIA_OTHER);
    assert_int_equal(PROTOCOL("\x80\xcb\x00\x00", 7), MEDIA_OTHER);
    assert_int_equal(PROTOCOL_CUT("\x80\xc8\x00\x1c", 54), MEDIA_RTCP);
    assert_int_equal(PROTOCOL_CUT("\x80\xc8\x40\x00", 54), MEDIA_OTHER);
    /* With the marker bit these are payload types 64 and 95's neighbours. */
    assert_int_equal(PROTOCOL("\x80\xbf" RTP_REST, 172), MEDIA_RTP);
    assert_int_equal(PROTOCOL("\x80\xe0" RTP_REST, 172), MEDIA_RTP);
    assert_int_equal(PROTOCOL("\x80\x00" RTP_REST, 12), MEDIA_RTP);
    assert_int_equal(PROTOCOL("\x80\x00" RTP_REST, 11), MEDIA_OTHER);
}

static void test_header(void **state)
{
    (void)state;
    static const char packet[] = "\x80\xe5\xff\xfe\x81\x02\x83\x04\xca\xfe\xba\xbe";
    struct rtp_header header;
    assert_true(rtp_looks_like(slice_of(packet, 12)));
    assert_false(rtp_looks_like(slice_of(packet, 11)));
    rtp_header_read(slice_of(packet, 12), &header);
    assert_true(header.marker);
    assert_int_equal(header.payload_type, 101);
    assert_int_equal(header.sequence, 0xfffe);
    assert_int_equal(header.timestamp, 0x81028304);
    assert_int_equal(header.ssrc, 0xcafebabe);
    rtp_header_read(SLICE("\x80\x09\x00\x01\x00\x00\x00\xa0\x00\x00\x00\x00"), &header);
    assert_false(header.marker);
    assert_int_equal(header.payload_type, 9);
    assert_int_equal(header.sequence, 1);
    assert_int_equal(header.timestamp, 160);
    assert_int_equal(header.ssrc, 0);
}

static void test_plausible(void **state)
{
    (void)state;
    assert_true(PLAUSIBLE("\x80\x00" RTP_REST, 172));
    assert_true(PLAUSIBLE("\x80\x00" RTP_REST, 12));
    assert_false(PLAUSIBLE("\x80\x00" RTP_REST, 11));
    assert_true(PLAUSIBLE("\x80\x60" RTP_REST, 1492));
    assert_false(PLAUSIBLE("\x80\x60" RTP_REST, 1493));
    assert_false(PLAUSIBLE("\x40\x00" RTP_REST, 172));
    assert_false(PLAUSIBLE("\xc0\x00" RTP_REST, 172));
    assert_false(PLAUSIBLE("\x80\xc8" RTP_REST, 172));
    /* Payload types that alias RTCP, with the marker bit or without. */
    for (unsigned type = 0; type < 128; type++) {
        char head[] = "\x80?" RTP_REST;
        head[1] = (char)type;
        assert_int_equal(plausible(head, sizeof head - 1, 172, false), type < 72 || type > 76);
        head[1] = (char)(type | 0x80);
        assert_int_equal(plausible(head, sizeof head - 1, 172, false), type < 64 || type > 95);
    }
    /* CSRCs */
    assert_true(PLAUSIBLE("\x8f\x00" RTP_REST, 72));
    assert_false(PLAUSIBLE("\x8f\x00" RTP_REST, 71));
}

static void test_plausible_extension(void **state)
{
    (void)state;
#define EXTENSION(words) "\x90\x60" RTP_REST "\xbe\xde" words
    assert_true(PLAUSIBLE(EXTENSION("\x00\x02"), 24));
    assert_false(PLAUSIBLE(EXTENSION("\x00\x02"), 23));
    assert_true(PLAUSIBLE(EXTENSION("\x00\x00"), 16));
    assert_false(PLAUSIBLE("\x90\x60" RTP_REST, 15));
    assert_false(PLAUSIBLE(EXTENSION("\xff\xff"), 1492));
    /* Behind a CSRC */
#define BEHIND(words) "\x91\x60" RTP_REST "\1\2\3\4\xbe\xde" words
    assert_true(PLAUSIBLE(BEHIND("\x00\x02"), 28));
    assert_false(PLAUSIBLE(BEHIND("\x00\x02"), 27));
}

static bool padded(char first, size_t len, char padding)
{
    const char head[] = {first, 0};
    char *octets = datagram(head, sizeof head, len);
    octets[len - 1] = padding;
    bool is_plausible = rtp_is_plausible(slice_of(octets, len), false);
    free(octets);
    return is_plausible;
}

static void test_plausible_padding(void **state)
{
    (void)state;
    const char padding = (char)0xa0, padding_and_csrc = (char)0xa1;
    assert_true(padded(padding, 172, 4));
    assert_true(padded(padding, 172, (char)160)); /* nothing but padding */
    assert_false(padded(padding, 172, (char)161));
    assert_false(padded(padding, 172, 0));
    assert_false(padded(padding, 12, 4));
    assert_true(padded(padding_and_csrc, 172, (char)156));
    assert_false(padded(padding_and_csrc, 172, (char)157));
    assert_true(padded((char)0x80, 172, 0));
}

/* A snap length of 96 leaves 54 octets and fewer: what is not there speaks for nothing. */
static void test_plausible_truncated(void **state)
{
    (void)state;
    assert_true(PLAUSIBLE_CUT("\x80\x00" RTP_REST, 54));
    assert_true(PLAUSIBLE_CUT("\x80\x00" RTP_REST, 12));
    assert_false(PLAUSIBLE_CUT("\x80\x00" RTP_REST, 11));
    assert_true(PLAUSIBLE_CUT("\xaf\x60" RTP_REST, 54)); /* 15 CSRCs and padding */
    assert_true(PLAUSIBLE_CUT(EXTENSION("\x00\x40"), 54));
    assert_true(PLAUSIBLE_CUT("\x90\x60" RTP_REST, 13)); /* the extension's length is cut off */
    assert_true(PLAUSIBLE_CUT("\x9f\x60" RTP_REST, 54));
    assert_false(PLAUSIBLE_CUT(EXTENSION("\x40\x00"), 54));
    assert_false(PLAUSIBLE_CUT("\x80\x4a" RTP_REST, 54));
}

static void test_protocol_names(void **state)
{
    (void)state;
    static const char *const names[] = {"RTP", "RTCP", "STUN", "ZRTP", "DTLS", "TURN", "other"};
    assert_int_equal(COUNT(names), MEDIA_PROTOCOL_COUNT);
    for (int i = 0; i < MEDIA_PROTOCOL_COUNT; i++)
        assert_string_equal(media_protocol_name((enum media_protocol)i), names[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ranges),
        cmocka_unit_test(test_stun),
        cmocka_unit_test(test_zrtp),
        cmocka_unit_test(test_dtls),
        cmocka_unit_test(test_turn),
        cmocka_unit_test(test_rtcp),
        cmocka_unit_test(test_header),
        cmocka_unit_test(test_plausible),
        cmocka_unit_test(test_plausible_extension),
        cmocka_unit_test(test_plausible_padding),
        cmocka_unit_test(test_plausible_truncated),
        cmocka_unit_test(test_protocol_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
