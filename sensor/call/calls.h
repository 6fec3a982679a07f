/*
 * calls: follows every call in the SIP messages that pass, and tells what became of it.
 *
 * The entry of the folder: messages and time go in, events come out through a receiver. RFC 3261
 * sections 12, 13, 15 and 17 and RFC 6026 seen from outside: no timer of an endpoint is ever seen
 * to fire, so what is said rests on what was seen and on how long nothing was.
 *
 * Time is the packets' own and only moves forward, but for calls_clock_step; a message may be older
 * than the one before: a little where the mirror mixes packets up, some seconds where it was behind
 * a hole of its stream or lost its fragments. Thread: the correlator's. Memory: bounded, see
 * call_table.h, peer.h, icmp_ties.h and media_map.h.
 */
#ifndef SIPSPAN_CALL_CALLS_H
#define SIPSPAN_CALL_CALLS_H

#include "base/metric.h"
#include "call/call_table.h"
#include "call/icmp_ties.h"
#include "call/media_map.h"
#include "call/open_requests.h"
#include "call/places.h"
#include "decode/icmp.h"
#include "event/event.h"
#include "net/packet.h"
#include "net/peer_names.h"
#include "sip/sip_msg.h"
#include "verdict/peer.h"
#include "verdict/scanner.h"
#include "verdict/unanswered.h"

/* An established call whose media flowed, and stopped so long ago, is lost; on hold, idle_ns. */
#define CALL_MEDIA_IDLE_NS INT64_C(300000000000)

/* An INVITE as other sensors on its path know it, too. Texts live for the call. */
struct calls_sighting {
    struct slice call_id, branch; /* branch: of the top Via */
    uint32_t cseq;
    enum transport transport;
    struct ip_addr dst;    /* of the request */
    int64_t first_sent_ns; /* of the request; of a response, when it came */
    int64_t now_ns;
};

enum calls_word {
    CALLS_SAW_REQUEST,  /* for the first time */
    CALLS_SAW_RESPONSE, /* the first one that could have reached its client */
    CALLS_ASK,          /* it still waits, and Timer B will soon run out: who else saw it? */
};

struct calls_params {
    uint64_t memory_bytes; /* for all of its tables */
    int64_t timer_b_ns;    /* RFC 3261 section 17.1.1.2: 64*T1 */
    int64_t idle_ns;       /* an established call without a packet for so long is lost */
    /*
     * These two stay the caller's; NULL: media are not followed. media_map_look and media_map_codec
     * are the joiner of `streams`, with the address of calls.media_map: not to be called before
     * calls_init.
     */
    struct streams *streams;
    struct codec_book *codecs;
    const char *sensor_id; /* part of every event's id */
    struct peer_names names;
    event_receiver receive;
    void *context;
    /* What is known of the connection between client and server; NULL: nothing ever is. */
    void (*look_at_connection)(void *context, const struct endpoint *client,
                               const struct endpoint *server, struct connection_facts *facts);
    /* What client had asked the name servers for before it sent a request for that host (the name
     * in the URI by which it was sent) to dst; views in facts live until the next packet. NULL:
     * nothing ever. */
    void (*look_at_dns)(void *context, const struct ip_addr *client, struct slice host,
                        const struct ip_addr *dst, int64_t sent_ns, struct dns_facts *facts);
    /* To the other sensors, and what they said of what was asked some time before; it can be had
     * once. NULL, both of them: there are none. */
    void (*tell_sensors)(void *context, enum calls_word word,
                         const struct calls_sighting *sighting);
    void (*look_at_sensors)(void *context, const struct calls_sighting *sighting,
                            struct sensors_facts *facts);
    /* What speaks against the mirror since then, as STREAMS_DOUBT_ bits; NULL: nothing ever does.
     */
    unsigned (*doubts)(void *context, int64_t since_ns);
    /* Of the devices by index; NULL: a capture is read, in which they do not matter. */
    const char *const *interface_names;
    size_t interface_name_count;
    struct metric *first_response_seconds, *post_dial_delay_seconds; /* histograms; NULL: none */
};

struct calls {
    struct calls_params params;
    struct call_table table;
    struct peers peers;
    struct scanners *scanners;
    struct icmp_ties icmp_ties;
    struct open_requests open_requests;
    struct media_map media_map;
    struct places places;
    int64_t watching_since_ns; /* the first packet's time; CALL_NO_TIME before it */
    int64_t now_ns;            /* the latest packet's time; CALL_NO_TIME before the first */
    int64_t lost_packet_ns;    /* when the sensor itself last dropped packets */
    uint64_t stray_responses;  /* could not have reached their client */
    uint64_t
        unmatched_responses;   /* to an INVITE, of a call in view, but of no transaction in view */
    uint64_t inferred_answers; /* transactions answered unseen */
    uint64_t expired;          /* calls that never got far and went quiet: no event */
    uint64_t icmp_tied;        /* ICMP errors that quote an INVITE in view */
    uint64_t joined_late;      /* calls that were up already when they were first seen */
    uint64_t one_way_audio;    /* sipspan.call.one_way_audio */
    uint64_t left_to_others;   /* lost between sensors, of which another one gives the event */
};

/* 0 or -ENOMEM. params are copied; what they point to must outlive this. */
int calls_init(struct calls *calls, const struct calls_params *params);
void calls_fini(struct calls *calls);

/* Any IP packet, SIP or not, from this source. Moves the clock. */
void calls_packet(struct calls *calls, const struct ip_addr *src, int64_t time_ns);
/*
 * A SIP message; its packet was given to calls_packet before. Its own time may be some seconds ago.
 * An INVITE that is incomplete, its headers being there, was sent as any other.
 */
void calls_message(struct calls *calls, const struct datagram *datagram, const struct sip_msg *msg);
/*
 * A copy of a packet that was given before, and carries SIP: nothing but where on the mirror it was
 * seen is new. time_ns is not looked at.
 */
void calls_copy(struct calls *calls, const struct datagram *datagram, const struct sip_msg *msg);
/*
 * An ICMP error. Tied to an INVITE where the quote leaves no doubt: it shows the request's own
 * branch, or its addresses, IP id and length within 5 s of a sending. It is evidence; it does not
 * end the wait (RFC 3261 section 18.4 seen from outside). True: it was tied to one.
 */
bool calls_icmp(struct calls *calls, const struct icmp_error *error);
/* Is SIP known to be spoken there: was it asked, and did it give a SIP response? */
bool calls_is_sip_server(const struct calls *calls, const struct endpoint *endpoint);
/* When something is due; INT64_MAX: nothing is. */
int64_t calls_due_ns(const struct calls *calls);
/* Nothing came, but time passed: fires what is due. */
void calls_advance(struct calls *calls, int64_t now_ns);
/* The same where it is known that nothing is. */
static inline void calls_move_clock(struct calls *calls, int64_t now_ns)
{
    if (now_ns > calls->now_ns) /* CALL_NO_TIME is before all */
        calls->now_ns = now_ns;
}
/* The packets' clock was set: everything remembered moves by step_ns. */
void calls_clock_step(struct calls *calls, int64_t step_ns);
/* The sensor lost packets: verdicts on what waits now are of low confidence. */
void calls_lost_packets(struct calls *calls);
/* Each INVITE that waits for its first response now, Timer B not having run out. */
void calls_each_waiting(struct calls *calls,
                        void (*look)(void *context, const struct transaction *transaction),
                        void *context);
/*
 * The input ended. Calls that have ended give their events; what rings, is up or waits for Timer B
 * stays open and gives none.
 */
void calls_finish(struct calls *calls);

#endif
