/*
 * Messages as attackers and broken stacks write them: oversized, cut, without order. All are parsed
 * from buffers that end where they do.
 */
#include "sip_sample.h"

/* `before`, then `count` times `filler`, then `behind`. To be freed. */
static char *repeated(const char *before, const char *filler, size_t count, const char *behind)
{
    size_t step = strlen(filler), used = strlen(before);
    char *text = malloc(used + step * count + strlen(behind) + 1);
    assert_non_null(text);
    memcpy(text, before, used);
    for (size_t i = 0; i < count; i++, used += step)
        memcpy(text + used, filler, step);
    memcpy(text + used, behind, strlen(behind) + 1);
    return text;
}

static void large_ones(void **state)
{
    (void)state;
    static const struct {
        const char *what, *without, *before, *filler;
        size_t count;
        const char *behind;
        enum sip_refusal refusal;
        uint32_t defects;
    } rows[] = {
        {"header name of 300 octets", "", "X-", "n", 300, ": 1\r\n", SIP_ACCEPTED, 0},
        {"value of 9,000 octets", "", "Subject: ", "v", 9000, "\r\n", SIP_ACCEPTED, 0},
        {"value of 4,000 lines", "", "Subject: 0", "\r\n 1", 4000, "\r\n", SIP_ACCEPTED, 0},
        {"Call-ID of 4 KiB", "Call-ID", "Call-ID: ", "c", 4096, "\r\n", SIP_ACCEPTED, 0},
        {"tag of 9,000 octets", "From", "From: <sip:a@example.com>;tag=", "t", 9000, "\r\n",
         SIP_ACCEPTED, 0},
        {"parameters without names", "To", "To: <sip:a@example.com>", ";", 9000, "\r\n",
         SIP_ACCEPTED, 0},
        {"Contact of 9,000 elements", "", "Contact: <sip:a@192.0.2.1>", ",", 9000, "\r\n",
         SIP_ACCEPTED, 0},
        {"quotes that open and close", "", "Contact: ", "\"\"", 9000, "<sip:a@192.0.2.1>\r\n",
         SIP_ACCEPTED, 0},
        {"backslashes in a quote", "From", "From: \"", "\\", 9001, "\" <sip:a@example.com>\r\n",
         SIP_ACCEPTED, SIP_DEFECT_UNTERMINATED_QUOTE},
        {"as many headers as may be", "", "", "X-A: 1\r\n", SIP_HEADERS_MAX - 7, "", SIP_ACCEPTED,
         0},
        {"one header too many", "", "", "X-A: 1\r\n", SIP_HEADERS_MAX - 6, "", SIP_TOO_LARGE, 0},
        {"1,000 headers", "", "", "X-A: 1\r\n", 1000, "", SIP_TOO_LARGE, 0},
        {"128 KiB", "", "Subject: ", "v", SIP_MESSAGE_MAX, "\r\n", SIP_TOO_LARGE, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char *lines = repeated(rows[i].before, rows[i].filler, rows[i].count, rows[i].behind);
        struct parsed *p = parse_sample(REQUEST_LINE, rows[i].without, lines, "");
        assert_verdict(rows[i].what, p, rows[i].refusal, rows[i].defects);
        parsed_free(p);
        free(lines);
    }
}

static void large_start_lines(void **state)
{
    (void)state;
    char *line = repeated("INVITE sip:", "u", 9000, "@example.com SIP/2.0\r\n");
    struct parsed *p = parse_sample(line, "", "", "");
    assert_verdict("Request-URI of 9,000 octets", p, SIP_ACCEPTED, 0);
    assert_int_equal(p->msg.request_uri.len, 9016);
    parsed_free(p);
    free(line);

    line = repeated("SIP/2.0 500 ", "r", 9000, "\r\n");
    p = parse_sample(line, "", "", "");
    assert_verdict("reason of 9,000 octets", p, SIP_ACCEPTED, 0);
    parsed_free(p);
    free(line);

    line = repeated("", "M", 100, " sip:bob@example.com SIP/2.0\r\n");
    char *cseq = repeated("CSeq: 1 ", "M", 100, "\r\n");
    p = parse_sample(line, "CSeq", cseq, "");
    assert_verdict("method of 100 octets", p, SIP_ACCEPTED, SIP_DEFECT_UNKNOWN_METHOD);
    assert_int_equal(p->msg.method_name.len, 100);
    parsed_free(p);
    free(line);
    free(cseq);

    line = repeated("\r\n", "\r\n", 9000, REQUEST_LINE);
    p = parse_sample(line, "", "", "");
    assert_verdict("line ends in front", p, SIP_ACCEPTED, SIP_DEFECT_LEADING_JUNK);
    parsed_free(p);
    free(line);
}

static void odd_octets(void **state)
{
    (void)state;
    static const struct {
        const char *what, *line;
        size_t len;
        uint32_t defects;
    } rows[] = {
        {"NUL in a value", "Subject: a\0b\r\n", 14, SIP_DEFECT_NUL},
        {"NUL in a name", "Sub\0ject: a\r\n", 13, SIP_DEFECT_NUL | SIP_DEFECT_BAD_VALUE},
        {"Latin-1", "Subject: caf\xe9\r\n", 15, SIP_DEFECT_NON_UTF8},
        {"UTF-8", "Subject: caf\xc3\xa9\r\n", 16, 0},
        {"both", "Subject: \xff\0\r\n", 13, SIP_DEFECT_NON_UTF8 | SIP_DEFECT_NUL},
        {"bare CR", "Subject: a\rb\r\n", 14, 0},
        {"bare LF", "Subject: a\n", 11, SIP_DEFECT_BARE_LF},
        {"CR CR LF", "Subject: a\r\r\n", 13, 0},
        {"control characters", "Subject: \x01\x02\x7f\r\n", 14, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char *plain = sample(REQUEST_LINE, "", "", "");
        size_t head = strlen(plain) - 2;
        char text[1024];
        memcpy(text, plain, head);
        memcpy(text + head, rows[i].line, rows[i].len);
        memcpy(text + head + rows[i].len, "\r\n", 2);
        struct parsed *p = parse_bytes(text, head + rows[i].len + 2, false);
        assert_verdict(rows[i].what, p, SIP_ACCEPTED, rows[i].defects);
        assert_int_equal(p->msg.header_count, 8);
        parsed_free(p);
        free(plain);
    }
    static const char nul[] = "INVITE sip:a\0b@example.com SIP/2.0\r\nVia: SIP/2.0/UDP a;branch="
                              "z9hG4bK1\r\nFrom: <sip:a@b>;tag=a\0b\r\nTo: <sip:a@b>\r\nCall-ID: "
                              "a\0b\r\nCSeq: 1 INVITE\r\nMax-Forwards: 70\r\nl: 0\r\n\r\n";
    struct parsed *p = parse_bytes(nul, sizeof nul - 1, false);
    assert_verdict("NUL in all of them", p, SIP_ACCEPTED, SIP_DEFECT_NUL | SIP_DEFECT_BAD_URI);
    assert_int_equal(p->msg.call_id.len, 3);
    assert_int_equal(p->msg.from_tag.len, 3);
    parsed_free(p);
}

static void broken_structure(void **state)
{
    (void)state;
    static const struct {
        const char *what, *text;
        enum sip_refusal refusal;
    } rows[] = {
        {"nothing", "", SIP_NOT_SIP},
        {"only line ends", "\r\n\r\n\r\n", SIP_NOT_SIP},
        {"only a request line", REQUEST_LINE, SIP_NO_VIA},
        {"without its line end", "INVITE sip:bob@example.com SIP/2.0", SIP_NO_VIA},
        {"only a header line", "Via: SIP/2.0/UDP 192.0.2.1\r\n", SIP_NOT_SIP},
        {"a line without a colon", REQUEST_LINE "Via SIP\r\n\r\n", SIP_BAD_HEADER},
        {"a line without a name", REQUEST_LINE ": x\r\n\r\n", SIP_BAD_HEADER},
        {"a continuation of nothing", REQUEST_LINE " Via: x\r\n\r\n", SIP_BAD_HEADER},
        {"CR alone ends lines", "INVITE sip:bob@example.com SIP/2.0\rVia: x\r\r",
         SIP_BAD_START_LINE},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct parsed *p = parse_text(rows[i].text);
        assert_verdict(rows[i].what, p, rows[i].refusal, 0);
        parsed_free(p);
    }
}

/* Lines may end in CRLF or LF, mixed, and the header with the datagram. */
static void line_ends(void **state)
{
    (void)state;
    char *text = sample(REQUEST_LINE, "", "Subject: x\r\n", "");
    size_t len = strlen(text), kept = 0;
    struct parsed *p = parse_bytes(text, len - 2, false);
    assert_verdict("no blank line", p, SIP_ACCEPTED, SIP_DEFECT_NO_BLANK_LINE);
    assert_int_equal(p->msg.header_count, 8);
    parsed_free(p);
    p = parse_bytes(text, len - 4, false);
    assert_verdict("no line end", p, SIP_ACCEPTED, SIP_DEFECT_NO_BLANK_LINE);
    assert_slice(p->msg.header[7].value, "x");
    parsed_free(p);

    for (size_t i = 0; i < len; i++)
        if (text[i] != '\r')
            text[kept++] = text[i];
    p = parse_bytes(text, kept, false);
    assert_verdict("LF alone", p, SIP_ACCEPTED, SIP_DEFECT_BARE_LF);
    assert_slice(p->msg.call_id, "a84b4c76e66710@192.0.2.1");
    parsed_free(p);
    free(text);
}

/* A capture cut the message: what is whole counts, the line in which it ends does not. */
static void cut_captures(void **state)
{
    (void)state;
    char *text =
        sample(REQUEST_LINE, "Content-Length",
               "Content-Type: text/plain\r\nContent-Length: 10\r\nSubject: a\r\n", "0123456789");
    const char *body = strstr(text, "0123"), *subject = strstr(text, "Subject"),
               *call_id = strstr(text, "Call-ID");
    struct parsed *p = parse_bytes(text, strlen(text), true);
    assert_verdict("behind the body", p, SIP_ACCEPTED, SIP_DEFECT_CUT);
    parsed_free(p);

    p = parse_bytes(text, (size_t)(body - text) + 4, true);
    assert_verdict("in the body", p, SIP_ACCEPTED, SIP_DEFECT_CUT);
    assert_slice(p->msg.body, "0123");
    assert_int_equal(p->msg.content_length, 10);
    parsed_free(p);

    p = parse_bytes(text, (size_t)(subject - text) + 9, true);
    assert_verdict("in a value", p, SIP_ACCEPTED, SIP_DEFECT_CUT | SIP_DEFECT_NO_BLANK_LINE);
    assert_int_equal(p->msg.header_count, 8);
    parsed_free(p);

    p = parse_bytes(text, (size_t)(subject - text) + 3, true);
    assert_verdict("in a name", p, SIP_ACCEPTED, SIP_DEFECT_CUT | SIP_DEFECT_NO_BLANK_LINE);
    parsed_free(p);

    p = parse_bytes(text, (size_t)(call_id - text) + 12, true);
    assert_verdict("in the Call-ID", p, SIP_NO_CALL_ID, 0);
    parsed_free(p);
    free(text);
}

static void inside(const struct parsed *p, struct slice s)
{
    if (s.len == 0)
        return;
    assert_true(s.at >= p->bytes && s.at + s.len <= p->bytes + p->len);
}

/* Wherever a message is cut, and whichever octet is changed, the parser keeps to what is there. */
static void every_prefix(void **state)
{
    (void)state;
    char *text = sample(
        "INVITE sip:bob@[2001:db8::1]:5060;lr SIP/2.0\r\n", "Via From Content-Length",
        "Via: SIP / 2.0 / UDP [2001:db8::2]:5061 ;branch = \"z9hG4bK1\", SIP/2.0/TCP a;rport=1\r\n"
        "From:\r\n \"A \\\" B\"\r\n <sip:a@example.com;x=y> ; tag = 1\r\n"
        "Contact: \"C, D\" <sip:c@192.0.2.1:5060>;q=0.5, *\r\nRequire: 100rel, x\r\n"
        "RAck: 1 2 INVITE\r\nWarning: 399 a \"b\"\r\n"
        "Content-Type: multipart/mixed;boundary=\"b 1\"\r\nContent-Length: 63\r\n",
        "--b 1\r\nContent-Type: application/sdp\r\n\r\nv=0\r\ns=-\r\n--b 1--\r\n1234");
    size_t len = strlen(text), head = len - 63;
    struct parsed *p = parse_bytes(text, len, false);
    assert_verdict("whole", p, SIP_ACCEPTED, 0);
    assert_slice(sip_msg_sdp(&p->msg), "v=0\r\ns=-");
    parsed_free(p);
    static const char octets[] = {'\0', '\n', '\r', ' ', '"',  '<',
                                  '>',  ';',  ',',  ':', '\\', '\xff'};
    for (size_t i = 0; i < len; i++) {
        for (int cut = 0; cut < 2; cut++) {
            p = parse_bytes(text, i, cut);
            if (i >= head)
                assert_verdict("cut body", p, cut ? SIP_ACCEPTED : SIP_SHORT_BODY, SIP_DEFECT_CUT);
            if (p->refusal == SIP_ACCEPTED || p->refusal == SIP_SHORT_BODY) {
                inside(p, p->msg.body);
                inside(p, sip_msg_sdp(&p->msg));
            }
            parsed_free(p);
        }
        char kept = text[i];
        for (size_t c = 0; c < sizeof octets; c++) {
            text[i] = octets[c];
            p = parse_bytes(text, len, false);
            if (p->refusal == SIP_ACCEPTED) {
                inside(p, p->msg.from_uri);
                inside(p, p->msg.contact_uri);
                inside(p, sip_msg_sdp(&p->msg));
            }
            parsed_free(p);
        }
        text[i] = kept;
    }
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(large_ones),   cmocka_unit_test(large_start_lines),
        cmocka_unit_test(odd_octets),   cmocka_unit_test(broken_structure),
        cmocka_unit_test(line_ends),    cmocka_unit_test(cut_captures),
        cmocka_unit_test(every_prefix),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
