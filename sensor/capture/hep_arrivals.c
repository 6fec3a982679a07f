#include "capture/hep_arrivals.h"

#include <time.h>

#include "capture/capture_backend.h"

enum hep_result hep_arrivals_add(struct hep_arrivals *arrivals, const struct endpoint *from,
                                 uint16_t interface, int64_t time_ns, struct slice octets)
{
    enum hep_result result =
        hep_gate_pass(&arrivals->gate, from, &octets, arrivals->inflated[arrivals->count]);
    if (result != HEP_ACCEPTED)
        return result;
    arrivals->packet[arrivals->count++] = (struct packet){
        .time_ns = time_ns,
        .bytes = (const uint8_t *)octets.at,
        .captured_len = (uint32_t)octets.len,
        .wire_len = (uint32_t)octets.len,
        .link_type = LINK_TYPE_HEP,
        .interface = interface,
    };
    return result;
}

void hep_arrivals_sort(struct hep_arrivals *arrivals)
{
    capture_sort(arrivals->packet + arrivals->first, arrivals->count - arrivals->first);
}

void hep_arrivals_want_stamps(int fd)
{
    /* Without, the time of reading does. */
    int on = 1;
    (void)setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on);
}

static int64_t ns_of(const struct timespec *ts)
{
    return (int64_t)ts->tv_sec * 1000000000 + ts->tv_nsec;
}

int64_t hep_arrivals_stamp(struct msghdr *message)
{
    struct timespec ts;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_TIMESTAMPNS)
            continue;
        memcpy(&ts, CMSG_DATA(c), sizeof ts);
        return ns_of(&ts);
    }
    clock_gettime(CLOCK_REALTIME, &ts);
    return ns_of(&ts);
}
