/*
 * scenario_line: the packets of one line: their common headers, mirror copies and wrapping.
 */
#ifndef MAKE_PCAP_SCENARIO_LINE_H
#define MAKE_PCAP_SCENARIO_LINE_H

#include "scenario.h"
#include "wrap.h"

struct line {
    struct scenario *s;
    const struct spec *spec;
    struct host *src;
    struct frame frame; /* as raw IP; its VLAN tags are the captured frame's */
    int64_t time_ns;
    struct wrap wrap, copy_wrap;
    struct transaction *transaction;
    int status;
};

/* From one host to another as `spec` says, which must outlive the line. */
struct line line_begin(struct scenario *s, const struct spec *spec, struct host *src,
                       const struct host *dst, int64_t time_ns);
void line_put_udp(struct line *l, int64_t time_ns, const void *payload, size_t len);
/* The very same IP packet again: the one that was put last, with its IP id. */
void line_put_udp_again(struct line *l, int64_t time_ns, const void *payload, size_t len);
void line_put_tcp(struct line *l, int64_t time_ns, const struct frame_tcp *tcp, const void *payload,
                  size_t len);
void line_put_icmp(struct line *l, uint8_t type, uint8_t code, uint16_t mtu, const uint8_t *quoted,
                   size_t len);

/* When a ladder sends, by its spec: fills gap_ns and until_ns. */
struct ladder {
    int64_t offset_ns, gap_ns, longest_ns, until_ns, left;
};
struct ladder ladder_begin(const struct line *l, int64_t default_t1_ns);
/* The next transmission's offset, or false. */
bool ladder_next(struct ladder *ladder, int64_t *offset_ns);

enum { MEDIA_PORT = 20000 }; /* where a line says none; RTCP: one more */
/* scenario_rtp.c and scenario_rtcp.c: the packets of one line. */
void rtp_add(struct line *l);
void rtcp_add(struct line *l);

/* scenario_dns.c: one DNS message. */
void dns_add(struct line *l, bool ladder);
/* scenario_packet.c: once, or as a ladder, which starts at half a second where t1 says nothing. */
void payload_put_udp(struct line *l, bool ladder, const struct text *payload);

/* scenario_stream.c: what goes over TCP is kept until every line is read, then put in order. */
void stream_add(struct line *l, struct host *dst, bool ladder, struct text *bytes);
/* A line "stream". */
void stream_add_other(struct line *l, struct host *dst, bool ladder);
void streams_finish(struct scenario *s);
void streams_fini(struct scenario *s);

/* scenario_payload.c: what lies in a stream beside SIP; all of it made up. */
void payload_add_upgrade(struct text *out, const struct endpoint *server);
void payload_add_upgraded(struct text *out);
enum ws_opcode { WS_CONTINUATION = 0, WS_TEXT = 1, WS_PING = 9, WS_PONG = 10 };
void payload_add_ws_frame(struct text *out, enum ws_opcode opcode, bool last, bool masked,
                          const void *bytes, size_t len);
/* False: no such record. */
bool payload_add_tls(struct text *out, const char *record);

static inline int64_t or_else(int64_t value, int64_t otherwise)
{
    return value >= 0 ? value : otherwise;
}

#endif
