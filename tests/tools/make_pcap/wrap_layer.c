#include "wrap_layer.h"

#include <string.h>

void parcel_prepend(struct parcel *p, struct text *header)
{
    text_put(header, p->bytes.at, p->bytes.len);
    text_fini(&p->bytes);
    p->bytes = *header;
}

bool parcel_is_ip(const struct parcel *p)
{
    return p->type == ETHERTYPE_IPV4 || p->type == ETHERTYPE_IPV6;
}

static const char *put_ethernet(struct parcel *p)
{
    struct text h = {0};
    if (p->type == ETHERNET)
        return NULL;
    text_put(&h, "\x02\0\0\0\0\x02\x02\0\0\0\0\x01", 12);
    text_put_u16(&h, p->type);
    parcel_prepend(p, &h);
    p->type = ETHERNET;
    return NULL;
}

/* A header of the tunnel's own hosts. */
static struct frame next_outer(struct wrap_job *job, const struct parcel *p, bool v6)
{
    struct frame f = {.link = FRAME_RAW, .ttl = 62, .ip_id = (*job->next_id)++};
    const uint8_t v4[4] = {203, 0, 113, (uint8_t)(240 + p->depth)};
    const uint8_t v6_src[16] = {0x20, 0x01, 0x0d, 0xb8, 0xff, [15] = (uint8_t)(240 + p->depth)};
    f.src.ip = v6 ? ip_from_v6(v6_src) : ip_from_v4(v4);
    f.dst.ip = f.src.ip;
    f.dst.ip.octets[v6 ? 15 : 3] = (uint8_t)(250 - p->depth);
    return f;
}

static void finish_outer(struct parcel *p, const struct frame *f)
{
    p->outer = *f;
    p->type = f->src.ip.version == 4 ? ETHERTYPE_IPV4 : ETHERTYPE_IPV6;
    p->depth++;
}

static const char *put_ip(struct wrap_job *job, struct parcel *p, bool v6, uint8_t protocol)
{
    uint8_t ip[FRAME_HEADERS_MAX];
    struct frame f = next_outer(job, p, v6);
    struct text h = {0};
    text_put(&h, ip, frame_write_ip(&f, ip, protocol, p->bytes.len));
    parcel_prepend(p, &h);
    finish_outer(p, &f);
    return NULL;
}

static const char *put_udp(struct wrap_job *job, const struct wrap_layer *layer, struct parcel *p,
                           uint16_t src_port, uint16_t dst_port)
{
    struct frame f = next_outer(job, p, layer->words & WORD_V6);
    f.src.port = src_port;
    f.dst.port = layer->count > 0 && layer->qualifiers[0] ? layer->qualifiers[0] : dst_port;
    if (p->bytes.len > UDP_PAYLOAD_MAX - 64)
        return "too large for a tunnel over UDP";
    size_t offset = frame_udp_offset(&f), len = p->bytes.len;
    struct text out = {0};
    for (size_t i = 0; i < offset; i++)
        text_put(&out, "", 1);
    parcel_prepend(p, &out);
    frame_finish_udp(&f, (uint8_t *)p->bytes.at, len);
    finish_outer(p, &f);
    return NULL;
}

static const char *put_vlan(struct wrap_job *job, const struct wrap_layer *layer, struct parcel *p)
{
    (void)job;
    struct text h = {0};
    if (p->type == ETHERNET)
        return "vlan: nothing to be tagged";
    unsigned type = 0;
    for (unsigned i = 0; i < layer->count; i++) {
        unsigned tpid = layer->qualifiers[i];
        if (!tpid)
            tpid = i + 1 < layer->count ? 0x88a8 : 0x8100;
        if (i == 0)
            type = tpid;
        else
            text_put_u16(&h, tpid);
        text_put_u16(&h, layer->numbers[i] & 0xffff);
    }
    text_put_u16(&h, p->type);
    parcel_prepend(p, &h);
    p->type = type;
    return NULL;
}

static void put_labels(const struct wrap_layer *layer, struct parcel *p, struct text *h)
{
    for (unsigned i = 0; i < layer->count; i++)
        text_put_u32(h, layer->numbers[i] << 12 | (i + 1 == layer->count ? 0x100 : 0) | 62);
    p->type = MPLS;
}

static const char *put_mpls(struct wrap_job *job, const struct wrap_layer *layer, struct parcel *p)
{
    (void)job;
    struct text h = {0};
    if (!parcel_is_ip(p))
        return "mpls: carries IP; pw carries Ethernet";
    put_labels(layer, p, &h);
    parcel_prepend(p, &h);
    return NULL;
}

static const char *put_pseudowire(struct wrap_job *job, const struct wrap_layer *layer,
                                  struct parcel *p)
{
    struct text h = {0};
    put_ethernet(p);
    put_labels(layer, p, &h);
    if (layer->words & (WORD_CONTROL | WORD_ZERO)) /* RFC 4385: four bits 0, a sequence number */
        text_put_u32(&h, layer->words & WORD_ZERO ? 0U : (*job->next_id)++);
    parcel_prepend(p, &h);
    return NULL;
}

static const char *put_pppoe(struct wrap_job *job, const struct wrap_layer *layer, struct parcel *p)
{
    (void)job;
    struct text h = {0};
    if (!parcel_is_ip(p))
        return "pppoe: carries IP";
    text_put_u16(&h, 0x1100);
    text_put_u16(&h, layer->numbers[0] & 0xffff);
    text_put_u16(&h, (unsigned)p->bytes.len + 2);
    text_put_u16(&h, p->type == ETHERTYPE_IPV4 ? 0x0021 : 0x0057);
    parcel_prepend(p, &h);
    p->type = PPPOE;
    return NULL;
}

/* RFC 2784 and 2890; the routing of RFC 1701 with the entry alone that ends it. */
static const char *put_gre_header(struct wrap_job *job, const struct wrap_layer *layer,
                                  struct parcel *p, unsigned protocol, bool sequence, bool key)
{
    enum { C = 0x8000, R = 0x4000, K = 0x2000, S = 0x1000, PROTOCOL_GRE = 47 };
    struct text h = {0};
    bool routing = layer->words & WORD_ROUTING, checksum = layer->words & WORD_CHECKSUM;
    text_put_u16(&h, (checksum ? C : 0) | (routing ? R : 0) | (key ? K : 0) | (sequence ? S : 0));
    text_put_u16(&h, protocol);
    if (checksum || routing)
        text_put_u32(&h, 0);
    if (key)
        text_put_u32(&h, layer->numbers[0]);
    if (sequence)
        text_put_u32(&h, *job->next_id);
    if (routing)
        text_put_u32(&h, 0);
    parcel_prepend(p, &h);
    if (checksum)
        frame_write_checksum((uint8_t *)p->bytes.at + 4, (uint8_t *)p->bytes.at, p->bytes.len);
    return put_ip(job, p, layer->words & WORD_V6, PROTOCOL_GRE);
}

static const char *put_gre(struct wrap_job *job, const struct wrap_layer *layer, struct parcel *p)
{
    unsigned protocol = p->type;
    if (layer->words & WORD_ETHERNET || p->type == ETHERNET) {
        put_ethernet(p);
        protocol = 0x6558;
    }
    return put_gre_header(job, layer, p, protocol, layer->words & WORD_SEQUENCE, layer->count > 0);
}

static const char *put_erspan(struct wrap_job *job, const struct wrap_layer *layer,
                              struct parcel *p)
{
    unsigned type = (unsigned)layer->kind->name[6] - '0';
    unsigned session = layer->count > 0 ? layer->numbers[0] & 0x3ff : 0;
    struct text h = {0};
    bool ip = layer->words & WORD_IP, sub = layer->words & WORD_SUBHEADER;
    if (ip && !parcel_is_ip(p))
        return "erspan3+ip: carries IP";
    if (!ip)
        put_ethernet(p);
    if (type > 1) {
        text_put_u16(&h, (type - 1) << 12);
        text_put_u16(&h, session);
    }
    if (type == 2)
        text_put_u32(&h, 1);
    if (type == 3) {
        text_put_u32(&h, 100 * (uint32_t)*job->next_id); /* a time stamp */
        text_put_u16(&h, 0);
        text_put_u16(&h, (ip ? 2U << 10 : 0x8000U) | (sub ? 1 : 0));
    }
    if (sub) {
        text_put_u32(&h, 3U << 26); /* platform 3 */
        text_put_u32(&h, 0);
    }
    parcel_prepend(p, &h);
    return put_gre_header(job, layer, p, type == 3 ? 0x22eb : 0x88be, type > 1, false);
}

static const char *put_vxlan(struct wrap_job *job, const struct wrap_layer *layer, struct parcel *p)
{
    bool gpe = strcmp(layer->kind->name, "vxlan_gpe") == 0;
    struct text h = {0};
    unsigned next = 3;
    if (layer->words & WORD_IP) {
        if (!parcel_is_ip(p))
            return "vxlan_gpe+ip: carries IP";
        next = p->type == ETHERTYPE_IPV4 ? 1 : 2;
    } else {
        put_ethernet(p);
    }
    text_put_u32(&h, gpe ? 0x0c000000 | next : 0x08000000);
    text_put_u32(&h, layer->numbers[0] << 8);
    parcel_prepend(p, &h);
    return put_udp(job, layer, p, 49153, gpe ? 4790 : 4789);
}

static const char *put_geneve(struct wrap_job *job, const struct wrap_layer *layer,
                              struct parcel *p)
{
    struct text h = {0};
    bool options = layer->words & WORD_OPTIONS;
    if (!(layer->words & WORD_IP))
        put_ethernet(p);
    text_put_u16(&h, options ? 3U << 8 : 0);
    text_put_u16(&h, p->type == ETHERNET ? 0x6558 : p->type);
    text_put_u32(&h, layer->numbers[0] << 8);
    if (options) { /* of the class for experiments, one of four octets and one of none */
        text_put_u32(&h, 0xff010101);
        text_put_u32(&h, 0x45000000);
        text_put_u32(&h, 0xff010200);
    }
    parcel_prepend(p, &h);
    return put_udp(job, layer, p, 49154, 6081);
}

static const char *put_gtp_u(struct wrap_job *job, const struct wrap_layer *layer, struct parcel *p)
{
    struct text h = {0};
    bool sequence = layer->words & WORD_SEQUENCE, pdu = layer->words & WORD_PDU;
    size_t more = (sequence || pdu ? 4 : 0) + (pdu ? 8 : 0);
    if (!parcel_is_ip(p))
        return "gtp: carries IP";
    text_put_u16(&h, (0x30U | (pdu ? 4 : 0) | (sequence ? 2 : 0)) << 8 | 255);
    text_put_u16(&h, (unsigned)(p->bytes.len + more));
    text_put_u32(&h, layer->numbers[0]);
    if (more > 0)
        text_put_u32(&h, (uint32_t)(sequence ? *job->next_id : 0) << 16 | (pdu ? 0x85 : 0));
    if (pdu) { /* PDU session information, then a PDCP PDU number */
        text_put_u32(&h, 0x010009c0);
        text_put_u32(&h, 0x01000100);
    }
    parcel_prepend(p, &h);
    return put_udp(job, layer, p, 2152, 2152);
}

static const char *put_tzsp(struct wrap_job *job, const struct wrap_layer *layer, struct parcel *p)
{
    struct text h = {0};
    put_ethernet(p);
    text_put(&h, "\x01\0\0\x01\0\x0a\x01\xc8\x01", 9); /* padding, a signal strength, the end */
    parcel_prepend(p, &h);
    return put_udp(job, layer, p, 49155, 37008);
}

static const char *put_ip_in_ip(struct wrap_job *job, const struct wrap_layer *layer,
                                struct parcel *p)
{
    if (!parcel_is_ip(p))
        return "ip4, ip6: carry IP";
    return put_ip(job, p, layer->kind->name[2] == '6', p->type == ETHERTYPE_IPV4 ? 4 : 41);
}

void parcel_insert(struct parcel *p, uint8_t protocol, const uint8_t *header, size_t len)
{
    bool v4 = p->type == ETHERTYPE_IPV4;
    size_t ip_len = v4 ? 20 : 40, place = v4 ? 9 : 6, length_at = v4 ? 2 : 4;
    struct text out = {0};
    text_put(&out, p->bytes.at, ip_len);
    text_put(&out, header, len);
    text_put(&out, p->bytes.at + ip_len, p->bytes.len - ip_len);
    text_fini(&p->bytes);
    p->bytes = out;
    uint8_t *ip = (uint8_t *)out.at;
    size_t length = ((size_t)ip[length_at] << 8 | ip[length_at + 1]) + len;
    ip[ip_len] = ip[place];
    ip[place] = protocol;
    ip[length_at] = (uint8_t)(length >> 8);
    ip[length_at + 1] = (uint8_t)length;
    if (v4)
        frame_refresh_ip(ip);
}

static const char *put_ah(struct wrap_job *job, const struct wrap_layer *layer, struct parcel *p)
{
    uint8_t header[24] = {0, 4}; /* RFC 4302, the check value made up */
    if (!parcel_is_ip(p))
        return "ah: a part of IP";
    for (unsigned i = 0; i < 4; i++)
        header[4 + i] = (uint8_t)(layer->numbers[0] >> (24 - 8 * i));
    header[11] = (uint8_t)job->frame.ip_id;
    memset(header + 12, 0xa5, 12);
    parcel_insert(p, 51, header, sizeof header);
    return NULL;
}

static const char *put_hop_by_hop(struct wrap_job *job, const struct wrap_layer *layer,
                                  struct parcel *p)
{
    (void)job;
    (void)layer;
    if (p->type != ETHERTYPE_IPV6)
        return "hop: a part of IPv6";
    parcel_insert(p, 0, (const uint8_t[]){0, 0, 1, 4, 0, 0, 0, 0}, 8);
    return NULL;
}

static const char *put_padding(struct wrap_job *job, const struct wrap_layer *layer,
                               struct parcel *p)
{
    (void)job;
    for (uint32_t i = 0; i < layer->numbers[0] && i < 1500; i++)
        text_put(&p->bytes, "", 1);
    return NULL;
}

const struct wrap_kind wrap_kinds[] = {
    {"vlan", "ID[@TPID],...: tags, the outermost first", 1, 4, 0, put_vlan},
    {"mpls", "LABEL,...: IP behind labels", 1, 8, 0, put_mpls},
    {"pw", "LABEL,...[+cw|+zero]: Ethernet behind labels; a control word; one of zeros", 1, 8,
     WORD_CONTROL | WORD_ZERO, put_pseudowire},
    {"pppoe", "SESSION", 1, 1, 0, put_pppoe},
    {"gre", "[KEY][+csum][+seq][+route][+eth][+v6]: +eth bridges Ethernet", 0, 1,
     WORD_CHECKSUM | WORD_SEQUENCE | WORD_ROUTING | WORD_ETHERNET | WORD_V6, put_gre},
    {"erspan1", "[+v6]", 0, 0, WORD_V6, put_erspan},
    {"erspan2", "SESSION[+v6]", 1, 1, WORD_V6, put_erspan},
    {"erspan3", "SESSION[+sub][+ip][+v6]: platform's subheader; IP without Ethernet", 1, 1,
     WORD_SUBHEADER | WORD_IP | WORD_V6, put_erspan},
    {"vxlan", "VNI[@PORT][+v6]", 1, 1, WORD_V6, put_vxlan},
    {"vxlan_gpe", "VNI[@PORT][+ip][+v6]: IP without Ethernet", 1, 1, WORD_IP | WORD_V6, put_vxlan},
    {"geneve", "VNI[@PORT][+opt][+ip][+v6]: with options", 1, 1, WORD_OPTIONS | WORD_IP | WORD_V6,
     put_geneve},
    {"gtp", "TEID[@PORT][+seq][+pdu][+v6]: with extension headers", 1, 1,
     WORD_SEQUENCE | WORD_PDU | WORD_V6, put_gtp_u},
    {"tzsp", "[+v6]: with tagged fields", 0, 0, WORD_V6, put_tzsp},
    {"ip4", ": an IPv4 header around IPv4 or IPv6", 0, 0, 0, put_ip_in_ip},
    {"ip6", ": an IPv6 header around IPv4 or IPv6", 0, 0, 0, put_ip_in_ip},
    {"ah", "SPI: an authentication header", 1, 1, 0, put_ah},
    {"hop", ": a hop-by-hop options header (IPv6)", 0, 0, 0, put_hop_by_hop},
    {"pad", "N: zeros behind it", 1, 1, 0, put_padding},
    {"frag",
     "N[+reversed][+twice][+overlap[+other]][+gone=INDEX]: fragments of N octets of what IP "
     "carries; +overlap: each begins 8 octets early, +other: with other octets",
     1, 1, 0, NULL},
};

const unsigned wrap_kind_count = sizeof wrap_kinds / sizeof wrap_kinds[0];
