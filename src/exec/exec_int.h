/*
 * exec_int.h - the executor's own vocabulary: parts, lanes, pipelines.
 *
 * A plan is cut into pipelines where an operator must see all its input before its first
 * output. A pipeline is
 *
 *     source --> step --> step --> ... --> sink        (the last pipelines: --> the caller)
 *
 * and is worked on by lanes, one per thread. What all lanes share lies in the part (source,
 * step, sink); what one lane needs alone lies in the part's state for that lane.
 *
 * A source is cut into units; a lane takes a unit, pulls its chunks and pushes each
 * through the steps. A step that makes more than one chunk from one input says so
 * (EXEC_MORE_OUTPUT) and is called again before it gets new input: so a lane can pause after
 * any chunk, and results stream to the caller in bounded memory.
 */
#ifndef EXEC_INT_H
#define EXEC_INT_H

#include "exec/exec.h"
#include "expr/expr.h"
#include "store/table/table.h"

typedef struct exec_part exec_part;
typedef struct exec_pipeline exec_pipeline;
typedef struct exec_lane exec_lane;
typedef struct exec_stream exec_stream;

enum {
    EXEC_MAX_LANES = 64,
    EXEC_ROWS_PER_LANE = 65536, /* fewer rows than this are not worth another thread */
    EXEC_STREAM_ROWS = 16384,   /* rows of a unit that are worth a round of lanes (stream.c) */
    EXEC_STREAM_SELECTIVE = 4,  /* rows read for one that comes out, at least */
    EXEC_FIRST_SLICE = 128,     /* rows that a source begins with under a LIMIT; a multiple of 64:
                                   slices begin at a word of the validity */
};

typedef enum exec_answer {
    EXEC_NEED_INPUT,  /* the input is used up; an output may have been made */
    EXEC_MORE_OUTPUT, /* an output was made; call again without input */
    EXEC_FINISHED,    /* no further input changes the result; an output may have been made */
} exec_answer;

/*
 * What every part can do. `state` is the part's state for the calling lane. Only the entries
 * of its role are set; NULL where there is nothing to do.
 */
typedef struct exec_part_class {
    const char *name;
    /* Makes the state of one more lane; called once per lane and prepared statement, on the
     * caller's thread, memory from the execution's arena. */
    base_status (*create_state)(exec_part *part, void **state, base_error *error);
    /* A run begins (before any pipeline that the part stands in has started). */
    base_status (*open)(exec_part *part, base_error *error);
    /* The run is over: frees what the run allocated, of all lanes. Also after errors. */
    void (*close)(exec_part *part);

    /* Source: called when its pipeline starts; after it unit_count and row_estimate hold. */
    base_status (*start)(exec_part *part, base_error *error);
    base_status (*open_unit)(exec_part *part, void *state, uint32_t unit, base_error *error);
    /* BASE_ROW with a chunk that lives until the next call, or BASE_DONE at the unit's end. */
    base_status (*next)(exec_part *part, void *state, vector_chunk **chunk, base_error *error);

    /* Step: `input` is NULL after EXEC_MORE_OUTPUT. The input's selection and column heads may be
     * changed, its values not. `*output` comes in NULL. */
    base_status (*push)(exec_part *part, void *state, vector_chunk *input, vector_chunk **output,
                        exec_answer *answer, base_error *error);

    /* Sink. */
    base_status (*sink)(exec_part *part, void *state, vector_chunk *input, base_error *error);
    /* One lane has pushed its last chunk of one pipeline; on that lane's thread. */
    base_status (*finish_lane)(exec_part *part, void *state, base_error *error);
    /* All lanes of all pipelines into this sink are done; on the caller's thread. */
    base_status (*finish)(exec_part *part, base_error *error);
} exec_part_class;

/* Head of every source, step and sink. */
struct exec_part {
    const exec_part_class *class;
    exec_execution *execution;
    const plan_operator *op; /* whose rows are counted; NULL: an inner part */
    exec_part *next;         /* all parts of the execution */
    void *states[EXEC_MAX_LANES];
    uint32_t state_count;
    uint32_t unit_count;   /* sources */
    uint64_t row_estimate; /* sources */
    /* Sources: units may be taken by several lanes. Steps: lanes may share it. Sinks: chunks may
     * come in any order and from several lanes. */
    bool parallel;
    /* Steps: needs few rows by nature (LIMIT), so sources begin with small chunks. */
    bool stops_early;
    /* A step: how many of the rows that come next it will throw away. A source right before it may
     * leave them out instead, and count down. NULL: none. */
    uint64_t *to_skip;
    /* Steps: set when one has answered EXEC_FINISHED: nothing below it needs to run. */
    _Atomic(bool) finished;
    /* What was done beyond looking at rows that came in: exec_note_work. */
    _Atomic(uint64_t) examined, searches;
};

/* Counts candidates (rows of a table before the filter, pairs before the condition) and searches
 * for single rows or keys, once per chunk or batch: what a plan costs whatever the machine, for
 * EXPLAIN ANALYZE. */
BASE_INLINE void exec_note_work(exec_part *part, uint64_t examined, uint64_t searches)
{
    atomic_fetch_add_explicit(&part->examined, examined, memory_order_relaxed);
    if (searches)
        atomic_fetch_add_explicit(&part->searches, searches, memory_order_relaxed);
}

struct exec_lane {
    exec_pipeline *pipeline;
    uint32_t index;
    void *source_state;
    void **step_states;
    void *sink_state;
    uint32_t *pending; /* steps that have more output, outermost last */
    uint32_t pending_count;
    bool finished; /* a step wants no more input */
    uint64_t rows_read;
    uint64_t *step_rows; /* rows that came out of the source [0] and of step i [i + 1] */
    uint64_t *step_nanoseconds;
    base_status status;
    base_error error;
};

struct exec_pipeline {
    exec_execution *execution;
    exec_part *source;
    uint32_t step_count;
    exec_part **steps;
    exec_part *sink;    /* NULL: the caller */
    bool finishes_sink; /* the last pipeline into the sink */
    exec_lane *lanes[EXEC_MAX_LANES];
    uint32_t lane_count; /* made so far */
    _Atomic(uint32_t) next_unit;
    _Atomic(uint64_t)
        rows_read;      /* by all lanes, for progress; execution.rows_read has them later */
    _Atomic(bool) stop; /* a lane failed or a step has finished */
    bool started;
    bool unit_open;        /* serial running: lane 0 is inside a unit */
    uint32_t stream_lanes; /* to the caller: how many work on it now; 0: lane 0, chunk by chunk */
    exec_stream *stream;   /* made when first needed */
};

/* A list of pipelines in an order in which they can run. The execution has one, and each
 * recursive CTE has one for its first and one for its repeated term. */
typedef struct exec_program {
    exec_pipeline **pipelines;
    uint32_t count, capacity;
    uint32_t current; /* the next one to run */
} exec_program;

struct exec_execution {
    const plan_statement *statement;
    exec_options options;
    base_budget budget;
    base_arena arena; /* the fixed part: lives as long as the execution */
    expr_context context;
    struct exec_fast *fast; /* runs the plan instead of the program; or NULL */
    exec_program program;
    exec_part *parts;
    struct exec_buffer **ctes;          /* by CTE number: where its rows are */
    const plan_operator **inlined_ctes; /* while building: recursions whose one scan is to come */
    struct exec_join_filter *join_filters; /* by number in the statement */
    expr_program **programs;               /* every compiled expression, for expr_reset */
    uint32_t program_count, program_capacity;
    types_value *parameters;
    base_arena *parameter_heaps; /* one per parameter: bytes of bound text */
    bool *bound;
    bool bindings_changed;
    txn_transaction *transaction;
    bool is_open, is_failed;
    uint64_t rows_affected;
    int64_t last_rowid;
    bool has_last_rowid;
    uint64_t rows_read, rows_total;
    exec_statistics *statistics; /* by operator id */
};

/* ---- execution.c ------------------------------------------------------------------------- */

/* Compiles an expression of the plan for one lane; it is reset with the execution. */
base_status exec_compile(exec_execution *execution, const plan_expr *expr, expr_program **program,
                         base_error *error);
base_status exec_compile_all(exec_execution *execution, plan_expr *const *exprs, uint32_t count,
                             expr_program ***programs, base_error *error);
/* Value of an expression without slots as a count (LIMIT, OFFSET): NULL gives `if_null`;
 * negative is BASE_INVALID_PARAMETER. `expr`: what the program computes, for an error's place. */
base_status exec_count_value(expr_program *program, const plan_expr *expr, uint64_t if_null,
                             uint64_t *count, base_error *error);
/* BASE_INTERRUPTED when the host wants the statement to stop. */
base_status exec_check_interrupt(exec_execution *execution, base_error *error);
uint32_t exec_thread_limit(const exec_execution *execution);
/* Zeroed memory of the fixed part. */
#define EXEC_NEW(execution, type) ((type *)exec_new((execution), sizeof(type)))
void *exec_new(exec_execution *execution, size_t size);
/* Types of expressions, in the arena. */
types_type *exec_types_of(exec_execution *execution, plan_expr *const *exprs, uint32_t count);
void exec_note_memory(exec_execution *execution, const plan_operator *op, size_t bytes);

/* A chunk of own memory that is destroyed with the execution's arena. */
base_status exec_chunk_new(exec_execution *execution, const types_type *types, uint32_t count,
                           vector_chunk **chunk, base_error *error);
/* A chunk without memory whose columns are pointed elsewhere. */
base_status exec_chunk_frame(exec_execution *execution, uint32_t count, vector_chunk **chunk,
                             base_error *error);

/* ---- sched/ ------------------------------------------------------------------------------ */

/* The steps and the sink that rows of an operator go through, nearest first. */
typedef struct exec_chain {
    exec_part *part; /* a step; NULL at the end */
    exec_part *sink; /* at the end: the sink, NULL: the caller */
    struct exec_chain *next;
} exec_chain;

typedef struct exec_builder {
    exec_execution *execution;
    exec_program *program; /* where pipelines are appended */
    base_error *error;
    bool stops_early; /* the program's reader needs few rows by nature */
} exec_builder;

/* Makes the pipelines that bring the operator's rows into the chain (builder.c). */
base_status exec_build(exec_builder *builder, const plan_operator *op, exec_chain *chain);
/* Makes a part; `size` is that of the structure it heads. NULL: no memory. */
void *exec_part_new(exec_builder *builder, const exec_part_class *class, size_t size,
                    const plan_operator *op);
exec_chain *exec_chain_step(exec_builder *builder, exec_part *step, exec_chain *next);
exec_chain *exec_chain_sink(exec_builder *builder, exec_part *sink);
/* Whether few of the rows that go into the chain may be wanted. */
bool exec_chain_stops_early(const exec_builder *builder, const exec_chain *chain);
/* Appends the pipeline source -> chain. */
base_status exec_add_pipeline(exec_builder *builder, exec_part *source, const exec_chain *chain);

/* Runs what can run and answers the next chunk for the caller (pipeline.c). */
base_status exec_program_next(exec_program *program, vector_chunk **chunk, base_error *error);
void exec_program_rewind(exec_program *program);
/* Gives back what pipelines to the caller keep. */
void exec_program_close(exec_program *program);
/* Adds what its lanes counted so far to the operators; for a program that is not run to its end. */
void exec_program_collect(exec_program *program);
/* Nanoseconds now when the statement is profiled, else 0. */
int64_t exec_profile_clock(const exec_execution *execution);
/* Runs `function(argument, i)` for i < count on up to `lanes` threads and hands on the first
 * failure. For the parallel part of a sink's finish. */
typedef base_status (*exec_task)(void *argument, uint32_t index, base_error *error);
base_status exec_run_tasks(exec_execution *execution, uint32_t count, exec_task task,
                           void *argument, base_error *error);

/* The state of a part for a lane, made on first use. */
base_status exec_part_state(exec_part *part, uint32_t lane, void **state, base_error *error);

/* ---- op/: one builder per operator kind -------------------------------------------------- */

typedef base_status (*exec_operator_builder)(exec_builder *builder, const plan_operator *op,
                                             exec_chain *chain);
base_status exec_build_table_scan(exec_builder *, const plan_operator *, exec_chain *);
base_status exec_build_rowid_lookup(exec_builder *, const plan_operator *, exec_chain *);
base_status exec_build_index_scan(exec_builder *, const plan_operator *, exec_chain *);
base_status exec_build_values(exec_builder *, const plan_operator *, exec_chain *);
base_status exec_build_system_scan(exec_builder *, const plan_operator *, exec_chain *);
base_status exec_build_filter(exec_builder *, const plan_operator *, exec_chain *);
base_status exec_build_project(exec_builder *, const plan_operator *, exec_chain *);
base_status exec_build_hash_join(exec_builder *, const plan_operator *, exec_chain *);
base_status exec_build_index_join(exec_builder *, const plan_operator *, exec_chain *);
base_status exec_build_nested_loop(exec_builder *, const plan_operator *, exec_chain *);
base_status exec_build_hash_aggregate(exec_builder *, const plan_operator *, exec_chain *);
base_status exec_build_ordered_aggregate(exec_builder *, const plan_operator *, exec_chain *);
base_status exec_build_window(exec_builder *, const plan_operator *, exec_chain *);
base_status exec_build_sort(exec_builder *, const plan_operator *, exec_chain *);
base_status exec_build_limit(exec_builder *, const plan_operator *, exec_chain *);
base_status exec_build_distinct_on(exec_builder *, const plan_operator *, exec_chain *);
base_status exec_build_union_all(exec_builder *, const plan_operator *, exec_chain *);
base_status exec_build_set_operation(exec_builder *, const plan_operator *, exec_chain *);
base_status exec_build_cte(exec_builder *, const plan_operator *, exec_chain *);
base_status exec_build_recursive_cte(exec_builder *, const plan_operator *, exec_chain *);
base_status exec_build_cte_scan(exec_builder *, const plan_operator *, exec_chain *);
base_status exec_build_insert(exec_builder *, const plan_operator *, exec_chain *);
base_status exec_build_update(exec_builder *, const plan_operator *, exec_chain *);
base_status exec_build_delete(exec_builder *, const plan_operator *, exec_chain *);

#endif
