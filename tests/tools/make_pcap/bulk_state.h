/*
 * bulk_state: what the files of bulk share.
 */
#ifndef MAKE_PCAP_BULK_STATE_H
#define MAKE_PCAP_BULK_STATE_H

#include <stdio.h>

#include "bulk.h"
#include "frame.h"
#include "pcap_out.h"

enum {
    CALLERS = 100,
    GATEWAYS = 50,
    DEAD_GATEWAY = GATEWAYS, /* one address more */
    LATE_MAX = 4096,         /* copies that wait for their time */
    LATE_ROOM = 2048,
    RTP_LEN = 172,
    LADDER_SENDS = 7,
    START_S = 1700000000,
    MS = 1000000,
};
#define SECOND INT64_C(1000000000)

enum event_kind { EVENT_SIGNAL, EVENT_MEDIA, EVENT_LATE, EVENT_NOISE };

struct event {
    int64_t time_ns;
    uint32_t kind;
    uint32_t index;
};

/* Of one stream, or of all. */
struct stream_sums {
    uint64_t packets, lost, duplicates, out_of_order, copies;
};

struct stream {
    int64_t begin_ns, end_ns;
    uint32_t ssrc, packet; /* packet: index of the next one that is not lost */
    uint32_t lost;         /* right before that one */
    uint32_t held;         /* 1 + the index of one that the next one overtakes */
    struct stream_sums sums;
};

struct call {
    struct bulk_fields fields;
    struct endpoint caller, gateway;      /* signalling */
    uint16_t caller_media, gateway_media; /* ports */
    uint8_t caller_index, gateway_index;
    bool unanswered;
    const struct bulk_step *script; /* of a mixed call; NULL: a plain one */
    int64_t begun_ns, late_ns;      /* mixed: the first INVITE; no response before (0: at once) */
    unsigned sent;                  /* mixed: how often that INVITE was sent */
    unsigned step;                  /* message sent next; of unanswered calls: transmission */
    int64_t bye_ns;
    uint32_t seq[2]; /* TCP: next of the caller, of the gateway */
    struct stream streams[2];
};

struct late {
    uint32_t len;
    uint8_t bytes[LATE_ROOM];
};

struct totals {
    uint64_t messages[BULK_MESSAGE_COUNT];
    uint64_t answered, unanswered, copies, other;
    uint64_t failed, cancelled;
    uint64_t struggling; /* INVITEs sent three times and more before any response, but unanswered */
    uint64_t noise[BULK_NOISES];
    uint64_t streams;
    struct stream_sums rtp;
};

struct bulk {
    const struct bulk_options *options;
    struct prng prng;
    struct pcap_out out;
    FILE *truth_streams; /* NULL: not wanted */
    struct bulk_template templates[BULK_MESSAGE_COUNT];
    struct event *heap;
    uint32_t heap_len;
    struct call *calls;
    struct late *late;
    uint32_t free_late[LATE_MAX];
    uint32_t free_late_count;
    uint64_t started;
    int64_t hold_ns, noise_gap_ns[BULK_NOISES];
    uint16_t caller_ip_id[CALLERS], gateway_ip_id[GATEWAYS + 1];
    struct totals totals;
    uint8_t frame[LATE_ROOM];
};

void bulk_push(struct bulk *b, int64_t time_ns, enum event_kind kind, uint32_t index);
int64_t bulk_between(struct bulk *b, int64_t low_ns, int64_t high_ns);
struct endpoint bulk_endpoint(uint8_t a, uint8_t x, uint8_t y, uint8_t z, uint16_t port);
/* Sends what lies in b->frame, and maybe a mirror copy of it; returns whether it did. */
bool bulk_put_frame(struct bulk *b, int64_t time_ns, size_t len);
/* Keeps what lies there for later; not at all when too many wait, which the truth then says. */
bool bulk_put_late(struct bulk *b, int64_t time_ns, size_t len);

/* bulk.c: of a call; and the next call in this place. */
void bulk_put_message(struct bulk *b, int64_t time_ns, struct call *call, enum bulk_message what,
                      bool from_caller);
void bulk_start_call(struct bulk *b, int64_t time_ns, uint32_t slot);

/* bulk_mixed.c: how this call goes; and its next message. */
void bulk_choose_script(struct bulk *b, struct call *call);
void bulk_signal_mixed(struct bulk *b, int64_t time_ns, uint32_t slot);

/* bulk_media.c: both streams of a call that has its ACK; the next packet of one of them. */
void bulk_start_media(struct bulk *b, int64_t ack_ns, uint32_t slot);
void bulk_send_media(struct bulk *b, int64_t time_ns, uint32_t index);

/* bulk_truth.c */
void bulk_truth_open(struct bulk *b);
void bulk_truth_stream(struct bulk *b, const struct call *call, uint32_t direction);
void bulk_truth_write(struct bulk *b, uint32_t concurrent);

/* bulk_noise.c: one of that kind, and when the next comes. */
void bulk_send_noise(struct bulk *b, int64_t time_ns, enum bulk_noise kind);

#endif
