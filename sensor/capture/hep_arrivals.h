/*
 * hep_arrivals: HEP messages that have come and are not given on yet, and how a socket says when
 * something came. Private to capture/.
 *
 * Views: the octets lie where they were received until all of them were given and the batch they
 * were given with is over.
 */
#ifndef SIPSPAN_CAPTURE_HEP_ARRIVALS_H
#define SIPSPAN_CAPTURE_HEP_ARRIVALS_H

#include <sys/socket.h>

#include "capture/hep_gate.h"
#include "hep/hep_message.h"

enum { HEP_CONTROL_MAX = 128 };

struct hep_arrivals {
    struct hep_gate gate;
    uint8_t (*inflated)[HEP_LEN_MAX]; /* room for each */
    unsigned first, count;            /* those before `first` have been given */
    struct packet packet[PACKET_BATCH_MAX];
};

static inline bool hep_arrivals_is_full(const struct hep_arrivals *arrivals)
{
    return arrivals->count == PACKET_BATCH_MAX;
}

/* A whole message, if the gate lets it in; what the gate said. Only while there is room. */
enum hep_result hep_arrivals_add(struct hep_arrivals *arrivals, const struct endpoint *from,
                                 uint16_t interface, int64_t time_ns, struct slice octets);
/* By their time: several sockets were read one after the other. */
void hep_arrivals_sort(struct hep_arrivals *arrivals);

/* Makes the kernel stamp what arrives, with the time of day. */
void hep_arrivals_want_stamps(int fd);
/* The stamp of what recvmsg gave, of this machine's clock; now, where there is none. */
int64_t hep_arrivals_stamp(struct msghdr *message);

#endif
