#include "sip/sip_uri.h"

#include "sip_sample.h"

/* A copy that ends where the text does, so that a sanitizer sees the first octet past it; to be
 * freed. */
static struct slice exact(const char *text)
{
    size_t len = strlen(text);
    char *copy = malloc(len ? len : 1);
    assert_non_null(copy);
    memcpy(copy, text, len);
    return slice_of(copy, len);
}

static void uris(void **state)
{
    (void)state;
    static const struct {
        const char *text, *scheme, *user, *host, *plain;
        int port;
    } rows[] = {
        {"sip:alice@example.com", "sip", "alice", "example.com", "sip:alice@example.com", 0},
        {"sip:example.com", "sip", "", "example.com", "sip:example.com", 0},
        {"SIPS:alice:secret@192.0.2.1:5061;lr", "SIPS", "alice", "192.0.2.1",
         "SIPS:alice:secret@192.0.2.1:5061", 5061},
        {"sip:a;b=c?d@example.com;x=y?z=1", "sip", "a;b=c?d", "example.com",
         "sip:a;b=c?d@example.com", 0},
        {"sip:[2001:db8::1]", "sip", "", "[2001:db8::1]", "sip:[2001:db8::1]", 0},
        {"sip:a@[2001:db8::1]:5060;lr", "sip", "a", "[2001:db8::1]", "sip:a@[2001:db8::1]:5060",
         5060},
        {"sip:a@[::ffff:192.0.2.1]", "sip", "a", "[::ffff:192.0.2.1]", "sip:a@[::ffff:192.0.2.1]",
         0},
        {"sip:a@[fe80::1%25eth0]", "sip", "a", "[fe80::1%25eth0]", "sip:a@[fe80::1%25eth0]", 0},
        {"sip:example.com;x=a", "sip", "", "example.com", "sip:example.com", 0},
        {"sip:a@example.com;x=b@c", "sip", "a", "example.com", "sip:a@example.com", 0},
        {"sip:a@b@example.com:5070", "sip", "a@b", "example.com", "sip:a@b@example.com:5070", 5070},
        {"sip:@example.com", "sip", "", "example.com", "sip:@example.com", 0},
        {"sip:%75se%72@my_host", "sip", "%75se%72", "my_host", "sip:%75se%72@my_host", 0},
        {"sip:a@example.com:65535", "sip", "a", "example.com", "sip:a@example.com:65535", 65535},
        {"sip:#31#+15550100@example.com", "sip", "#31#+15550100", "example.com",
         "sip:#31#+15550100@example.com", 0},
        {"tel:+1-201-555-0123;phone-context=x", "tel", "+1-201-555-0123", "", "tel:+1-201-555-0123",
         0},
        {"urn:service:sos?x", "urn", "", "", "urn:service:sos", 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct sip_uri uri;
        struct slice text = exact(rows[i].text);
        if (!sip_uri_parse(text, &uri))
            fail_msg("\"%s\" was not read", rows[i].text);
        assert_slice(uri.scheme, rows[i].scheme);
        assert_slice(uri.user, rows[i].user);
        assert_slice(uri.host, rows[i].host);
        assert_slice(uri.plain, rows[i].plain);
        assert_int_equal(uri.port, rows[i].port);
        assert_slice(sip_uri_plain(text), rows[i].plain);
        assert_int_equal(sip_uri_scheme_is_known(&uri), rows[i].scheme[0] != 'u');
        free((char *)(uintptr_t)text.at);
    }
}

static void bad_uris(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        ":",
        "sip",
        "sip:",
        "sips:",
        "tel:",
        "tel:;x",
        "x:",
        "1sip:a@b",
        "alice@example.com",
        "sip:a@",
        "sip:;x",
        "sip:a@b:",
        "sip:a@b:0",
        "sip:a@b:65536",
        "sip:a@b:99999999999999999999",
        "sip:a@b:-1",
        "sip:a@b:5060x",
        "sip:a@[2001:db8::1",
        "sip:a@[]",
        "sip:a@[x]",
        "sip:a@[2001:db8::1]5060",
        "sip:a b@example.com",
        "sip:a@example.com; lr",
        " sip:a@example.com",
        "sip:a@exa<mple.com",
        "sip:a\"@example.com",
        "sip:a@b,c",
        "tel:+1 201",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct sip_uri uri;
        struct slice text = exact(bad[i]);
        if (sip_uri_parse(text, &uri))
            fail_msg("\"%s\" was read", bad[i]);
        free((char *)(uintptr_t)text.at);
    }
    struct sip_uri uri;
    assert_false(sip_uri_parse(SLICE_NONE, &uri));
    assert_false(sip_uri_parse(slice_of("sip:a\0b@c", 9), &uri));
    assert_slice(sip_uri_plain(SLICE(" \r\n sip:a@b:x ;y ")), "sip:a@b:x");
    assert_slice(sip_uri_plain(SLICE("nobody;x")), "nobody");
    assert_slice(sip_uri_plain(SLICE_NONE), "");
}

static void name_addrs(void **state)
{
    (void)state;
    static const struct {
        const char *value, *display_name, *uri, *params;
        bool bare;
    } rows[] = {
        {"<sip:a@b>", "", "sip:a@b", "", false},
        {"\"A <B>\" <sip:a@b;c>;d=e", "\"A <B>\"", "sip:a@b;c", ";d=e", false},
        {"\"a\\\"<\\\\\"<sip:a@b>", "\"a\\\"<\\\\\"", "sip:a@b", "", false},
        {" A B\r\n <sip:a@b> \r\n ; d", "A B", "sip:a@b", "; d", false},
        {"sip:a@b;c=d", "", "sip:a@b", ";c=d", true},
        {"sip:a@b ;c=\"<x>\"", "", "sip:a@b", ";c=\"<x>\"", true},
        {"sip:a@b;c=<x>", "", "sip:a@b", ";c=<x>", true},
        {"A; B <sip:a@b>", "A; B", "sip:a@b", "", false},
        {"< sip:a@b >", "", " sip:a@b ", "", false},
        {"<sip:a@b> junk ;c", "", "sip:a@b", ";c", false},
        {"*", "", "*", "", true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct sip_name_addr address;
        struct slice value = exact(rows[i].value);
        if (!sip_name_addr_parse(value, &address))
            fail_msg("\"%s\" was not read", rows[i].value);
        assert_slice(address.display_name, rows[i].display_name);
        assert_slice(address.uri, rows[i].uri);
        assert_slice(address.params, rows[i].params);
        assert_int_equal(address.bare, rows[i].bare);
        free((char *)(uintptr_t)value.at);
    }
    static const char *const bad[] = {
        "", "  ", "<>", "< >", "<sip:a@b", "\"A", "\"A\\\" <sip:a@b>", ";x"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct sip_name_addr address;
        struct slice value = exact(bad[i]);
        if (sip_name_addr_parse(value, &address))
            fail_msg("\"%s\" was read", bad[i]);
        free((char *)(uintptr_t)value.at);
    }
}

static void params(void **state)
{
    (void)state;
    struct slice value = SLICE("untouched");
    assert_false(sip_param(SLICE(""), SLICE("a"), &value));
    assert_false(sip_param(SLICE_NONE, SLICE("a"), &value));
    assert_false(sip_param(SLICE(";ab=1;b"), SLICE("a"), &value));
    assert_false(sip_param(SLICE(";b=\";a=1\""), SLICE("a"), &value));
    assert_false(sip_param(SLICE(";b=\";a=1"), SLICE("a"), &value));
    assert_slice(value, "untouched");
    assert_true(sip_param(SLICE(";b;a"), SLICE("a"), &value));
    assert_slice(value, "");
    assert_true(sip_param(SLICE(";;A\t=\r\n 1 ;a=2"), SLICE("a"), &value));
    assert_slice(value, "1");
    assert_true(sip_param(SLICE(";x=\"\\\"\";a=\"b;\\\"c\""), SLICE("a"), &value));
    assert_slice(value, "b;\\\"c");
    assert_true(sip_param(SLICE(";a=\"b"), SLICE("a"), &value));
    assert_slice(value, "b");
    assert_true(sip_param(SLICE(";a=\"\""), SLICE("a"), &value));
    assert_slice(value, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(uris),
        cmocka_unit_test(bad_uris),
        cmocka_unit_test(name_addrs),
        cmocka_unit_test(params),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
