/*
 * Prints what is made from the table of options:
 *
 *     config_docs example > deploy/config/sipspan.yaml
 *     config_docs man < sensor/sipspan.8 > new.8
 *
 * The second copies the man page with what is between its two marks made anew.
 */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "config/config.h"

static int copy_man(void)
{
    static const char begin[] = ".\\\" BEGIN of what is made from the table of options";
    static const char end[] = ".\\\" END";
    char line[1024];
    bool inside = false;
    bool found = false;
    while (fgets(line, sizeof line, stdin)) {
        if (inside && strncmp(line, end, sizeof end - 1) == 0)
            inside = false;
        if (!inside)
            fputs(line, stdout);
        if (strncmp(line, begin, sizeof begin - 1) == 0) {
            inside = found = true;
            config_print_man(stdout);
        }
    }
    return found && !inside ? 0 : 1;
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "example") == 0) {
        config_print_example(stdout);
        return 0;
    }
    if (argc == 2 && strcmp(argv[1], "man") == 0)
        return copy_man();
    fputs("usage: config_docs example | config_docs man < page\n", stderr);
    return 2;
}
