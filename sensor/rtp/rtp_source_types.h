/*
 * rtp_source_types: what a source sends: its payload types, and the clock that its time stamps
 * show; the rest of it is in rtp_source.h. Internal to rtp_source.
 */
#ifndef SIPSPAN_RTP_RTP_SOURCE_TYPES_H
#define SIPSPAN_RTP_RTP_SOURCE_TYPES_H

#include "rtp/rtp_source.h"

/* It sends another payload type than it did. */
void rtp_source_change_type(struct rtp_source *source, struct rtp_record *record,
                            uint8_t payload_type);

#endif
