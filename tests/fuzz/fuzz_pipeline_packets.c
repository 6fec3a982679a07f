/*
 * A sequence of frames through everything: decoder, copies, fragments, TCP, SIP, calls, verdict,
 * mirror, JSON, with room for so little that it has to be made all the time.
 *
 * Input: for each frame two octets of time since the one before (signed, in steps of 10 ms), one of
 * how it is read (IS_RAW, IS_CUT, INTERFACE, IS_HEP), two of length, and its octets.
 */
#include "base/cursor.h"
#include "base/log.h"
#include "decode/hep.h"
#include "event_check.h"
#include "pipeline/packet_path.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MEMORY = 512 * 1024, LINK_ETHERNET = 1, LINK_RAW = 101 };
enum { IS_RAW = 0x01, IS_CUT = 0x02, INTERFACE = 0x0c, IS_HEP = 0x10 };

#define MS       INT64_C(1000000)
#define EPOCH_NS (INT64_C(1767225600) * 1000 * MS)
#define STEP_NS  (10 * MS)

/* Everything that was read is counted once. */
static void check_counts(const struct tally *tally)
{
    uint64_t sum = tally->copies;
    for (int verdict = 0; verdict < DECODE_VERDICT_COUNT; verdict++)
        sum += tally->decoded[verdict];
    check(sum == tally->packets, "every packet is counted once");
}

static void check_limits(const struct pipeline *pipeline)
{
    struct defrag_stats defrag;
    struct tcp_stats tcp;
    defrag_stats(pipeline->defrag, &defrag);
    tcp_stats(pipeline->tcp, &tcp);
    check(defrag.waiting <= pipeline->defrag_max, "datagrams in fragments are limited");
    check(tcp.tracked <= pipeline->tcp_max, "connections are limited");
    check(tcp.buffered_bytes <= MEMORY, "what streams keep is limited");
}

/* The events are looked at on their way to where the pipeline sends them. */
static void look(void *context, const struct event *event)
{
    check_json(event);
    packet_path_event(context, event);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint16_t sip_ports[] = {5070};
    static struct pipeline pipeline;
    struct metrics *registry = metrics_create();
    struct pipeline_params params = {
        .calls = {.timer_b_ns = 32000 * MS, .idle_ns = 60000 * MS, .sensor_id = "fuzz"},
        .memory_bytes = MEMORY,
        .copy_window_ns = 50 * MS,
        .rtp_interval_ns = INT64_C(10000000000),
        .sip_ports = sip_ports,
        .sip_port_count = 1,
        .has_hep = true,
        .registry = registry,
    };
    log_set_level(LOG_LEVEL_ERROR);
    if (!registry || pipeline_init(&pipeline, &params) != 0)
        abort();
    pipeline.calls.params.receive = look;
    struct cursor in = cursor_of(data, size);
    struct packet_batch batch = {0};
    int64_t time_ns = EPOCH_NS;
    uint64_t number = 0;
    while (in.left >= 5) {
        time_ns += (int16_t)cursor_u16(&in) * STEP_NS + 1;
        uint8_t how = cursor_u8(&in);
        uint32_t length = cursor_u16(&in);
        length = length < in.left ? length : (uint32_t)in.left;
        batch.packet[batch.count++] = (struct packet){
            .time_ns = time_ns,
            .number = ++number,
            .bytes = cursor_take(&in, length),
            .captured_len = length,
            .wire_len = how & IS_CUT ? length + 100 : length,
            .link_type = how & IS_HEP   ? HEP_LINK
                         : how & IS_RAW ? LINK_RAW
                                        : LINK_ETHERNET,
            .interface = (uint16_t)((how & INTERFACE) >> 2),
        };
        if (batch.count == PACKET_BATCH_MAX || in.left < 5) {
            packet_path_take(&pipeline, &batch);
            batch.count = 0;
            check_limits(&pipeline);
        }
    }
    packet_path_finish(&pipeline);
    calls_finish(&pipeline.calls);
    check_counts(&pipeline.tally);
    pipeline_fini(&pipeline);
    metrics_destroy(registry);
    return 0;
}
