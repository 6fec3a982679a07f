#include "wrap_layer.h"

#include <string.h>

static const char *const words[] = {"v6", "ip",   "eth", "csum", "seq", "route",
                                    "cw", "zero", "sub", "opt",  "pdu"};

static const char *wrap_from(struct wrap_job *job, unsigned left, struct parcel *p);

static const char *put_fragment(struct wrap_job *job, unsigned left, const struct parcel *p,
                                const struct piece *part)
{
    bool v4 = p->type == ETHERTYPE_IPV4;
    size_t offset = part->begin, len = part->len;
    size_t ip_len = v4 ? 20 : 40, total = p->bytes.len - ip_len;
    bool more = offset + len < total;
    struct parcel piece = {.type = p->type, .outer = p->outer, .depth = p->depth};
    text_put(&piece.bytes, p->bytes.at, ip_len);
    text_put(&piece.bytes, p->bytes.at + ip_len + offset, len);
    for (size_t i = 0; i < part->other && i < len; i++)
        piece.bytes.at[ip_len + i] ^= 0x55;
    uint8_t *ip = (uint8_t *)piece.bytes.at;
    size_t length = v4 ? ip_len + len : len;
    ip[v4 ? 2 : 4] = (uint8_t)(length >> 8);
    ip[v4 ? 3 : 5] = (uint8_t)length;
    if (v4) {
        ip[6] = (uint8_t)((more ? 0x20 : 0) | offset >> 11);
        ip[7] = (uint8_t)(offset >> 3);
        frame_refresh_ip(ip);
    } else {
        uint32_t id = UINT32_C(0x5eed0000) + p->outer.ip_id;
        const uint8_t header[8] = {0,
                                   0,
                                   (uint8_t)(offset >> 8),
                                   (uint8_t)(offset | (more ? 1 : 0)),
                                   (uint8_t)(id >> 24),
                                   (uint8_t)(id >> 16),
                                   (uint8_t)(id >> 8),
                                   (uint8_t)id};
        parcel_insert(&piece, 44, header, sizeof header);
    }
    const char *wrong = wrap_from(job, left, &piece);
    text_fini(&piece.bytes);
    return wrong;
}

static const char *put_fragments(struct wrap_job *job, unsigned left, const struct parcel *p)
{
    size_t ip_len = p->type == ETHERTYPE_IPV4 ? 20 : 40;
    const char *wrong = NULL;
    struct piece piece;
    for (unsigned n = 0;
         !wrong && pieces_next(&job->wrap->layers[left].pieces, p->bytes.len - ip_len, &n, &piece);)
        wrong = put_fragment(job, left, p, &piece);
    return wrong;
}

/* The last step: the link's own header. */
static const char *finish(struct wrap_job *job, struct parcel *p)
{
    uint8_t link[FRAME_HEADERS_MAX];
    struct frame f = p->outer;
    struct text h = {0};
    f.link = job->frame.link;
    f.vlan_count = job->frame.vlan_count;
    memcpy(f.vlan, job->frame.vlan, sizeof f.vlan);
    if (!parcel_is_ip(p) && f.link != FRAME_ETHERNET)
        return "the outermost layer goes only with link=ethernet";
    frame_write_link(&f, link, p->type);
    text_put(&h, link, frame_ip_offset(&f));
    parcel_prepend(p, &h);
    job->take(job->context, (const uint8_t *)p->bytes.at, p->bytes.len, job->taken++);
    return NULL;
}

static const char *wrap_from(struct wrap_job *job, unsigned left, struct parcel *p)
{
    while (left > 0) {
        const struct wrap_layer *layer = &job->wrap->layers[--left];
        if (!layer->kind->put)
            return parcel_is_ip(p) ? put_fragments(job, left, p) : "frag: only IP has fragments";
        const char *wrong = layer->kind->put(job, layer, p);
        if (wrong)
            return wrong;
        if (p->bytes.len > UINT16_MAX - FRAME_HEADERS_MAX && left > 0)
            return "too large to be wrapped";
    }
    return finish(job, p);
}

const char *wrap_up(struct wrap_job *job, const uint8_t *packet, size_t len)
{
    struct parcel p = {.outer = job->frame};
    p.type = packet[0] >> 4 == 4 ? ETHERTYPE_IPV4 : ETHERTYPE_IPV6;
    text_put(&p.bytes, packet, len);
    const char *wrong = wrap_from(job, job->wrap->count, &p);
    text_fini(&p.bytes);
    return wrong;
}

static const char *parse_numbers(struct wrap_layer *layer, const char **at)
{
    int64_t value;
    do {
        (*at)++;
        if (layer->count == layer->kind->most)
            return "a layer with too many numbers";
        if (!pieces_take_number(at, UINT32_MAX, &value))
            return "a layer whose number is none";
        layer->numbers[layer->count] = (uint32_t)value;
        if (**at == '@') {
            (*at)++;
            if (!pieces_take_number(at, UINT16_MAX, &value))
                return "a layer whose number behind @ is none up to 65535";
            layer->qualifiers[layer->count] = (uint16_t)value;
        }
        layer->count++;
    } while (**at == ',');
    return NULL;
}

static const char *parse_word(struct wrap_layer *layer, const char **at)
{
    size_t len = strcspn(++*at, "+/");
    for (unsigned i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strlen(words[i]) != len || memcmp(words[i], *at, len) != 0 ||
            !(layer->kind->words & 1U << i))
            continue;
        *at += len;
        layer->words |= 1U << i;
        return NULL;
    }
    return "a layer with a +word that it does not know (make_pcap --keys lists them)";
}

static const char *parse_pieces(struct wrap_layer *layer, const char **at)
{
    const char *wrong = pieces_parse(at, &layer->pieces);
    if (!wrong && layer->pieces.size % 8 != 0)
        wrong = "frag: fragments are of a multiple of 8 octets";
    layer->count = 1;
    return wrong;
}

static const char *parse_layer(struct wrap_layer *layer, const char **at)
{
    size_t len = strcspn(*at, ":+/");
    const char *wrong = NULL;
    for (unsigned i = 0; i < wrap_kind_count; i++)
        if (strlen(wrap_kinds[i].name) == len && memcmp(wrap_kinds[i].name, *at, len) == 0)
            layer->kind = &wrap_kinds[i];
    if (!layer->kind)
        return "no such layer (make_pcap --keys lists them)";
    *at += len;
    if (**at == ':' && !layer->kind->put) {
        (*at)++;
        wrong = parse_pieces(layer, at);
    } else if (**at == ':') {
        wrong = parse_numbers(layer, at);
    }
    while (!wrong && **at == '+')
        wrong = parse_word(layer, at);
    if (wrong)
        return wrong;
    if (**at && **at != '/')
        return "a layer that is not NAME[:NUMBER[@NUMBER],...][+WORD]...";
    if (layer->count < layer->kind->least)
        return "a layer without the number that it needs";
    return NULL;
}

const char *wrap_parse(const char *text, struct wrap *out)
{
    *out = (struct wrap){0};
    if (!text || strcmp(text, "-") == 0)
        return NULL;
    for (const char *at = text;; at++) {
        if (out->count == WRAP_LAYERS_MAX)
            return "too many layers";
        const char *wrong = parse_layer(&out->layers[out->count++], &at);
        if (wrong || !*at)
            return wrong;
    }
}

void wrap_print_layers(FILE *f)
{
    for (unsigned i = 0; i < wrap_kind_count; i++)
        fprintf(f, "%-7s %s%s%s\n", "wrap", wrap_kinds[i].name, wrap_kinds[i].most > 0 ? ":" : "",
                wrap_kinds[i].about);
}
