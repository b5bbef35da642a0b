/*
 * wal.h - the write-ahead log: logical redo in commit order, group commit, replay.
 *
 * A transaction collects its records in a private buffer (wal_buffer). At commit the buffer
 * goes to the log as one unit: it is replayed whole or not at all. Uncommitted data never
 * reaches the log, so there is no undo at recovery.
 *
 *   Commit    wal_commit_start    gives the unit its sequence and its place in the order
 *             (the caller stamps its row versions with the sequence; nobody sees them yet)
 *             wal_commit_finish   writes (and in full mode syncs) everything that waits,
 *                                 or waits for the thread that does; then `publish` is called
 *                                 in the order of the sequences, before any of them returns
 *
 *   Checkpoint
 *             wal_switch          ends the generation; what commits from here on goes to the
 *                                 next one. Tells the sequence up to which the checkpoint reads
 *             (write extents, header with that sequence and generation, sync)
 *             wal_release         forgets the generations before; their space is used again
 *
 *   Open      wal_open, wal_replay (once, hands every record after the header's sequence to
 *             the redo functions), then commits. wal_close removes the log when it is empty.
 *
 * The file is cut into segments that belong to generations; see wal_int.h for the bytes.
 * Sequences rise but may have gaps (a unit given up after it got its number).
 *
 * Failure. A failed write or sync makes the log read-only until the database is reopened:
 * wal_commit_finish answers the first failure from then on. Only a full disk is forgiven: the
 * units of that write fail with DISK_FULL and later ones may succeed.
 *
 * Damage. A log whose tail was never completely written (power cut) ends there silently. A
 * hole before something that was acknowledged or synced is BASE_CORRUPT, never skipped.
 */
#ifndef STORE_WAL_WAL_H
#define STORE_WAL_WAL_H

#include "base/base.h"
#include "os/os.h"

typedef struct wal_log wal_log;

typedef enum wal_sync_mode {
    WAL_SYNC_FULL,   /* acknowledged means on stable storage */
    WAL_SYNC_NORMAL, /* handed to the system before it is acknowledged; synced each second */
    WAL_SYNC_NONE,   /* never synced but by wal_switch and wal_sync */
} wal_sync_mode;

/* Sequences stay below: the rooms above use the high bits of a stamp for other things. */
#define WAL_SEQUENCE_END (UINT64_C(1) << 56)

/* ---- Collecting records --------------------------------------------------------------- */

typedef struct wal_chunk wal_chunk;
/* Belongs to one transaction. Records are kept in chunks that are written as they lie. */
typedef struct wal_buffer {
    base_budget *budget;
    wal_chunk *first, *last;
    uint64_t position;     /* bytes of records, headers included: a mark for rollback */
    uint64_t record_count; /* not lowered by wal_buffer_truncate */
} wal_buffer;

enum {
    WAL_MAX_RECORD = 1 << 30, /* bytes of one record */
};

/* Allocates nothing yet. */
void wal_buffer_init(wal_buffer *buffer, base_budget *budget);
void wal_buffer_destroy(wal_buffer *buffer);
/* Empties it; keeps one small chunk, so that a reused buffer allocates nothing. */
void wal_buffer_reset(wal_buffer *buffer);
/* Adds a record of `type` (chosen by the rooms above, not 0) and gives the place for its
 * `length` bytes, aligned to 8; NULL when memory ends (nothing was added). The place is
 * valid until the next record. */
BASE_MUST_USE void *wal_buffer_add(wal_buffer *buffer, uint16_t type, size_t length);
/* Takes back from the newest record (of `length` bytes) what it did not need. */
void wal_buffer_shrink_last(wal_buffer *buffer, size_t length, size_t new_length);
/* Forgets everything added since `buffer->position` was `position`. */
void wal_buffer_truncate(wal_buffer *buffer, uint64_t position);
BASE_INLINE bool wal_buffer_is_empty(const wal_buffer *buffer)
{
    return buffer->position == 0;
}

/* ---- Opening ---------------------------------------------------------------------------- */

typedef struct wal_options {
    os_environment *environment;
    base_budget *budget;
    const char *path; /* NULL: no file (a database in memory): sequences only */
    unsigned char database_id[16];
    wal_sync_mode sync_mode;
    bool read_only;
    uint64_t epoch;      /* of the database file's header, */
    uint64_t sequence;   /* its checkpoint sequence */
    uint64_t generation; /* and the generation that it wants replayed first */
} wal_options;

/* Reads what the log file holds, if there is one. Writes nothing: a log is created by the
 * first commit. CORRUPT, or FORMAT for a log of another database or version. */
base_status wal_open(const wal_options *options, wal_log **log, base_error *error);

/* Redo functions. `time` is the commit's wall clock (microseconds since 1970). A failure
 * ends the replay with that status. Either of begin and end may be NULL. */
typedef struct wal_redo {
    void *context;
    base_status (*begin)(void *context, uint64_t sequence, int64_t time, base_error *error);
    base_status (*record)(void *context, uint64_t sequence, uint16_t type, const void *data,
                          size_t length, base_error *error);
    base_status (*end)(void *context, uint64_t sequence, base_error *error);
} wal_redo;

/* Calls them for every unit in commit order, then makes what was replayed durable and
 * starts a new generation with the next commit. Exactly once, before any commit.
 * `*unit_count` (may be NULL) tells how many units there were. */
base_status wal_replay(wal_log *log, const wal_redo *redo, uint64_t *unit_count, base_error *error);

/* Stops the flusher, writes and syncs what is outstanding unless the log has failed, closes
 * the file, and removes it when `remove` is set: the caller's header then covers all. */
base_status wal_close(wal_log *log, bool remove, base_error *error);

/* ---- Committing -------------------------------------------------------------------------- */

typedef struct wal_unit {
    /* Set by the caller. */
    wal_buffer *buffer; /* may be empty: the unit gets a sequence and writes nothing */
    void (*publish)(void *context, uint64_t sequence); /* under the log's mutex; may be NULL */
    void *context;
    /* Set by wal_commit_start. */
    uint64_t sequence;
    int64_t time; /* of the wall clock, but never before an earlier unit's */
    /* The log's own. */
    struct wal_unit *next;
    bool ready, done, abandoned;
    base_status status;
} wal_unit;

/* Gives the next sequence. Each started unit must be finished or abandoned soon: later ones
 * wait for it. Fails only when the log is read-only or has failed; then nothing started. */
base_status wal_commit_start(wal_log *log, wal_unit *unit, base_error *error);
/* Returns when the unit is as durable as the mode says. On failure it is not in the log, or
 * the log has failed, and `publish` was not called: the caller rolls back. */
base_status wal_commit_finish(wal_log *log, wal_unit *unit, base_error *error);
/* Gives the unit up; its sequence is never used. */
void wal_commit_abandon(wal_log *log, wal_unit *unit);

/* Both of the above with no work between. */
base_status wal_commit(wal_log *log, wal_unit *unit, base_error *error);

/* Everything acknowledged so far is on stable storage when this returns OK. */
base_status wal_sync(wal_log *log, base_error *error);
void wal_set_sync_mode(wal_log *log, wal_sync_mode mode);

/* The newest sequence given out; before any commit: that of the header or of the replay. */
uint64_t wal_last_sequence(wal_log *log);
/* The wall-clock time of the newest unit, 0 if there is none. */
int64_t wal_last_time(wal_log *log);
/* Bytes in the log that are not released: what replay would read. Any thread, no lock. */
uint64_t wal_live_bytes(const wal_log *log);
/* Returns when what was being published at the call has been. */
void wal_await_publication(wal_log *log);
/* BASE_OK, or what made the log read-only. */
base_status wal_failure(wal_log *log);

/* ---- Checkpoints ------------------------------------------------------------------------- */

typedef struct wal_switch_point {
    uint64_t sequence;   /* the last published unit; all up to it lie before the switch */
    uint64_t generation; /* first that must be replayed over a header with that sequence */
} wal_switch_point;

/* Waits until no unit is between start and finish, syncs, and starts a generation that will
 * be used from the next commit on. `epoch` is that of the newest header on disk. */
base_status wal_switch(wal_log *log, uint64_t epoch, wal_switch_point *point, base_error *error);
/* The header that holds `point` is durable: earlier generations are forgotten. */
void wal_release(wal_log *log, const wal_switch_point *point);

#endif
