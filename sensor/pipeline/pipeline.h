/*
 * pipeline: the way of a packet, put together: capture, decode, SIP, calls, events, metrics.
 *
 * One thread does it all; with a file it runs as fast as it can, live it waits for packets. main
 * makes one, runs it and asks for the report.
 */
#ifndef SIPSPAN_PIPELINE_PIPELINE_H
#define SIPSPAN_PIPELINE_PIPELINE_H

#include "call/calls.h"
#include "capture/capture.h"
#include "export/sink_file.h"
#include "pipeline/packet_clock.h"
#include "pipeline/sensor_metrics.h"
#include "pipeline/tally.h"

struct pipeline_params {
    struct calls_params calls; /* without receiver and metrics, which the pipeline adds */
    struct capture *capture;   /* stays the caller's */
    struct sink_file *sink;    /* or NULL; stays the caller's */
    struct metrics *registry;
    size_t call_ids_max; /* different Call-IDs counted at most */
    bool is_live;
    bool is_prompt;            /* somebody waits for the events: they are not kept back */
    bool shows_progress; /* a line on standard error while a file is read */
};

struct pipeline {
    struct pipeline_params params;
    struct calls calls;
    struct tally tally;
    struct packet_clock clock;
    struct sensor_metrics *metrics;
    struct capture_stats capture_stats;
    bool ended_badly;      /* capture_last_error says why */
    bool was_stopped;      /* by capture_stop, before the end of the input */
    _Atomic bool is_ready; /* it runs; for the server's thread */
};

/* 0 or -ENOMEM. */
int pipeline_init(struct pipeline *pipeline, const struct pipeline_params *params);
void pipeline_fini(struct pipeline *pipeline);

/* Reads until the input ends or capture_stop is called, then gives what has ended. */
void pipeline_run(struct pipeline *pipeline);

#endif
