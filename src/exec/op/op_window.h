/*
 * op_window.h - window functions: one sorted partition at a time, by several lanes.
 */
#ifndef EXEC_OP_WINDOW_H
#define EXEC_OP_WINDOW_H

#include "exec/rows/exec_groups.h"
#include "exec/rows/exec_sort.h"

/* One function of the operator. */
typedef struct window_function {
    const plan_window *plan;
    uint32_t *argument_columns; /* layout columns */
    int32_t filter_column;      /* -1: none */
    uint32_t result_column;
    expr_program *start_offset, *end_offset;
    types_value start_value, end_value; /* of this run */
    /* Aggregates: */
    func_aggregate_call call;
    uint32_t state_size;
    char *state;            /* 16-byte aligned */
    vector_chunk *gathered; /* arguments of a batch of rows */
    const vector **vectors;
    exec_layout set_layout;
    exec_groups *set; /* DISTINCT */
    /* Moving frames of an aggregate that cannot give rows back: see op_window_compute.c. */
    char *suffixes, *joined; /* states */
    uint64_t suffix_capacity;
} window_function;

enum {
    WINDOW_LANE_PIECES = 4 /* for each lane, as partitions differ */
};

typedef struct window_part window_part;

/* What one thread needs to work on a partition. */
typedef struct window_lane {
    exec_execution *execution;
    const window_part *part;
    window_function *functions; /* states of its own */
    base_arena heap;            /* of aggregate states and results */
    /* The partition that is worked on. */
    uint64_t *peers;        /* by row: first row of its peer group; [count] = count */
    uint64_t *peer_groups;  /* by row: number of its peer group */
    uint64_t *group_starts; /* by peer group: first row; one more: count */
    uint64_t peer_capacity;
    uint64_t group_count;
    uint32_t failed_piece; /* with the error; UINT32_MAX: none */
    base_status status;
    base_error error;
} window_lane;

struct window_part {
    exec_part part; /* the sink */
    const plan_operator *op;
    uint32_t input_count;
    uint32_t partition_count, order_count;
    exec_layout layout; /* input columns, computed keys and arguments, results */
    exec_sorter sorter; /* partition keys, then order keys */
    uint32_t computed_count;
    plan_expr **computed;       /* what is evaluated for each input row ... */
    uint32_t *computed_columns; /* ... and where it goes */
    expr_program **programs;
    uint32_t function_count;
    bool needs_peers;
    exec_rows *rows;
    char **sorted;
    uint64_t sorted_count;
    char **addresses;
    window_lane *lanes[EXEC_MAX_LANES]; /* the first is always there */
    uint32_t lane_count;
    uint32_t piece_count; /* of the sorted rows */
    uint64_t piece_starts[EXEC_MAX_LANES * WINDOW_LANE_PIECES + 1];
    _Atomic(uint32_t) next_piece, first_failed;
};

/* A partition: rows in order and, where needed, peers. */
typedef struct window_partition {
    char **rows;
    uint64_t count;
} window_partition;

typedef struct window_frame {
    uint64_t start, end; /* end exclusive; start >= end: empty */
} window_frame;

/* Frame of row `row`. */
base_status window_frame_of(const window_lane *window, const window_function *function,
                            const window_partition *partition, uint64_t row, window_frame *frame,
                            base_error *error);
/* Fills the function's result column for all rows of the partition. */
base_status window_compute(window_lane *window, window_function *function,
                           const window_partition *partition, base_error *error);

BASE_INLINE uint64_t window_peer_start(const window_lane *window, uint64_t row)
{
    return window->peers[row];
}
BASE_INLINE uint64_t window_peer_end(const window_lane *window, uint64_t row)
{
    return window->group_starts[window->peer_groups[row] + 1];
}

#endif
