#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/list.h"

struct item {
    int number;
    struct list node;
};

static void assert_numbers(struct list *head, const int *want, size_t count)
{
    size_t i = 0;
    for (struct list *at = head->next; at != head; at = at->next, i++) {
        assert_true(i < count);
        assert_int_equal(CONTAINER_OF(at, struct item, node)->number, want[i]);
        assert_ptr_equal(at->next->prev, at);
    }
    assert_int_equal(i, count);
}

static void test_list(void **state)
{
    struct list head;
    struct item item[3] = {{.number = 0}, {.number = 1}, {.number = 2}};
    (void)state;
    list_init(&head);
    assert_true(list_is_empty(&head));
    for (int i = 0; i < 3; i++)
        list_append(&head, &item[i].node);
    assert_false(list_is_empty(&head));
    assert_numbers(&head, (const int[]){0, 1, 2}, 3);
    list_remove(&item[1].node);
    assert_numbers(&head, (const int[]){0, 2}, 2);
    list_remove(&item[1].node); /* in none now: harmless */
    assert_numbers(&head, (const int[]){0, 2}, 2);
    list_remove(&item[0].node);
    list_append(&head, &item[0].node);
    assert_numbers(&head, (const int[]){2, 0}, 2);
    list_remove(&item[2].node);
    list_remove(&item[0].node);
    assert_true(list_is_empty(&head));
    assert_ptr_equal(head.prev, &head);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_list)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
