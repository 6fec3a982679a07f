/*
 * event: what the sensor tells the outside, as plain data; schemas/events promises its names.
 *
 * An event is a view: its slices belong to the object that it tells of and live until the receiver
 * returns. Whoever needs it longer serialises it (event_json.h). Times are ns since 1970 from
 * packets; a time of EVENT_NO_TIME, a duration below 0, a count of 0 where that is impossible, an
 * empty slice mean unknown, and are absent in what goes out.
 */
#ifndef SIPSPAN_EVENT_EVENT_H
#define SIPSPAN_EVENT_EVENT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"
#include "net/endpoint.h"
#include "net/transport.h"

#define EVENT_NO_TIME     INT64_MIN
#define EVENT_NO_DURATION INT64_C(-1)

enum {
    EVENT_ID_TEXT_MAX = 33,
    EVENT_SUMMARY_MAX = 640,
    EVENT_EVIDENCE_MAX = 88,
    EVENT_NO_VLAN = 0xffff,
    EVENT_STREAMS_MAX = 16, /* of one call; more are left out of its event */
};

enum event_type {
    EVENT_INVITE_UNANSWERED,
    EVENT_INVITE_STRUGGLING,
    EVENT_CALL_ENDED,
    EVENT_CONNECTION_FAILED,
    EVENT_MIRROR_DEGRADED,
    EVENT_RTP_REPORT,
    EVENT_RTP_DEGRADED,
    EVENT_RTP_RECOVERED,
    EVENT_ONE_WAY_AUDIO,
    EVENT_TYPE_COUNT
};

enum cause_code {
    CAUSE_MIRROR_ONE_WAY,
    CAUSE_ICMP_UNREACHABLE,
    CAUSE_TCP_REFUSED,
    CAUSE_TCP_NO_ANSWER,
    CAUSE_RESPONSE_MISDIRECTED,
    CAUSE_RESPONSE_MANGLED,
    CAUSE_FRAGMENT_LOST,
    CAUSE_LOST_BETWEEN_SENSORS,
    CAUSE_PRIVATE_ADDRESS,
    CAUSE_WRONG_TRANSPORT,
    CAUSE_DESTINATION_OVERLOADED,
    CAUSE_DESTINATION_SELECTIVE,
    CAUSE_DESTINATION_SILENT,
    CAUSE_UNKNOWN,
    CAUSE_CODE_COUNT
};

enum confidence { CONFIDENCE_LOW, CONFIDENCE_MEDIUM, CONFIDENCE_HIGH };

enum call_state {
    CALL_STATE_COMPLETED,
    CALL_STATE_FAILED,
    CALL_STATE_CANCELLED,
    CALL_STATE_UNANSWERED,
    CALL_STATE_LOST,
    CALL_STATE_COUNT
};

enum ended_by { ENDED_BY_UNKNOWN, ENDED_BY_CALLER, ENDED_BY_CALLEE, ENDED_BY_TIMEOUT };

/* Where on the mirror something was seen. */
struct event_place {
    const char *interface; /* the device, of a capture "mirror"; NULL: not set */
    uint16_t vlan;         /* the outermost tag; EVENT_NO_VLAN: none */
};

/* One observation that a verdict rests on. Which fields are set depends on the kind. */
struct evidence {
    const char *kind;      /* "transmissions", "nothing_from_destination", …: stable names */
    int64_t at_ns;         /* or EVENT_NO_TIME */
    int64_t since_ns;      /* or EVENT_NO_TIME */
    uint64_t count;        /* 0: not set */
    uint64_t of;           /* `count` is out of so many; 0: not set */
    uint16_t status;       /* of a SIP response; 0: not set */
    const char *method;    /* of a SIP request; NULL: not set */
    const char *transport; /* "TCP"; NULL: not set */
    const char *what;      /* which of several, a stable word: "via"; NULL: not set */
    const char *point;     /* of the path of sensors: "dmz"; NULL: not set */
    struct slice name;     /* from the wire: a host's name, a User-Agent; empty: not set */
    int64_t delay_ns;      /* or EVENT_NO_DURATION */
    int64_t usual_ns;      /* what the delay usually is, or EVENT_NO_DURATION */
    uint32_t octets;       /* of a request; 0: not set */
    bool has_icmp;         /* the next two are set */
    uint8_t icmp_type, icmp_code;
    struct endpoint who; /* ip.version 0: not set */
    struct event_place place;
};

struct cause {
    enum cause_code code;
    enum confidence confidence;
    char summary[EVENT_SUMMARY_MAX];
    char next_step[EVENT_SUMMARY_MAX];
    struct evidence evidence[EVENT_EVIDENCE_MAX];
    unsigned evidence_count;
};

/* An endpoint with the name that the configuration gives its address, or NULL. */
struct named_endpoint {
    struct endpoint endpoint;
    const char *name;
};

/*
 * sipspan.invite.unanswered: an INVITE client transaction without a response before Timer B.
 * sipspan.invite.struggling: the same at its third transmission; of the cause it has the
 * confidence, the summary and the next step.
 */
struct invite_unanswered {
    struct slice call_id, branch, from_uri, from_tag, to_uri, request_uri, user_agent;
    uint32_t cseq;
    enum transport transport;
    struct named_endpoint src, dst;
    int64_t first_sent_ns, last_sent_ns;
    uint32_t transmissions;
    int64_t waited_ns;
    struct slice scanner; /* what shows that a scanner sent it; empty: nothing does */
    struct cause cause;
};

/* How a one-way latency is known. */
enum latency_source { LATENCY_RTCP, LATENCY_RTCP_XR, LATENCY_SOURCE_COUNT };

/* A figure over time; is_known false: there is none. */
struct event_figure {
    bool is_known;
    double mean, extreme; /* the highest, or of MOS the lowest */
};

/*
 * The figures of one RTP stream, one SSRC from one endpoint to another, over an interval or over
 * its whole life. Counts are without mirror copies; `packets` also without repeats.
 */
struct event_stream {
    uint32_t ssrc;
    struct named_endpoint src, dst;
    const char *codec;            /* as IANA spells it; NULL: unknown */
    uint8_t payload_type;         /* of most packets */
    uint32_t clock_hz;            /* 0: unknown */
    int64_t started_ns, ended_ns; /* its first and its latest packet */
    uint64_t packets, expected, lost, duplicates, mirror_copies, out_of_order;
    struct event_figure jitter_ms, rtt_ms, mos;
    const char *mos_scale; /* "narrowband"; of `mos` */
    bool has_latency;
    double latency_ms; /* one way, estimated */
    enum latency_source latency_source;
    bool has_srtp, srtp; /* has_srtp false: nobody can tell */

    /* Delay above that of the fastest packets (RFC 5481), and what jitter buffers would throw away.
       Not known without a clock. */
    bool has_delay_variation;
    double delay_variation_p50_ms, delay_variation_p95_ms, delay_variation_p99_ms;
    uint64_t discarded_50ms, discarded_200ms, discarded_adaptive;
    bool has_runs;                                 /* the next five are set */
    uint32_t loss_runs, longest_loss_run;          /* of consecutive packets */
    uint32_t bursts;                               /* RFC 3611 section 4.7.2, losses and discards */
    double burst_density, gap_density;             /* shares of bad packets in them */
    uint32_t restarts;                             /* sequence numbers that began anew */
    uint64_t event_packets, comfort_noise_packets; /* of RFC 4733 and RFC 3389, part of `packets` */

    /* What the receiving end says in its RTCP reports. */
    bool has_far_end;
    double far_end_loss_ratio; /* of its latest report */
    uint64_t far_end_lost;
    bool has_far_end_jitter;
    double far_end_jitter_ms;
    bool has_lost_after_tap;
    uint64_t lost_after_tap; /* on the way from this sensor to the receiving end */
};

/* sipspan.rtp.report: a stream over one interval or, `final`, over its whole life. */
struct rtp_report {
    struct event_stream stream;
    struct slice call_id; /* empty: of no call in view */
    int64_t interval_ns;  /* as configured */
    int64_t since_ns;     /* when what is told of began */
    bool final;
    enum confidence confidence; /* low: the sensor or its mirror lost packets in that time */
};

enum rtp_metric { RTP_METRIC_JITTER, RTP_METRIC_LATENCY, RTP_METRIC_LOSS, RTP_METRIC_COUNT };

/* sipspan.rtp.degraded and sipspan.rtp.recovered: a threshold was crossed. */
struct rtp_crossing {
    enum rtp_metric metric;
    double value, threshold;    /* ms; of loss a ratio */
    struct event_stream stream; /* over the interval that was judged */
    struct slice call_id;
    int64_t since_ns; /* when that interval began */
    enum confidence confidence;
};

/* sipspan.call.one_way_audio: answered, not on hold, and one direction carries no media. */
struct one_way_audio {
    struct slice call_id, from_uri, to_uri;
    struct named_endpoint src, dst; /* of the silent direction: who should send, and where to */
    bool is_from_caller;            /* the caller should send */
    bool is_silent_from_start;      /* no media of that direction was ever seen */
    int64_t answered_ns;
    int64_t since_ns; /* when it was last heard, or the answer */
    int64_t silent_ns;
    uint64_t heard_packets; /* of the other direction in the call so far */
    enum confidence confidence;
    char summary[EVENT_SUMMARY_MAX];
    char next_step[EVENT_SUMMARY_MAX];
};

/* sipspan.call.ended: one Call-ID and From tag, as its first hop saw it. */
struct call_ended {
    struct slice call_id, from_uri, to_uri, user_agent;
    enum call_state state;
    uint16_t final_status; /* 0: unknown */
    struct named_endpoint src, dst;
    int64_t started_ns, answered_ns, ended_ns;
    int64_t duration_ns, first_response_ns, post_dial_delay_ns; /* durations */
    enum ended_by ended_by;
    /* Of a 408: who made it, as far as the hops in view tell; `dst` itself, or one behind it. */
    struct named_endpoint timeout_made_by;
    uint32_t auth_attempts; /* of a call that ended with 401 or 407: INVITEs with credentials that
                               were challenged again; 0: fewer than two */
    bool is_of_scanner;
    bool has_ack_missing, ack_missing;
    uint32_t invite_transmissions;
    const struct event_stream *stream; /* in the order of their first packets */
    unsigned streams;
    uint32_t streams_left_out; /* beyond EVENT_STREAMS_MAX */
};

enum connection_failure {
    CONNECTION_REFUSED,
    CONNECTION_NO_ANSWER,
    CONNECTION_TLS_ALERT,
    CONNECTION_TLS_SILENT,
    CONNECTION_FAILURE_COUNT
};

/* sipspan.connection.failed: a client's port that never got as far as a SIP message. */
struct connection_failed {
    enum transport transport;
    struct named_endpoint src, dst;
    enum connection_failure reason;
    enum confidence confidence; /* low: the server was never heard, it may be the mirror */
    uint32_t attempts;          /* SYNs or client hellos, TCP's repeats included */
    int64_t first_ns, last_ns;
};

/* What may be wrong with what the mirror delivers. */
enum mirror_problem {
    MIRROR_ONE_WAY,   /* share of conversations that went on though one direction is never seen */
    MIRROR_LOSS,      /* share of flows that miss packets at the same moment */
    MIRROR_TRUNCATED, /* share of packets cut by a snap length */
    MIRROR_DISORDER,  /* share of packets behind their time */
    MIRROR_PROBLEM_COUNT
};

/* sipspan.sensor.mirror_degraded: one event when a share goes over its threshold. */
struct mirror_degraded {
    enum mirror_problem problem;
    double value, threshold; /* shares, 0 to 1 */
    int64_t since_ns;        /* when what was judged began */
    char summary[EVENT_SUMMARY_MAX];
    char next_step[EVENT_SUMMARY_MAX];
};

struct event {
    enum event_type type;
    int64_t time_ns;
    char id[EVENT_ID_TEXT_MAX]; /* the same whenever the same sensor reads the same traffic again */
    union {
        struct invite_unanswered invite_unanswered;
        struct call_ended call_ended;
        struct connection_failed connection_failed;
        struct mirror_degraded mirror_degraded;
        struct rtp_report rtp_report;
        struct rtp_crossing rtp_crossing;
        struct one_way_audio one_way_audio;
    };
};

/* Whoever wants events. Called on the correlator's thread; must not block. */
typedef void (*event_receiver)(void *context, const struct event *event);

const char *event_type_name(enum event_type type);       /* "sipspan.invite.unanswered" */
const char *cause_code_name(enum cause_code code);       /* "destination_silent" */
const char *confidence_name(enum confidence confidence); /* "high" */
const char *call_state_name(enum call_state state);      /* "completed" */
const char *connection_failure_name(enum connection_failure failure); /* "no_answer" */
const char *mirror_problem_name(enum mirror_problem problem);         /* "one_way" */
const char *ended_by_name(enum ended_by ended_by);           /* "caller"; NULL for unknown */
const char *latency_source_name(enum latency_source source); /* "rtcp_xr" */
const char *rtp_metric_name(enum rtp_metric metric);         /* "jitter" */

#endif
