/*
 * table_compact_plan.c - which volumes to merge.
 *
 * The base is a run that covers most rows; each of its volumes stands for the rowids up to the
 * next one. What is sealed later lies above it, cut where a volume of the base begins, so that
 * a merge concerns one stretch of rowids and never the whole table. Per stretch:
 *
 *   fold      the base volume and everything above it become one anew, once a fifth of it is
 *             dead or a fifth as many rows lie above it: a row in the base is written five
 *             times as often as rows change, whatever the size of the table;
 *   gather    four volumes above it of one size class (powers of four) become one, with the
 *             smaller ones, so that few are asked for a row;
 *   join      neighbours in the base of one class become one while they fit (rows that were
 *             appended in small portions);
 *   drop      a volume without rows goes.
 *
 * With a seal of a hundredth of the table or more this writes each row less than ten times and
 * asks at most ten volumes (docs/spikes.md, C; measured again in test_compact.c).
 *
 * Rejected: levels of fixed sizes over the whole table (LSM): a merge into a large level
 * rewrites all of it for updates that came to a few places.
 */
#include "store/table/table_compact_int.h"

enum {
    FOLD_PARTS = 5, /* of a base volume, one of which is dead or lies above */
    GATHER = 4,     /* volumes of a class */
    MOST_ABOVE = 7, /* volumes over one of the base, whatever their classes */
    CLASSES = 32,
};

static uint64_t live_rows(const table_volume *volume)
{
    uint64_t marked = atomic_load_explicit(&volume->mark_count, memory_order_relaxed);
    return volume->info.row_count - BASE_MIN(marked, volume->info.row_count);
}

/* Powers of four. */
static uint32_t class_of(const table_volume *volume)
{
    uint64_t rows = BASE_MAX(live_rows(volume), (uint64_t)1);
    return (63 - (uint32_t)__builtin_clzll(rows)) / 2;
}

/* The log may still refer to the extents of a loose volume: it has to be in a header first. */
static bool may_move(const table_storage *storage, const table_volume *volume)
{
    return storage->database->in_memory || !atomic_load(&volume->loose);
}

static base_status take(table_job *job, table_volume *volume, base_error *error)
{
    if (!base_grow_array(job->budget, &job->inputs, &job->input_capacity, job->input_count + 1,
                         sizeof(table_volume *)))
        return base_error_no_memory(error);
    job->inputs[job->input_count++] = volume;
    return BASE_OK;
}

/* ---- Above one volume of the base ------------------------------------------------------------ */

/* The volumes over the rowids of base volume `place`, into `above`; how many. */
static uint32_t find_above(const table_storage *storage, const table_layers *layers, uint32_t place,
                           table_volume **above)
{
    table_volume *const *base = layers->volumes;
    int64_t low = place ? base[place]->info.first_rowid : INT64_MIN;
    bool is_last = place + 1 == layers->base_count;
    int64_t high = is_last ? INT64_MAX : base[place + 1]->info.first_rowid - 1;
    uint32_t count = 0;
    for (uint32_t i = layers->base_count; i < layers->count; i++) {
        table_volume *volume = layers->volumes[i];
        if (volume->info.first_rowid > high)
            break; /* sorted */
        if (volume->info.last_rowid >= low && may_move(storage, volume))
            above[count++] = volume;
    }
    return count;
}

static base_status plan_fold(table_job *job, table_volume *base, table_volume **above,
                             uint32_t count, base_error *error)
{
    uint64_t dead = base->info.row_count - live_rows(base), newer = 0;
    for (uint32_t i = 0; i < count; i++)
        newer += live_rows(above[i]);
    if (BASE_MAX(dead, newer) * FOLD_PARTS <= base->info.row_count)
        return BASE_OK;
    RETURN_IF_ERROR(take(job, base, error));
    for (uint32_t i = 0; i < count; i++)
        RETURN_IF_ERROR(take(job, above[i], error));
    return BASE_OK;
}

static base_status plan_gather(table_job *job, table_volume **above, uint32_t count,
                               base_error *error)
{
    uint32_t counts[CLASSES] = {0}, class = 0;
    for (uint32_t i = 0; i < count; i++)
        counts[class_of(above[i])]++;
    while (class < CLASSES && counts[class] < GATHER)
        class ++;
    if (class == CLASSES && count <= MOST_ABOVE)
        return BASE_OK;
    for (uint32_t i = 0; i < count; i++) {
        if (class_of(above[i]) <= class)
            RETURN_IF_ERROR(take(job, above[i], error));
    }
    return BASE_OK;
}

/* ---- In the base ----------------------------------------------------------------------------- */

/* Neighbours from `place` on, none of a higher class than the first. */
static base_status plan_join(const table_storage *storage, const table_layers *layers,
                             uint32_t place, table_job *job, base_error *error)
{
    uint32_t class = class_of(layers->volumes[place]), same = 0, end = place;
    uint64_t rows = 0;
    for (; end < layers->base_count; end++) {
        const table_volume *volume = layers->volumes[end];
        rows += live_rows(volume);
        if (!may_move(storage, volume) || class_of(volume) > class || rows > COL_MAX_ROWS)
            break;
        same += class_of(volume) == class;
    }
    for (uint32_t i = place; same >= GATHER && i < end; i++)
        RETURN_IF_ERROR(take(job, layers->volumes[i], error));
    return BASE_OK;
}

static base_status plan_drop(const table_storage *storage, const table_layers *layers,
                             table_job *job, base_error *error)
{
    for (uint32_t i = 0; i < layers->count; i++) {
        if (live_rows(layers->volumes[i]) == 0 && may_move(storage, layers->volumes[i]))
            RETURN_IF_ERROR(take(job, layers->volumes[i], error));
    }
    return BASE_OK;
}

static base_status plan_stretches(const table_storage *storage, const table_layers *layers,
                                  table_volume **above, table_job *job, base_error *error)
{
    for (uint32_t i = 0; i < layers->base_count && !job->input_count; i++) {
        uint32_t count = find_above(storage, layers, i, above);
        if (may_move(storage, layers->volumes[i]))
            RETURN_IF_ERROR(plan_fold(job, layers->volumes[i], above, count, error));
        if (!job->input_count)
            RETURN_IF_ERROR(plan_gather(job, above, count, error));
    }
    for (uint32_t i = 0; i < layers->base_count && !job->input_count; i++)
        RETURN_IF_ERROR(plan_join(storage, layers, i, job, error));
    return BASE_OK;
}

base_status table_compact_plan(const table_storage *storage, table_job *job, base_error *error)
{
    base_budget *budget = &storage->database->budget;
    job->input_count = 0;
    if (!table_has_volumes(storage))
        return BASE_OK;
    table_layers layers;
    RETURN_IF_ERROR(table_layers_make(storage, table_volumes_of(storage), &layers, error));
    base_status status = plan_drop(storage, &layers, job, error);
    table_volume **above = base_allocate_array(budget, layers.count, sizeof(table_volume *));
    if (status == BASE_OK && layers.count && !above)
        status = base_error_no_memory(error);
    if (status == BASE_OK && !job->input_count)
        status = plan_stretches(storage, &layers, above, job, error);
    base_free(budget, above, layers.count * sizeof(table_volume *));
    table_layers_free(storage, &layers);
    return status;
}
