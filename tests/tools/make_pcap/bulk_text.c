#include <stdio.h>
#include <string.h>

#include "bulk.h"
#include "text.h"

/* "{x}" is a field; everything else is sent as it stands. */
static const struct {
    char letter;
    enum bulk_field field;
    uint8_t width;
} fields[FIELD_COUNT] = {
    {'c', FIELD_CALLER_IP, 11},  {'g', FIELD_GATEWAY_IP, 14},  {'n', FIELD_NUMBER, 10},
    {'k', FIELD_KEY, 8},         {'u', FIELD_CALLER, 11},      {'d', FIELD_CALLEE, 11},
    {'p', FIELD_CALLER_PORT, 5}, {'q', FIELD_GATEWAY_PORT, 5}, {'v', FIELD_BRANCH, 1},
    {'t', FIELD_TAG, 1},         {'s', FIELD_CSEQ, 1},         {'y', FIELD_BYE_CSEQ, 1},
};

#define VIA             "Via: SIP/2.0/UDP {c}:5060;branch=z9hG4bK{v}{k}-{n}"
#define FROM            "From: \"Caller {u}\" <sip:+{u}@example.com>;tag=a{k}{n}\r\n"
#define TO              "To: <sip:+{d}@example.net>"
#define TO_TAG          TO ";tag={t}{k}{n}\r\n"
#define CALL_ID         "Call-ID: {n}-{k}-call@{c}\r\n"
#define CALLER_CONTACT  "Contact: <sip:+{u}@{c}:5060;transport=udp>\r\n"
#define GATEWAY_CONTACT "Contact: <sip:+{d}@{g}:5060;transport=udp>\r\n"
#define ALLOW                                                                                      \
    "Allow: INVITE, ACK, CANCEL, BYE, PRACK, UPDATE, REFER, SUBSCRIBE, NOTIFY, INFO, MESSAGE, "    \
    "OPTIONS\r\n"                                                                                  \
    "Supported: replaces, 100rel, timer, norefersub\r\n"
#define USER_AGENT "User-Agent: Example Desk Phone 7.1 (build 20481)\r\n"
#define SERVER     "Server: Example Gateway 4.12\r\n"

#define CALLER_HEADERS                                                                             \
    "Max-Forwards: 70\r\n" FROM TO "\r\n" CALL_ID "CSeq: {s} INVITE\r\n" CALLER_CONTACT ALLOW      \
    "Session-Expires: 1800\r\nMin-SE: 90\r\n"                                                      \
    "P-Asserted-Identity: \"Caller {u}\" <sip:+{u}@example.com>\r\n"                               \
    "P-Preferred-Identity: <tel:+{u}>\r\n" USER_AGENT "Content-Type: application/sdp\r\n"

#define SDP(ip, port)                                                                              \
    "v=0\r\no=- 3900000000 3900000000 IN IP4 " ip "\r\ns=session\r\nc=IN IP4 " ip "\r\nt=0 0\r\n"  \
    "m=audio " port " RTP/AVP 0 8 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\n"         \
    "a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 "                                             \
    "0-16\r\na=ptime:20\r\na=maxptime:60\r\na=sendrecv\r\n"

static const struct {
    const char *head, *body;
} sources[BULK_MESSAGE_COUNT] = {
    [BULK_INVITE] = {"INVITE sip:+{d}@{g}:5060;user=phone SIP/2.0\r\n" VIA
                     ";rport\r\n" CALLER_HEADERS,
                     SDP("{c}", "{p}")},
    [BULK_TRYING] = {"SIP/2.0 100 Trying\r\n" VIA ";received={c};rport=5060\r\n" FROM TO
                     "\r\n" CALL_ID "CSeq: {s} INVITE\r\n" SERVER,
                     ""},
    [BULK_RINGING] = {"SIP/2.0 180 Ringing\r\n" VIA
                      ";received={c};rport=5060\r\n" FROM TO_TAG CALL_ID
                      "CSeq: {s} INVITE\r\n" GATEWAY_CONTACT ALLOW SERVER,
                      ""},
    [BULK_OK] = {"SIP/2.0 200 OK\r\n" VIA ";received={c};rport=5060\r\n" FROM TO_TAG CALL_ID
                 "CSeq: {s} INVITE\r\n" GATEWAY_CONTACT ALLOW SERVER
                 "Session-Expires: 1800;refresher=uac\r\nContent-Type: application/sdp\r\n",
                 SDP("{g}", "{q}")},
    [BULK_ACK] = {"ACK sip:+{d}@{g}:5060;transport=udp SIP/2.0\r\n" VIA "-ack;rport\r\n"
                  "Max-Forwards: 70\r\n" FROM TO_TAG CALL_ID "CSeq: {s} ACK\r\n" USER_AGENT,
                  ""},
    [BULK_BYE] = {"BYE sip:+{d}@{g}:5060;transport=udp SIP/2.0\r\n" VIA "-bye;rport\r\n"
                  "Max-Forwards: 70\r\n" FROM TO_TAG CALL_ID "CSeq: {y} BYE\r\n" USER_AGENT
                  "Reason: Q.850;cause=16;text=\"Normal call clearing\"\r\n",
                  ""},
    [BULK_BYE_OK] = {"SIP/2.0 200 OK\r\n" VIA "-bye;received={c};rport=5060\r\n" FROM TO_TAG CALL_ID
                     "CSeq: {y} BYE\r\n" SERVER,
                     ""},
    [BULK_CHALLENGE] =
        {"SIP/2.0 401 Unauthorized\r\n" VIA ";received={c};rport=5060\r\n" FROM TO_TAG CALL_ID
         "CSeq: {s} INVITE\r\n"
         "WWW-Authenticate: Digest realm=\"example.com\", nonce=\"{k}{n}\"\r\n" SERVER,
         ""},
    [BULK_INVITE_AGAIN] = {"INVITE sip:+{d}@{g}:5060;user=phone SIP/2.0\r\n" VIA
                           ";rport\r\n" CALLER_HEADERS
                           "Authorization: Digest username=\"{u}\", realm=\"example.com\", "
                           "nonce=\"{k}{n}\", uri=\"sip:+{d}@{g}:5060\", "
                           "response=\"00000000000000000000000000000000\"\r\n",
                           SDP("{c}", "{p}")},
    [BULK_BUSY] = {"SIP/2.0 486 Busy Here\r\n" VIA
                   ";received={c};rport=5060\r\n" FROM TO_TAG CALL_ID "CSeq: {s} INVITE\r\n" SERVER,
                   ""},
    [BULK_CANCEL] = {"CANCEL sip:+{d}@{g}:5060;user=phone SIP/2.0\r\n" VIA
                     ";rport\r\nMax-Forwards: 70\r\n" FROM TO "\r\n" CALL_ID
                     "CSeq: {s} CANCEL\r\n" USER_AGENT,
                     ""},
    [BULK_CANCEL_OK] = {"SIP/2.0 200 OK\r\n" VIA ";received={c};rport=5060\r\n" FROM TO_TAG CALL_ID
                        "CSeq: {s} CANCEL\r\n" SERVER,
                        ""},
    [BULK_TERMINATED] = {"SIP/2.0 487 Request Terminated\r\n" VIA
                         ";received={c};rport=5060\r\n" FROM TO_TAG CALL_ID
                         "CSeq: {s} INVITE\r\n" SERVER,
                         ""},
    [BULK_ACK_FAILURE] = {"ACK sip:+{d}@{g}:5060;user=phone SIP/2.0\r\n" VIA
                          ";rport\r\nMax-Forwards: 70\r\n" FROM TO_TAG CALL_ID
                          "CSeq: {s} ACK\r\n" USER_AGENT,
                          ""},
    [BULK_FLOOD] =
        {"INVITE sip:+{d}@{g}:5060 SIP/2.0\r\n"
         "Via: SIP/2.0/UDP host-{k}.example.org:5060;branch=z9hG4bK-{n}{k};rport\r\n"
         "Max-Forwards: 70\r\nFrom: <sip:+{u}@example.org>;tag=c{k}\r\n" TO "\r\n"
         "Call-ID: {n}-{k}-flood@host-{k}.example.org\r\nCSeq: 1 INVITE\r\n"
         "Contact: <sip:+{u}@host-{k}.example.org:5060>\r\nUser-Agent: Example Flood\r\n",
         ""},
};

static void compile_text(struct bulk_template *t, const char *text)
{
    for (const char *at = text; *at; at++) {
        if (*at != '{') {
            t->text[t->len++] = *at;
            continue;
        }
        unsigned i = 0;
        while (fields[i].letter != at[1])
            i++;
        t->slots[t->slot_count++] = (struct bulk_slot){.offset = t->len, .field = (uint8_t)i};
        t->len = (uint16_t)(t->len + fields[i].width);
        at += 2;
    }
}

/* Says TCP where the text says UDP, which is as long. */
static void rename_transport(struct bulk_template *t)
{
    static const char *const names[][2] = {{"SIP/2.0/UDP", "SIP/2.0/TCP"},
                                           {"transport=udp", "transport=tcp"}};
    for (unsigned i = 0; i < 2; i++) {
        size_t len = strlen(names[i][0]);
        for (char *at = t->text;
             (at = memmem(at, t->len - (size_t)(at - t->text), names[i][0], len)) != NULL;)
            memcpy(at, names[i][1], len);
    }
}

void bulk_compile(struct bulk_template templates[BULK_MESSAGE_COUNT], bool tcp)
{
    for (unsigned i = 0; i < BULK_MESSAGE_COUNT; i++) {
        char end[64];
        struct bulk_template body = {0};
        struct bulk_template *t = &templates[i];
        memset(t, 0, sizeof *t);
        compile_text(&body, sources[i].body);
        snprintf(end, sizeof end, "Content-Length: %u\r\n\r\n", body.len);
        compile_text(t, sources[i].head);
        compile_text(t, end);
        compile_text(t, sources[i].body);
        if (tcp)
            rename_transport(t);
    }
}

void bulk_fill(struct bulk_fields *f, uint64_t number, struct prng *prng,
               const struct endpoint *caller, const struct endpoint *gateway)
{
    uint64_t random = prng_next(prng);
    f->text[FIELD_BRANCH][0] = '-';
    f->text[FIELD_TAG][0] = 'b';
    f->text[FIELD_CSEQ][0] = '1';
    f->text[FIELD_BYE_CSEQ][0] = '2';
    char ip[IP_TEXT_MAX];
    snprintf(f->text[FIELD_NUMBER], BULK_FIELD_ROOM, "%010llx", (unsigned long long)number);
    snprintf(f->text[FIELD_KEY], BULK_FIELD_ROOM, "%08x", (unsigned)random);
    snprintf(f->text[FIELD_CALLER], BULK_FIELD_ROOM, "49%09u",
             (unsigned)(random >> 32) % 1000000000);
    snprintf(f->text[FIELD_CALLEE], BULK_FIELD_ROOM, "49%09u", (unsigned)number % 1000000000);
    if (caller) {
        snprintf(f->text[FIELD_CALLER_IP], BULK_FIELD_ROOM, "%.15s", ip_format(&caller->ip, ip));
        snprintf(f->text[FIELD_CALLER_PORT], BULK_FIELD_ROOM, "%05u", caller->port);
    }
    snprintf(f->text[FIELD_GATEWAY_IP], BULK_FIELD_ROOM, "%.15s", ip_format(&gateway->ip, ip));
    snprintf(f->text[FIELD_GATEWAY_PORT], BULK_FIELD_ROOM, "%05u", gateway->port);
}

uint32_t bulk_render(const struct bulk_template *t, const struct bulk_fields *f, uint8_t *to)
{
    memcpy(to, t->text, t->len);
    for (unsigned i = 0; i < t->slot_count; i++) {
        const struct bulk_slot *slot = &t->slots[i];
        memcpy(to + slot->offset, f->text[slot->field], fields[slot->field].width);
    }
    return t->len;
}
