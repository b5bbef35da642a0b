/*
 * actions.h - changes of a database and of its model together, and the comparison of the two
 * after a power cut. For programs of one thread.
 */
#ifndef TESTS_SIM_ACTIONS_H
#define TESTS_SIM_ACTIONS_H

#include "store.h"

enum {
    MAX_COLUMNS = 8 /* with added ones */
};

/* Cuts the power at this change of the disk, in `tear_modes` ways; each disk that may be left is
 * opened, compared, and opened again, with further cuts while it recovers. */
void cut_now(void *run_, uint64_t number);
/* The same for one disk. `lossy`: acknowledged commits may be missing; `depth`: of cuts within
 * recoveries of cuts, 2 for none. */
void verify(const run *before, os_sim *disk, bool lossy, int depth);

base_status begin_run(run *self, txn_isolation isolation, txn_transaction **transaction,
                      base_error *error);
base_status commit_run(run *self, txn_transaction *transaction, base_error *error);
/* Tables by number in the run, rows by place: the rowid is one more. */
base_status create_table(run *self, txn_transaction *transaction, bool indexed, base_error *error);
base_status drop_table(run *self, txn_transaction *transaction, uint32_t t, base_error *error);
base_status truncate_table(run *self, txn_transaction *transaction, uint32_t t, base_error *error);
/* Builds one of its indexes anew, if it has any. */
base_status rebuild_index(run *self, txn_transaction *transaction, uint32_t t, uint32_t which,
                          base_error *error);
/* Inserts the row or gives it a new number. */
base_status put_row(run *self, txn_transaction *transaction, uint32_t t, uint32_t place,
                    base_error *error);
/* Deletes it, if it is there. */
base_status remove_row(run *self, txn_transaction *transaction, uint32_t t, uint32_t place,
                       base_error *error);
/* Brings rows that are not there in through the loader, `step` at a time. */
base_status load_rows(run *self, txn_transaction *transaction, uint32_t t, const uint32_t *places,
                      uint32_t count, uint32_t step, base_error *error);

#endif
