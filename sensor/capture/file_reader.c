#include "capture/file_reader.h"

#include <inttypes.h>
#include <string.h>

#include "capture/capture_backend.h"

static inline enum record_verdict parse_record(struct file_reader *reader)
{
    const uint8_t *at = file_input_at(&reader->input);
    size_t left = file_input_left(&reader->input);
    return reader->is_pcapng ? pcapng_file_next(&reader->pcapng, at, left, &reader->head)
                             : pcap_file_next(&reader->pcap, at, left, &reader->head);
}

/* The next packet in the window, over blocks that are none. */
static enum record_verdict parse_head(struct file_reader *reader)
{
    enum record_verdict verdict;
    while ((verdict = parse_record(reader)) == RECORD_OTHER)
        reader->input.start += reader->head.length;
    return verdict;
}

static enum file_reader_status report_corrupt(const struct file_reader *reader,
                                              struct capture_error *error)
{
    capture_error_set(error, 1,
                      "%s: corrupt at offset %" PRIu64 ": %s; what was before it has been read. "
                      "Copy the file again, or cut it there",
                      reader->input.name, file_input_offset(&reader->input), reader->head.problem);
    return FILE_READER_BROKEN;
}

/* The input ended where the record that begins at `start` needs more. */
static enum file_reader_status report_end(const struct file_reader *reader,
                                          struct capture_error *error)
{
    size_t left = file_input_left(&reader->input);
    if (left == 0)
        return FILE_READER_END;
    uint64_t offset = file_input_offset(&reader->input);
    capture_error_set(error, 1,
                      "%s: cut off at offset %" PRIu64 ", in the middle of the record that begins "
                      "at offset %" PRIu64 "; what was before it has been read. Copy the file "
                      "again, or wait until its writer has closed it",
                      reader->input.name, offset + left, offset);
    return FILE_READER_BROKEN;
}

bool file_reader_step(struct file_reader *reader)
{
    reader->input.start += reader->head.length;
    reader->head.length = 0;
    reader->ready = parse_head(reader) == RECORD_PACKET;
    return reader->ready;
}

unsigned file_reader_run(struct file_reader *reader, struct packet *out, unsigned max)
{
    struct file_input *in = &reader->input;
    unsigned count = 0;
    out[count++] = reader->head.packet;
    if (reader->is_pcapng) {
        while (file_reader_step(reader) && count < max)
            out[count++] = reader->head.packet;
        return count;
    }
    size_t length;
    in->start += reader->head.length;
    count += pcap_file_run(&reader->pcap, file_input_at(in), file_input_left(in), out + count,
                           max - count, &length);
    reader->head.length = length;
    file_reader_step(reader);
    return count;
}

enum file_reader_status file_reader_fill(struct file_reader *reader, struct capture_error *error)
{
    size_t need = 1;
    for (;;) {
        switch (file_input_fill(&reader->input, need, error)) {
        case FILE_INPUT_OK:
            break;
        case FILE_INPUT_END:
            return report_end(reader, error);
        case FILE_INPUT_STOPPED:
            return FILE_READER_STOPPED;
        case FILE_INPUT_FAILED:
            return FILE_READER_BROKEN;
        }
        switch (parse_head(reader)) {
        case RECORD_PACKET:
            reader->ready = true;
            return FILE_READER_PACKET;
        case RECORD_CORRUPT:
            return report_corrupt(reader, error);
        case RECORD_SHORT:
        case RECORD_OTHER:
            need = reader->head.need;
            break;
        }
    }
}

/* What people hand over instead of a capture, by its first octets, and what they can do about it.
 */
static const char *advise_on_magic(const uint8_t magic[4])
{
    static const struct {
        uint8_t magic[4];
        const char *advice;
    } known[] = {
        {{0x28, 0xb5, 0x2f, 0xfd}, "it is compressed: zstd -dc FILE | sipspan -r -"},
        {{0xfd, '7', 'z', 'X'}, "it is compressed: xz -dc FILE | sipspan -r -"},
        {{0x04, 0x22, 0x4d, 0x18}, "it is compressed: lz4 -dc FILE | sipspan -r -"},
        {{'B', 'Z', 'h', '9'}, "it is compressed: bzip2 -dc FILE | sipspan -r -"},
        {{'P', 'K', 3, 4}, "it is compressed: unzip -p FILE | sipspan -r -"},
        {{0x34, 0xcd, 0xb2, 0xa1}, "convert it: editcap -F pcapng FILE NEW"},
        {{0xa1, 0xb2, 0xcd, 0x34}, "convert it: editcap -F pcapng FILE NEW"},
        {{'s', 'n', 'o', 'o'}, "convert it: editcap -F pcapng FILE NEW"},
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (memcmp(magic, known[i].magic, 4) == 0)
            return known[i].advice;
    return "expected pcap or pcapng, plain or gzip";
}

static enum file_reader_status report_magic(const struct file_reader *reader,
                                            const uint8_t magic[4], struct capture_error *error)
{
    capture_error_set(error, 1, "%s: not a capture file (starts with 0x%02x%02x%02x%02x); %s",
                      reader->input.name, magic[0], magic[1], magic[2], magic[3],
                      advise_on_magic(magic));
    return FILE_READER_UNUSABLE;
}

/* Reads the file header of a pcap; of a pcapng there is none, it begins with a block like any
 * other. */
static enum file_reader_status start_format(struct file_reader *reader, uint16_t *next_interface,
                                            struct capture_error *error)
{
    struct file_input *in = &reader->input;
    const uint8_t *at = file_input_at(in);
    if (pcapng_file_is_magic(at)) {
        reader->is_pcapng = true;
        pcapng_file_init(&reader->pcapng, next_interface);
        return FILE_READER_PACKET;
    }
    if (!pcap_file_is_magic(at))
        return report_magic(reader, at, error);
    for (;;) {
        switch (pcap_file_start(&reader->pcap, file_input_at(in), file_input_left(in),
                                next_interface, &reader->head)) {
        case RECORD_OTHER:
        case RECORD_PACKET:
            in->start += reader->head.length;
            return FILE_READER_PACKET;
        case RECORD_CORRUPT:
            report_corrupt(reader, error);
            return FILE_READER_UNUSABLE;
        case RECORD_SHORT:
            break;
        }
        enum file_input_status status = file_input_fill(in, reader->head.need, error);
        if (status == FILE_INPUT_STOPPED)
            return FILE_READER_STOPPED;
        if (status == FILE_INPUT_FAILED)
            return FILE_READER_BROKEN;
        if (status == FILE_INPUT_END)
            return report_end(reader, error);
    }
}

enum file_reader_status file_reader_open(struct file_reader *reader, const char *path, int stop_fd,
                                         uint16_t *next_interface, struct capture_error *error)
{
    *reader = (struct file_reader){.ready = false};
    struct file_input *in = &reader->input;
    if (file_input_open(in, path, stop_fd, error) != 0)
        return FILE_READER_UNUSABLE;
    enum file_input_status status = file_input_fill(in, 4, error);
    if (status == FILE_INPUT_STOPPED)
        return FILE_READER_STOPPED;
    if (status == FILE_INPUT_FAILED)
        return FILE_READER_BROKEN;
    if (status == FILE_INPUT_END && file_input_left(in) > 0)
        return report_end(reader, error);
    if (status == FILE_INPUT_END) {
        capture_error_set(error, 1, "%s: is empty (no octets%s); was anything captured to it?",
                          in->name, in->gzip ? " once inflated" : "");
        return FILE_READER_BROKEN;
    }
    enum file_reader_status started = start_format(reader, next_interface, error);
    return started == FILE_READER_PACKET ? file_reader_fill(reader, error) : started;
}

void file_reader_fini(struct file_reader *reader)
{
    if (reader->is_pcapng)
        pcapng_file_fini(&reader->pcapng);
    file_input_fini(&reader->input);
    reader->ready = false;
}

void file_reader_park(struct file_reader *reader)
{
    reader->ready = false;
    reader->head.packet.bytes = NULL;
    file_input_park(&reader->input);
}
