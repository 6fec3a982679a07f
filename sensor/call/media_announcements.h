/*
 * media_announcements: the announcements of a media_map, by call and by endpoint, and who makes
 * room when there are too many. Internal to the folder.
 */
#ifndef SIPSPAN_CALL_MEDIA_ANNOUNCEMENTS_H
#define SIPSPAN_CALL_MEDIA_ANNOUNCEMENTS_H

#include "call/media_map.h"

/* The latest of an endpoint, among some of others: struct media_announcement's node. */
struct table_node *media_announcements_at(const struct media_map *map,
                                          const struct endpoint *endpoint);
/* The call's announcement of this endpoint, now its latest; NULL: there is no room. */
struct media_announcement *media_announcements_take(struct media_map *map, struct call *call,
                                                    const struct endpoint *rtp);
/* True: its payload types mean something else than before. */
bool media_announcements_set_payloads(struct media_map *map,
                                      struct media_announcement *announcement,
                                      const struct sdp_media *media);
/* All of the call. */
void media_announcements_forget(struct media_map *map, struct call *call);

#endif
