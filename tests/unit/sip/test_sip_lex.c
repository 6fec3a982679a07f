#include "sip/sip_lex.h"

#include "sip_sample.h"

static void lists(void **state)
{
    (void)state;
    struct slice rest = SLICE(" a ,, \"b,\\\",\" c , <d,e> f,\r\n g,"), element;
    static const char *const want[] = {"a", "\"b,\\\",\" c", "<d,e> f", "g"};
    for (size_t i = 0; i < sizeof want / sizeof want[0]; i++) {
        assert_true(sip_list_next(&rest, &element));
        assert_slice(element, want[i]);
    }
    assert_false(sip_list_next(&rest, &element));
    /* A quote or bracket that does not end takes the rest. */
    rest = SLICE("\"a,b");
    assert_true(sip_list_next(&rest, &element));
    assert_slice(element, "\"a,b");
    rest = SLICE("<a,b");
    assert_true(sip_list_next(&rest, &element));
    assert_slice(element, "<a,b");
    rest = SLICE_NONE;
    assert_false(sip_list_next(&rest, &element));
}

static void quotes(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t end; /* 0: there is none */
    } rows[] = {
        {"\"\"", 2},       {"\"a\"b\"", 3}, {"\"\\\"\"", 4}, {"\"\\\\\"", 4}, {"\"\\\\\\\"\"", 6},
        {"\"", 0},         {"\"a", 0},      {"\"\\\"", 0},   {"\"\\", 0},     {"\"a\\\"b\\\"c", 0},
        {"\"a\\b\"\"", 5},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        size_t at = 0;
        bool ended = sip_skip_quoted(slice_str(rows[i].text), &at);
        if (ended != (rows[i].end > 0) || at != (ended ? rows[i].end : strlen(rows[i].text)))
            fail_msg("%s: %s at %zu", rows[i].text, ended ? "ends" : "does not end", at);
    }
}

static void octets(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t len;
        unsigned found;
    } rows[] = {
        {"", 0, 0},
        {"plain", 5, 0},
        {"\x7f\x01\t", 3, 0},
        {"\0", 1, SIP_OCTETS_NUL},
        {"\xc3\xa9", 2, 0},
        {"\xe2\x82\xac", 3, 0},
        {"\xf0\x9f\x98\x80", 4, 0},
        {"\xf4\x8f\xbf\xbf", 4, 0},
        {"\xed\x9f\xbf", 3, 0},
        {"\xe9", 1, SIP_OCTETS_NON_UTF8},
        {"\x80", 1, SIP_OCTETS_NON_UTF8},
        {"\xc3", 1, SIP_OCTETS_NON_UTF8},
        {"\xe2\x82", 2, SIP_OCTETS_NON_UTF8},
        {"\xc3"
         "a",
         2, SIP_OCTETS_NON_UTF8},
        {"\xe2\x82"
         "a",
         3, SIP_OCTETS_NON_UTF8},
        {"\xc0\x80", 2, SIP_OCTETS_NON_UTF8},
        {"\xc1\xbf", 2, SIP_OCTETS_NON_UTF8},
        {"\xe0\x9f\xbf", 3, SIP_OCTETS_NON_UTF8},
        {"\xed\xa0\x80", 3, SIP_OCTETS_NON_UTF8},
        {"\xf0\x8f\xbf\xbf", 4, SIP_OCTETS_NON_UTF8},
        {"\xf4\x90\x80\x80", 4, SIP_OCTETS_NON_UTF8},
        {"\xf5\x80\x80\x80", 4, SIP_OCTETS_NON_UTF8},
        {"\xff\0", 2, SIP_OCTETS_NUL | SIP_OCTETS_NON_UTF8},
    };
    /* At every place of a longer text, as it is looked at in blocks. */
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        for (size_t before = 0; before < 40; before++)
            for (size_t behind = 0; behind < 40; behind += 13) {
                size_t len = before + rows[i].len + behind;
                char *text = malloc(len + 1);
                assert_non_null(text);
                memset(text, 'x', len);
                memcpy(text + before, rows[i].text, rows[i].len);
                assert_int_equal(sip_octets_check(slice_of(text, len)), rows[i].found);
                free(text);
            }
}

static void numbers(void **state)
{
    (void)state;
    uint64_t number = 7;
    size_t digits;
    assert_true(sip_leading_number(SLICE("12;x"), 12, &number, &digits));
    assert_int_equal(number, 12);
    assert_int_equal(digits, 2);
    assert_false(sip_leading_number(SLICE("13;x"), 12, &number, &digits));
    assert_false(sip_leading_number(SLICE("x"), 12, &number, &digits));
    assert_false(sip_leading_number(SLICE_NONE, 12, &number, &digits));
    assert_int_equal(number, 12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists),
        cmocka_unit_test(quotes),
        cmocka_unit_test(octets),
        cmocka_unit_test(numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
