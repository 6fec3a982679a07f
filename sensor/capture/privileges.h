/*
 * privileges: gives up what only opening the devices needed.
 *
 * Called once, after the devices are open and before any thread is started: capabilities belong to
 * threads, and those started later inherit what is left, nothing.
 */
#ifndef SIPSPAN_CAPTURE_PRIVILEGES_H
#define SIPSPAN_CAPTURE_PRIVILEGES_H

#include <stddef.h>
#include <sys/types.h>

/*
 * Started as root, becomes `user` with its groups ("root" or NULL keeps the uid). In every case
 * drops all capabilities, those of the bounding set too where that is allowed, and forbids to gain
 * any by exec (PR_SET_NO_NEW_PRIVS). Then makes sure that there is no way back. 0, or -errno and
 * what is wrong and what to do in `error`; the process should then exit.
 */
int privileges_drop(const char *user, char *error, size_t len);
/* Whom that makes of this process: what it opens before may be that user's. The same errors. */
int privileges_look_up(const char *user, uid_t *uid, gid_t *gid, char *error, size_t len);

#endif
