#include "call/call_events.h"

#include "call/one_way_audio.h"
#include "event/event_id.h"
#include "verdict/unanswered.h"

static void name_endpoint(const struct calls *calls, struct named_endpoint *who)
{
    who->name = peer_names_find(&calls->params.names, &who->endpoint.ip);
}

static void judge(struct calls *calls, const struct transaction *t, const struct findings *findings,
                  int64_t deadline_ns, struct invite_unanswered *data)
{
    struct unanswered_facts facts = {
        .src = data->src,
        .dst = data->dst,
        .first_sent_ns = t->first_sent_ns,
        .last_sent_ns = findings->last_sent_ns,
        .gave_up_ns = deadline_ns,
        .transmissions = t->transmissions,
        .strays = findings->strays,
        .last_stray_ns = findings->last_stray_ns,
        .last_stray_status = findings->last_stray_status,
        .stray_dst = findings->stray_dst,
        .transport = t->transport,
        .fragments_lost = findings->fragments_lost,
        .sensor_lost_packets =
            calls->lost_packet_ns != CALL_NO_TIME && calls->lost_packet_ns >= t->first_sent_ns,
    };
    icmp_ties_read(&calls->icmp_ties, t, &facts.icmp);
    if (transport_is_reliable(t->transport) && calls->params.look_at_connection)
        calls->params.look_at_connection(calls->params.context, &t->src, &t->dst,
                                         &facts.connection);
    unanswered_judge(&calls->peers, &facts, &data->cause);
    peers_left_unanswered(&calls->peers, &t->src.ip, &t->dst);
}

void call_events_unanswered(struct calls *calls, struct transaction *t, int64_t deadline_ns)
{
    const struct findings *findings = t->findings; /* as long as its Timer B runs */
    struct event event = {
        .type = EVENT_INVITE_UNANSWERED,
        .time_ns = deadline_ns,
        .invite_unanswered =
            {
                .call_id = t->call->call_id,
                .branch = findings->branch,
                .from_uri = findings->from_uri,
                .from_tag = findings->from_tag,
                .to_uri = findings->to_uri,
                .request_uri = findings->request_uri,
                .user_agent = findings->user_agent,
                .cseq = t->cseq,
                .transport = t->transport,
                .src.endpoint = t->src,
                .dst.endpoint = t->dst,
                .first_sent_ns = t->first_sent_ns,
                .last_sent_ns = findings->last_sent_ns,
                .transmissions = t->transmissions,
                .waited_ns = deadline_ns - t->first_sent_ns,
            },
    };
    struct invite_unanswered *data = &event.invite_unanswered;
    name_endpoint(calls, &data->src);
    name_endpoint(calls, &data->dst);
    judge(calls, t, findings, deadline_ns, data);
    const struct event_id_part parts[] = {
        event_id_text(slice_str(calls->params.sensor_id)),
        event_id_text(slice_str(event_type_name(event.type))),
        event_id_text(t->call->call_id),
        event_id_text(findings->from_tag),
        event_id_text(findings->branch),
        {&t->cseq, sizeof t->cseq},
        {t->src.ip.octets, sizeof t->src.ip.octets},
        {t->dst.ip.octets, sizeof t->dst.ip.octets},
        {&t->first_sent_ns, sizeof t->first_sent_ns},
    };
    event_set_id(&event, parts, sizeof parts / sizeof parts[0]);
    calls->params.receive(calls->params.context, &event);
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
    one_way_audio_at_end(calls, call, outcome);
    struct event event = {.type = EVENT_CALL_ENDED, .time_ns = outcome->ended_ns};
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
    data->stream = figures;
    data->streams = read_streams(calls, call, figures, &data->streams_left_out);
    const struct event_id_part parts[] = {
        event_id_text(slice_str(calls->params.sensor_id)),
        event_id_text(slice_str(event_type_name(event.type))),
        event_id_text(call->call_id),
        event_id_text(call->from_tag),
        {&call->first_seen_ns, sizeof call->first_seen_ns},
    };
    event_set_id(&event, parts, sizeof parts / sizeof parts[0]);
    calls->params.receive(calls->params.context, &event);
    media_map_forget(&calls->media_map, call);
}
