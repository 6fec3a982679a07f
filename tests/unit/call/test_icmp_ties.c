/* ICMP errors: which INVITE they are about, and which quotes are of none. */
#include "call_bench.h"

enum { IP_ID = 4711, UDP_HEADER_BYTES = 8 };

static const struct message plain = {.method = "INVITE", .ip_id = IP_ID};

/* What the sender had on the wire. */
struct wire {
    char text[4096];
    size_t len;
};

static struct wire wire_of(const struct message *m)
{
    struct wire wire;
    wire.len =
        message_text(m, or_else(m->from, ALICE), or_else(m->to, GW), wire.text, sizeof wire.text);
    return wire;
}

/* The error of a router that quotes 8 octets of UDP: RFC 792's least. */
static struct icmp_error error_of(const struct message *m, int64_t ms)
{
    struct wire wire = wire_of(m);
    struct icmp_error error = {
        .time_ns = AT(ms),
        .sender = ip_from_v4((const uint8_t[4]){203, 0, 113, 1}),
        .type = 3,
        .code = 1,
        .meaning = ICMP_HOST_UNREACHABLE,
        .src = endpoint_of(or_else(m->from, ALICE)),
        .dst = endpoint_of(or_else(m->to, GW)),
        .protocol = 17,
        .ip_id = m->ip_id,
        .has_ip_id = true,
        .has_ports = true,
        .udp_len = (uint16_t)(wire.len + UDP_HEADER_BYTES),
    };
    error.told = error.src.ip;
    return error;
}

static bool give(struct bench *b, const struct icmp_error *error)
{
    calls_packet(&b->calls, &error->sender, error->time_ns);
    return calls_icmp(&b->calls, error);
}

static struct transaction *only_transaction(struct bench *b, const char *call)
{
    struct call *found = call_table_find(&b->calls.table, slice_str(call), SLICE("a1"));
    assert_non_null(found);
    assert_int_equal(found->transaction_count, 1);
    return transaction_at(found->transactions.next);
}

static const char first_call[] = "call-1@example.com";

static void test_eight_octets(void **state)
{
    struct bench *b = bench_new();
    struct icmp_error error = error_of(&plain, 10);
    (void)state;
    bench_give(b, &plain);
    assert_true(give(b, &error));
    error.time_ns = AT(20);
    assert_true(give(b, &error));
    const struct icmp_facts *facts = &only_transaction(b, first_call)->findings->icmp;
    assert_int_equal(facts->count, 2);
    assert_at(facts->first_ns, 10);
    assert_at(facts->last_ns, 20);
    assert_true(ip_eq(&facts->sender, &error.sender));
    assert_int_equal(facts->type, 3);
    assert_int_equal(facts->code, 1);
    assert_int_equal(facts->meaning, ICMP_HOST_UNREACHABLE);
    assert_int_equal(b->calls.icmp_tied, 2);
    /* It does not end the wait, and is told when that is over. */
    assert_int_equal(b->calls.table.waiting, 1);
    bench_advance(b, TIMER_B_MS - 1);
    assert_int_equal(b->count, 0);
    bench_advance(b, TIMER_B_MS);
    const struct invite_unanswered *e = bench_unanswered(b);
    assert_string_equal(cause_code_name(e->cause.code), "icmp_unreachable");
    assert_string_equal(e->cause.evidence[0].kind, "icmp_error");
    assert_int_equal(e->cause.evidence[0].count, 2);
    bench_free(b);
}

/* Each repetition has an IP id of its own, and counts. */
static void test_each_sending(void **state)
{
    (void)state;
    for (uint16_t which = 0; which < 7; which++) {
        struct bench *b = bench_new();
        struct message m = plain;
        int64_t ms = 0;
        for (uint16_t i = 0; i <= which; i++) {
            m.ip_id = (uint16_t)(IP_ID + i);
            m.ms = ms;
            bench_give(b, &m);
            ms += 500 << i;
        }
        struct icmp_error error = error_of(&m, m.ms + 30);
        assert_true(give(b, &error));
        bench_free(b);
    }
}

static void spoil_src(struct icmp_error *e)
{
    e->src.port++;
}
static void spoil_src_ip(struct icmp_error *e)
{
    e->src = endpoint_of(CAROL), e->told = e->src.ip;
}
static void spoil_dst(struct icmp_error *e)
{
    e->dst.port++;
}
static void spoil_dst_ip(struct icmp_error *e)
{
    e->dst.ip.octets[3]++;
}
static void spoil_id(struct icmp_error *e)
{
    e->ip_id++;
}
static void spoil_no_id(struct icmp_error *e)
{
    e->ip_id = 0;
}
static void spoil_len(struct icmp_error *e)
{
    e->udp_len++;
}
static void spoil_told(struct icmp_error *e)
{
    e->told.octets[3]++;
}
static void spoil_protocol(struct icmp_error *e)
{
    e->protocol = 6;
}
static void spoil_ports(struct icmp_error *e)
{
    e->has_ports = false;
}
static void spoil_direction(struct icmp_error *e)
{
    struct endpoint src = e->src;
    e->src = e->dst;
    e->dst = src;
    e->told = e->src.ip;
}
static void spoil_late(struct icmp_error *e)
{
    e->time_ns = AT(5001);
}
static void spoil_early(struct icmp_error *e)
{
    e->time_ns = AT(-51);
}

static void test_wrong_quotes(void **state)
{
    static void (*const spoils[])(struct icmp_error *) = {
        spoil_src,       spoil_src_ip, spoil_dst,   spoil_dst_ip,   spoil_id,
        spoil_no_id,     spoil_len,    spoil_told,  spoil_protocol, spoil_ports,
        spoil_direction, spoil_late,   spoil_early,
    };
    (void)state;
    for (size_t i = 0; i < sizeof spoils / sizeof spoils[0]; i++) {
        struct bench *b = bench_new();
        struct icmp_error error = error_of(&plain, 10);
        spoils[i](&error);
        bench_give(b, &plain);
        if (give(b, &error))
            fail_msg("spoil %zu was believed", i);
        assert_int_equal(only_transaction(b, first_call)->findings->icmp.count, 0);
        assert_int_equal(b->calls.icmp_tied, 0);
        bench_free(b);
    }
    struct bench *b = bench_new();
    struct icmp_error error = error_of(&plain, 5000); /* the last moment */
    bench_give(b, &plain);
    assert_true(give(b, &error));
    bench_free(b);
}

/* RFC 1071 as it is written, over the pseudo header of RFC 768 or RFC 8200, header and payload. */
static uint16_t checksum_of(const struct message *m)
{
    struct wire wire = wire_of(m);
    struct endpoint src = endpoint_of(or_else(m->from, ALICE)),
                    dst = endpoint_of(or_else(m->to, GW));
    uint8_t all[5000] = {0};
    size_t n = 0, ip_bytes = src.ip.version == 4 ? 4 : 16, len = wire.len + UDP_HEADER_BYTES;
    memcpy(all, src.ip.octets, ip_bytes);
    memcpy(all + ip_bytes, dst.ip.octets, ip_bytes);
    n = 2 * ip_bytes;
    const uint16_t words[] = {17, (uint16_t)len, src.port, dst.port, (uint16_t)len, 0};
    for (size_t i = 0; i < 6; i++) {
        all[n++] = (uint8_t)(words[i] >> 8);
        all[n++] = (uint8_t)words[i];
    }
    memcpy(all + n, wire.text, wire.len);
    n += wire.len;
    uint32_t sum = 0;
    for (size_t i = 0; i < n; i += 2)
        sum += (uint32_t)(all[i] << 8 | all[i + 1]);
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return sum == 0xffff ? 0xffff : (uint16_t)~sum;
}

/* Hosts that send no IP id (Linux with DF, IPv6): the UDP checksum tells which datagram it was. */
static void test_checksum(void **state)
{
    static const struct message senders[] = {
        {.method = "INVITE"},
        {.method = "INVITE", .call = "odd"},
        {.method = "INVITE", .call = "even.", .sdp = "v=0\r\n"},
        {.method = "INVITE",
         .from = "2001:db8::10:5060",
         .to = "2001:db8:1::20:5060",
         .sent_by = "[2001:db8::10]:5060"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof senders / sizeof senders[0]; i++) {
        struct bench *b = bench_new();
        struct icmp_error error = error_of(&senders[i], 10);
        error.is_v6 = i == 3;
        error.has_ip_id = i != 3;
        bench_give(b, &senders[i]);
        assert_false(give(b, &error)); /* no checksum: nobody knows */
        error.udp_checksum = (uint16_t)(checksum_of(&senders[i]) + 1);
        assert_false(give(b, &error));
        error.udp_checksum--;
        assert_true(give(b, &error));
        bench_free(b);
    }
}

/* What is quoted of the message says more than addresses, which a NAT may have changed. */
static void test_quoted_branch(void **state)
{
    struct wire wire = wire_of(&plain);
    size_t via_end = (size_t)(strstr(wire.text, "Max-Forwards") - wire.text) + 1;
    (void)state;
    for (size_t len = via_end; len <= wire.len; len++) {
        struct bench *b = bench_new();
        struct icmp_error error = error_of(&plain, 29000);
        error.src.ip.octets[0] = 10;
        error.told = error.src.ip;
        error.ip_id = 0;
        error.udp_len = 0;
        error.payload = slice_of(wire.text, len);
        bench_give(b, &plain);
        assert_true(give(b, &error));
        bench_free(b);
    }
}

static void test_quotes_of_another_message(void **state)
{
    static const struct message others[] = {
        {.method = "INVITE", .ip_id = IP_ID, .branch = "b2"},
        {.method = "INVITE", .ip_id = IP_ID, .sent_by = "192.0.2.10:5070"},
        {.method = "INVITE", .ip_id = IP_ID, .call = "another"},
        {.method = "INVITE", .ip_id = IP_ID, .cseq = 2},
        {.method = "CANCEL", .ip_id = IP_ID},
        {.method = "ACK", .ip_id = IP_ID},
        {.method = "OPTIONS", .ip_id = IP_ID},
        {.status = 200, .ip_id = IP_ID, .from = ALICE, .to = GW, .sent_by = ALICE},
    };
    (void)state;
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        struct bench *b = bench_new();
        struct icmp_error error = error_of(&plain, 10); /* its addresses, id and length would fit */
        struct wire wire = wire_of(&others[i]);
        error.payload = slice_of(wire.text, wire.len);
        bench_give(b, &plain);
        if (give(b, &error))
            fail_msg("message %zu was taken for the INVITE", i);
        bench_free(b);
    }
}

/* A branch of RFC 2543 may be every request's: then Call-ID and CSeq must be quoted, too. */
static void test_branch_without_cookie(void **state)
{
    struct message m = {.method = "INVITE", .via_params = ""};
    struct bench *b = bench_new();
    (void)state;
    char text[4096];
    size_t len = message_text(&m, ALICE, GW, text, sizeof text);
    char *cookie = strstr(text, "z9hG4bK");
    assert_non_null(cookie);
    memcpy(cookie, "1234567", 7);
    struct datagram datagram = {.time_ns = AT(0),
                                .src = endpoint_of(ALICE),
                                .dst = endpoint_of(GW),
                                .payload = slice_of(text, len)};
    struct sip_msg msg;
    assert_int_equal(sip_msg_parse(datagram.payload, false, &msg), SIP_ACCEPTED);
    calls_packet(&b->calls, &datagram.src.ip, datagram.time_ns);
    calls_message(&b->calls, &datagram, &msg);
    struct icmp_error error = error_of(&m, 10);
    error.payload = slice_of(text, (size_t)(strstr(text, "CSeq:") - text) + 3);
    assert_false(give(b, &error));
    error.payload = slice_of(text, len);
    assert_true(give(b, &error));
    bench_free(b);
}

/* Two INVITEs that the headers do not tell apart: it is not certain which. */
static void test_ambiguous(void **state)
{
    struct bench *b = bench_new();
    struct message second = plain;
    struct icmp_error error = error_of(&plain, 10);
    (void)state;
    second.call = "call-2@example.com";
    second.branch = "b2";
    bench_give(b, &plain);
    bench_give(b, &second);
    assert_false(give(b, &error));
    struct wire wire = wire_of(&second);
    error.payload = slice_of(wire.text, wire.len);
    assert_true(give(b, &error));
    assert_int_equal(only_transaction(b, first_call)->findings->icmp.count, 0);
    assert_int_equal(only_transaction(b, second.call)->findings->icmp.count, 1);
    bench_free(b);
}

/* An INVITE that was answered all the same gives no event; an error after its end is of none. */
static void test_answered_all_the_same(void **state)
{
    struct bench *b = bench_new();
    struct icmp_error error = error_of(&plain, 10);
    (void)state;
    bench_give(b, &plain);
    assert_true(give(b, &error));
    const struct transaction *t = only_transaction(b, first_call);
    assert_true(t->born > 0);
    SAY(b, 600, .status = 486, .ttag = "t1");
    SAY(b, 610, .method = "ACK", .ttag = "t1");
    bench_advance(b, 60000);
    assert_int_equal(bench_count(b, EVENT_INVITE_UNANSWERED), 0);
    assert_state(bench_ended(b), CALL_STATE_FAILED);
    error.time_ns = AT(60000);
    assert_false(give(b, &error));
    struct wire wire = wire_of(&plain);
    error.payload = slice_of(wire.text, wire.len);
    assert_false(give(b, &error));
    assert_int_equal(t->born, 0); /* its place may be another's by now */
    bench_free(b);
}

static void test_clock_step(void **state)
{
    struct bench *b = bench_new();
    (void)state;
    bench_give(b, &plain);
    struct icmp_error error = error_of(&plain, 10);
    assert_true(give(b, &error));
    calls_clock_step(&b->calls, -3600000 * MS);
    error.time_ns = AT(-3600000 + 100);
    assert_true(give(b, &error));
    bench_advance(b, -3600000 + TIMER_B_MS);
    const struct invite_unanswered *e = bench_unanswered(b);
    assert_int_equal(e->cause.evidence[0].count, 2);
    assert_at(e->cause.evidence[0].at_ns, -3600000 + 10);
    bench_free(b);
}

static const struct message over_tcp = {.method = "INVITE", .transport = TRANSPORT_TCP};

static struct icmp_error tcp_error_of(const struct message *m, int64_t ms)
{
    struct icmp_error error = error_of(m, ms);
    error.protocol = 6;
    error.udp_len = 0;
    return error;
}

/* Of TCP the connection is what matters, for each INVITE that waits on it. */
static void test_tcp(void **state)
{
    enum { INVITES = 20 };
    struct bench *b = bench_new();
    struct message m = over_tcp;
    char call[32], branch[32];
    (void)state;
    m.call = call;
    m.branch = branch;
    for (int i = 0; i < INVITES; i++) {
        snprintf(call, sizeof call, "tcp-%d", i);
        snprintf(branch, sizeof branch, "t%d", i);
        m.ms = i;
        bench_give(b, &m);
    }
    struct icmp_error error = tcp_error_of(&m, 100);
    assert_true(give(b, &error));
    snprintf(call, sizeof call, "after");
    m.ms = 200;
    bench_give(b, &m);
    struct icmp_error other = error;
    other.src.port++;
    assert_false(give(b, &other));
    other = error;
    other.dst = endpoint_of(GW2);
    assert_false(give(b, &other));
    bench_advance(b, 60000);
    assert_int_equal(bench_count(b, EVENT_INVITE_UNANSWERED), INVITES + 1);
    for (size_t i = 0; i < b->count; i++) {
        if (b->kept[i].event.type != EVENT_INVITE_UNANSWERED)
            continue;
        const struct invite_unanswered *e = &b->kept[i].event.invite_unanswered;
        assert_int_equal(e->transport, TRANSPORT_TCP);
        assert_int_equal(e->cause.code == CAUSE_ICMP_UNREACHABLE, e->first_sent_ns < AT(100));
    }
    bench_free(b);
}

/* Errors of many connections: the newest are kept, the memory is fixed. */
static void test_many_connections(void **state)
{
    enum { CONNECTIONS = 3000 };
    struct bench *b = bench_new();
    char call[32], branch[32], from[32];
    struct message m = over_tcp;
    (void)state;
    m.call = call;
    m.branch = branch;
    m.from = from;
    for (int i = 0; i < CONNECTIONS; i++) {
        snprintf(call, sizeof call, "tcp-%d", i);
        snprintf(branch, sizeof branch, "t%d", i);
        snprintf(from, sizeof from, "192.0.2.10:%d", 20000 + i);
        m.ms = i;
        bench_give(b, &m);
        struct icmp_error error = tcp_error_of(&m, i);
        assert_true(give(b, &error));
    }
    bench_advance(b, CONNECTIONS - 1 + TIMER_B_MS);
    const struct event *last = NULL;
    for (size_t i = 0; i < b->count; i++)
        if (b->kept[i].event.type == EVENT_INVITE_UNANSWERED)
            last = &b->kept[i].event;
    assert_non_null(last);
    assert_int_equal(last->invite_unanswered.cause.code, CAUSE_ICMP_UNREACHABLE);
    bench_free(b);
}

/* A flood of INVITEs makes older ones unfindable by their headers, and nothing worse. */
static void test_flood(void **state)
{
    enum { FLOOD = 20000 };
    struct bench *b = bench_new();
    char call[32], branch[32];
    (void)state;
    bench_give(b, &plain);
    for (int i = 0; i < FLOOD; i++) {
        snprintf(call, sizeof call, "flood-%d", i);
        snprintf(branch, sizeof branch, "f%d", i);
        SAY(b, 1 + i / 10, .call = call, .branch = branch, .from = CAROL, .sent_by = CAROL,
            .ip_id = (uint16_t)(1 + i));
        /* Errors about what is long gone, or was never there. */
        struct message m = {.method = "INVITE", .ip_id = (uint16_t)i, .from = CAROL};
        struct icmp_error error = error_of(&m, 1 + i / 10);
        give(b, &error);
    }
    struct message last = plain;
    last.ms = 3000;
    last.call = "last";
    last.branch = "last";
    bench_give(b, &last);
    struct icmp_error error = error_of(&last, 3010);
    assert_true(give(b, &error));
    bench_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_eight_octets),
        cmocka_unit_test(test_each_sending),
        cmocka_unit_test(test_wrong_quotes),
        cmocka_unit_test(test_checksum),
        cmocka_unit_test(test_quoted_branch),
        cmocka_unit_test(test_quotes_of_another_message),
        cmocka_unit_test(test_branch_without_cookie),
        cmocka_unit_test(test_ambiguous),
        cmocka_unit_test(test_answered_all_the_same),
        cmocka_unit_test(test_clock_step),
        cmocka_unit_test(test_tcp),
        cmocka_unit_test(test_many_connections),
        cmocka_unit_test(test_flood),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
