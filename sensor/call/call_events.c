#include "call/call_events.h"

#include "call/call_facts.h"
#include "call/one_way_audio.h"
#include "event/event_id.h"
#include "verdict/unanswered.h"

static void name_endpoint(const struct calls *calls, struct named_endpoint *who)
{
    who->name = peer_names_find(&calls->params.names, &who->endpoint.ip);
}

/* What is said of an INVITE before and when it is given up. */
static void describe(const struct calls *calls, const struct transaction *t,
                     const struct findings *findings, int64_t now_ns,
                     struct invite_unanswered *data)
{
    data->call_id = arena_slice(t->call->call_id);
    data->branch = arena_slice(findings->branch);
    data->from_uri = arena_slice(findings->from_uri);
    data->from_tag = arena_slice(findings->from_tag);
    data->to_uri = arena_slice(findings->to_uri);
    data->request_uri = arena_slice(findings->request_uri);
    data->user_agent = arena_slice(findings->user_agent);
    data->scanner = findings->scanner;
    data->cseq = t->cseq;
    data->transport = t->transport;
    data->src.endpoint = t->src;
    data->dst.endpoint = t->dst;
    name_endpoint(calls, &data->src);
    name_endpoint(calls, &data->dst);
    data->first_sent_ns = t->first_sent_ns;
    data->last_sent_ns = findings->last_sent_ns;
    data->transmissions = t->transmissions;
    data->waited_ns = now_ns - t->first_sent_ns;
}

static void give_invite(const struct calls *calls, const struct transaction *t,
                        const struct findings *findings, struct event *event)
{
    const struct event_id_part parts[] = {
        event_id_text(slice_str(calls->params.sensor_id)),
        event_id_text(slice_str(event_type_name(event->type))),
        event_id_text(arena_slice(t->call->call_id)),
        event_id_text(arena_slice(findings->from_tag)),
        event_id_text(arena_slice(findings->branch)),
        {&t->cseq, sizeof t->cseq},
        {t->src.ip.octets, sizeof t->src.ip.octets},
        {t->dst.ip.octets, sizeof t->dst.ip.octets},
        {&t->first_sent_ns, sizeof t->first_sent_ns},
    };
    event_set_id(event, parts, sizeof parts / sizeof parts[0]);
    calls->params.receive(calls->params.context, event);
}

/* One that waits still has its findings. */
static void tell(struct calls *calls, const struct transaction *t, enum event_type type,
                 int64_t now_ns, struct unanswered_facts *facts)
{
    struct event event = {.type = type, .time_ns = now_ns};
    struct invite_unanswered *data = &event.invite_unanswered;
    describe(calls, t, t->findings, now_ns, data);
    call_facts_read(calls, t, t->findings, now_ns, facts);
    facts->src = data->src;
    facts->dst = data->dst;
    if (type == EVENT_INVITE_STRUGGLING) {
        unanswered_struggling(&calls->peers, facts, &data->cause);
    } else {
        call_facts_read_sensors(calls, t, t->findings, now_ns, &facts->sensors);
        unanswered_judge(&calls->peers, facts, &data->cause);
    }
    if (data->cause.code == CAUSE_LOST_BETWEEN_SENSORS && !facts->sensors.is_ours)
        calls->left_to_others++;
    else
        give_invite(calls, t, t->findings, &event);
}

void call_events_unanswered(struct calls *calls, const struct transaction *t, int64_t deadline_ns,
                            struct unanswered_facts *facts)
{
    tell(calls, t, EVENT_INVITE_UNANSWERED, deadline_ns, facts);
}

void call_events_struggling(struct calls *calls, const struct transaction *t, int64_t now_ns)
{
    struct unanswered_facts facts;
    tell(calls, t, EVENT_INVITE_STRUGGLING, now_ns, &facts);
}

/* Those of most packets, in the order of `call`; the others are left out. */
struct chosen {
    const struct stream *stream[EVENT_STREAMS_MAX];
    unsigned count;
};

static void choose(struct chosen *chosen, const struct stream *stream)
{
    unsigned least = 0;
    if (chosen->count < EVENT_STREAMS_MAX) {
        chosen->stream[chosen->count++] = stream;
        return;
    }
    for (unsigned i = 1; i < EVENT_STREAMS_MAX; i++)
        if (chosen->stream[i]->source.received <= chosen->stream[least]->source.received)
            least = i;
    if (chosen->stream[least]->source.received >= stream->source.received)
        return;
    memmove(&chosen->stream[least], &chosen->stream[least + 1],
            (EVENT_STREAMS_MAX - 1 - least) * sizeof chosen->stream[0]);
    chosen->stream[EVENT_STREAMS_MAX - 1] = stream;
}

/* Returns how many were read. */
static unsigned read_streams(struct calls *calls, struct call *call,
                             struct event_stream figures[EVENT_STREAMS_MAX], uint32_t *left_out)
{
    struct chosen chosen = {.count = 0};
    uint32_t all = 0;
    media_map_conclude(&calls->media_map, call);
    for (EACH_STREAM(node, call)) {
        choose(&chosen, stream_at(node));
        all++;
    }
    for (unsigned i = 0; i < chosen.count; i++)
        streams_read(calls->media_map.streams, chosen.stream[i], &figures[i]);
    *left_out = all - chosen.count;
    return chosen.count;
}

void call_events_ended(struct calls *calls, struct call *call, const struct call_outcome *outcome)
{
    struct event_stream figures[EVENT_STREAMS_MAX]; /* large, and on purpose not cleared */
    struct event event;                             /* so is this */
    one_way_audio_at_end(calls, call, outcome);
    event.type = EVENT_CALL_ENDED;
    event.time_ns = outcome->ended_ns;
    if (outcome->state == CALL_STATE_LOST)
        event.time_ns += outcome->settle_ns;
    struct call_ended *data = &event.call_ended;
    call_outcome_fill(call, outcome, data);
    if (call->is_direction_unknown) {
        data->from_uri = data->to_uri = SLICE_NONE;
        data->src.endpoint = data->dst.endpoint = (struct endpoint){0};
        data->ended_by = data->ended_by == ENDED_BY_TIMEOUT ? ENDED_BY_TIMEOUT : ENDED_BY_UNKNOWN;
    }
    name_endpoint(calls, &data->src);
    name_endpoint(calls, &data->dst);
    name_endpoint(calls, &data->timeout_made_by);
    data->stream = figures;
    data->streams = read_streams(calls, call, figures, &data->streams_left_out);
    const struct event_id_part parts[] = {
        event_id_text(slice_str(calls->params.sensor_id)),
        event_id_text(slice_str(event_type_name(event.type))),
        event_id_text(arena_slice(call->call_id)),
        event_id_text(arena_slice(call->from_tag)),
        {&call->first_seen_ns, sizeof call->first_seen_ns},
    };
    event_set_id(&event, parts, sizeof parts / sizeof parts[0]);
    calls->params.receive(calls->params.context, &event);
    media_map_forget(&calls->media_map, call);
}
