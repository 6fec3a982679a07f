#include "capture_builder.h"

#include "capture/pcap_file.h"

#define T0 1700000000u

static const struct {
    uint32_t magic;
    bool big_endian;
    int64_t tick_ns;
} variants[] = {
    {0xa1b2c3d4, false, 1000},
    {0xa1b2c3d4, true, 1000},
    {0xa1b23c4d, false, 1},
    {0xa1b23c4d, true, 1},
};

static void reads_every_variant(void **state)
{
    (void)state;
    for (size_t v = 0; v < 4; v++) {
        struct bytes b = {.big_endian = variants[v].big_endian};
        put_pcap_header(&b, variants[v].magic, 1);
        put_pcap_packet(&b, T0, 999999, 1, 60, 60);
        put_pcap_packet(&b, T0 + 1, 5, 2, 100, 1500);
        put_pcap_packet(&b, T0 + 1, 5, 3, 0, 0);
        struct read_back *r = read_bytes(b.at, b.len, NULL);
        assert_int_equal(r->end, CAPTURE_END);
        assert_int_equal(r->count, 3);
        const struct packet *p = &r->item[0].packet;
        assert_int_equal(p->time_ns, T0 * INT64_C(1000000000) + 999999 * variants[v].tick_ns);
        assert_int_equal(p->number, 1);
        assert_int_equal(p->captured_len, 60);
        assert_int_equal(p->wire_len, 60);
        assert_int_equal(p->link_type, 1);
        assert_int_equal(p->interface, 0);
        p = &r->item[1].packet;
        assert_int_equal(p->time_ns, (T0 + 1) * INT64_C(1000000000) + 5 * variants[v].tick_ns);
        assert_int_equal(p->captured_len, 100);
        assert_int_equal(p->wire_len, 1500);
        assert_int_equal(r->item[2].packet.captured_len, 0);
        for (size_t i = 0; i < 2; i++) {
            assert_true(r->item[i].octets_follow);
            assert_int_equal(r->item[i].first_octet, packet_octet((unsigned)i + 1, 0));
        }
        assert_int_equal(r->stats.packets, 3);
        assert_int_equal(r->stats.bytes, 160);
        assert_int_equal(r->stats.truncated, 1);
        free(r);
        free_bytes(&b);
    }
}

static void normalises_link_types(void **state)
{
    (void)state;
    static const uint32_t pairs[][2] = {
        {1, 1}, {12, 101}, {14, 101}, {101, 101}, {113, 113}, {276, 276}, {0, 0}, {0x24000001, 1},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        struct bytes b = {0};
        put_pcap_header(&b, 0xa1b2c3d4, pairs[i][0]);
        put_pcap_packet(&b, T0, 0, 1, 20, 20);
        struct read_back *r = read_bytes(b.at, b.len, NULL);
        assert_int_equal(r->count, 1);
        assert_int_equal(r->item[0].packet.link_type, pairs[i][1]);
        free(r);
        free_bytes(&b);
    }
}

static void wire_length_is_never_below_what_was_captured(void **state)
{
    (void)state;
    struct bytes b = {0};
    put_pcap_header(&b, 0xa1b2c3d4, 1);
    put_pcap_packet(&b, T0, 0, 1, 80, 0);
    struct read_back *r = read_bytes(b.at, b.len, NULL);
    assert_int_equal(r->count, 1);
    assert_int_equal(r->item[0].packet.wire_len, 80);
    free(r);
    free_bytes(&b);
}

static void takes_the_largest_packet_and_no_larger(void **state)
{
    (void)state;
    struct bytes b = {0};
    put_pcap_header(&b, 0xa1b2c3d4, 1);
    put_pcap_packet(&b, T0, 0, 1, 262144, 262144);
    put_pcap_packet(&b, T0, 0, 2, 60, 60);
    size_t third = b.len;
    put_pcap_packet(&b, T0, 0, 3, 262145, 262145);
    struct read_back *r = read_bytes(b.at, b.len, NULL);
    assert_int_equal(r->count, 2);
    assert_int_equal(r->item[0].packet.captured_len, 262144);
    assert_true(r->item[0].octets_follow && r->item[1].octets_follow);
    assert_int_equal(r->end, CAPTURE_FAILED);
    assert_int_equal(r->error.exit_status, 1);
    char offset[64];
    snprintf(offset, sizeof offset, "offset %zu:", third);
    assert_non_null(strstr(r->error.text, offset));
    assert_non_null(strstr(r->error.text, "262145 octets"));
    free(r);
    free_bytes(&b);
}

static void huge_length_is_corrupt(void **state)
{
    (void)state;
    struct bytes b = {0};
    put_pcap_header(&b, 0xa1b2c3d4, 1);
    put_pcap_packet(&b, T0, 0, 1, 60, 60);
    put_u32(&b, T0);
    put_u32(&b, 0);
    put_u32(&b, UINT32_MAX);
    put_u32(&b, UINT32_MAX);
    struct read_back *r = read_bytes(b.at, b.len, NULL);
    assert_int_equal(r->count, 1);
    assert_int_equal(r->end, CAPTURE_FAILED);
    assert_int_equal(r->error.exit_status, 1);
    assert_non_null(strstr(r->error.text, "corrupt at offset 100"));
    free(r);
    free_bytes(&b);
}

/* Pure: asks for what it needs, one step after the other, and never for less than it was given. */
static void says_what_it_needs(void **state)
{
    (void)state;
    struct bytes b = {0};
    put_pcap_header(&b, 0xa1b2c3d4, 1);
    put_pcap_packet(&b, T0, 0, 1, 60, 60);
    struct pcap_file file;
    struct record record;
    uint16_t next_interface = 7;
    assert_int_equal(pcap_file_start(&file, b.at, 23, &next_interface, &record), RECORD_SHORT);
    assert_int_equal(record.need, 24);
    assert_int_equal(pcap_file_start(&file, b.at, 24, &next_interface, &record), RECORD_OTHER);
    assert_int_equal(file.interface, 7);
    assert_int_equal(next_interface, 8);
    assert_int_equal(pcap_file_next(&file, b.at + 24, 15, &record), RECORD_SHORT);
    assert_int_equal(record.need, 16);
    assert_int_equal(pcap_file_next(&file, b.at + 24, 75, &record), RECORD_SHORT);
    assert_int_equal(record.need, 76);
    assert_int_equal(pcap_file_next(&file, b.at + 24, 76, &record), RECORD_PACKET);
    assert_int_equal(record.length, 76);
    assert_ptr_equal(record.packet.bytes, b.at + 40);
    free_bytes(&b);
}

static void refuses_another_version(void **state)
{
    (void)state;
    struct bytes b = {0};
    put_pcap_header(&b, 0xa1b2c3d4, 1);
    b.at[4] = 3;
    struct read_back *r = read_bytes(b.at, b.len, NULL);
    assert_int_equal(r->end, CAPTURE_FAILED);
    assert_int_equal(r->error.exit_status, 1);
    assert_non_null(strstr(r->error.text, "version 3"));
    free(r);
    free_bytes(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_every_variant),
        cmocka_unit_test(normalises_link_types),
        cmocka_unit_test(wire_length_is_never_below_what_was_captured),
        cmocka_unit_test(takes_the_largest_packet_and_no_larger),
        cmocka_unit_test(huge_length_is_corrupt),
        cmocka_unit_test(says_what_it_needs),
        cmocka_unit_test(refuses_another_version),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
