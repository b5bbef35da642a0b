/*
 * op_slices.h - operators over an input that comes ordered by their first keys (op_slices.c).
 */
#ifndef EXEC_OP_SLICES_H
#define EXEC_OP_SLICES_H

#include "exec/exec_int.h"

/* Builds the operator's input and a pipeline that runs `sink` and `source`, which are in no other
 * pipeline, over slices of it: runs of rows that are equal in `keys` stay together. */
base_status op_build_slices(exec_builder *builder, const plan_operator *op, plan_expr *const *keys,
                            uint32_t key_count, exec_part *sink, exec_part *source,
                            exec_chain *chain);

#endif
