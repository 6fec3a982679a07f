#include "capture/pcap_devices.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define CHECK_INTERVAL_NS INT64_C(1000000000)

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

static void report_activate(const struct pcap_device *device, int rc, const char *detail,
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

static int set_filter(const struct pcap_devices *devices, const struct pcap_device *device,
                      pcap_t *handle, struct capture_error *error)
{
    struct bpf_program code;
    if (!devices->filter)
        return 0;
    if (pcap_compile(handle, &code, devices->filter, 1, PCAP_NETMASK_UNKNOWN) != 0) {
        capture_error_set(error, 2, "filter '%.150s': %s (for %s); see man pcap-filter",
                          devices->filter, pcap_geterr(handle), device->name);
        return -1;
    }
    int rc = pcap_setfilter(handle, &code);
    pcap_freecode(&code);
    if (rc != 0)
        capture_error_set(error, 3, "%s: the filter cannot be set: %s", device->name,
                          pcap_geterr(handle));
    return rc != 0 ? -1 : 0;
}

static pcap_t *activate(struct pcap_devices *devices, const struct pcap_device *device,
                        struct capture_error *error)
{
    char why[PCAP_ERRBUF_SIZE] = "";
    pcap_t *handle = pcap_create(device->name, why);
    if (!handle) {
        capture_error_set(error, 3, "%s: cannot be captured: %s", device->name, why);
        return NULL;
    }
    pcap_set_snaplen(handle, devices->snap_len);
    pcap_set_promisc(handle, devices->promiscuous);
    pcap_set_timeout(handle, PCAP_BLOCK_TIMEOUT_MS);
    pcap_set_buffer_size(handle, devices->buffer_bytes);
    pcap_set_tstamp_precision(handle, PCAP_TSTAMP_PRECISION_NANO);
    int rc = pcap_activate(handle);
    if (rc < 0) {
        report_activate(device, rc, pcap_geterr(handle), error);
        goto fail;
    }
    if (rc == PCAP_WARNING_PROMISC_NOTSUP)
        capture_add_notice(devices->capture,
                           "%s: has no promiscuous mode, only its own traffic is seen",
                           device->name);
    if (set_filter(devices, device, handle, error) != 0)
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

static int open_device(struct pcap_devices *devices, struct pcap_device *device,
                       struct capture_error *error)
{
    device->handle = activate(devices, device, error);
    if (!device->handle)
        return -1;
    device->index = if_nametoindex(device->name);
    device->link_type = capture_link_type((uint32_t)pcap_datalink(device->handle));
    device->stamp_ns =
        pcap_get_tstamp_precision(device->handle) == PCAP_TSTAMP_PRECISION_NANO ? 1 : 1000;
    device->last = (struct pcap_stat){0};
    if (!link_type_is_known(device->link_type))
        capture_add_notice(devices->capture,
                           "%s: its link type %u is not understood, its packets are only counted",
                           device->name, device->link_type);
    return 0;
}

/* libpcap counts in 32 bits: what they have moved on by is added up here. */
static void update_device_stats(struct pcap_devices *devices, struct pcap_device *device)
{
    struct pcap_stat now;
    if (!device->handle || pcap_stats(device->handle, &now) != 0)
        return;
    devices->capture->stats.dropped_kernel += (uint32_t)(now.ps_drop - device->last.ps_drop);
    devices->capture->stats.dropped_interface += (uint32_t)(now.ps_ifdrop - device->last.ps_ifdrop);
    device->last = now;
}

static void close_device(struct pcap_devices *devices, struct pcap_device *device)
{
    if (!device->handle)
        return;
    update_device_stats(devices, device);
    pcap_close(device->handle);
    device->handle = NULL;
}

static void enter_state(struct pcap_devices *devices, struct pcap_device *device,
                        enum pcap_device_state state, int64_t now)
{
    if (state == device->state)
        return;
    if (device->state == DEVICE_UP)
        device->state_since_ns = now;
    device->state = state;
    switch (state) {
    case DEVICE_UP:
        capture_add_notice(devices->capture, "%s: is back after %" PRId64 " s", device->name,
                           (now - device->state_since_ns + 500000000) / 1000000000);
        break;
    case DEVICE_NO_LINK:
        capture_add_notice(devices->capture, "%s: has no link (cable, switch port), waiting for it",
                           device->name);
        break;
    case DEVICE_DOWN:
        capture_add_notice(devices->capture, "%s: went down, waiting for it", device->name);
        break;
    case DEVICE_GONE:
        device->reopen_failed = false;
        capture_add_notice(devices->capture, "%s: disappeared, waiting for it", device->name);
        break;
    }
}

void pcap_devices_lose(struct pcap_devices *devices, struct pcap_device *device, int64_t now)
{
    close_device(devices, device);
    enter_state(devices, device, DEVICE_GONE, now);
}

static enum pcap_device_state ask_state(const struct pcap_devices *devices,
                                        const struct pcap_device *device)
{
    struct ifreq request = {0};
    snprintf(request.ifr_name, sizeof request.ifr_name, "%s", device->name);
    if (ioctl(devices->control_fd, SIOCGIFFLAGS, &request) != 0)
        return DEVICE_GONE;
    if (!(request.ifr_flags & IFF_UP))
        return DEVICE_DOWN;
    return request.ifr_flags & IFF_RUNNING ? DEVICE_UP : DEVICE_NO_LINK;
}

static void try_reopen(struct pcap_devices *devices, struct pcap_device *device, int64_t now)
{
    struct capture_error error;
    enum pcap_device_state state = ask_state(devices, device);
    if (state == DEVICE_GONE || state == DEVICE_DOWN)
        return;
    if (open_device(devices, device, &error) == 0) {
        enter_state(devices, device, state, now);
        return;
    }
    if (!device->reopen_failed)
        capture_add_notice(devices->capture,
                           "%s: is there again and cannot be opened (privileges were dropped?), "
                           "trying on; restart to capture it: %s",
                           device->name, error.text);
    device->reopen_failed = true;
}

void pcap_devices_check(struct pcap_devices *devices, int64_t now)
{
    if (now < devices->next_check_ns)
        return;
    devices->next_check_ns = now + CHECK_INTERVAL_NS;
    for (unsigned i = 0; i < devices->count; i++) {
        struct pcap_device *device = &devices->device[i];
        if (!device->handle) {
            try_reopen(devices, device, now);
            continue;
        }
        if (device->index == 0)
            continue;
        if (if_nametoindex(device->name) != device->index)
            pcap_devices_lose(devices, device, now);
        else
            enter_state(devices, device, ask_state(devices, device), now);
    }
}

void pcap_devices_update_stats(struct pcap_devices *devices)
{
    for (unsigned i = 0; i < devices->count; i++)
        update_device_stats(devices, &devices->device[i]);
}

int pcap_devices_init(struct pcap_devices *devices, struct capture *capture,
                      const struct capture_live_params *params)
{
    bool has_snap_len = params->snap_len > 0 && params->snap_len < CAPTURE_PACKET_MAX;
    devices->capture = capture;
    devices->snap_len = has_snap_len ? (int)params->snap_len : CAPTURE_PACKET_MAX;
    devices->buffer_bytes = params->buffer_bytes < INT_MAX ? (int)params->buffer_bytes : INT_MAX;
    devices->promiscuous = params->promiscuous;
    devices->control_fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (devices->control_fd < 0)
        return -errno;
    if (params->filter && params->filter[0] != '\0' && !(devices->filter = strdup(params->filter)))
        return -ENOMEM;
    return 0;
}

void pcap_devices_fini(struct pcap_devices *devices)
{
    for (unsigned i = 0; i < devices->count; i++) {
        close_device(devices, &devices->device[i]);
        free(devices->device[i].name);
    }
    if (devices->control_fd >= 0)
        close(devices->control_fd);
    free(devices->filter);
}

int pcap_devices_open(struct pcap_devices *devices, const struct capture_live_params *params,
                      struct capture_error *error)
{
    for (size_t i = 0; i < params->device_count; i++) {
        struct pcap_device *device = &devices->device[devices->count++];
        device->interface = (uint16_t)i;
        device->name = strdup(params->devices[i]);
        if (!device->name) {
            capture_error_set(error, 1, "devices cannot be captured: out of memory");
            return -1;
        }
        if (open_device(devices, device, error) != 0)
            return -1;
    }
    return 0;
}
