/*
 * time_text.h - what the files of formatted times share.
 */
#ifndef FUNC_SCALAR_TIME_TEXT_H
#define FUNC_SCALAR_TIME_TEXT_H

#include "func/func.h"

/* The time by a format of C's strftime. */
base_status func_strftime(func_call *call, base_text format, int64_t timestamp, types_cell *result,
                          base_error *error);
/* Days since noon of Julian day 0, 4714-11-24 BC. */
double func_julian_day(int64_t timestamp);

#endif
