#include "call/places.h"

#include <inttypes.h>
#include <stdio.h>

uint32_t places_bit(struct places *places, const struct datagram *datagram)
{
    uint16_t vlan = datagram->vlan_count > 0 ? datagram->vlan[0] : EVENT_NO_VLAN;
    unsigned i = 0;
    while (i < places->count &&
           (places->place[i].interface != datagram->interface || places->place[i].vlan != vlan))
        i++;
    if (i == PLACES_MAX)
        return 0;
    if (i == places->count) {
        struct places_place *place = &places->place[places->count++];
        *place = (struct places_place){.interface = datagram->interface, .vlan = vlan};
        snprintf(place->name, sizeof place->name, "%" PRIu16, datagram->interface);
    }
    return UINT32_C(1) << i;
}

struct event_place places_first(const struct places *places, uint32_t bits,
                                const char *const *names, size_t name_count)
{
    const struct places_place *place = &places->place[__builtin_ctz(bits)];
    return (struct event_place){
        .interface = place->interface < name_count ? names[place->interface] : place->name,
        .vlan = place->vlan,
    };
}
