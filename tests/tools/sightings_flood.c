/*
 * sightings_flood: gives sightings to Redis as fast as it takes them, for measuring that.
 *
 * usage: sightings_flood SERVER SIGHTINGS
 *
 * They are those of calls: the INVITE and its first response. Prints how many Redis has, how many
 * were left out, in what time, and what the thread that gave them spent on each.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sightings/sightings.h"

enum { OUTBOX_BYTES = 4 << 20, PATIENCE_S = 60 };

static int64_t clock_ns(clockid_t clock)
{
    struct timespec ts;
    clock_gettime(clock, &ts);
    return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static void nap(void)
{
    nanosleep(&(struct timespec){.tv_nsec = 500000}, NULL);
}

static void give(struct sightings *sightings, uint64_t number)
{
    char call_id[64], branch[64];
    uint64_t call = number / 2;
    int call_id_len = snprintf(call_id, sizeof call_id, "%" PRIu64 "-flood@192.0.2.10", call);
    int branch_len = snprintf(branch, sizeof branch, "z9hG4bK-%" PRIu64, call);
    struct sighting sighting = {
        .call_id = slice_of(call_id, (size_t)call_id_len),
        .branch = slice_of(branch, (size_t)branch_len),
        .cseq = 1,
        .transport = TRANSPORT_UDP,
        .dst = ip_from_v4((const uint8_t[4]){198, 51, 100, (uint8_t)(call % 250)}),
        .time_ns = clock_ns(CLOCK_REALTIME),
    };
    if (number % 2 == 0)
        sightings_request(sightings, &sighting);
    else
        sightings_response(sightings, &sighting);
}

static uint64_t settled(struct sightings *sightings, struct sightings_stats *stats)
{
    sightings_stats(sightings, stats);
    return stats->noted + stats->dropped;
}

/* While half of the outbox is taken, nothing is given: what is asked is how fast it empties. */
static void flood(struct sightings *sightings, uint64_t count, int64_t end_ns)
{
    struct sightings_stats stats;
    for (uint64_t number = 0; number < count; number++) {
        if (number % 256 == 0)
            while (sightings_stats(sightings, &stats),
                   stats.queued_bytes > OUTBOX_BYTES / 2 && clock_ns(CLOCK_MONOTONIC) < end_ns)
                nap();
        give(sightings, number);
    }
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fputs("usage: sightings_flood SERVER SIGHTINGS\n", stderr);
        return 2;
    }
    const char *const path[] = {"outside", "inside"};
    char error[256];
    uint64_t count = strtoull(argv[2], NULL, 10);
    struct sightings_stats stats;
    struct sightings *sightings = sightings_start(
        &(struct sightings_params){
            .server = argv[1],
            .secret = "a secret for floods",
            .sensor_id = "flood",
            .path = path,
            .path_len = 2,
            .point = "outside",
            .outbox_bytes = OUTBOX_BYTES,
        },
        error, sizeof error);
    if (!sightings) {
        fprintf(stderr, "sightings_flood: %s\n", error);
        return 1;
    }
    int64_t end_ns = clock_ns(CLOCK_MONOTONIC) + PATIENCE_S * INT64_C(1000000000);
    while (settled(sightings, &stats), !stats.is_up && clock_ns(CLOCK_MONOTONIC) < end_ns)
        nap();
    int64_t began_ns = clock_ns(CLOCK_MONOTONIC);
    flood(sightings, count, end_ns);
    int64_t spent_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID);
    while (settled(sightings, &stats) < count && clock_ns(CLOCK_MONOTONIC) < end_ns)
        nap();
    double seconds = (double)(clock_ns(CLOCK_MONOTONIC) - began_ns) / 1e9;
    printf("%" PRIu64 " noted, %" PRIu64 " left out in %.3f s, %.2f us for giving each\n",
           stats.noted, stats.dropped, seconds, (double)spent_ns / 1e3 / (double)count);
    sightings_stop(sightings);
    return 0;
}
