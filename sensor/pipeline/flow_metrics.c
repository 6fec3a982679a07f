#include "pipeline/flow_metrics.h"

#include <stdlib.h>

#include "pipeline/metric_families.h"

enum family {
    COPIES,
    COPY_OVERRUNS,
    CONVERSATIONS,
    CONVERSATIONS_ONE_WAY,
    CONVERSATIONS_PROVEN,
    DISORDERED,
    TRUNCATED,
    TCP_HOLES,
    RTP_HOLES,
    SHARED_LOSS,
    TUNNELS,
    FRAGMENTS,
    FRAGMENTS_REFUSED,
    FRAGMENTS_REPEATED,
    FRAGMENTS_DATAGRAMS,
    SEGMENTS,
    SEGMENTS_REPEATED,
    SEGMENTS_EARLY,
    CONNECTIONS,
    CONNECTIONS_TLS,
    CONNECTIONS_WEBSOCKET,
    CONNECTIONS_EVICTED,
    STREAM_GAPS,
    STREAM_RESYNCS,
    STREAM_SKIPPED,
    STREAM_DROPPED,
    STREAM_BUFFERED,
    ICMP_ERRORS,
    ICMP_TIED,
    DNS_LOOKUPS,
    FAMILY_COUNT
};

static const struct metric_desc families[FAMILY_COUNT] = {
    [COPIES] = COUNTER("sipspan_mirror_copies",
                       "Packets that the mirror delivered again, by what had changed.", "kind"),
    [COPY_OVERRUNS] = COUNTER(
        "sipspan_mirror_copy_overruns",
        "Packets forgotten before a copy could have come: copies may have been missed.", NULL),
    [CONVERSATIONS] = GAUGE("sipspan_mirror_conversations", "Pairs of hosts that spoke SIP.", NULL),
    [CONVERSATIONS_ONE_WAY] = GAUGE("sipspan_mirror_conversations_one_way",
                                    "Of these, seen in one direction only.", NULL),
    [CONVERSATIONS_PROVEN] =
        GAUGE("sipspan_mirror_conversations_one_way_proven",
              "Of these, shown to have been answered out of the sensor's sight.", NULL),
    [DISORDERED] = COUNTER("sipspan_mirror_disordered_packets",
                           "Packets whose stamp is older than one before them.", NULL),
    [TRUNCATED] =
        COUNTER("sipspan_mirror_truncated_packets", "IP packets cut by a snap length.", NULL),
    [TCP_HOLES] =
        COUNTER("sipspan_mirror_tcp_holes",
                "Times that a TCP receiver had octets which the mirror never delivered.", NULL),
    [RTP_HOLES] = COUNTER("sipspan_mirror_rtp_holes",
                          "Times that sequence numbers were missing in an RTP stream.", NULL),
    [SHARED_LOSS] = COUNTER("sipspan_mirror_shared_losses",
                            "Moments of 0.1 s in which many flows missed packets together.", NULL),
    [TUNNELS] = COUNTER("sipspan_tunnel_packets",
                        "IP packets that came in a tunnel, by the outermost.", "tunnel"),
    [FRAGMENTS] = COUNTER("sipspan_fragments", "IP fragments taken.", NULL),
    [FRAGMENTS_REFUSED] =
        COUNTER("sipspan_fragments_refused",
                "IP fragments with an impossible offset or length, tiny or too many.", NULL),
    [FRAGMENTS_REPEATED] =
        COUNTER("sipspan_fragments_repeated", "IP fragments that were there already.", NULL),
    [FRAGMENTS_DATAGRAMS] =
        COUNTER("sipspan_fragments_datagrams",
                "IP datagrams that came in fragments, by what became of them.", "result"),
    [SEGMENTS] = COUNTER("sipspan_tcp_segments",
                         "TCP segments, of connections with signalling and of others.", "of"),
    [SEGMENTS_REPEATED] =
        COUNTER("sipspan_tcp_segments_repeated", "TCP segments without a new octet.", NULL),
    [SEGMENTS_EARLY] =
        COUNTER("sipspan_tcp_segments_early", "TCP segments that came before their turn.", NULL),
    [CONNECTIONS] = COUNTER("sipspan_tcp_connections", "TCP connections that were followed.", NULL),
    [CONNECTIONS_TLS] =
        COUNTER("sipspan_tcp_connections_tls", "Of these, encrypted: they cannot be read.", NULL),
    [CONNECTIONS_WEBSOCKET] =
        COUNTER("sipspan_tcp_connections_websocket", "Of these, WebSocket.", NULL),
    [CONNECTIONS_EVICTED] =
        COUNTER("sipspan_tcp_connections_evicted", "Of these, given up to make room.", NULL),
    [STREAM_GAPS] =
        COUNTER("sipspan_tcp_gaps", "Places in TCP streams where octets never came.", NULL),
    [STREAM_RESYNCS] = COUNTER("sipspan_tcp_resyncs",
                               "Times that a TCP stream went on at a later start line.", NULL),
    [STREAM_SKIPPED] =
        COUNTER_BYTES("sipspan_tcp_skipped_bytes", "Octets of TCP streams left out by that."),
    [STREAM_DROPPED] = COUNTER_BYTES("sipspan_tcp_dropped_bytes",
                                     "Octets of TCP streams not kept for want of room."),
    [STREAM_BUFFERED] = {.type = METRIC_GAUGE,
                         .name = "sipspan_tcp_buffered_bytes",
                         .unit = "bytes",
                         .help = "Octets of TCP streams that wait to be read."},
    [ICMP_ERRORS] =
        COUNTER("sipspan_icmp_errors", "ICMP and ICMPv6 errors, by what they say.", "meaning"),
    [ICMP_TIED] = COUNTER("sipspan_icmp_errors_tied", "Of these, about an INVITE in view.", NULL),
    [DNS_LOOKUPS] = COUNTER("sipspan_dns_lookups",
                            "DNS look-ups that may be SIP's, by what became of them.", "result"),
};

enum datagram_result { REASSEMBLED, TIMED_OUT, EVICTED, OVERLAPPING, DATAGRAM_RESULT_COUNT };

static const char *const result_names[DATAGRAM_RESULT_COUNT] = {"reassembled", "timed_out",
                                                                "evicted", "overlapping"};

struct flow_metrics {
    struct metric *single[FAMILY_COUNT]; /* of families without labels */
    struct metric *copies[COPY_KIND_COUNT];
    struct metric *tunnels[TUNNEL_COUNT];
    struct metric *datagrams[DATAGRAM_RESULT_COUNT];
    struct metric *segments_followed, *segments_other;
    struct metric *icmp[ICMP_MEANING_COUNT];
    struct metric *dns_answered, *dns_failed, *dns_unanswered;
};

struct flow_metrics *flow_metrics_create(struct metrics *registry)
{
    struct metric_family *family[FAMILY_COUNT];
    bool out = false;
    struct flow_metrics *m = calloc(1, sizeof *m);
    if (!m)
        return NULL;
    families_add(registry, families, FAMILY_COUNT, family, m->single, &out);
    for (int kind = COPY_NONE + 1; kind < COPY_KIND_COUNT; kind++)
        m->copies[kind] =
            family_series(family[COPIES], copy_kind_name((enum copy_kind)kind), NULL, NULL, &out);
    for (int tunnel = TUNNEL_NONE + 1; tunnel < TUNNEL_COUNT; tunnel++)
        m->tunnels[tunnel] =
            family_series(family[TUNNELS], tunnel_name((enum tunnel)tunnel), NULL, NULL, &out);
    for (int result = 0; result < DATAGRAM_RESULT_COUNT; result++)
        m->datagrams[result] =
            family_series(family[FRAGMENTS_DATAGRAMS], result_names[result], NULL, NULL, &out);
    m->segments_followed = family_series(family[SEGMENTS], "signalling", NULL, NULL, &out);
    m->segments_other = family_series(family[SEGMENTS], "other", NULL, NULL, &out);
    for (int meaning = 0; meaning < ICMP_MEANING_COUNT; meaning++)
        m->icmp[meaning] = family_series(
            family[ICMP_ERRORS], icmp_meaning_name((enum icmp_meaning)meaning), NULL, NULL, &out);
    m->dns_answered = family_series(family[DNS_LOOKUPS], "answered", NULL, NULL, &out);
    m->dns_failed = family_series(family[DNS_LOOKUPS], "failed", NULL, NULL, &out);
    m->dns_unanswered = family_series(family[DNS_LOOKUPS], "unanswered", NULL, NULL, &out);
    if (out) {
        flow_metrics_destroy(m);
        return NULL;
    }
    return m;
}

void flow_metrics_destroy(struct flow_metrics *m)
{
    free(m);
}

static void update_mirror(struct flow_metrics *m, const struct mirror *mirror,
                          const struct peers *peers)
{
    struct mirror_figures figures;
    mirror_figures(mirror, peers, &figures);
    for (int kind = COPY_NONE + 1; kind < COPY_KIND_COUNT; kind++)
        counter_show(m->copies[kind], figures.copies[kind - 1]);
    metric_set(m->single[CONVERSATIONS], (double)figures.conversations);
    metric_set(m->single[CONVERSATIONS_ONE_WAY], (double)figures.conversations_one_way);
    metric_set(m->single[CONVERSATIONS_PROVEN], (double)figures.conversations_proven);
    counter_show(m->single[DISORDERED], figures.behind);
    counter_show(m->single[TRUNCATED], figures.truncated);
    counter_show(m->single[TCP_HOLES], figures.tcp_holes);
    counter_show(m->single[RTP_HOLES], figures.rtp_holes);
    counter_show(m->single[SHARED_LOSS], figures.shared_losses);
}

static void update_fragments(struct flow_metrics *m, const struct defrag *defrag)
{
    struct defrag_stats stats;
    defrag_stats(defrag, &stats);
    counter_show(m->single[FRAGMENTS], stats.fragments);
    counter_show(m->single[FRAGMENTS_REFUSED], stats.refused);
    counter_show(m->single[FRAGMENTS_REPEATED], stats.repeated);
    counter_show(m->datagrams[REASSEMBLED], stats.reassembled);
    counter_show(m->datagrams[TIMED_OUT], stats.timed_out);
    counter_show(m->datagrams[EVICTED], stats.evicted);
    counter_show(m->datagrams[OVERLAPPING], stats.overlapping);
}

static void update_tcp(struct flow_metrics *m, const struct tcp *tcp)
{
    struct tcp_stats stats;
    tcp_stats(tcp, &stats);
    counter_show(m->segments_followed, stats.segments);
    counter_show(m->segments_other, stats.other);
    counter_show(m->single[SEGMENTS_REPEATED], stats.repeated);
    counter_show(m->single[SEGMENTS_EARLY], stats.early);
    counter_show(m->single[CONNECTIONS], stats.connections);
    counter_show(m->single[CONNECTIONS_TLS], stats.tls);
    counter_show(m->single[CONNECTIONS_WEBSOCKET], stats.websocket);
    counter_show(m->single[CONNECTIONS_EVICTED], stats.evicted);
    counter_show(m->single[STREAM_GAPS], stats.holes);
    counter_show(m->single[STREAM_RESYNCS], stats.resyncs);
    counter_show(m->single[STREAM_SKIPPED], stats.skipped_bytes);
    counter_show(m->single[STREAM_DROPPED], stats.dropped_bytes);
    metric_set(m->single[STREAM_BUFFERED], (double)stats.buffered_bytes);
}

static void update_dns(struct flow_metrics *m, const struct dns_lookups *dns)
{
    const struct dns_lookups_stats *stats = dns_lookups_stats(dns);
    counter_show(m->dns_answered, stats->answered);
    counter_show(m->dns_failed, stats->failed);
    counter_show(m->dns_unanswered, stats->unanswered);
}

void flow_metrics_update(struct flow_metrics *m, const struct sensor_sources *sources)
{
    const struct tally *tally = sources->tally;
    for (int tunnel = TUNNEL_NONE + 1; tunnel < TUNNEL_COUNT; tunnel++)
        counter_show(m->tunnels[tunnel], tally->tunnels[tunnel]);
    for (int meaning = 0; meaning < ICMP_MEANING_COUNT; meaning++)
        counter_show(m->icmp[meaning], tally->icmp_errors[meaning]);
    counter_show(m->single[ICMP_TIED], sources->calls->icmp_tied);
    if (sources->copies)
        counter_show(m->single[COPY_OVERRUNS], sources->copies->overruns);
    if (sources->mirror)
        update_mirror(m, sources->mirror, &sources->calls->peers);
    if (sources->defrag)
        update_fragments(m, sources->defrag);
    if (sources->tcp)
        update_tcp(m, sources->tcp);
    if (sources->dns)
        update_dns(m, sources->dns);
}
