/*
 * emodel: MOS by the E-model (ITU-T G.107; G.107.1 for wideband, G.107.2 for fullband) with its
 * default values. Pure.
 *
 * Delay counts by itself only (Idd): a passive sensor knows nothing of echo. G.107.1 takes the Idd
 * of G.107 as it is, G.107.2 stretches it by 1.48. G.107.1 has no burst ratio: it is not looked at
 * on that scale.
 */
#ifndef SIPSPAN_RTP_EMODEL_H
#define SIPSPAN_RTP_EMODEL_H

#include "rtp/codec.h"

struct emodel_input {
    enum mos_scale scale;
    double ie, bpl;
    double loss_ratio;  /* lost and discarded over expected, 0 to 1 */
    double burst_ratio; /* 1: random; taken as at least 1 and at most 8 */
    double one_way_ms;  /* below 0: unknown, which takes nothing away */
};

/* The rating R on the scale's own range (narrowband 93.2 at best, wideband 129, fullband 148). */
double emodel_rating(const struct emodel_input *input);
/* 1 to 4.5. */
double emodel_mos(const struct emodel_input *input);

/* The narrowband terms, for those who want to check them: Idd of a one-way delay, Ie,eff. */
double emodel_idd(double one_way_ms);
double emodel_ie_eff(double ie, double bpl, double loss_ratio, double burst_ratio);
double emodel_mos_of_rating(double rating); /* of a narrowband R */

#endif
