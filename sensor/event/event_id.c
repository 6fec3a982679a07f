#include "event/event_id.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/hash.h"

/* An id is a name, not a secret: two fixed keys give it 128 bits. */
static const struct hash_key id_keys[2] = {
    {0x7369707370616e31ULL, 0x6576656e742d6964ULL},
    {0x7369707370616e32ULL, 0x6576656e742d6964ULL},
};

void event_set_id(struct event *event, const struct event_id_part *part, size_t count)
{
    uint64_t half[2] = {0, 0};
    for (int k = 0; k < 2; k++)
        for (size_t i = 0; i < count; i++)
            half[k] = hash_chain(&id_keys[k], half[k], part[i].bytes, part[i].len);
    snprintf(event->id, sizeof event->id, "%016" PRIx64 "%016" PRIx64, half[0], half[1]);
}
