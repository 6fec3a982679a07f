/*
 * pieces: how octets are cut into IP fragments or TCP segments, and in which order they are sent.
 *
 *     512+reversed+twice+gone=1
 */
#ifndef MAKE_PCAP_PIECES_H
#define MAKE_PCAP_PIECES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PIECES_EARLY = 8 }; /* octets by which overlapping pieces overlap */

struct pieces {
    uint32_t size;
    bool reversed, twice; /* twice: each is sent again */
    bool overlap, other;  /* each begins PIECES_EARLY octets early; with other octets there */
    uint32_t left_out;    /* 1 + the index of one that is not sent */
};

struct piece {
    size_t begin, len, other; /* other: so many of its first octets differ */
    bool again;
};

/* Takes N[+WORD]... off *at. NULL or what is wrong. */
const char *pieces_parse(const char **at, struct pieces *out);
/* The piece sent next, *n counting up from 0; false when there is none. */
bool pieces_next(const struct pieces *p, size_t total, unsigned *n, struct piece *out);

/* Decimal or hexadecimal digits off *at. */
bool pieces_take_number(const char **at, int64_t max, int64_t *out);

#endif
