/* Floods and limits: what is established survives, what is dropped is counted, memory stays
 * bounded. */
#include "call_bench.h"

enum { FLOOD = 20000, ESTABLISHED = 20 };

static void say_up(struct bench *b, int64_t ms, int i, const char *method, unsigned status,
                   const char *ttag, unsigned cseq)
{
    char call[32], branch[32];
    snprintf(call, sizeof call, "up-%d", i);
    snprintf(branch, sizeof branch, "%s%d", method, i);
    SAY(b, ms, .call = call, .branch = branch, .method = method, .status = status, .ttag = ttag,
        .cseq = cseq);
}

/* Of these calls each is set up at its own place in the flood. */
static void set_up(struct bench *b, int64_t ms, int i)
{
    say_up(b, ms, i, "INVITE", 0, NULL, 1);
    say_up(b, ms, i, "INVITE", 180, "t1", 1);
    say_up(b, ms, i, "INVITE", 200, "t1", 1);
    say_up(b, ms, i, "ACK", 0, "t1", 1);
}

/* A flood of INVITEs from a scanner, one a millisecond: how far each gets is `reach`. */
enum reach { REACH_NOTHING, REACH_RINGING, REACH_REFUSED };

static void flood_one(struct bench *b, int64_t ms, int i, enum reach reach)
{
    char call[32], branch[32], from[32];
    snprintf(call, sizeof call, "flood-%d", i);
    snprintf(branch, sizeof branch, "f%d", i);
    snprintf(from, sizeof from, "203.0.113.%d:%d", 1 + i % 200, 1024 + i);
    SAY(b, ms, .call = call, .branch = branch, .from = from, .sent_by = from);
    if (reach == REACH_NOTHING)
        return;
    SAY(b, ms, .call = call, .branch = branch, .to = from, .sent_by = from, .ttag = "t1",
        .status = reach == REACH_RINGING ? 180 : 404);
}

static size_t blocks_used(const struct bench *b)
{
    return b->calls.table.blocks.small.used + b->calls.table.blocks.large.used;
}

static void assert_within_capacity(const struct call_table *table)
{
    const struct slab *slabs[] = {&table->calls,        &table->transactions, &table->dialogs,
                                  &table->blocks.small, &table->blocks.large, &table->media};
    size_t bytes = 0;
    for (size_t i = 0; i < sizeof slabs / sizeof slabs[0]; i++) {
        assert_true(slabs[i]->used <= slabs[i]->capacity);
        bytes += slabs[i]->capacity * slabs[i]->object_bytes;
    }
    assert_true(bytes <= 8 << 20);
    size_t sum = 0;
    for (int phase = 0; phase < PHASE_COUNT; phase++)
        sum += table->phase_count[phase];
    assert_int_equal(sum, table->calls.used);
    assert_int_equal(sum, table->table.count);
}

static void survive_flood(enum reach reach, uint64_t *dropped)
{
    struct bench *b = bench_new();
    for (int i = 0; i < FLOOD; i++) {
        if (i % (FLOOD / ESTABLISHED) == 0)
            set_up(b, i, i / (FLOOD / ESTABLISHED));
        flood_one(b, i, i, reach);
    }
    assert_within_capacity(&b->calls.table);
    assert_true(b->calls.table.calls.capacity < FLOOD); /* else there was no pressure */
    assert_int_equal(b->calls.table.phase_count[PHASE_UP], ESTABLISHED);
    assert_int_equal(b->calls.table.evicted[PHASE_UP], 0);
    for (int i = 0; i < ESTABLISHED; i++) {
        say_up(b, 100000 + i, i, "BYE", 0, "t1", 2);
        say_up(b, 100000 + i, i, "BYE", 200, "t1", 2);
    }
    bench_advance(b, 2 * IDLE_MS);
    size_t completed = 0;
    for (size_t i = 0; i < b->count; i++) {
        const struct event *event = &b->kept[i].event;
        if (event->type != EVENT_CALL_ENDED || event->call_ended.state != CALL_STATE_COMPLETED)
            continue;
        completed++;
        assert_at(event->call_ended.started_ns,
                  (event->call_ended.ended_ns - AT(100000)) / MS * 1000);
    }
    assert_int_equal(completed, ESTABLISHED);
    assert_int_equal(b->calls.table.waiting, 0);
    assert_int_equal(b->calls.table.calls.used, 0);
    assert_int_equal(b->calls.table.transactions.used, 0);
    assert_int_equal(b->calls.table.dialogs.used, 0);
    assert_int_equal(blocks_used(b), 0);
    assert_int_equal(b->calls.table.media.used, 0);
    for (int phase = 0; phase < PHASE_COUNT; phase++)
        dropped[phase] = b->calls.table.evicted[phase];
    dropped[PHASE_COUNT] = bench_count(b, EVENT_INVITE_UNANSWERED);
    dropped[PHASE_COUNT + 1] = bench_count(b, EVENT_CALL_ENDED);
    bench_free(b);
}

static void test_flood_of_unanswered(void **state)
{
    uint64_t dropped[PHASE_COUNT + 2];
    (void)state;
    survive_flood(REACH_NOTHING, dropped);
    assert_true(dropped[PHASE_TRYING] > 0);
    assert_int_equal(dropped[PHASE_EARLY], 0);
    /* Each INVITE was either told of or counted as dropped. */
    assert_int_equal(dropped[PHASE_TRYING] + dropped[PHASE_COUNT], FLOOD);
}

static void test_flood_of_ringing(void **state)
{
    uint64_t dropped[PHASE_COUNT + 2];
    (void)state;
    survive_flood(REACH_RINGING, dropped);
    assert_true(dropped[PHASE_EARLY] > 0);
    assert_int_equal(dropped[PHASE_COUNT], 0);
}

/* Calls that have ended give their event before they make room: none is lost. */
static void test_flood_of_refused(void **state)
{
    uint64_t dropped[PHASE_COUNT + 2];
    (void)state;
    survive_flood(REACH_REFUSED, dropped);
    assert_int_equal(dropped[PHASE_CLOSING], 0);
    assert_int_equal(dropped[PHASE_TRYING], 0);
    assert_int_equal(dropped[PHASE_COUNT], 0);
    assert_int_equal(dropped[PHASE_COUNT + 1], FLOOD + ESTABLISHED);
}

/* One call with INVITEs of ever new branches: beyond its limit they are counted and left out. */
static void test_transactions_of_one_call(void **state)
{
    struct bench *b = bench_new();
    char branch[32];
    (void)state;
    for (int i = 0; i < 500; i++) {
        snprintf(branch, sizeof branch, "n%d", i);
        SAY(b, i, .branch = branch);
    }
    assert_int_equal(b->calls.table.transactions.used, CALL_TRANSACTIONS_MAX);
    assert_int_equal(b->calls.table.transactions_left_out, 500 - CALL_TRANSACTIONS_MAX);
    bench_advance(b, 200000);
    assert_int_equal(bench_count(b, EVENT_INVITE_UNANSWERED), CALL_TRANSACTIONS_MAX);
    assert_state(bench_ended(b), CALL_STATE_UNANSWERED);
    assert_int_equal(b->calls.table.transactions.used, 0);
    bench_free(b);
}

/* Responses with ever new To tags to one INVITE. */
static void test_dialogs_of_one_call(void **state)
{
    struct bench *b = bench_new();
    char tag[32];
    (void)state;
    SAY(b, 0);
    for (int i = 0; i < 500; i++) {
        snprintf(tag, sizeof tag, "t%d", i);
        SAY(b, 10 + i, .status = 180, .ttag = tag);
    }
    assert_int_equal(b->calls.table.dialogs.used, CALL_DIALOGS_MAX);
    SAY(b, 1000, .status = 486, .ttag = "none-of-them");
    bench_advance(b, 200000);
    const struct call_ended *e = bench_ended(b);
    assert_state(e, CALL_STATE_FAILED);
    assert_int_equal(e->final_status, 486);
    assert_int_equal(b->calls.table.dialogs.used, 0);
    bench_free(b);
}

/* Long texts of one call fill its share of the arena, not everybody's. */
static void test_texts_of_one_call(void **state)
{
    struct bench *b = bench_new();
    char branch[400];
    (void)state;
    memset(branch, 'x', sizeof branch - 1);
    branch[sizeof branch - 1] = 0;
    for (int i = 0; i < CALL_TRANSACTIONS_MAX; i++) {
        char number[16];
        snprintf(number, sizeof number, "%06d", i);
        memcpy(branch, number, 6);
        SAY(b, i, .branch = branch);
    }
    assert_true(blocks_used(b) <= CALL_ARENA_BLOCKS_MAX);
    bench_free(b);
}

/* With room for hardly anything it goes on all the same. */
static void test_tiny_memory(void **state)
{
    (void)state;
    for (uint64_t bytes = 16 << 10; bytes <= 64 << 10; bytes += 4 << 10) {
        struct bench *b = bench_with(bytes, "bench");
        for (int i = 0; i < 200; i++) {
            set_up(b, i, i);
            flood_one(b, i, i, (enum reach)(i % 3));
        }
        assert_true(b->calls.table.calls.used > 0);
        bench_advance(b, 2 * IDLE_MS);
        assert_int_equal(b->calls.table.calls.used, 0);
        assert_int_equal(blocks_used(b), 0);
        assert_int_equal(b->calls.table.waiting, 0);
        bench_free(b);
    }
}

static void test_too_little_memory(void **state)
{
    struct calls calls;
    struct calls_params params = {
        .memory_bytes = 100, .sensor_id = "bench", .receive = bench_receive};
    (void)state;
    assert_true(calls_init(&calls, &params) < 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_flood_of_unanswered), cmocka_unit_test(test_flood_of_ringing),
        cmocka_unit_test(test_flood_of_refused),    cmocka_unit_test(test_transactions_of_one_call),
        cmocka_unit_test(test_dialogs_of_one_call), cmocka_unit_test(test_texts_of_one_call),
        cmocka_unit_test(test_tiny_memory),         cmocka_unit_test(test_too_little_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
