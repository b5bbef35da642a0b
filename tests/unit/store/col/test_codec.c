/*
 * test_codec.c - every codec gives back what it was given, by vector and one by one, and
 * refuses damaged bodies without reading outside of them.
 */
#include "unit/unit.h"
#include "store/col/codec/codec.h"

static uint64_t next_random(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return *state >> 20;
}

static const codec *const all_codecs[] = {&codec_constant, &codec_packed, &codec_dictionary,
                                          &codec_fsst, &codec_plain};

/* A copy at the exact end of a heap block, so that the sanitizer sees a byte too far. */
static uint8_t *exact_copy(const base_buffer *buffer)
{
    uint8_t *copy = malloc(buffer->length ? buffer->length : 1);
    memcpy(copy, buffer->data, buffer->length);
    return copy;
}

static bool cells_equal(types_form form, const void *a, const void *b)
{
    if (form == TYPES_FORM_STRING)
        return types_string_equal(a, b);
    return memcmp(a, b, types_form_size(form)) == 0;
}

static void round_trip(const codec *tested, const codec_input *input, void *plan, size_t estimated)
{
    base_buffer out;
    base_buffer_init(&out, input->arena->budget);
    unit_assert_ok(tested->encode(input, plan, &out, NULL));
    if (tested != &codec_fsst)
        assert_true(out.length <= estimated + 64);
    uint8_t *data = exact_copy(&out);
    codec_body body = {input->form, input->count, data, out.length};
    assert_true(tested->check(&body));
    size_t size = types_form_size(input->form);
    uint8_t *decoded = malloc(2048 * size);
    base_arena heap;
    base_arena_init(&heap, input->arena->budget);
    /* From each step of the first 2,048 values to their end; then 2,048 at a time. */
    for (uint32_t first = 0, count; first < input->count; first += first < 2048 ? 64 : count) {
        count = BASE_MIN(input->count - first, 2048u - first % 2048);
        assert_true(tested->decode(&body, first, count, decoded, &heap));
        for (uint32_t i = 0; i < count; i++) {
            const uint8_t *expected = (const uint8_t *)input->values + (first + i) * size;
            assert_true(cells_equal(input->form, decoded + i * size, expected));
        }
        for (uint32_t i = 0; i < count; i += 37) {
            types_cell cell;
            assert_true(tested->get(&body, first + i, &cell, &heap));
            const uint8_t *expected = (const uint8_t *)input->values + (first + i) * size;
            assert_true(cells_equal(input->form, &cell, expected));
        }
        base_arena_reset(&heap);
    }
    base_arena_destroy(&heap);
    free(decoded);
    free(data);
    base_buffer_destroy(&out);
}

static void try_all(types_form form, const void *values, uint32_t count, const codec *expected)
{
    base_budget budget;
    unit_budget_init(&budget);
    base_arena arena;
    base_arena_init(&arena, &budget);
    codec_input input = {form, count, values, &arena};
    for (size_t i = 0; i < BASE_COUNT_OF(all_codecs); i++) {
        void *plan = NULL;
        size_t bytes;
        unit_assert_ok(all_codecs[i]->estimate(&input, &plan, &bytes, NULL));
        if (bytes != SIZE_MAX)
            round_trip(all_codecs[i], &input, plan, bytes);
    }
    const codec *chosen;
    void *plan = NULL;
    unit_assert_ok(codec_choose(&input, &chosen, &plan, NULL));
    if (expected)
        assert_string_equal(chosen->name, expected->name);
    base_arena_destroy(&arena);
    unit_budget_check(&budget);
}

static void integers_of_every_width(void **state)
{
    (void)state;
    enum {
        COUNT = 5000
    };
    static int64_t values[COUNT];
    uint64_t seed = 3;
    for (uint32_t width = 0; width <= 64; width++) {
        for (uint32_t i = 0; i < COUNT; i++) {
            uint64_t bits = next_random(&seed) << 32 ^ next_random(&seed);
            values[i] = width == 0 ? 7 : (int64_t)(bits >> (64 - width)) - (width < 60 ? 1000 : 0);
        }
        try_all(TYPES_FORM_INT64, values, COUNT, width == 0 ? &codec_constant : NULL);
        try_all(TYPES_FORM_INT64, values, 1, &codec_constant);
        try_all(TYPES_FORM_UINT64, values, 1025, NULL);
    }
    for (uint32_t i = 0; i < COUNT; i++)
        values[i] = 100 - 3 * (int64_t)i;
    try_all(TYPES_FORM_INT64, values, COUNT, &codec_constant);
    values[0] = INT64_MIN;
    values[1] = INT64_MAX;
    try_all(TYPES_FORM_INT64, values, COUNT, NULL);
}

static void narrow_forms_and_floats(void **state)
{
    (void)state;
    enum {
        COUNT = 3000
    };
    static int8_t bytes[COUNT];
    static int16_t shorts[COUNT];
    static int32_t ints[COUNT];
    static double doubles[COUNT];
    static int128_t wide[COUNT];
    uint64_t seed = 5;
    for (uint32_t i = 0; i < COUNT; i++) {
        bytes[i] = (int8_t)next_random(&seed);
        shorts[i] = (int16_t)(next_random(&seed) % 1000);
        ints[i] = (int32_t)next_random(&seed);
        doubles[i] = (double)next_random(&seed) / 7;
        wide[i] = (int128_t)next_random(&seed) - 5000;
    }
    try_all(TYPES_FORM_INT8, bytes, COUNT, NULL);
    try_all(TYPES_FORM_INT16, shorts, COUNT, &codec_packed);
    try_all(TYPES_FORM_INT32, ints, COUNT, NULL);
    try_all(TYPES_FORM_FLOAT64, doubles, COUNT, &codec_plain);
    try_all(TYPES_FORM_INT128, wide, COUNT, &codec_packed);
    wide[77] = (int128_t)INT64_MAX * 1000;
    try_all(TYPES_FORM_INT128, wide, COUNT, &codec_plain);
}

static void strings_of_all_sorts(void **state)
{
    (void)state;
    enum {
        COUNT = 20000
    };
    static types_string strings[COUNT];
    static char text[COUNT][64];
    static const char *const words[] = {"carefully ", "final ", "deposits ", "sleep ",   "quickly ",
                                        "among ",     "the ",   "express ",  "accounts "};
    uint64_t seed = 9;
    for (uint32_t i = 0; i < COUNT; i++) {
        size_t length = 0;
        while (length < 40 && next_random(&seed) % 6) {
            const char *word = words[next_random(&seed) % BASE_COUNT_OF(words)];
            memcpy(text[i] + length, word, strlen(word));
            length += strlen(word);
        }
        text[i][length++] = (char)next_random(&seed);
        strings[i] = types_string_of(text[i], length);
    }
    try_all(TYPES_FORM_STRING, strings, COUNT, &codec_fsst);
    for (uint32_t i = 0; i < COUNT; i++)
        strings[i] = types_string_of(words[i % 9], strlen(words[i % 9]) - i % 2);
    try_all(TYPES_FORM_STRING, strings, COUNT, &codec_dictionary);
    for (uint32_t i = 0; i < COUNT; i++) {
        for (uint32_t j = 0; j < 16; j++)
            text[i][j] = (char)next_random(&seed);
        strings[i] = types_string_of(text[i], i % 17);
    }
    try_all(TYPES_FORM_STRING, strings, COUNT, NULL);
    for (uint32_t i = 0; i < COUNT; i++)
        strings[i] = types_string_of("", 0);
    try_all(TYPES_FORM_STRING, strings, COUNT, &codec_constant);
}

/* Whatever passes `check` must be readable; nothing may read outside. */
static void damaged_bodies_are_refused_or_harmless(void **state)
{
    (void)state;
    enum {
        COUNT = 3000
    };
    static types_string strings[COUNT];
    static char text[COUNT][32];
    static int64_t numbers[COUNT];
    uint64_t seed = 11;
    for (uint32_t i = 0; i < COUNT; i++) {
        int length = snprintf(text[i], sizeof text[i], "customer number %u", i % 700);
        strings[i] = types_string_of(text[i], (size_t)length);
        numbers[i] = (int64_t)(next_random(&seed) % 100000);
    }
    base_budget budget;
    unit_budget_init(&budget);
    for (size_t c = 0; c < BASE_COUNT_OF(all_codecs); c++) {
        for (int kind = 0; kind < 2; kind++) {
            base_arena arena;
            base_arena_init(&arena, &budget);
            codec_input input = {kind ? TYPES_FORM_STRING : TYPES_FORM_INT64, COUNT,
                                 kind ? (void *)strings : (void *)numbers, &arena};
            void *plan = NULL;
            size_t bytes;
            unit_assert_ok(all_codecs[c]->estimate(&input, &plan, &bytes, NULL));
            base_buffer out;
            base_buffer_init(&out, &budget);
            if (bytes != SIZE_MAX)
                unit_assert_ok(all_codecs[c]->encode(&input, plan, &out, NULL));
            for (int damage = 0; out.length && damage < 300; damage++) {
                uint8_t *data = exact_copy(&out);
                size_t limit = damage % 2 ? BASE_MIN(out.length, (size_t)64) : out.length;
                data[next_random(&seed) % limit] ^= (uint8_t)(1u << next_random(&seed) % 8);
                size_t length = damage % 5 ? out.length : next_random(&seed) % out.length;
                uint8_t *cut = malloc(length ? length : 1);
                memcpy(cut, data, length);
                codec_body body = {input.form, COUNT, cut, length};
                static uint8_t decoded[2048 * 16];
                if (all_codecs[c]->check(&body)) {
                    types_cell cell;
                    (void)all_codecs[c]->decode(&body, 0, 2048, decoded, &arena);
                    (void)all_codecs[c]->get(&body, COUNT - 1, &cell, &arena);
                }
                free(cut);
                free(data);
            }
            base_buffer_destroy(&out);
            base_arena_destroy(&arena);
        }
    }
    unit_budget_check(&budget);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers_of_every_width),
        cmocka_unit_test(narrow_forms_and_floats),
        cmocka_unit_test(strings_of_all_sorts),
        cmocka_unit_test(damaged_bodies_are_refused_or_harmless),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
