#include "dialog.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static char *keep(struct dialogs *d, char *owned)
{
    d->strings = must_realloc(d->strings, (d->string_count + 1) * sizeof *d->strings);
    d->strings[d->string_count++] = owned;
    return owned;
}

void dialogs_fini(struct dialogs *d)
{
    for (unsigned i = 0; i < d->call_count; i++)
        free(d->calls[i]);
    for (unsigned i = 0; i < d->transaction_count; i++)
        free(d->transactions[i]);
    for (unsigned i = 0; i < d->string_count; i++)
        free(d->strings[i]);
    free(d->calls);
    free(d->transactions);
    free(d->strings);
    *d = (struct dialogs){0};
}

static bool is(const char *a, const char *b)
{
    return strcmp(a, b) == 0;
}

/* An address as a URI writes it: IPv6 in brackets. */
static char *host_text(struct dialogs *d, const struct ip_addr *ip)
{
    char buf[IP_TEXT_MAX];
    ip_format(ip, buf);
    return keep(d, must_format(ip->version == 6 ? "[%s]" : "%s", buf));
}

static char *endpoint_text(struct dialogs *d, const struct endpoint *e)
{
    char buf[ENDPOINT_TEXT_MAX];
    return keep(d, must_format("%s", endpoint_format(e, buf)));
}

static char *default_tag(struct dialogs *d, const struct call *call, const struct host *h)
{
    return keep(d, must_format("%s-%s", h->name, call->name));
}

/* "user", "user@host" or a URI, or nothing: the host's own name. */
static char *identity(struct dialogs *d, const char *given, const struct host *h)
{
    const char *who = given ? given : h->name;
    if (strncmp(who, "sip:", 4) == 0 || strncmp(who, "sips:", 5) == 0 ||
        strncmp(who, "tel:", 4) == 0)
        return keep(d, must_copy(who));
    if (strchr(who, '@'))
        return keep(d, must_format("sip:%s", who));
    return keep(d, must_format("sip:%s@%s", who, host_text(d, &h->at.ip)));
}

static struct call *find_call(struct dialogs *d, const char *name)
{
    for (unsigned i = 0; i < d->call_count; i++)
        if (is(d->calls[i]->name, name))
            return d->calls[i];
    return NULL;
}

static struct call *add_call(struct dialogs *d, const struct spec *spec, const struct host *caller,
                             const struct host *dst)
{
    struct call *call = must_alloc(sizeof *call);
    call->name = keep(d, must_copy(spec->call));
    call->caller = caller;
    call->call_id = strchr(spec->call, '@')
                        ? call->name
                        : keep(d, must_format("%s@%s", call->name, host_text(d, &caller->at.ip)));
    call->from = identity(d, spec->from, caller);
    call->to = identity(d, spec->to, dst);
    call->from_tag = default_tag(d, call, caller);
    d->calls = must_realloc(d->calls, (d->call_count + 1) * sizeof(struct call *));
    d->calls[d->call_count++] = call;
    return call;
}

/* What narrows a search; NULL or negative fits any. */
struct wanted {
    const struct call *call;
    const char *label, *method;
    int64_t cseq;
    const struct host *src, *dst;
    bool ack_too;
};

static struct transaction *find_newest(struct dialogs *d, const struct wanted *w)
{
    struct transaction *best = NULL;
    for (unsigned i = 0; i < d->transaction_count; i++) {
        struct transaction *t = d->transactions[i];
        if ((w->call && t->call != w->call) || (w->label && !is(t->label, w->label)) ||
            (w->method && !is(t->message.method, w->method)) ||
            (w->cseq >= 0 && t->message.cseq != w->cseq) || (w->src && t->src != w->src) ||
            (w->dst && t->dst != w->dst) || (!w->ack_too && is(t->message.method, "ACK")))
            continue;
        if (!best || t->order > best->order)
            best = t;
    }
    return best;
}

static struct transaction *newest_invite(struct dialogs *d, const struct call *call,
                                         const struct host *src, const struct spec *spec)
{
    return find_newest(d, &(struct wanted){.call = call,
                                           .method = "INVITE",
                                           .src = src,
                                           .label = spec->branch,
                                           .cseq = spec->cseq});
}

/* Requests of the middle of a dialog: they carry the To tag as soon as there is one. */
static bool belongs_to_dialog(const char *method)
{
    static const char *const methods[] = {"ACK",  "BYE",   "PRACK", "UPDATE",
                                          "INFO", "REFER", "NOTIFY"};
    for (unsigned i = 0; i < sizeof methods / sizeof methods[0]; i++)
        if (is(method, methods[i]))
            return true;
    return false;
}

static bool has_contact(const char *method)
{
    static const char *const methods[] = {"INVITE", "UPDATE", "REGISTER", "SUBSCRIBE",
                                          "NOTIFY", "REFER",  "OPTIONS"};
    for (unsigned i = 0; i < sizeof methods / sizeof methods[0]; i++)
        if (is(method, methods[i]))
            return true;
    return false;
}

static const char *chosen_tag(const char *given, const char *otherwise)
{
    if (!given)
        return otherwise;
    return is(given, "-") ? NULL : given;
}

static const char *contact_of(struct dialogs *d, const struct spec *spec, const char *user_uri,
                              const struct host *writer)
{
    if (spec->contact)
        return is(spec->contact, "-") ? NULL : spec->contact;
    const char *user = strchr(user_uri, ':') + 1;
    const char *sent_by =
        writer->defaults.sent_by ? writer->defaults.sent_by : endpoint_text(d, &writer->at);
    return keep(d, must_format("<sip:%.*s@%s>", (int)strcspn(user, "@;"), user, sent_by));
}

static const char *body_of(struct dialogs *d, const struct spec *spec, const struct host *writer,
                           const char *otherwise)
{
    if (!spec->sdp)
        return otherwise;
    struct text sdp = {0};
    message_write_sdp(d->where, spec, writer, &sdp);
    return keep(d, sdp.at);
}

/*
 * The Via stack of a request as the next element sees it: the top value with received and rport
 * where RFC 3261 section 18.2.1 and RFC 3581 section 4 add them.
 */
static const char *vias_received(struct dialogs *d, const struct transaction *t,
                                 const char *received)
{
    const char *vias = t->message.vias;
    size_t top = strcspn(vias, "\n");
    char *src = host_text(d, &t->src_at.ip);
    size_t src_len = strlen(src);
    bool differs = strncmp(t->sent_by, src, src_len) != 0 ||
                   (t->sent_by[src_len] != ':' && t->sent_by[src_len] != '\0');
    struct text out = {0};

    if (t->message.spec.via || (received && is(received, "-")))
        return vias;
    const char *rport = t->rport ? strstr(vias, ";rport") : NULL;
    if (rport && rport < vias + top) {
        size_t before = (size_t)(rport - vias) + strlen(";rport");
        text_add(&out, "%.*s=%u%.*s", (int)before, vias, t->src_at.port, (int)(top - before),
                 vias + before);
    } else {
        text_put(&out, vias, top);
    }
    if (rport || differs || received) {
        char ip[IP_TEXT_MAX];
        text_add(&out, ";received=%s", received ? received : ip_format(&t->src_at.ip, ip));
    }
    text_add(&out, "%s", vias + top);
    return keep(d, out.at);
}

static void set_vias(struct dialogs *d, struct transaction *t, const struct spec *spec)
{
    struct text out = {0};
    t->sent_by = spec->sent_by ? keep(d, must_copy(spec->sent_by)) : endpoint_text(d, &t->src->at);
    t->rport = spec->rport;
    if (spec->via) {
        text_add(&out, "%s", spec->via);
        for (char *at = out.at; *at; at++)
            if (*at == ',')
                *at = '\n';
        t->message.vias = keep(d, out.at);
        return;
    }
    text_add(&out, "SIP/2.0/");
    for (const char *at = spec->transport ? spec->transport : "udp"; *at; at++)
        text_add(&out, "%c", toupper((unsigned char)*at));
    text_add(&out, " %s%s", t->sent_by, spec->rport ? ";rport" : "");
    if (!spec->rfc2543)
        text_add(&out, ";branch=z9hG4bK-%.*s-%s", (int)strcspn(t->call->name, "@"), t->call->name,
                 t->label);
    if (t->parent)
        text_add(&out, "\n%s", vias_received(d, t->parent, NULL));
    t->message.vias = keep(d, out.at);
}

static struct transaction *add_transaction(struct dialogs *d, struct call *call, const char *label,
                                           const char *method)
{
    struct transaction *t = find_newest(
        d, &(struct wanted){
               .call = call, .label = label, .method = method, .cseq = -1, .ack_too = true});
    if (!t) {
        t = must_alloc(sizeof *t);
        t->call = call;
        t->label = keep(d, must_copy(label));
        d->transactions = must_realloc(d->transactions,
                                       (d->transaction_count + 1) * sizeof(struct transaction *));
        d->transactions[d->transaction_count++] = t;
    }
    t->order = d->next_order++;
    return t;
}

static int64_t choose_cseq(struct call *call, const struct spec *spec,
                           const struct transaction *parent, const struct transaction *invite,
                           const char *method, bool by_caller)
{
    int64_t *highest = &call->cseq[by_caller ? 0 : 1];
    int64_t cseq = spec->cseq;
    if (cseq < 0 && parent)
        cseq = parent->message.cseq;
    if (cseq < 0 && invite)
        cseq = invite->message.cseq;
    if (cseq < 0)
        cseq = *highest + 1;
    if (cseq > *highest && !parent && !is(method, "ACK"))
        *highest = cseq;
    return cseq;
}

/* An ACK of a failure and a CANCEL share the INVITE's branch (RFC 3261 sections 9.1 and 17.1.1.3).
 */
static const char *choose_label(struct dialogs *d, const struct spec *spec,
                                const struct transaction *invite, const char *method, int64_t cseq)
{
    if (spec->branch)
        return spec->branch;
    if (invite && (is(method, "CANCEL") || invite->last_status >= 300))
        return invite->label;
    char *label = keep(d, must_format("%s%lld", method, (long long)cseq));
    for (char *at = label; *at; at++)
        *at = (char)tolower((unsigned char)*at);
    return label;
}

/* Who it is from and to: the call's, turned round when not the caller writes it. */
static void set_parties(struct dialogs *d, struct transaction *t, const struct spec *spec,
                        bool by_caller, const struct transaction *invite)
{
    struct message *m = &t->message;
    const struct call *call = t->call;
    if (t->parent) {
        const struct message *above = &t->parent->message;
        m->from = spec->from ? identity(d, spec->from, t->writer) : above->from;
        m->to = spec->to ? identity(d, spec->to, t->dst) : above->to;
        m->from_tag = chosen_tag(spec->from_tag, above->from_tag);
        m->to_tag = chosen_tag(spec->to_tag, above->to_tag);
        return;
    }
    const char *own = by_caller ? call->from : call->to, *other = by_caller ? call->to : call->from;
    const char *tag = by_caller      ? call->from_tag
                      : call->to_tag ? call->to_tag
                                     : default_tag(d, call, t->writer);
    m->from = spec->from ? identity(d, spec->from, t->writer) : own;
    m->to = spec->to ? identity(d, spec->to, t->dst) : other;
    m->from_tag = chosen_tag(spec->from_tag, tag);
    const char *other_tag = by_caller ? call->to_tag : call->from_tag;
    if (is(m->method, "CANCEL") && invite)
        other_tag = invite->message.to_tag;
    else if (by_caller && !call->established && !belongs_to_dialog(m->method))
        other_tag = NULL;
    m->to_tag = chosen_tag(spec->to_tag, other_tag);
}

static const char *choose_uri(struct dialogs *d, const struct transaction *t,
                              const struct spec *spec, const struct transaction *invite,
                              bool by_caller)
{
    if (spec->uri)
        return spec->uri;
    if (t->parent)
        return t->parent->message.uri;
    if (invite && strcmp(invite->label, t->label) == 0)
        return invite->message.uri;
    const struct host *remote = by_caller ? t->call->callee : t->call->caller;
    const char *user = strchr(t->message.to, ':') + 1;
    const struct host *target = t->message.to_tag && remote ? remote : t->dst;
    return keep(d, must_format("sip:%.*s@%s", (int)strcspn(user, "@;"), user,
                               endpoint_text(d, &target->at)));
}

struct transaction *dialogs_request(struct dialogs *d, const struct spec *spec,
                                    const struct host *src, const struct host *dst,
                                    const struct host *as, const char *method, struct message *out)
{
    struct call *call = spec->call ? find_call(d, spec->call) : NULL;
    struct transaction *parent = NULL;
    if (spec->below) {
        parent = find_newest(
            d,
            &(struct wanted){
                .call = call, .label = spec->below, .method = method, .cseq = -1, .ack_too = true});
        if (!parent)
            die("%s: below=%s: no such %s before", d->where, spec->below, method);
        call = parent->call;
    }
    if (!call && !spec->call)
        die("%s: a request needs call= or below=", d->where);
    const struct host *writer = as ? as : parent ? parent->writer : src;
    if (!call)
        call = add_call(d, spec, writer, dst);

    bool by_caller = writer == call->caller;
    bool follows = is(method, "ACK") || is(method, "CANCEL");
    const struct transaction *invite = follows ? newest_invite(d, call, src, spec) : NULL;
    if (follows && !invite) /* the ACK of a 2xx has a branch of its own, and maybe another way */
        invite = newest_invite(d, call, NULL, &(struct spec){.cseq = spec->cseq});
    int64_t cseq = choose_cseq(call, spec, parent, invite, method, by_caller);
    const char *label = choose_label(d, spec, invite, method, cseq);

    struct transaction *t = add_transaction(d, call, label, method);
    t->parent = parent;
    t->src = src;
    t->dst = dst;
    t->writer = writer;
    t->src_at = src->at;
    if (spec->src_port > 0)
        t->src_at.port = (uint16_t)spec->src_port;
    struct message *m = &t->message;
    *m = (struct message){
        .method = keep(d, must_copy(method)), .call_id = call->call_id, .cseq = cseq};
    m->spec = *spec;
    set_vias(d, t, spec);
    set_parties(d, t, spec, by_caller, invite);
    m->uri = choose_uri(d, t, spec, invite, by_caller);
    m->max_forwards = spec->max_forwards >= 0 ? spec->max_forwards
                      : parent                ? parent->message.max_forwards - 1
                                              : 70;
    if (has_contact(method) || spec->contact)
        m->contact = parent && !spec->contact ? parent->message.contact
                                              : contact_of(d, spec, m->from, writer);
    m->body = body_of(d, spec, writer, parent ? parent->message.body : NULL);
    m->record_route = parent ? parent->message.record_route : NULL;
    if (spec->record_route)
        m->record_route = keep(d, must_format("<sip:%s;lr>%s%s", endpoint_text(d, &src->at),
                                              m->record_route ? "\n" : "",
                                              m->record_route ? m->record_route : ""));
    *out = *m;
    return t;
}

/* The request that a response answers: the newest that fits the line, best one that went the other
 * way. */
static struct transaction *find_answered(struct dialogs *d, const struct spec *spec,
                                         const struct host *src, const struct host *dst)
{
    struct wanted w = {.call = spec->call ? find_call(d, spec->call) : NULL,
                       .label = spec->branch,
                       .method = spec->method,
                       .cseq = spec->cseq,
                       .src = dst,
                       .dst = src};
    if (spec->call && !w.call)
        die("%s: call=%s: no request of this call before", d->where, spec->call);
    struct transaction *t = find_newest(d, &w);
    if (!t) {
        w.src = NULL;
        t = find_newest(d, &w);
    }
    if (!t) {
        w.dst = NULL;
        t = find_newest(d, &w);
    }
    if (!t)
        die("%s: a response to nothing: no request before fits it", d->where);
    return t;
}

/* The newest copy of this request furthest down: it reached the one who answers. */
static const struct transaction *find_deepest(struct dialogs *d, const struct transaction *t)
{
    for (;;) {
        const struct transaction *child = NULL;
        for (unsigned i = 0; i < d->transaction_count; i++)
            if (d->transactions[i]->parent == t &&
                (!child || d->transactions[i]->order > child->order))
                child = d->transactions[i];
        if (!child)
            return t;
        t = child;
    }
}

struct transaction *dialogs_response(struct dialogs *d, const struct spec *spec,
                                     const struct host *src, const struct host *dst,
                                     const struct host *as, int status, struct message *out)
{
    struct transaction *t = find_answered(d, spec, src, dst);
    const struct transaction *deepest = find_deepest(d, t);
    const struct host *writer = as ? as : deepest->dst;
    const struct message *request = &t->message;
    struct call *call = t->call;
    bool invite = is(request->method, "INVITE");

    *out = *request;
    out->spec = *spec;
    out->status = status;
    out->reason = spec->reason;
    out->contact = NULL;
    out->record_route = NULL;
    out->body = body_of(d, spec, writer, NULL);
    out->vias = vias_received(d, t, spec->received);
    if (spec->via) {
        char *vias = keep(d, must_copy(spec->via));
        for (char *at = vias; *at; at++)
            if (*at == ',')
                *at = '\n';
        out->vias = vias;
    }
    const char *tag = request->to_tag;
    if (!tag && status > 100)
        tag = is(request->method, "CANCEL") && call->to_tag ? call->to_tag
                                                            : default_tag(d, call, writer);
    out->to_tag = chosen_tag(spec->to_tag, tag);
    if (spec->from_tag)
        out->from_tag = chosen_tag(spec->from_tag, NULL);
    if (spec->contact || (invite && status > 100 && status < 300))
        out->contact = contact_of(d, spec, request->to, writer);
    if (invite && status > 100 && status < 300)
        out->record_route = deepest->message.record_route;

    t->last_status = status;
    if (invite && !request->to_tag && status > 100) {
        call->to_tag = out->to_tag ? keep(d, must_copy(out->to_tag)) : NULL;
        call->callee = writer;
        if (status >= 200 && status < 300)
            call->established = true;
    }
    return t;
}
