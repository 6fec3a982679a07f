/* What is said beside every cause: the hops and places that it was seen at, a SIP ALG, where a
 * re-INVITE went, private addresses, faults of the request, its sender's look-ups, and that this is
 * a scanner. What its destination told before: rules_told.c. */
#include "verdict/rules.h"

#include <inttypes.h>
#include <string.h>

/* Of names from the wire or the configuration, in a sentence. */
enum { NAME_SHOWN_MAX = 80, PLACE_SHOWN_MAX = 40 };

bool rules_describe_dns(const struct view *view, char text[static EVENT_SUMMARY_MAX])
{
    const struct dns_facts *dns = &view->facts->dns;
    struct slice name = slice_head(dns->name, NAME_SHOWN_MAX);
    char server[ENDPOINT_TEXT_MAX];
    if (!rules_has_dns_fault(dns))
        return false;
    if (dns->failed > 0)
        rules_say(text, "its sender's look-up of %.*s (%s) failed just before (%s)",
                  SLICE_ARGS(name), dns->type, dns->rcode ? dns->rcode : "no such name");
    else if (dns->unanswered > 0)
        rules_say(text, "its sender's look-up of %.*s (%s) got no answer from %s just before",
                  SLICE_ARGS(name), dns->type, endpoint_format(&dns->server, server));
    else if (dns->is_elsewhere)
        rules_say(text,
                  "its sender looked %.*s up just before, and this is none of the addresses "
                  "that it got",
                  SLICE_ARGS(name));
    else
        rules_say(text, "its sender's look-up of %.*s (%s) took %.1f s", SLICE_ARGS(name),
                  dns->type, (double)dns->delay_ns / 1e9);
    return true;
}

/* What may stand in a command that somebody copies: names come from the wire. */
static bool is_plain_name(struct slice name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = slice_lower_char(name.at[i]);
        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '.' && c != '-' && c != '_')
            return false;
    }
    return name.len > 0 && name.len <= NAME_SHOWN_MAX && name.at[0] != '-';
}

static void add_dns(const struct view *view, struct cause *cause)
{
    const struct dns_facts *dns = &view->facts->dns;
    char words[EVENT_SUMMARY_MAX], server[IP_TEXT_MAX];
    if (!rules_describe_dns(view, words))
        return;
    if (is_plain_name(dns->name))
        rules_add_sentence(cause->next_step, "Also, %s: dig %s %.*s @%s", words, dns->type,
                           SLICE_ARGS(dns->name), ip_format(&dns->server.ip, server));
    else
        rules_add_sentence(cause->next_step, "Also, %s.", words);
}

static void add_faults(const struct view *view, struct cause *cause)
{
    uint32_t marks = view->facts->request.marks;
    if (marks & REQUEST_NO_HOPS_LEFT)
        rules_add_sentence(cause->next_step,
                           "It had no hop left (Max-Forwards: 0): look for a loop before %s.",
                           view->src_text);
    if (marks & REQUEST_TRUNCATED)
        rules_add_sentence(
            cause->next_step,
            "Its datagram ends before the message does (no blank line, or less than its "
            "Content-Length), so a server answers 400 or drops it (RFC 3261 7, 18.3): does %s, or "
            "a SIP ALG behind it, cut it?",
            view->src_text);
    if (marks & REQUEST_MALFORMED)
        rules_add_sentence(cause->next_step,
                           "It is not well formed (a URI, a quote, a header twice), which some "
                           "servers drop without a word: look at it in %s.",
                           view->src_text);
}

/*
 * A re-INVITE goes where the other side said, which need not be where that one can be reached; or a
 * proxy stood in the way before and took no part in the dialog (RFC 3261 section 16.6, step 4).
 */
static void add_far_end(const struct view *view, struct cause *cause)
{
    const struct endpoint *far_end = &view->facts->far_end;
    char text[ENDPOINT_TEXT_MAX];
    if (far_end->ip.version == 0)
        return;
    endpoint_format(far_end, text);
    if (ip_is_private(&view->facts->dst.endpoint.ip) && !ip_is_private(&far_end->ip))
        rules_add_sentence(
            cause->next_step,
            "This re-INVITE went to the private Contact that the far end gave, %s, but the call "
            "was set up with %s: let the far end write the address that it is reached at, or heed "
            "where it sends from (Asterisk pjsip: rewrite_contact=yes, Kamailio: "
            "fix_nated_contact()).",
            view->dst_ip, text);
    else
        rules_add_sentence(
            cause->next_step,
            "This re-INVITE went to the Contact that the far end gave, %s, but the call was set up "
            "with %s: that is a proxy without Record-Route (Kamailio: record_route()), so that "
            "%s has to be reached from %s, or the Contact is wrong.",
            view->dst_ip, text, view->dst_ip, view->src_ip);
}

static const char *describe_place(const struct event_place *place, char *text)
{
    if (place->vlan != EVENT_NO_VLAN)
        rules_say(text, "%.*s (VLAN %u)", PLACE_SHOWN_MAX, place->interface, place->vlan);
    else
        rules_say(text, "%.*s", PLACE_SHOWN_MAX, place->interface);
    return text;
}

static void add_hops(const struct view *view, struct cause *cause)
{
    const struct hop_facts *hop = &view->facts->hop;
    char src[ENDPOINT_TEXT_MAX], dst[ENDPOINT_TEXT_MAX], place[EVENT_SUMMARY_MAX];
    if (view->is_passed_on) {
        rules_go_on(cause->summary, "; it was seen last on %s -> %s",
                    endpoint_format(&hop->last_src, src), endpoint_format(&hop->last_dst, dst));
        if (hop->last_status > 0)
            rules_go_on(cause->summary, ", where %u came back", hop->last_status);
    }
    if (hop->answered_again)
        rules_go_on(cause->summary, "; the same call was answered there when it was sent anew");
    if (hop->others_passed_on > 0)
        rules_go_on(cause->summary,
                    "; %s passed %" PRIu64 " INVITE%s of others on, but not this one",
                    endpoint_format(&hop->last_dst, dst), hop->others_passed_on,
                    hop->others_passed_on == 1 ? "" : "s");
    if (!hop->missing.interface)
        return;
    if (hop->seen_count > 0)
        rules_go_on(cause->summary, "; it was seen at %s", describe_place(&hop->seen[0], place));
    rules_go_on(cause->summary, ", never at %s, where others pass",
                describe_place(&hop->missing, place));
}

static bool says_alg_off(const struct cause *cause)
{
    return strstr(cause->next_step, RULES_ALG_OFF) != NULL;
}

/* Something between two places where it was seen took rport out of its Via. */
static void add_alg_rport(const struct view *view, struct cause *cause)
{
    const struct request_facts *request = &view->facts->request;
    const struct endpoint *src = &view->facts->src.endpoint, *dst = &view->facts->dst.endpoint;
    char had[2][ENDPOINT_TEXT_MAX], lacks[2][ENDPOINT_TEXT_MAX];
    if (!(request->marks & REQUEST_ALG_RPORT))
        return;
    if (endpoint_eq(&request->bare_src, src) && endpoint_eq(&request->bare_dst, dst))
        rules_add_sentence(cause->next_step,
                           "Its Via had rport where it was seen first, and no more where it was "
                           "seen next: something between took it out, so that responses go to the "
                           "port in the Via.");
    else
        rules_add_sentence(
            cause->next_step,
            "Its Via had rport on %s -> %s, and no more on %s -> %s: something between took it "
            "out, so that responses go to the port in the Via.",
            endpoint_format(src, had[0]), endpoint_format(dst, had[1]),
            endpoint_format(&request->bare_src, lacks[0]),
            endpoint_format(&request->bare_dst, lacks[1]));
    if (!says_alg_off(cause))
        rules_add_sentence(cause->next_step, "That is what a SIP ALG does: " RULES_ALG_OFF ".");
}

static void add_alg(const struct view *view, struct cause *cause)
{
    if (view->alg_traits >= RULES_ALG_TRAITS_MIN && !says_alg_off(cause))
        rules_add_sentence(cause->next_step,
                           "The request shows %u traits of a SIP ALG: " RULES_ALG_OFF ".",
                           view->alg_traits);
    add_alg_rport(view, cause);
}

/* It does no harm before there is an answer, but then it will. */
static void add_private_content(const struct view *view, struct cause *cause)
{
    const struct request_facts *request = &view->facts->request;
    const uint32_t content = REQUEST_PRIVATE_CONTACT | REQUEST_PRIVATE_SDP;
    char address[IP_TEXT_MAX];
    if (cause->code > CAUSE_PRIVATE_ADDRESS && request->marks & content && !request->asked_rport)
        rules_add_sentence(cause->next_step,
                           "The private address %s in its Contact or SDP is hardly the reason, but "
                           "may cost audio or later requests once it is answered.",
                           ip_format(&request->private_ip, address));
}

/* Nobody is to be called for a scanner, whatever is done to it. */
static void add_scanner(const struct view *view, struct cause *cause)
{
    struct slice scanner = slice_head(view->facts->scanner, NAME_SHOWN_MAX);
    if (scanner.len == 0)
        return;
    rules_go_on(cause->summary, "; a scanner sent it (%.*s)", SLICE_ARGS(scanner));
    rules_say(cause->next_step,
              "Nobody has to answer a scanner: block %s at the firewall (fail2ban), and see that "
              "none of its requests was accepted.",
              view->src_ip);
}

void rules_add_hints(const struct view *view, struct cause *cause)
{
    rules_add_told(view, cause);
    if (cause->code != CAUSE_MIRROR_ONE_WAY) {
        add_alg(view, cause);
        add_far_end(view, cause);
        add_private_content(view, cause);
        add_faults(view, cause);
        add_dns(view, cause);
    }
    add_hops(view, cause);
    add_scanner(view, cause);
}
