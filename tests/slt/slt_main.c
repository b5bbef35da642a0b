/*
 * slt_main.c - the command line of the sqllogictest runner.
 *
 * Each file runs on a fresh database. The last line printed is
 * "N passed, M failed, K skipped"; the exit code is 0 only when nothing failed.
 */
#include "slt.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int usage(void)
{
    (void)fputs("usage: tuff-slt [OPTION]... FILE...\n"
                "  --database=PATH     a file (removed first) instead of memory://\n"
                "  --restart-every=N   close and open the database after every N records\n"
                "  --setup=SQL         run after each opening\n"
                "  --engine=NAME       name for onlyif and skipif (postgresql)\n"
                "  --failures=N        failures shown per file (5)\n"
                "  --verbose           one line per file\n",
                stderr);
    return 2;
}

static const char *value_of(const char *argument, const char *name)
{
    size_t length = strlen(name);
    return strncmp(argument, name, length) == 0 && argument[length] == '=' ? argument + length + 1
                                                                           : NULL;
}

int main(int count, char **arguments)
{
    slt_options options = {.engine = "postgresql", .failures_shown = 5};
    slt_counts counts = {0};
    int first = 1;
    for (; first < count && strncmp(arguments[first], "--", 2) == 0; first++) {
        const char *argument = arguments[first], *value;
        if ((value = value_of(argument, "--database")))
            options.database = value;
        else if ((value = value_of(argument, "--restart-every")))
            options.restart_every = strtoull(value, NULL, 10);
        else if ((value = value_of(argument, "--setup")))
            options.setup = value;
        else if ((value = value_of(argument, "--engine")))
            options.engine = value;
        else if ((value = value_of(argument, "--failures")))
            options.failures_shown = strtoul(value, NULL, 10);
        else if (strcmp(argument, "--verbose") == 0)
            options.verbose = true;
        else
            return usage();
    }
    if (first == count)
        return usage();
    for (int i = first; i < count; i++) {
        slt_run_file(arguments[i], &options, &counts);
        (void)fflush(stdout);
    }
    printf("%llu passed, %llu failed, %llu skipped\n", (unsigned long long)counts.passed,
           (unsigned long long)counts.failed, (unsigned long long)counts.skipped);
    return counts.failed ? 1 : 0;
}
