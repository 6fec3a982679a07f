/* What several sensors on the path of a request say together: between which two of them it, or its
 * response, was lost. */
#include "verdict/rules.h"

/* Between two neighbours, as far as sensors can tell: it passed the one and never reached the
 * other. */
struct segment {
    const struct sensors_point *passed, *missed;
    bool is_response;
};

/* A destination answers once for all who look on. */
bool rules_is_answered_elsewhere(const struct sensors_facts *sensors)
{
    for (unsigned i = 0; i < sensors->points; i++)
        if (i != sensors->own && sensors->point[i].saw_response)
            return true;
    return false;
}

/* Would it have seen what went on from here to the destination? */
static bool is_witness(const struct sensors_point *point)
{
    return !point->unfit && point->is_beyond;
}

static unsigned points_beside(const struct sensors_facts *sensors, int step)
{
    return step < 0 ? sensors->own : sensors->points - 1 - sensors->own;
}

/* The n-th on that side, from 1. */
static const struct sensors_point *point_beside(const struct sensors_facts *sensors, int step,
                                                unsigned n)
{
    return &sensors->point[step < 0 ? sensors->own - n : sensors->own + n];
}

/* On one side of this sensor: the last that saw the request, and the first that did not. One that
 * others overtook is blind to it. */
static bool find_lost_request(const struct sensors_facts *sensors, int step,
                              struct segment *segment)
{
    struct segment found = {.passed = &sensors->point[sensors->own]};
    for (unsigned n = 1; n <= points_beside(sensors, step); n++) {
        const struct sensors_point *point = point_beside(sensors, step, n);
        if (point->saw_request)
            found = (struct segment){.passed = point};
        else if (!found.missed && is_witness(point))
            found.missed = point;
    }
    if (found.missed)
        *segment = found;
    return found.missed;
}

/* On its way back it comes towards this sensor; one that saw the request, and not the response, is
 * where it did not come. */
static bool find_lost_response(const struct sensors_facts *sensors, int step,
                               struct segment *segment)
{
    const struct sensors_point *missed = &sensors->point[sensors->own];
    for (unsigned n = 1; n <= points_beside(sensors, step); n++) {
        const struct sensors_point *point = point_beside(sensors, step, n);
        if (point->saw_response && !point->is_beyond)
            return false; /* on the caller's side, perhaps: then it passed here, unseen */
        if (point->saw_response) {
            *segment = (struct segment){point, missed, true};
            return true;
        }
        if (is_witness(point) && point->saw_request)
            missed = point;
    }
    return false;
}

static bool has_response_on(const struct sensors_facts *sensors, int step)
{
    for (unsigned n = 1; n <= points_beside(sensors, step); n++)
        if (point_beside(sensors, step, n)->saw_response)
            return true;
    return false;
}

/* Where both sides would have it, nothing is certain. */
static bool find_segment(const struct sensors_facts *sensors, struct segment *segment)
{
    if (rules_is_answered_elsewhere(sensors)) {
        int step = has_response_on(sensors, 1) ? 1 : -1;
        return !has_response_on(sensors, -step) && find_lost_response(sensors, step, segment);
    }
    bool is_after = find_lost_request(sensors, 1, segment);
    return is_after != find_lost_request(sensors, -1, segment);
}

/* Has this sensor itself seen all that bears on it? */
static bool is_sure_of_itself(const struct view *view)
{
    const struct unanswered_facts *facts = view->facts;
    return facts->sensors.points > 1 && !facts->sensors.point[facts->sensors.own].unfit &&
           !facts->sensor_lost_packets && !facts->mirror_lost_packets && facts->stray.count == 0 &&
           facts->mangled.count == 0;
}

static void say(const struct view *view, const struct segment *segment, struct cause *cause)
{
    const char *passed = segment->passed->name, *missed = segment->missed->name;
    if (segment->is_response)
        rules_say(cause->summary,
                  "%s answered this INVITE, which was sent %s, but the response passed %s and "
                  "never reached %s.",
                  view->dst_text, view->times_text, passed, missed);
    else
        rules_say(cause->summary,
                  "The INVITE to %s, sent %s, passed %s and never reached %s, where requests of "
                  "others to it are seen.",
                  view->dst_text, view->times_text, passed, missed);
    rules_say(cause->next_step,
              "Look at what lies between %s and %s: firewall rules, NAT, a SIP ALG, routes. "
              "Capture there, on both sides of each (tcpdump -ni any host %s and port %u), for "
              "%ss.",
              passed, missed, view->dst_ip, view->facts->dst.endpoint.port,
              segment->is_response ? "response" : "request");
}

bool rule_lost_between_sensors(const struct view *view, struct cause *cause)
{
    const struct unanswered_facts *facts = view->facts;
    struct segment segment;
    if (!is_sure_of_itself(view) || !find_segment(&facts->sensors, &segment) ||
        (!segment.is_response && (view->is_passed_on || facts->partial.count > 0)))
        return false; /* it did arrive, then */
    /* One sending may be lost anywhere, and by any mirror. */
    bool is_reliable = transport_is_reliable(facts->transport);
    if (facts->transmissions < 2 && !is_reliable)
        return false;
    const struct sensors_point *beyond = segment.is_response ? segment.passed : segment.missed;
    /* Of a connection a sensor that met it in its middle may see nothing. */
    bool is_sure = view->has_long_ladder && beyond->passed_lately && !is_reliable;
    rules_set(cause, CAUSE_LOST_BETWEEN_SENSORS, is_sure ? CONFIDENCE_HIGH : CONFIDENCE_MEDIUM);
    say(view, &segment, cause);
    return true;
}
