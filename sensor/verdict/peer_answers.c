#include "verdict/peer_answers.h"

#include <stdlib.h>
#include <string.h>

#include "verdict/peer.h"

/* What "slow" rests on: so many measured, lately and usually; so many times slower, and over this.
 */
enum { LATE_DELAYS_MIN = 5, USUAL_DELAYS_MIN = 10, SLOW_FACTOR = 5, SLOW_OVER_US = 500000 };

enum { CLIENTS_COUNTED_MAX = 4 };

int answers_book_init(struct answers_book *book, size_t max)
{
    list_init(&book->age);
    return slab_init(&book->slab, sizeof(struct peer_answers), max);
}

void answers_book_fini(struct answers_book *book)
{
    slab_fini(&book->slab);
}

struct peer_answers *answers_book_give(struct answers_book *book, struct peer_answers **owner)
{
    struct peer_answers *answers = *owner;
    if (answers) {
        list_remove(&answers->age);
        list_append(&book->age, &answers->age);
        return answers;
    }
    answers = slab_alloc(&book->slab);
    if (!answers) {
        answers = CONTAINER_OF(book->age.next, struct peer_answers, age);
        list_remove(&answers->age);
        *answers->owner = NULL;
        book->forgotten++;
    }
    *answers = (struct peer_answers){.owner = owner};
    list_append(&book->age, &answers->age);
    *owner = answers;
    return answers;
}

void answers_book_take(struct answers_book *book, struct peer_answers **owner)
{
    if (*owner)
        list_remove(&(*owner)->age);
    slab_free(&book->slab, *owner);
    *owner = NULL;
}

static void shift(int64_t *time_ns, int64_t step_ns)
{
    if (__builtin_add_overflow(*time_ns, step_ns, time_ns))
        *time_ns = 0;
}

void answers_book_clock_step(struct answers_book *book, int64_t step_ns)
{
    for (struct list *node = book->age.next; node != &book->age; node = node->next) {
        struct peer_answers *answers = CONTAINER_OF(node, struct peer_answers, age);
        for (int i = 0; i < ANSWERS_CLIENTS; i++)
            shift(&answers->client[i].at_ns, step_ns);
        for (int i = 0; i < ANSWERS_REFUSALS; i++)
            shift(&answers->refused[i].at_ns, step_ns);
        for (int i = 0; i < ANSWERS_CONTROLS; i++)
            shift(&answers->control[i].at_ns, step_ns);
        for (int i = 0; i < ANSWERS_DELAYS; i++)
            shift(&answers->delay[i].at_ns, step_ns);
        for (int i = 0; i < ANSWERS_SLOTS; i++)
            shift(&answers->slot[i].since_ns, step_ns);
    }
}

/* How long before now_ns; huge for what is later, or for stamps that are no times. */
static uint64_t age_of(int64_t at_ns, int64_t now_ns)
{
    return at_ns > now_ns ? UINT64_MAX : (uint64_t)now_ns - (uint64_t)at_ns;
}

void peer_answers_client(struct peer_answers *answers, const struct ip_addr *client,
                         enum transport transport, int64_t at_ns)
{
    struct answered_client *place = &answers->client[0];
    for (int i = 0; i < ANSWERS_CLIENTS; i++) {
        struct answered_client *at = &answers->client[i];
        bool is_it = at->transport == transport && ip_eq(&at->ip, client);
        if (is_it && at_ns < at->at_ns)
            return; /* told late */
        if (is_it || at->ip.version == 0) {
            place = at;
            break;
        }
        if (at->at_ns < place->at_ns)
            place = at;
    }
    *place = (struct answered_client){*client, transport, at_ns};
}

void peer_answers_refused(struct peer_answers *answers, const struct ip_addr *client,
                          uint32_t retry_after_s, int64_t now_ns)
{
    struct refused_client *oldest = NULL, *own = NULL;
    int own_count = 0;
    for (int i = 0; i < ANSWERS_REFUSALS; i++) {
        struct refused_client *at = &answers->refused[i];
        bool is_own = ip_eq(&at->ip, client);
        own_count += is_own;
        if (is_own && (!own || at->at_ns < own->at_ns))
            own = at;
        if (!oldest ||
            (oldest->ip.version != 0 && (at->ip.version == 0 || at->at_ns < oldest->at_ns)))
            oldest = at;
    }
    *(own_count >= ANSWERS_REFUSALS_EACH ? own : oldest) =
        (struct refused_client){*client, retry_after_s, now_ns, false};
}

void peer_answers_served(struct peer_answers *answers, const struct ip_addr *client, int64_t now_ns)
{
    for (int i = 0; i < ANSWERS_REFUSALS && answers->refused[i].ip.version != 0; i++)
        if (answers->refused[i].at_ns <= now_ns && ip_eq(&answers->refused[i].ip, client))
            answers->refused[i].is_over = true;
}

static uint32_t in_us(int64_t ns)
{
    /* Shown before its request, it was there at once. */
    return ns <= 0 ? 0 : ns / 1000 > UINT32_MAX ? UINT32_MAX : (uint32_t)(ns / 1000);
}

struct answers_slot *peer_answers_slot(struct peer_answers *answers, int64_t at_ns)
{
    int64_t since_ns = at_ns;
    if (answers->slots > 0) {
        struct answers_slot *latest = &answers->slot[(answers->slots - 1) % ANSWERS_SLOTS];
        if (at_ns < latest->since_ns)
            return NULL;
        uint64_t after_ns = age_of(latest->since_ns, at_ns);
        if (after_ns < ANSWERS_SLOT_NS)
            return latest;
        since_ns = at_ns - (int64_t)(after_ns % ANSWERS_SLOT_NS);
    }
    struct answers_slot *slot = &answers->slot[answers->slots++ % ANSWERS_SLOTS];
    *slot = (struct answers_slot){.since_ns = since_ns, .stride = 1};
    return slot;
}

static void add_sample(struct answers_slot *slot, uint32_t us)
{
    if (slot->count++ % slot->stride != 0)
        return;
    if (slot->samples == ANSWERS_SLOT_DELAYS) {
        slot->samples /= 2;
        slot->stride *= 2;
        for (size_t i = 1; i < slot->samples; i++)
            slot->us[i] = slot->us[2 * i];
    }
    slot->us[slot->samples++] = us;
}

uint8_t peer_answers_tag(const struct ip_addr *client)
{
    uint64_t high, low;
    memcpy(&high, client->octets, sizeof high);
    memcpy(&low, client->octets + 8, sizeof low);
    uint64_t mixed = (high * UINT64_C(0x9e3779b97f4a7c15) ^ low) * UINT64_C(0xbf58476d1ce4e5b9);
    return (uint8_t)((mixed >> 57) + 1);
}

/* In place of the oldest; of a client that has its share, of its own oldest. */
static struct answer_delay *place_of_delay(struct peer_answers *answers,
                                           const struct ip_addr *client)
{
    const uint8_t tag = peer_answers_tag(client);
    unsigned own = 0, place = 0;
    uint32_t oldest = 0;
    for (unsigned i = 0; i < ANSWERS_DELAYS; i++)
        own += answers->delay_tag[i] == tag;
    const uint8_t wanted = own < ANSWERS_DELAYS_EACH ? 0 : tag;
    for (unsigned i = 0; i < ANSWERS_DELAYS; i++) {
        uint32_t age =
            answers->delay_tag[i] == 0 ? UINT32_MAX : answers->delays - answers->delay_born[i];
        if ((wanted == 0 || answers->delay_tag[i] == wanted) && age > oldest) {
            oldest = age;
            place = i;
        }
    }
    answers->delay_tag[place] = tag;
    answers->delay_born[place] = answers->delays++;
    return &answers->delay[place];
}

void peer_answers_delay(struct peer_answers *answers, const struct ip_addr *client,
                        int64_t first_ns, int64_t last_ns, int64_t now_ns)
{
    uint32_t first_us = in_us(first_ns);
    *place_of_delay(answers, client) =
        (struct answer_delay){*client, first_us, in_us(last_ns), now_ns};
    struct answers_slot *slot = peer_answers_slot(answers, now_ns);
    if (slot)
        add_sample(slot, first_us);
}

static void read_clients(const struct peer_answers *answers, const struct ip_addr *client,
                         enum transport transport, const struct ip_addr *latest, int64_t since_ns,
                         struct peers_others *others)
{
    for (int i = 0; i < ANSWERS_CLIENTS; i++) {
        const struct answered_client *at = &answers->client[i];
        if (at->ip.version == 0 || at->at_ns < since_ns || at->transport != transport ||
            (latest && ip_eq(&at->ip, latest)))
            continue;
        if (ip_eq(&at->ip, client))
            others->client_too = true;
        else if (others->clients < CLIENTS_COUNTED_MAX)
            others->clients++;
    }
}

static void read_refused(const struct peer_answers *answers, const struct ip_addr *client,
                         int64_t now_ns, struct peers_others *others)
{
    int64_t retry_after_ns = INT64_MIN;
    for (int i = 0; i < ANSWERS_REFUSALS; i++) {
        const struct refused_client *at = &answers->refused[i];
        if (at->ip.version == 0 || ip_eq(&at->ip, client) ||
            age_of(at->at_ns, now_ns) > ANSWERS_LATELY_NS)
            continue;
        if (others->refused++ == 0 || at->at_ns > others->last_refused_ns) {
            others->last_refused_ns = at->at_ns;
            others->refused_client = at->ip;
        }
        if (at->retry_after_s > 0 && at->at_ns >= retry_after_ns) {
            others->retry_after_s = at->retry_after_s;
            retry_after_ns = at->at_ns;
        }
    }
}

struct weighted {
    uint32_t us, weight;
};

static int compare_weighted(const void *a, const void *b)
{
    const struct weighted *x = a, *y = b;
    return (x->us > y->us) - (x->us < y->us);
}

/* The upper one of two, so that "five times slower" is never said of less. */
static uint32_t usual_median(const struct peer_answers *answers, int64_t now_ns, unsigned *count)
{
    struct weighted sample[ANSWERS_SLOTS * ANSWERS_SLOT_DELAYS];
    size_t samples = 0;
    uint64_t all = 0, below = 0;
    *count = 0;
    for (int i = 0; i < ANSWERS_SLOTS; i++) {
        const struct answers_slot *slot = &answers->slot[i];
        uint64_t age_ns = age_of(slot->since_ns, now_ns);
        if (slot->count == 0 || age_ns < ANSWERS_LATELY_NS + ANSWERS_SLOT_NS ||
            age_ns >= ANSWERS_LATELY_NS + ANSWERS_SLOT_NS + ANSWERS_USUAL_NS)
            continue;
        *count += slot->count;
        all += (uint64_t)slot->samples * slot->stride;
        for (uint32_t k = 0; k < slot->samples; k++)
            sample[samples++] = (struct weighted){slot->us[k], slot->stride};
    }
    qsort(sample, samples, sizeof sample[0], compare_weighted);
    for (size_t i = 0; i < samples; i++)
        if ((below += sample[i].weight) > all / 2)
            return sample[i].us;
    return 0;
}

/*
 * How long the destination took at least. Where the INVITE was sent again it may be the first
 * sending that was answered late, or a later one in time, the others having been lost. Slow it was
 * only where even the latest was answered slower than usual.
 */
static uint32_t least_delay(const struct answer_delay *delay, uint32_t usual_us)
{
    return delay->last_us >= (uint64_t)SLOW_FACTOR * usual_us ? delay->first_us : delay->last_us;
}

static bool is_slow(uint32_t us, uint32_t usual_us)
{
    return us > SLOW_OVER_US && us >= (uint64_t)SLOW_FACTOR * usual_us;
}

/* The lower one of two, for the same reason. */
static uint32_t late_median(const struct peer_answers *answers, const struct ip_addr *client,
                            uint32_t usual_us, int64_t now_ns, struct peers_others *others)
{
    struct weighted sample[ANSWERS_DELAYS];
    const struct ip_addr *slow = NULL;
    size_t samples = 0;
    for (uint32_t i = 0; i < ANSWERS_DELAYS; i++) {
        const struct answer_delay *delay = &answers->delay[i];
        if (answers->delay_tag[i] == 0 || ip_eq(&delay->client, client) ||
            age_of(delay->at_ns, now_ns) > ANSWERS_LATELY_NS)
            continue;
        uint32_t us = least_delay(delay, usual_us);
        sample[samples++] = (struct weighted){us, 1};
        if (!is_slow(us, usual_us))
            continue;
        others->is_slow_to_several |= slow && !ip_eq(slow, &delay->client);
        slow = &delay->client;
    }
    others->delays = (unsigned)samples; /* may_be_slow has seen some */
    qsort(sample, samples, sizeof sample[0], compare_weighted);
    return sample[(samples - 1) / 2].us;
}

/* Most were not even slow: nearly always, and then nothing needs to be sorted. */
static bool may_be_slow(const struct peer_answers *answers, const struct ip_addr *client,
                        int64_t now_ns)
{
    unsigned all = 0, over = 0;
    for (uint32_t i = 0; i < ANSWERS_DELAYS; i++) {
        const struct answer_delay *delay = &answers->delay[i];
        if (answers->delay_tag[i] == 0 || ip_eq(&delay->client, client) ||
            age_of(delay->at_ns, now_ns) > ANSWERS_LATELY_NS)
            continue;
        all++;
        over += delay->first_us > SLOW_OVER_US;
    }
    return all >= LATE_DELAYS_MIN && over > all / 2;
}

static void read_delays(const struct peer_answers *answers, const struct ip_addr *client,
                        int64_t now_ns, struct peers_others *others)
{
    struct peers_others found = *others;
    unsigned usual_count;
    if (!may_be_slow(answers, client, now_ns))
        return;
    uint32_t usual_us = usual_median(answers, now_ns, &usual_count);
    uint32_t late_us = late_median(answers, client, usual_us, now_ns, &found);
    if (usual_count < USUAL_DELAYS_MIN || !is_slow(late_us, usual_us))
        return;
    found.is_slow = true;
    found.median_ns = (int64_t)late_us * 1000;
    found.usual_median_ns = (int64_t)usual_us * 1000;
    *others = found;
}

void peer_answers_read(const struct peer_answers *answers, const struct ip_addr *client,
                       enum transport transport, const struct ip_addr *latest, int64_t since_ns,
                       int64_t now_ns, struct peers_others *others)
{
    read_clients(answers, client, transport, latest, since_ns, others);
    read_refused(answers, client, now_ns, others);
    read_delays(answers, client, now_ns, others);
}
