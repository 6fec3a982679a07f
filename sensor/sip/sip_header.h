/*
 * sip_header: header lines and their names (RFC 3261 section 7.3, and 20 with its compact forms).
 *
 * Pure; all slices point into the caller's text. The same reader goes over the header of a message
 * and over that of a MIME body part (RFC 2046), which is written alike.
 */
#ifndef SIPSPAN_SIP_SIP_HEADER_H
#define SIPSPAN_SIP_SIP_HEADER_H

#include "sip/sip_msg.h"

/* Case does not matter; compact forms are taken. */
enum sip_header_id sip_header_id_from(struct slice name);

enum sip_header_line {
    SIP_LINE_HEADER, /* *out is filled */
    SIP_LINE_BLANK,  /* the end of the header; `rest` is the body */
    SIP_LINE_NONE,   /* the text ended without a blank line */
    SIP_LINE_BROKEN  /* a line without a colon or without a name; stepped over */
};

struct sip_header_reader {
    struct slice rest; /* what was not read yet */
    bool unfinished;   /* the line read last ended with the text, not with LF */
    uint32_t defects;  /* SIP_DEFECT_BARE_LF, SIP_DEFECT_BAD_VALUE for a name that is no token */
};

/* Reads one header line with its continuation lines; start with `rest` set and the others zero. */
enum sip_header_line sip_header_next(struct sip_header_reader *reader, struct sip_header *out);

#endif
