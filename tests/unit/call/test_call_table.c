/* The table itself: finding, limits, and in which order room is made. */
#include "call_bench.h"

struct table_bench {
    struct call_table table;
    unsigned closed_early;
    char closed[16];
};

static void close_early(void *context, struct call *call)
{
    struct table_bench *bench = context;
    bench->closed_early++;
    /* Its texts are there for its event. */
    snprintf(bench->closed, sizeof bench->closed, "%.*s", SLICE_ARGS(arena_slice(call->call_id)));
}

/* A table with room for exactly `calls` calls. */
static struct table_bench *table_new(size_t calls)
{
    struct table_bench *bench = calloc(1, sizeof *bench);
    assert_non_null(bench);
    uint64_t bytes = 0;
    do {
        call_table_fini(&bench->table);
        bytes += 256;
        (void)!call_table_init(&bench->table, bytes);
    } while (bench->table.calls.capacity < calls);
    assert_int_equal(bench->table.calls.capacity, calls);
    bench->table.close_early = close_early;
    bench->table.context = bench;
    return bench;
}

static void table_free(struct table_bench *bench)
{
    call_table_fini(&bench->table);
    free(bench);
}

static struct call *add(struct table_bench *bench, const char *call_id, enum call_phase phase)
{
    struct call *call = call_table_add(&bench->table, slice_str(call_id), SLICE("tag"), 0);
    assert_non_null(call);
    if (phase == PHASE_ENDED)
        call_table_retire(&bench->table, call);
    else
        call_table_set_phase(&bench->table, call, phase);
    return call;
}

static struct call *find(struct table_bench *bench, const char *call_id)
{
    return call_table_find(&bench->table, slice_str(call_id), SLICE("tag"));
}

static void test_find(void **state)
{
    struct table_bench *bench = table_new(8);
    (void)state;
    struct call *one = add(bench, "one", PHASE_TRYING);
    struct call *two = add(bench, "two", PHASE_TRYING);
    assert_ptr_equal(find(bench, "one"), one);
    assert_ptr_equal(find(bench, "two"), two);
    assert_null(find(bench, "three"));
    assert_null(call_table_find(&bench->table, SLICE("one"), SLICE("other")));
    /* Call-ID and tag are two parts: where one ends matters. */
    assert_null(call_table_find(&bench->table, SLICE("onet"), SLICE("ag")));
    assert_null(call_table_find(&bench->table, SLICE("ONE"), SLICE("tag")));
    call_table_retire(&bench->table, one);
    assert_ptr_equal(find(bench, "one"), one); /* recognises what comes late */
    call_table_remove(&bench->table, one);
    assert_null(find(bench, "one"));
    assert_ptr_equal(find(bench, "two"), two);
    table_free(bench);
}

static void test_find_by_a_message(void **state)
{
    struct table_bench *bench = table_new(8);
    struct sip_msg msg = {.call_id = SLICE("one"),
                          .from_tag = SLICE("tag"),
                          .to_tag = SLICE("theirs"),
                          .has_from_tag = true,
                          .has_to_tag = true};
    bool from_caller = false;
    (void)state;
    struct call *one = add(bench, "one", PHASE_TRYING);
    assert_ptr_equal(call_table_find_msg(&bench->table, &msg, &from_caller), one);
    assert_true(from_caller);
    msg.from_tag = SLICE("theirs");
    msg.to_tag = SLICE("tag");
    assert_ptr_equal(call_table_find_msg(&bench->table, &msg, &from_caller), one);
    assert_false(from_caller);
    msg.to_tag = SLICE("nobody's");
    assert_null(call_table_find_msg(&bench->table, &msg, &from_caller));
    table_free(bench);
}

/* What a flood can make with the fewest packets goes first, established calls last; those that are
 * closing give their event. */
static void test_order_of_eviction(void **state)
{
    enum { PHASES = 7 };
    static const enum call_phase phases[PHASES] = {PHASE_UP,      PHASE_EARLY,  PHASE_REPEATED,
                                                   PHASE_CLOSING, PHASE_TRYING, PHASE_UNPROVEN,
                                                   PHASE_ENDED};
    static const char *const names[PHASES][2] = {
        {"up-1", "up-2"},           {"early-1", "early-2"},   {"repeated-1", "repeated-2"},
        {"closing-1", "closing-2"}, {"trying-1", "trying-2"}, {"unproven-1", "unproven-2"},
        {"ended-1", "ended-2"}};
    struct table_bench *bench = table_new(2 * PHASES);
    (void)state;
    for (int age = 0; age < 2; age++)
        for (int i = 0; i < PHASES; i++)
            add(bench, names[i][age], phases[i]);
    for (int i = PHASES - 1; i >= 0; i--)
        for (int age = 0; age < 2; age++) {
            char name[40];
            assert_non_null(find(bench, names[i][age]));
            snprintf(name, sizeof name, "new-%d-%d", i, age);
            add(bench, name, PHASE_UP);
            assert_null(find(bench, names[i][age]));
            if (i == 3)
                assert_string_equal(bench->closed, names[i][age]);
            assert_int_equal(bench->table.calls.used, 2 * PHASES);
        }
    assert_int_equal(bench->closed_early, 2);
    assert_int_equal(bench->table.evicted[PHASE_CLOSING], 0); /* its event was given */
    for (int i = 0; i < PHASES; i++)
        assert_int_equal(bench->table.evicted[phases[i]],
                         phases[i] == PHASE_CLOSING || phases[i] == PHASE_ENDED ? 0 : 2);
    table_free(bench);
}

/* The one that was quiet longest: whoever was just heard of is kept. */
static void test_quietest_goes_first(void **state)
{
    struct table_bench *bench = table_new(3);
    (void)state;
    struct call *one = add(bench, "one", PHASE_TRYING);
    add(bench, "two", PHASE_TRYING);
    add(bench, "three", PHASE_TRYING);
    call_table_set_phase(&bench->table, one, PHASE_TRYING);
    add(bench, "four", PHASE_TRYING);
    assert_non_null(find(bench, "one"));
    assert_null(find(bench, "two"));
    assert_non_null(find(bench, "three"));
    table_free(bench);
}

/* A closing call whose event is given already gives no second one. */
static void test_told_calls_are_not_closed_again(void **state)
{
    struct table_bench *bench = table_new(1);
    (void)state;
    add(bench, "one", PHASE_CLOSING)->is_told = true;
    add(bench, "two", PHASE_TRYING);
    assert_int_equal(bench->closed_early, 0);
    assert_null(find(bench, "one"));
    table_free(bench);
}

/* Room for a part is never made by dropping the call that asks for it. */
static void test_asking_call_is_kept(void **state)
{
    struct table_bench *bench = table_new(4);
    (void)state;
    struct call *asks = add(bench, "asks", PHASE_TRYING);
    add(bench, "other", PHASE_UP);
    size_t capacity = bench->table.transactions.capacity;
    for (size_t i = 0; i < capacity; i++)
        assert_non_null(call_table_add_transaction(&bench->table, asks));
    assert_int_equal(bench->table.evicted[PHASE_UP], 0);
    assert_null(call_table_add_transaction(&bench->table, asks)); /* all of them are its own */
    assert_ptr_equal(find(bench, "asks"), asks);
    assert_int_equal(asks->transaction_count, capacity);
    table_free(bench);
}

static void test_waiting_counts(void **state)
{
    struct table_bench *bench = table_new(4);
    (void)state;
    struct call *call = add(bench, "one", PHASE_TRYING);
    struct transaction *a = call_table_add_transaction(&bench->table, call);
    struct transaction *b = call_table_add_transaction(&bench->table, call);
    assert_false(call_waiting(call) > 0);
    call_table_count_transmission(&bench->table, a);
    call_table_wait(&bench->table, a, 100);
    call_table_count_transmission(&bench->table, b);
    call_table_count_transmission(&bench->table, b);
    call_table_wait(&bench->table, b, 50);
    call_table_wait(&bench->table, b, 200); /* moved */
    assert_true(call_waiting(call) > 0);
    assert_int_equal(bench->table.waiting, 2);
    assert_int_equal(bench->table.retransmitting, 1);
    call_table_count_transmission(&bench->table, a);
    call_table_count_transmission(&bench->table, a);
    assert_int_equal(bench->table.retransmitting, 2);
    int64_t deadline_ns;
    assert_ptr_equal(timer_heap_pop(&bench->table.timers, 150, &deadline_ns), &a->timer_b);
    call_table_wait_is_over(&bench->table, a);
    assert_int_equal(bench->table.waiting, 1);
    assert_int_equal(bench->table.retransmitting, 1);
    call_table_stop_waiting(&bench->table, a); /* it does not wait: nothing */
    assert_int_equal(bench->table.waiting, 1);
    call_table_remove(&bench->table, call);
    assert_int_equal(bench->table.waiting, 0);
    assert_int_equal(bench->table.retransmitting, 0);
    assert_null(timer_heap_pop(&bench->table.timers, INT64_MAX, &deadline_ns));
    table_free(bench);
}

static void test_via_hash(void **state)
{
    struct table_bench *bench = table_new(1);
    const struct sip_via via = {
        .host = SLICE("pbx.example.com"), .port = 5060, .branch = SLICE("z9hG4bKx")};
    struct sip_via other = via;
    (void)state;
    uint64_t hash = call_table_via_hash(&bench->table, &via);
    other.host = SLICE("PBX.example.COM");
    other.port = 0;
    other.rport = 4711; /* what the server adds does not count (RFC 3581 section 4) */
    other.has_rport = true;
    other.received = SLICE("192.0.2.1");
    assert_true(call_table_via_hash(&bench->table, &other) == hash);
    other.port = 5061;
    assert_true(call_table_via_hash(&bench->table, &other) != hash);
    other = via;
    other.branch = SLICE("z9hG4bKy");
    assert_true(call_table_via_hash(&bench->table, &other) != hash);
    other = via;
    other.host = SLICE("pbx.example.net");
    assert_true(call_table_via_hash(&bench->table, &other) != hash);
    table_free(bench);
}

static void test_fini_of_nothing(void **state)
{
    struct call_table table = {0};
    (void)state;
    call_table_fini(&table);
    assert_true(call_table_init(&table, 0) < 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_find),
        cmocka_unit_test(test_find_by_a_message),
        cmocka_unit_test(test_order_of_eviction),
        cmocka_unit_test(test_quietest_goes_first),
        cmocka_unit_test(test_told_calls_are_not_closed_again),
        cmocka_unit_test(test_asking_call_is_kept),
        cmocka_unit_test(test_waiting_counts),
        cmocka_unit_test(test_via_hash),
        cmocka_unit_test(test_fini_of_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
