/* One call of config_load, with what it printed. */
#ifndef SIPSPAN_TESTS_UNIT_CONFIG_LOAD_H
#define SIPSPAN_TESTS_UNIT_CONFIG_LOAD_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "config/config.h"

struct load {
    struct config config;
    enum config_action action;
    char *out;
    char *err;
};

/* args ends with NULL; env too, or is NULL. */
static inline struct load load_with(const char *const *env, const char *const *args)
{
    struct load load;
    char *argv[64];
    char *variables[16];
    int argc = 0;
    size_t count = 0;
    size_t out_size;
    size_t err_size;
    FILE *out = open_memstream(&load.out, &out_size);
    FILE *err = open_memstream(&load.err, &err_size);
    assert_non_null(out);
    assert_non_null(err);
    argv[argc++] = strdup("sipspan");
    for (; *args; args++)
        argv[argc++] = strdup(*args);
    argv[argc] = NULL;
    for (; env && *env; env++)
        variables[count++] = strdup(*env);
    variables[count] = NULL;
    load.action = config_load(&load.config, argc, argv, variables, "sipspan 1.2.3\nlibx 4",
                              out, err);
    fclose(out);
    fclose(err);
    while (argc > 0)
        free(argv[--argc]);
    while (count > 0)
        free(variables[--count]);
    return load;
}

static inline void load_free(struct load *load)
{
    config_fini(&load->config);
    free(load->out);
    free(load->err);
}

#define LOAD(...) load_with(NULL, (const char *const[]){__VA_ARGS__, NULL})
#define LOAD_ENV(env, ...) load_with((env), (const char *const[]){__VA_ARGS__, NULL})

/* A file that is gone at the end of the test: unlink(path). */
static inline void load_write_file(char path[static 32], const char *text)
{
    memcpy(path, "/tmp/sipspan-test-XXXXXX", sizeof "/tmp/sipspan-test-XXXXXX");
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
}

static inline void assert_has(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("'%s' is not in:\n%s", part, text);
}

static inline void assert_has_not(const char *text, const char *part)
{
    if (strstr(text, part))
        fail_msg("'%s' is in:\n%s", part, text);
}

#endif
