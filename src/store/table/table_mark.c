/*
 * table_mark.c - delete marks: rows of a volume that were updated or deleted.
 *
 * Volumes never change, so what takes a row away is kept beside it: a stamp per position,
 * made by vector when the first mark comes. It works as a row's stamp does: the transaction's
 * id is the lock on the cold row, the sequence says who no longer reads it. An update marks the
 * row and puts the whole new version into the hot store under the same rowid; because both
 * carry the same stamp every snapshot sees exactly one of the two (I15).
 *
 * While volumes are being replaced by others a row may have several copies: all that are listed
 * carry the same mark (I17), so that a writer meets it whichever its snapshot reads. Usually
 * there is one, and its volume's latch is all that is needed. Otherwise the storage's moving
 * mutex comes first, which the switch to new volumes also holds; undo that finds its volume
 * overtaken goes by the rowid.
 */
#include "store/table/table_bytes_int.h"
#include "store/table/table_compact_int.h"

typedef struct mark_undo {
    txn_undo undo;
    table_storage *storage; /* I11 */
    uint64_t switch_count;  /* of the storage when the mark was set: while it is that, */
    table_volume *volume;   /* this has the row's only copy */
    uint32_t position;
    int64_t rowid;
    uint64_t id; /* the transaction's */
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

void table_mark_trim(table_storage *storage, table_volume *volume)
{
    os_mutex_lock(&storage->moving_mutex); /* who holds it relies on what was reserved */
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
    os_mutex_unlock(&storage->moving_mutex);
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

uint32_t table_mark_count(table_volume *volume)
{
    uint32_t count = 0;
    os_latch_lock_shared(&volume->latch);
    for (uint32_t i = 0; i < volume->vector_count; i++) {
        const table_marks *marks = volume->marks[i];
        for (uint32_t row = 0; marks && row < VECTOR_SIZE; row++)
            count += marks->stamps[row] != 0 && base_bit_get(marks->bits, row);
    }
    os_latch_unlock_shared(&volume->latch);
    return count;
}

void table_mark_copy(table_volume *volume, uint32_t vector_number, uint64_t stamps[VECTOR_SIZE])
{
    os_latch_lock_shared(&volume->latch);
    const table_marks *marks = volume->marks[vector_number];
    for (uint32_t row = 0; row < VECTOR_SIZE; row++) {
        uint64_t stamp = marks ? marks->stamps[row] : 0;
        stamps[row] = !stamp || stamp & TXN_ID_BIT ? UINT64_MAX : stamp;
    }
    os_latch_unlock_shared(&volume->latch);
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

/* ---- In the file ----------------------------------------------------------------------------- */

typedef struct packer {
    uint64_t base;         /* the least sequence that is kept */
    base_buffer positions; /* rising */
    base_buffer distances;
    uint32_t count;
    bool has_distances; /* not all are 0 */
} packer;

/* 0 for a mark that everybody saw. */
static uint32_t distance_of(packer *self, uint64_t stamp)
{
    uint64_t distance = stamp < self->base ? 0 : stamp - self->base + 1;
    BASE_ASSERT(distance <= UINT32_MAX); /* table_history_horizon */
    self->has_distances |= distance > 0;
    return (uint32_t)distance;
}

static void pack_vector(packer *self, table_volume *volume, uint32_t number,
                        const txn_snapshot *snapshot)
{
    uint64_t stamps[VECTOR_SIZE];
    table_mark_copy(volume, number, stamps);
    for (uint32_t row = 0; row < VECTOR_SIZE; row++) {
        if (stamps[row] == UINT64_MAX || !txn_sees(snapshot, stamps[row]))
            continue;
        uint32_t position = number * VECTOR_SIZE + row;
        uint32_t distance = distance_of(self, stamps[row]);
        base_buffer_append(&self->positions, &position, sizeof position);
        base_buffer_append(&self->distances, &distance, sizeof distance);
        self->count++;
    }
}

/* A list of positions, if that says all; else one that keeps sequences (see FORMAT.md). */
static void put_marks(const packer *self, base_buffer *bytes)
{
    const uint32_t head[4] = {UINT32_MAX, self->count, (uint32_t)self->base,
                              (uint32_t)(self->base >> 32)};
    if (self->has_distances)
        base_buffer_append(bytes, head, sizeof head);
    base_buffer_append(bytes, self->positions.data, self->positions.length);
    if (self->has_distances)
        base_buffer_append(bytes, self->distances.data, self->distances.length);
}

base_status table_marks_pack(table_volume *volume, const txn_snapshot *snapshot, uint64_t horizon,
                             base_buffer *bytes, base_error *error)
{
    packer self = {.base = horizon + 1};
    base_buffer_init(&self.positions, volume->budget);
    base_buffer_init(&self.distances, volume->budget);
    for (uint32_t number = 0; number < volume->vector_count; number++)
        pack_vector(&self, volume, number, snapshot);
    put_marks(&self, bytes);
    bool failed = bytes->failed || self.positions.failed || self.distances.failed;
    base_buffer_destroy(&self.positions);
    base_buffer_destroy(&self.distances);
    return failed ? base_error_no_memory(error) : BASE_OK;
}

static base_status load_mark(table_volume *volume, uint32_t position, uint64_t stamp,
                             base_error *error)
{
    if (position >= volume->info.row_count)
        return table_corrupt("a mark", error);
    RETURN_IF_ERROR(lock_marks(volume, position, error));
    put_mark(volume, position, stamp);
    os_latch_unlock(&volume->latch);
    return BASE_OK;
}

base_status table_marks_unpack(table_volume *volume, table_bytes bytes, uint64_t newest,
                               base_error *error)
{
    uint32_t position, count;
    uint64_t base;
    table_bytes start = bytes;
    if (!table_unpack_u32(&bytes, &position) || position != UINT32_MAX) {
        while (table_unpack_u32(&start, &position))
            RETURN_IF_ERROR(load_mark(volume, position, TABLE_MARK_ALWAYS, error));
        return start.next == start.end ? BASE_OK : table_corrupt("a list of marks", error);
    }
    if (!table_unpack_u32(&bytes, &count) || !table_unpack_u64(&bytes, &base) ||
        (size_t)(bytes.end - bytes.next) != (size_t)count * 8 || base > newest + 1)
        return table_corrupt("a list of marks", error);
    table_bytes distances = {bytes.next + (size_t)count * 4, bytes.end};
    for (uint32_t i = 0; i < count; i++) {
        uint32_t distance;
        if (!table_unpack_u32(&bytes, &position) || !table_unpack_u32(&distances, &distance) ||
            distance > newest + 1 - base)
            return table_corrupt("a list of marks", error);
        RETURN_IF_ERROR(
            load_mark(volume, position, distance ? base + distance - 1 : TABLE_MARK_ALWAYS, error));
    }
    return BASE_OK;
}

/* ---- Under a transaction ------------------------------------------------------------------- */

/* Is this volume's copy of a row the only one that a mark can be on? Its latch is held. */
static bool is_only_copy(const table_storage *storage, const table_volume *volume)
{
    return !volume->moving && atomic_load(&volume->until) == TABLE_NEVER &&
           atomic_load(&storage->past_count) == 0;
}

/* Replaces the transaction's mark on every copy of the row; the moving mutex is held, or no
 * switch can happen. What cannot be read has no mark of an open transaction: the piece that
 * tells the position was read to put it there. */
static void replace_everywhere(const mark_undo *mark, uint64_t stamp, uint64_t sequence)
{
    table_candidates candidates = {table_volumes_of(mark->storage), mark->rowid, 0};
    table_volume *volume;
    while ((volume = table_next_candidate(&candidates))) {
        uint32_t position;
        if (atomic_load_explicit(&volume->mark_count, memory_order_acquire) == 0 ||
            col_volume_find(volume->data, mark->rowid, &position, NULL) != BASE_OK ||
            table_mark_get(volume, position) != mark->id)
            continue;
        os_latch_lock(&volume->latch);
        put_mark(volume, position, stamp);
        os_latch_unlock(&volume->latch);
        if (sequence)
            atomic_store_explicit(&volume->marked_at, sequence, memory_order_release);
    }
}

/* The same where the volume that was marked has the only copy. */
static bool replace_here(const mark_undo *mark, uint64_t stamp)
{
    table_volume *volume = mark->volume;
    os_latch_lock(&volume->latch);
    bool only = is_only_copy(mark->storage, volume);
    if (only)
        put_mark(volume, mark->position, stamp);
    os_latch_unlock(&volume->latch);
    return only;
}

/* A volume that was pruned since may be gone, and the mark is in another one. */
static bool is_there(const mark_undo *mark)
{
    return atomic_load_explicit(&mark->storage->switch_count, memory_order_acquire) ==
           mark->switch_count;
}

static void rollback_mark(txn_undo *undo)
{
    mark_undo *mark = (mark_undo *)(void *)undo;
    if (is_there(mark) && replace_here(mark, 0))
        return;
    os_mutex_lock(&mark->storage->moving_mutex);
    replace_everywhere(mark, 0, 0);
    os_mutex_unlock(&mark->storage->moving_mutex);
}

/* Switches are commits too, so none happens now. */
static void commit_mark(txn_undo *undo, uint64_t id, uint64_t sequence)
{
    mark_undo *mark = (mark_undo *)(void *)undo;
    (void)id;
    if (is_there(mark) && replace_here(mark, sequence))
        atomic_store_explicit(&mark->volume->marked_at, sequence, memory_order_release);
    else
        replace_everywhere(mark, sequence, sequence);
    atomic_store_explicit(&mark->storage->cold_change, sequence, memory_order_release);
}

const txn_undo_kind table_mark_kind = {
    .name = "mark", .rollback = rollback_mark, .commit = commit_mark};

/* What a mark that is there already means for a writer. */
static base_status judge_mark(txn_transaction *transaction, uint64_t stamp, uint64_t *holder,
                              base_error *error)
{
    if (txn_sees(txn_snapshot_of(transaction), stamp))
        return BASE_NOT_FOUND;
    if (!(stamp & TXN_ID_BIT) || txn_isolation_of(transaction) != TXN_READ_COMMITTED)
        return table_row_changed(transaction, error);
    *holder = stamp;
    return BASE_NOT_FOUND;
}

typedef struct marker {
    txn_transaction *transaction;
    table_storage *storage;
    mark_undo *undo; /* not yet registered */
    bool done;
} marker;

/* Marks one copy, the first by the volume's latch, the others because the first is marked.
 * `*stamp` gets what was there. */
static void mark_copy(marker *self, table_volume *volume, uint32_t position, uint64_t *stamp)
{
    os_latch_lock(&volume->latch);
    *stamp = marks_of(volume, position)->stamps[position % VECTOR_SIZE];
    if (!*stamp) {
        if (!self->done)
            txn_undo_register(self->transaction, &self->undo->undo, &table_mark_kind);
        put_mark(volume, position, txn_id_of(self->transaction));
        self->done = true;
    }
    os_latch_unlock(&volume->latch);
}

/* Looks at all copies of the row before any is marked: OK, or what a mark means. Where the
 * snapshot reads none of those without a mark the row has a newer version. */
static base_status judge_copies(const marker *self, bool is_mine, uint64_t *holder,
                                base_error *error)
{
    const txn_snapshot *snapshot = txn_snapshot_of(self->transaction);
    table_candidates candidates = {table_volumes_of(self->storage), self->undo->rowid, 0};
    bool readable = is_mine;
    table_volume *volume;
    while ((volume = table_next_candidate(&candidates))) {
        uint32_t position;
        if (atomic_load(&volume->since) == TABLE_NEVER)
            continue;
        base_status status = col_volume_find(volume->data, self->undo->rowid, &position, error);
        if (status == BASE_NOT_FOUND)
            continue;
        RETURN_IF_ERROR(status);
        RETURN_IF_ERROR(reserve(volume, position / VECTOR_SIZE, error));
        uint64_t stamp = table_mark_get(volume, position);
        if (!stamp)
            readable |= table_volume_is_visible(volume, snapshot);
        else if (!txn_sees(snapshot, stamp) || stamp == snapshot->self)
            return judge_mark(self->transaction, stamp, holder, error);
    }
    return readable ? BASE_OK : table_row_changed(self->transaction, error);
}

/* The moving mutex is held. */
static base_status mark_everywhere(marker *self, bool is_mine, uint64_t *holder, base_error *error)
{
    RETURN_IF_ERROR(judge_copies(self, is_mine, holder, error));
    table_candidates candidates = {table_volumes_of(self->storage), self->undo->rowid, 0};
    table_volume *volume;
    while ((volume = table_next_candidate(&candidates))) {
        uint32_t position;
        uint64_t stamp;
        /* Reads what judge_copies has read. */
        if (atomic_load(&volume->since) == TABLE_NEVER ||
            col_volume_find(volume->data, self->undo->rowid, &position, NULL) != BASE_OK)
            continue;
        mark_copy(self, volume, position, &stamp);
        if (!self->done && stamp && !txn_sees(txn_snapshot_of(self->transaction), stamp))
            return judge_mark(self->transaction, stamp, holder, error);
    }
    return self->done ? BASE_OK : table_row_changed(self->transaction, error);
}

base_status table_mark_set(txn_transaction *transaction, table_storage *storage,
                           table_volume *volume, uint32_t position, int64_t rowid, bool is_mine,
                           uint64_t *holder, base_error *error)
{
    *holder = 0;
    mark_undo *undo = txn_undo_allocate(transaction, sizeof *undo);
    if (!undo)
        return base_error_no_memory(error);
    undo->storage = storage;
    undo->volume = volume;
    undo->position = position;
    undo->rowid = rowid;
    undo->id = txn_id_of(transaction);
    undo->switch_count = atomic_load_explicit(&storage->switch_count, memory_order_acquire);
    marker self = {transaction, storage, undo, false};
    uint64_t stamp = 0;
    RETURN_IF_ERROR(lock_marks(volume, position, error));
    bool only = is_only_copy(storage, volume);
    if (only) {
        stamp = marks_of(volume, position)->stamps[position % VECTOR_SIZE];
        if (!stamp) {
            txn_undo_register(transaction, &undo->undo, &table_mark_kind);
            put_mark(volume, position, txn_id_of(transaction));
        }
    }
    os_latch_unlock(&volume->latch);
    if (only)
        return stamp ? judge_mark(transaction, stamp, holder, error) : BASE_OK;
    os_mutex_lock(&storage->moving_mutex);
    base_status status = mark_everywhere(&self, is_mine, holder, error);
    os_mutex_unlock(&storage->moving_mutex);
    return status;
}

/* ---- To other volumes ----------------------------------------------------------------------- */

void table_marks_hold(table_volume *volume, bool held)
{
    os_latch_lock(&volume->latch);
    volume->moving = held;
    os_latch_unlock(&volume->latch);
}

/* The volume of `to` that has the row. */
static base_status find_in(table_volume *const *to, uint32_t count, int64_t rowid,
                           table_volume **volume, uint32_t *position, base_error *error)
{
    uint32_t first = 0, end = count;
    while (first < end) {
        uint32_t middle = (first + end) / 2;
        if (to[middle]->info.last_rowid < rowid)
            first = middle + 1;
        else
            end = middle;
    }
    if (first == count)
        return BASE_NOT_FOUND;
    *volume = to[first];
    return col_volume_find(to[first]->data, rowid, position, error);
}

static base_status carry_one(table_volume *from, uint32_t position, uint64_t stamp,
                             table_volume *const *to, uint32_t to_count, bool only_committed,
                             base_error *error)
{
    static const int32_t rowid_place = 0;
    table_volume *target;
    uint32_t there;
    types_cell rowid;
    bool is_null;
    RETURN_IF_ERROR(
        col_volume_read(from->data, position, &rowid_place, 1, &rowid, &is_null, NULL, error));
    base_status status = find_in(to, to_count, rowid.int64, &target, &there, error);
    if (status == BASE_NOT_FOUND)
        return BASE_OK; /* marked before it could be copied */
    if (status == BASE_OK)
        status = reserve(target, there / VECTOR_SIZE, error);
    if (status != BASE_OK || (stamp & TXN_ID_BIT && only_committed))
        return status;
    os_latch_lock(&target->latch);
    put_mark(target, there, stamp);
    os_latch_unlock(&target->latch);
    return BASE_OK;
}

base_status table_marks_carry(table_volume *from, uint64_t known, table_volume *const *to,
                              uint32_t to_count, bool only_committed, base_error *error)
{
    for (uint32_t number = 0; number < from->vector_count; number++) {
        uint64_t bits[VECTOR_WORDS];
        table_marks *marks;
        os_latch_lock_shared(&from->latch);
        marks = from->marks[number];
        if (marks)
            memcpy(bits, marks->bits, sizeof bits);
        os_latch_unlock_shared(&from->latch);
        for (uint32_t word = 0; marks && word < VECTOR_WORDS; word++) {
            for (uint64_t left = bits[word]; left; left &= left - 1) {
                uint32_t position =
                    number * VECTOR_SIZE + word * 64 + (uint32_t)__builtin_ctzll(left);
                uint64_t stamp = table_mark_get(from, position);
                if (stamp > known)
                    RETURN_IF_ERROR(
                        carry_one(from, position, stamp, to, to_count, only_committed, error));
            }
        }
    }
    return BASE_OK;
}
