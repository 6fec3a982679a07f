/*
 * Messages that are told late, with the times of their own packets: one direction of a TCP
 * connection waits behind a hole of the mirror. The events must be those of the same traffic
 * without the hole.
 */
#include "call_bench.h"

#include "event/event_json.h"

enum { MESSAGES_MAX = 24, LINES_MAX = 16, HOLE_MS = 2000, END_MS = 200000 };

struct lines {
    char *line[LINES_MAX];
    size_t count;
};

static void keep_line(void *context, const struct event *event)
{
    struct lines *lines = context;
    assert_true(lines->count < LINES_MAX);
    struct json_writer writer;
    json_writer_init(&writer, 1 << 20);
    event_json_put_line(&writer, event, "bench");
    assert_false(writer.failed);
    lines->line[lines->count] = strndup(writer.text, writer.len);
    assert_non_null(lines->line[lines->count++]);
    json_writer_fini(&writer);
}

static int compare_lines(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void free_lines(struct lines *lines)
{
    for (size_t i = 0; i < lines->count; i++)
        free(lines->line[i]);
    *lines = (struct lines){.count = 0};
}

/* A hole in what `from` sends: it closes HOLE_MS after at_ms, and all that came meanwhile is told
 * then. */
struct hole {
    const char *from;
    int64_t at_ms;
};

static const char *sender(const struct message *m)
{
    return or_else(m->from, m->status > 0 ? GW : ALICE);
}

static int64_t told_at(const struct message *m, const struct hole *hole)
{
    bool waits = hole && strcmp(sender(m), hole->from) == 0 && m->ms >= hole->at_ms &&
                 m->ms < hole->at_ms + HOLE_MS;
    return waits ? hole->at_ms + HOLE_MS : m->ms;
}

static void play(const struct message *messages, const struct hole *hole, struct lines *lines)
{
    struct bench *b = bench_with(1 << 20, "bench");
    b->calls.params.receive = keep_line;
    b->calls.params.context = lines;
    b->calls.params.doubts = NULL;
    b->calls.params.look_at_connection = NULL;
    /* Every packet comes at its own time; what it says is told when it can be read. */
    for (int64_t ms = 0; ms <= 60000; ms += 5) {
        for (const struct message *m = messages; m->transport != TRANSPORT_UDP; m++) {
            struct endpoint src = endpoint_of(sender(m));
            if (m->ms == ms)
                calls_packet(&b->calls, &src.ip, AT(ms));
        }
        for (const struct message *m = messages; m->transport != TRANSPORT_UDP; m++) {
            calls_advance(&b->calls, AT(ms));
            if (told_at(m, hole) == ms)
                bench_tell(b, m);
        }
    }
    calls_advance(&b->calls, AT(END_MS));
    calls_finish(&b->calls);
    qsort(lines->line, lines->count, sizeof *lines->line, compare_lines);
    bench_free(b);
}

#define TCP .transport = TRANSPORT_TCP
#define END                                                                                        \
    {                                                                                              \
        .transport = TRANSPORT_UDP                                                                 \
    }

static const struct message completed[] = {
    {TCP, .ms = 5},
    {TCP, .ms = 15, .status = 100},
    {TCP, .ms = 400, .status = 180, .ttag = "t1"},
    {TCP, .ms = 1500, .status = 200, .ttag = "t1"},
    {TCP, .ms = 1510, .method = "ACK", .branch = "ack", .ttag = "t1"},
    {TCP, .ms = 1900, .method = "BYE", .branch = "bye", .ttag = "t1", .cseq = 2},
    {TCP, .ms = 1910, .method = "BYE", .branch = "bye", .ttag = "t1", .cseq = 2, .status = 200},
    END,
};
static const struct message callee_hangs_up[] = {
    {TCP, .ms = 5},
    {TCP, .ms = 200, .status = 200, .ttag = "t1"},
    {TCP, .ms = 210, .method = "ACK", .branch = "ack", .ttag = "t1"},
    {TCP, .ms = 1300, .method = "BYE", .branch = "gwbye", .from = GW, .to = ALICE, .ftag = "t1",
     .ttag = "a1"},
    {TCP, .ms = 1310, .method = "BYE", .branch = "gwbye", .from = ALICE, .to = GW, .ftag = "t1",
     .ttag = "a1", .status = 200},
    END,
};
static const struct message refused[] = {
    {TCP, .ms = 5},
    {TCP, .ms = 10, .status = 100},
    {TCP, .ms = 300, .status = 486, .ttag = "t1"},
    {TCP, .ms = 310, .method = "ACK", .ttag = "t1"},
    END,
};
static const struct message cancelled[] = {
    {TCP, .ms = 5},
    {TCP, .ms = 10, .status = 100},
    {TCP, .ms = 300, .status = 180, .ttag = "t1"},
    {TCP, .ms = 1000, .method = "CANCEL"},
    {TCP, .ms = 1010, .method = "CANCEL", .status = 200, .ttag = "t1"},
    {TCP, .ms = 1015, .status = 487, .ttag = "t1"},
    {TCP, .ms = 1020, .method = "ACK", .ttag = "t1"},
    END,
};
static const struct message challenged[] = {
    {TCP, .ms = 5},
    {TCP, .ms = 20, .status = 407, .ttag = "t0"},
    {TCP, .ms = 30, .method = "ACK", .ttag = "t0"},
    {TCP, .ms = 40, .branch = "b2", .cseq = 2, .lines = "Proxy-Authorization: Digest x=y\r\n"},
    {TCP, .ms = 50, .branch = "b2", .cseq = 2, .status = 100},
    {TCP, .ms = 900, .branch = "b2", .cseq = 2, .status = 200, .ttag = "t1"},
    {TCP, .ms = 910, .method = "ACK", .branch = "ack", .cseq = 2, .ttag = "t1"},
    {TCP, .ms = 4000, .method = "BYE", .branch = "bye", .ttag = "t1", .cseq = 3},
    {TCP, .ms = 4010, .method = "BYE", .branch = "bye", .ttag = "t1", .cseq = 3, .status = 200},
    END,
};
static const struct message silent[] = {
    {TCP, .ms = 5, .method = "OPTIONS", .call = "o", .branch = "o", .ftag = "o"},
    {TCP, .ms = 15, .method = "OPTIONS", .call = "o", .branch = "o", .ftag = "o", .status = 200},
    {TCP, .ms = 2500},
    {TCP, .ms = 20000, .method = "OPTIONS", .call = "p", .branch = "p", .ftag = "o"},
    END,
};
static const struct message selective[] = {
    {TCP, .ms = 5, .method = "OPTIONS", .call = "o", .branch = "o", .ftag = "o"},
    {TCP, .ms = 15, .method = "OPTIONS", .call = "o", .branch = "o", .ftag = "o", .status = 200},
    {TCP, .ms = 1000},
    {TCP, .ms = 2000, .method = "OPTIONS", .call = "p", .branch = "p", .ftag = "o"},
    {TCP, .ms = 2020, .method = "OPTIONS", .call = "p", .branch = "p", .ftag = "o", .status = 200},
    END,
};
/* What answers just before the INVITE is no answer meanwhile, however late it is told. */
static const struct message answered_before[] = {
    {TCP, .ms = 5, .method = "OPTIONS", .call = "o", .branch = "o", .ftag = "o"},
    {TCP, .ms = 15, .method = "OPTIONS", .call = "o", .branch = "o", .ftag = "o", .status = 200},
    {TCP, .ms = 20},
    END,
};
static const struct message dialled_again[] = {
    {TCP, .ms = 5},
    {TCP, .ms = 300, .status = 486, .ttag = "t1"},
    {TCP, .ms = 310, .method = "ACK", .ttag = "t1"},
    {TCP, .ms = 40000, .branch = "b2", .cseq = 2},
    {TCP, .ms = 40300, .branch = "b2", .cseq = 2, .status = 200, .ttag = "t2"},
    {TCP, .ms = 40310, .method = "ACK", .branch = "ack", .cseq = 2, .ttag = "t2"},
    {TCP, .ms = 45000, .method = "BYE", .branch = "bye", .ttag = "t2", .cseq = 3},
    {TCP, .ms = 45010, .method = "BYE", .branch = "bye", .ttag = "t2", .cseq = 3, .status = 200},
    END,
};

static void test_holes(void **state)
{
    static const struct {
        const char *name;
        const struct message *messages;
        size_t events;
    } scenarios[] = {
        {"completed", completed, 1},   {"callee hangs up", callee_hangs_up, 1},
        {"refused", refused, 1},       {"cancelled", cancelled, 1},
        {"challenged", challenged, 1}, {"silent", silent, 2},
        {"selective", selective, 2},   {"answered before", answered_before, 2},
    };
    static const char *const directions[] = {ALICE, GW};
    (void)state;
    for (size_t i = 0; i < sizeof scenarios / sizeof scenarios[0]; i++) {
        struct lines wanted = {.count = 0};
        play(scenarios[i].messages, NULL, &wanted);
        assert_int_equal(wanted.count, scenarios[i].events);
        for (size_t d = 0; d < 2; d++)
            /* A hole before each message of this direction: its first octet is what was lost. */
            for (const struct message *m = scenarios[i].messages; m->transport != TRANSPORT_UDP;
                 m++) {
                struct lines got = {.count = 0};
                const struct hole hole = {directions[d], m->ms};
                play(scenarios[i].messages, &hole, &got);
                for (size_t k = 0; k < wanted.count && k < got.count; k++)
                    if (strcmp(got.line[k], wanted.line[k]) != 0) {
                        print_error("%s\n", got.line[k]);
                        print_error("%s\n", wanted.line[k]);
                        fail_msg("%s, hole of %s at %d ms", scenarios[i].name, directions[d],
                                 (int)m->ms);
                    }
                if (got.count != wanted.count)
                    fail_msg("%s, hole of %s at %d ms: %zu events", scenarios[i].name,
                             directions[d], (int)m->ms, got.count);
                free_lines(&got);
            }
        free_lines(&wanted);
    }
}

/* A mirror of two ports: responses are shown up to 50 ms before their requests. */
static void test_responses_first(void **state)
{
    static const struct message *const scenarios[] = {
        completed, refused, cancelled, challenged, silent, selective, dialled_again};
    (void)state;
    for (size_t i = 0; i < sizeof scenarios / sizeof scenarios[0]; i++) {
        struct message shown[MESSAGES_MAX];
        struct lines wanted = {.count = 0};
        play(scenarios[i], NULL, &wanted);
        for (int64_t early_ms = 5; early_ms <= 50; early_ms += 5) {
            struct lines got = {.count = 0};
            struct bench *b = bench_with(1 << 20, "bench");
            size_t count = 0;
            b->calls.params.receive = keep_line;
            b->calls.params.context = &got;
            b->calls.params.doubts = NULL;
            b->calls.params.look_at_connection = NULL;
            while (scenarios[i][count].transport != TRANSPORT_UDP) {
                shown[count] = scenarios[i][count];
                count++;
            }
            /* By when they are shown; their stamps stay their own. */
            for (int64_t ms = -50; ms <= 60000; ms += 5)
                for (size_t k = 0; k < count; k++) {
                    bool is_early = strcmp(sender(&shown[k]), GW) == 0;
                    if (shown[k].ms - (is_early ? early_ms : 0) != ms)
                        continue;
                    struct endpoint src = endpoint_of(sender(&shown[k]));
                    calls_packet(&b->calls, &src.ip, AT(shown[k].ms));
                    bench_give(b, &shown[k]);
                }
            calls_advance(&b->calls, AT(END_MS));
            calls_finish(&b->calls);
            qsort(got.line, got.count, sizeof *got.line, compare_lines);
            assert_int_equal(got.count, wanted.count);
            for (size_t k = 0; k < wanted.count; k++)
                assert_string_equal(got.line[k], wanted.line[k]);
            bench_free(b);
            free_lines(&got);
        }
        free_lines(&wanted);
    }
}

/* What a new peer sent while its first request waited behind a hole was not looked at: nobody may
 * say that it sent nothing. */
static void test_new_peer(void **state)
{
    struct endpoint gw = endpoint_of(GW);
    (void)state;
    for (int64_t told_ms = 5; told_ms <= 2005; told_ms += 2000) {
        struct bench *b = bench_new();
        SAY(b, 0, TCP, .method = "OPTIONS", .status = 200, .from = PROXY, .call = "o");
        const struct message invite = {TCP, .ms = 5};
        calls_packet(&b->calls, &gw.ip, AT(4));
        calls_advance(&b->calls, AT(5));
        if (told_ms == 5)
            bench_tell(b, &invite);
        calls_packet(&b->calls, &gw.ip, AT(1000));
        calls_advance(&b->calls, AT(2005));
        if (told_ms != 5)
            bench_tell(b, &invite);
        bench_advance(b, 60000);
        assert_int_equal(bench_unanswered(b)->cause.code, CAUSE_UNKNOWN);
        bench_free(b);
    }
}

/* Timer B was over before anybody knew of the INVITE: at the end of the input, too. */
static void test_timer_b_is_over_already(void **state)
{
    (void)state;
    for (int answered = 0; answered < 2; answered++) {
        struct bench *b = bench_new();
        b->calls.params.timer_b_ns = 1000 * MS;
        if (answered)
            SAY(b, 500, TCP, .status = 100);
        SAY(b, 0, TCP, .told_ms = 2000);
        calls_finish(&b->calls);
        assert_int_equal(bench_count(b, EVENT_INVITE_UNANSWERED), !answered);
        if (!answered) {
            assert_at(bench_only(b, EVENT_INVITE_UNANSWERED)->event.time_ns, 1000);
            assert_int_equal(bench_unanswered(b)->waited_ns, 1000 * MS);
        }
        bench_free(b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_holes),
        cmocka_unit_test(test_responses_first),
        cmocka_unit_test(test_new_peer),
        cmocka_unit_test(test_timer_b_is_over_already),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
