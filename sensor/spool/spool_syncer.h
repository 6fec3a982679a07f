/*
 * spool_syncer: a thread that does nothing but wait for the disk, so that a slow one does not hold
 * up what passes on its way to Kafka. It begins with the first thing to sync.
 */
#ifndef SIPSPAN_SPOOL_SPOOL_SYNCER_H
#define SIPSPAN_SPOOL_SPOOL_SYNCER_H

#include <pthread.h>
#include <stdbool.h>

enum { SPOOL_SYNCER_FDS = 32 };

struct spool_syncer {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool has_thread;
    /* Under the lock: */
    int fd[SPOOL_SYNCER_FDS]; /* to be synced and closed */
    unsigned fds;
    bool stop;
    int error; /* errno of the latest that failed, until it is asked for */
};

void spool_syncer_init(struct spool_syncer *syncer);
/* When all is synced. */
void spool_syncer_fini(struct spool_syncer *syncer);
/* fd is the syncer's from here on. When it is that far behind, waits for this one itself. */
void spool_syncer_post(struct spool_syncer *syncer, int fd);
/* Is nothing left to be synced? */
bool spool_syncer_is_idle(struct spool_syncer *syncer);
/* 0 or errno of a sync that failed since it was last asked. */
int spool_syncer_error(struct spool_syncer *syncer);

#endif
