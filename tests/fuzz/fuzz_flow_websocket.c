/*
 * websocket and tls: the first octet says in what pieces the rest comes. The messages must be those
 * of the whole.
 */
#include <stdlib.h>

#include "base/hash.h"
#include "flow/tls.h"
#include "flow/websocket.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct outcome {
    uint64_t hash; /* of the messages */
    size_t messages, left_out;
    enum websocket_verdict last;
};

static struct outcome read_stream(struct slice stream, size_t piece)
{
    static const struct hash_key key = {1, 2};
    static char buffer[WEBSOCKET_MESSAGE_MAX];
    struct outcome out = {.last = WEBSOCKET_MORE};
    struct websocket websocket = {0};
    size_t at = 0;
    for (size_t end = 0; end < stream.len && out.last != WEBSOCKET_BROKEN;) {
        end = stream.len - end < piece ? stream.len : end + piece;
        do {
            size_t used, need;
            struct slice message;
            out.last = websocket_next(&websocket, slice_of(stream.at + at, end - at), buffer, &used,
                                      &need, &message);
            bool moved = out.last == WEBSOCKET_MESSAGE || out.last == WEBSOCKET_NOTHING;
            if (used > end - at || (used > 0) != moved)
                abort();
            if (out.last == WEBSOCKET_MORE && (need <= end - at || need > WEBSOCKET_NEED_MAX))
                abort();
            if (websocket.gathered > WEBSOCKET_MESSAGE_MAX)
                abort();
            if (out.last == WEBSOCKET_MESSAGE) {
                if (message.len > WEBSOCKET_MESSAGE_MAX)
                    abort();
                out.hash = hash_chain(&key, out.hash, message.at, message.len);
                out.messages++;
            }
            at += used;
        } while (out.last == WEBSOCKET_MESSAGE || out.last == WEBSOCKET_NOTHING);
    }
    out.left_out = websocket.left_out;
    return out;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    struct slice stream = slice_of((const char *)data + 1, size - 1);
    size_t len;
    enum websocket_upgrade upgrade = websocket_upgrade(stream, &len);
    bool is_one = upgrade == WEBSOCKET_UPGRADE_REQUEST || upgrade == WEBSOCKET_UPGRADE_RESPONSE;
    if (len > stream.len || len > WEBSOCKET_UPGRADE_MAX || (len > 0) != is_one)
        abort();
    uint8_t alert;
    if (tls_recognise(stream, &alert) != TLS_NONE && upgrade != WEBSOCKET_UPGRADE_NONE)
        abort();

    stream = slice_skip(stream, len);
    struct outcome whole = read_stream(stream, SIZE_MAX);
    struct outcome cut = read_stream(stream, data[0] == 0 ? 1 : data[0]);
    if (whole.hash != cut.hash || whole.messages != cut.messages ||
        whole.left_out != cut.left_out || whole.last != cut.last)
        abort();
    return 0;
}
