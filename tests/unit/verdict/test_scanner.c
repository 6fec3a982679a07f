/* Who is told as a scanner, by what a message shows or by how a source behaves, and above all who
 * is not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "verdict/scanner.h"

#define MS INT64_C(1000000)
#define S  (1000 * MS)
#define T0 (INT64_C(1767225600) * S)

static struct endpoint at(uint8_t host, uint16_t port)
{
    return (struct endpoint){ip_from_v4((const uint8_t[4]){192, 0, 2, host}), port};
}

/* An INVITE of some telephone, which shows nothing. */
static struct scanner_request plain(void)
{
    return (struct scanner_request){
        .src = at(10, 5060),
        .dst = at(20, 5060),
        .user_agent = SLICE("Phone 1.0"),
        .from = SLICE("\"Alice\" <sip:alice@example.com>;tag=a1b2c3"),
        .from_uri = SLICE("sip:alice@example.com"),
        .from_tag = SLICE("a1b2c3"),
        .call_id = SLICE("1234567890"), /* only decimal digits, as some honest ones have them */
        .request_uri = SLICE("sip:bob@example.com"),
    };
}

static struct slice tell(struct scanners *scanners, const struct scanner_request *request,
                         int64_t now_ns)
{
    return scanners_request(scanners, request, now_ns);
}

#define assert_words(words, text)                                                                  \
    do {                                                                                           \
        struct slice got_ = (words);                                                               \
        if (!slice_eq(got_, slice_str(text)))                                                      \
            fail_msg("\"%.*s\" is not \"%s\"", SLICE_ARGS(got_), (text));                          \
    } while (0)

static void test_agents(void **state)
{
    static const struct {
        const char *agent, *words;
    } cases[] = {
        {"friendly-scanner", "friendly-scanner"},
        {"Friendly-Scanner", "friendly-scanner"},
        {"friendly-request", "friendly-request"},
        {"sipvicious", "sipvicious"},
        {"sipcli/v1.8", "sipcli"},
        {"sipcli/v2.2", "sipcli"},
        {"sip-scan", "sip-scan"},
        {"sundayddr", "sundayddr"},
        {"iWar", "iWar"},
        {"pplsip", "pplsip"},
        {"Gulp", "Gulp"},
        {"smap 0.6.0", "smap"},
        {"VaxSIPUserAgent/3.1", "VaxSIPUserAgent"},
        {"sipsak 0.9.6", "sipsak"},
        {"SIP Call", "SIP Call"},
        {"", ""},
        {"Gulpware Phone", ""},
        {"smapper", ""},
        {"iWarsaw PBX", ""},
        {"sip-scanner", ""},
        {"Cisco-SIPGateway/IOS-12.x", ""},
        {"eyeBeam release 3006o stamp 17551", ""},
        {"Asterisk PBX friendly-scanner", ""},
        {"friendly-scanne", ""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct scanners *scanners = scanners_create(16);
        struct scanner_request request = plain();
        request.user_agent = slice_str(cases[i].agent);
        assert_words(tell(scanners, &request, T0), cases[i].words);
        assert_int_equal(scanners_stats(scanners)->requests, *cases[i].words != 0);
        assert_int_equal(scanners_stats(scanners)->sources, *cases[i].words != 0);
        scanners_destroy(scanners);
    }
}

/* The target's address and port, or the user that it tries, in hex in the From tag. */
static void test_tags(void **state)
{
    static const struct {
        const char *tag, *from_uri, *request_uri, *words;
    } cases[] = {
        /* c0000214 13c4: 192.0.2.20 and 5060; 1; 1234 */
        {"6330303030323134313363340131323334", "sip:a@b", "sip:c@d", "sipvicious (From tag)"},
        /* the same, to port 5080 */
        {"6330303030323134313364380131323334", "sip:a@b", "sip:c@d", ""},
        /* c0000215: another host */
        {"6330303030323135313363340131323334", "sip:a@b", "sip:c@d", ""},
        /* 101, alone and with a password */
        {"3130310131", "sip:101@192.0.2.20", "sip:192.0.2.20", "sipvicious (From tag)"},
        {"3130310131", "sip:x@192.0.2.20", "sip:101@192.0.2.20", "sipvicious (From tag)"},
        {"3130313A70770131", "sip:101@192.0.2.20", "sip:c@d", "sipvicious (From tag)"},
        {"3130310131", "sip:102@192.0.2.20", "sip:103@192.0.2.20", ""},
        {"313031310131", "sip:101@192.0.2.20", "sip:c@d", ""},
        /* no 1, nothing behind it, nothing before it, no digits behind it, no hex, an odd digit */
        {"313031", "sip:101@192.0.2.20", "sip:c@d", ""},
        {"31303101", "sip:101@192.0.2.20", "sip:c@d", ""},
        {"0131", "sip:@192.0.2.20", "sip:192.0.2.20", ""},
        {"313031013141", "sip:101@192.0.2.20", "sip:c@d", ""},
        {"313031013g", "sip:101@192.0.2.20", "sip:c@d", ""},
        {"31303101313", "sip:101@192.0.2.20", "sip:c@d", ""},
        {"", "sip:101@192.0.2.20", "sip:c@d", ""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct scanners *scanners = scanners_create(16);
        struct scanner_request request = plain();
        request.from_tag = slice_str(cases[i].tag);
        request.from_uri = slice_str(cases[i].from_uri);
        request.request_uri = slice_str(cases[i].request_uri);
        struct slice words = tell(scanners, &request, T0);
        if (!slice_eq(words, slice_str(cases[i].words)))
            fail_msg("%s: \"%.*s\"", cases[i].tag, SLICE_ARGS(words));
        scanners_destroy(scanners);
    }
}

/* Tags longer than any that is looked into, of what could be one. */
static void test_long_tag(void **state)
{
    struct scanners *scanners = scanners_create(16);
    struct scanner_request request = plain();
    char tag[400];
    (void)state;
    memset(tag, '3', sizeof tag);
    memcpy(tag, "3130310", 7);
    tag[7] = '1';
    request.from_uri = SLICE("sip:101@example.com");
    for (size_t len = 0; len <= sizeof tag; len++) {
        request.from_tag = slice_of(tag, len);
        bool is_one = len >= 10 && len <= 128 && len % 2 == 0;
        assert_words(tell(scanners, &request, T0), is_one ? "sipvicious (From tag)" : "");
    }
    scanners_destroy(scanners);
}

static void test_from(void **state)
{
    struct scanners *scanners = scanners_create(16);
    struct scanner_request request = plain();
    (void)state;
    request.from = SLICE("\"sipvicious\"<sip:100@192.0.2.1>;tag=1");
    assert_words(tell(scanners, &request, T0), "sipvicious (From)");
    request = plain();
    request.from_uri = SLICE("sip:100@1.1.1.1");
    assert_words(tell(scanners, &request, T0), "sipvicious (From)");
    request = plain();
    request.from = SLICE("\"Mr. sipvicious\" <sip:100@192.0.2.1>;tag=1");
    assert_words(tell(scanners, &request, T0), "");
    assert_int_equal(scanners_stats(scanners)->requests, 2);
    assert_int_equal(scanners_stats(scanners)->sources, 1);
    scanners_destroy(scanners);
}

/* Each message speaks for itself: another of the same source is none. */
static void test_a_message_is_not_its_source(void **state)
{
    struct scanners *scanners = scanners_create(16);
    struct scanner_request honest = plain(), forged = plain();
    forged.user_agent = SLICE("friendly-scanner");
    (void)state;
    assert_words(tell(scanners, &forged, T0), "friendly-scanner");
    assert_words(scanners_source(scanners, &forged.src.ip, T0), "");
    assert_words(tell(scanners, &honest, T0), "");
    assert_words(scanners_response(scanners, &honest, true, T0), ""); /* it was accepted */
    assert_words(tell(scanners, &forged, T0), "friendly-scanner");
    assert_words(tell(scanners, &honest, T0), "");
    assert_words(scanners_response(scanners, &honest, false, T0), "");
    /* Names that honest people use as well count no more. */
    forged.user_agent = SLICE("VaxSIPUserAgent/3.1");
    assert_words(tell(scanners, &forged, T0), "");
    scanners_destroy(scanners);
}

/* The response does not show the User-Agent of its request, nor its Request-URI. */
static void test_responses(void **state)
{
    struct scanners *scanners = scanners_create(16);
    struct scanner_request request = plain(), shown = plain();
    (void)state;
    shown.user_agent = shown.request_uri = SLICE_NONE;
    assert_words(scanners_response(scanners, &shown, false, T0), "");
    request.user_agent = SLICE("friendly-scanner");
    tell(scanners, &request, T0);
    assert_words(scanners_response(scanners, &shown, false, T0), "friendly-scanner");
    /* An OPTIONS of a scanner is answered with 200 by many: that makes no honest one of it. */
    assert_words(scanners_response(scanners, &shown, true, T0), "friendly-scanner");
    assert_words(scanners_response(scanners, &shown, false, T0), "friendly-scanner");
    shown.src = at(11, 5060);
    assert_words(scanners_response(scanners, &shown, false, T0), "");
    /* What the response shows too. */
    shown.from = SLICE("\"sipvicious\" <sip:100@192.0.2.1>;tag=1");
    assert_words(scanners_response(scanners, &shown, true, T0), "sipvicious (From)");
    /* A name that honest people use as well: it was accepted, so they do. */
    request = plain();
    shown = plain();
    shown.user_agent = SLICE_NONE;
    request.src = shown.src = at(12, 5060);
    request.user_agent = SLICE("sipsak 0.9.6");
    assert_words(tell(scanners, &request, T0), "sipsak");
    assert_words(scanners_response(scanners, &shown, false, T0), "sipsak");
    assert_words(scanners_response(scanners, &shown, true, T0), "");
    assert_words(tell(scanners, &request, T0), "");
    scanners_destroy(scanners);
}

/* So many INVITEs for different users, gap_ns apart; the user's number and the Call-ID go on. */
static int64_t scan(struct scanners *scanners, const struct scanner_request *like, int count,
                    int64_t from_ns, int64_t gap_ns)
{
    static int number;
    for (int i = 0; i < count; i++, number++) {
        char uri[40], call_id[40];
        struct scanner_request request = *like;
        request.request_uri = slice_of(uri, (size_t)snprintf(uri, sizeof uri, "sip:%d@b", number));
        request.call_id =
            slice_of(call_id, (size_t)snprintf(call_id, sizeof call_id, "%d", number));
        tell(scanners, &request, from_ns + i * gap_ns);
    }
    return from_ns + (count - 1) * gap_ns;
}

static void test_behaviour(void **state)
{
    static const int64_t gaps_ns[] = {MS, 100 * MS, S, 3 * S, 4 * S, 10 * S};
    struct scanner_request request = plain();
    const struct ip_addr *src = &request.src.ip;
    (void)state;
    for (int count = 18; count < 24; count++)
        for (size_t i = 0; i < sizeof gaps_ns / sizeof gaps_ns[0]; i++) {
            int64_t gap_ns = gaps_ns[i];
            struct scanners *scanners = scanners_create(16);
            int64_t last_ns = scan(scanners, &request, count, T0, gap_ns);
            bool is_one = count >= 20 && gap_ns * 19 <= 60 * S;
            /* It may repeat them yet. */
            assert_words(scanners_source(scanners, src, T0 + gap_ns * 19 + 9 * S), "");
            struct slice words = scanners_source(scanners, src, last_ns + 10 * S);
            assert_int_equal(words.len > 0, is_one);
            assert_int_equal(scanners_stats(scanners)->sources, is_one);
            assert_words(scanners_source(scanners, &request.dst.ip, last_ns + 10 * S), "");
            if (is_one) {
                assert_words(words, "many users, each asked for once");
                assert_words(tell(scanners, &request, last_ns + 11 * S),
                             "many users, each asked for once");
                assert_words(scanners_response(scanners, &request, false, last_ns + 11 * S),
                             "many users, each asked for once");
                assert_int_equal(scanners_stats(scanners)->requests, 1);
            }
            scanners_destroy(scanners);
        }
}

/* As long as it is quiet for no longer than ten minutes. */
static void test_behaviour_ends(void **state)
{
    struct scanners *scanners = scanners_create(16);
    struct scanner_request request = plain();
    (void)state;
    int64_t last_ns = scan(scanners, &request, 20, T0, S);
    assert_int_equal(scanners_source(scanners, &request.src.ip, last_ns + 600 * S).len > 0, true);
    assert_words(scanners_source(scanners, &request.src.ip, last_ns + 601 * S), "");
    assert_words(tell(scanners, &request, last_ns + 601 * S), "");
    assert_words(scanners_source(scanners, &request.src.ip, last_ns + 602 * S), "");
    /* The clock was set: it is what it was. */
    last_ns = scan(scanners, &request, 20, last_ns + 700 * S, S);
    scanners_clock_step(scanners, -3600 * S);
    assert_words(scanners_source(scanners, &request.src.ip, last_ns - 3595 * S), "");
    assert_int_equal(scanners_source(scanners, &request.src.ip, last_ns - 3590 * S).len > 0, true);
    scanners_destroy(scanners);
}

/* Who of those that ask for many users is none. */
static void test_honest(void **state)
{
    struct scanner_request request = plain(), options = plain(), over_tcp = plain();
    const struct ip_addr *src = &request.src.ip;
    int64_t last_ns;
    (void)state;
    options.is_options = true;
    over_tcp.transport = TRANSPORT_TCP;
    struct scanners *scanners = scanners_create(16);
    /* A monitor, or a registrar that keeps NAT bindings open. */
    last_ns = scan(scanners, &options, 1000, T0, 20 * MS);
    assert_words(scanners_source(scanners, src, last_ns + 20 * S), "");
    last_ns = scan(scanners, &over_tcp, 1000, last_ns, 20 * MS);
    assert_words(scanners_source(scanners, src, last_ns + 20 * S), "");
    /* Many REGISTERs of an SBC: their Request-URI has no user. */
    request.request_uri = SLICE("sip:example.com");
    for (int i = 0; i < 100; i++)
        tell(scanners, &request, last_ns + i * S);
    assert_words(scanners_source(scanners, src, last_ns + 120 * S), "");
    /* One number again and again. */
    request.request_uri = SLICE("sip:+493055501@example.com;user=phone");
    for (int i = 0; i < 100; i++) {
        char call_id[40];
        request.call_id = slice_of(call_id, (size_t)snprintf(call_id, sizeof call_id, "%d", i));
        tell(scanners, &request, last_ns + (200 + i) * S);
    }
    assert_words(scanners_source(scanners, src, last_ns + 320 * S), "");
    assert_int_equal(scanners_stats(scanners)->sources, 0);
    scanners_destroy(scanners);
}

/* A dialler whose trunk died: many numbers a minute, each sent again after 500 ms, 1.5 s and so on,
 * at any speed. */
static void test_dead_trunk(void **state)
{
    (void)state;
    for (int64_t gap_ns = 3 * S; gap_ns >= 2 * MS; gap_ns /= 3) {
        struct scanners *scanners = scanners_create(16);
        struct scanner_request request = plain();
        for (int i = 0; i < 5000; i++) {
            /* At each step a new number, and the number of 500 ms ago again. */
            int64_t now_ns = T0 + i * gap_ns;
            for (int again = 0; again < 2; again++) {
                int number = i - (again ? (int)(500 * MS / gap_ns) + 1 : 0);
                char text[60];
                if (number < 0)
                    continue;
                request.request_uri =
                    slice_of(text, (size_t)snprintf(text, sizeof text, "sip:%d@b", number));
                request.call_id = slice_skip(request.request_uri, 4);
                assert_words(tell(scanners, &request, now_ns), "");
                assert_words(scanners_source(scanners, &request.src.ip, now_ns + 9 * S), "");
            }
        }
        assert_int_equal(scanners_stats(scanners)->sources, 0);
        scanners_destroy(scanners);
    }
}

/* A busy PBX that is answered: from then on nothing that comes in its name makes it one. */
static void test_accepted(void **state)
{
    struct scanners *scanners = scanners_create(16);
    struct scanner_request request = plain();
    const struct ip_addr *src = &request.src.ip;
    (void)state;
    int64_t last_ns = scan(scanners, &request, 100, T0, 100 * MS);
    assert_int_equal(scanners_source(scanners, src, last_ns + 10 * S).len > 0, true);
    scanners_response(scanners, &request, true, last_ns + 11 * S);
    assert_words(scanners_source(scanners, src, last_ns + 12 * S), "");
    last_ns = scan(scanners, &request, 100, last_ns + 12 * S, 100 * MS);
    assert_words(scanners_source(scanners, src, last_ns + 10 * S), "");
    /* Also where only what followed shows it. */
    request.src = at(11, 5060);
    scanners_accepted(scanners, src, last_ns);
    last_ns = scan(scanners, &request, 100, last_ns, 100 * MS);
    assert_words(scanners_source(scanners, src, last_ns + 10 * S), "");
    assert_int_equal(scanners_stats(scanners)->sources, 1);
    scanners_destroy(scanners);
}

/* A flood from forged addresses costs those that were accepted nothing, nor takes it more room. */
static void test_flood(void **state)
{
    struct scanners *scanners = scanners_create(64);
    struct scanner_request pbx = plain(), forged = plain();
    (void)state;
    scanners_accepted(scanners, &pbx.src.ip, T0);
    forged.user_agent = SLICE("friendly-scanner");
    for (uint32_t i = 0; i < 100000; i++) {
        uint8_t octets[16] = {0x20, 0x01, 0x0d, 0xb8, [14] = (uint8_t)(i >> 8), (uint8_t)i};
        forged.src.ip = ip_from_v6(octets);
        tell(scanners, &forged, T0 + i);
    }
    assert_int_equal(scanners_stats(scanners)->requests, 100000);
    int64_t last_ns = scan(scanners, &pbx, 30, T0 + S, MS);
    assert_words(scanners_source(scanners, &pbx.src.ip, last_ns + 10 * S), "");
    /* Of many that are accepted, those of late. */
    for (uint32_t i = 0; i < 100000; i++) {
        uint8_t octets[16] = {0x20, 0x01, 0x0d, 0xb8, [14] = (uint8_t)(i >> 8), (uint8_t)i};
        forged.src.ip = ip_from_v6(octets);
        scanners_accepted(scanners, &forged.src.ip, T0 + i);
        scanners_accepted(scanners, &pbx.src.ip, T0 + i);
    }
    last_ns = scan(scanners, &pbx, 30, T0 + 2 * S, MS);
    assert_words(scanners_source(scanners, &pbx.src.ip, last_ns + 10 * S), "");
    last_ns = scan(scanners, &forged, 30, T0 + 2 * S, MS);
    assert_words(scanners_source(scanners, &forged.src.ip, last_ns + 10 * S), "");
    scanners_destroy(scanners);
}

/* The least there can be, and times of hostile stamps. */
static void test_tiny(void **state)
{
    static const int64_t times_ns[] = {INT64_MAX, INT64_MIN, 0, INT64_MIN + 1, INT64_MAX, -1};
    (void)state;
    for (size_t max = 0; max < 3; max++) {
        struct scanners *scanners = scanners_create(max);
        struct scanner_request request = plain();
        assert_non_null(scanners);
        for (size_t i = 0; i < sizeof times_ns / sizeof times_ns[0]; i++)
            for (uint8_t host = 0; host < 8; host++) {
                request.src = at(host, 5060);
                scan(scanners, &request, 25, times_ns[i], 0);
                scanners_source(scanners, &request.src.ip, times_ns[host % 6]);
                if (host % 2)
                    scanners_accepted(scanners, &request.src.ip, times_ns[i]);
                scanners_response(scanners, &request, host % 3, times_ns[i]);
                scanners_clock_step(scanners, times_ns[i]);
            }
        scanners_destroy(scanners);
    }
    scanners_destroy(NULL);
    assert_null(scanners_create(SIZE_MAX / 4096));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_agents),
        cmocka_unit_test(test_tags),
        cmocka_unit_test(test_long_tag),
        cmocka_unit_test(test_from),
        cmocka_unit_test(test_a_message_is_not_its_source),
        cmocka_unit_test(test_responses),
        cmocka_unit_test(test_behaviour),
        cmocka_unit_test(test_behaviour_ends),
        cmocka_unit_test(test_honest),
        cmocka_unit_test(test_dead_trunk),
        cmocka_unit_test(test_accepted),
        cmocka_unit_test(test_flood),
        cmocka_unit_test(test_tiny),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
