#include "sip/sip_via.h"

#include "sip_sample.h"

/* One value in a header of its own; `port` is -1 where it must be refused. */
struct row {
    const char *value, *transport, *host, *branch, *received;
    int port;
    int rport; /* -1: the parameter is not there */
    bool cookie;
    uint32_t defects;
};

static const struct row rows[] = {
    {"SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKa", "UDP", "192.0.2.1", "z9hG4bKa", "", 5060, -1,
     true, 0},
    {"SIP/2.0/TCP a.example.com", "TCP", "a.example.com", "", "", 0, -1, false, 0},
    {"SIP / 2.0 / UDP 192.0.2.1 : 5061 ; branch = Z9HG4BKb", "UDP", "192.0.2.1", "Z9HG4BKb", "",
     5061, -1, true, 0},
    {"SIP\r\n /2.0/\r\n\tTLS\r\n a_b.example.com\r\n ;branch=z9hG4bKc", "TLS", "a_b.example.com",
     "z9hG4bKc", "", 0, -1, true, 0},
    {"SIP/2.0/UDP [2001:db8::9:1];branch=z9hG4bKd", "UDP", "[2001:db8::9:1]", "z9hG4bKd", "", 0, -1,
     true, 0},
    {"SIP/2.0/UDP [2001:db8::9:1]:5070;received=2001:db8::1;branch=z9hG4bKe", "UDP",
     "[2001:db8::9:1]", "z9hG4bKe", "2001:db8::1", 5070, -1, true, 0},
    {"SIP/2.0/UDP 192.0.2.1;rport;branch=z9hG4bKf", "UDP", "192.0.2.1", "z9hG4bKf", "", 0, 0, true,
     0},
    {"SIP/2.0/UDP 192.0.2.1;rport=40000;RECEIVED=198.51.100.1;BRANCH=z9hG4bKg", "UDP", "192.0.2.1",
     "z9hG4bKg", "198.51.100.1", 0, 40000, true, 0},
    {"SIP/2.0/UDP 192.0.2.1;branch=\"z9hG4bK,h;\";ttl=1;x", "UDP", "192.0.2.1", "z9hG4bK,h;", "", 0,
     -1, true, 0},
    {"SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKi;branch=z9hG4bKj", "UDP", "192.0.2.1", "z9hG4bKi", "", 0,
     -1, true, 0},
    {"SIP/2.0/WSS a.invalid:65535;branch=1", "WSS", "a.invalid", "1", "", 65535, -1, false, 0},
    {"SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK", "UDP", "192.0.2.1", "z9hG4bK", "", 0, -1, false, 0},
    {"SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKk (a comment)", "UDP", "192.0.2.1", "z9hG4bKk", "", 0, -1,
     true, SIP_DEFECT_BAD_VALUE},
    {"SIP/2.0/UDP 192.0.2.1;rport=0;branch=z9hG4bKl", "UDP", "192.0.2.1", "z9hG4bKl", "", 0, 0,
     true, SIP_DEFECT_BAD_VALUE},
    {"SIP/2.0/UDP 192.0.2.1;rport=65536;branch=z9hG4bKm", "UDP", "192.0.2.1", "z9hG4bKm", "", 0, 0,
     true, SIP_DEFECT_BAD_VALUE},
    {"SIP/2.0/UDP 192.0.2.1;;branch=z9hG4bKn", "UDP", "192.0.2.1", "z9hG4bKn", "", 0, -1, true,
     SIP_DEFECT_BAD_VALUE},
    {"SIP/2.0/UDP 192.0.2.1;branch=\"z9hG4bKo", "UDP", "192.0.2.1", "z9hG4bKo", "", 0, -1, true,
     SIP_DEFECT_BAD_VALUE | SIP_DEFECT_UNTERMINATED_QUOTE},
    {"SIP/2.0/UDP 2001:db8::9:1;branch=z9hG4bKq", "UDP", "2001:db8::9:1", "z9hG4bKq", "", 0, -1,
     true, SIP_DEFECT_BAD_VALUE},
    {"SIP/2.0/UDP ::ffff:192.0.2.1 ;branch=z9hG4bKr", "UDP", "::ffff:192.0.2.1", "z9hG4bKr", "", 0,
     -1, true, SIP_DEFECT_BAD_VALUE},
    {"SIP/2.0/UDP", NULL, NULL, NULL, NULL, -1, 0, false, 0},
    {"SIP/2.0/UDP ;branch=z9hG4bKp", NULL, NULL, NULL, NULL, -1, 0, false, 0},
    {"SIP/2.0 192.0.2.1", NULL, NULL, NULL, NULL, -1, 0, false, 0},
    {"SIP//UDP 192.0.2.1", NULL, NULL, NULL, NULL, -1, 0, false, 0},
    {"192.0.2.1:5060", NULL, NULL, NULL, NULL, -1, 0, false, 0},
    {"SIP/2.0/UDP 192.0.2.1:0", NULL, NULL, NULL, NULL, -1, 0, false, 0},
    {"SIP/2.0/UDP 192.0.2.1:", NULL, NULL, NULL, NULL, -1, 0, false, 0},
    {"SIP/2.0/UDP 192.0.2.1:65536", NULL, NULL, NULL, NULL, -1, 0, false, 0},
    {"SIP/2.0/UDP 192.0.2.1:99999999999999999999", NULL, NULL, NULL, NULL, -1, 0, false, 0},
    {"SIP/2.0/UDP 192.0.2.1:-5", NULL, NULL, NULL, NULL, -1, 0, false, 0},
    {"SIP/2.0/UDP 192.0.2.1:5060x", NULL, NULL, NULL, NULL, -1, 0, false, 0},
    {"SIP/2.0/UDP [2001:db8::1;branch=z9hG4bKq", NULL, NULL, NULL, NULL, -1, 0, false, 0},
    {"SIP/2.0/UDP 2001:db8::1:x;branch=z9hG4bKs", NULL, NULL, NULL, NULL, -1, 0, false, 0},
    {"SIP/2.0/UDP [2001:db8::1]x:5060", NULL, NULL, NULL, NULL, -1, 0, false, 0},
};

static void values(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct row *row = &rows[i];
        size_t len = strlen(row->value), offset = 0;
        char *exact = malloc(len);
        assert_non_null(exact);
        memcpy(exact, row->value, len);
        struct slice value = slice_of(exact, len);
        struct sip_via via;
        uint32_t defects = 0;
        enum sip_via_result result = sip_via_next(value, &offset, &via, &defects);
        if (result != (row->port < 0 ? SIP_VIA_BROKEN : SIP_VIA_READ))
            fail_msg("\"%s\" was %s", row->value, result == SIP_VIA_READ ? "read" : "not read");
        if (result == SIP_VIA_READ) {
            assert_slice(via.transport, row->transport);
            assert_slice(via.host, row->host);
            assert_slice(via.branch, row->branch);
            assert_slice(via.received, row->received);
            assert_int_equal(via.port, row->port);
            assert_int_equal(via.has_rport, row->rport >= 0);
            assert_int_equal(via.rport, row->rport > 0 ? row->rport : 0);
            assert_int_equal(via.has_cookie, row->cookie);
            if (defects != row->defects)
                fail_msg("\"%s\": defects %#x, not %#x", row->value, defects, row->defects);
        }
        assert_int_equal(sip_via_next(value, &offset, &via, &defects), SIP_VIA_NONE);
        assert_int_equal(offset, len);
        free(exact);
    }
}

/* RFC 7339 section 4; what is not its grammar says nothing, and is no defect. */
static void overload_control(void **state)
{
    static const struct {
        const char *parameters;
        int percent; /* -1: none */
        uint32_t validity_ms;
    } cases[] = {
        {";oc=20;oc-algo=\"loss\";oc-validity=1000;oc-seq=1282321615.782", 20, 1000},
        {";oc-algo=LOSS;OC-Validity=0;OC = 100", 100, 0},
        {";oc=0", 0, 500},
        {";oc=00000000000000000000000000000000007", 7, 500},
        {";oc=1;oc-validity", 1, 500},
        {";oc=1;oc-validity=4294967296", 1, 500},
        {";oc=1;oc-validity=4294967295", 1, UINT32_MAX},
        {"", -1, 0},
        {";oc;oc-algo=\"loss,rate\"", -1, 0}, /* what a client offers */
        {";oc=150;oc-algo=\"rate\"", -1, 0},
        {";oc=50;oc-algo=\"rate\"", -1, 0},
        {";oc-algo=\"rate\";oc=50", -1, 0},
        {";oc=101", -1, 0},
        {";oc=-1", -1, 0},
        {";oc=5%", -1, 0},
        {";oc=99999999999999999999999999", -1, 0},
        {";oc=5;oc=x", -1, 0},
        {";ocx=5", -1, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[200];
        struct sip_via via;
        uint32_t defects = 0;
        size_t offset = 0;
        snprintf(text, sizeof text, "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKo%s",
                 cases[i].parameters);
        assert_int_equal(sip_via_next(slice_str(text), &offset, &via, &defects), SIP_VIA_READ);
        if (via.has_oc != (cases[i].percent >= 0))
            fail_msg("\"%s\": %d", text, via.has_oc);
        if (via.has_oc) {
            assert_int_equal(via.oc_percent, cases[i].percent);
            assert_int_equal(via.oc_validity_ms, cases[i].validity_ms);
        }
        assert_int_equal(defects, 0);
    }
}

/* A broken value in front is no message; one further down is left out. */
static void lists(void **state)
{
    (void)state;
    static const struct {
        const char *lines;
        enum sip_refusal refusal;
        int count;
        uint32_t defects;
        const char *last;
    } lists[] = {
        {"Via: SIP/2.0/UDP a;branch=z9hG4bK1,SIP/2.0/UDP b , SIP/2.0/UDP c\r\nv: SIP/2.0/TCP d\r\n",
         SIP_ACCEPTED, 4, 0, "d"},
        {"Via: SIP/2.0/UDP a;branch=\"z9hG4bK,\";x=\"\\\",\", SIP/2.0/UDP b\r\n", SIP_ACCEPTED, 2,
         0, "b"},
        {"Via: SIP/2.0/UDP a;branch=z9hG4bK1,, SIP/2.0/UDP b,\r\n", SIP_ACCEPTED, 2,
         SIP_DEFECT_BAD_VALUE, "b"},
        {"Via: , SIP/2.0/UDP a;branch=z9hG4bK1\r\n", SIP_ACCEPTED, 1, SIP_DEFECT_BAD_VALUE, "a"},
        {"Via:\r\nVia: SIP/2.0/UDP a;branch=z9hG4bK1\r\n", SIP_ACCEPTED, 1, SIP_DEFECT_BAD_VALUE,
         "a"},
        {"Via: SIP/2.0/UDP a;branch=z9hG4bK1, SIP/2.0/UDP b:0;branch=x, SIP/2.0/UDP c\r\n",
         SIP_ACCEPTED, 2, SIP_DEFECT_BAD_VALUE, "c"},
        {"Via: SIP/2.0/UDP a;branch=z9hG4bK1\r\nVia: SIP/2.0/UDP [2001:db8::1\r\n", SIP_ACCEPTED, 1,
         SIP_DEFECT_BAD_VALUE, "a"},
        {"Via: SIP/2.0/UDP a:0, SIP/2.0/UDP b\r\n", SIP_BAD_VIA, 0, 0, ""},
        {"Via: SIP/2.0/UDP a\r\n", SIP_ACCEPTED, 1, SIP_DEFECT_NO_BRANCH, "a"},
        {"Via: ,\r\n", SIP_BAD_VIA, 0, 0, ""},
    };
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        struct parsed *p = parse_sample(REQUEST_LINE, "Via", lists[i].lines, "");
        assert_verdict(lists[i].lines, p, lists[i].refusal, lists[i].defects);
        if (p->refusal == SIP_ACCEPTED) {
            assert_int_equal(p->msg.via_count, lists[i].count);
            struct sip_via_iter iter = {0};
            struct sip_via via, last = {0};
            int count = 0;
            for (; sip_msg_next_via(&p->msg, &iter, &via); count++)
                last = via;
            assert_int_equal(count, lists[i].count);
            assert_slice(last.host, lists[i].last);
        }
        parsed_free(p);
    }
}

/* `count` values with hosts h0, h1 …: on one line or on many. */
static char *many_vias(int count, bool one_line)
{
    size_t room = 64 + (size_t)count * 64, used = 0;
    char *lines = malloc(room);
    assert_non_null(lines);
    for (int i = 0; i < count; i++)
        used += (size_t)snprintf(lines + used, room - used, "%sSIP/2.0/UDP h%d;branch=z9hG4bK%d%s",
                                 i > 0 && one_line ? ", " : "Via: ", i, i, one_line ? "" : "\r\n");
    if (one_line)
        snprintf(lines + used, room - used, "\r\n");
    return lines;
}

static void two_hundred(void **state)
{
    (void)state;
    for (int one_line = 0; one_line < 2; one_line++) {
        char *lines = many_vias(200, one_line);
        struct parsed *p = parse_sample(REQUEST_LINE, "Via", lines, "");
        assert_verdict("200 Vias", p, SIP_ACCEPTED, 0);
        assert_int_equal(p->msg.via_count, 200);
        struct sip_via_iter iter = {0};
        struct sip_via via;
        char host[16];
        for (int i = 0; i < 200; i++) {
            assert_true(sip_msg_next_via(&p->msg, &iter, &via));
            snprintf(host, sizeof host, "h%d", i);
            assert_slice(via.host, host);
        }
        assert_false(sip_msg_next_via(&p->msg, &iter, &via));
        parsed_free(p);
        free(lines);

        lines = many_vias(SIP_VIAS_MAX, one_line);
        p = parse_sample(REQUEST_LINE, "Via", lines, "");
        assert_verdict("as many Vias as may be", p, SIP_ACCEPTED, 0);
        parsed_free(p);
        free(lines);

        lines = many_vias(SIP_VIAS_MAX + 1, one_line);
        p = parse_sample(REQUEST_LINE, "Via", lines, "");
        assert_verdict("one Via too many", p, SIP_TOO_LARGE, 0);
        parsed_free(p);
        free(lines);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values),
        cmocka_unit_test(overload_control),
        cmocka_unit_test(lists),
        cmocka_unit_test(two_hundred),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
