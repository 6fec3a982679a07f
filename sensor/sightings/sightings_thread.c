/*
 * The thread of sightings. Commands go out in batches, and records leave the outbox when Redis has
 * confirmed theirs: what a lost connection swallowed is sent once more.
 */
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/log.h"
#include "sightings/sightings_parts.h"

enum {
    BATCH_MAX = 64,
    BATCH_WAIT_MS = 5, /* for more to come, so that few sightings do not mean many round trips */
    NAP_MS = 50,       /* while Redis is away: how soon the end is noticed */
    SAMPLES_MAX = 64,  /* that wait to be looked up */
    SAMPLES_PER_S = 5,
    PROOFS_MAX = 4096,
};

#define MS              INT64_C(1000000)
#define S               (1000 * MS)
#define BEAT_EVERY_NS   S
#define BACKOFF_MIN_NS  (100 * MS)
#define BACKOFF_MAX_NS  (5 * S)
#define ROUND_TRIP_NS   (100 * MS) /* a clock that is read over more is not known */
#define OFFSET_AGE_NS   (30 * S)
#define SAMPLE_AFTER_NS (3 * S)  /* by then the others have told of it, too */
#define SIGHTING_AGE_NS (64 * S) /* older ones would expire at once, were they in time */
#define QUESTION_AGE_NS (2 * S)

#define SIGHTING_TTL  SLICE("64")
#define CLAIM_TTL     SLICE("300")
#define HEARTBEAT_TTL SLICE("15")

struct sample {
    struct sightings_record record;
    int64_t due_ns;
};

struct worker {
    struct sightings *sightings;
    const struct sightings_params *params;
    struct redis_line *redis; /* NULL: away */
    char error[REDIS_LINE_ERROR_MAX];
    bool was_up, is_told_away, is_told_twin;
    int64_t backoff_ns, retry_ns, beat_ns; /* when next; of the clock that only goes on */
    int64_t offset_read_ns;
    int64_t up_ns, done_ns; /* see sightings_beat */
    struct sightings_proofs *proofs;
    struct sample sample[SAMPLES_MAX];
    unsigned first_sample, samples;
    int64_t next_sample_ns;
    struct sightings_record batch[BATCH_MAX];
    struct sightings_beat beat[SIGHTINGS_POINTS_MAX];
};

static int64_t clock_ns(clockid_t clock)
{
    struct timespec ts;
    clock_gettime(clock, &ts);
    return (int64_t)ts.tv_sec * S + ts.tv_nsec;
}

static int64_t now_ns(void)
{
    return clock_ns(CLOCK_MONOTONIC);
}

/* --- commands and replies */

#define SEND(worker, ...)                                                                          \
    redis_line_send((worker)->redis, (const struct slice[]){__VA_ARGS__},                          \
                    sizeof((const struct slice[]){__VA_ARGS__}) / sizeof(struct slice))

/* False: the connection is lost. What Redis refuses is counted, and kept to be said. */
static bool read_reply(struct worker *worker, struct redis_line_reply *reply)
{
    if (!redis_line_read(worker->redis, reply, worker->error))
        return false;
    if (reply->type == REDIS_LINE_REFUSED) {
        atomic_fetch_add(&worker->sightings->errors, 1);
        snprintf(worker->error, sizeof worker->error, "%.*s", SLICE_ARGS(reply->text));
    }
    return true;
}

/* *is_refused is set where one of them is. */
static bool skip_replies(struct worker *worker, unsigned count, bool *is_refused)
{
    struct redis_line_reply reply;
    while (count-- > 0) {
        if (!read_reply(worker, &reply))
            return false;
        *is_refused |= reply.type == REDIS_LINE_REFUSED;
    }
    return true;
}

static struct slice key_of(const struct sightings_record *record, char kind,
                           char key[static SIGHTINGS_KEY_MAX])
{
    int len = snprintf(key, SIGHTINGS_KEY_MAX, "sipspan:%c:{%016" PRIx64 "%016" PRIx64 "}:%" PRIu32,
                       kind, record->hash.high, record->hash.low, record->cseq);
    return slice_of(key, (size_t)len);
}

static struct slice heartbeat_key(const char *point, char key[static SIGHTINGS_KEY_MAX])
{
    int len = snprintf(key, SIGHTINGS_KEY_MAX, "sipspan:s:%.*s", SIGHTINGS_POINT_NAME_MAX, point);
    return slice_of(key, (size_t)len);
}

/* --- the heartbeat */

/* How far this machine's clock is ahead of Redis's: by half the way there and back. */
static bool read_clock(struct worker *worker)
{
    struct sightings *sightings = worker->sightings;
    struct redis_line_reply reply;
    uint64_t seconds, micros;
    int64_t before_ns = clock_ns(CLOCK_REALTIME), began_ns = now_ns();
    SEND(worker, SLICE("TIME"));
    if (!read_reply(worker, &reply) || reply.type == REDIS_LINE_REFUSED)
        return false;
    int64_t took_ns = now_ns() - began_ns;
    if (took_ns <= ROUND_TRIP_NS && reply.type == REDIS_LINE_LIST &&
        slice_to_u64(redis_line_at(&reply, 0), INT64_MAX / S - 1, &seconds) &&
        slice_to_u64(redis_line_at(&reply, 1), 999999, &micros)) {
        int64_t redis_ns = (int64_t)seconds * S + (int64_t)micros * 1000;
        atomic_store(&sightings->offset_ns, before_ns + took_ns / 2 - redis_ns);
        atomic_store(&sightings->has_offset, true);
        worker->offset_read_ns = now_ns();
    } else if (now_ns() - worker->offset_read_ns > OFFSET_AGE_NS) {
        atomic_store(&sightings->has_offset, false);
    }
    return true;
}

/* Until when all that was seen lies in Redis. The clock is read first: what was put before it moved
 * there is either taken by now, or found. */
static void note_done(struct worker *worker)
{
    struct slice octets;
    struct sightings_record record;
    int64_t done_ns = atomic_load_explicit(&worker->sightings->clock_ns, memory_order_acquire);
    if (outbox_peek(worker->sightings->out, &octets)) {
        memcpy(&record, octets.at, sizeof record);
        done_ns = record.time_ns - 1;
    }
    if (done_ns > worker->done_ns)
        worker->done_ns = done_ns;
}

static void read_own_beat(struct worker *worker)
{
    const struct sightings *sightings = worker->sightings;
    note_done(worker);
    worker->beat[sightings->own] = (struct sightings_beat){
        .is_there = true,
        .has_offset = atomic_load(&sightings->has_offset),
        .offset_ns = atomic_load(&sightings->offset_ns),
        .up_ns = worker->up_ns,
        .done_ns = worker->done_ns,
        .packet_ns = atomic_load(&sightings->packet_ns),
        .lost_ns = atomic_load(&sightings->lost_ns),
    };
}

/* Two sensors at one point would hide one another's losses. */
static void look_for_twin(struct worker *worker, const struct redis_line_reply *reply)
{
    struct slice id = reply->type == REDIS_LINE_TEXT ? reply->text : SLICE_NONE;
    bool is_other = id.len > 0 && !slice_eq(id, slice_str(worker->params->sensor_id));
    if (is_other && !worker->is_told_twin)
        log_warning("another sensor, %.*s, says that it is at %s, too: give each point one sensor",
                    SLICE_ARGS(slice_head(id, 64)), worker->params->point);
    worker->is_told_twin = is_other;
}

/* Where that is refused, all else is in vain. */
static bool send_beat(struct worker *worker)
{
    char key_text[SIGHTINGS_KEY_MAX];
    struct slice key = heartbeat_key(worker->params->point, key_text);
    struct sightings_beat_text text;
    struct redis_line_reply reply;
    bool is_refused = false;
    if (!read_clock(worker))
        return false;
    read_own_beat(worker);
    sightings_beat_format(&worker->beat[worker->sightings->own], &text);
    struct slice word[4 + 2 * SIGHTINGS_BEAT_FIELDS] = {SLICE("HSET"), key, SLICE("id"),
                                                        slice_str(worker->params->sensor_id)};
    for (unsigned i = 0; i < SIGHTINGS_BEAT_FIELDS; i++) {
        word[4 + 2 * i] = slice_str(text.field[i].name);
        word[5 + 2 * i] = slice_str(text.field[i].value);
    }
    SEND(worker, SLICE("HGET"), key, SLICE("id"));
    redis_line_send(worker->redis, word, sizeof word / sizeof word[0]);
    SEND(worker, SLICE("EXPIRE"), key, HEARTBEAT_TTL);
    if (!read_reply(worker, &reply))
        return false;
    look_for_twin(worker, &reply);
    worker->beat_ns = now_ns() + BEAT_EVERY_NS;
    return skip_replies(worker, 2, &is_refused) && !is_refused;
}

static bool read_beats(struct worker *worker)
{
    const struct sightings_params *params = worker->params;
    char key[SIGHTINGS_KEY_MAX];
    struct redis_line_reply reply;
    read_own_beat(worker);
    for (size_t i = 0; i < params->path_len; i++)
        if (i != worker->sightings->own)
            SEND(worker, SLICE("HGETALL"), heartbeat_key(params->path[i], key));
    for (size_t i = 0; i < params->path_len; i++) {
        struct sightings_beat *beat = &worker->beat[i];
        if (i == worker->sightings->own)
            continue;
        if (!read_reply(worker, &reply))
            return false;
        sightings_beat_init(beat);
        for (size_t k = 0; k + 1 < reply.count; k += 2)
            sightings_beat_read(beat, redis_line_at(&reply, k), redis_line_at(&reply, k + 1));
    }
    return true;
}

/* --- who saw it */

static void ask_times(struct worker *worker, const struct sightings_record *record)
{
    char key[SIGHTINGS_KEY_MAX];
    SEND(worker, SLICE("HGETALL"), key_of(record, 't', key));
}

static bool read_times(struct worker *worker,
                       struct sightings_times at[static SIGHTINGS_POINTS_MAX])
{
    const struct sightings_params *params = worker->params;
    struct redis_line_reply reply;
    if (!read_reply(worker, &reply))
        return false;
    sightings_times_init(at);
    for (size_t k = 0; k + 1 < reply.count; k += 2)
        sightings_times_read(at, params->path, params->path_len, redis_line_at(&reply, k),
                             redis_line_at(&reply, k + 1));
    return true;
}

/* What each point says of the question, and why it may be wrong. Where not even this sensor's own
 * sighting is there, Redis has forgotten. */
static void judge(struct worker *worker, const struct sightings_record *question,
                  const struct sightings_times at[static SIGHTINGS_POINTS_MAX],
                  struct sightings_answer *answer)
{
    unsigned own = worker->sightings->own;
    const struct sightings_beat *ours = &worker->beat[own];
    answer->is_known = at[own].request_ns != SIGHTINGS_NEVER;
    answer->is_ours = true;
    answer->own = own;
    answer->points = (unsigned)worker->params->path_len;
    for (unsigned i = 0; i < answer->points; i++)
        answer->seen[i] = (struct sightings_seen){
            .request = at[i].request_ns != SIGHTINGS_NEVER,
            .response = at[i].response_ns != SIGHTINGS_NEVER,
            .unfit = i == own ? sightings_unfit_self(ours, question->time_ns)
                              : sightings_unfit(&worker->beat[i], ours, question->time_ns,
                                                question->now_ns),
        };
    sightings_proofs_look(worker->proofs, &question->dst, question->transport, now_ns(),
                          answer->seen);
}

/* Whoever asks first is the one to tell. */
static bool claim(struct worker *worker, const struct sightings_record *question, bool *is_ours)
{
    char text[SIGHTINGS_KEY_MAX];
    struct slice key = key_of(question, 'v', text), id = slice_str(worker->params->sensor_id);
    struct redis_line_reply reply;
    bool is_refused = false;
    SEND(worker, SLICE("SET"), key, id, SLICE("NX"), SLICE("EX"), CLAIM_TTL);
    SEND(worker, SLICE("GET"), key);
    if (!skip_replies(worker, 1, &is_refused) || !read_reply(worker, &reply))
        return false;
    *is_ours = is_refused || reply.type != REDIS_LINE_TEXT || slice_eq(reply.text, id);
    return true;
}

static bool give_answer(struct worker *worker, const struct sightings_record *question,
                        struct sightings_reply *reply)
{
    if (sightings_may_accuse(&reply->answer) && !claim(worker, question, &reply->answer.is_ours))
        return false;
    reply->hash = question->hash;
    reply->cseq = question->cseq;
    const struct slice octets = {(const char *)reply, sizeof *reply};
    if (outbox_put(worker->sightings->back, &octets, 1))
        atomic_fetch_add(&worker->sightings->answered, 1);
    return true;
}

static bool is_question(const struct sightings_record *record)
{
    return record->kind == SIGHTINGS_QUESTION &&
           clock_ns(CLOCK_REALTIME) - record->now_ns < QUESTION_AGE_NS;
}

static bool answer_questions(struct worker *worker, unsigned count)
{
    struct sightings_reply replies[BATCH_MAX];
    const struct sightings_record *question[BATCH_MAX];
    unsigned questions = 0;
    for (unsigned i = 0; i < count; i++)
        if (is_question(&worker->batch[i]))
            question[questions++] = &worker->batch[i];
    if (questions == 0)
        return true;
    if (!read_beats(worker))
        return false;
    for (unsigned i = 0; i < questions; i++)
        ask_times(worker, question[i]);
    memset(replies, 0, sizeof replies[0] * questions);
    for (unsigned i = 0; i < questions; i++) {
        struct sightings_times at[SIGHTINGS_POINTS_MAX];
        if (!read_times(worker, at))
            return false;
        judge(worker, question[i], at, &replies[i].answer);
    }
    for (unsigned i = 0; i < questions; i++)
        if (!give_answer(worker, question[i], &replies[i]))
            return false;
    return true;
}

/* --- samples of what was answered, from which is learned who is beyond whom */

static void take_sample(struct worker *worker, const struct sightings_record *record)
{
    int64_t time_ns = now_ns();
    if (worker->samples == SAMPLES_MAX || time_ns < worker->next_sample_ns)
        return;
    worker->next_sample_ns = time_ns + S / SAMPLES_PER_S;
    worker->sample[(worker->first_sample + worker->samples++) % SAMPLES_MAX] =
        (struct sample){*record, time_ns + SAMPLE_AFTER_NS};
}

static void learn(struct worker *worker, const struct sightings_record *record,
                  struct sightings_times at[static SIGHTINGS_POINTS_MAX])
{
    int64_t request_ns = at[worker->sightings->own].request_ns;
    for (size_t i = 0; i < worker->params->path_len; i++) {
        const struct sightings_beat *beat = &worker->beat[i];
        at[i].is_complete = beat->is_there && beat->up_ns + SIGHTINGS_CLOCK_MAX_NS < request_ns &&
                            beat->done_ns > record->time_ns + SIGHTINGS_CLOCK_MAX_NS;
    }
    sightings_proofs_add(worker->proofs, &record->dst, record->transport, at, now_ns());
}

static bool look_at_samples(struct worker *worker)
{
    struct sightings_times at[SIGHTINGS_POINTS_MAX];
    if (worker->samples == 0 || worker->sample[worker->first_sample].due_ns > now_ns())
        return true;
    if (!read_beats(worker))
        return false;
    while (worker->samples > 0 && worker->sample[worker->first_sample].due_ns <= now_ns()) {
        const struct sample *sample = &worker->sample[worker->first_sample];
        worker->first_sample = (worker->first_sample + 1) % SAMPLES_MAX;
        worker->samples--;
        ask_times(worker, &sample->record);
        if (!read_times(worker, at))
            return false;
        learn(worker, &sample->record, at);
    }
    return true;
}

/* --- what was seen */

static void send_sighting(struct worker *worker, const struct sightings_record *record)
{
    char key_text[SIGHTINGS_KEY_MAX], field[SIGHTINGS_POINT_NAME_MAX + 3], micros[24];
    struct slice key = key_of(record, 't', key_text);
    snprintf(field, sizeof field, "%s:%c", worker->params->point,
             record->kind == SIGHTINGS_REQUEST ? 'q' : 'r');
    snprintf(micros, sizeof micros, "%" PRId64, record->time_ns / 1000);
    SEND(worker, SLICE("HSETNX"), key, slice_str(field), slice_str(micros));
    SEND(worker, SLICE("EXPIRE"), key, SIGHTING_TTL);
}

static void settle(struct worker *worker, const struct sightings_record *record, bool is_noted)
{
    if (record->kind == SIGHTINGS_QUESTION)
        return;
    atomic_fetch_add(is_noted ? &worker->sightings->noted : &worker->sightings->dropped, 1);
    if (!is_noted)
        sightings_note_loss(worker->sightings, record->time_ns);
    else if (record->kind == SIGHTINGS_RESPONSE)
        take_sample(worker, record);
}

static bool note_sightings(struct worker *worker, unsigned count)
{
    bool is_sent[BATCH_MAX], is_refused[BATCH_MAX] = {false};
    for (unsigned i = 0; i < count; i++) {
        const struct sightings_record *record = &worker->batch[i];
        is_sent[i] = record->kind != SIGHTINGS_QUESTION &&
                     clock_ns(CLOCK_REALTIME) - record->time_ns <= SIGHTING_AGE_NS;
        if (is_sent[i])
            send_sighting(worker, record);
    }
    for (unsigned i = 0; i < count; i++)
        if (is_sent[i] && !skip_replies(worker, 2, &is_refused[i]))
            return false;
        else if (is_refused[i])
            log_limited(LOG_LEVEL_WARNING, "redis %s refuses what was seen: %s",
                        worker->params->server, worker->error);
    for (unsigned i = 0; i < count; i++)
        settle(worker, &worker->batch[i], is_sent[i] && !is_refused[i]);
    return true;
}

static unsigned read_batch(struct worker *worker)
{
    struct slice octets;
    uint64_t at = 0;
    unsigned count = 0;
    while (count < BATCH_MAX && outbox_peek_on(worker->sightings->out, &at, &octets))
        memcpy(&worker->batch[count++], octets.at, sizeof worker->batch[0]);
    return count;
}

/* --- the thread */

static int ms_until(int64_t time_ns)
{
    int64_t left_ns = time_ns - now_ns();
    return left_ns <= 0 ? 0 : (int)(left_ns / MS) + 1;
}

/* False: the connection is lost, and nothing was taken that was not done. */
static bool work(struct worker *worker)
{
    unsigned count = read_batch(worker);
    if (count > 0 && (!note_sightings(worker, count) || !answer_questions(worker, count)))
        return false;
    outbox_take(worker->sightings->out, count);
    if (!look_at_samples(worker) || (worker->beat_ns <= now_ns() && !send_beat(worker)))
        return false;
    if (count == 0)
        outbox_wait(worker->sightings->out, ms_until(worker->beat_ns));
    else if (count < BATCH_MAX)
        poll(NULL, 0, BATCH_WAIT_MS);
    return true;
}

static void go_away(struct worker *worker)
{
    redis_line_close(worker->redis);
    worker->redis = NULL;
    atomic_store(&worker->sightings->is_up, false);
    atomic_fetch_add(&worker->sightings->errors, 1);
    if (!worker->is_told_away)
        log_warning("redis %s is away: %s; verdicts go on without the other sensors",
                    worker->params->server, worker->error);
    worker->is_told_away = true;
    worker->retry_ns = now_ns() + worker->backoff_ns;
    worker->backoff_ns *= 2;
    if (worker->backoff_ns > BACKOFF_MAX_NS)
        worker->backoff_ns = BACKOFF_MAX_NS;
}

static void come_up(struct worker *worker)
{
    const struct sightings_params *params = worker->params;
    worker->up_ns = clock_ns(CLOCK_REALTIME);
    worker->redis = redis_line_open(params->server, params->user, params->password, worker->error);
    if (!worker->redis || !send_beat(worker)) {
        go_away(worker);
        return;
    }
    if (worker->is_told_away)
        log_warning("redis %s is %s: the other sensors are asked again", params->server,
                    worker->was_up ? "back" : "there");
    else
        log_info("redis %s: this sensor is at %s", params->server, params->point);
    worker->was_up = true;
    worker->is_told_away = false;
    worker->backoff_ns = BACKOFF_MIN_NS;
    atomic_store(&worker->sightings->is_up, true);
}

void *sightings_run(void *context)
{
    struct sightings *sightings = context;
    struct worker *worker = calloc(1, sizeof *worker);
    pthread_setname_np(pthread_self(), "redis");
    if (worker) {
        worker->sightings = sightings;
        worker->params = &sightings->params;
        worker->backoff_ns = BACKOFF_MIN_NS;
        worker->done_ns = SIGHTINGS_NEVER;
        worker->proofs =
            sightings_proofs_create((unsigned)worker->params->path_len, sightings->own, PROOFS_MAX);
    }
    while (worker && worker->proofs && !atomic_load(&sightings->is_stopped)) {
        if (worker->redis) {
            if (!work(worker))
                go_away(worker);
        } else if (worker->retry_ns <= now_ns()) {
            come_up(worker);
        } else {
            poll(NULL, 0, NAP_MS);
        }
    }
    if (worker) {
        redis_line_close(worker->redis);
        sightings_proofs_destroy(worker->proofs);
    }
    free(worker);
    if (atomic_exchange(&sightings->is_over, true))
        sightings_free(sightings);
    return NULL;
}
