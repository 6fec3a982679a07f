/* Events as lines of a file: appended, counted, and lost in a way that is said. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/log.h"
#include "export/sink_file.h"

static char folder[] = "/tmp/sipspan-sink-XXXXXX";
static char path[64], error_text[256];

static int set_up(void **state)
{
    (void)state;
    log_set_level(LOG_LEVEL_ERROR);
    memcpy(folder + sizeof folder - 7, "XXXXXX", 6);
    if (!mkdtemp(folder))
        return -1;
    snprintf(path, sizeof path, "%s/events.ndjson", folder);
    error_text[0] = 0;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(folder);
}

static struct sink_file *open_sink(const char *at)
{
    struct sink_file *sink = sink_file_open(at, "sensor-1", error_text, sizeof error_text);
    if (!sink)
        fail_msg("%s", error_text);
    return sink;
}

static void write_ended(struct sink_file *sink, const char *call_id)
{
    struct event event = {
        .type = EVENT_CALL_ENDED,
        .time_ns = 0,
        .id = "0123",
        .call_ended = {.call_id = slice_str(call_id),
                       .state = CALL_STATE_FAILED,
                       .started_ns = EVENT_NO_TIME,
                       .answered_ns = EVENT_NO_TIME,
                       .ended_ns = EVENT_NO_TIME,
                       .duration_ns = EVENT_NO_DURATION,
                       .first_response_ns = EVENT_NO_DURATION,
                       .post_dial_delay_ns = EVENT_NO_DURATION},
    };
    sink_file_write(sink, &event);
}

static void write_unanswered(struct sink_file *sink)
{
    struct event event = {
        .type = EVENT_INVITE_UNANSWERED,
        .id = "4567",
        .invite_unanswered = {.call_id = SLICE("u"), .cause = {.summary = "S.", .next_step = "N."}},
    };
    sink_file_write(sink, &event);
}

/* The Call-IDs of a file's lines, each of which must be a whole object: "a b c ". */
static const char *call_ids(const char *file)
{
    static char ids[4096];
    static char line[1 << 20];
    FILE *in = fopen(file, "r");
    size_t used = 0;
    assert_non_null(in);
    ids[0] = 0;
    while (fgets(line, sizeof line, in)) {
        size_t len = strlen(line);
        assert_int_equal(line[len - 1], '\n');
        json_t *object = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
        if (!object)
            fail_msg("not JSON: %s", line);
        const char *id = json_string_value(json_object_get(object, "subject"));
        assert_non_null(id);
        used += (size_t)snprintf(ids + used, sizeof ids - used, "%.8s ", id);
        json_decref(object);
    }
    fclose(in);
    return ids;
}

static void test_append(void **state)
{
    (void)state;
    struct sink_file *sink = open_sink(path);
    write_ended(sink, "a");
    write_unanswered(sink);
    sink_file_close(sink); /* writes what is left */
    assert_string_equal(call_ids(path), "a u ");
    sink = open_sink(path);
    write_ended(sink, "b");
    sink_file_close(sink);
    assert_string_equal(call_ids(path), "a u b ");
}

/* Somebody may cut the file while it is open (logrotate's copytruncate): no hole of NULs is left.
 */
static void test_truncated_by_another(void **state)
{
    (void)state;
    struct sink_file *sink = open_sink(path);
    write_ended(sink, "a");
    sink_file_flush(sink);
    assert_int_equal(truncate(path, 0), 0);
    write_ended(sink, "b");
    sink_file_close(sink);
    assert_string_equal(call_ids(path), "b ");
}

/* An event holds numbers and names of people: nobody else may read it. */
static void test_mode(void **state)
{
    struct stat st;
    (void)state;
    mode_t mask = umask(0);
    sink_file_close(open_sink(path));
    umask(mask);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07007, 0);
}

static void test_flush_and_stats(void **state)
{
    struct sink_stats stats;
    (void)state;
    struct sink_file *sink = open_sink(path);
    write_ended(sink, "a");
    write_ended(sink, "b");
    write_unanswered(sink);
    sink_file_stats(sink, &stats);
    assert_int_equal(stats.written[EVENT_CALL_ENDED], 0);
    assert_true(stats.queued_bytes > 0);
    sink_file_flush(sink);
    assert_string_equal(call_ids(path), "a b u ");
    sink_file_stats(sink, &stats);
    assert_int_equal(stats.written[EVENT_CALL_ENDED], 2);
    assert_int_equal(stats.written[EVENT_INVITE_UNANSWERED], 1);
    assert_int_equal(stats.failed[EVENT_CALL_ENDED], 0);
    assert_int_equal(stats.queued_bytes, 0);
    sink_file_flush(sink); /* nothing left: nothing written */
    assert_string_equal(call_ids(path), "a b u ");
    sink_file_close(sink);
}

/* More than the queue holds goes out by itself, each line whole. */
static void test_many_events(void **state)
{
    enum { COUNT = 20000 };
    struct sink_stats stats;
    struct stat st;
    (void)state;
    struct sink_file *sink = open_sink(path);
    for (int i = 0; i < COUNT; i++)
        write_ended(sink, "a-call-id-of-some-length@example.com");
    sink_file_stats(sink, &stats);
    assert_true(stats.written[EVENT_CALL_ENDED] > 0);
    assert_true(stats.queued_bytes <= 1 << 20);
    sink_file_close(sink);
    assert_int_equal(stat(path, &st), 0);
    FILE *in = fopen(path, "r");
    int lines = 0;
    for (int c; (c = fgetc(in)) != EOF;)
        lines += c == '\n';
    fclose(in);
    assert_int_equal(lines, COUNT);
}

static void test_full_disk(void **state)
{
    struct sink_stats stats;
    (void)state;
    log_set_level((enum log_level) - 1); /* what it says is for operators, not for this test */
    struct sink_file *sink = open_sink("/dev/full");
    write_ended(sink, "a");
    write_unanswered(sink);
    write_unanswered(sink);
    sink_file_flush(sink);
    sink_file_stats(sink, &stats);
    assert_int_equal(stats.failed[EVENT_CALL_ENDED], 1);
    assert_int_equal(stats.failed[EVENT_INVITE_UNANSWERED], 2);
    assert_int_equal(stats.written[EVENT_CALL_ENDED], 0);
    assert_int_equal(stats.queued_bytes, 0); /* it does not pile up */
    write_ended(sink, "b");
    sink_file_close(sink);
}

/*
 * A file that may grow no further: the limit on file sizes stands in for the disk, which takes half
 * of what is written and then refuses. Whole lines stay, no half line.
 */
static void test_no_half_line(void **state)
{
    struct sink_stats stats;
    struct rlimit limit, before;
    struct stat st;
    (void)state;
    log_set_level((enum log_level) - 1);
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    struct sink_file *sink = open_sink(path);
    write_ended(sink, "a");
    sink_file_flush(sink);
    assert_int_equal(stat(path, &st), 0);
    limit = (struct rlimit){(rlim_t)st.st_size + 100, before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    write_ended(sink, "b");
    sink_file_flush(sink);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_string_equal(call_ids(path), "a ");
    write_ended(sink, "c"); /* there is room again */
    sink_file_flush(sink);
    sink_file_stats(sink, &stats);
    assert_int_equal(stats.written[EVENT_CALL_ENDED], 2);
    assert_int_equal(stats.failed[EVENT_CALL_ENDED], 1);
    assert_string_equal(call_ids(path), "a c ");
    sink_file_close(sink);
}

static void test_cannot_be_opened(void **state)
{
    (void)state;
    assert_null(sink_file_open("/nonexistent/folder/events", "s", error_text, sizeof error_text));
    assert_non_null(strstr(error_text, "/nonexistent/folder/events"));
    assert_non_null(strstr(error_text, "No such file or directory"));
    assert_null(sink_file_open(folder, "s", error_text, sizeof error_text));
    assert_non_null(strstr(error_text, "Is a directory"));
    char small[8];
    assert_null(sink_file_open(folder, "s", small, sizeof small));
    assert_int_equal(strlen(small), sizeof small - 1);
}

static void test_standard_output(void **state)
{
    (void)state;
    fflush(stdout);
    int kept = dup(STDOUT_FILENO);
    FILE *into = fopen(path, "w");
    assert_non_null(into);
    assert_true(dup2(fileno(into), STDOUT_FILENO) >= 0);
    struct sink_file *sink = sink_file_open("-", "sensor-1", error_text, sizeof error_text);
    write_ended(sink, "a");
    sink_file_close(sink);
    /* Standard output stays open for the report. */
    ssize_t n = write(STDOUT_FILENO, "", 0);
    dup2(kept, STDOUT_FILENO);
    close(kept);
    fclose(into);
    assert_int_equal(n, 0);
    assert_string_equal(call_ids(path), "a ");
}

static void test_close_nothing(void **state)
{
    (void)state;
    sink_file_close(NULL);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_append),          TEST(test_truncated_by_another), TEST(test_mode),
        TEST(test_flush_and_stats), TEST(test_many_events),          TEST(test_full_disk),
        TEST(test_no_half_line),    TEST(test_cannot_be_opened),     TEST(test_standard_output),
        TEST(test_close_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
