/*
 * txn.h - transactions: sequences, snapshots, undo, conflicts, deadlocks.
 *
 * Every row version carries one 64-bit stamp: the commit sequence that made it, or, while
 * its writer is open, that writer's transaction id (TXN_ID_BIT set). A snapshot sees a
 * stamp when it is its own transaction's id or a sequence not above the snapshot's.
 * Superseded versions hang as undo records off the row for as long as an active snapshot
 * needs them.
 *
 * The rooms that keep rows (store/row, index) register undo records with the transaction;
 * txn knows nothing of their layout: a record names the callbacks that undo it or settle
 * it at commit.
 */
#ifndef TXN_TXN_H
#define TXN_TXN_H

#include "base/base.h"
#include "os/os.h"

typedef struct txn_manager txn_manager;         /* one per open database */
typedef struct txn_transaction txn_transaction; /* one thread at a time */

#define TXN_ID_BIT (UINT64_C(1) << 63)

typedef enum txn_isolation {
    TXN_READ_COMMITTED, /* a snapshot per statement; writers wait for each other */
    TXN_SNAPSHOT,       /* one snapshot; a conflict is BASE_SERIALIZATION at once */
} txn_isolation;

typedef struct txn_snapshot {
    uint64_t sequence; /* newest commit that is seen */
    uint64_t self;     /* own transaction id (with TXN_ID_BIT), 0 for a pure reader */
} txn_snapshot;

BASE_INLINE bool txn_sees(const txn_snapshot *snapshot, uint64_t stamp)
{
    return stamp & TXN_ID_BIT ? stamp == snapshot->self : stamp <= snapshot->sequence;
}

/* The snapshot of the running statement. */
const txn_snapshot *txn_snapshot_of(const txn_transaction *transaction);
txn_isolation txn_isolation_of(const txn_transaction *transaction);
bool txn_is_read_only(const txn_transaction *transaction);
/* True once the transaction has written anything. */
bool txn_has_writes(const txn_transaction *transaction);

/* A place to go back to: everything written after it is undone by table_rollback_to. */
typedef struct txn_mark {
    uint64_t undo_position;
    uint64_t log_position;
} txn_mark;

#endif
