/*
 * table_mark.c - delete marks: rows of a volume that were updated or deleted.
 *
 * Volumes never change, so what takes a row away is kept beside it: a stamp per position,
 * made by vector when the first mark comes. It works as a row's stamp does: the transaction's
 * id is the lock on the cold row, the sequence says who no longer reads it. An update marks the
 * row and puts the whole new version into the hot store under the same rowid; because both
 * carry the same stamp every snapshot sees exactly one of the two (I15).
 */
#include "store/table/table_int.h"

typedef struct mark_undo {
    txn_undo undo;
    table_storage *storage; /* I11 */
    table_volume *volume;
    uint32_t position;
} mark_undo;

static table_marks *marks_of(const table_volume *volume, uint32_t position)
{
    return volume->marks[position / VECTOR_SIZE];
}

/* Memory for the marks of a vector, if it has none. */
static base_status reserve(table_volume *volume, uint32_t vector_number, base_error *error)
{
    os_latch_lock_shared(&volume->latch);
    bool there = volume->marks[vector_number] != NULL;
    os_latch_unlock_shared(&volume->latch);
    if (there)
        return BASE_OK;
    table_marks *marks = base_allocate_zeroed(volume->budget, sizeof *marks);
    if (!marks)
        return base_error_no_memory(error);
    os_latch_lock(&volume->latch);
    if (!volume->marks[vector_number]) {
        volume->marks[vector_number] = marks;
        marks = NULL;
    }
    os_latch_unlock(&volume->latch);
    base_free(volume->budget, marks, sizeof *marks);
    return BASE_OK;
}

/* Latches the volume once the position's vector has memory for marks. */
static base_status lock_marks(table_volume *volume, uint32_t position, base_error *error)
{
    for (;;) {
        os_latch_lock(&volume->latch);
        if (BASE_LIKELY(marks_of(volume, position) != NULL))
            return BASE_OK;
        os_latch_unlock(&volume->latch);
        RETURN_IF_ERROR(reserve(volume, position / VECTOR_SIZE, error));
    }
}

base_status table_mark_reserve_all(table_volume *volume, base_error *error)
{
    for (uint32_t i = 0; i < volume->vector_count; i++)
        RETURN_IF_ERROR(reserve(volume, i, error));
    return BASE_OK;
}

static bool is_unused(const table_marks *marks)
{
    uint64_t any = 0;
    for (uint32_t word = 0; word < VECTOR_WORDS; word++)
        any |= marks->bits[word];
    return any == 0;
}

void table_mark_trim(table_volume *volume)
{
    for (uint32_t i = 0; i < volume->vector_count; i++) {
        table_marks *unused = NULL;
        os_latch_lock(&volume->latch);
        if (volume->marks[i] && is_unused(volume->marks[i])) {
            unused = volume->marks[i];
            volume->marks[i] = NULL;
        }
        os_latch_unlock(&volume->latch);
        base_free(volume->budget, unused, sizeof *unused);
    }
}

/* The latch is held exclusively; 0 takes the mark away. */
static void put_mark(table_volume *volume, uint32_t position, uint64_t stamp)
{
    table_marks *marks = marks_of(volume, position);
    uint32_t row = position % VECTOR_SIZE;
    bool had = base_bit_get(marks->bits, row);
    marks->stamps[row] = stamp;
    if (stamp && !had) {
        base_bit_set(marks->bits, row);
        atomic_fetch_add_explicit(&volume->mark_count, 1, memory_order_relaxed);
    } else if (!stamp && had) {
        base_bit_clear(marks->bits, row);
        atomic_fetch_sub_explicit(&volume->mark_count, 1, memory_order_relaxed);
    }
}

uint64_t table_mark_get(table_volume *volume, uint32_t position)
{
    if (atomic_load_explicit(&volume->mark_count, memory_order_acquire) == 0)
        return 0;
    os_latch_lock_shared(&volume->latch);
    const table_marks *marks = marks_of(volume, position);
    uint64_t stamp = marks ? marks->stamps[position % VECTOR_SIZE] : 0;
    os_latch_unlock_shared(&volume->latch);
    return stamp;
}

bool table_mark_hides(table_volume *volume, uint32_t position, const txn_snapshot *snapshot)
{
    uint64_t stamp = table_mark_get(volume, position);
    return stamp && txn_sees(snapshot, stamp);
}

bool table_mark_filter(table_volume *volume, uint32_t vector_number, const txn_snapshot *snapshot,
                       uint64_t bits[VECTOR_WORDS])
{
    bool any = false;
    if (atomic_load_explicit(&volume->mark_count, memory_order_acquire) == 0)
        return false;
    os_latch_lock_shared(&volume->latch);
    const table_marks *marks = volume->marks[vector_number];
    for (uint32_t word = 0; marks && word < VECTOR_WORDS; word++) {
        for (uint64_t left = marks->bits[word]; left; left &= left - 1) {
            uint32_t bit = (uint32_t)__builtin_ctzll(left);
            if (!txn_sees(snapshot, marks->stamps[word * 64 + bit]))
                continue;
            bits[word] &= ~((uint64_t)1 << bit);
            any = true;
        }
    }
    os_latch_unlock_shared(&volume->latch);
    return any;
}

base_status table_mark_always(table_volume *volume, uint32_t position, base_error *error)
{
    RETURN_IF_ERROR(lock_marks(volume, position, error));
    put_mark(volume, position, TABLE_MARK_ALWAYS);
    os_latch_unlock(&volume->latch);
    return BASE_OK;
}

void table_mark_reserved(table_volume *volume, uint32_t position)
{
    os_latch_lock(&volume->latch);
    put_mark(volume, position, TABLE_MARK_ALWAYS);
    os_latch_unlock(&volume->latch);
}

/* ---- Under a transaction ------------------------------------------------------------------- */

static void rollback_mark(txn_undo *undo)
{
    mark_undo *mark = (mark_undo *)(void *)undo;
    os_latch_lock(&mark->volume->latch);
    put_mark(mark->volume, mark->position, 0);
    os_latch_unlock(&mark->volume->latch);
}

static void commit_mark(txn_undo *undo, uint64_t id, uint64_t sequence)
{
    mark_undo *mark = (mark_undo *)(void *)undo;
    (void)id;
    os_latch_lock(&mark->volume->latch);
    put_mark(mark->volume, mark->position, sequence);
    os_latch_unlock(&mark->volume->latch);
    atomic_store_explicit(&mark->volume->marked_at, sequence, memory_order_release);
    atomic_store_explicit(&mark->storage->cold_change, sequence, memory_order_release);
}

const txn_undo_kind table_mark_kind = {
    .name = "mark", .rollback = rollback_mark, .commit = commit_mark};

/* What a mark that is there already means for a writer. */
static base_status judge_mark(const txn_transaction *transaction, uint64_t stamp, uint64_t *holder,
                              base_error *error)
{
    if (txn_sees(txn_snapshot_of(transaction), stamp))
        return BASE_NOT_FOUND;
    if (!(stamp & TXN_ID_BIT) || txn_isolation_of(transaction) != TXN_READ_COMMITTED)
        return table_row_changed(transaction, error);
    *holder = stamp;
    return BASE_NOT_FOUND;
}

base_status table_mark_set(txn_transaction *transaction, table_storage *storage,
                           table_volume *volume, uint32_t position, uint64_t *holder,
                           base_error *error)
{
    *holder = 0;
    mark_undo *mark = txn_undo_allocate(transaction, sizeof *mark);
    if (!mark)
        return base_error_no_memory(error);
    mark->storage = storage;
    mark->volume = volume;
    mark->position = position;
    RETURN_IF_ERROR(lock_marks(volume, position, error));
    uint64_t stamp = marks_of(volume, position)->stamps[position % VECTOR_SIZE];
    if (!stamp) {
        txn_undo_register(transaction, &mark->undo, &table_mark_kind);
        put_mark(volume, position, txn_id_of(transaction));
    }
    os_latch_unlock(&volume->latch);
    return stamp ? judge_mark(transaction, stamp, holder, error) : BASE_OK;
}
