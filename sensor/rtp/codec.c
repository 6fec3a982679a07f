#include "rtp/codec.h"

#include <errno.h>
#include <stdlib.h>

enum {
    SLOTS = 2 * CODEC_BOOK_MAX,
    /* Entries that names of nobody's making cannot have: a flood of them must not cost the sensor
     * the codecs that it knows. */
    KNOWN_RESERVED = 128,
    VIDEO_HZ = 90000, /* RFC 3551 section 5: of all video */
};

_Static_assert((SLOTS & (SLOTS - 1)) == 0, "slots are found by a mask");

struct known_codec {
    const char *name;  /* as IANA registers it, if it does */
    uint32_t clock_hz; /* of an rtpmap without one; 0: its RFC leaves it open */
    bool is_fixed;     /* whatever the rtpmap says, its RFC knows that clock only */
    enum codec_kind kind;
    struct codec_impairment impairment;
};

/* What G.113 has of a codec: both figures, or the first alone. */
#define IE_AND_BPL(ie, bpl) true, true, MOS_NARROWBAND, ie, bpl, 0
#define IE_ALONE(scale, ie) false, true, scale, ie, 0, 0

/*
 * Impairments are those of ITU-T G.113 Appendix I and IV. Where a name stands for several modes
 * that SDP does not tell apart and whose figures are far from each other, there are none: AMR-WB
 * spans 40 points of R over its modes. G729 is taken as its Annexes A and B have it (one point
 * worse than G.729 itself), G723 as its 6.3 kbit/s mode (four better than the other). AMR, iLBC,
 * Speex, SILK and Opus are not in G.113; EVS is for its super-wideband modes only, each for itself.
 */
static const struct known_codec known_codecs[] = {
    {"PCMU", 8000, false, CODEC_AUDIO, {true, true, MOS_NARROWBAND, 0, 25.1, 4.3}},
    {"PCMA", 8000, false, CODEC_AUDIO, {true, true, MOS_NARROWBAND, 0, 25.1, 4.3}},
    {"G722", 8000, true, CODEC_AUDIO, {IE_ALONE(MOS_WIDEBAND, 13)}}, /* 64 kbit/s */
    {"G729", 8000, true, CODEC_AUDIO, {IE_AND_BPL(11, 19)}},
    {"G723", 8000, true, CODEC_AUDIO, {IE_AND_BPL(15, 16.1)}},
    {"GSM", 8000, true, CODEC_AUDIO, {IE_ALONE(MOS_NARROWBAND, 20)}},
    {"GSM-EFR", 8000, true, CODEC_AUDIO, {IE_AND_BPL(5, 10)}},
    {"GSM-HR-08", 8000, true, CODEC_AUDIO, {IE_ALONE(MOS_NARROWBAND, 23)}},
    {"G726-40", 8000, true, CODEC_AUDIO, {IE_ALONE(MOS_NARROWBAND, 2)}},
    {"G726-32", 8000, true, CODEC_AUDIO, {IE_ALONE(MOS_NARROWBAND, 7)}},
    {"G726-24", 8000, true, CODEC_AUDIO, {IE_ALONE(MOS_NARROWBAND, 25)}},
    {"G726-16", 8000, true, CODEC_AUDIO, {IE_ALONE(MOS_NARROWBAND, 50)}},
    {"AAL2-G726-40", 8000, true, CODEC_AUDIO, {IE_ALONE(MOS_NARROWBAND, 2)}},
    {"AAL2-G726-32", 8000, true, CODEC_AUDIO, {IE_ALONE(MOS_NARROWBAND, 7)}},
    {"AAL2-G726-24", 8000, true, CODEC_AUDIO, {IE_ALONE(MOS_NARROWBAND, 25)}},
    {"AAL2-G726-16", 8000, true, CODEC_AUDIO, {IE_ALONE(MOS_NARROWBAND, 50)}},
    {"G728", 8000, true, CODEC_AUDIO, {IE_ALONE(MOS_NARROWBAND, 7)}},
    {"EVRC", 8000, true, CODEC_AUDIO, {IE_ALONE(MOS_NARROWBAND, 6)}},
    {"telephone-event", 8000, false, CODEC_TELEPHONE_EVENT, {0}},
    {"CN", 8000, false, CODEC_COMFORT_NOISE, {0}},
    {"opus", 48000, true, CODEC_AUDIO, {0}},
    {"AMR", 8000, true, CODEC_AUDIO, {0}},
    {"AMR-WB", 16000, true, CODEC_AUDIO, {0}},
    {"AMR-WB+", 72000, true, CODEC_AUDIO, {0}},
    {"EVS", 16000, true, CODEC_AUDIO, {0}},
    {"iLBC", 8000, true, CODEC_AUDIO, {0}},
    {"BV16", 8000, true, CODEC_AUDIO, {0}},
    {"BV32", 16000, true, CODEC_AUDIO, {0}},
    {"G719", 48000, true, CODEC_AUDIO, {0}},
    {"G7291", 16000, true, CODEC_AUDIO, {0}},
    {"G729D", 8000, true, CODEC_AUDIO, {0}},
    {"G729E", 8000, true, CODEC_AUDIO, {0}},
    {"EVRCB", 8000, true, CODEC_AUDIO, {0}},
    {"EVRCWB", 16000, true, CODEC_AUDIO, {0}},
    {"SMV", 8000, true, CODEC_AUDIO, {0}},
    {"QCELP", 8000, true, CODEC_AUDIO, {0}},
    {"LPC", 8000, true, CODEC_AUDIO, {0}},
    {"MPA", 90000, true, CODEC_AUDIO, {0}},
    {"mpa-robust", 90000, true, CODEC_AUDIO, {0}},
    {"PCMU-WB", 16000, true, CODEC_AUDIO, {0}},
    {"PCMA-WB", 16000, true, CODEC_AUDIO, {0}},
    {"CLEARMODE", 8000, true, CODEC_AUDIO, {0}},
    {"G7221", 16000, false, CODEC_AUDIO, {0}},
    {"VMR-WB", 16000, false, CODEC_AUDIO, {0}},
    {"speex", 0, false, CODEC_AUDIO, {0}},
    {"SILK", 0, false, CODEC_AUDIO, {0}},
    {"L8", 0, false, CODEC_AUDIO, {0}},
    {"L16", 0, false, CODEC_AUDIO, {0}},
    {"L24", 0, false, CODEC_AUDIO, {0}},
    {"DVI4", 0, false, CODEC_AUDIO, {0}},
    {"VDVI", 0, false, CODEC_AUDIO, {0}},
    {"vorbis", 0, false, CODEC_AUDIO, {0}},
    {"MP4A-LATM", 0, false, CODEC_AUDIO, {0}},
    {"mpeg4-generic", 0, false, CODEC_AUDIO, {0}},
    {"RED", 0, false, CODEC_AUDIO, {0}},
    {"rtx", 0, false, CODEC_AUDIO, {0}},
    {"ulpfec", 0, false, CODEC_AUDIO, {0}},
    {"flexfec", 0, false, CODEC_AUDIO, {0}},
    {"H261", VIDEO_HZ, true, CODEC_VIDEO, {0}},
    {"H263", VIDEO_HZ, true, CODEC_VIDEO, {0}},
    {"H263-1998", VIDEO_HZ, true, CODEC_VIDEO, {0}},
    {"H263-2000", VIDEO_HZ, true, CODEC_VIDEO, {0}},
    {"H264", VIDEO_HZ, true, CODEC_VIDEO, {0}},
    {"H264-SVC", VIDEO_HZ, true, CODEC_VIDEO, {0}},
    {"H265", VIDEO_HZ, true, CODEC_VIDEO, {0}},
    {"H266", VIDEO_HZ, true, CODEC_VIDEO, {0}},
    {"VP8", VIDEO_HZ, true, CODEC_VIDEO, {0}},
    {"VP9", VIDEO_HZ, true, CODEC_VIDEO, {0}},
    {"AV1", VIDEO_HZ, true, CODEC_VIDEO, {0}},
    {"JPEG", VIDEO_HZ, true, CODEC_VIDEO, {0}},
    {"MPV", VIDEO_HZ, true, CODEC_VIDEO, {0}},
    {"MP2T", VIDEO_HZ, true, CODEC_VIDEO, {0}},
    {"MP4V-ES", VIDEO_HZ, true, CODEC_VIDEO, {0}},
    {"CelB", VIDEO_HZ, true, CODEC_VIDEO, {0}},
    {"nv", VIDEO_HZ, true, CODEC_VIDEO, {0}},
    {"raw", VIDEO_HZ, true, CODEC_VIDEO, {0}},
};

enum { KNOWN_COUNT = sizeof known_codecs / sizeof known_codecs[0] };

struct named_clock {
    const char *name;
    uint32_t clock_hz;
};

/* RFC 3551 tables 4 and 5, and 19, which comfort noise had before it became 13. */
static const struct named_clock static_types[] = {
    [0] = {"PCMU", 8000},   [3] = {"GSM", 8000},    [4] = {"G723", 8000},   [5] = {"DVI4", 8000},
    [6] = {"DVI4", 16000},  [7] = {"LPC", 8000},    [8] = {"PCMA", 8000},   [9] = {"G722", 8000},
    [10] = {"L16", 44100},  [11] = {"L16", 44100},  [12] = {"QCELP", 8000}, [13] = {"CN", 8000},
    [14] = {"MPA", 90000},  [15] = {"G728", 8000},  [16] = {"DVI4", 11025}, [17] = {"DVI4", 22050},
    [18] = {"G729", 8000},  [19] = {"CN", 8000},    [25] = {"CelB", 90000}, [26] = {"JPEG", 90000},
    [28] = {"nv", 90000},   [31] = {"H261", 90000}, [32] = {"MPV", 90000},  [33] = {"MP2T", 90000},
    [34] = {"H263", 90000},
};

enum { STATIC_COUNT = sizeof static_types / sizeof static_types[0] };

/* Clocks that are common beside the table's, to be had even when the book is full. */
static const struct named_clock usual[] = {
    {"telephone-event", 16000},
    {"telephone-event", 48000},
    {"CN", 16000},
    {"CN", 32000},
    {"CN", 48000},
    {"speex", 8000},
    {"speex", 16000},
    {"speex", 32000},
    {"RED", 48000},
    {"RED", 90000},
    {"rtx", 90000},
    {"ulpfec", 90000},
};

enum { USUAL_COUNT = sizeof usual / sizeof usual[0] };

_Static_assert(1 + KNOWN_COUNT + STATIC_COUNT + USUAL_COUNT < CODEC_BOOK_MAX - KNOWN_RESERVED,
               "what is known at the start leaves room");

const char *mos_scale_name(enum mos_scale scale)
{
    static const char *const names[MOS_SCALE_COUNT] = {
        [MOS_NARROWBAND] = "narrowband",
        [MOS_WIDEBAND] = "wideband",
        [MOS_FULLBAND] = "fullband",
    };
    return names[scale];
}

static const struct known_codec *find_known(struct slice name)
{
    for (size_t i = 0; i < KNOWN_COUNT; i++)
        if (slice_ieq(name, slice_str(known_codecs[i].name)))
            return &known_codecs[i];
    return NULL;
}

/* RFC 4566 section 9: token-char. */
static bool is_token(struct slice name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.at[i];
        if (c <= ' ' || c > '~' || memchr("\"(),/:;<=>?@[\\]", c, 15))
            return false;
    }
    return name.len > 0;
}

/* Where this name and clock are in the book, or would go. `name` fits an entry. */
static uint16_t *slot_of(const struct codec_book *book, struct slice name, uint32_t clock_hz)
{
    char key[CODEC_NAME_MAX + sizeof clock_hz];
    for (size_t i = 0; i < name.len; i++)
        key[i] = slice_lower_char(name.at[i]);
    memcpy(key + name.len, &clock_hz, sizeof clock_hz);

    uint64_t at = hash_bytes(&book->key, key, name.len + sizeof clock_hz);
    for (;; at++) {
        uint16_t *slot = &book->slot[at & (SLOTS - 1)];
        const struct codec *codec = &book->entry[*slot];
        if (*slot == CODEC_NONE ||
            (codec->clock_hz == clock_hz && slice_ieq(slice_str(codec->name), name)))
            return slot;
    }
}

static uint16_t add(struct codec_book *book, struct slice name, uint32_t clock_hz,
                    const struct known_codec *known)
{
    unsigned room = known ? CODEC_BOOK_MAX : CODEC_BOOK_MAX - KNOWN_RESERVED;
    if (book->count >= room)
        return CODEC_NONE;
    uint16_t id = book->count++;
    struct codec *codec = &book->entry[id];
    memcpy(codec->name, name.at, name.len); /* all zeroes before, and a final one stays */
    codec->clock_hz = clock_hz;
    codec->kind = known ? known->kind : CODEC_AUDIO;
    /* Of what nothing else is known the clock tells it. */
    if (clock_hz == VIDEO_HZ && (!known || known->clock_hz == 0))
        codec->kind = CODEC_VIDEO;
    /* Its figures were found at the clock that it has. */
    if (known && clock_hz == known->clock_hz)
        codec->impairment = known->impairment;
    return id;
}

uint16_t codec_book_find(struct codec_book *book, struct slice name, uint32_t clock_hz)
{
    struct slice kept = slice_head(name, CODEC_NAME_MAX);
    uint16_t *slot = slot_of(book, kept, clock_hz);
    if (*slot != CODEC_NONE)
        return *slot;

    const struct known_codec *known = find_known(name);
    if (!known && !is_token(kept))
        return CODEC_NONE;
    if (known) {
        kept = slice_of(known->name, strlen(known->name));
        if (known->is_fixed || clock_hz == 0)
            clock_hz = known->clock_hz;
        slot = slot_of(book, kept, clock_hz);
    }
    if (*slot == CODEC_NONE)
        *slot = add(book, kept, clock_hz, known);
    return *slot;
}

uint16_t codec_book_static(struct codec_book *book, uint8_t payload_type)
{
    if (payload_type >= STATIC_COUNT || !static_types[payload_type].name)
        return CODEC_NONE;
    const struct named_clock *type = &static_types[payload_type];
    return codec_book_find(book, slice_str(type->name), type->clock_hz);
}

int codec_book_init(struct codec_book *book)
{
    *book = (struct codec_book){
        .key = hash_key_random(),
        .entry = calloc(CODEC_BOOK_MAX, sizeof *book->entry),
        .slot = calloc(SLOTS, sizeof *book->slot),
        .count = CODEC_NONE + 1,
    };
    if (!book->entry || !book->slot) {
        codec_book_fini(book);
        return -ENOMEM;
    }
    for (size_t i = 0; i < KNOWN_COUNT; i++)
        (void)codec_book_find(book, slice_str(known_codecs[i].name), 0);
    for (uint8_t i = 0; i < STATIC_COUNT; i++)
        (void)codec_book_static(book, i);
    for (size_t i = 0; i < USUAL_COUNT; i++)
        (void)codec_book_find(book, slice_str(usual[i].name), usual[i].clock_hz);
    return 0;
}

void codec_book_fini(struct codec_book *book)
{
    free(book->entry);
    free(book->slot);
    *book = (struct codec_book){0};
}
