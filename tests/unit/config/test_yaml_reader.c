#include "load.h"

#include <errno.h>

#include "config/yaml_reader.h"

/* The items as letters: s scalar, [ ] list, { } map, . end; '!' where reading stopped. */
static void items_are(const char *text, const char *expected)
{
    char seen[64];
    size_t count = 0;
    struct yaml_item item;
    struct yaml_reader *reader = yaml_reader_create(slice_str(text));
    assert_non_null(reader);
    for (;;) {
        int rc = yaml_reader_next(reader, &item);
        assert_true(count < sizeof seen - 1);
        seen[count++] = rc == 0 ? ".s[]{}"[item.kind] : '!';
        if (rc != 0 || item.kind == YAML_ITEM_END)
            break;
    }
    seen[count] = 0;
    assert_string_equal(seen, expected);
    yaml_reader_destroy(reader);
}

static void problem_is(struct slice text, unsigned expected_line, const char *part)
{
    struct yaml_item item;
    unsigned line;
    struct yaml_reader *reader = yaml_reader_create(text);
    assert_non_null(reader);
    int rc;
    do
        rc = yaml_reader_next(reader, &item);
    while (rc == 0 && item.kind != YAML_ITEM_END);
    assert_int_equal(rc, -EINVAL);
    assert_int_equal(yaml_reader_next(reader, &item), -EINVAL);
    assert_has(yaml_reader_problem(reader, &line), part);
    assert_int_equal(line, expected_line);
    yaml_reader_destroy(reader);
}

static void test_items(void **state)
{
    (void)state;
    items_are("", ".");
    items_are("# a comment\n", ".");
    items_are("a: 1\nb: [x, y]\nc:\n  - {n: m}\n", "{sss[ss]s[{ss}]}.");
    items_are("---\na: 1\n...\n", "{ss}.");
    items_are("\xef\xbb\xbf"
              "a: 1\n",
              "{ss}.");
    items_are("a: 1\r\nb: 2\r\n", "{ssss}.");
    items_are("[[[[[[[[1]]]]]]]]", "[[[[[[[[s]]]]]]]].");
}

static void test_text_and_line(void **state)
{
    (void)state;
    struct yaml_item item;
    struct yaml_reader *reader = yaml_reader_create(SLICE("\n# x\nkey: \"a\\0b\"\n"));
    assert_int_equal(yaml_reader_next(reader, &item), 0);
    assert_int_equal(yaml_reader_next(reader, &item), 0);
    assert_true(slice_eq(item.text, SLICE("key")));
    assert_int_equal(item.line, 3);
    assert_int_equal(yaml_reader_next(reader, &item), 0);
    assert_true(slice_eq(item.text, slice_of("a\0b", 3)));
    assert_int_equal(yaml_reader_next(reader, &item), 0);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(yaml_reader_next(reader, &item), 0);
        assert_int_equal(item.kind, YAML_ITEM_END);
    }
    yaml_reader_destroy(reader);
    yaml_reader_destroy(NULL);
}

static void test_refused(void **state)
{
    (void)state;
    problem_is(SLICE("a: 1\nb: &x 1\n"), 2, "anchors");
    problem_is(SLICE("a: 1\nb: &x [1]\n"), 2, "anchors");
    problem_is(SLICE("a: &x {b: c}\n"), 1, "anchors");
    problem_is(SLICE("a: *x\n"), 1, "aliases");
    problem_is(SLICE("a: !!int 1\n"), 1, "tags");
    problem_is(SLICE("a: !x [1]\n"), 1, "tags");
    problem_is(SLICE("a: !x {b: c}\n"), 1, "tags");
    problem_is(SLICE("a: 1\n---\nb: 1\n"), 2, "second document");
    problem_is(SLICE("[[[[[[[[[1]]]]]]]]]"), 1, "too deeply");
    problem_is(SLICE("a: 1\nb: [1\nc: 2\n"), 3, "while parsing a flow sequence");
    problem_is(SLICE("a: 1\n\tb: 2\n"), 2, "tab character");
    problem_is(SLICE("a: 1\nb: \xff\n"), 2, "UTF-8");
    problem_is(slice_of("a: \0", 4), 1, "control characters");
}

static void test_much_nesting_is_quick(void **state)
{
    (void)state;
    static char text[1 << 20];
    memset(text, '[', sizeof text);
    problem_is(slice_of(text, sizeof text), 1, "too deeply");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_items),
        cmocka_unit_test(test_text_and_line),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_much_nesting_is_quick),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
