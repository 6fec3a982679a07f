/*
 * make_pcap: captures with known truth, for the tests and for measuring. See scenario.h and bulk.h.
 */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "bulk.h"
#include "scenario.h"
#include "wrap.h"

static const char usage[] =
    "usage: make_pcap --scenario FILE -o OUT [--truth FILE] [--us] [--set [HOST.]KEY=VALUE]...\n"
    "       make_pcap --calls N --concurrent M -o OUT [--truth FILE] [--truth-streams FILE]\n"
    "                 [--cps X] [--talk SECONDS] [--unanswered PERCENT] [--mixed]\n"
    "                 [--flood N] [--fragments N] [--half-open N] [--gaps N] [--tcp] [--rtp]\n"
    "                 [--loss PERCENT] [--jitter MS] [--duplicates PERCENT] [--reorder PERCENT]\n"
    "                 [--copies PERCENT] [--seed N] [--us]\n"
    "       make_pcap --keys\n"
    "OUT and the truth may be -, the standard output. --set is a key of the scenario's line file,\n"
    "or of a host; --mixed has challenges, forks, CANCELs, busy lines and late answers among the\n"
    "calls. Times are in ns; --us gives a file in us.\n";

enum option_id {
    OPTION_SCENARIO = 256,
    OPTION_TRUTH,
    OPTION_SEED,
    OPTION_US,
    OPTION_CALLS,
    OPTION_CONCURRENT,
    OPTION_CPS,
    OPTION_UNANSWERED,
    OPTION_MIXED,
    OPTION_FLOOD,
    OPTION_FRAGMENTS,
    OPTION_HALF_OPEN,
    OPTION_GAPS,
    OPTION_TCP,
    OPTION_RTP,
    OPTION_LOSS,
    OPTION_JITTER,
    OPTION_DUPLICATES,
    OPTION_COPIES,
    OPTION_REORDER,
    OPTION_TALK,
    OPTION_TRUTH_STREAMS,
    OPTION_KEYS,
    OPTION_SET,
};

static const struct option long_options[] = {
    {"scenario", required_argument, NULL, OPTION_SCENARIO},
    {"truth", required_argument, NULL, OPTION_TRUTH},
    {"seed", required_argument, NULL, OPTION_SEED},
    {"us", no_argument, NULL, OPTION_US},
    {"calls", required_argument, NULL, OPTION_CALLS},
    {"concurrent", required_argument, NULL, OPTION_CONCURRENT},
    {"cps", required_argument, NULL, OPTION_CPS},
    {"unanswered", required_argument, NULL, OPTION_UNANSWERED},
    {"mixed", no_argument, NULL, OPTION_MIXED},
    {"flood", required_argument, NULL, OPTION_FLOOD},
    {"fragments", required_argument, NULL, OPTION_FRAGMENTS},
    {"half-open", required_argument, NULL, OPTION_HALF_OPEN},
    {"gaps", required_argument, NULL, OPTION_GAPS},
    {"tcp", no_argument, NULL, OPTION_TCP},
    {"rtp", no_argument, NULL, OPTION_RTP},
    {"loss", required_argument, NULL, OPTION_LOSS},
    {"jitter", required_argument, NULL, OPTION_JITTER},
    {"duplicates", required_argument, NULL, OPTION_DUPLICATES},
    {"copies", required_argument, NULL, OPTION_COPIES},
    {"reorder", required_argument, NULL, OPTION_REORDER},
    {"talk", required_argument, NULL, OPTION_TALK},
    {"truth-streams", required_argument, NULL, OPTION_TRUTH_STREAMS},
    {"set", required_argument, NULL, OPTION_SET},
    {"keys", no_argument, NULL, OPTION_KEYS},
    {"help", no_argument, NULL, 'h'},
    {0},
};

static int64_t whole(const char *text, int64_t min, int64_t max)
{
    int64_t value;
    if (text_to_int(text, max, &value) || value < min)
        die("%s: not a number from %lld to %lld", text, (long long)min, (long long)max);
    return value;
}

static double real(const char *text, double max)
{
    int64_t billionths;
    if (text_to_ns(text, &billionths) || (double)billionths / 1e9 > max)
        die("%s: not a number from 0 to %g", text, max);
    return (double)billionths / 1e9;
}

static void take_option(int id, struct scenario_options *s, struct bulk_options *b)
{
    switch (id) {
    case 'o':
        s->out = b->out = optarg;
        break;
    case OPTION_SCENARIO:
        s->path = optarg;
        break;
    case OPTION_TRUTH:
        s->truth = b->truth = optarg;
        break;
    case OPTION_SEED:
        b->seed = (uint64_t)whole(optarg, 0, UINT32_MAX);
        break;
    case OPTION_US:
        s->microseconds = b->microseconds = true;
        break;
    case OPTION_CALLS:
        b->calls = (uint64_t)whole(optarg, 1, INT64_C(1) << 39);
        break;
    case OPTION_CONCURRENT:
        b->concurrent = (uint32_t)whole(optarg, 1, 1000000);
        break;
    case OPTION_CPS:
        b->cps = real(optarg, 1e6);
        break;
    case OPTION_UNANSWERED:
        b->unanswered = real(optarg, 100);
        break;
    case OPTION_MIXED:
        b->mixed = true;
        break;
    case OPTION_FLOOD:
    case OPTION_FRAGMENTS:
    case OPTION_HALF_OPEN:
    case OPTION_GAPS: /* in enum bulk_noise's order */
        b->noise[id - OPTION_FLOOD] = (uint64_t)whole(optarg, 0, INT64_C(1) << 39);
        break;
    case OPTION_TCP:
        b->tcp = true;
        break;
    case OPTION_RTP:
        b->rtp = true;
        break;
    case OPTION_LOSS:
        b->loss = real(optarg, 90);
        break;
    case OPTION_JITTER:
        b->jitter_ms = real(optarg, 1000);
        break;
    case OPTION_DUPLICATES:
        b->duplicates = real(optarg, 100);
        break;
    case OPTION_COPIES:
        b->copies = real(optarg, 100);
        break;
    case OPTION_REORDER:
        b->reorder = real(optarg, 100);
        break;
    case OPTION_TALK:
        b->talk_ns = (int64_t)(real(optarg, 86400) * 1e9);
        break;
    case OPTION_TRUTH_STREAMS:
        b->truth_streams = optarg;
        break;
    case OPTION_SET:
        s->set = must_realloc(s->set, (s->set_count + 1) * sizeof *s->set);
        s->set[s->set_count++] = optarg;
        break;
    case OPTION_KEYS:
        spec_print_keys(stdout);
        wrap_print_layers(stdout);
        exit(0);
    case 'h':
        fputs(usage, stdout);
        exit(0);
    default:
        fputs(usage, stderr);
        exit(2);
    }
}

int main(int argc, char **argv)
{
    struct scenario_options scenario = {0};
    struct bulk_options bulk = {.seed = 1};
    int id;
    while ((id = getopt_long(argc, argv, "o:h", long_options, NULL)) != -1)
        take_option(id, &scenario, &bulk);
    if (optind != argc || !scenario.out ||
        !scenario.path == (bulk.calls == 0 || bulk.concurrent == 0)) {
        fputs(usage, stderr);
        return 2;
    }
    if (bulk.mixed && bulk.tcp)
        die("--mixed: not with --tcp");
    if (scenario.path)
        scenario_run(&scenario);
    else
        bulk_run(&bulk);
    free(scenario.set);
    return 0;
}
