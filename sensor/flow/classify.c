#include "flow/classify.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include <ndpi_api.h>

#include "base/slab.h"

/* Tested with 4.2, which Debian 12 and 13 have; later ones by their headers. */
#define NDPI_AT_LEAST(major, minor)                                                                \
    (NDPI_MAJOR > (major) || (NDPI_MAJOR == (major) && NDPI_MINOR >= (minor)))

#if !NDPI_AT_LEAST(4, 2)
#error "nDPI 4.2 or later is needed (Debian: libndpi-dev)"
#endif

enum {
    IPV4_HEADER_BYTES = 20,
    IPV6_HEADER_BYTES = 40,
    UDP_HEADER_BYTES = 8,
    HEADERS_MAX = IPV6_HEADER_BYTES + UDP_HEADER_BYTES,
    PAYLOAD_MAX = 1500, /* of a packet; what it is shows before */
    TTL = 64,
    PROTOCOL_UDP = 17,
    NDPI_IPSEC = 79, /* by its number, which stayed: nDPI renamed it after 4.2 */
};

/*
 * What nDPI is asked about. Left out: what others here tell better (RTP, RTCP, SIP, STUN, DTLS),
 * what it takes random octets for (of 10,000 flows of them, Skype 20, OpenVPN 15, Targus 2; on its
 * port nearly all are Teredo), what it tells by the wall clock (NetFlow, BitTorrent), and what
 * never runs over UDP.
 */
static const uint16_t asked[] = {
    NDPI_PROTOCOL_DNS,      NDPI_PROTOCOL_MDNS,
    NDPI_PROTOCOL_LLMNR,    NDPI_PROTOCOL_DNSCRYPT,
    NDPI_PROTOCOL_NTP,      NDPI_PROTOCOL_DHCP,
    NDPI_PROTOCOL_DHCPV6,   NDPI_PROTOCOL_TFTP,
    NDPI_PROTOCOL_SNMP,     NDPI_PROTOCOL_SYSLOG,
    NDPI_PROTOCOL_SSDP,     NDPI_PROTOCOL_WSD,
    NDPI_PROTOCOL_BJNP,     NDPI_PROTOCOL_UBNTAC2,
    NDPI_PROTOCOL_NETBIOS,  NDPI_PROTOCOL_LDAP,
    NDPI_PROTOCOL_KERBEROS, NDPI_PROTOCOL_RADIUS,
    NDPI_PROTOCOL_NFS,      NDPI_PROTOCOL_DCERPC,
    NDPI_PROTOCOL_XDMCP,    NDPI_PROTOCOL_SFLOW,
    NDPI_PROTOCOL_COLLECTD, NDPI_PROTOCOL_MEMCACHED,
    NDPI_PROTOCOL_COAP,     NDPI_PROTOCOL_CAPWAP,
    NDPI_PROTOCOL_CPHA,     NDPI_IPSEC,
    NDPI_PROTOCOL_CISCOVPN, NDPI_PROTOCOL_WIREGUARD,
    NDPI_PROTOCOL_GTP,      NDPI_PROTOCOL_GTP_U,
    NDPI_PROTOCOL_GTP_C,    NDPI_PROTOCOL_MGCP,
    NDPI_PROTOCOL_MEGACO,   NDPI_PROTOCOL_H323,
    NDPI_PROTOCOL_IAX,      NDPI_PROTOCOL_NOE,
    NDPI_PROTOCOL_ZOOM,     NDPI_PROTOCOL_TEAMSPEAK,
    NDPI_PROTOCOL_MPEGTS,   NDPI_PROTOCOL_RTSP,
    NDPI_PROTOCOL_QUIC,     NDPI_PROTOCOL_TEAMVIEWER,
    NDPI_PROTOCOL_STEAM,
};
enum { ASKED_COUNT = sizeof asked / sizeof asked[0] };

struct classify_flow {
    struct ndpi_flow_struct ndpi;
    unsigned packets;
};

struct classify {
    struct ndpi_detection_module_struct *ndpi; /* NULL: not started */
    bool has_failed;                           /* to start */
    struct slab flows;
    uint8_t packet[HEADERS_MAX + PAYLOAD_MAX];
};

struct classify *classify_create(size_t flows_max)
{
    struct classify *classify = calloc(1, sizeof *classify);
    if (flows_max > CLASSIFY_FLOWS_MAX)
        flows_max = CLASSIFY_FLOWS_MAX;
    if (classify && slab_init(&classify->flows, sizeof(struct classify_flow), flows_max)) {
        free(classify);
        return NULL;
    }
    return classify;
}

void classify_destroy(struct classify *classify)
{
    if (!classify)
        return;
    if (classify->ndpi)
        ndpi_exit_detection_module(classify->ndpi);
    slab_fini(&classify->flows);
    free(classify);
}

static struct ndpi_detection_module_struct *start_ndpi(void)
{
#if NDPI_AT_LEAST(4, 10)
    struct ndpi_detection_module_struct *ndpi = ndpi_init_detection_module(NULL);
#else
    struct ndpi_detection_module_struct *ndpi =
        ndpi_init_detection_module(ndpi_dont_load_tor_hosts);
#endif
    if (!ndpi)
        return NULL;
#if !NDPI_AT_LEAST(5, 0) /* since then it looks for all that it knows */
    NDPI_PROTOCOL_BITMASK enabled;
    NDPI_BITMASK_RESET(enabled);
    for (size_t i = 0; i < ASKED_COUNT; i++)
        enabled.fds_bits[asked[i] / NDPI_BITS] |= (ndpi_ndpi_mask)1 << asked[i] % NDPI_BITS;
    ndpi_set_protocol_detection_bitmask2(ndpi, &enabled);
#endif
    ndpi_finalize_initialization(ndpi);
    return ndpi;
}

struct classify_flow *classify_begin(struct classify *classify)
{
    if (!classify->ndpi && !classify->has_failed) {
        classify->ndpi = start_ndpi();
        classify->has_failed = !classify->ndpi;
    }
    struct classify_flow *flow = classify->ndpi ? slab_alloc(&classify->flows) : NULL;
    if (flow)
        memset(flow, 0, sizeof *flow);
    return flow;
}

void classify_end(struct classify *classify, struct classify_flow *flow)
{
    ndpi_free_flow_data(&flow->ndpi);
    slab_free(&classify->flows, flow);
}

static void put16(uint8_t *at, size_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

/*
 * nDPI wants the packet with its IP header. Made anew rather than found in the frame: it may have
 * been put together from fragments. Returns its length.
 */
static uint16_t make_packet(uint8_t *packet, const struct datagram *datagram)
{
    struct slice payload = slice_head(datagram->payload, PAYLOAD_MAX);
    size_t udp_len = UDP_HEADER_BYTES + payload.len;
    size_t ip_len;
    if (datagram->src.ip.version == 4) {
        ip_len = IPV4_HEADER_BYTES;
        memset(packet, 0, ip_len);
        packet[0] = 0x45; /* version and length of the header, in words */
        put16(packet + 2, ip_len + udp_len);
        packet[8] = TTL;
        packet[9] = PROTOCOL_UDP;
        memcpy(packet + 12, datagram->src.ip.octets, 4);
        memcpy(packet + 16, datagram->dst.ip.octets, 4);
    } else {
        ip_len = IPV6_HEADER_BYTES;
        memset(packet, 0, ip_len);
        packet[0] = 0x60;
        put16(packet + 4, udp_len);
        packet[6] = PROTOCOL_UDP;
        packet[7] = TTL;
        memcpy(packet + 8, datagram->src.ip.octets, 16);
        memcpy(packet + 24, datagram->dst.ip.octets, 16);
    }
    uint8_t *udp = packet + ip_len;
    put16(udp, datagram->src.port);
    put16(udp + 2, datagram->dst.port);
    put16(udp + 4, udp_len);
    put16(udp + 6, 0); /* no checksum */
    if (payload.len > 0)
        memcpy(udp + UDP_HEADER_BYTES, payload.at, payload.len);
    return (uint16_t)(ip_len + udp_len);
}

static bool is_asked(uint16_t protocol)
{
    for (size_t i = 0; i < ASKED_COUNT; i++)
        if (asked[i] == protocol)
            return true;
    return false;
}

/* Of DNS asked for a host of Google's nDPI says both; what runs over UDP is DNS. */
static uint16_t protocol_of(const ndpi_protocol *found)
{
#if NDPI_AT_LEAST(5, 0)
    uint16_t carrier = found->proto.master_protocol, carried = found->proto.app_protocol;
#else
    uint16_t carrier = found->master_protocol, carried = found->app_protocol;
#endif
    return is_asked(carrier) ? carrier : is_asked(carried) ? carried : 0;
}

/*
 * nDPI is not asked to give up on a flow (ndpi_detection_giveup): all that it then adds is what the
 * port suggests, or what other flows of the same hosts were.
 */
uint16_t classify_packet(struct classify *classify, struct classify_flow *flow,
                         const struct datagram *datagram)
{
    if (flow->packets == CLASSIFY_PACKETS_MAX)
        return 0;
    flow->packets++;
    uint16_t len = make_packet(classify->packet, datagram);
    uint64_t time_ms = (uint64_t)datagram->time_ns / 1000000;
#if NDPI_AT_LEAST(4, 6)
    ndpi_protocol found = ndpi_detection_process_packet(classify->ndpi, &flow->ndpi,
                                                        classify->packet, len, time_ms, NULL);
#else
    ndpi_protocol found =
        ndpi_detection_process_packet(classify->ndpi, &flow->ndpi, classify->packet, len, time_ms);
#endif
    return protocol_of(&found);
}

const char *classify_name(const struct classify *classify, uint16_t protocol)
{
    return ndpi_get_proto_name(classify->ndpi, protocol);
}

const char *classify_library_version(void)
{
    return ndpi_revision();
}
