/*
 * op_hash_join.c - equality joins: building the table, and the build rows that come out last.
 *
 * Each lane keeps build rows in a collection of its own, keys first. When all are there the
 * directory is made at its final size and the rows are chained in place, by as many threads as
 * there are blocks for: nothing is copied, nothing is ever resized. The probing step is in
 * op_hash_probe.c.
 *
 * Rejected: open addressing over rows (resizes, and duplicates cluster); a bloom filter beside
 * the table (the tags in the directory are one, in the cache line that is read anyway).
 *
 * Invariants: a row is in a chain exactly when none of its keys is a NULL that equals nothing; the
 * table does not change after `finish` but for the matched flags.
 */
#include "exec/op/op_hash_join.h"
#include "exec/rows/exec_join_filter.h"

base_status hash_join_keys(const hash_join_part *join, expr_program **programs,
                           const vector_chunk *chunk, const vector **vectors, uint16_t *selection,
                           uint32_t *kept, base_error *error)
{
    bool any_validity = false;
    for (uint32_t k = 0; k < join->key_count; k++) {
        RETURN_IF_ERROR(expr_evaluate(programs[k], chunk, &vectors[k], error));
        any_validity |= vectors[k]->validity && !join->null_equal[k];
    }
    uint32_t count = chunk->count;
    for (uint32_t i = 0; i < count; i++)
        selection[i] = (uint16_t)vector_row(chunk->selection, i);
    for (uint32_t k = 0; any_validity && k < join->key_count; k++) {
        if (!vectors[k]->validity || join->null_equal[k])
            continue;
        uint32_t valid = 0;
        for (uint32_t i = 0; i < count; i++) {
            uint16_t position = selection[i];
            selection[valid] = position;
            valid += vector_is_valid(vectors[k], position);
        }
        count = valid;
    }
    *kept = count;
    return BASE_OK;
}

/* ---- The build side ---------------------------------------------------------------------- */

static base_status create_state(exec_part *part, void **result, base_error *error)
{
    hash_join_part *self = (hash_join_part *)part;
    exec_execution *execution = part->execution;
    hash_join_state *state = EXEC_NEW(execution, hash_join_state);
    if (!state)
        return base_error_no_memory(error);
    state->key_vectors = exec_new(execution, (self->key_count + 1) * sizeof(vector *));
    state->addresses = exec_new(execution, VECTOR_SIZE * sizeof(char *));
    state->hashes = exec_new(execution, VECTOR_SIZE * sizeof(uint64_t));
    state->selection = exec_new(execution, VECTOR_SIZE * sizeof(uint16_t));
    if (!state->key_vectors || !state->addresses || !state->hashes || !state->selection)
        return base_error_no_memory(error);
    RETURN_IF_ERROR(exec_compile_all(execution, part->op->join.right_keys, self->key_count,
                                     &state->keys, error));
    RETURN_IF_ERROR(exec_rows_new(execution, &self->layout, &state->rows, error));
    *result = state;
    return BASE_OK;
}

/* Appends rows at `selection`. */
static base_status keep_rows(hash_join_part *self, hash_join_state *state,
                             const vector_chunk *input, const uint16_t *selection, uint32_t count,
                             bool null_key, base_error *error)
{
    if (!count)
        return BASE_OK;
    RETURN_IF_ERROR(exec_rows_reserve(state->rows, count, state->addresses, error));
    for (uint32_t k = 0; k < self->key_count; k++) {
        RETURN_IF_ERROR(exec_rows_scatter(state->rows, k, state->key_vectors[k], selection, count,
                                          state->addresses, error));
        if (!null_key)
            vector_hash(state->key_vectors[k], selection, count, k > 0, state->hashes);
    }
    for (uint32_t c = self->key_count; c < self->column_count; c++)
        RETURN_IF_ERROR(exec_rows_scatter(state->rows, c,
                                          &input->columns[self->payload[c - self->key_count]],
                                          selection, count, state->addresses, error));
    for (uint32_t i = 0; i < count; i++) {
        hash_join_row *row = (hash_join_row *)(void *)state->addresses[i];
        row->hash = null_key ? 0 : state->hashes[i];
        row->null_key = null_key;
    }
    return BASE_OK;
}

static base_status sink(exec_part *part, void *opaque, vector_chunk *input, base_error *error)
{
    hash_join_part *self = (hash_join_part *)part;
    hash_join_state *state = opaque;
    uint32_t kept;
    RETURN_IF_ERROR(hash_join_keys(self, state->keys, input, state->key_vectors, state->selection,
                                   &kept, error));
    RETURN_IF_ERROR(keep_rows(self, state, input, state->selection, kept, false, error));
    if (kept == input->count)
        return BASE_OK;
    state->has_null_key = true;
    if (!self->keeps_null_keys)
        return BASE_OK;
    uint16_t with_null[VECTOR_SIZE];
    uint32_t count = 0, next = 0;
    for (uint32_t i = 0; i < input->count; i++) {
        uint16_t position = (uint16_t)vector_row(input->selection, i);
        if (next < kept && state->selection[next] == position)
            next++;
        else
            with_null[count++] = position;
    }
    return keep_rows(self, state, input, with_null, count, true, error);
}

/* Chains rows first .. of one block, the last first, so that chains are in order of insertion. */
static void chain_block(hash_join_part *self, const exec_row_block *block, bool alone)
{
    uint32_t row_size = self->layout.row_size;
    for (uint32_t i = block->count; i-- > 0;) {
        hash_join_row *row = (hash_join_row *)(void *)(block->rows + (size_t)i * row_size);
        if (row->null_key)
            continue;
        uint64_t place = row->hash >> self->shift, tag = hash_join_tag(row->hash);
        if (self->is_direct) {
            const char *key = (const char *)row + self->layout.offsets[0];
            types_form form = (types_form)self->layout.forms[0];
            place = (uint64_t)hash_join_integer(form, key, 0) - (uint64_t)self->base;
            tag = 0;
        }
        _Atomic(uint64_t) *entry = &self->directory[place];
        uint64_t address = (uint64_t)(uintptr_t)row | tag;
        uint64_t old = atomic_load_explicit(entry, memory_order_relaxed);
        uint64_t tags;
        do {
            tags = old & ~HASH_JOIN_POINTER_MASK;
            row->next = hash_join_first(old);
            if (alone) {
                atomic_store_explicit(entry, address | tags, memory_order_relaxed);
                break;
            }
        } while (!atomic_compare_exchange_weak_explicit(
            entry, &old, address | tags, memory_order_release, memory_order_relaxed));
    }
}

static base_status chain_task(void *argument, uint32_t index, base_error *error)
{
    hash_join_part *self = argument;
    hash_join_state *state = self->part.states[index];
    for (uint32_t b = state ? state->rows->block_count : 0; b-- > 0;)
        chain_block(self, &state->rows->blocks[b], self->part.state_count == 1);
    return BASE_OK;
}

/* ---- Dense integer keys ------------------------------------------------------------------ */

enum {
    DIRECT_SPARSENESS = 4, /* directory entries a row may cost */
    DIRECT_ALWAYS = 1 << 12,
    KEPT_ENTRIES = 1 << 16, /* of a directory, over a reset */
};

static bool is_integer_form(types_form form)
{
    return form == TYPES_FORM_INT8 || form == TYPES_FORM_INT16 || form == TYPES_FORM_INT32 ||
           form == TYPES_FORM_INT64;
}

/* Decides whether the directory is addressed by the key itself, and sets its size. */
static void choose_directory(hash_join_part *self)
{
    types_form form = (types_form)self->layout.forms[0];
    uint32_t offset = self->layout.offsets[0], row_size = self->layout.row_size;
    int64_t minimum = INT64_MAX, maximum = INT64_MIN;
    self->is_direct = false;
    self->directory_size =
        BASE_MAX(base_next_power_of_two(self->row_count + self->row_count / 2), (uint64_t)64);
    self->shift = 64 - (base_bit_width(self->directory_size) - 1);
    if (self->key_count != 1 || self->null_equal[0] || !is_integer_form(form))
        return;
    for (uint32_t l = 0; l < self->part.state_count; l++) {
        hash_join_state *state = self->part.states[l];
        for (uint32_t b = 0; state && b < state->rows->block_count; b++) {
            const exec_row_block *block = &state->rows->blocks[b];
            const char *row = block->rows;
            for (uint32_t i = 0; i < block->count; i++, row += row_size) {
                if (((const hash_join_row *)(const void *)row)->null_key)
                    continue;
                int64_t value = hash_join_integer(form, row + offset, 0);
                minimum = BASE_MIN(minimum, value);
                maximum = BASE_MAX(maximum, value);
            }
        }
    }
    if (minimum > maximum)
        return;
    uint64_t span = (uint64_t)maximum - (uint64_t)minimum;
    if (span >= self->row_count * DIRECT_SPARSENESS + DIRECT_ALWAYS)
        return;
    self->is_direct = true;
    self->base = minimum;
    self->directory_size = span + 1;
}

static void free_directory(void *context)
{
    hash_join_part *self = context;
    base_free(&self->part.execution->budget, self->directory,
              self->directory_capacity * sizeof(uint64_t));
    self->directory = NULL;
    self->directory_capacity = 0;
}

/* directory_size empty entries, in the memory of a run before where that suffices. */
static base_status make_directory(hash_join_part *self, base_error *error)
{
    size_t size = self->directory_size * sizeof(uint64_t);
    if (self->directory_size <= self->directory_capacity) {
        memset((void *)self->directory, 0, size);
        return BASE_OK;
    }
    free_directory(self);
    self->directory = base_allocate_zeroed(&self->part.execution->budget, size);
    if (!self->directory)
        return base_error_no_memory(error);
    self->directory_capacity = self->directory_size;
    return BASE_OK;
}

/* ---- Filters for scans of the probe side ------------------------------------------------- */

/* Calls `visit` with the filter's key of all rows that are in a chain, VECTOR_SIZE at a time. */
static void visit_keys(hash_join_part *self, uint32_t key, exec_join_filter *filter,
                       void (*visit)(exec_join_filter *filter, const vector *keys, uint32_t count),
                       vector *values)
{
    char *rows[VECTOR_SIZE];
    for (uint32_t l = 0; l < self->part.state_count; l++) {
        hash_join_state *state = self->part.states[l];
        exec_rows_cursor cursor = {0, 0};
        uint32_t count;
        while (state && (count = exec_rows_next(state->rows, &cursor, rows))) {
            uint32_t kept = 0;
            for (uint32_t i = 0; i < count; i++) {
                rows[kept] = rows[i];
                kept += !((const hash_join_row *)(const void *)rows[i])->null_key;
            }
            exec_rows_gather(&self->layout, key, rows, NULL, kept, values);
            visit(filter, values, kept);
        }
    }
}

static base_status publish_filters(hash_join_part *self, base_error *error)
{
    const plan_operator *op = self->part.op;
    exec_execution *execution = self->part.execution;
    for (uint32_t f = 0; f < op->join.filter_count; f++) {
        const plan_join_filter *plan = &op->join.filters[f];
        exec_join_filter *filter = &execution->join_filters[plan->id];
        vector values;
        if (self->null_equal[plan->slot])
            continue;
        memset(&values, 0, sizeof values);
        RETURN_IF_ERROR(
            vector_init(&values, &execution->budget, self->layout.types[plan->slot], error));
        exec_join_filter_begin(filter, (types_form)self->layout.forms[plan->slot]);
        visit_keys(self, plan->slot, filter, exec_join_filter_range, &values);
        base_status status = exec_join_filter_prepare(filter, execution, self->row_count,
                                                      op->inputs[0]->rows, error);
        if (status == BASE_OK && !filter->empty)
            visit_keys(self, plan->slot, filter, exec_join_filter_add, &values);
        vector_destroy(&values, &execution->budget);
        RETURN_IF_ERROR(status);
        exec_join_filter_publish(filter);
    }
    return BASE_OK;
}

static base_status finish(exec_part *part, base_error *error)
{
    hash_join_part *self = (hash_join_part *)part;
    size_t bytes = 0;
    self->row_count = 0;
    self->has_null_key = false;
    for (uint32_t i = 0; i < part->state_count; i++) {
        hash_join_state *state = part->states[i];
        if (!state)
            continue;
        self->row_count += state->rows->row_count;
        self->has_null_key |= state->has_null_key;
        bytes += exec_rows_bytes(state->rows);
    }
    RETURN_IF_ERROR(publish_filters(self, error));
    if (!self->row_count)
        return BASE_OK;
    choose_directory(self);
    size_t size = self->directory_size * sizeof(uint64_t);
    RETURN_IF_ERROR(make_directory(self, error));
    exec_note_memory(part->execution, part->op, bytes + size);
    return exec_run_tasks(part->execution, part->state_count, chain_task, self, error);
}

static void close(exec_part *part)
{
    hash_join_part *self = (hash_join_part *)part;
    if (self->directory_capacity > KEPT_ENTRIES)
        free_directory(self);
    self->directory_size = 0;
    self->is_direct = false;
    self->row_count = 0;
    for (uint32_t f = 0; f < part->op->join.filter_count; f++)
        exec_join_filter_clear(&part->execution->join_filters[part->op->join.filters[f].id],
                               part->execution);
    for (uint32_t i = 0; i < part->state_count; i++) {
        hash_join_state *state = part->states[i];
        if (!state)
            continue;
        exec_rows_clear(state->rows);
        state->has_null_key = false;
    }
}

static const exec_part_class hash_build_class = {
    .name = "hash join build",
    .create_state = create_state,
    .sink = sink,
    .finish = finish,
    .close = close,
};

/* ---- Build rows that come out last ------------------------------------------------------- */

typedef struct build_source {
    exec_part part;
    hash_join_part *join;
} build_source;

typedef struct build_source_state {
    op_joined joined;
    exec_rows *rows; /* of the unit */
    exec_rows_cursor cursor;
    char **addresses;
} build_source_state;

static base_status build_source_create_state(exec_part *part, void **result, base_error *error)
{
    build_source *self = (build_source *)part;
    build_source_state *state = EXEC_NEW(part->execution, build_source_state);
    if (!state)
        return base_error_no_memory(error);
    state->addresses = exec_new(part->execution, VECTOR_SIZE * sizeof(char *));
    if (!state->addresses)
        return base_error_no_memory(error);
    *result = state;
    return op_joined_init(&state->joined, &self->join->join, part->execution, error);
}

static base_status build_source_start(exec_part *part, base_error *error)
{
    hash_join_part *join = ((build_source *)part)->join;
    part->unit_count = join->part.state_count;
    part->row_estimate = join->row_count;
    return BASE_OK;
}

static base_status build_source_open_unit(exec_part *part, void *opaque, uint32_t unit,
                                          base_error *error)
{
    build_source_state *state = opaque;
    hash_join_state *build = ((build_source *)part)->join->part.states[unit];
    state->rows = build ? build->rows : NULL;
    state->cursor = (exec_rows_cursor){0, 0};
    return BASE_OK;
}

/* Does a build row come out, given whether it had a partner? */
static bool comes_out(plan_join_kind kind, bool matched)
{
    return kind == PLAN_JOIN_SEMI ? matched : !matched;
}

static base_status build_source_next(exec_part *part, void *opaque, vector_chunk **chunk,
                                     base_error *error)
{
    hash_join_part *self = ((build_source *)part)->join;
    build_source_state *state = opaque;
    const op_join *join = &self->join;
    uint32_t count;
    while (state->rows && (count = exec_rows_next(state->rows, &state->cursor, state->addresses))) {
        uint32_t kept = 0;
        for (uint32_t i = 0; i < count; i++) {
            hash_join_row *row = (hash_join_row *)(void *)state->addresses[i];
            state->addresses[kept] = state->addresses[i];
            kept +=
                comes_out(join->kind, atomic_load_explicit(&row->matched, memory_order_relaxed));
        }
        if (!kept)
            continue;
        op_joined_null_left(&state->joined);
        for (uint32_t c = 0; c < join->right_count; c++) {
            if (!join->needed[join->left_count + c])
                continue;
            vector *values = &state->joined.right_values[c];
            exec_rows_gather(&self->layout, (uint32_t)self->layout_column[c], state->addresses,
                             NULL, kept, values);
            state->joined.all->columns[join->left_count + c] = *values;
        }
        *chunk = op_joined_output(&state->joined, NULL, kept);
        return BASE_ROW;
    }
    return BASE_DONE;
}

static const exec_part_class build_source_class = {
    .name = "hash join build rows",
    .create_state = build_source_create_state,
    .start = build_source_start,
    .open_unit = build_source_open_unit,
    .next = build_source_next,
};

/* ---- Building ---------------------------------------------------------------------------- */

static base_status init_layout(hash_join_part *self, exec_builder *builder)
{
    exec_execution *execution = builder->execution;
    const plan_operator *op = self->part.op, *right = op->inputs[1];
    uint32_t keys = op->join.key_count;
    types_type *types = exec_new(execution, (keys + right->column_count + 1) * sizeof(types_type));
    self->payload = exec_new(execution, (right->column_count + 1) * sizeof(uint32_t));
    self->layout_column = exec_new(execution, (right->column_count + 1) * sizeof(int32_t));
    if (!types || !self->payload || !self->layout_column)
        return base_error_no_memory(builder->error);
    self->key_count = keys;
    self->null_equal = op->join.null_equal;
    for (uint32_t c = 0; c < right->column_count; c++)
        self->layout_column[c] = -1;
    for (uint32_t k = 0; k < keys; k++) {
        const plan_expr *key = op->join.right_keys[k];
        types[k] = key->type;
        if (key->kind == PLAN_EXPR_SLOT)
            self->layout_column[key->slot] = (int32_t)k;
    }
    self->column_count = keys;
    for (uint32_t c = 0; c < right->column_count; c++) {
        if (!self->join.needed[self->join.left_count + c] || self->layout_column[c] >= 0)
            continue;
        self->payload[self->column_count - keys] = c;
        self->layout_column[c] = (int32_t)self->column_count;
        types[self->column_count++] = right->types[c];
    }
    return exec_layout_init(&self->layout, execution, types, self->column_count,
                            sizeof(hash_join_row), 0, builder->error);
}

base_status exec_build_hash_join(exec_builder *builder, const plan_operator *op, exec_chain *chain)
{
    hash_join_part *self = exec_part_new(builder, &hash_build_class, sizeof *self, op);
    exec_chain *build = self ? exec_chain_sink(builder, &self->part) : NULL;
    if (!build)
        return base_error_no_memory(builder->error);
    RETURN_IF_ERROR(op_join_init(&self->join, builder->execution, op, builder->error));
    self->keeps_null_keys = self->join.emits_build || self->join.kind == PLAN_JOIN_MARK;
    RETURN_IF_ERROR(init_layout(self, builder));
    if (!base_arena_on_release(&builder->execution->arena, free_directory, self))
        return base_error_no_memory(builder->error);
    RETURN_IF_ERROR(exec_build(builder, op->inputs[1], build));
    exec_part *probe = hash_join_probe_new(builder, self);
    exec_chain *probing = probe ? exec_chain_step(builder, probe, chain) : NULL;
    if (!probing)
        return base_error_no_memory(builder->error);
    RETURN_IF_ERROR(exec_build(builder, op->inputs[0], probing));
    if (!self->join.emits_build)
        return BASE_OK;
    build_source *source = exec_part_new(builder, &build_source_class, sizeof *source, op);
    if (!source)
        return base_error_no_memory(builder->error);
    source->join = self;
    return exec_add_pipeline(builder, &source->part, chain);
}
