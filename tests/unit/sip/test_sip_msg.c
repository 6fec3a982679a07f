#include "sip_sample.h"

/* A sample and what must come of it; the defects are exact. */
struct row {
    const char *what;
    const char *start;
    const char *without;
    const char *lines;
    const char *body;
    enum sip_refusal refusal;
    uint32_t defects;
};

static void check_rows(const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct row *row = &rows[i];
        struct parsed *p = parse_sample(row->start, row->without, row->lines, row->body);
        assert_verdict(row->what, p, row->refusal, row->defects);
        parsed_free(p);
    }
}
#define CHECK_ROWS(rows) check_rows((rows), sizeof(rows) / sizeof(rows)[0])

static void start_lines(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"plain", REQUEST_LINE, "", "", "", SIP_ACCEPTED, 0},
        {"response", STATUS_LINE, "Max-Forwards", "", "", SIP_ACCEPTED, 0},
        {"version in small letters", "INVITE sip:bob@example.com sip/2.0\r\n", "", "", "",
         SIP_ACCEPTED, 0},
        {"no reason, no space", "SIP/2.0 180\r\n", "", "", "", SIP_ACCEPTED,
         SIP_DEFECT_START_LINE_SPACING},
        {"two spaces before the status", "SIP/2.0  180 Ringing\r\n", "", "", "", SIP_ACCEPTED,
         SIP_DEFECT_START_LINE_SPACING},
        {"HTAB in the request line", "INVITE\tsip:bob@example.com\tSIP/2.0\r\n", "", "", "",
         SIP_ACCEPTED, 0},
        {"spaces", "INVITE  sip:bob@example.com SIP/2.0 \r\n", "", "", "", SIP_ACCEPTED,
         SIP_DEFECT_START_LINE_SPACING},
        {"CRLFs in front", "\r\n\r\n" REQUEST_LINE, "", "", "", SIP_ACCEPTED,
         SIP_DEFECT_LEADING_JUNK},
        {"bare LF", "INVITE sip:bob@example.com SIP/2.0\n", "", "", "", SIP_ACCEPTED,
         SIP_DEFECT_BARE_LF},
        {"tel URI", "INVITE tel:+1-201-555-0123;phone-context=example.com SIP/2.0\r\n", "", "", "",
         SIP_ACCEPTED, 0},
        {"unknown scheme", "INVITE urn:service:sos SIP/2.0\r\n", "", "", "", SIP_ACCEPTED,
         SIP_DEFECT_UNKNOWN_SCHEME},
        {"no scheme", "INVITE bob@example.com SIP/2.0\r\n", "", "", "", SIP_ACCEPTED,
         SIP_DEFECT_BAD_URI},
        {"port past 65535", "INVITE sip:bob@example.com:65536 SIP/2.0\r\n", "", "", "",
         SIP_ACCEPTED, SIP_DEFECT_BAD_URI},
        {"bracket not closed", "INVITE sip:bob@[2001:db8::1 SIP/2.0\r\n", "", "", "", SIP_ACCEPTED,
         SIP_DEFECT_BAD_URI},
        {"angle brackets with nothing in them", "INVITE <> SIP/2.0\r\n", "", "", "", SIP_ACCEPTED,
         SIP_DEFECT_BAD_URI},
        {"no URI", "INVITE SIP/2.0\r\n", "", "", "", SIP_BAD_START_LINE, 0},
        {"something behind the version", "INVITE sip:bob@example.com SIP/2.0 x\r\n", "", "", "",
         SIP_BAD_START_LINE, 0},
        {"version 7.0", "INVITE sip:bob@example.com SIP/7.0\r\n", "", "", "", SIP_BAD_VERSION, 0},
        {"version 1.0 of a response", "SIP/1.0 200 OK\r\n", "", "", "", SIP_BAD_VERSION, 0},
        {"no version number", "SIP/ 200 OK\r\n", "", "", "", SIP_BAD_VERSION, 0},
        {"no status", "SIP/2.0\r\n", "", "", "", SIP_BAD_START_LINE, 0},
        {"status 99", "SIP/2.0 099 Low\r\n", "", "", "", SIP_BAD_STATUS, 0},
        {"status 700", "SIP/2.0 700 High\r\n", "", "", "", SIP_BAD_STATUS, 0},
        {"status of two digits", "SIP/2.0 20 OK\r\n", "", "", "", SIP_BAD_STATUS, 0},
        {"status of four digits", "SIP/2.0 2000 OK\r\n", "", "", "", SIP_BAD_STATUS, 0},
        {"negative status", "SIP/2.0 -20 OK\r\n", "", "", "", SIP_BAD_STATUS, 0},
        {"status and letters", "SIP/2.0 200OK\r\n", "", "", "", SIP_BAD_STATUS, 0},
        {"HTTP", "GET /index.html HTTP/1.1\r\n", "", "", "", SIP_NOT_SIP, 0},
        {"RTSP", "OPTIONS rtsp://192.0.2.1/ RTSP/1.0\r\n", "", "", "", SIP_NOT_SIP, 0},
        {"method that is no token", "IN(VITE sip:bob@example.com SIP/2.0\r\n", "", "", "",
         SIP_NOT_SIP, 0},
        {"a line of its own", "hello\r\n", "", "", "", SIP_NOT_SIP, 0},
    };
    CHECK_ROWS(rows);
}

static void headers_that_must_be_there(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"no Via", REQUEST_LINE, "Via", "", "", SIP_NO_VIA, 0},
        {"no From", REQUEST_LINE, "From", "", "", SIP_NO_FROM, 0},
        {"no To", REQUEST_LINE, "To", "", "", SIP_NO_TO, 0},
        {"no Call-ID", REQUEST_LINE, "Call-ID", "", "", SIP_NO_CALL_ID, 0},
        {"no CSeq", REQUEST_LINE, "CSeq", "", "", SIP_NO_CSEQ, 0},
        {"no Max-Forwards", REQUEST_LINE, "Max-Forwards", "", "", SIP_ACCEPTED,
         SIP_DEFECT_NO_MAX_FORWARDS},
        {"no Content-Length", REQUEST_LINE, "Content-Length", "", "", SIP_ACCEPTED,
         SIP_DEFECT_NO_CONTENT_LENGTH},
        {"empty Via", REQUEST_LINE, "Via", "Via:\r\n", "", SIP_BAD_VIA, 0},
        {"empty From", REQUEST_LINE, "From", "From: \r\n", "", SIP_BAD_FROM, 0},
        {"empty To", REQUEST_LINE, "To", "To:\r\n", "", SIP_BAD_TO, 0},
        {"empty Call-ID", REQUEST_LINE, "Call-ID", "Call-ID: \t\r\n", "", SIP_BAD_CALL_ID, 0},
        {"empty CSeq", REQUEST_LINE, "CSeq", "CSeq:\r\n", "", SIP_BAD_CSEQ, 0},
        {"compact forms", REQUEST_LINE, "Via From To Call-ID Content-Length",
         "v: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKx\r\nf: <sip:a@example.com>;tag=1\r\n"
         "t: <sip:b@example.com>\r\ni: 1\r\nl: 0\r\nm: <sip:a@192.0.2.1>\r\ns: x\r\nk: timer\r\n",
         "", SIP_ACCEPTED, 0},
        {"the same Call-ID twice", REQUEST_LINE, "", "i: a84b4c76e66710@192.0.2.1\r\n", "",
         SIP_ACCEPTED, SIP_DEFECT_DUPLICATE},
        {"two Call-IDs", REQUEST_LINE, "", "Call-ID: b\r\n", "", SIP_DUPLICATE_HEADER, 0},
        {"two CSeqs", REQUEST_LINE, "", "CSeq: 1 INVITE\r\n", "", SIP_DUPLICATE_HEADER, 0},
        {"two Froms", REQUEST_LINE, "", "f: <sip:c@example.com>;tag=2\r\n", "",
         SIP_DUPLICATE_HEADER, 0},
        {"two Tos", REQUEST_LINE, "", "t: <sip:c@example.com>\r\n", "", SIP_DUPLICATE_HEADER, 0},
        {"two Max-Forwards", REQUEST_LINE, "", "Max-Forwards: 5\r\n", "", SIP_ACCEPTED,
         SIP_DEFECT_BAD_VALUE},
        {"the same Max-Forwards twice", REQUEST_LINE, "", "Max-Forwards: 70\r\n", "", SIP_ACCEPTED,
         SIP_DEFECT_DUPLICATE},
    };
    CHECK_ROWS(rows);
}

static void cseqs(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"largest", REQUEST_LINE, "CSeq", "CSeq: 2147483647 INVITE\r\n", "", SIP_ACCEPTED, 0},
        {"too large", REQUEST_LINE, "CSeq", "CSeq: 2147483648 INVITE\r\n", "", SIP_BAD_CSEQ, 0},
        {"2^32 + 1", REQUEST_LINE, "CSeq", "CSeq: 4294967297 INVITE\r\n", "", SIP_BAD_CSEQ, 0},
        {"2^64 + 1", REQUEST_LINE, "CSeq", "CSeq: 18446744073709551617 INVITE\r\n", "",
         SIP_BAD_CSEQ, 0},
        {"zeros in front", REQUEST_LINE, "CSeq", "CSeq: 000000000000000000000009 INVITE\r\n", "",
         SIP_ACCEPTED, 0},
        {"folded", REQUEST_LINE, "CSeq", "CSeq:\r\n 1\r\n\t INVITE\r\n", "", SIP_ACCEPTED, 0},
        {"negative", REQUEST_LINE, "CSeq", "CSeq: -1 INVITE\r\n", "", SIP_BAD_CSEQ, 0},
        {"no number", REQUEST_LINE, "CSeq", "CSeq: INVITE\r\n", "", SIP_BAD_CSEQ, 0},
        {"no method", REQUEST_LINE, "CSeq", "CSeq: 1\r\n", "", SIP_BAD_CSEQ, 0},
        {"nothing between", REQUEST_LINE, "CSeq", "CSeq: 1INVITE\r\n", "", SIP_BAD_CSEQ, 0},
        {"more", REQUEST_LINE, "CSeq", "CSeq: 1 INVITE x\r\n", "", SIP_BAD_CSEQ, 0},
        {"another method", REQUEST_LINE, "CSeq", "CSeq: 1 BYE\r\n", "", SIP_CSEQ_MISMATCH, 0},
        {"another case", REQUEST_LINE, "CSeq", "CSeq: 1 invite\r\n", "", SIP_CSEQ_MISMATCH, 0},
        {"ACK", "ACK sip:bob@example.com SIP/2.0\r\n", "CSeq", "CSeq: 1 INVITE\r\n", "",
         SIP_CSEQ_MISMATCH, 0},
        {"CANCEL", "CANCEL sip:bob@example.com SIP/2.0\r\n", "CSeq", "CSeq: 1 CANCEL\r\n", "",
         SIP_ACCEPTED, 0},
        {"unknown method", "frob sip:bob@example.com SIP/2.0\r\n", "CSeq", "CSeq: 1 frob\r\n", "",
         SIP_ACCEPTED, SIP_DEFECT_UNKNOWN_METHOD},
        {"response to any method", STATUS_LINE, "CSeq", "CSeq: 1 BYE\r\n", "", SIP_ACCEPTED, 0},
        {"response to an unknown one", STATUS_LINE, "CSeq", "CSeq: 1 FROB\r\n", "", SIP_ACCEPTED,
         SIP_DEFECT_UNKNOWN_METHOD},
    };
    CHECK_ROWS(rows);
}

#define BODY_TYPE "Content-Type: text/plain\r\n"

static void content_lengths(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"exact", REQUEST_LINE, "Content-Length", BODY_TYPE "Content-Length: 4\r\n", "abcd",
         SIP_ACCEPTED, 0},
        {"more there", REQUEST_LINE, "Content-Length", BODY_TYPE "l:3\r\n", "abcd", SIP_ACCEPTED,
         SIP_DEFECT_SURPLUS},
        {"less there", REQUEST_LINE, "Content-Length", BODY_TYPE "Content-Length: 5\r\n", "abcd",
         SIP_SHORT_BODY, 0},
        {"none", REQUEST_LINE, "Content-Length", BODY_TYPE, "abcd", SIP_ACCEPTED,
         SIP_DEFECT_NO_CONTENT_LENGTH},
        {"no Content-Type", REQUEST_LINE, "Content-Length", "Content-Length: 4\r\n", "abcd",
         SIP_ACCEPTED, SIP_DEFECT_BAD_VALUE},
        {"negative", REQUEST_LINE, "Content-Length", "Content-Length: -1\r\n", "",
         SIP_BAD_CONTENT_LENGTH, 0},
        {"plus", REQUEST_LINE, "Content-Length", "Content-Length: +4\r\n", "abcd",
         SIP_BAD_CONTENT_LENGTH, 0},
        {"letters", REQUEST_LINE, "Content-Length", "Content-Length: five\r\n", "abcd",
         SIP_BAD_CONTENT_LENGTH, 0},
        {"empty", REQUEST_LINE, "Content-Length", "Content-Length:\r\n", "", SIP_BAD_CONTENT_LENGTH,
         0},
        {"2^32", REQUEST_LINE, "Content-Length", "Content-Length: 4294967296\r\n", "",
         SIP_BAD_CONTENT_LENGTH, 0},
        {"2^32 + 32", REQUEST_LINE, "Content-Length", "Content-Length: 4294967328\r\n", "",
         SIP_BAD_CONTENT_LENGTH, 0},
        {"past 64 bits", REQUEST_LINE, "Content-Length", "Content-Length: 99999999999999999999\r\n",
         "", SIP_BAD_CONTENT_LENGTH, 0},
        {"2^64", REQUEST_LINE, "Content-Length", "Content-Length: 18446744073709551616\r\n", "",
         SIP_BAD_CONTENT_LENGTH, 0},
        {"65537", REQUEST_LINE, "Content-Length", "Content-Length: 65537\r\n", "",
         SIP_BAD_CONTENT_LENGTH, 0},
        {"65535", REQUEST_LINE, "Content-Length", "Content-Length: 65535\r\n", "", SIP_SHORT_BODY,
         0},
        {"twice the same", REQUEST_LINE, "", "l: 00\r\n", "", SIP_ACCEPTED, SIP_DEFECT_DUPLICATE},
        {"two that differ", REQUEST_LINE, "", "l: 4\r\n", "abcd", SIP_BAD_CONTENT_LENGTH, 0},
    };
    CHECK_ROWS(rows);
}

/* What is not needed for matching is never a reason to refuse. */
static void minor_headers(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "Contact:\r\n",
        "Contact: \"Alice <sip:alice@192.0.2.1\r\n",
        "Contact: <sip:alice@192.0.2.1\r\n",
        "Contact: <sip:alice@192.0.2.1:99999>\r\n",
        "Contact: alice\r\n",
        "m: sip:alice@192.0.2.1?Route=x\r\n",
        "Expires: never\r\n",
        "Expires: 4294967296\r\n",
        "Warning:\r\n",
        "Warning: 1812 overture \"In Progress\"\r\n",
        "Warning: 399\r\n",
        "Reason:\r\n",
        "Retry-After: soon\r\n",
        "x: often\r\n",
        "RSeq: 0\r\n",
        "RSeq: 4294967296\r\n",
        "RAck: 1\r\n",
        "RAck: 1 x INVITE\r\n",
        "RAck: 1 2\r\n",
        "Two Words: x\r\n",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct parsed *p = parse_sample(REQUEST_LINE, "", bad[i], "");
        uint32_t quote =
            strchr(bad[i], '"') && strstr(bad[i], "Contact") ? SIP_DEFECT_UNTERMINATED_QUOTE : 0;
        assert_verdict(bad[i], p, SIP_ACCEPTED, SIP_DEFECT_BAD_VALUE | quote);
        parsed_free(p);
    }
    static const char *const good[] = {
        "Contact: *\r\n",
        "m: \"A, B\" <sip:a@192.0.2.1>;q=0.5, <sip:b@192.0.2.1>\r\n",
        "Contact: <sip:[2001:db8::1]:5060;transport=udp>\r\n",
        "Expires: 4294967295\r\n",
        "Warning: 399 example.com \"words, and \\\"words\\\"\"\r\n",
        "Reason: Q.850 ;cause=16\r\n",
        "Retry-After: 18000;duration=3600\r\n",
        "Retry-After: 120 (in a meeting)\r\n",
        "Session-Expires: 1800;refresher=uac\r\n",
        "Subject:\r\n",
        "Date: yesterday\r\n",
        "X-a.b!%*_+`'~:;;,,;\r\n",
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        struct parsed *p = parse_sample(REQUEST_LINE, "", good[i], "");
        assert_verdict(good[i], p, SIP_ACCEPTED, 0);
        parsed_free(p);
    }
    struct parsed *p = parse_sample(REQUEST_LINE, "Max-Forwards", "Max-Forwards: 300\r\n", "");
    assert_verdict("Max-Forwards: 300", p, SIP_ACCEPTED, SIP_DEFECT_BAD_VALUE);
    parsed_free(p);
}

static void parties(void **state)
{
    (void)state;
    static const struct {
        const char *value, *uri, *tag;
        uint32_t defects;
    } rows[] = {
        {"<sip:a@example.com>;tag=1", "sip:a@example.com", "1", 0},
        {"<sip:a@example.com;tag=x>", "sip:a@example.com", "", 0},
        {"<sip:a@example.com;tag=x>;TAG=y", "sip:a@example.com", "y", 0},
        {"sip:a@example.com;tag=1", "sip:a@example.com", "1", 0},
        {"sip:a@example.com ; other ; Tag = 1", "sip:a@example.com", "1", 0},
        {"\"A, \\\"B\\\" <x>;tag=no\" <sip:a@example.com>;tag=1", "sip:a@example.com", "1", 0},
        {"A. Bell<sips:a@[2001:db8::1]:5061>;tag=1", "sips:a@[2001:db8::1]:5061", "1", 0},
        {"<tel:+1-201-555-0123;phone-context=x>;tag=1", "tel:+1-201-555-0123", "1", 0},
        {"<sip:a;b=c@example.com;user=phone>;x=\"a;tag=2\";tag=1", "sip:a;b=c@example.com", "1", 0},
        {"<sip:anonymous@anonymous.invalid>", "sip:anonymous@anonymous.invalid", "", 0},
        {"\"\" <sip:example.com>;tag=1", "sip:example.com", "1", 0},
        {"<sip:a@example.com>;tag=", "sip:a@example.com", "", SIP_DEFECT_BAD_VALUE},
        {"A, B <sip:a@example.com>;tag=1", "sip:a@example.com", "1", SIP_DEFECT_BAD_VALUE},
        {"\"A\" B <sip:a@example.com>;tag=1", "sip:a@example.com", "1", SIP_DEFECT_BAD_VALUE},
        {"\"A <sip:a@example.com>;tag=1", "sip:a@example.com", "1", SIP_DEFECT_UNTERMINATED_QUOTE},
        {"< sip:a@example.com >;tag=1", "sip:a@example.com", "1", SIP_DEFECT_BAD_URI},
        {"<a@example.com>;tag=1", "a@example.com", "1", SIP_DEFECT_BAD_URI},
        {"<sip:a@example.com:0>;tag=1", "sip:a@example.com:0", "1", SIP_DEFECT_BAD_URI},
        {"sip:a@example.com?x=y;tag=1", "sip:a@example.com", "1", SIP_DEFECT_BAD_URI},
        {"<im:a@example.com>;tag=1", "im:a@example.com", "1", SIP_DEFECT_UNKNOWN_SCHEME},
        {"<sip:%00%ff@example.com>;tag=1", "sip:%00%ff@example.com", "1", 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char lines[256];
        snprintf(lines, sizeof lines, "From: %s\r\nTo: %s\r\n", rows[i].value, rows[i].value);
        struct parsed *p = parse_sample(REQUEST_LINE, "From To", lines, "");
        assert_verdict(rows[i].value, p, SIP_ACCEPTED, rows[i].defects);
        assert_slice(p->msg.from, rows[i].value);
        assert_slice(p->msg.from_uri, rows[i].uri);
        assert_slice(p->msg.to_uri, rows[i].uri);
        assert_slice(p->msg.from_tag, rows[i].tag);
        assert_slice(p->msg.to_tag, rows[i].tag);
        assert_int_equal(p->msg.has_from_tag, rows[i].tag[0] != '\0');
        assert_int_equal(p->msg.has_to_tag, rows[i].tag[0] != '\0');
        parsed_free(p);
    }
    /* No URI, or more than one place where it may begin: nobody knows who or which tag. */
    static const char *const refused[] = {"<>;tag=1", "<sip:a@example.com;tag=1", "\"A B",
                                          "\"A <sip:a@example.com> <sip:b@example.com>", ";tag=1"};
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        char line[128];
        snprintf(line, sizeof line, "From: %s\r\n", refused[i]);
        struct parsed *p = parse_sample(REQUEST_LINE, "From", line, "");
        assert_verdict(refused[i], p, SIP_BAD_FROM, 0);
        parsed_free(p);
        snprintf(line, sizeof line, "To: %s\r\n", refused[i]);
        p = parse_sample(REQUEST_LINE, "To", line, "");
        assert_verdict(refused[i], p, SIP_BAD_TO, 0);
        parsed_free(p);
    }
}

static void a_request_is_read(void **state)
{
    (void)state;
    struct parsed *p = parse_sample(
        "PRACK sip:bob@[2001:db8::1]:5062;transport=udp SIP/2.0\r\n", "CSeq Content-Length",
        "CSeq: 2 PRACK\r\nRAck: 776656 1 INVITE\r\nRequire: foo ,\r\n 100REL\r\n"
        "Proxy-Authorization: Digest username=\"a\"\r\nContact: \"A\" <sip:a@192.0.2.1;lr>;x\r\n"
        "User-Agent: phone/1.0 (x)\r\nServer: s\r\nc: Text/Plain ;charset=utf-8\r\nl: 2\r\n",
        "hi");
    const struct sip_msg *m = &p->msg;
    assert_verdict("PRACK", p, SIP_ACCEPTED, 0);
    assert_true(m->is_request);
    assert_int_equal(m->method, SIP_PRACK);
    assert_slice(m->method_name, "PRACK");
    assert_slice(m->request_uri, "sip:bob@[2001:db8::1]:5062;transport=udp");
    assert_int_equal(m->cseq, 2);
    assert_true(m->has_rack);
    assert_int_equal(m->rack_rseq, 776656);
    assert_int_equal(m->rack_cseq, 1);
    assert_false(m->has_rseq);
    assert_true(m->requires_100rel);
    assert_true(m->has_credentials);
    assert_slice(m->contact_uri, "sip:a@192.0.2.1");
    assert_slice(m->user_agent, "phone/1.0 (x)");
    assert_slice(m->content_type, "Text/Plain");
    assert_slice(m->body, "hi");
    assert_int_equal(m->content_length, 2);
    assert_true(m->has_content_length);
    assert_slice(m->call_id, "a84b4c76e66710@192.0.2.1");
    assert_slice(m->top_via.host, "192.0.2.1");
    assert_int_equal(m->top_via.port, 5060);
    assert_int_equal(m->via_count, 1);
    assert_int_equal(m->header_count, 14);
    assert_slice(m->header[0].name, "Via");
    assert_slice(sip_msg_header(m, SIP_HEADER_MAX_FORWARDS), "70");
    assert_int_equal(sip_msg_header(m, SIP_HEADER_WARNING).len, 0);
    parsed_free(p);
}

static void a_response_is_read(void **state)
{
    (void)state;
    struct parsed *p = parse_sample("SIP/2.0 183 Session  Progress \r\n", "To Max-Forwards",
                                    "To: <sip:bob@example.com>;tag=314\r\nServer: s 1\r\n"
                                    "RSeq: 4294967295\r\nRequire: 100rel\r\n",
                                    "");
    const struct sip_msg *m = &p->msg;
    assert_verdict("183", p, SIP_ACCEPTED, 0);
    assert_false(m->is_request);
    assert_int_equal(m->status, 183);
    assert_slice(m->reason, "Session  Progress");
    assert_int_equal(m->method, SIP_INVITE);
    assert_slice(m->method_name, "INVITE");
    assert_slice(m->to_tag, "314");
    assert_slice(m->user_agent, "s 1");
    assert_true(m->has_rseq && m->rseq == UINT32_MAX);
    assert_true(m->requires_100rel);
    assert_false(m->has_credentials);
    assert_slice(m->contact_uri, "");
    parsed_free(p);

    p = parse_text("SIP/2.0 200 \r\nVia: SIP/2.0/UDP 192.0.2.1\r\n\r\n");
    assert_verdict("no Call-ID", p, SIP_NO_CALL_ID, 0);
    assert_false(p->msg.is_request);
    assert_int_equal(p->msg.status, 200);
    assert_int_equal(p->msg.method, SIP_METHOD_OTHER);
    parsed_free(p);
}

static void looks(void **state)
{
    (void)state;
    static const char *const like[] = {
        REQUEST_LINE,           STATUS_LINE, "INVITE sip:x SIP/7.0\r\n",     "SIP/3.0 200 OK\r\n",
        "\r\n\r\n" STATUS_LINE, "SIP/2.0",   "x-y tel:1 sip/2.0 and more\n", "BYE  sip:a  SIP/2.0",
        "\n" REQUEST_LINE,
    };
    for (size_t i = 0; i < sizeof like / sizeof like[0]; i++)
        if (!sip_msg_looks_like(slice_str(like[i])))
            fail_msg("\"%s\" does not look like SIP", like[i]);
    static const char *const unlike[] = {
        "",
        "\r\n\r\n",
        "SIP",
        "INVITE",
        "INVITE sip:bob@example.com\r\nSIP/2.0",
        "GET / HTTP/1.1\r\nVia: SIP/2.0/UDP x",
        "OPTIONS * RTSP/1.0\r\n",
        "DESCRIBE rtsp://192.0.2.1/ RTSP/1.0\r\n",
        "HTTP/1.1 200 OK\r\n",
        "SIPX/2.0 200 OK\r\n",
        "INVITE xSIP/2.0\r\n",
        "SSH-2.0-x\r\n",
        " INVITE sip:x SIP/2.0\r\n",
        "@ sip:x SIP/2.0\r\n",
        "jaK",
        "\x80\x08\x12\x34 SIP/2.0",
        "\x16\xfe\xff SIP/2.0 200 OK",
        "abcd SI",
    };
    for (size_t i = 0; i < sizeof unlike / sizeof unlike[0]; i++)
        if (sip_msg_looks_like(slice_str(unlike[i])))
            fail_msg("\"%s\" looks like SIP", unlike[i]);
    static const char stun[] = "\0\1\0\0\x21\x12\xa4\x42 SIP/2.0";
    assert_false(sip_msg_looks_like(slice_of(stun, sizeof stun - 1)));
}

static void names(void **state)
{
    (void)state;
    for (int m = 0; m < SIP_METHOD_OTHER; m++)
        assert_int_equal(sip_method_from(slice_str(sip_method_name((enum sip_method)m))), m);
    assert_int_equal(sip_method_from(SLICE("invite")), SIP_METHOD_OTHER);
    assert_int_equal(sip_method_from(SLICE("INVITEX")), SIP_METHOD_OTHER);
    assert_int_equal(sip_method_from(SLICE("INV")), SIP_METHOD_OTHER);
    assert_int_equal(sip_method_from(SLICE_NONE), SIP_METHOD_OTHER);
    assert_string_equal(sip_method_name(SIP_METHOD_OTHER), "other");
    for (int i = 0; i < SIP_REFUSAL_COUNT; i++)
        for (int j = 0; j < i; j++)
            assert_string_not_equal(sip_refusal_name((enum sip_refusal)i),
                                    sip_refusal_name((enum sip_refusal)j));
    assert_string_equal(sip_refusal_name(SIP_BAD_VIA), "bad_via");
    assert_string_equal(sip_refusal_name(SIP_DUPLICATE_HEADER), "duplicate_header");
    for (int i = 0; i < SIP_DEFECT_COUNT; i++)
        for (int j = 0; j < i; j++)
            assert_string_not_equal(sip_defect_name((enum sip_defect)(1 << i)),
                                    sip_defect_name((enum sip_defect)(1 << j)));
    assert_string_equal(sip_defect_name(SIP_DEFECT_BARE_LF), "bare_lf");
    assert_string_equal(sip_defect_name(SIP_DEFECT_UNTERMINATED_QUOTE), "unterminated_quote");
    assert_string_equal(sip_defect_name(SIP_DEFECT_TRUNCATED), "truncated");
}

/* What is refused only for its missing octets can be followed all the same. */
static void ends_in_the_body(void **state)
{
    (void)state;
    struct parsed *p = parse_sample(REQUEST_LINE, "Content-Length",
                                    "Contact: <sip:alice@192.0.2.1>\r\n"
                                    "Content-Type: application/sdp\r\nContent-Length: 500\r\n",
                                    "v=0\r\no=- 1 1 IN I");
    assert_int_equal(p->refusal, SIP_SHORT_BODY);
    assert_int_equal(p->msg.defects, SIP_DEFECT_TRUNCATED);
    assert_int_equal(p->msg.method, SIP_INVITE);
    assert_slice(p->msg.contact_uri, "sip:alice@192.0.2.1");
    assert_slice(p->msg.body, "v=0\r\no=- 1 1 IN I");
    assert_int_equal(p->msg.content_length, 500);
    parsed_free(p);
}

/* A stack that cuts what is too long for it: its datagram ends within the name of a field. */
static void ends_in_a_name(void **state)
{
    (void)state;
    static const char text[] = "BYE sip:bob@example.com SIP/2.0\r\n"
                               "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKa\r\n"
                               "Max-Forwards: 70\r\n"
                               "From: <sip:alice@example.com>;tag=1\r\n"
                               "To: <sip:bob@example.com>;tag=2\r\n"
                               "Call-ID: cut@example.com\r\n"
                               "CSeq: 2 BYE\r\n"
                               "Content-Lengt";
    struct sip_msg *msg = malloc(sizeof *msg);
    assert_non_null(msg);
    assert_int_equal(sip_msg_parse(slice_str(text), false, msg), SIP_ACCEPTED);
    assert_int_equal(msg->defects, SIP_DEFECT_NO_BLANK_LINE | SIP_DEFECT_NO_CONTENT_LENGTH);
    assert_int_equal(msg->body.len, 0);
    free(msg);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(start_lines),
        cmocka_unit_test(headers_that_must_be_there),
        cmocka_unit_test(cseqs),
        cmocka_unit_test(content_lengths),
        cmocka_unit_test(minor_headers),
        cmocka_unit_test(parties),
        cmocka_unit_test(a_request_is_read),
        cmocka_unit_test(a_response_is_read),
        cmocka_unit_test(looks),
        cmocka_unit_test(names),
        cmocka_unit_test(ends_in_the_body),
        cmocka_unit_test(ends_in_a_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
