#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/timer_heap.h"

static void assert_pops(struct timer_heap *heap, int64_t now_ns, struct timer *timer,
                        int64_t deadline_ns)
{
    int64_t got_ns = -1;
    assert_ptr_equal(timer_heap_pop(heap, now_ns, &got_ns), timer);
    assert_int_equal(got_ns, deadline_ns);
    assert_int_equal(timer->position, 0);
}

static void test_order(void **state)
{
    struct timer_heap heap;
    struct timer a = {0}, b = {0}, c = {0}, d = {0};
    int64_t at_ns;
    (void)state;
    assert_int_equal(timer_heap_init(&heap, 4), 0);
    assert_null(timer_heap_pop(&heap, INT64_MAX, &at_ns));
    timer_heap_set(&heap, &a, 30);
    timer_heap_set(&heap, &b, 10);
    timer_heap_set(&heap, &c, 20);
    timer_heap_set(&heap, &d, 20); /* set after c: comes after c */
    assert_null(timer_heap_pop(&heap, 9, &at_ns));
    assert_pops(&heap, 10, &b, 10); /* due to the nanosecond */
    assert_null(timer_heap_pop(&heap, 19, &at_ns));
    assert_pops(&heap, 100, &c, 20);
    assert_pops(&heap, 100, &d, 20);
    assert_pops(&heap, 100, &a, 30);
    assert_null(timer_heap_pop(&heap, 100, &at_ns));
    timer_heap_fini(&heap);
}

/* Setting anew moves it, also behind those of the same deadline. */
static void test_move_and_cancel(void **state)
{
    struct timer_heap heap;
    struct timer a = {0}, b = {0}, c = {0};
    int64_t at_ns;
    (void)state;
    assert_int_equal(timer_heap_init(&heap, 3), 0);
    timer_heap_set(&heap, &a, 10);
    timer_heap_set(&heap, &b, 10);
    timer_heap_set(&heap, &c, 50);
    timer_heap_set(&heap, &a, 10);
    timer_heap_set(&heap, &c, -5); /* before 1970 is a time too */
    assert_int_equal(heap.count, 3);
    assert_pops(&heap, 10, &c, -5);
    assert_pops(&heap, 10, &b, 10);
    timer_heap_cancel(&heap, &a);
    timer_heap_cancel(&heap, &a);
    assert_null(timer_heap_pop(&heap, INT64_MAX, &at_ns));
    assert_int_equal(heap.count, 0);
    timer_heap_fini(&heap);
}

static void test_set_by(void **state)
{
    struct timer_heap heap;
    struct timer a = {0};
    int64_t at_ns;
    (void)state;
    assert_int_equal(timer_heap_init(&heap, 1), 0);
    timer_heap_set_by(&heap, &a, 100);
    timer_heap_set_by(&heap, &a, 200); /* later: stays */
    assert_null(timer_heap_pop(&heap, 99, &at_ns));
    timer_heap_set_by(&heap, &a, 50); /* earlier: moved */
    assert_pops(&heap, 50, &a, 50);
    timer_heap_fini(&heap);
}

/* Against a plain list: random settings, movings, cancellings and clock steps. */
static void test_against_a_plain_list(void **state)
{
    enum { TIMERS = 200, STEPS = 20000 };
    struct timer_heap heap;
    struct timer *timer = calloc(TIMERS, sizeof *timer);
    struct {
        bool is_set;
        int64_t deadline_ns;
        uint64_t order;
    } plain[TIMERS] = {{false, 0, 0}};
    uint64_t order = 0, fired = 0;
    uint32_t random = 12345;
    int64_t now_ns = 0;
    (void)state;
    assert_non_null(timer);
    assert_int_equal(timer_heap_init(&heap, TIMERS), 0);
    for (int step = 0; step < STEPS; step++) {
        random = random * 1664525 + 1013904223;
        unsigned which = (random >> 8) % TIMERS, what = random >> 28;
        if (what < 9) {
            plain[which].is_set = true;
            plain[which].deadline_ns = now_ns + (random >> 4) % 64;
            plain[which].order = order++;
            timer_heap_set(&heap, &timer[which], plain[which].deadline_ns);
        } else if (what < 12) {
            plain[which].is_set = false;
            timer_heap_cancel(&heap, &timer[which]);
        } else {
            now_ns += (random >> 4) % 8;
            for (;;) {
                int64_t deadline_ns;
                struct timer *got = timer_heap_pop(&heap, now_ns, &deadline_ns);
                int best = -1;
                for (int i = 0; i < TIMERS; i++)
                    if (plain[i].is_set && plain[i].deadline_ns <= now_ns &&
                        (best < 0 || plain[i].deadline_ns < plain[best].deadline_ns ||
                         (plain[i].deadline_ns == plain[best].deadline_ns &&
                          plain[i].order < plain[best].order)))
                        best = i;
                assert_ptr_equal(got, best < 0 ? NULL : &timer[best]);
                if (best < 0)
                    break;
                assert_int_equal(deadline_ns, plain[best].deadline_ns);
                plain[best].is_set = false;
                fired++;
            }
        }
    }
    assert_true(fired > STEPS / 10);
    timer_heap_fini(&heap);
    free(timer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_move_and_cancel),
        cmocka_unit_test(test_set_by),
        cmocka_unit_test(test_against_a_plain_list),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
