/*
 * The back end for live devices: one libpcap handle each, TPACKET_V3, stamps in ns.
 *
 * libpcap hands a block of its ring back to the kernel within the pcap_dispatch that gives the
 * block's last packet. So a packet may be overwritten as soon as that call has returned, and each
 * is copied once, in the callback, to a place of its own that lives as long as the batch. That is a
 * few hundred octets that have to come into the cache anyway. Immediate mode would silently mean
 * TPACKET_V2: never set.
 *
 * A device that goes down keeps its handle, which works again once it is up. One that disappears,
 * or is replaced by another of its name, is opened anew, tried once a second. The others go on
 * meanwhile.
 */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <net/if.h>
#include <pcap/pcap.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "capture/capture_backend.h"
#include "capture/pcap_filter.h"

enum {
    DEVICES_MAX = 64,
    /* A block of the ring that is not full is given to us after this time. */
    BLOCK_TIMEOUT_MS = 20,
};

#define CHECK_INTERVAL_NS INT64_C(1000000000)

enum device_state {
    DEVICE_UP,
    DEVICE_NO_LINK, /* up, and no signal on the cable */
    DEVICE_DOWN,
    DEVICE_GONE, /* no handle */
};

struct device {
    char *name;
    pcap_t *handle;
    unsigned index; /* of the system; 0: not a network interface ("any") */
    uint16_t interface;
    uint16_t link_type;
    int64_t stamp_ns; /* what a stamp's tv_usec counts in: 1 or 1000 */
    enum device_state state;
    int64_t state_since_ns; /* monotonic; of the trouble, whatever it turned into */
    bool reopen_failed;     /* has been said */
    struct pcap_stat last;
};

struct pcap_live {
    struct capture base;
    struct device device[DEVICES_MAX];
    unsigned device_count;
    unsigned first; /* whose turn it is to fill the batch first */
    char *filter;
    int buffer_bytes;
    int snap_len;
    bool promiscuous;
    int control_fd; /* any socket, to ask for the devices' flags */
    int64_t next_check_ns;
    uint64_t number;
    uint8_t *copies; /* PACKET_BATCH_MAX times snap_len */
    size_t copied;
};

/* What the pcap_dispatch callback needs. */
struct delivery {
    struct pcap_live *live;
    struct device *device;
    struct packet_batch *batch;
};

static int64_t monotonic_ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

void capture_list_devices(char *buf, size_t len)
{
    char why[PCAP_ERRBUF_SIZE];
    pcap_if_t *devices = NULL;
    size_t used = 0;
    buf[0] = '\0';
    if (pcap_findalldevs(&devices, why) != 0)
        return;
    for (const pcap_if_t *d = devices; d; d = d->next) {
        /* libpcap also lists sources that carry no IP packets (usbmon, dbus, nfqueue ...). */
        if (if_nametoindex(d->name) == 0 && strcmp(d->name, "any") != 0)
            continue;
        int n = snprintf(buf + used, len - used, "%s%s", used > 0 ? ", " : "", d->name);
        if (n < 0 || (size_t)n >= len - used) {
            buf[used] = '\0'; /* rather one less than half a name */
            break;
        }
        used += (size_t)n;
    }
    pcap_freealldevs(devices);
}

static void report_activate(const struct device *device, int rc, const char *detail,
                            struct capture_error *error)
{
    char text[256];
    ssize_t n;
    switch (rc) {
    case PCAP_ERROR_NO_SUCH_DEVICE:
        capture_list_devices(text, sizeof text);
        capture_error_set(error, 3, "%s: no such device; there are: %s", device->name, text);
        return;
    case PCAP_ERROR_PERM_DENIED:
    case PCAP_ERROR_PROMISC_PERM_DENIED:
        n = readlink("/proc/self/exe", text, sizeof text - 1);
        text[n > 0 ? n : 0] = '\0';
        capture_error_set(error, 3,
                          "%s: no permission to capture; run as root or give CAP_NET_RAW: "
                          "setcap cap_net_raw+ep %s",
                          device->name, text);
        return;
    case PCAP_ERROR_IFACE_NOT_UP:
        capture_error_set(error, 3, "%s: is not up; ip link set %s up", device->name, device->name);
        return;
    default:
        capture_error_set(error, 3, "%s: cannot be captured: %s%s%s", device->name,
                          pcap_statustostr(rc), detail[0] ? ": " : "", detail);
    }
}

static bool link_type_is_known(uint16_t link_type)
{
    return link_type == LINK_TYPE_ETHERNET || link_type == LINK_TYPE_LINUX_SLL ||
           link_type == LINK_TYPE_LINUX_SLL2 || link_type == LINK_TYPE_RAW ||
           link_type == LINK_TYPE_NULL || link_type == LINK_TYPE_LOOP;
}

static int set_filter(const struct pcap_live *live, const struct device *device, pcap_t *handle,
                      struct capture_error *error)
{
    struct bpf_program code;
    if (!live->filter)
        return 0;
    if (pcap_compile(handle, &code, live->filter, 1, PCAP_NETMASK_UNKNOWN) != 0) {
        capture_error_set(error, 2, "filter '%.150s': %s (for %s); see man pcap-filter",
                          live->filter, pcap_geterr(handle), device->name);
        return -1;
    }
    int rc = pcap_setfilter(handle, &code);
    pcap_freecode(&code);
    if (rc != 0)
        capture_error_set(error, 3, "%s: the filter cannot be set: %s", device->name,
                          pcap_geterr(handle));
    return rc != 0 ? -1 : 0;
}

static pcap_t *activate(struct pcap_live *live, const struct device *device,
                        struct capture_error *error)
{
    char why[PCAP_ERRBUF_SIZE] = "";
    pcap_t *handle = pcap_create(device->name, why);
    if (!handle) {
        capture_error_set(error, 3, "%s: cannot be captured: %s", device->name, why);
        return NULL;
    }
    pcap_set_snaplen(handle, live->snap_len);
    pcap_set_promisc(handle, live->promiscuous);
    pcap_set_timeout(handle, BLOCK_TIMEOUT_MS);
    pcap_set_buffer_size(handle, live->buffer_bytes);
    pcap_set_tstamp_precision(handle, PCAP_TSTAMP_PRECISION_NANO);
    int rc = pcap_activate(handle);
    if (rc < 0) {
        report_activate(device, rc, pcap_geterr(handle), error);
        goto fail;
    }
    if (rc == PCAP_WARNING_PROMISC_NOTSUP)
        capture_add_notice(&live->base, "%s: has no promiscuous mode, only its own traffic is seen",
                           device->name);
    if (set_filter(live, device, handle, error) != 0)
        goto fail;
    if (pcap_setnonblock(handle, 1, why) != 0) {
        capture_error_set(error, 3, "%s: cannot be captured: %s", device->name, why);
        goto fail;
    }
    return handle;

fail:
    pcap_close(handle);
    return NULL;
}

static int open_device(struct pcap_live *live, struct device *device, struct capture_error *error)
{
    device->handle = activate(live, device, error);
    if (!device->handle)
        return -1;
    device->index = if_nametoindex(device->name);
    device->link_type = capture_link_type((uint32_t)pcap_datalink(device->handle));
    device->stamp_ns =
        pcap_get_tstamp_precision(device->handle) == PCAP_TSTAMP_PRECISION_NANO ? 1 : 1000;
    device->last = (struct pcap_stat){0};
    if (!link_type_is_known(device->link_type))
        capture_add_notice(&live->base,
                           "%s: its link type %u is not understood, its packets are only counted",
                           device->name, device->link_type);
    return 0;
}

/* libpcap counts in 32 bits: what they have moved on by is added up here. */
static void update_device_stats(struct pcap_live *live, struct device *device)
{
    struct pcap_stat now;
    if (!device->handle || pcap_stats(device->handle, &now) != 0)
        return;
    live->base.stats.dropped_kernel += (uint32_t)(now.ps_drop - device->last.ps_drop);
    live->base.stats.dropped_interface += (uint32_t)(now.ps_ifdrop - device->last.ps_ifdrop);
    device->last = now;
}

static void close_device(struct pcap_live *live, struct device *device)
{
    if (!device->handle)
        return;
    update_device_stats(live, device);
    pcap_close(device->handle);
    device->handle = NULL;
}

static void enter_state(struct pcap_live *live, struct device *device, enum device_state state,
                        int64_t now)
{
    if (state == device->state)
        return;
    if (device->state == DEVICE_UP)
        device->state_since_ns = now;
    device->state = state;
    switch (state) {
    case DEVICE_UP:
        capture_add_notice(&live->base, "%s: is back after %" PRId64 " s", device->name,
                           (now - device->state_since_ns + 500000000) / 1000000000);
        break;
    case DEVICE_NO_LINK:
        capture_add_notice(&live->base, "%s: has no link (cable, switch port), waiting for it",
                           device->name);
        break;
    case DEVICE_DOWN:
        capture_add_notice(&live->base, "%s: went down, waiting for it", device->name);
        break;
    case DEVICE_GONE:
        device->reopen_failed = false;
        capture_add_notice(&live->base, "%s: disappeared, waiting for it", device->name);
        break;
    }
}

static void lose_device(struct pcap_live *live, struct device *device, int64_t now)
{
    close_device(live, device);
    enter_state(live, device, DEVICE_GONE, now);
}

static enum device_state ask_state(const struct pcap_live *live, const struct device *device)
{
    struct ifreq request = {0};
    snprintf(request.ifr_name, sizeof request.ifr_name, "%s", device->name);
    if (ioctl(live->control_fd, SIOCGIFFLAGS, &request) != 0)
        return DEVICE_GONE;
    if (!(request.ifr_flags & IFF_UP))
        return DEVICE_DOWN;
    return request.ifr_flags & IFF_RUNNING ? DEVICE_UP : DEVICE_NO_LINK;
}

static void try_reopen(struct pcap_live *live, struct device *device, int64_t now)
{
    struct capture_error error;
    enum device_state state = ask_state(live, device);
    if (state == DEVICE_GONE || state == DEVICE_DOWN)
        return;
    if (open_device(live, device, &error) == 0) {
        enter_state(live, device, state, now);
        return;
    }
    if (!device->reopen_failed)
        capture_add_notice(&live->base,
                           "%s: is there again and cannot be opened (privileges were dropped?), "
                           "trying on; restart to capture it: %s",
                           device->name, error.text);
    device->reopen_failed = true;
}

/* Once a second: what became of the devices. */
static void check_devices(struct pcap_live *live, int64_t now)
{
    if (now < live->next_check_ns)
        return;
    live->next_check_ns = now + CHECK_INTERVAL_NS;
    for (unsigned i = 0; i < live->device_count; i++) {
        struct device *device = &live->device[i];
        if (!device->handle) {
            try_reopen(live, device, now);
            continue;
        }
        if (device->index == 0)
            continue;
        if (if_nametoindex(device->name) != device->index)
            lose_device(live, device, now);
        else
            enter_state(live, device, ask_state(live, device), now);
    }
}

static void deliver(u_char *user, const struct pcap_pkthdr *header, const u_char *bytes)
{
    const struct delivery *to = (const struct delivery *)user;
    struct pcap_live *live = to->live;
    struct packet_batch *batch = to->batch;
    uint32_t captured = header->caplen;
    if (batch->count == PACKET_BATCH_MAX)
        return;
    if (captured > (uint32_t)live->snap_len)
        captured = (uint32_t)live->snap_len;
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

/* Packets of several devices are in order device by device. Stable, and quick on what is nearly
 * sorted. */
static void sort_batch(struct packet_batch *batch)
{
    for (unsigned i = 1; i < batch->count; i++) {
        struct packet moved = batch->packet[i];
        unsigned at = i;
        for (; at > 0 && batch->packet[at - 1].time_ns > moved.time_ns; at--)
            batch->packet[at] = batch->packet[at - 1];
        batch->packet[at] = moved;
    }
}

/* Takes what the rings hold, each device its share of the batch. */
static void drain(struct pcap_live *live, struct packet_batch *batch)
{
    unsigned share = PACKET_BATCH_MAX / live->device_count;
    live->copied = 0;
    for (unsigned i = 0; i < live->device_count && batch->count < PACKET_BATCH_MAX; i++) {
        struct device *device = &live->device[(live->first + i) % live->device_count];
        struct delivery to = {live, device, batch};
        if (!device->handle)
            continue;
        int rc = pcap_dispatch(device->handle, (int)share, deliver, (u_char *)&to);
        if (rc < 0)
            lose_device(live, device, monotonic_ns());
    }
    live->first = (live->first + 1) % live->device_count;
    if (live->device_count > 1)
        sort_batch(batch);
    for (unsigned i = 0; i < batch->count; i++) {
        batch->packet[i].number = ++live->number;
        capture_count(&live->base, &batch->packet[i]);
    }
}

/* Until a ring has something, the capture is stopped, the devices are to be looked at, or the time
 * is up. */
static void wait_for_packets(const struct pcap_live *live, int64_t now, int timeout_ms)
{
    struct pollfd fds[DEVICES_MAX + 1];
    nfds_t count = 0;
    fds[count++] = (struct pollfd){.fd = live->base.stop_fd, .events = POLLIN};
    for (unsigned i = 0; i < live->device_count; i++)
        if (live->device[i].handle)
            fds[count++] = (struct pollfd){
                .fd = pcap_get_selectable_fd(live->device[i].handle),
                .events = POLLIN,
            };
    int64_t until_check_ms = (live->next_check_ns - now) / 1000000 + 1;
    poll(fds, count, until_check_ms < timeout_ms ? (int)until_check_ms : timeout_ms);
}

static enum capture_status pcap_live_read(struct capture *capture, struct packet_batch *batch,
                                          int timeout_ms)
{
    struct pcap_live *live = (struct pcap_live *)capture;
    int64_t now = monotonic_ns();
    check_devices(live, now);
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
    for (unsigned i = 0; i < live->device_count; i++)
        update_device_stats(live, &live->device[i]);
}

static void pcap_live_close(struct capture *capture)
{
    struct pcap_live *live = (struct pcap_live *)capture;
    for (unsigned i = 0; i < live->device_count; i++) {
        close_device(live, &live->device[i]);
        free(live->device[i].name);
    }
    if (live->control_fd >= 0)
        close(live->control_fd);
    free(live->copies);
    free(live->filter);
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
    if (params->device_count == 0 || params->device_count > DEVICES_MAX) {
        capture_error_set(error, 2, "%zu devices are named, where 1 to %d can be captured",
                          params->device_count, DEVICES_MAX);
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
    int rc = live ? capture_init(&live->base, &pcap_live_backend) : -ENOMEM;
    if (rc != 0)
        goto fail;
    bool has_snap_len = params->snap_len > 0 && params->snap_len < CAPTURE_PACKET_MAX;
    live->snap_len = has_snap_len ? (int)params->snap_len : CAPTURE_PACKET_MAX;
    live->buffer_bytes = params->buffer_bytes < INT_MAX ? (int)params->buffer_bytes : INT_MAX;
    live->promiscuous = params->promiscuous;
    live->control_fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (live->control_fd < 0) {
        rc = -errno;
        goto fail;
    }
    rc = -ENOMEM;
    live->copies = malloc((size_t)PACKET_BATCH_MAX * (size_t)live->snap_len);
    if (!live->copies)
        goto fail;
    if (params->filter && params->filter[0] != '\0' && !(live->filter = strdup(params->filter)))
        goto fail;
    return live;

fail:
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
    for (size_t i = 0; i < params->device_count; i++) {
        struct device *device = &live->device[live->device_count++];
        device->interface = (uint16_t)i;
        device->name = strdup(params->devices[i]);
        if (!device->name) {
            capture_error_set(error, 1, "devices cannot be captured: out of memory");
            goto fail;
        }
        if (open_device(live, device, error) != 0)
            goto fail;
    }
    char caveat[PCAP_FILTER_CAVEAT_MAX];
    if (live->filter && pcap_filter_caveat(live->filter, true, caveat))
        capture_add_notice(&live->base, "%s", caveat);
    return &live->base;

fail:
    pcap_live_close(&live->base);
    return NULL;
}
