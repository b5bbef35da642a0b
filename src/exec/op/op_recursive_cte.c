/*
 * op_recursive_cte.c - WITH RECURSIVE.
 *
 * A source that works in rounds: the first runs the start term, each further one the repeated
 * term, whose scan of the CTE reads the rows of the round before. Rows that are handed on are
 * those of the newest round, so a reader that stops (LIMIT) ends a recursion that would not end
 * by itself. Without ALL, rows that were seen before are dropped, in a table of all rows.
 *
 * The two terms are programs of their own. The repeated one is closed and opened before each
 * round; parts that do not depend on the recursion are run again with it.
 *
 * Invariants: `working` is what the repeated term reads and does not change while it runs; new
 * rows go to `fresh`, and the two are exchanged between rounds.
 */
#include "exec/op/op_cte.h"
#include "exec/rows/exec_groups.h"

typedef struct recursive_part {
    exec_part part; /* the source */
    exec_program start_term, repeated_term;
    exec_buffer *working, *fresh;
    exec_part *sink;
    exec_layout layout;
    exec_groups *seen; /* NULL: UNION ALL */
    char **addresses;
    bool *is_new;
    const vector **keys;
    uint16_t *selection;
    exec_part **repeated_parts; /* all parts of the repeated term */
    uint32_t repeated_count;
    uint32_t next; /* chunk of `working` to hand on */
    bool begun, ended;
    vector_chunk *frame;
} recursive_part;

/* ---- The sink of both terms -------------------------------------------------------------- */

typedef struct round_sink {
    exec_part part;
    recursive_part *recursion;
} round_sink;

static base_status sink(exec_part *part, void *state, vector_chunk *input, base_error *error)
{
    recursive_part *self = ((round_sink *)part)->recursion;
    if (!self->seen)
        return exec_buffer_append(self->fresh, input, error);
    for (uint32_t c = 0; c < self->fresh->column_count; c++)
        self->keys[c] = &input->columns[c];
    RETURN_IF_ERROR(exec_groups_find_or_add(self->seen, self->keys, input->selection, input->count,
                                            self->addresses, self->is_new, error));
    vector_chunk new_rows = *input;
    new_rows.count = 0;
    new_rows.selection = self->selection;
    for (uint32_t i = 0; i < input->count; i++) {
        self->selection[new_rows.count] = (uint16_t)vector_row(input->selection, i);
        new_rows.count += self->is_new[i];
    }
    return exec_buffer_append(self->fresh, &new_rows, error);
}

static const exec_part_class round_sink_class = {
    .name = "recursion round",
    .sink = sink,
};

/* ---- Rounds ------------------------------------------------------------------------------ */

/* Opens the repeated term anew; in the first run of it that has been done with the statement. */
static base_status reopen_repeated(recursive_part *self, base_error *error)
{
    for (uint32_t i = 0; i < self->repeated_count; i++) {
        exec_part *part = self->repeated_parts[i];
        if (part->class->close)
            part->class->close(part);
        atomic_store_explicit(&part->finished, false, memory_order_relaxed);
        if (part->class->open)
            RETURN_IF_ERROR(part->class->open(part, error));
    }
    exec_program_rewind(&self->repeated_term);
    return BASE_OK;
}

/* Runs one round; its rows end up in `working`. */
static base_status run_round(recursive_part *self, base_error *error)
{
    exec_program *term = self->begun ? &self->repeated_term : &self->start_term;
    if (self->begun)
        RETURN_IF_ERROR(reopen_repeated(self, error));
    else
        exec_program_rewind(term);
    self->begun = true;
    exec_buffer_clear(self->fresh);
    vector_chunk *none;
    base_status status = exec_program_next(term, &none, error);
    if (status != BASE_DONE)
        return status;
    /* The buffers exchange what they hold: the scans keep pointing to `working`. */
    exec_buffer swapped = *self->working;
    *self->working = *self->fresh;
    *self->fresh = swapped;
    self->next = 0;
    self->ended = self->working->row_count == 0;
    return BASE_OK;
}

static base_status start(exec_part *part, base_error *error)
{
    recursive_part *self = (recursive_part *)part;
    self->begun = self->ended = false;
    self->next = 0;
    exec_buffer_clear(self->working);
    if (self->seen)
        exec_groups_clear(self->seen);
    part->unit_count = 1;
    part->row_estimate = 0;
    return BASE_OK;
}

static base_status next(exec_part *part, void *state, vector_chunk **chunk, base_error *error)
{
    recursive_part *self = (recursive_part *)part;
    while (!self->ended) {
        if (self->begun && self->working->row_count && self->next < self->working->chunk_count) {
            exec_buffer_read(self->working, self->next++, self->frame);
            *chunk = self->frame;
            return BASE_ROW;
        }
        RETURN_IF_ERROR(exec_check_interrupt(part->execution, error));
        RETURN_IF_ERROR(run_round(self, error));
    }
    return BASE_DONE;
}

static void close(exec_part *part)
{
    recursive_part *self = (recursive_part *)part;
    exec_buffer_clear(self->working);
    exec_buffer_clear(self->fresh);
    if (self->seen)
        exec_groups_clear(self->seen);
}

static const exec_part_class recursive_class = {
    .name = "recursion",
    .start = start,
    .next = next,
    .close = close,
};

/* ---- Building ---------------------------------------------------------------------------- */

/* Builds a term into its own program. */
static base_status build_term(exec_builder *outer, recursive_part *self, exec_program *program,
                              const plan_operator *term)
{
    exec_builder builder = {outer->execution, program, outer->error, false};
    exec_chain *chain = exec_chain_sink(&builder, self->sink);
    if (!chain)
        return base_error_no_memory(outer->error);
    return exec_build(&builder, term, chain);
}

/* The parts made since `before` are those of the repeated term. */
static base_status note_parts(recursive_part *self, const exec_part *before, base_error *error)
{
    exec_execution *execution = self->part.execution;
    uint32_t count = 0;
    for (const exec_part *part = execution->parts; part != before; part = part->next)
        count++;
    self->repeated_parts = exec_new(execution, (count + 1) * sizeof(exec_part *));
    if (!self->repeated_parts)
        return base_error_no_memory(error);
    for (exec_part *part = execution->parts; part != before; part = part->next)
        self->repeated_parts[self->repeated_count++] = part;
    return BASE_OK;
}

static base_status init_seen(recursive_part *self, const plan_operator *op, base_error *error)
{
    exec_execution *execution = self->part.execution;
    self->addresses = exec_new(execution, VECTOR_SIZE * sizeof(char *));
    self->is_new = exec_new(execution, VECTOR_SIZE * sizeof(bool));
    self->selection = exec_new(execution, VECTOR_SIZE * sizeof(uint16_t));
    self->keys = exec_new(execution, (op->column_count + 1) * sizeof(vector *));
    if (!self->addresses || !self->is_new || !self->selection || !self->keys)
        return base_error_no_memory(error);
    RETURN_IF_ERROR(
        exec_groups_layout(&self->layout, execution, op->types, op->column_count, 0, error));
    return exec_groups_new(execution, &self->layout, op->column_count, &self->seen, error);
}

base_status exec_build_recursive_cte(exec_builder *builder, const plan_operator *op,
                                     exec_chain *chain)
{
    exec_execution *execution = builder->execution;
    uint32_t columns = op->column_count, cte = op->cte.cte;
    recursive_part *self = exec_part_new(builder, &recursive_class, sizeof *self, op);
    round_sink *round = exec_part_new(builder, &round_sink_class, sizeof *round, NULL);
    if (!self || !round)
        return base_error_no_memory(builder->error);
    self->part.parallel = round->part.parallel = false;
    round->recursion = self;
    self->sink = &round->part;
    RETURN_IF_ERROR(exec_buffer_new(execution, op->types, columns, &self->working, builder->error));
    RETURN_IF_ERROR(exec_buffer_new(execution, op->types, columns, &self->fresh, builder->error));
    RETURN_IF_ERROR(exec_chunk_frame(execution, columns, &self->frame, builder->error));
    if (!op->cte.all)
        RETURN_IF_ERROR(init_seen(self, op, builder->error));
    RETURN_IF_ERROR(build_term(builder, self, &self->start_term, op->inputs[0]));
    exec_buffer *outer = execution->ctes[cte];
    execution->ctes[cte] = self->working;
    const exec_part *before = execution->parts;
    RETURN_IF_ERROR(build_term(builder, self, &self->repeated_term, op->inputs[1]));
    execution->ctes[cte] = outer;
    RETURN_IF_ERROR(note_parts(self, before, builder->error));
    return exec_add_pipeline(builder, &self->part, chain);
}
