/*
 * The back end for what is live: devices, one libpcap handle each, TPACKET_V3, stamps in ns; and
 * what others send as HEP (hep_input).
 *
 * libpcap hands a block of its ring back to the kernel within the pcap_dispatch that gives the
 * block's last packet. So a packet may be overwritten as soon as that call has returned, and each
 * is copied once, in the callback, to a place of its own that lives as long as the batch. That is a
 * few hundred octets that have to come into the cache anyway. Immediate mode would silently mean
 * TPACKET_V2: never set.
 *
 * A block is given to us up to 20 ms after its packets came, a HEP message at once. Beside devices
 * HEP waits for longer than that, in the kernel: a few late messages of SIP mean little, but
 * packets that come behind the time of others would look like a mirror that mixes them up.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "capture/hep_input.h"
#include "capture/pcap_devices.h"
#include "capture/pcap_filter.h"

enum { HEP_WAIT_MS = 2 * PCAP_BLOCK_TIMEOUT_MS, HEP_LOOK_MS = 5 };

struct pcap_live {
    struct capture base;
    struct pcap_devices devices;
    struct hep_input *hep; /* NULL: none */
    unsigned first;        /* whose turn it is to fill the batch first */
    uint64_t number;
    uint8_t *copies; /* PACKET_BATCH_MAX times snap_len */
    size_t copied;
};

/* What the pcap_dispatch callback needs. */
struct delivery {
    struct pcap_live *live;
    struct pcap_device *device;
    struct packet_batch *batch;
};

static int64_t clock_ns(clockid_t clock)
{
    struct timespec ts;
    clock_gettime(clock, &ts);
    return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static void deliver(u_char *user, const struct pcap_pkthdr *header, const u_char *bytes)
{
    const struct delivery *to = (const struct delivery *)user;
    struct pcap_live *live = to->live;
    struct packet_batch *batch = to->batch;
    uint32_t captured = header->caplen;
    if (batch->count == PACKET_BATCH_MAX)
        return;
    if (captured > (uint32_t)live->devices.snap_len)
        captured = (uint32_t)live->devices.snap_len;
    uint8_t *copy = live->copies + live->copied;
    memcpy(copy, bytes, captured);
    live->copied += captured;
    batch->packet[batch->count++] = (struct packet){
        .time_ns = (int64_t)header->ts.tv_sec * 1000000000 +
                   (int64_t)header->ts.tv_usec * to->device->stamp_ns,
        .bytes = copy,
        .captured_len = captured,
        .wire_len = header->len > captured ? header->len : captured,
        .link_type = to->device->link_type,
        .interface = to->device->interface,
    };
}

/* What came later waits until the devices' packets of its time have been given. */
static int64_t hep_until_ns(const struct pcap_live *live)
{
    if (live->devices.count == 0)
        return INT64_MAX;
    return clock_ns(CLOCK_REALTIME) - HEP_WAIT_MS * INT64_C(1000000);
}

/* Takes what the rings hold, each device its share of the batch. */
static void drain_devices(struct pcap_live *live, struct packet_batch *batch, unsigned share)
{
    unsigned count = live->devices.count;
    live->copied = 0;
    for (unsigned i = 0; i < count && batch->count < PACKET_BATCH_MAX; i++) {
        struct pcap_device *device = &live->devices.device[(live->first + i) % count];
        struct delivery to = {live, device, batch};
        if (!device->handle)
            continue;
        int rc = pcap_dispatch(device->handle, (int)share, deliver, (u_char *)&to);
        if (rc < 0)
            pcap_devices_lose(&live->devices, device, clock_ns(CLOCK_MONOTONIC));
    }
    live->first = count > 0 ? (live->first + 1) % count : 0;
}

static void drain(struct pcap_live *live, struct packet_batch *batch)
{
    unsigned sources = live->devices.count + (live->hep ? 1 : 0);
    drain_devices(live, batch, PACKET_BATCH_MAX / sources);
    if (live->hep)
        hep_input_read(live->hep, batch, PACKET_BATCH_MAX / sources, hep_until_ns(live),
                       clock_ns(CLOCK_MONOTONIC));
    if (sources > 1) /* each of them is in order by itself */
        capture_sort(batch->packet, batch->count);
    for (unsigned i = 0; i < batch->count; i++) {
        batch->packet[i].number = ++live->number;
        capture_count(&live->base, &batch->packet[i]);
    }
}

/* Until a ring has something, the capture is stopped, the devices are to be looked at, or the time
 * is up. */
static void wait_for_packets(const struct pcap_live *live, int64_t now, int timeout_ms)
{
    struct pollfd fds[PCAP_DEVICES_MAX + 2];
    nfds_t count = 0;
    fds[count++] = (struct pollfd){.fd = live->base.stop_fd, .events = POLLIN};
    for (unsigned i = 0; i < live->devices.count; i++)
        if (live->devices.device[i].handle)
            fds[count++] = (struct pollfd){
                .fd = pcap_get_selectable_fd(live->devices.device[i].handle),
                .events = POLLIN,
            };
    /* What has been received and waits needs no more than to be looked at again. */
    int hep_fd = live->hep ? hep_input_fd(live->hep) : -1;
    if (hep_fd >= 0)
        fds[count++] = (struct pollfd){.fd = hep_fd, .events = POLLIN};
    else if (live->hep && timeout_ms > HEP_LOOK_MS)
        timeout_ms = HEP_LOOK_MS;
    int64_t until_check_ms = (live->devices.next_check_ns - now) / 1000000 + 1;
    poll(fds, count, until_check_ms < timeout_ms ? (int)until_check_ms : timeout_ms);
}

static enum capture_status pcap_live_read(struct capture *capture, struct packet_batch *batch,
                                          int timeout_ms)
{
    struct pcap_live *live = (struct pcap_live *)capture;
    int64_t now = clock_ns(CLOCK_MONOTONIC);
    pcap_devices_check(&live->devices, now);
    drain(live, batch);
    if (batch->count == 0) {
        wait_for_packets(live, now, timeout_ms);
        if (capture_is_stopped(capture))
            return CAPTURE_END;
        drain(live, batch);
    }
    return batch->count > 0 ? CAPTURE_PACKETS : CAPTURE_IDLE;
}

static void pcap_live_update_stats(struct capture *capture)
{
    struct pcap_live *live = (struct pcap_live *)capture;
    pcap_devices_update_stats(&live->devices);
    if (live->hep)
        hep_input_update_stats(live->hep);
}

static void pcap_live_close(struct capture *capture)
{
    struct pcap_live *live = (struct pcap_live *)capture;
    pcap_devices_fini(&live->devices);
    hep_input_close(live->hep);
    free(live->copies);
    capture_fini(&live->base);
    free(live);
}

static const struct capture_backend pcap_live_backend = {
    .read = pcap_live_read,
    .update_stats = pcap_live_update_stats,
    .close = pcap_live_close,
};

static int check_params(const struct capture_live_params *params, struct capture_error *error)
{
    if ((params->device_count == 0 && params->hep_count == 0) ||
        params->device_count > PCAP_DEVICES_MAX) {
        capture_error_set(error, 2, "%zu devices are named, where 1 to %d can be captured",
                          params->device_count, PCAP_DEVICES_MAX);
        return -1;
    }
    for (size_t i = 0; i < params->device_count; i++)
        for (size_t k = 0; k < i; k++)
            if (strcmp(params->devices[i], params->devices[k]) == 0) {
                capture_error_set(error, 2, "%s: is named twice", params->devices[i]);
                return -1;
            }
    return 0;
}

static struct pcap_live *create(const struct capture_live_params *params,
                                struct capture_error *error)
{
    struct pcap_live *live = calloc(1, sizeof *live);
    int rc = -ENOMEM;
    if (live) {
        /* Both in any case, so that both can be closed. */
        int base_rc = capture_init(&live->base, &pcap_live_backend);
        int devices_rc = pcap_devices_init(&live->devices, &live->base, params);
        size_t copies_bytes = (size_t)PACKET_BATCH_MAX * (size_t)live->devices.snap_len;
        live->copies = malloc(copies_bytes);
        rc = base_rc != 0 ? base_rc : devices_rc != 0 ? devices_rc : live->copies ? 0 : -ENOMEM;
    }
    if (rc == 0)
        return live;
    capture_error_set(error, 1, "devices cannot be captured: %s", strerror(-rc));
    if (live)
        pcap_live_close(&live->base);
    return NULL;
}

struct capture *capture_open_live(const struct capture_live_params *params,
                                  struct capture_error *error)
{
    if (check_params(params, error) != 0)
        return NULL;
    struct pcap_live *live = create(params, error);
    if (!live)
        return NULL;
    if (params->hep_count > 0)
        live->hep = hep_input_open(params, &live->base.stats, error);
    if ((params->hep_count > 0 && !live->hep) ||
        pcap_devices_open(&live->devices, params, error) != 0) {
        pcap_live_close(&live->base);
        return NULL;
    }
    char caveat[PCAP_FILTER_CAVEAT_MAX];
    if (live->devices.filter && pcap_filter_caveat(live->devices.filter, true, caveat))
        capture_add_notice(&live->base, "%s", caveat);
    return &live->base;
}
