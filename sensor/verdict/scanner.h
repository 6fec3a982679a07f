/*
 * scanner: who only looks for telephones to break into, and calls nobody.
 *
 * Told by what its program writes (the User-Agent, a From or From tag that only such programs
 * make), of which each message speaks for itself; or by how a source behaves: in a minute INVITEs
 * or REGISTERs for many users, over UDP, each sent once and then no more for longer than any
 * Timer A waits, as nobody does who wants an answer, and never one accepted. A source that ever had
 * a request accepted is none by its behaviour, whatever else comes in its name: addresses are
 * forged easily, and a trunk that fails must not pass for a scanner. OPTIONS are no such behaviour:
 * whoever watches over many telephones sends them.
 *
 * What a scanner sends stays out of all that is remembered of how peers answer, and nobody is to be
 * called for it. Bounded: a table of fixed size in which sources that were accepted and others have
 * each their share; there the one that was quiet longest makes room. Thread: the correlator's.
 * Time: ns of the packets' clock.
 */
#ifndef SIPSPAN_VERDICT_SCANNER_H
#define SIPSPAN_VERDICT_SCANNER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"
#include "net/endpoint.h"
#include "net/transport.h"

enum { SCANNERS_SOURCE_BYTES = 256 }; /* that one takes, on average */

/* The words for a source that behaves as one; what a message shows by itself has others. */
#define SCANNERS_BEHAVIOUR SLICE("many users, each asked for once")

struct scanners;

struct scanners_stats {
    uint64_t requests; /* sent by scanners */
    uint64_t sources;  /* told as scanners so far, each once while remembered */
};

/* NULL: out of memory. */
struct scanners *scanners_create(size_t sources_max);
void scanners_destroy(struct scanners *scanners); /* NULL does nothing */

/*
 * A request outside any dialog (no To tag): INVITE, REGISTER, OPTIONS. Or one as the response to it
 * shows it, without user_agent and request_uri.
 */
struct scanner_request {
    struct endpoint src, dst;
    enum transport transport;
    bool is_options;
    struct slice user_agent, from, from_uri, from_tag, call_id, request_uri;
};

/* The stable words for why a request is a scanner's; static. Empty: it is not. Repeated ones are to
 * be told too. */
struct slice scanners_request(struct scanners *scanners, const struct scanner_request *request,
                              int64_t now_ns);
/* The same of a request that was answered. is_accepted: with a 2xx, or a telephone rings. */
struct slice scanners_response(struct scanners *scanners, const struct scanner_request *request,
                               bool is_accepted, int64_t now_ns);
/* What followed shows that a request of this source was accepted. */
void scanners_accepted(struct scanners *scanners, const struct ip_addr *src, int64_t now_ns);
/* It sent a request again, as nobody does who only looks: how it behaved so far says nothing. */
void scanners_insists(struct scanners *scanners, const struct ip_addr *src);
/* Is it a source that behaves as one? As scanners_request says it, which may not have known yet. */
struct slice scanners_source(struct scanners *scanners, const struct ip_addr *src, int64_t now_ns);

const struct scanners_stats *scanners_stats(const struct scanners *scanners);
void scanners_clock_step(struct scanners *scanners, int64_t step_ns);

#endif
