/*
 * store.h - what the programs over table.h share: a database on a simulated machine, the
 * model of what it holds, and fingerprints to compare the two.
 */
#ifndef TESTS_SIM_STORE_H
#define TESTS_SIM_STORE_H

#include "sim.h"
#include "sites.h"

#include "store/table/table.h"

enum {
    ROWS = 40,       /* of the first table */
    MAX_TABLES = 64, /* ever created in a run */
    MAX_COMMITS = 600,
};
enum {
    COLUMN_ID,
    COLUMN_NUMBER,
    COLUMN_TEXT,
    COLUMN_COUNT
};

typedef struct model {
    bool exists[MAX_TABLES];
    int64_t numbers[MAX_TABLES][ROWS]; /* 0: no row */
    uint32_t since[MAX_TABLES];        /* commit that made the table, or emptied it */
} model;

/* A commit, to be looked back at. */
typedef struct past_commit {
    uint64_t sequence; /* 0: not known, because it was not acknowledged */
    bool exists[MAX_TABLES];
    uint32_t since[MAX_TABLES];
    uint64_t prints[MAX_TABLES];
} past_commit;

/* What disks after a power cut were found to be. */
typedef struct cut_outcome {
    uint64_t lost;    /* an acknowledged commit is missing */
    uint64_t partial; /* the state after no commit */
    uint64_t refused; /* the file does not open */
} cut_outcome;

typedef struct run {
    sim_report *report;
    os_sim *sim;
    base_budget budget; /* of the machine */
    os_runtime *runtime;
    table_database *database;
    base_allocator allocator;
    uint64_t allocation_calls, allocation_fails_at; /* 0: never */
    bool failing;                                   /* errors are no defects */
    bool lossy_mode;
    table_sync_mode mode;
    uint64_t random;
    uint32_t steps, tear_modes;
    uint32_t cut_every; /* one of so many changes; 0: each */
    uint32_t seal_rows; /* hot rows that a checkpoint seals into a volume; 0: never so few */
    uint64_t cuts;
    cut_outcome *outcome; /* NULL: not counted apart */
    /* Places that asked for memory and for I/O; NULL: not noted. */
    site_set *memory_sites, *io_sites;
    bool manual_compaction;
    int64_t history_retention; /* microseconds; negative: the usual one */
    bool may_lose_history; /* calls or allocations fail: versions may be lost, and are said to be */
    past_commit *past;     /* by commit; NULL: nobody looks back */

    uint64_t ids[MAX_TABLES];
    uint32_t table_count; /* ever created */
    model committed, pending;
    model uncertain; /* with a commit that failed: a reopening may find it */
    bool is_uncertain;
    uint64_t prints[MAX_COMMITS]; /* fingerprint after commit i */
    uint32_t begun, acknowledged; /* commits */
    uint64_t next_number;
} run;

void BASE_PRINTF(1, 2) trace(const char *format, ...); /* when TUFF_SIM_TRACE is set */
uint64_t draw(run *self, uint64_t below);

void start_run(run *self, sim_report *report, uint64_t seed);
void end_run(run *self);
base_status open_database(run *self, uint32_t workers, base_error *error);
void close_database(run *self);
void check_integrity(run *self);

/* A row's cells follow from its number, so that a torn row is noticed. */
void make_cells(int64_t number, types_cell *cells, bool *nulls, char text[64]);
uint64_t model_print(const run *self, const model *what);
/* Adds a table's rows to a fingerprint and their numbers to a sum; `as_of` 0: today's. */
base_status scan_table(run *self, txn_transaction *transaction, uint64_t id, uint64_t as_of,
                       uint64_t *print, int64_t *sum, base_error *error);
/* Commit number `number` left that. */
void note_commit(run *self, uint32_t number, const model *what);
/* The open database, which is at commit `number` of `history`, shows some earlier commits as they
 * were. `strict`: that they are beyond its history is a defect. */
void check_past(run *self, const run *history, uint32_t number, bool strict);
/* Of all tables of the run. */
base_status snapshot_print(run *self, txn_transaction *transaction, uint64_t *print, int64_t *sum,
                           base_error *error);
/* The same fingerprint through the first index of every table. */
base_status snapshot_index_print(run *self, txn_transaction *transaction, uint64_t *print,
                                 base_error *error);
base_status database_print(run *self, uint64_t *print, int64_t *sum, base_error *error);

#endif
