#include <errno.h>
#include <string.h>

#include "bulk_state.h"
#include "text.h"

static FILE *open_file(const char *path)
{
    FILE *f = strcmp(path, "-") == 0 ? stdout : fopen(path, "w");
    if (!f)
        die("%s: cannot be opened: %s", path, strerror(errno));
    return f;
}

static void close_file(FILE *f, const char *path)
{
    if (fclose(f) != 0)
        die("%s: cannot be written: %s", path, strerror(errno));
}

void bulk_truth_open(struct bulk *b)
{
    if (b->options->truth_streams)
        b->truth_streams = open_file(b->options->truth_streams);
}

void bulk_truth_stream(struct bulk *b, const struct call *call, uint32_t direction)
{
    const struct stream *s = &call->streams[direction];
    struct endpoint ends[2] = {call->caller, call->gateway};
    char src[ENDPOINT_TEXT_MAX], dst[ENDPOINT_TEXT_MAX];
    if (!b->truth_streams)
        return;
    ends[0].port = call->caller_media;
    ends[1].port = call->gateway_media;
    fprintf(b->truth_streams,
            "{\"ssrc\": %u, \"src\": \"%s\", \"dst\": \"%s\", \"packets\": %llu, \"lost\": %llu, "
            "\"duplicates\": %llu, \"out_of_order\": %llu, \"mirror_copies\": %llu}\n",
            s->ssrc, endpoint_format(&ends[direction], src),
            endpoint_format(&ends[!direction], dst), (unsigned long long)s->sums.packets,
            (unsigned long long)s->sums.lost, (unsigned long long)s->sums.duplicates,
            (unsigned long long)s->sums.out_of_order, (unsigned long long)s->sums.copies);
}

static void write_sums(const struct bulk *b, uint32_t concurrent, FILE *f)
{
    const struct totals *t = &b->totals;
    const uint64_t *m = t->messages;
    uint64_t invites = m[BULK_INVITE] + m[BULK_INVITE_AGAIN] + m[BULK_FLOOD];
    const struct {
        const char *name;
        uint64_t value;
    } numbers[] = {
        {"packets", b->out.packets},
        {"octets", b->out.octets},
        {"requests", invites + m[BULK_ACK] + m[BULK_ACK_FAILURE] + m[BULK_CANCEL] + m[BULK_BYE]},
        {"responses", m[BULK_TRYING] + m[BULK_RINGING] + m[BULK_OK] + m[BULK_BYE_OK] +
                          m[BULK_CHALLENGE] + m[BULK_BUSY] + m[BULK_CANCEL_OK] +
                          m[BULK_TERMINATED]},
        {"invites", invites},
        {"call_ids", b->started + t->noise[BULK_INVITES]},
        {"calls_at_a_time", concurrent},
        {"calls_answered", t->answered},
        {"calls_unanswered", t->unanswered},
        {"calls_failed", t->failed},
        {"calls_cancelled", t->cancelled},
        {"struggling", t->struggling},
        {"flood", t->noise[BULK_INVITES]},
        {"fragments", t->noise[BULK_FRAGMENTS]},
        {"half_open", t->noise[BULK_HALF_OPEN]},
        {"gaps", t->noise[BULK_GAPS]},
        {"copies", t->copies},
        {"other", t->other},
        {"rtp_streams", t->streams},
        {"rtp_packets", t->rtp.packets},
        {"rtp_lost", t->rtp.lost},
        {"rtp_duplicates", t->rtp.duplicates},
        {"rtp_out_of_order", t->rtp.out_of_order},
        {"rtp_mirror_copies", t->rtp.copies},
    };
    fputs("{\n", f);
    for (unsigned i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        fprintf(f, "  \"%s\": %llu,\n", numbers[i].name, (unsigned long long)numbers[i].value);
    fprintf(f, "  \"seconds\": %.9f\n}\n", (double)(b->out.last_ns - b->out.first_ns) / 1e9);
}

void bulk_truth_write(struct bulk *b, uint32_t concurrent)
{
    if (b->truth_streams)
        close_file(b->truth_streams, b->options->truth_streams);
    if (!b->options->truth)
        return;
    FILE *f = open_file(b->options->truth);
    write_sums(b, concurrent, f);
    close_file(f, b->options->truth);
}
