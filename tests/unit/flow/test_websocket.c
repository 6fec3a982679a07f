#include "flow/websocket.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define REQUEST(headers) "GET / HTTP/1.1\r\nHost: sip-ws.example.com\r\n" headers "\r\n"
#define RESPONSE(headers)                                                                          \
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n" headers "\r\n"
#define UPGRADE "Upgrade: websocket\r\nConnection: Upgrade\r\n"

static const struct {
    const char *text;
    enum websocket_upgrade upgrade;
} upgrades[] = {
    /* RFC 7118 section 4.1. */
    {"GET / HTTP/1.1\r\nHost: sip-ws.example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
     "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nOrigin: http://www.example.com\r\n"
     "Sec-WebSocket-Protocol: sip\r\nSec-WebSocket-Version: 13\r\n\r\n",
     WEBSOCKET_UPGRADE_REQUEST},
    {"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
     "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: sip\r\n\r\n",
     WEBSOCKET_UPGRADE_RESPONSE},
    {REQUEST("upgrade: WebSocket\r\nSEC-websocket-PROTOCOL: chat, SIP ,msrp\r\n"),
     WEBSOCKET_UPGRADE_REQUEST},
    {REQUEST(UPGRADE "Sec-WebSocket-Protocol: chat\r\nSec-WebSocket-Protocol: sip\r\n"),
     WEBSOCKET_UPGRADE_REQUEST},
    {REQUEST(UPGRADE "Sec-WebSocket-Protocol: sip\r\nSec-WebSocket-Protocol: chat\r\n"),
     WEBSOCKET_UPGRADE_REQUEST},
    {REQUEST("Upgrade: h2c, websocket\r\nSec-WebSocket-Protocol: sip\r\n"),
     WEBSOCKET_UPGRADE_REQUEST},
    {RESPONSE(""), WEBSOCKET_UPGRADE_RESPONSE},
    {REQUEST(UPGRADE), WEBSOCKET_UPGRADE_NONE},
    {REQUEST(UPGRADE "Sec-WebSocket-Protocol: sipping\r\n"), WEBSOCKET_UPGRADE_NONE},
    {REQUEST(UPGRADE "Sec-WebSocket-Protocol: chat\r\n"), WEBSOCKET_UPGRADE_NONE},
    {REQUEST("Sec-WebSocket-Protocol: sip\r\n"), WEBSOCKET_UPGRADE_NONE},
    {REQUEST("Upgrade: h2c\r\nSec-WebSocket-Protocol: sip\r\n"), WEBSOCKET_UPGRADE_NONE},
    {RESPONSE("Sec-WebSocket-Protocol: chat\r\n"), WEBSOCKET_UPGRADE_NONE},
    {"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n", WEBSOCKET_UPGRADE_NONE},
    {"HTTP/1.1 200 OK\r\nUpgrade: websocket\r\n\r\n", WEBSOCKET_UPGRADE_NONE},
    {"GET / HTTP/1.0\r\n" UPGRADE "Sec-WebSocket-Protocol: sip\r\n\r\n", WEBSOCKET_UPGRADE_NONE},
    {"POST / HTTP/1.1\r\n" UPGRADE "Sec-WebSocket-Protocol: sip\r\n\r\n", WEBSOCKET_UPGRADE_NONE},
    {"OPTIONS sip:b@example.com SIP/2.0\r\n\r\n", WEBSOCKET_UPGRADE_NONE},
    {"\r\n", WEBSOCKET_UPGRADE_NONE},
    {"", WEBSOCKET_UPGRADE_MORE},
    {"GE", WEBSOCKET_UPGRADE_MORE},
    {"HTTP/1.1 1", WEBSOCKET_UPGRADE_MORE},
};

static void upgrading(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof upgrades / sizeof upgrades[0]; i++) {
        size_t whole = strlen(upgrades[i].text), len = 1;
        char stream[1024];
        memcpy(stream, upgrades[i].text, whole);
        enum websocket_upgrade want = upgrades[i].upgrade;
        if (websocket_upgrade(slice_of(stream, whole), &len) != want)
            fail_msg("%s", stream);
        bool is_one = want == WEBSOCKET_UPGRADE_REQUEST || want == WEBSOCKET_UPGRADE_RESPONSE;
        assert_int_equal(len, is_one ? whole : 0);
        /* Frames behind it are not its own; all that is cut of it may become it. */
        stream[whole] = '\x81';
        stream[whole + 1] = '\n';
        if (is_one) {
            assert_int_equal(websocket_upgrade(slice_of(stream, whole + 2), &len), want);
            assert_int_equal(len, whole);
        }
        for (size_t cut = 0; is_one && cut < whole; cut++)
            assert_int_equal(websocket_upgrade(slice_of(stream, cut), &len),
                             WEBSOCKET_UPGRADE_MORE);
    }
}

static void upgrade_too_long(void **state)
{
    (void)state;
    char *stream = malloc(WEBSOCKET_UPGRADE_MAX + 1);
    assert_non_null(stream);
    size_t len, prefix = strlen("GET / HTTP/1.1\r\nX: ");
    memset(stream, 'x', WEBSOCKET_UPGRADE_MAX + 1);
    memcpy(stream, "GET / HTTP/1.1\r\nX: ", prefix);
    assert_int_equal(websocket_upgrade(slice_of(stream, WEBSOCKET_UPGRADE_MAX - 1), &len),
                     WEBSOCKET_UPGRADE_MORE);
    assert_int_equal(websocket_upgrade(slice_of(stream, WEBSOCKET_UPGRADE_MAX), &len),
                     WEBSOCKET_UPGRADE_NONE);
    const char tail[] = "\r\n" UPGRADE "Sec-WebSocket-Protocol: sip\r\n\r\n";
    memcpy(stream + WEBSOCKET_UPGRADE_MAX - (sizeof tail - 1), tail, sizeof tail - 1);
    assert_int_equal(websocket_upgrade(slice_of(stream, WEBSOCKET_UPGRADE_MAX + 1), &len),
                     WEBSOCKET_UPGRADE_REQUEST);
    assert_int_equal(len, WEBSOCKET_UPGRADE_MAX);
    free(stream);
}

/* One direction, read piece by piece from memory that ends where the piece does. */
struct reading {
    char text[512]; /* messages, '|' behind each */
    size_t len;
    size_t messages;
    size_t rest; /* octets not stepped over at the end */
    uint32_t left_out;
    bool broken;
};

static struct reading read_stream(const char *octets, size_t len, size_t piece)
{
    static char buffer[WEBSOCKET_MESSAGE_MAX];
    struct reading out = {0};
    struct websocket websocket = {0};
    size_t at = 0;
    for (size_t end = piece < len ? piece : len; !out.broken; end += piece) {
        if (end > len)
            end = len;
        for (;;) {
            size_t used = SIZE_MAX, need = 0;
            char *exact = malloc(end > at ? end - at : 1);
            assert_non_null(exact);
            memcpy(exact, octets + at, end - at);
            struct slice message = SLICE_NONE;
            enum websocket_verdict verdict = websocket_next(&websocket, slice_of(exact, end - at),
                                                            buffer, &used, &need, &message);
            free(exact);
            assert_true(used <= end - at);
            assert_true((used == 0) == (verdict == WEBSOCKET_MORE || verdict == WEBSOCKET_BROKEN));
            at += used;
            if (verdict == WEBSOCKET_MORE) {
                assert_true(need > end - at && need <= WEBSOCKET_NEED_MAX);
                break;
            }
            out.broken = verdict == WEBSOCKET_BROKEN;
            if (out.broken)
                break;
            if (verdict == WEBSOCKET_MESSAGE) {
                out.messages++;
                if (message.len + out.len + 1 < sizeof out.text) {
                    if (message.len > 0)
                        memcpy(out.text + out.len, message.at, message.len);
                    out.len += message.len;
                    out.text[out.len++] = '|';
                }
            }
        }
        if (end == len)
            break;
    }
    out.rest = len - at;
    out.left_out = websocket.left_out;
    return out;
}

static const struct {
    const char *what;
    struct slice octets;
    const char *messages;
    uint32_t left_out;
    bool broken;
} streams[] = {
#define OCTETS(s)                                                                                  \
    {                                                                                              \
        (s), sizeof(s) - 1                                                                         \
    }
    /* RFC 6455 section 5.7. */
    {"text", OCTETS("\x81\x05Hello"), "Hello|", 0, false},
    {"masked", OCTETS("\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"), "Hello|", 0, false},
    {"fragmented", OCTETS("\x01\x03Hel\x80\x02lo"), "Hello|", 0, false},
    {"ping", OCTETS("\x89\x05Hello"), "", 0, false},
    {"masked pong", OCTETS("\x8a\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"), "", 0, false},

    {"binary", OCTETS("\x82\x05Hello"), "Hello|", 0, false},
    {"several",
     OCTETS("\x81\x01"
            "a\x82\x01"
            "b\x81\x00"),
     "a|b||", 0, false},
    {"16-bit length",
     OCTETS("\x81\x7e\x00\x03"
            "abc"),
     "abc|", 0, false},
    {"64-bit length",
     OCTETS("\x81\x7f\x00\x00\x00\x00\x00\x00\x00\x03"
            "abc"),
     "abc|", 0, false},
    {"masked 16-bit", OCTETS("\x81\xfe\x00\x02\x01\x02\x03\x04\x60\x60"), "ab|", 0, false},
    {"masked part by part",
     OCTETS("\x01\x83\x01\x02\x03\x04\x60\x60\x60\x80\x82\x10\x20\x30\x40\x74\x45"), "abcde|", 0,
     false},
    {"control frames in between",
     OCTETS("\x01\x01"
            "a\x89\x00\x00\x01"
            "b\x8a\x02xy\x80\x01"
            "c"),
     "abc|", 0, false},
    {"empty parts", OCTETS("\x01\x00\x00\x00\x80\x00\x81\x01z"), "|z|", 0, false},
    {"close",
     OCTETS("\x81\x01"
            "a\x88\x02\x03\xe8"),
     "a|", 0, false},

    {"compressed",
     OCTETS("\xc1\x03xyz\x81\x01"
            "a"),
     "a|", 1, false},
    {"compressed, fragmented",
     OCTETS("\x41\x02xy\x89\x00\x00\x01z\x80\x00\x81\x01"
            "a"),
     "a|", 1, false},
    {"two compressed",
     OCTETS("\xc1\x01x\xc2\x00\x81\x01"
            "a"),
     "a|", 2, false},

    {"RSV2",
     OCTETS("\xa1\x01"
            "a"),
     "", 0, true},
    {"RSV3",
     OCTETS("\x91\x01"
            "a"),
     "", 0, true},
    {"RSV1 on a control frame", OCTETS("\xc9\x00"), "", 0, true},
    {"RSV1 on a continuation",
     OCTETS("\x01\x01"
            "a\xc0\x01"
            "b"),
     "", 0, true},
    {"unknown opcode",
     OCTETS("\x83\x01"
            "a"),
     "", 0, true},
    {"unknown control opcode", OCTETS("\x8b\x00"), "", 0, true},
    {"fragmented control frame",
     OCTETS("\x09\x01"
            "a"),
     "", 0, true},
    {"long control frame", OCTETS("\x89\x7e\x00\x7e"), "", 0, true},
    {"continuation of nothing",
     OCTETS("\x81\x01"
            "a\x80\x01"
            "b"),
     "a|", 0, true},
    {"message in a message",
     OCTETS("\x01\x01"
            "a\x81\x01"
            "b"),
     "", 0, true},
    {"length of 2^63",
     OCTETS("\x81\x7f\x80\x00\x00\x00\x00\x00\x00\x00"
            "a"),
     "", 0, true},
    {"HTTP", OCTETS("HTTP/1.1 200 OK\r\n"), "", 0, true},
#undef OCTETS
};

static void frames(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof streams / sizeof streams[0]; i++) {
        for (size_t piece = 1; piece <= streams[i].octets.len; piece++) {
            struct reading got = read_stream(streams[i].octets.at, streams[i].octets.len, piece);
            if (got.len != strlen(streams[i].messages) ||
                memcmp(got.text, streams[i].messages, got.len) != 0 ||
                got.broken != streams[i].broken || got.left_out != streams[i].left_out ||
                (!got.broken && got.rest != 0))
                fail_msg("%s, in pieces of %zu: \"%.*s\", %u left out%s, %zu octets at the end",
                         streams[i].what, piece, (int)got.len, got.text, got.left_out,
                         got.broken ? ", broken" : "", got.rest);
        }
    }
}

/* A frame of `len` octets, header and all, at `at`; where it ends. */
static char *put_frame(char *at, uint8_t first, size_t len, bool masked)
{
    *at++ = (char)first;
    *at++ = (char)((masked ? 0x80 : 0) | 127);
    for (int shift = 56; shift >= 0; shift -= 8)
        *at++ = (char)((uint64_t)len >> shift);
    for (int i = 0; masked && i < 4; i++)
        *at++ = (char)(i + 1);
    memset(at, 'x', len);
    return at + len;
}

static void long_messages(void **state)
{
    (void)state;
    char *stream = malloc(700000);
    assert_non_null(stream);
    for (size_t over = 0; over < 2; over++) {
        static const size_t pieces[] = {700000, 1460, 65550, 77};
        for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
            /* Whole, masked, and in two parts; the last is left out if it is an octet too long. */
            char *end = put_frame(stream, 0x81, WEBSOCKET_MESSAGE_MAX, false);
            end = put_frame(end, 0x82, WEBSOCKET_MESSAGE_MAX + over, true);
            end = put_frame(end, 0x01, 60000, false);
            end = put_frame(end, 0x89 | 0x80, 0, false) - 8;
            end[-1] = 0; /* a ping of no octets */
            end = put_frame(end, 0x80, WEBSOCKET_MESSAGE_MAX - 60000 + over, false);
            /* Longer than anything that a stream would be buffered for. */
            end = put_frame(end, 0x02, 300000 * over, true);
            end = put_frame(end, 0x80, 5, false);
            /* What was left out leaves nothing behind. */
            end = put_frame(end, 0x81, 3, false);
            struct reading got = read_stream(stream, (size_t)(end - stream), pieces[i]);
            assert_false(got.broken);
            assert_int_equal(got.rest, 0);
            assert_int_equal(got.messages, over ? 2 : 5);
            assert_memory_equal(got.text + got.len - 4, "xxx|", 4);
            assert_int_equal(got.left_out, over ? 3 : 0);
        }
    }
    free(stream);
}

/* A length that no stream will ever have: stepped over as far as it comes. */
static void endless_frame(void **state)
{
    (void)state;
    static char buffer[WEBSOCKET_MESSAGE_MAX], octets[1000];
    struct websocket websocket = {0};
    struct slice message;
    size_t used, need;
    const char header[] = "\x81\x7f\x7f\xff\xff\xff\xff\xff\xff\xff";
    assert_int_equal(
        websocket_next(&websocket, slice_of(header, 10), buffer, &used, &need, &message),
        WEBSOCKET_NOTHING);
    assert_int_equal(used, 10);
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(websocket_next(&websocket, slice_of(octets, sizeof octets), buffer, &used,
                                        &need, &message),
                         WEBSOCKET_NOTHING);
        assert_int_equal(used, sizeof octets);
    }
    assert_int_equal(websocket.left, INT64_MAX - 1000000);
    assert_int_equal(websocket.left_out, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(upgrading),     cmocka_unit_test(upgrade_too_long),
        cmocka_unit_test(frames),        cmocka_unit_test(long_messages),
        cmocka_unit_test(endless_frame),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
