#include <stdlib.h>
#include <string.h>

#include "dialog.h"

enum { CODEC_NAME_ROOM = 32 };

struct codec {
    const char *name, *clock; /* clock: and what follows it in the rtpmap */
    int64_t payload_type;     /* SPEC_UNSET: the line must say */
};

/* Payload types of RFC 3551 section 6, and usual ones of the dynamic range. */
static const struct codec codecs[] = {
    {"PCMU", "8000", 0},     {"GSM", "8000", 3},       {"PCMA", "8000", 8},
    {"G722", "8000", 9},     {"CN", "8000", 13},       {"G729", "8000", 18},
    {"AMR-WB", "16000", 97}, {"opus", "48000/2", 111}, {"telephone-event", "8000", 101},
};

/* A codec as a line has it: NAME[/CLOCK][:TYPE]. */
struct offered {
    char name[CODEC_NAME_ROOM], clock[CODEC_NAME_ROOM];
    int64_t payload_type;
};

static void read_offered(const char *where, const char *at, size_t len, struct offered *out)
{
    char word[CODEC_NAME_ROOM];
    if (len >= sizeof word)
        die("%s: codec=%.*s: too long", where, (int)len, at);
    snprintf(word, sizeof word, "%.*s", (int)len, at);
    char *type = strchr(word, ':'), *clock;
    if (type)
        *type++ = '\0';
    clock = strchr(word, '/');
    if (clock)
        *clock++ = '\0';
    *out = (struct offered){.payload_type = SPEC_UNSET};
    snprintf(out->name, sizeof out->name, "%s", word);
    for (unsigned i = 0; i < sizeof codecs / sizeof codecs[0]; i++) {
        if (strcmp(codecs[i].name, word) == 0) {
            out->payload_type = codecs[i].payload_type;
            snprintf(out->clock, sizeof out->clock, "%s", codecs[i].clock);
        }
    }
    if (clock)
        snprintf(out->clock, sizeof out->clock, "%s", clock);
    if (type && text_to_int(type, 127, &out->payload_type))
        die("%s: codec=%s: %s is no payload type", where, word, type);
    if (out->payload_type < 0 || !out->clock[0])
        die("%s: codec=%s: not a known one, so NAME/CLOCK:TYPE is wanted", where, word);
}

/* Invented: nothing is encrypted with these. */
static void add_keying(const char *where, const char *secure, struct text *out)
{
    if (strcmp(secure, "sdes") == 0)
        text_add(out, "a=crypto:1 AES_CM_128_HMAC_SHA1_80 "
                      "inline:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\r\n");
    else if (strcmp(secure, "dtls") == 0)
        text_add(out, "a=fingerprint:sha-256 00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:"
                      "00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF\r\na=setup:actpass\r\n");
    else
        die("%s: secure=%s: not sdes or dtls", where, secure);
}

/* "ADDR:PORT" or "PORT". */
static struct endpoint read_media(const char *where, const struct spec *spec,
                                  const struct host *writer)
{
    struct endpoint media = {.ip = writer->at.ip};
    const char *colon = strrchr(spec->sdp, ':');
    int64_t port;
    if (text_to_int(colon ? colon + 1 : spec->sdp, UINT16_MAX, &port))
        die("%s: sdp=%s: not ADDR:PORT or PORT", where, spec->sdp);
    media.port = (uint16_t)port;
    if (colon && !ip_parse(slice_of(spec->sdp, (size_t)(colon - spec->sdp)), &media.ip))
        die("%s: sdp=%s: not an address before the port", where, spec->sdp);
    return media;
}

static const char *profile_of(const struct spec *spec)
{
    if (!spec->secure)
        return "RTP/AVP";
    return strcmp(spec->secure, "dtls") == 0 ? "UDP/TLS/RTP/SAVPF" : "RTP/SAVP";
}

void message_write_sdp(const char *where, const struct spec *spec, const struct host *writer,
                       struct text *out)
{
    struct endpoint media = read_media(where, spec, writer);
    char ip[IP_TEXT_MAX];
    ip_format(&media.ip, ip);
    int version = media.ip.version;
    long long sdp_version = spec->sdp_version >= 0 ? spec->sdp_version : 1;
    text_add(out,
             "v=0\r\no=- 3900000000 %lld IN IP%d %s\r\ns=-\r\nc=IN IP%d %s\r\nt=0 0\r\n"
             "m=audio %u %s",
             sdp_version, version, spec->sdp_origin ? spec->sdp_origin : ip, version, ip,
             media.port, profile_of(spec));
    struct text maps = {0};
    for (const char *at = spec->codec ? spec->codec : "PCMU"; *at;) {
        size_t len = strcspn(at, ",");
        struct offered codec;
        read_offered(where, at, len, &codec);
        text_add(out, " %lld", (long long)codec.payload_type);
        text_add(&maps, "a=rtpmap:%lld %s/%s\r\n", (long long)codec.payload_type, codec.name,
                 codec.clock);
        at += len + (at[len] == ',');
    }
    text_add(out, "\r\n%sa=ptime:20\r\na=%s\r\n", maps.at ? maps.at : "",
             spec->dir ? spec->dir : "sendrecv");
    if (spec->secure)
        add_keying(where, spec->secure, out);
    if (spec->rtcp_port >= 0)
        text_add(out, "a=rtcp:%lld\r\n", (long long)spec->rtcp_port);
    if (spec->rtcp_mux)
        text_add(out, "a=rtcp-mux\r\n");
    text_fini(&maps);
}
