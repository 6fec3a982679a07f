/*
 * open_requests: which requests were seen, so that a response that nobody asked for counts for
 * nothing: anybody can send one in another's name, and begin a connection for it. What is shown
 * before its request, by the mirror or because that waits behind a hole of its connection, counts
 * once the request has come. Internal to the folder.
 *
 * A table of fixed size; the oldest of a bucket gives way. Keyed by what a response repeats of its
 * request (RFC 3261 section 17.1.3) and by the two hosts. Thread: the correlator's.
 */
#ifndef SIPSPAN_CALL_OPEN_REQUESTS_H
#define SIPSPAN_CALL_OPEN_REQUESTS_H

#include "base/hash.h"
#include "net/packet.h"
#include "sip/sip_msg.h"
#include "verdict/peer.h"

/* A response that waits for its request. */
struct open_requests_early {
    int64_t time_ns;
    struct peers_response response;
};

/* The latest of those that wait. */
struct open_requests_ring {
    unsigned size, next, waiting;
    uint64_t *hash; /* by place; 0: free */
    struct open_requests_early *early;
};

struct open_requests {
    struct hash_key key;
    struct open_requests_bucket *bucket;
    struct open_requests_ring datagrams, streams; /* by what they came over */
};

/* 0 or -ENOMEM. */
int open_requests_init(struct open_requests *requests);
void open_requests_fini(struct open_requests *requests);

/* What a request shows that says how its responses are to be read; bits. */
enum open_request_mark {
    OPEN_REQUEST_SEEN = 1 << 0,
    OPEN_REQUEST_CREDENTIALS = 1 << 1,
    /* Its top Via has an oc with a value, which no client gives (RFC 7339 section 4.1): the server
     * may have copied it, as it copies all of the Via, and asks for nothing. */
    OPEN_REQUEST_OC = 1 << 2,
};

/* A request passed. Returns its marks, with those of its earlier sendings. */
unsigned open_requests_add(struct open_requests *requests, const struct datagram *datagram,
                           const struct sip_msg *msg);
/* Of the responses that came a little before this request, the first; no more of them: NULL. To be
 * used before another waits. */
const struct open_requests_early *open_requests_take_early(struct open_requests *requests,
                                                           const struct datagram *datagram,
                                                           const struct sip_msg *msg);
/* A response whose request was not seen yet. */
void open_requests_wait(struct open_requests *requests, const struct datagram *datagram,
                        const struct sip_msg *msg, const struct peers_response *response);
/* The marks of the request of this response, if it was seen in the last minute or so; else 0. */
unsigned open_requests_find(const struct open_requests *requests, const struct datagram *datagram,
                            const struct sip_msg *msg);
void open_requests_clock_step(struct open_requests *requests, int64_t step_ns);

#endif
