/* What operators are told: once when it begins, once when it is over. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/log.h"
#include "export/kafka_log.h"
#include "export/kafka_settings.h"

#define SECOND INT64_C(1000000000)

static int saved_stderr;
static FILE *said;

static int set_up(void **state)
{
    (void)state;
    log_set_level(LOG_LEVEL_INFO);
    said = tmpfile();
    saved_stderr = dup(STDERR_FILENO);
    fflush(stderr);
    return said && dup2(fileno(said), STDERR_FILENO) >= 0 ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    fflush(stderr);
    dup2(saved_stderr, STDERR_FILENO);
    close(saved_stderr);
    return fclose(said);
}

/* What was said since the last call. */
static const char *words(void)
{
    static char text[4096];
    fflush(stderr);
    rewind(said);
    text[fread(text, 1, sizeof text - 1, said)] = 0;
    if (ftruncate(fileno(said), 0) != 0)
        fail();
    lseek(fileno(said), 0, SEEK_SET);
    return text;
}

static void says(const char *part)
{
    const char *text = words();
    if (!strstr(text, part))
        fail_msg("no '%s' in '%s'", part, text);
    assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1); /* one line */
}

static void is_cleaned(const char *from, const char *to)
{
    char reason[KAFKA_REASON_MAX];
    kafka_log_clean(from, reason);
    assert_string_equal(reason, to);
}

static void test_words_are_cleaned(void **state)
{
    (void)state;
    is_cleaned("", "");
    is_cleaned("plain", "plain");
    is_cleaned(
        "192.0.2.1:9092/bootstrap: Connect to ipv4#192.0.2.1:9092 failed: Connection refused "
        "(after 0ms in state CONNECT)",
        "192.0.2.1:9092: Connect to ipv4#192.0.2.1:9092 failed: Connection refused");
    is_cleaned("[thrd:main]: a\nb\x1b[2J", "a?b?[2J");
    is_cleaned("x (after 1ms) /bootstrap", "x");
    char longer[2 * KAFKA_REASON_MAX + 1], reason[KAFKA_REASON_MAX];
    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = 0;
    kafka_log_clean(longer, reason);
    assert_int_equal(strlen(reason), KAFKA_REASON_MAX - 1);
}

static void test_trouble_is_said_once_and_its_end(void **state)
{
    (void)state;
    struct kafka_log log = {.trouble = KAFKA_WELL};
    kafka_log_well(&log);
    says("Kafka: connected\n");
    kafka_log_well(&log);
    assert_string_equal(words(), "");
    kafka_log_trouble(&log, KAFKA_UNREACHABLE, "refused", SECOND);
    says("error: Kafka: refused: is a broker listening there");
    kafka_log_trouble(&log, KAFKA_UNREACHABLE, "refused", 2 * SECOND);
    assert_string_equal(words(), "");
    /* Two brokers, each with its own trouble, take turns. */
    kafka_log_trouble(&log, KAFKA_NAME_UNKNOWN, "unknown", 3 * SECOND);
    says("unknown");
    kafka_log_trouble(&log, KAFKA_UNREACHABLE, "refused", 4 * SECOND);
    kafka_log_trouble(&log, KAFKA_NAME_UNKNOWN, "unknown", 5 * SECOND);
    assert_string_equal(words(), "");
    kafka_log_trouble(&log, KAFKA_UNREACHABLE, "refused", 600 * SECOND);
    says("refused");
    kafka_log_well(&log);
    says("connected again");
    kafka_log_trouble(&log, KAFKA_UNREACHABLE, "refused", 601 * SECOND);
    says("refused");
}

static void test_topics_have_their_own_lines(void **state)
{
    (void)state;
    struct kafka_log log = {.trouble = KAFKA_WELL};
    kafka_log_topic_taken(&log, FAMILY_RTP, "r");
    assert_string_equal(words(), "");
    kafka_log_topic_refused(&log, FAMILY_RTP, "r", "no");
    says("topic r cannot be written: no: create it");
    kafka_log_topic_refused(&log, FAMILY_RTP, "r", "no");
    kafka_log_topic_taken(&log, FAMILY_CALLS, "c");
    assert_string_equal(words(), "");
    kafka_log_topic_taken(&log, FAMILY_RTP, "r");
    says("topic r can be written again");
}

static void test_secrets_are_known(void **state)
{
    (void)state;
    static const char *const secret[] = {"sasl.password",
                                         "ssl.key.pem",
                                         "ssl.key.password",
                                         "sasl.oauthbearer.client.secret",
                                         "sasl.oauthbearer.config",
                                         "ssl.keystore.password",
                                         "sasl.username"};
    for (size_t i = 0; i < sizeof secret / sizeof secret[0]; i++)
        assert_true(kafka_setting_is_secret(secret[i]));
    assert_false(kafka_setting_is_secret("linger.ms"));
    assert_false(kafka_setting_is_secret("security.protocol"));
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words_are_cleaned),
        TEST(test_trouble_is_said_once_and_its_end),
        TEST(test_topics_have_their_own_lines),
        cmocka_unit_test(test_secrets_are_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
