/*
 * platform.h - the one door to libc and to the compiler.
 *
 * Every room gets its libc types, attributes and assertion grades from here, so
 * that a port (WebAssembly, another compiler) is a change of this file and of
 * os/, and so that banned calls (strcpy, sprintf, atoi, rand, time) are easy to
 * see: nobody else includes a system header except os/posix and the library ports.
 *
 * Assertion grades:
 *   BASE_ASSERT  - debug builds only; free in release; states an invariant of code.
 *   BASE_VERIFY  - every build; for invariants whose breach would corrupt data. It
 *                  never sees user input: bad input is an error, not an assertion.
 */
#ifndef BASE_PLATFORM_H
#define BASE_PLATFORM_H

#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BASE_MUST_USE __attribute__((warn_unused_result))
#define BASE_PRINTF(format_index, first_argument)                                                  \
    __attribute__((format(printf, format_index, first_argument)))
#define BASE_INLINE static inline __attribute__((always_inline))
#define BASE_NOINLINE __attribute__((noinline))
#define BASE_COLD __attribute__((cold, noinline))
#define BASE_LIKELY(condition) __builtin_expect(!!(condition), 1)
#define BASE_UNLIKELY(condition) __builtin_expect(!!(condition), 0)
#define BASE_PREFETCH(address) __builtin_prefetch(address)
#define BASE_RESTRICT __restrict__
#define BASE_UNUSED __attribute__((unused))

#define BASE_CACHE_LINE 64
#define BASE_COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define BASE_MIN(a, b) ((a) < (b) ? (a) : (b))
#define BASE_MAX(a, b) ((a) > (b) ? (a) : (b))
#define BASE_ALIGN_UP(value, alignment) (((value) + (alignment)-1) & ~((alignment)-1))

/* 128-bit integers carry decimals beyond 18 digits and exact 64-bit sums. */
__extension__ typedef __int128 int128_t;
__extension__ typedef unsigned __int128 uint128_t;

/* Prints and traps. Reached only through a broken invariant of our own code. */
_Noreturn BASE_COLD void base_assertion_failed(const char *expression, const char *file, int line);

#define BASE_VERIFY(condition)                                                                     \
    (BASE_LIKELY(condition) ? (void)0 : base_assertion_failed(#condition, __FILE__, __LINE__))
#ifdef NDEBUG
#define BASE_ASSERT(condition) ((void)sizeof(!(condition)))
#else
#define BASE_ASSERT(condition) BASE_VERIFY(condition)
#endif

#endif
