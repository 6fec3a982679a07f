#include "rtp/emodel.h"

#include <math.h>

/*
 * Ro - Is - Idle of G.107 with the defaults of its table 3. None of the three depends on what a
 * sensor can measure, so only the result is kept; the unit test works it out from the formulas.
 */
#define NARROWBAND_BEST 93.20620772327571
/* R0 of G.107.1 and G.107.2; with their defaults Is and the echo terms are nothing. */
#define WIDEBAND_BEST 129.0
#define FULLBAND_BEST 148.0

/*
 * What differs between the scales. G.107.2 stretches G.107's ceiling of Ie,eff and Idd to its own
 * range. G.107.1 does neither, and knows no burst ratio (its equation 7-15).
 */
static const struct scale {
    double best;
    double range;      /* R over this is on the range that MOS is read from */
    double ie_ceiling; /* what Ie,eff tends to when all is lost */
    double idd_factor;
    bool has_burst_ratio;
} scales[MOS_SCALE_COUNT] = {
    [MOS_NARROWBAND] = {NARROWBAND_BEST, 1, 95, 1, true},
    [MOS_WIDEBAND] = {WIDEBAND_BEST, 1.29, 95, 1, false},
    [MOS_FULLBAND] = {FULLBAND_BEST, 1.48, 132, 1.48, true},
};

#define BURST_RATIO_MAX 8.0
#define DELAY_MAX_MS    60000.0

double emodel_idd(double one_way_ms)
{
    /* mT 100 and sT 1, G.107's defaults. Nearly every call is below: no power is taken then. */
    if (!(one_way_ms > 100))
        return 0;
    double x = log2(fmin(one_way_ms, DELAY_MAX_MS) / 100);
    return 25 * (pow(1 + pow(x, 6), 1.0 / 6) - 3 * pow(1 + pow(x / 3, 6), 1.0 / 6) + 2);
}

static double ie_eff(double ie, double bpl, double loss_ratio, double burst_ratio, double ceiling)
{
    if (!(loss_ratio > 0))
        return ie;
    double percent = 100 * fmin(loss_ratio, 1);
    double burst = fmin(fmax(burst_ratio, 1), BURST_RATIO_MAX);
    return ie + (ceiling - ie) * percent / (percent / burst + bpl);
}

double emodel_ie_eff(double ie, double bpl, double loss_ratio, double burst_ratio)
{
    return ie_eff(ie, bpl, loss_ratio, burst_ratio, scales[MOS_NARROWBAND].ie_ceiling);
}

double emodel_mos_of_rating(double rating)
{
    if (!(rating > 0))
        return 1;
    if (rating >= 100)
        return 4.5;
    /* The polynomial falls below 1 where R is less than 6.5. */
    return fmax(1, 1 + 0.035 * rating + 7e-6 * rating * (rating - 60) * (100 - rating));
}

double emodel_rating(const struct emodel_input *input)
{
    const struct scale *scale = &scales[input->scale];
    double burst_ratio = scale->has_burst_ratio ? input->burst_ratio : 1;
    return scale->best - scale->idd_factor * emodel_idd(input->one_way_ms) -
           ie_eff(input->ie, input->bpl, input->loss_ratio, burst_ratio, scale->ie_ceiling);
}

double emodel_mos(const struct emodel_input *input)
{
    return emodel_mos_of_rating(emodel_rating(input) / scales[input->scale].range);
}
