#include "config/config_docs.h"

#include <stdarg.h>

#include "config/config.h"
#include "config/option_value.h"
#include "config/options.h"

enum { LINE_WIDTH = 80, HELP_COLUMN = 30, SENTENCE_MAX = 512 };

/* Words of `text` in lines of LINE_WIDTH, each begun by `prefix`; the first one is `column` wide
 * already. */
static void print_wrapped(FILE *out, struct slice text, size_t column, const char *prefix)
{
    const size_t indent = slice_str(prefix).len;
    bool first = true;
    while (text.len > 0) {
        size_t len = slice_find(text, ' ');
        if (!first && column + 1 + len > LINE_WIDTH) {
            fprintf(out, "\n%s", prefix);
            column = indent;
            first = true;
        }
        fprintf(out, "%s%.*s", first ? "" : " ", SLICE_ARGS(slice_head(text, len)));
        column += len + !first;
        first = false;
        text = slice_skip(text, len + 1);
    }
    fputc('\n', out);
}

static void append(char *buf, size_t size, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static void append(char *buf, size_t size, const char *format, ...)
{
    size_t len = slice_str(buf).len;
    va_list args;
    va_start(args, format);
    vsnprintf(buf + len, size - len, format, args);
    va_end(args);
}

static const char *default_of(const struct option_spec *option)
{
    return option->default_text ? option->default_text : option->default_note;
}

static void append_sentence(char *buf, size_t size, const char *text)
{
    char first = text[0] >= 'a' && text[0] <= 'z' ? (char)(text[0] - 'a' + 'A') : text[0];
    append(buf, size, "%c%s.", first, text + 1);
}

/* --help */

static void describe_for_help(const struct option_spec *option, char text[static SENTENCE_MAX])
{
    char range[OPTION_EXPECTED_MAX];
    const char *initial = default_of(option);
    option_value_range(option, range);
    snprintf(text, SENTENCE_MAX, "%s", option->text);
    if (initial && range[0])
        append(text, SENTENCE_MAX, " (default %s; %s)", initial, range);
    else if (initial)
        append(text, SENTENCE_MAX, " (default %s)", initial);
}

static void print_help_option(FILE *out, const struct option_spec *option)
{
    char head[2 * OPTION_TEXT_MAX] = "  ";
    char flag[OPTION_TEXT_MAX];
    char metavar[OPTION_TEXT_MAX];
    char text[SENTENCE_MAX];
    if (option->places & OPTION_IN_CLI) {
        if (option->letter)
            append(head, sizeof head, "-%c, ", option->letter);
        else
            append(head, sizeof head, "    ");
        options_metavar(option, metavar);
        append(head, sizeof head, "%s%s%s", options_flag(option, flag), metavar[0] ? " " : "",
               metavar);
    } else {
        append(head, sizeof head, "%s", option->metavar ? option->metavar : option->key);
    }
    fputs(head, out);
    if (slice_str(head).len + 2 > HELP_COLUMN)
        fprintf(out, "\n%*s", HELP_COLUMN, "");
    else
        fprintf(out, "%*s", (int)(HELP_COLUMN - slice_str(head).len), "");
    char prefix[HELP_COLUMN + 1];
    snprintf(prefix, sizeof prefix, "%*s", HELP_COLUMN, "");
    describe_for_help(option, text);
    print_wrapped(out, slice_str(text), HELP_COLUMN, prefix);
}

static void print_group(FILE *out, enum option_group group, const char *before,
                        void (*print)(FILE *, const struct option_spec *))
{
    fprintf(out, "%s%s\n", before, options_group_title(group));
    for (size_t i = 0; i < options_count(); i++)
        if (options_at(i)->group == group)
            print(out, options_at(i));
}

void config_print_help(FILE *out)
{
    fputs("Usage: sipspan [OPTION]... -r FILE... [FILTER]\n"
          "       sipspan [OPTION]... -i DEV... [FILTER]\n"
          "       sipspan [OPTION]... --hep ADDR:PORT...\n"
          "\n"
          "Finds the phone calls that die in silence, in a capture or on a mirror port.\n",
          out);
    for (int group = 0; group < OPTION_GROUP_COUNT; group++)
        print_group(out, (enum option_group)group, "\n", print_help_option);
    fputs("\n"
          "Each option is also a key of the configuration file (call_idle_timeout) and a\n"
          "variable of the environment (SIPSPAN_CALL_IDLE_TIMEOUT); a secret is only that.\n"
          "The command line wins over the environment, and that over the file.\n"
          "\n"
          "Examples:\n"
          "  sipspan -r call.pcap\n"
          "  sipspan -r call.pcap.gz --report json --events events.ndjson\n"
          "  sipspan -c /etc/sipspan/sipspan.yaml -i eth1\n",
          out);
}

/* The example file */

static void print_example_option(FILE *out, const struct option_spec *option)
{
    char text[SENTENCE_MAX] = "# ";
    char expected[OPTION_EXPECTED_MAX];
    const char *initial = default_of(option);
    const char *value = option->default_text ? option->default_text : option->example;
    if (!(option->places & OPTION_IN_FILE))
        return;
    append_sentence(text, sizeof text, option->text);
    fputc('\n', out);
    print_wrapped(out, slice_str(text), 0, "# ");
    snprintf(text, sizeof text, "# Takes %s.", option_value_expected(option, expected));
    print_wrapped(out, slice_str(text), 0, "# ");
    if (!option->default_text) {
        snprintf(text, sizeof text, "# Default: %s. For example:", initial ? initial : "none");
        print_wrapped(out, slice_str(text), 0, "# ");
    }
    fprintf(out, "#%s:%s", option->key, value[0] == '\n' ? "" : " ");
    for (const char *c = value; *c; c++) {
        fputc(*c, out);
        if (*c == '\n')
            fputc('#', out);
    }
    fputc('\n', out);
}

void config_print_example(FILE *out)
{
    fputs("# Configuration of sipspan(8), made from its table of options.\n"
          "#\n"
          "# Every key is here, commented out with its default: as it stands, this file\n"
          "# changes nothing. The command line wins over the environment (SIPSPAN_LISTEN for\n"
          "# the key listen, and so on), and that over this file. To see whether it is good:\n"
          "#\n"
          "#     sipspan --check-config -c /etc/sipspan/sipspan.yaml\n",
          out);
    for (int group = 0; group < OPTION_GROUP_PROGRAM; group++) {
        fputc('\n', out);
        print_group(out, (enum option_group)group, "# --- ", print_example_option);
    }
}

/* The man page */

/* With a minus sign that can be copied. No text begins with what roff takes for a command. */
static void print_roff(FILE *out, const char *text)
{
    for (const char *c = text; *c; c++)
        if (*c == '-')
            fputs("\\-", out);
        else if (*c == '\\')
            fputs("\\e", out);
        else
            fputc(*c, out);
}

static void print_roff_line(FILE *out, const char *before, const char *text, const char *after)
{
    print_roff(out, before);
    print_roff(out, text);
    print_roff(out, after);
    fputc('\n', out);
}

static void print_roff_flag(FILE *out, const struct option_spec *option)
{
    char flag[OPTION_TEXT_MAX];
    char metavar[OPTION_TEXT_MAX];
    if (option->letter)
        fprintf(out, "\\fB\\-%c\\fR, ", option->letter);
    fputs("\\fB", out);
    print_roff(out, options_flag(option, flag));
    fputs("\\fR", out);
    if (options_metavar(option, metavar)[0])
        fprintf(out, " \\fI%s\\fR", metavar);
    fputc('\n', out);
}

static void print_man_option(FILE *out, const struct option_spec *option)
{
    char text[SENTENCE_MAX] = "";
    char expected[OPTION_EXPECTED_MAX];
    fputs(".TP\n", out);
    if (option->places & OPTION_IN_CLI)
        print_roff_flag(out, option);
    else if (option->metavar)
        fprintf(out, "\\fI%s\\fR (key \\fB%s\\fR)\n", option->metavar, option->key);
    else
        fprintf(out, "\\fB%s\\fR\n", option->key);
    append_sentence(text, sizeof text, option->text);
    print_roff_line(out, "", text, "");
    if (option->type != OPTION_FLAG)
        print_roff_line(out, "Takes ", option_value_expected(option, expected), ".");
    if (default_of(option))
        print_roff_line(out, "Default: ", default_of(option), ".");
}

void config_print_man(FILE *out)
{
    for (int group = 0; group < OPTION_GROUP_COUNT; group++)
        print_group(out, (enum option_group)group, ".SS ", print_man_option);
}
