#include "sip/sip_header.h"

#include "sip_sample.h"

static void names(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        enum sip_header_id id;
    } rows[] = {
        {"Via", SIP_HEADER_VIA},
        {"From", SIP_HEADER_FROM},
        {"To", SIP_HEADER_TO},
        {"Call-ID", SIP_HEADER_CALL_ID},
        {"CSeq", SIP_HEADER_CSEQ},
        {"Contact", SIP_HEADER_CONTACT},
        {"Content-Length", SIP_HEADER_CONTENT_LENGTH},
        {"Content-Type", SIP_HEADER_CONTENT_TYPE},
        {"Max-Forwards", SIP_HEADER_MAX_FORWARDS},
        {"Route", SIP_HEADER_ROUTE},
        {"Record-Route", SIP_HEADER_RECORD_ROUTE},
        {"User-Agent", SIP_HEADER_USER_AGENT},
        {"Server", SIP_HEADER_SERVER},
        {"Authorization", SIP_HEADER_AUTHORIZATION},
        {"Proxy-Authorization", SIP_HEADER_PROXY_AUTHORIZATION},
        {"Require", SIP_HEADER_REQUIRE},
        {"Supported", SIP_HEADER_SUPPORTED},
        {"RSeq", SIP_HEADER_RSEQ},
        {"RAck", SIP_HEADER_RACK},
        {"Retry-After", SIP_HEADER_RETRY_AFTER},
        {"Reason", SIP_HEADER_REASON},
        {"Warning", SIP_HEADER_WARNING},
        {"Expires", SIP_HEADER_EXPIRES},
        {"Session-Expires", SIP_HEADER_SESSION_EXPIRES},
        {"Replaces", SIP_HEADER_REPLACES},
        {"Content-Encoding", SIP_HEADER_CONTENT_ENCODING},
        {"v", SIP_HEADER_VIA},
        {"f", SIP_HEADER_FROM},
        {"t", SIP_HEADER_TO},
        {"i", SIP_HEADER_CALL_ID},
        {"m", SIP_HEADER_CONTACT},
        {"l", SIP_HEADER_CONTENT_LENGTH},
        {"c", SIP_HEADER_CONTENT_TYPE},
        {"k", SIP_HEADER_SUPPORTED},
        {"e", SIP_HEADER_CONTENT_ENCODING},
        {"x", SIP_HEADER_SESSION_EXPIRES},
    };
    bool seen[SIP_HEADER_ID_COUNT] = {0};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct slice name = slice_str(rows[i].name);
        char changed[32];
        assert_int_equal(sip_header_id_from(name), rows[i].id);
        for (size_t c = 0; c < name.len; c++)
            changed[c] =
                (char)(name.at[c] >= 'a' && name.at[c] <= 'z' ? name.at[c] - 0x20
                                                              : slice_lower_char(name.at[c]));
        assert_int_equal(sip_header_id_from(slice_of(changed, name.len)), rows[i].id);
        if (name.len > 1) {
            /* One octet less (but of "To", as "T" is its compact form), or changed: another name.
             */
            if (name.len > 2)
                assert_int_equal(sip_header_id_from(slice_head(name, name.len - 1)),
                                 SIP_HEADER_OTHER);
            changed[name.len - 1] = '_';
            assert_int_equal(sip_header_id_from(slice_of(changed, name.len)), SIP_HEADER_OTHER);
        }
        seen[rows[i].id] = true;
    }
    for (int id = SIP_HEADER_OTHER + 1; id < SIP_HEADER_ID_COUNT; id++)
        assert_true(seen[id]);
    static const char *const others[] = {"",
                                         "s",
                                         "o",
                                         "u",
                                         "r",
                                         "b",
                                         "a",
                                         "d",
                                         "j",
                                         "n",
                                         "y",
                                         "q",
                                         "Subject",
                                         "Max Words",
                                         "Call\rID",
                                         "Proxy-AuthorizationX",
                                         "X-Max-Forwards"};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        assert_int_equal(sip_header_id_from(slice_str(others[i])), SIP_HEADER_OTHER);
}

/* What the reader makes of a text: lines as "name=value|", then what ended it, then the rest. */
static void check_lines(const char *text, const char *want, uint32_t defects)
{
    size_t len = strlen(text), used = 0;
    char *exact = malloc(len ? len : 1);
    assert_non_null(exact);
    memcpy(exact, text, len);
    char got[512];
    struct sip_header_reader reader = {.rest = slice_of(exact, len)};
    struct sip_header header;
    enum sip_header_line line;
    while ((line = sip_header_next(&reader, &header)) == SIP_LINE_HEADER ||
           line == SIP_LINE_BROKEN) {
        if (line == SIP_LINE_BROKEN)
            used += (size_t)snprintf(got + used, sizeof got - used, "?|");
        else
            used += (size_t)snprintf(got + used, sizeof got - used, "%.*s=%.*s|",
                                     SLICE_ARGS(header.name), SLICE_ARGS(header.value));
        assert_true(used < sizeof got);
    }
    snprintf(got + used, sizeof got - used, "%s%.*s",
             line == SIP_LINE_BLANK ? "blank:" : "none:", SLICE_ARGS(reader.rest));
    assert_string_equal(got, want);
    assert_int_equal(reader.defects, defects);
    free(exact);
}

static void lines(void **state)
{
    (void)state;
    const uint32_t lf = SIP_DEFECT_BARE_LF;
    check_lines("", "none:", 0);
    check_lines("\r\nbody", "blank:body", 0);
    check_lines("\nbody", "blank:body", lf);
    check_lines("\r", "none:", 0);
    check_lines("A: 1\r\nB:2 \r\n\r\nx\r\n", "A=1|B=2|blank:x\r\n", 0);
    check_lines("A: 1\nB: 2\r\n\n", "A=1|B=2|blank:", lf);
    check_lines("A \t: 1\r\n", "A=1|none:", 0);
    check_lines("A: 1", "A=1|none:", 0);
    check_lines("A:\r\nB: \r\n\r\n", "A=|B=|blank:", 0);
    check_lines("A:\r\n 1\r\n\t2\r\nB: 3\r\n\r\n", "A=1\r\n\t2|B=3|blank:", 0);
    check_lines("A: 1\n  2\n\n", "A=1\n  2|blank:", lf);
    check_lines("A: 1\r\n \r\nB: 2\r\n\r\n", "A=1|B=2|blank:", 0);
    check_lines("A: b:c\r\n\r\n", "A=b:c|blank:", 0);
    check_lines("A: 1\r\r\nB: 2\r\r\n\r\n", "A=1|B=2|blank:", 0);
    check_lines("A: 1\rB: 2\r\n\r\n", "A=1\rB: 2|blank:", 0);
    check_lines("no colon\r\nA: 1\r\n\r\n", "?|A=1|blank:", 0);
    check_lines(": 1\r\n\r\n", "?|blank:", 0);
    check_lines(" A: 1\r\n\r\n", "?|blank:", 0);
    check_lines("A", "?|none:", 0);
    check_lines("A B: 1\r\n\r\n", "A B=1|blank:", SIP_DEFECT_BAD_VALUE);
}

static void unfinished(void **state)
{
    (void)state;
    struct sip_header header;
    struct sip_header_reader reader = {.rest = SLICE("A: 1\r\nB: 2")};
    assert_int_equal(sip_header_next(&reader, &header), SIP_LINE_HEADER);
    assert_false(reader.unfinished);
    assert_int_equal(sip_header_next(&reader, &header), SIP_LINE_HEADER);
    assert_true(reader.unfinished);
    reader = (struct sip_header_reader){.rest = SLICE("A: 1\r\n 2")};
    assert_int_equal(sip_header_next(&reader, &header), SIP_LINE_HEADER);
    assert_true(reader.unfinished);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names),
        cmocka_unit_test(lines),
        cmocka_unit_test(unfinished),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
