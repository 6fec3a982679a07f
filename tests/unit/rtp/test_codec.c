/* The book of codecs: spelling, clocks, static types, G.113's figures, and names that want to do
 * harm. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "rtp/codec.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct codec_book book;

static int setup(void **state)
{
    (void)state;
    return codec_book_init(&book);
}

static int teardown(void **state)
{
    (void)state;
    codec_book_fini(&book);
    return 0;
}

static const struct codec *find(const char *name, uint32_t clock_hz)
{
    return codec_at(&book, codec_book_find(&book, slice_str(name), clock_hz));
}

static void assert_codec(const struct codec *codec, const char *name, uint32_t clock_hz,
                         enum codec_kind kind)
{
    assert_string_equal(codec->name, name);
    assert_int_equal(codec->clock_hz, clock_hz);
    assert_int_equal(codec->kind, kind);
}

static void test_names(void **state)
{
    (void)state;
    static const struct {
        const char *sdp;
        uint32_t sdp_hz;
        const char *name;
        uint32_t clock_hz;
        enum codec_kind kind;
    } rows[] = {
        {"pcmu", 8000, "PCMU", 8000, CODEC_AUDIO},
        {"PCMA", 0, "PCMA", 8000, CODEC_AUDIO},
        {"pcma", 16000, "PCMA", 16000, CODEC_AUDIO},
        {"OPUS", 48000, "opus", 48000, CODEC_AUDIO},
        {"opus", 8000, "opus", 48000, CODEC_AUDIO}, /* RFC 7587 section 4 */
        {"opus", 0, "opus", 48000, CODEC_AUDIO},
        {"g722", 16000, "G722", 8000, CODEC_AUDIO}, /* RFC 3551 section 4.5.2 */
        {"amr-wb", 16000, "AMR-WB", 16000, CODEC_AUDIO},
        {"Speex", 16000, "speex", 16000, CODEC_AUDIO},
        {"speex", 0, "speex", 0, CODEC_AUDIO},
        {"l16", 11025, "L16", 11025, CODEC_AUDIO},
        {"Telephone-Event", 48000, "telephone-event", 48000, CODEC_TELEPHONE_EVENT},
        {"telephone-event", 0, "telephone-event", 8000, CODEC_TELEPHONE_EVENT},
        {"telephone-event", 12345, "telephone-event", 12345, CODEC_TELEPHONE_EVENT},
        {"cn", 16000, "CN", 16000, CODEC_COMFORT_NOISE},
        {"h264", 90000, "H264", 90000, CODEC_VIDEO},
        {"red", 48000, "RED", 48000, CODEC_AUDIO},
        {"red", 90000, "RED", 90000, CODEC_VIDEO},
        {"MPA", 90000, "MPA", 90000, CODEC_AUDIO},
        {"x-Lorem", 24000, "x-Lorem", 24000, CODEC_AUDIO},
        {"x-ipsum", 90000, "x-ipsum", 90000, CODEC_VIDEO},
        {"x-dolor", 0, "x-dolor", 0, CODEC_AUDIO},
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        assert_codec(find(rows[i].sdp, rows[i].sdp_hz), rows[i].name, rows[i].clock_hz,
                     rows[i].kind);
}

static void test_ids(void **state)
{
    (void)state;
    uint16_t id = codec_book_find(&book, SLICE("telephone-event"), 8000);
    assert_int_not_equal(id, CODEC_NONE);
    assert_int_equal(codec_book_find(&book, SLICE("TELEPHONE-EVENT"), 8000), id);
    assert_int_equal(codec_book_find(&book, SLICE("telephone-event"), 0), id);
    assert_int_not_equal(codec_book_find(&book, SLICE("telephone-event"), 48000), id);

    id = codec_book_find(&book, SLICE("x-Lorem"), 8000);
    uint16_t count = book.count;
    assert_int_equal(codec_book_find(&book, SLICE("X-LOREM"), 8000), id); /* the first spelling */
    assert_int_equal(book.count, count);
    uint16_t other = codec_book_find(&book, SLICE("x-Lorem"), 16000);
    assert_int_not_equal(other, id);
    assert_int_equal(codec_book_find(&book, SLICE("x-Lorem"), 8000), id);
    assert_int_equal(codec_book_find(&book, SLICE("x-Lorem"), 16000), other);
    /* All of opus is one. */
    assert_int_equal(codec_book_find(&book, SLICE("opus"), 16000),
                     codec_book_find(&book, SLICE("OPUS"), 48000));
}

/* RFC 3551 tables 4 and 5. */
static void test_static_types(void **state)
{
    (void)state;
    static const struct {
        uint8_t type;
        const char *name;
        uint32_t clock_hz;
        enum codec_kind kind;
    } rows[] = {
        {0, "PCMU", 8000, CODEC_AUDIO},   {3, "GSM", 8000, CODEC_AUDIO},
        {4, "G723", 8000, CODEC_AUDIO},   {5, "DVI4", 8000, CODEC_AUDIO},
        {6, "DVI4", 16000, CODEC_AUDIO},  {7, "LPC", 8000, CODEC_AUDIO},
        {8, "PCMA", 8000, CODEC_AUDIO},   {9, "G722", 8000, CODEC_AUDIO},
        {10, "L16", 44100, CODEC_AUDIO},  {11, "L16", 44100, CODEC_AUDIO},
        {12, "QCELP", 8000, CODEC_AUDIO}, {13, "CN", 8000, CODEC_COMFORT_NOISE},
        {14, "MPA", 90000, CODEC_AUDIO},  {15, "G728", 8000, CODEC_AUDIO},
        {16, "DVI4", 11025, CODEC_AUDIO}, {17, "DVI4", 22050, CODEC_AUDIO},
        {18, "G729", 8000, CODEC_AUDIO},  {19, "CN", 8000, CODEC_COMFORT_NOISE},
        {25, "CelB", 90000, CODEC_VIDEO}, {26, "JPEG", 90000, CODEC_VIDEO},
        {28, "nv", 90000, CODEC_VIDEO},   {31, "H261", 90000, CODEC_VIDEO},
        {32, "MPV", 90000, CODEC_VIDEO},  {33, "MP2T", 90000, CODEC_VIDEO},
        {34, "H263", 90000, CODEC_VIDEO},
    };
    size_t next = 0;
    for (unsigned type = 0; type <= UINT8_MAX; type++) {
        uint16_t id = codec_book_static(&book, (uint8_t)type);
        if (next < COUNT(rows) && rows[next].type == type) {
            assert_codec(codec_at(&book, id), rows[next].name, rows[next].clock_hz,
                         rows[next].kind);
            next++;
        } else {
            assert_int_equal(id, CODEC_NONE);
        }
    }
    assert_int_equal(next, COUNT(rows));
}

static void test_impairments(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        uint32_t clock_hz;
        double ie, bpl, bare_bpl;
    } whole[] = {
        {"PCMU", 8000, 0, 25.1, 4.3}, {"PCMA", 8000, 0, 25.1, 4.3}, {"G729", 8000, 11, 19, 0},
        {"G723", 8000, 15, 16.1, 0},  {"GSM-EFR", 8000, 5, 10, 0},
    };
    for (size_t i = 0; i < COUNT(whole); i++) {
        const struct codec *codec = find(whole[i].name, whole[i].clock_hz);
        const struct codec_impairment *figures = &codec->impairment;
        assert_true(figures->is_published && figures->is_ie_published);
        assert_true(codec_has_mos(codec, 0) && codec_has_mos(codec, 0.1));
        assert_int_equal(figures->scale, MOS_NARROWBAND);
        assert_true(figures->ie == whole[i].ie && figures->bpl == whole[i].bpl);
        assert_true(figures->bpl_without_concealment == whole[i].bare_bpl);
    }

    static const struct {
        const char *name;
        enum mos_scale scale;
        double ie;
    } lossless[] = {
        {"G722", MOS_WIDEBAND, 13},        {"GSM", MOS_NARROWBAND, 20},
        {"GSM-HR-08", MOS_NARROWBAND, 23}, {"G726-40", MOS_NARROWBAND, 2},
        {"G726-32", MOS_NARROWBAND, 7},    {"G726-24", MOS_NARROWBAND, 25},
        {"G726-16", MOS_NARROWBAND, 50},   {"AAL2-G726-32", MOS_NARROWBAND, 7},
        {"G728", MOS_NARROWBAND, 7},       {"EVRC", MOS_NARROWBAND, 6},
    };
    for (size_t i = 0; i < COUNT(lossless); i++) {
        const struct codec *codec = find(lossless[i].name, 8000);
        assert_true(!codec->impairment.is_published && codec->impairment.is_ie_published);
        assert_int_equal(codec->impairment.scale, lossless[i].scale);
        assert_true(codec->impairment.ie == lossless[i].ie);
        assert_true(codec_has_mos(codec, 0));
        assert_false(codec_has_mos(codec, 1e-6));
    }
}

/* What G.113 has nothing about, or nothing for what SDP tells, must not get a MOS. */
static void test_without_figures(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        uint32_t clock_hz;
    } rows[] = {
        {"opus", 48000}, {"AMR", 8000},     {"AMR-WB", 16000}, {"EVS", 16000},
        {"iLBC", 8000},  {"speex", 16000},  {"SILK", 16000},   {"G7221", 16000},
        {"L16", 44100},  {"H264", 90000},   {"CN", 8000},      {"telephone-event", 8000},
        {"PCMU", 16000}, {"x-lorem", 8000}, {"G729E", 8000},
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        assert_false(codec_has_mos(find(rows[i].name, rows[i].clock_hz), 0));
    assert_false(codec_has_mos(codec_at(&book, CODEC_NONE), 0));
}

static void test_unknown_codec(void **state)
{
    (void)state;
    assert_codec(codec_at(&book, CODEC_NONE), "", 0, CODEC_AUDIO);
}

/* Only what RFC 4566 calls a token is kept, and no more of it than fits. */
static void test_hostile_names(void **state)
{
    (void)state;
    assert_int_equal(codec_book_find(&book, SLICE_NONE, 8000), CODEC_NONE);
    assert_int_equal(codec_book_find(&book, SLICE(""), 0), CODEC_NONE);
    static const char token[] = "!#$%&'*+-.0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ^_`"
                                "abcdefghijklmnopqrstuvwxyz{|}~";
    for (unsigned c = 0; c <= UINT8_MAX; c++) {
        char name[] = {'Q', 'q', (char)c, 'q'};
        uint16_t id = codec_book_find(&book, slice_of(name, sizeof name), 8000);
        bool is_token = c != 0 && strchr(token, (int)c);
        assert_int_equal(id != CODEC_NONE, is_token);
        if (is_token)
            assert_true(slice_ieq(slice_str(codec_at(&book, id)->name), slice_of(name, 4)));
    }

    char *huge = malloc(70000);
    assert_non_null(huge);
    memset(huge, 'x', 70000);
    uint16_t id = codec_book_find(&book, slice_of(huge, 70000), 8000);
    assert_int_not_equal(id, CODEC_NONE);
    assert_int_equal(strlen(codec_at(&book, id)->name), CODEC_NAME_MAX);
    assert_int_equal(codec_book_find(&book, slice_of(huge, CODEC_NAME_MAX), 8000), id);
    assert_int_not_equal(codec_book_find(&book, slice_of(huge, CODEC_NAME_MAX - 1), 8000), id);
    /* A known name is known as a whole only. */
    memcpy(huge, "PCMU", 4);
    assert_codec(codec_at(&book, codec_book_find(&book, slice_of(huge, 6), 8000)), "PCMUxx", 8000,
                 CODEC_AUDIO);
    assert_codec(codec_at(&book, codec_book_find(&book, slice_of(huge, 3), 8000)), "PCM", 8000,
                 CODEC_AUDIO);
    free(huge);
}

/* Whoever sends SDP can fill the book, but not so that others cannot be told what they speak. */
static void test_flood(void **state)
{
    (void)state;
    char name[16];
    uint16_t first = codec_book_find(&book, SLICE("y-0"), 8000);
    unsigned kept = 0;
    for (unsigned i = 0; i < 5000; i++) {
        (void)snprintf(name, sizeof name, "y-%u", i);
        uint16_t id = codec_book_find(&book, slice_str(name), 8000);
        kept += id != CODEC_NONE;
        if (id != CODEC_NONE)
            assert_string_equal(codec_at(&book, id)->name, name);
    }
    assert_in_range(kept, 200, CODEC_BOOK_MAX);
    /* A known name with a clock that nobody has used still goes in; not without end either. */
    assert_codec(find("L16", 48000), "L16", 48000, CODEC_AUDIO);
    for (uint32_t hz = 1; hz < 5000; hz++)
        (void)codec_book_find(&book, SLICE("L16"), hz);
    assert_int_equal(book.count, CODEC_BOOK_MAX);
    assert_int_equal(codec_book_find(&book, SLICE("L16"), 5001), CODEC_NONE);

    assert_int_equal(codec_book_find(&book, SLICE("y-0"), 8000), first);
    assert_codec(find("opus", 48000), "opus", 48000, CODEC_AUDIO);
    assert_codec(find("AMR-WB", 0), "AMR-WB", 16000, CODEC_AUDIO);
    assert_codec(find("telephone-event", 48000), "telephone-event", 48000, CODEC_TELEPHONE_EVENT);
    assert_codec(find("speex", 16000), "speex", 16000, CODEC_AUDIO);
    for (uint8_t type = 0; type <= 18; type++)
        assert_int_equal(codec_book_static(&book, type) == CODEC_NONE, type == 1 || type == 2);
}

static void test_scale_names(void **state)
{
    (void)state;
    assert_string_equal(mos_scale_name(MOS_NARROWBAND), "narrowband");
    assert_string_equal(mos_scale_name(MOS_WIDEBAND), "wideband");
    assert_string_equal(mos_scale_name(MOS_FULLBAND), "fullband");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_names),           TEST(test_ids),
        TEST(test_static_types),    TEST(test_impairments),
        TEST(test_without_figures), TEST(test_unknown_codec),
        TEST(test_hostile_names),   TEST(test_flood),
        TEST(test_scale_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
