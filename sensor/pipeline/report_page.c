#include "pipeline/report_page.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

enum { WIDTH = 80, COUNTS_AT_ONCE = 8, COUNT_TEXT_MAX = 32, ROW_INDENT = 15, ROW_TEXT_MAX = 800 };

/* At most `room` octets of a word, without tearing a character of UTF-8. */
static int cut_word(const char *word, int len, int room)
{
    if (len <= room)
        return len;
    len = room;
    while (len > 1 && ((unsigned char)word[len] & 0xc0) == 0x80)
        len--;
    return len;
}

/* What a terminal would act on, in a file's name or from the wire, is a question mark. */
static void print_word(FILE *out, const char *word, int len)
{
    for (int i = 0; i < len; i++) {
        unsigned char c = (unsigned char)word[i];
        fputc(c < 0x20 || c == 0x7f ? '?' : c, out);
    }
}

void report_page_print(FILE *out, const char *prefix, int indent, const char *text)
{
    int column = fprintf(out, "%s", prefix);
    bool at_start = true;
    for (const char *word = text + strspn(text, " "); *word;) {
        int len = (int)strcspn(word, " ");
        int room = WIDTH - column - !at_start;
        if (len > room && !at_start) {
            column = fprintf(out, "\n%*s", indent, "") - 1;
            at_start = true;
            continue;
        }
        len = cut_word(word, len, room);
        if (!at_start)
            fputc(' ', out);
        print_word(out, word, len);
        column += len + !at_start;
        at_start = false;
        word += len;
        word += strspn(word, " ");
    }
    fputc('\n', out);
}

void report_page_row(FILE *out, uint64_t count, const char *what)
{
    char prefix[48];
    snprintf(prefix, sizeof prefix, "  %12s ", report_page_count(count));
    report_page_print(out, prefix, ROW_INDENT, what);
}

void report_page_row_of(FILE *out, uint64_t count, const char *one, const char *many,
                        const char *rest)
{
    char what[ROW_TEXT_MAX];
    if (count == 0)
        return;
    snprintf(what, sizeof what, "%s %s", report_page_plural(count, one, many), rest);
    report_page_row(out, count, what);
}

void report_page_time(int64_t time_ns, bool with_date, char *buf, size_t len)
{
    time_t seconds = time_ns / 1000000000;
    struct tm tm;
    gmtime_r(&seconds, &tm);
    strftime(buf, len, with_date ? "%Y-%m-%d %H:%M:%S" : "%H:%M:%S", &tm);
}

const char *report_page_count(uint64_t count)
{
    static _Thread_local char buffers[COUNTS_AT_ONCE][COUNT_TEXT_MAX];
    static _Thread_local unsigned next;
    char *buf = buffers[next++ % COUNTS_AT_ONCE];
    char digits[COUNT_TEXT_MAX];
    int len = snprintf(digits, sizeof digits, "%" PRIu64, count);
    char *out = buf;
    for (int i = 0; i < len; i++) {
        if (i > 0 && (len - i) % 3 == 0)
            *out++ = ',';
        *out++ = digits[i];
    }
    *out = 0;
    return buf;
}
