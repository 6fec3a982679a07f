/*
 * A sender whose thread is held by a look-up when it is stopped: nobody waits for that, and what
 * the sender was given may be gone by then. The look-up is this test's own.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <netdb.h>
#include <poll.h>
#include <stdatomic.h>
#include <time.h>

#include "base/log.h"
#include "export/hep_sender.h"

enum { LOOKUP_MS = 1500 };

static _Atomic int begun, ended;

int getaddrinfo(const char *host, const char *service, const struct addrinfo *hints,
                struct addrinfo **result)
{
    (void)host, (void)service, (void)hints;
    atomic_fetch_add(&begun, 1);
    poll(NULL, 0, LOOKUP_MS);
    *result = NULL;
    atomic_fetch_add(&ended, 1);
    return EAI_AGAIN;
}

static int64_t clock_ms(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void wait_for(const _Atomic int *counter)
{
    for (int i = 0; i < 500 && atomic_load(counter) == 0; i++)
        poll(NULL, 0, 10);
    assert_int_equal(atomic_load(counter), 1);
}

static void test_lookup_outlives_the_stop(void **state)
{
    (void)state;
    char error[200] = "", *to = strdup("udp:homer.example.net:9060"), *key = strdup("secret"),
         *node = strdup("sensor-1");
    const struct hep_sender_params params = {.to = to, .key = key, .node = node};
    struct hep_sender *sender = hep_sender_start(&params, error, sizeof error);
    assert_non_null(sender);
    wait_for(&begun);
    int64_t began_ms = clock_ms();
    hep_sender_stop(sender, 0);
    assert_true(clock_ms() - began_ms < LOOKUP_MS - 200);
    assert_int_equal(atomic_load(&ended), 0);
    free(to);
    free(key);
    free(node);
    wait_for(&ended);
    poll(NULL, 0, 300); /* it says that it failed, and to whom; then it frees itself */
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_lookup_outlives_the_stop)};
    log_set_level(LOG_LEVEL_WARNING);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
