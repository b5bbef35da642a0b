/*
 * window_int.h - the table of window functions.
 */
#ifndef FUNC_WINDOW_WINDOW_INT_H
#define FUNC_WINDOW_WINDOW_INT_H

#include "func/func.h"

extern const func_window func_window_rows[]; /* ends with a row without a name */

#endif
