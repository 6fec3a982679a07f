#include "base/table.h"

#include <errno.h>
#include <stdlib.h>

int table_init(struct table *table, size_t capacity)
{
    size_t buckets = 16;
    while (buckets < capacity)
        buckets *= 2;
    *table = (struct table){.mask = buckets - 1};
    table->bucket = calloc(buckets, sizeof *table->bucket);
    return table->bucket ? 0 : -ENOMEM;
}

void table_fini(struct table *table)
{
    free(table->bucket);
    *table = (struct table){0};
}

void table_insert(struct table *table, struct table_node *node, uint64_t hash)
{
    struct table_node **head = &table->bucket[hash & table->mask];
    node->hash = hash;
    node->next = *head;
    *head = node;
    table->count++;
}

void table_remove(struct table *table, struct table_node *node)
{
    struct table_node **link = &table->bucket[node->hash & table->mask];
    while (*link != node)
        link = &(*link)->next;
    *link = node->next;
    table->count--;
}

static struct table_node *with_hash(struct table_node *node, uint64_t hash)
{
    while (node && node->hash != hash)
        node = node->next;
    return node;
}

struct table_node *table_first(const struct table *table, uint64_t hash)
{
    return with_hash(table->bucket[hash & table->mask], hash);
}

struct table_node *table_next(const struct table_node *node)
{
    return with_hash(node->next, node->hash);
}
