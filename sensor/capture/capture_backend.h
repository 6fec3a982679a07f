/*
 * capture_backend: what the back ends of capture (file_merge, pcap_live) share, and what capture.c
 * calls them by. Private to capture/.
 *
 * A back end's own struct begins with a `struct capture`; its close frees that struct.
 */
#ifndef SIPSPAN_CAPTURE_CAPTURE_BACKEND_H
#define SIPSPAN_CAPTURE_CAPTURE_BACKEND_H

#include <stdarg.h>
#include <stdatomic.h>

#include "capture/capture.h"

enum {
    /* As libpcap: the largest packet that a capture may hold. */
    CAPTURE_PACKET_MAX = 262144,
    CAPTURE_NOTICES_MAX = 8,
    CAPTURE_NOTICE_MAX = 1280,
};

/* LINKTYPE_* values that the code speaks of; see link types at tcpdump.org. */
enum {
    LINK_TYPE_NULL = 0,
    LINK_TYPE_ETHERNET = 1,
    LINK_TYPE_RAW = 101,
    LINK_TYPE_LOOP = 108,
    LINK_TYPE_LINUX_SLL = 113,
    LINK_TYPE_LINUX_SLL2 = 276,
    LINK_TYPE_HEP = 0xffff, /* ours: a HEP message; as in decode/link.h */
};

struct capture_backend {
    enum capture_status (*read)(struct capture *capture, struct packet_batch *batch,
                                int timeout_ms);
    void (*update_stats)(struct capture *capture);     /* NULL: they always are */
    double (*progress)(const struct capture *capture); /* NULL: cannot be known */
    void (*close)(struct capture *capture);
};

struct capture {
    const struct capture_backend *backend;
    _Atomic bool stopped;
    int stop_fd; /* readable once stopped: for those who wait */
    struct capture_stats stats;
    struct capture_error error;
    /* Kept until capture_notice has given them; more than fit are left out. */
    unsigned notice_first, notice_count;
    char notice[CAPTURE_NOTICES_MAX][CAPTURE_NOTICE_MAX];
};

/* 0 or -errno. */
int capture_init(struct capture *capture, const struct capture_backend *backend);
void capture_fini(struct capture *capture);

static inline bool capture_is_stopped(const struct capture *capture)
{
    return atomic_load_explicit(&capture->stopped, memory_order_relaxed);
}

/* Counts a packet that is given to the caller. */
static inline void capture_count(struct capture *capture, const struct packet *packet)
{
    capture->stats.packets++;
    capture->stats.bytes += packet->captured_len;
    capture->stats.truncated += packet->captured_len < packet->wire_len;
}

/* By time. Stable, and quick on what is nearly sorted. */
void capture_sort(struct packet *packet, unsigned count);

void capture_add_notice(struct capture *capture, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

void capture_error_set(struct capture_error *error, int exit_status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* DLT_RAW has other numbers in some captures, and in libpcap's interface: all are LINKTYPE_RAW
 * here. */
static inline uint16_t capture_link_type(uint32_t value)
{
    uint16_t type = (uint16_t)(value & 0xffff);
    return type == 12 || type == 14 ? LINK_TYPE_RAW : type;
}

#endif
