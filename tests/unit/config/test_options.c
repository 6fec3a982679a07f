#include "load.h"

#include <ctype.h>

#include "config/option_value.h"
#include "config/options.h"

static void test_rows_are_whole(void **state)
{
    (void)state;
    for (size_t i = 0; i < options_count(); i++) {
        const struct option_spec *option = options_at(i);
        assert_int_equal(options_index(option), i);
        assert_ptr_equal(options_find(slice_str(option->key)), option);
        assert_true(option->places != 0);
        assert_true(strlen(option->text) > 10);
        assert_true(islower((unsigned char)option->text[0]));
        assert_true(option->text[strlen(option->text) - 1] != '.');
        if (option->places & OPTION_IN_FILE)
            assert_true(option->default_text || option->example);
        if (option->places & (OPTION_IN_CLI | OPTION_IN_WORDS))
            assert_true((option->metavar || option->choices) == (option->type != OPTION_FLAG));
        for (size_t j = 0; j < i; j++) {
            assert_string_not_equal(options_at(j)->key, option->key);
            assert_true(!option->letter || options_at(j)->letter != option->letter);
            /* Two rows of one field would free it twice. */
            if (option->action == OPTION_SET && options_at(j)->action == OPTION_SET)
                assert_true(options_at(j)->offset != option->offset);
        }
    }
}

static void test_defaults_and_examples_are_valid(void **state)
{
    (void)state;
    for (size_t i = 0; i < options_count(); i++) {
        const struct option_spec *option = options_at(i);
        const char *text = option->default_text ? option->default_text : option->example;
        struct option_value value;
        if (!text || option->type == OPTION_PEERS)
            continue;
        assert_int_equal(option_value_parse(option, slice_str(text), &value), 0);
        free(value.string);
    }
}

static void test_names_follow_from_the_key(void **state)
{
    (void)state;
    char buf[OPTION_TEXT_MAX];
    const struct option_spec *option = options_find(SLICE("memory_limit"));
    assert_string_equal(options_flag(option, buf), "--memory-limit");
    assert_string_equal(options_variable(option, buf), "SIPSPAN_MEMORY_LIMIT");
    assert_ptr_equal(options_find_variable(SLICE("MEMORY_LIMIT")), option);
    assert_null(options_find_variable(SLICE("memory_limit")));
    assert_null(options_find_variable(SLICE("PEERS")));
    assert_null(options_find_variable(SLICE("CONFIG")));
    assert_null(options_find(SLICE("memory-limit")));
    assert_null(options_find(SLICE("")));
}

static void nearest_is(const char *typed, unsigned places, const char *key)
{
    const struct option_spec *nearest = options_nearest(slice_str(typed), places);
    if (!key && nearest)
        fail_msg("'%s' gave '%s'", typed, nearest->key);
    if (key && !nearest)
        fail_msg("'%s' gave nothing", typed);
    if (key)
        assert_string_equal(nearest->key, key);
}

static void test_nearest(void **state)
{
    (void)state;
    nearest_is("memry_limit", OPTION_IN_FILE, "memory_limit");
    nearest_is("memory-limit", OPTION_IN_FILE, "memory_limit");
    nearest_is("MEMORY_LIMITS", OPTION_IN_ENV, "memory_limit");
    nearest_is("sensorid", OPTION_IN_FILE, "sensor_id");
    nearest_is("timer", OPTION_IN_FILE, "timer_b");
    nearest_is("reed", OPTION_IN_CLI, "read");
    nearest_is("peer", OPTION_IN_FILE, "peers");
    nearest_is("peer", OPTION_IN_CLI, NULL);
    nearest_is("conifg", OPTION_IN_CLI, "config");
    nearest_is("kafka_brokers", OPTION_IN_FILE, NULL);
    nearest_is("xyz", OPTION_IN_FILE, NULL);
    nearest_is("", OPTION_IN_FILE, NULL);
    char longer[200];
    memset(longer, 'r', sizeof longer);
    assert_null(options_nearest(slice_of(longer, sizeof longer), OPTION_IN_FILE));
    assert_null(options_nearest(slice_of(longer, OPTION_TEXT_MAX), OPTION_IN_FILE));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_are_whole),
        cmocka_unit_test(test_defaults_and_examples_are_valid),
        cmocka_unit_test(test_names_follow_from_the_key),
        cmocka_unit_test(test_nearest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
