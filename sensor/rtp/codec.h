/*
 * codec: what is known of the codecs that SDP names: their clocks and their place in the E-model.
 *
 * Names are written as IANA registers them ("PCMU", "opus"), however SDP spells them. Those that
 * are not in the table of known ones are kept in the book as SDP wrote them, up to CODEC_BOOK_MAX.
 * One book for the whole sensor. Thread: its owner's. A codec's id is good for the book's life.
 */
#ifndef SIPSPAN_RTP_CODEC_H
#define SIPSPAN_RTP_CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/hash.h"
#include "base/slice.h"

/* The scales of MOS (ITU-T G.107, G.107.1, G.107.2): never averaged, never compared. */
enum mos_scale { MOS_NARROWBAND, MOS_WIDEBAND, MOS_FULLBAND, MOS_SCALE_COUNT };

const char *mos_scale_name(enum mos_scale scale); /* "narrowband" */

enum codec_kind { CODEC_AUDIO, CODEC_VIDEO, CODEC_TELEPHONE_EVENT, CODEC_COMFORT_NOISE };

enum { CODEC_BOOK_MAX = 512, CODEC_NAME_MAX = 23, CODEC_NONE = 0 };

/* ITU-T G.113 Appendix I, IV. */
struct codec_impairment {
    bool is_published;    /* ie and bpl */
    bool is_ie_published; /* ie at least */
    enum mos_scale scale;
    double ie, bpl;
    double bpl_without_concealment; /* 0: the same */
};

struct codec {
    char name[CODEC_NAME_MAX + 1];
    uint32_t clock_hz; /* 0: unknown */
    enum codec_kind kind;
    struct codec_impairment impairment;
};

struct codec_book {
    struct hash_key key;
    struct codec *entry; /* CODEC_BOOK_MAX; [CODEC_NONE] is the codec that is not known */
    uint16_t *slot;      /* by hash, twice as many */
    uint16_t count;
};

/* 0 or -ENOMEM. */
int codec_book_init(struct codec_book *book);
void codec_book_fini(struct codec_book *book);

/*
 * The id of the codec that an rtpmap names. clock_hz as it says, 0 if it does not; what the RFCs
 * fix is put right (opus is 48000, RFC 7587 section 4; G722 8000, RFC 3551 section 4.5.2). A name
 * with two clocks is two codecs. One that is not in the table is cut to CODEC_NAME_MAX.
 * CODEC_NONE when the name is no token (RFC 4566) or the book is full; the codecs of the table are
 * in it from the start, and names that are not in it cannot fill it.
 */
uint16_t codec_book_find(struct codec_book *book, struct slice name, uint32_t clock_hz);
/* Of a static payload type (RFC 3551 section 6, and 19, the old one of CN); CODEC_NONE for all
 * others. */
uint16_t codec_book_static(struct codec_book *book, uint8_t payload_type);

static inline const struct codec *codec_at(const struct codec_book *book, uint16_t id)
{
    return &book->entry[id];
}

/*
 * Whether the E-model has figures for this codec where that much is lost or discarded (0 to 1):
 * without a published Bpl it has none for any loss.
 */
static inline bool codec_has_mos(const struct codec *codec, double loss_ratio)
{
    return codec->impairment.is_published ||
           (codec->impairment.is_ie_published && !(loss_ratio > 0));
}

#endif
