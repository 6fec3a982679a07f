/*
 * report_sections: figures that both reports show, and the sections of the text about the mirror
 * and what it carries. Internal to the report.
 */
#ifndef SIPSPAN_PIPELINE_REPORT_SECTIONS_H
#define SIPSPAN_PIPELINE_REPORT_SECTIONS_H

#include <stdio.h>

#include "pipeline/pipeline.h"

/* Zeroes where the pipeline has no such part. */
struct report_figures {
    struct defrag_stats defrag;
    struct tcp_stats tcp;
    struct mirror_figures mirror;
    struct mirror_port port[MIRROR_PORTS_MAX];
    size_t ports;
    struct streams_stats streams;
    struct udp_flows_label other_udp[UDP_FLOWS_LABELS_MAX];
    size_t other_udp_labels;
};

void report_figures_read(const struct pipeline *pipeline, struct report_figures *figures);

/* UDP packets that are neither SIP nor RTP nor RTCP. */
uint64_t report_other_udp(const struct report_figures *figures);

/* Packets that were cut short, copies included: their headers say more than was captured. */
uint64_t report_packets_cut(const struct pipeline *pipeline, const struct report_figures *figures);

/* Each prints nothing where there is nothing to say. */
void report_failed_print(const struct tally *tally, FILE *out);
void report_mirror_print(const struct pipeline *pipeline, const struct report_figures *figures,
                         FILE *out);
void report_transport_print(const struct pipeline *pipeline, const struct report_figures *figures,
                            FILE *out);

/* The first of a destination's callers, by address. callers_max: that many are remembered. */
void report_print_callers(FILE *out, const struct ip_addr *caller, unsigned callers,
                          unsigned callers_max);

#endif
