/*
 * regexp_int.h - the program that a pattern becomes: written by regexp.c, run by regexp_match.c.
 */
#ifndef FUNC_SCALAR_REGEXP_INT_H
#define FUNC_SCALAR_REGEXP_INT_H

#include "func/scalar/regexp.h"
#include "types/types.h"

typedef struct range {
    uint32_t low, high;
} range;

typedef struct class {
    range *ranges;
    uint32_t count, capacity;
    bool negated;
} class;

typedef enum operation {
    MATCH,
    CHARACTER,
    ANY,
    CLASS,
    JUMP,  /* to x */
    SPLIT, /* x preferred, then y */
    SAVE,  /* position into slot x */
    START,
    END,
    WORD_BORDER,
    NO_WORD_BORDER,
} operation;

typedef struct instruction {
    uint8_t operation;
    uint32_t x, y; /* targets, the slot, the character */
    const class *set;
} instruction;

struct regexp {
    instruction *program;
    uint32_t length;
    uint32_t groups;
    bool ignore_case;
    bool anchored;      /* can only match at the start */
    bool skips;         /* `starts` leaves bytes out */
    uint64_t starts[4]; /* bit set: a match can start with this byte */
    base_text prefix;   /* the bytes that every match starts with; empty: not known */
};

/* Whether an instruction that reads a character takes this one. */
bool regexp_reads(const regexp *compiled, const instruction *step, uint32_t character);

#endif
