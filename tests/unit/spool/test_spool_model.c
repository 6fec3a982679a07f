/*
 * The spool against a model of what it promises, by random operations: nothing that was written is
 * lost, nothing confirmed comes again, what a key's records are first given in is their order; over
 * restarts, kills, and the limit.
 *
 * The model lies in memory that is shared with a child, which does the operations and is killed or
 * ends in the middle of them; the next child goes on with the same folder.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "spool_sample.h"

enum { RECORDS_MAX = 60000, KEYS = 200, LEN_MAX = 1500 };

enum fate { ABSENT, APPENDED, WRITTEN }; /* APPENDED: a kill may take it */

struct model_record {
    uint8_t fate, key;
    bool confirmed, noted;  /* noted: a sync came after it was confirmed */
    bool given, ever_given; /* given: since the last rewind or restart */
    bool gone;              /* the limit took its file */
};

struct model {
    uint64_t next; /* the number of the next record */
    uint64_t low;  /* nothing is to be said of those below it any more */
    struct model_record record[RECORDS_MAX];
    uint64_t random;
    uint64_t bytes_max, segment_bytes;
    uint64_t direct, waited, lost, maybe_lost, dropped; /* how often: to see that it was tried */
    bool has_restarted;
};

static struct model *model;

static uint32_t roll(uint32_t sides)
{
    model->random = model->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(model->random >> 33) % sides;
}

static uint64_t hash_of(uint8_t key)
{
    char text[16];
    return spool_key_hash(slice_of(text, (size_t)snprintf(text, sizeof text, "key %u", key)));
}

/* What a record's octets are: those that only ask for the next number (take_stock) do not know it.
 */
static struct slice octets_of(uint64_t number)
{
    return sample_record(model->record[number].key == KEYS ? 0 : number, LEN_MAX);
}

static bool is_waiting(const struct model_record *r)
{
    return r->fate != ABSENT && !r->gone && !r->confirmed && !r->given;
}

/* The first time that a record is given, all of its key that are older were given, or are lost. */
static void give(uint64_t number)
{
    struct model_record *record = &model->record[number];
    for (uint64_t n = number; !record->ever_given && n-- > model->low;) {
        const struct model_record *older = &model->record[n];
        if (older->key == record->key && older->fate != ABSENT)
            sample_check(older->ever_given || older->confirmed || older->gone,
                         "records of a key are given in their order");
        if (older->key == record->key && older->ever_given)
            break;
    }
    record->given = record->ever_given = true;
}

/* Which files went: all records before the first one left. The last may have none yet. */
static void see_drops(uint64_t dropped_before)
{
    uint64_t first = UINT64_MAX, lost = 0;
    DIR *dir = opendir(sample.dir);
    for (const struct dirent *entry; (entry = readdir(dir)) != NULL;)
        if (strstr(entry->d_name, ".seg") && strtoull(entry->d_name, NULL, 16) < first)
            first = strtoull(entry->d_name, NULL, 16);
    closedir(dir);
    for (uint64_t n = model->low; n < model->next && first != UINT64_MAX && n < first; n++) {
        struct model_record *r = &model->record[n];
        lost += is_waiting(r);
        r->gone = r->gone || !r->confirmed;
    }
    model->dropped += lost;
    sample_check(lost == sample_stats().dropped_full - dropped_before,
                 "what the limit takes is counted");
}

static void do_append(void)
{
    uint8_t key = (uint8_t)roll(KEYS);
    uint64_t hash = hash_of(key), dropped = sample_stats().dropped_full;
    bool is_behind = spool_is_behind(sample.spool, hash), must_wait = false, any = false;
    for (uint64_t n = model->low; n < model->next; n++) {
        any = any || is_waiting(&model->record[n]);
        must_wait = must_wait || (is_waiting(&model->record[n]) && model->record[n].key == key);
    }
    sample_check(is_behind || !must_wait, "a key with a record that waits is behind");
    sample_check(!is_behind || any, "nothing is behind where nothing waits");
    uint64_t number = spool_append(sample.spool, sample_record(model->next, LEN_MAX), hash);
    sample_check(number == model->next, "numbers follow one another");
    model->record[number] = (struct model_record){.fate = APPENDED, .key = key};
    model->next++;
    see_drops(dropped);
    if (!is_behind && roll(4) > 0) {
        spool_given(sample.spool, number);
        give(number);
        model->direct++;
    } else {
        model->waited++;
    }
}

static void do_next(bool take_back)
{
    struct spool_record got;
    uint64_t first = model->low;
    while (first < model->next && !is_waiting(&model->record[first]))
        first++;
    bool is_there = spool_next(sample.spool, &got);
    sample_check(is_there == (first < model->next), "what waits is given, and nothing else");
    if (!is_there)
        return;
    sample_check(got.number == first, "what waits is given in order");
    sample_check(slice_eq(got.octets, octets_of(first)), "a record is what it was");
    sample_check(got.key_hash == hash_of(model->record[first].key), "a record has its key");
    if (take_back)
        spool_unread(sample.spool);
    else
        give(first);
}

static void do_catch_up(void)
{
    for (uint64_t n = model->low; n < model->next; n++)
        if (is_waiting(&model->record[n]))
            do_next(false);
}

/* One of those on their way, mostly an old one. */
static void do_confirm(void)
{
    uint64_t skip = roll(4) ? roll(5) : roll(500);
    for (uint64_t n = model->low; n < model->next; n++) {
        struct model_record *r = &model->record[n];
        if (r->fate == ABSENT || !r->given || r->confirmed || skip-- > 0)
            continue;
        spool_confirm(sample.spool, n);
        r->confirmed = true;
        return;
    }
}

static void do_rewind(void)
{
    uint64_t before = sample_stats().dropped_full, on_way = 0;
    spool_rewind(sample.spool);
    for (uint64_t n = model->low; n < model->next; n++) {
        struct model_record *r = &model->record[n];
        on_way += r->fate != ABSENT && r->gone && r->given && !r->confirmed;
        r->given = r->confirmed || r->gone;
        r->confirmed = r->confirmed || r->gone;
    }
    sample_check(sample_stats().dropped_full - before == on_way,
                 "what was on its way when its file went, and failed, is counted");
}

static void do_write(bool sync)
{
    sample_check(sync ? spool_sync(sample.spool) : spool_write(sample.spool), "it can be written");
    for (uint64_t n = model->low; n < model->next; n++) {
        struct model_record *r = &model->record[n];
        if (r->fate == APPENDED)
            r->fate = WRITTEN;
        r->noted = r->noted || (sync && r->confirmed);
    }
    while (model->low < model->next && model->record[model->low].noted)
        model->low++;
}

static void check_stats(void)
{
    struct spool_stats stats = sample_stats();
    uint64_t records = 0, bytes = 0;
    for (uint64_t n = model->low; n < model->next; n++) {
        const struct model_record *r = &model->record[n];
        if (r->fate == ABSENT || r->confirmed || r->gone)
            continue;
        records++;
        bytes += 36 + octets_of(n).len;
    }
    sample_check(stats.records == records, "the records that are not confirmed are counted");
    sample_check(stats.bytes == bytes, "and their octets");
    sample_check(stats.write_errors == 0 && stats.dropped_damaged == 0, "nothing went wrong");
    sample_files(".seg", &bytes);
    sample_check(bytes <= model->bytes_max, "the limit holds");
}

/*
 * A new process. What was appended and not written is there up to some record, and not from there
 * on; what was confirmed and not noted may come again; all else is as it was.
 */
static void restart(bool was_closed)
{
    uint64_t first_gone = model->next;
    sample_open(model->bytes_max, model->segment_bytes);
    for (uint64_t n = model->next;
         n-- > model->low && model->record[n].fate != WRITTEN && !was_closed;)
        first_gone = n;
    /* The next number says how many of the last ones were kept. */
    struct spool_stats stats = sample_stats();
    uint64_t sure = 0, maybe = 0, confirmed_maybe = 0;
    for (uint64_t n = model->low; n < model->next; n++) {
        struct model_record *r = &model->record[n];
        r->given = false;
        if (r->fate == ABSENT || r->gone)
            continue;
        if (n >= first_gone)
            maybe++;
        else if (!r->confirmed)
            sure++;
        else if (!r->noted && !was_closed)
            confirmed_maybe++;
    }
    sample_check(stats.records >= sure, "nothing that was written is lost by a kill");
    sample_check(stats.records <= sure + maybe + confirmed_maybe, "nothing comes from nowhere");
    sample_check(stats.dropped_damaged <= 1, "at most the last record is cut");
    model->has_restarted = true;
}

/* Reads all that waits after a restart, and makes the model agree where it could not know. */
static void take_stock(bool was_closed)
{
    struct spool_record got;
    uint64_t last = model->low - 1;
    while (spool_next(sample.spool, &got)) {
        sample_check(got.number > last && got.number < model->next, "numbers grow");
        for (uint64_t n = last + 1; n < got.number; n++) {
            struct model_record *r = &model->record[n];
            sample_check(r->fate == ABSENT || r->gone || r->confirmed,
                         "only what was confirmed is left out");
        }
        struct model_record *r = &model->record[got.number];
        sample_check(r->fate != ABSENT && slice_eq(got.octets, octets_of(got.number)),
                     "a record is what it was");
        sample_check(!r->gone, "what the limit took does not come back");
        sample_check(!r->noted && (!r->confirmed || !was_closed),
                     "what was noted as confirmed is not given again");
        r->confirmed = false;
        last = got.number;
    }
    /* Of the last, unwritten ones the spool may have kept the beginning. */
    for (uint64_t n = last + 1; n < model->next; n++) {
        struct model_record *r = &model->record[n];
        if (r->fate == ABSENT || r->gone || r->confirmed)
            continue;
        sample_check(r->fate == APPENDED && !was_closed, "nothing that was written is lost");
        r->fate = ABSENT;
        model->maybe_lost++;
    }
    spool_rewind(sample.spool);
    /* Numbers of lost records come again. */
    uint64_t dropped = sample_stats().dropped_full;
    uint64_t number = spool_append(sample.spool, sample_record(0, LEN_MAX), hash_of(KEYS));
    sample_check(number > last && number <= model->next, "numbers go on");
    sample_check(spool_write(sample.spool), "it can be written");
    for (uint64_t n = number; n < model->next; n++)
        sample_check(model->record[n].fate != WRITTEN || model->record[n].confirmed ||
                         model->record[n].gone,
                     "no number is used twice while it may wait");
    for (uint64_t n = number; n <= model->next; n++)
        model->record[n] = (struct model_record){.fate = ABSENT};
    model->record[number] =
        (struct model_record){.fate = WRITTEN, .key = KEYS, .confirmed = true, .ever_given = true};
    model->next = number + 1;
    see_drops(dropped);
    spool_given(sample.spool, number);
    spool_confirm(sample.spool, number);
    for (uint64_t n = model->low; n < model->next; n++)
        model->record[n].fate = model->record[n].fate == APPENDED ? WRITTEN : model->record[n].fate;
}

static void operate(unsigned steps)
{
    for (; steps > 0 && model->next < RECORDS_MAX - 2; steps--) {
        uint32_t what = roll(100);
        if (what < 42)
            do_append();
        else if (what < 62)
            do_next(roll(8) == 0);
        else if (what < 92)
            do_confirm();
        else if (what < 97)
            do_write(false);
        else if (what < 99)
            do_write(true);
        else if (roll(3) == 0)
            do_rewind();
        else
            do_catch_up();
        if (roll(50) == 0)
            check_stats();
    }
}

/* One life of a process: opens, works, closes the spool or not, and is killed. */
static void live(bool was_closed, bool closes, unsigned steps)
{
    restart(was_closed);
    take_stock(was_closed);
    operate(steps);
    if (closes) {
        sample_close();
        for (uint64_t n = model->low; n < model->next; n++)
            model->record[n].fate = model->record[n].fate ? WRITTEN : ABSENT;
    }
    kill(getpid(), SIGKILL);
}

static void run_lives(uint64_t seed, uint64_t bytes_max, uint64_t segment_bytes, unsigned lives)
{
    bool was_closed = true;
    memset(model, 0, sizeof *model);
    model->next = model->low = 1;
    model->random = seed;
    model->bytes_max = bytes_max;
    model->segment_bytes = segment_bytes;
    for (unsigned i = 0; i < lives; i++) {
        int status;
        bool closes = roll(3) == 0;
        pid_t child = fork();
        if (child == 0)
            live(was_closed, closes, 200 + roll(800));
        waitpid(child, &status, 0);
        if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL)
            fail_msg("seed %llu, life %u ended with %d", (unsigned long long)seed, i, status);
        was_closed = closes;
    }
}

static int share_model(void **state)
{
    (void)state;
    model = mmap(NULL, sizeof *model, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return model == MAP_FAILED ? -1 : 0;
}

static void test_without_a_limit(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 6; seed++) {
        run_lives(seed * 7919, 1 << 30, 40 << 10, 12);
        assert_true(model->next > 1500 && model->direct > 100 && model->waited > 300);
        assert_true(model->maybe_lost > 0); /* a kill took something that was not written */
        assert_int_equal(model->dropped, 0);
        sample_tear_down(NULL);
        sample_set_up(NULL);
    }
}

static void test_with_a_limit(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 6; seed++) {
        run_lives(seed * 104729, 128 << 10, 16 << 10, 12);
        assert_true(model->dropped > 100 && model->direct > 100);
        sample_tear_down(NULL);
        sample_set_up(NULL);
    }
}

/* --- Killed in the middle of writing --- */

static struct {
    _Atomic uint64_t written;    /* the last number that spool_write confirmed */
    _Atomic uint64_t confirmed;  /* all up to here were confirmed, and noted */
    _Atomic uint64_t confirming; /* may be */
} * told;

static void write_until_killed(void)
{
    sample_open(1 << 30, 256 << 10);
    struct spool_record record;
    uint64_t next = 0, confirmed = 0;
    while (spool_next(sample.spool, &record))
        next = record.number;
    for (unsigned round = 1;; round++) {
        uint64_t number = 0;
        for (unsigned i = 0; i < 1 + round * 7 % 60; i++) {
            next = next ? next + 1 : spool_append(sample.spool, sample_record(0, LEN_MAX), 0) + 1;
            number = spool_append(sample.spool, sample_record(next, LEN_MAX), next % 5);
            sample_check(number == next, "numbers go on");
            spool_given(sample.spool, number);
        }
        sample_check(spool_write(sample.spool), "it can be written");
        told->written = number;
        if (round % 16 != 0)
            continue;
        confirmed = told->confirmed + 1;
        if (number > confirmed + 200)
            told->confirming = number - 200;
        for (; confirmed + 200 < number; confirmed++)
            spool_confirm(sample.spool, confirmed);
        sample_check(spool_sync(sample.spool), "it can be synced");
        if (confirmed > 1)
            told->confirmed = confirmed - 1;
    }
}

static void test_killed_in_mid_write(void **state)
{
    uint64_t cuts = 0;
    (void)state;
    told = mmap(NULL, sizeof *told, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(told, MAP_FAILED);
    for (int round = 0; round < 20; round++) {
        struct spool_record record;
        int status;
        pid_t child = fork();
        if (child == 0)
            write_until_killed();
        uint64_t before = told->written;
        while (told->written < before + 500 && waitpid(child, &status, WNOHANG) == 0)
            usleep(100);
        usleep((useconds_t)(rand() % 20000));
        kill(child, SIGKILL);
        waitpid(child, &status, 0);
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
        sample_open(1 << 30, 256 << 10);
        uint64_t expected = 0;
        while (spool_next(sample.spool, &record)) {
            if (expected == 0)
                assert_in_range(record.number, told->confirmed + 1, told->confirming + 1);
            else
                assert_int_equal(record.number, expected);
            expected = record.number + 1;
            assert_true(record.number == 1 ||
                        sample_is_record(record.octets, record.number, LEN_MAX));
        }
        assert_true(expected > told->written); /* nothing that was written is missing */
        cuts += sample_stats().dropped_damaged;
        assert_in_range(sample_stats().dropped_damaged, 0, 1);
        sample_close();
    }
    print_message("%llu records in 20 lives, %llu of them ended in a cut record\n",
                  (unsigned long long)told->written, (unsigned long long)cuts);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, sample_set_up, sample_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_without_a_limit),
        TEST(test_with_a_limit),
        TEST(test_killed_in_mid_write),
    };
    return cmocka_run_group_tests(tests, share_model, NULL);
}
