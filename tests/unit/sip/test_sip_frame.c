#include "sip/sip_frame.h"

#include <dirent.h>
#include <time.h>

#include "sip_sample.h"

/* What came out of a stream: its messages, one after the other, each with '|' behind it. */
struct frames {
    char *text;
    size_t len;
    size_t messages, keep_alives, without_length;
    size_t lost_octets, calls;
};

/* One direction as a stream's owner keeps it. */
struct reader {
    char *held;
    size_t len, searched, wanted;
};

static void feed(struct reader *r, const char *octets, size_t len, struct frames *out)
{
    /* As large as what is held, so that a sanitizer sees the first octet past it. */
    char *held = malloc(r->len + len ? r->len + len : 1);
    assert_non_null(held);
    if (r->len > 0)
        memcpy(held, r->held, r->len);
    memcpy(held + r->len, octets, len);
    free(r->held);
    r->held = held;
    r->len += len;
    size_t at = 0;
    while (r->len - at >= r->wanted) {
        struct sip_frame frame;
        memset(&frame, 0xa5, sizeof frame);
        sip_frame_next(slice_of(r->held + at, r->len - at), r->searched, &frame);
        out->calls++;
        assert_true(frame.len > 0);
        r->searched = frame.searched;
        r->wanted = 1;
        if (frame.verdict == SIP_FRAME_MORE) {
            assert_true(frame.len > r->len - at && frame.len <= SIP_FRAME_MESSAGE_MAX);
            assert_true(frame.searched <= r->len - at);
            r->wanted = frame.len;
            break;
        }
        assert_int_equal(frame.searched, 0);
        assert_true(frame.len <= r->len - at);
        if (frame.verdict == SIP_FRAME_MESSAGE) {
            memcpy(out->text + out->len, r->held + at, frame.len);
            out->len += frame.len;
            out->text[out->len++] = '|';
            out->messages++;
            out->without_length += frame.content_length_missing;
        } else if (frame.verdict == SIP_FRAME_KEEP_ALIVE) {
            out->keep_alives++;
        } else {
            out->lost_octets += frame.len;
        }
        at += frame.len;
    }
    memmove(r->held, r->held + at, r->len - at);
    r->len -= at;
}

/* The stream in pieces of `piece` octets, the first of `first`. */
static struct frames frames_of(struct slice stream, size_t first, size_t piece)
{
    struct frames out = {.text = malloc(2 * stream.len + 1)};
    struct reader reader = {.wanted = 1};
    assert_non_null(out.text);
    for (size_t at = 0; at < stream.len;) {
        struct slice part = slice_head(slice_skip(stream, at), at == 0 && first ? first : piece);
        feed(&reader, part.at, part.len, &out);
        at += part.len;
    }
    free(reader.held);
    return out;
}

static void frames_free(struct frames *frames)
{
    free(frames->text);
}

/* The same messages, wherever the stream is cut; and these. */
static void assert_frames(struct slice stream, const char *want, size_t want_len)
{
    for (size_t first = 1; first <= stream.len; first++) {
        struct frames got = frames_of(stream, first, stream.len);
        if (got.len != want_len || memcmp(got.text, want, want_len) != 0)
            fail_msg("cut at %zu: \"%.*s\", not \"%.*s\"", first, (int)got.len, got.text,
                     (int)want_len, want);
        frames_free(&got);
    }
    for (size_t piece = 1; piece < 4; piece++) {
        struct frames got = frames_of(stream, 0, piece);
        if (got.len != want_len || memcmp(got.text, want, want_len) != 0)
            fail_msg("in pieces of %zu: \"%.*s\", not \"%.*s\"", piece, (int)got.len, got.text,
                     (int)want_len, want);
        frames_free(&got);
    }
}

#define assert_stream(stream, want)                                                                \
    assert_frames(slice_of((stream), sizeof(stream) - 1), (want), sizeof(want) - 1)

#define OPTIONS "OPTIONS sip:b@example.com SIP/2.0\r\n"
#define VIA     "Via: SIP/2.0/TCP 192.0.2.1;branch=z9hG4bK1\r\n"

static void messages_in_a_row(void **state)
{
    (void)state;
    char *invite =
        sample(REQUEST_LINE, "Content-Length",
               "Content-Type: application/sdp\r\nContent-Length: 9\r\n", "v=0\r\n\r\nx=");
    char *ringing = sample(STATUS_LINE, "", "", "");
    char stream[4096], want[4096];
    int len =
        snprintf(stream, sizeof stream, "%s\r\n\r\n%s%s\r\n%s", invite, ringing, invite, ringing);
    int want_len = snprintf(want, sizeof want, "%s|%s|%s|%s|", invite, ringing, invite, ringing);
    assert_frames(slice_of(stream, (size_t)len), want, (size_t)want_len);

    struct frames whole = frames_of(slice_of(stream, (size_t)len), 0, (size_t)len);
    assert_int_equal(whole.messages, 4);
    assert_int_equal(whole.keep_alives, 2);
    assert_int_equal(whole.lost_octets, 0);
    assert_int_equal(whole.without_length, 0);
    frames_free(&whole);
    free(invite);
    free(ringing);
}

/* Each row is followed by a plain message, which must be found whatever the row is. */
static void content_lengths(void **state)
{
    (void)state;
    static const struct {
        const char *headers, *body;
        bool lost;
    } rows[] = {
        {"Content-Length: 3\r\n", "abc", false},
        {"l: 3\r\n", "abc", false},
        {"L:3\r\n", "abc", false},
        {"CONTENT-LENGTH : 3 \r\n", "abc", false},
        {"Content-Length:\r\n 3\r\n", "abc", false},
        {"Content-Length:\t3\t\r\n", "abc", false},
        {"Content-Length: 3\n", "abc", false},
        {"Content-Length: 00000003\r\n", "abc", false},
        {"l: 3\r\nContent-Length: 003\r\n", "abc", false},
        {"X: Content-Length: 9\r\nl: 3\r\n", "abc", false},
        {"X: 1\r\n Content-Length: 9\r\nl: 3\r\n", "abc", false},
        {"no colon\r\nl: 3\r\n", "abc", false},
        {"l: 3\r\nl: 4\r\n", "abcd", true},
        {"l: 0\r\nContent-Length: 3\r\n", "abc", true},
        {"l: 000000003\r\n", "abc", true},
        {"l: 4294967328\r\n", "12345678901234567890123456789012", true},
        {"l: 18446744073709551619\r\n", "abc", true},
        {"l: 65537\r\n", "abc", true},
        {"l: 99999999\r\n", "abc", true},
        {"l: -3\r\n", "abc", true},
        {"l: +3\r\n", "abc", true},
        {"l: 3x\r\n", "abc", true},
        {"l: 0x3\r\n", "abc", true},
        {"l: 3 3\r\n", "abc", true},
        {"l: 3, 3\r\n", "abc", true},
        {"l:\r\n", "abc", true},
        {"l: \"3\"\r\n", "abc", true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char stream[512], want[512];
        const char *next = "SIP/2.0 200 OK\r\nl: 0\r\n\r\n";
        int len = snprintf(stream, sizeof stream, OPTIONS VIA "%s\r\n%s%s%s", rows[i].headers,
                           rows[i].body, rows[i].lost ? "\r\n" : "", next);
        int want_len = rows[i].lost ? snprintf(want, sizeof want, "%s|", next)
                                    : snprintf(want, sizeof want, OPTIONS VIA "%s\r\n%s|%s|",
                                               rows[i].headers, rows[i].body, next);
        assert_frames(slice_of(stream, (size_t)len), want, (size_t)want_len);
    }
}

static void no_content_length(void **state)
{
    (void)state;
    static const char stream[] = OPTIONS VIA "\r\nv=0\r\ns=-\r\n\r\n" OPTIONS "l: 0\r\n\r\n";
    assert_stream(stream, OPTIONS VIA "\r\n|" OPTIONS "l: 0\r\n\r\n|");
    struct frames got = frames_of(slice_of(stream, sizeof stream - 1), 0, sizeof stream);
    assert_int_equal(got.messages, 2);
    assert_int_equal(got.without_length, 1);
    frames_free(&got);
}

static void line_ends(void **state)
{
    (void)state;
    assert_stream("OPTIONS sip:a@b SIP/2.0\nl: 2\n\nab" OPTIONS "l: 1\r\n\r\nc",
                  "OPTIONS sip:a@b SIP/2.0\nl: 2\n\nab|" OPTIONS "l: 1\r\n\r\nc|");
    /* CR CR LF ends a line, as it does in sip_msg_parse. */
    assert_stream(OPTIONS "l: 1\r\r\n\r\r\nc\r\r\n" OPTIONS "l: 0\r\n\n",
                  OPTIONS "l: 1\r\r\n\r\r\nc|" OPTIONS "l: 0\r\n\n|");
    /* A continuation line that is all white space is no blank line. */
    assert_stream(OPTIONS "X: a\r\n \r\nl: 1\r\n\r\nc", OPTIONS "X: a\r\n \r\nl: 1\r\n\r\nc|");
    assert_stream("\r\n\r\n\r\n\n\r", "");
    /* A body of line ends is a body. */
    assert_stream(OPTIONS "l: 4\r\n\r\n\r\n\r\n\r\n\r\n" OPTIONS "\r\n",
                  OPTIONS "l: 4\r\n\r\n\r\n\r\n|" OPTIONS "\r\n|");
}

static void odd_start_lines(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "A.!%*_+`'~-b sip:a@b SIP/2.0\r\n",
        "INVITE  sip:a@b\t SIP/2.0 \r\n",
        "INVITE sip:a@b SIP/7.0\r\n",
        "SIP/2.0 4294967301 what\r\n",
        "SIP/2.0 200\r\n",
        "sip/2.0 200 OK\r\n",
        "INVITE sip:a b@c SIP/2.0\r\n",
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char stream[256], want[256];
        int len =
            snprintf(stream, sizeof stream, "%sl: 1\r\n\r\nx%sl: 0\r\n\r\n", rows[i], rows[i]);
        int want_len =
            snprintf(want, sizeof want, "%sl: 1\r\n\r\nx|%sl: 0\r\n\r\n|", rows[i], rows[i]);
        assert_frames(slice_of(stream, (size_t)len), want, (size_t)want_len);
    }
}

static void garbage(void **state)
{
    (void)state;
    const char *one = OPTIONS "l: 0\r\n\r\n|";
    size_t len = strlen(one);
#define GARBAGE(text) assert_frames(SLICE(text OPTIONS "l: 0\r\n\r\n"), one, len)
    GARBAGE("hello\r\n");
    GARBAGE("GET / HTTP/1.1\r\nHost: example.com\r\n\r\n");
    GARBAGE("nobody\nknows\n\nthe trouble\n");
    GARBAGE("garbage\n\n\r");
    GARBAGE("\0\0\0\xff\xfe\n");
    GARBAGE(" " OPTIONS); /* a line that begins with white space is none */
    GARBAGE("OPTIONS sip:b@example.com SIP\r\n");
    GARBAGE("Via: SIP/2.0/TCP 192.0.2.1\r\nVia : SIP/2.0/TCP 192.0.2.1\r\n\r\n");
    /* The end of a message is missing. */
    GARBAGE(OPTIONS VIA);
    GARBAGE(OPTIONS VIA "From: <si\r\n");
    GARBAGE(OPTIONS VIA "Subject: a\r\n continued " OPTIONS);
#undef GARBAGE
    assert_stream("OPTIONS sip:a\0b SIP/2.0\r\nX\0: \0\r\nl: 2\r\n\r\n\0\0x\0\n" OPTIONS "\r\n",
                  "OPTIONS sip:a\0b SIP/2.0\r\nX\0: \0\r\nl: 2\r\n\r\n\0\0|" OPTIONS "\r\n|");
    /* White space before the colon: "Via" is no method. */
    assert_stream(OPTIONS "Via : SIP/2.0/TCP a\r\nv\t: SIP/2.0/TCP b SIP/2.0\r\nl: 1\r\n\r\nx",
                  OPTIONS "Via : SIP/2.0/TCP a\r\nv\t: SIP/2.0/TCP b SIP/2.0\r\nl: 1\r\n\r\nx|");
}

/* Octets of one kind, with text before and behind. To be freed. */
static char *padded(const char *before, char fill, size_t count, const char *behind, size_t *len)
{
    *len = strlen(before) + count + strlen(behind);
    char *text = malloc(*len + 1);
    assert_non_null(text);
    memset(text, fill, *len);
    memcpy(text, before, strlen(before));
    memcpy(text + strlen(before) + count, behind, strlen(behind) + 1);
    return text;
}

static void assert_counts(const char *stream, size_t len, size_t messages, size_t lost)
{
    static const size_t pieces[] = {SIZE_MAX, 1460, 65536, 999};
    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
        struct frames got = frames_of(slice_of(stream, len), 0, pieces[i]);
        assert_int_equal(got.messages, messages);
        assert_int_equal(got.lost_octets, lost);
        frames_free(&got);
    }
}

static void sizes(void **state)
{
    (void)state;
    size_t len, head = strlen(OPTIONS "X: "), tail = strlen("\r\nl: 0\r\n\r\n");
    /* The headers may be as long as they may be, and not an octet longer. */
    for (size_t over = 0; over < 2; over++) {
        char *stream = padded(OPTIONS "X: ", 'x', SIP_FRAME_HEADERS_MAX - head - tail + over,
                              "\r\nl: 0\r\n\r\n" OPTIONS "l: 0\r\n\r\n", &len);
        assert_counts(stream, len, over ? 1 : 2, over ? SIP_FRAME_HEADERS_MAX - 1 : 0);
        free(stream);
    }
    /* So may the body; the message that exceeds it is lost, the one behind it is not. */
    char *stream = padded(OPTIONS "l: 65536\r\n\r\n", 'x', 65536, OPTIONS "l: 0\r\n\r\n", &len);
    assert_counts(stream, len, 2, 0);
    free(stream);
    stream = padded(OPTIONS "l: 65537\r\n\r\n", 'x', 60000, "\r\n" OPTIONS "l: 0\r\n\r\n", &len);
    assert_counts(stream, len, 1, strlen(OPTIONS "l: 65537\r\n\r\n") + 60002);
    free(stream);
    /* A line that never ends is given up in pieces. */
    stream = padded("", 'x', 200000, "\n" OPTIONS "l: 0\r\n\r\n", &len);
    assert_counts(stream, len, 1, 200001);
    free(stream);
}

/* However slowly the octets come, each costs about the same. */
static void slow_senders(void **state)
{
    (void)state;
    static const struct {
        const char *beginning, *filling;
    } rows[] = {
        {OPTIONS "X: ", "xx"}, /* a header line that never ends */
        {OPTIONS, "x\n"},      /* headers that never end */
        {"OPTIONS sip:", "xx"}, {"x", "xx"}, {" ", "\t\t"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        size_t len;
        char *stream = padded(rows[i].beginning, 'x', SIP_FRAME_HEADERS_MAX, "", &len);
        for (size_t at = strlen(rows[i].beginning); at + 1 < len; at += 2)
            memcpy(stream + at, rows[i].filling, 2);
        struct timespec from, to;
        size_t searched = 0;
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);
        for (size_t held = 1; held < SIP_FRAME_HEADERS_MAX; held++) {
            struct sip_frame frame;
            sip_frame_next(slice_of(stream, held), searched, &frame);
            assert_int_equal(frame.verdict, SIP_FRAME_MORE);
            searched = frame.searched;
        }
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to);
        double seconds =
            (double)(to.tv_sec - from.tv_sec) + 1e-9 * (double)(to.tv_nsec - from.tv_nsec);
        /* 65,535 calls; if each looked at all again it would be 2^31 octets, seconds. */
        if (seconds > 0.25)
            fail_msg("\"%s…\" took %.2f s", rows[i].beginning, seconds);
        free(stream);
    }
}

/* Start lines without end: each is lost with its octets, none is looked at twice. */
static void many_beginnings(void **state)
{
    (void)state;
    enum { COUNT = 200000 };
    const struct slice line = SLICE("A b SIP/2.0\n");
    char *stream = malloc(COUNT * line.len);
    assert_non_null(stream);
    for (size_t i = 0; i < COUNT; i++)
        memcpy(stream + i * line.len, line.at, line.len);
    struct slice rest = slice_of(stream, COUNT * line.len);
    size_t lost = 0;
    struct timespec from, to;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);
    for (;;) {
        struct sip_frame frame;
        sip_frame_next(rest, 0, &frame);
        if (frame.verdict != SIP_FRAME_LOST)
            break;
        lost += frame.len;
        rest = slice_skip(rest, frame.len);
    }
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to);
    assert_int_equal(lost, (COUNT - 1) * line.len);
    assert_true(to.tv_sec - from.tv_sec < 2);
    free(stream);
}

#define assert_found(text, position)                                                               \
    assert_int_equal(sip_frame_find_start(slice_of((text), sizeof(text) - 1)), (position))

static void finding_a_start(void **state)
{
    (void)state;
    assert_found("", 0);
    assert_found(OPTIONS, 0);
    assert_found("SIP/2.0 200 OK\r\n", 0);
    assert_found("x\r\n" OPTIONS, 3);
    assert_found("x\n" OPTIONS "y\n", 2);
    /* The middle of a request line and of its method. */
    assert_found("example.com SIP/2.0\r\n" OPTIONS, 21);
    assert_found("PTIONS sip:b@example.com SIP/2.0\r\n" OPTIONS, 34);
    assert_found("x\nPTIONS sip:b@example.com SIP/2.0\r\n" OPTIONS, 2);
    assert_found("IP/2.0 200 OK\r\n" VIA "\r\n", 15 + sizeof VIA + 1);
    /* Header lines and bodies that name SIP. */
    assert_found("Via : SIP/2.0/TCP a\r\nVia: SIP/2.0/TCP a\r\n\r\nuse of SIP/2.0\r\n" OPTIONS,
                 21 + 20 + 2 + 16);
    assert_found("o=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\n", 31);
    /* Not finished: may become one. */
    assert_found("x\r\nOPTI", 3);
    assert_found("x\r\nVia: a", 3);
    size_t len;
    char *endless = padded("x\n", 'x', SIP_FRAME_HEADERS_MAX, "", &len);
    assert_int_equal(sip_frame_find_start(slice_of(endless, len)), len);
    assert_int_equal(sip_frame_find_start(slice_of(endless, len - 1)), 2);
    free(endless);
}

static void being_a_start(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool is;
    } rows[] = {
        {OPTIONS, true},
        {"\r\n\r\n" OPTIONS, true},
        {"SIP/2.0 100 Trying\r\n", true},
        {"SIP/2.0 200\n", true},
        {"NEW tel:+15550100 SIP/2.0\r\n", true},
        {"OPTIONS sip:", true},
        {"OPTIONS sips:b", true},
        {"OPTIONS TEL:+1", true},
        {"SIP/2.0 100", true},
        {"SIP/2.0 100 Tryi", true},
        {"", false},
        {"\r\n", false},
        {"O", false},
        {"OPTIONS", false},
        {"OPTIONS sip", false},
        {"OPTIONS http://", false},
        {" sip:b", false},
        {"SIP/2.0", false},
        {"SIP/2.0 10", false},
        {"SIP/2.0 1x0 Trying", false},
        {"SIP/2.0 999 Trying\r\n", false},
        {"SIP/3.0 100 Trying\r\n", false},
        {"OPTIONS sip:b@example.com SIP/3.0\r\n", false},
        {"OPTIONS sip:b@example.com HTTP/1.1\r\n", false},
        {"OPTIONS SIP/2.0\r\n", false},
        {"Via: SIP/2.0/TCP 192.0.2.1\r\n", false},
        {"Via : SIP/2.0/TCP 192.0.2.1\r\n", false},
        {"GET / HTTP/1.1\r\n", false},
        {"\x16\x03\x01\x02\x00\x01", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (sip_frame_is_start(slice_str(rows[i].text)) != rows[i].is)
            fail_msg("\"%s\"", rows[i].text);
}

/* What is framed is what the parser reads: the same end, the same body. */
static void as_the_parser(void **state)
{
    (void)state;
    static const char *const headers[] = {
        "l: 2\r\n",   "Content-Length : 2\r\n", "l:\n 2\n",
        "l: 2\r\r\n", "l: 2\r\nl: 02\r\n",      "X\r\nl: 2\r\n",
    };
    for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++) {
        char *text = sample(REQUEST_LINE, "Content-Length", headers[i], "abSIP/2.0 200 OK\r\n");
        struct sip_frame frame;
        sip_frame_next(slice_str(text), 0, &frame);
        assert_int_equal(frame.verdict, SIP_FRAME_MESSAGE);
        struct parsed *p = parse_bytes(text, frame.len, false);
        if (p->refusal != SIP_BAD_HEADER) {
            assert_int_equal(p->refusal, SIP_ACCEPTED);
            assert_false(p->msg.defects & SIP_DEFECT_SURPLUS);
            assert_slice(p->msg.body, "ab");
        }
        parsed_free(p);
        free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_in_a_row),
        cmocka_unit_test(content_lengths),
        cmocka_unit_test(no_content_length),
        cmocka_unit_test(line_ends),
        cmocka_unit_test(odd_start_lines),
        cmocka_unit_test(garbage),
        cmocka_unit_test(sizes),
        cmocka_unit_test(slow_senders),
        cmocka_unit_test(many_beginnings),
        cmocka_unit_test(finding_a_start),
        cmocka_unit_test(being_a_start),
        cmocka_unit_test(as_the_parser),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
