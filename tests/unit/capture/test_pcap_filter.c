#include "capture_builder.h"

#include "capture/pcap_filter.h"

/* An IPv4/UDP packet from 192.0.2.1 to 198.51.100.1, behind `tags` VLAN tags or on raw IP (tags <
 * 0). */
static void put_udp(struct bytes *b, int tags, unsigned port, unsigned fragment)
{
    struct bytes p = {.big_endian = true};
    if (tags >= 0) {
        put(&p, "\x02\0\0\0\0\x01\x02\0\0\0\0\x02", 12);
        for (int i = 0; i < tags; i++) {
            put_u16(&p, 0x8100);
            put_u16(&p, 100 + (unsigned)i);
        }
        put_u16(&p, 0x0800);
    }
    put(&p, "\x45\0\0\x24\0\x01", 6);
    put_u16(&p, fragment);
    put(&p, "\x40\x11\0\0\xc0\0\x02\x01\xc6\x33\x64\x01", 12);
    put_u16(&p, port);
    put_u16(&p, port);
    put_u32(&p, 16u << 16);
    put(&p, "payload.", 8);
    put_u32(b, 1700000000);
    put_u32(b, 0);
    put_u32(b, p.len);
    put_u32(b, p.len);
    put(b, p.at, p.len);
    free_bytes(&p);
}

/* Which of: plain, tagged, tagged twice, a later fragment, another port: one bit each. */
static unsigned matches_of(const char *filter)
{
    struct bytes b = {0};
    put_pcap_header(&b, 0xa1b2c3d4, 1);
    put_udp(&b, 0, 5060, 0);
    put_udp(&b, 1, 5060, 0);
    put_udp(&b, 2, 5060, 0);
    put_udp(&b, 0, 5060, 100);
    put_udp(&b, 0, 5070, 0);
    struct read_back *r = read_bytes(b.at, b.len, filter);
    assert_int_equal(r->end, CAPTURE_END);
    assert_int_equal(r->stats.packets + r->stats.filtered, 5);
    assert_int_equal(r->stats.packets, r->count);
    unsigned matches = 0;
    for (size_t i = 0; i < r->count; i++)
        matches |= 1u << (r->item[i].packet.number - 1); /* numbers count what is left out too */
    free(r);
    free_bytes(&b);
    return matches;
}

static void leaves_out_what_does_not_match(void **state)
{
    (void)state;
    assert_int_equal(matches_of(NULL), 0x1f);
    assert_int_equal(matches_of(""), 0x1f);
    assert_int_equal(matches_of("udp port 5060"), 0x01);
    assert_int_equal(matches_of("udp port 5060 or (vlan and udp port 5060)"), 0x03);
    assert_int_equal(matches_of("ip6"), 0);
}

static const char *caveat_of(const char *expression, bool live)
{
    static char text[PCAP_FILTER_CAVEAT_MAX];
    return pcap_filter_caveat(expression, live, text) ? text : NULL;
}

/* What the caveat tells people to write is what catches everything. */
static void the_advice_of_the_caveat_holds(void **state)
{
    (void)state;
    const char *from = strstr(caveat_of("udp port 5060", false), "what does: '");
    assert_non_null(from);
    char advised[400];
    snprintf(advised, sizeof advised, "%s", from + strlen("what does: '"));
    *strstr(advised, "'.") = 0;
    assert_int_equal(matches_of(advised), 0x0f);
    assert_int_equal(matches_of("ip[6:2] & 0x1fff != 0 or udp port 5060 or (vlan and port 5060)"),
                     0x0b);
}

static void warns_of_what_a_filter_hides(void **state)
{
    (void)state;
    assert_non_null(strstr(caveat_of("udp", false), "does not match VLAN-tagged packets;"));
    assert_non_null(strstr(caveat_of("udp", true), "two VLAN tags"));
    assert_null(strstr(caveat_of("host viewport.example.com", false), "fragments"));
    assert_null(caveat_of("udp or (vlan and udp)", false));
    assert_non_null(caveat_of("portrange 5060-5090", false));
    assert_non_null(strstr(caveat_of("port 5060", true), "two VLAN tags"));
    const char *tagged = caveat_of("port 5060 or (vlan and port 5060)", false);
    assert_non_null(tagged);
    assert_null(strstr(tagged, "VLAN"));
    char longest[2000];
    memset(longest, ' ', sizeof longest - 1);
    memcpy(longest, "port 5060", 9);
    longest[sizeof longest - 1] = 0;
    assert_non_null(strstr(caveat_of(longest, false), "(vlan and (YOUR FILTER or"));

    struct bytes b = {0};
    put_pcap_header(&b, 0xa1b2c3d4, 1);
    struct memory_file file = memory_file(b.at, b.len);
    const char *path = file.path;
    struct capture_error error;
    struct capture *capture = open_paths(&path, 1, "port 5060", &error);
    assert_non_null(capture);
    const char *notice = capture_notice(capture);
    assert_non_null(notice);
    assert_string_equal(notice, caveat_of("port 5060", false));
    assert_null(capture_notice(capture));
    capture_close(capture);
    close(file.fd);
    free_bytes(&b);
}

static void fits_each_link_type(void **state)
{
    (void)state;
    struct bytes b = {0};
    put_pcap_header(&b, 0xa1b2c3d4, 12);
    put_udp(&b, -1, 5060, 0);
    put_udp(&b, -1, 5070, 0);
    struct read_back *r = read_bytes(b.at, b.len, "udp port 5070");
    assert_int_equal(r->end, CAPTURE_END);
    assert_int_equal(r->count, 1);
    assert_int_equal(r->item[0].packet.number, 2);
    free(r);
    free_bytes(&b);
}

static void a_filter_that_is_wrong_is_told_before_reading(void **state)
{
    (void)state;
    for (int packets = 0; packets < 2; packets++) {
        struct bytes b = {0};
        put_pcap_header(&b, 0xa1b2c3d4, 1);
        if (packets)
            put_udp(&b, 0, 5060, 0);
        struct read_back *r = read_bytes(b.at, b.len, "udp prot 5060");
        assert_int_equal(r->end, CAPTURE_FAILED);
        assert_int_equal(r->error.exit_status, 2);
        assert_non_null(strstr(r->error.text, "filter 'udp prot 5060': "));
        assert_non_null(strstr(r->error.text, "syntax error"));
        free(r);
        free_bytes(&b);
    }
}

/* A link type that comes later and cannot be filtered ends that file, after what was before it. */
static void a_link_type_that_cannot_be_filtered_ends_its_file(void **state)
{
    (void)state;
    struct bytes b = {0};
    put_section(&b);
    put_interface(&b, 1, 0, -1, 0);
    put_interface(&b, 147, 0, -1, 0);
    put_enhanced(&b, 0, 1, 1, 60, 60);
    put_enhanced(&b, 1, 2, 2, 60, 60);
    put_enhanced(&b, 0, 3, 3, 60, 60);
    struct read_back *r = read_bytes(b.at, b.len, "greater 1 and not host 192.0.2.77");
    assert_int_equal(r->count, 1);
    assert_int_equal(r->end, CAPTURE_FAILED);
    assert_int_equal(r->error.exit_status, 2);
    assert_non_null(strstr(r->error.text, "link type 147"));
    free(r);
    free_bytes(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(leaves_out_what_does_not_match),
        cmocka_unit_test(the_advice_of_the_caveat_holds),
        cmocka_unit_test(warns_of_what_a_filter_hides),
        cmocka_unit_test(fits_each_link_type),
        cmocka_unit_test(a_filter_that_is_wrong_is_told_before_reading),
        cmocka_unit_test(a_link_type_that_cannot_be_filtered_ends_its_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
