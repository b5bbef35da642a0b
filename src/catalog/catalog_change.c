/*
 * catalog_change.c - CREATE, DROP and ALTER: storage objects, the row, the new snapshot.
 *
 * Every change has the same steps: take the version row; find what it is about in the
 * newest snapshot; change the storage objects; write the object's row; publish a private
 * snapshot. A failure in between leaves nothing to clean up here: the session rolls the
 * statement back to its mark, which undoes storage objects and rows alike, and no snapshot
 * has been published.
 *
 * Invariant: a table's entry is rebuilt from its definition whenever that changes; entries
 * themselves never do.
 */
#include "catalog/catalog_int.h"

/* A change under way. */
typedef struct change {
    catalog *catalog;
    txn_transaction *transaction;
    catalog_snapshot *base;
    uint64_t schema_version;
    base_error *error;
} change;

/* `table`: what is changed; NULL: something new. */
static base_status begin(change *self, catalog *catalog, txn_transaction *transaction,
                         const catalog_table *table, base_error *error)
{
    *self = (change){.catalog = catalog, .transaction = transaction, .error = error};
    return catalog_begin_change(catalog, transaction, table, &self->base, &self->schema_version,
                                error);
}

/* Publishes the schema with `added` in place of `removed`; drops our references. */
static base_status finish(change *self, base_status status, const catalog_entry *removed,
                          catalog_entry *added)
{
    catalog_snapshot *snapshot = NULL;
    if (status == BASE_OK)
        status = catalog_snapshot_replace(self->catalog, self->base, removed, added,
                                          self->schema_version, &snapshot, self->error);
    if (status == BASE_OK)
        catalog_publish_private(self->catalog, self->transaction, snapshot);
    catalog_entry_release(added);
    catalog_snapshot_release(self->base);
    return status;
}

static base_status refuse_taken_name(change *self, base_text name)
{
    if (catalog_find_table(self->base, name) || catalog_find_index(self->base, name))
        return base_error_set(self->error, BASE_DUPLICATE_TABLE, "\"%.*s\" already exists",
                              BASE_TEXT_ARGUMENTS(name));
    return BASE_OK;
}

/* Copies the definition of `table` into a fresh entry, without relation. Going through the
 * stored form keeps one description of what a definition is. */
static base_status copy_entry(change *self, const catalog_table *table, catalog_entry **copied)
{
    *copied = NULL;
    base_buffer body;
    base_buffer_init(&body, self->catalog->budget);
    catalog_body_write(table, &body);
    catalog_entry *entry = catalog_entry_create(self->catalog->budget);
    base_status status = BASE_OK;
    if (!entry || body.failed ||
        !catalog_copy_text(&entry->arena, &entry->table.name, table->name) ||
        !catalog_copy_text(&entry->arena, &entry->table.sql, table->sql))
        status = base_error_no_memory(self->error);
    if (status == BASE_OK) {
        entry->table.kind = table->kind;
        entry->table.id = table->id;
        entry->rowid = catalog_entry_of(table)->rowid;
        status = catalog_body_read(entry, (base_text){body.data, body.length}, self->error);
    }
    base_buffer_destroy(&body);
    if (status != BASE_OK) {
        catalog_entry_release(entry);
        return status;
    }
    *copied = entry;
    return BASE_OK;
}

/* Pins the relation as the transaction sees it now and writes the entry's row. */
static base_status settle(change *self, catalog_entry *entry, bool is_new)
{
    if (entry->table.kind == CATALOG_TABLE && !entry->table.relation)
        RETURN_IF_ERROR(
            table_pin(self->transaction, entry->table.id, &entry->table.relation, self->error));
    return catalog_rows_write(self->catalog, self->transaction, entry, is_new, self->error);
}

/* ---- CREATE TABLE -------------------------------------------------------------------------- */

static base_status create_relation(change *self, catalog_table *table)
{
    table_column *columns = base_allocate_array(self->catalog->budget,
                                                BASE_MAX(table->column_count, 1u), sizeof *columns);
    if (!columns)
        return base_error_no_memory(self->error);
    for (uint32_t i = 0; i < table->column_count; i++) {
        table->columns[i].id = i;
        columns[i] = (table_column){.type = table->columns[i].type,
                                    .missing = types_null_of(table->columns[i].type)};
    }
    table_descriptor descriptor = {.column_count = table->column_count,
                                   .columns = columns,
                                   .rowid_column = table->rowid_column};
    base_status status = table_create(self->transaction, &descriptor, &table->id, self->error);
    base_free(self->catalog->budget, columns, BASE_MAX(table->column_count, 1u) * sizeof *columns);
    return status;
}

/* An index of `table` with the parts' columns given by the relation's ids. */
static base_status add_index(change *self, catalog_entry *entry, base_text name, bool unique,
                             bool of_constraint, uint32_t part_count, const table_index_part *parts,
                             base_text sql, uint64_t *id)
{
    catalog_table *table = &entry->table;
    base_arena *arena = &entry->arena;
    table_index_descriptor descriptor = {
        .relation_id = table->id, .unique = unique, .part_count = part_count, .parts = parts};
    RETURN_IF_ERROR(table_index_create(self->transaction, &descriptor, id, self->error));
    catalog_index *index = base_arena_allocate_zeroed(arena, sizeof *index);
    catalog_index **indexes =
        base_arena_allocate_array(arena, table->index_count + 1u, sizeof *indexes);
    if (!index || !indexes)
        return base_error_no_memory(self->error);
    if (table->index_count)
        memcpy(indexes, table->indexes, table->index_count * sizeof *indexes);
    index->parts = base_arena_allocate_array(arena, part_count, sizeof *index->parts);
    if (!index->parts || !catalog_copy_text(arena, &index->name, name) ||
        !catalog_copy_text(arena, &index->sql, sql))
        return base_error_no_memory(self->error);
    memcpy(index->parts, parts, part_count * sizeof *parts);
    index->id = *id;
    index->table = table;
    index->unique = unique;
    index->of_constraint = of_constraint;
    index->part_count = part_count;
    indexes[table->index_count] = index;
    table->indexes = indexes;
    table->index_count++;
    return BASE_OK;
}

static bool constraint_exists(const catalog_table *table, base_text name)
{
    for (uint32_t i = 0; i < table->constraint_count; i++) {
        if (base_text_equal_folded(table->constraints[i].name, name))
            return true;
    }
    return false;
}

/* A name that the user gave; the index of a key has it, too. */
static base_status given_name(change *self, catalog_entry *entry, base_text given, bool has_index,
                              base_text *name)
{
    const catalog_table *table = &entry->table;
    if (constraint_exists(table, given))
        return base_error_set(self->error, BASE_DUPLICATE_OBJECT,
                              "constraint \"%.*s\" is defined twice", BASE_TEXT_ARGUMENTS(given));
    if (has_index) {
        RETURN_IF_ERROR(refuse_taken_name(self, given));
        if (base_text_equal_folded(given, table->name))
            return base_error_set(self->error, BASE_DUPLICATE_TABLE,
                                  "\"%.*s\" is the table's own name", BASE_TEXT_ARGUMENTS(given));
    }
    return catalog_copy_text(&entry->arena, name, given) ? BASE_OK
                                                         : base_error_no_memory(self->error);
}

/* "t_pkey", "t_a_b_key", and with a number where that is taken. */
static base_status made_name(change *self, catalog_entry *entry, const catalog_key_definition *key,
                             base_text *name)
{
    const catalog_table *table = &entry->table;
    base_buffer buffer;
    base_buffer_init(&buffer, self->catalog->budget);
    base_buffer_append(&buffer, table->name.data, table->name.length);
    for (uint32_t i = 0; key->kind == CATALOG_UNIQUE && i < key->part_count; i++) {
        base_text column = table->columns[key->parts[i].column].name;
        base_buffer_append_byte(&buffer, '_');
        base_buffer_append(&buffer, column.data, column.length);
    }
    base_buffer_append_text(&buffer, key->kind == CATALOG_PRIMARY_KEY ? "_pkey" : "_key");
    size_t stem = buffer.length;
    bool taken = true;
    for (uint32_t number = 0; taken && !buffer.failed; number++) {
        buffer.length = stem;
        if (number)
            base_buffer_append_format(&buffer, "%u", number);
        base_text candidate = {buffer.data, buffer.length};
        taken = catalog_find_index(self->base, candidate) ||
                catalog_find_table(self->base, candidate) || constraint_exists(table, candidate);
    }
    bool copied = !buffer.failed &&
                  catalog_copy_text(&entry->arena, name, (base_text){buffer.data, buffer.length});
    base_buffer_destroy(&buffer);
    return copied ? BASE_OK : base_error_no_memory(self->error);
}

static bool key_is_rowid(const catalog_table *table, const catalog_key_definition *key)
{
    return key->kind == CATALOG_PRIMARY_KEY && key->part_count == 1 && table->rowid_column >= 0 &&
           key->parts[0].column == (uint32_t)table->rowid_column;
}

static base_status add_key(change *self, catalog_entry *entry, const catalog_key_definition *key)
{
    catalog_table *table = &entry->table;
    catalog_constraint *constraint = &table->constraints[table->constraint_count];
    constraint->kind = key->kind;
    bool is_rowid = key_is_rowid(table, key);
    if (key->name.length)
        RETURN_IF_ERROR(given_name(self, entry, key->name, !is_rowid, &constraint->name));
    else
        RETURN_IF_ERROR(made_name(self, entry, key, &constraint->name));
    constraint->columns =
        base_arena_allocate_array(&entry->arena, key->part_count, sizeof *constraint->columns);
    if (!constraint->columns)
        return base_error_no_memory(self->error);
    constraint->column_count = key->part_count;
    for (uint32_t i = 0; i < key->part_count; i++)
        constraint->columns[i] = key->parts[i].column;
    table->constraint_count++;
    if (is_rowid)
        return BASE_OK;
    return add_index(self, entry, constraint->name, true, true, key->part_count, key->parts,
                     (base_text){"", 0}, &constraint->index_id);
}

static base_status copy_columns(change *self, catalog_entry *entry, const catalog_column *columns,
                                uint32_t count)
{
    catalog_table *table = &entry->table;
    table->columns = base_arena_allocate_array(&entry->arena, BASE_MAX(count, 1u), sizeof *columns);
    if (!table->columns)
        return base_error_no_memory(self->error);
    for (uint32_t i = 0; i < count; i++) {
        catalog_column *column = &table->columns[i];
        *column = columns[i];
        column->id = i;
        if (!catalog_copy_text(&entry->arena, &column->name, columns[i].name) ||
            !catalog_copy_text(&entry->arena, &column->default_sql, columns[i].default_sql) ||
            !catalog_copy_text(&entry->arena, &column->collation, columns[i].collation))
            return base_error_no_memory(self->error);
        table->column_count = i + 1;
    }
    return BASE_OK;
}

/* "t_check", "t_check1", ... */
static base_status made_check_name(change *self, catalog_entry *entry, base_text *name)
{
    const catalog_table *table = &entry->table;
    for (uint32_t number = 0;; number++) {
        char *made = base_arena_format(&entry->arena, number ? "%.*s_check%u" : "%.*s_check",
                                       BASE_TEXT_ARGUMENTS(table->name), number);
        if (!made)
            return base_error_no_memory(self->error);
        *name = base_text_of(made);
        if (!constraint_exists(table, *name))
            return BASE_OK;
    }
}

static base_status add_checks(change *self, catalog_entry *entry,
                              const catalog_table_definition *definition)
{
    catalog_table *table = &entry->table;
    for (uint32_t i = 0; i < definition->check_count; i++) {
        const catalog_constraint *given = &definition->checks[i];
        catalog_constraint *check = &table->constraints[table->constraint_count];
        check->kind = CATALOG_CHECK;
        if (given->name.length)
            RETURN_IF_ERROR(given_name(self, entry, given->name, false, &check->name));
        else
            RETURN_IF_ERROR(made_check_name(self, entry, &check->name));
        if (!catalog_copy_text(&entry->arena, &check->check_sql, given->check_sql))
            return base_error_no_memory(self->error);
        table->constraint_count++;
    }
    return BASE_OK;
}

static base_status build_table(change *self, catalog_entry *entry,
                               const catalog_table_definition *definition)
{
    catalog_table *table = &entry->table;
    uint32_t constraints = definition->key_count + definition->check_count;
    table->kind = CATALOG_TABLE;
    table->rowid_column = definition->rowid_column;
    table->constraints = base_arena_allocate_array(&entry->arena, BASE_MAX(constraints, 1u),
                                                   sizeof *table->constraints);
    if (!table->constraints || !catalog_copy_text(&entry->arena, &table->name, definition->name) ||
        !catalog_copy_text(&entry->arena, &table->sql, definition->sql))
        return base_error_no_memory(self->error);
    RETURN_IF_ERROR(copy_columns(self, entry, definition->columns, definition->column_count));
    RETURN_IF_ERROR(create_relation(self, table));
    for (uint32_t i = 0; i < definition->key_count; i++)
        RETURN_IF_ERROR(add_key(self, entry, &definition->keys[i]));
    RETURN_IF_ERROR(add_checks(self, entry, definition));
    return settle(self, entry, true);
}

base_status catalog_create_table(catalog *catalog, txn_transaction *transaction,
                                 const catalog_table_definition *definition, base_error *error)
{
    change self;
    RETURN_IF_ERROR(begin(&self, catalog, transaction, NULL, error));
    base_status status = refuse_taken_name(&self, definition->name);
    catalog_entry *entry = NULL;
    if (status == BASE_OK && !(entry = catalog_entry_create(catalog->budget)))
        status = base_error_no_memory(error);
    if (status == BASE_OK)
        status = build_table(&self, entry, definition);
    return finish(&self, status, NULL, entry);
}

/* ---- DROP, views ----------------------------------------------------------------------------- */

base_status catalog_drop_table(catalog *catalog, txn_transaction *transaction,
                               const catalog_table *table, base_error *error)
{
    change self;
    RETURN_IF_ERROR(begin(&self, catalog, transaction, table, error));
    base_status status = BASE_OK;
    for (uint32_t i = 0; i < table->index_count && status == BASE_OK; i++)
        status = table_index_drop(transaction, table->indexes[i]->id, error);
    if (status == BASE_OK && table->kind == CATALOG_TABLE)
        status = table_drop(transaction, table->id, error);
    if (status == BASE_OK)
        status = catalog_rows_delete(catalog, transaction, catalog_entry_of(table), error);
    return finish(&self, status, catalog_entry_of(table), NULL);
}

base_status catalog_fill_view(base_arena *arena, catalog_table *table, base_text name,
                              base_text view_sql, base_text sql, base_error *error)
{
    table->kind = CATALOG_VIEW;
    if (!catalog_copy_text(arena, &table->name, name) ||
        !catalog_copy_text(arena, &table->view_sql, view_sql) ||
        !catalog_copy_text(arena, &table->sql, sql))
        return base_error_no_memory(error);
    return BASE_OK;
}

base_status catalog_create_view(catalog *catalog, txn_transaction *transaction, base_text name,
                                uint32_t column_count, const catalog_column *columns,
                                base_text view_sql, base_text sql, base_error *error)
{
    change self;
    RETURN_IF_ERROR(begin(&self, catalog, transaction, NULL, error));
    base_status status = refuse_taken_name(&self, name);
    catalog_entry *entry = NULL;
    if (status == BASE_OK && !(entry = catalog_entry_create(catalog->budget)))
        status = base_error_no_memory(error);
    if (status == BASE_OK)
        status = catalog_fill_view(&entry->arena, &entry->table, name, view_sql, sql, error);
    if (status == BASE_OK)
        status = copy_columns(&self, entry, columns, column_count);
    if (status == BASE_OK)
        status = settle(&self, entry, true);
    return finish(&self, status, NULL, entry);
}

/* ---- Indexes --------------------------------------------------------------------------------- */

base_status catalog_create_index(catalog *catalog, txn_transaction *transaction, base_text name,
                                 const catalog_table *table, bool unique, uint32_t part_count,
                                 const table_index_part *parts, base_text sql, base_error *error)
{
    change self;
    uint64_t id;
    RETURN_IF_ERROR(begin(&self, catalog, transaction, table, error));
    catalog_entry *entry = NULL;
    base_status status = refuse_taken_name(&self, name);
    if (status == BASE_OK)
        status = copy_entry(&self, table, &entry);
    if (status == BASE_OK)
        status = add_index(&self, entry, name, unique, false, part_count, parts, sql, &id);
    if (status == BASE_OK)
        status = settle(&self, entry, false);
    return finish(&self, status, catalog_entry_of(table), entry);
}

/* Takes the index out of the entry's list (its storage is dropped by the caller). */
static void forget_index(catalog_table *table, uint64_t id)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < table->index_count; i++) {
        if (table->indexes[i]->id != id)
            table->indexes[kept++] = table->indexes[i];
    }
    table->index_count = kept;
}

base_status catalog_drop_index(catalog *catalog, txn_transaction *transaction,
                               const catalog_index *index, base_error *error)
{
    if (index->of_constraint) {
        base_error_set(error, BASE_DEPENDENT_OBJECTS,
                       "index \"%.*s\" belongs to a PRIMARY KEY or UNIQUE constraint of \"%.*s\"",
                       BASE_TEXT_ARGUMENTS(index->name), BASE_TEXT_ARGUMENTS(index->table->name));
        base_error_set_hint(error, "Drop the table, or create it without the constraint.");
        return BASE_DEPENDENT_OBJECTS;
    }
    change self;
    RETURN_IF_ERROR(begin(&self, catalog, transaction, index->table, error));
    catalog_entry *entry = NULL;
    base_status status = table_index_drop(transaction, index->id, error);
    if (status == BASE_OK)
        status = copy_entry(&self, index->table, &entry);
    if (status == BASE_OK) {
        forget_index(&entry->table, index->id);
        status = settle(&self, entry, false);
    }
    return finish(&self, status, catalog_entry_of(index->table), entry);
}

/* ---- ALTER TABLE ----------------------------------------------------------------------------- */

/* The definition's text no longer says what the table is: tuff_schema then makes a new one. */
static void forget_text(catalog_table *table)
{
    if (table->kind == CATALOG_TABLE)
        table->sql = (base_text){NULL, 0};
    for (uint32_t i = 0; i < table->index_count; i++)
        table->indexes[i]->sql = (base_text){NULL, 0};
}

/* Takes over the texts of CHECKs that name what is renamed; one per constraint. */
static bool replace_checks(catalog_entry *entry, const base_text *check_sqls)
{
    for (uint32_t i = 0; check_sqls && i < entry->table.constraint_count; i++) {
        if (check_sqls[i].data &&
            !catalog_copy_text(&entry->arena, &entry->table.constraints[i].check_sql,
                               check_sqls[i]))
            return false;
    }
    return true;
}

base_status catalog_rename_table(catalog *catalog, txn_transaction *transaction,
                                 const catalog_table *table, base_text name,
                                 const base_text *check_sqls, base_error *error)
{
    change self;
    RETURN_IF_ERROR(begin(&self, catalog, transaction, table, error));
    catalog_entry *entry = NULL;
    base_status status = BASE_OK;
    if (!base_text_equal_folded(table->name, name)) /* a change of spelling is no clash */
        status = refuse_taken_name(&self, name);
    if (status == BASE_OK)
        status = copy_entry(&self, table, &entry);
    if (status == BASE_OK && (!catalog_copy_text(&entry->arena, &entry->table.name, name) ||
                              !replace_checks(entry, check_sqls)))
        status = base_error_no_memory(error);
    if (status == BASE_OK) {
        forget_text(&entry->table);
        status = settle(&self, entry, false);
    }
    return finish(&self, status, catalog_entry_of(table), entry);
}

base_status catalog_rename_column(catalog *catalog, txn_transaction *transaction,
                                  const catalog_table *table, uint32_t place, base_text name,
                                  const base_text *check_sqls, base_error *error)
{
    change self;
    RETURN_IF_ERROR(begin(&self, catalog, transaction, table, error));
    catalog_entry *entry = NULL;
    base_status status = BASE_OK;
    int32_t other = catalog_find_column(table, name);
    if (other >= 0 && other != (int32_t)place)
        status = base_error_set(error, BASE_DUPLICATE_COLUMN, "column \"%.*s\" already exists",
                                BASE_TEXT_ARGUMENTS(name));
    if (status == BASE_OK)
        status = copy_entry(&self, table, &entry);
    if (status == BASE_OK &&
        (!catalog_copy_text(&entry->arena, &entry->table.columns[place].name, name) ||
         !replace_checks(entry, check_sqls)))
        status = base_error_no_memory(error);
    if (status == BASE_OK) {
        forget_text(&entry->table);
        status = settle(&self, entry, false);
    }
    return finish(&self, status, catalog_entry_of(table), entry);
}

static base_status append_column(change *self, catalog_entry *entry, const catalog_column *column,
                                 uint32_t id)
{
    catalog_table *table = &entry->table;
    catalog_column *columns =
        base_arena_allocate_array(&entry->arena, table->column_count + 1u, sizeof *columns);
    if (!columns)
        return base_error_no_memory(self->error);
    memcpy(columns, table->columns, table->column_count * sizeof *columns);
    catalog_column *added = &columns[table->column_count];
    *added = *column;
    added->id = id;
    if (!catalog_copy_text(&entry->arena, &added->name, column->name) ||
        !catalog_copy_text(&entry->arena, &added->default_sql, column->default_sql) ||
        !catalog_copy_text(&entry->arena, &added->collation, column->collation))
        return base_error_no_memory(self->error);
    table->columns = columns;
    table->column_count++;
    return BASE_OK;
}

base_status catalog_add_column(catalog *catalog, txn_transaction *transaction,
                               const catalog_table *table, const catalog_column *column,
                               const types_value *value, base_error *error)
{
    change self;
    RETURN_IF_ERROR(begin(&self, catalog, transaction, table, error));
    catalog_entry *entry = NULL;
    uint32_t id = 0;
    base_status status = BASE_OK;
    if (catalog_find_column(table, column->name) >= 0)
        status = base_error_set(error, BASE_DUPLICATE_COLUMN, "column \"%.*s\" already exists",
                                BASE_TEXT_ARGUMENTS(column->name));
    table_column stored = {.type = column->type, .missing = *value};
    if (status == BASE_OK)
        status = table_add_column(transaction, table->id, &stored, &id, error);
    if (status == BASE_OK)
        status = copy_entry(&self, table, &entry);
    if (status == BASE_OK)
        status = append_column(&self, entry, column, id);
    if (status == BASE_OK) {
        forget_text(&entry->table);
        status = settle(&self, entry, false);
    }
    return finish(&self, status, catalog_entry_of(table), entry);
}

static bool index_uses(const catalog_index *index, uint32_t column_id)
{
    for (uint32_t i = 0; i < index->part_count; i++) {
        if (index->parts[i].column == column_id)
            return true;
    }
    return false;
}

/* Indexes and keys over the column go with it, as in PostgreSQL; places behind it move up. */
static base_status remove_column(change *self, catalog_table *table, uint32_t place)
{
    uint32_t id = table->columns[place].id;
    for (uint32_t i = table->index_count; i-- > 0;) {
        uint64_t index_id = table->indexes[i]->id;
        if (!index_uses(table->indexes[i], id))
            continue;
        RETURN_IF_ERROR(table_index_drop(self->transaction, index_id, self->error));
        forget_index(table, index_id);
    }
    uint32_t kept = 0;
    for (uint32_t i = 0; i < table->constraint_count; i++) {
        catalog_constraint *constraint = &table->constraints[i];
        bool uses = false;
        for (uint32_t j = 0; j < constraint->column_count; j++) {
            uses |= constraint->columns[j] == place;
            constraint->columns[j] -= constraint->columns[j] > place;
        }
        if (!uses)
            table->constraints[kept++] = *constraint;
    }
    table->constraint_count = kept;
    memmove(&table->columns[place], &table->columns[place + 1],
            (table->column_count - place - 1) * sizeof *table->columns);
    table->column_count--;
    table->rowid_column -= table->rowid_column > (int32_t)place;
    return BASE_OK;
}

base_status catalog_drop_column(catalog *catalog, txn_transaction *transaction,
                                const catalog_table *table, uint32_t place, base_error *error)
{
    if (table->column_count == 1)
        return base_error_set(error, BASE_INVALID_DEFINITION,
                              "cannot drop the only column of \"%.*s\"",
                              BASE_TEXT_ARGUMENTS(table->name));
    if (table->rowid_column == (int32_t)place)
        return base_error_set(error, BASE_DEPENDENT_OBJECTS,
                              "cannot drop the INTEGER PRIMARY KEY of \"%.*s\"",
                              BASE_TEXT_ARGUMENTS(table->name));
    change self;
    RETURN_IF_ERROR(begin(&self, catalog, transaction, table, error));
    catalog_entry *entry = NULL;
    base_status status = copy_entry(&self, table, &entry);
    uint32_t id = table->columns[place].id;
    if (status == BASE_OK)
        status = remove_column(&self, &entry->table, place);
    if (status == BASE_OK)
        status = table_drop_column(transaction, table->id, id, error);
    if (status == BASE_OK) {
        forget_text(&entry->table);
        status = settle(&self, entry, false);
    }
    return finish(&self, status, catalog_entry_of(table), entry);
}
