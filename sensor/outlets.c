#include "outlets.h"

#include <errno.h>
#include <stdio.h>

#include "capture/privileges.h"

enum {
    EVENTS_OUTBOX_BYTES = 16 << 20,
    HEP_OUTBOX_BYTES = 8 << 20,
    SIGHTINGS_OUTBOX_BYTES = 4 << 20,
    HEP_STOP_MS = 2000,
};

static int open_exporter(struct outlets *outlets, const struct config *config, bool is_live,
                         char *error, size_t len)
{
    uid_t uid;
    gid_t gid;
    if (is_live && (privileges_look_up(config->user, &uid, &gid, error, len) != 0 ||
                    spool_prepare(config->spool, uid, gid, error, len) != 0))
        return -EACCES;
    outlets->exporter = exporter_open(
        &(struct exporter_params){
            .sensor_id = config->sensor_id,
            .kafka =
                {
                    .brokers = (const char *const *)config->kafka.item,
                    .broker_count = config->kafka.count,
                    .topic =
                        {
                            [FAMILY_CALLS] = config->kafka_topic_calls,
                            [FAMILY_INVITES] = config->kafka_topic_invites,
                            [FAMILY_RTP] = config->kafka_topic_rtp,
                            [FAMILY_SENSOR] = config->kafka_topic_sensor,
                        },
                    .compression = config_kafka_compression(config),
                    .properties = (const char *const *)config->kafka_properties.item,
                    .property_count = config->kafka_properties.count,
                    .client_id = config->sensor_id,
                },
            .spool = {.dir = config->spool, .bytes_max = config->spool_limit},
            .outbox_bytes = EVENTS_OUTBOX_BYTES,
            .may_wait = !is_live,
        },
        error, len);
    return outlets->exporter ? 0 : -EINVAL;
}

int outlets_open(struct outlets *outlets, const struct config *config, bool is_live, char *error,
                 size_t len)
{
    if (config->events &&
        !(outlets->file = sink_file_open(config->events, config->sensor_id, error, len)))
        return -EINVAL;
    return config->kafka.count > 0 ? open_exporter(outlets, config, is_live, error, len) : 0;
}

static int start_hep(struct outlets *outlets, const struct config *config, bool is_live,
                     char *error, size_t len)
{
    outlets->hep_sender = hep_sender_start(
        &(struct hep_sender_params){
            .to = config->hep_to,
            .key = config->hep_to_key,
            .node = config->sensor_id,
            .ca_file = config->hep_to_ca,
            .capture_id = (uint32_t)config->hep_to_id,
            .outbox_bytes = HEP_OUTBOX_BYTES,
            .is_patient = !is_live,
        },
        error, len);
    if (!outlets->hep_sender)
        return -EINVAL;
    outlets->hep_feed = hep_feed_create(outlets->hep_sender);
    if (outlets->hep_feed)
        return 0;
    snprintf(error, len, "out of memory");
    return -ENOMEM;
}

static int start_sightings(struct outlets *outlets, const struct config *config, char *error,
                           size_t len)
{
    outlets->sightings = sightings_start(
        &(struct sightings_params){
            .server = config->redis,
            .user = config->redis_user,
            .password = config->redis_password,
            .secret = config->redis_secret,
            .sensor_id = config->sensor_id,
            .path = (const char *const *)config->sensor_path.item,
            .path_len = config->sensor_path.count,
            .point = config->sensor_point,
            .outbox_bytes = SIGHTINGS_OUTBOX_BYTES,
        },
        error, len);
    return outlets->sightings ? 0 : -EINVAL;
}

int outlets_start(struct outlets *outlets, const struct config *config, bool is_live, char *error,
                  size_t len)
{
    if (outlets->exporter && !exporter_start(outlets->exporter, error, len))
        return -EINVAL;
    if (config->hep_to && start_hep(outlets, config, is_live, error, len) != 0)
        return -EINVAL;
    return config->redis ? start_sightings(outlets, config, error, len) : 0;
}

void outlets_finish(struct outlets *outlets, const struct config *config)
{
    if (outlets->exporter)
        exporter_finish(outlets->exporter, (int)(config->kafka_flush_timeout_ns / 1000000));
}

void outlets_hurry(struct outlets *outlets)
{
    if (outlets->exporter)
        exporter_hurry(outlets->exporter);
}

void outlets_close(struct outlets *outlets)
{
    sightings_stop(outlets->sightings);
    hep_sender_stop(outlets->hep_sender, HEP_STOP_MS);
    hep_feed_destroy(outlets->hep_feed);
    sink_file_close(outlets->file);
    exporter_close(outlets->exporter);
}

bool outlets_have_lost(const struct outlets *outlets)
{
    struct sink_stats file = {0};
    struct exporter_stats exporter = {.queued_bytes = 0};
    uint64_t failed = 0;
    if (outlets->file)
        sink_file_stats(outlets->file, &file);
    if (outlets->exporter)
        exporter_stats(outlets->exporter, &exporter);
    for (int type = 0; type < EVENT_TYPE_COUNT; type++)
        failed += file.failed[type] + exporter.failed[type];
    return failed > 0 || exporter.spool.dropped_full > 0;
}
