/* DNS messages: what is read of them, and what is forged, cut or too much. */
#include "dns_sample.h"

#include "dns/dns_message.h"

static struct dns_message read_of(const struct sample *s)
{
    struct dns_message m;
    memset(&m, 0xa5, sizeof m);
    assert_true(dns_message_read(payload_of(s), &m));
    return m;
}

static void is_refused(const struct sample *s)
{
    struct dns_message m;
    assert_false(dns_message_read(payload_of(s), &m));
}

static void test_question(void **state)
{
    (void)state;
    struct sample s = sample_of(0x1a2b, 0x0100, "_SIP._udp.Example.COM", SRV);
    struct dns_message m = read_of(&s);
    assert_int_equal(m.id, 0x1a2b);
    assert_false(m.is_response);
    assert_int_equal(m.type, DNS_TYPE_SRV);
    assert_string_equal(m.name, "_sip._udp.example.com");
    s = sample_of(1, 0x0100, "example.com", 16);
    assert_int_equal(read_of(&s).type, DNS_TYPE_OTHER);
    s = sample_of(1, 0x0100, "", A);
    assert_string_equal(read_of(&s).name, "");
}

static void test_refused(void **state)
{
    (void)state;
    struct sample s = sample_of(1, 0x2900, "example.com", A); /* an update */
    is_refused(&s);
    s = sample_of(1, 0, "example.com", A);
    s.octets[5] = 0; /* no question */
    is_refused(&s);
    s.octets[5] = 2;
    is_refused(&s);
    s = sample_of(1, 0, "example.com", A);
    s.octets[s.len - 1] = 3; /* of another class */
    is_refused(&s);
    /* At whatever octet its question ends. */
    struct sample whole = sample_of(1, 0, "sip.example.com", A);
    for (s = whole; s.len-- > 0;)
        is_refused(&s);
}

static void test_addresses(void **state)
{
    (void)state;
    struct sample s = sample_of(7, FLAG_RESPONSE | 0x0180, "example.com", A);
    struct sample alias = {.len = 0};
    put_name(&alias, "real.example.net");
    put_record(&s, ANSWER, NULL, CNAME, &alias);
    put_a(&s, ANSWER, "real.example.net", 1);
    put_aaaa(&s, ANSWER, "real.example.net", 2);
    put_record(&s, AUTHORITY, "example.net", NS, &alias);
    put_a(&s, AUTHORITY, "example.net", 3);
    put_a(&s, ADDITIONAL, "real.example.net", 4); /* where the name server is */
    struct dns_message m = read_of(&s);
    assert_true(m.is_response && !m.is_cut);
    assert_int_equal(m.rcode, 0);
    assert_int_equal(m.addresses, 2);
    struct ip_addr v4 = ip_from_v4((const uint8_t[4]){192, 0, 2, 1});
    struct ip_addr v6 = ip_from_v6((const uint8_t[16]){0x20, 0x01, 0x0d, 0xb8, [15] = 2});
    assert_true(ip_eq(&m.address[0], &v4) && ip_eq(&m.address[1], &v6));
    assert_int_equal(m.targets, 0);
    /* An address of another length, and one of another class, are none. */
    struct sample odd = sample_of(7, FLAG_RESPONSE, "example.com", A), data = {.len = 0};
    put(&data, (uint8_t[5]){192, 0, 2, 1, 0}, 5);
    put_record(&odd, ANSWER, NULL, A, &data);
    put_a(&odd, ANSWER, NULL, 9);
    odd.octets[odd.len - 11] = 3;
    m = read_of(&odd);
    assert_true(m.addresses == 0 && !m.is_cut);
}

static void test_services(void **state)
{
    (void)state;
    struct sample s = sample_of(7, FLAG_RESPONSE, "_sip._udp.example.com", SRV);
    put_srv(&s, "SIP1.example.com");
    put_srv(&s, "sip2.example.com");
    put_srv(&s, "sip1.example.com"); /* on another port */
    put_srv(&s, "");                 /* RFC 2782: decidedly not there */
    put_a(&s, ADDITIONAL, "ns.example.com", 53);
    put_a(&s, ADDITIONAL, "sip2.example.com", 2);
    put_aaaa(&s, ADDITIONAL, "sip1.example.com", 1);
    struct dns_message m = read_of(&s);
    assert_int_equal(m.targets, 2);
    assert_string_equal(m.target[0], "sip1.example.com");
    assert_string_equal(m.target[1], "sip2.example.com");
    assert_int_equal(m.addresses, 2);
    assert_int_equal(m.targets_v4, 2);
    assert_int_equal(m.targets_v6, 1);
    assert_false(m.is_cut);

    s = sample_of(7, FLAG_RESPONSE, "example.com", NAPTR);
    put_naptr(&s, "_sip._udp.example.net");
    m = read_of(&s);
    assert_int_equal(m.targets, 1);
    assert_string_equal(m.target[0], "_sip._udp.example.net");
}

/* A NAPTR whose texts, and an SRV whose target, reach past the record's end. */
static void test_lying_lengths(void **state)
{
    (void)state;
    struct sample s = sample_of(7, FLAG_RESPONSE, "example.com", NAPTR), data = {.len = 0};
    put(&data,
        "\0\12\0\62\xff"
        "s",
        6);
    put_record(&s, ANSWER, NULL, NAPTR, &data);
    assert_int_equal(read_of(&s).targets, 0);
    assert_false(read_of(&s).is_cut);
    data.len = 6;
    put_record(&s, ANSWER, NULL, SRV, &data);
    assert_int_equal(read_of(&s).targets, 0);
    /* The record itself. */
    s = sample_of(7, FLAG_RESPONSE, "example.com", A);
    put_a(&s, ANSWER, NULL, 1);
    put_a(&s, ANSWER, NULL, 2);
    s.octets[s.len - 5] = 5;
    struct dns_message m = read_of(&s);
    assert_true(m.addresses == 1 && m.is_cut);
}

static void test_cut(void **state)
{
    (void)state;
    struct sample s = sample_of(7, FLAG_RESPONSE | FLAG_CUT, "example.com", A);
    assert_true(read_of(&s).is_cut);
    /* By a snap length, at any octet behind the question. */
    s = sample_of(7, FLAG_RESPONSE, "example.com", A);
    size_t question = s.len;
    put_a(&s, ANSWER, NULL, 1);
    size_t first = s.len;
    put_a(&s, ADDITIONAL, "example.com", 2);
    assert_false(read_of(&s).is_cut);
    while (--s.len >= question) {
        struct dns_message m = read_of(&s);
        assert_true(m.is_cut);
        assert_int_equal(m.addresses, s.len >= first);
    }
}

static void test_too_much(void **state)
{
    (void)state;
    struct sample s = sample_of(7, FLAG_RESPONSE, "example.com", A);
    for (unsigned i = 0; i < DNS_ADDRESSES_MAX; i++)
        put_a(&s, ANSWER, NULL, i);
    assert_false(read_of(&s).is_cut);
    put_a(&s, ANSWER, NULL, 99);
    struct dns_message m = read_of(&s);
    assert_true(m.is_cut && m.addresses == DNS_ADDRESSES_MAX);

    s = sample_of(7, FLAG_RESPONSE, "_sip._tcp.example.com", SRV);
    for (char name[] = "a.example.com"; name[0] < 'a' + DNS_TARGETS_MAX; name[0]++)
        put_srv(&s, name);
    assert_false(read_of(&s).is_cut);
    put_srv(&s, "z.example.com");
    m = read_of(&s);
    assert_true(m.is_cut && m.targets == DNS_TARGETS_MAX);
}

/* RFC 1035 section 4.1.4, and what it forbids. */
static void test_pointers(void **state)
{
    (void)state;
    struct sample s = sample_of(7, FLAG_RESPONSE, "_sip._udp.example.com", SRV), data = {.len = 0};
    put(&data, "\0\12\0\144\x13\xc4\4sip1\xc0\x16", 13); /* "example.com" of the question */
    put_record(&s, ANSWER, NULL, SRV, &data);
    struct dns_message m = read_of(&s);
    assert_int_equal(m.targets, 1);
    assert_string_equal(m.target[0], "sip1.example.com");

    /* At itself; behind the end; a label of a kind that there is not. */
    static const char *const forged[] = {"\xc0\x00", "\xff\xff", "\x80\x01", "\x40\x01"};
    for (unsigned i = 0; i < sizeof forged / sizeof forged[0]; i++) {
        s = sample_of(7, FLAG_RESPONSE, "_sip._udp.example.com", SRV);
        data.len = 6;
        put(&data, forged[i], 2);
        if (i == 0)
            data.octets[7] = (uint8_t)(s.len + 18); /* behind owner, type, ..., port */
        put_record(&s, ANSWER, NULL, SRV, &data);
        m = read_of(&s);
        assert_true(m.targets == 0 && m.is_cut);
    }
    /* As the question's own name. */
    s = sample_of(7, 0, "", A);
    s.len = QUESTION_NAME;
    put_u16(&s, 0xc000 | QUESTION_NAME);
    put_u16(&s, A);
    put_u16(&s, 1);
    is_refused(&s);
}

/* 255 octets are a name, more are none (section 2.3.4); octets that are no text are escaped. */
static void test_long_names(void **state)
{
    (void)state;
    char name[300] = "";
    for (unsigned i = 0; i < 3; i++)
        memset(name + 64 * (size_t)i, 'a', 63);
    name[63] = name[127] = name[191] = '.';
    memset(name + 192, 'b', 61);
    struct sample s = sample_of(1, 0, name, A);
    assert_string_equal(read_of(&s).name, name);
    name[253] = 'b';
    s = sample_of(1, 0, name, A);
    is_refused(&s);
    s = sample_of(1, 0, "a\x01\"b.example", A);
    assert_string_equal(read_of(&s).name, "a\\001\\\"b.example");
    char odd[256] = "";
    for (unsigned i = 0; i < 250; i++)
        odd[i] = i % 63 == 62 ? '.' : '\x01'; /* four times as long in words */
    s = sample_of(1, 0, odd, A);
    is_refused(&s);
}

static void test_names(void **state)
{
    (void)state;
    assert_string_equal(dns_type_name(DNS_TYPE_NAPTR), "NAPTR");
    assert_string_equal(dns_type_name(DNS_TYPE_OTHER), "other");
    assert_string_equal(dns_rcode_name(2), "SERVFAIL");
    assert_string_equal(dns_rcode_name(3), "NXDOMAIN");
    assert_string_equal(dns_rcode_name(5), "REFUSED");
    assert_string_equal(dns_rcode_name(15), "other");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_question),      cmocka_unit_test(test_refused),
        cmocka_unit_test(test_addresses),     cmocka_unit_test(test_services),
        cmocka_unit_test(test_lying_lengths), cmocka_unit_test(test_cut),
        cmocka_unit_test(test_too_much),      cmocka_unit_test(test_pointers),
        cmocka_unit_test(test_long_names),    cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
