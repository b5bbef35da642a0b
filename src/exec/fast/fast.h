/*
 * fast.h - the tuple path: statements that touch a few rows, run row by row without pipelines.
 *
 * A point read costs a lookup, a copy and little else: no chunk is scanned, no lane is started,
 * nothing is allocated after the first run. Plans that may touch more rows than FAST_ROWS are
 * left to the pipelines. Both paths give the same answers; a setting turns this one off, and the
 * tests run both.
 */
#ifndef EXEC_FAST_FAST_H
#define EXEC_FAST_FAST_H

#include "exec/exec.h"

typedef struct exec_fast exec_fast;

/* `*fast` is NULL when the plan is not for this path. It lives in the execution's arena. */
base_status exec_fast_create(exec_execution *execution, exec_fast **fast, base_error *error);
/* A run begins: parameters are read. */
base_status exec_fast_open(exec_fast *fast, base_error *error);
/* As exec_next. */
base_status exec_fast_next(exec_fast *fast, vector_chunk **chunk, base_error *error);

#endif
