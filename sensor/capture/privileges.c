#include "capture/privileges.h"

#include <cap-ng.h>
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

__attribute__((format(printf, 4, 5))) static int fail(int error_number, char *error, size_t len,
                                                      const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(error, len, format, args);
    va_end(args);
    return -error_number;
}

static int become_user(const struct passwd *user, char *error, size_t len)
{
    if (initgroups(user->pw_name, user->pw_gid) != 0)
        return fail(errno, error, len, "user %s: its groups cannot be taken on: %s", user->pw_name,
                    strerror(errno));
    if (setresgid(user->pw_gid, user->pw_gid, user->pw_gid) != 0 ||
        setresuid(user->pw_uid, user->pw_uid, user->pw_uid) != 0)
        return fail(errno, error, len, "cannot become user %s: %s", user->pw_name, strerror(errno));
    return 0;
}

static int drop_capabilities(char *error, size_t len)
{
    capng_clear(CAPNG_SELECT_CAPS);
    if (capng_apply(CAPNG_SELECT_CAPS) != 0)
        return fail(EPERM, error, len, "capabilities cannot be dropped: %s", strerror(errno));
    /* A kernel without ambient capabilities (before 4.3) has none to clear. */
    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0 && errno != EINVAL)
        return fail(errno, error, len, "ambient capabilities cannot be cleared: %s",
                    strerror(errno));
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return fail(errno, error, len, "new privileges cannot be forbidden: %s", strerror(errno));
    return 0;
}

static int verify(const struct passwd *user, char *error, size_t len)
{
    if (capng_get_caps_process() != 0 || capng_have_capabilities(CAPNG_SELECT_CAPS) != CAPNG_NONE)
        return fail(EPERM, error, len, "capabilities are still held after they were dropped");
    if (user && (setresuid(0, 0, 0) == 0 || setresgid(0, 0, 0) == 0 || geteuid() == 0))
        return fail(EPERM, error, len, "root can still be regained after becoming %s",
                    user->pw_name);
    return 0;
}

/* Whom to become, NULL: stay who it is. */
static int find_account(const char *user, const struct passwd **account, char *error, size_t len)
{
    *account = NULL;
    if (geteuid() != 0 || !user)
        return 0;
    errno = 0;
    *account = getpwnam(user);
    if (!*account)
        return fail(errno ? errno : ENOENT, error, len,
                    "user %s: %s; make it (useradd --system %s) or name another one with --user",
                    user, errno ? strerror(errno) : "there is no such user", user);
    if ((*account)->pw_uid == 0)
        *account = NULL;
    return 0;
}

int privileges_look_up(const char *user, uid_t *uid, gid_t *gid, char *error, size_t len)
{
    const struct passwd *account;
    int rc = find_account(user, &account, error, len);
    *uid = account ? account->pw_uid : geteuid();
    *gid = account ? account->pw_gid : getegid();
    return rc;
}

int privileges_drop(const char *user, char *error, size_t len)
{
    const struct passwd *account;
    int rc = find_account(user, &account, error, len);
    if (rc != 0)
        return rc;
    if (capng_get_caps_process() != 0)
        return fail(EPERM, error, len, "the capabilities of the process cannot be read");
    /* Needs CAP_SETPCAP, so comes first; without it, NO_NEW_PRIVS alone keeps exec from giving any.
     */
    if (capng_have_capability(CAPNG_EFFECTIVE, CAP_SETPCAP)) {
        capng_clear(CAPNG_SELECT_BOUNDS);
        if (capng_apply(CAPNG_SELECT_BOUNDS) != 0)
            return fail(EPERM, error, len, "the capability bounding set cannot be emptied");
    }
    rc = account ? become_user(account, error, len) : 0;
    if (rc == 0)
        rc = drop_capabilities(error, len);
    return rc != 0 ? rc : verify(account, error, len);
}
