#include "rtp/rtcp_packet.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { ITEMS_MAX = 64, DATAGRAM_MAX = 256 };

struct items {
    bool accepted;
    size_t count;
    struct rtcp_item item[ITEMS_MAX];
};

/* A datagram of RTCP, written in words as the RFCs draw it. */
struct datagram {
    size_t len;
    uint8_t at[DATAGRAM_MAX];
};

static struct datagram of_words(const uint32_t *words, size_t count)
{
    struct datagram out = {.len = count * 4};
    assert_true(out.len <= DATAGRAM_MAX);
    for (size_t i = 0; i < out.len; i++)
        out.at[i] = (uint8_t)(words[i / 4] >> (24 - i % 4 * 8));
    return out;
}

#define OF_WORDS(words) of_words((words), sizeof(words) / sizeof(words)[0])

/* From memory that ends where the datagram ends, so that a read beyond it is found. */
static void read_cut(const struct datagram *datagram, size_t len, bool is_truncated,
                     struct items *out)
{
    char *copy = malloc(len > 0 ? len : 1);
    assert_non_null(copy);
    memcpy(copy, datagram->at, len);
    memset(out, 0, sizeof *out);
    struct rtcp_reader reader;
    out->accepted = rtcp_reader_init(&reader, slice_of(copy, len), is_truncated);
    while (out->accepted && rtcp_reader_next(&reader, &out->item[out->count]))
        assert_true(++out->count < ITEMS_MAX);
    free(copy);
}

static void read_all(const struct datagram *datagram, struct items *out)
{
    read_cut(datagram, datagram->len, false, out);
}

static void read_words(const uint32_t *words, size_t count, struct items *out)
{
    struct datagram datagram = of_words(words, count);
    read_all(&datagram, out);
}

#define READ(words, out) read_words((words), sizeof(words) / sizeof(words)[0], (out))

#define A 0x0a0a0a01
#define B 0x0b0b0b02
#define C 0x0c0c0c03

/* RFC 3550 figure 2: the sender's time is b44d:b705:2000:0000. */
#define SENDER_INFO 0xb44db705, 0x20000000, 0x11223344, 250, 40000
/* 3 of 256 and 5 in all are lost. */
#define REPORT(ssrc) ssrc, 0x03000005, 0x00012345, 160, 0xb7052000, 0x00054000
/* SDES: the CNAME "host". */
#define CNAME(ssrc) 0x81ca0003, ssrc, 0x0104686f, 0x73740000

static const uint32_t compound[] = {
    0x82c80012, A, SENDER_INFO, REPORT(B),  REPORT(C), /* SR */
    CNAME(A),                                          /**/
    0x82cb0004, A, 0x0d0d0d04,  0x04646f6e, 0x65000000 /* BYE, "done" */
};

static void compound_packet(void **state)
{
    (void)state;
    static struct items out;
    READ(compound, &out);
    assert_true(out.accepted);
    assert_int_equal(out.count, 5);

    assert_int_equal(out.item[0].type, RTCP_SENDER_INFO);
    assert_int_equal(out.item[0].sender_ssrc, A);
    assert_int_equal(out.item[0].sender_info.ntp_middle, 0xb7052000);
    assert_int_equal(out.item[0].sender_info.ntp_seconds & 0xffff, 0xb705);
    assert_int_equal(out.item[0].sender_info.ntp_fraction >> 16, 0x2000);
    assert_int_equal(out.item[0].sender_info.rtp_timestamp, 0x11223344);
    assert_int_equal(out.item[0].sender_info.packets, 250);
    assert_int_equal(out.item[0].sender_info.octets, 40000);

    assert_int_equal(out.item[1].type, RTCP_REPORT_BLOCK);
    assert_int_equal(out.item[1].sender_ssrc, A);
    const struct rtcp_report_block *report = &out.item[1].report;
    assert_int_equal(report->ssrc, B);
    assert_int_equal(report->fraction_lost, 3);
    assert_int_equal(report->cumulative_lost, 5);
    assert_int_equal(report->highest_sequence, 0x00012345);
    assert_int_equal(report->jitter, 160);
    assert_int_equal(report->lsr, 0xb7052000);
    assert_int_equal(report->dlsr, 0x00054000);
    assert_int_equal(out.item[2].type, RTCP_REPORT_BLOCK);
    assert_int_equal(out.item[2].report.ssrc, C);

    assert_int_equal(out.item[3].type, RTCP_BYE);
    assert_int_equal(out.item[3].sender_ssrc, A);
    assert_int_equal(out.item[4].type, RTCP_BYE);
    assert_int_equal(out.item[4].sender_ssrc, 0x0d0d0d04);
}

static void cumulative_lost_is_signed(void **state)
{
    (void)state;
    static const struct {
        uint32_t octets;
        int32_t lost;
    } cases[] = {{0x7fffff, 0x7fffff}, {0x800000, -0x800000}, {0xffffff, -1}, {0, 0}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        static struct items out;
        uint32_t rr[] = {0x81c90007, B, REPORT(A)};
        rr[3] = 0xff000000 | cases[i].octets;
        READ(rr, &out);
        assert_int_equal(out.count, 1);
        assert_int_equal(out.item[0].report.cumulative_lost, cases[i].lost);
        assert_int_equal(out.item[0].report.fraction_lost, 255);
    }
}

/* RFC 3611 sections 4.4, 4.5 and 4.7, behind a block that nobody knows. */
static const uint32_t extended[] = {
    0x80cf0016, B,          0x63000001, 0x01020304,                            /* unknown */
    0x04000002, 0x00021234, 0x56789abc,                                        /* RRTR */
    0x05000006, A,          0xb7052000, 0x00054000, C,          0,          0, /* DLRR: two */
    0x07000008, A,          0x01020304, 0x00781020, 0x0050002d, 0xecba7f10,    /* VoIP */
    0x5d7f2c2b, 0xf1000028, 0x003c012c};

static void extended_report(void **state)
{
    (void)state;
    static struct items out;
    READ(extended, &out);
    assert_true(out.accepted);
    assert_int_equal(out.count, 4);
    for (size_t i = 0; i < out.count; i++)
        assert_int_equal(out.item[i].sender_ssrc, B);
    assert_int_equal(out.item[0].type, RTCP_XR_RRTR);
    assert_int_equal(out.item[0].rrtr_ntp_middle, 0x12345678);
    assert_int_equal(out.item[1].type, RTCP_XR_DLRR);
    assert_int_equal(out.item[1].dlrr.ssrc, A);
    assert_int_equal(out.item[1].dlrr.lrr, 0xb7052000);
    assert_int_equal(out.item[1].dlrr.dlrr, 0x00054000);
    assert_int_equal(out.item[2].type, RTCP_XR_DLRR);
    assert_int_equal(out.item[2].dlrr.ssrc, C);
    assert_int_equal(out.item[2].dlrr.lrr, 0);

    assert_int_equal(out.item[3].type, RTCP_XR_VOIP);
    const struct rtcp_xr_voip *voip = &out.item[3].voip;
    assert_int_equal(voip->ssrc, A);
    assert_int_equal(voip->loss_rate, 1);
    assert_int_equal(voip->discard_rate, 2);
    assert_int_equal(voip->burst_density, 3);
    assert_int_equal(voip->gap_density, 4);
    assert_int_equal(voip->burst_duration_ms, 120);
    assert_int_equal(voip->gap_duration_ms, 0x1020);
    assert_int_equal(voip->round_trip_ms, 80);
    assert_int_equal(voip->end_system_ms, 45);
    assert_int_equal(voip->signal_level, -20);
    assert_int_equal(voip->noise_level, -70);
    assert_int_equal(voip->rerl, 127);
    assert_int_equal(voip->gmin, 16);
    assert_int_equal(voip->r_factor, 93);
    assert_int_equal(voip->external_r_factor, 127);
    assert_int_equal(voip->mos_lq, 44);
    assert_int_equal(voip->mos_cq, 43);
    assert_int_equal(voip->rx_config, 0xf1);
    assert_int_equal(voip->jitter_buffer_nominal_ms, 40);
    assert_int_equal(voip->jitter_buffer_max_ms, 60);
    assert_int_equal(voip->jitter_buffer_absolute_max_ms, 300);
}

/* Blocks that are shorter than what they should hold, or longer than their packet. */
static void hostile_blocks(void **state)
{
    (void)state;
    static struct items out;
    static const uint32_t all_short[] = {
        0x80cf000d, B,          0x04000001, 1, /* half an RRTR */
        0x05000002, A,          1,             /* less than a sub-block */
        0x07000000, 0x05000000,                /* VoIP of nothing, DLRR of nothing */
        0x04000002, 0x00021234, 0x56789abc, 0, /* RRTR */
        0                                      /* and two blocks of type 0 */
    };
    READ(all_short, &out);
    assert_true(out.accepted);
    assert_int_equal(out.count, 1);
    assert_int_equal(out.item[0].type, RTCP_XR_RRTR);

    /* The block ends beyond its packet, and beyond the datagram; a BYE follows all the same. */
    uint32_t over[] = {0x80cf0004, B, 0x04000003, 1, 2, 0x81cb0001, B};
    static const uint32_t lens[] = {3, 4, 5, 6, 0x7fff, 0xffff};
    for (size_t i = 0; i < sizeof lens / sizeof lens[0]; i++) {
        over[2] = 0x04000000 | lens[i];
        READ(over, &out);
        assert_true(out.accepted);
        assert_int_equal(out.count, 1);
        assert_int_equal(out.item[0].type, RTCP_BYE);
    }

    /* One word less than VoIP metrics have: nothing of what follows is taken for them. */
    static const uint32_t voip[] = {0x80cf0009, B, 0x07000007, A, 1, 1, 1, 1, 1, 1, 0x81cb0001, B};
    READ(voip, &out);
    assert_true(out.accepted);
    assert_int_equal(out.count, 1);
    assert_int_equal(out.item[0].type, RTCP_BYE);
}

/* RFC 5506: feedback, XR, BYE, APP and SDES may come alone. */
static void reduced_size(void **state)
{
    (void)state;
    static const struct {
        size_t words;
        uint32_t word[4];
        size_t items;
    } cases[] = {
        {4, {0x81cd0003, B, A, 0x00070000}, 0}, /* RTPFB: NACK */
        {3, {0x81ce0002, B, A}, 0},             /* PSFB */
        {3, {0x80cc0002, B, 0x6e616d65}, 0},    /* APP */
        {4, {CNAME(B)}, 0},                     /* SDES */
        {2, {0x81cb0001, B}, 1},                /* BYE */
        {1, {0x80cb0000}, 0},                   /* BYE of nobody */
        {2, {0x80c90001, B}, 0},                /* RR without a report */
        {2, {0x80cf0001, B}, 0},                /* XR without a block */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        static struct items out;
        read_words(cases[i].word, cases[i].words, &out);
        assert_true(out.accepted);
        assert_int_equal(out.count, cases[i].items);
    }
}

/* What is skipped hides nothing of what follows. */
static void skipped_in_between(void **state)
{
    (void)state;
    static struct items out;
    static const uint32_t words[] = {0x81ce0003, B, A,          0, /* PSFB */
                                     0x80cc0003, B, 0x61626364, 7, /* APP */
                                     0x85d20001, C,                /* nobody knows it */
                                     CNAME(B),                     /* SDES */
                                     0x81c90009, B, REPORT(A),  1,
                                     2, /* RR, extended by a profile */
                                     0x81cb0001, B};
    READ(words, &out);
    assert_true(out.accepted);
    assert_int_equal(out.count, 2);
    assert_int_equal(out.item[0].type, RTCP_REPORT_BLOCK);
    assert_int_equal(out.item[0].report.ssrc, A);
    assert_int_equal(out.item[1].type, RTCP_BYE);
}

static void padding(void **state)
{
    (void)state;
    static struct items out;
    static const uint32_t words[] = {0x80c90001, B, 0xa0cf0005, B, 0x04000002, 1, 2, 4};
    struct datagram datagram = OF_WORDS(words);
    uint8_t *last = &datagram.at[datagram.len - 1];
    read_all(&datagram, &out);
    assert_true(out.accepted);
    assert_int_equal(out.count, 1);
    assert_int_equal(out.item[0].type, RTCP_XR_RRTR);

    /* Padding over what the block needs: the block is not there. */
    *last = 8;
    read_all(&datagram, &out);
    assert_true(out.accepted);
    assert_int_equal(out.count, 0);

    static const uint8_t impossible[] = {0, 1, 2, 3, 5, 20, 24, 252, 255};
    for (size_t i = 0; i < sizeof impossible; i++) {
        *last = impossible[i];
        read_all(&datagram, &out);
        assert_false(out.accepted);
    }

    /* Of a packet that is not the last one; of one that has no room for it. */
    static const uint32_t early[] = {0xa0c90002, B, 4, 0x80cb0000};
    READ(early, &out);
    assert_false(out.accepted);
    static const uint32_t empty[] = {0xa0cb0000};
    READ(empty, &out);
    assert_false(out.accepted);
}

/* Seen of a gateway: two octets of 0 behind the last packet, which are of none. */
static void surplus(void **state)
{
    (void)state;
    static struct items out;
    for (size_t len = 1; len <= 4; len++) {
        struct datagram datagram = OF_WORDS(compound);
        datagram.len += len;
        read_all(&datagram, &out);
        assert_int_equal(out.accepted, len < 4);
        assert_int_equal(out.count, len < 4 ? 5 : 0);
        datagram.at[sizeof compound] = 1;
        read_all(&datagram, &out);
        assert_false(out.accepted);
    }
}

static void refused(void **state)
{
    (void)state;
    static struct items out;
    static const struct {
        size_t at;
        uint8_t octet;
    } cases[] = {
        {0, 0x42},  {0, 0xc2}, {0, 0x02}, /* version */
        {0, 0x83},                        /* three reports in the room of two */
        {1, 199},   {1, 208},  {1, 72},   /* what may not be first */
        {3, 17},    {3, 19},   {2, 1},    /* lengths that do not add up */
        {76, 0x41}, {77, 191}, {77, 224}, /* behind the first: no RTCP */
        {92, 0x86},                       /* a BYE of more than it has room for */
        {95, 3},    {95, 5},              /* it ends before the datagram, and beyond */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct datagram datagram = OF_WORDS(compound);
        datagram.at[cases[i].at] = cases[i].octet;
        read_all(&datagram, &out);
        if (out.accepted)
            fail_msg("octet %zu as %u", cases[i].at, cases[i].octet);
    }

    /* Too short for what they are. */
    static const uint32_t alone[] = {0x80cc0001, 0x81cd0001, 0x80c80001, 0x81c90001, 0x82ca0001};
    for (size_t i = 0; i < sizeof alone / sizeof alone[0]; i++) {
        const uint32_t words[] = {alone[i], B};
        READ(words, &out);
        assert_false(out.accepted);
    }
    static const uint32_t no_ssrc[] = {0x80cf0000};
    READ(no_ssrc, &out);
    assert_false(out.accepted);
}

/*
 * SRTCP (RFC 3711 section 3.4): all behind the first 8 octets is hidden, and a word with the index
 * and a tag of 10 or 16 octets follow. Each time with other octets in the place of what is hidden.
 */
static void encrypted(void **state)
{
    (void)state;
    static struct items out;
    uint32_t random = 1;
    for (unsigned round = 0; round < 4000; round++) {
        struct datagram datagram = OF_WORDS(compound);
        size_t clear_len = datagram.len;
        datagram.len += 4 + (round % 2 == 0 ? 10 : 16);
        for (size_t i = 8; i < datagram.len; i++) {
            random = random * 1664525 + 1013904223;
            datagram.at[i] = (uint8_t)(random >> 24);
        }
        datagram.at[clear_len] |= 0x80;
        read_all(&datagram, &out);
        assert_false(out.accepted);
    }
    /* A single packet with its trailer, where nothing has to be hidden. */
    static const uint32_t alone[] = {0x80c90001, B, 0x80000001, 0x01020304, 0x05060708, 0x090a0000};
    struct datagram datagram = OF_WORDS(alone);
    datagram.len -= 2;
    read_all(&datagram, &out);
    assert_false(out.accepted);
}

static bool is_whole_packets(const struct datagram *datagram, size_t len)
{
    size_t at = 0;
    while (at < len)
        at += 4 + ((size_t)datagram->at[at + 2] << 8 | datagram->at[at + 3]) * 4;
    return len > 0 && at == len;
}

static void cut(struct datagram datagram)
{
    static struct items whole, out;
    read_all(&datagram, &whole);
    assert_true(whole.accepted && whole.count > 0);
    for (size_t len = 0; len < datagram.len; len++) {
        read_cut(&datagram, len, false, &out);
        assert_int_equal(out.accepted, is_whole_packets(&datagram, len));
        read_cut(&datagram, len, true, &out);
        assert_int_equal(out.accepted, len >= 4);
        assert_true(out.count <= whole.count);
        for (size_t i = 0; i < out.count; i++)
            assert_memory_equal(&out.item[i], &whole.item[i], sizeof out.item[i]);
    }
}

static void cut_off(void **state)
{
    (void)state;
    cut(OF_WORDS(compound));
    cut(OF_WORDS(extended));

    /* 96 octets of a packet over Ethernet and IPv4: all of an SR with its first report. */
    static struct items out;
    const struct datagram datagram = OF_WORDS(compound);
    read_cut(&datagram, 54, true, &out);
    assert_int_equal(out.count, 2);
    read_cut(&datagram, 51, true, &out);
    assert_int_equal(out.count, 1);

    /* Cut or not: what cannot be right is refused. */
    static const uint32_t words[] = {0x9fc90007, B};
    const struct datagram too_many = OF_WORDS(words);
    read_cut(&too_many, too_many.len, true, &out);
    assert_false(out.accepted);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(compound_packet), cmocka_unit_test(cumulative_lost_is_signed),
        cmocka_unit_test(extended_report), cmocka_unit_test(hostile_blocks),
        cmocka_unit_test(reduced_size),    cmocka_unit_test(skipped_in_between),
        cmocka_unit_test(padding),         cmocka_unit_test(refused),
        cmocka_unit_test(surplus),         cmocka_unit_test(encrypted),
        cmocka_unit_test(cut_off),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
