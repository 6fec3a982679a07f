/* What the destination told its clients before, said beside a cause that it may explain: to send
 * less, to come back later, to log in; and how often it answered only what was sent again. */
#include "verdict/rules.h"

#include <inttypes.h>

/* A share of fewer is no figure. */
enum { SENDINGS_MIN = 30, SENDINGS_OF_REST_MIN = 10 };
/* One who is challenged so often, and never let in, has the wrong password. */
enum { CHALLENGES_MANY = 3 };
/* Bans last for minutes or hours. */
#define CHALLENGED_LATELY_NS INT64_C(3600000000000)

bool rules_has_losses(const struct view *view)
{
    return view->told.invites >= SENDINGS_MIN && view->told.invites_repeated_of_rest > 0;
}

bool rules_is_mostly_lost(const struct view *view)
{
    const struct peers_told *told = &view->told;
    return rules_has_losses(view) && told->invites_repeated * 2 >= told->invites &&
           told->invites_of_rest >= SENDINGS_OF_REST_MIN &&
           told->invites_repeated_of_rest * 2 >= told->invites_of_rest;
}

bool rules_was_challenged(const struct view *view)
{
    const struct pair_view *pair = &view->pair;
    int64_t sent_ns = view->facts->first_sent_ns;
    return pair->challenges >= CHALLENGES_MANY && pair->answered_ns < sent_ns &&
           pair->challenged_ns < sent_ns &&
           (uint64_t)sent_ns - (uint64_t)pair->challenged_ns <= CHALLENGED_LATELY_NS;
}

bool rules_is_explained(const struct view *view)
{
    return view->told.retry_after_s > 0 || rules_was_challenged(view) || rules_is_mostly_lost(view);
}

/* Those that name the destination's own doing can tell of it in the summary. */
static bool is_in_summary(const struct cause *cause)
{
    return cause->code == CAUSE_DESTINATION_OVERLOADED ||
           cause->code == CAUSE_DESTINATION_SELECTIVE;
}

static void say_control(const struct view *view, struct cause *cause)
{
    const struct peers_told *told = &view->told;
    char span[RULES_SPAN_TEXT_MAX], client[IP_TEXT_MAX];
    if (told->shed_percent == 0)
        return;
    const char *whom = ip_eq(&told->shed_client, &view->facts->src.endpoint.ip)
                           ? "this caller"
                           : ip_format(&told->shed_client, client);
    rules_format_span(view->facts->gave_up_ns - told->shed_ns, span);
    if (cause->code == CAUSE_DESTINATION_OVERLOADED)
        rules_go_on(cause->summary,
                    "; %s before the end it asked %s for %u%% less (overload control, RFC 7339)",
                    span, whom, told->shed_percent);
    else
        rules_add_sentence(cause->next_step,
                           "%s before it was given up %s asked %s to leave out %u%% of its "
                           "requests (oc in Via, RFC 7339): look at its load.",
                           span, view->dst_text, whom, told->shed_percent);
}

static void say_retry_after(const struct view *view, struct cause *cause)
{
    const struct peers_told *told = &view->told;
    char span[RULES_SPAN_TEXT_MAX];
    if (told->retry_after_s == 0)
        return;
    rules_format_span(view->facts->first_sent_ns - told->retry_after_ns, span);
    if (is_in_summary(cause))
        rules_go_on(cause->summary,
                    "; %s before it had turned this very caller away for %" PRIu32
                    " s (503, Retry-After)",
                    span, told->retry_after_s);
    rules_add_sentence(cause->next_step,
                       "Let %s heed Retry-After (RFC 3261 21.5.4): it called again %s after a 503 "
                       "that asked for %" PRIu32 " s.",
                       view->src_text, span, told->retry_after_s);
}

static void say_challenged(const struct view *view, struct cause *cause)
{
    const struct pair_view *pair = &view->pair;
    char span[RULES_SPAN_TEXT_MAX];
    /* What is silent to everybody has banned nobody. */
    if (!rules_was_challenged(view) ||
        (cause->code == CAUSE_DESTINATION_SILENT && rules_left_others(view)))
        return;
    rules_format_span(view->facts->first_sent_ns - pair->challenged_ns, span);
    if (is_in_summary(cause))
        rules_go_on(cause->summary,
                    "; it had challenged this caller's credentials %u times, the last %s before, "
                    "and accepted none of them",
                    pair->challenges, span);
    rules_add_sentence(
        cause->next_step,
        "A ban after failed log-ins is likely (%u with credentials, none passed): lift it "
        "(fail2ban-client unban %s), then set user and password of %s right.",
        pair->challenges, view->src_ip, view->src_text);
}

static void say_losses(const struct view *view, struct cause *cause)
{
    const struct peers_told *told = &view->told;
    if (!rules_is_mostly_lost(view))
        return;
    if (is_in_summary(cause))
        rules_go_on(cause->summary,
                    "; of the last %" PRIu64 " INVITEs of all callers that it answered, %" PRIu64
                    " had to be sent again first",
                    told->invites, told->invites_repeated);
    rules_add_sentence(cause->next_step,
                       "Most of what it answers had to be sent again: look for loss on the path "
                       "(mtr -u %s, errors of the ports) and for full queues there (ss -lunp).",
                       view->dst_ip);
}

void rules_add_told(const struct view *view, struct cause *cause)
{
    if (!is_in_summary(cause) && cause->code != CAUSE_DESTINATION_SILENT &&
        cause->code != CAUSE_UNKNOWN)
        return;
    bool is_first = cause->next_step[0] == '\0';
    say_retry_after(view, cause);
    say_challenged(view, cause);
    say_control(view, cause);
    say_losses(view, cause);
    if (is_first)
        rules_add_sentence(cause->next_step,
                           "Then look at the log of %s and capture there (tcpdump -ni any host "
                           "%s).",
                           view->dst_text, view->src_ip);
}
