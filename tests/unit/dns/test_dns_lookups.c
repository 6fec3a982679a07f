/* Look-ups: which response belongs to which question, what is kept, and what a request is tied to.
 */
#include "dns_sample.h"

#include <stdio.h>

#include "dns/dns_lookups.h"

#define MS   INT64_C(1000000)
#define NOON (INT64_C(1769860800000) * MS)

enum { CLIENT = 10, SERVER = 53, OTHER_SERVER = 54, PROXY = 7, PLENTY = 1 << 20 };

static struct ip_addr address_of(uint8_t last)
{
    return ip_from_v4((const uint8_t[4]){192, 0, 2, last});
}

/* A message from one to the other; which of them is the server, the flags say. */
static void send_between(struct dns_lookups *lookups, int64_t ms, struct endpoint client,
                         struct endpoint server, const struct sample *s)
{
    bool is_response = s->octets[2] & 0x80;
    struct datagram datagram = {
        .time_ns = NOON + ms * MS,
        .src = is_response ? server : client,
        .dst = is_response ? client : server,
        .payload = payload_of(s),
    };
    dns_lookups_packet(lookups, &datagram);
}

static void say_to(struct dns_lookups *lookups, int64_t ms, uint8_t server, const struct sample *s)
{
    send_between(lookups, ms, (struct endpoint){address_of(CLIENT), 40000},
                 (struct endpoint){address_of(server), 53}, s);
}

static void say(struct dns_lookups *lookups, int64_t ms, struct sample s)
{
    say_to(lookups, ms, SERVER, &s);
}

static void ask(struct dns_lookups *lookups, int64_t ms, unsigned id, const char *name,
                unsigned type)
{
    say(lookups, ms, sample_of(id, 0x0100, name, type));
}

static void answer_a(struct dns_lookups *lookups, int64_t ms, unsigned id, const char *name,
                     unsigned last)
{
    struct sample s = sample_of(id, FLAG_RESPONSE, name, A);
    put_a(&s, ANSWER, NULL, last);
    say(lookups, ms, s);
}

static void answer_srv(struct dns_lookups *lookups, int64_t ms, unsigned id, const char *name,
                       const char *target)
{
    struct sample s = sample_of(id, FLAG_RESPONSE, name, SRV);
    put_srv(&s, target);
    say(lookups, ms, s);
}

static void refuse(struct dns_lookups *lookups, int64_t ms, unsigned id, const char *name,
                   unsigned type, unsigned rcode)
{
    say(lookups, ms, sample_of(id, FLAG_RESPONSE | rcode, name, type));
}

/* A request to PROXY for that host. */
static bool find_to(const struct dns_lookups *lookups, int64_t ms, const char *host, uint8_t dst,
                    struct dns_tie *tie)
{
    struct ip_addr client = address_of(CLIENT), to = address_of(dst);
    memset(tie, 0xa5, sizeof *tie);
    return dns_lookups_find(lookups, &client, slice_str(host), &to, NOON + ms * MS, tie);
}

static bool find(const struct dns_lookups *lookups, int64_t ms, const char *host,
                 struct dns_tie *tie)
{
    return find_to(lookups, ms, host, PROXY, tie);
}

static void tie_is(const struct dns_tie *tie, const char *name, enum dns_type type, unsigned asked,
                   unsigned unanswered, unsigned failed, int64_t delay_ms)
{
    assert_string_equal(tie->name, name);
    assert_int_equal(tie->type, type);
    assert_int_equal(tie->asked, asked);
    assert_int_equal(tie->unanswered, unanswered);
    assert_int_equal(tie->failed, failed);
    assert_int_equal(tie->delay_ns, delay_ms * MS);
}

static void counts(const struct dns_lookups *lookups, uint64_t answered, uint64_t failed,
                   uint64_t unanswered)
{
    const struct dns_lookups_stats *stats = dns_lookups_stats(lookups);
    assert_int_equal(stats->answered, answered);
    assert_int_equal(stats->failed, failed);
    assert_int_equal(stats->unanswered, unanswered);
}

static void *new_lookups(void)
{
    struct dns_lookups *lookups = dns_lookups_create(PLENTY);
    assert_non_null(lookups);
    return lookups;
}

static int set_up(void **state)
{
    *state = new_lookups();
    return 0;
}

static int tear_down(void **state)
{
    dns_lookups_destroy(*state);
    return 0;
}

static void test_one_name(void **state)
{
    struct dns_lookups *lookups = *state;
    struct dns_tie tie;
    assert_false(find(lookups, 0, "example.com", &tie));
    ask(lookups, 0, 7, "example.com", A);
    answer_a(lookups, 30, 7, "example.com", PROXY);
    assert_true(find(lookups, 31, "example.com", &tie));
    tie_is(&tie, "example.com", DNS_TYPE_A, 1, 0, 0, 30);
    assert_false(tie.is_elsewhere);
    assert_int_equal(tie.server.port, 53);
    assert_int_equal(tie.server.ip.octets[3], SERVER);
    counts(lookups, 1, 0, 0);
    /* However it is written; a port does not belong to it. */
    assert_true(find(lookups, 31, "Example.COM.", &tie));
    assert_true(find(lookups, 31, "example.com:5062", &tie));
    /* Others than that. */
    assert_false(find(lookups, 31, "sip.example.com", &tie));
    assert_false(find(lookups, 31, "com", &tie));
    assert_false(find(lookups, 31, "", &tie));
    struct ip_addr other = address_of(11), dst = address_of(PROXY);
    assert_false(dns_lookups_find(lookups, &other, SLICE("example.com"), &dst, NOON, &tie));
    /* Before it was asked, and long after. */
    assert_false(find(lookups, -1, "example.com", &tie));
    assert_true(find(lookups, 10030, "example.com", &tie));
    assert_false(find(lookups, 10031, "example.com", &tie));
}

static void test_addresses_are_no_names(void **state)
{
    struct dns_lookups *lookups = *state;
    struct dns_tie tie;
    ask(lookups, 0, 7, "192.0.2.7", A);
    refuse(lookups, 1, 7, "192.0.2.7", A, NXDOMAIN);
    counts(lookups, 0, 1, 0);
    assert_false(find(lookups, 2, "192.0.2.7", &tie));
    assert_false(find(lookups, 2, "192.0.2.7:5060", &tie));
    assert_false(find(lookups, 2, "2001:db8::7", &tie));
    assert_false(find(lookups, 2, "[2001:db8::7]:5060", &tie));
}

/* RFC 3263: NAPTR, SRV of what it names, addresses of what that names; slow in the middle. */
static void test_chain(void **state)
{
    struct dns_lookups *lookups = *state;
    struct dns_tie tie;
    struct sample naptr = sample_of(1, FLAG_RESPONSE, "example.com", NAPTR);
    put_naptr(&naptr, "_sip._udp.example.net");
    ask(lookups, 0, 1, "example.com", NAPTR);
    say(lookups, 100, naptr);
    ask(lookups, 101, 2, "_sip._udp.example.net", SRV);
    answer_srv(lookups, 2101, 2, "_sip._udp.example.net", "sip1.example.org");
    ask(lookups, 2102, 3, "sip1.example.org", A);
    ask(lookups, 2102, 4, "sip1.example.org", AAAA);
    ask(lookups, 2102, 5, "www.example.org", A); /* something else */
    answer_a(lookups, 2200, 3, "sip1.example.org", PROXY);
    say(lookups, 2202, sample_of(4, FLAG_RESPONSE, "sip1.example.org", AAAA)); /* none */
    assert_true(find(lookups, 2210, "example.com", &tie));
    tie_is(&tie, "_sip._udp.example.net", DNS_TYPE_SRV, 4, 0, 0, 2202);
    assert_false(tie.is_elsewhere);
    assert_true(find_to(lookups, 2210, "example.com", PROXY + 1, &tie));
    assert_true(tie.is_elsewhere);
    /* As it was known at that time. */
    assert_true(find(lookups, 2150, "example.com", &tie));
    tie_is(&tie, "_sip._udp.example.net", DNS_TYPE_SRV, 4, 0, 0, 2150);
}

static void test_failures(void **state)
{
    struct dns_lookups *lookups = *state;
    struct dns_tie tie;
    ask(lookups, 0, 1, "_sip._udp.example.com", SRV);
    refuse(lookups, 3000, 1, "_sip._udp.example.com", SRV, SERVFAIL);
    ask(lookups, 3001, 2, "example.com", A);
    refuse(lookups, 3002, 2, "example.com", A, NXDOMAIN);
    assert_true(find(lookups, 3003, "example.com", &tie));
    tie_is(&tie, "_sip._udp.example.com", DNS_TYPE_SRV, 2, 0, 2, 3002);
    assert_int_equal(tie.rcode, NXDOMAIN);
    counts(lookups, 0, 2, 0);
    /* Asked again with success: all is well by then, but it took its time. */
    ask(lookups, 3500, 3, "_sip._udp.example.com", SRV);
    answer_srv(lookups, 3600, 3, "_sip._udp.example.com", "example.com");
    ask(lookups, 3600, 4, "example.com", A);
    answer_a(lookups, 3700, 4, "example.com", PROXY);
    assert_true(find(lookups, 3701, "example.com", &tie));
    tie_is(&tie, "_sip._udp.example.com", DNS_TYPE_SRV, 4, 0, 0, 3700);
    assert_int_equal(tie.rcode, DNS_NOERROR);
    assert_true(find(lookups, 3650, "example.com", &tie));
    assert_int_equal(tie.failed, 1);
}

/* The services of a name are asked for at once, here even by one id; each has its own fate. */
static void test_services_at_once(void **state)
{
    struct dns_lookups *lookups = *state;
    struct dns_tie tie;
    ask(lookups, 0, 1, "_sip._tcp.example.com", SRV);
    ask(lookups, 0, 1, "_sip._udp.example.com", SRV);
    ask(lookups, 0, 1, "example.com", A);
    refuse(lookups, 20, 1, "_sip._tcp.example.com", SRV, SERVFAIL);
    answer_srv(lookups, 30, 1, "_sip._udp.example.com", "example.com");
    refuse(lookups, 40, 1, "example.com", A, NXDOMAIN);
    assert_int_equal(dns_lookups_tracked(lookups), 3);
    assert_true(find(lookups, 41, "example.com", &tie));
    tie_is(&tie, "example.com", DNS_TYPE_A, 3, 0, 2, 40);
    assert_int_equal(tie.rcode, NXDOMAIN);
}

/* Of failures the latest is told, in whatever order they were asked for. */
static void test_latest_failure(void **state)
{
    struct dns_lookups *lookups = *state;
    struct dns_tie tie;
    ask(lookups, 0, 1, "example.com", A);
    ask(lookups, 1, 2, "example.com", AAAA);
    refuse(lookups, 10, 2, "example.com", AAAA, NXDOMAIN);
    refuse(lookups, 20, 1, "example.com", A, SERVFAIL);
    assert_true(find(lookups, 21, "example.com", &tie));
    assert_int_equal(tie.rcode, SERVFAIL);
    /* What was well before heals nothing. */
    ask(lookups, 1000, 3, "example.net", A);
    answer_a(lookups, 1001, 3, "example.net", PROXY);
    ask(lookups, 2000, 4, "example.net", A);
    refuse(lookups, 2001, 4, "example.net", A, SERVFAIL);
    assert_true(find(lookups, 2002, "example.net", &tie));
    assert_int_equal(tie.failed, 1);
}

/* Most domains have no SRV of most kinds. */
static void test_no_such_service(void **state)
{
    struct dns_lookups *lookups = *state;
    struct dns_tie tie;
    static const char *const services[] = {"_sips._tcp.example.com", "_sip._tcp.example.com",
                                           "_sip._udp.example.com"};
    for (int i = 0; i < 3; i++) {
        ask(lookups, 10 * (int64_t)i, (unsigned)i, services[i], SRV);
        refuse(lookups, 10 * (int64_t)i + 5, (unsigned)i, services[i], SRV, NXDOMAIN);
    }
    ask(lookups, 30, 9, "example.com", A);
    answer_a(lookups, 50, 9, "example.com", PROXY);
    assert_true(find(lookups, 50, "example.com", &tie));
    tie_is(&tie, "example.com", DNS_TYPE_A, 4, 0, 0, 50);
    counts(lookups, 4, 0, 0);
}

static void test_unanswered(void **state)
{
    struct dns_lookups *lookups = *state;
    struct dns_tie tie;
    /* A server that was never heard may be out of sight. */
    ask(lookups, 0, 1, "example.com", A);
    ask(lookups, 5000, 1, "example.com", A);
    assert_false(find(lookups, 9000, "example.com", &tie));
    ask(lookups, 20000, 2, "example.net", A);
    counts(lookups, 0, 0, 0);
    answer_a(lookups, 20010, 2, "example.net", PROXY);
    assert_true(find(lookups, 9000, "example.com", &tie));
    tie_is(&tie, "example.com", DNS_TYPE_A, 2, 2, 0, 9000);
    /* Who asks for so long has given up in between. */
    assert_true(find(lookups, 14999, "example.com", &tie));
    tie_is(&tie, "example.com", DNS_TYPE_A, 2, 2, 0, 10000);

    ask(lookups, 30000, 3, "_sip._udp.example.com", SRV);
    ask(lookups, 34900, 4, "_sip._udp.example.com", SRV);
    ask(lookups, 39900, 5, "other.example.com", A); /* 5 s later, to the ms */
    counts(lookups, 1, 0, 0);
    ask(lookups, 39901, 6, "other.example.com", AAAA);
    counts(lookups, 1, 0, 1);
    /* It comes after all, to the first question of the two: no longer unanswered. */
    answer_srv(lookups, 40000, 3, "_sip._udp.example.com", "other.example.com");
    counts(lookups, 1, 0, 1);
    assert_true(find(lookups, 40001, "example.com", &tie));
    tie_is(&tie, "other.example.com", DNS_TYPE_A, 3, 2, 0, 10001);
}

/* Asked again, it is the same look-up, whomever it is asked. */
static void test_asked_again(void **state)
{
    struct dns_lookups *lookups = *state;
    struct dns_tie tie;
    ask(lookups, 0, 1, "example.com", A);
    struct sample again = sample_of(2, 0x0100, "example.com", A);
    say_to(lookups, 5000, OTHER_SERVER, &again);
    struct sample answer = sample_of(2, FLAG_RESPONSE, "example.com", A);
    put_a(&answer, ANSWER, NULL, PROXY);
    say_to(lookups, 5020, OTHER_SERVER, &answer);
    answer_a(lookups, 5500, 1, "example.com", PROXY + 1); /* too late */
    assert_true(find(lookups, 6000, "example.com", &tie));
    tie_is(&tie, "example.com", DNS_TYPE_A, 1, 0, 0, 5020);
    assert_int_equal(tie.server.ip.octets[3], OTHER_SERVER);
    assert_true(find_to(lookups, 6000, "example.com", PROXY + 1, &tie));
    assert_true(tie.is_elsewhere);
    assert_int_equal(dns_lookups_tracked(lookups), 1);
    /* Long after a question that nothing came to, it is another. */
    ask(lookups, 20000, 3, "example.net", A);
    ask(lookups, 30001, 4, "example.net", A);
    assert_int_equal(dns_lookups_tracked(lookups), 3);
}

/* Two servers asked at once: the one that has an answer counts, and not the one that is broken. */
static void test_asked_at_once(void **state)
{
    struct dns_lookups *lookups = *state;
    struct dns_tie tie;
    struct sample question = sample_of(1, 0x0100, "example.com", A);
    struct sample refused = sample_of(1, FLAG_RESPONSE | SERVFAIL, "example.com", A);
    say_to(lookups, 0, SERVER, &question);
    say_to(lookups, 0, OTHER_SERVER, &question);
    say_to(lookups, 5, OTHER_SERVER, &refused);
    answer_a(lookups, 25, 1, "example.com", PROXY);
    say_to(lookups, 30, OTHER_SERVER, &refused);
    assert_true(find(lookups, 31, "example.com", &tie));
    tie_is(&tie, "example.com", DNS_TYPE_A, 1, 0, 0, 25);
    counts(lookups, 0, 1, 0);
}

/* Whatever is not the response to the question changes nothing. */
static void test_strange_responses(void **state)
{
    struct dns_lookups *lookups = *state;
    struct dns_tie tie;
    ask(lookups, 0, 7, "example.com", A);
    answer_a(lookups, 1, 8, "example.com", PROXY); /* id */
    answer_a(lookups, 1, 7, "example.net", PROXY);
    refuse(lookups, 1, 7, "example.com", AAAA, SERVFAIL);
    struct sample s = sample_of(7, FLAG_RESPONSE | SERVFAIL, "example.com", A);
    say_to(lookups, 1, OTHER_SERVER, &s);
    struct endpoint client = {address_of(CLIENT), 40000}, server = {address_of(SERVER), 53};
    struct endpoint other = client, high = server;
    other.port++;
    high.port = 5353;
    send_between(lookups, 1, other, server, &s);
    send_between(lookups, 1, client, high, &s);
    other.port--;
    other.ip = address_of(CLIENT + 1);
    send_between(lookups, 1, other, server, &s);
    counts(lookups, 0, 0, 0);
    assert_false(find(lookups, 2, "example.com", &tie)); /* no server was heard */
    answer_a(lookups, 3, 7, "example.com", PROXY);
    assert_true(find(lookups, 3, "example.com", &tie));
    tie_is(&tie, "example.com", DNS_TYPE_A, 1, 0, 0, 3);
    counts(lookups, 1, 0, 0);
}

static void test_not_followed(void **state)
{
    struct dns_lookups *lookups = *state;
    char name[160];
    ask(lookups, 0, 1, "example.com", 16);
    ask(lookups, 0, 2, "_ldap._tcp.example.com", SRV);
    ask(lookups, 0, 3, "", A);
    snprintf(name, sizeof name, "%060d.%060d.abcdef", 0, 0);
    ask(lookups, 0, 4, name, A);
    assert_int_equal(strlen(name), 128);
    struct sample s = sample_of(5, 0, "example.com", A);
    send_between(lookups, 0, (struct endpoint){address_of(CLIENT), 53},
                 (struct endpoint){address_of(SERVER), 5300}, &s);
    say(lookups, 0, (struct sample){"not DNS at all", 14});
    assert_int_equal(dns_lookups_tracked(lookups), 0);
    name[127] = '\0';
    ask(lookups, 0, 4, name, A);
    ask(lookups, 0, 6, "_sips._tcp.example.com", SRV);
    assert_int_equal(dns_lookups_tracked(lookups), 2);
}

/* Elsewhere is said only if all that the name leads to is known. */
static void test_elsewhere(void **state)
{
    struct dns_lookups *lookups = *state;
    struct dns_tie tie;
    struct sample srv = sample_of(1, FLAG_RESPONSE, "_sip._udp.example.com", SRV);
    put_srv(&srv, "sip1.example.com");
    put_srv(&srv, "sip2.example.com");
    put_a(&srv, ADDITIONAL, "sip1.example.com", 1);
    put_aaaa(&srv, ADDITIONAL, "sip2.example.com", 2);
    ask(lookups, 0, 1, "_sip._udp.example.com", SRV);
    say(lookups, 1, srv);
    assert_true(find(lookups, 2, "example.com", &tie));
    assert_false(tie.is_elsewhere); /* the other's may have been known before */
    ask(lookups, 2, 2, "sip2.example.com", A);
    refuse(lookups, 3, 2, "sip2.example.com", A, SERVFAIL);
    assert_true(find(lookups, 4, "example.com", &tie));
    assert_false(tie.is_elsewhere);
    ask(lookups, 5, 3, "sip2.example.com", A);
    answer_a(lookups, 6, 3, "sip2.example.com", 2);
    assert_true(find(lookups, 7, "example.com", &tie));
    assert_true(tie.is_elsewhere);
    assert_true(find_to(lookups, 7, "example.com", 1, &tie));
    assert_false(tie.is_elsewhere);
    assert_true(find_to(lookups, 7, "example.com", 2, &tie));
    assert_false(tie.is_elsewhere);
    /* Of the other family only one target's is known. */
    struct ip_addr client = address_of(CLIENT);
    struct ip_addr v6 = ip_from_v6((const uint8_t[16]){0x20, 0x01, 0x0d, 0xb8, [15] = 7});
    assert_true(dns_lookups_find(lookups, &client, SLICE("example.com"), &v6, NOON + 7 * MS, &tie));
    assert_false(tie.is_elsewhere);
    /* Nor are addresses of the other family those of this one. */
    ask(lookups, 8, 5, "six.example.com", A);
    say(lookups, 9, sample_of(5, FLAG_RESPONSE, "six.example.com", A));
    ask(lookups, 8, 6, "six.example.com", AAAA);
    struct sample six = sample_of(6, FLAG_RESPONSE, "six.example.com", AAAA);
    put_aaaa(&six, ANSWER, NULL, 6);
    say(lookups, 9, six);
    assert_true(find(lookups, 10, "six.example.com", &tie));
    assert_false(tie.is_elsewhere);
    /* What another answer said half a minute ago may still be in use; after a minute it is gone. */
    ask(lookups, 30000, 4, "example.com", A);
    answer_a(lookups, 30001, 4, "example.com", 4);
    assert_true(find_to(lookups, 30002, "example.com", 2, &tie));
    assert_false(tie.is_elsewhere);
    assert_int_equal(tie.asked, 1);
    assert_true(find_to(lookups, 30002, "example.com", 5, &tie));
    assert_true(tie.is_elsewhere);
}

static void test_cut_answers(void **state)
{
    struct dns_lookups *lookups = *state;
    struct dns_tie tie;
    struct sample s = sample_of(1, FLAG_RESPONSE | FLAG_CUT, "example.com", A);
    put_a(&s, ANSWER, NULL, 1);
    ask(lookups, 0, 1, "example.com", A);
    say(lookups, 1, s);
    assert_true(find(lookups, 2, "example.com", &tie));
    assert_false(tie.is_elsewhere);
    tie_is(&tie, "example.com", DNS_TYPE_A, 1, 0, 0, 1);
}

/* An older look-up, for another request, has not delayed this one. */
static void test_delay_of_the_latest(void **state)
{
    struct dns_lookups *lookups = *state;
    struct dns_tie tie;
    ask(lookups, 0, 1, "example.com", A);
    answer_a(lookups, 2000, 1, "example.com", PROXY);
    ask(lookups, 8000, 2, "example.com", A);
    answer_a(lookups, 8010, 2, "example.com", PROXY);
    assert_true(find(lookups, 8011, "example.com", &tie));
    tie_is(&tie, "example.com", DNS_TYPE_A, 2, 0, 0, 10);
    /* Packets that changed places make no time before. */
    ask(lookups, 30000, 3, "example.com", A);
    answer_a(lookups, 29999, 3, "example.com", PROXY);
    assert_true(find(lookups, 30001, "example.com", &tie));
    tie_is(&tie, "example.com", DNS_TYPE_A, 1, 0, 0, 0);
}

static void test_ipv6(void **state)
{
    struct dns_lookups *lookups = *state;
    struct dns_tie tie;
    struct endpoint client = {ip_from_v6((const uint8_t[16]){0x20, 1, 0xd, 0xb8, [15] = 10}),
                              40000};
    struct endpoint server = {ip_from_v6((const uint8_t[16]){0x20, 1, 0xd, 0xb8, [15] = 53}), 53};
    struct ip_addr dst = ip_from_v6((const uint8_t[16]){0x20, 1, 0xd, 0xb8, [15] = 7});
    struct sample s = sample_of(1, 0x0100, "example.com", AAAA);
    send_between(lookups, 0, client, server, &s);
    s = sample_of(1, FLAG_RESPONSE, "example.com", AAAA);
    put_aaaa(&s, ANSWER, NULL, 7);
    send_between(lookups, 20, client, server, &s);
    assert_true(
        dns_lookups_find(lookups, &client.ip, SLICE("example.com"), &dst, NOON + 21 * MS, &tie));
    tie_is(&tie, "example.com", DNS_TYPE_AAAA, 1, 0, 0, 20);
    assert_false(tie.is_elsewhere);
    dst.octets[15] = 8;
    assert_true(
        dns_lookups_find(lookups, &client.ip, SLICE("example.com"), &dst, NOON + 21 * MS, &tie));
    assert_true(tie.is_elsewhere);
    assert_int_equal(tie.server.ip.version, 6);
}

static void test_clock_step(void **state)
{
    struct dns_lookups *lookups = *state;
    struct dns_tie tie;
    const int64_t hour_ms = 3600000;
    ask(lookups, 0, 1, "example.com", A);
    dns_lookups_clock_step(lookups, hour_ms * MS);
    answer_a(lookups, hour_ms + 40, 1, "example.com", PROXY);
    assert_true(find(lookups, hour_ms + 41, "example.com", &tie));
    tie_is(&tie, "example.com", DNS_TYPE_A, 1, 0, 0, 40);
    dns_lookups_clock_step(lookups, -2 * hour_ms * MS);
    assert_true(find(lookups, 41 - hour_ms, "example.com", &tie));
    assert_false(find(lookups, 41, "example.com", &tie));
}

/* The one that was asked longest ago gives way; what is older than a minute goes by itself. */
static void test_room(void **state)
{
    (void)state;
    struct dns_lookups *lookups = dns_lookups_create(8192);
    struct dns_tie tie;
    char name[32];
    assert_non_null(lookups);
    const int most = (int)dns_lookups_max(lookups);
    assert_in_range(most, 8, 40);
    for (int i = 0; i < most; i++) {
        snprintf(name, sizeof name, "n%d.example.com", i);
        ask(lookups, i, (unsigned)i, name, A);
        answer_a(lookups, i, (unsigned)i, name, PROXY);
    }
    ask(lookups, 100, 100, "n0.example.com", AAAA); /* n0's first goes */
    assert_int_equal(dns_lookups_tracked(lookups), most);
    assert_true(find(lookups, 100, "n1.example.com", &tie));
    ask(lookups, 101, 101, "example.com", A);
    assert_false(find(lookups, 101, "n1.example.com", &tie));
    assert_true(find(lookups, 101, "n2.example.com", &tie));
    assert_true(find(lookups, 101, "n0.example.com", &tie));
    tie_is(&tie, "n0.example.com", DNS_TYPE_AAAA, 1, 1, 0, 1);
    /* Who is asked for again is not the oldest. */
    for (unsigned i = 0; i < 2; i++) {
        snprintf(name, sizeof name, "m%u.example.com", i);
        ask(lookups, 200, 200, name, A);
    }
    assert_false(find(lookups, 201, "n3.example.com", &tie));
    assert_false(find(lookups, 201, "n2.example.com", &tie));
    for (int i = 4; i < most; i++) {
        ask(lookups, 202, 0, "m0.example.com", A);
        snprintf(name, sizeof name, "o%d.example.com", i);
        ask(lookups, 202, 202, name, A);
    }
    ask(lookups, 203, 203, "o.example.com", A);
    ask(lookups, 203, 203, "p.example.com", A);
    ask(lookups, 203, 203, "q.example.com", A);
    assert_false(find(lookups, 204, "m1.example.com", &tie));
    assert_true(find(lookups, 204, "m0.example.com", &tie));
    for (int i = 0; i < most; i++)
        ask(lookups, 70000 + i, 102, "example.com", A); /* again and again: one */
    assert_in_range(dns_lookups_tracked(lookups), 1, most - 1);
    dns_lookups_destroy(lookups);
}

/* A name that is asked for all the time, with another answer each time: bounded work. */
static void test_busy_name(void **state)
{
    (void)state;
    struct dns_lookups *lookups = dns_lookups_create(64 << 20);
    struct dns_tie tie;
    assert_non_null(lookups);
    for (unsigned i = 0; i < 20000; i++) {
        ask(lookups, i, i & 0xffff, "example.com", A);
        answer_a(lookups, i, i & 0xffff, "example.com", i & 0x7f);
    }
    assert_int_equal(dns_lookups_tracked(lookups), 20000);
    assert_true(find_to(lookups, 20000, "example.com", 200, &tie));
    assert_false(tie.is_elsewhere); /* there is more than was looked at */
    assert_in_range(tie.asked, 10, 1000);
    assert_int_equal(tie.failed + tie.unanswered, 0);
    assert_false(find(lookups, 12000, "example.com", &tie)); /* there were too many since */
    dns_lookups_destroy(lookups);
}

/* SRV that point at ever more names, in a circle. */
static void test_many_names(void **state)
{
    struct dns_lookups *lookups = *state;
    struct dns_tie tie;
    char from[40], to[32];
    for (unsigned i = 0; i < 100; i++) {
        snprintf(from, sizeof from, "_sip._udp.n%u.example.com", i);
        snprintf(to, sizeof to, "n%u.example.com", (i + 1) % 100);
        ask(lookups, 0, i, from, SRV);
        answer_srv(lookups, 1, i, from, to);
    }
    ask(lookups, 1, 200, "n1.example.com", A);
    answer_a(lookups, 1, 200, "n1.example.com", 1);
    assert_true(find(lookups, 2, "n0.example.com", &tie));
    assert_in_range(tie.asked, 2, 20);
    assert_false(tie.is_elsewhere);
    ask(lookups, 5, 300, "_sip._udp.loop.example.com", SRV);
    answer_srv(lookups, 6, 300, "_sip._udp.loop.example.com", "loop.example.com");
    assert_true(find(lookups, 7, "loop.example.com", &tie));
    tie_is(&tie, "_sip._udp.loop.example.com", DNS_TYPE_SRV, 1, 0, 0, 1);
}

/* More servers than are remembered: those that were heard last are. */
static void test_many_servers(void **state)
{
    struct dns_lookups *lookups = *state;
    struct dns_tie tie;
    struct endpoint client = {address_of(CLIENT), 40000};
    struct sample question = sample_of(1, 0x0100, "example.com", A);
    struct sample failure = sample_of(1, FLAG_RESPONSE | SERVFAIL, "example.com", A);
    for (unsigned i = 0; i < 2000; i++) {
        struct endpoint server = {
            ip_from_v4((const uint8_t[4]){198, 51, (uint8_t)(i >> 8), (uint8_t)i}), 53};
        send_between(lookups, i, client, server, &question);
        send_between(lookups, i, client, server, &failure);
        if (i % 1000 != 0)
            continue;
        server.ip.octets[2] = server.ip.octets[3] = 255; /* and this one now and then */
        send_between(lookups, i, client, server, &question);
        send_between(lookups, i, client, server, &failure);
    }
    question = sample_of(2, 0x0100, "example.net", A);
    struct endpoint first = {ip_from_v4((const uint8_t[4]){198, 51, 0, 0}), 53};
    struct endpoint last = {ip_from_v4((const uint8_t[4]){198, 51, 1999 >> 8, 1999 & 0xff}), 53};
    send_between(lookups, 3000, client, first, &question);
    assert_false(find(lookups, 3001, "example.net", &tie));
    struct endpoint often = {ip_from_v4((const uint8_t[4]){198, 51, 255, 255}), 53};
    send_between(lookups, 3000, client, often, &question);
    assert_true(find(lookups, 3001, "example.net", &tie));
    send_between(lookups, 3000, client, first, &question);
    assert_false(find(lookups, 3001, "example.net", &tie));
    send_between(lookups, 3000, client, last, &question);
    assert_true(find(lookups, 3001, "example.net", &tie));
}

#define WITH_LOOKUPS(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_LOOKUPS(test_one_name),
        WITH_LOOKUPS(test_addresses_are_no_names),
        WITH_LOOKUPS(test_chain),
        WITH_LOOKUPS(test_failures),
        WITH_LOOKUPS(test_services_at_once),
        WITH_LOOKUPS(test_latest_failure),
        WITH_LOOKUPS(test_no_such_service),
        WITH_LOOKUPS(test_unanswered),
        WITH_LOOKUPS(test_asked_again),
        WITH_LOOKUPS(test_asked_at_once),
        WITH_LOOKUPS(test_strange_responses),
        WITH_LOOKUPS(test_not_followed),
        WITH_LOOKUPS(test_elsewhere),
        WITH_LOOKUPS(test_cut_answers),
        WITH_LOOKUPS(test_delay_of_the_latest),
        WITH_LOOKUPS(test_ipv6),
        WITH_LOOKUPS(test_clock_step),
        cmocka_unit_test(test_room),
        cmocka_unit_test(test_busy_name),
        WITH_LOOKUPS(test_many_names),
        WITH_LOOKUPS(test_many_servers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
