/* What the other sensors are told and asked, when, and what their answer does. */
#include "call_bench.h"

enum { WORDS_MAX = 16, TEXT_MAX = 40 };

/* What was told, in order; texts are copied. */
static struct {
    struct {
        enum calls_word word;
        char call_id[TEXT_MAX], branch[TEXT_MAX];
        uint32_t cseq;
        struct ip_addr dst;
        int64_t first_sent_ns, now_ns;
    } word[WORDS_MAX];
    unsigned words, looks;
    int64_t looked_ns;
    struct sensors_facts facts;
} others;

static void hear(void *context, enum calls_word word, const struct calls_sighting *sighting)
{
    (void)context;
    assert_true(others.words < WORDS_MAX);
    unsigned i = others.words++;
    others.word[i].word = word;
    snprintf(others.word[i].call_id, TEXT_MAX, "%.*s", SLICE_ARGS(sighting->call_id));
    snprintf(others.word[i].branch, TEXT_MAX, "%.*s", SLICE_ARGS(sighting->branch));
    others.word[i].cseq = sighting->cseq;
    others.word[i].dst = sighting->dst;
    others.word[i].first_sent_ns = sighting->first_sent_ns;
    others.word[i].now_ns = sighting->now_ns;
}

static void answer(void *context, const struct calls_sighting *sighting,
                   struct sensors_facts *facts)
{
    (void)context;
    assert_string_equal(others.word[0].branch, "z9hG4bKb1");
    assert_true(slice_eq(sighting->branch, SLICE("z9hG4bKb1")));
    others.looks++;
    others.looked_ns = sighting->now_ns;
    *facts = others.facts;
}

static struct bench *b;

static int set_up(void **state)
{
    (void)state;
    memset(&others, 0, sizeof others);
    b = calloc(1, sizeof *b);
    struct calls_params params = bench_params(b, 8 << 20, "bench");
    params.tell_sensors = hear;
    params.look_at_sensors = answer;
    return calls_init(&b->calls, &params);
}

static int tear_down(void **state)
{
    (void)state;
    bench_free(b);
    return 0;
}

/* The mirror shows both directions. */
static void answer_somebody(void)
{
    SAY(b, -9000, .call = "x", .branch = "x", .from = CAROL);
    SAY(b, -8990, .call = "x", .branch = "x", .to = CAROL, .status = 486);
    bench_advance(b, -1000);
    others.words = 0;
}

static void repeat(unsigned sends)
{
    bench_ladder(b, 0, 500, sends, ~0U, &(struct message){0});
}

static void assert_word(unsigned i, enum calls_word word, int64_t ms)
{
    assert_true(i < others.words);
    assert_int_equal(others.word[i].word, word);
    assert_string_equal(others.word[i].call_id, "call-1@example.com");
    assert_string_equal(others.word[i].branch, "z9hG4bKb1");
    assert_int_equal(others.word[i].cseq, 1);
    struct ip_addr gw = endpoint_of(GW).ip;
    assert_true(ip_eq(&others.word[i].dst, &gw));
    assert_true(others.word[i].now_ns == AT(ms));
}

/* Told once each, however often they come; never asked. */
static void test_answered(void **state)
{
    (void)state;
    SAY(b, 0, .method = "INVITE");
    SAY(b, 500, .method = "INVITE");
    SAY(b, 600, .status = 100);
    SAY(b, 900, .status = 180, .ttag = "t1");
    bench_advance(b, 60000);
    assert_int_equal(others.words, 2);
    assert_word(0, CALLS_SAW_REQUEST, 0);
    assert_word(1, CALLS_SAW_RESPONSE, 600);
    assert_int_equal(others.looks, 0);
}

/* Asked two seconds before Timer B runs out; the event comes when it does, no later. */
static void test_unanswered(void **state)
{
    (void)state;
    answer_somebody();
    repeat(6);
    bench_advance(b, 29999);
    assert_int_equal(others.words, 1);
    bench_advance(b, 30000);
    assert_int_equal(others.words, 2);
    assert_word(1, CALLS_ASK, 30000);
    assert_true(others.word[1].first_sent_ns == AT(0));
    assert_int_equal(b->calls.table.waiting, 1);
    assert_int_equal(b->calls.table.retransmitting, 1);
    SAY(b, 31500, .method = "INVITE"); /* sent once more meanwhile: asked once all the same */
    bench_advance(b, 31999);
    assert_int_equal(bench_count(b, EVENT_INVITE_UNANSWERED), 0);
    bench_advance(b, 32000);
    assert_int_equal(bench_unanswered(b)->waited_ns, 32000 * MS);
    assert_int_equal(others.words, 2);
    assert_int_equal(others.looks, 1);
    assert_true(others.looked_ns == AT(32000));
}

/* An answer in the last two seconds is an answer. */
static void test_answered_late(void **state)
{
    (void)state;
    answer_somebody();
    repeat(6);
    bench_advance(b, 31000);
    SAY(b, 31500, .status = 100);
    bench_advance(b, 40000);
    assert_int_equal(bench_count(b, EVENT_INVITE_UNANSWERED), 0);
    assert_int_equal(others.looks, 0);
}

/* Where nothing comes for long, both are due at once: no answer is there, and no event is lost. */
static void test_jump(void **state)
{
    (void)state;
    answer_somebody();
    repeat(6);
    bench_advance(b, 90000);
    assert_int_equal(bench_unanswered(b)->waited_ns, 32000 * MS);
    assert_word(1, CALLS_ASK, 30000);
}

/* With a longer T1 of the sender's it is asked before the later end. */
static void test_longer_timer_b(void **state)
{
    (void)state;
    answer_somebody();
    bench_ladder(b, 0, 1000, 6, ~0U, &(struct message){0});
    bench_advance(b, 61999);
    assert_int_equal(others.words, 1);
    bench_advance(b, 64000);
    assert_word(1, CALLS_ASK, 62000);
    assert_int_equal(bench_unanswered(b)->waited_ns, 64000 * MS);
}

static void lose_beyond(bool is_ours)
{
    others.facts = (struct sensors_facts){
        .points = 2,
        .is_ours = is_ours,
        .point = {{.name = "outside", .saw_request = true},
                  {.name = "inside", .is_beyond = true, .passed_lately = true}},
    };
}

static void test_verdict(void **state)
{
    (void)state;
    answer_somebody();
    lose_beyond(true);
    repeat(6);
    bench_advance(b, 33000);
    const struct invite_unanswered *e = bench_unanswered(b);
    assert_int_equal(e->cause.code, CAUSE_LOST_BETWEEN_SENSORS);
    assert_int_equal(e->cause.confidence, CONFIDENCE_HIGH);
    assert_int_equal(b->calls.left_to_others, 0);
}

/* Another one gives the event; the call's own comes all the same. */
static void test_left_to_others(void **state)
{
    (void)state;
    answer_somebody();
    lose_beyond(false);
    repeat(6);
    bench_advance(b, 33000);
    assert_int_equal(bench_count(b, EVENT_INVITE_UNANSWERED), 0);
    assert_int_equal(b->calls.left_to_others, 1);
    assert_int_equal(b->calls.table.waiting, 0);
    bench_advance(b, 90000);
    bool has_ended = false;
    for (size_t i = 0; i < b->count; i++)
        has_ended |= b->kept[i].event.type == EVENT_CALL_ENDED &&
                     b->kept[i].event.call_ended.state == CALL_STATE_UNANSWERED;
    assert_true(has_ended);
}

/* Of what is no matter between sensors each gives its own. */
static void test_not_theirs(void **state)
{
    (void)state;
    answer_somebody();
    lose_beyond(false);
    others.facts.point[1].saw_request = true;
    repeat(6);
    bench_advance(b, 33000);
    assert_int_not_equal(bench_unanswered(b)->cause.code, CAUSE_LOST_BETWEEN_SENSORS);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_answered),       TEST(test_unanswered),     TEST(test_answered_late),
        TEST(test_jump),           TEST(test_longer_timer_b), TEST(test_verdict),
        TEST(test_left_to_others), TEST(test_not_theirs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
