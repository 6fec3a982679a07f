#include "pipeline/other_sensors.h"

_Static_assert((unsigned)UNANSWERED_POINTS_MAX == (unsigned)SIGHTINGS_POINTS_MAX,
               "the same path on both sides");

static struct sighting sighting_of(const struct calls_sighting *from)
{
    return (struct sighting){
        .call_id = from->call_id,
        .branch = from->branch,
        .cseq = from->cseq,
        .transport = from->transport,
        .dst = from->dst,
        .time_ns = from->first_sent_ns,
    };
}

void other_sensors_tell(void *context, enum calls_word word, const struct calls_sighting *from)
{
    struct pipeline *pipeline = context;
    struct sightings *sightings = pipeline->params.sightings;
    struct sighting sighting = sighting_of(from);
    switch (word) {
    case CALLS_SAW_REQUEST:
        sightings_request(sightings, &sighting);
        break;
    case CALLS_SAW_RESPONSE:
        sightings_response(sightings, &sighting);
        break;
    case CALLS_ASK:
        sightings_ask(sightings, &sighting, from->now_ns);
        break;
    }
}

void other_sensors_look(void *context, const struct calls_sighting *from,
                        struct sensors_facts *facts)
{
    struct pipeline *pipeline = context;
    struct sighting sighting = sighting_of(from);
    struct sightings_answer answer;
    sightings_answer(pipeline->params.sightings, &sighting, &answer);
    if (!answer.is_known)
        return;
    facts->points = answer.points;
    facts->own = answer.own;
    facts->is_ours = answer.is_ours;
    for (unsigned i = 0; i < answer.points; i++) {
        const struct sightings_seen *seen = &answer.seen[i];
        facts->point[i] = (struct sensors_point){
            .name = pipeline->params.sensor_path[i],
            .saw_request = seen->request,
            .saw_response = seen->response,
            .is_beyond = seen->is_beyond,
            .passed_lately = seen->passed_lately,
            .unfit = seen->unfit,
        };
    }
}

void other_sensors_time(struct pipeline *pipeline, bool has_packets)
{
    struct sightings *sightings = pipeline->params.sightings;
    if (!sightings || !pipeline->clock.is_running)
        return;
    if (has_packets)
        sightings_saw_packets(sightings, pipeline->clock.now_ns);
    else
        sightings_idle(sightings, pipeline->calls.now_ns);
}

void other_sensors_update(struct pipeline *pipeline)
{
    struct sightings *sightings = pipeline->params.sightings;
    if (!sightings || !pipeline->clock.is_running)
        return;
    if (mirror_lost_since(pipeline->mirror, pipeline->loss_seen_ns) ||
        pipeline->calls.lost_packet_ns >= pipeline->loss_seen_ns)
        sightings_lost_packets(sightings, pipeline->clock.now_ns);
    pipeline->loss_seen_ns = pipeline->clock.now_ns;
}
