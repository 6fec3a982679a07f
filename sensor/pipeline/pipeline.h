/*
 * pipeline: the way of a packet, put together: capture, decode, fragments, copies, TCP, SIP, calls,
 * events, metrics.
 *
 * One thread does it all; with a file it runs as fast as it can, live it waits for packets. main
 * makes one, runs it and asks for the report.
 */
#ifndef SIPSPAN_PIPELINE_PIPELINE_H
#define SIPSPAN_PIPELINE_PIPELINE_H

#include "call/calls.h"
#include "capture/capture.h"
#include "dns/dns_lookups.h"
#include "export/sink_file.h"
#include "flow/copies.h"
#include "flow/defrag.h"
#include "flow/tcp.h"
#include "flow/udp_flows.h"
#include "media/streams.h"
#include "pipeline/hep_feed.h"
#include "pipeline/packet_clock.h"
#include "pipeline/sensor_metrics.h"
#include "pipeline/tally.h"
#include "sightings/sightings.h"
#include "verdict/mirror.h"

struct pipeline_params {
    struct calls_params calls; /* without memory, receiver and metrics, which the pipeline adds */
    uint64_t memory_bytes;     /* for all tables, those of the calls most of all */
    int64_t copy_window_ns;
    int64_t rtp_interval_ns;
    struct quality_thresholds rtp_thresholds; /* where a peer has none of its own */
    bool has_concealment;                     /* see media/streams.h */
    const uint16_t *sip_ports;                /* besides 5060 and 5061; must outlive the pipeline */
    size_t sip_port_count;
    struct capture *capture; /* stays the caller's */
    struct sink_file *sink;  /* or NULL; stays the caller's, as the next three */
    struct exporter *exporter;
    struct hep_feed *hep;
    struct hep_sender *hep_sender; /* where that goes */
    struct sightings *sightings;
    const char *const *sensor_path; /* the points that they speak of */
    struct metrics *registry;
    bool is_live;
    bool has_hep;        /* messages come that others saw */
    bool is_prompt;      /* somebody waits for the events: they are not kept back */
    bool shows_progress; /* a line on standard error while a file is read */
};

struct pipeline {
    struct pipeline_params params;
    struct calls calls;
    struct tally tally;
    struct packet_clock clock;
    struct copies copies;
    struct copies messages; /* of SIP; only with HEP */
    struct defrag *defrag;
    struct tcp *tcp;
    struct mirror *mirror;
    struct codec_book codecs;
    struct streams *streams;
    struct udp_flows *udp_flows;
    struct dns_lookups *dns;
    enum copy_kind copy_kind;   /* of the latest packet */
    int64_t due_ns;             /* nothing is due before; INT64_MIN: look */
    struct hash_key flow_key;   /* of the numbers that tell flows apart */
    size_t defrag_max, tcp_max; /* datagrams in fragments, connections at once */
    struct sensor_metrics *metrics;
    struct capture_stats capture_stats;
    int64_t loss_seen_ns;  /* until then the mirror's losses were told to the other sensors */
    int64_t wall_ahead_ns; /* live: of the time of day, before the monotonic clock; 0: not read */
    char *nested;          /* a datagram that was in fragments inside of one that was, too */
    bool ended_badly;      /* capture_last_error says why */
    bool was_stopped;      /* by capture_stop, before the end of the input */
    _Atomic bool is_ready; /* it runs; for the server's thread */
};

/* 0 or -ENOMEM. */
int pipeline_init(struct pipeline *pipeline, const struct pipeline_params *params);
void pipeline_fini(struct pipeline *pipeline);

/* Reads until the input ends or capture_stop is called, then gives what has ended. */
void pipeline_run(struct pipeline *pipeline);
/* Brings the metrics up to date once more. */
void pipeline_update_metrics(struct pipeline *pipeline);

#endif
