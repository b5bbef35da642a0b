/*
 * op_aggregates.h - the aggregates of one operator: their states inside a row's tail, and one
 * lane's means to update them.
 */
#ifndef EXEC_OP_AGGREGATES_H
#define EXEC_OP_AGGREGATES_H

#include "exec/rows/exec_group_codes.h"
#include "exec/rows/exec_sort.h"

/* Rows of an aggregate with DISTINCT or ORDER BY are kept until all groups are known. */
typedef struct op_collected {
    bool is_collected;  /* else the aggregate is updated at once */
    exec_layout layout; /* group's address, arguments, order keys */
    exec_sorter sorter;
    exec_groups *united; /* the lanes' sets made one, where there were several lanes */
} op_collected;

typedef struct op_aggregates {
    exec_execution *execution;
    uint32_t count;
    const plan_aggregate *plans;
    uint32_t *offsets; /* of each state in the states' memory, multiples of 16 */
    bool *shares;      /* its state is an earlier aggregate's, which keeps it */
    uint32_t size;     /* of all states */
    op_collected *collected;
    bool any_collected;
    bool any_order_sensitive; /* without an ORDER BY of its own: input order decides */
} op_aggregates;

typedef struct op_aggregates_lane {
    const op_aggregates *aggregates;
    func_aggregate_call *calls;
    expr_program ***arguments;
    expr_program **filters;
    expr_program ***order_keys;
    const vector ***vectors; /* by aggregate: of its arguments, then its order keys */
    base_arena *heap;        /* what states point to */
    exec_rows **rows;        /* by aggregate: collected (ORDER BY only) */
    exec_groups **sets;      /* by aggregate: collected (DISTINCT) */
    void **states;           /* working space, VECTOR_SIZE */
    uint16_t *selection;
    uint16_t *filtered;
    char **addresses;
    /* Rows of a batch dealt to its groups, where these are few: */
    uint32_t batch;    /* number of the batch; marks the groups that it met */
    uint8_t *ordinals; /* of the i-th selected row */
    uint8_t *by_place; /* the same by physical position */
    uint16_t *dealt;
    vector *group_vector; /* group addresses as INTEGER */
} op_aggregates_lane;

base_status op_aggregates_init(op_aggregates *aggregates, exec_execution *execution,
                               const plan_aggregate *plans, uint32_t count, base_error *error);
base_status op_aggregates_lane_new(const op_aggregates *aggregates, op_aggregates_lane **lane,
                                   base_error *error);
/* Frees what states point to and what was collected. */
void op_aggregates_lane_clear(op_aggregates_lane *lane);

/* Adds the chunk's rows; row i goes to the states at rows[i] + tail. `ranks` says which rows have
 * one group, where that is known (else NULL). */
base_status op_aggregates_update(op_aggregates_lane *lane, const vector_chunk *chunk,
                                 char *const *rows, const exec_group_ranks *ranks, uint32_t tail,
                                 base_error *error);
/* All rows of the chunk to the one group of `row`. */
base_status op_aggregates_update_single(op_aggregates_lane *lane, const vector_chunk *chunk,
                                        char *row, uint32_t tail, base_error *error);
base_status op_aggregates_combine(op_aggregates_lane *lane, char *into, const char *from,
                                  base_error *error);
/* Feeds what the lanes collected to the groups' states. Group addresses are resolved through
 * exec_group.merged_into where `merged` says so. */
base_status op_aggregates_finish_collected(const op_aggregates *aggregates,
                                           op_aggregates_lane *const *lanes, uint32_t lane_count,
                                           uint32_t tail, bool merged, base_error *error);
/* Results of `count` rows into column `first` .. of the chunk, at 0 .. count - 1. Bytes of text
 * results live as long as the lane's heap. */
base_status op_aggregates_results(op_aggregates_lane *lane, char *const *rows, uint32_t tail,
                                  uint32_t count, vector *columns, base_error *error);

#endif
