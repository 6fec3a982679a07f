#include <strings.h>

#include "scenario_line.h"

/*
 * One DNS message over UDP: RFC 1035 section 4, SRV by RFC 2782, NAPTR by RFC 3403. The server is
 * the one that is asked, or responds, and its port is 53.
 */

enum {
    DNS_PORT = 53,
    ASKING_PORT = 40053,
    LABEL_MAX = 63,
    CLASS_IN = 1,
    TIME_TO_LIVE_S = 300,
    QUESTION_AT = 12, /* where its name begins */
    POINTER = 0xc000,
    FLAG_RESPONSE = 0x8000,
    FLAG_CUT = 0x0200,
    FLAGS_RECURSION = 0x0100,
    FLAG_AVAILABLE = 0x0080,
};

enum record {
    RECORD_A = 1,
    RECORD_CNAME = 5,
    RECORD_AAAA = 28,
    RECORD_SRV = 33,
    RECORD_NAPTR = 35
};

struct word {
    const char *name;
    int64_t value;
};

static int64_t find_word(const struct line *l, const char *key, const char *name,
                         const struct word *words, unsigned count)
{
    int64_t value;
    for (unsigned i = 0; i < count; i++)
        if (strcasecmp(words[i].name, name) == 0)
            return words[i].value;
    if (text_to_int(name, UINT16_MAX, &value))
        scenario_fail(l->s, "%s=%s: neither a name that is known here nor a number", key, name);
    return value;
}

static unsigned type_of(const struct line *l, const char *name)
{
    static const struct word types[] = {{"a", RECORD_A},
                                        {"aaaa", RECORD_AAAA},
                                        {"srv", RECORD_SRV},
                                        {"naptr", RECORD_NAPTR},
                                        {"cname", RECORD_CNAME},
                                        {"txt", 16},
                                        {"ptr", 12}};
    return (unsigned)find_word(l, "type", name, types, sizeof types / sizeof types[0]);
}

static unsigned rcode_of(const struct line *l)
{
    static const struct word rcodes[] = {{"noerror", 0},  {"formerr", 1}, {"servfail", 2},
                                         {"nxdomain", 3}, {"notimp", 4},  {"refused", 5}};
    if (!l->spec->rcode)
        return 0;
    return 15 & (unsigned)find_word(l, "rcode", l->spec->rcode, rcodes,
                                    sizeof rcodes / sizeof rcodes[0]);
}

/* Not compressed. */
static void put_name(const struct line *l, struct text *out, const char *name)
{
    for (const char *at = name; *at;) {
        size_t len = strcspn(at, ".");
        if (len == 0 || len > LABEL_MAX)
            scenario_fail(l->s, "%s: not a domain name", name);
        text_put(out, &(uint8_t){(uint8_t)len}, 1);
        text_put(out, at, len);
        at += len + (at[len] == '.');
    }
    text_put(out, "", 1);
}

static void put_text(struct text *out, const char *octets)
{
    text_put(out, &(uint8_t){(uint8_t)strlen(octets)}, 1);
    text_put(out, octets, strlen(octets));
}

/* "sip1.example.com:5062", the port 5060 if it has none. */
static void put_srv(const struct line *l, struct text *out, const char *value)
{
    char target[256];
    size_t len = strcspn(value, ":");
    int64_t port = 5060;
    snprintf(target, sizeof target, "%.*s", (int)len, value);
    if (value[len] == ':' && text_to_int(value + len + 1, UINT16_MAX, &port))
        scenario_fail(l->s, "answer=%s: not NAME:PORT", value);
    text_put_u16(out, 10); /* priority */
    text_put_u16(out, 100);
    text_put_u16(out, (unsigned)port);
    put_name(l, out, target);
}

static void put_address(const struct line *l, struct text *out, const char *value, unsigned type)
{
    struct ip_addr ip;
    if (!ip_parse(slice_str(value), &ip) || ip.version != (type == RECORD_A ? 4 : 6))
        scenario_fail(l->s, "%s: not an address of that family", value);
    text_put(out, ip.octets, type == RECORD_A ? 4 : 16);
}

static void put_naptr(const struct line *l, struct text *out, const char *replacement)
{
    text_put_u16(out, 10); /* order */
    text_put_u16(out, 50);
    put_text(out, "s");
    put_text(out, strstr(replacement, "_tcp") ? "SIP+D2T" : "SIP+D2U");
    put_text(out, "");
    put_name(l, out, replacement);
}

/* owner NULL: the question's name, as a pointer to it. */
static void put_record(const struct line *l, struct text *out, const char *owner, unsigned type,
                       const char *value)
{
    struct text data = {0};
    text_put(&data, "", 0);
    if (type == RECORD_A || type == RECORD_AAAA)
        put_address(l, &data, value, type);
    else if (type == RECORD_SRV)
        put_srv(l, &data, value);
    else if (type == RECORD_NAPTR)
        put_naptr(l, &data, value);
    else if (type == RECORD_CNAME)
        put_name(l, &data, value);
    else
        put_text(&data, value);
    if (owner)
        put_name(l, out, owner);
    else
        text_put_u16(out, POINTER | QUESTION_AT);
    text_put_u16(out, type);
    text_put_u16(out, CLASS_IN);
    text_put_u32(out, TIME_TO_LIVE_S);
    text_put_u16(out, (unsigned)data.len);
    text_put(out, data.at, data.len);
    text_fini(&data);
}

/* Takes VALUE off "VALUE,VALUE,...". */
static bool next_value(const char **list, char value[static 256])
{
    size_t len = *list ? strcspn(*list, ",") : 0;
    if (len == 0)
        return false;
    snprintf(value, 256, "%.*s", (int)len, *list);
    *list += len + ((*list)[len] == ',');
    return true;
}

static unsigned put_answers(const struct line *l, struct text *out, unsigned type)
{
    unsigned records = 0;
    char value[256];
    const char *owner = l->spec->cname;
    if (owner) {
        put_record(l, out, NULL, RECORD_CNAME, owner);
        records++;
    }
    for (const char *list = l->spec->answer; next_value(&list, value); records++)
        put_record(l, out, owner, type, value);
    return records;
}

/* "sip1.example.com=192.0.2.7,...". */
static unsigned put_additional(const struct line *l, struct text *out)
{
    unsigned records = 0;
    char value[256];
    for (const char *list = l->spec->also; next_value(&list, value); records++) {
        char *address = strchr(value, '=');
        if (!address)
            scenario_fail(l->s, "also=%s: not NAME=ADDR,...", l->spec->also);
        *address++ = '\0';
        put_record(l, out, value, strchr(address, ':') ? RECORD_AAAA : RECORD_A, address);
    }
    return records;
}

static void set_ports(struct line *l)
{
    const struct spec *spec = l->spec;
    if (spec->src_port < 0)
        l->frame.src.port = spec->response ? DNS_PORT : ASKING_PORT;
    if (spec->dst_port < 0)
        l->frame.dst.port = spec->response ? ASKING_PORT : DNS_PORT;
}

void dns_add(struct line *l, bool ladder)
{
    const struct spec *spec = l->spec;
    struct text answers = {0}, additional = {0}, bytes = {0};
    if (!spec->ask)
        scenario_fail(l->s, "dns: ask=NAME is missing");
    if (!spec->response && (spec->rcode || spec->answer || spec->also || spec->cname || spec->cut))
        scenario_fail(l->s, "dns: rcode, answer, also, cname and cut are a response's");
    unsigned type = type_of(l, spec->type ? spec->type : "a");
    unsigned flags = FLAGS_RECURSION | rcode_of(l);
    if (spec->response)
        flags |= FLAG_RESPONSE | FLAG_AVAILABLE | (spec->cut ? FLAG_CUT : 0);
    text_put(&answers, "", 0);
    text_put(&additional, "", 0);
    text_put_u16(&bytes, (unsigned)or_else(spec->id, 1) & UINT16_MAX);
    text_put_u16(&bytes, flags);
    text_put_u16(&bytes, 1);
    text_put_u16(&bytes, put_answers(l, &answers, type));
    text_put_u16(&bytes, 0);
    text_put_u16(&bytes, put_additional(l, &additional));
    put_name(l, &bytes, spec->ask);
    text_put_u16(&bytes, type);
    text_put_u16(&bytes, CLASS_IN);
    text_put(&bytes, answers.at, answers.len);
    text_put(&bytes, additional.at, additional.len);
    set_ports(l);
    payload_put_udp(l, ladder, &bytes);
    text_fini(&answers);
    text_fini(&additional);
    text_fini(&bytes);
}
