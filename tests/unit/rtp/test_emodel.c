/* The E-model: its constant worked out from the formulas of G.107, and tables of R and MOS over
 * delay, loss, burst ratio and codec, on each of the three scales. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <math.h>

#include "rtp/emodel.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void assert_near(double value, double expected, double tolerance)
{
    if (!(fabs(value - expected) <= tolerance))
        fail_msg("%.6f is not %.6f", value, expected);
}

static struct emodel_input clean(enum mos_scale scale, double ie, double bpl)
{
    return (struct emodel_input){
        .scale = scale, .ie = ie, .bpl = bpl, .burst_ratio = 1, .one_way_ms = -1};
}

static double db_sum(double a, double b)
{
    return 10 * log10(pow(10, a / 10) + pow(10, b / 10));
}

/* (1 + x^n)^(1/n) */
static double root_sum(double x, double n)
{
    return pow(1 + pow(x, n), 1 / n);
}

/* G.107 section 7 with the defaults of table 3, step by step; the numbers asserted are those that
 * the Recommendation's formulas give, worked out elsewhere. */
static void test_defaults_of_g107(void **state)
{
    (void)state;
    const double slr = 8, rlr = 2, stmr = 15, ds = 3, dr = 3, telr = 65, wepl = 110, qdu = 1;
    const double nc = -70, nfor = -64, ps = 35, pr = 35;
    double olr = slr + rlr, lstr = stmr + dr;

    double nos = ps - slr - ds - 100 + 0.004 * pow(ps - olr - ds - 14, 2);
    assert_near(nos, -75.744, 0.0005);
    double pre = pr + 10 * log10(1 + pow(10, (10 - lstr) / 10));
    double nor = rlr - 121 + pre + 0.008 * pow(pre - 35, 2);
    assert_near(nor, -83.357814, 1e-6);
    double no = db_sum(db_sum(nc, nos), db_sum(nor, nfor + rlr));
    assert_near(no, -61.179214, 1e-6);
    double ro = 15 - 1.5 * (slr + no);
    assert_near(ro, 94.768822, 1e-6);

    double xolr = olr + 0.2 * (64 + no - rlr);
    double iolr = 20 * (root_sum(xolr / 8, 8) - xolr / 8);
    assert_near(iolr, 0.440178, 1e-6);
    double stmro = -db_sum(-stmr, -telr);
    double ist = 12 * root_sum((stmro - 13) / 6, 8) - 28 * root_sum((stmro + 1) / 19.4, 35) -
                 13 * root_sum((stmro - 3) / 33, 13) + 29;
    assert_near(ist, -0.000715, 1e-6);
    double q = 37 - 15 * log10(qdu), g = 1.07 + 0.258 * q + 0.0602 * q * q;
    double iq =
        15 * log10(1 + pow(10, (ro - 100) / 15 + 46 / 8.4 - g / 9) + pow(10, 46.0 / 30 - g / 40));
    assert_near(iq, 0.974105, 1e-6);
    double is = iolr + ist + iq;
    assert_near(is, 1.413568, 1e-6);
    double rle = 10.5 * (wepl + 7);
    double idle = (ro - rle) / 2 + sqrt(pow(ro - rle, 2) / 4 + 169);
    assert_near(idle, 0.149046, 1e-6);

    struct emodel_input input = clean(MOS_NARROWBAND, 0, 4.3);
    assert_near(emodel_rating(&input), ro - is - idle, 1e-10);
    assert_near(emodel_rating(&input), 93.206208, 1e-6);
    assert_near(emodel_mos(&input), 4.409406, 1e-6);
}

static void test_delay(void **state)
{
    (void)state;
    static const struct {
        double ms, idd, rating, mos;
    } rows[] = {
        {0, 0, 93.2062, 4.4094},          {50, 0, 93.2062, 4.4094},
        {100, 0, 93.2062, 4.4094},        {150, 0.1635, 93.0427, 4.4062},
        {177.3, 1.1721, 92.0341, 4.3856}, {200, 3.0444, 90.1618, 4.3429},
        {250, 8.9167, 84.2895, 4.1753},   {300, 14.7607, 78.4455, 3.9639},
        {350, 19.8113, 73.3949, 3.7519},  {400, 24.0701, 69.1361, 3.5562},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct emodel_input input = clean(MOS_NARROWBAND, 0, 25.1);
        input.one_way_ms = rows[i].ms;
        assert_near(emodel_idd(rows[i].ms), rows[i].idd, 0.0001);
        assert_near(emodel_rating(&input), rows[i].rating, 0.0001);
        assert_near(emodel_mos(&input), rows[i].mos, 0.0001);
    }
    /* Continuous where it begins. */
    assert_near(emodel_idd(100.001), 0, 1e-6);
    assert_true(emodel_idd(101) > 0);
}

static void test_loss(void **state)
{
    (void)state;
    static const double loss[] = {0, 0.01, 0.02, 0.03, 0.05, 0.10};
    static const struct {
        double ie, bpl;
        struct {
            double rating, mos;
        } at[6];
    } rows[] = {
        {0,
         4.3,
         {{93.206, 4.4094},
          {75.282, 3.8339},
          {63.047, 3.2564},
          {54.165, 2.7944},
          {42.131, 2.1696},
          {26.773, 1.4810}}},
        {0,
         25.1,
         {{93.206, 4.4094},
          {89.566, 4.3282},
          {86.195, 4.2350},
          {83.064, 4.1344},
          {77.425, 3.9231},
          {66.141, 3.4112}}},
        {11,
         19.0,
         {{82.206, 4.1046},
          {78.006, 3.9465},
          {74.206, 3.7876},
          {70.752, 3.6321},
          {64.706, 3.3400},
          {53.241, 2.7456}}},
        {15,
         16.1,
         {{78.206, 3.9544},
          {73.528, 3.7578},
          {69.366, 3.5671},
          {65.641, 3.3865},
          {59.249, 3.0610},
          {47.555, 2.4472}}},
        {5,
         10.0,
         {{88.206, 4.2926},
          {80.024, 4.0249},
          {73.206, 3.7435},
          {67.437, 3.4746},
          {58.206, 3.0067},
          {43.206, 2.2238}}},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        for (size_t j = 0; j < COUNT(loss); j++) {
            struct emodel_input input = clean(MOS_NARROWBAND, rows[i].ie, rows[i].bpl);
            input.loss_ratio = loss[j];
            assert_near(emodel_rating(&input), rows[i].at[j].rating, 0.001);
            assert_near(emodel_mos(&input), rows[i].at[j].mos, 0.0001);
        }
    }
    assert_near(emodel_ie_eff(0, 25.1, 0.01, 1), 3.640, 0.0005);
    assert_near(emodel_ie_eff(0, 25.1, 0.03, 1), 10.142, 0.0005);
    assert_near(emodel_ie_eff(0, 25.1, 0.05, 1), 15.781, 0.0005);
    assert_near(emodel_ie_eff(11, 19, 0.01, 1), 15.200, 0.0005);
    assert_near(emodel_ie_eff(11, 19, 0.03, 1), 22.455, 0.0005);
    assert_near(emodel_ie_eff(11, 19, 0.05, 1), 28.500, 0.0005);
}

static void test_burst_ratio(void **state)
{
    (void)state;
    static const struct {
        double burst_ratio, rating;
    } rows[] = {
        {1, 83.064},
        {2, 82.492},
        {4, 82.181},
        /* Below 1, above 8 and nothing at all are taken as the ends. */
        {0, 83.064},
        {0.5, 83.064},
        {-3, 83.064},
        {NAN, 83.064},
    };
    struct emodel_input input = clean(MOS_NARROWBAND, 0, 25.1);
    input.loss_ratio = 0.03;
    for (size_t i = 0; i < COUNT(rows); i++) {
        input.burst_ratio = rows[i].burst_ratio;
        assert_near(emodel_rating(&input), rows[i].rating, 0.0005);
    }
    input.burst_ratio = 8;
    double longest = emodel_rating(&input);
    assert_true(longest < 82.181);
    input.burst_ratio = 1e9;
    assert_near(emodel_rating(&input), longest, 1e-12);
}

static void test_loss_and_delay(void **state)
{
    (void)state;
    static const double ms[] = {50, 100, 150, 200, 300, 400};
    static const struct {
        double ie, bpl, loss;
        struct {
            double rating, mos;
        } at[6]; /* rating 0: not in the table */
    } rows[] = {
        {0,
         25.1,
         0.01,
         {{89.57, 4.328},
          {89.57, 4.328},
          {89.40, 4.324},
          {86.52, 4.245},
          {74.81, 3.814},
          {65.50, 3.379}}},
        {0,
         25.1,
         0.03,
         {{83.06, 4.134},
          {83.06, 4.134},
          {82.90, 4.129},
          {80.02, 4.025},
          {68.30, 3.516},
          {58.99, 3.048}}},
        {0,
         25.1,
         0.05,
         {{77.43, 3.923},
          {77.43, 3.923},
          {77.26, 3.916},
          {74.38, 3.795},
          {62.66, 3.237},
          {53.36, 2.752}}},
        {11, 19, 0, {[1] = {82.21, 4.105}, [3] = {79.16, 3.992}, {67.45, 3.475}, {58.14, 3.003}}},
        {11,
         19,
         0.01,
         {[1] = {78.01, 3.946}, [3] = {74.96, 3.820}, {63.25, 3.266}, {53.94, 2.782}}},
        {11,
         19,
         0.03,
         {[1] = {70.75, 3.632}, [3] = {67.71, 3.488}, {55.99, 2.891}, {46.68, 2.402}}},
        {11,
         19,
         0.05,
         {[1] = {64.71, 3.340}, [3] = {61.66, 3.186}, {49.95, 2.572}, {40.64, 2.095}}},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        for (size_t j = 0; j < COUNT(ms); j++) {
            if (rows[i].at[j].rating == 0)
                continue;
            struct emodel_input input = clean(MOS_NARROWBAND, rows[i].ie, rows[i].bpl);
            input.loss_ratio = rows[i].loss;
            input.one_way_ms = ms[j];
            assert_near(emodel_rating(&input), rows[i].at[j].rating, 0.0051);
            assert_near(emodel_mos(&input), rows[i].at[j].mos, 0.001);
        }
    }
}

static void test_mos_of_rating(void **state)
{
    (void)state;
    static const struct {
        double rating, mos;
    } rows[] = {
        {-5, 1},      {0, 1},         {3.2, 1},        {6.5153, 1},  {10, 1.0350}, {20, 1.2520},
        {30, 1.6090}, {40, 2.0640},   {50, 2.5750},    {60, 3.1000}, {70, 3.5970}, {80, 4.0240},
        {90, 4.3390}, {93.2, 4.4093}, {94.77, 4.4376}, {100, 4.5},   {110, 4.5},   {NAN, 1},
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        assert_near(emodel_mos_of_rating(rows[i].rating), rows[i].mos, 0.0001);
}

static void test_wideband(void **state)
{
    (void)state;
    static const struct {
        double ie, mos;
    } rows[] = {
        {0, 4.5000},  {1, 4.4940},  {8, 4.4206},  {13, 4.3371},
        {20, 4.1820}, {41, 3.5123}, {56, 2.9220}, {36, 3.693}, /* G.711 on this scale */
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct emodel_input input = clean(MOS_WIDEBAND, rows[i].ie, 4.3);
        assert_near(emodel_rating(&input), 129 - rows[i].ie, 1e-9);
        assert_near(emodel_mos(&input), rows[i].mos, 0.001);
    }
    struct emodel_input input = clean(MOS_WIDEBAND, 20, 4.3);
    input.loss_ratio = 0.02;
    assert_near(emodel_rating(&input), 85.1905, 0.0001);
    assert_near(emodel_mos(&input), 3.4062, 0.0001);
    input.burst_ratio = 4;
    assert_near(emodel_rating(&input), 85.1905, 0.0001);
    input.one_way_ms = 200;
    assert_near(emodel_rating(&input), 85.1905 - 3.0444, 0.0002);
}

static void test_fullband(void **state)
{
    (void)state;
    static const struct {
        double loss, rating, mos;
    } rows[] = {
        {0, 137.8, 4.4075}, {0.01, 114.82, 3.929}, {0.03, 87.75, 3.063}, {0.05, 72.32, 2.515}};
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct emodel_input input = clean(MOS_FULLBAND, 10.2, 4.3);
        input.loss_ratio = rows[i].loss;
        assert_near(emodel_rating(&input), rows[i].rating, 0.0051);
        assert_near(emodel_mos(&input), rows[i].mos, 0.001);
    }
    struct emodel_input input = clean(MOS_FULLBAND, 10.2, 4.3);
    input.one_way_ms = 200;
    assert_near(emodel_rating(&input), 137.8 - 1.48 * 3.0444, 0.0002);
    input.one_way_ms = -1;
    input.loss_ratio = 0.03;
    input.burst_ratio = 2;
    assert_near(emodel_rating(&input), 148 - 10.2 - 121.8 * 3 / (1.5 + 4.3), 1e-9);
}

/* Whatever stands in the input, MOS is from 1 to 4.5. */
static void test_absurd_input(void **state)
{
    (void)state;
    static const double odd[] = {-INFINITY, -1,       -0.0, 0,     1e-300,   0.5,
                                 1,         100.0001, 1e6,  1e300, INFINITY, NAN};
    for (int scale = 0; scale < MOS_SCALE_COUNT; scale++) {
        for (size_t i = 0; i < COUNT(odd); i++) {
            for (size_t j = 0; j < COUNT(odd); j++) {
                for (size_t k = 0; k < COUNT(odd); k++) {
                    struct emodel_input input = clean((enum mos_scale)scale, 0, 25.1);
                    input.loss_ratio = odd[i];
                    input.burst_ratio = odd[j];
                    input.one_way_ms = odd[k];
                    double mos = emodel_mos(&input);
                    assert_true(mos >= 1 && mos <= 4.5);
                }
            }
        }
    }
    assert_near(emodel_idd(INFINITY), emodel_idd(60000), 0);
    assert_true(emodel_idd(60000) > 49 && emodel_idd(60000) < 50);
    assert_near(emodel_idd(NAN), 0, 0);
    /* All lost is as bad as it gets, and more than all is all. */
    assert_near(emodel_ie_eff(0, 25.1, 2, 1), emodel_ie_eff(0, 25.1, 1, 1), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults_of_g107),
        cmocka_unit_test(test_delay),
        cmocka_unit_test(test_loss),
        cmocka_unit_test(test_burst_ratio),
        cmocka_unit_test(test_loss_and_delay),
        cmocka_unit_test(test_mos_of_rating),
        cmocka_unit_test(test_wideband),
        cmocka_unit_test(test_fullband),
        cmocka_unit_test(test_absurd_input),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
