/*
 * Finding and merging groups of integer keys, way by way (rising, array, table), with the lanes
 * played one after the other, so that every mixture of them happens: random batches over lanes
 * against a count of the keys.
 */
#include "unit/exec/exec_fixture.h"
#include "exec/rows/exec_group_direct.h"
#include "exec/rows/exec_group_rising.h"

enum {
    LANES = 3,
    MOST_KEYS = 4096, /* of a round */
};

typedef struct lane {
    exec_groups *groups;
    exec_group_rising *rising;
    exec_group_direct *direct;
} lane;

typedef struct round_model {
    int64_t keys[MOST_KEYS];
    uint64_t counts[MOST_KEYS]; /* rows of the key */
    uint32_t lanes[MOST_KEYS];  /* the lane that it was last seen in, and one */
    uint32_t key_count;
    uint64_t nulls;
} round_model;

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static uint64_t *tail_of(const lane *self, char *row)
{
    return (uint64_t *)(void *)(row + self->groups->layout->tail_offset);
}

static uint64_t *model_count(round_model *model, int64_t key)
{
    for (uint32_t i = 0; i < model->key_count; i++)
        if (model->keys[i] == key)
            return &model->counts[i];
    assert_true(model->key_count < MOST_KEYS);
    model->keys[model->key_count] = key;
    model->counts[model->key_count] = model->lanes[model->key_count] = 0;
    return &model->counts[model->key_count++];
}

/* As the operator does it: by the first way that takes the batch. */
static void add_batch(lane *self, const vector *key, const uint16_t *selection, uint32_t count)
{
    char *rows[VECTOR_SIZE];
    bool done;
    unit_assert_ok(exec_group_rising_find(self->rising, key, selection, count, rows, &done, NULL));
    if (!done)
        unit_assert_ok(
            exec_group_direct_find(self->direct, key, selection, count, rows, &done, NULL));
    if (!done)
        unit_assert_ok(
            exec_groups_find_or_add(self->groups, &key, selection, count, rows, NULL, NULL));
    for (uint32_t i = 0; i < count; i++)
        ++*tail_of(self, rows[i]);
}

static base_status merge_counts(void *context, char *into, char *from, base_error *error)
{
    const lane *any = context;
    exec_group *group = (exec_group *)(void *)from;
    assert_null(group->merged_into);
    assert_null(((exec_group *)(void *)into)->merged_into);
    assert_ptr_not_equal(into, from);
    group->merged_into = (exec_group *)(void *)into;
    *tail_of(any, into) += *tail_of(any, from);
    return error ? error->status : BASE_OK;
}

/* The ways of op_hash_aggregate; false: the table has to be asked (which other tests do). */
static bool merge_lanes(lane *lanes, uint32_t *ways)
{
    exec_group_rising *rising[LANES];
    exec_group_direct *direct[LANES];
    uint32_t count = 0;
    for (uint32_t l = 0; l < LANES; l++) {
        if (!lanes[l].groups->rows->row_count)
            continue;
        rising[count] = lanes[l].rising;
        direct[count++] = lanes[l].direct;
    }
    bool done = false;
    if (count > 1)
        unit_assert_ok(exec_group_rising_merge(rising, count, merge_counts, lanes, &done, NULL));
    if (count < 2 || done) {
        ways[0] += count > 1;
        return true;
    }
    unit_assert_ok(exec_group_direct_prepare(direct, count, &done, NULL));
    for (uint32_t part = 0; done && part < 5; part++)
        unit_assert_ok(exec_group_direct_merge(direct, count, part, 5, merge_counts, lanes, NULL));
    ways[done ? 1 : 2]++;
    return done;
}

static void check_groups(lane *lanes, round_model *model, bool merged)
{
    uint64_t seen = 0, nulls = 0;
    for (uint32_t l = 0; l < LANES; l++) {
        char *rows[VECTOR_SIZE];
        exec_rows_cursor cursor = {0, 0};
        uint32_t count;
        while ((count = exec_rows_next(lanes[l].groups->rows, &cursor, rows))) {
            for (uint32_t i = 0; i < count; i++) {
                if (((exec_group *)(void *)rows[i])->merged_into)
                    continue;
                types_cell cell;
                bool is_null;
                exec_row_cell(lanes[l].groups->layout, rows[i], 0, &cell, &is_null);
                uint64_t *expected = is_null ? &model->nulls : model_count(model, cell.int64);
                seen += !is_null;
                nulls += is_null;
                if (!is_null) { /* a lane has one row for a key in any case */
                    uint32_t *last = &model->lanes[expected - model->counts];
                    assert_int_not_equal(*last, l + 1);
                    *last = l + 1;
                }
                if (merged) {
                    assert_int_equal(*tail_of(&lanes[l], rows[i]), *expected);
                } else { /* one row a lane: they add up */
                    assert_true(*tail_of(&lanes[l], rows[i]) <= *expected);
                    *expected -= *tail_of(&lanes[l], rows[i]);
                }
            }
        }
    }
    if (merged) {
        assert_int_equal(seen, model->key_count);
        assert_int_equal(nulls, model->nulls > 0);
    }
    for (uint32_t i = 0; !merged && i < model->key_count; i++)
        assert_int_equal(model->counts[i], 0);
}

/* Batches whose keys go on from where the last one ended, now and then not, in steps of a kind. */
static void play_round(lane *lanes, vector *key, uint64_t *state, uint32_t *ways)
{
    round_model model;
    uint64_t kind = next_random(state) % 4;
    int64_t step = kind == 3 ? INT64_C(1) << 40 : (int64_t)(next_random(state) % 3);
    int64_t value = (int64_t)(next_random(state) % 1000) - 500;
    uint16_t selection[VECTOR_SIZE];
    model.key_count = 0;
    model.nulls = 0;
    for (uint32_t batch = 0; batch < 12; batch++) {
        uint32_t rows = 1 + (uint32_t)(next_random(state) % 80), count = 0;
        vector_reset(key);
        if (kind % 2 == 1 && next_random(state) % 6 == 0)
            value -= 3 * step + (kind == 1 ? 200 : 0); /* falls, to keys that were there */
        for (uint32_t i = 0; i < rows; i++) {
            value += next_random(state) % 3 == 0 ? step : 0;
            ((int64_t *)key->data)[i] = value;
            bool is_null = kind == 2 && next_random(state) % 100 == 0;
            if (is_null)
                vector_set_null(key, i);
            selection[count] = (uint16_t)i;
            if (next_random(state) % 5 == 0)
                continue; /* not selected */
            count++;
            ++*(is_null ? &model.nulls : model_count(&model, value));
        }
        if (count)
            add_batch(&lanes[next_random(state) % LANES], key, selection, count);
    }
    bool merged = merge_lanes(lanes, ways);
    check_groups(lanes, &model, merged);
    for (uint32_t l = 0; l < LANES; l++) {
        exec_groups_clear(lanes[l].groups);
        exec_group_rising_clear(lanes[l].rising);
        exec_group_direct_clear(lanes[l].direct);
    }
}

static void lanes_agree_with_a_model(void **test)
{
    fixture *f = *test;
    plan_operator *root = values(f, "I", "1");
    plan_statement statement = statement_of(f, root);
    exec_options options = options_of(f);
    exec_execution *execution;
    unit_assert_ok(exec_create(&statement, &options, &execution, &f->error));
    types_type type = TYPES_OF(INTEGER);
    exec_layout layout;
    vector key;
    lane lanes[LANES];
    unit_assert_ok(exec_groups_layout(&layout, execution, &type, 1, sizeof(uint64_t), &f->error));
    unit_assert_ok(vector_init(&key, &f->budget, type, &f->error));
    for (uint32_t l = 0; l < LANES; l++) {
        lanes[l] = (lane){0};
        unit_assert_ok(exec_groups_new(execution, &layout, 1, &lanes[l].groups, &f->error));
        unit_assert_ok(exec_group_rising_new(lanes[l].groups, &lanes[l].rising, &f->error));
        unit_assert_ok(exec_group_direct_new(lanes[l].groups, 0, &lanes[l].direct, &f->error));
    }
    uint64_t state = 42;
    uint32_t ways[3] = {0, 0, 0};
    for (uint32_t round = 0; round < 2000; round++)
        play_round(lanes, &key, &state, ways);
    /* All three ways of merging were taken. */
    assert_true(ways[0] > 100 && ways[1] > 100 && ways[2] > 0);
    vector_destroy(&key, &f->budget);
    exec_destroy(execution);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(lanes_agree_with_a_model, fixture_setup, fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
