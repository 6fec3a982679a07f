#include "flow/tls.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

struct row {
    const char *what;
    struct slice octets;
    enum tls_record record;
    uint8_t alert;
};

#define ROW(what, octets, record, alert)                                                           \
    {                                                                                              \
        (what), {(octets), sizeof(octets) - 1}, (record), (alert)                                  \
    }

static const struct row rows[] = {
    ROW("client hello", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", TLS_CLIENT_HELLO, 0),
    ROW("client hello, cut", "\x16\x03\x01\x00\xf0\x01", TLS_CLIENT_HELLO, 0),
    ROW("server hello", "\x16\x03\x03\x00\x5a\x02\x00\x00\x56\x03\x03", TLS_HANDSHAKE, 0),
    ROW("certificate", "\x16\x03\x03\x0b\x00\x0b\x00\x0a\xfc", TLS_HANDSHAKE, 0),
    ROW("server hello done", "\x16\x03\x03\x00\x04\x0e\x00\x00\x00", TLS_HANDSHAKE, 0),
    ROW("change cipher spec", "\x14\x03\x03\x00\x01\x01", TLS_HANDSHAKE, 0),
    ROW("finished, encrypted", "\x16\x03\x03\x00\x28\x9c\x17\x00\x00", TLS_DATA, 0),
    ROW("encrypted, first octet as a type", "\x16\x03\x03\x00\x28\x02\x77\x01\x02", TLS_DATA, 0),
    ROW("application data", "\x17\x03\x03\x00\x15\x00", TLS_DATA, 0),
    ROW("application data, five octets", "\x17\x03\x03\x00\x15", TLS_DATA, 0),
    ROW("longest record", "\x17\x03\x03\x48\x00", TLS_DATA, 0),
    ROW("handshake failure", "\x15\x03\x03\x00\x02\x02\x28", TLS_ALERT, 40),
    ROW("unknown CA, TLS 1.0", "\x15\x03\x01\x00\x02\x02\x30", TLS_ALERT, 48),
    ROW("close notify", "\x15\x03\x03\x00\x02\x01\x00", TLS_ALERT, 0),
    ROW("alert, encrypted", "\x15\x03\x03\x00\x1a\x8a\x44", TLS_DATA, 0),
    ROW("SSL 3.0", "\x16\x03\x00\x00\x60\x01\x00", TLS_CLIENT_HELLO, 0),
    ROW("nothing", "", TLS_NONE, 0),
    ROW("four octets", "\x16\x03\x01\x02", TLS_NONE, 0),
    ROW("no handshake type yet", "\x16\x03\x01\x02\x00", TLS_NONE, 0),
    ROW("no alert yet", "\x15\x03\x03\x00\x02\x02", TLS_NONE, 0),
    ROW("alert of no level", "\x15\x03\x03\x00\x02\x03\x28", TLS_NONE, 0),
    ROW("alert of one octet", "\x15\x03\x03\x00\x01\x02\x28", TLS_NONE, 0),
    ROW("alert of no octets", "\x15\x03\x03\x00\x00\x02\x28", TLS_NONE, 0),
    ROW("client hello too short to be one", "\x16\x03\x01\x00\x26\x01\x00", TLS_NONE, 0),
    ROW("handshake of no octets", "\x16\x03\x01\x00\x00\x01", TLS_NONE, 0),
    ROW("change cipher spec of two", "\x14\x03\x03\x00\x02\x01", TLS_NONE, 0),
    ROW("record too long", "\x17\x03\x03\x48\x01\x00", TLS_NONE, 0),
    ROW("version 2", "\x16\x02\x00\x00\x60\x01", TLS_NONE, 0),
    ROW("version 3.5", "\x16\x03\x05\x00\x60\x01", TLS_NONE, 0),
    ROW("heartbeat", "\x18\x03\x03\x00\x60\x01", TLS_NONE, 0),
    ROW("DTLS", "\x16\xfe\xfd\x00\x00\x00\x00", TLS_NONE, 0),
    ROW("SIP", "OPTIONS sip:b@example.com SIP/2.0\r\n", TLS_NONE, 0),
    ROW("keep-alive", "\r\n\r\n\r\n", TLS_NONE, 0),
};

static void records(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        size_t len = rows[i].octets.len;
        char *exact = malloc(len ? len : 1);
        assert_non_null(exact);
        memcpy(exact, rows[i].octets.at, len);
        uint8_t alert = 0xa5;
        enum tls_record got = tls_recognise(slice_of(exact, len), &alert);
        if (got != rows[i].record || alert != rows[i].alert)
            fail_msg("%s: %d, alert %u", rows[i].what, (int)got, alert);
        free(exact);
    }
}

/* All that is cut short of telling is none, and nothing is read past the end. */
static void cut_short(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        for (size_t len = 0; len < rows[i].octets.len && len < 5; len++) {
            char *exact = malloc(len ? len : 1);
            assert_non_null(exact);
            memcpy(exact, rows[i].octets.at, len);
            uint8_t alert;
            assert_int_equal(tls_recognise(slice_of(exact, len), &alert), TLS_NONE);
            free(exact);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records),
        cmocka_unit_test(cut_short),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
