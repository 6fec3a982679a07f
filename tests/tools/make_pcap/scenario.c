#include "scenario.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "pcap_out.h"
#include "scenario_line.h"

enum { LINE_ROOM = 8192 };

void scenario_fail(const struct scenario *s, const char *format, ...)
{
    char what[LINE_ROOM];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    die("%s: %s", s->where, what);
}

struct host *scenario_find_host(const struct scenario *s, const char *name)
{
    for (unsigned i = 0; i < s->host_count; i++)
        if (strcmp(s->hosts[i]->name, name) == 0)
            return s->hosts[i];
    scenario_fail(s, "%s: no such host before", name);
}

static int64_t time_of(const struct scenario *s, const char *word)
{
    int64_t ns;
    if (text_to_ns(word, &ns))
        scenario_fail(s, "%s: not a time in seconds", word);
    return s->base_ns + ns;
}

static void take_file_keys(struct scenario *s, char **words, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        const char *wrong = spec_take(&s->file, SPEC_FILE | SPEC_HOST, words[i]);
        if (wrong)
            scenario_fail(s, "%s: %s", words[i], wrong);
    }
}

/* --set KEY=VALUE of the line file (host NULL), or HOST.KEY=VALUE. */
static void take_set(struct scenario *s, struct host *host)
{
    for (unsigned i = 0; i < s->options->set_count; i++) {
        char *word = s->options->set[i];
        size_t len = strcspn(word, ".=");
        if (!host && word[len] != '.')
            take_file_keys(s, &word, 1);
        if (!host || word[len] != '.' || strlen(host->name) != len ||
            memcmp(host->name, word, len) != 0)
            continue;
        const char *wrong = spec_take(&host->defaults, SPEC_HOST, word + len + 1);
        if (wrong)
            scenario_fail(s, "--set %s: %s", word, wrong);
    }
}

static void set_link(struct scenario *s)
{
    static const struct {
        const char *name;
        enum frame_link link;
    } links[] = {{"ethernet", FRAME_ETHERNET}, {"sll", FRAME_SLL},   {"sll2", FRAME_SLL2},
                 {"raw", FRAME_RAW},           {"null", FRAME_NULL}, {"loop", FRAME_LOOP}};
    if (!s->file.link)
        return;
    for (unsigned i = 0; i < sizeof links / sizeof links[0]; i++) {
        if (strcmp(links[i].name, s->file.link) == 0) {
            s->link = links[i].link;
            return;
        }
    }
    scenario_fail(s, "link=%s: not one of ethernet, sll, sll2, raw, null, loop", s->file.link);
}

static void read_file(struct scenario *s, char **words, int count)
{
    if (s->host_count > 0 || s->file_used)
        scenario_fail(s, "file: must stand before any host and packet");
    take_file_keys(s, words + 1, (unsigned)count - 1);
    take_set(s, NULL);
    if (s->file.resolution && strcmp(s->file.resolution, "us") != 0 &&
        strcmp(s->file.resolution, "ns") != 0)
        scenario_fail(s, "resolution=%s: not us or ns", s->file.resolution);
    set_link(s);
}

/* "clock 10 +3600", "clock 20.5 -2". */
static void read_clock(struct scenario *s, char **words, int count)
{
    struct clock_step step;
    if (count != 3 || (words[2][0] != '+' && words[2][0] != '-') ||
        text_to_ns(words[2] + 1, &step.step_ns))
        scenario_fail(s, "clock TIME +SECONDS, or -SECONDS");
    if (words[2][0] == '-')
        step.step_ns = -step.step_ns;
    step.at_ns = time_of(s, words[1]);
    s->steps = must_realloc(s->steps, (s->step_count + 1) * sizeof *s->steps);
    s->steps[s->step_count++] = step;
}

/* "192.0.2.1:5060", "[2001:db8::1]:5060". */
static void read_endpoint(const struct scenario *s, const char *word, struct endpoint *out)
{
    const char *colon = strrchr(word, ':');
    int64_t port;
    if (!colon || text_to_int(colon + 1, UINT16_MAX, &port) ||
        !ip_parse(slice_of(word, (size_t)(colon - word)), &out->ip))
        scenario_fail(s, "%s: not ADDR:PORT (IPv6 in brackets)", word);
    out->port = (uint16_t)port;
}

static void read_host(struct scenario *s, char **words, int count)
{
    if (count < 3)
        scenario_fail(s, "host NAME ADDR:PORT");
    for (unsigned i = 0; i < s->host_count; i++)
        if (strcmp(s->hosts[i]->name, words[1]) == 0)
            scenario_fail(s, "%s: this host is there already", words[1]);
    struct host *h = must_alloc(sizeof *h);
    h->name = words[1];
    read_endpoint(s, words[2], &h->at);
    h->next_ip_id = (uint16_t)(4096 * (s->host_count + 1));
    h->defaults = s->file;
    for (int i = 3; i < count; i++) {
        const char *wrong = spec_take(&h->defaults, SPEC_HOST, words[i]);
        if (wrong)
            scenario_fail(s, "%s: %s", words[i], wrong);
    }
    take_set(s, h);
    s->hosts = must_realloc(s->hosts, (s->host_count + 1) * sizeof(struct host *));
    s->hosts[s->host_count++] = h;
}

static void read_packet(struct scenario *s, char **words, int count)
{
    if (count < 6 || strcmp(words[3], ">") != 0)
        scenario_fail(s, "%s TIME SRC > DST WHAT [KEY=VALUE]...", words[0]);
    s->file_used = true;
    struct host *src = scenario_find_host(s, words[2]), *dst = scenario_find_host(s, words[4]);
    if (src->at.ip.version != dst->at.ip.version)
        scenario_fail(s, "%s and %s: one speaks IPv4, the other IPv6", words[2], words[4]);
    scenario_add_packets(s, time_of(s, words[1]), strcmp(words[0], "ladder") == 0, src, dst,
                         words[5], words + 6, count - 6);
}

static void read_line(struct scenario *s, const char *text);
static void read_lines(struct scenario *s, const char *path);

/* The line with each $word replaced by the value of word=value. */
static char *substitute(const struct scenario *s, const char *line, char **words, int count)
{
    struct text out = {0};
    text_add(&out, "%s", "");
    for (const char *at = line; *at;) {
        if (*at != '$') {
            text_put(&out, at++, 1);
            continue;
        }
        size_t len = strspn(++at, "abcdefghijklmnopqrstuvwxyz0123456789_");
        const char *value = NULL;
        for (int i = 0; i < count; i++)
            if (strncmp(words[i], at, len) == 0 && words[i][len] == '=')
                value = words[i] + len + 1;
        if (!value)
            scenario_fail(s, "$%.*s: no value given", (int)len, at);
        text_add(&out, "%s", value);
        at += len;
    }
    return out.at;
}

static void read_use(struct scenario *s, char **words, int count)
{
    if (count < 3)
        scenario_fail(s, "use TIME NAME [word=VALUE]...");
    if (s->using)
        scenario_fail(s, "use: not inside a definition");
    const struct definition *found = NULL;
    for (unsigned i = 0; i < s->definition_count; i++)
        if (strcmp(s->definitions[i].name, words[2]) == 0)
            found = &s->definitions[i];
    if (!found)
        scenario_fail(s, "%s: no such definition before", words[2]);
    s->base_ns = time_of(s, words[1]);
    s->using = true;
    for (unsigned i = 0; i < found->line_count; i++) {
        char *line = substitute(s, found->lines[i], words + 3, count - 3);
        read_line(s, line);
        free(line);
    }
    s->base_ns = 0;
    s->using = false;
}

static void read_define(struct scenario *s, char **words, int count)
{
    if (count != 2)
        scenario_fail(s, "define NAME");
    s->definitions =
        must_realloc(s->definitions, (s->definition_count + 1) * sizeof *s->definitions);
    s->defining = &s->definitions[s->definition_count++];
    *s->defining = (struct definition){.name = words[1]};
}

static void keep_defined(struct scenario *s, const char *text)
{
    struct definition *d = s->defining;
    const char *word = text + strspn(text, " \t");
    if (strncmp(word, "end", 3) == 0 && word[3 + strspn(word + 3, " \t")] == '\0') {
        s->defining = NULL;
        return;
    }
    d->lines = must_realloc(d->lines, (d->line_count + 1) * sizeof(char *));
    d->lines[d->line_count++] = must_copy(text);
}

/* The lines of another file, whose path is from this one's folder. */
static void read_include(struct scenario *s, char **words, int count)
{
    if (count != 2 || s->including || s->using)
        scenario_fail(s, "include FILE, and not from an included one or a definition");
    const char *slash = strrchr(s->path, '/');
    int folder = slash ? (int)(slash + 1 - s->path) : 0;
    char *path = must_format("%.*s%s", folder, s->path, words[1]);
    s->including = true;
    read_lines(s, path);
    s->including = false;
    free(path);
}

static void read_line(struct scenario *s, const char *text)
{
    static const struct {
        const char *word;
        void (*read)(struct scenario *, char **, int);
    } statements[] = {{"file", read_file},     {"host", read_host},      {"at", read_packet},
                      {"ladder", read_packet}, {"use", read_use},        {"define", read_define},
                      {"clock", read_clock},   {"include", read_include}};
    char *words[SPEC_WORDS_MAX];
    if (s->defining) {
        keep_defined(s, text);
        return;
    }
    char *line = must_copy(text);
    s->lines = must_realloc(s->lines, (s->line_count + 1) * sizeof(char *));
    s->lines[s->line_count++] = line;
    int count = spec_split(line, words);
    if (count < 0)
        scenario_fail(s, "an open quote, or more than %d words", SPEC_WORDS_MAX);
    if (count == 0)
        return;
    for (unsigned i = 0; i < sizeof statements / sizeof statements[0]; i++) {
        if (strcmp(words[0], statements[i].word) == 0) {
            statements[i].read(s, words, count);
            return;
        }
    }
    scenario_fail(s, "%s: not one of file, host, at, ladder, define, use, clock, include",
                  words[0]);
}

static void read_lines(struct scenario *s, const char *path)
{
    char line[LINE_ROOM];
    FILE *f = fopen(path, "r");
    if (!f)
        die("%s: cannot be opened: %s", path, strerror(errno));
    for (unsigned number = 1; fgets(line, sizeof line, f); number++) {
        snprintf(s->where, sizeof s->where, "%s:%u", path, number);
        size_t len = strcspn(line, "\r\n");
        if (line[len] == '\0' && len + 1 == sizeof line)
            scenario_fail(s, "the line is too long");
        line[len] = '\0';
        read_line(s, line);
    }
    fclose(f);
    if (s->defining)
        scenario_fail(s, "define %s: no end", s->defining->name);
}

static void hide_hosts(struct scenario *s, const char *names)
{
    for (const char *at = names; at && *at;) {
        char name[256];
        size_t len = strcspn(at, ",");
        snprintf(name, sizeof name, "%.*s", (int)len, at);
        scenario_find_host(s, name)->hidden = true;
        at += len + (at[len] == ',');
    }
}

static int by_place(const void *left, const void *right)
{
    const struct scenario_frame *a = left, *b = right;
    if (a->place_ns != b->place_ns)
        return a->place_ns < b->place_ns ? -1 : 1;
    return a->order < b->order ? -1 : a->order > b->order;
}

static void tally(const struct scenario_frame *f, int64_t time_ns)
{
    if (!f->transaction)
        return;
    struct tally *seen = &f->transaction->seen;
    if (f->copy) {
        seen->copies++;
    } else if (f->status) {
        if (seen->responses++ == 0) {
            seen->first_response_ns = time_ns;
            seen->first_status = f->status;
        }
        seen->last_status = f->status;
    } else {
        if (seen->requests++ == 0)
            seen->first_ns = time_ns;
        seen->last_ns = time_ns;
    }
}

static uint64_t *reason_left_out(struct scenario *s, const struct scenario_frame *f)
{
    if (f->unseen)
        return &s->left_out.unseen;
    if (f->src->hidden)
        return &s->left_out.hidden;
    if ((s->file.begin >= 0 && f->time_ns < s->file.begin) ||
        (s->file.end >= 0 && f->time_ns > s->file.end))
        return &s->left_out.outside;
    return NULL;
}

static int64_t clock_error(const struct scenario *s, int64_t time_ns)
{
    int64_t error_ns = 0;
    for (unsigned i = 0; i < s->step_count; i++)
        if (time_ns >= s->steps[i].at_ns)
            error_ns += s->steps[i].step_ns;
    return error_ns;
}

static uint64_t write_capture(struct scenario *s, const struct scenario_options *options)
{
    struct pcap_out out;
    bool us =
        options->microseconds || (s->file.resolution && strcmp(s->file.resolution, "us") == 0);
    int64_t start = s->file.start >= 0 ? s->file.start : SCENARIO_START_NS;
    pcap_out_open(&out, options->out, s->link, us, s->file.snap > 0 ? (uint32_t)s->file.snap : 0);
    if (s->frame_count > 0)
        qsort(s->frames, s->frame_count, sizeof *s->frames, by_place);
    for (size_t i = 0; i < s->frame_count; i++) {
        const struct scenario_frame *f = &s->frames[i];
        uint64_t *left_out = reason_left_out(s, f);
        if (left_out) {
            (*left_out)++;
            continue;
        }
        pcap_out_put(&out, start + f->time_ns + clock_error(s, f->time_ns), f->bytes, f->len);
        tally(f, f->time_ns);
    }
    pcap_out_close(&out);
    return out.packets;
}

static void fini(struct scenario *s)
{
    dialogs_fini(&s->dialogs);
    streams_fini(s);
    for (size_t i = 0; i < s->frame_count; i++) {
        free(s->frames[i].bytes);
        free(s->frames[i].packet);
    }
    for (unsigned i = 0; i < s->host_count; i++)
        free(s->hosts[i]);
    for (unsigned i = 0; i < s->definition_count; i++) {
        for (unsigned k = 0; k < s->definitions[i].line_count; k++)
            free(s->definitions[i].lines[k]);
        free(s->definitions[i].lines);
    }
    for (unsigned i = 0; i < s->line_count; i++)
        free(s->lines[i]);
    free(s->frames);
    free(s->hosts);
    free(s->definitions);
    free(s->lines);
    free(s->steps);
    free(s->moments);
}

/* Every HOST of --set must have been there. */
static void check_set(struct scenario *s)
{
    snprintf(s->where, sizeof s->where, "--set");
    for (unsigned i = 0; i < s->options->set_count; i++) {
        char name[256];
        const char *word = s->options->set[i];
        size_t len = strcspn(word, ".=");
        snprintf(name, sizeof name, "%.*s", (int)len, word);
        if (word[len] == '.')
            scenario_find_host(s, name);
    }
}

void scenario_run(const struct scenario_options *options)
{
    struct scenario s = {.path = options->path, .link = FRAME_ETHERNET, .options = options};
    spec_init(&s.file);
    s.dialogs.where = s.where;
    snprintf(s.where, sizeof s.where, "--set");
    take_set(&s, NULL);
    set_link(&s);
    read_lines(&s, s.path);
    check_set(&s);
    streams_finish(&s);
    s.prng.state = s.file.seed >= 0 ? (uint64_t)s.file.seed : 1;
    hide_hosts(&s, s.file.hide);
    uint64_t packets = write_capture(&s, options);
    if (options->truth)
        scenario_write_truth(&s, options->truth, packets);
    fini(&s);
}
