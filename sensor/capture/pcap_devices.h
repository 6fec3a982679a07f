/*
 * pcap_devices: the devices that a live capture has open, one libpcap handle each: how they are
 * opened, what becomes of them, what they dropped. Internal to pcap_live, which reads their
 * packets.
 *
 * A device that goes down keeps its handle, which works again once it is up. One that disappears,
 * or is replaced by another of its name, is opened anew, tried once a second. The others go on
 * meanwhile; what became of them is told as notices.
 */
#ifndef SIPSPAN_CAPTURE_PCAP_DEVICES_H
#define SIPSPAN_CAPTURE_PCAP_DEVICES_H

#include <pcap/pcap.h>

#include "capture/capture_backend.h"

enum {
    PCAP_DEVICES_MAX = 64,
    /* A block of the ring that is not full is given to us after this time. */
    PCAP_BLOCK_TIMEOUT_MS = 20,
};

enum pcap_device_state {
    DEVICE_UP,
    DEVICE_NO_LINK, /* up, and no signal on the cable */
    DEVICE_DOWN,
    DEVICE_GONE, /* no handle */
};

struct pcap_device {
    char *name;
    pcap_t *handle;
    unsigned index; /* of the system; 0: not a network interface ("any") */
    uint16_t interface;
    uint16_t link_type;
    int64_t stamp_ns; /* what a stamp's tv_usec counts in: 1 or 1000 */
    enum pcap_device_state state;
    int64_t state_since_ns; /* monotonic; of the trouble, whatever it turned into */
    bool reopen_failed;     /* has been said */
    struct pcap_stat last;
};

struct pcap_devices {
    struct capture *capture; /* gets the notices and the counts */
    struct pcap_device device[PCAP_DEVICES_MAX];
    unsigned count;
    char *filter; /* NULL: none */
    int buffer_bytes;
    int snap_len;
    bool promiscuous;
    int control_fd; /* any socket, to ask for the devices' flags */
    int64_t next_check_ns;
};

/* None yet. 0 or -errno; to be finished either way. */
int pcap_devices_init(struct pcap_devices *devices, struct capture *capture,
                      const struct capture_live_params *params);
void pcap_devices_fini(struct pcap_devices *devices);
/* Opens them all. 0, or -1 with *error. */
int pcap_devices_open(struct pcap_devices *devices, const struct capture_live_params *params,
                      struct capture_error *error);
/* Once a second: what became of them. Monotonic time. */
void pcap_devices_check(struct pcap_devices *devices, int64_t now);
/* Its handle is of no use any more. */
void pcap_devices_lose(struct pcap_devices *devices, struct pcap_device *device, int64_t now);
void pcap_devices_update_stats(struct pcap_devices *devices);

#endif
