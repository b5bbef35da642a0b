/*
 * op_sort.c - ORDER BY, and ORDER BY with LIMIT.
 *
 * The sink keeps rows per lane: the input's columns and those sort keys that are no columns of
 * it. The end sorts all of them (exec_sort.c) and the source hands them on in order.
 *
 * With a limit of n rows (offset included) a lane keeps about n rows only: whenever it has
 * 2 n + 4,096 it sorts, copies the first n to a new collection and remembers the last one's key as
 * bound, and rows whose first key is beyond the bound are dropped on arrival. A chunk of more
 * than n rows gives a bound by itself, so that hardly more than n rows are ever copied. Rejected:
 * a heap. It compares row by row; this sorts seldom and drops by vector.
 */
#include "exec/op/op_slices.h"
#include "exec/rows/exec_sort.h"

enum {
    TOP_SLACK = 512,
};

typedef struct sort_part {
    exec_part part; /* the sink */
    exec_part *source;
    uint32_t column_count; /* of the input */
    uint32_t *key_columns; /* layout column of each key */
    exec_layout layout;
    exec_sorter sorter;
    expr_program *limit, *offset;
    uint64_t to_keep; /* UINT64_MAX: all */
    uint64_t to_skip;
    char **sorted;
    uint64_t sorted_count;
} sort_part;

typedef struct sort_state {
    expr_program **keys; /* NULL where the key is a column of the input */
    const vector **vectors;
    exec_rows *rows, *spare;
    char **addresses;
    uint64_t *words;
    uint64_t *ranked; /* scratch: words in another order */
    uint16_t *selection;
    bool has_bound;
    uint64_t bound;
} sort_state;

typedef struct sort_source {
    exec_part part;
    sort_part *sort;
    uint64_t next;
    vector_chunk *chunk;
} sort_source;

static base_status create_state(exec_part *part, void **result, base_error *error)
{
    sort_part *self = (sort_part *)part;
    exec_execution *execution = part->execution;
    uint32_t keys = part->op->sort.key_count;
    sort_state *state = EXEC_NEW(execution, sort_state);
    if (!state)
        return base_error_no_memory(error);
    state->keys = exec_new(execution, (keys + 1) * sizeof(expr_program *));
    state->vectors = exec_new(execution, (keys + 1) * sizeof(vector *));
    state->addresses = exec_new(execution, VECTOR_SIZE * sizeof(char *));
    state->words = exec_new(execution, VECTOR_SIZE * sizeof(uint64_t));
    state->ranked = exec_new(execution, VECTOR_SIZE * sizeof(uint64_t));
    state->selection = exec_new(execution, VECTOR_SIZE * sizeof(uint16_t));
    if (!state->keys || !state->vectors || !state->addresses || !state->words || !state->ranked ||
        !state->selection)
        return base_error_no_memory(error);
    for (uint32_t k = 0; k < keys; k++)
        if (self->key_columns[k] >= self->column_count)
            RETURN_IF_ERROR(
                exec_compile(execution, part->op->sort.keys[k].expr, &state->keys[k], error));
    RETURN_IF_ERROR(exec_rows_new(execution, &self->layout, &state->rows, error));
    RETURN_IF_ERROR(exec_rows_new(execution, &self->layout, &state->spare, error));
    *result = state;
    return BASE_OK;
}

static base_status open(exec_part *part, base_error *error)
{
    sort_part *self = (sort_part *)part;
    self->to_skip = 0;
    self->to_keep = UINT64_MAX;
    if (self->offset)
        RETURN_IF_ERROR(
            exec_count_value(self->offset, part->op->sort.offset, 0, &self->to_skip, error));
    if (self->limit)
        RETURN_IF_ERROR(
            exec_count_value(self->limit, part->op->sort.limit, UINT64_MAX, &self->to_keep, error));
    if (self->to_keep != UINT64_MAX &&
        __builtin_add_overflow(self->to_keep, self->to_skip, &self->to_keep))
        self->to_keep = UINT64_MAX;
    return BASE_OK;
}

static bool is_bounded(const sort_part *self)
{
    return self->to_keep < UINT32_MAX;
}

/* The word that `rank` others are not above, by selection in place (C. A. R. Hoare). */
static uint64_t select_word(uint64_t *words, uint32_t count, uint32_t rank)
{
    uint32_t low = 0, high = count - 1;
    while (low < high) {
        uint64_t pivot = words[low + (high - low) / 2];
        uint32_t i = low, k = high;
        for (;;) {
            while (words[i] < pivot)
                i++;
            while (words[k] > pivot)
                k--;
            if (i >= k)
                break;
            uint64_t swapped = words[i];
            words[i++] = words[k];
            words[k--] = swapped;
        }
        if (rank <= k)
            high = k;
        else
            low = k + 1;
    }
    return words[rank];
}

/* If the chunk alone has enough rows, its to_keep-th one is a bound for everything else. */
static void bound_by_chunk(sort_part *self, sort_state *state, uint32_t count)
{
    if (count <= self->to_keep)
        return;
    memcpy(state->ranked, state->words, count * sizeof *state->words);
    uint64_t bound = select_word(state->ranked, count, (uint32_t)self->to_keep - 1);
    if (!state->has_bound || bound < state->bound)
        state->bound = bound;
    state->has_bound = true;
}

/* Drops the rows that the bound rules out. */
static void drop_beyond_bound(sort_part *self, sort_state *state, vector_chunk *input)
{
    uint32_t kept = 0;
    exec_sort_vector_words(&self->sorter, state->vectors[0], input->selection, input->count,
                           state->words);
    bound_by_chunk(self, state, input->count);
    if (!state->has_bound)
        return;
    for (uint32_t i = 0; i < input->count; i++) {
        state->selection[kept] = (uint16_t)vector_row(input->selection, i);
        kept += state->words[i] <= state->bound;
    }
    input->selection = state->selection;
    input->count = kept;
}

/* Copies rows, the bytes of their strings included. */
static base_status copy_rows(exec_rows *to, char **from, uint64_t count, char **addresses,
                             base_error *error)
{
    const exec_layout *layout = to->layout;
    for (uint64_t done = 0; done < count; done += VECTOR_SIZE) {
        uint32_t part = (uint32_t)BASE_MIN(count - done, (uint64_t)VECTOR_SIZE);
        RETURN_IF_ERROR(exec_rows_reserve(to, part, addresses, error));
        for (uint32_t i = 0; i < part; i++)
            memcpy(addresses[i], from[done + i], layout->row_size);
        for (uint32_t c = 0; c < layout->column_count; c++)
            if (layout->forms[c] == TYPES_FORM_STRING)
                RETURN_IF_ERROR(exec_rows_own_strings(to, c, part, addresses, error));
    }
    return BASE_OK;
}

/* Keeps the first to_keep rows of the lane. */
static base_status cut_to_top(sort_part *self, sort_state *state, base_error *error)
{
    char **sorted;
    uint64_t count;
    RETURN_IF_ERROR(exec_sort_rows(&self->sorter, &state->rows, 1, &sorted, &count, error));
    uint64_t keep = BASE_MIN(count, self->to_keep);
    base_status status = BASE_OK;
    if (keep)
        status = copy_rows(state->spare, sorted, keep, state->addresses, error);
    if (status == BASE_OK && keep == self->to_keep && keep && self->sorter.key_count) {
        state->has_bound = true;
        state->bound = exec_sort_row_word(&self->sorter, sorted[keep - 1]);
    }
    exec_sort_free(&self->sorter, sorted, count);
    exec_rows *full = state->rows;
    exec_rows_clear(full);
    state->rows = state->spare;
    state->spare = full;
    return status;
}

static base_status sink(exec_part *part, void *opaque, vector_chunk *input, base_error *error)
{
    sort_part *self = (sort_part *)part;
    sort_state *state = opaque;
    uint32_t keys = part->op->sort.key_count;
    if (!self->to_keep)
        return BASE_OK;
    for (uint32_t k = 0; k < keys; k++) {
        state->vectors[k] =
            &input->columns[self->key_columns[k] < self->column_count ? self->key_columns[k] : 0];
        if (state->keys[k])
            RETURN_IF_ERROR(expr_evaluate(state->keys[k], input, &state->vectors[k], error));
    }
    if (is_bounded(self) && self->sorter.key_count) {
        drop_beyond_bound(self, state, input);
        if (!input->count)
            return BASE_OK;
    }
    RETURN_IF_ERROR(exec_rows_reserve(state->rows, input->count, state->addresses, error));
    for (uint32_t c = 0; c < self->column_count; c++)
        RETURN_IF_ERROR(exec_rows_scatter(state->rows, c, &input->columns[c], input->selection,
                                          input->count, state->addresses, error));
    for (uint32_t k = 0; k < keys; k++)
        if (state->keys[k])
            RETURN_IF_ERROR(exec_rows_scatter(state->rows, self->key_columns[k], state->vectors[k],
                                              input->selection, input->count, state->addresses,
                                              error));
    if (is_bounded(self) && state->rows->row_count >= 2 * self->to_keep + TOP_SLACK)
        return cut_to_top(self, state, error);
    return BASE_OK;
}

static base_status finish(exec_part *part, base_error *error)
{
    sort_part *self = (sort_part *)part;
    exec_rows *collections[EXEC_MAX_LANES];
    size_t bytes = 0;
    for (uint32_t i = 0; i < part->state_count; i++) {
        sort_state *state = part->states[i];
        collections[i] = state ? state->rows : NULL;
        bytes += state ? exec_rows_bytes(state->rows) : 0;
    }
    exec_note_memory(part->execution, part->op, bytes);
    return exec_sort_rows(&self->sorter, collections, part->state_count, &self->sorted,
                          &self->sorted_count, error);
}

static void close(exec_part *part)
{
    sort_part *self = (sort_part *)part;
    exec_sort_free(&self->sorter, self->sorted, self->sorted_count);
    self->sorted = NULL;
    self->sorted_count = 0;
    for (uint32_t i = 0; i < part->state_count; i++) {
        sort_state *state = part->states[i];
        if (!state)
            continue;
        exec_rows_clear(state->rows);
        exec_rows_clear(state->spare);
        state->has_bound = false;
    }
}

static const exec_part_class sort_class = {
    .name = "sort",
    .create_state = create_state,
    .open = open,
    .sink = sink,
    .finish = finish,
    .close = close,
};

/* ---- The rows in order ------------------------------------------------------------------- */

static base_status start(exec_part *part, base_error *error)
{
    sort_source *self = (sort_source *)part;
    self->next = BASE_MIN(self->sort->to_skip, self->sort->sorted_count);
    part->unit_count = 1;
    part->row_estimate = self->sort->sorted_count;
    return BASE_OK;
}

static base_status next(exec_part *part, void *state, vector_chunk **chunk, base_error *error)
{
    sort_source *self = (sort_source *)part;
    sort_part *sort = self->sort;
    uint64_t end = BASE_MIN(sort->sorted_count, sort->to_keep);
    if (self->next >= end)
        return BASE_DONE;
    uint32_t count = (uint32_t)BASE_MIN(end - self->next, (uint64_t)VECTOR_SIZE);
    self->chunk->count = count;
    self->chunk->selection = NULL;
    for (uint32_t c = 0; c < sort->column_count; c++)
        exec_rows_gather(&sort->layout, c, sort->sorted + self->next, NULL, count,
                         &self->chunk->columns[c]);
    self->next += count;
    *chunk = self->chunk;
    return BASE_ROW;
}

static const exec_part_class sort_source_class = {
    .name = "sorted rows",
    .start = start,
    .next = next,
};

/* ---- Building ---------------------------------------------------------------------------- */

static base_status init_layout(sort_part *self, exec_builder *builder)
{
    exec_execution *execution = builder->execution;
    const plan_operator *op = self->part.op, *input = op->inputs[0];
    uint32_t keys = op->sort.key_count;
    self->column_count = input->column_count;
    self->key_columns = exec_new(execution, (keys + 1) * sizeof(uint32_t));
    types_type *types = exec_new(execution, (input->column_count + keys + 1) * sizeof(types_type));
    exec_sort_key *sort_keys = exec_new(execution, (keys + 1) * sizeof(exec_sort_key));
    if (!self->key_columns || !types || !sort_keys)
        return base_error_no_memory(builder->error);
    uint32_t columns = input->column_count;
    memcpy(types, input->types, columns * sizeof(types_type));
    for (uint32_t k = 0; k < keys; k++) {
        const plan_sort_key *key = &op->sort.keys[k];
        if (key->expr->kind == PLAN_EXPR_SLOT) {
            self->key_columns[k] = key->expr->slot;
        } else {
            types[columns] = key->expr->type;
            self->key_columns[k] = columns++;
        }
        sort_keys[k] = (exec_sort_key){self->key_columns[k], key->descending, key->nulls_first};
    }
    RETURN_IF_ERROR(
        exec_layout_init(&self->layout, execution, types, columns, 0, 0, builder->error));
    return exec_sorter_init(&self->sorter, execution, &self->layout, sort_keys, keys,
                            builder->error);
}

static base_status build_presorted(exec_builder *builder, const plan_operator *op, exec_part *sink,
                                   exec_part *source, exec_chain *chain)
{
    uint32_t count = op->sort.presorted;
    plan_expr **keys = exec_new(builder->execution, count * sizeof(plan_expr *));
    if (!keys)
        return base_error_no_memory(builder->error);
    for (uint32_t k = 0; k < count; k++)
        keys[k] = op->sort.keys[k].expr;
    return op_build_slices(builder, op, keys, count, sink, source, chain);
}

base_status exec_build_sort(exec_builder *builder, const plan_operator *op, exec_chain *chain)
{
    exec_execution *execution = builder->execution;
    sort_part *self = exec_part_new(builder, &sort_class, sizeof *self, op);
    sort_source *source = exec_part_new(builder, &sort_source_class, sizeof *source, op);
    exec_chain *input = self ? exec_chain_sink(builder, &self->part) : NULL;
    if (!input || !source)
        return base_error_no_memory(builder->error);
    source->sort = self;
    source->part.parallel = false;
    RETURN_IF_ERROR(init_layout(self, builder));
    if (op->sort.limit)
        RETURN_IF_ERROR(exec_compile(execution, op->sort.limit, &self->limit, builder->error));
    if (op->sort.offset)
        RETURN_IF_ERROR(exec_compile(execution, op->sort.offset, &self->offset, builder->error));
    RETURN_IF_ERROR(
        exec_chunk_new(execution, op->types, op->column_count, &source->chunk, builder->error));
    if (op->sort.presorted)
        return build_presorted(builder, op, &self->part, &source->part, chain);
    RETURN_IF_ERROR(exec_build(builder, op->inputs[0], input));
    return exec_add_pipeline(builder, &source->part, chain);
}
