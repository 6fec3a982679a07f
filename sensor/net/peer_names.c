#include "net/peer_names.h"

const struct peer_name *peer_names_entry(const struct peer_names *names, const struct ip_addr *ip)
{
    const struct peer_name *best = NULL;
    for (size_t i = 0; i < names->count; i++) {
        const struct peer_name *entry = &names->entry[i];
        if (ip_net_contains(&entry->net, ip) && (!best || entry->net.prefix > best->net.prefix))
            best = entry;
    }
    return best;
}

const char *peer_names_find(const struct peer_names *names, const struct ip_addr *ip)
{
    const struct peer_name *entry = peer_names_entry(names, ip);
    return entry ? entry->name : NULL;
}
