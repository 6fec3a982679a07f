/*
 * places: where on the mirror packets are seen, an interface and the outermost VLAN each, numbered
 * in the order of appearance. Captures in files are one place each VLAN: which file a packet is in
 * says nothing. Internal to the folder.
 */
#ifndef SIPSPAN_CALL_PLACES_H
#define SIPSPAN_CALL_PLACES_H

#include "event/event.h"
#include "net/packet.h"

enum { PLACES_MAX = 32 };

struct places {
    struct places_place {
        const char *interface;
        uint16_t vlan; /* EVENT_NO_VLAN: untagged */
    } place[PLACES_MAX];
    unsigned count;
    const char *const *names; /* of the devices by index; the owner's */
    size_t name_count;        /* 0: there are none */
};

/* Its bit; 0: there are more than PLACES_MAX. */
uint32_t places_bit(struct places *places, const struct datagram *datagram);
/* The lowest place of the bits, which must not be 0. */
struct event_place places_first(const struct places *places, uint32_t bits);

#endif
