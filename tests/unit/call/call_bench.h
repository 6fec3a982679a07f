/*
 * A bench for the folder: SIP messages written as text, parsed, and given to a `struct calls` as
 * packets; the events that come out are kept, with copies of their texts.
 *
 * What a message does not name is that of one plain call: ALICE calls GW. Times are milliseconds
 * from the bench's epoch.
 */
#ifndef SIPSPAN_TESTS_CALL_BENCH_H
#define SIPSPAN_TESTS_CALL_BENCH_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "call/calls.h"

#define MS       INT64_C(1000000)
#define EPOCH_NS (INT64_C(1767225600) * 1000 * MS)
#define AT(ms)   (EPOCH_NS + (int64_t)(ms)*MS)

#define ALICE "192.0.2.10:5060"
#define CAROL "192.0.2.11:5060"
#define PROXY "203.0.113.5:5060"
#define GW    "198.51.100.20:5060"
#define GW2   "198.51.100.21:5060"

enum { TIMER_B_MS = 32000, IDLE_MS = 7200 * 1000 };

/* One message. A field that is left out is the plain call's. */
struct message {
    int64_t ms;
    const char *from, *to;   /* who sends, whom; "192.0.2.10:5060" */
    const char *method;      /* INVITE; of a response, that of its CSeq */
    const char *user;        /* of the Request-URI ("+4930555001") */
    unsigned status;         /* 0: a request */
    const char *call;        /* Call-ID */
    const char *ftag, *ttag; /* of From ("a1"), of To (none) */
    const char *branch;      /* of the top Via, without the cookie ("b1") */
    const char *sent_by;     /* of the top Via; the sender of the request */
    const char *via_params;  /* ";rport" */
    unsigned upstream;       /* Vias below the top one */
    unsigned cseq;           /* 1 */
    const char *lines;       /* further header lines, each with its CRLF */
    const char *sdp;
    enum transport transport;
    uint16_t ip_id;  /* 0: the sender gives none */
    int64_t told_ms; /* when it is told, where it was kept back; 0: at its own time */
    bool incomplete; /* its last octets never came */
    bool truncated;  /* and were never sent */
};

struct kept_event {
    struct event event; /* its slices point into text */
    char text[7][200];
    struct event_stream *stream; /* of a call that ended; NULL: none */
};

struct bench {
    struct calls calls;
    struct kept_event *kept;
    size_t count, room;
    struct connection_facts connection; /* what is known of any */
    struct streams *streams;            /* NULL: media are not followed */
    struct codec_book codecs;
    bool is_doubted;     /* the mirror loses packets */
    size_t struggling;   /* sipspan.invite.struggling, which are not kept */
    struct event warned; /* the latest of them, without its texts */
};

static inline void bench_receive(void *context, const struct event *event)
{
    struct bench *bench = context;
    if (event->type == EVENT_INVITE_STRUGGLING) {
        bench->struggling++;
        bench->warned = *event;
        return;
    }
    if (bench->count == bench->room) {
        bench->room = bench->room ? 2 * bench->room : 16;
        bench->kept = realloc(bench->kept, bench->room * sizeof *bench->kept);
        assert_non_null(bench->kept);
    }
    struct kept_event *kept = &bench->kept[bench->count++];
    *kept = (struct kept_event){.event = *event};
    struct slice *texts[7] = {NULL};
    if (event->type == EVENT_INVITE_UNANSWERED) {
        struct invite_unanswered *e = &kept->event.invite_unanswered;
        struct slice *all[] = {&e->call_id, &e->branch,      &e->from_uri,  &e->from_tag,
                               &e->to_uri,  &e->request_uri, &e->user_agent};
        memcpy(texts, all, sizeof all);
    } else if (event->type == EVENT_CALL_ENDED) {
        struct call_ended *e = &kept->event.call_ended;
        struct slice *all[] = {&e->call_id, &e->from_uri, &e->to_uri, &e->user_agent};
        memcpy(texts, all, sizeof all);
        kept->stream = calloc(e->streams + 1, sizeof *kept->stream);
        assert_non_null(kept->stream);
        memcpy(kept->stream, e->stream, e->streams * sizeof *kept->stream);
        e->stream = kept->stream;
    } else if (event->type == EVENT_ONE_WAY_AUDIO) {
        struct one_way_audio *e = &kept->event.one_way_audio;
        struct slice *all[] = {&e->call_id, &e->from_uri, &e->to_uri};
        memcpy(texts, all, sizeof all);
    } else if (event->type == EVENT_RTP_REPORT) {
        texts[0] = &kept->event.rtp_report.call_id;
    }
    for (size_t i = 0; i < 7 && texts[i]; i++) {
        assert_true(texts[i]->len < sizeof kept->text[i]);
        memcpy(kept->text[i], texts[i]->at ? texts[i]->at : "", texts[i]->len);
        kept->text[i][texts[i]->len] = 0;
    }
}

static inline void bench_look_at_connection(void *context, const struct endpoint *client,
                                            const struct endpoint *server,
                                            struct connection_facts *facts)
{
    const struct bench *bench = context;
    assert_false(endpoint_eq(client, server));
    *facts = bench->connection;
}

static inline unsigned bench_doubts(void *context, int64_t since_ns)
{
    const struct bench *bench = context;
    (void)since_ns;
    return bench->is_doubted ? STREAMS_DOUBT_LOSS : 0;
}

static inline struct calls_params bench_params(struct bench *bench, uint64_t memory_bytes,
                                               const char *sensor_id)
{
    return (struct calls_params){
        .memory_bytes = memory_bytes,
        .timer_b_ns = TIMER_B_MS * MS,
        .idle_ns = IDLE_MS * MS,
        .sensor_id = sensor_id,
        .receive = bench_receive,
        .context = bench,
        .look_at_connection = bench_look_at_connection,
        .doubts = bench_doubts,
    };
}

static inline struct bench *bench_with(uint64_t memory_bytes, const char *sensor_id)
{
    struct bench *bench = calloc(1, sizeof *bench);
    assert_non_null(bench);
    struct calls_params params = bench_params(bench, memory_bytes, sensor_id);
    assert_int_equal(calls_init(&bench->calls, &params), 0);
    return bench;
}

static inline struct bench *bench_new(void)
{
    return bench_with(8 << 20, "bench");
}

static inline void bench_free(struct bench *bench)
{
    calls_fini(&bench->calls);
    if (bench->streams) {
        streams_destroy(bench->streams);
        codec_book_fini(&bench->codecs);
    }
    for (size_t i = 0; i < bench->count; i++)
        free(bench->kept[i].stream);
    free(bench->kept);
    free(bench);
}

static inline struct endpoint endpoint_of(const char *text)
{
    struct endpoint endpoint = {0};
    const char *colon = strrchr(text, ':');
    assert_non_null(colon);
    assert_true(ip_parse(slice_of(text, (size_t)(colon - text)), &endpoint.ip));
    endpoint.port = (uint16_t)atoi(colon + 1);
    return endpoint;
}

static inline const char *or_else(const char *text, const char *otherwise)
{
    return text ? text : otherwise;
}

static inline size_t message_text(const struct message *m, const char *from, const char *to,
                                  char *buf, size_t size)
{
    const char *method = or_else(m->method, "INVITE");
    const char *sdp = or_else(m->sdp, "");
    size_t n = 0;
    if (m->status > 0)
        n += (size_t)snprintf(buf + n, size - n, "SIP/2.0 %u Whatever\r\n", m->status);
    else
        n += (size_t)snprintf(buf + n, size - n, "%s sip:%s@%s SIP/2.0\r\n", method,
                              or_else(m->user, "+4930555001"), to);
    n += (size_t)snprintf(buf + n, size - n, "Via: SIP/2.0/%s %s;branch=z9hG4bK%s%s\r\n",
                          transport_name(m->transport),
                          or_else(m->sent_by, m->status > 0 ? to : from), or_else(m->branch, "b1"),
                          or_else(m->via_params, ""));
    for (unsigned i = 0; i < m->upstream; i++)
        n += (size_t)snprintf(buf + n, size - n,
                              "Via: SIP/2.0/UDP 203.0.113.%u:5060;branch=z9hG4bKup%u\r\n", 100 + i,
                              i);
    n += (size_t)snprintf(buf + n, size - n,
                          "Max-Forwards: 70\r\n"
                          "From: \"Alice\" <sip:+4930555100@example.com>;tag=%s\r\n"
                          "To: <sip:+4930555001@example.net>%s%s\r\n"
                          "Call-ID: %s\r\nCSeq: %u %s\r\n%s: Bench 1.0\r\n",
                          or_else(m->ftag, "a1"), m->ttag ? ";tag=" : "", or_else(m->ttag, ""),
                          or_else(m->call, "call-1@example.com"), m->cseq ? m->cseq : 1, method,
                          m->status > 0 ? "Server" : "User-Agent");
    if (m->sdp)
        n += (size_t)snprintf(buf + n, size - n, "Content-Type: application/sdp\r\n");
    n += (size_t)snprintf(buf + n, size - n, "%sContent-Length: %zu\r\n\r\n%s",
                          or_else(m->lines, ""), strlen(sdp), sdp);
    assert_true(n < size);
    return n;
}

/* What a packet says that came before, or comes with this. */
static inline void bench_tell(struct bench *bench, const struct message *m)
{
    char text[4096];
    const char *from = or_else(m->from, m->status > 0 ? GW : ALICE);
    const char *to = or_else(m->to, m->status > 0 ? ALICE : GW);
    struct datagram datagram = {
        .time_ns = AT(m->ms),
        .src = endpoint_of(from),
        .dst = endpoint_of(to),
        .payload = {.at = text},
        .transport = m->transport,
        .has_ip_id = m->ip_id != 0,
        .ip_id = m->ip_id,
        .incomplete = m->incomplete,
    };
    datagram.payload.len = message_text(m, from, to, text, sizeof text);
    if (m->incomplete || m->truncated)
        datagram.payload.len -= 40;
    struct sip_msg *msg = malloc(sizeof *msg);
    assert_non_null(msg);
    enum sip_refusal refusal = sip_msg_parse(datagram.payload, m->incomplete, msg);
    if (refusal != (m->truncated ? SIP_SHORT_BODY : SIP_ACCEPTED))
        fail_msg("refused: %s\n%s", sip_refusal_name(refusal), text);
    calls_message(&bench->calls, &datagram, msg);
    /* What outlives the packet must have been copied. */
    memset(text, 0x5a, sizeof text);
    memset(msg, 0x5a, sizeof *msg);
    free(msg);
}

static inline void bench_give(struct bench *bench, const struct message *m)
{
    struct endpoint src = endpoint_of(or_else(m->from, m->status > 0 ? GW : ALICE));
    calls_packet(&bench->calls, &src.ip, AT(m->told_ms ? m->told_ms : m->ms));
    bench_tell(bench, m);
}

#define SAY(bench, at_ms, ...) bench_give(bench, &(struct message){.ms = (at_ms), __VA_ARGS__})

static inline void bench_advance(struct bench *bench, int64_t ms)
{
    calls_advance(&bench->calls, AT(ms));
}

/* Retransmissions of one INVITE: its sendings of Timer A that `mask` shows (bit 0: the first). */
static inline void bench_ladder(struct bench *bench, int64_t from_ms, int64_t t1_ms, unsigned sends,
                                unsigned mask, const struct message *invite)
{
    struct message m = *invite;
    int64_t at_ms = 0;
    for (unsigned i = 0; i < sends; i++) {
        m.ms = from_ms + at_ms;
        if (mask & 1u << i)
            bench_give(bench, &m);
        at_ms += t1_ms << i;
    }
}

static inline size_t bench_count(const struct bench *bench, enum event_type type)
{
    size_t count = 0;
    for (size_t i = 0; i < bench->count; i++)
        count += bench->kept[i].event.type == type;
    return count;
}

/* The one event of its type; its slices are pointed to their copies. */
static inline struct kept_event *bench_only(struct bench *bench, enum event_type type)
{
    struct kept_event *only = NULL;
    assert_int_equal(bench_count(bench, type), 1);
    for (size_t i = 0; i < bench->count; i++)
        if (bench->kept[i].event.type == type)
            only = &bench->kept[i];
    return only;
}

static inline const struct call_ended *bench_ended(struct bench *bench)
{
    struct kept_event *kept = bench_only(bench, EVENT_CALL_ENDED);
    struct call_ended *e = &kept->event.call_ended;
    struct slice *texts[] = {&e->call_id, &e->from_uri, &e->to_uri, &e->user_agent};
    for (size_t i = 0; i < 4; i++)
        texts[i]->at = kept->text[i];
    return e;
}

static inline const struct invite_unanswered *bench_unanswered(struct bench *bench)
{
    struct kept_event *kept = bench_only(bench, EVENT_INVITE_UNANSWERED);
    struct invite_unanswered *e = &kept->event.invite_unanswered;
    struct slice *texts[] = {&e->call_id, &e->branch,      &e->from_uri,  &e->from_tag,
                             &e->to_uri,  &e->request_uri, &e->user_agent};
    for (size_t i = 0; i < 7; i++)
        texts[i]->at = kept->text[i];
    return e;
}

#define assert_slice(s, text)                                                                      \
    do {                                                                                           \
        struct slice got_ = (s);                                                                   \
        const char *want_ = (text);                                                                \
        if (!slice_eq(got_, slice_str(want_)))                                                     \
            fail_msg("\"%.*s\" is not \"%s\"", SLICE_ARGS(got_), want_);                           \
    } while (0)

#define assert_endpoint(e, text)                                                                   \
    do {                                                                                           \
        char got_[ENDPOINT_TEXT_MAX];                                                              \
        assert_string_equal(endpoint_format(&(e), got_), text);                                    \
    } while (0)

#define assert_state(e, want)                                                                      \
    assert_string_equal(call_state_name((e)->state), call_state_name(want))

/* A time of the bench's own clock, in ms. */
#define assert_at(time_ns, ms_) assert_int_equal((time_ns), AT(ms_))

/* The answer, its ACK, the caller's BYE and its 200. */
static inline void bench_answer(struct bench *bench, int64_t ms)
{
    SAY(bench, ms, .status = 200, .ttag = "t1");
    SAY(bench, ms + 10, .method = "ACK", .branch = "ack", .ttag = "t1");
}

static inline void bench_bye(struct bench *bench, int64_t ms)
{
    SAY(bench, ms, .method = "BYE", .branch = "bye", .ttag = "t1", .cseq = 50);
    SAY(bench, ms + 10, .method = "BYE", .branch = "bye", .ttag = "t1", .cseq = 50, .status = 200);
}

#endif
