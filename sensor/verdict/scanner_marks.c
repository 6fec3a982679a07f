#include "verdict/scanner_marks.h"

/*
 * User-Agents, by how they begin. Scanners that pass for telephones of well-known makers are not
 * told from these by a name. What honest people use too counts only of a source that was never
 * accepted.
 */
static const struct agent {
    struct slice name;
    bool is_certain;
} agents[] = {
#define CERTAIN(text)                                                                              \
    {                                                                                              \
        {text, sizeof text - 1}, true                                                              \
    }
#define POSSIBLE(text)                                                                             \
    {                                                                                              \
        {text, sizeof text - 1}, false                                                             \
    }
    CERTAIN("friendly-scanner"),
    CERTAIN("friendly-request"),
    CERTAIN("sipvicious"),
    CERTAIN("sip-scan"),
    CERTAIN("sundayddr"),
    CERTAIN("iWar"),
    CERTAIN("pplsip"),
    CERTAIN("Gulp"),
    CERTAIN("smap"),
    CERTAIN("sipcli"),
    POSSIBLE("sipsak"),
    POSSIBLE("VaxSIPUserAgent"),
    POSSIBLE("SIP Call"),
#undef CERTAIN
#undef POSSIBLE
};

/* What sipvicious writes, whatever User-Agent it was told to give. */
#define FROM_NAME SLICE("\"sipvicious\"")
#define FROM_URI  SLICE("sip:100@1.1.1.1")

enum {
    TAG_OCTETS_MAX = 64,    /* of a tag that is looked into */
    TAG_ADDRESS_DIGITS = 12 /* an IPv4 address and a port */
};

struct slice scanner_user(struct slice uri)
{
    struct slice rest = slice_skip(uri, slice_find(uri, ':') + 1);
    size_t user_len = rest.len;
    for (size_t i = 0; i < rest.len; i++) {
        char c = rest.at[i];
        if (c == '@')
            return slice_head(rest, user_len < i ? user_len : i);
        if ((c == ';' || c == ':') && user_len == rest.len)
            user_len = i; /* parameters or a password */
    }
    return slice_istarts(uri, SLICE("tel:")) ? slice_head(rest, user_len) : SLICE_NONE;
}

static bool is_alphanumeric(char c)
{
    char lower = slice_lower_char(c);
    return (c >= '0' && c <= '9') || (lower >= 'a' && lower <= 'z');
}

static struct scanner_mark mark_of_agent(struct slice user_agent)
{
    char first = user_agent.len > 0 ? slice_lower_char(user_agent.at[0]) : 0;
    for (size_t i = 0; i < sizeof agents / sizeof agents[0]; i++) {
        struct slice name = agents[i].name;
        if (slice_lower_char(name.at[0]) == first && slice_istarts(user_agent, name) &&
            (user_agent.len == name.len || !is_alphanumeric(user_agent.at[name.len])))
            return (struct scanner_mark){name, agents[i].is_certain};
    }
    return (struct scanner_mark){SLICE_NONE, false};
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = slice_lower_char(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/*
 * sipvicious's From tags are in hex what it wants to be told again by the response (the target's
 * address and port, or the user it tries), an octet of 1, and random decimal digits. Empty where
 * the tag is none.
 */
static struct slice open_tag(struct slice tag, char buf[static TAG_OCTETS_MAX])
{
    size_t len = tag.len / 2, secret_len = 0;
    if (tag.len % 2 != 0 || len > TAG_OCTETS_MAX)
        return SLICE_NONE;
    for (size_t i = 0; i < len; i++) {
        int high = hex_digit(tag.at[2 * i]), low = hex_digit(tag.at[2 * i + 1]);
        if (high < 0 || low < 0)
            return SLICE_NONE;
        buf[i] = (char)(high << 4 | low);
    }
    while (secret_len < len && buf[secret_len] != 1)
        secret_len++;
    if (secret_len + 1 >= len)
        return SLICE_NONE;
    for (size_t i = secret_len + 1; i < len; i++)
        if (buf[i] < '0' || buf[i] > '9')
            return SLICE_NONE;
    return slice_of(buf, secret_len);
}

/* Is it this endpoint's IPv4 address and port, in hex? */
static bool is_address(struct slice digits, const struct endpoint *who)
{
    const uint8_t *ip = who->ip.octets;
    const uint8_t octets[] = {
        ip[0], ip[1], ip[2], ip[3], (uint8_t)(who->port >> 8), (uint8_t)who->port};
    if (digits.len != TAG_ADDRESS_DIGITS || who->ip.version != 4)
        return false;
    for (size_t i = 0; i < sizeof octets; i++)
        if (hex_digit(digits.at[2 * i]) != octets[i] >> 4 ||
            hex_digit(digits.at[2 * i + 1]) != (octets[i] & 15))
            return false;
    return true;
}

/* Is it this user, or the user and a password? */
static bool is_user(struct slice secret, struct slice user)
{
    return user.len > 0 && slice_starts(secret, user) &&
           (secret.len == user.len || secret.at[user.len] == ':');
}

static bool is_tag_of_sipvicious(const struct scanner_request *request)
{
    char buf[TAG_OCTETS_MAX];
    struct slice secret = open_tag(request->from_tag, buf);
    return secret.len > 0 &&
           (is_address(secret, &request->dst) || is_user(secret, scanner_user(request->from_uri)) ||
            is_user(secret, scanner_user(request->request_uri)));
}

struct scanner_mark scanner_mark_read(const struct scanner_request *request)
{
    struct scanner_mark mark = mark_of_agent(request->user_agent);
    if (mark.is_certain)
        return mark;
    if (slice_istarts(request->from, FROM_NAME) || slice_ieq(request->from_uri, FROM_URI))
        return (struct scanner_mark){SLICE("sipvicious (From)"), true};
    if (is_tag_of_sipvicious(request))
        return (struct scanner_mark){SLICE("sipvicious (From tag)"), true};
    return mark;
}
