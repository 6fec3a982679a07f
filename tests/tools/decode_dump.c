/*
 * Prints what decode makes of each packet of a capture, a line each, the columns parted by tabs:
 *
 *     decode_dump CAPTURE
 *
 * number, verdict, the outermost tunnel, how many tunnels, IP protocol, source, destination, their
 * ports, octets of payload. Addresses, ports and payload are the innermost ones; what the verdict
 * leaves open is "-" or 0. Exit 0, or as sipspan does for a capture that cannot be read.
 */
#include <inttypes.h>
#include <stdio.h>

#include "capture/capture.h"
#include "decode/decode.h"

static void print_packet(const struct packet *packet)
{
    struct datagram datagram;
    char src[IP_TEXT_MAX], dst[IP_TEXT_MAX];
    enum decode_verdict verdict = decode_packet(packet, &datagram);
    bool is_ip = decode_is_ip(verdict);
    if (!is_ip)
        datagram = (struct datagram){.packet_number = packet->number};
    printf("%" PRIu64 "\t%s\t%s\t%u\t%u\t%s\t%s\t%u\t%u\t%zu\n", packet->number,
           decode_verdict_name(verdict),
           datagram.tunnel ? tunnel_name((enum tunnel)datagram.tunnel) : "-", datagram.tunnel_depth,
           datagram.protocol, ip_format(&datagram.src.ip, src), ip_format(&datagram.dst.ip, dst),
           datagram.src.port, datagram.dst.port, datagram.payload.len);
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fputs("usage: decode_dump CAPTURE\n", stderr);
        return 2;
    }
    const char *const paths[] = {argv[1]};
    struct capture_error error;
    struct capture *capture =
        capture_open_files(&(struct capture_file_params){.paths = paths, .path_count = 1}, &error);
    if (!capture) {
        fprintf(stderr, "decode_dump: %s\n", error.text);
        return error.exit_status;
    }
    struct packet_batch batch;
    enum capture_status status;
    int exit_status = 0;
    while ((status = capture_read(capture, &batch, 0)) == CAPTURE_PACKETS)
        for (unsigned i = 0; i < batch.count; i++)
            print_packet(&batch.packet[i]);
    if (status == CAPTURE_FAILED) {
        const struct capture_error *failed = capture_last_error(capture);
        fprintf(stderr, "decode_dump: %s\n", failed->text);
        exit_status = failed->exit_status;
    }
    capture_close(capture);
    return exit_status;
}
