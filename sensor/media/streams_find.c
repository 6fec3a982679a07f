/* Streams by where they come from and where they go to. */
#include "media/streams_table.h"

uint64_t streams_endpoint_hash(const struct streams *streams, const struct endpoint *endpoint)
{
    uint64_t hash =
        hash_bytes(&streams->endpoint_key, endpoint->ip.octets, sizeof endpoint->ip.octets);
    return hash_chain(&streams->endpoint_key, hash, &endpoint->port, sizeof endpoint->port);
}

struct stream *streams_next_from(const struct streams *streams, const struct endpoint *endpoint,
                                 const struct stream *after)
{
    struct table_node *node =
        after ? table_next(&after->by_src)
              : table_first(&streams->by_src, streams_endpoint_hash(streams, endpoint));
    for (; node; node = table_next(node)) {
        struct stream *stream = CONTAINER_OF(node, struct stream, by_src);
        if (endpoint_eq(&stream->src, endpoint))
            return stream;
    }
    return NULL;
}

struct stream *streams_next_to(const struct streams *streams, const struct endpoint *endpoint,
                               const struct stream *after)
{
    struct table_node *node =
        after ? table_next(&after->by_dst)
              : table_first(&streams->by_dst, streams_endpoint_hash(streams, endpoint));
    for (; node; node = table_next(node)) {
        struct stream *stream = CONTAINER_OF(node, struct stream, by_dst);
        if (endpoint_eq(&stream->dst, endpoint))
            return stream;
    }
    return NULL;
}

struct stream *streams_reverse(const struct streams *streams, const struct stream *stream)
{
    struct stream *latest = NULL, *at = streams_next_from(streams, &stream->dst, NULL);
    for (unsigned i = 0; at && i < STREAMS_WALK_MAX; i++) {
        if (endpoint_eq(&at->dst, &stream->src) &&
            (!latest || at->source.seen_ns > latest->source.seen_ns))
            latest = at;
        at = streams_next_from(streams, &stream->dst, at);
    }
    return latest;
}

void streams_each_alone(struct streams *streams, const struct endpoint *endpoint,
                        void (*look)(void *context, struct stream *stream), void *context)
{
    struct stream *at = streams_next_to(streams, endpoint, NULL);
    for (unsigned i = 0; at && i < STREAMS_WALK_MAX; i++) {
        if (at->state != STREAM_JOINED)
            look(context, at);
        at = streams_next_to(streams, endpoint, at);
    }
    at = streams_next_from(streams, endpoint, NULL);
    for (unsigned i = 0; at && i < STREAMS_WALK_MAX; i++) {
        if (at->state != STREAM_JOINED)
            look(context, at);
        at = streams_next_from(streams, endpoint, at);
    }
}
