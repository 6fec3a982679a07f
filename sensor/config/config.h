/*
 * config: what the user asked for, from the command line, the environment and the configuration
 * file, in this order of precedence, over the defaults.
 *
 * options.h is the one table of options: name, type, default, range, unit and one line of
 * text. The parser of the file, the command line, the environment (SIPSPAN_KEY), --check-config,
 * the example file in deploy/config and the man page all come from it. Only main and config see the
 * whole struct; a module gets its own small params.
 */
#ifndef SIPSPAN_CONFIG_CONFIG_H
#define SIPSPAN_CONFIG_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "net/endpoint.h"
#include "net/peer_names.h"

enum { CONFIG_PEERS_MAX = 1024, CONFIG_PEER_NAME_MAX = 64 };

enum report_format { REPORT_TEXT, REPORT_JSON, REPORT_NONE };

/* One network of a named peer (trunk, gateway); several may share a name. */
struct config_peer {
    char name[CONFIG_PEER_NAME_MAX + 1];
    struct ip_net net;
    struct quality_thresholds thresholds;
};

struct string_list {
    char **item;
    size_t count;
};

enum { CONFIG_PORTS_MAX = 32 };

struct port_list {
    uint16_t item[CONFIG_PORTS_MAX];
    size_t count;
};

struct config {
    struct string_list read;      /* capture files, "-" is standard input */
    struct string_list interface; /* devices */
    char *filter;                 /* BPF, trailing words joined by spaces; NULL: none */
    char *events;                 /* NDJSON file, "-" is standard output; NULL: none */
    int report;                   /* enum report_format */
    uint64_t workers;             /* 0: the cores this process may use */
    char *listen;                 /* "ADDR:PORT"; "" off; NULL: the default of the mode */
    char *sensor_id;              /* default: the host name */
    char *user;            /* whom to become once the devices are open, when started as root */
    uint64_t buffer_bytes; /* kernel ring of each device */
    uint64_t snap_len;
    bool promiscuous;
    uint64_t memory_limit; /* bytes */
    int64_t timer_b_ns;    /* RFC 3261 section 17.1.1.1, 64*T1 */
    int64_t call_idle_timeout_ns;
    int64_t copy_window_ns;
    struct port_list sip_ports; /* besides 5060 and 5061 */
    int64_t rtp_interval_ns;
    int64_t rtp_jitter_threshold_ns;
    int64_t rtp_latency_threshold_ns; /* one way */
    double rtp_loss_threshold;        /* 0 to 1 */
    bool g711_concealment;
    /* Kafka and the spool before it. */
    struct string_list kafka; /* brokers, "HOST:PORT"; none: off */
    char *kafka_topic_calls, *kafka_topic_invites, *kafka_topic_rtp, *kafka_topic_sensor;
    int kafka_compression;               /* index in its choices: librdkafka's own words */
    struct string_list kafka_properties; /* "name=value" */
    int64_t kafka_flush_timeout_ns;
    char *spool;          /* folder */
    uint64_t spool_limit; /* bytes */
    /* What several sensors say together. */
    char *redis; /* "HOST:PORT", "unix:PATH", "tls:HOST:PORT"; NULL: off */
    char *redis_user, *redis_password;
    char *redis_secret;             /* of the fleet: hashes Call-IDs */
    struct string_list sensor_path; /* points from one end to the other */
    char *sensor_point;             /* this sensor's */
    /* HEP. */
    struct string_list hep; /* "ADDR:PORT" to listen on */
    char *hep_key;          /* that senders must know; NULL: none */
    char *hep_to;           /* "udp:HOST:PORT", "tcp:…", "tls:…"; NULL: off */
    char *hep_to_key, *hep_to_ca;
    uint64_t hep_to_id; /* capture id */
    int log_level;      /* enum log_level */
    struct config_peer *peer;
    size_t peer_count;
};

enum config_action {
    CONFIG_RUN,
    CONFIG_EXIT_OK,    /* --help, --version, --check-config and all is well: text was printed */
    CONFIG_EXIT_USAGE, /* exit 2: what is wrong was printed to `err` */
};

/*
 * Reads everything. `env` is the environment (NULL: none). Messages go to `out` (help, version) and
 * `err`, each naming file, line and key where there is one, and the nearest valid key for one not
 * known. version_text is printed by --version. *config is to be freed by config_fini in every case.
 */
enum config_action config_load(struct config *config, int argc, char **argv, char **env,
                               const char *version_text, FILE *out, FILE *err);
void config_fini(struct config *config);

/* In librdkafka's own word: "zstd". */
const char *config_kafka_compression(const struct config *config);

/* What memory_limit must hold besides the tables: program, buffers, rings of the devices. */
uint64_t config_fixed_memory(const struct config *config);

/* The example file (deploy/config/sipspan.yaml), and the options part of the man page, from the
 * table. */
void config_print_example(FILE *out);
void config_print_man(FILE *out);

#endif
