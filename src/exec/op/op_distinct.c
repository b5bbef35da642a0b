/*
 * op_distinct.c - DISTINCT ON, INTERSECT and EXCEPT: rows let through by a table of keys.
 *
 * All three stream their first input through a step that looks each row up in a table of keys:
 *
 *   DISTINCT ON     a key that is new is added and its row passes
 *   INTERSECT       the right side's keys are there beforehand; a row passes the first time its
 *                   key is met. ALL: as often as the right side has it
 *   EXCEPT          a row passes when its key is neither the right side's nor was met before.
 *                   ALL: not as often as the right side has it, then always
 *
 * The first row of a key is the first in input order, so the step is not shared by lanes.
 */
#include "exec/rows/exec_groups.h"

/* Tail of a key's row, for set operations. */
typedef struct key_count {
    uint64_t count; /* rows of the right side that have not been matched */
    uint64_t given; /* the key has passed */
} key_count;

typedef struct distinct_part {
    exec_part part; /* the step */
    uint32_t key_count;
    exec_layout layout;
    exec_groups *groups;
    expr_program **keys;
    const vector **vectors;
    char **addresses;
    bool *is_new;
    uint16_t *selection;
} distinct_part;

static base_status init_distinct(distinct_part *self, exec_builder *builder,
                                 const types_type *types, uint32_t count, uint32_t tail)
{
    exec_execution *execution = builder->execution;
    self->part.parallel = false;
    self->key_count = count;
    self->vectors = exec_new(execution, (count + 1) * sizeof(vector *));
    self->addresses = exec_new(execution, VECTOR_SIZE * sizeof(char *));
    self->is_new = exec_new(execution, VECTOR_SIZE * sizeof(bool));
    self->selection = exec_new(execution, VECTOR_SIZE * sizeof(uint16_t));
    if (!self->vectors || !self->addresses || !self->is_new || !self->selection)
        return base_error_no_memory(builder->error);
    RETURN_IF_ERROR(
        exec_groups_layout(&self->layout, execution, types, count, tail, builder->error));
    return exec_groups_new(execution, &self->layout, count, &self->groups, builder->error);
}

static void close(exec_part *part)
{
    exec_groups_clear(((distinct_part *)part)->groups);
}

/* ---- DISTINCT ON ------------------------------------------------------------------------- */

static base_status push_distinct(exec_part *part, void *state, vector_chunk *input,
                                 vector_chunk **output, exec_answer *answer, base_error *error)
{
    distinct_part *self = (distinct_part *)part;
    for (uint32_t k = 0; k < self->key_count; k++)
        RETURN_IF_ERROR(expr_evaluate(self->keys[k], input, &self->vectors[k], error));
    RETURN_IF_ERROR(exec_groups_find_or_add(self->groups, self->vectors, input->selection,
                                            input->count, self->addresses, self->is_new, error));
    uint32_t kept = 0;
    for (uint32_t i = 0; i < input->count; i++) {
        self->selection[kept] = (uint16_t)vector_row(input->selection, i);
        kept += self->is_new[i];
    }
    input->selection = self->selection;
    input->count = kept;
    *output = input;
    *answer = EXEC_NEED_INPUT;
    return BASE_OK;
}

static const exec_part_class distinct_class = {
    .name = "distinct on",
    .push = push_distinct,
    .close = close,
};

base_status exec_build_distinct_on(exec_builder *builder, const plan_operator *op,
                                   exec_chain *chain)
{
    exec_execution *execution = builder->execution;
    uint32_t count = op->distinct_on.key_count;
    distinct_part *self = exec_part_new(builder, &distinct_class, sizeof *self, op);
    chain = self ? exec_chain_step(builder, &self->part, chain) : NULL;
    types_type *types = exec_types_of(execution, op->distinct_on.keys, count);
    if (!chain || !types)
        return base_error_no_memory(builder->error);
    RETURN_IF_ERROR(init_distinct(self, builder, types, count, 0));
    RETURN_IF_ERROR(
        exec_compile_all(execution, op->distinct_on.keys, count, &self->keys, builder->error));
    return exec_build(builder, op->inputs[0], chain);
}

/* ---- INTERSECT and EXCEPT ---------------------------------------------------------------- */

static void all_columns(distinct_part *self, const vector_chunk *input)
{
    for (uint32_t k = 0; k < self->key_count; k++)
        self->vectors[k] = &input->columns[k];
}

static key_count *counts_of(const distinct_part *self, char *row)
{
    return (key_count *)(void *)(row + self->layout.tail_offset);
}

static base_status push_set(exec_part *part, void *state, vector_chunk *input,
                            vector_chunk **output, exec_answer *answer, base_error *error)
{
    distinct_part *self = (distinct_part *)part;
    bool all = part->op->set.all;
    bool except = part->op->set.kind == PLAN_EXCEPT;
    all_columns(self, input);
    RETURN_IF_ERROR(exec_groups_find_or_add(self->groups, self->vectors, input->selection,
                                            input->count, self->addresses, NULL, error));
    uint32_t kept = 0;
    for (uint32_t i = 0; i < input->count; i++) {
        key_count *key = counts_of(self, self->addresses[i]);
        bool passes;
        if (all) {
            passes = except ? !key->count : key->count != 0;
            key->count -= key->count != 0;
        } else {
            passes = !key->given && (except ? !key->count : key->count != 0);
            key->given = 1;
        }
        self->selection[kept] = (uint16_t)vector_row(input->selection, i);
        kept += passes;
    }
    input->selection = self->selection;
    input->count = kept;
    *output = input;
    *answer = EXEC_NEED_INPUT;
    return BASE_OK;
}

static const exec_part_class set_class = {
    .name = "set operation",
    .push = push_set,
    .close = close,
};

typedef struct set_sink {
    exec_part part;
    distinct_part *step;
} set_sink;

static base_status sink_set(exec_part *part, void *state, vector_chunk *input, base_error *error)
{
    distinct_part *self = ((set_sink *)part)->step;
    all_columns(self, input);
    RETURN_IF_ERROR(exec_groups_find_or_add(self->groups, self->vectors, input->selection,
                                            input->count, self->addresses, NULL, error));
    for (uint32_t i = 0; i < input->count; i++)
        counts_of(self, self->addresses[i])->count++;
    return BASE_OK;
}

static const exec_part_class set_sink_class = {
    .name = "set operation input",
    .sink = sink_set,
};

base_status exec_build_set_operation(exec_builder *builder, const plan_operator *op,
                                     exec_chain *chain)
{
    distinct_part *self = exec_part_new(builder, &set_class, sizeof *self, op);
    set_sink *sink = exec_part_new(builder, &set_sink_class, sizeof *sink, op);
    exec_chain *right = sink ? exec_chain_sink(builder, &sink->part) : NULL;
    chain = self ? exec_chain_step(builder, &self->part, chain) : NULL;
    if (!right || !chain)
        return base_error_no_memory(builder->error);
    sink->step = self;
    sink->part.parallel = false;
    RETURN_IF_ERROR(init_distinct(self, builder, op->types, op->column_count, sizeof(key_count)));
    RETURN_IF_ERROR(exec_build(builder, op->inputs[1], right));
    return exec_build(builder, op->inputs[0], chain);
}
