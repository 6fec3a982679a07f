/* Text from the wire for jansson: what is UTF-8 stays, what is not is repaired. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "event/json_text.h"

static void assert_repaired(const char *text, const char *want)
{
    json_t *value = json_text(slice_str(text));
    assert_non_null(value);
    assert_string_equal(json_string_value(value), want);
    json_decref(value);
}

#define BAD "\xef\xbf\xbd"

/* RFC 3629: what is well-formed stays, octet by octet what is not becomes U+FFFD. */
static void test_utf8_repair(void **state)
{
    (void)state;
    assert_repaired("", "");
    assert_repaired("plain", "plain");
    assert_repaired("J\xc3\xbcrgen \xe2\x82\xac \xf0\x9f\x93\x9e",
                    "J\xc3\xbcrgen \xe2\x82\xac \xf0\x9f\x93\x9e");
    assert_repaired("J\xfcrgen", "J" BAD "rgen");            /* ISO 8859-1 */
    assert_repaired("\xff\xc3\xbc\xff", BAD "\xc3\xbc" BAD); /* good between bad */
    assert_repaired("\xc0\x80|", BAD BAD "|");               /* overlong NUL */
    assert_repaired("\xe0\x80\xaf|", BAD BAD BAD "|");       /* overlong "/" */
    assert_repaired("\xf0\x80\x80\xaf|", BAD BAD BAD BAD "|");
    assert_repaired("\xed\xa0\x80|", BAD BAD BAD "|");         /* a surrogate */
    assert_repaired("\xf4\x90\x80\x80|", BAD BAD BAD BAD "|"); /* beyond U+10FFFF */
    assert_repaired("\xf5\x80\x80\x80|", BAD BAD BAD BAD "|");
    assert_repaired("\x80|", BAD "|");
    assert_repaired("\xe2\x82", BAD BAD); /* cut at the end */
    assert_repaired("\xe2\x82|", BAD BAD "|");
    assert_repaired("\xf4\x8f\xbf\xbf\xff", "\xf4\x8f\xbf\xbf" BAD); /* the last code point */
    assert_repaired("\xed\x9f\xbf\xee\x80\x80\xff",
                    "\xed\x9f\xbf\xee\x80\x80" BAD); /* around them */
    json_t *none = json_text(SLICE_NONE);
    assert_int_equal(json_string_length(none), 0);
    json_decref(none);
}

static void test_library_version(void **state)
{
    (void)state;
    assert_string_equal(json_text_library_version(), jansson_version_str());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_utf8_repair),
        cmocka_unit_test(test_library_version),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
