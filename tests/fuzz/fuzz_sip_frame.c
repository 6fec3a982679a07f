/*
 * sip_frame: the first octet says in what pieces the rest comes; the messages must be those of the
 * whole, and the parser must agree about where they end.
 */
#include <stdlib.h>

#include "sip/sip_frame.h"
#include "sip/sip_msg.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MESSAGES_MAX = 64 };

/* Where the messages are, as offsets into the stream. */
struct found {
    size_t count;
    size_t from[MESSAGES_MAX], len[MESSAGES_MAX];
    size_t consumed;
};

static void check_message(struct slice message, bool without_length)
{
    static struct sip_msg msg;
    if (message.len > SIP_MESSAGE_MAX || sip_msg_parse(message, false, &msg) != SIP_ACCEPTED)
        return;
    if (msg.defects & (SIP_DEFECT_SURPLUS | SIP_DEFECT_NO_BLANK_LINE | SIP_DEFECT_LEADING_JUNK))
        abort();
    if (msg.has_content_length == without_length ||
        (msg.has_content_length && msg.body.len != msg.content_length))
        abort();
}

static void read_stream(struct slice stream, size_t piece, struct found *found)
{
    size_t at = 0, searched = 0, wanted = 1;
    *found = (struct found){0};
    for (size_t end = 0; end < stream.len;) {
        end = stream.len - end < piece ? stream.len : end + piece;
        while (end - at >= wanted) {
            struct slice held = slice_of(stream.at + at, end - at);
            struct sip_frame frame;
            sip_frame_next(held, searched, &frame);
            searched = frame.searched;
            wanted = 1;
            if (frame.verdict == SIP_FRAME_MORE) {
                if (frame.len <= held.len || frame.len > SIP_FRAME_MESSAGE_MAX ||
                    searched > held.len)
                    abort();
                wanted = frame.len;
                break;
            }
            if (frame.len == 0 || frame.len > held.len || searched != 0)
                abort();
            if (frame.verdict == SIP_FRAME_MESSAGE && found->count < MESSAGES_MAX) {
                check_message(slice_head(held, frame.len), frame.content_length_missing);
                found->from[found->count] = at;
                found->len[found->count++] = frame.len;
            }
            at += frame.len;
        }
    }
    found->consumed = at;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    struct slice stream = slice_of((const char *)data + 1, size - 1);
    struct found whole, cut;
    read_stream(stream, SIZE_MAX, &whole);
    read_stream(stream, data[0] == 0 ? 1 : data[0], &cut);
    if (whole.count != cut.count)
        abort();
    for (size_t i = 0; i < whole.count; i++)
        if (whole.from[i] != cut.from[i] || whole.len[i] != cut.len[i])
            abort();

    size_t start = sip_frame_find_start(stream);
    if (start > stream.len || (start > 0 && start < stream.len && stream.at[start - 1] != '\n'))
        abort();
    (void)sip_frame_is_start(stream);
    return 0;
}
