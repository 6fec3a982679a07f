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
