/*
 * pipeline.c - running pipelines: lanes, morsels, pausing and stopping.
 *
 * A lane pushes chunks through the steps; where a step has more output for the same input the
 * lane remembers the step (`pending`) and comes back to it first. So between any two chunks a
 * lane can be left and continued, which is all that streaming to the caller needs.
 *
 * Pipelines with a parallel source, parallel steps and a parallel sink are run by as many lanes
 * as their rows are worth, each taking unit after unit from a shared counter. All others are
 * run by lane 0 on the caller's thread, units in order, so that the order of rows is that of the
 * source wherever somebody can see it. Rows for the caller keep that order on several lanes, too
 * (stream.c); the first unit is lane 0's in any case, so that first rows come at once.
 *
 * Rejected: threads of their own for an execution; work stealing (units are small and a shared
 * counter balances them); starting lanes by plan estimate (the source knows its size now).
 *
 * Invariants: lane states are made on the caller's thread before lanes run; parts are opened
 * before and closed after all pipelines; a failed lane stops the others at their next chunk and
 * its error is the statement's.
 */
#include "exec/sched/stream.h"

base_status exec_part_state(exec_part *part, uint32_t lane, void **state, base_error *error)
{
    BASE_ASSERT(lane < EXEC_MAX_LANES);
    if (!part->states[lane] && part->class->create_state) {
        RETURN_IF_ERROR(part->class->create_state(part, &part->states[lane], error));
        part->state_count = BASE_MAX(part->state_count, lane + 1);
    }
    *state = part->states[lane];
    return BASE_OK;
}

/* ---- Lanes ------------------------------------------------------------------------------- */

base_status exec_lane_make(exec_pipeline *pipeline, uint32_t index, base_error *error)
{
    exec_execution *execution = pipeline->execution;
    if (pipeline->lanes[index])
        return BASE_OK;
    exec_lane *lane = EXEC_NEW(execution, exec_lane);
    uint32_t steps = pipeline->step_count;
    if (!lane)
        return base_error_no_memory(error);
    lane->pipeline = pipeline;
    lane->index = index;
    lane->step_states = exec_new(execution, (steps + 1) * sizeof(void *));
    lane->pending = exec_new(execution, (steps + 1) * sizeof(uint32_t));
    lane->step_rows = exec_new(execution, (steps + 1) * sizeof(uint64_t));
    lane->step_nanoseconds = exec_new(execution, (steps + 2) * sizeof(uint64_t));
    if (!lane->step_states || !lane->pending || !lane->step_rows || !lane->step_nanoseconds)
        return base_error_no_memory(error);
    RETURN_IF_ERROR(exec_part_state(pipeline->source, index, &lane->source_state, error));
    for (uint32_t i = 0; i < steps; i++)
        RETURN_IF_ERROR(exec_part_state(pipeline->steps[i], index, &lane->step_states[i], error));
    if (pipeline->sink)
        RETURN_IF_ERROR(exec_part_state(pipeline->sink, index, &lane->sink_state, error));
    pipeline->lanes[index] = lane;
    pipeline->lane_count = BASE_MAX(pipeline->lane_count, index + 1);
    return BASE_OK;
}

static void rewind_lane(exec_lane *lane)
{
    lane->pending_count = 0;
    lane->finished = false;
    lane->status = BASE_OK;
    lane->rows_read = 0;
    memset(lane->step_rows, 0, (lane->pipeline->step_count + 1) * sizeof(uint64_t));
    memset(lane->step_nanoseconds, 0, (lane->pipeline->step_count + 2) * sizeof(uint64_t));
}

int64_t exec_profile_clock(const exec_execution *execution)
{
    if (BASE_LIKELY(!execution->options.profile))
        return 0;
    os_environment *environment = os_runtime_environment(execution->options.runtime);
    return environment->monotonic_clock(environment);
}

/* Pushes through step `step`; the chunk that comes out, or NULL. */
static base_status push_step(exec_lane *lane, uint32_t step, vector_chunk **chunk,
                             base_error *error)
{
    exec_part *part = lane->pipeline->steps[step];
    vector_chunk *output = NULL;
    exec_answer answer = EXEC_NEED_INPUT;
    int64_t begin = exec_profile_clock(part->execution);
    RETURN_IF_ERROR(
        part->class->push(part, lane->step_states[step], *chunk, &output, &answer, error));
    lane->step_nanoseconds[step + 1] += (uint64_t)(exec_profile_clock(part->execution) - begin);
    if (answer == EXEC_MORE_OUTPUT) {
        lane->pending[lane->pending_count++] = step;
    } else if (answer == EXEC_FINISHED) {
        lane->finished = true;
        atomic_store_explicit(&part->finished, true, memory_order_relaxed);
        atomic_store_explicit(&lane->pipeline->stop, true, memory_order_relaxed);
        lane->pending_count = 0; /* all of them are before this step */
    }
    *chunk = output && output->count ? output : NULL;
    if (*chunk)
        lane->step_rows[step + 1] += output->count;
    return BASE_OK;
}

/* Lane 0 is the calling thread's (os_runtime_run). */
static void report_progress(const exec_lane *lane)
{
    const exec_pipeline *pipeline = lane->pipeline;
    const exec_execution *execution = pipeline->execution;
    if (lane->index == 0 && execution->options.progress)
        execution->options.progress(
            execution->options.hook_context,
            execution->rows_read + atomic_load_explicit(&pipeline->rows_read, memory_order_relaxed),
            execution->rows_total);
}

static base_status next_source_chunk(exec_lane *lane, vector_chunk **chunk, base_error *error)
{
    exec_part *source = lane->pipeline->source;
    RETURN_IF_ERROR(exec_check_interrupt(source->execution, error));
    int64_t begin = exec_profile_clock(source->execution);
    base_status status = source->class->next(source, lane->source_state, chunk, error);
    lane->step_nanoseconds[0] += (uint64_t)(exec_profile_clock(source->execution) - begin);
    if (status == BASE_ROW) {
        lane->rows_read += (*chunk)->count;
        lane->step_rows[0] += (*chunk)->count;
        atomic_fetch_add_explicit(&lane->pipeline->rows_read, (*chunk)->count,
                                  memory_order_relaxed);
        /* Per input, not per result: a selective join may give no row for minutes. */
        report_progress(lane);
    }
    return status;
}

base_status exec_lane_next(exec_lane *lane, vector_chunk **result, base_error *error)
{
    uint32_t step_count = lane->pipeline->step_count;
    for (;;) {
        vector_chunk *chunk = NULL;
        uint32_t step = 0;
        if (lane->pending_count) {
            step = lane->pending[--lane->pending_count];
            RETURN_IF_ERROR(push_step(lane, step, &chunk, error));
            step++;
        } else {
            if (lane->finished)
                return BASE_DONE;
            base_status status = next_source_chunk(lane, &chunk, error);
            if (status != BASE_ROW)
                return status;
            if (!chunk->count)
                chunk = NULL;
        }
        for (; chunk && step < step_count; step++)
            RETURN_IF_ERROR(push_step(lane, step, &chunk, error));
        if (chunk) {
            *result = chunk;
            return BASE_ROW;
        }
    }
}

/* Adds what the lanes counted to the operators. */
static void collect_statistics(exec_pipeline *pipeline)
{
    exec_execution *execution = pipeline->execution;
    for (uint32_t l = 0; l < pipeline->lane_count; l++) {
        exec_lane *lane = pipeline->lanes[l];
        if (!lane)
            continue;
        execution->rows_read += lane->rows_read;
        for (uint32_t s = 0; s <= pipeline->step_count; s++) {
            const exec_part *part = s ? pipeline->steps[s - 1] : pipeline->source;
            if (!part->op)
                continue;
            exec_statistics *statistics = &execution->statistics[part->op->id];
            statistics->rows += lane->step_rows[s];
            statistics->nanoseconds += lane->step_nanoseconds[s];
        }
        if (pipeline->sink && pipeline->sink->op)
            execution->statistics[pipeline->sink->op->id].nanoseconds +=
                lane->step_nanoseconds[pipeline->step_count + 1];
        rewind_lane(lane);
    }
    atomic_store_explicit(&pipeline->rows_read, 0, memory_order_relaxed);
}

/* ---- Into a sink ------------------------------------------------------------------------- */

static base_status run_unit(exec_lane *lane, uint32_t unit, base_error *error)
{
    exec_pipeline *pipeline = lane->pipeline;
    exec_part *source = pipeline->source, *sink = pipeline->sink;
    if (source->class->open_unit)
        RETURN_IF_ERROR(source->class->open_unit(source, lane->source_state, unit, error));
    for (;;) {
        vector_chunk *chunk;
        base_status status = exec_lane_next(lane, &chunk, error);
        if (status != BASE_ROW)
            return status == BASE_DONE ? BASE_OK : status;
        int64_t begin = exec_profile_clock(pipeline->execution);
        RETURN_IF_ERROR(sink->class->sink(sink, lane->sink_state, chunk, error));
        lane->step_nanoseconds[pipeline->step_count + 1] +=
            (uint64_t)(exec_profile_clock(pipeline->execution) - begin);
        if (BASE_UNLIKELY(atomic_load_explicit(&pipeline->stop, memory_order_relaxed)) &&
            !lane->finished)
            return BASE_OK;
    }
}

/* The work of one lane: units until none is left. */
static void run_lane(void *argument, uint32_t index)
{
    exec_pipeline *pipeline = argument;
    exec_lane *lane = pipeline->lanes[index];
    exec_part *sink = pipeline->sink;
    base_status status = BASE_OK;
    while (status == BASE_OK && !atomic_load_explicit(&pipeline->stop, memory_order_relaxed)) {
        uint32_t unit = atomic_fetch_add_explicit(&pipeline->next_unit, 1, memory_order_relaxed);
        if (unit >= pipeline->source->unit_count)
            break;
        status = run_unit(lane, unit, &lane->error);
    }
    if (status == BASE_OK && sink->class->finish_lane)
        status = sink->class->finish_lane(sink, lane->sink_state, &lane->error);
    lane->status = status;
    if (status != BASE_OK)
        atomic_store_explicit(&pipeline->stop, true, memory_order_relaxed);
}

/* How many lanes the pipeline is worth now. */
static uint32_t wanted_lanes(const exec_pipeline *pipeline)
{
    const exec_part *source = pipeline->source;
    if (!source->parallel || (pipeline->sink && !pipeline->sink->parallel))
        return 1;
    for (uint32_t i = 0; i < pipeline->step_count; i++)
        if (!pipeline->steps[i]->parallel)
            return 1;
    uint64_t worth = source->row_estimate / EXEC_ROWS_PER_LANE;
    worth = BASE_MIN(worth, (uint64_t)source->unit_count);
    if (worth <= 1)
        return 1;
    return (uint32_t)BASE_MIN(worth, (uint64_t)exec_thread_limit(pipeline->execution));
}

static base_status run_into_sink(exec_pipeline *pipeline, base_error *error)
{
    uint32_t lanes = wanted_lanes(pipeline);
    for (uint32_t i = 0; i < lanes; i++) {
        RETURN_IF_ERROR(exec_lane_make(pipeline, i, error));
        pipeline->lanes[i]->status = BASE_OK;
        base_error_clear(&pipeline->lanes[i]->error);
    }
    if (lanes == 1)
        run_lane(pipeline, 0);
    else
        os_runtime_run(pipeline->execution->options.runtime, lanes, run_lane, pipeline);
    for (uint32_t i = 0; i < lanes; i++) {
        exec_lane *lane = pipeline->lanes[i];
        if (lane->status == BASE_OK)
            continue;
        if (error && error->status == BASE_OK)
            *error = lane->error;
        return lane->status;
    }
    collect_statistics(pipeline);
    exec_part *sink = pipeline->sink;
    if (pipeline->finishes_sink && sink->class->finish)
        RETURN_IF_ERROR(sink->class->finish(sink, error));
    return BASE_OK;
}

/* ---- To the caller ----------------------------------------------------------------------- */

/* Whether several lanes should make the rows from now on: not while most of what is read comes out,
 * because keeping rows for the caller costs about as much as making them. */
static bool wants_stream(exec_pipeline *pipeline)
{
    const exec_part *source = pipeline->source;
    const exec_lane *lane = pipeline->lanes[0];
    uint32_t begun = atomic_load_explicit(&pipeline->next_unit, memory_order_relaxed);
    if (pipeline->stream_lanes)
        return true;
    if (!begun || begun >= source->unit_count || pipeline->unit_open || lane->finished)
        return false;
    uint64_t examined = atomic_load_explicit(&source->examined, memory_order_relaxed);
    if (examined < EXEC_STREAM_ROWS ||
        source->row_estimate / source->unit_count < EXEC_STREAM_ROWS ||
        lane->step_rows[pipeline->step_count] > examined / EXEC_STREAM_SELECTIVE)
        return false;
    uint32_t lanes = wanted_lanes(pipeline);
    pipeline->stream_lanes = lanes > 1 ? lanes : 0;
    return lanes > 1;
}

static base_status pull(exec_pipeline *pipeline, vector_chunk **chunk, base_error *error)
{
    exec_part *source = pipeline->source;
    RETURN_IF_ERROR(exec_lane_make(pipeline, 0, error));
    exec_lane *lane = pipeline->lanes[0];
    for (;;) {
        if (wants_stream(pipeline)) {
            base_status status = exec_stream_next(pipeline, pipeline->stream_lanes, chunk, error);
            if (status != BASE_DONE)
                return status;
            break;
        }
        if (!pipeline->unit_open) {
            uint32_t unit =
                atomic_fetch_add_explicit(&pipeline->next_unit, 1, memory_order_relaxed);
            if (unit >= source->unit_count || lane->finished)
                break;
            if (source->class->open_unit)
                RETURN_IF_ERROR(source->class->open_unit(source, lane->source_state, unit, error));
            pipeline->unit_open = true;
        }
        base_status status = exec_lane_next(lane, chunk, error);
        if (status != BASE_DONE)
            return status;
        pipeline->unit_open = false;
    }
    collect_statistics(pipeline);
    return BASE_DONE;
}

/* ---- Programs ---------------------------------------------------------------------------- */

void exec_program_rewind(exec_program *program)
{
    program->current = 0;
    for (uint32_t i = 0; i < program->count; i++) {
        exec_pipeline *pipeline = program->pipelines[i];
        pipeline->started = pipeline->unit_open = false;
        pipeline->stream_lanes = 0;
        atomic_store_explicit(&pipeline->stop, false, memory_order_relaxed);
        atomic_store_explicit(&pipeline->next_unit, 0, memory_order_relaxed);
        for (uint32_t l = 0; l < pipeline->lane_count; l++)
            if (pipeline->lanes[l])
                rewind_lane(pipeline->lanes[l]);
    }
}

void exec_program_close(exec_program *program)
{
    for (uint32_t i = 0; i < program->count; i++)
        exec_stream_clear(program->pipelines[i]->stream);
}

static base_status start_pipeline(exec_pipeline *pipeline, base_error *error)
{
    exec_part *source = pipeline->source;
    if (source->class->start)
        RETURN_IF_ERROR(source->class->start(source, error));
    pipeline->execution->rows_total += source->row_estimate;
    for (uint32_t i = 0; i < pipeline->step_count; i++)
        if (atomic_load_explicit(&pipeline->steps[i]->finished, memory_order_relaxed))
            source->unit_count = 0; /* an earlier pipeline through this step gave it enough */
    pipeline->started = true;
    return BASE_OK;
}

base_status exec_program_next(exec_program *program, vector_chunk **chunk, base_error *error)
{
    while (program->current < program->count) {
        exec_pipeline *pipeline = program->pipelines[program->current];
        if (!pipeline->started)
            RETURN_IF_ERROR(start_pipeline(pipeline, error));
        if (pipeline->sink) {
            RETURN_IF_ERROR(run_into_sink(pipeline, error));
        } else {
            base_status status = pull(pipeline, chunk, error);
            if (status != BASE_DONE)
                return status;
        }
        program->current++;
    }
    return BASE_DONE;
}

void exec_program_collect(exec_program *program)
{
    for (uint32_t i = 0; i < program->count; i++)
        collect_statistics(program->pipelines[i]);
}

/* ---- Tasks of a sink's finish ------------------------------------------------------------ */

typedef struct task_run {
    exec_task task;
    void *argument;
    _Atomic(bool) failed;
    base_status status;
    base_error error;
} task_run;

static void run_task(void *argument, uint32_t index)
{
    task_run *run = argument;
    if (atomic_load_explicit(&run->failed, memory_order_acquire))
        return;
    base_error error;
    base_error_clear(&error);
    base_status status = run->task(run->argument, index, &error);
    bool expected = false;
    if (status != BASE_OK && atomic_compare_exchange_strong(&run->failed, &expected, true)) {
        run->status = status;
        run->error = error;
    }
}

base_status exec_run_tasks(exec_execution *execution, uint32_t count, exec_task task,
                           void *argument, base_error *error)
{
    if (count <= 1 || exec_thread_limit(execution) == 1) {
        for (uint32_t i = 0; i < count; i++)
            RETURN_IF_ERROR(task(argument, i, error));
        return BASE_OK;
    }
    task_run *run = base_allocate_zeroed(&execution->budget, sizeof *run);
    if (!run)
        return base_error_no_memory(error);
    run->task = task;
    run->argument = argument;
    os_runtime_run(execution->options.runtime, count, run_task, run);
    base_status status = run->status;
    if (status != BASE_OK && error && error->status == BASE_OK)
        *error = run->error;
    base_free(&execution->budget, run, sizeof *run);
    return status;
}
