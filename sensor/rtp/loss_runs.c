#include "rtp/loss_runs.h"

#define BURST_RATIO_MAX 8.0

static bool is_burst(const struct loss_runs *runs)
{
    return runs->cluster_bad >= 2; /* one by itself belongs to the gap around it */
}

static uint32_t cluster_packets(const struct loss_runs *runs)
{
    return runs->last - runs->cluster_first + 1;
}

static void close_cluster(struct loss_runs *runs)
{
    if (!is_burst(runs))
        return;
    runs->bursts++;
    runs->burst_packets += cluster_packets(runs);
    runs->burst_bad += runs->cluster_bad;
}

void loss_runs_bad(struct loss_runs *runs, uint32_t sequence)
{
    if (runs->bad > 0 && (int32_t)(sequence - runs->last) <= 0)
        sequence = runs->last + 1;
    uint32_t good = runs->bad > 0 ? sequence - runs->last - 1 : LOSS_RUNS_GMIN;

    if (good > 0) {
        runs->runs++;
        runs->run = 0;
    }
    runs->run++;
    if (runs->run > runs->longest)
        runs->longest = runs->run;

    if (good >= LOSS_RUNS_GMIN) {
        close_cluster(runs);
        runs->cluster_first = sequence;
        runs->cluster_bad = 0;
    }
    runs->cluster_bad++;
    runs->bad++;
    runs->last = sequence;
}

void loss_runs_bad_row(struct loss_runs *runs, uint32_t sequence, uint32_t count)
{
    if (count == 0)
        return;
    loss_runs_bad(runs, sequence);
    uint32_t more = count - 1;
    runs->run += more;
    runs->longest = runs->run > runs->longest ? runs->run : runs->longest;
    runs->cluster_bad += more;
    runs->bad += more;
    runs->last += more;
}

void loss_runs_read(const struct loss_runs *runs, uint32_t expected,
                    struct loss_runs_figures *figures)
{
    struct loss_runs over = *runs;
    close_cluster(&over);
    *figures = (struct loss_runs_figures){
        .bursts = over.bursts,
        .burst_packets = over.burst_packets,
        .burst_bad = over.burst_bad,
        .gap_bad = over.bad - over.burst_bad,
    };
    uint32_t gap = expected > over.burst_packets ? expected - over.burst_packets : 0;
    figures->gap_packets = gap > figures->gap_bad ? gap : figures->gap_bad;
}

double loss_runs_burst_ratio(uint32_t bad, uint32_t runs, uint32_t expected)
{
    if (bad == 0 || bad >= expected)
        return 1;
    /* A run that began before the first of the two moments is one of this time too. */
    double mean = (double)bad / (runs > 0 ? runs : 1);
    double ratio = mean * (1 - (double)bad / expected);
    if (ratio < 1)
        return 1;
    return ratio > BURST_RATIO_MAX ? BURST_RATIO_MAX : ratio;
}
