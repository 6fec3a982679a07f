#include "capture/pcap_filter.h"

#include <ctype.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "capture/capture_backend.h"

enum { WRITTEN_OUT_MAX = 120 };

struct program {
    uint16_t link_type;
    struct bpf_program code;
};

struct pcap_filter {
    const char *expression;
    unsigned count;
    struct program program[PCAP_FILTER_LINK_TYPES_MAX];
};

struct pcap_filter *pcap_filter_create(const char *expression)
{
    struct pcap_filter *filter = calloc(1, sizeof *filter);
    if (filter)
        filter->expression = expression;
    return filter;
}

void pcap_filter_destroy(struct pcap_filter *filter)
{
    if (!filter)
        return;
    for (unsigned i = 0; i < filter->count; i++)
        pcap_freecode(&filter->program[i].code);
    free(filter);
}

static const struct program *find_program(const struct pcap_filter *filter, uint16_t link_type)
{
    for (unsigned i = 0; i < filter->count; i++)
        if (filter->program[i].link_type == link_type)
            return &filter->program[i];
    return NULL;
}

int pcap_filter_prepare(struct pcap_filter *filter, uint16_t link_type,
                        char error[PCAP_FILTER_ERROR_MAX])
{
    if (find_program(filter, link_type))
        return 0;
    if (filter->count == PCAP_FILTER_LINK_TYPES_MAX) {
        snprintf(error, PCAP_FILTER_ERROR_MAX, "more than %d link types",
                 PCAP_FILTER_LINK_TYPES_MAX);
        return -1;
    }
    /* libpcap's own numbers differ from those of files for raw IP. */
    pcap_t *dead =
        pcap_open_dead(link_type == LINK_TYPE_RAW ? DLT_RAW : link_type, CAPTURE_PACKET_MAX);
    if (!dead) {
        snprintf(error, PCAP_FILTER_ERROR_MAX, "out of memory");
        return -1;
    }
    struct program *program = &filter->program[filter->count];
    int rc = pcap_compile(dead, &program->code, filter->expression, 1, PCAP_NETMASK_UNKNOWN);
    if (rc == 0) {
        program->link_type = link_type;
        filter->count++;
    } else {
        snprintf(error, PCAP_FILTER_ERROR_MAX, "%s", pcap_geterr(dead));
    }
    pcap_close(dead);
    return rc == 0 ? 0 : -1;
}

bool pcap_filter_matches(const struct pcap_filter *filter, const struct packet *packet)
{
    const struct program *program = find_program(filter, packet->link_type);
    struct pcap_pkthdr header = {.caplen = packet->captured_len, .len = packet->wire_len};
    return program && pcap_offline_filter(&program->code, &header, packet->bytes) != 0;
}

/* Does the expression hold a word that begins with `word`, so "portrange" for "port" too? */
static bool has_word(const char *expression, const char *word)
{
    for (const char *at = expression; (at = strstr(at, word)) != NULL; at++)
        if (at == expression || !(isalnum((unsigned char)at[-1]) || at[-1] == '_'))
            return true;
    return false;
}

#define FRAGMENTS "ip[6:2] & 0x1fff != 0 or ip6[6] = 44"

bool pcap_filter_caveat(const char *expression, bool live, char text[static PCAP_FILTER_CAVEAT_MAX])
{
    bool has_port = has_word(expression, "port");
    bool has_vlan = has_word(expression, "vlan");
    if (has_vlan && !has_port)
        return false;
    /* Long ones are named, not written out: they would be three times. */
    const char *filter = strlen(expression) <= WRITTEN_OUT_MAX ? expression : "YOUR FILTER";
    if (has_vlan) {
        snprintf(text, PCAP_FILTER_CAVEAT_MAX,
                 "filter: 'port' does not match fragments after the first; what does: '" FRAGMENTS
                 " or %s'. What is in tunnels is matched by its outermost headers.",
                 filter);
        return true;
    }
    char each[2 * WRITTEN_OUT_MAX];
    snprintf(each, sizeof each, has_port ? "(%s or " FRAGMENTS ")" : "(%s)", filter);
    snprintf(text, PCAP_FILTER_CAVEAT_MAX,
             "filter: it does not match %s%s; what does: '%s or (vlan and %s) or (vlan and %s)'. "
             "What is in tunnels is matched by its outermost headers.",
             live ? "packets with two VLAN tags" : "VLAN-tagged packets",
             has_port ? ", nor 'port' fragments after the first" : "", each, each, each);
    return true;
}
