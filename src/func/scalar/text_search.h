/*
 * text_search.h - finding bytes in bytes.
 */
#ifndef FUNC_SCALAR_TEXT_SEARCH_H
#define FUNC_SCALAR_TEXT_SEARCH_H

#include "base/base.h"

/* The first place of `needle` in `text`, NULL when there is none; an empty needle is found
 * at the start. */
const char *func_find_bytes(const char *text, size_t length, const char *needle, size_t size);

#endif
