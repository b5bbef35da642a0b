/*
 * regexp.h - regular expressions: compiling and searching.
 */
#ifndef FUNC_SCALAR_REGEXP_H
#define FUNC_SCALAR_REGEXP_H

#include "base/base.h"

enum {
    REGEXP_MAX_GROUPS = 32, /* with the whole match, group 0 */
};

typedef struct regexp regexp;

typedef struct regexp_span {
    size_t start, end; /* SIZE_MAX: the group took no part */
} regexp_span;

/* Compiles `pattern` into `arena`. BASE_INVALID_REGEX with a sentence that tells where;
 * BASE_LIMIT when it is too large. */
base_status regexp_compile(base_text pattern, bool ignore_case, base_arena *arena,
                           const regexp **compiled, base_error *error);
uint32_t regexp_group_count(const regexp *compiled); /* groups and 1 for the whole */

/* Finds the first match that starts at `from` or later. `group_count` spans are filled (0: only
 * whether there is one). Work is proportional to text times pattern. Scratch memory comes from
 * `scratch` and is given back. */
base_status regexp_search(const regexp *compiled, base_text text, size_t from, base_arena *scratch,
                          bool *found, regexp_span *groups, uint32_t group_count,
                          base_error *error);

#endif
