/*
 * vector_fixture.h - random columns of every form and shape, for differential tests.
 */
#ifndef TESTS_VECTOR_FIXTURE_H
#define TESTS_VECTOR_FIXTURE_H

#include "unit/unit.h"
#include "vector/vector.h"

static inline uint64_t fixture_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static const types_type fixture_types[] = {
    {.kind = TYPES_BOOLEAN},
    {.kind = TYPES_TINYINT},
    {.kind = TYPES_SMALLINT},
    {.kind = TYPES_INT4},
    {.kind = TYPES_INTEGER},
    {.kind = TYPES_UBIGINT},
    {.kind = TYPES_FLOAT4},
    {.kind = TYPES_FLOAT},
    {.kind = TYPES_DECIMAL, .precision = 15, .scale = 2},
    {.kind = TYPES_DECIMAL, .precision = 38, .scale = 4},
    {.kind = TYPES_TEXT},
    {.kind = TYPES_DATE},
    {.kind = TYPES_INTERVAL},
};

/* Texts that collide in length, prefix and NUL bytes. */
static inline types_string fixture_text(uint64_t random, base_arena *arena)
{
    static const char *const texts[] = {
        "",
        "a",
        "b",
        "abcd",
        "abce",
        "abcdefghijkl",
        "abcdefghijklm",
        "abcdefghijkln",
        "a much longer text that is far",
        "a much longer text that is fat",
    };
    if (random % 12 >= 10) { /* with NUL bytes */
        char *bytes = base_arena_allocate(arena, 20);
        assert_non_null(bytes);
        memset(bytes, 0, 20);
        bytes[0] = 'a';
        bytes[random >> 8 & 15] = (char)(random >> 16 & 1 ? 1 : 0);
        return types_string_of(bytes, random >> 20 & 15);
    }
    const char *text = texts[random % 12];
    return types_string_of(text, strlen(text));
}

/* A value from a small domain with the type's edges, so that equal pairs are common. */
static inline types_value fixture_value(types_type type, uint64_t *state, base_arena *arena)
{
    types_value value = types_null_of(type);
    value.is_null = false;
    uint64_t random = fixture_random(state);
    int64_t small = (int64_t)(random >> 8) % 7 - 3;
    bool edge = random % 16 == 0;
    switch (types_form_of(type)) {
    case TYPES_FORM_BOOL:
        value.cell.boolean = random >> 8 & 1;
        break;
    case TYPES_FORM_INT8:
        value.cell.int8 = edge ? (random & 256 ? INT8_MIN : INT8_MAX) : (int8_t)small;
        break;
    case TYPES_FORM_INT16:
        value.cell.int16 = edge ? (random & 256 ? INT16_MIN : INT16_MAX) : (int16_t)small;
        break;
    case TYPES_FORM_INT32:
        value.cell.int32 = edge ? (random & 256 ? -100000 : 100000) : (int32_t)small;
        break;
    case TYPES_FORM_INT64:
        value.cell.int64 = edge ? (random & 256 ? -999999999999 : 999999999999) : small;
        break;
    case TYPES_FORM_UINT64:
        value.cell.uint64 = edge ? UINT64_MAX : random >> 8 & 7;
        break;
    case TYPES_FORM_INT128:
        value.cell.int128 = edge ? types_power_of_ten(37) * (random & 256 ? 1 : -1) : small;
        break;
    case TYPES_FORM_FLOAT32:
        value.cell.float32 = edge ? (random & 256 ? (float)NAN : -0.0f) : (float)small / 2;
        break;
    case TYPES_FORM_FLOAT64:
        value.cell.float64 = edge ? (random & 256 ? (double)NAN : -0.0) : (double)small / 2;
        break;
    case TYPES_FORM_STRING:
        value.cell.string = fixture_text(random, arena);
        break;
    default:
        value.cell.interval = (types_interval){
            (int32_t)small, (int32_t)(random >> 12 & 63) - 30,
            edge ? INT64_MIN : (int64_t)(random >> 20 & 3) * TYPES_MICROSECONDS_PER_DAY / 2};
    }
    return value;
}

/* Fills `column` (with own memory) with `count` random values in the given shape. A
 * dictionary takes `entries` for its values. */
static inline void fixture_fill(vector *column, vector *entries, vector_shape shape, uint32_t count,
                                uint32_t null_of_16, uint64_t *state, base_arena *arena)
{
    vector_reset(column);
    if (shape == VECTOR_CONSTANT) {
        types_value value = fixture_random(state) % 16 < null_of_16
                                ? types_null_of(column->type)
                                : fixture_value(column->type, state, arena);
        vector_set_constant(column, &value);
        return;
    }
    if (shape == VECTOR_DICTIONARY) {
        uint32_t size = 1 + (uint32_t)(fixture_random(state) % 9);
        vector_reset(entries);
        for (uint32_t i = 0; i < size; i++) {
            types_value value = fixture_value(column->type, state, arena);
            vector_put(entries, i, &value);
        }
        column->shape = VECTOR_DICTIONARY;
        column->dictionary = entries;
        column->dictionary_size = size;
        uint16_t *codes = base_arena_allocate(arena, VECTOR_SIZE * sizeof(uint16_t));
        assert_non_null(codes);
        for (uint32_t i = 0; i < count; i++)
            codes[i] = (uint16_t)(fixture_random(state) % size);
        column->data = codes;
        for (uint32_t i = 0; i < count; i++)
            if (fixture_random(state) % 16 < null_of_16)
                vector_set_null(column, i);
        return;
    }
    for (uint32_t i = 0; i < count; i++) {
        types_value value = fixture_value(column->type, state, arena);
        vector_put(column, i, &value);
        if (fixture_random(state) % 16 < null_of_16) {
            vector_set_null(column, i);
            /* Nobody may follow the pointer of a NULL string. */
            if (column->form == TYPES_FORM_STRING) {
                types_string bad = {.length = 1000};
                bad.far.pointer = (const char *)(uintptr_t)16;
                ((types_string *)column->data)[i] = bad;
            }
        }
    }
}

/* A rising selection of about 1 in `sparse` rows; NULL for all. Returns its length. */
static inline uint32_t fixture_select(uint16_t *buffer, uint32_t rows, uint32_t sparse,
                                      uint64_t *state)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < rows; i++)
        if (fixture_random(state) % sparse == 0)
            buffer[count++] = (uint16_t)i;
    return count;
}

#endif
