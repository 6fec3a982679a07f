/*
 * media_map: which call the media at an endpoint belong to, by what SDP announced (RFC 3264,
 * RFC 8866): where each side wants to receive, and the codecs of its payload types.
 *
 * Every description in a message of a call announces its endpoints, of every hop, whether or not it
 * is agreed on in the end: media may begin before the answer (RFC 3264 section 5.1), and a proxy
 * that relays media announces its own. Announcements last as long as their call.
 *
 * A new stream belongs to the call that
 *   1. announced where it goes to (also when it comes from elsewhere than SDP said: NAT), or
 *   2. announced where it comes from (symmetric RTP; the other end is behind a NAT), with a payload
 *      type that the call's descriptions name, or
 *   3. has a stream that it answers: it goes to exactly where that one comes from, and comes from
 *      the host that that one goes to, rather from the same port, else from any: both sides of a
 *      NAT send to where they were sent from, a gateway not always from where it receives.
 * When a stream is joined, those that answered it before are, too.
 * Where several calls announced an endpoint, as ports are used again: one that has not ended goes
 * before one that has, then one that announced the stream's other end too before one that did not,
 * then the latest to announce it. A stream stays with its call until that call's event is
 * given; what goes on after that begins anew and may be the next call's.
 *
 * Who sends a stream follows from whose endpoint was announced. Where only one end was, and the
 * stream answers one of the call, or the other way round, it is sent by the other side than that
 * one: SDP with a false address, as NATs and PBXs write it, would have one side talk to itself.
 *
 * The payload types of a stream mean what its destination announced, else what its source did, else
 * what any description of the call says.
 *
 * Owned by `calls`. Thread: the correlator's. Memory: at most MEDIA_MAP_PER_CALL announcements a
 * call, of a slab sized at start; the oldest of the call make room, else nothing is announced and
 * that is counted.
 */
#ifndef SIPSPAN_CALL_MEDIA_MAP_H
#define SIPSPAN_CALL_MEDIA_MAP_H

#include "base/hash.h"
#include "base/slab.h"
#include "call/call.h"
#include "media/streams.h"
#include "sdp/sdp.h"

enum {
    MEDIA_MAP_PER_CALL = 16,
    MEDIA_MAP_PAYLOADS_MAX = 16, /* of a description: the preferred ones */
    MEDIA_MAP_PAYLOADS_FEW = 8,  /* more of them stand apart, */
    MEDIA_MAP_PER_LONG_LIST = 4, /* of one announcement in four, else only so many are kept */
    MEDIA_MAP_HOSTS = 4096,
    MEDIA_MAP_CROWD_MAX = 128, /* announcements of one endpoint, but for forged ones few */
    MEDIA_MAP_WALK_MAX = 32,   /* of these, the latest that are looked at */
};

struct media_map_payload {
    uint16_t codec : 9; /* see rtp/codec.h */
    uint16_t type : 7;
};

_Static_assert(CODEC_BOOK_MAX <= 1 << 9, "a codec's id fits");

/* One m= section of one description. */
struct media_announcement {
    struct table_node node;           /* by endpoint */
    struct media_announcement *older; /* of the same call */
    struct call *call;
    struct endpoint rtp; /* where the side receives */
    uint32_t moment;     /* of two, the greater one was announced later */
    uint32_t dialog;     /* of the callee's tag, see media_map_dialog; 0: before any dialog */
    bool from_callee;    /* the callee announced it */
    bool is_secure : 1;
    uint8_t payload_count : 7;
    uint8_t crowd; /* so many had announced its endpoint before it, at the most */
    union {
        struct media_map_payload few[MEDIA_MAP_PAYLOADS_FEW];
        struct media_map_payload *many; /* MEDIA_MAP_PAYLOADS_MAX of them */
    } payload;
};

_Static_assert(sizeof(struct media_announcement) <= 80, "two and more of each call");

static inline const struct media_map_payload *
media_map_payloads(const struct media_announcement *announcement)
{
    return announcement->payload_count > MEDIA_MAP_PAYLOADS_FEW ? announcement->payload.many
                                                                : announcement->payload.few;
}

/* An address, as far as it matters whether its media can be seen. Two may share a place: the latest
 * has it. */
struct media_host {
    struct ip_addr ip;
    bool is_heard;   /* RTP of a call came from it */
    uint8_t silents; /* how often it was said to be silent without ever having been heard */
};

struct media_map {
    struct hash_key key;
    struct table table;
    struct slab announcements, payloads;
    struct media_host *hosts; /* MEDIA_MAP_HOSTS, by hash */
    struct streams *streams;
    struct codec_book *codecs;
    void (*joined)(void *context, struct call *call); /* a stream of it began; set by the owner */
    void *context;
    uint32_t next_moment;
    uint64_t left_out; /* announcements for which there was no room */
};

/* What an announcement takes, its shares of tables included. */
size_t media_map_bytes_each(void);
/* streams and codecs stay the caller's; NULL: media are not followed, and everything does nothing.
 * 0 or -ENOMEM. */
int media_map_init(struct media_map *map, size_t announcements, struct streams *streams,
                   struct codec_book *codecs);
void media_map_fini(struct media_map *map);

/* dialog NULL: the call's own description, before any dialog. */
uint32_t media_map_dialog(const struct dialog *dialog);
/* A description of one side. Streams of no call in view that it announces become the call's. */
void media_map_announce(struct media_map *map, struct call *call, const struct dialog *dialog,
                        bool from_callee, const struct sdp *sdp);
/* As struct streams_joiner has it; the context is the map. */
void media_map_look(void *context, struct stream *stream);
uint16_t media_map_codec(void *context, const struct stream *stream, uint8_t payload_type);

/* Where a side of this dialog last said that it receives, on this port (0: any); NULL: it never
 * did. */
const struct media_announcement *media_map_find(const struct call *call,
                                                const struct dialog *dialog, bool from_callee,
                                                uint16_t port);

/* The call ends: its streams give their last reports and can be read until media_map_forget. */
void media_map_conclude(struct media_map *map, struct call *call);
/* The call's announcements and streams are gone; streams that were not concluded go on alone. */
void media_map_forget(struct media_map *map, struct call *call);

/* The latest packet of its streams; CALL_NO_TIME: there was none. */
int64_t media_map_last_ns(const struct call *call);
/* The place of an address in `hosts`; its own from now on. */
struct media_host *media_map_host(struct media_map *map, const struct ip_addr *ip);

/* for (EACH_STREAM(node, call)) { struct stream *stream = stream_at(node); … } */
#define EACH_STREAM(node, call)                                                                    \
    struct list *node = (call)->streams.next;                                                      \
    node != &(call)->streams;                                                                      \
    node = node->next

static inline struct stream *stream_at(struct list *node)
{
    return CONTAINER_OF(node, struct stream, in_call);
}

#endif
