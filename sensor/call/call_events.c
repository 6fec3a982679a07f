#include "call/call_events.h"

#include <inttypes.h>
#include <stdio.h>

#include "verdict/unanswered.h"

/* An id is a name, not a secret: two fixed keys give it 128 bits. */
static const struct hash_key id_keys[2] = {
    {0x7369707370616e31ULL, 0x6576656e742d6964ULL},
    {0x7369707370616e32ULL, 0x6576656e742d6964ULL},
};

struct id_part {
    const void *bytes;
    size_t len;
};

static void make_id(struct event *event, const struct id_part *part, size_t count)
{
    uint64_t half[2] = {0, 0};
    for (int k = 0; k < 2; k++)
        for (size_t i = 0; i < count; i++)
            half[k] = hash_chain(&id_keys[k], half[k], part[i].bytes, part[i].len);
    snprintf(event->id, sizeof event->id, "%016" PRIx64 "%016" PRIx64, half[0], half[1]);
}

static struct id_part id_text(struct slice text)
{
    return (struct id_part){text.at, text.len};
}

static void name_endpoint(const struct calls *calls, struct named_endpoint *who)
{
    who->name = peer_names_find(&calls->params.names, &who->endpoint.ip);
}

static void judge(struct calls *calls, const struct transaction *t, int64_t deadline_ns,
                  struct invite_unanswered *data)
{
    struct unanswered_facts facts = {
        .src = data->src,
        .dst = data->dst,
        .first_sent_ns = t->first_sent_ns,
        .last_sent_ns = t->last_sent_ns,
        .gave_up_ns = deadline_ns,
        .transmissions = t->transmissions,
        .strays = t->strays,
        .last_stray_ns = t->last_stray_ns,
        .last_stray_status = t->last_stray_status,
        .stray_dst = t->stray_dst,
        .sensor_lost_packets =
            calls->lost_packet_ns != CALL_NO_TIME && calls->lost_packet_ns >= t->first_sent_ns,
    };
    unanswered_judge(&calls->peers, &facts, &data->cause);
    peers_left_unanswered(&calls->peers, &t->src.ip, &t->dst);
}

void call_events_unanswered(struct calls *calls, struct transaction *t, int64_t deadline_ns)
{
    struct event event = {
        .type = EVENT_INVITE_UNANSWERED,
        .time_ns = deadline_ns,
        .invite_unanswered =
            {
                .call_id = t->call->call_id,
                .branch = t->branch,
                .from_uri = t->from_uri,
                .from_tag = t->from_tag,
                .to_uri = t->to_uri,
                .request_uri = t->request_uri,
                .user_agent = t->user_agent,
                .cseq = t->cseq,
                .transport = TRANSPORT_UDP,
                .src.endpoint = t->src,
                .dst.endpoint = t->dst,
                .first_sent_ns = t->first_sent_ns,
                .last_sent_ns = t->last_sent_ns,
                .transmissions = t->transmissions,
                .waited_ns = deadline_ns - t->first_sent_ns,
            },
    };
    struct invite_unanswered *data = &event.invite_unanswered;
    name_endpoint(calls, &data->src);
    name_endpoint(calls, &data->dst);
    judge(calls, t, deadline_ns, data);
    const struct id_part parts[] = {
        id_text(slice_str(calls->params.sensor_id)),
        id_text(slice_str(event_type_name(event.type))),
        id_text(t->call->call_id),
        id_text(t->from_tag),
        id_text(t->branch),
        {&t->cseq, sizeof t->cseq},
        {t->src.ip.octets, sizeof t->src.ip.octets},
        {t->dst.ip.octets, sizeof t->dst.ip.octets},
        {&t->first_sent_ns, sizeof t->first_sent_ns},
    };
    make_id(&event, parts, sizeof parts / sizeof parts[0]);
    calls->params.receive(calls->params.context, &event);
}

void call_events_ended(struct calls *calls, const struct call *call,
                       const struct call_outcome *outcome)
{
    struct event event = {.type = EVENT_CALL_ENDED, .time_ns = outcome->ended_ns};
    if (outcome->state == CALL_STATE_LOST)
        event.time_ns += calls->params.idle_ns;
    struct call_ended *data = &event.call_ended;
    call_outcome_fill(call, outcome, data);
    if (call->is_direction_unknown) {
        data->from_uri = data->to_uri = SLICE_NONE;
        data->src.endpoint = data->dst.endpoint = (struct endpoint){0};
        data->ended_by = data->ended_by == ENDED_BY_TIMEOUT ? ENDED_BY_TIMEOUT : ENDED_BY_UNKNOWN;
    }
    name_endpoint(calls, &data->src);
    name_endpoint(calls, &data->dst);
    const struct id_part parts[] = {
        id_text(slice_str(calls->params.sensor_id)),
        id_text(slice_str(event_type_name(event.type))),
        id_text(call->call_id),
        id_text(call->from_tag),
        {&call->first_seen_ns, sizeof call->first_seen_ns},
    };
    make_id(&event, parts, sizeof parts / sizeof parts[0]);
    calls->params.receive(calls->params.context, &event);
}
