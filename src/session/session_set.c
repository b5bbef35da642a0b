/*
 * session_set.c - SET and the PRAGMAs that set or act; VACUUM, ANALYZE, CHECKPOINT; and how
 * statements that only ask (SHOW, DESCRIBE, PRAGMA) become queries over system relations.
 *
 * Asking is rewritten as SQL text, so that its answers are ordinary results: known columns at
 * prepare, any size, any result mode, and the same thing can be asked with WHERE and ORDER BY.
 */
#include "session/session_setting_int.h"

/* ---- Setting -------------------------------------------------------------------------------- */

/* The value as text: what SET x = 5, PRAGMA x(on) and SET x TO 'full' have in common. */
static base_status value_text(session_run *run, const parser_expr *expr, base_text *text)
{
    if (expr->kind == PARSER_EXPR_STRING || expr->kind == PARSER_EXPR_NUMBER) {
        *text = expr->text;
        return BASE_OK;
    }
    if (expr->kind == PARSER_EXPR_BOOLEAN) {
        *text = expr->boolean ? BASE_TEXT("on") : BASE_TEXT("off");
        return BASE_OK;
    }
    return base_error_set_at(run->error, BASE_INVALID_PARAMETER, expr->position,
                             "a setting takes a number, a word or a string");
}

static base_status set_value(session_run *run, const char *kind)
{
    const parser_option *option = &run->tree->setting.option;
    const session_setting *setting = session_setting_find(option->name.text);
    if (!setting)
        return session_setting_unknown(option->name.text, option->name.position, kind, run->error);
    if (!setting->set)
        return base_error_set_at(run->error, BASE_INVALID_PARAMETER, option->name.position,
                                 "\"%s\" cannot be set here", setting->name);
    base_status status;
    if (!option->value)
        return base_error_set_at(run->error, BASE_INVALID_PARAMETER, option->name.position,
                                 "\"%s\" needs a value", setting->name);
    if (option->value->kind == PARSER_EXPR_DEFAULT) {
        status = setting->set(run->connection, NULL, run->error);
    } else {
        base_text value;
        RETURN_IF_ERROR(value_text(run, option->value, &value));
        status = setting->set(run->connection, &value, run->error);
    }
    if (status != BASE_OK && run->error->position < 0)
        run->error->position = option->value->position;
    return status;
}

/* Pragmas of SQLite that programs send by habit and that have nothing to set here. */
static bool means_nothing_here(base_text name)
{
    static const char *const names[] = {
        "cache_size",        "temp_store",          "mmap_size",       "page_size",
        "journal_mode",      "locking_mode",        "auto_vacuum",     "foreign_keys",
        "encoding",          "case_sensitive_like", "automatic_index", "wal_autocheckpoint",
        "journal_size_limit"};
    for (size_t i = 0; i < BASE_COUNT_OF(names); i++) {
        if (base_text_equal_folded(name, base_text_of(names[i])))
            return true;
    }
    return false;
}

static base_status checkpoint(session_run *run)
{
    return table_checkpoint(run->connection->database->table, run->error);
}

static bool is_named(base_text name, const char *word)
{
    return base_text_equal_folded(name, base_text_of(word));
}

static base_status pragma(session_run *run)
{
    const parser_option *option = &run->tree->setting.option;
    base_text name = option->name.text;
    if (is_named(name, "checkpoint") || is_named(name, "wal_checkpoint") ||
        is_named(name, "force_checkpoint") || is_named(name, "optimize"))
        return checkpoint(run);
    if (means_nothing_here(name))
        return BASE_OK;
    return set_value(run, "pragma");
}

static base_status maintain(session_run *run)
{
    const parser_object *object = &run->tree->maintenance.name;
    if (object->name.text.length && !catalog_find_table(run->schema, object->name.text))
        return base_error_set_at(run->error, BASE_UNDEFINED_TABLE, object->name.position,
                                 "table \"%.*s\" does not exist",
                                 BASE_TEXT_ARGUMENTS(object->name.text));
    if (run->connection->in_transaction)
        return base_error_set_at(run->error, BASE_TRANSACTION_STATE, run->tree->position,
                                 "VACUUM, ANALYZE and CHECKPOINT cannot run inside a transaction");
    /* All three come down to sealing: it writes volumes with their statistics and gives space
     * back. */
    return checkpoint(run);
}

base_status session_set(session_run *run)
{
    switch (run->tree->kind) {
    case PARSER_STATEMENT_SET:
        return set_value(run, "setting");
    case PARSER_STATEMENT_PRAGMA:
        return pragma(run);
    case PARSER_STATEMENT_VACUUM:
    case PARSER_STATEMENT_ANALYZE:
    case PARSER_STATEMENT_CHECKPOINT:
        return maintain(run);
    default:
        return base_error_set_at(run->error, BASE_INTERNAL, run->tree->position,
                                 "a statement of an unknown kind");
    }
}

/* ---- Asking --------------------------------------------------------------------------------- */

typedef struct rewriter {
    session_connection *connection;
    base_arena *arena;
    base_buffer out;
    base_error *error;
} rewriter;

static void append_literal(rewriter *self, base_text text)
{
    base_buffer_append_byte(&self->out, '\'');
    for (size_t i = 0; i < text.length; i++) {
        if (text.data[i] == '\'')
            base_buffer_append_byte(&self->out, '\'');
        base_buffer_append_byte(&self->out, text.data[i]);
    }
    base_buffer_append_byte(&self->out, '\'');
}

static void append_identifier(rewriter *self, base_text text)
{
    base_buffer_append_byte(&self->out, '"');
    for (size_t i = 0; i < text.length; i++) {
        if (text.data[i] == '"')
            base_buffer_append_byte(&self->out, '"');
        base_buffer_append_byte(&self->out, text.data[i]);
    }
    base_buffer_append_byte(&self->out, '"');
}

/* SELECT before ... 'argument' ... after */
static base_status ask_with(rewriter *self, const char *before, base_text argument,
                            const char *after)
{
    base_buffer_append_text(&self->out, before);
    append_literal(self, argument);
    base_buffer_append_text(&self->out, after);
    return BASE_OK;
}

static base_status ask(rewriter *self, const char *sql)
{
    base_buffer_append_text(&self->out, sql);
    return BASE_OK;
}

static base_status ask_setting(rewriter *self, base_text shown, const session_setting *setting)
{
    base_buffer_append_text(&self->out, "SELECT value AS ");
    append_identifier(self, shown);
    return ask_with(self, " FROM tuff_settings WHERE name = ", base_text_of(setting->name), "");
}

/* The relation must be there: DESCRIBE of a misspelt table is an error, not no rows. */
static base_status check_table(rewriter *self, const parser_object *object)
{
    catalog_snapshot *schema;
    base_status status = BASE_OK;
    RETURN_IF_ERROR(session_schema(self->connection, &schema, self->error));
    if (!catalog_find_table(schema, object->name.text)) {
        status = base_error_set_at(self->error, BASE_UNDEFINED_TABLE, object->name.position,
                                   "table \"%.*s\" does not exist",
                                   BASE_TEXT_ARGUMENTS(object->name.text));
        base_text nearest = catalog_nearest_table(schema, object->name.text);
        if (nearest.length)
            base_error_set_hint(self->error, "did you mean \"%.*s\"?",
                                BASE_TEXT_ARGUMENTS(nearest));
    }
    catalog_snapshot_release(schema);
    return status;
}

static base_status ask_columns(rewriter *self, const parser_object *object)
{
    RETURN_IF_ERROR(check_table(self, object));
    return ask_with(self,
                    "SELECT name AS column_name, type AS column_type, CASE WHEN not_null THEN "
                    "'NO' ELSE 'YES' END AS nullable, CASE WHEN primary_key > 0 THEN 'PRI' END "
                    "AS \"key\", default_value FROM tuff_columns WHERE lower(table_name) = lower(",
                    object->name.text, ") ORDER BY position");
}

static base_status ask_show(rewriter *self, const parser_show *show)
{
    base_text what = show->what.text;
    if (is_named(what, "tables"))
        return ask(self, "SELECT name FROM tuff_tables ORDER BY name");
    if (is_named(what, "views"))
        return ask(self, "SELECT name FROM tuff_tables WHERE type = 'view' ORDER BY name");
    if (is_named(what, "databases") || is_named(what, "schemas"))
        return ask(self, "SELECT name FROM pragma_database_list ORDER BY name");
    if (is_named(what, "functions"))
        return ask(self, "SELECT name, kind, description, example, result FROM tuff_functions "
                         "ORDER BY name, kind");
    if (is_named(what, "all") || is_named(what, "settings") || is_named(what, "variables"))
        return ask(self, "SELECT name, value, description FROM tuff_settings ORDER BY name");
    if (is_named(what, "columns"))
        return ask_columns(self, &show->object);
    if (is_named(what, "indexes") && !show->object.name.text.length)
        return ask(self, "SELECT * FROM tuff_indexes ORDER BY table_name, name");
    if (is_named(what, "indexes")) {
        RETURN_IF_ERROR(check_table(self, &show->object));
        return ask_with(self, "SELECT * FROM tuff_indexes WHERE lower(table_name) = lower(",
                        show->object.name.text, ") ORDER BY name");
    }
    if (is_named(what, "create table")) {
        RETURN_IF_ERROR(check_table(self, &show->object));
        return ask_with(self,
                        "SELECT name, sql FROM tuff_schema WHERE type IN ('table', 'view') AND "
                        "lower(name) = lower(",
                        show->object.name.text, ")");
    }
    const session_setting *setting = session_setting_find(what);
    if (setting)
        return ask_setting(self, what, setting);
    return session_setting_unknown(what, show->what.position, "setting", self->error);
}

/* PRAGMA x, PRAGMA x(y): a relation called pragma_x, or a setting's value. */
static base_status ask_pragma(rewriter *self, const parser_option *option)
{
    base_text name = option->name.text;
    char relation[64];
    int length = snprintf(relation, sizeof relation, "pragma_%.*s", (int)BASE_MIN(name.length, 50u),
                          name.data);
    base_text relation_name = {relation, (size_t)length};
    if (session_find_system(self->connection, (base_text){NULL, 0}, relation_name)) {
        base_buffer_append_format(&self->out, "SELECT * FROM %s", relation);
        if (!option->value)
            return BASE_OK;
        bool text =
            option->value->kind == PARSER_EXPR_STRING || option->value->kind == PARSER_EXPR_NUMBER;
        base_text argument = text ? option->value->text : (base_text){"", 0};
        if (option->value->kind == PARSER_EXPR_COLUMN) /* PRAGMA table_info("t") */
            argument = option->value->column.parts[option->value->column.part_count - 1].text;
        return ask_with(self, "(", argument, ")");
    }
    const session_setting *setting = session_setting_find(name);
    if (!option->value && setting)
        return ask_setting(self, name, setting);
    return BASE_OK; /* sets or acts */
}

base_status session_rewrite(session_connection *connection, const parser_statement *tree,
                            base_text sql, base_arena *arena, base_text *rewritten,
                            base_error *error)
{
    (void)sql;
    *rewritten = (base_text){NULL, 0};
    rewriter self = {.connection = connection, .arena = arena, .error = error};
    base_status status = BASE_OK;
    base_buffer_init(&self.out, &connection->budget);
    if (tree->kind == PARSER_STATEMENT_SHOW)
        status = ask_show(&self, tree->show);
    else if (tree->kind == PARSER_STATEMENT_DESCRIBE)
        status = ask_columns(&self, &tree->show->object);
    else if (tree->kind == PARSER_STATEMENT_PRAGMA)
        status = ask_pragma(&self, &tree->setting.option);
    if (status == BASE_OK && self.out.failed)
        status = base_error_no_memory(error);
    if (status == BASE_OK && self.out.length) {
        char *copy = base_arena_copy_text(arena, self.out.data, self.out.length);
        if (copy)
            *rewritten = (base_text){copy, self.out.length};
        else
            status = base_error_no_memory(error);
    }
    base_buffer_destroy(&self.out);
    return status;
}
