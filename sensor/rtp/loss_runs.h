/*
 * loss_runs: how bad packets (lost, or discarded by a jitter buffer) lie among the good ones: runs
 * of them, and bursts and gaps as RFC 3611 section 4.7.2 defines them with Gmin 16.
 *
 * It is told of bad packets only, in the order of their extended sequence numbers. Plain data of
 * one owner; all zeroes but `first` is an empty one. Pure.
 */
#ifndef SIPSPAN_RTP_LOSS_RUNS_H
#define SIPSPAN_RTP_LOSS_RUNS_H

#include <stdbool.h>
#include <stdint.h>

enum { LOSS_RUNS_GMIN = 16 };

struct loss_runs {
    uint32_t bad;                              /* all that was told */
    uint32_t runs;                             /* of consecutive ones */
    uint32_t longest;                          /* of these */
    uint32_t run;                              /* the latest, so far */
    uint32_t last;                             /* sequence number of the latest */
    uint32_t cluster_first, cluster_bad;       /* not yet known to be burst or gap */
    uint32_t bursts, burst_packets, burst_bad; /* bursts that are over */
};

struct loss_runs_figures {
    uint32_t bursts, burst_packets, burst_bad; /* the one that may still go on included */
    uint32_t gap_packets, gap_bad;
};

/* The packet with this extended sequence number is bad; one that is not after the last is taken as
 * that one's successor. */
void loss_runs_bad(struct loss_runs *runs, uint32_t sequence);
/* As if Gmin good ones came before the first and after the last. expected: all packets so far, bad
 * ones included. */
void loss_runs_read(const struct loss_runs *runs, uint32_t expected,
                    struct loss_runs_figures *figures);
/* The same of `count` packets in a row, of which this is the first. */
void loss_runs_bad_row(struct loss_runs *runs, uint32_t sequence, uint32_t count);
/*
 * How much longer runs are than random loss makes them (ITU-T G.107: BurstR): the mean run over
 * 1 / (1 - loss). 1 where nothing is bad; 1 to 8. Of the difference between two moments: no run
 * that began since, and yet bad packets, are one run that goes on.
 */
double loss_runs_burst_ratio(uint32_t bad, uint32_t runs, uint32_t expected);

#endif
