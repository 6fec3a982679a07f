/*
 * scenario: a text that says what happened on the wire, line by line, made into a capture with its
 * truth.
 *
 *     file [KEY=VALUE]...                          once, before everything else
 *     host NAME ADDR:PORT [KEY=VALUE]...           who is there, and defaults for what it sends
 *     at TIME SRC > DST WHAT [KEY[=VALUE]]...      one packet
 *     ladder TIME SRC > DST WHAT [KEY[=VALUE]]...  the same, again and again: at t1, 3 t1, 7 t1
 *     define NAME                                  lines to be used again, up to a line "end";
 *                                                  $word stands for a value
 *     use TIME NAME [word=VALUE]...                those lines, TIME later
 *     clock TIME +SECONDS | -SECONDS               from TIME on the stamps are further wrong
 *     include FILE                                 the lines of another file beside this one
 *
 * WHAT: a method in capitals, a status code, or rtp, rtcp, udp, tcp, icmp, stream, dns. TIME:
 * seconds since the file's start. Lines may stand in any order of time: the capture is sorted,
 * equal times in the order of the lines. What a response answers and what a dialog is like is taken
 * from the lines above. With transport=tcp or ws, SIP goes over a TCP connection between the two
 * endpoints, which the first to send opens; "stream" is anything else on it. Handshake, sequence
 * numbers, acknowledgments and WebSocket's upgrade come by themselves. The line "file" takes the
 * keys of hosts too, as defaults. `make_pcap --keys` lists the keys.
 */
#ifndef MAKE_PCAP_SCENARIO_H
#define MAKE_PCAP_SCENARIO_H

#include "dialog.h"
#include "frame.h"
#include "prng.h"

enum { SCENARIO_FRAMES_MAX = 4000000 };
#define SCENARIO_START_NS INT64_C(1700000000000000000) /* since 1970, unless start= says */

struct scenario_frame {
    int64_t time_ns; /* since the file's start */
    uint64_t order;
    int64_t place_ns; /* by which the file is sorted */
    uint8_t *bytes;
    uint32_t len;
    struct host *src;
    uint8_t *packet; /* the IP packet that this frame is, or begins; NULL: further fragments */
    uint32_t packet_len;
    struct transaction *transaction; /* of a SIP message, else NULL */
    int status;                      /* of a response, else 0 */
    bool copy, unseen;
};

/* From at_ns on, stamps are step_ns more than true. */
struct clock_step {
    int64_t at_ns, step_ns;
};

/* A moment that an RTCP packet told, which another may refer to: of an SR or an XR's RRTR. */
struct rtcp_moment {
    uint32_t ssrc, ntp_middle;
    bool rrtr;
    int64_t tap_ns; /* when it passed the sensor */
};

struct definition {
    char *name;
    char **lines;
    unsigned line_count;
};

/* How many packets did not get into the capture, and why. */
struct scenario_left_out {
    uint64_t unseen, hidden, outside;
};

/* What the command line adds to the file's own settings; zeroed is nothing. */
struct scenario_options {
    const char *path, *out, *truth; /* truth: NULL for none */
    char **set;                     /* KEY=VALUE of the line file, HOST.KEY=VALUE of a host */
    unsigned set_count;
    bool microseconds;
};

struct scenario {
    const struct scenario_options *options;
    const char *path;
    char where[512];
    struct spec file;
    enum frame_link link;
    bool file_used;
    int64_t base_ns; /* of the `use` in progress */
    bool using, including;
    struct prng prng;
    struct host **hosts;
    struct definition *definitions;
    struct definition *defining;
    char **lines; /* the specs' strings point into them */
    struct scenario_frame *frames;
    size_t frame_count, frame_room;
    unsigned host_count, definition_count, line_count;
    struct clock_step *steps;
    struct stream **streams;
    struct rtcp_moment *moments;
    unsigned step_count, stream_count, moment_count;
    uint16_t next_tunnel_id;
    struct dialogs dialogs;
    struct scenario_left_out left_out;
};

void scenario_run(const struct scenario_options *options);

/* scenario_packet.c: what `at` and `ladder` say behind the host names, made into frames. */
void scenario_add_packets(struct scenario *s, int64_t time_ns, bool ladder, struct host *src,
                          struct host *dst, const char *what, char **words, int count);
struct host *scenario_find_host(const struct scenario *s, const char *name);
_Noreturn void scenario_fail(const struct scenario *s, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* scenario_truth.c: one JSON object. */
void scenario_write_truth(const struct scenario *s, const char *path, uint64_t packets);

#endif
