/*
 * op_cte.h - sinks into buffers, for operators that keep rows.
 */
#ifndef EXEC_OP_CTE_H
#define EXEC_OP_CTE_H

#include "exec/rows/exec_rows.h"

exec_part *op_buffer_sink_new(exec_builder *builder, exec_buffer *buffer);

#endif
