/*
 * op_hash_aggregate.c - GROUP BY with a hash table, aggregation without GROUP BY, DISTINCT.
 *
 * Each lane has a table of its own. When there was one lane its rows are the answer. With more,
 * the first row of a key stays where it is and later ones are merged into it and say so in their
 * header. Nothing is copied; the source then walks the lanes' rows and passes over the merged ones.
 * Which rows have one key is found out in the way in which the lanes found their groups: where keys
 * rose, at the ends of batches; where the key is a place in an array, by walking the arrays; else
 * rows are dealt into partitions by hash. Arrays and partitions are merged by parallel tasks.
 *
 * Without GROUP BY there is one group per lane, its row made beforehand, and rows are added without
 * hashing.
 *
 * Rejected: one shared table (every update would be a contended write); fixed radix partitions
 * while aggregating (small inputs would pay for the partitions).
 */
#include "exec/op/op_aggregates.h"
#include "exec/op/op_slices.h"
#include "exec/rows/exec_group_codes.h"
#include "exec/rows/exec_group_direct.h"
#include "exec/rows/exec_group_memo.h"
#include "exec/rows/exec_group_rising.h"

enum {
    PARTITIONS_PER_LANE = 4,
};

typedef struct hash_aggregate_part {
    exec_part part; /* the sink */
    uint32_t key_count;
    exec_layout layout;
    op_aggregates aggregates;
    bool merged;
    /* Merging: */
    uint32_t partition_count; /* a power of two */
    exec_groups **tables;     /* by partition */
    op_aggregates_lane **mergers;
    vector_chunk **key_chunks;
    const vector ***key_vectors;
    uint32_t merger_count; /* made so far */
} hash_aggregate_part;

typedef struct hash_aggregate_state {
    expr_program **keys;
    const vector **key_vectors;
    exec_groups *groups;
    exec_group_codes *codes;   /* NULL: the keys never come as codes */
    exec_group_rising *rising; /* NULL: the key is not one integer */
    exec_group_direct *direct; /* the same */
    exec_group_memo *memo;     /* NULL: keys are too long for it */
    op_aggregates_lane *lane;
    char **rows;
    char *single; /* the only group's row, without GROUP BY */
    char **dealt; /* while merging: rows by partition */
    uint64_t dealt_count;
    uint64_t *dealt_ends; /* by partition */
} hash_aggregate_state;

/* ---- One lane ---------------------------------------------------------------------------- */

static base_status create_state(exec_part *part, void **result, base_error *error)
{
    hash_aggregate_part *self = (hash_aggregate_part *)part;
    exec_execution *execution = part->execution;
    hash_aggregate_state *state = EXEC_NEW(execution, hash_aggregate_state);
    if (!state)
        return base_error_no_memory(error);
    state->key_vectors = exec_new(execution, (self->key_count + 1) * sizeof(vector *));
    state->rows = exec_new(execution, VECTOR_SIZE * sizeof(char *));
    if (!state->key_vectors || !state->rows)
        return base_error_no_memory(error);
    RETURN_IF_ERROR(exec_compile_all(execution, part->op->aggregate.keys, self->key_count,
                                     &state->keys, error));
    RETURN_IF_ERROR(
        exec_groups_new(execution, &self->layout, self->key_count, &state->groups, error));
    RETURN_IF_ERROR(exec_group_codes_new(state->groups, &state->codes, error));
    RETURN_IF_ERROR(exec_group_rising_new(state->groups, &state->rising, error));
    RETURN_IF_ERROR(exec_group_direct_new(state->groups, part->op->rows, &state->direct, error));
    RETURN_IF_ERROR(exec_group_memo_new(state->groups, &state->memo, error));
    *result = state;
    return op_aggregates_lane_new(&self->aggregates, &state->lane, error);
}

static base_status make_single(hash_aggregate_state *state, base_error *error)
{
    return state->single ? BASE_OK
                         : exec_rows_reserve(state->groups->rows, 1, &state->single, error);
}

/* The group row of each input row, by the fastest way that the keys allow; and what is known of
 * rows with equal keys. */
static base_status find_groups(hash_aggregate_state *state, const vector_chunk *input,
                               const exec_group_ranks **ranks, base_error *error)
{
    const vector *const *keys = state->key_vectors;
    bool done = false;
    *ranks = NULL;
    if (state->codes)
        RETURN_IF_ERROR(exec_group_codes_find(state->codes, keys, input->selection, input->count,
                                              state->rows, ranks, error));
    if (*ranks)
        return BASE_OK;
    if (state->rising)
        RETURN_IF_ERROR(exec_group_rising_find(state->rising, keys[0], input->selection,
                                               input->count, state->rows, &done, error));
    if (state->direct && !done)
        RETURN_IF_ERROR(exec_group_direct_find(state->direct, keys[0], input->selection,
                                               input->count, state->rows, &done, error));
    if (done)
        return BASE_OK;
    if (state->memo)
        return exec_group_memo_find(state->memo, keys, input->selection, input->count, state->rows,
                                    error);
    return exec_groups_find_or_add(state->groups, keys, input->selection, input->count, state->rows,
                                   NULL, error);
}

static base_status sink(exec_part *part, void *opaque, vector_chunk *input, base_error *error)
{
    hash_aggregate_part *self = (hash_aggregate_part *)part;
    hash_aggregate_state *state = opaque;
    uint32_t tail = self->layout.tail_offset;
    if (!self->key_count) {
        RETURN_IF_ERROR(make_single(state, error));
        return op_aggregates_update_single(state->lane, input, state->single, tail, error);
    }
    for (uint32_t k = 0; k < self->key_count; k++)
        RETURN_IF_ERROR(expr_evaluate(state->keys[k], input, &state->key_vectors[k], error));
    const exec_group_ranks *ranks;
    RETURN_IF_ERROR(find_groups(state, input, &ranks, error));
    return op_aggregates_update(state->lane, input, state->rows, ranks, tail, error);
}

/* ---- Merging ----------------------------------------------------------------------------- */

/* Bits that neither the place in the table nor the salt is made of. */
static uint32_t partition_of(const hash_aggregate_part *self, const char *row)
{
    uint64_t hash = ((const exec_group *)(const void *)row)->hash;
    return (uint32_t)(hash >> 40) & (self->partition_count - 1);
}

/* Sorts one lane's rows by partition (counting sort of addresses). */
static base_status deal_task(void *argument, uint32_t index, base_error *error)
{
    hash_aggregate_part *self = argument;
    hash_aggregate_state *state = self->part.states[index];
    if (!state || !state->groups->rows->row_count)
        return BASE_OK;
    RETURN_IF_ERROR(exec_groups_hash_rows(state->groups, error));
    exec_rows *rows = state->groups->rows;
    base_budget *budget = &self->part.execution->budget;
    state->dealt_count = rows->row_count;
    state->dealt = base_allocate_array(budget, state->dealt_count, sizeof(char *));
    state->dealt_ends = base_allocate_array(budget, self->partition_count + 1, sizeof(uint64_t));
    if (!state->dealt || !state->dealt_ends)
        return base_error_no_memory(error);
    uint64_t *ends = state->dealt_ends;
    memset(ends, 0, (self->partition_count + 1) * sizeof(uint64_t));
    uint32_t row_size = self->layout.row_size;
    for (uint32_t b = 0; b < rows->block_count; b++)
        for (uint32_t i = 0; i < rows->blocks[b].count; i++)
            ends[partition_of(self, rows->blocks[b].rows + (size_t)i * row_size) + 1]++;
    for (uint32_t p = 1; p <= self->partition_count; p++)
        ends[p] += ends[p - 1];
    /* ends[p] is where partition p begins; after dealing, where it ends. */
    for (uint32_t b = 0; b < rows->block_count; b++) {
        for (uint32_t i = 0; i < rows->blocks[b].count; i++) {
            char *row = rows->blocks[b].rows + (size_t)i * row_size;
            state->dealt[ends[partition_of(self, row)]++] = row;
        }
    }
    return BASE_OK;
}

/* What it takes to merge two rows, for exec_group_merge. */
typedef struct pair_merger {
    op_aggregates_lane *lane;
    uint32_t tail;
} pair_merger;

static base_status merge_pair(void *context, char *into, char *from, base_error *error)
{
    const pair_merger *self = context;
    ((exec_group *)(void *)from)->merged_into = (exec_group *)(void *)into;
    return op_aggregates_combine(self->lane, into + self->tail, from + self->tail, error);
}

static base_status merge_rows(hash_aggregate_part *self, uint32_t partition, char **rows,
                              uint32_t count, base_error *error)
{
    vector_chunk *chunk = self->key_chunks[partition];
    pair_merger pair = {self->mergers[partition], self->layout.tail_offset};
    const vector **keys = self->key_vectors[partition];
    char *standing[VECTOR_SIZE];
    for (uint32_t k = 0; k < self->key_count; k++) {
        exec_rows_gather(&self->layout, k, rows, NULL, count, &chunk->columns[k]);
        keys[k] = &chunk->columns[k];
    }
    RETURN_IF_ERROR(exec_groups_adopt(self->tables[partition], keys, rows, count, standing, error));
    for (uint32_t i = 0; i < count; i++) {
        if (standing[i])
            RETURN_IF_ERROR(merge_pair(&pair, standing[i], rows[i], error));
    }
    return BASE_OK;
}

static base_status merge_task(void *argument, uint32_t partition, base_error *error)
{
    hash_aggregate_part *self = argument;
    for (uint32_t l = 0; l < self->part.state_count; l++) {
        hash_aggregate_state *state = self->part.states[l];
        if (!state || !state->dealt)
            continue;
        uint64_t first = partition ? state->dealt_ends[partition - 1] : 0;
        uint64_t end = state->dealt_ends[partition];
        for (; first < end; first += VECTOR_SIZE) {
            uint32_t count = (uint32_t)BASE_MIN(end - first, (uint64_t)VECTOR_SIZE);
            RETURN_IF_ERROR(merge_rows(self, partition, state->dealt + first, count, error));
        }
    }
    return BASE_OK;
}

/* Makes what the merge tasks work with; kept for the next run. */
static base_status make_mergers(hash_aggregate_part *self, base_error *error)
{
    exec_execution *execution = self->part.execution;
    uint32_t wanted =
        (uint32_t)base_next_power_of_two((uint64_t)self->part.state_count * PARTITIONS_PER_LANE);
    if (self->merger_count < wanted) {
        self->tables = exec_new(execution, wanted * sizeof(exec_groups *));
        self->mergers = exec_new(execution, wanted * sizeof(op_aggregates_lane *));
        self->key_chunks = exec_new(execution, wanted * sizeof(vector_chunk *));
        self->key_vectors = exec_new(execution, wanted * sizeof(vector **));
        if (!self->tables || !self->mergers || !self->key_chunks || !self->key_vectors)
            return base_error_no_memory(error);
        self->merger_count = 0;
    }
    for (; self->merger_count < wanted; self->merger_count++) {
        uint32_t m = self->merger_count;
        RETURN_IF_ERROR(
            exec_groups_new(execution, &self->layout, self->key_count, &self->tables[m], error));
        RETURN_IF_ERROR(op_aggregates_lane_new(&self->aggregates, &self->mergers[m], error));
        RETURN_IF_ERROR(exec_chunk_new(execution, self->layout.types, self->key_count,
                                       &self->key_chunks[m], error));
        self->key_vectors[m] = exec_new(execution, (self->key_count + 1) * sizeof(vector *));
        if (!self->key_vectors[m])
            return base_error_no_memory(error);
    }
    self->partition_count = wanted;
    return BASE_OK;
}

static void free_dealt(hash_aggregate_part *self)
{
    base_budget *budget = &self->part.execution->budget;
    for (uint32_t l = 0; l < self->part.state_count; l++) {
        hash_aggregate_state *state = self->part.states[l];
        if (!state)
            continue;
        base_free(budget, state->dealt, state->dealt_count * sizeof(char *));
        base_free(budget, state->dealt_ends, (self->partition_count + 1) * sizeof(uint64_t));
        state->dealt = NULL;
        state->dealt_ends = NULL;
    }
}

/* The lanes that have groups, and how they found them. */
typedef struct used_lanes {
    hash_aggregate_part *self;
    uint32_t count;
    hash_aggregate_state *states[EXEC_MAX_LANES];
    exec_group_rising *rising[EXEC_MAX_LANES];
    exec_group_direct *direct[EXEC_MAX_LANES];
} used_lanes;

static void find_used_lanes(hash_aggregate_part *self, used_lanes *used)
{
    used->self = self;
    used->count = 0;
    for (uint32_t l = 0; l < self->part.state_count; l++) {
        hash_aggregate_state *state = self->part.states[l];
        if (!state || !state->groups->rows->row_count)
            continue;
        used->states[used->count] = state;
        used->rising[used->count] = state->rising;
        used->direct[used->count++] = state->direct;
    }
}

static base_status merge_direct_task(void *argument, uint32_t part, base_error *error)
{
    used_lanes *used = argument;
    hash_aggregate_part *self = used->self;
    pair_merger pair = {self->mergers[part], self->layout.tail_offset};
    return exec_group_direct_merge(used->direct, used->count, part, self->partition_count,
                                   merge_pair, &pair, error);
}

static base_status merge_groups(hash_aggregate_part *self, used_lanes *used, base_error *error)
{
    exec_execution *execution = self->part.execution;
    bool done = false;
    if (used->rising[0]) {
        pair_merger pair = {used->states[0]->lane, self->layout.tail_offset};
        RETURN_IF_ERROR(
            exec_group_rising_merge(used->rising, used->count, merge_pair, &pair, &done, error));
    }
    if (done)
        return BASE_OK;
    RETURN_IF_ERROR(make_mergers(self, error));
    if (used->direct[0])
        RETURN_IF_ERROR(exec_group_direct_prepare(used->direct, used->count, &done, error));
    if (done)
        return exec_run_tasks(execution, self->partition_count, merge_direct_task, used, error);
    RETURN_IF_ERROR(exec_run_tasks(execution, self->part.state_count, deal_task, self, error));
    RETURN_IF_ERROR(exec_run_tasks(execution, self->partition_count, merge_task, self, error));
    free_dealt(self);
    return BASE_OK;
}

static base_status merge_single(hash_aggregate_part *self, hash_aggregate_state *first,
                                base_error *error)
{
    uint32_t tail = self->layout.tail_offset;
    for (uint32_t l = 1; l < self->part.state_count; l++) {
        hash_aggregate_state *state = self->part.states[l];
        if (!state || !state->single)
            continue;
        ((exec_group *)(void *)state->single)->merged_into = (exec_group *)(void *)first->single;
        RETURN_IF_ERROR(
            op_aggregates_combine(first->lane, first->single + tail, state->single + tail, error));
    }
    return BASE_OK;
}

static base_status finish(exec_part *part, base_error *error)
{
    hash_aggregate_part *self = (hash_aggregate_part *)part;
    hash_aggregate_state *first = part->states[0];
    size_t bytes = 0;
    self->merged = false;
    if (!self->key_count) {
        RETURN_IF_ERROR(make_single(first, error)); /* one row even over no rows */
        self->merged = part->state_count > 1;
        RETURN_IF_ERROR(merge_single(self, first, error));
    } else {
        used_lanes used;
        find_used_lanes(self, &used);
        self->merged = used.count > 1;
        if (self->merged)
            RETURN_IF_ERROR(merge_groups(self, &used, error));
    }
    op_aggregates_lane *lanes[EXEC_MAX_LANES];
    for (uint32_t l = 0; l < part->state_count; l++) {
        hash_aggregate_state *state = part->states[l];
        lanes[l] = state ? state->lane : NULL;
        bytes += state ? exec_groups_bytes(state->groups) : 0;
        bytes += state && state->direct ? exec_group_direct_bytes(state->direct) : 0;
        bytes += state && state->rising ? exec_group_rising_bytes(state->rising) : 0;
    }
    exec_note_memory(part->execution, part->op, bytes);
    return op_aggregates_finish_collected(&self->aggregates, lanes, part->state_count,
                                          self->layout.tail_offset, self->merged, error);
}

static void close(exec_part *part)
{
    hash_aggregate_part *self = (hash_aggregate_part *)part;
    free_dealt(self);
    for (uint32_t l = 0; l < part->state_count; l++) {
        hash_aggregate_state *state = part->states[l];
        if (!state)
            continue;
        exec_groups_clear(state->groups);
        if (state->rising)
            exec_group_rising_clear(state->rising);
        if (state->direct)
            exec_group_direct_clear(state->direct);
        if (state->memo)
            exec_group_memo_clear(state->memo);
        op_aggregates_lane_clear(state->lane);
        state->single = NULL;
    }
    for (uint32_t m = 0; m < self->merger_count; m++) {
        exec_groups_clear(self->tables[m]);
        op_aggregates_lane_clear(self->mergers[m]);
    }
}

static const exec_part_class hash_aggregate_class = {
    .name = "hash aggregate",
    .create_state = create_state,
    .sink = sink,
    .finish = finish,
    .close = close,
};

/* ---- The groups -------------------------------------------------------------------------- */

typedef struct group_source {
    exec_part part;
    hash_aggregate_part *aggregate;
} group_source;

typedef struct group_source_state {
    exec_rows *rows; /* of the unit: one lane's */
    exec_rows_cursor cursor;
    op_aggregates_lane *lane; /* of the reading lane: its heap takes text results */
    char **addresses;
    vector_chunk *chunk;
} group_source_state;

static base_status group_create_state(exec_part *part, void **result, base_error *error)
{
    exec_execution *execution = part->execution;
    const plan_operator *op = part->op;
    group_source_state *state = EXEC_NEW(execution, group_source_state);
    if (!state)
        return base_error_no_memory(error);
    state->addresses = exec_new(execution, VECTOR_SIZE * sizeof(char *));
    if (!state->addresses)
        return base_error_no_memory(error);
    RETURN_IF_ERROR(exec_chunk_new(execution, op->types, op->column_count, &state->chunk, error));
    *result = state;
    return op_aggregates_lane_new(&((group_source *)part)->aggregate->aggregates, &state->lane,
                                  error);
}

static base_status group_start(exec_part *part, base_error *error)
{
    hash_aggregate_part *aggregate = ((group_source *)part)->aggregate;
    part->unit_count = aggregate->part.state_count;
    part->row_estimate = 0;
    for (uint32_t l = 0; l < aggregate->part.state_count; l++) {
        const hash_aggregate_state *state = aggregate->part.states[l];
        part->row_estimate += state ? state->groups->rows->row_count : 0;
    }
    return BASE_OK;
}

static base_status group_open_unit(exec_part *part, void *opaque, uint32_t unit, base_error *error)
{
    group_source_state *state = opaque;
    hash_aggregate_state *from = ((group_source *)part)->aggregate->part.states[unit];
    state->rows = from ? from->groups->rows : NULL;
    state->cursor = (exec_rows_cursor){0, 0};
    return BASE_OK;
}

static base_status group_next(exec_part *part, void *opaque, vector_chunk **chunk,
                              base_error *error)
{
    hash_aggregate_part *aggregate = ((group_source *)part)->aggregate;
    group_source_state *state = opaque;
    uint32_t count, kept = 0;
    do {
        count = state->rows ? exec_rows_next(state->rows, &state->cursor, state->addresses) : 0;
        if (!count)
            return BASE_DONE;
        if (!aggregate->merged) {
            kept = count;
            break;
        }
        for (uint32_t i = 0; i < count; i++) {
            const exec_group *group = (const exec_group *)(const void *)state->addresses[i];
            state->addresses[kept] = state->addresses[i];
            kept += group->merged_into == NULL;
        }
    } while (!kept);
    base_arena_reset(state->lane->heap);
    for (uint32_t k = 0; k < aggregate->key_count; k++)
        exec_rows_gather(&aggregate->layout, k, state->addresses, NULL, kept,
                         &state->chunk->columns[k]);
    RETURN_IF_ERROR(op_aggregates_results(state->lane, state->addresses,
                                          aggregate->layout.tail_offset, kept,
                                          state->chunk->columns + aggregate->key_count, error));
    state->chunk->count = kept;
    state->chunk->selection = NULL;
    *chunk = state->chunk;
    return BASE_ROW;
}

static void group_close(exec_part *part)
{
    for (uint32_t l = 0; l < part->state_count; l++)
        if (part->states[l])
            op_aggregates_lane_clear(((group_source_state *)part->states[l])->lane);
}

static const exec_part_class group_source_class = {
    .name = "groups",
    .create_state = group_create_state,
    .start = group_start,
    .open_unit = group_open_unit,
    .next = group_next,
    .close = group_close,
};

base_status exec_build_hash_aggregate(exec_builder *builder, const plan_operator *op,
                                      exec_chain *chain)
{
    exec_execution *execution = builder->execution;
    hash_aggregate_part *self = exec_part_new(builder, &hash_aggregate_class, sizeof *self, op);
    group_source *source = exec_part_new(builder, &group_source_class, sizeof *source, op);
    exec_chain *input = self ? exec_chain_sink(builder, &self->part) : NULL;
    if (!input || !source)
        return base_error_no_memory(builder->error);
    source->aggregate = self;
    self->key_count = op->aggregate.key_count;
    RETURN_IF_ERROR(op_aggregates_init(&self->aggregates, execution, op->aggregate.aggregates,
                                       op->aggregate.aggregate_count, builder->error));
    self->part.parallel = !self->aggregates.any_order_sensitive;
    types_type *types = exec_types_of(execution, op->aggregate.keys, self->key_count);
    if (!types)
        return base_error_no_memory(builder->error);
    RETURN_IF_ERROR(exec_groups_layout(&self->layout, execution, types, self->key_count,
                                       self->aggregates.size, builder->error));
    if (op->aggregate.presorted)
        return op_build_slices(builder, op, op->aggregate.keys, op->aggregate.presorted,
                               &self->part, &source->part, chain);
    RETURN_IF_ERROR(exec_build(builder, op->inputs[0], input));
    return exec_add_pipeline(builder, &source->part, chain);
}
