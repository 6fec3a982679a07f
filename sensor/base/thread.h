/*
 * thread: to wait for a thread's end, but not for ever.
 */
#ifndef SIPSPAN_BASE_THREAD_H
#define SIPSPAN_BASE_THREAD_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * Where a name server or another host may hold a thread for longer than anybody waits: the thread
 * sets *is_over as the last it does, with atomic_exchange; where that was true, what it used is its
 * own to free. True here: it has ended, and that is the caller's to free. False: it goes on by
 * itself, and the caller must not touch it any more.
 */
bool thread_join_within(pthread_t thread, _Atomic bool *is_over, int64_t wait_ms);

#endif
