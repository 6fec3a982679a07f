/*
 * server: raw requests over loopback, polite and not, and the octets that come back.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <dirent.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zlib.h>

#include "http/server.h"

enum { ANSWER_BYTES_MAX = 256 * 1024, SERIES = 40 };

#define HOST "Host: sensor.example.com\r\n"
#define LAST HOST "Connection: close\r\n\r\n"

static const double bounds[] = {0.1, 1, 10};
static const struct metric_desc counter_desc = {
    .type = METRIC_COUNTER, .name = "sip_requests", .help = "Requests.", .labels = {"method"}};
static const struct metric_desc gauge_desc = {
    .type = METRIC_GAUGE, .name = "sip_calls_active", .help = "Calls now."};
static const struct metric_desc histogram_desc = {.type = METRIC_HISTOGRAM,
                                                  .name = "sip_delay_seconds",
                                                  .help = "Delays.",
                                                  .unit = "seconds",
                                                  .buckets = bounds,
                                                  .bucket_count = 3};

struct fixture {
    struct metrics *metrics;
    struct metric *counter, *gauge, *histogram;
    struct http_server *server;
    _Atomic bool ready;
    char *answer; /* of the last exchange, NUL-terminated */
    size_t answer_len;
};

static bool is_ready(void *arg, char reason[static HTTP_REASON_MAX])
{
    struct fixture *f = arg;
    snprintf(reason, HTTP_REASON_MAX, "waiting for the first packet");
    return atomic_load(&f->ready);
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    f->answer = malloc(ANSWER_BYTES_MAX);
    f->metrics = metrics_create();
    struct metric_family *requests = metrics_add(f->metrics, &counter_desc);
    for (unsigned i = 0; i < SERIES; i++) {
        char method[16];
        snprintf(method, sizeof method, "METHOD%u", i);
        f->counter = metric_series(requests, (const char *const[]){method});
    }
    f->gauge = metrics_add_single(f->metrics, &gauge_desc);
    f->histogram = metrics_add_single(f->metrics, &histogram_desc);
    char error[256] = "";
    const struct http_server_params params = {
        .listen = "127.0.0.1:0",
        .metrics = f->metrics,
        .version = "1.2.3",
        .ready = is_ready,
        .ready_arg = f,
    };
    f->server = http_server_start(&params, error, sizeof error);
    if (!f->server)
        fail_msg("%s", error);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    http_server_stop(f->server);
    http_server_stop(NULL);
    metrics_destroy(f->metrics);
    free(f->answer);
    free(f);
    return 0;
}

/* Sends it all, and reads until the server closes; then f->answer has what came. */
static void exchange(struct fixture *f, const char *request, size_t len)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons(http_server_endpoint(f->server)->port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct timeval patience = {.tv_sec = 10};
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience), 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&to, sizeof to), 0);
    for (size_t sent = 0; sent < len;) {
        ssize_t n = send(fd, request + sent, len - sent, MSG_NOSIGNAL);
        /* A server that refuses early need not read the rest. */
        if (n < 0)
            break;
        sent += (size_t)n;
    }
    f->answer_len = 0;
    ssize_t n;
    while ((n = recv(fd, f->answer + f->answer_len, ANSWER_BYTES_MAX - 1 - f->answer_len, 0)) > 0)
        f->answer_len += (size_t)n;
    f->answer[f->answer_len] = 0;
    close(fd);
}

static void ask(struct fixture *f, const char *request)
{
    exchange(f, request, strlen(request));
}

static bool answered(const struct fixture *f, const char *text)
{
    return strstr(f->answer, text) != NULL;
}

static bool status_is(const struct fixture *f, unsigned status)
{
    char line[32];
    snprintf(line, sizeof line, "HTTP/1.1 %u ", status);
    return strncmp(f->answer, line, strlen(line)) == 0;
}

static const char *body_of(const struct fixture *f)
{
    const char *end = strstr(f->answer, "\r\n\r\n");
    assert_non_null(end);
    return end + 4;
}

static size_t count_answers(const struct fixture *f)
{
    size_t count = 0;
    for (const char *at = f->answer; (at = strstr(at, "HTTP/1.1 ")); at++)
        count++;
    return count;
}

static void gives_text_by_default(void **state)
{
    struct fixture *f = *state;
    metric_add(f->counter, 7);
    ask(f, "GET /metrics HTTP/1.1\r\n" LAST);
    assert_true(status_is(f, 200));
    assert_true(answered(f, "\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n"));
    assert_true(answered(f, "\r\nCache-Control: no-store\r\n"));
    assert_true(answered(f, "\r\nX-Content-Type-Options: nosniff\r\n"));
    assert_true(answered(f, "\r\nContent-Security-Policy: default-src 'self'; "));
    assert_true(answered(f, "\r\nVary: Accept, Accept-Encoding\r\n"));
    assert_false(answered(f, "Content-Encoding"));
    assert_true(answered(f, "\n# TYPE sip_requests_total counter\n"));
    assert_true(answered(f, "\nsip_requests_total{method=\"METHOD39\"} 7\n"));
    assert_true(answered(f, "\nprocess_cpu_seconds_total "));
    assert_false(answered(f, "# EOF"));
    /* Odd wishes get the same. */
    ask(f, "GET /metrics HTTP/1.1\r\nAccept: ;;q=\"\r\n" LAST);
    assert_true(status_is(f, 200));
    assert_true(answered(f, "text/plain; version=0.0.4"));
}

static void gives_openmetrics_where_asked(void **state)
{
    struct fixture *f = *state;
    ask(f, "GET /metrics HTTP/1.1\r\nAccept: text/plain;q=0.5\r\n"
           "Accept: application/openmetrics-text;version=1.0.0\r\n" LAST);
    assert_true(status_is(f, 200));
    assert_true(answered(
        f, "\r\nContent-Type: application/openmetrics-text; version=1.0.0; charset=utf-8\r\n"));
    assert_true(answered(f, "\n# TYPE sip_requests counter\n"));
    assert_true(answered(f, "\n# TYPE process_cpu_seconds counter\n"));
    assert_string_equal(f->answer + f->answer_len - 6, "# EOF\n");
}

static void compresses_where_allowed(void **state)
{
    struct fixture *f = *state;
    ask(f, "GET /metrics HTTP/1.1\r\nAccept: application/openmetrics-text\r\n"
           "Accept-Encoding: deflate, gzip\r\n" LAST);
    assert_true(status_is(f, 200));
    assert_true(answered(f, "\r\nContent-Encoding: gzip\r\n"));
    const char *body = body_of(f);
    char *plain = malloc(ANSWER_BYTES_MAX);
    z_stream z = {.next_in = (Bytef *)(uintptr_t)body,
                  .avail_in = (uInt)(f->answer_len - (size_t)(body - f->answer)),
                  .next_out = (Bytef *)plain,
                  .avail_out = ANSWER_BYTES_MAX - 1};
    assert_int_equal(inflateInit2(&z, 15 + 16), Z_OK);
    assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
    assert_int_equal(z.avail_in, 0);
    plain[z.total_out] = 0;
    inflateEnd(&z);
    assert_int_equal(strncmp(plain, "# HELP sip_requests Requests.\n", 30), 0);
    assert_non_null(strstr(plain, "\n# EOF\n"));
    free(plain);

    /* Not what is small, nor where it is refused. */
    ask(f, "GET /-/healthy HTTP/1.1\r\nAccept-Encoding: gzip\r\n" LAST);
    assert_string_equal(body_of(f), "healthy\n");
    ask(f, "GET /metrics HTTP/1.1\r\nAccept-Encoding: gzip;q=0\r\n" LAST);
    assert_false(answered(f, "Content-Encoding"));
}

static void answers_head_without_a_body(void **state)
{
    struct fixture *f = *state;
    ask(f, "HEAD /metrics HTTP/1.1\r\n" LAST);
    assert_true(status_is(f, 200));
    assert_true(answered(f, "\r\nContent-Type: text/plain; version=0.0.4"));
    const char *length = strstr(f->answer, "\r\nContent-Length: ");
    assert_non_null(length);
    assert_true(strtoul(length + 18, NULL, 10) > 1000);
    assert_string_equal(body_of(f), "");
}

static void tells_health(void **state)
{
    struct fixture *f = *state;
    ask(f, "GET /-/healthy HTTP/1.1\r\n" LAST);
    assert_true(status_is(f, 200));
    assert_string_equal(body_of(f), "healthy\n");
    ask(f, "GET /-/ready HTTP/1.1\r\n" LAST);
    assert_true(status_is(f, 503));
    assert_string_equal(body_of(f), "not ready: waiting for the first packet\n");
    atomic_store(&f->ready, true);
    ask(f, "GET /-/ready?verbose=1 HTTP/1.1\r\n" LAST);
    assert_true(status_is(f, 200));
    assert_string_equal(body_of(f), "ready\n");
}

static void has_a_landing_page(void **state)
{
    struct fixture *f = *state;
    ask(f, "GET / HTTP/1.1\r\n" LAST);
    assert_true(status_is(f, 200));
    assert_true(answered(f, "\r\nContent-Type: text/html; charset=utf-8\r\n"));
    assert_true(answered(f, "<h1>sipspan 1.2.3</h1>"));
    assert_true(answered(f, "<a href=\"/metrics\">/metrics</a>"));
    assert_true(answered(f, "<a href=\"/-/healthy\">"));
    assert_true(answered(f, "<a href=\"/-/ready\">"));
}

static void routes_exact_paths_only(void **state)
{
    struct fixture *f = *state;
    static const char *const others[] = {"/metrics/",   "/metric",     "/METRICS", "//metrics",
                                         "/%6detrics",  "/metrics%00", "/./",      "/-/ready/x",
                                         "/etc/passwd", "/../",        "/api/v1"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        char request[128];
        snprintf(request, sizeof request, "GET %s HTTP/1.1\r\n" LAST, others[i]);
        ask(f, request);
        if (!status_is(f, 404))
            fail_msg("%s: %.40s", others[i], f->answer);
        assert_string_equal(body_of(f), "not found; there are: / /metrics /-/healthy /-/ready\n");
        assert_true(answered(f, "\r\nContent-Type: text/plain; charset=utf-8\r\n"));
        assert_true(answered(f, "\r\nX-Content-Type-Options: nosniff\r\n"));
    }
}

static void refuses_other_methods(void **state)
{
    struct fixture *f = *state;
    static const char *const requests[] = {
        "POST /metrics HTTP/1.1\r\n" LAST,
        "POST /metrics HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nhello",
        "POST /metrics HTTP/1.1\r\n" HOST "Expect: 100-continue\r\nContent-Length: 5\r\n\r\n",
        "PUT /-/ready HTTP/1.1\r\n" HOST
        "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        "DELETE / HTTP/1.1\r\n" LAST,
        "OPTIONS / HTTP/1.1\r\n" LAST,
        "get /metrics HTTP/1.1\r\n" LAST,
        "TRACE /nowhere HTTP/1.1\r\n" LAST,
    };
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
        ask(f, requests[i]);
        if (!status_is(f, 405) || !answered(f, "\r\nAllow: GET, HEAD\r\n"))
            fail_msg("%s: %s", requests[i], f->answer);
        assert_int_equal(count_answers(f), 1);
    }
}

/* What comes as a body is never taken for the next request. */
static void refuses_bodies(void **state)
{
    struct fixture *f = *state;
#define SMUGGLED "GET /-/healthy HTTP/1.1\r\n" HOST "\r\n"
    static const char *const requests[] = {
        "GET /metrics HTTP/1.1\r\n" HOST "Content-Length: 53\r\n\r\n" SMUGGLED,
        "GET /metrics HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nhello" SMUGGLED,
        "GET /metrics HTTP/1.1\r\n" HOST "Content-Length: 0\r\nContent-Length: 53\r\n\r\n" SMUGGLED,
        "GET /metrics HTTP/1.1\r\n" HOST "Content-Length: 53\r\nContent-Length: 0\r\n\r\n" SMUGGLED,
        "GET /metrics HTTP/1.1\r\n" HOST "Content-Length: +53\r\n\r\n" SMUGGLED,
        "GET /metrics HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n35\r\n" SMUGGLED
        "\r\n0\r\n\r\n",
        "GET /metrics HTTP/1.1\r\n" HOST
        "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n" SMUGGLED,
        "HEAD /metrics HTTP/1.1\r\n" HOST "Transfer-Encoding: identity\r\n\r\n" SMUGGLED,
    };
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
        ask(f, requests[i]);
        if (!status_is(f, 400) || answered(f, "healthy") || answered(f, " 200 "))
            fail_msg("%s: %s", requests[i], f->answer);
    }
}

static void keeps_a_connection_for_more_requests(void **state)
{
    struct fixture *f = *state;
    ask(f, "HEAD /-/ready HTTP/1.1\r\n" HOST "\r\n"
           "GET /-/healthy HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n"
           "GET /nowhere HTTP/1.1\r\n" HOST "\r\n"
           "GET / HTTP/1.1\r\n" LAST);
    assert_int_equal(count_answers(f), 4);
    assert_true(answered(f, "\r\n\r\nhealthy\n"));
    assert_true(answered(f, "</html>\n"));
}

static void bounds_what_a_request_may_hold(void **state)
{
    struct fixture *f = *state;
    enum { HEADERS_LEN = 100000 };
    char *request = malloc(HEADERS_LEN + 200);
    memcpy(request, "GET /", 5);
    memset(request + 5, 'a', 2047);
    strcpy(request + 5 + 2047, " HTTP/1.1\r\n" LAST);
    ask(f, request);
    assert_true(status_is(f, 404));
    memcpy(request, "GET /?", 6);
    strcpy(request + 5 + 2047, "a HTTP/1.1\r\n" LAST);
    ask(f, request);
    assert_true(status_is(f, 414));
    assert_int_equal(count_answers(f), 1);

    memset(request, 'a', HEADERS_LEN);
    memcpy(request, "GET / HTTP/1.1\r\nX: ", 19);
    strcpy(request + HEADERS_LEN, "\r\n" LAST);
    ask(f, request);
    assert_false(answered(f, " 200 "));
    free(request);
    ask(f, "GET /-/healthy HTTP/1.1\r\n" LAST);
    assert_true(status_is(f, 200));
}

static void survives_what_is_no_http(void **state)
{
    struct fixture *f = *state;
    static const char rubbish[] = "\x16\x03\x01\0\xa5\x01\0\0\xa1\r\n\r\n\r\n\r\n";
    exchange(f, rubbish, sizeof rubbish - 1);
    assert_false(answered(f, " 200 "));
    ask(f, "INVITE sip:+15550100@example.com SIP/2.0\r\n\r\n");
    assert_false(answered(f, " 200 "));
    ask(f, "GET /-/healthy HTTP/1.1\r\n" LAST);
    assert_true(status_is(f, 200));
}

struct writing {
    struct fixture *fixture;
    _Atomic bool stop;
};

static void *write_metrics(void *arg)
{
    struct writing *w = arg;
    for (unsigned i = 0; !atomic_load(&w->stop); i++) {
        metric_add(w->fixture->counter, 1);
        metric_set(w->fixture->gauge, i);
        metric_observe(w->fixture->histogram, i % 20);
    }
    return NULL;
}

static uint64_t read_count(const struct fixture *f, const char *series)
{
    const char *at = strstr(f->answer, series);
    assert_non_null(at);
    return strtoull(at + strlen(series), NULL, 10);
}

static void is_scraped_while_metrics_are_written(void **state)
{
    struct fixture *f = *state;
    struct writing w = {.fixture = f};
    pthread_t writer;
    assert_int_equal(pthread_create(&writer, NULL, write_metrics, &w), 0);
    uint64_t before = 0;
    for (unsigned i = 0; i < 50; i++) {
        ask(f, i % 2 ? "GET /metrics HTTP/1.1\r\n" LAST
                     : "GET /metrics HTTP/1.1\r\nAccept: application/openmetrics-text\r\n" LAST);
        assert_true(status_is(f, 200));
        uint64_t now = read_count(f, "\nsip_requests_total{method=\"METHOD39\"} ");
        assert_true(now >= before);
        before = now;
        uint64_t infinite = read_count(f, "\nsip_delay_seconds_bucket{le=\"+Inf\"} ");
        assert_true(read_count(f, "\nsip_delay_seconds_count ") == infinite);
        assert_true(read_count(f, "\nsip_delay_seconds_bucket{le=\"10") <= infinite);
    }
    atomic_store(&w.stop, true);
    pthread_join(writer, NULL);
    assert_true(before > 0);
}

/* Stops although a client holds a connection and has sent half a request. */
static void stops_with_connections_open(void **state)
{
    struct fixture *f = *state;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons(http_server_endpoint(f->server)->port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    assert_int_equal(connect(fd, (const struct sockaddr *)&to, sizeof to), 0);
    assert_int_equal(send(fd, "GET /met", 8, 0), 8);
    ask(f, "GET /-/healthy HTTP/1.1\r\n" LAST);
    http_server_stop(f->server);
    f->server = NULL;
    char octet;
    assert_true(recv(fd, &octet, 1, 0) <= 0);
    close(fd);
}

/* Whether a thread of this process blocks SIGTERM, as proc(5) tells. */
static bool blocks_sigterm(const char *thread)
{
    char path[64];
    char line[256];
    snprintf(path, sizeof path, "/proc/self/task/%.16s/status", thread);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    unsigned long long mask = 0;
    while (fgets(line, sizeof line, file))
        if (strncmp(line, "SigBlk:", 7) == 0)
            mask = strtoull(line + 7, NULL, 16);
    fclose(file);
    return mask >> (SIGTERM - 1) & 1;
}

static void leaves_signals_to_others(void **state)
{
    (void)state;
    char self[16];
    snprintf(self, sizeof self, "%d", (int)getpid());
    assert_false(blocks_sigterm(self));
    DIR *threads = opendir("/proc/self/task");
    assert_non_null(threads);
    unsigned others = 0;
    for (const struct dirent *entry; (entry = readdir(threads));) {
        if (entry->d_name[0] == '.' || strcmp(entry->d_name, self) == 0)
            continue;
        assert_true(blocks_sigterm(entry->d_name));
        others++;
    }
    closedir(threads);
    assert_true(others > 0);
}

static void says_why_it_cannot_start(void **state)
{
    struct fixture *f = *state;
    char address[ENDPOINT_TEXT_MAX];
    char error[256] = "";
    struct http_server_params params = {
        .listen = endpoint_format(http_server_endpoint(f->server), address),
        .metrics = f->metrics,
        .version = "1.2.3"};
    assert_null(http_server_start(&params, error, sizeof error));
    assert_non_null(strstr(error, ": Address already in use; another sipspan? choose another "));

    /* Enough file descriptors for the socket, not for what libmicrohttpd needs. */
    params.listen = "127.0.0.1:0";
    struct rlimit before;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    int next = dup(0);
    assert_true(next >= 0);
    close(next);
    struct rlimit limit = {.rlim_cur = (rlim_t)next + 1, .rlim_max = before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    struct http_server *server = http_server_start(&params, error, sizeof error);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_null(server);
    assert_non_null(strstr(error, "cannot start the HTTP server on 127.0.0.1:"));
}

#define server_test(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        server_test(gives_text_by_default),
        server_test(gives_openmetrics_where_asked),
        server_test(compresses_where_allowed),
        server_test(answers_head_without_a_body),
        server_test(tells_health),
        server_test(has_a_landing_page),
        server_test(routes_exact_paths_only),
        server_test(refuses_other_methods),
        server_test(refuses_bodies),
        server_test(keeps_a_connection_for_more_requests),
        server_test(bounds_what_a_request_may_hold),
        server_test(survives_what_is_no_http),
        server_test(is_scraped_while_metrics_are_written),
        server_test(stops_with_connections_open),
        server_test(leaves_signals_to_others),
        server_test(says_why_it_cannot_start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
