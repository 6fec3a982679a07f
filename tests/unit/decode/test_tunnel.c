/*
 * tunnel: GRE with each combination of its flags, ERSPAN, and the tunnels in UDP, each whole and as
 * every prefix; what looks like one and is none; nests of them.
 */
#include "frame.h"

enum { GRE = 47, UDP = 17 };

/* GRE, with every optional field that the flags announce; they are 0xa5 each, the key 0x2a. */
static void wrap_gre(struct frame *f, unsigned flags, unsigned type)
{
    struct frame header = {.len = 0};
    put_u16(&header, flags);
    put_u16(&header, type);
    if ((flags & 0xc000) != 0)
        put(&header, "\xa5\xa5\xa5\xa5", 4);
    if ((flags & 0x2000) != 0)
        put(&header, "\0\0\0\x2a", 4);
    if ((flags & 0x1000) != 0)
        put(&header, "\xa5\xa5\xa5\xa5", 4);
    if ((flags & 0x4000) != 0) /* a source route of two addresses, and the end of all */
        put(&header, "\x08\x00\x04\x08\xcb\x00\x71\x07\xcb\x00\x71\x08\0\0\0\0", 16);
    wrap_frame(f, &header);
}

/* The outer headers of what is in IP, and of what is in UDP. */
static void wrap_ip(struct frame *f, unsigned protocol)
{
    wrap_v4(f, protocol);
    wrap_ethernet(f, 0x0800);
}

static void wrap_port(struct frame *f, unsigned port)
{
    wrap_udp(f, 49152, port);
    wrap_ip(f, UDP);
}

static void assert_plain_udp(const struct frame *f, unsigned port, size_t payload)
{
    struct datagram d;
    assert_int_equal(decode(f, ETHERNET, &d), DECODE_UDP);
    assert_int_equal(d.tunnel, TUNNEL_NONE);
    assert_int_equal(d.tunnel_depth, 0);
    assert_int_equal(d.envelope, 0);
    assert_int_equal(d.layers, 3);
    assert_int_equal(d.src.port, 49152);
    assert_int_equal(d.dst.port, port);
    assert_int_equal(d.payload.len, payload);
    assert_int_equal(d.outer_src.version, 0);
    assert_false(d.truncated);
    char text[IP_TEXT_MAX];
    assert_string_equal(ip_format(&d.src.ip, text), "203.0.113.1");
}

static void test_gre_flags(void **state)
{
    (void)state;
    static const unsigned flags[] = {0x8000, 0x4000, 0x2000, 0x1000};
    for (unsigned i = 0; i < 16; i++) {
        unsigned set = 0;
        for (unsigned bit = 0; bit < 4; bit++)
            set |= (i >> bit & 1) != 0 ? flags[bit] : 0;
        for (unsigned version = 4; version <= 6; version += 2) {
            struct frame f = hello(version);
            wrap_gre(&f, set, version == 4 ? 0x0800 : 0x86dd);
            wrap_ip(&f, GRE);
            assert_tunnels_hello(&f, ETHERNET, version, TUNNEL_GRE, 1);
            struct datagram d;
            assert_int_equal(decode(&f, ETHERNET, &d), DECODE_UDP);
            assert_outer(&d, "203.0.113.1", "203.0.113.2");

            f = hello_frame(version);
            wrap_gre(&f, set, 0x6558);
            wrap_v6(&f, GRE);
            assert_tunnels_hello(&f, RAW, version, TUNNEL_GRE, 1);
            assert_int_equal(decode(&f, RAW, &d), DECODE_UDP);
            assert_outer(&d, "2001:db8:ff::1", "2001:db8:ff::2");
        }
        struct frame f = hello(4);
        wrap(&f, "\0\x01\x01\x40", 4);
        wrap_gre(&f, set, 0x8847);
        wrap_ip(&f, GRE);
        assert_tunnels_hello(&f, ETHERNET, 4, TUNNEL_GRE, 2);
    }
}

/* Versions that are not there. */
static void test_gre_refused(void **state)
{
    (void)state;
    static const unsigned flags[] = {0x0001, 0x0002, 0x0007, 0x2001};
    for (unsigned i = 0; i < sizeof flags / sizeof flags[0]; i++) {
        struct frame f = hello(4);
        wrap_gre(&f, flags[i], 0x0800);
        size_t len = f.len;
        wrap_ip(&f, GRE);
        struct datagram d;
        assert_int_equal(decode(&f, ETHERNET, &d), DECODE_OTHER_IP);
        assert_int_equal(d.protocol, GRE);
        assert_int_equal(d.payload.len, len);
        assert_int_equal(d.tunnel, TUNNEL_NONE);
        assert_int_equal(d.src.port, 0);
        assert_int_equal(decode_part(&f, ETHERNET, f.len - 3, f.len, &d), DECODE_OTHER_IP);
        assert_int_equal(d.payload.len, len - 3);
        assert_true(d.truncated);
    }
}

/* Routes that never end. */
static void test_gre_routes(void **state)
{
    (void)state;
    struct frame f = hello(4);
    for (int i = 0; i < 9; i++)
        wrap(&f, "\x08\x00\x00\x04\xcb\x00\x71\x07", 8);
    wrap(&f, "\x40\0\x08\0\0\0\0\0", 8);
    wrap_ip(&f, GRE);
    struct datagram d;
    assert_int_equal(decode(&f, ETHERNET, &d), DECODE_MALFORMED);
}

static void test_gre_without_ip(void **state)
{
    (void)state;
    static const unsigned types[] = {0x0806, 0, 0x2000, 0x88cc};
    for (unsigned i = 0; i < sizeof types / sizeof types[0]; i++) {
        struct frame f = {.len = 0};
        put_zeros(&f, 28);
        wrap_gre(&f, 0, types[i]);
        wrap_ip(&f, GRE);
        struct datagram d;
        assert_int_equal(decode(&f, ETHERNET, &d), DECODE_NOT_IP);
    }
    /* What it carries contradicts itself. */
    struct frame f = hello(6);
    wrap_gre(&f, 0, 0x0800);
    wrap_ip(&f, GRE);
    struct datagram d;
    assert_int_equal(decode(&f, ETHERNET, &d), DECODE_MALFORMED);
}

/* Two ways of saying that the packet behind it is IPv4. */
static void test_gre_wccp_and_metadata(void **state)
{
    (void)state;
    struct frame f = hello(4);
    wrap_gre(&f, 0, 0x883e);
    wrap_ip(&f, GRE);
    assert_tunnels_hello(&f, ETHERNET, 4, TUNNEL_GRE, 1);
    f = hello(4);
    wrap(&f, "\0\x32\0\0", 4);
    wrap_gre(&f, 0, 0x883e);
    wrap_ip(&f, GRE);
    assert_tunnels_hello(&f, ETHERNET, 4, TUNNEL_GRE, 1);
    f = hello(4);
    wrap(&f, "\x08\0\1\1\0\1\0\5", 8);
    wrap_gre(&f, 0x2000, 0x8909);
    wrap_ip(&f, GRE);
    assert_tunnels_hello(&f, ETHERNET, 4, TUNNEL_GRE, 1);
}

/* RFC 2637: the key is the payload's length and a call id. */
static void test_pptp(void **state)
{
    (void)state;
    static const struct {
        const char *ppp;
        size_t len;
    } rows[] = {{"\0\x21", 2}, {"\x21", 1}, {"\xff\x03\0\x21", 4}, {"\xff\x03\x21", 3}};
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++)
        for (unsigned has_ack = 0; has_ack < 2; has_ack++) {
            struct frame f = hello(4);
            wrap(&f, rows[i].ppp, rows[i].len);
            struct frame header = {.len = 0};
            put_u16(&header, has_ack ? 0x3081 : 0x3001);
            put_u16(&header, 0x880b);
            put_u16(&header, (unsigned)f.len);
            put(&header, "\0\x07\0\0\0\x09", 6);
            put(&header, "\0\0\0\1", has_ack ? 4 : 0);
            wrap_frame(&f, &header);
            wrap_ip(&f, GRE);
            assert_tunnels_hello(&f, ETHERNET, 4, TUNNEL_GRE, 1);
            /* The payload's length bounds it, and is no id. */
            struct datagram d, e;
            assert_int_equal(decode(&f, ETHERNET, &d), DECODE_UDP);
            f.bytes[34 + 5]--;
            assert_int_equal(decode(&f, ETHERNET, &e), DECODE_UDP);
            assert_true(slice_eq(e.payload, SLICE("hell")));
            assert_int_equal(d.envelope, e.envelope);
        }
    /* An acknowledgment alone, and a negotiation. */
    struct frame f = {.len = 0};
    struct datagram d;
    put(&f, "\x20\x81\x88\x0b\0\0\0\x07\0\0\0\x09", 12);
    wrap_ip(&f, GRE);
    assert_int_equal(decode(&f, ETHERNET, &d), DECODE_NOT_IP);
    f.len = 0;
    put(&f, "\x30\x01\x88\x0b\0\x08\0\x07\0\0\0\x09\xff\x03\xc0\x21\1\1\0\4", 20);
    wrap_ip(&f, GRE);
    assert_int_equal(decode(&f, ETHERNET, &d), DECODE_NOT_IP);
}

/* draft-foschiano-erspan: type I has no header, II 8 octets, III 12, or 20 with the subheader. */
static void test_erspan(void **state)
{
    (void)state;
    static const struct {
        unsigned flags, type;
        const char *header;
        size_t len;
    } rows[] = {
        {0, 0x88be, "", 0},
        {0x1000, 0x88be, "\x10\x64\x20\x07\0\0\0\x05", 8},
        {0x1000, 0x22eb, "\x20\x64\x20\x07\1\2\3\4\0\0\0\0", 12},
        {0x1000, 0x22eb, "\x20\x64\x20\x07\1\2\3\4\0\0\0\1\x0c\0\0\0\0\0\0\0", 20},
        {0x1000, 0x22eb, "\x20\x64\x20\x07\1\2\3\4\0\0\x83\xfe", 12}, /* all flags but the type's */
    };
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        for (unsigned version = 4; version <= 6; version += 2) {
            struct frame f = hello_frame(version);
            wrap(&f, rows[i].header, rows[i].len);
            wrap_gre(&f, rows[i].flags, rows[i].type);
            wrap_ip(&f, GRE);
            assert_tunnels_hello(&f, ETHERNET, version, TUNNEL_ERSPAN, 1);
        }
    }
    /* Frame type 2 is IP. */
    for (unsigned version = 4; version <= 6; version += 2) {
        struct frame f = hello(version);
        wrap(&f, "\x20\x64\x20\x07\1\2\3\4\0\0\x08\0", 12);
        wrap_gre(&f, 0x1000, 0x22eb);
        wrap_ip(&f, GRE);
        assert_tunnels_hello(&f, ETHERNET, version, TUNNEL_ERSPAN, 1);
    }
    /* Another frame type, another version. */
    static const char *const refused[] = {"\x20\x64\x20\x07\1\2\3\4\0\0\x1c\0",
                                          "\x30\x64\x20\x07\1\2\3\4\0\0\0\0"};
    for (unsigned i = 0; i < 2; i++) {
        struct frame f = hello_frame(4);
        struct datagram d;
        wrap(&f, refused[i], 12);
        wrap_gre(&f, 0x1000, 0x22eb);
        wrap_ip(&f, GRE);
        assert_int_equal(decode(&f, ETHERNET, &d), DECODE_NOT_IP);
    }
}

static void test_vxlan(void **state)
{
    (void)state;
    static const unsigned ports[] = {4789, 8472};
    for (unsigned i = 0; i < 2; i++)
        for (unsigned version = 4; version <= 6; version += 2) {
            struct frame f = hello_frame(version);
            wrap(&f, "\x08\0\0\0\0\0\x7b\0", 8);
            wrap_port(&f, ports[i]);
            assert_tunnels_hello(&f, ETHERNET, version, TUNNEL_VXLAN, 1);
        }
    /* With a group policy; then without the flag that there is a VNI. */
    struct frame f = hello_frame(4);
    wrap(&f, "\x88\0\0\5\0\0\x7b\0", 8);
    wrap_port(&f, 4789);
    assert_tunnels_hello(&f, ETHERNET, 4, TUNNEL_VXLAN, 1);
    f.bytes[14 + 20 + 8] = 0x80;
    assert_plain_udp(&f, 4789, f.len - 42);
}

static void test_vxlan_gpe(void **state)
{
    (void)state;
    static const struct {
        const char *header;
        unsigned carries; /* 0: a frame, 4 and 6: IP, 5: MPLS */
    } rows[] = {{"\x0c\0\0\1\0\0\x7b\0", 4},
                {"\x0c\0\0\2\0\0\x7b\0", 6},
                {"\x0c\0\0\3\0\0\x7b\0", 0},
                {"\x0c\0\0\5\0\0\x7b\0", 5},
                {"\x08\0\0\0\0\0\x7b\0", 0}};
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        unsigned carries = rows[i].carries;
        struct frame f = carries == 0 ? hello_frame(4) : hello(carries == 6 ? 6 : 4);
        if (carries == 5)
            wrap(&f, "\0\x01\x01\x40", 4);
        wrap(&f, rows[i].header, 8);
        wrap_port(&f, 4790);
        assert_tunnels_hello(&f, ETHERNET, carries == 6 ? 6 : 4, TUNNEL_VXLAN,
                             carries == 5 ? 2 : 1);
    }
    /* Another version, OAM, NSH, no VNI. */
    static const char *const refused[] = {"\x1c\0\0\1\0\0\x7b\0", "\x0d\0\0\1\0\0\x7b\0",
                                          "\x0c\0\0\4\0\0\x7b\0", "\x04\0\0\1\0\0\x7b\0"};
    for (unsigned i = 0; i < 4; i++) {
        struct frame f = hello(4);
        wrap(&f, refused[i], 8);
        wrap_port(&f, 4790);
        assert_plain_udp(&f, 4790, f.len - 42);
    }
}

static void test_geneve(void **state)
{
    (void)state;
    for (unsigned options = 0; options < 64; options += 21) {
        for (unsigned version = 4; version <= 6; version += 2)
            for (unsigned is_frame = 0; is_frame < 2; is_frame++) {
                struct frame f = is_frame ? hello_frame(version) : hello(version);
                struct frame header = {.len = 0};
                put_u8(&header, options);
                put_u8(&header, 0x40);
                put_u16(&header, is_frame ? 0x6558 : version == 4 ? 0x0800 : 0x86dd);
                put(&header, "\0\0\x7b\0", 4);
                put_zeros(&header, (size_t)options * 4);
                wrap_frame(&f, &header);
                wrap_port(&f, 6081);
                assert_tunnels_hello(&f, ETHERNET, version, TUNNEL_GENEVE, 1);
            }
    }
    /* Another version; options beyond the payload; a type that is not known. */
    static const char *const refused[] = {"\x40\0\x65\x58\0\0\x7b\0", "\x3f\0\x65\x58\0\0\x7b\0",
                                          "\0\0\x65\x59\0\0\x7b\0"};
    for (unsigned i = 0; i < 3; i++) {
        struct frame f = hello_frame(4);
        wrap(&f, refused[i], 8);
        wrap_port(&f, 6081);
        assert_plain_udp(&f, 6081, f.len - 42);
    }
}

/* The header of a G-PDU with flags, and with what they announce in `rest`. */
static void wrap_gtp(struct frame *f, unsigned flags, const char *rest, size_t len)
{
    struct frame header = {.len = 0};
    put_u8(&header, flags);
    put_u8(&header, 255);
    put_u16(&header, (unsigned)(f->len + len));
    put(&header, "\0\0\0\x2a", 4);
    put(&header, rest, len);
    wrap_frame(f, &header);
}

static void test_gtp(void **state)
{
    (void)state;
    static const struct {
        unsigned flags;
        const char *rest;
        size_t len;
    } rows[] = {
        {0x30, "", 0},
        {0x32, "\0\1\0\0", 4},
        {0x31, "\0\0\7\x85", 4}, /* no E: the type of the next means nothing */
        {0x34, "\0\0\0\0", 4},
        {0x34, "\0\0\0\x85\1\0\x09\0", 8}, /* a PDU session container */
        {0x37, "\0\1\7\x85\1\0\x09\xc0\2\1\2\3\4\5\6\0", 16},
    };
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++)
        for (unsigned version = 4; version <= 6; version += 2) {
            struct frame f = hello(version);
            wrap_gtp(&f, rows[i].flags, rows[i].rest, rows[i].len);
            wrap_port(&f, 2152);
            assert_tunnels_hello(&f, ETHERNET, version, TUNNEL_GTP_U, 1);
        }
    /* From that port, to another. */
    struct frame f = hello(4);
    wrap_gtp(&f, 0x30, "", 0);
    wrap_udp(&f, 2152, 1024);
    wrap_ip(&f, UDP);
    assert_tunnels_hello(&f, ETHERNET, 4, TUNNEL_GTP_U, 1);
}

static void test_gtp_refused(void **state)
{
    (void)state;
    enum { AT = 14 + 20 + 8 };
    static const struct {
        unsigned flags;
        const char *rest;
        size_t len;
    } rows[] = {
        {0x50, "", 0},                       /* version 2 */
        {0x20, "", 0},                       /* GTP' */
        {0x34, "\0\0\0\x85\0\0\x09\0", 8},   /* an extension of no length */
        {0x34, "\0\0\0\x85\x7f\0\x09\0", 8}, /* one that is longer than the rest */
        {0x30, "\0\0\0\0", 4},               /* what follows is no IP */
    };
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct frame f = hello(4);
        wrap_gtp(&f, rows[i].flags, rows[i].rest, rows[i].len);
        wrap_port(&f, 2152);
        assert_plain_udp(&f, 2152, f.len - AT);
    }
    /* Another message; a length that is not the payload's. */
    struct frame f = hello(4);
    wrap_gtp(&f, 0x30, "", 0);
    wrap_port(&f, 2152);
    f.bytes[AT + 1] = 1;
    assert_plain_udp(&f, 2152, f.len - AT);
    f.bytes[AT + 1] = 255;
    f.bytes[AT + 3]--;
    assert_plain_udp(&f, 2152, f.len - AT);
    /* A chain of extensions that does not end. */
    f = hello(4);
    for (unsigned i = 0; i < 9; i++)
        wrap(&f, i == 0 ? "\1\0\0\0" : "\1\0\0\x85", 4);
    wrap_gtp(&f, 0x34, "\0\0\0\x85", 4);
    wrap_port(&f, 2152);
    assert_plain_udp(&f, 2152, f.len - AT);
}

static void test_tzsp(void **state)
{
    (void)state;
    static const struct {
        const char *tags;
        size_t len;
    } rows[] = {{"\1", 1}, {"\0\0\1", 3}, {"\x0a\1\xd8\1", 4}, {"\x29\2\1\1\0\x0a\0\1", 8}};
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++)
        for (unsigned type = 0; type < 2; type++) {
            struct frame f = hello_frame(4);
            wrap(&f, rows[i].tags, rows[i].len);
            wrap(&f, type == 0 ? "\1\0\0\1" : "\1\1\0\1", 4);
            wrap_port(&f, 37008);
            assert_tunnels_hello(&f, ETHERNET, 4, TUNNEL_TZSP, 1);
        }
    /* Another version, a keep-alive, not Ethernet. */
    static const char *const refused[] = {"\2\0\0\1\1", "\1\4\0\1\1", "\1\0\0\x12\1"};
    for (unsigned i = 0; i < 3; i++) {
        struct frame f = hello_frame(4);
        wrap(&f, refused[i], 5);
        wrap_port(&f, 37008);
        assert_plain_udp(&f, 37008, f.len - 42);
    }
    struct frame f = {.len = 0};
    put(&f, "\1\0\0\1\0\0\0\x0a\x09", 9); /* tags without an end */
    wrap_port(&f, 37008);
    assert_plain_udp(&f, 37008, 9);
}

/* RFC 8086 and RFC 7510. */
static void test_gre_and_mpls_in_udp(void **state)
{
    (void)state;
    struct frame f = hello(4);
    wrap_gre(&f, 0xb000, 0x0800);
    wrap_port(&f, 4754);
    assert_tunnels_hello(&f, ETHERNET, 4, TUNNEL_GRE, 1);
    f.bytes[42 + 1] = 1;
    assert_plain_udp(&f, 4754, f.len - 42);

    f = hello(6);
    wrap(&f, "\0\x01\x01\x40", 4);
    wrap_port(&f, 6635);
    assert_int_equal(f.len, 14 + 20 + 8 + 4 + 53);
    struct datagram d;
    assert_int_equal(decode(&f, ETHERNET, &d), DECODE_UDP);
    assert_hello(&d, 6);
    assert_int_equal(d.tunnel, TUNNEL_MPLS);
    /* There, the first octet of an IP packet is not enough. */
    f.bytes[42 + 4 + 5]--;
    assert_plain_udp(&f, 6635, 4 + 53);
}

static void test_ip_in_ip(void **state)
{
    (void)state;
    for (unsigned version = 4; version <= 6; version += 2) {
        enum tunnel tunnel = version == 4 ? TUNNEL_IP_IN_IP : TUNNEL_6IN4;
        unsigned protocol = version == 4 ? 4 : 41;
        struct frame f = hello(version);
        wrap_ip(&f, protocol);
        assert_tunnels_hello(&f, ETHERNET, version, tunnel, 1);
        f = hello(version);
        wrap_v6(&f, protocol);
        assert_tunnels_hello(&f, RAW, version, tunnel, 1);
        /* With an authentication header between them (RFC 4302). */
        f = hello(version);
        wrap(&f,
             protocol == 4 ? "\4\4\0\0\0\0\0\1\0\0\0\1xxxxxxxxxxxx"
                           : "\x29\4\0\0\0\0\0\1\0\0\0\1xxxxxxxxxxxx",
             24);
        wrap_ip(&f, 51);
        assert_tunnels_hello(&f, ETHERNET, version, tunnel, 1);
        /* The protocol says one version, the packet another. */
        f = hello(version);
        wrap_ip(&f, version == 4 ? 41 : 4);
        struct datagram d;
        assert_int_equal(decode(&f, ETHERNET, &d), DECODE_MALFORMED);
    }
}

/* The outermost addresses are kept, whatever is between. */
static void test_outer_addresses(void **state)
{
    (void)state;
    struct frame f = hello(4);
    struct datagram d;
    wrap_v4(&f, 4);
    wrap_gre(&f, 0, 0x0800);
    wrap_v6(&f, GRE);
    assert_int_equal(decode(&f, RAW, &d), DECODE_UDP);
    assert_hello(&d, 4);
    assert_outer(&d, "2001:db8:ff::1", "2001:db8:ff::2");
    assert_int_equal(d.tunnel, TUNNEL_GRE);
    assert_int_equal(d.tunnel_depth, 2);
    f = hello(6);
    assert_int_equal(decode(&f, RAW, &d), DECODE_UDP);
    assert_outer(&d, "-", "-");
    static const uint8_t zeros[sizeof d.outer_src];
    assert_memory_equal(&d.outer_src, zeros, sizeof zeros);
}

/* Only the tags of the outermost frame are kept, but all are in the envelope. */
static void test_inner_tags(void **state)
{
    (void)state;
    struct frame f = hello(4);
    wrap(&f, "\0\x65\x08\0", 4);
    wrap_ethernet(&f, 0x8100);
    wrap(&f, "\x08\0\0\0\0\0\x7b\0", 8);
    wrap_udp(&f, 1, 4789);
    wrap_v4(&f, UDP);
    wrap(&f, "\0\x66\x08\0", 4);
    wrap_ethernet(&f, 0x8100);
    struct datagram d, e;
    assert_int_equal(decode(&f, ETHERNET, &d), DECODE_UDP);
    assert_hello(&d, 4);
    assert_int_equal(d.vlan_count, 1);
    assert_int_equal(d.vlan[0], 0x66);
    assert_int_equal(d.vlan[1], 0);
    f.bytes[f.len - 33 - 3]++;
    assert_int_equal(decode(&f, ETHERNET, &e), DECODE_UDP);
    assert_int_equal(e.vlan[0], 0x66);
    assert_int_not_equal(d.envelope, e.envelope);
}

static uint32_t envelope_of(const struct frame *f)
{
    struct datagram d;
    assert_int_equal(decode(f, ETHERNET, &d), DECODE_UDP);
    return d.envelope;
}

/* The way, and nothing that changes from packet to packet on it. */
static void test_envelope(void **state)
{
    (void)state;
    struct frame f = hello_frame(4);
    uint32_t seen[8];
    seen[0] = envelope_of(&f);
    assert_int_equal(seen[0], 0);
    f = hello_frame(4);
    wrap(&f, "\x10\x64\x20\x07\0\0\0\x05", 8);
    wrap_gre(&f, 0x1000, 0x88be);
    wrap_ip(&f, GRE);
    seen[1] = envelope_of(&f);
    f.bytes[34 + 7]++;     /* GRE's sequence number */
    f.bytes[34 + 8 + 7]++; /* ERSPAN's index */
    f.bytes[14 + 8]--;     /* the outer TTL */
    assert_int_equal(envelope_of(&f), seen[1]);
    f.bytes[34 + 8 + 3]++; /* the session */
    seen[2] = envelope_of(&f);
    f = hello_frame(4);
    wrap(&f, "\x08\0\0\0\0\0\x7b\0", 8);
    wrap_port(&f, 4789);
    seen[3] = envelope_of(&f);
    f.bytes[42 + 6]++;
    seen[4] = envelope_of(&f);
    f = hello_frame(4);
    wrap(&f, "\0\0\x65\x58\0\0\x7b\0", 8);
    wrap_port(&f, 6081);
    seen[5] = envelope_of(&f);
    f = hello(4);
    wrap_gre(&f, 0x2000, 0x0800);
    wrap_ip(&f, GRE);
    seen[6] = envelope_of(&f);
    f.bytes[34 + 7]++;
    seen[7] = envelope_of(&f);
    for (unsigned a = 0; a < 8; a++)
        for (unsigned b = 0; b < a; b++)
            assert_int_not_equal(seen[a], seen[b]);
}

/* As deep as it may be, and one deeper. The link, and two headers for each IP packet, count. */
static void test_nest(void **state)
{
    (void)state;
    struct frame f = hello(4);
    struct datagram d;
    for (unsigned i = 0; i < 6; i++)
        wrap_v4(&f, 4);
    assert_tunnels_hello(&f, RAW, 4, TUNNEL_IP_IN_IP, 6);
    assert_int_equal(decode(&f, RAW, &d), DECODE_UDP);
    assert_int_equal(d.layers, 15);
    wrap_v4(&f, 4);
    assert_int_equal(decode(&f, RAW, &d), DECODE_MALFORMED);

    f = hello_frame(6);
    for (unsigned i = 0; i < 5; i++) {
        if (i == 4) {
            assert_tunnels_hello(&f, ETHERNET, 6, TUNNEL_VXLAN, 4);
            assert_int_equal(decode(&f, ETHERNET, &d), DECODE_UDP);
            assert_outer(&d, "203.0.113.1", "203.0.113.2");
        }
        wrap(&f, "\x08\0\0\0\0\0\x7b\0", 8);
        wrap_port(&f, 4789);
    }
    assert_int_equal(decode(&f, ETHERNET, &d), DECODE_MALFORMED);
}

static const unsigned udp_ports[] = {2152, 4754, 4789, 4790, 6081, 6635, 8472, 37008};

/* Text and RTP on the tunnels' ports, by chance or by someone who hides there. */
static void test_false_tunnels(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "INVITE sip:alice@example.com SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1\r\n\r\n",
        "OPTIONS sip:203.0.113.2 SIP/2.0\r\nMax-Forwards: 70\r\n\r\n",
        "SIP/2.0 200 OK\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n",
        "NOTIFY sip:bob@example.com SIP/2.0\r\nEvent: dialog\r\n\r\n",
        "\r\n\r\n",
        "",
    };
    uint32_t random = 1;
    for (unsigned port = 0; port < sizeof udp_ports / sizeof udp_ports[0]; port++) {
        for (unsigned i = 0; i < sizeof texts / sizeof texts[0]; i++) {
            struct frame f = {.len = 0};
            put(&f, texts[i], strlen(texts[i]));
            wrap_port(&f, udp_ports[port]);
            assert_plain_udp(&f, udp_ports[port], strlen(texts[i]));
        }
        for (unsigned i = 0; i < 3000; i++) {
            struct frame f = {.len = 0};
            for (unsigned octet = 0; octet < 172; octet++) {
                random = random * 1664525 + 1013904223;
                put_u8(&f, random >> 24);
            }
            if (i % 2 == 0)
                f.bytes[0] = 0x80; /* RTP; the other half is anything */
            wrap_port(&f, udp_ports[port]);
            assert_plain_udp(&f, udp_ports[port], 172);
        }
    }
}

/* A tunnel in UDP that holds no IP packet, or a broken one, is not followed. */
static void test_tunnels_without_ip(void **state)
{
    (void)state;
    struct frame f = {.len = 0};
    put_ethernet(&f, 0x0806);
    put(&f, "\0\1\x08\0\6\4\0\1", 8);
    put_zeros(&f, 20);
    wrap(&f, "\x08\0\0\0\0\0\x7b\0", 8);
    wrap_port(&f, 4789);
    assert_plain_udp(&f, 4789, 8 + 14 + 28);

    f = hello_frame(4);
    f.bytes[14] = 0x44; /* a header of 16 octets */
    wrap(&f, "\x08\0\0\0\0\0\x7b\0", 8);
    wrap_port(&f, 4789);
    assert_plain_udp(&f, 4789, 8 + 14 + 33);

    /* In a tunnel in a tunnel: the outer one is one. */
    struct frame inner = f;
    wrap(&inner, "\x08\0\0\0\0\0\x7c\0", 8);
    wrap_port(&inner, 8472);
    struct datagram d;
    assert_int_equal(decode(&inner, ETHERNET, &d), DECODE_UDP);
    assert_int_equal(d.tunnel_depth, 1);
    assert_int_equal(d.dst.port, 4789);
    assert_int_equal(d.payload.len, 8 + 14 + 33);
    assert_outer(&d, "203.0.113.1", "203.0.113.2");
    /* It is one, and holds a packet whose UDP header is wrong. */
    f = hello_frame(4);
    f.bytes[14 + 20 + 5] = 200;
    wrap(&f, "\x08\0\0\0\0\0\x7b\0", 8);
    wrap_port(&f, 4789);
    assert_int_equal(decode(&f, ETHERNET, &d), DECODE_MALFORMED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gre_flags),
        cmocka_unit_test(test_gre_refused),
        cmocka_unit_test(test_gre_routes),
        cmocka_unit_test(test_gre_without_ip),
        cmocka_unit_test(test_gre_wccp_and_metadata),
        cmocka_unit_test(test_pptp),
        cmocka_unit_test(test_erspan),
        cmocka_unit_test(test_vxlan),
        cmocka_unit_test(test_vxlan_gpe),
        cmocka_unit_test(test_geneve),
        cmocka_unit_test(test_gtp),
        cmocka_unit_test(test_gtp_refused),
        cmocka_unit_test(test_tzsp),
        cmocka_unit_test(test_gre_and_mpls_in_udp),
        cmocka_unit_test(test_ip_in_ip),
        cmocka_unit_test(test_outer_addresses),
        cmocka_unit_test(test_inner_tags),
        cmocka_unit_test(test_envelope),
        cmocka_unit_test(test_nest),
        cmocka_unit_test(test_false_tunnels),
        cmocka_unit_test(test_tunnels_without_ip),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
