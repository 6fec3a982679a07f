#include "base/table.h"

#include <errno.h>
#include <stdlib.h>

enum { FIRST_BUCKETS = 256 };

int table_init(struct table *table)
{
    *table = (struct table){.mask = FIRST_BUCKETS - 1};
    table->bucket = calloc(FIRST_BUCKETS, sizeof *table->bucket);
    return table->bucket ? 0 : -ENOMEM;
}

void table_fini(struct table *table)
{
    free(table->bucket);
    *table = (struct table){0};
}

static void grow(struct table *table)
{
    size_t buckets = 2 * (table->mask + 1);
    struct table_node **bucket = calloc(buckets, sizeof *bucket);
    if (!bucket)
        return;
    for (size_t i = 0; i <= table->mask; i++) {
        struct table_node *next;
        for (struct table_node *node = table->bucket[i]; node; node = next) {
            struct table_node **head = &bucket[node->hash & (buckets - 1)];
            next = node->next;
            node->next = *head;
            *head = node;
        }
    }
    free(table->bucket);
    table->bucket = bucket;
    table->mask = buckets - 1;
}

void table_insert(struct table *table, struct table_node *node, uint64_t hash)
{
    if (table->count > table->mask)
        grow(table);
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
