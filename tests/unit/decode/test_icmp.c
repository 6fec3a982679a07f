/*
 * icmp: errors with the packet that they quote, by RFC 792 and RFC 4443, quoted in full, in part
 * and falsely; each also as every prefix of itself.
 */
#include "decode/icmp.h"

#include "frame.h"

/* An error of a router, 203.0.113.1 or 2001:db8:ff::1, around what it quotes. */
static enum decode_verdict read_error(const struct frame *quote, unsigned version, unsigned type,
                                      unsigned code, uint32_t rest, struct frame *kept,
                                      struct datagram *d)
{
    *kept = *quote;
    struct frame header = {.len = 0};
    put_u8(&header, type);
    put_u8(&header, code);
    put_u16(&header, 0);
    put_u16(&header, rest >> 16);
    put_u16(&header, rest & 0xffff);
    wrap_frame(kept, &header);
    version == 4 ? wrap_v4(kept, 1) : wrap_v6(kept, 58);
    return decode(kept, RAW, d);
}

static bool read_quote(const struct frame *quote, unsigned version, unsigned type, unsigned code,
                       uint32_t rest, struct icmp_error *out)
{
    static struct frame kept; /* the error is a view of it */
    struct datagram d;
    assert_int_equal(read_error(quote, version, type, code, rest, &kept, &d), DECODE_ICMP);
    memset(out, 0xa5, sizeof *out);
    return icmp_decode(&d, out);
}

static void test_meanings(void **state)
{
    (void)state;
    static const struct {
        unsigned version, type, code;
        enum icmp_meaning meaning;
    } rows[] = {
        {4, 3, 0, ICMP_HOST_UNREACHABLE},
        {4, 3, 1, ICMP_HOST_UNREACHABLE},
        {4, 3, 2, ICMP_PROTOCOL_UNREACHABLE},
        {4, 3, 3, ICMP_PORT_UNREACHABLE},
        {4, 3, 4, ICMP_TOO_BIG},
        {4, 3, 5, ICMP_HOST_UNREACHABLE},
        {4, 3, 6, ICMP_HOST_UNREACHABLE},
        {4, 3, 7, ICMP_HOST_UNREACHABLE},
        {4, 3, 9, ICMP_ADMIN_PROHIBITED},
        {4, 3, 10, ICMP_ADMIN_PROHIBITED},
        {4, 3, 11, ICMP_HOST_UNREACHABLE},
        {4, 3, 12, ICMP_HOST_UNREACHABLE},
        {4, 3, 13, ICMP_ADMIN_PROHIBITED},
        {4, 11, 0, ICMP_TIME_EXCEEDED},
        {4, 11, 1, ICMP_FRAGMENTS_TIMED_OUT},
        {4, 12, 0, ICMP_PARAMETER_PROBLEM},
        {6, 1, 0, ICMP_HOST_UNREACHABLE},
        {6, 1, 1, ICMP_ADMIN_PROHIBITED},
        {6, 1, 2, ICMP_HOST_UNREACHABLE},
        {6, 1, 3, ICMP_HOST_UNREACHABLE},
        {6, 1, 4, ICMP_PORT_UNREACHABLE},
        {6, 1, 5, ICMP_HOST_UNREACHABLE},
        {6, 1, 6, ICMP_HOST_UNREACHABLE},
        {6, 2, 0, ICMP_TOO_BIG},
        {6, 3, 0, ICMP_TIME_EXCEEDED},
        {6, 3, 1, ICMP_FRAGMENTS_TIMED_OUT},
        {6, 4, 0, ICMP_PARAMETER_PROBLEM},
        {6, 4, 1, ICMP_PROTOCOL_UNREACHABLE},
        {6, 4, 2, ICMP_PARAMETER_PROBLEM},
    };
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct frame quote = hello(rows[i].version);
        struct icmp_error error;
        assert_true(read_quote(&quote, rows[i].version, rows[i].type, rows[i].code, 0, &error));
        assert_int_equal(error.meaning, rows[i].meaning);
        assert_int_equal(error.type, rows[i].type);
        assert_int_equal(error.code, rows[i].code);
        assert_int_equal(error.is_v6, rows[i].version == 6);
        assert_int_equal(error.mtu, 0);
    }
}

/* Echo, source quench, redirect, time stamps; echo and neighbour discovery. */
static void test_no_errors(void **state)
{
    (void)state;
    static const unsigned v4_types[] = {0, 4, 5, 8, 13, 1, 2}, v6_types[] = {0, 128, 129, 135, 11};
    struct icmp_error error;
    for (unsigned i = 0; i < sizeof v4_types / sizeof v4_types[0]; i++) {
        struct frame quote = hello(4);
        assert_false(read_quote(&quote, 4, v4_types[i], 0, 0, &error));
    }
    for (unsigned i = 0; i < sizeof v6_types / sizeof v6_types[0]; i++) {
        struct frame quote = hello(6);
        assert_false(read_quote(&quote, 6, v6_types[i], 0, 0, &error));
    }
}

static void assert_quotes_hello(const struct icmp_error *error, unsigned version)
{
    char text[ENDPOINT_TEXT_MAX];
    assert_string_equal(endpoint_format(&error->src, text),
                        version == 4 ? "192.0.2.1:5060" : "[2001:db8::1]:5060");
    assert_string_equal(endpoint_format(&error->dst, text),
                        version == 4 ? "198.51.100.2:5070" : "[2001:db8::2]:5070");
    assert_string_equal(ip_format(&error->sender, text),
                        version == 4 ? "203.0.113.1" : "2001:db8:ff::1");
    assert_string_equal(ip_format(&error->told, text),
                        version == 4 ? "203.0.113.2" : "2001:db8:ff::2");
    assert_true(error->has_ports);
    assert_int_equal(error->protocol, 17);
    assert_int_equal(error->has_ip_id, version == 4);
    assert_int_equal(error->ip_id, version == 4 ? 0xbeef : 0);
    assert_int_equal(error->fragment_offset, 0);
    assert_int_equal(error->udp_len, 13);
    assert_int_equal(error->udp_checksum, 0x1234);
    assert_int_equal(error->time_ns, 42);
}

static void test_udp_quotes(void **state)
{
    (void)state;
    for (unsigned version = 4; version <= 6; version += 2) {
        size_t headers = version == 4 ? 28 : 48;
        unsigned type = version == 4 ? 3 : 1, code = version == 4 ? 3 : 4;
        for (size_t len = headers; len <= headers + 5; len++) {
            struct frame quote = hello(version);
            struct icmp_error error;
            quote.len = len;
            assert_true(read_quote(&quote, version, type, code, 0, &error));
            assert_quotes_hello(&error, version);
            assert_int_equal(error.payload.len, len - headers);
            assert_memory_equal(error.payload.at, "hello", len - headers);
        }
        /* Zeros and extensions behind the quoted packet (RFC 4884) are not its own. */
        struct frame quote = hello(version);
        struct icmp_error error;
        put_zeros(&quote, 100);
        assert_true(read_quote(&quote, version, type, code, 0, &error));
        assert_quotes_hello(&error, version);
        assert_true(slice_eq(error.payload, SLICE("hello")));
    }
}

/* Lengths that hosts quote after having changed them, or that never were right. */
static void test_false_lengths(void **state)
{
    (void)state;
    static const unsigned lengths[] = {0, 13, 20, 21, 27, 0x2100, 0xffff};
    for (unsigned i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        struct frame quote = hello(4);
        struct icmp_error error;
        quote.bytes[2] = (uint8_t)(lengths[i] >> 8);
        quote.bytes[3] = (uint8_t)lengths[i];
        assert_true(read_quote(&quote, 4, 3, 3, 0, &error));
        assert_quotes_hello(&error, 4);
        assert_true(slice_eq(error.payload, SLICE("hello")));
    }
    /* UDP's length is more than is quoted, or cannot be. */
    struct frame quote = hello(4);
    struct icmp_error error;
    quote.bytes[25] = 200;
    assert_true(read_quote(&quote, 4, 3, 3, 0, &error));
    assert_int_equal(error.udp_len, 200);
    assert_true(slice_eq(error.payload, SLICE("hello")));
    quote.bytes[25] = 3;
    assert_true(read_quote(&quote, 4, 3, 3, 0, &error));
    assert_int_equal(error.udp_len, 3);
    assert_true(error.payload.len <= 5);
}

static void test_options_and_extensions(void **state)
{
    (void)state;
    struct frame quote = {.len = 0};
    struct icmp_error error;
    put_v4(&quote, 17, 12, 0, 13);
    put_udp(&quote, "hello");
    assert_true(read_quote(&quote, 4, 11, 0, 0, &error));
    assert_quotes_hello(&error, 4);
    quote.len = 20 + 6; /* inside the options */
    assert_true(read_quote(&quote, 4, 11, 0, 0, &error));
    assert_false(error.has_ports);
    assert_int_equal(error.ip_id, 0xbeef);
    assert_int_equal(error.src.port, 0);

    quote.len = 0;
    put_v6(&quote, 0, 8 + 8 + 13);
    put(&quote, "\x3c\0\1\4\0\0\0\0", 8);
    put(&quote, "\x11\0\1\4\0\0\0\0", 8);
    put_udp(&quote, "hello");
    assert_true(read_quote(&quote, 6, 1, 4, 0, &error));
    assert_quotes_hello(&error, 6);
    quote.len = 40 + 12;
    assert_true(read_quote(&quote, 6, 1, 4, 0, &error));
    assert_false(error.has_ports);
    assert_int_equal(error.dst.ip.version, 6);
}

static void test_fragments(void **state)
{
    (void)state;
    struct frame quote = {.len = 0};
    struct icmp_error error;
    put_v4(&quote, 17, 0, 0x2000, 13); /* the first has ports */
    put_udp(&quote, "hello");
    assert_true(read_quote(&quote, 4, 11, 1, 0, &error));
    assert_quotes_hello(&error, 4);
    assert_int_equal(error.meaning, ICMP_FRAGMENTS_TIMED_OUT);
    quote.bytes[6] = 0x20;
    quote.bytes[7] = 185;
    assert_true(read_quote(&quote, 4, 11, 0, 0, &error));
    assert_false(error.has_ports);
    assert_int_equal(error.fragment_offset, 1480);
    assert_int_equal(error.src.port, 0);
    assert_int_equal(error.ip_id, 0xbeef);
    assert_int_equal(error.payload.len, 0);

    quote.len = 0;
    put_v6(&quote, 44, 8 + 13);
    put(&quote, "\x11\0\0\1\0\0\0\1", 8);
    put_udp(&quote, "hello");
    assert_true(read_quote(&quote, 6, 3, 1, 0, &error));
    assert_quotes_hello(&error, 6);
    quote.bytes[42] = 5;
    quote.bytes[43] = 0xc9;
    assert_true(read_quote(&quote, 6, 3, 1, 0, &error));
    assert_false(error.has_ports);
    assert_int_equal(error.protocol, 17);
    assert_int_equal(error.fragment_offset, 1480);
}

static void test_tcp_quotes(void **state)
{
    (void)state;
    struct frame quote = {.len = 0};
    struct icmp_error error;
    put_v4(&quote, 6, 0, 0x4000, 24 + 5);
    put(&quote, "\x13\xc4\x13\xce\x89\xab\xcd\xef\0\0\0\0\x60\x18\0\0\0\0\0\0\1\1\1\1hello", 29);
    assert_true(read_quote(&quote, 4, 3, 10, 0, &error));
    assert_true(error.has_ports);
    assert_int_equal(error.src.port, 5060);
    assert_int_equal(error.dst.port, 5070);
    assert_int_equal(error.tcp_seq, 0x89abcdef);
    assert_int_equal(error.udp_len, 0);
    assert_true(slice_eq(error.payload, SLICE("hello")));
    for (size_t len = 28; len <= 44; len++) {
        quote.len = len;
        assert_true(read_quote(&quote, 4, 3, 10, 0, &error));
        assert_int_equal(error.tcp_seq, 0x89abcdef);
        assert_int_equal(error.payload.len, 0);
    }
    quote.len = 27;
    assert_true(read_quote(&quote, 4, 3, 10, 0, &error));
    assert_false(error.has_ports);
    /* An offset below the header's own length. */
    quote.len = 49;
    quote.bytes[32] = 0x40;
    assert_true(read_quote(&quote, 4, 3, 10, 0, &error));
    assert_int_equal(error.payload.len, 0);
}

static void test_mtu(void **state)
{
    (void)state;
    struct frame v4 = hello(4), v6 = hello(6);
    struct icmp_error error;
    assert_true(read_quote(&v4, 4, 3, 4, 1400, &error));
    assert_int_equal(error.mtu, 1400);
    assert_true(read_quote(&v4, 4, 3, 3, 1400, &error)); /* there, it is unused */
    assert_int_equal(error.mtu, 0);
    assert_true(read_quote(&v6, 6, 2, 0, 1280, &error));
    assert_int_equal(error.mtu, 1280);
    assert_true(read_quote(&v6, 6, 2, 0, 0x10000, &error));
    assert_int_equal(error.mtu, 0xffff);
}

/* What quotes no addresses is of no use. Nothing is read past the end of any prefix. */
static void test_prefixes(void **state)
{
    (void)state;
    for (unsigned version = 4; version <= 6; version += 2) {
        struct frame quote = hello(version), kept;
        struct datagram d;
        struct icmp_error error;
        assert_int_equal(read_error(&quote, version, 3, 1, 0, &kept, &d), DECODE_ICMP);
        size_t need = version == 4 ? 28 : 48;
        for (size_t len = 0; len <= d.payload.len; len++) {
            struct datagram part = d;
            char *exact = malloc(len > 0 ? len : 1);
            assert_non_null(exact);
            memcpy(exact, d.payload.at, len);
            part.payload = slice_of(exact, len);
            assert_int_equal(icmp_decode(&part, &error), len >= need);
            if (len >= need) {
                assert_int_equal(error.has_ports, len >= need + 8);
                const char *end = error.payload.at + error.payload.len;
                assert_true(error.payload.len == 0 || end == exact + len);
            }
            free(exact);
        }
    }
    /* The other version, a header of no length. */
    struct frame v4 = hello(4), v6 = hello(6);
    struct icmp_error error;
    assert_false(read_quote(&v6, 4, 3, 3, 0, &error));
    assert_false(read_quote(&v4, 6, 1, 4, 0, &error));
    v4.bytes[0] = 0x44;
    assert_false(read_quote(&v4, 4, 3, 3, 0, &error));
}

static void test_names(void **state)
{
    (void)state;
    assert_string_equal(icmp_meaning_name(ICMP_PORT_UNREACHABLE), "port_unreachable");
    for (int a = 0; a < ICMP_MEANING_COUNT; a++)
        for (int b = 0; b < a; b++)
            assert_string_not_equal(icmp_meaning_name(a), icmp_meaning_name(b));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_meanings),
        cmocka_unit_test(test_no_errors),
        cmocka_unit_test(test_udp_quotes),
        cmocka_unit_test(test_false_lengths),
        cmocka_unit_test(test_options_and_extensions),
        cmocka_unit_test(test_fragments),
        cmocka_unit_test(test_tcp_quotes),
        cmocka_unit_test(test_mtu),
        cmocka_unit_test(test_prefixes),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
