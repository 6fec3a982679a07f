#include "sightings/sightings.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/list.h"
#include "base/thread.h"
#include "sightings/sightings_parts.h"

/* Answers on their way back, and those that wait for their verdict: two seconds' worth of them
 * where two thousand INVITEs a second are lost. */
enum { BACK_BYTES = 1 << 20, KEPT_MAX = 4096 };

/* So long a stop waits for the thread: it looks for the end between a second's waits. */
enum { STOP_MS = 1500 };

/* The names under which the two halves of the fleet's key are drawn from its secret. */
#define KEY_LABELS ((const uint64_t[2]){UINT64_C(0x7369707370616e31), UINT64_C(0x7369707370616e32)})

/* Every sensor of the fleet comes to the same key, in whatever order it was started. */
static struct hash_key derive_key(const char *secret)
{
    size_t len = strlen(secret);
    struct hash_key first = {KEY_LABELS[0], KEY_LABELS[1]}, second = {KEY_LABELS[1], KEY_LABELS[0]};
    return (struct hash_key){hash_bytes(&first, secret, len), hash_bytes(&second, secret, len)};
}

static bool find_own(struct sightings *sightings)
{
    const struct sightings_params *params = &sightings->params;
    for (size_t i = 0; i < params->path_len; i++) {
        if (strcmp(params->path[i], params->point) != 0)
            continue;
        sightings->own = (unsigned)i;
        return true;
    }
    return false;
}

static bool has_twice(const struct sightings_params *params)
{
    for (size_t i = 0; i < params->path_len; i++)
        for (size_t k = 0; k < i; k++)
            if (strcmp(params->path[i], params->path[k]) == 0)
                return true;
    return false;
}

static bool is_name(const char *name)
{
    size_t len = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-");
    return len > 0 && len <= SIGHTINGS_POINT_NAME_MAX && name[len] == '\0';
}

static bool has_strange_name(const struct sightings_params *params)
{
    for (size_t i = 0; i < params->path_len; i++)
        if (!is_name(params->path[i]))
            return true;
    return false;
}

/* NULL: all is well. */
static const char *check(struct sightings *sightings)
{
    const struct sightings_params *params = &sightings->params;
    if (!params->secret || strlen(params->secret) < SIGHTINGS_SECRET_MIN)
        return "its secret is missing or shorter than 16 characters";
    if (params->path_len < 2 || params->path_len > SIGHTINGS_POINTS_MAX)
        return "the path of sensors needs 2 to 16 points";
    if (has_twice(params))
        return "the path of sensors names a point twice";
    if (has_strange_name(params))
        return "a point on the path of sensors is a name of 1 to 32 letters, digits, '.', '_', '-'";
    if (!params->point || !find_own(sightings))
        return "this sensor's point is not on the path of sensors";
    return redis_line_check(params->server);
}

static bool own_text(struct sightings *sightings, const char **text)
{
    if (!*text)
        return true;
    char *copy = strdup(*text);
    sightings->text[sightings->texts++] = copy;
    *text = copy;
    return copy;
}

/* The thread may go on after the stop, when what it was given is gone. */
static bool own_texts(struct sightings *sightings)
{
    struct sightings_params *params = &sightings->params;
    const char **texts[] = {&params->server, &params->user, &params->password, &params->sensor_id,
                            &params->point};
    bool is_done = true;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        is_done &= own_text(sightings, texts[i]);
    for (size_t i = 0; i < params->path_len; i++) {
        sightings->path[i] = params->path[i];
        is_done &= own_text(sightings, &sightings->path[i]);
    }
    params->path = sightings->path;
    params->secret = NULL; /* its key is what is needed */
    return is_done;
}

static int init(struct sightings *sightings)
{
    if (!own_texts(sightings))
        return -ENOMEM;
    sightings->out = outbox_create(sightings->params.outbox_bytes);
    sightings->back = outbox_create(BACK_BYTES);
    sightings->kept = calloc(KEPT_MAX, sizeof *sightings->kept);
    if (table_init(&sightings->kept_table))
        return -ENOMEM;
    return sightings->out && sightings->back && sightings->kept ? 0 : -ENOMEM;
}

/* Signals are for the thread that captures. */
static int start_thread(struct sightings *sightings)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(&sightings->thread, NULL, sightings_run, sightings);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    sightings->has_thread = error == 0;
    return -error;
}

void sightings_free(struct sightings *sightings)
{
    table_fini(&sightings->kept_table);
    free(sightings->kept);
    outbox_close(sightings->back);
    outbox_close(sightings->out);
    for (unsigned i = 0; i < sightings->texts; i++)
        free(sightings->text[i]);
    free(sightings);
}

struct sightings *sightings_start(const struct sightings_params *params, char *error, size_t len)
{
    struct sightings *sightings = calloc(1, sizeof *sightings);
    const char *wrong = sightings ? NULL : "out of memory";
    if (sightings) {
        sightings->params = *params;
        atomic_init(&sightings->packet_ns, SIGHTINGS_NEVER);
        atomic_init(&sightings->clock_ns, SIGHTINGS_NEVER);
        atomic_init(&sightings->lost_ns, SIGHTINGS_NEVER);
        wrong = check(sightings);
    }
    if (!wrong) {
        sightings->key = derive_key(params->secret);
        if (init(sightings) || start_thread(sightings))
            wrong = "out of memory";
    }
    if (!wrong)
        return sightings;
    snprintf(error, len, "redis: %s", wrong);
    sightings_stop(sightings);
    return NULL;
}

void sightings_stop(struct sightings *sightings)
{
    if (!sightings)
        return;
    if (sightings->has_thread) {
        atomic_store(&sightings->is_stopped, true);
        outbox_wake(sightings->out);
        if (!thread_join_within(sightings->thread, &sightings->is_over, STOP_MS))
            return;
    }
    sightings_free(sightings);
}

static struct hash_wide hash_of(const struct sightings *sightings, const struct sighting *sighting)
{
    return hash_two(&sightings->key, sighting->call_id.at, sighting->call_id.len,
                    sighting->branch.at, sighting->branch.len);
}

void sightings_note_loss(struct sightings *sightings, int64_t time_ns)
{
    int64_t before_ns = atomic_load(&sightings->lost_ns);
    while (before_ns < time_ns &&
           !atomic_compare_exchange_weak(&sightings->lost_ns, &before_ns, time_ns))
        ;
}

static bool put(struct sightings *sightings, enum sightings_kind kind,
                const struct sighting *sighting, int64_t now_ns)
{
    struct sightings_record record;
    memset(&record, 0, sizeof record);
    record.kind = kind;
    record.transport = sighting->transport;
    record.hash = hash_of(sightings, sighting);
    record.cseq = sighting->cseq;
    record.dst = sighting->dst;
    record.time_ns = sighting->time_ns;
    record.now_ns = now_ns;
    return outbox_put(sightings->out, &(struct slice){(const char *)&record, sizeof record}, 1);
}

static void note(struct sightings *sightings, enum sightings_kind kind,
                 const struct sighting *sighting)
{
    if (put(sightings, kind, sighting, sighting->time_ns))
        return;
    atomic_fetch_add(&sightings->dropped, 1);
    sightings_note_loss(sightings, sighting->time_ns);
}

void sightings_request(struct sightings *sightings, const struct sighting *sighting)
{
    note(sightings, SIGHTINGS_REQUEST, sighting);
}

void sightings_response(struct sightings *sightings, const struct sighting *sighting)
{
    note(sightings, SIGHTINGS_RESPONSE, sighting);
}

static struct sightings_kept *find_kept(struct sightings *sightings, const struct hash_wide *hash,
                                        uint32_t cseq)
{
    struct table_node *node = table_first(&sightings->kept_table, hash->low);
    for (; node; node = table_next(node)) {
        struct sightings_kept *kept = CONTAINER_OF(node, struct sightings_kept, node);
        if (kept->reply.hash.high == hash->high && kept->reply.cseq == cseq)
            return kept;
    }
    return NULL;
}

static void drop_kept(struct sightings *sightings, struct sightings_kept *kept)
{
    table_remove(&sightings->kept_table, &kept->node);
    kept->is_used = false;
}

/* The oldest that nobody took makes room: its INVITE was answered, or its call is forgotten. */
static void keep(struct sightings *sightings, const struct slice *octets)
{
    struct sightings_reply reply;
    if (octets->len != sizeof reply)
        return;
    memcpy(&reply, octets->at, sizeof reply);
    struct sightings_kept *kept = find_kept(sightings, &reply.hash, reply.cseq);
    if (!kept) {
        kept = &sightings->kept[sightings->next_kept++ % KEPT_MAX];
        if (kept->is_used)
            drop_kept(sightings, kept);
        kept->is_used = true;
        table_insert(&sightings->kept_table, &kept->node, reply.hash.low);
    }
    kept->reply = reply;
}

static void take_replies(struct sightings *sightings)
{
    struct slice octets;
    while (outbox_peek(sightings->back, &octets)) {
        keep(sightings, &octets);
        outbox_take(sightings->back, 1);
    }
}

void sightings_ask(struct sightings *sightings, const struct sighting *sighting, int64_t now_ns)
{
    take_replies(sightings);
    if (put(sightings, SIGHTINGS_QUESTION, sighting, now_ns))
        atomic_fetch_add(&sightings->asked, 1);
}

void sightings_answer(struct sightings *sightings, const struct sighting *sighting,
                      struct sightings_answer *answer)
{
    struct hash_wide hash = hash_of(sightings, sighting);
    take_replies(sightings);
    struct sightings_kept *kept = find_kept(sightings, &hash, sighting->cseq);
    *answer = kept ? kept->reply.answer : (struct sightings_answer){.is_known = false};
    if (kept)
        drop_kept(sightings, kept);
    else
        atomic_fetch_add(&sightings->late, 1);
}

void sightings_saw_packets(struct sightings *sightings, int64_t time_ns)
{
    atomic_store_explicit(&sightings->packet_ns, time_ns, memory_order_relaxed);
    atomic_store_explicit(&sightings->clock_ns, time_ns, memory_order_release);
}

void sightings_idle(struct sightings *sightings, int64_t now_ns)
{
    atomic_store_explicit(&sightings->clock_ns, now_ns, memory_order_release);
}

void sightings_lost_packets(struct sightings *sightings, int64_t time_ns)
{
    sightings_note_loss(sightings, time_ns);
}

const char *sightings_library_version(void)
{
    return redis_line_library_version();
}

void sightings_stats(struct sightings *sightings, struct sightings_stats *out)
{
    struct outbox_stats outbox;
    outbox_stats(sightings->out, &outbox);
    *out = (struct sightings_stats){
        .is_up = atomic_load(&sightings->is_up),
        .noted = atomic_load(&sightings->noted),
        .dropped = atomic_load(&sightings->dropped),
        .asked = atomic_load(&sightings->asked),
        .answered = atomic_load(&sightings->answered),
        .late = atomic_load(&sightings->late),
        .errors = atomic_load(&sightings->errors),
        .clock_offset_s = (double)atomic_load(&sightings->offset_ns) / 1e9,
        .queued_bytes = outbox.queued_bytes,
    };
}
