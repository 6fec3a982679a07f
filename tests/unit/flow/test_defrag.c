#include "flow/defrag.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

enum { UDP = 17, MANY = 1000000, SMALL_BYTES = 180000 };

#define MS INT64_C(1000000)

/* What was told of datagrams given up. */
struct told {
    unsigned count, with_first;
    struct defrag_incomplete last;
    struct datagram last_first;
    char payload[65536];
    size_t payload_len;
    int64_t first_ns[64];
};

static void on_incomplete(void *context, const struct defrag_incomplete *incomplete)
{
    struct told *told = context;
    if (told->count < 64)
        told->first_ns[told->count] = incomplete->first_ns;
    told->count++;
    told->last = *incomplete;
    if (incomplete->first) {
        told->with_first++;
        told->last_first = *incomplete->first;
        told->payload_len = incomplete->first->payload.len;
        memcpy(told->payload, incomplete->first->payload.at, told->payload_len);
    }
}

static struct told told;

static struct defrag *make(size_t datagrams, size_t bytes)
{
    memset(&told, 0, sizeof told);
    struct defrag *defrag = defrag_create(&(struct defrag_params){
        .datagrams_max = datagrams,
        .bytes_max = bytes,
        .timeout_ns = DEFRAG_TIMEOUT_NS,
        .on_incomplete = on_incomplete,
        .context = &told,
    });
    assert_non_null(defrag);
    return defrag;
}

static struct defrag *make_usual(void)
{
    return make(1024, 4 << 20);
}

/* A fragment, and how it differs from what most are. */
struct piece {
    size_t offset, len;
    bool last;
    char change;     /* xored to each octet; the octet at n is a function of n */
    bool truncated;  /* `len` octets of more */
    uint32_t id;     /* 0: 7 */
    uint8_t host;    /* 0: from 192.0.2.1, 2001:db8::1 */
    uint8_t to_host; /* 0: to 198.51.100.2 */
    uint8_t protocol;
    int64_t time_ns;
};

static char octet(size_t at)
{
    return (char)(at * 7 + at / 251);
}

/* Adds it, in memory that ends where it does. */
static bool add(struct defrag *defrag, int version, struct piece piece, struct datagram *first,
                struct slice *payload)
{
    static uint64_t number;
    char *octets = malloc(piece.len ? piece.len : 1);
    assert_non_null(octets);
    for (size_t i = 0; i < piece.len; i++)
        octets[i] = (char)(octet(piece.offset + i) ^ piece.change);
    const uint8_t v4[4] = {192, 0, 2, piece.host ? piece.host : 1};
    const uint8_t v4_to[4] = {198, 51, 100, piece.to_host ? piece.to_host : 2};
    const uint8_t v6[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = piece.host ? piece.host : 1};
    const uint8_t v6_to[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = piece.to_host ? piece.to_host : 2};
    struct datagram fragment = {
        .time_ns = piece.time_ns,
        .packet_number = ++number,
        .src.ip = version == 4 ? ip_from_v4(v4) : ip_from_v6(v6),
        .dst.ip = version == 4 ? ip_from_v4(v4_to) : ip_from_v6(v6_to),
        .payload = slice_of(octets, piece.len),
        .fragment = {piece.id ? piece.id : 7, (uint16_t)piece.offset, !piece.last},
        .protocol = piece.protocol ? piece.protocol : UDP,
        .truncated = piece.truncated,
        .ttl = (uint8_t)(piece.offset / 8),
    };
    bool whole = defrag_add(defrag, &fragment, first, payload);
    if (whole) {
        assert_int_equal(first->packet_number, number);
        assert_int_equal(first->time_ns, piece.time_ns);
        assert_int_equal(first->ttl, 0); /* the first fragment's */
        assert_int_equal(first->fragment.offset, 0);
        assert_ptr_equal(first->payload.at, payload->at);
    }
    free(octets);
    return whole;
}

/* The whole that must come of it, or nothing. */
static void expect(struct defrag *defrag, int version, struct piece piece, size_t want)
{
    struct datagram first;
    struct slice payload = SLICE_NONE;
    bool whole = add(defrag, version, piece, &first, &payload);
    assert_int_equal(whole, want > 0);
    assert_int_equal(payload.len, want);
    for (size_t i = 0; i < payload.len; i++)
        if (payload.at[i] != octet(i))
            fail_msg("octet %zu", i);
    if (whole)
        assert_false(first.truncated);
}

/* What is left when all has gone is nothing. */
static struct defrag_stats finish(struct defrag *defrag)
{
    struct defrag_stats stats;
    defrag_finish(defrag);
    defrag_stats(defrag, &stats);
    assert_int_equal(stats.waiting, 0);
    assert_int_equal(stats.bytes, 0);
    defrag_destroy(defrag);
    return stats;
}

static const struct piece four[4] = {
    {.offset = 0, .len = 1480},
    {.offset = 1480, .len = 1480},
    {.offset = 2960, .len = 8},
    {.offset = 2968, .len = 333, .last = true},
};

/* All 24 orders; each fragment `times` times. */
static void all_orders(void **state)
{
    (void)state;
    for (int version = 4; version <= 6; version += 2) {
        for (unsigned times = 1; times <= 2; times++) {
            struct defrag *defrag = make_usual();
            uint32_t id = 0;
            for (unsigned order = 0; order < 256; order++) {
                unsigned place[4] = {order & 3, order >> 2 & 3, order >> 4 & 3, order >> 6};
                if ((1u << place[0] | 1u << place[1] | 1u << place[2] | 1u << place[3]) != 15)
                    continue;
                id++;
                for (unsigned i = 0; i < 4; i++) {
                    struct piece piece = four[place[i]];
                    piece.id = id;
                    expect(defrag, version, piece, i == 3 ? 3301 : 0);
                    if (times == 2)
                        expect(defrag, version, piece, 0);
                }
            }
            assert_int_equal(id, 24);
            struct defrag_stats stats = finish(defrag);
            assert_int_equal(stats.reassembled, 24);
            assert_int_equal(stats.fragments, 96);
            assert_int_equal(stats.repeated, times == 2 ? 96 : 0);
            assert_int_equal(stats.timed_out + stats.evicted + stats.overlapping + stats.refused,
                             0);
            assert_int_equal(told.count, 0);
        }
    }
}

/* What comes after [0, 1480) and [2960, 4440), both with more to come. */
static const struct {
    const char *what;
    struct piece piece;
    bool drops_v4, drops_v6;
} overlaps[] = {
    {"the hole", {.offset = 1480, .len = 1480}, false, false},
    {"a repeat", {.offset = 0, .len = 1480}, false, false},
    {"a repeat of the second", {.offset = 2960, .len = 1480}, false, false},
    {"a repeat with other octets", {.offset = 0, .len = 1480, .change = 1}, true, true},
    {"the beginning of one", {.offset = 0, .len = 8}, false, true},
    {"the middle of one", {.offset = 80, .len = 800}, false, true},
    {"the end of one", {.offset = 1472, .len = 8}, false, true},
    {"other octets within one", {.offset = 80, .len = 800, .change = 1}, true, true},
    {"over the end of one", {.offset = 1472, .len = 16}, false, true},
    {"over it with other octets", {.offset = 1472, .len = 16, .change = 1}, true, true},
    {"over the beginning of one", {.offset = 2952, .len = 16}, false, true},
    {"over it with other octets", {.offset = 2952, .len = 16, .change = 1}, true, true},
    {"over the hole and both", {.offset = 1472, .len = 1496}, false, true},
    {"over all and more", {.offset = 0, .len = 4448}, false, true},
    {"over all, other octets", {.offset = 0, .len = 4448, .change = 1}, true, true},
    {"from the beginning into the hole", {.offset = 0, .len = 2000}, false, true},
    {"an end before all", {.offset = 800, .len = 8, .last = true}, true, true},
    {"an end before the second", {.offset = 1480, .len = 8, .last = true}, true, true},
    {"an end where one goes on", {.offset = 4432, .len = 8, .last = true}, true, true},
    {"the second, now as the last", {.offset = 2960, .len = 1480, .last = true}, true, true},
};

static void overlapping(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof overlaps / sizeof overlaps[0]; i++) {
        for (int version = 4; version <= 6; version += 2) {
            struct defrag *defrag = make_usual();
            expect(defrag, version, (struct piece){.offset = 0, .len = 1480}, 0);
            expect(defrag, version, (struct piece){.offset = 2960, .len = 1480}, 0);
            expect(defrag, version, overlaps[i].piece, 0);
            bool drops = version == 4 ? overlaps[i].drops_v4 : overlaps[i].drops_v6;
            struct defrag_stats stats;
            defrag_stats(defrag, &stats);
            size_t from = overlaps[i].piece.offset, to = from + overlaps[i].piece.len;
            bool is_known = to <= 1480 || (from >= 2960 && to <= 4440);
            if (stats.overlapping != drops || stats.waiting != !drops ||
                stats.repeated != (is_known && !drops))
                fail_msg("IPv%d, %s: %d dropped, %d repeated", version, overlaps[i].what,
                         (int)stats.overlapping, (int)stats.repeated);
            /* The hole, of which some or all may have come, and the last: ignored of one dropped.
             */
            size_t end = overlaps[i].piece.len == 4448 ? 4448 : 4440;
            expect(defrag, version, (struct piece){.offset = 1480, .len = 1480}, 0);
            expect(defrag, version, (struct piece){.offset = end, .len = 5, .last = true},
                   drops ? 0 : end + 5);
            stats = finish(defrag);
            assert_int_equal(stats.overlapping, drops);
            assert_int_equal(stats.reassembled, !drops);
            assert_int_equal(stats.timed_out, 0);
            assert_int_equal(told.count, 0);
        }
    }
}

/* Octets behind the end that the last fragment set. */
static void behind_the_end(void **state)
{
    (void)state;
    static const struct piece behind[] = {
        {.offset = 1488, .len = 8},
        {.offset = 1488, .len = 8, .last = true},
        {.offset = 1472, .len = 8, .last = true}, /* another end */
        {.offset = 1472, .len = 16},              /* ends there, but goes on */
        {.offset = 60000, .len = 800},
    };
    for (int version = 4; version <= 6; version += 2) {
        for (size_t i = 0; i < sizeof behind / sizeof behind[0]; i++) {
            struct defrag *defrag = make_usual();
            expect(defrag, version, (struct piece){.offset = 1480, .len = 8, .last = true}, 0);
            expect(defrag, version, behind[i], 0);
            expect(defrag, version, (struct piece){.offset = 0, .len = 1480}, 0);
            struct defrag_stats stats = finish(defrag);
            assert_int_equal(stats.overlapping, 1);
            assert_int_equal(stats.refused, 1);
            assert_int_equal(stats.reassembled, 0);
        }
    }
}

/* One dropped is ignored as long as it could have waited, and then forgotten. */
static void dropped_for_a_while(void **state)
{
    (void)state;
    struct defrag *defrag = make_usual();
    expect(defrag, 6, (struct piece){.len = 16}, 0);
    expect(defrag, 6, (struct piece){.offset = 8, .len = 16, .time_ns = MS}, 0);
    struct piece last = {.offset = 16, .len = 3, .last = true, .time_ns = DEFRAG_TIMEOUT_NS};
    expect(defrag, 6, (struct piece){.len = 16, .time_ns = DEFRAG_TIMEOUT_NS}, 0);
    expect(defrag, 6, last, 0);
    struct defrag_stats stats;
    defrag_stats(defrag, &stats);
    assert_int_equal(stats.refused, 2);
    last.time_ns += MS;
    expect(defrag, 6, last, 0);
    expect(defrag, 6, (struct piece){.len = 16, .time_ns = last.time_ns}, 19);
    finish(defrag);
    assert_int_equal(told.count, 0);
}

static void impossible(void **state)
{
    (void)state;
    static const struct piece rows[] = {
        {.offset = 0, .len = 4}, /* less than a transport header's 8 */
        {.offset = 0, .len = 0},
        {.offset = 0, .len = 1001},
        {.offset = 8, .len = 15},
        {.offset = 800, .len = 0, .last = true},
        {.offset = 65528, .len = 8},
        {.offset = 65528, .len = 8, .last = true}, /* 65,536: the ping of death */
        {.offset = 65528, .len = 1480},
        {.offset = 64800, .len = 1480, .last = true},
        {.offset = 65528, .len = 8, .last = true, .truncated = true},
    };
    for (int version = 4; version <= 6; version += 2) {
        struct defrag *defrag = make_usual();
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
            expect(defrag, version, rows[i], 0);
        struct defrag_stats stats;
        defrag_stats(defrag, &stats);
        assert_int_equal(stats.refused, sizeof rows / sizeof rows[0]);
        assert_int_equal(stats.bytes, 0);
        finish(defrag);
        assert_int_equal(told.count, 0);
    }
}

/* The largest there is, in as many fragments as may be, and one in too many. */
static void largest(void **state)
{
    (void)state;
    struct defrag *defrag = make_usual();
    for (size_t i = 63; i > 0; i--)
        expect(defrag, 4,
               (struct piece){
                   .offset = i * 1032, .len = i == 63 ? 65535 - 63 * 1032 : 1032, .last = i == 63},
               0);
    expect(defrag, 4, (struct piece){.len = 1032}, 65535);
    for (size_t i = 0; i < 66; i++)
        expect(defrag, 4, (struct piece){.offset = i * 8, .len = 8, .last = i == 65, .id = 8}, 0);
    struct defrag_stats stats = finish(defrag);
    assert_int_equal(stats.reassembled, 1);
    assert_int_equal(stats.refused, 2);
    assert_int_equal(stats.timed_out, 1);
    assert_int_equal(told.last.octets, 512);
    assert_int_equal(told.payload_len, 512);
}

/* The same id between others, to others or of another protocol is another datagram. */
static void keys(void **state)
{
    (void)state;
    static const struct piece others[] = {
        {.id = 7},       {.id = 8}, {.host = 9}, {.to_host = 9}, {.host = 2, .to_host = 1},
        {.protocol = 6},
    };
    enum { COUNT = sizeof others / sizeof others[0] };
    for (int version = 4; version <= 6; version += 2) {
        struct defrag *defrag = make_usual();
        /* An IPv6 id is of all protocols. */
        size_t count = version == 4 ? COUNT : COUNT - 1;
        for (size_t i = 0; i < count; i++) {
            struct piece piece = others[i];
            piece.len = 16;
            expect(defrag, version, piece, 0);
        }
        struct defrag_stats stats;
        defrag_stats(defrag, &stats);
        assert_int_equal(stats.waiting, count);
        for (size_t i = 0; i < count; i++) {
            struct piece piece = others[i];
            piece.offset = 16;
            piece.len = 4;
            piece.last = true;
            expect(defrag, version, piece, 20);
        }
        stats = finish(defrag);
        assert_int_equal(stats.reassembled, count);
    }
    /* The protocol of an IPv6 datagram is what its first fragment says. */
    struct defrag *defrag = make_usual();
    struct datagram first;
    struct slice payload;
    assert_false(add(defrag, 6, (struct piece){.offset = 8, .len = 8, .last = true, .protocol = 6},
                     &first, &payload));
    assert_true(add(defrag, 6, (struct piece){.len = 8}, &first, &payload));
    assert_int_equal(first.protocol, UDP);
    finish(defrag);
}

/* After the whole: repeats are ignored for a while, anything else is a new datagram. */
static void id_used_again(void **state)
{
    (void)state;
    const struct piece head = {.len = 16}, tail = {.offset = 16, .len = 4, .last = true};
    struct defrag *defrag = make_usual();
    struct datagram first;
    struct slice payload;
    expect(defrag, 4, head, 0);
    expect(defrag, 4, tail, 20);
    struct piece again = tail;
    again.time_ns = DEFRAG_REPEAT_NS - 1;
    expect(defrag, 4, again, 0);
    again = head;
    again.time_ns = DEFRAG_REPEAT_NS - 1;
    expect(defrag, 4, again, 0);
    struct defrag_stats stats;
    defrag_stats(defrag, &stats);
    assert_int_equal(stats.repeated, 2);
    assert_int_equal(stats.waiting, 0);
    /* Other octets: at once. */
    again.change = 1;
    assert_false(add(defrag, 4, again, &first, &payload));
    again = tail;
    again.change = 1;
    again.time_ns = DEFRAG_REPEAT_NS - 1;
    assert_true(add(defrag, 4, again, &first, &payload));
    assert_int_equal(payload.at[0], octet(0) ^ 1);
    /* The same octets, later: sent again. */
    again = head;
    again.time_ns = 2 * DEFRAG_REPEAT_NS;
    expect(defrag, 4, again, 0);
    again = tail;
    again.time_ns = 2 * DEFRAG_REPEAT_NS;
    expect(defrag, 4, again, 20);
    stats = finish(defrag);
    assert_int_equal(stats.reassembled, 3);
    assert_int_equal(stats.overlapping + stats.timed_out, 0);
}

static void truncated_fragments(void **state)
{
    (void)state;
    struct datagram first;
    struct slice payload;
    for (int version = 4; version <= 6; version += 2) {
        /* The first one was cut to 100 octets: nothing behind them can be used. */
        struct defrag *defrag = make_usual();
        struct piece cut = {.len = 100, .truncated = true};
        struct piece tail = {.offset = 1480, .len = 20, .last = true};
        assert_false(add(defrag, version, cut, &first, &payload));
        assert_true(add(defrag, version, tail, &first, &payload));
        assert_true(first.truncated);
        assert_int_equal(payload.len, 100);
        assert_int_equal(payload.at[99], octet(99));
        /* One that comes late is of no use, and no new datagram. */
        expect(defrag, version, (struct piece){.offset = 800, .len = 680}, 0);
        struct defrag_stats stats;
        defrag_stats(defrag, &stats);
        assert_int_equal(stats.waiting, 0);

        /* The last one was: all that is there. */
        tail = (struct piece){.offset = 16, .len = 2, .last = true, .truncated = true, .id = 8};
        assert_false(add(defrag, version, tail, &first, &payload));
        assert_true(add(defrag, version, (struct piece){.len = 16, .id = 8}, &first, &payload));
        assert_true(first.truncated);
        assert_int_equal(payload.len, 18);

        /* A hole before the one that was cut is a hole. */
        cut = (struct piece){.offset = 24, .len = 1, .truncated = true, .id = 9};
        assert_false(add(defrag, version, cut, &first, &payload));
        tail = (struct piece){.offset = 80, .len = 2, .last = true, .id = 9};
        assert_false(add(defrag, version, tail, &first, &payload));
        assert_false(add(defrag, version, (struct piece){.len = 16, .id = 9}, &first, &payload));
        struct piece hole = {.offset = 16, .len = 8, .id = 9};
        assert_true(add(defrag, version, hole, &first, &payload));
        assert_true(first.truncated);
        assert_int_equal(payload.len, 25);

        /* Cut to nothing. */
        cut = (struct piece){.offset = 0, .len = 0, .truncated = true, .id = 10};
        assert_false(add(defrag, version, cut, &first, &payload));
        tail = (struct piece){.offset = 16, .len = 0, .last = true, .truncated = true, .id = 10};
        assert_true(add(defrag, version, tail, &first, &payload));
        assert_true(first.truncated);
        assert_int_equal(payload.len, 0);
        finish(defrag);
        assert_int_equal(told.count, 0);
    }
    /* IPv6: the same fragment, once cut and once not, is a repeat whichever came first. */
    struct defrag *defrag = make_usual();
    assert_false(add(defrag, 6, (struct piece){.len = 5, .truncated = true}, &first, &payload));
    expect(defrag, 6, (struct piece){.len = 16}, 0);
    expect(defrag, 6, (struct piece){.len = 16, .id = 8}, 0);
    expect(defrag, 6, (struct piece){.len = 5, .truncated = true, .id = 8}, 0);
    expect(defrag, 6, (struct piece){.offset = 16, .len = 3, .last = true, .id = 8}, 19);
    struct defrag_stats stats = finish(defrag);
    assert_int_equal(stats.repeated, 2);
    assert_int_equal(stats.overlapping, 0);
    /* IPv4: another mirror port delivered all of it. */
    defrag = make_usual();
    assert_false(add(defrag, 4, (struct piece){.len = 5, .truncated = true}, &first, &payload));
    expect(defrag, 4, (struct piece){.len = 16}, 0);
    expect(defrag, 4, (struct piece){.offset = 16, .len = 3, .last = true}, 19);
    finish(defrag);
}

/* Given up in the order in which they began, with what is known. */
static void timeouts(void **state)
{
    (void)state;
    struct defrag *defrag = make_usual();
    expect(defrag, 4, (struct piece){.len = 16, .id = 3, .time_ns = 1 * MS}, 0);
    expect(defrag, 4,
           (struct piece){.offset = 24, .len = 2, .last = true, .id = 3, .time_ns = 9 * MS}, 0);
    expect(defrag, 6, (struct piece){.offset = 800, .len = 8, .id = 1, .time_ns = 2 * MS}, 0);
    expect(defrag, 4, (struct piece){.offset = 8, .len = 8, .id = 2, .time_ns = 3 * MS}, 0);
    defrag_advance(defrag, DEFRAG_TIMEOUT_NS + MS - 1);
    assert_int_equal(told.count, 0);

    defrag_advance(defrag, DEFRAG_TIMEOUT_NS + MS);
    assert_int_equal(told.count, 1);
    assert_int_equal(told.with_first, 1);
    assert_int_equal(told.last.first_ns, MS);
    assert_int_equal(told.last.last_ns, 9 * MS);
    assert_int_equal(told.last.octets, 18);
    assert_int_equal(told.last.total, 26);
    assert_int_equal(told.last.protocol, UDP);
    assert_int_equal(told.last.src.octets[3], 1);
    assert_int_equal(told.last.dst.octets[3], 2);
    assert_int_equal(told.last_first.time_ns, MS);
    assert_int_equal(told.payload_len, 16);
    assert_int_equal(told.payload[15], octet(15));

    defrag_advance(defrag, INT64_MAX);
    assert_int_equal(told.count, 3);
    assert_int_equal(told.with_first, 1);
    assert_int_equal(told.first_ns[1], 2 * MS);
    assert_int_equal(told.first_ns[2], 3 * MS);
    assert_null(told.last.first);
    assert_int_equal(told.last.total, 0);
    assert_int_equal(told.last.octets, 8);
    struct defrag_stats stats = finish(defrag);
    assert_int_equal(stats.timed_out, 3);
    assert_int_equal(stats.evicted, 0);
}

/* A fragment that comes after the timeout is of another datagram, though nobody advanced. */
static void late_fragment(void **state)
{
    (void)state;
    struct defrag *defrag = make_usual();
    expect(defrag, 4, (struct piece){.len = 16}, 0);
    expect(defrag, 4,
           (struct piece){.offset = 16, .len = 3, .last = true, .time_ns = DEFRAG_TIMEOUT_NS}, 0);
    assert_int_equal(told.count, 1);
    defrag_finish(defrag);
    assert_int_equal(told.count, 2);
    finish(defrag);
}

static void clock_steps(void **state)
{
    (void)state;
    const int64_t step = -3600000 * MS;
    struct defrag *defrag = make_usual();
    expect(defrag, 4, (struct piece){.len = 16}, 0);
    expect(defrag, 4, (struct piece){.len = 16, .id = 9}, 0);
    defrag_clock_step(defrag, step);
    expect(defrag, 4, (struct piece){.offset = 16, .len = 1, .last = true, .time_ns = step + MS},
           17);
    defrag_advance(defrag, step + DEFRAG_TIMEOUT_NS - 1);
    assert_int_equal(told.count, 0);
    defrag_advance(defrag, step + DEFRAG_TIMEOUT_NS);
    assert_int_equal(told.count, 1);
    assert_int_equal(told.last.first_ns, step);
    assert_int_equal(told.last_first.time_ns, step);
    /* Beyond all time. */
    expect(defrag, 4, (struct piece){.len = 16, .time_ns = INT64_MAX}, 0);
    defrag_clock_step(defrag, INT64_MAX);
    defrag_clock_step(defrag, INT64_MIN);
    finish(defrag);
}

static void too_many_datagrams(void **state)
{
    (void)state;
    struct defrag *defrag = make(3, 4 << 20);
    for (uint32_t id = 1; id <= 5; id++)
        expect(defrag, 4, (struct piece){.len = 16, .id = id, .time_ns = id}, 0);
    assert_int_equal(told.count, 2);
    assert_int_equal(told.with_first, 2);
    assert_int_equal(told.first_ns[0], 1);
    assert_int_equal(told.first_ns[1], 2);
    /* The rest of those that stayed completes them; one that is whole makes room first. */
    expect(defrag, 4, (struct piece){.offset = 16, .len = 1, .last = true, .id = 4, .time_ns = 6},
           17);
    expect(defrag, 4, (struct piece){.len = 16, .id = 6, .time_ns = 7}, 0);
    assert_int_equal(told.count, 2);
    /* So does one that was dropped. */
    expect(defrag, 4, (struct piece){.len = 16, .id = 5, .change = 1, .time_ns = 8}, 0);
    expect(defrag, 4, (struct piece){.len = 16, .id = 7, .time_ns = 9}, 0);
    assert_int_equal(told.count, 2);
    expect(defrag, 4, (struct piece){.len = 16, .id = 8, .time_ns = 10}, 0);
    assert_int_equal(told.count, 3);
    assert_int_equal(told.first_ns[2], 3);
    struct defrag_stats stats = finish(defrag);
    assert_int_equal(stats.evicted, 3);
}

static void too_many_octets(void **state)
{
    (void)state;
    enum { BYTES = 1 << 20 };
    struct defrag *defrag = make(1000, BYTES);
    uint32_t id = 0;
    while (told.count == 0) {
        id++;
        for (size_t i = 0; i < 40 && told.count == 0; i++)
            expect(defrag, 4,
                   (struct piece){.offset = i * 1480, .len = 1480, .id = id, .time_ns = id}, 0);
        struct defrag_stats stats;
        defrag_stats(defrag, &stats);
        assert_true(stats.bytes <= BYTES);
        assert_true(id < 100);
    }
    /* As much as fits: 59,200 octets each, in blocks that are nearly full. */
    assert_true(id >= 8);
    assert_int_equal(told.last.first_ns, 1);
    assert_int_equal(told.last.octets, 59200);
    finish(defrag);
}

/* One that has all the room and needs more gives itself up; the next begins as ever. */
static void no_room_for_one(void **state)
{
    (void)state;
    struct defrag *defrag = make(1000, 0);
    expect(defrag, 4, (struct piece){.len = 1480}, 0);
    assert_int_equal(told.count, 1);
    assert_null(told.last.first);
    struct defrag_stats stats = finish(defrag);
    assert_int_equal(stats.evicted, 1);

    defrag = make(1000, SMALL_BYTES);
    size_t offset = 0;
    for (; told.count == 0; offset += 1480)
        expect(defrag, 4, (struct piece){.offset = offset, .len = 1480}, 0);
    defrag_stats(defrag, &stats);
    assert_int_equal(stats.waiting, 0);
    assert_int_equal(stats.bytes, 0);
    assert_int_equal(told.payload_len, offset - 1480);
    expect(defrag, 4, (struct piece){.offset = 8, .len = 8, .last = true}, 0);
    expect(defrag, 4, (struct piece){.len = 8}, 16);
    finish(defrag);

    /* A fragment that fills many small holes takes a block for each. */
    for (size_t fits = 0; fits < 2; fits++) {
        defrag = make(1000, SMALL_BYTES);
        for (size_t i = 0; i < 30 - 10 * fits; i++)
            expect(defrag, 4, (struct piece){.offset = 8 + 16 * i, .len = 8}, 0);
        assert_int_equal(told.count, 0);
        expect(defrag, 4, (struct piece){.len = 480}, 0);
        assert_int_equal(told.count, !fits);
        expect(defrag, 4, (struct piece){.offset = 480, .len = 1, .last = true}, fits ? 481 : 0);
        finish(defrag);
    }
}

static double seconds_since(const struct timespec *from)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)(now.tv_sec - from->tv_sec) + 1e-9 * (double)(now.tv_nsec - from->tv_nsec);
}

/* 1 million datagrams that never become whole, and real ones among them. */
static void flood(void **state)
{
    (void)state;
    enum { BYTES = 64 << 20 };
    struct defrag *defrag = make(16384, BYTES);
    static char octets[1480];
    struct datagram fragment = {.protocol = UDP,
                                .src.ip = {.version = 4, .octets = {192, 0, 2, 1}},
                                .dst.ip = {.version = 4, .octets = {198, 51, 100, 2}},
                                .payload = {octets, sizeof octets}};
    struct datagram first;
    struct slice payload;
    struct timespec from;
    unsigned whole = 0;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);
    for (uint32_t i = 0; i < MANY; i++) {
        fragment.time_ns = INT64_C(1000) * i;
        fragment.src.ip.octets[2] = (uint8_t)(i >> 16);
        fragment.fragment = (struct ip_fragment){i & 0xffff, (uint16_t)(i % 40 * 1480), true};
        assert_false(defrag_add(defrag, &fragment, &first, &payload));
        if (i % 1000 == 0) {
            fragment.src.ip.octets[2] = 255;
            fragment.fragment = (struct ip_fragment){i / 1000, 0, true};
            assert_false(defrag_add(defrag, &fragment, &first, &payload));
        } else if (i % 1000 == 900) {
            fragment.src.ip.octets[2] = 255;
            fragment.fragment = (struct ip_fragment){i / 1000, 1480, false};
            whole += defrag_add(defrag, &fragment, &first, &payload);
        }
    }
    double seconds = seconds_since(&from);
    struct defrag_stats stats;
    defrag_stats(defrag, &stats);
    printf("%.0f ns a fragment, %zu bytes\n", seconds * 1e9 / MANY, stats.bytes);
    assert_int_equal(whole, MANY / 1000);
    assert_true(stats.bytes <= BYTES);
    assert_true(stats.waiting <= 16384);
    assert_int_equal(stats.evicted + stats.timed_out + stats.waiting, MANY);
    assert_int_equal(told.count, stats.evicted + stats.timed_out);
    /* A look at all that waits would take a minute. */
    assert_true(seconds < 10);
    finish(defrag);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_orders),
        cmocka_unit_test(overlapping),
        cmocka_unit_test(behind_the_end),
        cmocka_unit_test(dropped_for_a_while),
        cmocka_unit_test(impossible),
        cmocka_unit_test(largest),
        cmocka_unit_test(keys),
        cmocka_unit_test(id_used_again),
        cmocka_unit_test(truncated_fragments),
        cmocka_unit_test(timeouts),
        cmocka_unit_test(late_fragment),
        cmocka_unit_test(clock_steps),
        cmocka_unit_test(too_many_datagrams),
        cmocka_unit_test(too_many_octets),
        cmocka_unit_test(no_room_for_one),
        cmocka_unit_test(flood),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
