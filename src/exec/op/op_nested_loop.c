/*
 * op_nested_loop.c - joins without an equality: every pair of rows is looked at.
 *
 * The build side is kept as chunks. The condition is evaluated for one row of one side, standing
 * as constants, against up to VECTOR_SIZE rows of the other: against the kept chunks row by row
 * of the input when there are many kept rows, and against the input row by row of the kept side
 * when there are few (a scalar subquery's one row costs no copy at all). Sparse results are
 * gathered into full chunks before they go on.
 *
 * Invariants: matched[i] belongs to row i of the input, unknown[i] says that a condition was NULL
 * for it; build_matched has a bit per kept row and is written under atomics.
 */
#include "exec/op/op_join.h"

typedef struct nested_loop_part {
    exec_part part; /* the sink of the kept side */
    op_join join;
    exec_buffer *kept;
    _Atomic(uint8_t) *build_matched; /* by kept row, where the kind flags */
    size_t build_matched_size;
} nested_loop_part;

/* ---- The kept side ----------------------------------------------------------------------- */

static base_status sink(exec_part *part, void *state, vector_chunk *input, base_error *error)
{
    return exec_buffer_append(((nested_loop_part *)part)->kept, input, error);
}

static base_status finish(exec_part *part, base_error *error)
{
    nested_loop_part *self = (nested_loop_part *)part;
    if (!self->join.flags_build || !self->kept->row_count)
        return BASE_OK;
    self->build_matched_size = self->kept->row_count;
    self->build_matched = base_allocate_zeroed(&part->execution->budget, self->build_matched_size);
    return self->build_matched ? BASE_OK : base_error_no_memory(error);
}

static void close(exec_part *part)
{
    nested_loop_part *self = (nested_loop_part *)part;
    exec_buffer_clear(self->kept);
    base_free(&part->execution->budget, self->build_matched, self->build_matched_size);
    self->build_matched = NULL;
}

static const exec_part_class keep_class = {
    .name = "nested loop input",
    .sink = sink,
    .finish = finish,
    .close = close,
};

/* ---- Pairing ----------------------------------------------------------------------------- */

typedef struct loop_part {
    exec_part part;
    nested_loop_part *join;
} loop_part;

typedef struct loop_state {
    expr_program *condition;
    op_joined joined;
    vector *constants;      /* by slot: the one row of its side */
    vector_chunk *frame;    /* a kept chunk */
    vector_chunk *gathered; /* sparse results, by output column */
    vector_chunk *input;
    bool by_kept_row;      /* constants come from the kept side */
    uint32_t outer, chunk; /* row that stands as constants, kept chunk it has come to */
    bool pairing;
    uint8_t *matched, *unknown;
    uint16_t *selection;
} loop_state;

static base_status loop_create_state(exec_part *part, void **result, base_error *error)
{
    nested_loop_part *join = ((loop_part *)part)->join;
    exec_execution *execution = part->execution;
    const plan_operator *op = part->op;
    uint32_t left = join->join.left_count, right = join->join.right_count;
    loop_state *state = EXEC_NEW(execution, loop_state);
    if (!state)
        return base_error_no_memory(error);
    state->matched = exec_new(execution, VECTOR_SIZE);
    state->unknown = exec_new(execution, VECTOR_SIZE);
    state->selection = exec_new(execution, VECTOR_SIZE * sizeof(uint16_t));
    if (!state->matched || !state->unknown || !state->selection)
        return base_error_no_memory(error);
    RETURN_IF_ERROR(op_joined_init(&state->joined, &join->join, execution, error));
    RETURN_IF_ERROR(exec_chunk_frame(execution, right, &state->frame, error));
    if (join->join.residual)
        RETURN_IF_ERROR(exec_compile(execution, join->join.residual, &state->condition, error));
    types_type *types = exec_new(execution, (left + right + 1) * sizeof(types_type));
    if (!types)
        return base_error_no_memory(error);
    memcpy(types, op->inputs[0]->types, left * sizeof(types_type));
    memcpy(types + left, op->inputs[1]->types, right * sizeof(types_type));
    vector_chunk *constants;
    RETURN_IF_ERROR(exec_chunk_new(execution, types, left + right, &constants, error));
    state->constants = constants->columns;
    *result = state;
    return exec_chunk_new(execution, op->types, op->column_count, &state->gathered, error);
}

/* Sets one side's columns to the constants of its row. */
static void set_constants(loop_state *state, uint32_t first_slot, const vector *columns,
                          uint32_t column_count, uint32_t position)
{
    for (uint32_t c = 0; c < column_count; c++) {
        uint32_t slot = first_slot + c;
        if (!state->joined.join->needed[slot])
            continue;
        types_value value = vector_get(&columns[c], position);
        vector_set_constant(&state->constants[slot], &value);
        state->joined.all->columns[slot] = state->constants[slot];
    }
}

/* Evaluates the condition over the joined chunk; the rows for which it is true. */
static base_status select_pairs(loop_state *state, bool want_unknown, uint32_t *count,
                                const vector **answers, base_error *error)
{
    vector_chunk *all = state->joined.all;
    *answers = NULL;
    if (!state->condition) {
        *count = all->count;
        for (uint32_t i = 0; i < all->count; i++)
            state->selection[i] = (uint16_t)vector_row(all->selection, i);
        return BASE_OK;
    }
    if (!want_unknown)
        return expr_select(state->condition, all, state->selection, count, error);
    RETURN_IF_ERROR(expr_evaluate(state->condition, all, answers, error));
    *count = vector_select_true(*answers, all->selection, all->count, state->selection);
    return BASE_OK;
}

static base_status flag_build_row(nested_loop_part *self, uint64_t row, base_error *error)
{
    if (!self->join.flags_build)
        return BASE_OK;
    uint8_t before = atomic_exchange_explicit(&self->build_matched[row], 1, memory_order_relaxed);
    return before && self->join.single ? op_join_second_partner(&self->join, error) : BASE_OK;
}

static base_status flag_probe_row(const op_join *join, loop_state *state, uint32_t ordinal,
                                  base_error *error)
{
    if (join->single && !join->build_is_left && state->matched[ordinal])
        return op_join_second_partner(join, error);
    state->matched[ordinal] = 1;
    return BASE_OK;
}

/* Row `outer` of the input against kept chunk `chunk`. */
static base_status pair_input_row(nested_loop_part *self, loop_state *state, uint32_t *count,
                                  base_error *error)
{
    const op_join *join = &self->join;
    const vector *answers;
    exec_buffer_read(self->kept, state->chunk, state->frame);
    memcpy(state->joined.all->columns + join->left_count, state->frame->columns,
           join->right_count * sizeof(vector));
    state->joined.all->count = state->frame->count;
    state->joined.all->selection = NULL;
    exec_note_work(&self->part, state->frame->count, 0);
    bool want_unknown = join->kind == PLAN_JOIN_MARK;
    RETURN_IF_ERROR(select_pairs(state, want_unknown, count, &answers, error));
    for (uint32_t i = 0; want_unknown && answers && i < state->frame->count; i++)
        state->unknown[state->outer] |= !vector_is_valid(answers, i);
    if (!*count)
        return BASE_OK;
    if (join->single && !join->build_is_left && *count > 1)
        return op_join_second_partner(join, error);
    RETURN_IF_ERROR(flag_probe_row(join, state, state->outer, error));
    for (uint32_t i = 0; join->flags_build && i < *count; i++)
        RETURN_IF_ERROR(flag_build_row(
            self, (uint64_t)state->chunk * VECTOR_SIZE + state->selection[i], error));
    return BASE_OK;
}

/* Kept row `outer` against the input. */
static base_status pair_kept_row(nested_loop_part *self, loop_state *state, uint32_t *count,
                                 base_error *error)
{
    const op_join *join = &self->join;
    const vector_chunk *input = state->input;
    const vector *answers;
    state->joined.all->count = input->count;
    state->joined.all->selection = input->selection;
    exec_note_work(&self->part, input->count, 0);
    bool want_unknown = join->kind == PLAN_JOIN_MARK;
    RETURN_IF_ERROR(select_pairs(state, want_unknown, count, &answers, error));
    for (uint32_t i = 0; want_unknown && answers && i < input->count; i++)
        state->unknown[i] |= !vector_is_valid(answers, vector_row(input->selection, i));
    for (uint32_t i = 0, s = 0; s < *count; i++) {
        if (vector_row(input->selection, i) != state->selection[s])
            continue;
        s++;
        RETURN_IF_ERROR(flag_probe_row(join, state, i, error));
        RETURN_IF_ERROR(flag_build_row(self, state->outer, error));
    }
    return BASE_OK;
}

/* Goes on to the next pairing; false: all have been seen. Sets the constants where the row that
 * they stand for changes. */
static bool advance(nested_loop_part *self, loop_state *state)
{
    const op_join *join = &self->join;
    const exec_buffer *kept = self->kept;
    if (state->by_kept_row) {
        if (++state->outer >= kept->row_count)
            return false;
        exec_buffer_read(kept, state->outer / VECTOR_SIZE, state->frame);
        set_constants(state, join->left_count, state->frame->columns, join->right_count,
                      state->outer % VECTOR_SIZE);
        return true;
    }
    bool decided =
        join->tests_probe && state->outer < state->input->count && state->matched[state->outer];
    if (state->outer != UINT32_MAX && ++state->chunk < kept->chunk_count && !decided)
        return true;
    state->chunk = 0;
    if (++state->outer >= state->input->count)
        return false;
    set_constants(state, 0, state->input->columns, join->left_count,
                  vector_row(state->input->selection, state->outer));
    return true;
}

static void begin_input(nested_loop_part *self, loop_state *state, vector_chunk *input)
{
    const exec_buffer *kept = self->kept;
    state->input = input;
    memset(state->matched, 0, input->count);
    memset(state->unknown, 0, input->count);
    /* Few rows stand as constants, many are looked at by vector. */
    state->by_kept_row = kept->row_count <= input->count;
    state->outer = UINT32_MAX; /* advance begins at 0 */
    state->chunk = 0;
    state->pairing = kept->row_count > 0;
    if (state->by_kept_row)
        op_joined_left(&state->joined, input);
}

/* Pairs until a chunk is worth handing on. */
static base_status next_pairs(nested_loop_part *self, loop_state *state, vector_chunk **output,
                              base_error *error)
{
    vector_chunk *gathered = state->gathered;
    vector_chunk_reset(gathered);
    while (state->pairing) {
        if (!advance(self, state)) {
            state->pairing = false;
            break;
        }
        RETURN_IF_ERROR(exec_check_interrupt(self->part.execution, error));
        uint32_t count;
        RETURN_IF_ERROR(state->by_kept_row ? pair_kept_row(self, state, &count, error)
                                           : pair_input_row(self, state, &count, error));
        if (!count || !self->join.emits_pairs)
            continue;
        vector_chunk *chunk = op_joined_output(&state->joined, state->selection, count);
        if (count > VECTOR_SIZE / 4 && !gathered->count) {
            *output = chunk;
            return BASE_OK;
        }
        RETURN_IF_ERROR(vector_chunk_append(gathered, chunk, error));
        /* The next pairing may bring as many rows as a chunk has. */
        uint32_t most = state->by_kept_row
                            ? state->input->count
                            : (uint32_t)BASE_MIN(self->kept->row_count, (uint64_t)VECTOR_SIZE);
        if (gathered->count + most > VECTOR_SIZE)
            break;
    }
    *output = gathered->count ? gathered : NULL;
    return BASE_OK;
}

/* ---- Rows without a partner, and answers ------------------------------------------------- */

static void answer_marks(loop_state *state)
{
    vector_chunk *input = state->input;
    const op_join *join = state->joined.join;
    vector *mark = &state->joined.mark;
    vector_reset(mark);
    for (uint32_t i = 0; i < input->count; i++) {
        uint32_t position = vector_row(input->selection, i);
        ((uint8_t *)mark->data)[position] = state->matched[i];
        if (!state->matched[i] && state->unknown[i])
            vector_set_null(mark, position);
    }
    state->joined.all->columns[join->left_count + join->right_count] = *mark;
}

static vector_chunk *finish_input(nested_loop_part *self, loop_state *state)
{
    const op_join *join = &self->join;
    vector_chunk *input = state->input;
    if (!join->tests_probe && !join->keeps_probe)
        return NULL;
    op_joined_left(&state->joined, input);
    if (join->kind == PLAN_JOIN_MARK) {
        answer_marks(state);
        return op_joined_output(&state->joined, input->selection, input->count);
    }
    bool wanted = join->kind == PLAN_JOIN_SEMI;
    uint32_t count = 0;
    for (uint32_t i = 0; i < input->count; i++) {
        state->selection[count] = (uint16_t)vector_row(input->selection, i);
        count += state->matched[i] == wanted;
    }
    if (join->keeps_probe)
        op_joined_null_right(&state->joined);
    return count ? op_joined_output(&state->joined, state->selection, count) : NULL;
}

static base_status push(exec_part *part, void *opaque, vector_chunk *input, vector_chunk **output,
                        exec_answer *answer, base_error *error)
{
    nested_loop_part *self = ((loop_part *)part)->join;
    loop_state *state = opaque;
    if (input)
        begin_input(self, state, input);
    if (state->pairing) {
        RETURN_IF_ERROR(next_pairs(self, state, output, error));
        if (*output) {
            *answer = EXEC_MORE_OUTPUT;
            return BASE_OK;
        }
    }
    *answer = EXEC_NEED_INPUT;
    *output = finish_input(self, state);
    return BASE_OK;
}

static const exec_part_class loop_class = {
    .name = "nested loop",
    .create_state = loop_create_state,
    .push = push,
};

/* ---- Kept rows that come out last -------------------------------------------------------- */

typedef struct kept_source {
    exec_part part;
    nested_loop_part *join;
    op_joined joined;
    uint32_t next;
    vector_chunk *frame;
    uint16_t *selection;
} kept_source;

static base_status kept_start(exec_part *part, base_error *error)
{
    ((kept_source *)part)->next = 0;
    part->unit_count = 1;
    part->row_estimate = ((kept_source *)part)->join->kept->row_count;
    return BASE_OK;
}

static base_status kept_next(exec_part *part, void *state, vector_chunk **chunk, base_error *error)
{
    kept_source *self = (kept_source *)part;
    const exec_buffer *kept = self->join->kept;
    const op_join *join = &self->join->join;
    bool wanted = join->kind == PLAN_JOIN_SEMI;
    while (self->next < kept->chunk_count) {
        uint64_t first = (uint64_t)self->next * VECTOR_SIZE;
        exec_buffer_read(kept, self->next++, self->frame);
        uint32_t count = 0;
        for (uint32_t i = 0; i < self->frame->count; i++) {
            self->selection[count] = (uint16_t)i;
            count += atomic_load_explicit(&self->join->build_matched[first + i],
                                          memory_order_relaxed) == wanted;
        }
        if (!count)
            continue;
        op_joined_null_left(&self->joined);
        memcpy(self->joined.all->columns + join->left_count, self->frame->columns,
               join->right_count * sizeof(vector));
        *chunk = op_joined_output(&self->joined, self->selection, count);
        return BASE_ROW;
    }
    return BASE_DONE;
}

static const exec_part_class kept_class = {
    .name = "nested loop kept rows",
    .start = kept_start,
    .next = kept_next,
};

static base_status add_kept_source(exec_builder *builder, nested_loop_part *join, exec_chain *chain)
{
    exec_execution *execution = builder->execution;
    const plan_operator *op = join->part.op;
    kept_source *self = exec_part_new(builder, &kept_class, sizeof *self, op);
    if (!self)
        return base_error_no_memory(builder->error);
    self->join = join;
    self->part.parallel = false;
    self->selection = exec_new(execution, VECTOR_SIZE * sizeof(uint16_t));
    if (!self->selection)
        return base_error_no_memory(builder->error);
    RETURN_IF_ERROR(op_joined_init(&self->joined, &join->join, execution, builder->error));
    RETURN_IF_ERROR(
        exec_chunk_frame(execution, join->join.right_count, &self->frame, builder->error));
    return exec_add_pipeline(builder, &self->part, chain);
}

base_status exec_build_nested_loop(exec_builder *builder, const plan_operator *op,
                                   exec_chain *chain)
{
    exec_execution *execution = builder->execution;
    nested_loop_part *self = exec_part_new(builder, &keep_class, sizeof *self, op);
    loop_part *loop = exec_part_new(builder, &loop_class, sizeof *loop, op);
    exec_chain *keeping = self ? exec_chain_sink(builder, &self->part) : NULL;
    exec_chain *looping = loop ? exec_chain_step(builder, &loop->part, chain) : NULL;
    if (!keeping || !looping)
        return base_error_no_memory(builder->error);
    self->part.parallel = false;
    loop->join = self;
    RETURN_IF_ERROR(op_join_init(&self->join, execution, op, builder->error));
    const plan_operator *right = op->inputs[1];
    RETURN_IF_ERROR(
        exec_buffer_new(execution, right->types, right->column_count, &self->kept, builder->error));
    RETURN_IF_ERROR(exec_build(builder, right, keeping));
    RETURN_IF_ERROR(exec_build(builder, op->inputs[0], looping));
    return self->join.emits_build ? add_kept_source(builder, self, chain) : BASE_OK;
}
