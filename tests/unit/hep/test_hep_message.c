/* HEP messages: the specification's own example, every length that lies, what was written read
 * again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "hep/hep_message.h"

/* The example that the specification gives, octet for octet. */
static const uint8_t example[113] = {
    0x48, 0x45, 0x50, 0x33, 0x00, 0x71, 0x00, 0x00, 0x00, 0x01, 0x00, 0x07, 0x02, 0x00, 0x00,
    0x00, 0x02, 0x00, 0x07, 0x11, 0x00, 0x00, 0x00, 0x03, 0x00, 0x0a, 0xd4, 0xca, 0x00, 0x01,
    0x00, 0x00, 0x00, 0x04, 0x00, 0x0a, 0x52, 0x74, 0x00, 0xd3, 0x00, 0x00, 0x00, 0x07, 0x00,
    0x08, 0x2e, 0xea, 0x00, 0x00, 0x00, 0x08, 0x00, 0x08, 0x13, 0xc4, 0x00, 0x00, 0x00, 0x09,
    0x00, 0x0a, 0x4e, 0x49, 0x82, 0xcb, 0x00, 0x00, 0x00, 0x0a, 0x00, 0x0a, 0x00, 0x01, 0xe2,
    0x40, 0x00, 0x00, 0x00, 0x0b, 0x00, 0x07, 0x01, 0x00, 0x00, 0x00, 0x0c, 0x00, 0x0a, 0x00,
    0x00, 0x00, 0xe4, 0x00, 0x00, 0x00, 0x0f, 0x00, 0x14, 0x49, 0x4e, 0x56, 0x49, 0x54, 0x45,
    0x20, 0x73, 0x69, 0x70, 0x3a, 0x62, 0x6f, 0x62};

/* A message that is put together here, chunk by chunk. */
struct sample {
    uint8_t octets[2048];
    size_t len;
};

static void put(struct sample *s, const void *octets, size_t len)
{
    memcpy(s->octets + s->len, octets, len);
    s->len += len;
    s->octets[4] = (uint8_t)(s->len >> 8);
    s->octets[5] = (uint8_t)s->len;
}

static struct sample sample_of_nothing(void)
{
    struct sample s = {.len = 0};
    put(&s, "HEP3\0", 6);
    return s;
}

static void put_chunk(struct sample *s, unsigned vendor, unsigned type, const char *value,
                      size_t len)
{
    const uint8_t header[6] = {(uint8_t)(vendor >> 8),    (uint8_t)vendor,
                               (uint8_t)(type >> 8),      (uint8_t)type,
                               (uint8_t)((len + 6) >> 8), (uint8_t)(len + 6)};
    put(s, header, sizeof header);
    put(s, value, len);
}

static struct sample sample_of_message(void)
{
    struct sample s = sample_of_nothing();
    put_chunk(&s, 0, 1, "\2", 1);
    put_chunk(&s, 0, 2, "\21", 1);
    put_chunk(&s, 0, 3, "\300\0\2\1", 4);
    put_chunk(&s, 0, 4, "\306\63\144\1", 4);
    put_chunk(&s, 0, 0xb, "\1", 1);
    put_chunk(&s, 0, 0xf, "BYE", 3);
    return s;
}

/* In a buffer of exactly its size, so that a sanitizer sees who reads beyond. */
static enum hep_verdict read_of(const uint8_t *octets, size_t len, struct hep_message *message)
{
    static uint8_t *copy;
    free(copy);
    copy = malloc(len > 0 ? len : 1);
    memcpy(copy, octets, len);
    return hep_read(slice_of((const char *)copy, len), message);
}

static void is_text(struct slice text, const char *expected)
{
    assert_int_equal(text.len, strlen(expected));
    assert_memory_equal(text.at, expected, text.len);
}

static void test_example(void **state)
{
    struct hep_message message;
    char text[ENDPOINT_TEXT_MAX];
    uint8_t out[sizeof example + HEP_OVERHEAD_MAX];
    (void)state;
    assert_int_equal(read_of(example, sizeof example, &message), HEP_WHOLE);
    assert_string_equal(endpoint_format(&message.src, text), "212.202.0.1:12010");
    assert_string_equal(endpoint_format(&message.dst, text), "82.116.0.211:5060");
    assert_int_equal(message.ip_protocol, HEP_PROTOCOL_UDP);
    assert_int_equal(message.payload_type, HEP_PAYLOAD_SIP);
    assert_int_equal(message.capture_id, 228);
    assert_true(message.time_ns == INT64_C(1313440459123456000));
    is_text(message.payload, "INVITE sip:bob");
    is_text(message.key, "");
    is_text(message.node, "");
    is_text(message.correlation_id, "");
    assert_false(message.is_compressed);
    assert_false(message.is_keepalive);
    /* What is written of it is the example again: the same chunks in the same order. */
    assert_int_equal(hep_write(&message, out, sizeof out), sizeof example);
    assert_memory_equal(out, example, sizeof example);
}

static void test_frame(void **state)
{
    size_t len = 0;
    (void)state;
    for (size_t n = 0; n < HEP_HEADER_LEN; n++)
        assert_int_equal(hep_frame(slice_of((const char *)example, n), &len), HEP_SHORT);
    assert_int_equal(hep_frame(slice_of((const char *)example, 6), &len), HEP_WHOLE);
    assert_int_equal(len, 113);
    assert_int_equal(hep_frame(slice_of("EEP3\1\0", 6), &len), HEP_WHOLE);
    assert_int_equal(len, 256);
    assert_int_equal(hep_frame(slice_of("HEP3\0\5", 6), &len), HEP_INVALID);
    assert_int_equal(hep_frame(slice_of("HEP2\0\6", 6), &len), HEP_INVALID);
    assert_int_equal(hep_frame(SLICE("HX"), &len), HEP_INVALID);
}

/* Wherever a message ends early, and wherever a length says too little or too much. */
static void test_lengths(void **state)
{
    struct hep_message message;
    (void)state;
    for (size_t n = 0; n < sizeof example; n++) {
        assert_int_equal(read_of(example, n, &message), HEP_INVALID);
        struct sample s = {.len = 0};
        put(&s, example, n > 6 ? n : 6); /* and its length says so */
        enum hep_verdict verdict = read_of(s.octets, s.len, &message);
        if (n > 99) /* the payload's chunk */
            assert_int_equal(verdict, HEP_INVALID);
        else
            assert_true(verdict == HEP_INVALID || verdict == HEP_MISSING);
    }
    struct sample s = sample_of_message();
    put(&s, "", 1);
    assert_int_equal(read_of(s.octets, s.len, &message), HEP_INVALID);
    for (unsigned len = 0; len < 6; len++) {
        s = sample_of_message();
        const uint8_t header[6] = {0, 0, 0, 0x0e, 0, (uint8_t)len};
        put(&s, header, sizeof header);
        assert_int_equal(read_of(s.octets, s.len, &message), HEP_INVALID);
    }
    s = sample_of_message();
    put(&s, "\0\0\0\16\377\377", 6);
    assert_int_equal(read_of(s.octets, s.len, &message), HEP_INVALID);
}

static void test_lengths_of_typed_chunks(void **state)
{
    static const struct {
        unsigned type;
        size_t len;
    } fixed[] = {{1, 1}, {2, 1}, {3, 4},   {4, 4},   {5, 16},  {6, 16},  {7, 2},
                 {8, 2}, {9, 4}, {0xa, 4}, {0xb, 1}, {0xc, 4}, {0xd, 2}, {0x12, 2}};
    static const char zeros[32] = {0};
    struct hep_message message;
    (void)state;
    for (size_t i = 0; i < sizeof fixed / sizeof fixed[0]; i++)
        for (size_t len = 0; len < sizeof zeros; len++) {
            struct sample s = sample_of_message();
            put_chunk(&s, 0, fixed[i].type, zeros, len);
            assert_int_equal(read_of(s.octets, s.len, &message),
                             len == fixed[i].len ? HEP_WHOLE : HEP_INVALID);
            s = sample_of_message(); /* of another vendor it means something else */
            put_chunk(&s, 17, fixed[i].type, zeros, len);
            assert_int_equal(read_of(s.octets, s.len, &message), HEP_WHOLE);
        }
}

static void test_chunks(void **state)
{
    struct hep_message message;
    (void)state;
    struct sample s = sample_of_message();
    put_chunk(&s, 0, 0x0e, "first", 5);
    put_chunk(&s, 0, 0x0e, "second", 6);
    put_chunk(&s, 0, 0x11, "call@example.com", 16);
    put_chunk(&s, 0, 0x13, "edge", 4);
    put_chunk(&s, 0, 0x12, "\0\144", 2);
    put_chunk(&s, 0, 0x20, "\1\220", 2);
    put_chunk(&s, 0, 0xfff0, "whatever", 8);
    put_chunk(&s, 0, 0xa, "\377\377\377\377", 4);
    put_chunk(&s, 0, 0x9, "\0\0\0\1", 4);
    assert_int_equal(read_of(s.octets, s.len, &message), HEP_WHOLE);
    is_text(message.key, "second");
    is_text(message.correlation_id, "call@example.com");
    is_text(message.node, "edge");
    assert_int_equal(message.vlan, 100);
    assert_true(message.time_ns == INT64_C(1999999000)); /* no microsecond of another second */
    is_text(message.payload, "BYE");
    put_chunk(&s, 0, 0x10, "\37\213", 2);
    assert_int_equal(read_of(s.octets, s.len, &message), HEP_WHOLE);
    assert_true(message.is_compressed);
    is_text(message.payload, "\37\213");
}

static void test_missing(void **state)
{
    struct hep_message message;
    (void)state;
    for (unsigned left_out = 0; left_out < 5; left_out++) {
        struct sample s = sample_of_nothing();
        if (left_out != 1)
            put_chunk(&s, 0, 3, "\300\0\2\1", 4);
        if (left_out != 2)
            put_chunk(&s, 0, 4, "\306\63\144\1", 4);
        if (left_out != 3)
            put_chunk(&s, 0, 0xb, "\1", 1);
        put_chunk(&s, 0, 0xf, "BYE", left_out != 4 ? 3 : 0);
        assert_int_equal(read_of(s.octets, s.len, &message),
                         left_out == 0 ? HEP_WHOLE : HEP_MISSING);
    }
    struct sample s = sample_of_nothing();
    assert_int_equal(read_of(s.octets, s.len, &message), HEP_MISSING);
    put_chunk(&s, 0, 0xd, "\0\36", 2);
    put_chunk(&s, 0, 0xe, "secret", 6);
    assert_int_equal(read_of(s.octets, s.len, &message), HEP_WHOLE);
    assert_true(message.is_keepalive);
    is_text(message.key, "secret");
}

/* Both families in one message: the one that is named counts, or the one that is there. */
static void test_families(void **state)
{
    static const char v6[] = "\x20\1\xd\xb8\0\0\0\0\0\0\0\0\0\0\0\1";
    struct hep_message message;
    char text[IP_TEXT_MAX];
    (void)state;
    struct sample s = sample_of_message();
    put_chunk(&s, 0, 5, v6, 16);
    put_chunk(&s, 0, 6, v6, 16);
    assert_int_equal(read_of(s.octets, s.len, &message), HEP_WHOLE);
    assert_string_equal(ip_format(&message.src.ip, text), "192.0.2.1");
    put_chunk(&s, 0, 1, "\12", 1);
    assert_int_equal(read_of(s.octets, s.len, &message), HEP_WHOLE);
    assert_string_equal(ip_format(&message.dst.ip, text), "2001:db8::1");
    s = sample_of_message();
    put_chunk(&s, 0, 1, "\12", 1);
    assert_int_equal(read_of(s.octets, s.len, &message), HEP_WHOLE);
    assert_string_equal(ip_format(&message.dst.ip, text), "198.51.100.1");
    s = sample_of_message();
    put_chunk(&s, 0, 5, v6, 16); /* half a pair */
    put_chunk(&s, 0, 1, "\12", 1);
    assert_int_equal(read_of(s.octets, s.len, &message), HEP_WHOLE);
    assert_string_equal(ip_format(&message.src.ip, text), "192.0.2.1");
}

static struct hep_message message_of(const char *src, const char *dst, struct slice payload)
{
    struct hep_message message = {.src.port = 5060,
                                  .dst.port = 5061,
                                  .ip_protocol = HEP_PROTOCOL_TLS,
                                  .payload_type = HEP_PAYLOAD_MOS_FULL,
                                  .vlan = 4094,
                                  .capture_id = UINT32_MAX,
                                  .time_ns = INT64_C(4294967295999999000),
                                  .key = SLICE("key"),
                                  .correlation_id = SLICE("id@example.com"),
                                  .node = SLICE("edge-1"),
                                  .payload = payload};
    ip_parse(slice_str(src), &message.src.ip);
    ip_parse(slice_str(dst), &message.dst.ip);
    return message;
}

static void is_same(const struct hep_message *a, const struct hep_message *b)
{
    assert_true(endpoint_eq(&a->src, &b->src));
    assert_true(endpoint_eq(&a->dst, &b->dst));
    assert_int_equal(a->ip_protocol, b->ip_protocol);
    assert_int_equal(a->payload_type, b->payload_type);
    assert_int_equal(a->vlan, b->vlan);
    assert_int_equal(a->capture_id, b->capture_id);
    assert_true(a->time_ns == b->time_ns);
    assert_true(slice_eq(a->key, b->key));
    assert_true(slice_eq(a->correlation_id, b->correlation_id));
    assert_true(slice_eq(a->node, b->node));
    assert_true(slice_eq(a->payload, b->payload));
}

static void test_round_trip(void **state)
{
    static const char *const ip[][2] = {{"192.0.2.1", "198.51.100.1"},
                                        {"2001:db8::1", "2001:db8::2"}};
    uint8_t out[512];
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct hep_message message = message_of(ip[i][0], ip[i][1], SLICE("{}")), again;
        size_t len = hep_write(&message, out, sizeof out);
        assert_int_equal(read_of(out, len, &again), HEP_WHOLE);
        is_same(&message, &again);
        /* Exactly as large as it is, and one octet less. */
        assert_int_equal(hep_write(&message, out, len), len);
        for (size_t size = 0; size < len; size++) {
            uint8_t *small = malloc(size > 0 ? size : 1);
            assert_int_equal(hep_write(&message, small, size), 0);
            free(small);
        }
    }
}

static void test_written_limits(void **state)
{
    static char big[HEP_LEN_MAX + 1], name[2 * HEP_TEXT_MAX];
    static uint8_t out[2 * HEP_LEN_MAX];
    struct hep_message again;
    (void)state;
    memset(big, 'x', sizeof big);
    memset(name, 'n', sizeof name);
    struct hep_message message = message_of("192.0.2.1", "198.51.100.1", slice_of(big, 1));
    size_t overhead = hep_write(&message, out, sizeof out) - 1;
    message.payload.len = HEP_LEN_MAX - overhead;
    assert_int_equal(hep_write(&message, out, sizeof out), HEP_LEN_MAX);
    assert_int_equal(read_of(out, HEP_LEN_MAX, &again), HEP_WHOLE);
    is_same(&message, &again);
    message.payload.len++;
    assert_int_equal(hep_write(&message, out, sizeof out), 0);

    message = message_of("2001:db8::1", "2001:db8::2", slice_of(big, 1));
    message.key = message.node = message.correlation_id = slice_of(name, HEP_TEXT_MAX);
    size_t len = hep_write(&message, out, sizeof out);
    assert_in_range(len, 3 * HEP_TEXT_MAX, HEP_OVERHEAD_MAX + 1);
    assert_int_equal(read_of(out, len, &again), HEP_WHOLE);
    is_same(&message, &again);
    message.key.len = message.node.len = message.correlation_id.len = sizeof name;
    len = hep_write(&message, out, sizeof out);
    assert_int_equal(read_of(out, len, &again), HEP_WHOLE);
    assert_int_equal(again.key.len, HEP_TEXT_MAX);
    assert_int_equal(again.node.len, HEP_TEXT_MAX);
    assert_int_equal(again.correlation_id.len, 0);

    message.time_ns = -1;
    len = hep_write(&message, out, sizeof out);
    assert_int_equal(read_of(out, len, &again), HEP_WHOLE);
    assert_true(again.time_ns == 0);
    message.time_ns = INT64_MAX;
    len = hep_write(&message, out, sizeof out);
    assert_int_equal(read_of(out, len, &again), HEP_WHOLE);
    assert_true(again.time_ns / 1000000000 == UINT32_MAX);

    message.dst.ip.version = 4;
    assert_int_equal(hep_write(&message, out, sizeof out), 0);
    message.src.ip.version = message.dst.ip.version = 0;
    assert_int_equal(hep_write(&message, out, sizeof out), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_example),        cmocka_unit_test(test_frame),
        cmocka_unit_test(test_lengths),        cmocka_unit_test(test_lengths_of_typed_chunks),
        cmocka_unit_test(test_chunks),         cmocka_unit_test(test_missing),
        cmocka_unit_test(test_families),       cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_written_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
