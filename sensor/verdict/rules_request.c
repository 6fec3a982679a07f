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
    bool answers_others = rules_answered_others_ns(view) != EVENT_NO_TIME;
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
 * Without rport the response goes to the port that the Via names (RFC 3261 section 18.2.2): if that
 * is not the one which the NAT gave the request, it is lost. A private Via whose port is right
 * should do no harm, nor should a private Contact or SDP, before there is an answer.
 */
static enum confidence trust_private_address(const struct view *view)
{
    const struct request_facts *request = &view->facts->request;
    if (!(request->marks & REQUEST_PRIVATE_VIA) || view->others.clients == 0)
        return CONFIDENCE_LOW;
    return request->marks & REQUEST_PORT_DIFFERS && view->others.clients >= 2 &&
                   view->pair.answered_ns == EVENT_NO_TIME
               ? CONFIDENCE_HIGH
               : CONFIDENCE_MEDIUM;
}

/* A private address in a request that came from a public one, and no rport to make up for it. */
bool rule_private_address(const struct view *view, struct cause *cause)
{
    const struct unanswered_facts *facts = view->facts;
    const struct request_facts *request = &facts->request;
    const uint32_t all = REQUEST_PRIVATE_VIA | REQUEST_PRIVATE_CONTACT | REQUEST_PRIVATE_SDP;
    char fields[32], address[IP_TEXT_MAX], expected[ENDPOINT_TEXT_MAX];
    if (!(request->marks & all) || request->asked_rport)
        return false;
    list_private_fields(request->marks, fields);
    rules_set(cause, CAUSE_PRIVATE_ADDRESS, trust_private_address(view));
    rules_say(cause->summary,
              "This INVITE to %s came from %s, but the private address %s stands in its %s, and "
              "it did not ask for rport (RFC 3581).",
              view->dst_text, view->src_text, ip_format(&request->private_ip, address), fields);
    if (request->marks & REQUEST_PORT_DIFFERS && facts->stray.expected.ip.version != 0)
        rules_go_on(cause->summary, "; a response to it goes to %s",
                    endpoint_format(&facts->stray.expected, expected));
    if (view->is_silent)
        rules_go_on(cause->summary, "; but nothing at all came from %s, for anybody", view->dst_ip);
    rules_say(cause->next_step,
              "Turn rport on at %s or force it at %s (Asterisk pjsip: force_rport=yes, Kamailio: "
              "force_rport()), and let the client write its public address (Asterisk pjsip: "
              "external_signaling_address, external_media_address; or STUN).",
              view->src_text, view->dst_text);
    if (view->is_silent)
        rules_add_sentence(cause->next_step, "But first, is %s up? Ping it.", view->dst_ip);
    return true;
}
