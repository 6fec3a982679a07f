#include "config/options.h"

#include <assert.h>
#include <stdio.h>

#include "config/config.h"

#define KIB(n)          ((uint64_t)(n) << 10)
#define MIB(n)          ((uint64_t)(n) << 20)
#define PERCENT(n)      ((uint64_t)(n)*10000U)
#define GIB(n)          ((uint64_t)(n) << 30)
#define TIB(n)          ((uint64_t)(n) << 40)
#define MILLISECONDS(n) ((uint64_t)(n)*1000000U)
#define SECONDS(n)      MILLISECONDS((n)*1000U)
#define MINUTES(n)      SECONDS((n)*60U)
#define HOURS(n)        MINUTES((n)*60U)

#define FIELD(name) .offset = offsetof(struct config, name)
#define ANYWHERE    (OPTION_IN_CLI | OPTION_IN_ENV | OPTION_IN_FILE)

/* In the order of enum report_format and of enum log_level. */
static const char *const report_choices[] = {"text", "json", "none", NULL};
static const char *const log_level_choices[] = {"error", "warning", "info", "debug", NULL};

static const struct option_spec table[] = {
    {
        .key = "read",
        .letter = 'r',
        .type = OPTION_LIST,
        .group = OPTION_GROUP_INPUT,
        .places = ANYWHERE,
        .max = 1024,
        .example = "[call.pcap]",
        .metavar = "FILE",
        .text =
            "read a capture (pcap or pcapng, gzip-compressed or not; - is standard input) on the "
            "packets' own clock, then print the report and exit; repeatable, in time order",
        FIELD(read),
    },
    {
        .key = "interface",
        .letter = 'i',
        .type = OPTION_LIST,
        .group = OPTION_GROUP_INPUT,
        .places = ANYWHERE,
        .max = 64,
        .example = "[eth1]",
        .metavar = "DEV",
        .text = "capture live on this device; repeatable",
        FIELD(interface),
    },
    {
        .key = "filter",
        .type = OPTION_STRING,
        .group = OPTION_GROUP_INPUT,
        .places = OPTION_IN_WORDS | OPTION_IN_ENV | OPTION_IN_FILE,
        .min = 1,
        .max = KIB(32),
        .example = "not net 192.0.2.0/24",
        .metavar = "FILTER",
        .text = "look only at the packets that this expression lets through, see pcap-filter(7); "
                "best left "
                "out: a filter hides VLAN tags, tunnels, fragments and ICMP errors",
        FIELD(filter),
    },
    {
        .key = "config",
        .letter = 'c',
        .type = OPTION_PATH,
        .action = OPTION_CONFIG_FILE,
        .group = OPTION_GROUP_PROGRAM,
        .places = OPTION_IN_CLI,
        .metavar = "FILE",
        .text = "configuration file; without this option none is read",
    },
    {
        .key = "events",
        .type = OPTION_PATH,
        .group = OPTION_GROUP_OUTPUT,
        .places = ANYWHERE,
        .example = "/var/lib/sipspan/events.ndjson",
        .metavar = "FILE",
        .text = "append events to this file, one JSON object a line; - is standard output",
        FIELD(events),
    },
    {
        .key = "report",
        .type = OPTION_ENUM,
        .group = OPTION_GROUP_OUTPUT,
        .places = ANYWHERE,
        .choices = report_choices,
        .default_text = "text",
        .text = "what -r prints at its end: a summary for people, the same as one JSON object, or "
                "nothing; with --events - it goes to standard error",
        FIELD(report),
    },
    {
        .key = "listen",
        .type = OPTION_ADDRESS,
        .group = OPTION_GROUP_OUTPUT,
        .places = ANYWHERE,
        .default_note = "127.0.0.1:9160 live, off with -r",
        .example = "127.0.0.1:9160",
        .metavar = "ADDR:PORT",
        .text = "serve metrics and health over HTTP on this address; given with -r, serving "
                "goes on after the end of the capture until interrupted",
        FIELD(listen),
    },
    {
        .key = "sensor_id",
        .type = OPTION_NAME,
        .group = OPTION_GROUP_OUTPUT,
        .places = ANYWHERE,
        .min = 1,
        .max = 64,
        .default_note = "the host name",
        .example = "sensor-1",
        .metavar = "ID",
        .text = "name of this sensor in its events",
        FIELD(sensor_id),
    },
    {
        .key = "log_level",
        .type = OPTION_ENUM,
        .group = OPTION_GROUP_OUTPUT,
        .places = ANYWHERE,
        .choices = log_level_choices,
        .default_text = "info",
        .text = "how much is said on standard error",
        FIELD(log_level),
    },
    {
        .key = "buffer",
        .type = OPTION_SIZE,
        .group = OPTION_GROUP_CAPTURE,
        .places = ANYWHERE,
        .min = MIB(1),
        .max = GIB(4),
        .default_text = "64MiB",
        .metavar = "SIZE",
        .text = "buffer in the kernel for the packets of each device: what does not fit is dropped",
        FIELD(buffer_bytes),
    },
    {
        .key = "snap_len",
        .type = OPTION_INTEGER,
        .group = OPTION_GROUP_CAPTURE,
        .places = ANYWHERE,
        .min = 256,
        .max = KIB(256),
        .default_text = "65535",
        .unit = "bytes",
        .metavar = "BYTES",
        .text = "capture at most this much of each packet",
        FIELD(snap_len),
    },
    {
        .key = "promiscuous",
        .type = OPTION_BOOL,
        .group = OPTION_GROUP_CAPTURE,
        .places = ANYWHERE,
        .default_text = "true",
        .metavar = "BOOL",
        .text = "capture packets that are addressed to others, as a mirror port's are",
        FIELD(promiscuous),
    },
    {
        .key = "user",
        .type = OPTION_NAME,
        .group = OPTION_GROUP_CAPTURE,
        .places = ANYWHERE,
        .min = 1,
        .max = 64,
        .default_text = "nobody",
        .metavar = "USER",
        .text = "whom to become once the devices are open, when started as root; root stays root",
        FIELD(user),
    },
    {
        .key = "sip_ports",
        .type = OPTION_PORTS,
        .group = OPTION_GROUP_CAPTURE,
        .places = ANYWHERE,
        .max = CONFIG_PORTS_MAX,
        .default_note = "5060 and 5061, and where SIP was seen",
        .example = "5070",
        .metavar = "PORT",
        .text = "further TCP ports where SIP is spoken: connections to them that "
                "fail are reported; repeatable",
        FIELD(sip_ports),
    },
    {
        .key = "copy_window",
        .type = OPTION_DURATION,
        .group = OPTION_GROUP_CAPTURE,
        .places = ANYWHERE,
        .min = MILLISECONDS(2),
        .max = MILLISECONDS(90),
        .default_text = "50ms",
        .metavar = "TIME",
        .text = "the same packet seen again within so long is a copy made by the mirror; below the "
                "shortest T1 in use, so that no retransmission is taken for one",
        FIELD(copy_window_ns),
    },
    {
        .key = "workers",
        .type = OPTION_INTEGER,
        .group = OPTION_GROUP_LIMITS,
        .places = ANYWHERE,
        .min = 1,
        .max = 64,
        .default_note = "the cores this process may use",
        .example = "2",
        .metavar = "N",
        .text = "packet workers; this version decodes on one, whatever is given",
        FIELD(workers),
    },
    {
        .key = "memory_limit",
        .type = OPTION_SIZE,
        .group = OPTION_GROUP_LIMITS,
        .places = ANYWHERE,
        .min = MIB(48),
        .max = TIB(1),
        .default_text = "1GiB",
        .metavar = "SIZE",
        .text = "memory that the program stays under: when its tables are full, the oldest entries "
                "are dropped and counted",
        FIELD(memory_limit),
    },
    {
        .key = "timer_b",
        .type = OPTION_DURATION,
        .group = OPTION_GROUP_LIMITS,
        .places = ANYWHERE,
        .min = SECONDS(1),
        .max = MINUTES(10),
        .default_text = "32s",
        .metavar = "TIME",
        .text = "how long an INVITE waits for any response before it is reported as unanswered, "
                "Timer B of RFC 3261 section 17.1.1.2; a connection for signalling as long for its "
                "first answer",
        FIELD(timer_b_ns),
    },
    {
        .key = "call_idle_timeout",
        .type = OPTION_DURATION,
        .group = OPTION_GROUP_LIMITS,
        .places = ANYWHERE,
        .min = MINUTES(1),
        .max = HOURS(24),
        .default_text = "2h",
        .metavar = "TIME",
        .text = "an established call of which no packet is seen for so long is reported as lost",
        FIELD(call_idle_timeout_ns),
    },
    {
        .key = "rtp_interval",
        .type = OPTION_DURATION,
        .group = OPTION_GROUP_MEDIA,
        .places = ANYWHERE,
        .min = SECONDS(1),
        .max = MINUTES(10),
        .default_text = "10s",
        .metavar = "TIME",
        .text = "each RTP stream is reported and judged over intervals of this length",
        FIELD(rtp_interval_ns),
    },
    {
        .key = "rtp_jitter_threshold",
        .type = OPTION_DURATION,
        .group = OPTION_GROUP_MEDIA,
        .places = ANYWHERE,
        .min = MILLISECONDS(1),
        .max = SECONDS(10),
        .default_text = "30ms",
        .metavar = "TIME",
        .text =
            "mean jitter of an interval above which a stream is reported as degraded, and under "
            "80% of which as recovered; peers may have one of their own",
        FIELD(rtp_jitter_threshold_ns),
    },
    {
        .key = "rtp_latency_threshold",
        .type = OPTION_DURATION,
        .group = OPTION_GROUP_MEDIA,
        .places = ANYWHERE,
        .min = MILLISECONDS(1),
        .max = SECONDS(10),
        .default_text = "150ms",
        .metavar = "TIME",
        .text = "the same for its mean latency, one way, where RTCP tells it",
        FIELD(rtp_latency_threshold_ns),
    },
    {
        .key = "rtp_loss_threshold",
        .type = OPTION_SHARE,
        .group = OPTION_GROUP_MEDIA,
        .places = ANYWHERE,
        .min = PERCENT(1) / 100,
        .max = PERCENT(100),
        .default_text = "1%",
        .metavar = "SHARE",
        .text = "the same for the share of its packets that are lost",
        FIELD(rtp_loss_threshold),
    },
    {
        .key = "g711_concealment",
        .type = OPTION_BOOL,
        .group = OPTION_GROUP_MEDIA,
        .places = ANYWHERE,
        .default_text = "true",
        .metavar = "BOOL",
        .text = "take it that what receives G.711 conceals lost packets (ITU-T G.711 Appendix I); "
                "the MOS is lower without",
        FIELD(g711_concealment),
    },
    {
        .key = "peers",
        .type = OPTION_PEERS,
        .group = OPTION_GROUP_PEERS,
        .places = OPTION_IN_FILE,
        .max = CONFIG_PEERS_MAX,
        .example = "\n"
                   "  - name: trunk-a\n"
                   "    address: 192.0.2.0/24\n"
                   "    latency: 200ms\n"
                   "    loss: 0.5%\n"
                   "  - name: pbx\n"
                   "    address: [198.51.100.10, 2001:db8:5060::/48]",
        .text = "names for addresses and networks (trunks, gateways, phone systems), used for them "
                "in events and metrics, and thresholds for the media from and to them (jitter, "
                "latency, loss, as above) where they differ; the most specific network counts",
        FIELD(peer),
    },
    {
        .key = "check_config",
        .type = OPTION_FLAG,
        .action = OPTION_CHECK_CONFIG,
        .group = OPTION_GROUP_PROGRAM,
        .places = OPTION_IN_CLI,
        .text = "say what is wrong with the configuration and on which line, and exit with 0 if "
                "nothing is, else with 2",
    },
    {
        .key = "version",
        .letter = 'V',
        .type = OPTION_FLAG,
        .action = OPTION_VERSION,
        .group = OPTION_GROUP_PROGRAM,
        .places = OPTION_IN_CLI,
        .text = "print the version, with those of the libraries, and exit",
    },
    {
        .key = "help",
        .letter = 'h',
        .type = OPTION_FLAG,
        .action = OPTION_HELP,
        .group = OPTION_GROUP_PROGRAM,
        .places = OPTION_IN_CLI,
        .text = "print this help and exit",
    },
};

enum { TABLE_COUNT = sizeof table / sizeof table[0] };
static_assert(sizeof table / sizeof table[0] <= OPTIONS_MAX,
              "the arrays of others hold OPTIONS_MAX options");

static const char *const group_titles[OPTION_GROUP_COUNT] = {
    [OPTION_GROUP_INPUT] = "Where packets come from",
    [OPTION_GROUP_OUTPUT] = "What comes out",
    [OPTION_GROUP_CAPTURE] = "Live capture",
    [OPTION_GROUP_LIMITS] = "Limits and timers",
    [OPTION_GROUP_MEDIA] = "Media",
    [OPTION_GROUP_PEERS] = "In the configuration file only",
    [OPTION_GROUP_PROGRAM] = "The program itself",
};

size_t options_count(void)
{
    return TABLE_COUNT;
}

const struct option_spec *options_at(size_t index)
{
    return &table[index];
}

size_t options_index(const struct option_spec *option)
{
    return (size_t)(option - table);
}

const struct option_spec *options_find(struct slice key)
{
    for (size_t i = 0; i < TABLE_COUNT; i++)
        if (slice_eq(key, slice_str(table[i].key)))
            return &table[i];
    return NULL;
}

const char *options_flag(const struct option_spec *option, char buf[static OPTION_TEXT_MAX])
{
    snprintf(buf, OPTION_TEXT_MAX, "--%s", option->key);
    for (char *c = buf; *c; c++)
        if (*c == '_')
            *c = '-';
    return buf;
}

const char *options_variable(const struct option_spec *option, char buf[static OPTION_TEXT_MAX])
{
    snprintf(buf, OPTION_TEXT_MAX, "SIPSPAN_%s", option->key);
    for (char *c = buf; *c; c++)
        if (*c >= 'a' && *c <= 'z')
            *c = (char)(*c - 'a' + 'A');
    return buf;
}

const char *options_metavar(const struct option_spec *option, char buf[static OPTION_TEXT_MAX])
{
    size_t len =
        (size_t)snprintf(buf, OPTION_TEXT_MAX, "%s", option->metavar ? option->metavar : "");
    for (size_t i = 0; option->choices && option->choices[i] && len < OPTION_TEXT_MAX; i++)
        len += (size_t)snprintf(buf + len, OPTION_TEXT_MAX - len, "%s%s", i == 0 ? "" : "|",
                                option->choices[i]);
    return buf;
}

const struct option_spec *options_find_variable(struct slice name)
{
    char variable[OPTION_TEXT_MAX];
    for (size_t i = 0; i < TABLE_COUNT; i++)
        if (table[i].places & OPTION_IN_ENV &&
            slice_eq(name, slice_skip(slice_str(options_variable(&table[i], variable)), 8)))
            return &table[i];
    return NULL;
}

static unsigned min3(unsigned a, unsigned b, unsigned c)
{
    unsigned least = a < b ? a : b;
    return least < c ? least : c;
}

/* Levenshtein's: insertions, deletions and replacements that make one of the other. */
static unsigned edit_distance(struct slice a, struct slice b)
{
    unsigned row[OPTION_TEXT_MAX + 1];
    for (unsigned j = 0; j <= b.len; j++)
        row[j] = j;
    for (unsigned i = 1; i <= a.len; i++) {
        unsigned diagonal = row[0];
        row[0] = i;
        for (unsigned j = 1; j <= b.len; j++) {
            unsigned replaced = diagonal + (a.at[i - 1] != b.at[j - 1]);
            diagonal = row[j];
            row[j] = min3(row[j] + 1, row[j - 1] + 1, replaced);
        }
    }
    return row[b.len];
}

const struct option_spec *options_nearest(struct slice typed, unsigned places)
{
    char key[OPTION_TEXT_MAX];
    if (typed.len == 0 || typed.len > sizeof key)
        return NULL;
    for (size_t i = 0; i < typed.len; i++)
        key[i] = typed.at[i] == '-' ? '_' : slice_lower_char(typed.at[i]);
    /* A third of it wrong is a slip of the fingers; more is another word. */
    unsigned least = typed.len <= 4 ? 1 : typed.len <= 6 ? 2 : (unsigned)typed.len / 3;
    const struct option_spec *nearest = NULL;
    for (size_t i = 0; i < TABLE_COUNT; i++) {
        if (!(table[i].places & places))
            continue;
        unsigned distance = edit_distance(slice_of(key, typed.len), slice_str(table[i].key));
        if (distance < least || (distance == least && !nearest)) {
            least = distance;
            nearest = &table[i];
        }
    }
    return nearest;
}

const char *options_group_title(enum option_group group)
{
    return group_titles[group];
}
