/*
 * Samples for the tests of the SIP parser: a plain message, of which single lines can be left out
 * and others added, and a parse from a buffer that ends where the message does.
 */
#ifndef SIPSPAN_TESTS_SIP_SAMPLE_H
#define SIPSPAN_TESTS_SIP_SAMPLE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sip/sip_msg.h"

#define REQUEST_LINE "INVITE sip:bob@example.com SIP/2.0\r\n"
#define STATUS_LINE  "SIP/2.0 180 Ringing\r\n"

/* A parsed message and the exactly sized copy that it points into. */
struct parsed {
    char *bytes;
    size_t len;
    enum sip_refusal refusal;
    struct sip_msg msg;
};

static inline struct parsed *parse_bytes(const char *bytes, size_t len, bool cut)
{
    struct parsed *p = malloc(sizeof *p);
    assert_non_null(p);
    /* What the parser does not write must not be relied on. */
    memset(p, 0xa5, sizeof *p);
    p->bytes = malloc(len ? len : 1);
    assert_non_null(p->bytes);
    memcpy(p->bytes, bytes, len);
    p->len = len;
    p->refusal = sip_msg_parse(slice_of(p->bytes, len), cut, &p->msg);
    return p;
}

static inline struct parsed *parse_text(const char *text)
{
    return parse_bytes(text, strlen(text), false);
}

static inline void parsed_free(struct parsed *p)
{
    free(p->bytes);
    free(p);
}

/*
 * A message of `start` and the header lines that any has, but for those named in `without` ("Via
 * To"), then `lines`, the blank line and `body`. To be freed.
 */
static inline char *sample(const char *start, const char *without, const char *lines,
                           const char *body)
{
    static const char *const usual[][2] = {
        {"Via", "Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK776asdhds\r\n"},
        {"From", "From: Alice <sip:alice@example.net>;tag=1928301774\r\n"},
        {"To", "To: Bob <sip:bob@example.com>\r\n"},
        {"Call-ID", "Call-ID: a84b4c76e66710@192.0.2.1\r\n"},
        {"CSeq", "CSeq: 314159 INVITE\r\n"},
        {"Max-Forwards", "Max-Forwards: 70\r\n"},
        {"Content-Length", "Content-Length: 0\r\n"},
    };
    size_t room = strlen(start) + strlen(lines) + strlen(body) + 512;
    char *text = malloc(room);
    assert_non_null(text);
    size_t used = (size_t)snprintf(text, room, "%s", start);
    for (size_t i = 0; i < sizeof usual / sizeof usual[0]; i++)
        if (!strstr(without, usual[i][0]))
            used += (size_t)snprintf(text + used, room - used, "%s", usual[i][1]);
    used += (size_t)snprintf(text + used, room - used, "%s\r\n%s", lines, body);
    assert_true(used < room);
    return text;
}

static inline struct parsed *parse_sample(const char *start, const char *without, const char *lines,
                                          const char *body)
{
    char *text = sample(start, without, lines, body);
    struct parsed *p = parse_text(text);
    free(text);
    return p;
}

#define assert_slice(s, text)                                                                      \
    do {                                                                                           \
        struct slice got_ = (s);                                                                   \
        const char *want_ = (text);                                                                \
        if (got_.len != strlen(want_) || (got_.len && memcmp(got_.at, want_, got_.len) != 0))      \
            fail_msg("\"%.*s\" is not \"%s\"", SLICE_ARGS(got_), want_);                           \
    } while (0)

/* The names of defects, for messages of failed tests. */
static inline const char *defects_text(uint32_t defects, char *buf, size_t size)
{
    size_t used = 0;
    buf[0] = '\0';
    for (int bit = 0; bit < SIP_DEFECT_COUNT && used < size; bit++)
        if (defects & 1u << bit)
            used += (size_t)snprintf(buf + used, size - used, " %s",
                                     sip_defect_name((enum sip_defect)(1u << bit)));
    return buf;
}

/* All that a message must be: the refusal, and if it is accepted these defects and no others. */
static inline void assert_verdict(const char *what, const struct parsed *p,
                                  enum sip_refusal refusal, uint32_t defects)
{
    char got[512], want[512];
    if (p->refusal != refusal)
        fail_msg("%s: %s, not %s", what, sip_refusal_name(p->refusal), sip_refusal_name(refusal));
    if (refusal == SIP_ACCEPTED && p->msg.defects != defects)
        fail_msg("%s: defects are{%s }, not{%s }", what,
                 defects_text(p->msg.defects, got, sizeof got),
                 defects_text(defects, want, sizeof want));
}

#endif
