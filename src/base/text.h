/*
 * text.h - counted text, and a buffer that grows.
 *
 * Text inside the library is counted, may hold NUL bytes and is not NUL-terminated unless
 * said so. Comparison without regard to case folds ASCII only: identifiers follow it;
 * collations live in types/.
 */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include "base/memory.h"

typedef struct base_text {
    const char *data;
    size_t length;
} base_text;

#define BASE_TEXT(literal) ((base_text){(literal), sizeof(literal) - 1})
/* For printf: "%.*s", BASE_TEXT_ARGUMENTS(text) */
#define BASE_TEXT_ARGUMENTS(text) (int)(text).length, (text).data

BASE_INLINE base_text base_text_of(const char *terminated)
{
    return (base_text){terminated, terminated ? strlen(terminated) : 0};
}
bool base_text_equal(base_text a, base_text b);
/* ASCII letters compare without case. */
bool base_text_equal_folded(base_text a, base_text b);
/* Bytewise, shorter first on a common prefix: <0, 0, >0. */
int base_text_compare(base_text a, base_text b);
BASE_INLINE char base_ascii_lower(char c)
{
    return (char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
}
BASE_INLINE char base_ascii_upper(char c)
{
    return (char)(c >= 'a' && c <= 'z' ? c - 32 : c);
}
/* Damerau-Levenshtein distance without case, for "did you mean"; `limit` + 1 when it is more, and
 * when the texts have nothing in common ("a" and "b"). */
uint32_t base_text_distance(base_text a, base_text b, uint32_t limit);

/* Growing bytes. After a failed append the buffer is unchanged and `failed` is set, so a
 * series of appends needs one check at its end. `data` is kept NUL-terminated. */
typedef struct base_buffer {
    base_budget *budget;
    char *data;
    size_t length;
    size_t capacity;
    bool failed;
} base_buffer;

void base_buffer_init(base_buffer *buffer, base_budget *budget);
void base_buffer_destroy(base_buffer *buffer);
void base_buffer_clear(base_buffer *buffer); /* keeps the memory, clears `failed` */
bool base_buffer_reserve(base_buffer *buffer, size_t more);
void base_buffer_append(base_buffer *buffer, const void *bytes, size_t length);
void base_buffer_append_text(base_buffer *buffer, const char *terminated);
void base_buffer_append_byte(base_buffer *buffer, char byte);
void base_buffer_append_format(base_buffer *buffer, const char *format, ...) BASE_PRINTF(2, 3);

#endif
