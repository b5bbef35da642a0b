/*
 * stream.c - several lanes for a pipeline whose rows go to the caller.
 *
 * Work happens only inside the caller's calls, in rounds: each lane takes a unit (or goes on with
 * the one it has) and keeps what comes out, until the unit ends or STREAM_CHUNKS chunks are kept;
 * then the lanes rest and the caller is given the chunks, unit after unit. So rows come in the
 * order in which one lane would bring them, memory is bounded, and no thread runs while the caller
 * does something else in the transaction.
 *
 * Selective scans and joins, where lanes have much to do and little to keep, are spread evenly.
 * Where nearly every row comes out pipeline.c does not begin a stream: the caller, who has to look
 * at every row, is what takes the time, and keeping rows would double the work.
 *
 * Rejected: lanes that run on while the caller reads (a queue with waiting on both sides; the
 * transaction would be used by two threads when the caller starts another statement).
 *
 * Invariants: the kept chunks of a lane belong to one unit; only those of the lowest unit are
 * handed on, and a chunk that was handed on is not written before the next call.
 */
#include "exec/sched/stream.h"
#include "exec/rows/exec_rows.h"

enum {
    STREAM_CHUNKS = 16,
};

typedef struct stream_lane {
    exec_buffer *kept;
    uint32_t unit;
    uint32_t given; /* chunks of `kept` that the caller has had */
    bool has_unit;  /* its rows have not all been handed on */
    bool in_unit;   /* there may be more rows */
} stream_lane;

struct exec_stream {
    exec_pipeline *pipeline;
    vector_chunk *frame;
    stream_lane lanes[EXEC_MAX_LANES];
    uint32_t lane_count;              /* made so far */
    uint32_t running[EXEC_MAX_LANES]; /* lanes of the round */
    uint32_t running_count;
};

static base_status create_stream(exec_pipeline *pipeline, base_error *error)
{
    exec_execution *execution = pipeline->execution;
    if (pipeline->stream)
        return BASE_OK;
    exec_stream *stream = EXEC_NEW(execution, exec_stream);
    if (!stream)
        return base_error_no_memory(error);
    stream->pipeline = pipeline;
    RETURN_IF_ERROR(exec_chunk_frame(execution, execution->statement->root->column_count,
                                     &stream->frame, error));
    pipeline->stream = stream;
    return BASE_OK;
}

static base_status make_lanes(exec_stream *stream, uint32_t count, base_error *error)
{
    exec_execution *execution = stream->pipeline->execution;
    const plan_operator *root = execution->statement->root;
    for (; stream->lane_count < count; stream->lane_count++) {
        uint32_t l = stream->lane_count;
        RETURN_IF_ERROR(exec_lane_make(stream->pipeline, l, error));
        RETURN_IF_ERROR(exec_buffer_new(execution, root->types, root->column_count,
                                        &stream->lanes[l].kept, error));
    }
    return BASE_OK;
}

void exec_stream_clear(exec_stream *stream)
{
    if (!stream)
        return;
    for (uint32_t l = 0; l < stream->lane_count; l++) {
        stream_lane *lane = &stream->lanes[l];
        exec_buffer_clear(lane->kept);
        lane->has_unit = lane->in_unit = false;
        lane->given = 0;
    }
}

static uint32_t kept_chunks(const stream_lane *lane)
{
    return lane->kept->row_count ? lane->kept->chunk_count : 0;
}

/* ---- A round ----------------------------------------------------------------------------- */

static base_status run_unit(stream_lane *self, exec_lane *lane, base_error *error)
{
    exec_part *source = lane->pipeline->source;
    if (!self->in_unit && source->class->open_unit)
        RETURN_IF_ERROR(source->class->open_unit(source, lane->source_state, self->unit, error));
    self->in_unit = true;
    while (kept_chunks(self) < STREAM_CHUNKS) {
        vector_chunk *chunk;
        base_status status = exec_lane_next(lane, &chunk, error);
        if (status == BASE_DONE) {
            self->in_unit = false;
            return BASE_OK;
        }
        if (status != BASE_ROW)
            return status;
        RETURN_IF_ERROR(exec_buffer_append(self->kept, chunk, error));
    }
    return BASE_OK;
}

static void run_lane(void *argument, uint32_t index)
{
    exec_stream *stream = argument;
    uint32_t number = stream->running[index];
    exec_lane *lane = stream->pipeline->lanes[number];
    lane->status = run_unit(&stream->lanes[number], lane, &lane->error);
}

/* Chooses who runs: lanes in the middle of a unit that have room, and lanes without one while
 * units are left. */
static void choose_lanes(exec_stream *stream, uint32_t lanes)
{
    exec_pipeline *pipeline = stream->pipeline;
    stream->running_count = 0;
    for (uint32_t l = 0; l < lanes; l++) {
        stream_lane *lane = &stream->lanes[l];
        if (!lane->has_unit) {
            uint32_t unit =
                atomic_fetch_add_explicit(&pipeline->next_unit, 1, memory_order_relaxed);
            if (unit >= pipeline->source->unit_count)
                continue;
            lane->unit = unit;
            lane->has_unit = true;
            lane->in_unit = false;
        } else if (!lane->in_unit) {
            continue;
        }
        if (lane->given == kept_chunks(lane)) { /* the caller has had them all */
            exec_buffer_clear(lane->kept);
            lane->given = 0;
        }
        if (kept_chunks(lane) < STREAM_CHUNKS)
            stream->running[stream->running_count++] = l;
    }
}

static base_status run_round(exec_stream *stream, uint32_t lanes, base_error *error)
{
    exec_pipeline *pipeline = stream->pipeline;
    choose_lanes(stream, lanes);
    for (uint32_t i = 0; i < stream->running_count; i++)
        base_error_clear(&pipeline->lanes[stream->running[i]]->error);
    if (stream->running_count == 1)
        run_lane(stream, 0);
    else
        os_runtime_run(pipeline->execution->options.runtime, stream->running_count, run_lane,
                       stream);
    for (uint32_t i = 0; i < stream->running_count; i++) {
        exec_lane *lane = pipeline->lanes[stream->running[i]];
        if (lane->status == BASE_OK)
            continue;
        if (error && error->status == BASE_OK)
            *error = lane->error;
        return lane->status;
    }
    return BASE_OK;
}

/* ---- To the caller ----------------------------------------------------------------------- */

/* The lane whose unit is the caller's; NULL: none has one. */
static stream_lane *lowest_lane(exec_stream *stream)
{
    stream_lane *lowest = NULL;
    for (uint32_t l = 0; l < stream->lane_count; l++) {
        stream_lane *lane = &stream->lanes[l];
        if (lane->has_unit && (!lowest || lane->unit < lowest->unit))
            lowest = lane;
    }
    return lowest;
}

base_status exec_stream_next(exec_pipeline *pipeline, uint32_t lanes, vector_chunk **chunk,
                             base_error *error)
{
    RETURN_IF_ERROR(create_stream(pipeline, error));
    exec_stream *stream = pipeline->stream;
    RETURN_IF_ERROR(make_lanes(stream, lanes, error));
    for (;;) {
        stream_lane *lane = lowest_lane(stream);
        if (lane && lane->given < kept_chunks(lane)) {
            exec_buffer_read(lane->kept, lane->given++, stream->frame);
            *chunk = stream->frame;
            return BASE_ROW;
        }
        if (lane && !lane->in_unit) { /* all of its unit is handed on */
            exec_buffer_clear(lane->kept);
            lane->given = 0;
            lane->has_unit = false;
            continue;
        }
        RETURN_IF_ERROR(run_round(stream, lanes, error));
        if (!stream->running_count)
            return BASE_DONE;
    }
}
