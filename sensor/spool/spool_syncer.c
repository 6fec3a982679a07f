#include "spool/spool_syncer.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

/* 0 or errno. */
static int sync_and_close(int fd)
{
    int error = fsync(fd) == 0 ? 0 : errno;
    close(fd);
    return error;
}

static void *run(void *context)
{
    struct spool_syncer *syncer = context;
    pthread_mutex_lock(&syncer->lock);
    for (;;) {
        while (syncer->fds == 0 && !syncer->stop)
            pthread_cond_wait(&syncer->changed, &syncer->lock);
        if (syncer->fds == 0)
            break;
        int fd = syncer->fd[0]; /* stays in the list until it is done: it is not idle before */
        pthread_mutex_unlock(&syncer->lock);
        int error = sync_and_close(fd);
        pthread_mutex_lock(&syncer->lock);
        syncer->fds--;
        memmove(syncer->fd, syncer->fd + 1, syncer->fds * sizeof syncer->fd[0]);
        if (error)
            syncer->error = error;
    }
    pthread_mutex_unlock(&syncer->lock);
    return NULL;
}

void spool_syncer_init(struct spool_syncer *syncer)
{
    *syncer = (struct spool_syncer){.fds = 0};
    pthread_mutex_init(&syncer->lock, NULL);
    pthread_cond_init(&syncer->changed, NULL);
}

void spool_syncer_fini(struct spool_syncer *syncer)
{
    if (syncer->has_thread) {
        pthread_mutex_lock(&syncer->lock);
        syncer->stop = true;
        pthread_cond_signal(&syncer->changed);
        pthread_mutex_unlock(&syncer->lock);
        pthread_join(syncer->thread, NULL);
    }
    pthread_cond_destroy(&syncer->changed);
    pthread_mutex_destroy(&syncer->lock);
}

/* Without signals: they belong to the threads that know what to do. */
static bool start(struct spool_syncer *syncer)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    syncer->has_thread = pthread_create(&syncer->thread, NULL, run, syncer) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return syncer->has_thread;
}

void spool_syncer_post(struct spool_syncer *syncer, int fd)
{
    bool is_taken = syncer->has_thread || start(syncer);
    pthread_mutex_lock(&syncer->lock);
    is_taken = is_taken && syncer->fds < SPOOL_SYNCER_FDS;
    if (is_taken) {
        syncer->fd[syncer->fds++] = fd;
        pthread_cond_signal(&syncer->changed);
    }
    pthread_mutex_unlock(&syncer->lock);
    int error = is_taken ? 0 : sync_and_close(fd);
    if (error) {
        pthread_mutex_lock(&syncer->lock);
        syncer->error = error;
        pthread_mutex_unlock(&syncer->lock);
    }
}

bool spool_syncer_is_idle(struct spool_syncer *syncer)
{
    pthread_mutex_lock(&syncer->lock);
    bool is_idle = syncer->fds == 0;
    pthread_mutex_unlock(&syncer->lock);
    return is_idle;
}

int spool_syncer_error(struct spool_syncer *syncer)
{
    pthread_mutex_lock(&syncer->lock);
    int error = syncer->error;
    syncer->error = 0;
    pthread_mutex_unlock(&syncer->lock);
    return error;
}
