/* The options about what goes to other programs over the network. */
#include "config/options_table.h"

/* librdkafka's own words. */
static const char *const compression_choices[] = {"none", "gzip", "snappy", "lz4", "zstd", NULL};

static const struct option_spec rows[] = {
    {
        .key = "kafka",
        .type = OPTION_LIST,
        .group = OPTION_GROUP_KAFKA,
        .places = ANYWHERE,
        .max = 32,
        .example = "[kafka-1.example.net:9092, kafka-2.example.net:9092]",
        .metavar = "HOST:PORT",
        .text = "send events to Kafka; any of its brokers, the others are learnt from it; "
                "repeatable",
        FIELD(kafka),
    },
    {
        .key = "kafka_topic_calls",
        .type = OPTION_NAME,
        .group = OPTION_GROUP_KAFKA,
        .places = ANYWHERE,
        .min = 1,
        .max = 249,
        .default_text = "sipspan.calls",
        .metavar = "TOPIC",
        .text = "topic of events about calls",
        FIELD(kafka_topic_calls),
    },
    {
        .key = "kafka_topic_invites",
        .type = OPTION_NAME,
        .group = OPTION_GROUP_KAFKA,
        .places = ANYWHERE,
        .min = 1,
        .max = 249,
        .default_text = "sipspan.invites",
        .metavar = "TOPIC",
        .text = "topic of events about INVITEs that nothing answers, and connections that fail",
        FIELD(kafka_topic_invites),
    },
    {
        .key = "kafka_topic_rtp",
        .type = OPTION_NAME,
        .group = OPTION_GROUP_KAFKA,
        .places = ANYWHERE,
        .min = 1,
        .max = 249,
        .default_text = "sipspan.rtp",
        .metavar = "TOPIC",
        .text = "topic of events about RTP streams",
        FIELD(kafka_topic_rtp),
    },
    {
        .key = "kafka_topic_sensor",
        .type = OPTION_NAME,
        .group = OPTION_GROUP_KAFKA,
        .places = ANYWHERE,
        .min = 1,
        .max = 249,
        .default_text = "sipspan.sensor",
        .metavar = "TOPIC",
        .text = "topic of events about the sensor itself and its mirror",
        FIELD(kafka_topic_sensor),
    },
    {
        .key = "kafka_compression",
        .type = OPTION_ENUM,
        .group = OPTION_GROUP_KAFKA,
        .places = ANYWHERE,
        .choices = compression_choices,
        .default_text = "zstd",
        .text = "how events are compressed on their way",
        FIELD(kafka_compression),
    },
    {
        .key = "kafka_properties",
        .type = OPTION_LIST,
        .group = OPTION_GROUP_KAFKA,
        .places = ANYWHERE,
        .is_secret = true,
        .max = 128,
        .example = "[security.protocol=SASL_SSL, sasl.mechanism=SCRAM-SHA-512, "
                   "sasl.username=sipspan]",
        .metavar = "NAME=VALUE",
        .text = "any property of librdkafka (its CONFIGURATION.md lists them), which wins over "
                "what is set here; passwords are better off in the configuration file than on "
                "the command line, where everybody sees them; repeatable",
        FIELD(kafka_properties),
    },
    {
        .key = "kafka_flush_timeout",
        .type = OPTION_DURATION,
        .group = OPTION_GROUP_KAFKA,
        .places = ANYWHERE,
        .min = MILLISECONDS(1),
        .max = HOURS(1),
        .default_text = "10s",
        .metavar = "TIME",
        .text = "at its end the program waits for so long until all events are delivered; those "
                "that are not stay in the spool for its next start",
        FIELD(kafka_flush_timeout_ns),
    },
    {
        .key = "spool",
        .type = OPTION_PATH,
        .group = OPTION_GROUP_KAFKA,
        .places = ANYWHERE,
        .default_text = "/var/lib/sipspan/spool",
        .metavar = "DIR",
        .text = "folder where events for Kafka lie until their delivery is confirmed; each sensor "
                "needs one of its own",
        FIELD(spool),
    },
    {
        .key = "spool_limit",
        .type = OPTION_SIZE,
        .group = OPTION_GROUP_KAFKA,
        .places = ANYWHERE,
        .min = MIB(16),
        .max = TIB(16),
        .default_text = "1GiB",
        .metavar = "SIZE",
        .text = "disk space that the spool may take: when it is full, the oldest events are "
                "dropped and counted",
        FIELD(spool_limit),
    },
};

const struct options_part options_of_export = {rows, sizeof rows / sizeof rows[0]};
