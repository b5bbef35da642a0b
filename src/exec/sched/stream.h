/*
 * stream.h - results for the caller, made by several lanes (stream.c); what pipeline.c lends it.
 */
#ifndef EXEC_SCHED_STREAM_H
#define EXEC_SCHED_STREAM_H

#include "exec/exec_int.h"

/* The next chunk in the order of the source's units, made by up to `lanes` lanes: BASE_ROW, or
 * BASE_DONE when no unit is left. Between calls nothing runs. */
base_status exec_stream_next(exec_pipeline *pipeline, uint32_t lanes, vector_chunk **chunk,
                             base_error *error);
/* Gives back what the stream keeps; the next run begins anew. */
void exec_stream_clear(exec_stream *stream);

/* ---- pipeline.c ---- */
base_status exec_lane_make(exec_pipeline *pipeline, uint32_t index, base_error *error);
/* The next chunk that comes out of the last step. BASE_DONE: the unit is used up, or no more
 * input is wanted. */
base_status exec_lane_next(exec_lane *lane, vector_chunk **chunk, base_error *error);

#endif
