#include "flow/tls.h"

#include "base/cursor.h"

enum { CHANGE_CIPHER_SPEC = 20, ALERT = 21, HANDSHAKE = 22, APPLICATION_DATA = 23 };
enum { HELLO_REQUEST = 0, CLIENT_HELLO = 1 };

enum {
    VERSION_MAJOR = 3,
    VERSION_MINOR_MAX = 4,     /* of the field: 1.3 writes 3 */
    RECORD_MAX = 16384 + 2048, /* RFC 5246 section 6.2.3 */
    MESSAGE_MAX = 0x20000,     /* of a handshake; certificates are the longest */
    ALERT_LEN = 2,
    WARNING = 1,
    FATAL = 2
};

/* Handshake messages that are sent in clear (RFC 5246 section 7.4, RFC 8446 section 4), as bits. */
static const uint32_t clear_messages = 1u << HELLO_REQUEST | 1u << CLIENT_HELLO | 1u << 2 |
                                       1u << 4 | 1u << 6 | 1u << 11 | 1u << 12 | 1u << 13 |
                                       1u << 14 | 1u << 15 | 1u << 16 | 1u << 21 | 1u << 22;

/* In clear there is a known type and a sensible length; an encrypted one is of random octets. */
static enum tls_record recognise_handshake(struct cursor *c, size_t record_len)
{
    uint8_t type = cursor_u8(c);
    if (c->failed)
        return TLS_NONE;
    if (type > 22 || !(clear_messages >> type & 1))
        return TLS_DATA;
    const uint8_t *length = cursor_take(c, 3);
    if (length && (length[0] << 16 | length[1] << 8 | length[2]) >= MESSAGE_MAX)
        return TLS_DATA;
    /* A hello holds a version and 32 random octets at least. */
    return type != CLIENT_HELLO ? TLS_HANDSHAKE : record_len > 38 ? TLS_CLIENT_HELLO : TLS_NONE;
}

static enum tls_record recognise_alert(struct cursor *c, size_t record_len, uint8_t *alert)
{
    if (record_len > ALERT_LEN)
        return TLS_DATA;
    uint8_t level = cursor_u8(c);
    uint8_t description = cursor_u8(c);
    if (c->failed || record_len != ALERT_LEN || (level != WARNING && level != FATAL))
        return TLS_NONE;
    *alert = description;
    return TLS_ALERT;
}

enum tls_record tls_recognise(struct slice stream, uint8_t *alert)
{
    struct cursor c = cursor_of(stream.at, stream.len);
    uint8_t type = cursor_u8(&c);
    uint8_t major = cursor_u8(&c), minor = cursor_u8(&c);
    size_t record_len = cursor_u16(&c);
    *alert = 0;
    if (c.failed || major != VERSION_MAJOR || minor > VERSION_MINOR_MAX || record_len > RECORD_MAX)
        return TLS_NONE;
    switch (type) {
    case CHANGE_CIPHER_SPEC:
        return record_len == 1 ? TLS_HANDSHAKE : TLS_NONE;
    case ALERT:
        return recognise_alert(&c, record_len, alert);
    case HANDSHAKE:
        return record_len > 0 ? recognise_handshake(&c, record_len) : TLS_NONE;
    case APPLICATION_DATA:
        return TLS_DATA;
    default:
        return TLS_NONE;
    }
}
