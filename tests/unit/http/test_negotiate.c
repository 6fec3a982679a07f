/*
 * negotiate: what real and odd Accept and Accept-Encoding headers get.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "http/negotiate.h"

enum { TEXT = EXPOSITION_TEXT, OM = EXPOSITION_OPENMETRICS };

static void picks_the_format(void **state)
{
    (void)state;
    static const struct {
        const char *accept;
        int format;
    } cases[] = {
        {"", TEXT},
        {"*/*", TEXT},
        {"text/html,application/xhtml+xml,*/*;q=0.8", TEXT},
        /* Prometheus 2.42 and 3. */
        {"application/openmetrics-text;version=1.0.0,application/"
         "openmetrics-text;version=0.0.1;q=0.75,"
         "text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
         OM},
        {"application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
         "application/openmetrics-text;version=0.0.1;q=0.5,text/"
         "plain;version=1.0.0;escaping=allow-utf-8"
         ";q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
         OM},
        {"application/"
         "vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited,"
         "text/plain;version=0.0.4;q=0.5",
         TEXT},
        {"application/openmetrics-text", OM},
        {"APPLICATION/OpenMetrics-Text ; Version=\"1.0.0\" ; Q=0.4", OM},
        {"application/openmetrics-text, text/plain", OM},
        {"application/openmetrics-text;q=0.5, text/plain", TEXT},
        {"application/openmetrics-text;q=0.5, text/*;q=0.6", TEXT},
        {"application/openmetrics-text;q=0.5, text/plain;q=0.499, */*", OM},
        {"application/openmetrics-text;q=0, */*;q=0.1", TEXT},
        {"application/openmetrics-text;version=0.0.1", TEXT},
        {"application/openmetrics-text;version=2.0.0, */*;q=0.1", TEXT},
        {"application/openmetrics-text;version=1.0.0;q=0, application/openmetrics-text", TEXT},
        {"application/*", TEXT},
        {"x/y;a=\"application/openmetrics-text, application/openmetrics-text\"", TEXT},
        {"x/y;a=\"\\\", application/openmetrics-text", TEXT},
        {"application/openmetrics-text;version=", OM},
        {";;;,,,=;q=,\"", TEXT},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct negotiation n = {0};
        negotiate_add_accept(&n, slice_str(cases[i].accept));
        if ((int)negotiate_format(&n) != cases[i].format)
            fail_msg("Accept: %s", cases[i].accept);
    }
}

static void joins_header_lines(void **state)
{
    (void)state;
    struct negotiation n = {0};
    negotiate_add_accept(&n, SLICE("text/plain;q=0.5"));
    negotiate_add_accept(&n, SLICE("application/openmetrics-text;q=0.6"));
    assert_int_equal(negotiate_format(&n), OM);
    negotiate_add_accept(&n, SLICE("text/plain;version=0.0.4;q=0.7"));
    assert_int_equal(negotiate_format(&n), TEXT);
}

static void allows_gzip_where_it_is_asked_for(void **state)
{
    (void)state;
    static const struct {
        const char *accept_encoding;
        bool gzip;
    } cases[] = {
        {"", false},
        {"gzip", true},
        {"deflate, GZIP;q=1.0, br", true},
        {"gzip;q=0", false},
        {"gzip;q=0.000", false},
        {"gzip;q=0.001", true},
        {"gzip;q=0, *", false},
        {"*", true},
        {"*;q=0", false},
        {"*;q=0, gzip", true},
        {"identity", false},
        {"gzipped", false},
        {"x-gzip", true},
        {"gzip;q=rubbish", true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct negotiation n = {0};
        negotiate_add_accept_encoding(&n, slice_str(cases[i].accept_encoding));
        if (negotiate_gzip(&n) != cases[i].gzip)
            fail_msg("Accept-Encoding: %s", cases[i].accept_encoding);
    }
}

/* Every prefix of a header, out of memory exactly as large: no read past the end. */
static void reads_no_further_than_the_header(void **state)
{
    (void)state;
    static const char header[] =
        "a/b;x=\"\\\\\\\", q\";q=0.5 , application/openmetrics-text;q=\"0.125\" ,*";
    for (size_t len = 0; len < sizeof header; len++) {
        char *bytes = malloc(len ? len : 1);
        memcpy(bytes, header, len);
        struct negotiation n = {0};
        negotiate_add_accept(&n, slice_of(bytes, len));
        negotiate_add_accept_encoding(&n, slice_of(bytes, len));
        assert_true(n.openmetrics.weight <= 1000);
        free(bytes);
    }
    struct negotiation n = {0};
    negotiate_add_accept(&n, slice_str(header));
    assert_int_equal(n.openmetrics.weight, 125);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(picks_the_format),
        cmocka_unit_test(joins_header_lines),
        cmocka_unit_test(allows_gzip_where_it_is_asked_for),
        cmocka_unit_test(reads_no_further_than_the_header),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
