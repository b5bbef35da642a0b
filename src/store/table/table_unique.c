/*
 * table_unique.c - may this row have this key?
 *
 * The row and its entry are there before this is asked, and of two inserters of one key the
 * later one is told that the other's entry is there (index.h): so at least one of them looks.
 * What counts are the rows, not the entries: an entry may belong to a version of the past.
 *
 * The question is not what the snapshot sees: a committed row that is newer than the snapshot
 * collides as well. A version of an open transaction makes the outcome open, whether the key
 * is what it writes or what it would restore: wait and look again. Only what it writes, while
 * it waits to claim the same key itself, does not count: it will look again and find us. So two
 * inserters of one key never wait for each other (txn_wait.c), whatever entries of older
 * versions lie between them.
 *
 * A row is looked at in its volumes first, then in the hot store: a row on its way from one to
 * the other is seen at least once, and a hot version is never older than a copy.
 */
#include "store/table/table_int.h"

typedef enum unique_answer {
    UNIQUE_FREE,
    UNIQUE_TAKEN,
    UNIQUE_OPEN, /* depends on the transaction `holder` */
} unique_answer;

typedef struct prober {
    const txn_manager *manager;
    const table_index *index;
    base_text key;
    uint64_t self;
    int64_t rowid; /* the row that is looked at */
    unique_answer answer;
    uint64_t holder; /* the open transaction that wrote the newest version */
    bool by_newest;  /* that is the version with the key */
    bool seen_hot;   /* some hot version */
    bool seen_cold;  /* a copy, and the first decides: whose it is, has it the key */
    bool cold_equal;
    uint64_t cold_stamp;
    table_key_space space;
} prober;

static bool has_key(prober *probe, const types_cell *cells, const bool *nulls)
{
    const base_buffer *key = &probe->space.key;
    return table_key_build(probe->index, cells, nulls, &probe->space.key, NULL) == BASE_OK &&
           key->length == probe->key.length && memcmp(key->data, probe->key.data, key->length) == 0;
}

static void start_row(void *context)
{
    prober *probe = context;
    probe->answer = UNIQUE_FREE;
    probe->holder = 0;
    probe->seen_hot = probe->seen_cold = probe->cold_equal = probe->by_newest = false;
}

static bool probe_copy(void *context, uint64_t stamp, const types_cell *cells, const bool *nulls)
{
    prober *probe = context;
    if (!probe->seen_cold) {
        probe->seen_cold = true;
        probe->cold_stamp = stamp & ~ROW_DELETED;
        probe->cold_equal = has_key(probe, cells, nulls);
    }
    return false;
}

/* All hot versions have been seen: what is behind them, or instead of them, in a volume? */
static void conclude(prober *probe)
{
    bool open = (probe->cold_stamp & TXN_ID_BIT) != 0;
    if (!probe->cold_equal || (probe->seen_hot && !probe->holder))
        return; /* a committed hot version is newer */
    if (probe->holder) {
        probe->answer = UNIQUE_OPEN; /* would come back */
    } else if (!open) {
        probe->answer = UNIQUE_TAKEN;
    } else if (probe->cold_stamp != probe->self) {
        probe->holder = probe->cold_stamp;
        probe->answer = UNIQUE_OPEN;
    }
}

static bool probe_version(void *context, uint64_t stamp, const types_cell *cells, const bool *nulls)
{
    prober *probe = context;
    if (!cells) {
        conclude(probe);
        return true;
    }
    bool dead = (stamp & ROW_DELETED) != 0, is_first = !probe->seen_hot;
    uint64_t bare = stamp & ~ROW_DELETED;
    bool equal = has_key(probe, cells, nulls);
    probe->seen_hot = true;
    if (is_first && bare == probe->self) {
        /* Own row: what it was before is over, whatever becomes of this transaction. */
        probe->answer = equal && !dead ? UNIQUE_TAKEN : UNIQUE_FREE;
        return true;
    }
    if (is_first && bare & TXN_ID_BIT) {
        txn_claim claim = {probe->index, probe->rowid};
        probe->holder = bare;
        probe->by_newest = equal && !dead;
        if (probe->by_newest && txn_waits_to_claim(probe->manager, bare, &claim)) {
            probe->by_newest = false;
            return false; /* it has not got the key */
        }
    }
    if (equal && probe->holder)
        probe->answer = UNIQUE_OPEN;
    else if (equal && !dead)
        probe->answer = UNIQUE_TAKEN;
    /* Behind a committed version nothing counts. */
    return probe->answer != UNIQUE_FREE || !(bare & TXN_ID_BIT);
}

/* Looks at one other row with an entry of this key. */
static base_status probe_row(prober *probe, table_relation *relation, int64_t rowid)
{
    const table_visitor visitor = {
        .start = start_row, .cold = probe_copy, .hot = probe_version, .context = probe};
    probe->rowid = rowid;
    return table_visit_versions(relation, rowid, UINT64_MAX, probe->index->key_columns,
                                probe->index->descriptor.part_count, &visitor);
}

static base_status probe_entries(prober *probe, table_relation *relation, index_set_cursor *cursor,
                                 int64_t rowid, unique_answer *answer, base_error *error)
{
    index_range range = {probe->key, probe->key, true, true};
    RETURN_IF_ERROR(index_set_cursor_seek(cursor, &range, false, true, error));
    for (;;) {
        const index_entry *entries;
        uint32_t count;
        base_status status = index_set_cursor_next(cursor, 16, &entries, &count, error);
        *answer = UNIQUE_FREE;
        if (status == BASE_DONE)
            return BASE_OK;
        if (status != BASE_ROW)
            return status;
        for (uint32_t i = 0; i < count; i++) {
            if (entries[i].rowid == rowid)
                continue;
            RETURN_IF_ERROR(probe_row(probe, relation, entries[i].rowid));
            *answer = probe->answer;
            if (*answer != UNIQUE_FREE)
                return BASE_OK;
        }
    }
}

base_status table_check_unique(txn_transaction *transaction, table_relation *relation,
                               table_index *index, base_text key, int64_t rowid,
                               table_holder *holder, table_conflict *conflict, base_error *error)
{
    prober probe;
    index_set_cursor *cursor;
    unique_answer answer = UNIQUE_FREE;
    memset(&probe, 0, offsetof(prober, space)); /* the space has several KiB */
    probe.manager = txn_manager_of(transaction);
    probe.index = index;
    probe.key = key;
    probe.self = txn_id_of(transaction);
    table_key_space_init(&probe.space);
    RETURN_IF_ERROR(index_set_cursor_create(index->entries, &cursor, error));
    base_status status = probe_entries(&probe, relation, cursor, rowid, &answer, error);
    index_set_cursor_destroy(cursor);
    *holder =
        (table_holder){answer == UNIQUE_OPEN ? probe.holder : 0, probe.rowid, probe.by_newest};
    if (status != BASE_OK || answer != UNIQUE_TAKEN)
        return status;
    if (conflict) {
        conflict->index_id = index->descriptor.id;
        conflict->rowid = probe.rowid;
    }
    return base_error_set(error, BASE_UNIQUE_VIOLATION, "a row with the same key already exists");
}
