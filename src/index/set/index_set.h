/*
 * index_set.h - one index: a tree in memory that takes the changes, and key runs in the file.
 *
 * An entry is in the tree, in a run, in several runs, or in several of these; it counts once.
 * Entries are added to and removed from the tree only. Runs come and go as wholes: the list of
 * them is replaced, and whoever is reading goes on in the new list from where it is. To move
 * entries to a run it is added first, and only then they are removed from the tree: so
 * at any moment every entry can be found, and a cursor that reads the tree after they are gone
 * learns of the run before it says that there is nothing more.
 *
 * Threads: insert, remove and cursors by any number; so are changes of the list.
 */
#ifndef INDEX_SET_INDEX_SET_H
#define INDEX_SET_INDEX_SET_H

#include "index/run/run.h"

typedef struct index_set index_set;
typedef struct index_set_cursor index_set_cursor;
typedef struct index_set_list index_set_list; /* runs, immutable, counted */

base_status index_set_create(const index_kind *kind, base_budget *budget, index_set **set,
                             base_error *error);
void index_set_destroy(index_set *set);

/* As index_kind.insert. `ask_runs`: INDEX_FOUND_KEY is also told where a run may have the key
 * (with whatever rowid), which may read blocks. On failure the entry may have been added. */
base_status index_set_insert(index_set *set, base_text key, int64_t rowid, bool ask_runs,
                             uint32_t *found, base_error *error);
/* From the tree; false if it was not there. */
bool index_set_remove(index_set *set, base_text key, int64_t rowid);
/* May a run have an entry with this whole key? */
base_status index_set_runs_may_have(index_set *set, base_text key, bool *may, base_error *error);

/* The part in memory. */
const index_kind *index_set_kind(const index_set *set);
index_tree *index_set_tree(const index_set *set);

/* ---- The list of runs ------------------------------------------------------------------------ */

/* The runs as they are now; held until index_set_let_go. */
index_set_list *index_set_hold(index_set *set);
void index_set_let_go(index_set_list *list);
uint32_t index_set_run_count(const index_set_list *list);
index_run *index_set_run_at(const index_set_list *list, uint32_t place);

enum {
    INDEX_SET_MAX_RUNS = 224 /* whoever adds one beside a prepared change keeps to this */
};
/* Memory for a change of the list that must not fail when its time has come; freed by making
 * the change or by index_set_forget. Others may add runs in between, up to the maximum. */
base_status index_set_prepare(index_set *set, index_set_list **prepared, base_error *error);
void index_set_forget(index_set *set, index_set_list *prepared); /* NULL allowed */
/* Takes the runs in `removed` out and puts `added` (NULL: none) in, each of which becomes the
 * list's (`added` gets a reference of its own). False: more runs came meanwhile than there is
 * room for; nothing was changed, and `prepared` is still the caller's. */
bool index_set_change(index_set *set, index_set_list *prepared, index_run *const *removed,
                      uint32_t removed_count, index_run *added);

/* ---- Reading --------------------------------------------------------------------------------- */

base_status index_set_cursor_create(index_set *set, index_set_cursor **cursor, base_error *error);
void index_set_cursor_destroy(index_set_cursor *cursor); /* NULL allowed */
/* As index_kind.seek. `whole_key`: low and high are the same whole key, both inclusive. */
base_status index_set_cursor_seek(index_set_cursor *cursor, const index_range *range,
                                  bool descending, bool whole_key, base_error *error);
/* As index_kind.next; an entry that is found more than once is given once. */
base_status index_set_cursor_next(index_set_cursor *cursor, uint32_t limit,
                                  const index_entry **entries, uint32_t *count, base_error *error);

#endif
