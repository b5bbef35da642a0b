/*
 * table_space.c - which extents a checkpoint gives back.
 *
 * What the old root names and the new one does not is no longer needed, and with it what such a
 * part lists: the pieces of a volume, the blocks of a run. They are gathered first and freed
 * afterwards, by rising place, so that a part that names an extent twice, or one of another part,
 * frees it once.
 *
 * A part may be unreadable: a damaged table can be dropped all the same, and its part alone is
 * freed. What it listed has no owner then. It is found again by asking everything that the new root
 * reaches for its extents: the rest of the file is free. That is done in the same checkpoint. Where
 * another part that is still needed cannot be read either, the rest stays lost until that one has
 * gone, too; a bit in the header says so, and the first checkpoint after the file was opened looks
 * again.
 *
 * Rejected: to fail (a checkpoint would never succeed again, and the log grow for ever); to
 * reserve the space for good (nothing else repairs a file); a list of extents by table in the
 * root (as long as all the parts).
 */
#include "store/table/table_int.h"

enum {
    SPACE_IS_LOST = 1 /* in TABLE_ROOT_FLAGS */
};

typedef struct span {
    uint64_t offset;
    cache_reference reference;
} span;

typedef struct releaser {
    table_database *database;
    span *spans;
    uint32_t count, capacity;
    bool unreadable; /* a part, or it named what is not its own */
} releaser;

/* ---- What is not needed any more ------------------------------------------------------------- */

static base_status gather(void *context, const cache_reference *reference, base_error *error)
{
    releaser *self = context;
    if (!base_grow_array(&self->database->budget, &self->spans, &self->capacity, self->count + 1,
                         sizeof *self->spans))
        return base_error_no_memory(error);
    self->spans[self->count++] = (span){reference->offset, *reference};
    return BASE_OK;
}

static base_status gather_part(releaser *self, const cache_reference *part, base_error *error)
{
    uint32_t before = self->count;
    base_status status = table_visit_extents(self->database, part, gather, self, error);
    if (!table_is_damage(status))
        return status;
    base_error_clear(error);
    self->unreadable = true;
    self->count = before;
    return gather(self, part, error);
}

static int compare_references(const void *a, const void *b)
{
    uint64_t left = ((const cache_reference *)a)->offset;
    uint64_t right = ((const cache_reference *)b)->offset;
    return (left > right) - (left < right);
}

static void sort_references(table_saved *saved)
{
    if (saved->count)
        qsort(saved->references, saved->count, sizeof *saved->references, compare_references);
}

static base_status gather_all(releaser *self, table_saved *now, base_error *error)
{
    table_saved *old = &self->database->reached;
    sort_references(old);
    sort_references(now);
    uint32_t place = 0;
    for (uint32_t i = 0; i < old->count; i++) {
        while (place < now->count && now->references[place].offset < old->references[i].offset)
            place++;
        if (place < now->count && now->references[place].offset == old->references[i].offset)
            continue;
        RETURN_IF_ERROR(gather_part(self, &old->references[i], error));
    }
    const cache_reference *root = &cache_get_root(self->database->file)->root;
    return cache_reference_is_null(root) ? BASE_OK : gather(self, root, error);
}

static int compare_spans(const void *a, const void *b)
{
    uint64_t left = ((const span *)a)->offset, right = ((const span *)b)->offset;
    return (left > right) - (left < right);
}

static base_status free_spans(releaser *self, base_error *error)
{
    uint64_t end = 0;
    if (self->count)
        qsort(self->spans, self->count, sizeof *self->spans, compare_spans);
    for (uint32_t i = 0; i < self->count; i++) {
        const cache_reference *reference = &self->spans[i].reference;
        base_status status = BASE_CORRUPT;
        if (reference->offset >= end)
            status = cache_free(self->database->file, reference, error);
        if (status == BASE_OK) {
            end = reference->offset + reference->length;
            continue;
        }
        if (status != BASE_CORRUPT)
            return status;
        base_error_clear(error);
        self->unreadable = true;
    }
    return BASE_OK;
}

/* ---- What nobody owns ------------------------------------------------------------------------ */

static base_status claim_extent(void *context, const cache_reference *reference, base_error *error)
{
    return cache_check_reference(context, reference, false, error);
}

/* `*found` is false where something that is reached cannot be read. */
static base_status free_lost(table_database *database, const table_saved *now, bool *found,
                             base_error *error)
{
    cache_check *check;
    *found = false;
    RETURN_IF_ERROR(cache_check_start(database->file, NULL, NULL, &check, error));
    for (uint32_t i = 0; i < now->count; i++) {
        base_status status =
            table_visit_extents(database, &now->references[i], claim_extent, check, error);
        if (status == BASE_OK)
            continue;
        cache_check_drop(check);
        if (!table_is_damage(status))
            return status;
        base_error_clear(error);
        return BASE_OK;
    }
    *found = true;
    return cache_check_free_rest(check, error);
}

base_status table_free_unreached(table_database *database, table_saved *now, cache_root *root,
                                 base_error *error)
{
    releaser self = {.database = database};
    cache_statistics statistics;
    cache_get_statistics(database->file, &statistics);
    base_status status = gather_all(&self, now, error);
    if (status == BASE_OK)
        status = free_spans(&self, error);
    base_free_array(&database->budget, self.spans, self.capacity, sizeof *self.spans);
    if (status != BASE_OK)
        return status;
    if (self.unreadable || statistics.lost_size)
        root->user[TABLE_ROOT_FLAGS] |= SPACE_IS_LOST;
    else if (database->looked_for_space || !(root->user[TABLE_ROOT_FLAGS] & SPACE_IS_LOST))
        return BASE_OK;
    bool found;
    RETURN_IF_ERROR(free_lost(database, now, &found, error));
    if (found)
        root->user[TABLE_ROOT_FLAGS] &= ~(uint64_t)SPACE_IS_LOST;
    return BASE_OK;
}
