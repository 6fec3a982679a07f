#include "call/places.h"

uint32_t places_bit(struct places *places, const struct datagram *datagram)
{
    uint16_t vlan = datagram->vlan_count > 0 ? datagram->vlan[0] : EVENT_NO_VLAN;
    const char *interface =
        datagram->interface < places->name_count ? places->names[datagram->interface] : "mirror";
    unsigned i = 0;
    while (i < places->count &&
           (places->place[i].interface != interface || places->place[i].vlan != vlan))
        i++;
    if (i == PLACES_MAX)
        return 0;
    if (i == places->count)
        places->place[places->count++] = (struct places_place){interface, vlan};
    return UINT32_C(1) << i;
}

struct event_place places_first(const struct places *places, uint32_t bits)
{
    const struct places_place *place = &places->place[__builtin_ctz(bits)];
    return (struct event_place){.interface = place->interface, .vlan = place->vlan};
}
