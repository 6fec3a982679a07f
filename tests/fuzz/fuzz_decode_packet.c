/* decode_packet: the first two octets choose the link type, one more how much the snap length cut.
 */
#include <stdlib.h>

#include "decode/decode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint16_t links[] = {0, 1, 12, 14, 101, 108, 113, 228, 229, 276};
    if (size < 3)
        return 0;
    unsigned choice = (unsigned)(data[0] << 8 | data[1]);
    struct packet packet = {
        .number = 1,
        .bytes = data + 3,
        .captured_len = (uint32_t)(size - 3),
        .wire_len = (uint32_t)(size - 3 + data[2]),
        /* All of the 65,536, but the known ones more often. */
        .link_type = choice < 0x8000 ? links[choice % 10] : (uint16_t)(choice - 0x8000),
    };
    struct datagram d;
    enum decode_verdict verdict = decode_packet(&packet, &d);
    if (verdict >= DECODE_VERDICT_COUNT || d.vlan_count > VLAN_TAGS_MAX || d.packet_number != 1)
        abort();
    if (verdict == DECODE_UDP) {
        const uint8_t *at = (const uint8_t *)d.payload.at;
        if (at < packet.bytes || at > data + size || d.payload.len > (size_t)(data + size - at))
            abort();
        if (d.protocol != 17 || (size_t)(at - packet.bytes) < 28)
            abort();
    }
    if (verdict == DECODE_UDP || verdict == DECODE_OTHER_IP || verdict == DECODE_FRAGMENT) {
        if (d.src.ip.version != d.dst.ip.version ||
            (d.src.ip.version != 4 && d.src.ip.version != 6))
            abort();
        if (d.has_ip_id != (d.src.ip.version == 4))
            abort();
    }
    return 0;
}
