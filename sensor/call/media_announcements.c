#include "call/media_announcements.h"

static uint64_t hash_of(const struct media_map *map, const struct endpoint *endpoint)
{
    uint8_t key[sizeof endpoint->ip.octets + 3];
    memcpy(key, endpoint->ip.octets, sizeof endpoint->ip.octets);
    key[sizeof key - 3] = endpoint->ip.version;
    key[sizeof key - 2] = (uint8_t)(endpoint->port >> 8);
    key[sizeof key - 1] = (uint8_t)endpoint->port;
    return hash_bytes(&map->key, key, sizeof key);
}

struct table_node *media_announcements_at(const struct media_map *map,
                                          const struct endpoint *endpoint)
{
    return table_first(&map->table, hash_of(map, endpoint));
}

static void drop(struct media_map *map, struct media_announcement **place)
{
    struct media_announcement *announcement = *place;
    *place = announcement->older;
    table_remove(&map->table, &announcement->node);
    if (announcement->payload_count > MEDIA_MAP_PAYLOADS_FEW)
        slab_free(&map->payloads, announcement->payload.many);
    slab_free(&map->announcements, announcement);
}

/* The oldest of those beyond the latest `keep`. False: there are none. */
static bool drop_beyond(struct media_map *map, struct call *call, unsigned keep)
{
    struct media_announcement **place = &call->announced;
    for (unsigned i = 0; *place && (i < keep || (*place)->older); i++)
        place = &(*place)->older;
    if (!*place)
        return false;
    drop(map, place);
    return true;
}

/*
 * An endpoint that was announced by more calls than can be, but for forged ones: the latest that
 * nobody answered makes room. False: there is none.
 */
static bool make_room_at(struct media_map *map, uint64_t hash, const struct call *call)
{
    struct table_node *node = table_first(&map->table, hash);
    for (unsigned i = 0; node && i < MEDIA_MAP_WALK_MAX; i++, node = table_next(node)) {
        struct media_announcement *at = CONTAINER_OF(node, struct media_announcement, node);
        struct media_announcement **place = &at->call->announced;
        if (at->call == call || at->call->heard == HEARD_BOTH)
            continue;
        while (*place != at)
            place = &(*place)->older;
        drop(map, place);
        return true;
    }
    return false;
}

static struct media_announcement *add(struct media_map *map, struct call *call,
                                      const struct endpoint *rtp)
{
    uint64_t hash = hash_of(map, rtp);
    struct table_node *latest = table_first(&map->table, hash);
    unsigned crowd = latest ? CONTAINER_OF(latest, struct media_announcement, node)->crowd + 1U : 0;
    if (crowd >= MEDIA_MAP_CROWD_MAX) {
        crowd = MEDIA_MAP_CROWD_MAX;
        if (!make_room_at(map, hash, call))
            return NULL;
    }
    struct media_announcement *added = slab_alloc(&map->announcements);
    if (!added && drop_beyond(map, call, 0))
        added = slab_alloc(&map->announcements);
    if (!added)
        return NULL;
    *added = (struct media_announcement){.call = call, .rtp = *rtp, .crowd = crowd & 0xffu};
    table_insert(&map->table, &added->node, hash);
    return added;
}

struct media_announcement *media_announcements_take(struct media_map *map, struct call *call,
                                                    const struct endpoint *rtp)
{
    struct media_announcement **place = &call->announced, *found;
    while (*place && !endpoint_eq(&(*place)->rtp, rtp))
        place = &(*place)->older;
    if (*place) {
        found = *place;
        *place = found->older;
    } else {
        drop_beyond(map, call, MEDIA_MAP_PER_CALL - 1);
        found = add(map, call, rtp);
        if (!found)
            return NULL;
    }
    found->older = call->announced;
    call->announced = found;
    return found;
}

static void set_payloads(struct media_map *map, struct media_announcement *announcement,
                         const struct media_map_payload *payload, unsigned count)
{
    struct media_map_payload *many = NULL;
    if (announcement->payload_count > MEDIA_MAP_PAYLOADS_FEW)
        slab_free(&map->payloads, announcement->payload.many);
    if (count > MEDIA_MAP_PAYLOADS_FEW && !(many = slab_alloc(&map->payloads)))
        count = MEDIA_MAP_PAYLOADS_FEW;
    announcement->payload_count = count & 0x7fu;
    memcpy(many ? many : announcement->payload.few, payload, count * sizeof *payload);
    if (many)
        announcement->payload.many = many;
}

bool media_announcements_set_payloads(struct media_map *map,
                                      struct media_announcement *announcement,
                                      const struct sdp_media *media)
{
    struct media_map_payload payload[MEDIA_MAP_PAYLOADS_MAX] = {0};
    unsigned count = 0;
    for (; count < media->payload_count && count < MEDIA_MAP_PAYLOADS_MAX; count++) {
        const struct sdp_payload *from = &media->payload[count];
        payload[count] = (struct media_map_payload){
            .codec = codec_book_find(map->codecs, from->codec, from->clock_hz) & 0x1ffu,
            .type = from->type & 0x7fu,
        };
    }
    if (count == announcement->payload_count &&
        memcmp(payload, media_map_payloads(announcement), count * sizeof *payload) == 0)
        return false;
    set_payloads(map, announcement, payload, count);
    return true;
}

void media_announcements_forget(struct media_map *map, struct call *call)
{
    while (call->announced)
        drop(map, &call->announced);
}
