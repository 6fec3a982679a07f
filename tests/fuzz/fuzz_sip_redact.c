/*
 * sip_redact: only '*' comes new into a message, and no inline key is left, neither in what is
 * given nor where one is put in: the first octets say where and how.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/slice.h"
#include "sip/sip_redact.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MESSAGE_MAX = 1 << 16 };

static bool ends_key(char c)
{
    return c == '|' || c == ';' || c == '"' || c == '\\' || slice_is_space(c);
}

static void check_no_key(const char *text, size_t len)
{
    for (size_t at = 0; at + 7 < len; at++)
        if (strncasecmp(text + at, "inline:", 7) == 0)
            for (size_t key = at + 7; key < len && !ends_key(text[key]); key++)
                if (text[key] != '*')
                    abort();
}

static void check(const char *before, size_t len)
{
    char *once = malloc(len > 0 ? len : 1);
    if (!once)
        abort();
    memcpy(once, before, len);
    sip_redact(once, len);
    for (size_t at = 0; at < len; at++)
        if (once[at] != before[at] && once[at] != '*')
            abort();
    check_no_key(once, len);
    free(once);
}

/* A line with a key is put at the end of a line of what is given. */
static void check_with_key(const uint8_t *data, size_t size)
{
    static const char *const line[] = {
        "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:%",
        "a=crypto:2 F8_128_HMAC_SHA1_80 inline:AAAA|2^20|1:4;inline:%|2^20|2:4 UNENCRYPTED_SRTP",
        "a=CRYPTO:3 AES_256_CM_HMAC_SHA1_80 INLINE:%|2^31 FEC_KEY=inline:%",
        "a=key-mgmt:mikey %",
        "k=clear:%",
        "a=ice-pwd:%",
        "{\"sdp\":\"v=0\\r\\na=ice-pwd:%\\r\\nk=clear:%\\na=key-mgmt:mikey %\\n\"}",
        "[\"v=0\\\\r\\\\na=crypto:1 S inline:%|2\\\\r\\\\n\"]",
        "To: <sip:alice:%@192.0.2.1:5060;x=a@b>, <sips:a:%@[2001:db8::1]>",
    };
    static const char key[] = "Q0hFQ0stdGhhdC10aGlzLWlzLWdvbmU+";
    static char message[MESSAGE_MAX];
    if (size < 3 || size > MESSAGE_MAX - 256 || memmem(data, size, key, sizeof key - 1))
        return;
    size_t at = (size_t)(data[0] << 8 | data[1]) % (size - 2);
    const char *pattern = line[data[2] % (sizeof line / sizeof line[0])];
    const uint8_t *text = data + 2;
    while (at > 0 && text[at - 1] != '\n')
        at--;
    size_t len = at;
    memcpy(message, text, at);
    for (; *pattern; pattern++) {
        if (*pattern != '%') {
            message[len++] = *pattern;
            continue;
        }
        memcpy(message + len, key, sizeof key - 1);
        len += sizeof key - 1;
    }
    message[len++] = '\n';
    memcpy(message + len, text + at, size - 2 - at);
    len += size - 2 - at;
    check(message, len);
    sip_redact(message, len);
    if (memmem(message, len, key, sizeof key - 1))
        abort();
}

/* What is given is the body of a part; behind a line that ends no part its secret comes. */
static void check_with_part(const uint8_t *data, size_t size)
{
    static const char *const type[] = {"application/dtmf\r\n",
                                       "x/y\r\nContent-Transfer-Encoding: base64\r\n",
                                       "message/sip\r\n\r\nINFO sip:b SIP/2.0\r\nc: x/dtmf\r\n"};
    static const char *const xml[] = {"a digits=\r\n'74218\r\n93560'", "a x:digit = \"7421893560\"",
                                      "name>dtmf.x</name>\n<value>7421893560</value>"};
    static char message[MESSAGE_MAX];
    if (size < 3 || size > MESSAGE_MAX - 512 || memmem(data, size, "--b", 3) ||
        memmem(data, size, "93560", 5))
        return;
    const char *head = "INFO sip:b SIP/2.0\r\nc: multipart/mixed;";
    const char *boundary = data[0] & 1 ? "boundary=\"b\"" : "boundary=b";
    int len = snprintf(message, sizeof message, "%s%s\r\n\r\n--b\r\nc: ", head, boundary);
    size_t at = (size_t)len;
    if (data[1] & 1) {
        len = snprintf(message + at, sizeof message - at, "x/y+xml\r\n\r\n<%s/>\r\n",
                       xml[data[2] % 3]);
    } else {
        len = snprintf(message + at, sizeof message - at, "%s", type[data[2] % 3]);
        at += (size_t)len;
        const char *front = data[0] & 2 ? "\r\n--\r\n\r\n" : "\r\n--b-\r\n";
        len =
            snprintf(message + at, sizeof message - at, "%s%.*s\r\n--x\r\n\r\n7421893560\r\n--b--",
                     front, (int)(size - 3), (const char *)data + 3);
    }
    at += (size_t)len;
    check(message, at);
    sip_redact(message, at);
    if (memmem(message, at, "93560", 5))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    check((const char *)data, size);
    check_with_key(data, size);
    check_with_part(data, size);
    return 0;
}
