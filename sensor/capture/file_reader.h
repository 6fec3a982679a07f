/*
 * file_reader: one capture file, whatever its format: its next packet, the `head`, and what is
 * wrong with it. Private to capture/.
 *
 * The head and every packet before it point into the reader's window until file_reader_fill or
 * file_reader_park. So a batch ends where a reader has to be filled.
 */
#ifndef SIPSPAN_CAPTURE_FILE_READER_H
#define SIPSPAN_CAPTURE_FILE_READER_H

#include "capture/file_input.h"
#include "capture/pcap_file.h"
#include "capture/pcapng_file.h"

struct file_reader {
    struct file_input input;
    bool is_pcapng;
    union {
        struct pcap_file pcap;
        struct pcapng_file pcapng;
    };
    struct record head;
    bool ready;   /* head can be read; false: file_reader_fill comes first */
    size_t order; /* which file it is, for ties */
};

enum file_reader_status {
    FILE_READER_PACKET, /* head is the next packet */
    FILE_READER_END,
    FILE_READER_STOPPED,  /* capture_stop was called while it waited */
    FILE_READER_BROKEN,   /* cut off, corrupt or empty: *error; what is before has been given */
    FILE_READER_UNUSABLE, /* only from open: cannot be opened, or is no capture */
};

/* Opens, and finds the first packet. file_reader_fini in every case. *next_interface outlives it.
 */
enum file_reader_status file_reader_open(struct file_reader *reader, const char *path, int stop_fd,
                                         uint16_t *next_interface, struct capture_error *error);
void file_reader_fini(struct file_reader *reader);

/* Steps over the head to the next packet in the window. Says, as `ready` does, whether there is
 * one. */
bool file_reader_step(struct file_reader *reader);

/*
 * The head and the packets that follow it in the window, at most `max` (not 0); steps over them as
 * file_reader_step does. Their numbers are the caller's to give.
 */
unsigned file_reader_run(struct file_reader *reader, struct packet *out, unsigned max);

/* Refills the window and finds the head. Also after an end or an error, which it then tells. */
enum file_reader_status file_reader_fill(struct file_reader *reader, struct capture_error *error);

/* Gives up file and window until the next fill; of the head, only the time stays. */
void file_reader_park(struct file_reader *reader);

#endif
