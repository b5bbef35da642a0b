/*
 * posix_int.h - shared by the files of the POSIX port.
 */
#ifndef OS_POSIX_POSIX_INT_H
#define OS_POSIX_POSIX_INT_H

#include "os/os_int.h"

/* Records errno as "cannot ACTION "PATH": reason" under the status that fits it. */
base_status posix_error(base_error *error, const char *action, const char *path);
base_status posix_open(os_environment *environment, base_budget *budget, const char *path,
                       uint32_t flags, os_file **file, base_error *error);

#endif
