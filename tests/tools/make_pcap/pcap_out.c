#include "pcap_out.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "text.h"

enum { RECORD_HEADER = 16, SNAP_MAX = 262144 };

static void flush(struct pcap_out *out)
{
    size_t done = 0;
    while (done < out->used) {
        ssize_t n = write(out->fd, out->block + done, out->used - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            die("%s: cannot be written: %s", out->path, strerror(errno));
        done += (size_t)n;
    }
    out->used = 0;
}

static void put_u32(struct pcap_out *out, uint32_t value)
{
    memcpy(out->block + out->used, &value, sizeof value);
    out->used += sizeof value;
}

void pcap_out_open(struct pcap_out *out, const char *path, uint32_t link_type, bool microseconds,
                   uint32_t snap)
{
    *out = (struct pcap_out){.path = path, .microseconds = microseconds};
    out->snap = snap ? snap : SNAP_MAX;
    out->fd = strcmp(path, "-") == 0 ? STDOUT_FILENO
                                     : open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (out->fd < 0)
        die("%s: cannot be opened: %s", path, strerror(errno));
    out->block = must_alloc(PCAP_OUT_BLOCK + SNAP_MAX + RECORD_HEADER);
    put_u32(out, microseconds ? 0xa1b2c3d4 : 0xa1b23c4d);
    const uint16_t version[2] = {2, 4};
    memcpy(out->block + out->used, version, sizeof version);
    out->used += sizeof version;
    put_u32(out, 0);
    put_u32(out, 0);
    put_u32(out, out->snap);
    put_u32(out, link_type);
}

void pcap_out_put(struct pcap_out *out, int64_t time_ns, const uint8_t *frame, size_t len)
{
    uint32_t kept = len > out->snap ? out->snap : (uint32_t)len;
    if (out->packets == 0)
        out->first_ns = time_ns;
    out->last_ns = time_ns;
    out->packets++;
    out->octets += len;
    put_u32(out, (uint32_t)(time_ns / 1000000000));
    put_u32(out, (uint32_t)(time_ns % 1000000000) / (out->microseconds ? 1000 : 1));
    put_u32(out, kept);
    put_u32(out, (uint32_t)len);
    memcpy(out->block + out->used, frame, kept);
    out->used += kept;
    if (out->used >= PCAP_OUT_BLOCK)
        flush(out);
}

void pcap_out_close(struct pcap_out *out)
{
    flush(out);
    if (close(out->fd) < 0)
        die("%s: cannot be written: %s", out->path, strerror(errno));
    free(out->block);
    out->block = NULL;
}
