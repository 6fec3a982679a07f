#include <string.h>

#include "scenario_line.h"

void payload_add_upgrade(struct text *out, const struct endpoint *server)
{
    char text[ENDPOINT_TEXT_MAX];
    text_add(out,
             "GET / HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
             "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: sip\r\n"
             "Sec-WebSocket-Version: 13\r\n\r\n",
             endpoint_format(server, text));
}

/* The answer to that key is RFC 6455's own example. */
void payload_add_upgraded(struct text *out)
{
    text_add(out, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                  "Connection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
                  "Sec-WebSocket-Protocol: sip\r\n\r\n");
}

/* RFC 6455 section 5.2. */
void payload_add_ws_frame(struct text *out, enum ws_opcode opcode, bool last, bool masked,
                          const void *bytes, size_t len)
{
    const uint8_t key[4] = {0x37, 0xfa, (uint8_t)len, 0x3d};
    const uint8_t *at = bytes;
    unsigned first = (last ? 0x80U : 0) | opcode, mask = masked ? 0x80 : 0;
    if (len < 126) {
        text_put_u16(out, first << 8 | mask | (unsigned)len);
    } else if (len <= UINT16_MAX) {
        text_put_u16(out, first << 8 | mask | 126);
        text_put_u16(out, (unsigned)len);
    } else {
        text_put_u16(out, first << 8 | mask | 127);
        text_put_u32(out, 0);
        text_put_u32(out, (uint32_t)len);
    }
    if (masked)
        text_put(out, key, sizeof key);
    for (size_t i = 0; i < len; i++) {
        uint8_t octet = masked ? at[i] ^ key[i % 4] : at[i];
        text_put(out, &octet, 1);
    }
}

static void put_repeated(struct text *out, char octet, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        text_put(out, &octet, 1);
}

/* A record of TLS 1.2's version around a handshake message: RFC 8446 sections 5.1 and 4. */
static void put_handshake(struct text *out, char type, const struct text *body)
{
    text_put(out, "\x16\x03\x01", 3);
    text_put_u16(out, (unsigned)body->len + 4);
    text_put(out, &type, 1);
    text_put(out, "", 1);
    text_put_u16(out, (unsigned)body->len);
    text_put(out, body->at, body->len);
}

bool payload_add_tls(struct text *out, const char *record)
{
    struct text body = {0};
    text_put_u16(&body, 0x0303);
    put_repeated(&body, 0x5a, 32); /* random */
    text_put(&body, "", 1);        /* no session */
    if (strcmp(record, "client_hello") == 0) {
        text_put(&body, "\0\x04\x13\x01\xc0\x2f\x01\0", 8);   /* suites, compression */
        text_put(&body, "\0\x07\0\x2b\0\x03\x02\x03\x04", 9); /* supported versions */
        put_handshake(out, 1, &body);
    } else if (strcmp(record, "server_hello") == 0) {
        text_put(&body, "\xc0\x2f\0", 3);
        put_handshake(out, 2, &body);
    } else if (strcmp(record, "alert") == 0) {
        text_put(out, "\x15\x03\x03\0\x02\x02\x28", 7); /* fatal, handshake_failure */
    } else if (strcmp(record, "data") == 0) {
        text_put(out, "\x17\x03\x03", 3);
        text_put_u16(out, 96);
        put_repeated(out, (char)0xe5, 96);
    }
    text_fini(&body);
    return out->len > 0;
}
