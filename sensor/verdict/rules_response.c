/* There was a response, and its client did not get it (all), or did not know it for its own. */
#include "verdict/rules.h"

/*
 * Responses go elsewhere than the request came from, and it matters. Without rport a client may
 * listen on the port of its Via and send from another one (RFC 3261 section 18.2.2): that it did
 * not get the response shows when it goes on repeating the request.
 */
static bool is_misdirected(const struct unanswered_facts *facts)
{
    const struct stray_facts *stray = &facts->stray;
    return stray->count > 0 && (!ip_eq(&stray->dst.ip, &facts->src.endpoint.ip) ||
                                facts->request.asked_rport || facts->transmissions > 1);
}

static void say_from(const struct view *view, const struct endpoint *src, struct cause *cause)
{
    char text[ENDPOINT_TEXT_MAX];
    if (src->ip.version != 0 && !endpoint_eq(src, &view->facts->dst.endpoint))
        rules_go_on(cause->summary, "; it came from %s, not from where the request went",
                    endpoint_format(src, text));
}

/* What its own text shows of who had it before. */
static void say_marks(const struct view *view, struct cause *cause)
{
    const struct response_facts *response = &view->facts->response;
    char contact[IP_TEXT_MAX];
    const char *lacks = response->marks & RESPONSE_NO_RPORT      ? "rport, which was asked for"
                        : response->marks & RESPONSE_NO_RECEIVED ? "received"
                                                                 : NULL;
    if (lacks)
        rules_go_on(cause->summary, "; its Via lacks %s", lacks);
    if (response->marks & RESPONSE_CONTACT)
        rules_go_on(cause->summary, "; its Contact names %s, not the address that it came from",
                    ip_format(&response->contact.ip, contact));
}

/* It went where the standards send it, and its client is not there. */
static void explain_as_asked(const struct view *view, struct cause *cause)
{
    bool asked_rport = view->facts->request.asked_rport;
    rules_go_on(cause->summary, "; that is where RFC 3261 18.2.2 sends it%s",
                asked_rport
                    ? ", by the Via of the request"
                    : ": to the port in its Via, since it did not ask for rport (RFC 3581)");
    if (asked_rport)
        rules_say(
            cause->next_step,
            "Look at the Via of the request (sngrep): does a maddr, a NAT or a SIP ALG before "
            "%s put something there that is not true? An ALG: " RULES_ALG_OFF ".",
            view->src_text);
    else
        rules_say(cause->next_step,
                  "Let responses follow the request: turn rport on at %s, or force it at %s "
                  "(Asterisk pjsip: force_rport=yes, chan_sip: nat=force_rport; Kamailio: "
                  "force_rport()). If a SIP ALG between them took rport away, " RULES_ALG_OFF ".",
                  view->src_text, view->dst_text);
}

/* It went elsewhere than the standards send it. */
static void explain_astray(const struct view *view, struct cause *cause)
{
    const struct endpoint *expected = &view->facts->stray.expected;
    char text[ENDPOINT_TEXT_MAX];
    if (expected->ip.version != 0)
        rules_go_on(cause->summary, "; by RFC 3261 18.2.2 and RFC 3581 it should have gone to %s",
                    endpoint_format(expected, text));
    rules_say(cause->next_step,
              "It is %s that sends it there, or a SIP ALG or NAT behind it: does it heed rport and "
              "received, and answer from the address that it was asked at (Asterisk pjsip: "
              "force_rport=yes, Kamailio: force_rport())? Compare the Via on both sides; an "
              "ALG: " RULES_ALG_OFF ".",
              view->dst_text);
}

bool rule_misdirected(const struct view *view, struct cause *cause)
{
    const struct stray_facts *stray = &view->facts->stray;
    char went_to[ENDPOINT_TEXT_MAX];
    if (!is_misdirected(view->facts))
        return false;
    rules_set(cause, CAUSE_RESPONSE_MISDIRECTED, CONFIDENCE_HIGH);
    rules_say(
        cause->summary, "%s answered with %u, but to %s, not to %s where the request came from.",
        view->dst_text, stray->last_status, endpoint_format(&stray->dst, went_to), view->src_text);
    if (endpoint_eq(&stray->dst, &stray->expected))
        explain_as_asked(view, cause);
    else
        explain_astray(view, cause);
    say_from(view, &stray->src, cause);
    say_marks(view, cause);
    return true;
}

/* What of a response was rewritten. */
static const char *const mangled_words[MANGLED_COUNT] = {
    [MANGLED_VIA] = "Via",
    [MANGLED_CALL_ID] = "Call-ID",
};

bool rule_mangled(const struct view *view, struct cause *cause)
{
    const struct mangled_facts *mangled = &view->facts->mangled;
    if (mangled->count == 0)
        return false;
    const char *what = mangled_words[mangled->what];
    rules_set(cause, CAUSE_RESPONSE_MANGLED, CONFIDENCE_HIGH);
    rules_say(cause->summary,
              "%s answered with %u, but the %s of the response is not that of the request, so %s "
              "cannot take it for its own.",
              view->dst_text, mangled->last_status, what, view->src_text);
    say_from(view, &mangled->src, cause);
    say_marks(view, cause);
    rules_say(cause->next_step,
              "Something between the two rewrites SIP, mostly the SIP ALG of a router or "
              "firewall: " RULES_ALG_OFF
              ", and compare the %s of request and response on both sides of it (sngrep).",
              what);
    return true;
}

static void say_fragments_lost(const struct view *view, struct cause *cause)
{
    rules_go_on(cause->summary, "; fragments of its response never passed");
    rules_say(
        cause->next_step,
        "Capture on both sides of each firewall, NAT and tunnel between %s and %s (tcpdump -ni "
        "any '%s and host %s'): who drops fragments? Let them pass, let %s send smaller "
        "responses (fewer codecs), or use TCP.",
        view->dst_text, view->src_text,
        view->facts->dst.endpoint.ip.version == 6 ? "ip6[6] = 44" : "ip[6:2] & 0x3fff != 0",
        view->dst_ip, view->dst_ip);
}

static void say_truncated(const struct view *view, struct cause *cause)
{
    rules_go_on(cause->summary, "; the body of its response is shorter than its Content-Length "
                                "says, so that RFC 3261 18.3 has its client discard it");
    rules_say(cause->next_step,
              "Compare the response on both sides of each router and firewall between %s and %s "
              "(sngrep): a SIP ALG may have changed or cut its body: " RULES_ALG_OFF
              ". If it leaves like that, it is %s that is to be set right.",
              view->dst_text, view->src_text, view->dst_ip);
}

/*
 * It did answer, so it is neither silent nor selective; but only parts of its responses were seen,
 * and the client went on. That the parts were lost on the way, and not by the mirror, shows by that
 * alone.
 */
bool rule_partial(const struct view *view, struct cause *cause)
{
    const struct unanswered_facts *facts = view->facts;
    const struct partial_facts *partial = &facts->partial;
    if (partial->count == 0)
        return false;
    bool is_sure =
        view->has_long_ladder && !facts->mirror_lost_packets && !facts->mirror_is_disordered;
    rules_set(cause, CAUSE_UNKNOWN, is_sure ? CONFIDENCE_MEDIUM : CONFIDENCE_LOW);
    rules_say(cause->summary, "%s answered with %u, but %s went on sending this INVITE (%s).",
              view->dst_text, partial->last_status, view->src_text, view->times_text);
    if (partial->what == PARTIAL_TRUNCATED)
        say_truncated(view, cause);
    else
        say_fragments_lost(view, cause);
    say_from(view, &partial->src, cause);
    return true;
}
