#include <string.h>

#include "dialog.h"

static const char *reason_of(int status)
{
    static const struct {
        int status;
        const char *phrase;
    } table[] = {
        {100, "Trying"},
        {180, "Ringing"},
        {181, "Call Is Being Forwarded"},
        {182, "Queued"},
        {183, "Session Progress"},
        {199, "Early Dialog Terminated"},
        {200, "OK"},
        {202, "Accepted"},
        {300, "Multiple Choices"},
        {301, "Moved Permanently"},
        {302, "Moved Temporarily"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {407, "Proxy Authentication Required"},
        {408, "Request Timeout"},
        {422, "Session Interval Too Small"},
        {480, "Temporarily Unavailable"},
        {481, "Call/Transaction Does Not Exist"},
        {482, "Loop Detected"},
        {486, "Busy Here"},
        {487, "Request Terminated"},
        {488, "Not Acceptable Here"},
        {491, "Request Pending"},
        {500, "Server Internal Error"},
        {503, "Service Unavailable"},
        {504, "Server Time-out"},
        {600, "Busy Everywhere"},
        {603, "Decline"},
    };
    for (unsigned i = 0; i < sizeof table / sizeof table[0]; i++)
        if (table[i].status == status)
            return table[i].phrase;
    return "Unknown";
}

/* Header fields with a compact form that are written here (RFC 3261 section 7.3.3 and later ones).
 */
static const char *field_name(const struct message *m, const char *name)
{
    static const struct {
        const char *name, *compact;
    } table[] = {
        {"Via", "v"},          {"From", "f"},      {"To", "t"},
        {"Call-ID", "i"},      {"Contact", "m"},   {"Content-Length", "l"},
        {"Content-Type", "c"}, {"Supported", "k"}, {"Session-Expires", "x"},
        {"Refer-To", "r"},     {"Event", "o"},
    };
    for (unsigned i = 0; m->spec.compact && i < sizeof table / sizeof table[0]; i++)
        if (slice_eq(slice_str(table[i].name), slice_str(name)))
            return table[i].compact;
    return name;
}

struct writer {
    const struct message *m;
    struct text *out;
    const char *end; /* of a line */
};

static void put_field(const struct writer *w, const char *name, const char *value)
{
    text_add(w->out, "%s: %s%s", field_name(w->m, name), value, w->end);
}

/* One field for each line of `values`. */
static void put_fields(const struct writer *w, const char *name, const char *values)
{
    while (values && *values) {
        size_t len = strcspn(values, "\n");
        text_add(w->out, "%s: %.*s%s", field_name(w->m, name), (int)len, values, w->end);
        values += len + (values[len] == '\n');
    }
}

static void put_party(const struct writer *w, const char *name, const char *uri, const char *tag)
{
    text_add(w->out, "%s: <%s>", field_name(w->m, name), uri);
    if (tag)
        text_add(w->out, ";tag=%s", tag);
    text_add(w->out, "%s", w->end);
}

/* Invented throughout: nobody's password gives these digests. */
static void put_authentication(const struct writer *w)
{
    static const char nonce[] = "0123456789abcdef0123456789abcdef";
    const struct spec *spec = &w->m->spec;
    const char *user = strchr(w->m->from, ':') + 1;
    if (spec->challenge)
        text_add(w->out, "%s: Digest realm=\"%s\", nonce=\"%s\", algorithm=MD5, qop=\"auth\"%s",
                 w->m->status == 407 ? "Proxy-Authenticate" : "WWW-Authenticate", spec->challenge,
                 nonce, w->end);
    const struct {
        const char *name, *realm;
    } fields[] = {{"Authorization", spec->credentials},
                  {"Proxy-Authorization", spec->proxy_credentials}};
    for (unsigned i = 0; i < 2; i++) {
        if (!fields[i].realm)
            continue;
        text_add(w->out,
                 "%s: Digest username=\"%.*s\", realm=\"%s\", nonce=\"%s\", uri=\"%s\", "
                 "response=\"00000000000000000000000000000000\", algorithm=MD5%s",
                 fields[i].name, (int)strcspn(user, "@;"), user, fields[i].realm, nonce, w->m->uri,
                 w->end);
    }
}

void message_write(const struct message *m, struct text *out)
{
    const struct writer w = {.m = m, .out = out, .end = m->spec.lf ? "\n" : "\r\n"};
    if (m->status)
        text_add(out, "SIP/2.0 %d %s%s", m->status, m->reason ? m->reason : reason_of(m->status),
                 w.end);
    else
        text_add(out, "%s %s SIP/2.0%s", m->method, m->uri, w.end);
    put_fields(&w, "Via", m->vias);
    put_fields(&w, "Record-Route", m->record_route);
    if (!m->status)
        text_add(out, "Max-Forwards: %lld%s", (long long)m->max_forwards, w.end);
    put_party(&w, "From", m->from, m->from_tag);
    put_party(&w, "To", m->to, m->to_tag);
    put_field(&w, "Call-ID", m->spec.call_id ? m->spec.call_id : m->call_id);
    text_add(out, "CSeq: %lld %s%s", (long long)m->cseq, m->method, w.end);
    if (m->contact)
        put_field(&w, "Contact", m->contact);
    put_authentication(&w);
    for (unsigned i = 0; i < m->spec.header_count; i++) {
        const struct spec_header *h = &m->spec.headers[i];
        if (h->name)
            put_field(&w, h->name, h->value);
        else
            text_add(out, "%s%s", h->value, w.end);
    }
    if (m->spec.agent)
        put_field(&w, m->status ? "Server" : "User-Agent", m->spec.agent);
    if (m->body)
        put_field(&w, "Content-Type", "application/sdp");
    long long length = m->body ? (long long)strlen(m->body) : 0;
    if (m->spec.content_length >= 0)
        length = m->spec.content_length;
    text_add(out, "%s: %lld%s%s", field_name(m, "Content-Length"), length, w.end, w.end);
    if (m->body)
        text_add(out, "%s", m->body);
}
