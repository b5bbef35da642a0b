/*
 * catalog_temporary.c - temporary views: one session's, in memory, laid over a snapshot.
 *
 * An overlay is built when the session's views or the schema below changed, and kept until
 * then. Rejected: temporary objects inside the shared snapshot with an owner's mark: every
 * search by everyone would have to skip other sessions' objects.
 */
#include "catalog/catalog_int.h"

struct catalog_temporary {
    catalog *catalog;
    uint32_t count, capacity;
    catalog_entry **views;
    catalog_snapshot *base; /* what `overlay` was built from; both NULL after a change */
    catalog_snapshot *overlay;
};

base_status catalog_temporary_create(catalog *catalog, catalog_temporary **created,
                                     base_error *error)
{
    catalog_temporary *temporary = base_allocate_zeroed(catalog->budget, sizeof *temporary);
    *created = temporary;
    if (!temporary)
        return base_error_no_memory(error);
    temporary->catalog = catalog;
    return BASE_OK;
}

static void forget_overlay(catalog_temporary *temporary)
{
    catalog_snapshot_release(temporary->base);
    catalog_snapshot_release(temporary->overlay);
    temporary->base = temporary->overlay = NULL;
}

void catalog_temporary_destroy(catalog_temporary *temporary)
{
    if (!temporary)
        return;
    forget_overlay(temporary);
    base_budget *budget = temporary->catalog->budget;
    for (uint32_t i = 0; i < temporary->count; i++)
        catalog_entry_release(temporary->views[i]);
    base_free_array(budget, temporary->views, temporary->capacity, sizeof *temporary->views);
    base_free(budget, temporary, sizeof *temporary);
}

static uint32_t find_view(const catalog_temporary *temporary, base_text name)
{
    uint32_t place = 0;
    while (place < temporary->count &&
           !base_text_equal_folded(temporary->views[place]->table.name, name))
        place++;
    return place;
}

static base_status fill_columns(catalog_entry *entry, uint32_t count, const catalog_column *columns,
                                base_error *error)
{
    entry->table.temporary = true;
    entry->table.columns =
        base_arena_allocate_array(&entry->arena, BASE_MAX(count, 1u), sizeof *columns);
    if (!entry->table.columns)
        return base_error_no_memory(error);
    for (uint32_t i = 0; i < count; i++) {
        entry->table.columns[i] = columns[i];
        if (!catalog_copy_text(&entry->arena, &entry->table.columns[i].name, columns[i].name))
            return base_error_no_memory(error);
    }
    entry->table.column_count = count;
    return BASE_OK;
}

base_status catalog_temporary_add_view(catalog_temporary *temporary, base_text name,
                                       uint32_t column_count, const catalog_column *columns,
                                       base_text view_sql, base_text sql, base_error *error)
{
    base_budget *budget = temporary->catalog->budget;
    if (find_view(temporary, name) < temporary->count)
        return base_error_set(error, BASE_DUPLICATE_TABLE, "\"%.*s\" already exists",
                              BASE_TEXT_ARGUMENTS(name));
    if (!base_grow_array(budget, &temporary->views, &temporary->capacity, temporary->count + 1,
                         sizeof *temporary->views))
        return base_error_no_memory(error);
    catalog_entry *entry = catalog_entry_create(budget);
    if (!entry)
        return base_error_no_memory(error);
    base_status status =
        catalog_fill_view(&entry->arena, &entry->table, name, view_sql, sql, error);
    if (status == BASE_OK)
        status = fill_columns(entry, column_count, columns, error);
    if (status != BASE_OK) {
        catalog_entry_release(entry);
        return status;
    }
    temporary->views[temporary->count++] = entry;
    forget_overlay(temporary);
    return BASE_OK;
}

bool catalog_temporary_drop(catalog_temporary *temporary, base_text name)
{
    uint32_t place = find_view(temporary, name);
    if (place == temporary->count)
        return false;
    catalog_entry_release(temporary->views[place]);
    temporary->views[place] = temporary->views[--temporary->count];
    forget_overlay(temporary);
    return true;
}

/* The base's entries that no temporary view hides, then the views. */
static base_status build_overlay(catalog_temporary *temporary, catalog_snapshot *base,
                                 base_error *error)
{
    base_budget *budget = temporary->catalog->budget;
    uint32_t room = base->entry_count + temporary->count, count = 0;
    catalog_entry **entries = base_allocate_array(budget, room, sizeof *entries);
    if (!entries)
        return base_error_no_memory(error);
    for (uint32_t i = 0; i < base->entry_count; i++) {
        if (find_view(temporary, base->entries[i]->table.name) == temporary->count)
            entries[count++] = base->entries[i];
    }
    for (uint32_t i = 0; i < temporary->count; i++)
        entries[count++] = temporary->views[i];
    base_status status = catalog_snapshot_create(temporary->catalog, entries, count,
                                                 base->schema_version, &temporary->overlay, error);
    base_free(budget, entries, room * sizeof *entries);
    if (status == BASE_OK)
        temporary->base = catalog_snapshot_pin(base);
    return status;
}

base_status catalog_overlay(catalog_snapshot *base, catalog_temporary *temporary,
                            catalog_snapshot **overlay, base_error *error)
{
    if (temporary->count == 0) {
        *overlay = catalog_snapshot_pin(base);
        return BASE_OK;
    }
    if (temporary->base != base) {
        forget_overlay(temporary);
        RETURN_IF_ERROR(build_overlay(temporary, base, error));
    }
    *overlay = catalog_snapshot_pin(temporary->overlay);
    return BASE_OK;
}
