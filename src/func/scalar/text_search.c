/*
 * text_search.c - finding bytes in bytes, the one search that LIKE, strpos, replace share.
 *
 * A position can only match where both the first and the last byte of the needle stand; with
 * 16 positions tested by two comparisons of vectors, text of the length of a comment column
 * is searched in a few steps. The last, incomplete block is done as a block that overlaps the
 * one before it, so nothing outside the text is read.
 * Rejected: memmem (not in ISO C, quadratic in some libraries); Boyer-Moore and its kin
 * (tables to set up; the needles are short).
 */
#include "func/func_int.h"
#include "func/scalar/text_search.h"
#ifdef __SSE2__
#include <emmintrin.h>
#endif

static const char *find_slowly(const char *text, size_t length, const char *needle, size_t size)
{
    const char *last_start = text + (length - size);
    for (const char *at = text; at <= last_start; at++) {
        at = memchr(at, needle[0], (size_t)(last_start - at) + 1);
        if (!at)
            return NULL;
        if (at[size - 1] == needle[size - 1] && memcmp(at, needle, size) == 0)
            return at;
    }
    return NULL;
}

#ifdef __SSE2__
static inline uint32_t candidates(const char *at, size_t size, __m128i first, __m128i last)
{
    __m128i heads = _mm_loadu_si128((const __m128i *)(const void *)at);
    __m128i tails = _mm_loadu_si128((const __m128i *)(const void *)(at + size - 1));
    return (uint32_t)_mm_movemask_epi8(
        _mm_and_si128(_mm_cmpeq_epi8(heads, first), _mm_cmpeq_epi8(tails, last)));
}

static const char *find_in_blocks(const char *text, size_t length, const char *needle, size_t size)
{
    const __m128i first = _mm_set1_epi8(needle[0]), last = _mm_set1_epi8(needle[size - 1]);
    size_t starts = length - size + 1; /* positions to test, at least 16 */
    for (size_t at = 0;; at += 16) {
        if (at + 16 > starts) {
            if (at >= starts)
                return NULL;
            at = starts - 16;
        }
        for (uint32_t mask = candidates(text + at, size, first, last); mask; mask &= mask - 1) {
            const char *match = text + at + __builtin_ctz(mask);
            if (memcmp(match, needle, size) == 0)
                return match;
        }
    }
}
#endif

const char *func_find_bytes(const char *text, size_t length, const char *needle, size_t size)
{
    if (size == 0)
        return text;
    if (length < size)
        return NULL;
    if (size == 1)
        return memchr(text, needle[0], length);
#ifdef __SSE2__
    if (length - size >= 15)
        return find_in_blocks(text, length, needle, size);
#endif
    return find_slowly(text, length, needle, size);
}
