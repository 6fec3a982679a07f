/*
 * sip_msg: a parsed view of one SIP message (RFC 3261 sections 7, 20 and 25), as the field writes
 * it.
 *
 * Zero-copy: every slice points into the caller's bytes and lives as long as they do. Pure: no
 * allocation, no clock, no log, no state. What is tolerated is recorded in `defects`; what is
 * refused has a reason. Nothing is trusted: lengths and numbers are parsed in 64 bits and bounded.
 */
#ifndef SIPSPAN_SIP_SIP_MSG_H
#define SIPSPAN_SIP_SIP_MSG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

enum {
    SIP_HEADERS_MAX = 512,    /* header lines of one message */
    SIP_BODY_MAX = 65536,     /* octets, as Content-Length may say */
    SIP_MESSAGE_MAX = 131072, /* octets of a message; on a stream both halves may be full */
    SIP_VIAS_MAX = 256,       /* Via values of one message */
};

enum sip_method {
    SIP_INVITE,
    SIP_ACK,
    SIP_BYE,
    SIP_CANCEL,
    SIP_OPTIONS,
    SIP_REGISTER,
    SIP_PRACK,
    SIP_UPDATE,
    SIP_INFO,
    SIP_SUBSCRIBE,
    SIP_NOTIFY,
    SIP_REFER,
    SIP_MESSAGE,
    SIP_PUBLISH,
    SIP_METHOD_OTHER, /* any other token (RFC 3261 section 7.1, extension-method) */
    SIP_METHOD_COUNT
};

/* The header fields that something here reads; anything else is SIP_HEADER_OTHER. */
enum sip_header_id {
    SIP_HEADER_OTHER,
    SIP_HEADER_VIA,
    SIP_HEADER_FROM,
    SIP_HEADER_TO,
    SIP_HEADER_CALL_ID,
    SIP_HEADER_CSEQ,
    SIP_HEADER_CONTACT,
    SIP_HEADER_CONTENT_LENGTH,
    SIP_HEADER_CONTENT_TYPE,
    SIP_HEADER_MAX_FORWARDS,
    SIP_HEADER_ROUTE,
    SIP_HEADER_RECORD_ROUTE,
    SIP_HEADER_USER_AGENT,
    SIP_HEADER_SERVER,
    SIP_HEADER_AUTHORIZATION,
    SIP_HEADER_PROXY_AUTHORIZATION,
    SIP_HEADER_REQUIRE,
    SIP_HEADER_SUPPORTED,
    SIP_HEADER_RSEQ,
    SIP_HEADER_RACK,
    SIP_HEADER_RETRY_AFTER,
    SIP_HEADER_REASON,
    SIP_HEADER_WARNING,
    SIP_HEADER_EXPIRES,
    SIP_HEADER_SESSION_EXPIRES,
    SIP_HEADER_REPLACES,
    SIP_HEADER_CONTENT_ENCODING,
    SIP_HEADER_ID_COUNT
};

/* One header line; the value is trimmed and may still hold line folding (CRLF and white space). */
struct sip_header {
    enum sip_header_id id;
    struct slice name;
    struct slice value;
};

/* One Via value (RFC 3261 section 20.42, RFC 3581, RFC 7339). */
struct sip_via {
    struct slice transport; /* "UDP", as written */
    struct slice host;      /* sent-by host; IPv6 with its brackets */
    struct slice branch;    /* empty if there is none */
    struct slice received;  /* empty if there is none */
    struct slice maddr;     /* empty if there is none */
    uint16_t port;          /* sent-by port, 0 if not given */
    uint16_t rport;         /* 0 if not given or without a value */
    bool has_rport;         /* the parameter is there, with or without a value */
    bool has_cookie;        /* the branch is z9hG4bK, in any case, and an identifier behind it */
    /* Of a response's: its server asks this client to leave out so many requests of a hundred, for
     * so long (RFC 7339 section 4). Not of a rate (RFC 7415), which is another number. */
    bool has_oc;
    uint8_t oc_percent;
    uint32_t oc_validity_ms;
};

/* Why a datagram is not taken as a SIP message. */
enum sip_refusal {
    SIP_ACCEPTED,
    SIP_NOT_SIP,        /* no SIP start line: not SIP at all */
    SIP_BAD_START_LINE, /* begins like SIP, but the line is broken */
    SIP_BAD_VERSION,    /* "SIP/7.0" */
    SIP_BAD_STATUS,     /* not three digits from 100 to 699 */
    SIP_BAD_HEADER,     /* a line without a colon, or without a name */
    SIP_NO_VIA,
    SIP_BAD_VIA,
    SIP_NO_CALL_ID,
    SIP_BAD_CALL_ID,
    SIP_NO_CSEQ,
    SIP_BAD_CSEQ,      /* no number up to 2^31-1, or no method */
    SIP_CSEQ_MISMATCH, /* a request whose CSeq names another method (ACK, CANCEL included) */
    SIP_NO_FROM,
    SIP_BAD_FROM,
    SIP_NO_TO,
    SIP_BAD_TO,
    SIP_BAD_CONTENT_LENGTH, /* not a number, negative, too large, or two that differ */
    SIP_SHORT_BODY,         /* Content-Length says more than the datagram holds, and it was not cut;
                               all else of the message was read, see sip_msg_parse */
    SIP_TOO_LARGE,          /* a limit of ours: header lines, Vias, octets */
    SIP_DUPLICATE_HEADER,   /* two From, To, Call-ID or CSeq that differ */
    SIP_REFUSAL_COUNT
};

/* What is wrong but tolerated (bits of sip_msg.defects). */
enum sip_defect {
    SIP_DEFECT_BARE_LF = 1 << 0,       /* lines end in LF alone */
    SIP_DEFECT_LEADING_JUNK = 1 << 1,  /* CRLF before the start line */
    SIP_DEFECT_NO_BLANK_LINE = 1 << 2, /* the header ends with the datagram */
    SIP_DEFECT_SURPLUS = 1 << 3,       /* octets after Content-Length */
    SIP_DEFECT_NO_CONTENT_LENGTH = 1 << 4,
    SIP_DEFECT_START_LINE_SPACING = 1 << 5, /* more than one SP, or trailing white space */
    SIP_DEFECT_NO_MAX_FORWARDS = 1 << 6,    /* requests */
    SIP_DEFECT_BAD_URI = 1 << 7,            /* Request-URI, From or To cannot be read as a URI */
    SIP_DEFECT_UNKNOWN_SCHEME = 1 << 8,     /* neither sip, sips nor tel */
    SIP_DEFECT_NON_UTF8 = 1 << 9,           /* octets that are not UTF-8 in the header */
    SIP_DEFECT_NUL = 1 << 10,               /* NUL octets in the header */
    SIP_DEFECT_BAD_VALUE = 1 << 11, /* a header that is not needed for matching is malformed */
    SIP_DEFECT_NO_BRANCH = 1 << 12, /* top Via without has_cookie: as of RFC 2543 */
    SIP_DEFECT_UNKNOWN_METHOD = 1 << 13,
    SIP_DEFECT_CUT = 1 << 14,       /* the capture cut the message */
    SIP_DEFECT_DUPLICATE = 1 << 15, /* a single-value header given twice with the same value */
    SIP_DEFECT_UNTERMINATED_QUOTE = 1 << 16,
    SIP_DEFECT_TRUNCATED = 1 << 17, /* the sender's datagram ends within the body: SIP_SHORT_BODY */
    SIP_DEFECT_COUNT = 18
};

struct sip_msg {
    bool is_request;
    enum sip_method method;   /* of a response: the CSeq's */
    struct slice method_name; /* as written */
    struct slice request_uri; /* requests; as written, without the angle brackets some add */
    uint16_t status;          /* responses: 100 to 699 */
    struct slice reason;      /* responses: the phrase, maybe empty */

    struct sip_via top_via;
    uint16_t via_count; /* Via values, comma-joined and repeated lines together */

    struct slice call_id;
    struct slice from, to; /* the whole values, folded as written */
    struct slice from_uri,
        to_uri; /* without display name, angle brackets, URI and header parameters */
    struct slice from_tag, to_tag; /* empty if there is none (RFC 2543) */
    bool has_from_tag, has_to_tag; /* a tag that is not empty */
    uint32_t cseq;

    struct slice contact_uri;  /* of the first Contact, as from_uri; empty if none or "*" */
    struct slice user_agent;   /* User-Agent, of responses Server if there is no User-Agent */
    struct slice content_type; /* media type only, "application/sdp" */
    struct slice body;
    uint64_t content_length;
    bool has_content_length;
    bool has_credentials; /* Authorization or Proxy-Authorization */
    bool requires_100rel; /* Require: 100rel (RFC 3262), on a response: it is reliable */
    bool has_rseq, has_rack;
    uint32_t rseq; /* RFC 3262 section 7.1 */
    uint32_t rack_rseq, rack_cseq;

    uint32_t defects; /* enum sip_defect */

    uint16_t header_count;
    struct sip_header header[SIP_HEADERS_MAX]; /* in order; not cleared beyond header_count */
};

/*
 * Could these octets be the beginning of a SIP message? A cheap look at the first line, for any
 * port: "SIP/2.0 " or TOKEN SP … SP "SIP/", after optional CRLFs. True is not yet a message.
 */
bool sip_msg_looks_like(struct slice datagram);

/*
 * Parses one message that fills `datagram`. `cut`: the capture holds less than the wire did, so a
 * short body is no defect of the sender's. On SIP_ACCEPTED *msg is filled, and on SIP_SHORT_BODY,
 * too, with as much of a body as there is: who gets it over a datagram answers 400 or drops it (RFC
 * 3261 section 18.3), and whoever only listens may want to say so. Otherwise it holds what was read
 * until then and only is_request, method and status may be used.
 */
enum sip_refusal sip_msg_parse(struct slice datagram, bool cut, struct sip_msg *msg);

/* Steps through all Via values, top first. Start with a zeroed iterator; false after the last. */
struct sip_via_iter {
    uint16_t header; /* index of the header line */
    size_t offset;   /* in its value */
};
bool sip_msg_next_via(const struct sip_msg *msg, struct sip_via_iter *iter, struct sip_via *via);

/* The value of the first header with this id; an empty slice if there is none. */
struct slice sip_msg_header(const struct sip_msg *msg, enum sip_header_id id);

/*
 * The SDP in the body (RFC 4566 by Content-Type), also the first application/sdp part of a
 * multipart body; empty if there is none.
 */
struct slice sip_msg_sdp(const struct sip_msg *msg);

enum sip_method sip_method_from(struct slice name);  /* case-sensitive (RFC 3261 section 7.1) */
const char *sip_method_name(enum sip_method method); /* "INVITE"; "other" */
const char *
sip_refusal_name(enum sip_refusal refusal); /* "bad_via": stable, for metrics and reports */
const char *sip_defect_name(enum sip_defect defect); /* "bare_lf" */

#endif
