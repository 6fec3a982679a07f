/*
 * open_requests: which requests were seen, so that a response that nobody asked for counts for
 * nothing: anybody can send one in another's name. What the mirror shows before its request counts
 * once that has come. Internal to the folder.
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

enum { OPEN_REQUESTS_EARLY = 16 }; /* responses that wait for their requests, the latest */

struct open_requests {
    struct hash_key key;
    struct open_requests_bucket *bucket;
    struct open_requests_early {
        uint64_t hash; /* 0: free */
        int64_t time_ns;
        struct peers_response response;
    } early[OPEN_REQUESTS_EARLY];
    unsigned next_early, early_count;
};

/* 0 or -ENOMEM. */
int open_requests_init(struct open_requests *requests);
void open_requests_fini(struct open_requests *requests);

/* A request passed. The response that came a little before it; NULL: none did. */
const struct open_requests_early *open_requests_add(struct open_requests *requests,
                                                    const struct datagram *datagram,
                                                    const struct sip_msg *msg);
/* A response whose request was not seen yet. */
void open_requests_wait(struct open_requests *requests, const struct datagram *datagram,
                        const struct sip_msg *msg, const struct peers_response *response);
/* Was the request of this response seen, in the last minute or so? */
bool open_requests_has(const struct open_requests *requests, const struct datagram *datagram,
                       const struct sip_msg *msg);
void open_requests_clock_step(struct open_requests *requests, int64_t step_ns);

#endif
