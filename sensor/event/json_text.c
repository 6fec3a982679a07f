#include "event/json_text.h"

#include <jansson.h>
#include <stdlib.h>

#include "event/utf8.h"

json_t *json_text(struct slice text)
{
    bool has_del = text.len > 0 && memchr(text.at, 0x7f, text.len);
    json_t *plain = has_del ? NULL : json_stringn(text.at ? text.at : "", text.len);
    if (plain || text.len == 0)
        return plain;
    char *repaired = malloc(text.len * 3); /* U+FFFD takes three octets */
    if (!repaired)
        return NULL;
    size_t out = 0;
    for (size_t i = 0; i < text.len;) {
        size_t n = utf8_sequence(text.at + i, text.len - i);
        if (n == 0) {
            memcpy(repaired + out, "\xef\xbf\xbd", 3);
            out += 3;
            i++;
        } else {
            memcpy(repaired + out, text.at + i, n);
            out += n;
            i += n;
        }
    }
    json_t *value = json_stringn(repaired, out);
    free(repaired);
    return value;
}

const char *json_text_library_version(void)
{
    return jansson_version_str();
}
