#include "base/spread.h"

enum { PER_OCTAVE = 1 << SPREAD_PER_OCTAVE_BITS };

/* Values below PER_OCTAVE have a bucket each; above, the octave and the bits after the leading one.
 */
static unsigned bucket_of(uint64_t value)
{
    if (value < PER_OCTAVE)
        return (unsigned)value;
    unsigned top = 63 - (unsigned)__builtin_clzll(value);
    unsigned shift = top - SPREAD_PER_OCTAVE_BITS;
    return (shift + 1) * PER_OCTAVE + (unsigned)(value >> shift) - PER_OCTAVE;
}

static uint64_t middle_of(unsigned bucket)
{
    if (bucket < PER_OCTAVE)
        return bucket;
    unsigned shift = bucket / PER_OCTAVE - 1;
    uint64_t low = (uint64_t)(bucket % PER_OCTAVE + PER_OCTAVE) << shift;
    return low + (shift > 0 ? UINT64_C(1) << (shift - 1) : 0);
}

void spread_add(struct spread *spread, uint64_t value)
{
    spread->count++;
    if (value > spread->max)
        spread->max = value;
    spread->bucket[bucket_of(value)]++;
}

uint64_t spread_percentile(const struct spread *spread, double ratio)
{
    uint64_t wanted = (uint64_t)((double)spread->count * ratio);
    uint64_t passed = 0;
    for (unsigned i = 0; i < SPREAD_BUCKETS && spread->count > 0; i++) {
        passed += spread->bucket[i];
        if (passed > wanted || passed == spread->count) {
            uint64_t value = middle_of(i);
            return value < spread->max ? value : spread->max;
        }
    }
    return 0;
}
