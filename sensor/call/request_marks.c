#include "call/request_marks.h"

#include "sip/sip_uri.h"

enum {
    PORT_SIP = 5060,
    MALFORMED =
        SIP_DEFECT_BAD_URI | SIP_DEFECT_DUPLICATE | SIP_DEFECT_UNTERMINATED_QUOTE | SIP_DEFECT_NUL,
};

/* An address that the request names, where it names one. */
static bool read_ip(struct slice host, struct ip_addr *ip)
{
    return host.len > 0 && ip_parse(host, ip);
}

static uint16_t port_or_default(uint16_t port)
{
    return port != 0 ? port : PORT_SIP;
}

static void mark_private(struct request_facts *facts, enum request_mark mark,
                         const struct ip_addr *ip)
{
    if (!ip_is_private(ip))
        return;
    facts->marks |= mark;
    if (facts->private_ip.version == 0)
        facts->private_ip = *ip;
}

/* Does From's host or what follows the @ of the Call-ID still say where it was sent from inside? */
static bool names_private_host(const struct sip_msg *msg)
{
    struct sip_uri from;
    struct ip_addr ip;
    if (sip_uri_parse(msg->from_uri, &from) && read_ip(from.host, &ip) && ip_is_private(&ip))
        return true;
    size_t at = slice_find(msg->call_id, '@');
    return at < msg->call_id.len && read_ip(slice_skip(msg->call_id, at + 1), &ip) &&
           ip_is_private(&ip);
}

static void mark_via(const struct datagram *datagram, const struct sip_msg *msg,
                     struct request_facts *facts, bool *is_rewritten)
{
    struct ip_addr ip;
    if (!read_ip(msg->top_via.host, &ip))
        return;
    mark_private(facts, REQUEST_PRIVATE_VIA, &ip);
    *is_rewritten |= ip_eq(&ip, &datagram->src.ip);
}

static void mark_contact(const struct datagram *datagram, const struct sip_msg *msg,
                         struct request_facts *facts, bool *is_rewritten)
{
    struct sip_uri contact;
    struct ip_addr ip;
    if (!sip_uri_parse(msg->contact_uri, &contact) || !read_ip(contact.host, &ip))
        return;
    mark_private(facts, REQUEST_PRIVATE_CONTACT, &ip);
    if (!ip_eq(&ip, &datagram->src.ip))
        return;
    *is_rewritten = true;
    if (!transport_is_reliable(datagram->transport) &&
        port_or_default(contact.port) != datagram->src.port)
        facts->marks |= REQUEST_ALG_CONTACT;
}

/* The address at the end of the first line of a type: "c=IN IP4 192.0.2.1" (RFC 8866 section 5). */
static bool read_sdp_address(struct slice sdp, char type, struct ip_addr *ip)
{
    while (sdp.len > 0) {
        size_t end = slice_find(sdp, '\n');
        struct slice line = slice_trim(slice_head(sdp, end));
        sdp = slice_skip(sdp, end < sdp.len ? end + 1 : end);
        if (line.len < 2 || line.at[0] != type || line.at[1] != '=')
            continue;
        size_t space = line.len;
        while (space > 0 && line.at[space - 1] != ' ')
            space--;
        struct slice address = slice_skip(line, space);
        return read_ip(slice_head(address, slice_find(address, '/')), ip);
    }
    return false;
}

static void mark_sdp(const struct sip_msg *msg, struct request_facts *facts)
{
    struct ip_addr origin, connection;
    struct slice sdp = sip_msg_sdp(msg);
    if (sdp.len == 0 || !read_sdp_address(sdp, 'c', &connection))
        return;
    mark_private(facts, REQUEST_PRIVATE_SDP, &connection);
    if (read_sdp_address(sdp, 'o', &origin) && ip_is_private(&origin) != ip_is_private(&connection))
        facts->marks |= REQUEST_ALG_SDP;
}

static bool has_via_twice(const struct sip_msg *msg)
{
    struct sip_via_iter iter = {0};
    struct sip_via first, second;
    return msg->via_count > 1 && sip_msg_next_via(msg, &iter, &first) &&
           sip_msg_next_via(msg, &iter, &second) && first.branch.len > 0 &&
           slice_eq(first.branch, second.branch) && slice_ieq(first.host, second.host) &&
           first.port == second.port;
}

/* Without the blank line the header itself may go on (RFC 3261 section 7). */
static bool is_truncated(const struct sip_msg *msg)
{
    return msg->defects & SIP_DEFECT_TRUNCATED ||
           (msg->defects & SIP_DEFECT_NO_BLANK_LINE && !(msg->defects & SIP_DEFECT_CUT));
}

static bool has_no_hops_left(const struct sip_msg *msg)
{
    uint64_t hops;
    return slice_to_u64(sip_msg_header(msg, SIP_HEADER_MAX_FORWARDS), UINT8_MAX, &hops) &&
           hops == 0;
}

void request_marks_read(const struct datagram *datagram, const struct sip_msg *msg,
                        struct request_facts *facts)
{
    bool is_datagram = !transport_is_reliable(datagram->transport), is_rewritten = false;
    *facts = (struct request_facts){
        .octets = datagram->incomplete ? 0 : (uint32_t)datagram->payload.len,
        .asked_rport = msg->top_via.has_rport,
        .is_relayed = msg->via_count > 1,
    };
    if (is_datagram && (msg->defects & (SIP_DEFECT_SURPLUS | SIP_DEFECT_TRUNCATED)))
        facts->marks |= REQUEST_ALG_LENGTH;
    if (is_datagram && is_truncated(msg))
        facts->marks |= REQUEST_TRUNCATED;
    if (has_via_twice(msg))
        facts->marks |= REQUEST_ALG_VIA;
    if (msg->defects & MALFORMED)
        facts->marks |= REQUEST_MALFORMED;
    if (has_no_hops_left(msg))
        facts->marks |= REQUEST_NO_HOPS_LEFT;
    if (ip_is_private(&datagram->src.ip))
        return;
    if (is_datagram && port_or_default(msg->top_via.port) != datagram->src.port)
        facts->marks |= REQUEST_PORT_DIFFERS;
    mark_via(datagram, msg, facts, &is_rewritten);
    mark_contact(datagram, msg, facts, &is_rewritten);
    mark_sdp(msg, facts);
    if (is_rewritten && names_private_host(msg))
        facts->marks |= REQUEST_ALG_ADDRESS;
}

void request_marks_read_again(const struct datagram *datagram, const struct sip_msg *msg,
                              struct request_facts *facts)
{
    /* No client takes rport back in a transaction: something between the two places did. */
    if (!facts->asked_rport || msg->top_via.has_rport || facts->marks & REQUEST_ALG_RPORT)
        return;
    facts->marks |= REQUEST_ALG_RPORT;
    facts->bare_src = datagram->src;
    facts->bare_dst = datagram->dst;
}

struct endpoint request_marks_response_target(const struct endpoint *src, const struct sip_via *via)
{
    struct endpoint target = {.ip = src->ip, .port = port_or_default(via->port)};
    if (via->maddr.len > 0) {
        target.ip = (struct ip_addr){0};
        (void)ip_parse(via->maddr, &target.ip);
    } else if (via->has_rport) {
        target.port = src->port;
    }
    return target;
}
