#include "capture_builder.h"

#include <sys/resource.h>
#include <sys/stat.h>

enum { FILES_MAX = 600 };

struct fixture {
    struct memory_file file[FILES_MAX];
    const char *path[FILES_MAX];
    size_t count;
};

static void add_file(struct fixture *f, struct bytes *b)
{
    f->file[f->count] = memory_file(b->at, b->len);
    f->path[f->count] = f->file[f->count].path;
    f->count++;
    free_bytes(b);
}

static struct read_back *read_files(struct fixture *f, const char *filter)
{
    struct read_back *r = calloc(1, sizeof *r);
    assert_non_null(r);
    struct capture *capture = open_paths(f->path, f->count, filter, &r->error);
    if (capture)
        read_rest(capture, r);
    else
        r->end = CAPTURE_FAILED;
    capture_close(capture);
    return r;
}

static void fini_fixture(struct fixture *f)
{
    for (size_t i = 0; i < f->count; i++)
        close(f->file[i].fd);
    free(f);
}

/* The file's packets at these seconds; the seed is `seed` for all, so a packet tells its file. */
static void add_pcap_at(struct fixture *f, unsigned seed, const uint32_t *seconds, size_t count)
{
    struct bytes b = {0};
    put_pcap_header(&b, 0xa1b2c3d4, 1);
    for (size_t i = 0; i < count; i++)
        put_pcap_packet(&b, seconds[i], 0, seed, 60, 60);
    add_file(f, &b);
}

static void assert_order(const struct read_back *r, const unsigned (*expected)[2], size_t count)
{
    assert_int_equal(r->count, count);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(r->item[i].packet.number, i + 1);
        assert_int_equal(r->item[i].packet.time_ns, expected[i][0] * INT64_C(1000000000));
        assert_int_equal(r->item[i].first_octet, packet_octet(expected[i][1], 0));
    }
}

static void merges_in_time_order(void **state)
{
    (void)state;
    struct fixture *f = calloc(1, sizeof *f);
    add_pcap_at(f, 1, (const uint32_t[]){10, 20, 30}, 3);
    add_pcap_at(f, 2, (const uint32_t[]){5, 20, 40}, 3);
    add_pcap_at(f, 3, (const uint32_t[]){20, 20, 50}, 3);
    struct read_back *r = read_files(f, NULL);
    static const unsigned expected[][2] = {
        {5, 2}, {10, 1}, {20, 1}, {20, 2}, {20, 3}, {20, 3}, {30, 1}, {40, 2}, {50, 3},
    };
    assert_order(r, expected, 9);
    assert_int_equal(r->end, CAPTURE_END);
    free(r);
    fini_fixture(f);
}

static void a_file_that_goes_backwards_keeps_its_order(void **state)
{
    (void)state;
    struct fixture *f = calloc(1, sizeof *f);
    add_pcap_at(f, 1, (const uint32_t[]){10, 30, 20, 40}, 4);
    add_pcap_at(f, 2, (const uint32_t[]){15, 25, 35}, 3);
    struct read_back *r = read_files(f, NULL);
    static const unsigned expected[][2] = {
        {10, 1}, {15, 2}, {25, 2}, {30, 1}, {20, 1}, {35, 2}, {40, 1},
    };
    assert_order(r, expected, 7);
    free(r);
    fini_fixture(f);
}

/* Formats and compression may differ; each interface keeps an index of its own. */
static void merges_different_formats(void **state)
{
    (void)state;
    struct fixture *f = calloc(1, sizeof *f);
    struct bytes b = {.big_endian = true}, packed = {0};
    put_section(&b);
    put_interface(&b, 1, 0, 6, 0);
    put_interface(&b, 113, 0, 9, 0);
    put_enhanced(&b, 1, 10000000000, 1, 60, 60);
    put_enhanced(&b, 0, 40000000, 2, 60, 60);
    put_gzip(&packed, b.at, b.len);
    free_bytes(&b);
    add_file(f, &packed);
    add_pcap_at(f, 3, (const uint32_t[]){20, 30}, 2);
    struct read_back *r = read_files(f, NULL);
    static const unsigned expected[][2] = {{10, 1}, {20, 3}, {30, 3}, {40, 2}};
    assert_order(r, expected, 4);
    assert_int_equal(r->item[0].packet.interface, 1);
    assert_int_equal(r->item[0].packet.link_type, 113);
    assert_int_equal(r->item[1].packet.interface, 2);
    assert_int_equal(r->item[3].packet.interface, 0);
    free(r);
    fini_fixture(f);
}

/* A thousand parts, as tcpdump -G makes them, need neither a thousand descriptors nor windows. */
static void opens_files_only_while_their_time_is(void **state)
{
    (void)state;
    struct fixture *f = calloc(1, sizeof *f);
    for (unsigned i = 0; i < FILES_MAX; i++) {
        unsigned k = FILES_MAX - 1 - i;
        add_pcap_at(f, k, (const uint32_t[]){k * 10, k * 10 + 5}, 2);
    }
    struct rlimit limit, saved;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &saved), 0);
    limit = saved;
    limit.rlim_cur = (rlim_t)f->file[FILES_MAX - 1].fd + 8;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    struct read_back *r = read_files(f, NULL);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &saved), 0);
    assert_int_equal(r->end, CAPTURE_END);
    assert_int_equal(r->count, 2 * FILES_MAX);
    for (size_t i = 0; i < r->count; i++) {
        assert_int_equal(r->item[i].packet.time_ns, (int64_t)i * 5 * 1000000000);
        assert_true(r->item[i].octets_follow);
    }
    free(r);
    fini_fixture(f);
}

static void the_others_are_read_before_a_failure_is_told(void **state)
{
    (void)state;
    struct fixture *f = calloc(1, sizeof *f);
    struct bytes cut = {0}, empty = {.at = malloc(1)};
    put_pcap_header(&cut, 0xa1b2c3d4, 1);
    put_pcap_packet(&cut, 15, 0, 9, 60, 60);
    put_pcap_packet(&cut, 16, 0, 9, 60, 60);
    cut.len -= 10;
    add_pcap_at(f, 1, (const uint32_t[]){10, 20, 30}, 3);
    add_file(f, &cut);
    add_file(f, &empty);
    struct read_back *r = read_files(f, NULL);
    static const unsigned expected[][2] = {{10, 1}, {15, 9}, {20, 1}, {30, 1}};
    assert_order(r, expected, 4);
    assert_int_equal(r->end, CAPTURE_FAILED);
    assert_int_equal(r->error.exit_status, 1);
    assert_non_null(strstr(r->error.text, f->path[2])); /* seen to be empty at the start */
    assert_non_null(strstr(r->error.text, "1 more of the files"));
    free(r);
    fini_fixture(f);
}

static struct capture_error open_error(const char *const *paths, size_t count, const char *filter)
{
    struct capture_error error = {0};
    assert_null(open_paths(paths, count, filter, &error));
    return error;
}

static void says_why_a_file_cannot_be_read(void **state)
{
    (void)state;
    struct capture_error e = open_error((const char *[]){"no/such/file.pcap"}, 1, NULL);
    assert_int_equal(e.exit_status, 2);
    assert_string_equal(e.text, "no/such/file.pcap: cannot be opened: No such file or directory");

    e = open_error((const char *[]){"/"}, 1, NULL);
    assert_int_equal(e.exit_status, 2);
    assert_non_null(strstr(e.text, "/: is a directory"));

    e = open_error((const char *[]){"-", "-"}, 2, NULL);
    assert_int_equal(e.exit_status, 2);

    e = open_error(NULL, 0, NULL);
    assert_int_equal(e.exit_status, 2);

    char long_path[5000];
    memset(long_path, 'x', sizeof long_path - 1);
    long_path[sizeof long_path - 1] = '\0';
    e = open_error((const char *[]){long_path}, 1, NULL);
    assert_int_equal(e.exit_status, 2);
    assert_non_null(strstr(e.text, "xx: cannot be opened: File name too long"));
}

static void says_what_is_no_capture(void **state)
{
    (void)state;
    struct read_back *r = read_bytes((const uint8_t *)"hello, world", 12, NULL);
    assert_int_equal(r->end, CAPTURE_FAILED);
    assert_int_equal(r->error.exit_status, 1);
    assert_non_null(strstr(r->error.text, "not a capture file (starts with 0x68656c6c); expected "
                                          "pcap or pcapng, plain or gzip"));
    free(r);
    struct bytes packed = {0};
    put_gzip(&packed, (const uint8_t *)"hello, world", 12);
    r = read_bytes(packed.at, packed.len, NULL);
    assert_int_equal(r->error.exit_status, 1);
    assert_non_null(strstr(r->error.text, "0x68656c6c"));
    free(r);
    r = read_bytes((const uint8_t *)"\x28\xb5\x2f\xfd....", 8, NULL);
    assert_non_null(strstr(r->error.text, "zstd -dc"));
    free(r);
    free_bytes(&packed);
}

static void no_bytes_are_an_error_and_no_packets_are_none(void **state)
{
    (void)state;
    struct read_back *r = read_bytes((const uint8_t *)"", 0, NULL);
    assert_int_equal(r->end, CAPTURE_FAILED);
    assert_int_equal(r->error.exit_status, 1);
    assert_non_null(strstr(r->error.text, "empty"));
    free(r);
    struct bytes b = {0};
    put_pcap_header(&b, 0xa1b2c3d4, 1);
    r = read_bytes(b.at, b.len, NULL);
    assert_int_equal(r->end, CAPTURE_END);
    assert_int_equal(r->count, 0);
    free(r);
    free_bytes(&b);
}

static void progress_grows_to_one(void **state)
{
    (void)state;
    struct fixture *f = calloc(1, sizeof *f);
    for (unsigned k = 0; k < 2; k++) {
        struct bytes b = {0};
        put_pcap_header(&b, 0xa1b2c3d4, 1);
        for (unsigned i = 0; i < 1000; i++)
            put_pcap_packet(&b, i, k, k, 1000, 1000);
        add_file(f, &b);
    }
    struct capture_error error;
    struct capture *capture = open_paths(f->path, f->count, NULL, &error);
    assert_non_null(capture);
    struct packet_batch batch;
    double last = capture_progress(capture);
    assert_true(last >= 0 && last < 0.3);
    unsigned steps = 0;
    while (capture_read(capture, &batch, 0) == CAPTURE_PACKETS) {
        double now = capture_progress(capture);
        assert_true(now >= last && now <= 1);
        steps += now > last;
        last = now;
    }
    assert_true(steps >= 4);
    assert_true(capture_progress(capture) == 1);
    capture_close(capture);
    fini_fixture(f);
}

static void stop_ends_the_reading(void **state)
{
    (void)state;
    struct fixture *f = calloc(1, sizeof *f);
    add_pcap_at(f, 1, (const uint32_t[]){10, 20, 30}, 3);
    struct capture_error error;
    struct capture *capture = open_paths(f->path, f->count, NULL, &error);
    assert_non_null(capture);
    capture_stop(capture);
    capture_stop(capture);
    struct packet_batch batch;
    assert_int_equal(capture_read(capture, &batch, 0), CAPTURE_END);
    assert_int_equal(batch.count, 0);
    capture_close(capture);
    capture_close(NULL);
    fini_fixture(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(merges_in_time_order),
        cmocka_unit_test(a_file_that_goes_backwards_keeps_its_order),
        cmocka_unit_test(merges_different_formats),
        cmocka_unit_test(opens_files_only_while_their_time_is),
        cmocka_unit_test(the_others_are_read_before_a_failure_is_told),
        cmocka_unit_test(says_why_a_file_cannot_be_read),
        cmocka_unit_test(says_what_is_no_capture),
        cmocka_unit_test(no_bytes_are_an_error_and_no_packets_are_none),
        cmocka_unit_test(progress_grows_to_one),
        cmocka_unit_test(stop_ends_the_reading),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
