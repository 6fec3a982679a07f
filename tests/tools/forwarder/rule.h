/*
 * rule: what the forwarder does to some of the packets, as its arguments say; see main.c.
 */
#ifndef FORWARDER_RULE_H
#define FORWARDER_RULE_H

#include <stdbool.h>
#include <stdint.h>

struct rule {
    unsigned side;
    uint16_t port_low, port_high;
    int64_t delay_ns, jitter_ns, copy_ns, hold_ns;
    double loss, doubled; /* percents */
    uint64_t drop_every, hold_every;
    bool in_order;
};

/* The text is taken to pieces. False: it is none. */
bool rule_read(struct rule *rule, char *text);

#endif
