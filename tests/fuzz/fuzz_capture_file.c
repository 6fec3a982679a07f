/*
 * Any octets as a capture file, read through the interface that the program uses: plain, with a
 * filter and merged with itself. The corpus: seeds with names come from make_capture_corpus.py,
 * those named by their hash are what the fuzzer reached beyond them.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "capture/capture.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "broken promise: %s\n", what);
    abort();
}

/* Every octet that is promised is there, and every figure in its bounds. */
static uint64_t read_all(struct capture *capture)
{
    static struct packet_batch batch;
    volatile uint8_t sum = 0;
    uint64_t packets = 0, last = 0;
    enum capture_status status;
    while ((status = capture_read(capture, &batch, 0)) == CAPTURE_PACKETS) {
        check(batch.count > 0 && batch.count <= PACKET_BATCH_MAX, "a batch has 1 to 64 packets");
        for (unsigned i = 0; i < batch.count; i++) {
            const struct packet *p = &batch.packet[i];
            check(p->captured_len <= 262144, "a packet has at most 262144 octets");
            check(p->captured_len <= p->wire_len, "no more is captured than was on the wire");
            check(p->time_ns >= 0, "no time is before 1970");
            check(p->number > last, "numbers grow");
            last = p->number;
            for (uint32_t k = 0; k < p->captured_len; k++)
                sum = (uint8_t)(sum + p->bytes[k]);
        }
        packets += batch.count;
    }
    check(status == CAPTURE_END || status == CAPTURE_FAILED, "files end, or fail");
    if (status == CAPTURE_FAILED)
        check(capture_last_error(capture)->text[0] != '\0', "a failure says why");
    check(capture_read(capture, &batch, 0) == status, "an end stays an end");
    struct capture_stats stats;
    capture_stats(capture, &stats);
    check(stats.packets == packets, "the packets are counted");
    return packets;
}

static uint64_t read_paths(const char *path, size_t count, const char *filter)
{
    const char *paths[] = {path, path};
    struct capture_file_params params = {.paths = paths, .path_count = count, .filter = filter};
    struct capture_error error = {0};
    struct capture *capture = capture_open_files(&params, &error);
    uint64_t packets = 0;
    if (capture)
        packets = read_all(capture);
    else
        check(error.text[0] != '\0' && error.exit_status > 0, "a failure says why");
    capture_close(capture);
    return packets;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[32];
    int fd = memfd_create("input", MFD_CLOEXEC);
    check(fd >= 0 && write(fd, data, size) == (ssize_t)size, "there is memory for the input");
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    uint64_t packets = read_paths(path, 1, NULL);
    /* What is rarer is not tried on each input: by its size, as good as by chance. */
    if (size % 4 == 1)
        check(read_paths(path, 2, NULL) == 2 * packets, "merging loses nothing");
    if (size % 4 == 2)
        check(read_paths(path, 1, "greater 40") <= packets, "a filter adds nothing");
    close(fd);
    return 0;
}
