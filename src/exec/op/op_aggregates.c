/*
 * op_aggregates.c - updating, merging and finishing the aggregates of an operator.
 *
 * States of all aggregates of a group stand beside each other in the tail of its row. Plain
 * aggregates are updated a vector at a time. One with DISTINCT keeps (group, arguments) in a hash
 * table, one with ORDER BY keeps (group, arguments, keys) as rows; both are fed to the states
 * when the groups are final. The group stands there as the address of its row, so that nothing of
 * its key is kept twice; where lanes were merged the address is followed to the row that it was
 * merged into.
 *
 * A batch that goes to few groups is dealt to them first, so that each aggregate runs over one
 * group's rows with its state in registers.
 *
 * Aggregates that are updated alike, from the same arguments under the same filter, have one state
 * (SUM and AVG of a column); only their results differ.
 *
 * Rejected: rewriting DISTINCT as two aggregations here (that is the optimizer's choice; this must
 * work for any mix of aggregates).
 */
#include "exec/op/op_aggregates.h"

enum {
    FEW_GROUPS = 16,  /* of a batch: then it is dealt to them before aggregates see it */
    SWEPT_GROUPS = 6, /* of a batch: then it is searched for each, which needs no counters */
};

/* ---- Shared part ------------------------------------------------------------------------- */

static func_aggregate_call make_call(const plan_aggregate *plan, const types_type *types,
                                     const types_value *const *constants, base_arena *heap)
{
    return (func_aggregate_call){.function = plan->function,
                                 .argument_count = plan->argument_count,
                                 .argument_types = types,
                                 .result_type = plan->type,
                                 .heap = heap,
                                 .constants = constants};
}

static base_status init_call(exec_execution *execution, const plan_aggregate *plan,
                             base_arena *heap, func_aggregate_call *call, base_error *error)
{
    types_type *types = exec_types_of(execution, plan->arguments, plan->argument_count);
    const types_value **constants =
        exec_new(execution, (plan->argument_count + 1) * sizeof(types_value *));
    if (!types || !constants)
        return base_error_no_memory(error);
    for (uint32_t i = 0; i < plan->argument_count; i++)
        if (plan->arguments[i]->kind == PLAN_EXPR_CONSTANT)
            constants[i] = &plan->arguments[i]->constant;
    *call = make_call(plan, types, constants, heap);
    return BASE_OK;
}

static base_status init_collected(op_aggregates *self, uint32_t index, base_error *error)
{
    exec_execution *execution = self->execution;
    const plan_aggregate *plan = &self->plans[index];
    op_collected *collected = &self->collected[index];
    bool distinct = plan->distinct && !plan->function->distinct_is_noop && plan->argument_count;
    if (!distinct && !plan->order_count) {
        self->any_order_sensitive |= plan->function->order_sensitive;
        return BASE_OK;
    }
    collected->is_collected = self->any_collected = true;
    uint32_t arguments = plan->argument_count, order = plan->order_count;
    types_type *types = exec_new(execution, (1 + arguments + order) * sizeof(types_type));
    exec_sort_key *keys = exec_new(execution, (order + 1) * sizeof(exec_sort_key));
    if (!types || !keys)
        return base_error_no_memory(error);
    types[0] = TYPES_OF(INTEGER);
    for (uint32_t i = 0; i < arguments; i++)
        types[1 + i] = plan->arguments[i]->type;
    for (uint32_t i = 0; i < order; i++) {
        types[1 + arguments + i] = plan->order[i].expr->type;
        keys[i] = (exec_sort_key){1 + arguments + i, plan->order[i].descending,
                                  plan->order[i].nulls_first};
    }
    RETURN_IF_ERROR(
        exec_groups_layout(&collected->layout, execution, types, 1 + arguments + order, 0, error));
    return exec_sorter_init(&collected->sorter, execution, &collected->layout, keys, order, error);
}

/* Whether two aggregates of the operator keep the same state. */
static bool are_updated_alike(const plan_aggregate *a, const plan_aggregate *b)
{
    if (a->function->update != b->function->update ||
        a->function->combine != b->function->combine ||
        a->function->state_size != b->function->state_size || a->function->order_sensitive ||
        a->argument_count != b->argument_count || !a->filter != !b->filter)
        return false;
    if (a->filter && (plan_expr_is_volatile(a->filter) || !plan_expr_equal(a->filter, b->filter)))
        return false;
    for (uint32_t i = 0; i < a->argument_count; i++)
        if (plan_expr_is_volatile(a->arguments[i]) ||
            !plan_expr_equal(a->arguments[i], b->arguments[i]))
            return false;
    return true;
}

/* The earlier aggregate whose state this one can read; its own number: none. */
static uint32_t keeper_of(const op_aggregates *self, uint32_t index)
{
    for (uint32_t i = 0; !self->collected[index].is_collected && i < index; i++)
        if (!self->collected[i].is_collected &&
            are_updated_alike(&self->plans[i], &self->plans[index]))
            return i;
    return index;
}

base_status op_aggregates_init(op_aggregates *self, exec_execution *execution,
                               const plan_aggregate *plans, uint32_t count, base_error *error)
{
    self->execution = execution;
    self->count = count;
    self->plans = plans;
    self->offsets = exec_new(execution, (count + 1) * sizeof(uint32_t));
    self->shares = exec_new(execution, (count + 1) * sizeof(bool));
    self->collected = exec_new(execution, (count + 1) * sizeof(op_collected));
    if (!self->offsets || !self->shares || !self->collected)
        return base_error_no_memory(error);
    for (uint32_t i = 0; i < count; i++) {
        func_aggregate_call call;
        RETURN_IF_ERROR(init_collected(self, i, error));
        uint32_t keeper = keeper_of(self, i);
        self->shares[i] = keeper != i;
        if (self->shares[i]) {
            self->offsets[i] = self->offsets[keeper];
            continue;
        }
        RETURN_IF_ERROR(init_call(execution, &plans[i], NULL, &call, error));
        self->offsets[i] = self->size;
        self->size += BASE_ALIGN_UP(plans[i].function->state_size(&call), 16u);
    }
    return BASE_OK;
}

/* ---- Lanes ------------------------------------------------------------------------------- */

static void destroy_heap(void *heap)
{
    base_arena_destroy(heap);
}

static base_status lane_aggregate(op_aggregates_lane *lane, uint32_t index, base_error *error)
{
    const op_aggregates *self = lane->aggregates;
    exec_execution *execution = self->execution;
    const plan_aggregate *plan = &self->plans[index];
    RETURN_IF_ERROR(init_call(execution, plan, lane->heap, &lane->calls[index], error));
    RETURN_IF_ERROR(exec_compile_all(execution, plan->arguments, plan->argument_count,
                                     &lane->arguments[index], error));
    if (plan->filter)
        RETURN_IF_ERROR(exec_compile(execution, plan->filter, &lane->filters[index], error));
    lane->vectors[index] =
        exec_new(execution, (plan->argument_count + plan->order_count + 1) * sizeof(vector *));
    lane->order_keys[index] = exec_new(execution, (plan->order_count + 1) * sizeof(expr_program *));
    if (!lane->vectors[index] || !lane->order_keys[index])
        return base_error_no_memory(error);
    for (uint32_t i = 0; i < plan->order_count; i++)
        RETURN_IF_ERROR(
            exec_compile(execution, plan->order[i].expr, &lane->order_keys[index][i], error));
    op_collected *collected = &self->collected[index];
    if (!collected->is_collected)
        return BASE_OK;
    if (plan->distinct && !plan->function->distinct_is_noop)
        return exec_groups_new(execution, &collected->layout, collected->layout.column_count,
                               &lane->sets[index], error);
    return exec_rows_new(execution, &collected->layout, &lane->rows[index], error);
}

base_status op_aggregates_lane_new(const op_aggregates *self, op_aggregates_lane **result,
                                   base_error *error)
{
    exec_execution *execution = self->execution;
    op_aggregates_lane *lane = EXEC_NEW(execution, op_aggregates_lane);
    if (!lane)
        return base_error_no_memory(error);
    size_t pointers = (self->count + 1) * sizeof(void *);
    lane->aggregates = self;
    lane->calls = exec_new(execution, (self->count + 1) * sizeof(func_aggregate_call));
    lane->arguments = exec_new(execution, pointers);
    lane->filters = exec_new(execution, pointers);
    lane->order_keys = exec_new(execution, pointers);
    lane->vectors = exec_new(execution, pointers);
    lane->rows = exec_new(execution, pointers);
    lane->sets = exec_new(execution, pointers);
    lane->heap = EXEC_NEW(execution, base_arena);
    lane->states = exec_new(execution, VECTOR_SIZE * sizeof(void *));
    lane->addresses = exec_new(execution, VECTOR_SIZE * sizeof(char *));
    lane->selection = exec_new(execution, VECTOR_SIZE * sizeof(uint16_t));
    lane->filtered = exec_new(execution, VECTOR_SIZE * sizeof(uint16_t));
    lane->ordinals = exec_new(execution, VECTOR_SIZE);
    lane->by_place = exec_new(execution, VECTOR_SIZE);
    lane->dealt = exec_new(execution, (VECTOR_SIZE + 4) * sizeof(uint16_t)); /* select_byte */
    if (!lane->calls || !lane->arguments || !lane->filters || !lane->order_keys || !lane->vectors ||
        !lane->rows || !lane->sets || !lane->heap || !lane->states || !lane->addresses ||
        !lane->selection || !lane->filtered || !lane->ordinals || !lane->by_place || !lane->dealt)
        return base_error_no_memory(error);
    base_arena_init(lane->heap, &execution->budget);
    if (!base_arena_on_release(&execution->arena, destroy_heap, lane->heap))
        return base_error_no_memory(error);
    if (self->any_collected) {
        types_type integer = TYPES_OF(INTEGER);
        vector_chunk *chunk;
        RETURN_IF_ERROR(exec_chunk_new(execution, &integer, 1, &chunk, error));
        lane->group_vector = &chunk->columns[0];
    }
    for (uint32_t i = 0; i < self->count; i++)
        RETURN_IF_ERROR(lane_aggregate(lane, i, error));
    *result = lane;
    return BASE_OK;
}

void op_aggregates_lane_clear(op_aggregates_lane *lane)
{
    base_arena_reset(lane->heap);
    for (uint32_t i = 0; i < lane->aggregates->count; i++) {
        if (lane->rows[i])
            exec_rows_clear(lane->rows[i]);
        if (lane->sets[i])
            exec_groups_clear(lane->sets[i]);
        if (lane->aggregates->collected[i].united)
            exec_groups_clear(lane->aggregates->collected[i].united);
    }
}

/* ---- Updating ---------------------------------------------------------------------------- */

static base_status evaluate_arguments(op_aggregates_lane *lane, uint32_t index,
                                      const vector_chunk *chunk, base_error *error)
{
    const plan_aggregate *plan = &lane->aggregates->plans[index];
    const vector **vectors = lane->vectors[index];
    for (uint32_t i = 0; i < plan->argument_count; i++)
        RETURN_IF_ERROR(expr_evaluate(lane->arguments[index][i], chunk, &vectors[i], error));
    for (uint32_t i = 0; i < plan->order_count; i++)
        RETURN_IF_ERROR(expr_evaluate(lane->order_keys[index][i], chunk,
                                      &vectors[plan->argument_count + i], error));
    return BASE_OK;
}

/* The chunk's rows that pass the aggregate's FILTER: their positions, and in lane->addresses
 * the group row of each. */
static base_status apply_filter(op_aggregates_lane *lane, uint32_t index, const vector_chunk *chunk,
                                char *const *rows, vector_chunk *filtered,
                                char *const **filtered_rows, base_error *error)
{
    *filtered = *chunk;
    *filtered_rows = rows;
    if (!lane->filters[index])
        return BASE_OK;
    uint32_t count;
    RETURN_IF_ERROR(expr_select(lane->filters[index], chunk, lane->filtered, &count, error));
    if (rows) {
        for (uint32_t i = 0, f = 0; f < count; i++) {
            if (vector_row(chunk->selection, i) != lane->filtered[f])
                continue;
            lane->addresses[f++] = rows[i];
        }
        *filtered_rows = lane->addresses;
    }
    filtered->selection = lane->filtered;
    filtered->count = count;
    return BASE_OK;
}

/* Keeps arguments and order keys of rows that all go to `single`, or each to rows[i]. */
static base_status collect(op_aggregates_lane *lane, uint32_t index, const vector_chunk *chunk,
                           char *const *rows, char *single, base_error *error)
{
    uint32_t columns = lane->aggregates->collected[index].layout.column_count;
    const vector *keys[FUNC_MAX_ARGUMENTS * 2 + 1];
    char *addresses[VECTOR_SIZE];
    if (columns > BASE_COUNT_OF(keys))
        return base_error_set(error, BASE_LIMIT, "an aggregate has too many arguments");
    vector *group = lane->group_vector;
    vector_reset(group);
    for (uint32_t i = 0; i < chunk->count; i++)
        ((int64_t *)group->data)[vector_row(chunk->selection, i)] =
            (int64_t)(intptr_t)(single ? single : rows[i]);
    keys[0] = group;
    for (uint32_t c = 1; c < columns; c++)
        keys[c] = lane->vectors[index][c - 1];
    if (lane->sets[index])
        return exec_groups_find_or_add(lane->sets[index], keys, chunk->selection, chunk->count,
                                       addresses, NULL, error);
    exec_rows *kept = lane->rows[index];
    RETURN_IF_ERROR(exec_rows_reserve(kept, chunk->count, addresses, error));
    for (uint32_t c = 0; c < columns; c++)
        RETURN_IF_ERROR(
            exec_rows_scatter(kept, c, keys[c], chunk->selection, chunk->count, addresses, error));
    return BASE_OK;
}

/* A batch whose rows go to few groups: positions dealt by group, each group's in order. */
typedef struct dealt_batch {
    uint32_t group_count; /* 0: too many groups */
    char *groups[FEW_GROUPS];
    uint32_t ends[FEW_GROUPS]; /* in lane->dealt */
} dealt_batch;

/* The number of a group among those of this batch; FEW_GROUPS: there are too many. */
BASE_INLINE uint32_t ordinal_of(op_aggregates_lane *lane, char *row, dealt_batch *batch)
{
    exec_group *group = (exec_group *)(void *)row;
    if (BASE_UNLIKELY(group->batch != lane->batch)) {
        if (batch->group_count == FEW_GROUPS)
            return FEW_GROUPS;
        group->batch = lane->batch;
        group->ordinal = batch->group_count;
        batch->groups[batch->group_count++] = row;
    }
    return group->ordinal;
}

/* Ordinals of the batch's rows; false: too many groups. */
static bool find_ordinals(op_aggregates_lane *lane, uint32_t count, char *const *rows,
                          const exec_group_ranks *ranks, dealt_batch *batch)
{
    uint8_t *ordinals = lane->ordinals, of_rank[FEW_GROUPS * 4];
    lane->batch++;
    if (!ranks) {
        for (uint32_t i = 0; i < count; i++) {
            uint32_t ordinal = ordinal_of(lane, rows[i], batch);
            if (BASE_UNLIKELY(ordinal == FEW_GROUPS))
                return false;
            ordinals[i] = (uint8_t)ordinal;
        }
        return true;
    }
    if (ranks->count > BASE_COUNT_OF(of_rank))
        return false;
    for (uint32_t r = 0; r < ranks->count; r++) {
        uint32_t ordinal = ordinal_of(lane, ranks->rows[r], batch);
        if (ordinal == FEW_GROUPS)
            return false;
        of_rank[r] = (uint8_t)ordinal;
    }
    for (uint32_t i = 0; i < count; i++)
        ordinals[i] = of_rank[ranks->of_row[i]];
    return true;
}

/* Searches the batch for the rows of each group: no row waits for the one before. False where a
 * position is selected twice (joins do that): it was found once only. */
static bool sweep(op_aggregates_lane *lane, const vector_chunk *chunk, dealt_batch *batch)
{
    const uint8_t *ordinals = lane->ordinals;
    uint32_t extent = chunk->count, end = 0;
    if (chunk->selection) {
        extent = (uint32_t)chunk->selection[chunk->count - 1] + 1;
        memset(lane->by_place, 0xFF, extent);
        for (uint32_t i = 0; i < chunk->count; i++)
            lane->by_place[chunk->selection[i]] = ordinals[i];
        ordinals = lane->by_place;
    }
    for (uint32_t g = 0; g < batch->group_count; g++) {
        end += vector_select_byte(ordinals, (uint8_t)g, extent, lane->dealt + end);
        batch->ends[g] = end;
    }
    return end == chunk->count;
}

/* Counting sort by group. */
static void deal_by_counts(op_aggregates_lane *lane, const vector_chunk *chunk, dealt_batch *batch)
{
    uint32_t counts[FEW_GROUPS] = {0}, start = 0;
    for (uint32_t i = 0; i < chunk->count; i++)
        counts[lane->ordinals[i]]++;
    for (uint32_t g = 0; g < batch->group_count; g++) {
        batch->ends[g] = start;
        start += counts[g];
    }
    for (uint32_t i = 0; i < chunk->count; i++)
        lane->dealt[batch->ends[lane->ordinals[i]]++] = (uint16_t)vector_row(chunk->selection, i);
}

static void deal_batch(op_aggregates_lane *lane, const vector_chunk *chunk, char *const *rows,
                       const exec_group_ranks *ranks, dealt_batch *batch)
{
    batch->group_count = 0;
    if (chunk->count < FEW_GROUPS * 8)
        return;
    if (!find_ordinals(lane, chunk->count, rows, ranks, batch))
        batch->group_count = 0;
    else if (batch->group_count > SWEPT_GROUPS || !sweep(lane, chunk, batch))
        deal_by_counts(lane, chunk, batch);
}

static base_status update_dealt(op_aggregates_lane *lane, uint32_t index, uint32_t tail,
                                const dealt_batch *batch, base_error *error)
{
    const func_aggregate *function = lane->aggregates->plans[index].function;
    uint32_t offset = tail + lane->aggregates->offsets[index], start = 0;
    for (uint32_t g = 0; g < batch->group_count; g++) {
        RETURN_IF_ERROR(function->update_single(&lane->calls[index], lane->vectors[index],
                                                lane->dealt + start, batch->ends[g] - start,
                                                batch->groups[g] + offset, error));
        start = batch->ends[g];
    }
    return BASE_OK;
}

/* An error of an aggregate stands where its call does. */
static base_status placed(const op_aggregates *self, uint32_t index, base_status status,
                          base_error *error)
{
    if (BASE_LIKELY(status == BASE_OK))
        return status;
    return base_error_place(error, status, self->plans[index].position);
}

static base_status update_one(op_aggregates_lane *lane, uint32_t index, const vector_chunk *chunk,
                              char *const *rows, const dealt_batch *batch, uint32_t tail,
                              base_error *error)
{
    const op_aggregates *self = lane->aggregates;
    vector_chunk filtered;
    char *const *filtered_rows;
    RETURN_IF_ERROR(apply_filter(lane, index, chunk, rows, &filtered, &filtered_rows, error));
    if (!filtered.count)
        return BASE_OK;
    RETURN_IF_ERROR(evaluate_arguments(lane, index, &filtered, error));
    if (self->collected[index].is_collected)
        return collect(lane, index, &filtered, filtered_rows, NULL, error);
    const func_aggregate *function = self->plans[index].function;
    if (batch->group_count && !lane->filters[index] && function->update_single)
        return update_dealt(lane, index, tail, batch, error);
    uint32_t offset = tail + self->offsets[index];
    for (uint32_t i = 0; i < filtered.count; i++)
        lane->states[i] = filtered_rows[i] + offset;
    return function->update(&lane->calls[index], lane->vectors[index], filtered.selection,
                            filtered.count, lane->states, error);
}

base_status op_aggregates_update(op_aggregates_lane *lane, const vector_chunk *chunk,
                                 char *const *rows, const exec_group_ranks *ranks, uint32_t tail,
                                 base_error *error)
{
    const op_aggregates *self = lane->aggregates;
    dealt_batch batch;
    deal_batch(lane, chunk, rows, ranks, &batch);
    for (uint32_t a = 0; a < self->count; a++)
        if (!self->shares[a])
            RETURN_IF_ERROR(
                placed(self, a, update_one(lane, a, chunk, rows, &batch, tail, error), error));
    return BASE_OK;
}

static base_status update_one_single(op_aggregates_lane *lane, uint32_t index,
                                     const vector_chunk *chunk, char *row, uint32_t tail,
                                     base_error *error)
{
    const op_aggregates *self = lane->aggregates;
    vector_chunk filtered;
    char *const *none;
    RETURN_IF_ERROR(apply_filter(lane, index, chunk, NULL, &filtered, &none, error));
    if (!filtered.count)
        return BASE_OK;
    RETURN_IF_ERROR(evaluate_arguments(lane, index, &filtered, error));
    if (self->collected[index].is_collected)
        return collect(lane, index, &filtered, NULL, row, error);
    const func_aggregate *function = self->plans[index].function;
    char *state = row + tail + self->offsets[index];
    if (function->update_single)
        return function->update_single(&lane->calls[index], lane->vectors[index],
                                       filtered.selection, filtered.count, state, error);
    for (uint32_t i = 0; i < filtered.count; i++)
        lane->states[i] = state;
    return function->update(&lane->calls[index], lane->vectors[index], filtered.selection,
                            filtered.count, lane->states, error);
}

base_status op_aggregates_update_single(op_aggregates_lane *lane, const vector_chunk *chunk,
                                        char *row, uint32_t tail, base_error *error)
{
    const op_aggregates *self = lane->aggregates;
    for (uint32_t a = 0; a < self->count; a++)
        if (!self->shares[a])
            RETURN_IF_ERROR(
                placed(self, a, update_one_single(lane, a, chunk, row, tail, error), error));
    return BASE_OK;
}

base_status op_aggregates_combine(op_aggregates_lane *lane, char *into, const char *from,
                                  base_error *error)
{
    const op_aggregates *self = lane->aggregates;
    for (uint32_t a = 0; a < self->count; a++)
        if (!self->collected[a].is_collected && !self->shares[a])
            RETURN_IF_ERROR(
                placed(self, a,
                       self->plans[a].function->combine(&lane->calls[a], into + self->offsets[a],
                                                        from + self->offsets[a], error),
                       error));
    return BASE_OK;
}

/* ---- What was collected ------------------------------------------------------------------ */

/* Follows the group address of collected rows to the row that the group ended up in. */
static void resolve_groups(const op_collected *collected, exec_rows *rows)
{
    uint32_t offset = collected->layout.offsets[0];
    for (uint32_t b = 0; b < rows->block_count; b++) {
        for (uint32_t i = 0; i < rows->blocks[b].count; i++) {
            char *row = rows->blocks[b].rows + (size_t)i * collected->layout.row_size;
            int64_t address;
            memcpy(&address, row + offset, sizeof address);
            const exec_group *group = (const exec_group *)(intptr_t)address;
            while (group->merged_into)
                group = group->merged_into;
            address = (int64_t)(intptr_t)group;
            memcpy(row + offset, &address, sizeof address);
        }
    }
}

/* Makes the sets of several lanes one. The lanes hashed addresses that may have changed since, so
 * all rows go into a set of their own. */
static base_status unite_sets(const op_aggregates *self, uint32_t index,
                              op_aggregates_lane *const *lanes, uint32_t lane_count,
                              vector_chunk *chunk, base_error *error)
{
    op_collected *collected = &self->collected[index];
    uint32_t columns = collected->layout.column_count;
    const vector *keys[FUNC_MAX_ARGUMENTS * 2 + 1];
    char *addresses[VECTOR_SIZE], *found[VECTOR_SIZE];
    if (!collected->united)
        RETURN_IF_ERROR(exec_groups_new(self->execution, &collected->layout, columns,
                                        &collected->united, error));
    for (uint32_t l = 0; l < lane_count; l++) {
        exec_rows_cursor cursor = {0, 0};
        uint32_t count;
        while (lanes[l] &&
               (count = exec_rows_next(lanes[l]->sets[index]->rows, &cursor, addresses))) {
            for (uint32_t c = 0; c < columns; c++) {
                exec_rows_gather(&collected->layout, c, addresses, NULL, count, &chunk->columns[c]);
                keys[c] = &chunk->columns[c];
            }
            RETURN_IF_ERROR(
                exec_groups_find_or_add(collected->united, keys, NULL, count, found, NULL, error));
        }
    }
    return BASE_OK;
}

/* Feeds rows in order to the states of their groups. */
static base_status feed_rows(op_aggregates_lane *lane, uint32_t index, char **rows,
                             uint64_t row_count, uint32_t tail, vector_chunk *chunk,
                             base_error *error)
{
    const op_aggregates *self = lane->aggregates;
    const op_collected *collected = &self->collected[index];
    const plan_aggregate *plan = &self->plans[index];
    uint32_t offset = tail + self->offsets[index];
    for (uint64_t done = 0; done < row_count; done += VECTOR_SIZE) {
        uint32_t count = (uint32_t)BASE_MIN(row_count - done, (uint64_t)VECTOR_SIZE);
        for (uint32_t a = 0; a < plan->argument_count; a++) {
            exec_rows_gather(&collected->layout, 1 + a, rows + done, NULL, count,
                             &chunk->columns[1 + a]);
            lane->vectors[index][a] = &chunk->columns[1 + a];
        }
        for (uint32_t i = 0; i < count; i++) {
            int64_t address;
            memcpy(&address, rows[done + i] + collected->layout.offsets[0], sizeof address);
            lane->states[i] = (char *)(intptr_t)address + offset;
        }
        RETURN_IF_ERROR(placed(self, index,
                               plan->function->update(&lane->calls[index], lane->vectors[index],
                                                      NULL, count, lane->states, error),
                               error));
    }
    return BASE_OK;
}

static base_status finish_one(const op_aggregates *self, uint32_t index,
                              op_aggregates_lane *const *lanes, uint32_t lane_count, uint32_t tail,
                              bool merged, base_error *error)
{
    const op_collected *collected = &self->collected[index];
    exec_rows *collections[EXEC_MAX_LANES];
    vector_chunk chunk;
    char **sorted = NULL;
    uint64_t count = 0;
    bool is_set = lanes[0]->sets[index] != NULL;
    for (uint32_t l = 0; l < lane_count; l++) {
        collections[l] = !lanes[l] ? NULL
                         : is_set  ? lanes[l]->sets[index]->rows
                                   : lanes[l]->rows[index];
        if (merged && collections[l])
            resolve_groups(collected, collections[l]);
    }
    RETURN_IF_ERROR(vector_chunk_init(&chunk, &self->execution->budget, collected->layout.types,
                                      collected->layout.column_count, error));
    base_status status = BASE_OK;
    if (is_set && lane_count > 1) {
        status = unite_sets(self, index, lanes, lane_count, &chunk, error);
        collections[0] = collected->united ? collected->united->rows : NULL;
        lane_count = 1;
    }
    if (status == BASE_OK)
        status =
            exec_sort_rows(&collected->sorter, collections, lane_count, &sorted, &count, error);
    if (status == BASE_OK)
        status = feed_rows(lanes[0], index, sorted, count, tail, &chunk, error);
    exec_sort_free(&collected->sorter, sorted, count);
    vector_chunk_destroy(&chunk);
    return status;
}

base_status op_aggregates_finish_collected(const op_aggregates *self,
                                           op_aggregates_lane *const *lanes, uint32_t lane_count,
                                           uint32_t tail, bool merged, base_error *error)
{
    for (uint32_t a = 0; a < self->count; a++)
        if (self->collected[a].is_collected)
            RETURN_IF_ERROR(finish_one(self, a, lanes, lane_count, tail, merged, error));
    return BASE_OK;
}

/* ---- Results ----------------------------------------------------------------------------- */

base_status op_aggregates_results(op_aggregates_lane *lane, char *const *rows, uint32_t tail,
                                  uint32_t count, vector *columns, base_error *error)
{
    const op_aggregates *self = lane->aggregates;
    for (uint32_t a = 0; a < self->count; a++) {
        const func_aggregate *function = self->plans[a].function;
        uint32_t offset = tail + self->offsets[a];
        uint32_t size = types_form_size((types_form)columns[a].form);
        vector_reset(&columns[a]);
        char *values = columns[a].data;
        for (uint32_t i = 0; i < count; i++, values += size) {
            types_cell cell;
            bool is_null = false;
            memset(&cell, 0, sizeof cell);
            RETURN_IF_ERROR(
                placed(self, a,
                       function->finish(&lane->calls[a], rows[i] + offset, &cell, &is_null, error),
                       error));
            memcpy(values, &cell, size);
            if (is_null)
                vector_set_null(&columns[a], i);
        }
    }
    return BASE_OK;
}
