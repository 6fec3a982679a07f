/*
 * dns_lookups: what clients lately asked the name servers for, before they sent a request (RFC
 * 3263), and how that went.
 *
 * A look-up is a client's question for a name and a type; asked again before there was a response,
 * it is the same one. Only those that may matter to SIP are kept: NAPTR, SRV of _sip and _sips, A
 * and AAAA, of DNS_LOOKUPS_KEPT_NS. When there is no room, the one that was asked longest ago gives
 * way. Seen is DNS over UDP port 53: what goes over TCP, TLS or HTTPS, or lies in the client's
 * cache, is not, so that no look-up seen does not mean that there was none.
 *
 * Memory: some 500 octets a look-up. Thread: the correlator's. Time: ns of the packets' clock.
 */
#ifndef SIPSPAN_DNS_DNS_LOOKUPS_H
#define SIPSPAN_DNS_DNS_LOOKUPS_H

#include "dns/dns_message.h"
#include "net/packet.h"

#define DNS_LOOKUPS_KEPT_NS INT64_C(60000000000)
/* A request is tied to what its sender asked for in this time before it. */
#define DNS_LOOKUPS_TIE_NS INT64_C(10000000000)
/* So long a resolver waits for a response. */
#define DNS_LOOKUPS_WAIT_NS INT64_C(5000000000)

enum { DNS_PORT = 53 };

static inline bool dns_has_port(uint16_t src_port, uint16_t dst_port)
{
    return src_port == DNS_PORT || dst_port == DNS_PORT;
}

struct dns_lookups;

/* Each look-up counts once, by the first that became of it. */
struct dns_lookups_stats {
    uint64_t answered;
    uint64_t failed;     /* an error was the response, see dns_tie */
    uint64_t unanswered; /* none in DNS_LOOKUPS_WAIT_NS, of a server that was heard before */
};

/* NULL: out of memory. */
struct dns_lookups *dns_lookups_create(uint64_t memory_bytes);
void dns_lookups_destroy(struct dns_lookups *lookups); /* NULL does nothing */

/* UDP from or to DNS_PORT. */
void dns_lookups_packet(struct dns_lookups *lookups, const struct datagram *datagram);

/*
 * What came before a request of `client` to `dst`, for this host name, at sent_ns: look-ups of the
 * name itself, of services of it, and of the names that their answers lead to.
 */
struct dns_tie {
    const char *name; /* of the worst look-up; lives until the next packet */
    enum dns_type type;
    struct endpoint server; /* who responded, or was asked last */
    /* Look-ups; each question of one that never got a response counts. A server that nobody was
     * ever seen to get a response from may be out of the mirror's sight: look-ups there are left
     * out. No failures: that there is no SRV of a kind (NXDOMAIN), and what the client asked again
     * and got before it sent the request. */
    unsigned asked, unanswered, failed;
    uint8_t rcode; /* of the latest failure */
    /* From the first question to the last answer, or for how long it waited for one; of the latest
     * look-ups that followed one another. */
    int64_t delay_ns;
    /* All addresses that the name leads to were answered, and dst is none of them. */
    bool is_elsewhere;
};

/*
 * False: it asked for nothing of the kind in DNS_LOOKUPS_TIE_NS before, or host is an address. A
 * port behind the name is not part of it.
 */
bool dns_lookups_find(const struct dns_lookups *lookups, const struct ip_addr *client,
                      struct slice host, const struct ip_addr *dst, int64_t sent_ns,
                      struct dns_tie *tie);

const struct dns_lookups_stats *dns_lookups_stats(const struct dns_lookups *lookups);
size_t dns_lookups_tracked(const struct dns_lookups *lookups);
size_t dns_lookups_max(const struct dns_lookups *lookups);
void dns_lookups_clock_step(struct dns_lookups *lookups, int64_t step_ns);

#endif
