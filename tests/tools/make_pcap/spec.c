#include "spec.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

enum key_kind {
    KEY_TEXT,
    KEY_FLAG,
    KEY_INT,
    KEY_TIME,   /* seconds, kept in ns */
    KEY_HEADER, /* a header field of that name, verbatim */
    KEY_LINE,   /* a whole header line */
};

struct key {
    const char *name;
    enum key_kind kind;
    unsigned scope;
    size_t offset;
    const char *about; /* of KEY_HEADER: the field's name */
};

#define FIELD(field) offsetof(struct spec, field)
#define HEADER(key, field)                                                                         \
    {                                                                                              \
        key, KEY_HEADER, SPEC_SIP, 0, field                                                        \
    }

static const struct key keys[] = {
    {"link", KEY_TEXT, SPEC_FILE, FIELD(link), "ethernet (default), sll, sll2, raw, null, loop"},
    {"resolution", KEY_TEXT, SPEC_FILE, FIELD(resolution), "ns (default) or us"},
    {"start", KEY_TIME, SPEC_FILE, FIELD(start), "time 0 of the lines, seconds since 1970"},
    {"begin", KEY_TIME, SPEC_FILE, FIELD(begin),
     "the capture begins here: earlier packets are not in it"},
    {"end", KEY_TIME, SPEC_FILE, FIELD(end), "the capture ends here: later packets are not in it"},
    {"hide", KEY_TEXT, SPEC_FILE, FIELD(hide), "HOST,…: what they send is not mirrored"},
    {"seed", KEY_INT, SPEC_FILE, FIELD(seed), "for jitter"},
    {"snap", KEY_INT, SPEC_FILE, FIELD(snap), "octets captured of each packet"},

    {"vlan", KEY_TEXT, SPEC_PACKET, FIELD(vlan), "VLAN ids, outermost first: 10 or 10,20"},
    {"ttl", KEY_INT, SPEC_PACKET, FIELD(ttl), "TTL or hop limit, default 64"},
    {"ip_id", KEY_INT, SPEC_PACKET, FIELD(ip_id), "IP id; default counts up for each host"},
    {"src_port", KEY_INT, SPEC_PACKET, FIELD(src_port), "instead of the host's"},
    {"dst_port", KEY_INT, SPEC_PACKET, FIELD(dst_port), "instead of the host's"},
    {"copies", KEY_INT, SPEC_PACKET, FIELD(copies), "mirror copies of each packet, same IP id"},
    {"copy_after", KEY_TIME, SPEC_PACKET, FIELD(copy_after), "between copies, default 0.0005"},
    {"copy_ttl", KEY_INT, SPEC_PACKET, FIELD(copy_ttl),
     "TTL of the copies (mirrored behind a router)"},
    {"copy_wrap", KEY_TEXT, SPEC_PACKET, FIELD(copy_wrap),
     "what the copies are wrapped in, instead of wrap and vlan; - for nothing"},
    {"wrap", KEY_TEXT, SPEC_PACKET, FIELD(wrap),
     "LAYER/LAYER/..., the outermost first; the layers are listed below; - for none"},
    {"df", KEY_FLAG, SPEC_PACKET, FIELD(df), "don't fragment, and then IP id 0 unless ip_id= says"},
    {"behind", KEY_TIME, SPEC_PACKET, FIELD(behind),
     "stands so much later in the file than its time says"},
    {"unseen", KEY_FLAG, SPEC_PACKET, FIELD(unseen), "happened, but is not in the capture"},

    {"t1", KEY_TIME, SPEC_LADDER, FIELD(t1), "first interval, doubled each time; default 0.5"},
    {"t2", KEY_TIME, SPEC_LADDER, FIELD(t2), "longest interval; default none (INVITE, Timer A)"},
    {"until", KEY_TIME, SPEC_LADDER, FIELD(until), "no transmission from here on; default 64*T1"},
    {"count", KEY_INT, SPEC_LADDER | SPEC_RTP | SPEC_UDP, FIELD(count),
     "transmissions at most; RTP and UDP: packets"},

    {"call", KEY_TEXT, SPEC_SIP, FIELD(call),
     "the call; Call-ID is CALL@caller's address, or as given with @"},
    {"call_id", KEY_TEXT, SPEC_SIP, FIELD(call_id), "Call-ID of this message, verbatim"},
    {"branch", KEY_TEXT, SPEC_SIP, FIELD(branch), "the transaction; sent as z9hG4bK-CALL-BRANCH"},
    {"below", KEY_TEXT, SPEC_SIP, FIELD(below), "proxied copy of the request with this branch"},
    {"as", KEY_TEXT, SPEC_SIP, FIELD(as), "the host that wrote it, where a proxy passes it on"},
    {"method", KEY_TEXT, SPEC_SIP, FIELD(method),
     "of a response: which request, if the newest is not meant"},
    {"cseq", KEY_INT, SPEC_SIP, FIELD(cseq), "CSeq number"},
    {"from", KEY_TEXT, SPEC_SIP, FIELD(from), "user, user@host, or URI"},
    {"to", KEY_TEXT, SPEC_SIP, FIELD(to), "user, user@host, or URI"},
    {"from_tag", KEY_TEXT, SPEC_SIP, FIELD(from_tag), "- for none"},
    {"to_tag", KEY_TEXT, SPEC_SIP, FIELD(to_tag), "- for none"},
    {"uri", KEY_TEXT, SPEC_SIP, FIELD(uri), "Request-URI"},
    {"reason", KEY_TEXT, SPEC_SIP, FIELD(reason), "reason phrase"},
    {"via", KEY_TEXT, SPEC_SIP, FIELD(via), "the whole Via, comma-separated, verbatim"},
    {"sent_by", KEY_TEXT, SPEC_SIP, FIELD(sent_by), "host:port in the Via, if not the source"},
    {"transport", KEY_TEXT, SPEC_SIP, FIELD(transport),
     "how it is carried: udp (default), tcp, ws (RFC 7118); the Via says so"},
    {"rport", KEY_FLAG, SPEC_SIP, FIELD(rport),
     "ask for RFC 3581; the response then has received and rport"},
    {"received", KEY_TEXT, SPEC_SIP, FIELD(received), "of a response's top Via; - for none"},
    {"contact", KEY_TEXT, SPEC_SIP, FIELD(contact), "Contact, verbatim; - for none"},
    {"agent", KEY_TEXT, SPEC_SIP, FIELD(agent), "User-Agent, of responses Server"},
    {"max_forwards", KEY_INT, SPEC_SIP, FIELD(max_forwards), "default 70, one less below"},
    {"record_route", KEY_FLAG, SPEC_SIP, FIELD(record_route),
     "the sender puts itself into Record-Route"},
    {"challenge", KEY_TEXT, SPEC_SIP, FIELD(challenge),
     "realm of WWW-Authenticate, at 407 Proxy-Authenticate"},
    {"credentials", KEY_TEXT, SPEC_SIP, FIELD(credentials), "realm of Authorization"},
    {"proxy_credentials", KEY_TEXT, SPEC_SIP, FIELD(proxy_credentials),
     "realm of Proxy-Authorization"},
    {"sdp", KEY_TEXT, SPEC_SIP, FIELD(sdp), "ADDR:PORT, or PORT at the writer's address"},
    {"codec", KEY_TEXT, SPEC_SIP, FIELD(codec),
     "NAME[/CLOCK][:TYPE],...: what is offered; default PCMU"},
    {"dir", KEY_TEXT, SPEC_SIP, FIELD(dir), "sendonly, recvonly, inactive, sendrecv"},
    {"secure", KEY_TEXT, SPEC_SIP, FIELD(secure),
     "sdes: RTP/SAVP and an invented a=crypto; dtls: UDP/TLS/RTP/SAVPF and a fingerprint"},
    {"rtcp_mux", KEY_FLAG, SPEC_SIP, FIELD(rtcp_mux), "a=rtcp-mux"},
    {"rtcp_port", KEY_INT, SPEC_SIP, FIELD(rtcp_port), "a=rtcp of that port (RFC 3605)"},
    {"sdp_origin", KEY_TEXT, SPEC_SIP, FIELD(sdp_origin),
     "address of the o= line, default as in c="},
    {"sdp_version", KEY_INT, SPEC_SIP, FIELD(sdp_version), "of the o= line, default 1"},
    {"compact", KEY_FLAG, SPEC_SIP, FIELD(compact), "compact header names"},
    {"lf", KEY_FLAG, SPEC_SIP, FIELD(lf), "lines end in LF alone"},
    {"rfc2543", KEY_FLAG, SPEC_SIP, FIELD(rfc2543), "no branch in the Via"},
    {"content_length", KEY_INT, SPEC_SIP, FIELD(content_length), "a wrong one"},
    HEADER("require", "Require"),
    HEADER("supported", "Supported"),
    HEADER("rseq", "RSeq"),
    HEADER("rack", "RAck"),
    HEADER("replaces", "Replaces"),
    HEADER("cause", "Reason"),
    HEADER("retry_after", "Retry-After"),
    HEADER("route", "Route"),
    HEADER("expires", "Expires"),
    HEADER("session_expires", "Session-Expires"),
    HEADER("refer_to", "Refer-To"),
    HEADER("event", "Event"),
    {"hdr", KEY_LINE, SPEC_SIP, 0, "a header line, verbatim; may be repeated"},

    {"segment", KEY_TEXT, SPEC_CARRIED, FIELD(segment),
     "N[+reversed][+twice][+overlap[+other]][+gone=INDEX]: segments of N octets, as wrap's frag; "
     "+twice: again after 0.2 s"},
    {"join", KEY_FLAG, SPEC_CARRIED, FIELD(join),
     "what goes the same way at the same time is in one segment"},
    {"isn", KEY_INT, SPEC_CARRIED, FIELD(isn), "initial sequence number of what this host sends"},
    {"midstream", KEY_FLAG, SPEC_CARRIED, FIELD(midstream),
     "the connection was there before: no handshake"},
    {"noack", KEY_FLAG, SPEC_CARRIED, FIELD(noack),
     "never acknowledged; a ladder is then TCP's own, t1 0.2"},
    {"ws_frames", KEY_INT, SPEC_CARRIED, FIELD(ws_frames), "WebSocket frames of so many octets"},
    {"ws_ping", KEY_FLAG, SPEC_CARRIED, FIELD(ws_ping), "a ping before each frame, with its pong"},
    {"keepalive", KEY_FLAG, SPEC_STREAM, FIELD(keepalive), "stream: a TCP keep-alive probe"},
    {"tls", KEY_TEXT, SPEC_STREAM, FIELD(tls),
     "stream: a record of client_hello, server_hello, alert or data"},

    {"pt", KEY_INT, SPEC_RTP, FIELD(pt), "payload type, default 0"},
    {"ssrc", KEY_INT, SPEC_RTP | SPEC_RTCP, FIELD(ssrc), "default 0x1234abcd"},
    {"seq", KEY_INT, SPEC_RTP | SPEC_TCP, FIELD(seq), "(first) sequence number"},
    {"ts", KEY_INT, SPEC_RTP | SPEC_RTCP, FIELD(ts), "first time stamp; SR: its RTP time stamp"},
    {"step", KEY_INT, SPEC_RTP, FIELD(step), "time stamp units a packet, default 160"},
    {"interval", KEY_TIME, SPEC_RTP | SPEC_UDP, FIELD(interval), "between packets, default 0.02"},
    {"jitter", KEY_TIME, SPEC_RTP, FIELD(jitter), "each packet late by 0 to this"},
    {"alternate", KEY_TIME, SPEC_RTP, FIELD(alternate), "every other packet late by this"},
    {"gone", KEY_TEXT, SPEC_RTP, FIELD(gone),
     "lost before the sensor, by index from 0: 3,10-12,20-90/10"},
    {"marker", KEY_TEXT, SPEC_RTP, FIELD(marker),
     "packets with the marker bit, - for none; default the first and after a pause"},
    {"twice", KEY_TEXT, SPEC_RTP, FIELD(twice), "sent again in another IP packet"},
    {"doubled", KEY_TEXT, SPEC_RTP, FIELD(doubled), "the very same IP packet comes again"},
    {"again_after", KEY_TIME, SPEC_RTP, FIELD(again_after), "of twice and doubled, default 0.005"},
    {"late", KEY_TEXT, SPEC_RTP, FIELD(late),
     "INDEX:PLACES,...: comes so many places later; those between come one earlier"},
    {"jump", KEY_TEXT, SPEC_RTP, FIELD(jump), "INDEX:N,...: sequence numbers go on N further"},
    {"ts_jump", KEY_TEXT, SPEC_RTP, FIELD(ts_jump), "INDEX:N,...: time stamps go on N further"},
    {"pause", KEY_TEXT, SPEC_RTP, FIELD(pause),
     "INDEX:N,...: before it, nothing is sent for the time of N packets (DTX)"},
    {"delay", KEY_TEXT, SPEC_RTP, FIELD(delay), "INDEX:SECONDS,...: from it on, all come so late"},
    {"change", KEY_TEXT, SPEC_RTP, FIELD(change),
     "INDEX:TYPE[:STEP[:BYTES]],...: from it on another payload type"},
    {"events", KEY_TEXT, SPEC_RTP, FIELD(events),
     "INDEX:N,...: N packets of an RFC 4733 event, the last three of them its end"},
    {"event_pt", KEY_INT, SPEC_RTP, FIELD(event_pt), "their payload type, default 101"},
    {"comfort_noise", KEY_TEXT, SPEC_RTP, FIELD(comfort_noise),
     "packets of payload type 13 (RFC 3389)"},
    {"csrcs", KEY_INT, SPEC_RTP, FIELD(csrcs), "contributing sources, to 15"},
    {"extension", KEY_INT, SPEC_RTP, FIELD(extension), "a header extension of so many words"},
    {"padding", KEY_INT, SPEC_RTP, FIELD(padding), "octets of padding, to 255"},
    {"srtp", KEY_FLAG, SPEC_RTP, FIELD(srtp), "random payload, and ten octets more"},

    {"leg", KEY_TIME, SPEC_PATH, FIELD(leg), "RTCP: one way between this host and the sensor"},
    {"ntp_ahead", KEY_TIME, SPEC_PATH, FIELD(ntp_ahead), "RTCP: the host's clock is so much ahead"},
    {"sr", KEY_FLAG, SPEC_RTCP, FIELD(sr), "a sender report"},
    {"rr", KEY_FLAG, SPEC_RTCP, FIELD(rr), "a receiver report"},
    {"packets", KEY_INT, SPEC_RTCP, FIELD(packets), "SR: packets sent"},
    {"octets", KEY_INT, SPEC_RTCP, FIELD(octets), "SR: octets sent, default 160 a packet"},
    {"report", KEY_INT, SPEC_RTCP, FIELD(report),
     "a report block about this SSRC; LSR and DLSR from its SR that came last by the legs"},
    {"fraction", KEY_INT, SPEC_RTCP, FIELD(fraction), "report: lost since, in 256ths"},
    {"lost", KEY_INT, SPEC_RTCP, FIELD(lost), "report: lost in all"},
    {"highest", KEY_INT, SPEC_RTCP, FIELD(highest), "report: highest sequence number"},
    {"report_jitter", KEY_INT, SPEC_RTCP, FIELD(report_jitter), "report: jitter, in clock units"},
    {"lsr", KEY_INT, SPEC_RTCP, FIELD(lsr), "report: a wrong LSR"},
    {"cname", KEY_TEXT, SPEC_RTCP | SPEC_DNS, FIELD(cname),
     "an SDES packet with this CNAME; DNS: what the name is an alias of, which has the answers"},
    {"rrtr", KEY_FLAG, SPEC_RTCP, FIELD(rrtr), "XR: receiver reference time"},
    {"dlrr", KEY_INT, SPEC_RTCP, FIELD(dlrr), "XR: answers this SSRC's RRTR that came last"},
    {"voip", KEY_INT, SPEC_RTCP, FIELD(voip), "XR: VoIP metrics about this SSRC"},
    {"voip_loss", KEY_INT, SPEC_RTCP, FIELD(voip_loss), "in 256ths"},
    {"voip_discard", KEY_INT, SPEC_RTCP, FIELD(voip_discard), "in 256ths"},
    {"voip_round_trip", KEY_INT, SPEC_RTCP, FIELD(voip_round_trip), "ms"},
    {"voip_end_system", KEY_INT, SPEC_RTCP, FIELD(voip_end_system), "ms"},
    {"voip_r", KEY_INT, SPEC_RTCP, FIELD(voip_r), "R factor"},
    {"voip_mos", KEY_INT, SPEC_RTCP, FIELD(voip_mos), "MOS-LQ and MOS-CQ, in tenths"},
    {"bye", KEY_FLAG, SPEC_RTCP, FIELD(bye), "a BYE at the end"},
    {"encrypted", KEY_FLAG, SPEC_RTCP, FIELD(encrypted), "as SRTCP: clear are eight octets alone"},

    {"bytes", KEY_INT, SPEC_RTP | SPEC_UDP, FIELD(bytes), "octets of payload, default 160"},
    {"hex", KEY_TEXT, SPEC_UDP, FIELD(hex), "the payload in hexadecimal"},
    {"random", KEY_INT, SPEC_UDP, FIELD(random), "the first octet; random ones behind it"},
    {"payload", KEY_TEXT, SPEC_UDP | SPEC_STREAM, FIELD(payload), "the payload itself"},
    {"flags", KEY_TEXT, SPEC_TCP | SPEC_STREAM, FIELD(flags),
     "of S A F R P, default A; stream: F or R ends it"},
    {"ack", KEY_INT, SPEC_TCP, FIELD(ack), "acknowledgment number"},
    {"kind", KEY_TEXT, SPEC_ICMP, FIELD(kind),
     "net, host, protocol, port (default), admin, ttl, reassembly, too_big"},
    {"mtu", KEY_INT, SPEC_ICMP, FIELD(mtu), "of too_big; default 1400"},
    {"quote", KEY_TEXT, SPEC_ICMP, FIELD(quote),
     "HOST whose newest packet is quoted; default the destination"},
    {"quote_bytes", KEY_INT, SPEC_ICMP, FIELD(quote_bytes),
     "quoted behind the IP header; default all, to 528"},

    {"ask", KEY_TEXT, SPEC_DNS, FIELD(ask), "the name that is asked for"},
    {"type", KEY_TEXT, SPEC_DNS, FIELD(type),
     "a (default), aaaa, srv, naptr, txt, ptr, or a number"},
    {"id", KEY_INT, SPEC_DNS, FIELD(id), "of question and response, default 1"},
    {"response", KEY_FLAG, SPEC_DNS, FIELD(response), "it is one, and comes from port 53"},
    {"rcode", KEY_TEXT, SPEC_DNS, FIELD(rcode),
     "formerr, servfail, nxdomain, notimp, refused, or a number"},
    {"answer", KEY_TEXT, SPEC_DNS, FIELD(answer),
     "VALUE,...: addresses; srv: NAME[:PORT]; naptr: the service's name"},
    {"also", KEY_TEXT, SPEC_DNS, FIELD(also), "NAME=ADDR,...: additional addresses"},
    {"cut", KEY_FLAG, SPEC_DNS, FIELD(cut), "the TC bit: the rest is for TCP"},
};

enum { KEYS = sizeof keys / sizeof keys[0] };

static void *field_of(struct spec *s, const struct key *k)
{
    return (char *)s + k->offset;
}

void spec_init(struct spec *s)
{
    *s = (struct spec){0};
    for (unsigned i = 0; i < KEYS; i++) {
        if (keys[i].kind == KEY_INT || keys[i].kind == KEY_TIME) {
            int64_t *field = field_of(s, &keys[i]);
            *field = SPEC_UNSET;
        }
    }
}

/* Takes the word at *in off the line and closes it with a NUL; NULL: an open quote. */
static char *take_word(char **in)
{
    char *word = *in, *at = *in, *out = *in;
    bool quoted = false;
    for (; *at && (quoted || (*at != ' ' && *at != '\t')); at++) {
        if (*at == '"') {
            quoted = !quoted;
        } else if (*at == '\\' && at[1]) {
            at++;
            *out++ = *at == 'r' ? '\r' : *at == 'n' ? '\n' : *at;
        } else {
            *out++ = *at;
        }
    }
    *in = *at ? at + 1 : at;
    *out = '\0';
    return quoted ? NULL : word;
}

int spec_split(char *line, char *words[SPEC_WORDS_MAX])
{
    int n = 0;
    for (;;) {
        while (*line == ' ' || *line == '\t')
            line++;
        if (*line == '\0' || *line == '#')
            return n;
        if (n == SPEC_WORDS_MAX)
            return -EINVAL;
        words[n] = take_word(&line);
        if (!words[n++])
            return -EINVAL;
    }
}

static const struct key *find_key(const char *name, size_t len)
{
    for (unsigned i = 0; i < KEYS; i++)
        if (strlen(keys[i].name) == len && memcmp(keys[i].name, name, len) == 0)
            return &keys[i];
    return NULL;
}

static const char *add_header(struct spec *s, const char *name, const char *value)
{
    if (s->header_count == SPEC_HEADERS_MAX)
        return "too many header fields";
    s->headers[s->header_count++] = (struct spec_header){.name = name, .value = value};
    return NULL;
}

const char *spec_take(struct spec *s, unsigned scope, char *word)
{
    size_t len = strcspn(word, "=");
    const struct key *k = find_key(word, len);
    if (!k)
        return "no such key (make_pcap --keys lists them)";
    if (!(k->scope & scope))
        return "this key does not belong to this kind of line";
    if ((word[len] == '=') == (k->kind == KEY_FLAG))
        return k->kind == KEY_FLAG ? "this key takes no value" : "this key needs a value";
    const char *value = word + len + 1;
    switch (k->kind) {
    case KEY_TEXT:
        *(const char **)field_of(s, k) = value;
        return NULL;
    case KEY_FLAG:
        *(bool *)field_of(s, k) = true;
        return NULL;
    case KEY_INT:
        return text_to_int(value, UINT32_MAX, field_of(s, k)) ? "not a number up to 2^32-1" : NULL;
    case KEY_TIME:
        return text_to_ns(value, field_of(s, k)) ? "not a number of seconds" : NULL;
    case KEY_HEADER:
        return add_header(s, k->about, value);
    case KEY_LINE:
        return add_header(s, NULL, value);
    }
    return NULL;
}

void spec_print_keys(FILE *f)
{
    static const struct {
        unsigned scope;
        const char *name;
    } scopes[] = {{SPEC_FILE, "file"},       {SPEC_PACKET, "packet"}, {SPEC_LADDER, "ladder"},
                  {SPEC_SIP, "sip"},         {SPEC_RTP, "rtp"},       {SPEC_UDP, "udp"},
                  {SPEC_TCP, "tcp"},         {SPEC_ICMP, "icmp"},     {SPEC_STREAM, "stream"},
                  {SPEC_CARRIED, "carried"}, {SPEC_RTCP, "rtcp"},     {SPEC_PATH, "path"},
                  {SPEC_DNS, "dns"}};
    for (unsigned i = 0; i < sizeof scopes / sizeof scopes[0]; i++) {
        for (unsigned k = 0; k < KEYS; k++) {
            if (keys[k].scope & scopes[i].scope)
                fprintf(f, "%-7s %-18s %s%s\n", scopes[i].name, keys[k].name,
                        keys[k].kind == KEY_HEADER ? "header field " : "", keys[k].about);
        }
    }
}
