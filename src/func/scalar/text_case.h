/*
 * text_case.h - upper and lower case of texts.
 */
#ifndef FUNC_SCALAR_TEXT_CASE_H
#define FUNC_SCALAR_TEXT_CASE_H

#include "base/base.h"

/* The simple case mapping of one character. */
uint32_t func_lower_character(uint32_t code_point);
uint32_t func_upper_character(uint32_t code_point);
/* The text in lower case, in `heap`. False: no memory. */
BASE_MUST_USE bool func_lower(base_text text, base_arena *heap, base_text *lower);

#endif
