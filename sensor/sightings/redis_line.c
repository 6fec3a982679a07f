#include "sightings/redis_line.h"

#include <hiredis/hiredis.h>

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum {
    TIMEOUT_S = 1, /* to connect, and for each whole reply */
    HOST_MAX = 256,
    /* Many times what there is of any reply that is asked for. */
    REPLY_BYTES_MAX = 64 * 1024,
    REPLY_ITEMS_MAX = 1024, /* of one list */
};

/* As hiredis counts the items of a list: 1.0 has other types than 0.14. */
#if HIREDIS_MAJOR >= 1
typedef size_t items_count;
#else
typedef int items_count;
#endif

#define NO_ANSWER "it does not answer"
#define TOO_LARGE "what it answers is too large: is it Redis?"

#define TEXT(number)  #number
#define DIGITS(macro) TEXT(macro)

struct redis_line {
    redisContext *context;
    redisReply *reply;                            /* the one that is looked at; NULL: none */
    const redisReplyObjectFunctions *make;        /* hiredis's own */
    redisReplyObjectFunctions make_within_limits; /* the same, but for lists */
};

struct address {
    bool is_unix;
    char host[HOST_MAX]; /* or the path */
    int port;
};

const char *redis_line_library_version(void)
{
    return DIGITS(HIREDIS_MAJOR) "." DIGITS(HIREDIS_MINOR) "." DIGITS(HIREDIS_PATCH);
}

/* The host without the brackets of an IPv6 address; empty: it is none. */
static struct slice split_port(struct slice text, int *port)
{
    uint64_t number = 0;
    size_t len = text.len;
    while (len > 0 && text.at[len - 1] != ':')
        len--;
    if (len < 2 || !slice_to_u64(slice_skip(text, len), UINT16_MAX, &number) || number == 0)
        return SLICE_NONE;
    *port = (int)number;
    struct slice host = slice_head(text, len - 1);
    if (host.at[0] != '[')
        return host;
    return host.at[host.len - 1] == ']' ? slice_skip(slice_head(host, host.len - 1), 1)
                                        : SLICE_NONE;
}

static const char *parse_address(const char *server, struct address *address)
{
    struct slice text = slice_str(server);
    if (slice_starts(text, SLICE("tls:")))
        return "this version speaks no TLS to it: let stunnel do so on this machine, and give the "
               "address where that listens";
    address->is_unix = slice_starts(text, SLICE("unix:"));
    address->port = 0;
    struct slice host = address->is_unix ? slice_skip(text, 5) : split_port(text, &address->port);
    if (host.len == 0 || host.len >= HOST_MAX)
        return "its address must be HOST:PORT, [ADDRESS]:PORT or unix:PATH";
    memcpy(address->host, host.at, host.len);
    address->host[host.len] = '\0';
    return NULL;
}

const char *redis_line_check(const char *server)
{
    struct address address;
    return parse_address(server, &address);
}

static void note_error(const struct redis_line *line, char error[static REDIS_LINE_ERROR_MAX])
{
    const redisContext *context = line->context;
    const char *text = context->errstr[0] ? context->errstr : "no reply";
    if (context->err == REDIS_ERR_IO && errno == EAGAIN)
        text = NO_ANSWER;
    else if (context->err == REDIS_ERR_OOM)
        text = TOO_LARGE; /* the only way in which this runs out of memory where there is some */
    snprintf(error, REDIS_LINE_ERROR_MAX, "%s", text);
}

static bool log_in(struct redis_line *line, const char *user, const char *password,
                   char error[static REDIS_LINE_ERROR_MAX])
{
    struct redis_line_reply reply;
    const struct slice word[] = {SLICE("AUTH"), slice_str(user ? user : password),
                                 slice_str(password)};
    redis_line_send(line, word, user ? 3 : 2);
    if (!redis_line_read(line, &reply, error))
        return false;
    if (reply.type == REDIS_LINE_REFUSED)
        snprintf(error, REDIS_LINE_ERROR_MAX, "it refuses the login: %.*s", SLICE_ARGS(reply.text));
    return reply.type != REDIS_LINE_REFUSED;
}

/* Room for a list is taken when it is announced, whether or not its items ever come. */
static void *make_list(const redisReadTask *task, items_count items)
{
    const struct redis_line *line = task->privdata;
    return items <= REPLY_ITEMS_MAX ? line->make->createArray(task, items) : NULL;
}

static void limit_lists(struct redis_line *line)
{
    redisReader *reader = line->context->reader;
    line->make = reader->fn;
    line->make_within_limits = *reader->fn;
    line->make_within_limits.createArray = make_list;
    reader->fn = &line->make_within_limits;
    reader->privdata = line;
}

struct redis_line *redis_line_open(const char *server, const char *user, const char *password,
                                   char error[static REDIS_LINE_ERROR_MAX])
{
    const struct timeval timeout = {.tv_sec = TIMEOUT_S};
    struct address address;
    const char *wrong = parse_address(server, &address);
    struct redis_line *line = calloc(1, sizeof *line);
    if (!line || wrong) {
        snprintf(error, REDIS_LINE_ERROR_MAX, "%s", wrong ? wrong : "out of memory");
        free(line);
        return NULL;
    }
    line->context = address.is_unix ? redisConnectUnixWithTimeout(address.host, timeout)
                                    : redisConnectWithTimeout(address.host, address.port, timeout);
    if (!line->context) {
        snprintf(error, REDIS_LINE_ERROR_MAX, "out of memory");
        goto fail;
    }
    if (line->context->err != 0 || redisSetTimeout(line->context, timeout) != REDIS_OK) {
        note_error(line, error);
        goto fail;
    }
    limit_lists(line);
    if (password && !log_in(line, user, password, error))
        goto fail;
    return line;
fail:
    redis_line_close(line);
    return NULL;
}

static void drop_reply(struct redis_line *line)
{
    if (line->reply)
        freeReplyObject(line->reply);
    line->reply = NULL;
}

void redis_line_close(struct redis_line *line)
{
    if (!line)
        return;
    drop_reply(line);
    if (line->context)
        redisFree(line->context);
    free(line);
}

void redis_line_send(struct redis_line *line, const struct slice *word, size_t words)
{
    const char *at[REDIS_LINE_WORDS_MAX];
    size_t len[REDIS_LINE_WORDS_MAX];
    for (size_t i = 0; i < words; i++) {
        at[i] = word[i].at ? word[i].at : "";
        len[i] = word[i].len;
    }
    /* Out of memory is an error of the connection, which the read shows. */
    redisAppendCommandArgv(line->context, (int)words, at, len);
}

static int64_t clock_ms(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* Something can be read, in time. */
static bool is_readable(const struct redis_line *line, int64_t deadline_ms)
{
    struct pollfd pollfd = {.fd = line->context->fd, .events = POLLIN};
    int64_t left_ms = deadline_ms - clock_ms();
    return left_ms > 0 && poll(&pollfd, 1, (int)left_ms) > 0;
}

/* As redisGetReply does, whose time limit is each octet's: it would wait for ever for a reply that
 * comes drop by drop, and take any that is announced. *read stays NULL where it did not come. */
static const char *get_reply(struct redis_line *line, void **read)
{
    redisContext *context = line->context;
    int64_t deadline_ms = clock_ms() + TIMEOUT_S * INT64_C(1000);
    size_t octets = 0;
    int is_written = 0;
    if (redisGetReplyFromReader(context, read) != REDIS_OK || *read)
        return NULL;
    while (!is_written) {
        if (clock_ms() >= deadline_ms)
            return NO_ANSWER;
        if (redisBufferWrite(context, &is_written) != REDIS_OK)
            return NULL;
    }
    while (!*read) {
        size_t before = context->reader->len;
        if (!is_readable(line, deadline_ms))
            return NO_ANSWER;
        if (redisBufferRead(context) != REDIS_OK)
            return NULL;
        octets += context->reader->len - before;
        if (redisGetReplyFromReader(context, read) != REDIS_OK)
            return NULL;
        if (!*read && octets > REPLY_BYTES_MAX)
            return TOO_LARGE;
    }
    return NULL;
}

bool redis_line_read(struct redis_line *line, struct redis_line_reply *reply,
                     char error[static REDIS_LINE_ERROR_MAX])
{
    void *read = NULL;
    drop_reply(line);
    errno = 0;
    const char *wrong = get_reply(line, &read);
    if (!read) {
        if (wrong)
            snprintf(error, REDIS_LINE_ERROR_MAX, "%s", wrong);
        else
            note_error(line, error);
        return false;
    }
    line->reply = read;
    *reply = (struct redis_line_reply){.type = REDIS_LINE_NOTHING};
    switch (line->reply->type) {
    case REDIS_REPLY_STRING:
    case REDIS_REPLY_STATUS:
        reply->type = REDIS_LINE_TEXT;
        reply->text = slice_of(line->reply->str, line->reply->len);
        break;
    case REDIS_REPLY_ERROR:
        reply->type = REDIS_LINE_REFUSED;
        reply->text = slice_of(line->reply->str, line->reply->len);
        break;
    case REDIS_REPLY_ARRAY:
        reply->type = REDIS_LINE_LIST;
        reply->count = line->reply->elements;
        reply->list = line->reply;
        break;
    default:
        break;
    }
    return true;
}

struct slice redis_line_at(const struct redis_line_reply *reply, size_t index)
{
    const redisReply *list = reply->list;
    const redisReply *element = index < reply->count ? list->element[index] : NULL;
    return element && element->type == REDIS_REPLY_STRING ? slice_of(element->str, element->len)
                                                          : SLICE_NONE;
}
