/*
 * Malformed and tortuous messages in TCP streams: between two good ones, in one segment, an octet a
 * segment, and in two segments cut at every place. However a stream is cut, its messages are the
 * same; the good one before comes always, the one behind wherever the framing can find it.
 *
 * The messages are those kept from fuzzing, and files of a folder outside (SIPSPAN_SHARED).
 * Cut at every place are streams of up to EVERY_CUT_MAX octets; longer ones at about CUTS places
 * spread evenly, and at all of them close to the ends of the three.
 */
#include "flow/tcp.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/stat.h>

#include <cmocka.h>

enum {
    FILE_BYTES_MAX = 2 << 20,
    SEGMENT_MAX = 65000, /* a segment of one IP datagram holds no more */
    OCTETS_MAX = 70000,  /* of streams that come octet by octet */
    PIECE = 31,          /* of longer ones */
    EVERY_CUT_MAX = 4096,
    CUTS = 64,
    NEAR = 64,
    MESSAGES_MAX = 64, /* of one stream */
    CLIENT_PORTS = 60000,
};

#define GOOD(method, id)                                                                           \
    method " sip:b@example.com SIP/2.0\r\nVia: SIP/2.0/TCP 192.0.2.1;branch=z9hG4bK" id            \
           "\r\nFrom: <sip:a@example.com>;tag=1\r\nTo: <sip:b@example.com>\r\nCall-ID: " id        \
           "\r\nCSeq: 1 " method "\r\nContent-Length: 0\r\n\r\n"
static const char before[] = GOOD("OPTIONS", "before");
static const char behind[] = GOOD("OPTIONS", "behind");

/* What a stream was read as. */
struct reading {
    size_t count;
    size_t len[MESSAGES_MAX];
    uint64_t hash[MESSAGES_MAX];
    bool begins_with_before, ends_with_behind;
};

struct bench {
    struct tcp *tcp;
    uint32_t streams; /* so far */
    struct endpoint client, server;
    struct reading *reading;
    char *octets;
    size_t len, message_at, behind_at;
};

static bool is_5060(void *context, const struct endpoint *endpoint)
{
    (void)context;
    return endpoint->port == 5060;
}

static uint64_t fnv(struct slice s)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < s.len; i++)
        hash = (hash ^ (uint8_t)s.at[i]) * UINT64_C(0x100000001b3);
    return hash;
}

static void on_message(void *context, const struct datagram *message)
{
    struct bench *bench = context;
    struct reading *reading = bench->reading;
    if (!endpoint_eq(&message->src, &bench->client))
        return;
    assert_true(endpoint_eq(&message->dst, &bench->server));
    assert_int_equal(message->transport, TRANSPORT_TCP);
    if (reading->count == 0)
        reading->begins_with_before = slice_eq(message->payload, SLICE(before));
    reading->ends_with_behind = slice_eq(message->payload, SLICE(behind));
    if (reading->count < MESSAGES_MAX) {
        reading->len[reading->count] = message->payload.len;
        reading->hash[reading->count] = fnv(message->payload);
    }
    reading->count++;
}

static void on_failure(void *context, const struct tcp_failure *failure)
{
    (void)context, (void)failure;
}

static void on_hole(void *context, const struct datagram *segment)
{
    (void)context, (void)segment;
    fail_msg("no octet is missing");
}

static int set_up(void **state)
{
    struct bench *bench = calloc(1, sizeof *bench);
    assert_non_null(bench);
    const struct tcp_params params = {
        .connections_max = 4,
        .bytes_max = (size_t)8 << 20,
        .setup_ns = INT64_C(32000000000),
        .is_sip_server = is_5060,
        .on_message = on_message,
        .on_failure = on_failure,
        .on_hole = on_hole,
        .context = bench,
    };
    bench->tcp = tcp_create(&params);
    bench->octets = malloc(FILE_BYTES_MAX + sizeof before + sizeof behind);
    bench->server = (struct endpoint){ip_from_v4((const uint8_t[4]){198, 51, 100, 1}), 5060};
    assert_non_null(bench->tcp);
    assert_non_null(bench->octets);
    *state = bench;
    return 0;
}

static int tear_down(void **state)
{
    struct bench *bench = *state;
    tcp_destroy(bench->tcp);
    free(bench->octets);
    free(bench);
    return 0;
}

static void send_segment(struct bench *bench, uint8_t flags, uint32_t seq, struct slice payload)
{
    const struct datagram segment = {
        .time_ns = INT64_C(1700000000000000000) + (int64_t)bench->streams * 1000000,
        .src = bench->client,
        .dst = bench->server,
        .payload = payload,
        .tcp = {.seq = seq, .flags = flags},
        .protocol = 6,
    };
    tcp_segment(bench->tcp, &segment);
}

static void send_octets(struct bench *bench, uint32_t isn, size_t from, size_t to, size_t piece)
{
    for (size_t at = from; at < to; at += piece) {
        size_t len = to - at < piece ? to - at : piece;
        send_segment(bench, TCP_ACK, isn + 1 + (uint32_t)at, slice_of(bench->octets + at, len));
    }
}

/* On a connection of its own: a piece up to `cut`, then the rest, both in pieces of `piece`. */
static void read_stream(struct bench *bench, size_t cut, size_t piece, struct reading *reading)
{
    uint32_t n = bench->streams++, isn = n * UINT32_C(2654435761);
    uint8_t ip[4] = {192, 0, 2, (uint8_t)(1 + n / CLIENT_PORTS % 250)};
    bench->client = (struct endpoint){ip_from_v4(ip), (uint16_t)(5061 + n % CLIENT_PORTS)};
    *reading = (struct reading){0};
    bench->reading = reading;
    send_segment(bench, TCP_SYN, isn, SLICE(""));
    send_octets(bench, isn, 0, cut, piece);
    send_octets(bench, isn, cut, bench->len, piece);
}

static void assert_same(const struct reading *reading, const struct reading *whole,
                        const char *file, size_t cut, size_t piece)
{
    bool is_same = reading->count == whole->count;
    for (size_t i = 0; is_same && i < whole->count && i < MESSAGES_MAX; i++)
        is_same = reading->len[i] == whole->len[i] && reading->hash[i] == whole->hash[i];
    if (!is_same)
        fail_msg("%s: %zu messages when cut at %zu, in pieces of %zu; %zu otherwise", file,
                 reading->count, cut, piece, whole->count);
}

static bool is_near(size_t cut, size_t place)
{
    return cut + NEAR >= place && cut <= place + NEAR;
}

/*
 * May the next message be found behind this file? If it ends a line, or is a message with as long a
 * body as it says; not if it is one that says more than comes.
 */
static bool can_go_on(struct slice file)
{
    static const char name[] = "\nContent-Length:";
    const char *end = memmem(file.at, file.len, "\r\n\r\n", 4);
    const char *line = memmem(file.at, file.len, "\n\n", 2);
    size_t body = 0, said = 0;
    if (end && (!line || end < line))
        body = (size_t)(file.at + file.len - (end + 4));
    else if (line)
        body = (size_t)(file.at + file.len - (line + 2));
    for (size_t i = 0; i + sizeof name < file.len && said == 0; i++)
        if (strncasecmp(file.at + i, name, sizeof name - 1) == 0)
            said = strtoul(file.at + i + sizeof name - 1, NULL, 10);
    bool ends_line = file.len > 0 && file.at[file.len - 1] == '\n';
    return said == body ? said > 0 || ends_line : said < body && ends_line;
}

/* Returns whether the message behind it came. */
static bool check_file(struct bench *bench, const char *file, FILE *f)
{
    struct reading whole, reading;
    size_t before_len = sizeof before - 1, behind_len = sizeof behind - 1;
    memcpy(bench->octets, before, before_len);
    bench->message_at = before_len;
    bench->behind_at = before_len + fread(bench->octets + before_len, 1, FILE_BYTES_MAX, f);
    memcpy(bench->octets + bench->behind_at, behind, behind_len);
    bench->len = bench->behind_at + behind_len;

    read_stream(bench, 0, SEGMENT_MAX, &whole);
    if (!whole.begins_with_before)
        fail_msg("%s: the message before it did not come", file);
    size_t piece = bench->len <= OCTETS_MAX ? 1 : PIECE;
    read_stream(bench, 0, piece, &reading);
    assert_same(&reading, &whole, file, 0, piece);

    size_t step = bench->len <= EVERY_CUT_MAX ? 1 : bench->len / CUTS;
    for (size_t cut = 1; cut < bench->len; cut++) {
        if (cut % step != 0 && !is_near(cut, bench->message_at) && !is_near(cut, bench->behind_at))
            continue;
        read_stream(bench, cut, SEGMENT_MAX, &reading);
        assert_same(&reading, &whole, file, cut, SEGMENT_MAX);
    }
    size_t len = bench->behind_at - bench->message_at;
    if (!whole.ends_with_behind && can_go_on(slice_of(bench->octets + bench->message_at, len)))
        fail_msg("%s: the message behind it did not come", file);
    return whole.ends_with_behind;
}

static void walk(struct bench *bench, const char *folder, size_t *files, size_t *found)
{
    DIR *dir = opendir(folder);
    assert_non_null(dir);
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        char path[2048];
        struct stat info;
        int len = snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        assert_in_range(len, 1, sizeof path - 1);
        if (entry->d_name[0] == '.' || stat(path, &info) != 0)
            continue;
        if (S_ISDIR(info.st_mode)) {
            walk(bench, path, files, found);
            continue;
        }
        FILE *f = fopen(path, "rb");
        assert_non_null(f);
        *found += check_file(bench, path, f);
        ++*files;
        fclose(f);
    }
    closedir(dir);
}

static void walk_all(struct bench *bench, const char *folder)
{
    size_t files = 0, found = 0;
    walk(bench, folder, &files, &found);
    printf("%zu messages, the one behind found after %zu; %u streams\n", files, found,
           bench->streams);
    assert_true(files > 0);
}

static void kept_fuzz_inputs(void **state)
{
    walk_all(*state, TEST_SOURCE_DIR "/fuzz/corpus/fuzz_sip_msg");
}

static void collected_messages(void **state)
{
    const char *shared = getenv("SIPSPAN_SHARED");
    char folder[1024];
    struct stat info;
    snprintf(folder, sizeof folder, "%s/captures/torture",
             shared ? shared : TEST_SOURCE_DIR "/../../shared");
    if (stat(folder, &info) != 0) {
        printf("SKIPPED: no messages in %s; set SIPSPAN_SHARED to their folder\n", folder);
        skip();
    }
    walk_all(*state, folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(kept_fuzz_inputs, set_up, tear_down),
        cmocka_unit_test_setup_teardown(collected_messages, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
