/*
 * exec_integer_key.h - keys of one integer of any width, for the ways of grouping that use the
 * value itself.
 */
#ifndef EXEC_INTEGER_KEY_H
#define EXEC_INTEGER_KEY_H

#include "types/types.h"
#include "vector/vector.h"

BASE_INLINE bool exec_is_integer_key(types_form form)
{
    return form == TYPES_FORM_INT8 || form == TYPES_FORM_INT16 || form == TYPES_FORM_INT32 ||
           form == TYPES_FORM_INT64;
}

BASE_INLINE int64_t exec_integer_at(types_form form, const void *data, size_t place)
{
    switch (form) {
    case TYPES_FORM_INT8:
        return ((const int8_t *)data)[place];
    case TYPES_FORM_INT16:
        return ((const int16_t *)data)[place];
    case TYPES_FORM_INT32:
        return ((const int32_t *)data)[place];
    default:
        return ((const int64_t *)data)[place];
    }
}

/* Stamps a call with the form as a constant, so that loops are compiled for each. */
#define EXEC_BY_INTEGER_FORM(form, call)                                                           \
    switch (form) {                                                                                \
    case TYPES_FORM_INT8:                                                                          \
        call(TYPES_FORM_INT8);                                                                     \
        break;                                                                                     \
    case TYPES_FORM_INT16:                                                                         \
        call(TYPES_FORM_INT16);                                                                    \
        break;                                                                                     \
    case TYPES_FORM_INT32:                                                                         \
        call(TYPES_FORM_INT32);                                                                    \
        break;                                                                                     \
    default:                                                                                       \
        call(TYPES_FORM_INT64);                                                                    \
        break;                                                                                     \
    }

#endif
