/*
 * session_define_int.h - what the files that carry out definitions share.
 */
#ifndef SESSION_SESSION_DEFINE_INT_H
#define SESSION_SESSION_DEFINE_INT_H

#include "session/session_int.h"

/* Refuses schemas that do not exist: there are "main" (also "public") and "temp". */
base_status session_check_schema(session_run *run, const parser_object *object, bool *temporary);
/* The table or view of that name, as the run sees it now. BASE_UNDEFINED_TABLE with a hint. */
base_status session_find_table(session_run *run, const parser_object *object,
                               const catalog_table **table);
/* The same, refusing views. */
base_status session_find_base_table(session_run *run, const parser_object *object,
                                    const catalog_table **table);
/* Takes the schema again after a change of this statement. */
base_status session_refresh_schema(session_run *run);
/* Place of a column or BASE_UNDEFINED_COLUMN with the nearest name as hint. */
base_status session_find_column(session_run *run, const catalog_table *table,
                                const parser_name *name, uint32_t *place);
/* "what is not available", 0A000. */
base_status session_not_available(session_run *run, int32_t position, const char *what);

/* Type, DEFAULT, NOT NULL of a column; keys and checks are the caller's. */
base_status session_define_column(session_run *run, const parser_column *tree,
                                  catalog_column *column);
/* Binds a DEFAULT or CHECK to see that it is valid. */
base_status session_bind_definition(session_run *run, const parser_expr *expr,
                                    binder_expr_purpose purpose, base_text table_name,
                                    const catalog_column *columns, uint32_t column_count,
                                    types_type type, plan_expr **bound);
/* The value of a bound expression without columns. */
base_status session_evaluate(session_run *run, plan_expr *expr, types_value *value);
/* Parts of a key or an index over `columns`; `column` of a part is the place. */
base_status session_index_parts(session_run *run, const parser_index_part *tree, uint32_t count,
                                base_text table_name, const catalog_column *columns,
                                uint32_t column_count, table_index_part **parts);

/* session_text.c: a name, quoted where it must be; definitions as SQL. */
void session_append_name(base_buffer *out, base_text name);
void session_table_text(const catalog_table *table, base_buffer *out);
void session_index_text(const catalog_index *index, base_buffer *out);

base_status session_create_table(session_run *run);
base_status session_create_view(session_run *run);
base_status session_drop_relation(session_run *run, const parser_object *object,
                                  parser_object_kind kind);

/* session_view.c: what the views that the run sees give, so that a change can be held to it. */
typedef struct session_bound_view {
    base_text name;
    binder_result bound; /* the query's, before the change */
} session_bound_view;
typedef struct session_views {
    session_bound_view *views; /* those that bind, in the run's arena */
    uint32_t count;
} session_views;
base_status session_views_bind(session_run *run, session_views *views);
/* After a change: BASE_DEPENDENT_OBJECTS when a view no longer binds, or gives other types, or
 * (`same_names`) other names. */
base_status session_views_check(session_run *run, const session_views *before, bool same_names,
                                int32_t position);
base_status session_create_index(session_run *run);
base_status session_reindex(session_run *run);
base_status session_alter_table(session_run *run);

/* Runs a plan made by the statement itself (CREATE TABLE AS, COPY FROM) to its end. */
base_status session_run_internal(session_run *run, const parser_statement *tree,
                                 int64_t *rows_affected);

#endif
