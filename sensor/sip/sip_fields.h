/*
 * sip_fields: what the header fields of a message say, once its lines are known. Internal to
 * sip_msg.
 */
#ifndef SIPSPAN_SIP_SIP_FIELDS_H
#define SIPSPAN_SIP_SIP_FIELDS_H

#include "sip/sip_header.h"
#include "sip/sip_msg.h"

struct sip_parse {
    struct sip_msg *msg;
    bool cut;
    uint16_t first[SIP_HEADER_ID_COUNT]; /* index of the first header line with this id, plus 1 */
    uint16_t last[SIP_HEADER_ID_COUNT];  /* of the last one, plus 1 */
    struct slice body;                   /* what follows the blank line */
};

/* The first header with this id, NULL if there is none. */
static inline const struct sip_header *sip_parse_first(const struct sip_parse *p,
                                                       enum sip_header_id id)
{
    return p->first[id] ? &p->msg->header[p->first[id] - 1] : NULL;
}

/* All but Content-Length, which is the body's. */
enum sip_refusal sip_fields_read(struct sip_parse *p);

#endif
