#include "net/transport.h"

const char *transport_name(enum transport transport)
{
    switch (transport) {
    case TRANSPORT_UDP:
        return "UDP";
    case TRANSPORT_TCP:
        return "TCP";
    case TRANSPORT_TLS:
        return "TLS";
    case TRANSPORT_WS:
        return "WS";
    case TRANSPORT_WSS:
        return "WSS";
    case TRANSPORT_SCTP:
        return "SCTP";
    case TRANSPORT_COUNT:
        break;
    }
    return "unknown";
}

bool transport_find(struct slice name, enum transport *out)
{
    for (int transport = 0; transport < TRANSPORT_COUNT; transport++)
        if (slice_ieq(name, slice_str(transport_name((enum transport)transport)))) {
            *out = (enum transport)transport;
            return true;
        }
    return false;
}
