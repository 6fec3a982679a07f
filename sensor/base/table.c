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

int table_init_dense(struct table *table)
{
    int error = table_init(table);
    table->is_dense = true;
    return error;
}

void table_fini(struct table *table)
{
    free(table->bucket);
    *table = (struct table){0};
}

/* Each bucket becomes two. What has one hash keeps its order: the latest inserted comes first. */
static void grow(struct table *table)
{
    size_t half = table->mask + 1;
    struct table_node **bucket = calloc(2 * half, sizeof *bucket);
    if (!bucket)
        return;
    for (size_t i = 0; i < half; i++) {
        struct table_node **end[2] = {&bucket[i], &bucket[half + i]};
        for (struct table_node *node = table->bucket[i]; node; node = node->next) {
            struct table_node ***place = &end[(node->hash & half) != 0];
            **place = node;
            *place = &node->next;
        }
        *end[0] = *end[1] = NULL;
    }
    free(table->bucket);
    table->bucket = bucket;
    table->mask = 2 * half - 1;
}

void table_insert(struct table *table, struct table_node *node, uint64_t hash)
{
    if (table->count >> table->is_dense > table->mask)
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
