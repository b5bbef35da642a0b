/*
 * op_hash_probe.c - the streaming side of a hash join.
 *
 * For a chunk: evaluate and hash the keys, look up the directory (two loops, so that the cache
 * misses of many rows overlap), then make candidate pairs (probe row, build row) of equal hash in
 * probe order, at most VECTOR_SIZE at a time, and narrow them by comparing keys column by column
 * and by the residual. What is left is emitted, or noted where the join only asks whether there
 * is a partner.
 *
 * When each probe row of a batch has one partner at most (joins to a key: nearly all), build
 * values are gathered to the probe row's physical position and the probe columns are handed on
 * as they are. Otherwise probe columns are copied.
 *
 * Invariants: `input` is not released before the step has answered EXEC_NEED_INPUT; pairs
 * are in rising order of probe rows; matched[i] belongs to row i of the input.
 */
#include "exec/op/op_hash_join.h"

typedef struct probe_part {
    exec_part part;
    hash_join_part *join;
} probe_part;

typedef struct probe_state {
    expr_program **keys;
    const vector **key_vectors;
    expr_program *residual;
    op_joined joined;
    uint64_t *hashes;
    uint16_t *selection;   /* physical positions of rows with usable keys */
    uint16_t *ordinals;    /* row of the input (0 .. count - 1) of each of them */
    hash_join_row **first; /* next candidate of each of them, NULL: no more */
    uint32_t active;       /* how many */

    vector_chunk *input;
    uint32_t next; /* entry of `selection` whose candidates come next */
    bool probing;  /* pairs may be left; otherwise only rows without a partner */
    uint8_t *matched;

    uint16_t *pair_positions, *pair_ordinals, *pairs;
    char **pair_rows;
    uint32_t pair_count;
    uint16_t *output_selection;
    char **output_rows;
} probe_state;

static base_status create_state(exec_part *part, void **result, base_error *error)
{
    hash_join_part *join = ((probe_part *)part)->join;
    exec_execution *execution = part->execution;
    const plan_operator *op = join->join.op;
    probe_state *state = EXEC_NEW(execution, probe_state);
    if (!state)
        return base_error_no_memory(error);
    size_t shorts = VECTOR_SIZE * sizeof(uint16_t);
    state->key_vectors = exec_new(execution, (join->key_count + 1) * sizeof(vector *));
    state->hashes = exec_new(execution, VECTOR_SIZE * sizeof(uint64_t));
    state->selection = exec_new(execution, shorts);
    state->ordinals = exec_new(execution, shorts);
    state->first = exec_new(execution, VECTOR_SIZE * sizeof(hash_join_row *));
    state->matched = exec_new(execution, VECTOR_SIZE);
    state->pair_positions = exec_new(execution, shorts);
    state->pair_ordinals = exec_new(execution, shorts);
    state->pairs = exec_new(execution, shorts);
    state->pair_rows = exec_new(execution, VECTOR_SIZE * sizeof(char *));
    state->output_selection = exec_new(execution, shorts);
    state->output_rows = exec_new(execution, VECTOR_SIZE * sizeof(char *));
    if (!state->key_vectors || !state->hashes || !state->selection || !state->ordinals ||
        !state->first || !state->matched || !state->pair_positions || !state->pair_ordinals ||
        !state->pairs || !state->pair_rows || !state->output_selection || !state->output_rows)
        return base_error_no_memory(error);
    RETURN_IF_ERROR(
        exec_compile_all(execution, op->join.left_keys, join->key_count, &state->keys, error));
    if (join->join.residual)
        RETURN_IF_ERROR(exec_compile(execution, join->join.residual, &state->residual, error));
    *result = state;
    return op_joined_init(&state->joined, &join->join, execution, error);
}

/* ---- Candidates -------------------------------------------------------------------------- */

/* Keeps the rows of `selection` whose directory entry may lead to a partner. */
static void look_up_hashes(const hash_join_part *join, probe_state *state, uint32_t kept)
{
    uint32_t active = 0;
    for (uint32_t i = 0; i < kept; i++) {
        uint64_t hash = state->hashes[i];
        uint64_t entry =
            atomic_load_explicit(&join->directory[hash >> join->shift], memory_order_relaxed);
        state->first[active] = hash_join_first(entry);
        state->selection[active] = state->selection[i];
        state->ordinals[active] = state->ordinals[i];
        state->hashes[active] = hash;
        active += (entry & hash_join_tag(hash)) != 0;
    }
    state->active = active;
}

BASE_INLINE uint32_t look_up_body(const hash_join_part *join, probe_state *state, types_form form,
                                  uint32_t kept)
{
    const vector *key = state->key_vectors[0];
    const void *data = key->shape == VECTOR_DICTIONARY ? key->dictionary->data : key->data;
    const uint16_t *codes = key->data;
    uint64_t base = (uint64_t)join->base, size = join->directory_size;
    uint32_t active = 0;
    for (uint32_t i = 0; i < kept; i++) {
        uint32_t position = state->selection[i];
        uint32_t place = key->shape == VECTOR_FLAT       ? position
                         : key->shape == VECTOR_CONSTANT ? 0
                                                         : codes[position];
        uint64_t number = (uint64_t)hash_join_integer(form, data, place) - base;
        uint64_t entry = 0;
        if (number < size)
            entry = atomic_load_explicit(&join->directory[number], memory_order_relaxed);
        state->first[active] = hash_join_first(entry);
        state->selection[active] = (uint16_t)position;
        state->ordinals[active] = state->ordinals[i];
        active += entry != 0;
    }
    return active;
}

static void look_up_keys(const hash_join_part *join, probe_state *state, uint32_t kept)
{
    switch ((types_form)state->key_vectors[0]->form) {
    case TYPES_FORM_INT8:
        state->active = look_up_body(join, state, TYPES_FORM_INT8, kept);
        break;
    case TYPES_FORM_INT16:
        state->active = look_up_body(join, state, TYPES_FORM_INT16, kept);
        break;
    case TYPES_FORM_INT32:
        state->active = look_up_body(join, state, TYPES_FORM_INT32, kept);
        break;
    default:
        state->active = look_up_body(join, state, TYPES_FORM_INT64, kept);
        break;
    }
}

/* Evaluates the input's keys and finds the first row of equal hash for each. */
static base_status begin_input(hash_join_part *join, probe_state *state, vector_chunk *input,
                               base_error *error)
{
    state->input = input;
    state->next = 0;
    state->probing = true;
    memset(state->matched, 0, input->count);
    uint32_t kept;
    RETURN_IF_ERROR(hash_join_keys(join, state->keys, input, state->key_vectors, state->selection,
                                   &kept, error));
    for (uint32_t k = 0; k < join->key_count && !join->is_direct; k++)
        vector_hash(state->key_vectors[k], state->selection, kept, k > 0, state->hashes);
    if (kept == input->count) {
        for (uint32_t i = 0; i < kept; i++)
            state->ordinals[i] = (uint16_t)i;
    } else {
        for (uint32_t i = 0, n = 0; n < kept; i++)
            if (vector_row(input->selection, i) == state->selection[n])
                state->ordinals[n++] = (uint16_t)i;
    }
    state->active = 0;
    if (!join->directory_size)
        return BASE_OK;
    if (join->is_direct)
        look_up_keys(join, state, kept);
    else
        look_up_hashes(join, state, kept);
    for (uint32_t i = 0; i < state->active; i++)
        BASE_PREFETCH(state->first[i]);
    return BASE_OK;
}

/* Fills the pair arrays with the next candidates. */
static void next_candidates(const hash_join_part *join, probe_state *state)
{
    uint32_t count = 0, i = state->next;
    for (; i < state->active; i++) {
        hash_join_row *row = state->first[i];
        uint64_t hash = state->hashes[i];
        for (; row && count < VECTOR_SIZE; row = row->next) {
            state->pair_positions[count] = state->selection[i];
            state->pair_ordinals[count] = state->ordinals[i];
            state->pair_rows[count] = (char *)row;
            count += join->is_direct || row->hash == hash;
        }
        state->first[i] = row;
        if (row)
            break; /* full in the middle of a chain */
    }
    state->next = i;
    state->pair_count = count;
    for (uint32_t p = 0; p < count; p++)
        state->pairs[p] = (uint16_t)p;
}

/* When one partner decides: a candidate for each row that has none yet, all rows in one go. */
static void next_undecided(const hash_join_part *join, probe_state *state)
{
    uint32_t count = 0, active = 0;
    for (uint32_t i = 0; i < state->active; i++) {
        hash_join_row *row = state->first[i];
        if (state->matched[state->ordinals[i]])
            continue;
        while (row && !join->is_direct && row->hash != state->hashes[i])
            row = row->next;
        if (!row)
            continue;
        state->pair_positions[count] = state->selection[i];
        state->pair_ordinals[count] = state->ordinals[i];
        state->pair_rows[count] = (char *)row;
        state->pairs[count] = (uint16_t)count;
        count++;
        state->first[active] = row->next;
        state->selection[active] = state->selection[i];
        state->ordinals[active] = state->ordinals[i];
        state->hashes[active] = state->hashes[i];
        active++;
    }
    state->active = active;
    state->next = active ? 0 : active;
    state->pair_count = count;
}

/* Compares keys; the pairs that stay are moved to the front of the pair arrays. */
static void match_keys(hash_join_part *join, probe_state *state)
{
    uint32_t count = state->pair_count;
    if (join->is_direct)
        return; /* a chain has one key, and it was looked up by that */
    for (uint32_t k = 0; k < join->key_count && count; k++)
        count =
            exec_rows_match(&join->layout, k, state->key_vectors[k], state->pair_positions,
                            state->pair_rows, state->pairs, count, join->null_equal[k], NULL, NULL);
    if (count == state->pair_count)
        return;
    for (uint32_t p = 0; p < count; p++) {
        uint16_t pair = state->pairs[p];
        state->pair_positions[p] = state->pair_positions[pair];
        state->pair_ordinals[p] = state->pair_ordinals[pair];
        state->pair_rows[p] = state->pair_rows[pair];
    }
    state->pair_count = count;
}

/* ---- Putting pairs together -------------------------------------------------------------- */

static bool each_once(const probe_state *state)
{
    for (uint32_t p = 1; p < state->pair_count; p++)
        if (state->pair_ordinals[p] == state->pair_ordinals[p - 1])
            return false;
    return true;
}

/* Makes the joined chunk of the pairs. `*in_place`: pair p stands at the physical position of
 * its probe row, otherwise at p. */
static base_status join_pairs(hash_join_part *self, probe_state *state, bool *in_place,
                              base_error *error)
{
    const op_join *join = &self->join;
    op_joined *joined = &state->joined;
    *in_place = each_once(state);
    if (*in_place)
        op_joined_left(joined, state->input);
    else
        RETURN_IF_ERROR(op_joined_copy_left(joined, state->input, state->pair_positions,
                                            state->pair_count, error));
    for (uint32_t c = 0; c < join->right_count; c++) {
        if (!join->needed[join->left_count + c])
            continue;
        vector *values = &joined->right_values[c];
        exec_rows_gather(&self->layout, (uint32_t)self->layout_column[c], state->pair_rows,
                         *in_place ? state->pair_positions : NULL, state->pair_count, values);
        joined->all->columns[join->left_count + c] = *values;
    }
    return BASE_OK;
}

/* Drops the pairs that fail the residual. Their joined rows stay where they are. */
static base_status apply_residual(probe_state *state, bool in_place, base_error *error)
{
    vector_chunk *all = state->joined.all;
    uint32_t count = state->pair_count, kept;
    all->count = count;
    all->selection = in_place ? state->pair_positions : NULL;
    RETURN_IF_ERROR(expr_select(state->residual, all, state->output_selection, &kept, error));
    uint32_t p = 0;
    for (uint32_t i = 0; i < kept; i++, p++) {
        while ((in_place ? state->pair_positions[p] : p) != state->output_selection[i])
            p++;
        state->pair_ordinals[i] = state->pair_ordinals[p];
        state->pair_rows[i] = state->pair_rows[p];
        state->pair_positions[i] = state->output_selection[i]; /* where the joined row stands */
    }
    state->pair_count = kept;
    return BASE_OK;
}

/* Notes who has a partner. */
static base_status note_partners(const op_join *join, probe_state *state, base_error *error)
{
    for (uint32_t p = 0; p < state->pair_count; p++) {
        uint8_t *matched = &state->matched[state->pair_ordinals[p]];
        if (join->single && !join->build_is_left && *matched)
            return op_join_second_partner(join, error);
        *matched = 1;
    }
    if (!join->flags_build)
        return BASE_OK;
    for (uint32_t p = 0; p < state->pair_count; p++) {
        hash_join_row *row = (hash_join_row *)(void *)state->pair_rows[p];
        if (join->single) {
            if (atomic_exchange_explicit(&row->matched, 1, memory_order_relaxed))
                return op_join_second_partner(join, error);
        } else if (!atomic_load_explicit(&row->matched, memory_order_relaxed)) {
            atomic_store_explicit(&row->matched, 1, memory_order_relaxed);
        }
    }
    return BASE_OK;
}

/* The next batch of pairs that pass everything. False in `*found`: no candidates are left. */
static base_status next_pairs(hash_join_part *self, probe_state *state, bool *found,
                              vector_chunk **output, base_error *error)
{
    const op_join *join = &self->join;
    bool decide = join->tests_probe;
    *output = NULL;
    *found = false;
    if (decide)
        next_undecided(self, state);
    else
        next_candidates(self, state);
    if (!state->pair_count)
        return BASE_OK;
    *found = true;
    exec_note_work(&self->part, state->pair_count, 0);
    match_keys(self, state);
    if (!state->pair_count)
        return BASE_OK;
    bool in_place = false;
    if (join->emits_pairs || state->residual)
        RETURN_IF_ERROR(join_pairs(self, state, &in_place, error));
    if (state->residual)
        RETURN_IF_ERROR(apply_residual(state, in_place, error));
    RETURN_IF_ERROR(note_partners(join, state, error));
    if (!join->emits_pairs || !state->pair_count)
        return BASE_OK;
    const uint16_t *selection = in_place || state->residual ? state->pair_positions : NULL;
    *output = op_joined_output(&state->joined, selection, state->pair_count);
    return BASE_OK;
}

/* ---- Rows without a partner, and answers ------------------------------------------------- */

/* Positions of the input's rows with (or without) a partner. */
static uint32_t select_matched(probe_state *state, bool matched)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < state->input->count; i++) {
        state->output_selection[count] = (uint16_t)vector_row(state->input->selection, i);
        count += state->matched[i] == matched;
    }
    return count;
}

/* Could the build row be a partner if its or the probe row's NULLs were known? */
static base_status may_match(hash_join_part *self, probe_state *state, uint32_t position, char *row,
                             bool *result, base_error *error)
{
    uint16_t pair_position = (uint16_t)position;
    *result = false;
    for (uint32_t k = 0; k < self->key_count; k++) {
        uint16_t pair = 0;
        bool unknown = !self->null_equal[k] && (exec_row_is_null(&self->layout, row, k) ||
                                                !vector_is_valid(state->key_vectors[k], position));
        if (!unknown && !exec_rows_match(&self->layout, k, state->key_vectors[k], &pair_position,
                                         &row, &pair, 1, self->null_equal[k], NULL, NULL))
            return BASE_OK;
    }
    *result = true;
    if (!state->residual)
        return BASE_OK;
    /* NULL of the residual counts as a possible partner too. */
    state->pair_positions[0] = state->pair_ordinals[0] = pair_position;
    state->pair_rows[0] = row;
    state->pair_count = 1;
    bool in_place;
    RETURN_IF_ERROR(join_pairs(self, state, &in_place, error));
    vector_chunk *all = state->joined.all;
    const vector *answer;
    all->count = 1;
    all->selection = state->pair_positions;
    RETURN_IF_ERROR(expr_evaluate(state->residual, all, &answer, error));
    types_value value = vector_get(answer, position);
    *result = value.is_null || value.cell.boolean;
    return BASE_OK;
}

/* Is the IN answer of an unmatched row NULL? Looks at all rows when the probe row has a NULL,
 * else at those with a NULL key. One key and no residual (nearly always) needs no look. */
static base_status answer_is_null(hash_join_part *self, probe_state *state, uint32_t position,
                                  bool probe_null, bool *result, base_error *error)
{
    *result = false;
    if (self->key_count == 1 && !state->residual) {
        *result = probe_null ? self->row_count > 0 : self->has_null_key;
        return BASE_OK;
    }
    for (uint32_t l = 0; l < self->part.state_count; l++) {
        hash_join_state *build = self->part.states[l];
        for (uint32_t b = 0; build && b < build->rows->block_count; b++) {
            const exec_row_block *block = &build->rows->blocks[b];
            for (uint32_t i = 0; i < block->count; i++) {
                char *row = block->rows + (size_t)i * self->layout.row_size;
                if (!probe_null && !state->residual && !((hash_join_row *)(void *)row)->null_key)
                    continue;
                RETURN_IF_ERROR(may_match(self, state, position, row, result, error));
                if (*result)
                    return BASE_OK;
            }
        }
    }
    return BASE_OK;
}

static base_status answer_marks(hash_join_part *self, probe_state *state, vector_chunk **output,
                                base_error *error)
{
    vector_chunk *input = state->input;
    vector *mark = &state->joined.mark;
    vector_reset(mark);
    uint8_t *answers = mark->data;
    bool may_be_null = self->has_null_key || state->residual;
    for (uint32_t k = 0; k < self->key_count; k++)
        may_be_null |= state->key_vectors[k]->validity && !self->null_equal[k];
    for (uint32_t i = 0; i < input->count; i++) {
        uint32_t position = vector_row(input->selection, i);
        answers[position] = state->matched[i];
        if (state->matched[i] || !may_be_null || !self->row_count)
            continue;
        bool probe_null = false, is_null;
        for (uint32_t k = 0; k < self->key_count; k++)
            probe_null |= !self->null_equal[k] && !vector_is_valid(state->key_vectors[k], position);
        RETURN_IF_ERROR(answer_is_null(self, state, position, probe_null, &is_null, error));
        if (is_null)
            vector_set_null(mark, position);
    }
    op_joined_left(&state->joined, input);
    state->joined.all->columns[self->join.left_count + self->join.right_count] = *mark;
    *output = op_joined_output(&state->joined, input->selection, input->count);
    return BASE_OK;
}

/* What comes out once all pairs of the input are known. */
static base_status finish_input(hash_join_part *self, probe_state *state, vector_chunk **output,
                                base_error *error)
{
    const op_join *join = &self->join;
    uint32_t count = 0;
    if (join->kind == PLAN_JOIN_MARK)
        return answer_marks(self, state, output, error);
    if (join->tests_probe) {
        count = select_matched(state, join->kind == PLAN_JOIN_SEMI);
        op_joined_left(&state->joined, state->input);
    } else if (join->keeps_probe) {
        count = select_matched(state, false);
        op_joined_left(&state->joined, state->input);
        op_joined_null_right(&state->joined);
    }
    *output = count ? op_joined_output(&state->joined, state->output_selection, count) : NULL;
    return BASE_OK;
}

static base_status push(exec_part *part, void *opaque, vector_chunk *input, vector_chunk **output,
                        exec_answer *answer, base_error *error)
{
    hash_join_part *self = ((probe_part *)part)->join;
    const op_join *join = &self->join;
    probe_state *state = opaque;
    if (input) {
        if (!self->row_count && !join->keeps_probe && join->kind != PLAN_JOIN_ANTI &&
            join->kind != PLAN_JOIN_MARK) {
            *answer = EXEC_FINISHED; /* nothing can join an empty side */
            return BASE_OK;
        }
        RETURN_IF_ERROR(begin_input(self, state, input, error));
    }
    while (state->probing) {
        RETURN_IF_ERROR(next_pairs(self, state, &state->probing, output, error));
        if (*output) {
            *answer = EXEC_MORE_OUTPUT;
            return BASE_OK;
        }
    }
    *answer = EXEC_NEED_INPUT;
    return finish_input(self, state, output, error);
}

static const exec_part_class probe_class = {
    .name = "hash join",
    .create_state = create_state,
    .push = push,
};

exec_part *hash_join_probe_new(exec_builder *builder, hash_join_part *join)
{
    probe_part *self = exec_part_new(builder, &probe_class, sizeof *self, join->join.op);
    if (!self)
        return NULL;
    self->join = join;
    return &self->part;
}
