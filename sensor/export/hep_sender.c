#include "export/hep_sender.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/thread.h"
#include "export/hep_link.h"
#include "spool/outbox.h"

enum {
    OUTBOX_BYTES_MIN = 512 * 1024, /* of which one record takes a quarter at most */
    BATCH_BYTES = 128 * 1024,
    BATCH_MESSAGES = 256,
    DATAGRAMS_MAX = 64,
    BACKOFF_MIN_MS = 100,
    BACKOFF_MAX_MS = 10000, /* also how long a connection must last to have been one */
    REFUSED_MS = 3000,      /* after a datagram was refused it is not up for so long */
    IDLE_MS = 1000,
    LOG_EVERY_MS = 60000,
    PATIENCE_MS = 1000, /* of one who may wait, while nothing is taken */
};

/* Messages on their way over a stream, copied from the outbox, where they stay until they are sent.
 */
struct batch {
    char octets[BATCH_BYTES];
    size_t len, done;
    size_t end[BATCH_MESSAGES]; /* of each message */
    unsigned count;
};

struct hep_sender {
    struct outbox *outbox;
    char *to, *key, *node; /* its own: its thread may go on after the stop */
    uint32_t capture_id;
    bool is_patient;
    pthread_t thread;
    int stop_fd;

    /* The thread's own. */
    struct hep_link link;
    struct batch batch;
    int64_t backoff_ms, retry_ms, opened_ms;
    int64_t refused_ms; /* when a datagram was refused last */
    unsigned refusals;  /* in a row, with nothing sent in between */
    bool was_told;      /* that it is down */
    int64_t next_log_ms;
    uint64_t left_out_told;

    /* The putter's own. */
    uint8_t message[HEP_LEN_MAX];
    bool lost_patience;
    uint64_t sent_then; /* when it lost patience */

    _Atomic bool stops, is_up;
    _Atomic bool is_over; /* the thread ended, or nobody waits for its end: the second one frees */
    _Atomic int64_t deadline_ms;
    _Atomic uint64_t sent, lost, connects, errors; /* the thread counts */
    _Atomic uint64_t left_out;                     /* the putter does */
};

static int64_t clock_ms(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void count(_Atomic uint64_t *counter, uint64_t n)
{
    atomic_fetch_add_explicit(counter, n, memory_order_relaxed);
}

/* --- what goes up and down */

static void set_up(struct hep_sender *sender, bool is_up)
{
    if (is_up && sender->was_told)
        log_info("HEP: %s takes messages again", sender->to);
    if (is_up)
        sender->was_told = false;
    atomic_store(&sender->is_up, is_up);
}

static void note_down(struct hep_sender *sender, const char *why)
{
    count(&sender->errors, 1);
    if (!sender->was_told)
        log_warning("HEP: %s: %s; tried again until it is there, what there is no room for is left "
                    "out",
                    sender->to, why);
    sender->was_told = true;
    set_up(sender, false);
}

/* What was sent whole is done with; what was sent in part is lost, the rest is sent again. */
static void end_batch(struct hep_sender *sender)
{
    struct batch *batch = &sender->batch;
    unsigned whole = 0;
    while (whole < batch->count && batch->end[whole] <= batch->done)
        whole++;
    size_t begun = whole > 0 ? batch->end[whole - 1] : 0;
    unsigned half = whole < batch->count && batch->done > begun;
    outbox_take(sender->outbox, whole + half);
    count(&sender->sent, whole);
    count(&sender->lost, half);
    batch->len = batch->done = batch->count = 0;
}

static void retry_later(struct hep_sender *sender, int64_t now_ms)
{
    bool has_lasted = sender->opened_ms != 0 && now_ms - sender->opened_ms >= BACKOFF_MAX_MS;
    if (has_lasted || sender->backoff_ms == 0)
        sender->backoff_ms = BACKOFF_MIN_MS;
    sender->retry_ms = now_ms + sender->backoff_ms;
    sender->backoff_ms *= 2;
    if (sender->backoff_ms > BACKOFF_MAX_MS)
        sender->backoff_ms = BACKOFF_MAX_MS;
    sender->opened_ms = 0;
    sender->refusals = 0;
}

static void look_at_link(struct hep_sender *sender, int64_t now_ms)
{
    if (sender->link.state == HEP_LINK_UP) {
        sender->opened_ms = now_ms;
        count(&sender->connects, 1);
        bool is_refused = sender->link.transport == HEP_OVER_UDP && sender->was_told;
        set_up(sender, !is_refused); /* a datagram's end shows only in what becomes of it */
    } else if (sender->link.state == HEP_LINK_DOWN) {
        end_batch(sender);
        note_down(sender, sender->link.error);
        retry_later(sender, now_ms);
    }
}

/* --- waiting */

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* For the stop, for the link (unless it is down), for the outbox if asked to, for the time. */
static void wait_for(struct hep_sender *sender, bool with_outbox, int64_t timeout_ms)
{
    struct hep_link *link = &sender->link;
    struct pollfd pollfd[] = {
        {.fd = sender->stop_fd, .events = POLLIN},
        {.fd = link->fd, .events = link->wants},
        {.fd = with_outbox ? outbox_fd(sender->outbox) : -1, .events = POLLIN},
    };
    uint64_t stops;
    if (atomic_load(&sender->stops))
        timeout_ms = least(timeout_ms, atomic_load(&sender->deadline_ms) - clock_ms());
    poll(pollfd, sizeof pollfd / sizeof pollfd[0], timeout_ms > 0 ? (int)timeout_ms : 0);
    if (with_outbox)
        (void)outbox_wait(sender->outbox, 0);
    if (pollfd[0].revents && read(sender->stop_fd, &stops, sizeof stops) > 0)
        sender->retry_ms = 0; /* what is there gets its chance */
}

static void note_refusal(struct hep_sender *sender, int error, int64_t now_ms)
{
    sender->refused_ms = now_ms;
    sender->refusals++;
    note_down(sender, strerror(error));
    /* One that is refused again and again may have moved: its name is looked up anew. */
    if (sender->refusals > 1 || now_ms - sender->opened_ms >= BACKOFF_MAX_MS) {
        hep_link_close(&sender->link);
        retry_later(sender, now_ms);
    }
}

/* What the other end says is not for us, but that it closed, or refused something. */
static void listen_to_link(struct hep_sender *sender)
{
    int result = hep_link_drain(&sender->link);
    if (sender->link.state == HEP_LINK_DOWN)
        look_at_link(sender, clock_ms());
    else if (result < 0)
        note_refusal(sender, -result, clock_ms());
}

static void connect_on(struct hep_sender *sender)
{
    struct hep_link *link = &sender->link;
    int64_t now_ms = clock_ms();
    if (link->state == HEP_LINK_DOWN && now_ms < sender->retry_ms) {
        wait_for(sender, false, sender->retry_ms - now_ms);
        return;
    }
    if (link->state != HEP_LINK_DOWN)
        wait_for(sender, false, link->deadline_ms - now_ms);
    hep_link_advance(link, clock_ms());
    look_at_link(sender, clock_ms());
}

/* --- sending */

enum progress { PROGRESS_SENT, PROGRESS_NOTHING_THERE, PROGRESS_BLOCKED };

static void fill_batch(struct hep_sender *sender)
{
    struct batch *batch = &sender->batch;
    struct slice record;
    uint64_t at = 0;
    while (batch->count < BATCH_MESSAGES && outbox_peek_on(sender->outbox, &at, &record) &&
           record.len <= BATCH_BYTES - batch->len) {
        memcpy(batch->octets + batch->len, record.at, record.len);
        batch->len += record.len;
        batch->end[batch->count++] = batch->len;
    }
}

static enum progress send_on_stream(struct hep_sender *sender)
{
    struct batch *batch = &sender->batch;
    if (batch->count == 0)
        fill_batch(sender);
    if (batch->count == 0)
        return PROGRESS_NOTHING_THERE;
    ssize_t n =
        hep_link_write(&sender->link, batch->octets + batch->done, batch->len - batch->done);
    if (n < 0) {
        look_at_link(sender, clock_ms());
        return PROGRESS_SENT;
    }
    batch->done += (size_t)n;
    if (batch->done == batch->len)
        end_batch(sender);
    return n > 0 ? PROGRESS_SENT : PROGRESS_BLOCKED;
}

static unsigned peek_datagrams(struct hep_sender *sender, struct mmsghdr datagram[DATAGRAMS_MAX],
                               struct iovec part[DATAGRAMS_MAX])
{
    struct slice record;
    uint64_t at = 0;
    unsigned n = 0;
    while (n < DATAGRAMS_MAX && outbox_peek_on(sender->outbox, &at, &record)) {
        void *octets;
        memcpy(&octets, &record.at, sizeof octets); /* sendmsg only reads them */
        part[n] = (struct iovec){.iov_base = octets, .iov_len = record.len};
        datagram[n] = (struct mmsghdr){.msg_hdr = {.msg_iov = &part[n], .msg_iovlen = 1}};
        n++;
    }
    return n;
}

static enum progress send_datagrams(struct hep_sender *sender)
{
    struct mmsghdr datagram[DATAGRAMS_MAX];
    struct iovec part[DATAGRAMS_MAX];
    unsigned n = peek_datagrams(sender, datagram, part);
    if (n == 0)
        return PROGRESS_NOTHING_THERE;
    int sent = hep_link_send(&sender->link, datagram, n);
    if (sent >= 0) {
        outbox_take(sender->outbox, (unsigned)sent);
        count(&sender->sent, (uint64_t)sent);
        sender->refusals = 0;
        if (sender->was_told && clock_ms() - sender->refused_ms > REFUSED_MS)
            set_up(sender, true);
        return PROGRESS_SENT;
    }
    if (sent == -EAGAIN || sent == -EINTR || sent == -ENOBUFS) {
        sender->link.wants = POLLIN | POLLOUT;
        return PROGRESS_BLOCKED;
    }
    if (sent == -EMSGSIZE) { /* a datagram holds a little less than a message may */
        outbox_take(sender->outbox, 1);
        count(&sender->lost, 1);
        return PROGRESS_SENT;
    }
    note_refusal(sender, -sent, clock_ms());
    return PROGRESS_SENT;
}

static void send_on(struct hep_sender *sender)
{
    bool is_udp = sender->link.transport == HEP_OVER_UDP;
    enum progress progress = is_udp ? send_datagrams(sender) : send_on_stream(sender);
    if (progress == PROGRESS_SENT)
        return;
    bool is_idle = progress == PROGRESS_NOTHING_THERE;
    if (is_idle) {
        sender->link.wants = POLLIN;
        if (atomic_load(&sender->stops) || outbox_wait(sender->outbox, 0))
            return;
    }
    wait_for(sender, is_idle, IDLE_MS);
    listen_to_link(sender);
}

/* --- the thread */

static void tell_left_out(struct hep_sender *sender, int64_t now_ms)
{
    uint64_t left_out = atomic_load_explicit(&sender->left_out, memory_order_relaxed);
    if (left_out == sender->left_out_told || now_ms < sender->next_log_ms)
        return;
    log_warning("HEP: %s: %" PRIu64 " messages were left out: it takes them too slowly, or not at "
                "all",
                sender->to, left_out - sender->left_out_told);
    sender->left_out_told = left_out;
    sender->next_log_ms = now_ms + LOG_EVERY_MS;
}

static bool is_done(struct hep_sender *sender, int64_t now_ms)
{
    struct slice record;
    return atomic_load(&sender->stops) &&
           (now_ms >= atomic_load(&sender->deadline_ms) || !outbox_peek(sender->outbox, &record));
}

static void free_sender(struct hep_sender *sender)
{
    hep_link_fini(&sender->link);
    outbox_close(sender->outbox);
    if (sender->stop_fd >= 0)
        close(sender->stop_fd);
    free(sender->to);
    free(sender->key);
    free(sender->node);
    free(sender);
}

static void *run(void *context)
{
    struct hep_sender *sender = context;
    struct slice record;
    uint64_t at = 0;
    int64_t now_ms;
    while (!is_done(sender, now_ms = clock_ms())) {
        tell_left_out(sender, now_ms);
        if (sender->link.state == HEP_LINK_UP)
            send_on(sender);
        else
            connect_on(sender);
    }
    end_batch(sender);
    while (outbox_peek_on(sender->outbox, &at, &record))
        count(&sender->lost, 1);
    hep_link_close(&sender->link);
    set_up(sender, false);
    if (atomic_exchange(&sender->is_over, true))
        free_sender(sender);
    return NULL;
}

/* Signals are for the thread that captures. */
static int start_thread(struct hep_sender *sender)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(&sender->thread, NULL, run, sender);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return error;
}

/* Of none there is none. */
static bool copy_text(const char *text, char **copy)
{
    *copy = text ? strdup(text) : NULL;
    return *copy || !text;
}

struct hep_sender *hep_sender_start(const struct hep_sender_params *params, char *error, size_t len)
{
    size_t bytes = params->outbox_bytes;
    struct hep_sender *sender = calloc(1, sizeof *sender);
    if (!sender) {
        snprintf(error, len, "out of memory");
        return NULL;
    }
    sender->capture_id = params->capture_id;
    sender->is_patient = params->is_patient;
    sender->stop_fd = -1;
    if (!hep_link_init(&sender->link, params->to, params->ca_file, error, len)) {
        free_sender(sender);
        return NULL;
    }
    bool has_texts = copy_text(params->to, &sender->to) && copy_text(params->key, &sender->key) &&
                     copy_text(params->node, &sender->node);
    sender->outbox = outbox_create(bytes > OUTBOX_BYTES_MIN ? bytes : OUTBOX_BYTES_MIN);
    sender->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (!has_texts || !sender->outbox || sender->stop_fd < 0 || start_thread(sender) != 0) {
        snprintf(error, len, "%s: no memory or no thread for HEP", params->to);
        free_sender(sender);
        return NULL;
    }
    return sender;
}

/*
 * A name server that does not answer may hold the thread in a look-up for longer than anybody waits
 * here: then it is left to end by itself.
 */
void hep_sender_stop(struct hep_sender *sender, int timeout_ms)
{
    if (!sender)
        return;
    atomic_store(&sender->deadline_ms, clock_ms() + timeout_ms);
    atomic_store(&sender->stops, true);
    const uint64_t one = 1;
    ssize_t written = write(sender->stop_fd, &one, sizeof one);
    (void)written; /* it fails only when nobody read 2^64 of them */
    if (thread_join_within(sender->thread, &sender->is_over, timeout_ms + INT64_C(500)))
        free_sender(sender);
}

/* --- the putter */

/* For as long as messages are taken at all. */
static bool put_patiently(struct hep_sender *sender, const struct slice *message)
{
    const struct timespec pause = {.tv_nsec = 1000000};
    uint64_t sent = atomic_load_explicit(&sender->sent, memory_order_relaxed);
    if (sender->lost_patience && sender->sent_then == sent)
        return false;
    for (int waited_ms = 0; waited_ms < PATIENCE_MS; waited_ms++) {
        nanosleep(&pause, NULL);
        if (outbox_put(sender->outbox, message, 1)) {
            sender->lost_patience = false;
            return true;
        }
        uint64_t sent_now = atomic_load_explicit(&sender->sent, memory_order_relaxed);
        if (sent_now != sent)
            waited_ms = 0;
        sent = sent_now;
    }
    sender->lost_patience = true;
    sender->sent_then = sent;
    return false;
}

void hep_sender_put(struct hep_sender *sender, const struct hep_message *message)
{
    struct hep_message whole = *message;
    whole.key = slice_str(sender->key);
    whole.node = slice_str(sender->node);
    whole.capture_id = sender->capture_id;
    size_t len = hep_write(&whole, sender->message, sizeof sender->message);
    struct slice octets = slice_of((const char *)sender->message, len);
    if (len == 0 || (!outbox_put(sender->outbox, &octets, 1) &&
                     !(sender->is_patient && put_patiently(sender, &octets))))
        count(&sender->left_out, 1);
}

void hep_sender_stats(const struct hep_sender *sender, struct hep_sender_stats *out)
{
    struct outbox_stats outbox;
    outbox_stats(sender->outbox, &outbox);
    *out = (struct hep_sender_stats){
        .is_up = atomic_load(&sender->is_up),
        .sent = atomic_load(&sender->sent),
        .dropped = atomic_load(&sender->lost) + atomic_load(&sender->left_out),
        .connects = atomic_load(&sender->connects),
        .errors = atomic_load(&sender->errors),
        .queued_bytes = outbox.queued_bytes,
    };
}
