/*
 * capture: where packets come from. One interface, several back ends: capture files
 * (capture/pcap_file, our own reader) and what is live (capture/pcap_live): devices (libpcap), and
 * messages that others send as HEP (capture/hep_input), which are packets of a link type of their
 * own.
 *
 * Thread: one; the thread that opened it reads and closes it. capture_stop may be called from a
 * signal handler. Time: packets carry their own stamps in ns since 1970; packets of several files
 * come merged in time order.
 */
#ifndef SIPSPAN_CAPTURE_CAPTURE_H
#define SIPSPAN_CAPTURE_CAPTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/packet.h"

struct capture;

enum { CAPTURE_ERROR_MAX = 512 };

/* What is wrong, in words for the user: what, where (file and offset, or device), what to do. */
struct capture_error {
    int exit_status; /* of the contract: 1 ended badly or empty, 2 cannot be opened, 3 no permission
                        or device */
    char text[CAPTURE_ERROR_MAX];
};

enum capture_status {
    CAPTURE_PACKETS, /* batch holds count > 0 packets, valid until the next read */
    CAPTURE_IDLE,    /* live: nothing within the timeout; the caller advances its clock */
    CAPTURE_END,     /* every file was read to its end, or capture_stop was called */
    CAPTURE_FAILED,  /* see capture_last_error; packets before it have all been given */
};

struct packet_batch {
    unsigned count;
    struct packet packet[PACKET_BATCH_MAX];
};

struct capture_file_params {
    const char *const *paths; /* "-" is standard input */
    size_t path_count;
    const char *filter; /* BPF as tcpdump takes it, or NULL */
};

/* Devices, addresses to listen for HEP on, or both. */
struct capture_live_params {
    const char *const *devices;
    size_t device_count;
    const char *const *hep; /* "ADDR:PORT", UDP and TCP; their interfaces come after the devices' */
    size_t hep_count;
    const char *hep_key;   /* that senders of HEP must know; NULL: none */
    const char *filter;    /* or NULL */
    uint64_t buffer_bytes; /* kernel ring of each device */
    uint32_t snap_len;
    bool promiscuous;
};

/* What became of a HEP message. */
enum hep_result {
    HEP_ACCEPTED,
    HEP_KEEPALIVE,
    HEP_MALFORMED,   /* no HEP version 3, or without an address, a type or a payload */
    HEP_WRONG_KEY,   /* or none */
    HEP_UNSUPPORTED, /* its payload is not SIP */
    HEP_UNREADABLE,  /* compressed, and broken or too large */
    HEP_RESULT_COUNT
};

const char *hep_result_name(enum hep_result result); /* "accepted" */

struct hep_stats {
    uint64_t received[HEP_RESULT_COUNT];
    uint64_t connections_dropped; /* to make room, or as nothing came over them */
    unsigned connections;         /* over TCP, now */
};

/* Since the start; live counts come from libpcap, accumulated past its 32 bits. */
struct capture_stats {
    uint64_t packets;           /* given to the caller */
    uint64_t bytes;             /* captured bytes of them */
    uint64_t filtered;          /* files: left out by the filter */
    uint64_t dropped_kernel;    /* live: the ring was full, or the buffer of a HEP socket */
    uint64_t dropped_interface; /* live: the NIC or its driver */
    uint64_t truncated;         /* cut by the snap length */
    struct hep_stats hep;
};

/* Opens; on failure NULL, and *error says why. Nothing is printed. */
struct capture *capture_open_files(const struct capture_file_params *params,
                                   struct capture_error *error);
struct capture *capture_open_live(const struct capture_live_params *params,
                                  struct capture_error *error);

/* Fills the batch. timeout_ms bounds the wait of a live capture. Files never give CAPTURE_IDLE. */
enum capture_status capture_read(struct capture *capture, struct packet_batch *batch,
                                 int timeout_ms);

/* Makes the next capture_read return CAPTURE_END, also one that waits. Async-signal-safe. */
void capture_stop(struct capture *capture);

/* Was it capture_stop that ended the reading? */
bool capture_was_stopped(const struct capture *capture);

void capture_stats(struct capture *capture, struct capture_stats *out);

/* Share of the input read so far, 0 to 1; below 0 where it cannot be known (standard input, live).
 */
double capture_progress(const struct capture *capture);

/* After CAPTURE_FAILED. */
const struct capture_error *capture_last_error(const struct capture *capture);

/*
 * Something for the operator that happened since the last call (a device went down, came back, was
 * not Ethernet …), one line without a newline; NULL if nothing did. Valid until the next
 * capture_read.
 */
const char *capture_notice(struct capture *capture);

void capture_close(struct capture *capture); /* NULL does nothing */

/* "-D"-like list for error messages: names of devices that exist, joined by ", ". At most len
 * octets. */
void capture_list_devices(char *buf, size_t len);

/* "libpcap version 1.10.3 …" */
const char *capture_library_version(void);

#endif
