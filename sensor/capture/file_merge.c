/*
 * The back end for capture files: one or many, merged by the stamps of their packets.
 *
 * Packets of a batch point into their readers' windows. So nothing is refilled while a batch is
 * out: where the reader whose turn it is has no packet left in its window, the batch ends, and the
 * next read begins by filling it. Readers stand in a heap by (time of the head, order of the
 * files). A file whose own stamps go backwards is read in its order.
 *
 * Of many files, those whose turn has not come are parked: looked at once for the time of their
 * first packet, then closed. So what is open at a time are the files that overlap in time.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "capture/capture_backend.h"
#include "capture/file_reader.h"
#include "capture/pcap_filter.h"

struct file_merge {
    struct capture base;
    struct file_reader *reader;
    size_t reader_count;
    struct file_reader **heap; /* the smallest first; those that have a packet yet */
    size_t heap_count;
    char *expression;
    struct pcap_filter *filter; /* NULL: none */
    int filter_link_type;       /* the last one that it was prepared for, -1 none */
    uint64_t number;
    uint16_t next_interface;
    size_t broken; /* files that ended badly; base.error has the first */
};

static inline bool comes_before(const struct file_reader *a, const struct file_reader *b)
{
    int64_t at = a->head.packet.time_ns, bt = b->head.packet.time_ns;
    return at != bt ? at < bt : a->order < b->order;
}

/* Puts the top where it belongs, after its time has changed. */
static void sift_down(struct file_merge *m)
{
    struct file_reader *moved = m->heap[0];
    size_t at = 0;
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= m->heap_count)
            break;
        if (child + 1 < m->heap_count && comes_before(m->heap[child + 1], m->heap[child]))
            child++;
        if (!comes_before(m->heap[child], moved))
            break;
        m->heap[at] = m->heap[child];
        at = child;
    }
    m->heap[at] = moved;
}

static void push(struct file_merge *m, struct file_reader *reader)
{
    size_t at = m->heap_count++;
    while (at > 0 && comes_before(reader, m->heap[(at - 1) / 2])) {
        m->heap[at] = m->heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    m->heap[at] = reader;
}

/* The file is done with. Its size stays, for the progress. */
static void pop(struct file_merge *m)
{
    struct file_reader *reader = m->heap[0];
    reader->input.consumed = reader->input.size;
    file_reader_fini(reader);
    m->heap[0] = m->heap[--m->heap_count];
    if (m->heap_count > 0)
        sift_down(m);
}

static void note_broken(struct file_merge *m, const struct capture_error *error)
{
    if (m->broken++ == 0)
        m->base.error = *error;
}

/* Whether the filter can judge this packet; if not, the file ends badly here. */
static bool prepare_filter(struct file_merge *m, const struct file_reader *reader,
                           struct capture_error *error)
{
    char why[PCAP_FILTER_ERROR_MAX];
    uint16_t link_type = reader->head.packet.link_type;
    if (m->filter_link_type == link_type)
        return true;
    if (pcap_filter_prepare(m->filter, link_type, why) != 0) {
        capture_error_set(error, 2, "filter '%.150s': %s (for link type %u of %s); %s",
                          m->expression, why, link_type, reader->input.name, "see man pcap-filter");
        return false;
    }
    m->filter_link_type = link_type;
    return true;
}

/* Gives the top's head to the batch, or leaves it out. False: the filter cannot judge it. */
static inline bool take_head(struct file_merge *m, struct file_reader *top,
                             struct packet_batch *batch, struct capture_error *error)
{
    struct packet *packet = &top->head.packet;
    if (m->filter && !prepare_filter(m, top, error))
        return false;
    packet->number = ++m->number;
    if (m->filter && !pcap_filter_matches(m->filter, packet)) {
        m->base.stats.filtered++;
        return true;
    }
    batch->packet[batch->count++] = *packet;
    capture_count(&m->base, packet);
    return true;
}

/* Where one file is left and nobody asks which packets: all that fit, without a look at each. */
static inline void take_run(struct file_merge *m, struct packet_batch *batch)
{
    struct packet *packet = &batch->packet[batch->count];
    unsigned count = file_reader_run(m->heap[0], packet, PACKET_BATCH_MAX - batch->count);
    uint64_t bytes = 0, truncated = 0;
    for (unsigned i = 0; i < count; i++) {
        packet[i].number = m->number + i + 1;
        bytes += packet[i].captured_len;
        truncated += packet[i].captured_len < packet[i].wire_len;
    }
    m->number += count;
    batch->count += count;
    m->base.stats.packets += count;
    m->base.stats.bytes += bytes;
    m->base.stats.truncated += truncated;
}

/* Fills the top's window. No packet may be out. False: the capture was stopped. */
static bool fill_top(struct file_merge *m)
{
    struct capture_error error;
    switch (file_reader_fill(m->heap[0], &error)) {
    case FILE_READER_PACKET:
        sift_down(m);
        return true;
    case FILE_READER_STOPPED:
        return false;
    case FILE_READER_BROKEN:
    case FILE_READER_UNUSABLE:
        note_broken(m, &error);
        break;
    case FILE_READER_END:
        break;
    }
    pop(m);
    return true;
}

static enum capture_status finish(struct file_merge *m)
{
    if (m->broken == 0)
        return CAPTURE_END;
    size_t len = strlen(m->base.error.text);
    if (m->broken > 1)
        snprintf(m->base.error.text + len, sizeof m->base.error.text - len,
                 " (%zu more of the files ended badly)", m->broken - 1);
    m->broken = 1; /* said once */
    return CAPTURE_FAILED;
}

static enum capture_status file_merge_read(struct capture *capture, struct packet_batch *batch,
                                           int timeout_ms)
{
    (void)timeout_ms;
    struct file_merge *m = (struct file_merge *)capture;
    struct capture_error error;
    while (m->heap_count > 0 && batch->count < PACKET_BATCH_MAX) {
        struct file_reader *top = m->heap[0];
        if (!top->ready) {
            if (batch->count > 0)
                break;
            if (capture_is_stopped(capture) || !fill_top(m))
                return CAPTURE_END;
            continue;
        }
        if (m->heap_count == 1 && !m->filter) {
            take_run(m, batch);
            continue;
        }
        if (!take_head(m, top, batch, &error)) {
            if (batch->count > 0)
                break;
            note_broken(m, &error);
            pop(m);
            continue;
        }
        if (file_reader_step(top) && m->heap_count > 1)
            sift_down(m);
    }
    return batch->count > 0 ? CAPTURE_PACKETS : finish(m);
}

static double file_merge_progress(const struct capture *capture)
{
    const struct file_merge *m = (const struct file_merge *)capture;
    double size = 0, consumed = 0;
    for (size_t i = 0; i < m->reader_count; i++) {
        const struct file_input *in = &m->reader[i].input;
        if (!in->regular)
            return -1;
        size += (double)in->size;
        consumed += (double)in->consumed;
    }
    if (size <= 0)
        return m->heap_count > 0 ? 0 : 1;
    return consumed < size ? consumed / size : 1;
}

static void file_merge_close(struct capture *capture)
{
    struct file_merge *m = (struct file_merge *)capture;
    for (size_t i = 0; i < m->reader_count; i++)
        file_reader_fini(&m->reader[i]);
    pcap_filter_destroy(m->filter);
    free(m->expression);
    free(m->heap);
    free(m->reader);
    capture_fini(&m->base);
    free(m);
}

static const struct capture_backend file_merge_backend = {
    .read = file_merge_read,
    .progress = file_merge_progress,
    .close = file_merge_close,
};

static int check_params(const struct capture_file_params *params, struct capture_error *error)
{
    size_t standard_inputs = 0;
    for (size_t i = 0; i < params->path_count; i++)
        standard_inputs += strcmp(params->paths[i], "-") == 0;
    if (params->path_count == 0)
        capture_error_set(error, 2, "no capture file is named");
    else if (standard_inputs > 1)
        capture_error_set(error, 2, "standard input (-) can be read only once");
    else
        return 0;
    return -1;
}

static struct file_merge *create(const struct capture_file_params *params,
                                 struct capture_error *error)
{
    struct file_merge *m = calloc(1, sizeof *m);
    int rc = m ? capture_init(&m->base, &file_merge_backend) : -ENOMEM;
    if (rc != 0)
        goto fail;
    rc = -ENOMEM;
    m->filter_link_type = -1;
    m->reader = calloc(params->path_count, sizeof *m->reader);
    m->heap = calloc(params->path_count, sizeof(struct file_reader *));
    if (!m->reader || !m->heap)
        goto fail;
    if (params->filter && params->filter[0] != '\0') {
        m->expression = strdup(params->filter);
        m->filter = m->expression ? pcap_filter_create(m->expression) : NULL;
        if (!m->filter)
            goto fail;
    }
    return m;

fail:
    capture_error_set(error, 1, "captures cannot be read: %s", strerror(-rc));
    if (m)
        file_merge_close(&m->base);
    return NULL;
}

/* False: this file makes it pointless to begin, see *error. */
static bool open_reader(struct file_merge *m, const char *path, size_t path_count,
                        struct capture_error *error)
{
    struct file_reader *reader = &m->reader[m->reader_count++];
    enum file_reader_status status =
        file_reader_open(reader, path, m->base.stop_fd, &m->next_interface, error);
    reader->order = m->reader_count;
    switch (status) {
    case FILE_READER_PACKET:
        if (path_count > 1 && reader->input.regular)
            file_reader_park(reader);
        push(m, reader);
        return true;
    case FILE_READER_UNUSABLE:
        return false;
    case FILE_READER_BROKEN:
        note_broken(m, error);
        /* Among others it is told at the end, when those have been read. */
        file_reader_fini(reader);
        return path_count > 1;
    case FILE_READER_END:
    case FILE_READER_STOPPED:
        file_reader_fini(reader);
        break;
    }
    return true;
}

/* Says at once, before any packet is read, that a filter is wrong. */
static bool check_filter(struct file_merge *m, struct capture_error *error)
{
    char why[PCAP_FILTER_ERROR_MAX];
    if (!m->filter)
        return true;
    if (pcap_filter_prepare(m->filter, LINK_TYPE_ETHERNET, why) != 0 && m->heap_count == 0) {
        capture_error_set(error, 2, "filter '%.200s': %s; see man pcap-filter", m->expression, why);
        return false;
    }
    for (size_t i = 0; i < m->heap_count; i++)
        if (!prepare_filter(m, m->heap[i], error))
            return false;
    char caveat[PCAP_FILTER_CAVEAT_MAX];
    if (pcap_filter_caveat(m->expression, false, caveat))
        capture_add_notice(&m->base, "%s", caveat);
    return true;
}

struct capture *capture_open_files(const struct capture_file_params *params,
                                   struct capture_error *error)
{
    if (check_params(params, error) != 0)
        return NULL;
    struct file_merge *m = create(params, error);
    if (!m)
        return NULL;
    for (size_t i = 0; i < params->path_count; i++)
        if (!open_reader(m, params->paths[i], params->path_count, error))
            goto fail;
    if (!check_filter(m, error))
        goto fail;
    return &m->base;

fail:
    file_merge_close(&m->base);
    return NULL;
}
