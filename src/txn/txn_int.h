/*
 * txn_int.h - the room's own structures.
 */
#ifndef TXN_TXN_INT_H
#define TXN_TXN_INT_H

#include "txn/txn.h"

enum {
    TXN_SLOT_BITS = 16, /* low bits of an id: which object; above: how often it was used */
    TXN_MAX_OBJECTS = 1 << TXN_SLOT_BITS,
    TXN_CHUNK = 256, /* objects are found through chunks of pointers that never move */
    TXN_CHUNKS = TXN_MAX_OBJECTS / TXN_CHUNK,
    TXN_FREE_PLACES = 16,
    TXN_FIRST_BLOCK = 2048,
    TXN_LARGEST_BLOCK = 256 * 1024,
    TXN_KEPT_BUFFER = 64 * 1024, /* larger scratch is given back at the end */
};

#define TXN_NO_SNAPSHOT UINT64_MAX
#define TXN_LOCK_EXCLUSIVE (UINT64_C(1) << 63)

/* Undo memory. One block is shared by the short transactions that one object runs one after
 * the other: `users` counts the segments in it, and the object while it still fills it. */
typedef struct txn_block {
    struct txn_block *next; /* the one allocated after it */
    _Atomic(uint32_t) users;
    uint32_t size; /* with this header */
    uint32_t used;
} txn_block;

/* The undo records of one committed transaction that wait for their release. */
typedef struct txn_segment {
    txn_garbage garbage;
    txn_undo *last;
    txn_block *first_block;
    uint32_t block_count;
} txn_segment;

typedef enum txn_wait_kind {
    TXN_WAIT_NONE,
    TXN_WAIT_ID,   /* for the transaction `wait_id` */
    TXN_WAIT_LOCK, /* for everybody who shares `wait_lock` */
} txn_wait_kind;

typedef struct txn_held_lock {
    txn_lock *lock;
    bool shared, exclusive;
} txn_held_lock;

struct txn_transaction {
    /* Read by other threads. */
    _Alignas(BASE_CACHE_LINE) _Atomic(uint64_t) active; /* snapshot's sequence or NO_SNAPSHOT */
    _Atomic(uint64_t) id;                               /* 0 between transactions */
    _Atomic(const void *) claim_object;                 /* NULL: none */
    _Atomic(int64_t) claim_place;

    /* The owner's. */
    _Alignas(BASE_CACHE_LINE) txn_manager *manager;
    txn_snapshot snapshot;
    uint64_t generation;
    uint32_t slot;
    txn_isolation isolation;
    bool read_only;
    _Atomic(bool) restarts; /* a statement did: several threads may say so */
    bool has_lasting;       /* some record's release has to wait */
    bool has_queued;        /* ... and must come in turn */
    txn_undo *first_undo, *last_undo;
    uint64_t undo_position; /* of the newest record ever registered */
    uint64_t mark_position; /* records up to this one may not be extended */
    txn_block *block;       /* being filled */
    txn_block *first_block; /* of this transaction; NULL: none yet */
    uint32_t block_count;
    size_t next_block_size;
    txn_segment *segment; /* set aside when the first record is registered */
    wal_buffer redo;
    base_buffer scratch[TXN_SCRATCH_COUNT];
    txn_held_lock *locks;
    uint32_t lock_count, lock_capacity;
    bool (*interrupted)(void *context);
    void *interrupt_context;
    int64_t lock_timeout;
    struct txn_transaction *next_free;

    /* While it waits; guarded by the manager's wait mutex. */
    struct txn_transaction *next_waiting;
    txn_wait_kind wait_kind;
    uint64_t wait_id;
    const txn_lock *wait_lock;
    bool wait_reached; /* mark of the deadlock search */
};

struct txn_manager {
    base_budget *budget;
    os_environment *environment;
    void *owner;
    wal_log *log; /* NULL: in memory */

    _Alignas(BASE_CACHE_LINE) _Atomic(uint64_t) last_sequence; /* newest published commit */

    /* Without a log: sequences are given out and published under this mutex. */
    _Alignas(BASE_CACHE_LINE) os_mutex commit_mutex;

    /* Objects: never freed before the manager. */
    _Alignas(BASE_CACHE_LINE) _Atomic(txn_transaction *) free_places[TXN_FREE_PLACES];
    os_mutex object_mutex;
    txn_transaction *free_objects;
    _Atomic(uint32_t) object_count;
    _Atomic(txn_transaction **) chunks[TXN_CHUNKS];

    /* Waiting. */
    os_mutex wait_mutex;
    os_condition ended;
    _Atomic(uint32_t) waiter_count;
    txn_transaction *waiting;

    /* Garbage in commit order. */
    os_mutex garbage_mutex;
    _Atomic(txn_garbage *) garbage;
    txn_garbage *garbage_tail;
    _Atomic(bool) collecting;
};

/* txn_undo.c */
void txn_undo_run_rollback(txn_transaction *transaction, uint64_t down_to);
void txn_undo_run_commit(txn_transaction *transaction, uint64_t id, uint64_t sequence);
void txn_undo_release_now(txn_transaction *transaction);
void txn_undo_drop_blocks(txn_transaction *transaction);
void txn_block_unuse(base_budget *budget, txn_block *block);

/* txn_garbage.c */
void txn_garbage_add(txn_transaction *transaction, uint64_t sequence);

/* txn_wait.c */
void txn_locks_release(txn_transaction *transaction);
void txn_locks_drop(txn_transaction *transaction);
void txn_wake_waiters(txn_manager *manager);

/* txn_manager.c */
txn_transaction *txn_object_at(const txn_manager *manager, uint32_t slot);
base_status txn_object_take(txn_manager *manager, txn_transaction **transaction, base_error *error);
void txn_object_give_back(txn_transaction *transaction);

#endif
