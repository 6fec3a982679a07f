/*
 * spec: what one line of a scenario says, and the table of keys that says it.
 *
 * A line is words; after the fixed ones come flags ("rport") and values ("branch=b1", "reason=\"Not
 * now\""). Every key is one row of the table in spec.c, which `make_pcap --keys` prints.
 */
#ifndef MAKE_PCAP_SPEC_H
#define MAKE_PCAP_SPEC_H

#include <stdbool.h>
#include <stdint.h>

#include "text.h"

enum { SPEC_HEADERS_MAX = 16, SPEC_WORDS_MAX = 64 };

/* Where a key may stand. */
enum spec_scope {
    SPEC_FILE = 1 << 0,   /* the line "file" */
    SPEC_PACKET = 1 << 1, /* any packet */
    SPEC_LADDER = 1 << 2,
    SPEC_SIP = 1 << 3,
    SPEC_RTP = 1 << 4,
    SPEC_UDP = 1 << 5,
    SPEC_TCP = 1 << 6,
    SPEC_ICMP = 1 << 7,
    SPEC_STREAM = 1 << 8,
    SPEC_CARRIED = 1 << 9, /* what TCP carries: stream, and SIP with transport= */
    SPEC_RTCP = 1 << 10,
    SPEC_PATH = 1 << 11, /* what RTCP is reckoned from */
    SPEC_DNS = 1 << 12,
    /* Defaults for what a host sends; on the line "file" for what every host sends. */
    SPEC_HOST = SPEC_PACKET | SPEC_SIP | SPEC_CARRIED | SPEC_PATH,
};

enum { SPEC_UNSET = -1 }; /* of the numbers and times */

struct spec_header {
    const char *name; /* NULL: the value is a whole line */
    const char *value;
};

struct spec {
    /* file */
    const char *link, *resolution, *hide;
    int64_t start, begin, end, seed, snap;
    /* packet */
    const char *vlan;
    const char *wrap, *copy_wrap;
    int64_t ttl, ip_id, src_port, dst_port, copies, copy_after, copy_ttl, behind;
    bool unseen, df;
    /* stream */
    const char *segment, *tls;
    int64_t isn, ws_frames;
    bool join, midstream, noack, ws_ping, keepalive;
    /* ladder */
    int64_t t1, t2, until;
    int64_t count; /* RTP too */
    /* SIP */
    const char *call, *branch, *below, *as, *method, *from, *to, *from_tag, *to_tag, *uri, *reason;
    const char *call_id, *sdp_origin;
    const char *via, *sent_by, *transport, *received, *contact, *agent;
    const char *challenge, *credentials, *proxy_credentials, *sdp, *codec, *dir, *secure;
    int64_t cseq, max_forwards, content_length, sdp_version, rtcp_port;
    bool rport, record_route, compact, lf, rfc2543, rtcp_mux;
    struct spec_header headers[SPEC_HEADERS_MAX];
    unsigned header_count;
    /* RTP, UDP, TCP, ICMP */
    const char *gone, *payload, *flags, *kind, *quote, *hex;
    int64_t interval, jitter, pt, ssrc, seq, ts, step, bytes, ack, quote_bytes, mtu, random;
    /* RTP: lists of packets by index; some with a value each */
    const char *marker, *twice, *doubled, *late, *jump, *ts_jump, *pause, *delay;
    const char *change, *events, *comfort_noise;
    int64_t again_after, alternate, event_pt, csrcs, extension, padding;
    bool srtp;
    /* RTCP */
    const char *cname;
    int64_t leg, ntp_ahead, report, fraction, lost, highest, report_jitter, lsr, packets, octets;
    int64_t dlrr, voip, voip_loss, voip_discard, voip_round_trip, voip_end_system, voip_r, voip_mos;
    bool sr, rr, rrtr, bye, encrypted;
    /* DNS; cname, too */
    const char *ask, *type, *rcode, *answer, *also;
    int64_t id;
    bool response, cut;
};

void spec_init(struct spec *s);

/*
 * Splits a line into words in place; quotes and the escapes \r \n \" \\ are resolved, "#" at the
 * start of a word ends the line. Returns their number, or -EINVAL: an open quote, or too many.
 */
int spec_split(char *line, char *words[SPEC_WORDS_MAX]);

/*
 * Takes one word. The strings of *s point into it. NULL, or what is wrong.
 */
const char *spec_take(struct spec *s, unsigned scope, char *word);

/* The table, for people. */
void spec_print_keys(FILE *f);

#endif
