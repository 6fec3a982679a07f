/*
 * Live capture, in a network namespace of the test's own, on devices that it makes (TAP) and takes
 * away. Where a namespace or a TAP device is not to be had, the tests that need one are skipped.
 */
#include "capture_builder.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <pthread.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>

#include "capture/capture_backend.h"
#include "hep/hep_message.h"

static bool isolated;

static int make_namespace(void **state)
{
    (void)state;
    isolated = unshare(CLONE_NEWNET) == 0 || unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0;
    return 0;
}

static int set_up(const char *name, bool up)
{
    struct ifreq request = {0};
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    snprintf(request.ifr_name, sizeof request.ifr_name, "%s", name);
    request.ifr_flags = up ? IFF_UP : 0;
    int rc = ioctl(fd, SIOCSIFFLAGS, &request);
    close(fd);
    return rc;
}

/* The device lives as long as the descriptor; what is written to it, the device receives. */
static int make_tap(const char *name)
{
    struct ifreq request = {0};
    if (!isolated)
        skip();
    int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
    if (fd < 0)
        skip();
    snprintf(request.ifr_name, sizeof request.ifr_name, "%s", name);
    request.ifr_flags = IFF_TAP | IFF_NO_PI;
    if (ioctl(fd, TUNSETIFF, &request) != 0)
        skip();
    assert_int_equal(set_up(name, true), 0);
    return fd;
}

/* Of a type that nothing answers to, so that it can be told from what the kernel sends by itself.
 */
static void send_frame(int tap, unsigned seed, size_t len)
{
    struct bytes b = {0};
    put(&b, "\x02\0\0\0\0\x01\x02\0\0\0\0\x02\x88\xb5", 14);
    put_packet_octets(&b, seed, len - 14);
    assert_int_equal(write(tap, b.at, len), (ssize_t)len);
    free_bytes(&b);
}

static bool is_ours(const struct packet *p)
{
    return p->captured_len > 14 && p->bytes[12] == 0x88 && p->bytes[13] == 0xb5;
}

static struct capture *open_devices(const char *const *devices, size_t count, const char *filter,
                                    uint32_t snap_len, struct capture_error *error)
{
    struct capture_live_params params = {
        .devices = devices,
        .device_count = count,
        .filter = filter,
        .buffer_bytes = 2 << 20,
        .snap_len = snap_len,
        .promiscuous = true,
    };
    return capture_open_live(&params, error);
}

static int64_t now_ns(clockid_t clock)
{
    struct timespec ts;
    clock_gettime(clock, &ts);
    return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

/* Reads until `count` packets of ours have come, for at most 3 s. Keeps the last of each seed's
 * order. */
static unsigned read_ours(struct capture *capture, unsigned count, struct read_packet *out)
{
    struct packet_batch batch;
    unsigned got = 0;
    int64_t end = now_ns(CLOCK_MONOTONIC) + 3000000000;
    while (got < count && now_ns(CLOCK_MONOTONIC) < end) {
        enum capture_status status = capture_read(capture, &batch, 50);
        assert_true(status == CAPTURE_PACKETS || status == CAPTURE_IDLE);
        for (unsigned i = 0; i < batch.count && got < count; i++) {
            const struct packet *p = &batch.packet[i];
            if (!is_ours(p))
                continue;
            struct read_packet *r = &out[got++];
            r->packet = *p;
            r->first_octet = p->bytes[14];
            r->octets_follow = true;
            for (size_t k = 14; k < p->captured_len; k++)
                if (p->bytes[k] != (uint8_t)(r->first_octet + k - 14))
                    r->octets_follow = false;
        }
    }
    return got;
}

/* Until a notice holds `words`, for at most 5 s. */
static bool wait_notice(struct capture *capture, const char *words)
{
    struct packet_batch batch;
    int64_t end = now_ns(CLOCK_MONOTONIC) + 5000000000;
    while (now_ns(CLOCK_MONOTONIC) < end) {
        for (const char *notice; (notice = capture_notice(capture)) != NULL;)
            if (strstr(notice, words))
                return true;
        enum capture_status status = capture_read(capture, &batch, 50);
        assert_true(status == CAPTURE_PACKETS || status == CAPTURE_IDLE);
    }
    return false;
}

static void gives_every_packet(void **state)
{
    (void)state;
    enum { COUNT = 300 };
    int tap = make_tap("tap0");
    const char *device = "tap0";
    struct capture_error error;
    struct capture *capture = open_devices(&device, 1, NULL, 2048, &error);
    assert_non_null(capture);
    int64_t before = now_ns(CLOCK_REALTIME);
    for (unsigned i = 0; i < COUNT; i++)
        send_frame(tap, i, 60 + i);
    struct read_packet *r = calloc(COUNT, sizeof *r);
    assert_int_equal(read_ours(capture, COUNT, r), COUNT);
    int64_t last = before - 1000000000; /* the kernel's clock may be coarser */
    uint64_t number = 0;
    for (unsigned i = 0; i < COUNT; i++) {
        assert_int_equal(r[i].packet.captured_len, 60 + i);
        assert_int_equal(r[i].packet.wire_len, 60 + i);
        assert_int_equal(r[i].first_octet, packet_octet(i, 0));
        assert_true(r[i].octets_follow);
        assert_int_equal(r[i].packet.link_type, 1);
        assert_true(r[i].packet.time_ns >= last);
        assert_true(r[i].packet.number > number);
        last = r[i].packet.time_ns;
        number = r[i].packet.number;
    }
    assert_true(last <= now_ns(CLOCK_REALTIME));
    struct capture_stats stats;
    capture_stats(capture, &stats);
    assert_true(stats.packets >= COUNT);
    assert_int_equal(stats.dropped_kernel, 0);
    assert_int_equal(stats.truncated, 0);
    assert_true(capture_progress(capture) < 0);
    free(r);
    capture_close(capture);
    close(tap);
}

static void cuts_at_the_snap_length(void **state)
{
    (void)state;
    int tap = make_tap("tap0");
    const char *device = "tap0";
    struct capture_error error;
    struct capture *capture = open_devices(&device, 1, "ether proto 0x88b5", 96, &error);
    assert_non_null(capture);
    send_frame(tap, 1, 900);
    struct read_packet r[1];
    assert_int_equal(read_ours(capture, 1, r), 1);
    assert_int_equal(r[0].packet.captured_len, 96);
    assert_int_equal(r[0].packet.wire_len, 900);
    struct capture_stats stats;
    capture_stats(capture, &stats);
    assert_int_equal(stats.truncated, 1);
    capture_close(capture);
    close(tap);
}

/* What the reader does not take in time is counted, not lost in silence. */
static void counts_what_the_ring_could_not_hold(void **state)
{
    (void)state;
    enum { COUNT = 6000 };
    int tap = make_tap("tap0");
    const char *device = "tap0";
    struct capture_error error;
    struct capture *capture = open_devices(&device, 1, "ether proto 0x88b5", 2048, &error);
    assert_non_null(capture);
    for (unsigned i = 0; i < COUNT; i++)
        send_frame(tap, i, 1400);
    struct read_packet *r = calloc(COUNT, sizeof *r);
    unsigned got = read_ours(capture, COUNT, r);
    struct capture_stats stats;
    capture_stats(capture, &stats);
    assert_true(stats.dropped_kernel > 0);
    assert_int_equal(got + stats.dropped_kernel, COUNT);
    capture_stats(capture, &stats); /* asking again adds nothing */
    assert_int_equal(got + stats.dropped_kernel, COUNT);
    free(r);
    capture_close(capture);
    close(tap);
}

static void reads_several_devices_in_time_order(void **state)
{
    (void)state;
    enum { COUNT = 40 };
    int tap[2] = {make_tap("tap0"), make_tap("tap1")};
    const char *devices[] = {"tap0", "tap1"};
    struct capture_error error;
    struct capture *capture = open_devices(devices, 2, "ether proto 0x88b5", 2048, &error);
    assert_non_null(capture);
    for (unsigned i = 0; i < COUNT; i++)
        send_frame(tap[i % 2], i, 100);
    usleep(100000); /* so that both rings have all of theirs */
    struct read_packet *r = calloc(COUNT, sizeof *r);
    assert_int_equal(read_ours(capture, COUNT, r), COUNT);
    for (unsigned i = 0; i < COUNT; i++) {
        assert_int_equal(r[i].first_octet, packet_octet(i, 0));
        assert_int_equal(r[i].packet.interface, i % 2);
        assert_int_equal(r[i].packet.number, i + 1);
    }
    free(r);
    capture_close(capture);
    close(tap[0]);
    close(tap[1]);
}

static void survives_a_device_that_goes_down(void **state)
{
    (void)state;
    int tap = make_tap("tap0"), other = make_tap("tap1");
    const char *devices[] = {"tap0", "tap1"};
    struct capture_error error;
    struct capture *capture = open_devices(devices, 2, "ether proto 0x88b5", 2048, &error);
    assert_non_null(capture);
    struct read_packet r[1];
    send_frame(tap, 1, 100);
    assert_int_equal(read_ours(capture, 1, r), 1);
    assert_int_equal(set_up("tap0", false), 0);
    assert_true(wait_notice(capture, "tap0: went down, waiting for it"));
    send_frame(other, 2, 100);
    assert_int_equal(read_ours(capture, 1, r), 1);
    assert_int_equal(r[0].packet.interface, 1);
    assert_int_equal(set_up("tap0", true), 0);
    assert_true(wait_notice(capture, "tap0: is back after"));
    send_frame(tap, 3, 100);
    assert_int_equal(read_ours(capture, 1, r), 1);
    assert_int_equal(r[0].packet.interface, 0);
    capture_close(capture);
    close(tap);
    close(other);
}

static void reopens_a_device_that_was_replaced(void **state)
{
    (void)state;
    int tap = make_tap("tap0");
    const char *device = "tap0";
    struct capture_error error;
    struct capture *capture = open_devices(&device, 1, "ether proto 0x88b5", 2048, &error);
    assert_non_null(capture);
    close(tap);
    assert_true(wait_notice(capture, "tap0: disappeared, waiting for it"));

    /* Waiting costs next to nothing. */
    struct packet_batch batch;
    int64_t cpu = now_ns(CLOCK_PROCESS_CPUTIME_ID), wall = now_ns(CLOCK_MONOTONIC);
    unsigned reads = 0;
    while (now_ns(CLOCK_MONOTONIC) - wall < 1500000000) {
        assert_int_equal(capture_read(capture, &batch, 100), CAPTURE_IDLE);
        reads++;
    }
    assert_true(reads < 40);
    assert_true(now_ns(CLOCK_PROCESS_CPUTIME_ID) - cpu < 100000000);

    tap = make_tap("tap0");
    assert_true(wait_notice(capture, "tap0: is back after"));
    struct read_packet r[1];
    send_frame(tap, 1, 100);
    assert_int_equal(read_ours(capture, 1, r), 1);
    capture_close(capture);
    close(tap);
}

static void *stop_soon(void *arg)
{
    usleep(50000);
    capture_stop(arg);
    return NULL;
}

static void stop_ends_the_wait(void **state)
{
    (void)state;
    int tap = make_tap("tap0");
    const char *device = "tap0";
    struct capture_error error;
    struct capture *capture = open_devices(&device, 1, "ether proto 0x88b5", 2048, &error);
    assert_non_null(capture);
    struct packet_batch batch;
    assert_int_equal(capture_read(capture, &batch, 10), CAPTURE_IDLE);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, stop_soon, capture), 0);
    int64_t start = now_ns(CLOCK_MONOTONIC);
    enum capture_status status;
    while ((status = capture_read(capture, &batch, 10000)) == CAPTURE_IDLE)
        ; /* it looks at its devices once a second */
    assert_int_equal(status, CAPTURE_END);
    assert_true(now_ns(CLOCK_MONOTONIC) - start < 3000000000);
    pthread_join(thread, NULL);
    capture_close(capture);
    close(tap);
}

static void says_what_is_wrong(void **state)
{
    (void)state;
    struct capture_error error;
    int tap = make_tap("tap0");
    const char *missing = "nosuchdev0", *device = "tap0";
    assert_null(open_devices(&missing, 1, NULL, 2048, &error));
    assert_int_equal(error.exit_status, 3);
    assert_non_null(strstr(error.text, "nosuchdev0: no such device; there are: "));
    assert_non_null(strstr(error.text, "tap0"));

    assert_null(open_devices(&device, 1, "udp prot 5060", 2048, &error));
    assert_int_equal(error.exit_status, 2);
    assert_non_null(strstr(error.text, "syntax error"));

    const char *twice[] = {"tap0", "tap0"};
    assert_null(open_devices(twice, 2, NULL, 2048, &error));
    assert_int_equal(error.exit_status, 2);
    assert_null(open_devices(NULL, 0, NULL, 2048, &error));
    assert_int_equal(error.exit_status, 2);

    assert_int_equal(set_up("tap0", false), 0);
    assert_null(open_devices(&device, 1, NULL, 2048, &error));
    assert_int_equal(error.exit_status, 3);
    assert_non_null(strstr(error.text, "tap0: is not up; ip link set tap0 up"));
    close(tap);
}

static void without_permission_it_says_what_to_give(void **state)
{
    (void)state;
    if (!isolated || geteuid() != 0)
        skip();
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct capture_error error = {0};
        const char *device = "lo";
        if (setresuid(65534, 65534, 65534) != 0)
            _exit(99);
        struct capture *capture = open_devices(&device, 1, NULL, 2048, &error);
        _exit(!capture && error.exit_status == 3 && strstr(error.text, "setcap cap_net_raw+ep /")
                  ? 0
                  : 1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 99)
        skip();
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void lists_whole_names(void **state)
{
    (void)state;
    if (!isolated)
        skip();
    char all[512], some[6];
    capture_list_devices(all, sizeof all);
    assert_non_null(strstr(all, "lo"));
    capture_list_devices(some, sizeof some);
    assert_true(strlen(some) < sizeof some);
    assert_true(strncmp(all, some, strlen(some)) == 0);
    assert_true(all[strlen(some)] == ',' || all[strlen(some)] == '\0' || some[0] == '\0');
}

static void send_hep(int fd, unsigned number)
{
    uint8_t octets[1024];
    char text[20];
    struct hep_message message = {
        .src = {ip_from_v4((const uint8_t[4]){192, 0, 2, 1}), 5060},
        .dst = {ip_from_v4((const uint8_t[4]){198, 51, 100, 2}), 5060},
        .payload_type = HEP_PAYLOAD_SIP,
        .time_ns = 1000000000,
        .payload = {text, (size_t)snprintf(text, sizeof text, "OPTIONS %u", number)},
    };
    size_t len = hep_write(&message, octets, sizeof octets);
    assert_int_equal(send(fd, octets, len, 0), (ssize_t)len);
}

/*
 * A ring hands its packets over late, a socket at once. No packet of a device comes behind the time
 * of a HEP message; these may come behind the time of packets, by little.
 */
static void lets_no_device_fall_behind_hep(void **state)
{
    (void)state;
    enum { COUNT = 100 };
    int tap = make_tap("tap0");
    assert_int_equal(set_up("lo", true), 0);
    static const char *const device = "tap0", *const address = "127.0.0.1:9060";
    struct capture_error error;
    struct capture_live_params params = {
        .devices = &device,
        .device_count = 1,
        .hep = &address,
        .hep_count = 1,
        .buffer_bytes = 2 << 20,
        .snap_len = 2048,
    };
    struct capture *capture = capture_open_live(&params, &error);
    assert_non_null(capture);
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(9060)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    struct packet_batch batch;
    int64_t latest_ns = 0, end_ns = now_ns(CLOCK_MONOTONIC) + 10000000000;
    unsigned sent = 0, of_device = 0, of_hep = 0;
    while ((of_device < COUNT || of_hep < COUNT) && now_ns(CLOCK_MONOTONIC) < end_ns) {
        if (sent < COUNT) {
            send_frame(tap, sent, 100);
            send_hep(fd, sent++);
        }
        enum capture_status status = capture_read(capture, &batch, 3);
        assert_true(status == CAPTURE_PACKETS || status == CAPTURE_IDLE);
        for (unsigned i = 0; i < batch.count; i++) {
            const struct packet *p = &batch.packet[i];
            bool is_hep = p->link_type == LINK_TYPE_HEP;
            assert_int_equal(p->interface, is_hep ? 1 : 0);
            of_hep += is_hep;
            of_device += !is_hep && is_ours(p);
            int64_t behind_ns = latest_ns - p->time_ns;
            if (behind_ns > (is_hep ? 500000000 : 0))
                fail_msg("%s is %lld ns behind", is_hep ? "HEP" : "a frame", (long long)behind_ns);
            latest_ns = behind_ns > 0 ? latest_ns : p->time_ns;
        }
    }
    assert_int_equal(of_device, COUNT);
    assert_int_equal(of_hep, COUNT);
    close(fd);
    close(tap);
    capture_close(capture);
}

/* HEP needs no device, nor rights. */
static void needs_no_device_for_hep(void **state)
{
    (void)state;
    static const char *const any = "0.0.0.0:0";
    struct capture_error error;
    struct capture_live_params params = {.hep = &any, .hep_count = 1};
    struct capture *capture = capture_open_live(&params, &error);
    struct packet_batch batch;
    struct capture_stats stats;
    assert_non_null(capture);
    assert_int_equal(capture_read(capture, &batch, 10), CAPTURE_IDLE);
    capture_stats(capture, &stats);
    assert_int_equal(stats.packets, 0);
    capture_stop(capture);
    assert_int_equal(capture_read(capture, &batch, 1000), CAPTURE_END);
    capture_close(capture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_every_packet),
        cmocka_unit_test(lets_no_device_fall_behind_hep),
        cmocka_unit_test(needs_no_device_for_hep),
        cmocka_unit_test(cuts_at_the_snap_length),
        cmocka_unit_test(counts_what_the_ring_could_not_hold),
        cmocka_unit_test(reads_several_devices_in_time_order),
        cmocka_unit_test(survives_a_device_that_goes_down),
        cmocka_unit_test(reopens_a_device_that_was_replaced),
        cmocka_unit_test(stop_ends_the_wait),
        cmocka_unit_test(says_what_is_wrong),
        cmocka_unit_test(without_permission_it_says_what_to_give),
        cmocka_unit_test(lists_whole_names),
    };
    return cmocka_run_group_tests(tests, make_namespace, NULL);
}
