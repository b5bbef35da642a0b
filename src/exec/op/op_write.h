/*
 * op_write.h - what INSERT, UPDATE and DELETE share: checks, conflicts, RETURNING.
 */
#ifndef EXEC_OP_WRITE_H
#define EXEC_OP_WRITE_H

#include "exec/rows/exec_groups.h"

typedef struct op_writer {
    exec_part part; /* the sink */
    exec_execution *execution;
    const plan_operator *op;
    table_relation *relation;
    const table_descriptor *descriptor;
    vector_chunk *row;    /* heads: one slot per descriptor column, then the rowid */
    vector *rowid_vector; /* own memory: rowids at physical positions */
    expr_program **checks;
    expr_program **returning;
    exec_buffer *returned; /* NULL without RETURNING */
    exec_buffer *kept;     /* input that waits for the input's end; NULL: written at once */
    vector_chunk *frame;   /* a kept chunk */
    uint16_t *selection;
    uint16_t *written; /* positions of rows written */
    uint32_t written_count;
    int64_t *rowids;
    table_loader *loader; /* takes the rows instead of table_insert; NULL: none */
} op_writer;

base_status op_writer_init(op_writer *writer, exec_builder *builder, bool keep_input);
void op_writer_close(op_writer *writer);
/* True when the operator's input reads the table that is written. */
bool op_reads_table(const plan_operator *op, const catalog_table *table);

/* Takes rows of `row` that break a check out of `*selection` (under OR IGNORE), or fails. */
base_status op_writer_check(op_writer *writer, uint16_t *selection, uint32_t *count,
                            base_error *error);
/* Appends RETURNING's columns for the written rows of `row`. */
base_status op_writer_return(op_writer *writer, base_error *error);
/* The user's errors for a refused key and a broken check; the tuple path words them the same. */
base_status op_conflict_error(const plan_operator *op, const table_conflict *conflict,
                              base_error *error);
base_status op_check_violation(const plan_operator *op, const plan_check *check, base_error *error);
/* Rows may be many: they go through a bulk loader from the first one to op_writer_end_load. */
base_status op_writer_begin_load(op_writer *writer, base_error *error);
base_status op_writer_end_load(op_writer *writer, base_error *error);
/* Inserts `row`'s rows at `selection`: given rowids where `given` (else chosen), one per entry in
 * writer->rowids. Adds the positions that were written to `written`; rowids go to the rowid
 * vector. */
base_status op_writer_insert(op_writer *writer, uint16_t *selection, uint32_t count, bool given,
                             base_error *error);
/* After the sink: the pipeline that hands RETURNING's rows on. */
base_status op_writer_add_source(exec_builder *builder, op_writer *writer, exec_chain *chain);
/* Source over a buffer, one chunk a unit. */
exec_part *op_buffer_source_new(exec_builder *builder, const plan_operator *op,
                                exec_buffer *const *buffer, uint32_t column_count);

#endif
