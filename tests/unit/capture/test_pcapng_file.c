#include "capture_builder.h"

#define T0    INT64_C(1700000000)
#define T0_NS (T0 * 1000000000)

static struct read_back *read_and_free(struct bytes *b)
{
    struct read_back *r = read_bytes(b->at, b->len, NULL);
    free_bytes(b);
    return r;
}

static void reads_both_byte_orders(void **state)
{
    (void)state;
    for (int big = 0; big < 2; big++) {
        struct bytes b = {.big_endian = big};
        put_section(&b);
        put_interface(&b, 1, 65535, -1, 0);
        put_enhanced(&b, 0, (uint64_t)T0 * 1000000 + 123456, 1, 61, 61);
        put_enhanced(&b, 0, (uint64_t)T0 * 1000000 + 123457, 2, 62, 1500);
        struct read_back *r = read_and_free(&b);
        assert_int_equal(r->end, CAPTURE_END);
        assert_int_equal(r->count, 2);
        assert_int_equal(r->item[0].packet.time_ns, T0_NS + 123456000);
        assert_int_equal(r->item[0].packet.captured_len, 61);
        assert_int_equal(r->item[0].packet.wire_len, 61);
        assert_int_equal(r->item[0].first_octet, packet_octet(1, 0));
        assert_int_equal(r->item[1].packet.time_ns, T0_NS + 123457000);
        assert_int_equal(r->item[1].packet.wire_len, 1500);
        assert_int_equal(r->item[1].packet.number, 2);
        assert_true(r->item[0].octets_follow && r->item[1].octets_follow);
        free(r);
    }
}

static void reads_every_resolution(void **state)
{
    (void)state;
    static const struct {
        int resolution;
        uint64_t ticks;
        int64_t time_ns;
    } cases[] = {
        {0, 1700000000, T0_NS},
        {3, 1700000000123, T0_NS + 123000000},
        {6, 1700000000123456, T0_NS + 123456000},
        {7, 17000000001234567, T0_NS + 123456700},
        {9, 1700000000123456789, T0_NS + 123456789},
        {10, 17000000001234567899u, T0_NS + 123456789},
        {0x80 | 0, 1700000000, T0_NS},
        {0x80 | 10, (1700000000ull << 10) + 512, T0_NS + 500000000},
        {0x80 | 20, (1700000000ull << 20) + 1, T0_NS + 953},
        {0x80 | 32, (1700000000ull << 32) + (3ull << 30), T0_NS + 750000000},
    };
    for (int big = 0; big < 2; big++)
        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
            struct bytes b = {.big_endian = big};
            put_section(&b);
            put_interface(&b, 1, 0, cases[i].resolution, 0);
            put_enhanced(&b, 0, cases[i].ticks, 1, 60, 60);
            struct read_back *r = read_and_free(&b);
            assert_int_equal(r->count, 1);
            assert_int_equal(r->item[0].packet.time_ns, cases[i].time_ns);
            free(r);
        }
}

static void adds_the_offset_of_the_stamps(void **state)
{
    (void)state;
    for (int big = 0; big < 2; big++) {
        struct bytes b = {.big_endian = big};
        put_section(&b);
        put_interface(&b, 1, 0, 9, T0);
        put_interface(&b, 1, 0, 6, -10);
        put_enhanced(&b, 0, 5000000001, 1, 60, 60);
        put_enhanced(&b, 1, 20000001, 2, 60, 60);
        struct read_back *r = read_and_free(&b);
        assert_int_equal(r->count, 2);
        assert_int_equal(r->item[0].packet.time_ns, T0_NS + 5000000001);
        assert_int_equal(r->item[1].packet.time_ns, 10000001000);
        free(r);
    }
}

static void stamps_out_of_range_are_corrupt(void **state)
{
    (void)state;
    static const struct {
        int resolution;
        int64_t offset;
        uint64_t ticks;
    } cases[] = {
        {6, 0, UINT64_MAX}, {9, 0, UINT64_MAX},         {6, -10, 5},
        {0, 0, UINT64_MAX}, {9, INT64_MAX, UINT64_MAX}, {9, INT64_MIN, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct bytes b = {0};
        put_section(&b);
        put_interface(&b, 1, 0, cases[i].resolution, cases[i].offset);
        put_enhanced(&b, 0, cases[i].ticks, 1, 60, 60);
        struct read_back *r = read_and_free(&b);
        assert_int_equal(r->count, 0);
        assert_int_equal(r->end, CAPTURE_FAILED);
        assert_non_null(strstr(r->error.text, "time stamp"));
        free(r);
    }
}

static void refuses_unknown_resolutions(void **state)
{
    (void)state;
    static const int values[] = {20, 0x7f, 0x80 | 64, 0xff};
    for (size_t i = 0; i < 4; i++) {
        struct bytes b = {0};
        put_section(&b);
        put_interface(&b, 1, 0, values[i], 0);
        struct read_back *r = read_and_free(&b);
        assert_int_equal(r->end, CAPTURE_FAILED);
        assert_non_null(strstr(r->error.text, "resolution"));
        free(r);
    }
}

static void interfaces_and_sections_have_their_own(void **state)
{
    (void)state;
    struct bytes b = {0};
    put_section(&b);
    put_interface(&b, 1, 0, -1, 0);
    put_interface(&b, 113, 0, 9, 0);
    put_enhanced(&b, 1, (uint64_t)T0_NS, 1, 60, 60);
    put_enhanced(&b, 0, (uint64_t)T0 * 1000000, 2, 60, 60);
    b.big_endian = true;
    put_section(&b);
    put_interface(&b, 12, 0, 3, 0);
    put_enhanced(&b, 0, (uint64_t)T0 * 1000, 3, 60, 60);
    struct read_back *r = read_and_free(&b);
    assert_int_equal(r->end, CAPTURE_END);
    assert_int_equal(r->count, 3);
    static const unsigned link_types[] = {113, 1, 101}, interfaces[] = {1, 0, 2};
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(r->item[i].packet.time_ns, T0_NS);
        assert_int_equal(r->item[i].packet.link_type, link_types[i]);
        assert_int_equal(r->item[i].packet.interface, interfaces[i]);
    }
    free(r);
}

/* The interface of a section before is unknown in the next. */
static void a_section_forgets_the_interfaces_before(void **state)
{
    (void)state;
    struct bytes b = {0};
    put_section(&b);
    put_interface(&b, 1, 0, -1, 0);
    put_enhanced(&b, 0, 1, 1, 60, 60);
    put_section(&b);
    put_enhanced(&b, 0, 1, 2, 60, 60);
    struct read_back *r = read_and_free(&b);
    assert_int_equal(r->count, 1);
    assert_int_equal(r->end, CAPTURE_FAILED);
    assert_non_null(strstr(r->error.text, "interface 0"));
    free(r);
}

static void reads_simple_and_obsolete_packets(void **state)
{
    (void)state;
    for (int big = 0; big < 2; big++) {
        struct bytes b = {.big_endian = big};
        put_section(&b);
        put_interface(&b, 1, 96, -1, 0);
        put_simple(&b, 1, 50, 50);
        put_obsolete(&b, 0, (uint64_t)T0 * 1000000, 2, 60, 70);
        put_simple(&b, 3, 96, 1000);
        struct read_back *r = read_and_free(&b);
        assert_int_equal(r->end, CAPTURE_END);
        assert_int_equal(r->count, 3);
        assert_int_equal(r->item[0].packet.time_ns, 0);
        assert_int_equal(r->item[0].packet.captured_len, 50);
        assert_int_equal(r->item[1].packet.time_ns, T0_NS);
        assert_int_equal(r->item[1].packet.captured_len, 60);
        assert_int_equal(r->item[1].packet.wire_len, 70);
        assert_int_equal(r->item[2].packet.time_ns, T0_NS);
        assert_int_equal(r->item[2].packet.captured_len, 96);
        assert_int_equal(r->item[2].packet.wire_len, 1000);
        for (size_t i = 0; i < 3; i++)
            assert_true(r->item[i].octets_follow);
        free(r);
    }
}

static void steps_over_other_blocks(void **state)
{
    (void)state;
    static const uint32_t types[] = {4, 5, 10, 0xbad, 0x40000bad, 0x80000001};
    struct bytes b = {0};
    put_section(&b);
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        size_t start = open_block(&b, types[i]);
        put_packet_octets(&b, 9, i * 7);
        close_block(&b, start);
    }
    put_interface(&b, 1, 0, -1, 0);
    size_t start = open_block(&b, 0xbad); /* larger than the window */
    put_packet_octets(&b, 9, 3 << 20);
    close_block(&b, start);
    put_enhanced(&b, 0, 1, 1, 60, 60);
    struct read_back *r = read_and_free(&b);
    assert_int_equal(r->end, CAPTURE_END);
    assert_int_equal(r->count, 1);
    assert_true(r->item[0].octets_follow);
    free(r);
}

static void a_section_alone_is_a_capture_without_packets(void **state)
{
    (void)state;
    struct bytes b = {0};
    put_section(&b);
    struct read_back *r = read_and_free(&b);
    assert_int_equal(r->end, CAPTURE_END);
    assert_int_equal(r->count, 0);
    free(r);
}

/* Each of these follows a good packet, which has to be given. */
static void corrupt_blocks_end_the_file(void **state)
{
    (void)state;
    enum {
        LENGTH_ODD,
        LENGTH_SMALL,
        LENGTH_HUGE,
        LENGTHS_DIFFER,
        INTERFACE,
        CAPTURED,
        HUGE,
        COUNT
    };
    static const char *const words[] = {"steps of 4",    "steps of 4",  "steps of 4",
                                        "two lengths",   "interface 5", "smaller block",
                                        "at most 262144"};
    for (int what = 0; what < COUNT; what++) {
        struct bytes b = {0};
        put_section(&b);
        put_interface(&b, 1, 0, -1, 0);
        put_enhanced(&b, 0, 1, 1, 60, 60);
        size_t at = b.len;
        put_enhanced(&b, 0, 2, 2, 60, 60);
        b.at[at + 4] ^= what == LENGTH_ODD ? 1 : 0;
        if (what == LENGTH_SMALL)
            b.at[at + 4] = 8;
        b.at[at + 7] = what == LENGTH_HUGE ? 0x40 : 0;
        b.at[b.len - 4] ^= what == LENGTHS_DIFFER ? 4 : 0;
        b.at[at + 8] = what == INTERFACE ? 5 : 0;
        if (what == CAPTURED)
            b.at[at + 21] = 1;
        if (what == HUGE)
            b.at[at + 23] = 1;
        struct read_back *r = read_and_free(&b);
        assert_int_equal(r->count, 1);
        assert_int_equal(r->end, CAPTURE_FAILED);
        assert_int_equal(r->error.exit_status, 1);
        char offset[64];
        snprintf(offset, sizeof offset, "corrupt at offset %zu:", at);
        assert_non_null(strstr(r->error.text, offset));
        assert_non_null(strstr(r->error.text, words[what]));
        free(r);
    }
}

static void bounds_the_interfaces_of_a_section(void **state)
{
    (void)state;
    struct bytes b = {0};
    put_section(&b);
    for (int i = 0; i < 4096; i++)
        put_interface(&b, 1, 0, -1, 0);
    put_enhanced(&b, 4095, 1, 1, 60, 60);
    put_interface(&b, 1, 0, -1, 0);
    struct read_back *r = read_and_free(&b);
    assert_int_equal(r->count, 1);
    assert_int_equal(r->item[0].packet.interface, 4095);
    assert_int_equal(r->end, CAPTURE_FAILED);
    assert_non_null(strstr(r->error.text, "more than 4096 interfaces"));
    free(r);
}

static void an_option_past_its_block_is_corrupt(void **state)
{
    (void)state;
    struct bytes b = {0};
    put_section(&b);
    size_t start = open_block(&b, 1);
    put_u32(&b, 1);
    put_u32(&b, 0);
    put_u16(&b, 2);
    put_u16(&b, 200); /* a name of 200 octets, of which 4 are there */
    put_u32(&b, 0);
    close_block(&b, start);
    struct read_back *r = read_and_free(&b);
    assert_int_equal(r->end, CAPTURE_FAILED);
    assert_non_null(strstr(r->error.text, "option"));
    free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_both_byte_orders),
        cmocka_unit_test(reads_every_resolution),
        cmocka_unit_test(adds_the_offset_of_the_stamps),
        cmocka_unit_test(stamps_out_of_range_are_corrupt),
        cmocka_unit_test(refuses_unknown_resolutions),
        cmocka_unit_test(interfaces_and_sections_have_their_own),
        cmocka_unit_test(a_section_forgets_the_interfaces_before),
        cmocka_unit_test(reads_simple_and_obsolete_packets),
        cmocka_unit_test(steps_over_other_blocks),
        cmocka_unit_test(a_section_alone_is_a_capture_without_packets),
        cmocka_unit_test(corrupt_blocks_end_the_file),
        cmocka_unit_test(bounds_the_interfaces_of_a_section),
        cmocka_unit_test(an_option_past_its_block_is_corrupt),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
