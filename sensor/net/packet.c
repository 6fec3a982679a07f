#include "net/packet.h"

const char *tunnel_name(enum tunnel tunnel)
{
    static const char *const names[TUNNEL_COUNT] = {
        [TUNNEL_NONE] = "none",         [TUNNEL_MPLS] = "mpls",     [TUNNEL_PPPOE] = "pppoe",
        [TUNNEL_GRE] = "gre",           [TUNNEL_ERSPAN] = "erspan", [TUNNEL_VXLAN] = "vxlan",
        [TUNNEL_GENEVE] = "geneve",     [TUNNEL_GTP_U] = "gtp_u",   [TUNNEL_TZSP] = "tzsp",
        [TUNNEL_IP_IN_IP] = "ip_in_ip", [TUNNEL_6IN4] = "6in4",
    };
    return names[tunnel];
}
