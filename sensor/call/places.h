/*
 * places: where on the mirror packets are seen, an interface and the outermost VLAN each, numbered
 * in the order of appearance. Internal to the folder.
 */
#ifndef SIPSPAN_CALL_PLACES_H
#define SIPSPAN_CALL_PLACES_H

#include "event/event.h"
#include "net/packet.h"

enum { PLACES_MAX = 32 };

struct places {
    struct places_place {
        uint16_t interface, vlan; /* EVENT_NO_VLAN: untagged */
        char name[8];             /* of an interface that has no other */
    } place[PLACES_MAX];
    unsigned count;
};

/* Its bit; 0: there are more than PLACES_MAX. */
uint32_t places_bit(struct places *places, const struct datagram *datagram);
/* The lowest place of the bits, which must not be 0. names: of the interfaces by index, or NULL. */
struct event_place places_first(const struct places *places, uint32_t bits,
                                const char *const *names, size_t name_count);

#endif
