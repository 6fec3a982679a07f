#include "load.h"

#include <ctype.h>

#include "config/config_docs.h"
#include "config/config_file.h"
#include "config/options.h"

static char *printed_by(void (*print)(FILE *))
{
    char *text;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    print(out);
    fclose(out);
    return text;
}

static char *content_of(const char *path)
{
    FILE *file = fopen(path, "r");
    if (!file)
        fail_msg("%s cannot be opened", path);
    char *text = calloc(1, 1 << 20);
    assert_non_null(text);
    assert_true(fread(text, 1, (1 << 20) - 1, file) > 0);
    fclose(file);
    return text;
}

static void test_help_fits_a_terminal(void **state)
{
    (void)state;
    char *help = printed_by(config_print_help);
    size_t width = 0;
    for (const char *c = help; *c; c++) {
        width = *c == '\n' ? 0 : width + 1;
        if (width > 80)
            fail_msg("wider than 80 columns: %.80s", c - 80);
        assert_true(c[0] != ' ' || c[1] != '\n');
    }
    for (size_t i = 0; i < options_count(); i++) {
        char flag[OPTION_TEXT_MAX];
        const struct option_spec *option = options_at(i);
        if (option->places & OPTION_IN_CLI)
            assert_has(help, options_flag(option, flag));
        else
            assert_has(help, option->metavar ? option->metavar : option->key);
    }
    assert_has(help, "-r, --read FILE");
    assert_has(help, "(default 1GiB; 48MiB to 1TiB)");
    assert_has(help, "--log-level error|warning|info|debug\n");
    free(help);
}

static void test_example_is_up_to_date(void **state)
{
    (void)state;
    char *expected = printed_by(config_print_example);
    char *committed = content_of(TEST_SOURCE_DIR "/../deploy/config/sipspan.yaml");
    if (strcmp(committed, expected) != 0)
        fail_msg("make it anew: config_docs example > deploy/config/sipspan.yaml");
    free(expected);
    free(committed);
}

static void test_man_page_is_up_to_date(void **state)
{
    (void)state;
    static const char begin[] = ".\\\" BEGIN of what is made from the table of options\n";
    char *expected = printed_by(config_print_man);
    char *committed = content_of(TEST_SOURCE_DIR "/../sensor/sipspan.8");
    const char *made = strstr(committed, begin);
    assert_non_null(made);
    made += sizeof begin - 1;
    const char *end = strstr(made, ".\\\" END\n");
    assert_non_null(end);
    if ((size_t)(end - made) != strlen(expected) || memcmp(made, expected, strlen(expected)) != 0)
        fail_msg("make it anew: config_docs man < sensor/sipspan.8 > new.8");
    free(expected);
    free(committed);
}

static char *parse(struct config *config, const char *text)
{
    char *printed;
    size_t size;
    FILE *err = open_memstream(&printed, &size);
    assert_non_null(err);
    struct config_loader loader = {.config = config, .err = err};
    memset(config, 0, sizeof *config);
    config_file_parse(&loader, "example", slice_str(text));
    fclose(err);
    return printed;
}

/* As it is it changes nothing; without the marks of comments before keys and what belongs to them,
   all of it is valid. */
static void test_example_is_valid(void **state)
{
    (void)state;
    struct config config;
    struct config none;
    char *example = printed_by(config_print_example);
    memset(&none, 0, sizeof none);
    char *err = parse(&config, example);
    assert_string_equal(err, "");
    assert_memory_equal(&config, &none, sizeof config);
    free(err);

    char *bare = calloc(1, strlen(example) + 1);
    assert_non_null(bare);
    char *end = bare;
    unsigned keys = 0;
    for (char *save, *line = strtok_r(example, "\n", &save); line;
         line = strtok_r(NULL, "\n", &save)) {
        bool key = line[0] == '#' && islower((unsigned char)line[1]);
        bool more = keys > 0 && strncmp(line, "#  ", 3) == 0;
        keys += key;
        if (key || more)
            end += sprintf(end, "%s\n", line + 1);
    }
    err = parse(&config, bare);
    assert_string_equal(err, "");
    unsigned expected = 0;
    for (size_t i = 0; i < options_count(); i++)
        expected += (options_at(i)->places & OPTION_IN_FILE) != 0;
    assert_int_equal(keys, expected);
    assert_int_equal(config.memory_limit, 1 << 30);
    assert_int_equal(config.peer_count, 3);
    assert_true(config.peer[0].thresholds.latency_ms == 200);
    assert_true(config.peer[0].thresholds.loss_ratio == 0.005);
    assert_true(config.peer[1].thresholds.latency_ms == 0);
    config_fini(&config);
    free(err);
    free(bare);
    free(example);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_help_fits_a_terminal),
        cmocka_unit_test(test_example_is_up_to_date),
        cmocka_unit_test(test_man_page_is_up_to_date),
        cmocka_unit_test(test_example_is_valid),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
