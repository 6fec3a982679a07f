/* What is wrong with the request itself, on the way or in its text. */
#include "verdict/rules.h"

#include <string.h>

/* Of each sending a fragment is missing: at the sensor, so before it, or in the mirror. Where whole
 * ones passed and were not answered either, it is something else. */
bool rule_fragment_lost(const struct view *view, struct cause *cause)
{
    const struct unanswered_facts *facts = view->facts;
    if (facts->fragments_lost == 0 || facts->fragments_lost < facts->transmissions ||
        view->is_passed_on)
        return false;
    bool answers_others = view->others.clients > 0;
    rules_set(cause, CAUSE_FRAGMENT_LOST,
              facts->fragments_lost < 2                 ? CONFIDENCE_LOW
              : view->has_long_ladder && answers_others ? CONFIDENCE_HIGH
                                                        : CONFIDENCE_MEDIUM);
    rules_say(cause->summary,
              "This INVITE to %s was sent %s%s in fragments, of which one or more never passed%s.",
              view->dst_text, view->times_text, facts->transmissions > 1 ? ", each time" : "",
              answers_others ? "; what others sent there was answered meanwhile" : "");
    rules_say(cause->next_step,
              "Capture on both sides of each firewall, NAT and tunnel between %s and the sensor "
              "(tcpdump -ni any '%s and host %s'): who drops fragments? Let them pass, send "
              "smaller INVITEs (fewer codecs), or use TCP.",
              view->src_text,
              facts->dst.endpoint.ip.version == 6 ? "ip6[6] = 44" : "ip[6:2] & 0x3fff != 0",
              view->dst_ip);
    return true;
}

/* "Via and SDP": where the private address stands. */
static void list_private_fields(uint32_t marks, char text[static 32])
{
    static const struct {
        uint32_t mark;
        const char *name;
    } fields[] = {{REQUEST_PRIVATE_VIA, "Via"},
                  {REQUEST_PRIVATE_CONTACT, "Contact"},
                  {REQUEST_PRIVATE_SDP, "SDP"}};
    text[0] = '\0';
    size_t len = 0;
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        if (!(marks & fields[i].mark))
            continue;
        const char *parts[] = {len > 0 ? " and " : "", fields[i].name};
        for (size_t k = 0; k < 2; k++) {
            memcpy(text + len, parts[k], strlen(parts[k]) + 1);
            len += strlen(parts[k]);
        }
    }
}

/*
 * Without rport the response goes to the port that the Via names (RFC 3261 section 18.2.2), or,
 * from who does not heed the source, to the private address itself. One that left would mostly have
 * been seen, as those to others are, so this is never sure. A private Contact or SDP should do no
 * harm before there is an answer.
 */
static enum confidence trust_private_address(const struct view *view)
{
    return view->facts->request.marks & REQUEST_PRIVATE_VIA && view->others.clients > 0
               ? CONFIDENCE_MEDIUM
               : CONFIDENCE_LOW;
}

/* What stands in Contact and SDP alone is no reason for who says nothing to anybody, and what a
 * proxy relays is not its own. */
static bool may_private_address_matter(const struct view *view)
{
    const struct request_facts *request = &view->facts->request;
    const uint32_t content = REQUEST_PRIVATE_CONTACT | REQUEST_PRIVATE_SDP;
    if (request->asked_rport)
        return false;
    return request->marks & REQUEST_PRIVATE_VIA ||
           (request->marks & content && !view->is_silent && !request->is_relayed);
}

/* A private address in a request that came from a public one, and no rport to make up for it. */
bool rule_private_address(const struct view *view, struct cause *cause)
{
    const struct unanswered_facts *facts = view->facts;
    const struct request_facts *request = &facts->request;
    char fields[32], address[IP_TEXT_MAX], expected[ENDPOINT_TEXT_MAX];
    if (!may_private_address_matter(view))
        return false;
    list_private_fields(request->marks, fields);
    rules_set(cause, CAUSE_PRIVATE_ADDRESS, trust_private_address(view));
    rules_say(cause->summary,
              "This INVITE to %s came from %s, but the private address %s stands in its %s, and "
              "it did not ask for rport (RFC 3581).",
              view->dst_text, view->src_text, ip_format(&request->private_ip, address), fields);
    if (request->marks & REQUEST_PORT_DIFFERS && facts->stray.expected.ip.version != 0)
        rules_go_on(cause->summary, "; a response to it would go to %s",
                    endpoint_format(&facts->stray.expected, expected));
    if (view->is_silent)
        rules_go_on(cause->summary, "; but nothing at all came from %s, for anybody", view->dst_ip);
    else if (view->others.clients > 0)
        rules_go_on(cause->summary,
                    "; but no response to it was seen at all, while those to others were");
    rules_say(cause->next_step,
              "Turn rport on at %s or force it at %s (Asterisk pjsip: force_rport=yes, Kamailio: "
              "force_rport()), and let the client write its public address (Asterisk pjsip: "
              "external_signaling_address, external_media_address; or STUN).",
              view->src_text, view->dst_text);
    if (view->is_silent)
        rules_add_sentence(cause->next_step, "But first, is %s up? Ping it.", view->dst_ip);
    else if (view->others.clients > 0)
        rules_add_sentence(cause->next_step,
                           "Look for a ban of %s on %s, too (access list, fail2ban).", view->src_ip,
                           view->dst_ip);
    return true;
}
