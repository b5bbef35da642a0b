/*
 * table_unique.c - may this row have this key?
 *
 * The entry is in the index before this is asked, and of two inserters of one key the later
 * one is told that the other's entry is there (index.h): so at least one of them looks. Who
 * has to wait takes its own entry out meanwhile, or two who wait for a third would then wait
 * for each other. What counts are the rows, not the entries: an entry may belong to a version
 * of the past.
 *
 * The question is not what the snapshot sees: a committed row that is newer than the snapshot
 * collides as well. A version of an open transaction makes the outcome open, whether the key
 * is what it writes or what it would restore: wait and look again.
 */
#include "store/table/table_int.h"

typedef enum unique_answer {
    UNIQUE_FREE,
    UNIQUE_TAKEN,
    UNIQUE_OPEN, /* depends on the transaction `holder` */
} unique_answer;

typedef struct prober {
    const table_index *index;
    base_text key;
    uint64_t self;
    uint64_t holder;
    bool first;
    unique_answer answer;
    table_key_space space;
} prober;

static bool probe_version(void *context, uint64_t stamp, const types_cell *cells, const bool *nulls)
{
    prober *probe = context;
    if (!cells)
        return true;
    bool dead = (stamp & ROW_DELETED) != 0;
    uint64_t bare = stamp & ~ROW_DELETED;
    bool is_first = probe->first;
    probe->first = false;
    bool equal = table_key_build(probe->index, cells, nulls, &probe->space.key, NULL) == BASE_OK &&
                 probe->space.key.length == probe->key.length &&
                 memcmp(probe->space.key.data, probe->key.data, probe->key.length) == 0;
    if (is_first && bare == probe->self) {
        /* Own row: what it was before is over, whatever becomes of this transaction. */
        probe->answer = equal && !dead ? UNIQUE_TAKEN : UNIQUE_FREE;
        return true;
    }
    if (is_first && bare & TXN_ID_BIT)
        probe->holder = bare;
    if (equal && probe->holder)
        probe->answer = UNIQUE_OPEN;
    else if (equal && !dead)
        probe->answer = UNIQUE_TAKEN;
    return probe->answer != UNIQUE_FREE;
}

/* Looks at one other row with an entry of this key. */
static base_status probe_row(prober *probe, table_relation *relation, int64_t rowid)
{
    probe->holder = 0;
    probe->first = true;
    probe->answer = UNIQUE_FREE;
    return table_visit_versions(relation, rowid, UINT64_MAX, false, probe->index->key_columns,
                                probe->index->descriptor.part_count, probe_version, probe);
}

static base_status probe_entries(prober *probe, table_relation *relation, index_cursor *cursor,
                                 int64_t rowid, int64_t *other, unique_answer *answer,
                                 base_error *error)
{
    index_range range = {probe->key, probe->key, true, true};
    RETURN_IF_ERROR(probe->index->kind->seek(cursor, &range, false, error));
    for (;;) {
        const index_entry *entries;
        uint32_t count;
        base_status status = probe->index->kind->next(cursor, 16, &entries, &count, error);
        *answer = UNIQUE_FREE;
        if (status == BASE_DONE)
            return BASE_OK;
        if (status != BASE_ROW)
            return status;
        for (uint32_t i = 0; i < count; i++) {
            if (entries[i].rowid == rowid)
                continue;
            *other = entries[i].rowid;
            RETURN_IF_ERROR(probe_row(probe, relation, *other));
            *answer = probe->answer;
            if (*answer != UNIQUE_FREE)
                return BASE_OK;
        }
    }
}

base_status table_check_unique(txn_transaction *transaction, table_relation *relation,
                               table_index *index, base_text key, int64_t rowid, uint64_t *holder,
                               table_conflict *conflict, base_error *error)
{
    prober probe = {.index = index, .key = key, .self = txn_id_of(transaction)};
    index_cursor *cursor;
    int64_t other = 0;
    unique_answer answer = UNIQUE_FREE;
    table_key_space_init(&probe.space);
    RETURN_IF_ERROR(index->kind->cursor_create(index->tree, &cursor, error));
    base_status status = probe_entries(&probe, relation, cursor, rowid, &other, &answer, error);
    index->kind->cursor_destroy(cursor);
    *holder = answer == UNIQUE_OPEN ? probe.holder : 0;
    if (status != BASE_OK || answer != UNIQUE_TAKEN)
        return status;
    if (conflict) {
        conflict->index_id = index->descriptor.id;
        conflict->rowid = other;
    }
    return base_error_set(error, BASE_UNIQUE_VIOLATION, "a row with the same key already exists");
}
