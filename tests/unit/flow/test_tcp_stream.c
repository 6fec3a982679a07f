/* One direction: order, first octets win, wrap, what is kept and that it is given back. */
#include "flow/tcp_stream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "flow/tcp.h"

struct reader {
    struct tcp_stream stream;
    struct tcp_room room;
    char text[4096];
    size_t len;
    int64_t last_ns;
};

static void reader_begin(struct reader *reader, uint32_t seq)
{
    *reader = (struct reader){.room.max = 1 << 20};
    tcp_stream_begin(&reader->stream, &reader->room, seq);
}

static void take(struct reader *reader, uint32_t seq, const struct datagram *segment)
{
    struct tcp_turn turn;
    while (tcp_stream_take(&reader->stream, seq, segment, &turn)) {
        assert_true(turn.octets.len > 0);
        assert_true(reader->len + turn.octets.len < sizeof reader->text);
        memcpy(reader->text + reader->len, turn.octets.at, turn.octets.len);
        reader->len += turn.octets.len;
        reader->last_ns = turn.segment->time_ns;
        tcp_stream_release(&reader->room, &turn);
    }
    reader->text[reader->len] = 0;
}

/* Early ones are kept, others taken. */
static enum tcp_keeping add_at(struct reader *reader, uint32_t seq, const char *text, int64_t time)
{
    struct datagram segment = {.payload = slice_str(text), .time_ns = time};
    if (tcp_seq_behind(seq, reader->stream.next) > 0)
        return tcp_stream_keep_early(&reader->stream, &reader->room, seq, &segment);
    take(reader, seq, &segment);
    return TCP_KEPT_ALREADY;
}

static enum tcp_keeping add(struct reader *reader, uint32_t seq, const char *text)
{
    return add_at(reader, seq, text, 0);
}

static void reader_end(struct reader *reader)
{
    tcp_stream_drop(&reader->stream, &reader->room);
    assert_int_equal(reader->room.used, 0);
    assert_false(tcp_stream_keeps(&reader->stream));
}

static void in_order(void **state)
{
    struct reader reader;
    (void)state;
    reader_begin(&reader, 100);
    add(&reader, 100, "ab");
    add(&reader, 102, "cd");
    add(&reader, 102, "cd");
    add(&reader, 99, "XXXXXe"); /* only its end is new */
    assert_string_equal(reader.text, "abcde");
    assert_int_equal(reader.room.used, 0);
    reader_end(&reader);
}

static void out_of_order(void **state)
{
    struct reader reader;
    (void)state;
    reader_begin(&reader, 100);
    assert_int_equal(add_at(&reader, 104, "ef", 3), TCP_KEPT);
    assert_int_equal(add_at(&reader, 102, "cd", 4), TCP_KEPT);
    assert_int_equal(add_at(&reader, 102, "cdef", 5), TCP_KEPT_ALREADY);
    assert_int_equal(reader.stream.early_count, 2);
    assert_true(reader.room.used > 4);
    add_at(&reader, 100, "ab", 6);
    assert_string_equal(reader.text, "abcdef");
    assert_int_equal(reader.last_ns, 3); /* each piece with its own segment */
    assert_int_equal(reader.room.used, 0);
    reader_end(&reader);
}

static void first_octets_win(void **state)
{
    struct reader reader;
    (void)state;
    reader_begin(&reader, 100);
    add(&reader, 104, "4_6");
    add(&reader, 110, "a");
    /* Over both and between and behind them: three pieces. */
    assert_int_equal(add(&reader, 103, "3xxx789xbc"), TCP_KEPT);
    assert_int_equal(reader.stream.early_count, 5);
    /* In its turn, over what was kept. */
    add(&reader, 99, "?012yyyyyyyyyyd");
    assert_string_equal(reader.text, "01234_6789abcd");
    reader_end(&reader);
}

static void sequence_numbers_wrap(void **state)
{
    struct reader reader;
    (void)state;
    reader_begin(&reader, 0xfffffffeu);
    add(&reader, 2, "ef");
    add(&reader, 0, "cd");
    add(&reader, 0xfffffffeu, "ab");
    assert_string_equal(reader.text, "abcdef");
    assert_int_equal(reader.stream.next, 4);
    add(&reader, 0xfffffffcu, "xxabcdefg");
    assert_string_equal(reader.text, "abcdefg");
    reader_end(&reader);
}

static void holes_are_skipped(void **state)
{
    struct reader reader;
    (void)state;
    reader_begin(&reader, 100);
    add(&reader, 105, "B");
    add(&reader, 106, "C");
    add(&reader, 110, "D");
    tcp_stream_go_to(&reader.stream, reader.stream.early->seq);
    take(&reader, 0, NULL);
    assert_string_equal(reader.text, "BC");
    tcp_stream_go_to(&reader.stream, reader.stream.early->seq);
    take(&reader, 0, NULL);
    assert_string_equal(reader.text, "BCD");
    assert_int_equal(reader.stream.next, 111);
    reader_end(&reader);
}

static void early_segments_are_limited(void **state)
{
    struct reader reader;
    (void)state;
    reader_begin(&reader, 0);
    for (uint32_t i = 0; i < TCP_EARLY_SEGMENTS_MAX; i++)
        assert_int_equal(add(&reader, 10 + 2 * i, "x"), TCP_KEPT);
    assert_int_equal(add(&reader, 1000, "x"), TCP_KEPT_FULL);
    assert_int_equal(reader.stream.early_count, TCP_EARLY_SEGMENTS_MAX);
    reader_end(&reader);
}

static void early_octets_are_limited(void **state)
{
    static char octets[60000];
    struct reader reader;
    (void)state;
    reader_begin(&reader, 0);
    struct datagram segment = {.payload = slice_of(octets, sizeof octets)};
    assert_int_equal(tcp_stream_keep_early(&reader.stream, &reader.room, 1, &segment), TCP_KEPT);
    assert_int_equal(tcp_stream_keep_early(&reader.stream, &reader.room, 60001, &segment),
                     TCP_KEPT);
    assert_int_equal(tcp_stream_keep_early(&reader.stream, &reader.room, 120001, &segment),
                     TCP_KEPT_FULL);
    assert_int_equal(reader.stream.early_bytes, 120000);
    assert_true(reader.room.used >= 120000 && reader.room.used < 122000);
    reader_end(&reader);
}

static void room_is_limited(void **state)
{
    struct reader reader;
    (void)state;
    reader_begin(&reader, 0);
    reader.room.max = 3000;
    reader.room.used = 2999;
    assert_int_equal(add(&reader, 5, "x"), TCP_KEPT_NO_ROOM);
    assert_false(tcp_stream_keep_rest(&reader.stream, &reader.room, SLICE("x")));
    reader.room.used = 3001; /* cannot be, and must not wrap */
    assert_int_equal(add(&reader, 5, "x"), TCP_KEPT_NO_ROOM);
    assert_int_equal(reader.room.used, 3001);
    reader.room.used = 0;
    reader_end(&reader);
}

static void the_rest(void **state)
{
    struct reader reader;
    char octets[1000];
    (void)state;
    reader_begin(&reader, 0);
    for (size_t i = 0; i < sizeof octets; i++)
        octets[i] = (char)i;
    for (int i = 0; i < 10; i++)
        assert_true(
            tcp_stream_keep_rest(&reader.stream, &reader.room, slice_of(octets, sizeof octets)));
    assert_int_equal(reader.stream.rest_len, 10000);
    assert_int_equal(reader.room.used, reader.stream.rest_capacity);
    assert_true(reader.stream.rest_capacity >= 10000);
    tcp_stream_use_rest(&reader.stream, &reader.room, 9003);
    assert_int_equal(reader.stream.rest_len, 997);
    assert_memory_equal(reader.stream.rest, octets + 3, 997);
    tcp_stream_use_rest(&reader.stream, &reader.room, 997);
    assert_null(reader.stream.rest);
    assert_int_equal(reader.room.used, 0);

    static char many[65536];
    for (int i = 0; i < TCP_UNPARSED_BYTES_MAX / (int)sizeof many; i++)
        assert_true(
            tcp_stream_keep_rest(&reader.stream, &reader.room, slice_of(many, sizeof many)));
    assert_false(tcp_stream_keep_rest(&reader.stream, &reader.room, slice_of(many, 1)));
    reader_end(&reader);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_order),
        cmocka_unit_test(out_of_order),
        cmocka_unit_test(first_octets_win),
        cmocka_unit_test(sequence_numbers_wrap),
        cmocka_unit_test(holes_are_skipped),
        cmocka_unit_test(early_segments_are_limited),
        cmocka_unit_test(early_octets_are_limited),
        cmocka_unit_test(room_is_limited),
        cmocka_unit_test(the_rest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
