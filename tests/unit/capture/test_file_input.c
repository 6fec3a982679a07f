/* Plain, gzip, pipes, and files cut at every octet. */
#include "capture_builder.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>

enum { PACKETS = 5 };

static void put_pcap(struct bytes *b, unsigned packets)
{
    put_pcap_header(b, 0xa1b2c3d4, 1);
    for (unsigned i = 0; i < packets; i++)
        put_pcap_packet(b, 1700000000 + i, 0, i, 60 + i, 60 + i);
}

static void put_pcapng(struct bytes *b, unsigned packets)
{
    put_section(b);
    put_interface(b, 1, 0, -1, 0);
    for (unsigned i = 0; i < packets; i++) {
        if (i % 2 == 0)
            put_enhanced(b, 0, 1700000000000000 + i, i, 60 + i, 60 + i);
        else
            put_simple(b, i, 60 + i, 60 + i);
    }
}

static void assert_packets(const struct read_back *r, size_t count)
{
    assert_int_equal(r->count, count);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(r->item[i].packet.number, i + 1);
        assert_int_equal(r->item[i].packet.captured_len, 60 + i);
        assert_int_equal(r->item[i].first_octet, packet_octet((unsigned)i, 0));
        assert_true(r->item[i].octets_follow);
    }
}

/* Where each packet's record ends. */
static size_t packets_before(const size_t *ends, size_t cut)
{
    size_t n = 0;
    while (n < PACKETS && ends[n] <= cut)
        n++;
    return n;
}

static void gives_every_packet_before_a_cut(void **state)
{
    (void)state;
    for (int format = 0; format < 2; format++) {
        void (*const build)(struct bytes *, unsigned) = format ? put_pcapng : put_pcap;
        struct bytes whole = {0};
        size_t ends[PACKETS], head;
        build(&whole, 0);
        head = whole.len;
        free_bytes(&whole);
        for (unsigned i = 0; i < PACKETS; i++) {
            build(&whole, i + 1);
            ends[i] = whole.len;
            if (i + 1 < PACKETS)
                free_bytes(&whole);
        }
        for (size_t cut = 0; cut < whole.len; cut++) {
            struct read_back *r = read_bytes(whole.at, cut, NULL);
            size_t expected = packets_before(ends, cut);
            assert_packets(r, expected);
            bool clean = cut == head || (expected > 0 && cut == ends[expected - 1]) ||
                         (format && cut == 28); /* a section without an interface */
            assert_int_equal(r->end, clean ? CAPTURE_END : CAPTURE_FAILED);
            if (!clean) {
                char offset[64];
                snprintf(offset, sizeof offset, "cut off at offset %zu,", cut);
                assert_int_equal(r->error.exit_status, 1);
                assert_non_null(strstr(r->error.text, cut == 0 ? "empty" : offset));
            }
            free(r);
        }
        free_bytes(&whole);
    }
}

static void reads_gzip_of_one_and_of_many_members(void **state)
{
    (void)state;
    for (size_t members = 1; members <= 4; members++) {
        struct bytes plain = {0}, packed = {0};
        put_pcap(&plain, PACKETS);
        size_t part = plain.len / members;
        for (size_t i = 0; i < members; i++)
            put_gzip(&packed, plain.at + i * part, i + 1 == members ? plain.len - i * part : part);
        if (members == 4)
            put_uint(&packed, 0, 8); /* padding, which gzip ignores too */
        struct read_back *r = read_bytes(packed.at, packed.len, NULL);
        assert_packets(r, PACKETS);
        assert_int_equal(r->end, CAPTURE_END);
        free(r);
        free_bytes(&plain);
        free_bytes(&packed);
    }
}

static void cut_gzip_gives_what_can_be_inflated(void **state)
{
    (void)state;
    struct bytes plain = {0}, packed = {0};
    put_pcap(&plain, PACKETS);
    put_gzip(&packed, plain.at, plain.len / 2);
    size_t first_member = packed.len;
    put_gzip(&packed, plain.at + plain.len / 2, plain.len - plain.len / 2);
    size_t most = 0;
    for (size_t cut = 1; cut < packed.len; cut++) {
        struct read_back *r = read_bytes(packed.at, cut, NULL);
        assert_true(r->count >= most); /* more octets never give less */
        most = r->count;
        assert_packets(r, r->count);
        assert_int_equal(r->end, CAPTURE_FAILED);
        assert_int_equal(r->error.exit_status, 1);
        if (cut > 2 && cut != first_member)
            assert_non_null(strstr(r->error.text, "gzip data is cut off"));
        free(r);
    }
    assert_int_equal(most, PACKETS);
    free_bytes(&plain);
    free_bytes(&packed);
}

static void corrupt_gzip_is_told(void **state)
{
    (void)state;
    struct bytes plain = {0}, packed = {0};
    put_pcap(&plain, PACKETS);
    put_gzip(&packed, plain.at, plain.len);
    packed.at[packed.len - 6] ^= 1; /* its check sum */
    struct read_back *r = read_bytes(packed.at, packed.len, NULL);
    assert_packets(r, PACKETS);
    assert_int_equal(r->end, CAPTURE_FAILED);
    assert_int_equal(r->error.exit_status, 1);
    assert_non_null(strstr(r->error.text, "corrupt gzip data"));
    free(r);
    packed.at[packed.len - 6] ^= 1;
    put(&packed, "garbage", 7);
    r = read_bytes(packed.at, packed.len, NULL);
    assert_packets(r, PACKETS);
    assert_int_equal(r->end, CAPTURE_FAILED);
    free(r);
    free_bytes(&plain);
    free_bytes(&packed);
}

static void gzip_of_nothing_is_empty(void **state)
{
    (void)state;
    struct bytes packed = {0};
    put_gzip(&packed, (const uint8_t *)"", 0);
    struct read_back *r = read_bytes(packed.at, packed.len, NULL);
    assert_int_equal(r->end, CAPTURE_FAILED);
    assert_int_equal(r->error.exit_status, 1);
    assert_non_null(strstr(r->error.text, "empty"));
    free(r);
    free_bytes(&packed);
}

/* More than several windows, so that records lie across every kind of boundary. */
static void reads_files_larger_than_its_window(void **state)
{
    (void)state;
    for (int format = 0; format < 3; format++) {
        struct bytes b = {0};
        put_pcap_header(&b, 0xa1b2c3d4, 1);
        for (unsigned i = 0; i < 1500; i++)
            put_pcap_packet(&b, 1700000000, i, i, 700 + i % 800, 1500);
        if (format > 0) {
            struct bytes packed = {0};
            put_gzip(&packed, b.at, b.len);
            free_bytes(&b);
            b = packed;
        }
        struct read_back *r = read_bytes(b.at, b.len, NULL);
        assert_int_equal(r->end, CAPTURE_END);
        assert_int_equal(r->count, 1500);
        for (size_t i = 0; i < r->count; i++) {
            assert_int_equal(r->item[i].packet.number, i + 1);
            assert_int_equal(r->item[i].packet.captured_len, 700 + i % 800);
            assert_int_equal(r->item[i].first_octet, packet_octet((unsigned)i, 0));
            assert_true(r->item[i].octets_follow);
        }
        free(r);
        free_bytes(&b);
    }
}

/* Octets of a batch do not change until the next read. */
static void octets_stay_as_long_as_the_batch(void **state)
{
    (void)state;
    struct bytes b = {0};
    put_pcap_header(&b, 0xa1b2c3d4, 1);
    for (unsigned i = 0; i < 900; i++)
        put_pcap_packet(&b, 1700000000, i, i, 3000, 3000);
    struct memory_file file = memory_file(b.at, b.len);
    const char *paths[] = {file.path, file.path};
    for (size_t path_count = 1; path_count <= 2; path_count++) {
        struct capture_error error;
        struct capture *capture = open_paths(paths, path_count, NULL, &error);
        assert_non_null(capture);
        struct packet_batch batch;
        uint64_t seen = 0;
        while (capture_read(capture, &batch, 0) == CAPTURE_PACKETS)
            for (unsigned i = 0; i < batch.count; i++, seen++) {
                unsigned seed = (unsigned)(seen / path_count);
                assert_int_equal(batch.packet[i].bytes[0], packet_octet(seed, 0));
                assert_int_equal(batch.packet[i].bytes[2999], packet_octet(seed, 2999));
            }
        assert_int_equal(seen, 900 * path_count);
        capture_close(capture);
    }
    close(file.fd);
    free_bytes(&b);
}

struct feed {
    int fd;
    const struct bytes *bytes;
    size_t step;
};

static void *feed_pipe(void *arg)
{
    const struct feed *feed = arg;
    for (size_t at = 0; at < feed->bytes->len; at += feed->step) {
        size_t len = feed->bytes->len - at < feed->step ? feed->bytes->len - at : feed->step;
        if (write(feed->fd, feed->bytes->at + at, len) != (ssize_t)len)
            break;
        usleep(200);
    }
    close(feed->fd);
    return NULL;
}

static void reads_standard_input(void **state)
{
    (void)state;
    int saved = dup(STDIN_FILENO);
    for (int format = 0; format < 4; format++) {
        struct bytes plain = {0}, packed = {0};
        if (format % 2 == 0)
            put_pcap(&plain, PACKETS);
        else
            put_pcapng(&plain, PACKETS);
        put_gzip(&packed, plain.at, plain.len);
        int fds[2];
        assert_int_equal(pipe(fds), 0);
        assert_int_equal(dup2(fds[0], STDIN_FILENO), STDIN_FILENO);
        close(fds[0]);
        /* Odd pieces, so that headers come in parts. */
        struct feed feed = {fds[1], format < 2 ? &plain : &packed, 7};
        pthread_t thread;
        assert_int_equal(pthread_create(&thread, NULL, feed_pipe, &feed), 0);
        const char *path = "-";
        struct capture_error error;
        struct capture *capture = open_paths(&path, 1, NULL, &error);
        assert_non_null(capture);
        assert_true(capture_progress(capture) < 0);
        struct read_back *r = calloc(1, sizeof *r);
        read_rest(capture, r);
        assert_packets(r, PACKETS);
        assert_int_equal(r->end, CAPTURE_END);
        capture_close(capture);
        pthread_join(thread, NULL);
        free(r);
        free_bytes(&plain);
        free_bytes(&packed);
    }
    assert_int_equal(dup2(saved, STDIN_FILENO), STDIN_FILENO);
    close(saved);
}

static void *stop_soon(void *arg)
{
    usleep(50000);
    capture_stop(arg);
    return NULL;
}

/* A pipe that stays open and silent: packets that came are given, and capture_stop ends the wait.
 */
static void a_silent_pipe_can_be_stopped(void **state)
{
    (void)state;
    struct bytes b = {0};
    put_pcap(&b, PACKETS);
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    assert_int_equal(write(fds[1], b.at, b.len), (ssize_t)b.len);
    char path[32];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fds[0]);
    const char *paths[] = {path};
    struct capture_error error;
    struct capture *capture = open_paths(paths, 1, NULL, &error);
    assert_non_null(capture);
    struct packet_batch batch;
    assert_int_equal(capture_read(capture, &batch, 0), CAPTURE_PACKETS);
    assert_int_equal(batch.count, PACKETS);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, stop_soon, capture), 0);
    assert_int_equal(capture_read(capture, &batch, 0), CAPTURE_END);
    pthread_join(thread, NULL);
    capture_close(capture);
    close(fds[0]);
    close(fds[1]);
    free_bytes(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_every_packet_before_a_cut),
        cmocka_unit_test(reads_gzip_of_one_and_of_many_members),
        cmocka_unit_test(cut_gzip_gives_what_can_be_inflated),
        cmocka_unit_test(corrupt_gzip_is_told),
        cmocka_unit_test(gzip_of_nothing_is_empty),
        cmocka_unit_test(reads_files_larger_than_its_window),
        cmocka_unit_test(octets_stay_as_long_as_the_batch),
        cmocka_unit_test(reads_standard_input),
        cmocka_unit_test(a_silent_pipe_can_be_stopped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
