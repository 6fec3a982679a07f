#include "dns/dns_message.h"

#include <arpa/nameser.h>

enum {
    HEADER_OCTETS = 12,
    QUESTION_OCTETS = 4,   /* behind its name: type, class */
    RECORD_OCTETS = 10,    /* behind its owner: type, class, TTL, length */
    SRV_OCTETS = 6,        /* before the target */
    NAPTR_OCTETS = 4,      /* before its three texts */
    MESSAGE_OCTETS = 4096, /* more is not looked at */
    RECORDS_MAX = 32,
    POINTERS_MAX = 16, /* of one name */
    POINTER_BITS = 0xc0,
    FLAG_RESPONSE = 0x8000,
    FLAGS_OPCODE = 0x7800,
    FLAG_CUT = 0x0200,
    FLAGS_RCODE = 0x000f,
};

struct reader {
    const uint8_t *message, *at, *end;
};

static size_t left(const struct reader *r)
{
    return (size_t)(r->end - r->at);
}

/*
 * The library follows as many pointers as the message has octets: for each name of a forged one,
 * that is long.
 */
static bool is_name_sane(const struct reader *r, const uint8_t *at)
{
    unsigned octets = 0, pointers = 0;
    while (at < r->end && *at != 0) {
        if ((*at & POINTER_BITS) == POINTER_BITS) {
            if (r->end - at < 2 || ++pointers > POINTERS_MAX)
                return false;
            ptrdiff_t to = (at[0] & ~POINTER_BITS) << 8 | at[1];
            if (to >= r->end - r->message)
                return false;
            at = r->message + to;
        } else {
            octets += 1U + *at;
            if (*at & POINTER_BITS || octets > NS_MAXCDNAME || r->end - at <= *at)
                return false;
            at += 1 + *at;
        }
    }
    return at < r->end;
}

/* The name at `at`, as far as the message has it; the root is "". */
static bool read_name(const struct reader *r, const uint8_t *at, char out[static DNS_NAME_MAX])
{
    if (!is_name_sane(r, at) || ns_name_uncompress(r->message, r->end, at, out, DNS_NAME_MAX) < 0)
        return false;
    if (out[0] == '.' && out[1] == '\0')
        out[0] = '\0';
    for (char *c = out; *c; c++)
        *c = slice_lower_char(*c);
    return true;
}

static bool skip_name(struct reader *r)
{
    return ns_name_skip(&r->at, r->end) == 0;
}

static enum dns_type type_of(unsigned type)
{
    switch (type) {
    case ns_t_a:
        return DNS_TYPE_A;
    case ns_t_aaaa:
        return DNS_TYPE_AAAA;
    case ns_t_srv:
        return DNS_TYPE_SRV;
    case ns_t_naptr:
        return DNS_TYPE_NAPTR;
    default:
        return DNS_TYPE_OTHER;
    }
}

static int find_target(const struct dns_message *m, const char *name)
{
    for (int i = 0; i < m->targets; i++)
        if (strcmp(m->target[i], name) == 0)
            return i;
    return -1;
}

/* A service that is decidedly not there points at the root. */
static void add_target(const struct reader *r, const uint8_t *at, struct dns_message *out)
{
    char name[DNS_NAME_MAX];
    if (out->is_cut)
        return; /* what is beyond the limits changes nothing any more */
    if (!read_name(r, at, name)) {
        out->is_cut = true;
        return;
    }
    if (name[0] == '\0' || find_target(out, name) >= 0)
        return;
    if (out->targets == DNS_TARGETS_MAX)
        out->is_cut = true;
    else
        memcpy(out->target[out->targets++], name, sizeof name);
}

/* RFC 3403 section 4.1: three texts, each behind its length, and the replacement. */
static void add_naptr(const struct reader *r, struct reader data, struct dns_message *out)
{
    if (left(&data) < NAPTR_OCTETS)
        return;
    data.at += NAPTR_OCTETS;
    for (int i = 0; i < 3; i++) {
        if (left(&data) < 1 || left(&data) <= *data.at)
            return;
        data.at += 1 + *data.at;
    }
    if (left(&data) > 0)
        add_target(r, data.at, out);
}

static void add_address(const struct reader *data, struct dns_message *out)
{
    if (out->addresses == DNS_ADDRESSES_MAX) {
        out->is_cut = true;
        return;
    }
    out->address[out->addresses++] =
        left(data) == NS_INADDRSZ ? ip_from_v4(data->at) : ip_from_v6(data->at);
}

/* Additional addresses may be those of name servers. */
static void add_additional(const struct reader *r, const uint8_t *owner, const struct reader *data,
                           struct dns_message *out)
{
    char name[DNS_NAME_MAX];
    int target = out->targets > 0 && read_name(r, owner, name) ? find_target(out, name) : -1;
    if (target < 0)
        return;
    if (left(data) == NS_INADDRSZ)
        out->targets_v4 |= (uint8_t)(1U << target);
    else
        out->targets_v6 |= (uint8_t)(1U << target);
    add_address(data, out);
}

/* False: it is not there, or not whole. */
static bool read_record(struct reader *r, ns_sect section, struct dns_message *out)
{
    const uint8_t *owner = r->at;
    if (!skip_name(r) || left(r) < RECORD_OCTETS)
        return false;
    unsigned type = ns_get16(r->at), class = ns_get16(r->at + 2), len = ns_get16(r->at + 8);
    r->at += RECORD_OCTETS;
    if (left(r) < len)
        return false;
    struct reader data = {r->message, r->at, r->at + len};
    r->at += len;
    if (class != ns_c_in)
        return true;
    if (type == ns_t_srv && len > SRV_OCTETS)
        add_target(r, data.at + SRV_OCTETS, out);
    else if (type == ns_t_naptr)
        add_naptr(r, data, out);
    else if ((type != ns_t_a || len != NS_INADDRSZ) && (type != ns_t_aaaa || len != NS_IN6ADDRSZ))
        return true;
    else if (section == ns_s_an)
        add_address(&data, out);
    else
        add_additional(r, owner, &data, out);
    return true;
}

static void read_records(struct reader *r, struct dns_message *out)
{
    unsigned budget = RECORDS_MAX;
    for (ns_sect section = ns_s_an; section <= ns_s_ar; section++) {
        unsigned count = ns_get16(r->message + 4 + 2 * (size_t)section);
        for (; count > 0; count--) {
            if (budget-- == 0 || !read_record(r, section, out)) {
                out->is_cut = true;
                return;
            }
        }
    }
}

/* False: see dns_message_read. *r then stands behind the question. */
static bool read_question(struct slice payload, struct reader *r, struct dns_message *out)
{
    if (payload.len < HEADER_OCTETS)
        return false;
    struct slice head = slice_head(payload, MESSAGE_OCTETS);
    const uint8_t *message = (const uint8_t *)head.at;
    *r = (struct reader){message, message + HEADER_OCTETS, message + head.len};
    unsigned flags = ns_get16(message + 2), questions = ns_get16(message + 4);
    if (flags & FLAGS_OPCODE || questions != 1 || !read_name(r, r->at, out->name) ||
        !skip_name(r) || left(r) < QUESTION_OCTETS || ns_get16(r->at + 2) != ns_c_in)
        return false;
    out->type = type_of(ns_get16(r->at));
    r->at += QUESTION_OCTETS;
    out->id = (uint16_t)ns_get16(message);
    out->is_response = flags & FLAG_RESPONSE;
    out->is_cut = flags & FLAG_CUT;
    out->rcode = flags & FLAGS_RCODE;
    out->targets = out->targets_v4 = out->targets_v6 = out->addresses = 0;
    return true;
}

bool dns_message_read_question(struct slice payload, struct dns_message *out)
{
    struct reader r;
    return read_question(payload, &r, out);
}

bool dns_message_read(struct slice payload, struct dns_message *out)
{
    struct reader r;
    if (!read_question(payload, &r, out))
        return false;
    if (out->is_response && out->type != DNS_TYPE_OTHER)
        read_records(&r, out);
    return true;
}

const char *dns_type_name(enum dns_type type)
{
    static const char *const names[] = {[DNS_TYPE_OTHER] = "other",
                                        [DNS_TYPE_A] = "A",
                                        [DNS_TYPE_AAAA] = "AAAA",
                                        [DNS_TYPE_SRV] = "SRV",
                                        [DNS_TYPE_NAPTR] = "NAPTR"};
    return names[type];
}

const char *dns_rcode_name(uint8_t rcode)
{
    static const char *const names[] = {"NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN",
                                        "NOTIMP",  "REFUSED", "YXDOMAIN", "YXRRSET",
                                        "NXRRSET", "NOTAUTH", "NOTZONE"};
    return rcode < sizeof names / sizeof names[0] ? names[rcode] : "other";
}
