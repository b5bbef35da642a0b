/*
 * A statement that is to be run again waits for the commit that it met, which may be half shown:
 * the stamps of a commit change one by one before its sequence is.
 */
#include "unit/unit.h"

#include "os/os.h"
#include "txn/txn.h"

enum {
    COMMITS = 20
};

typedef struct race {
    os_environment *environment;
    base_budget budget;
    txn_manager *manager;
    _Atomic(bool) half_shown;      /* the commit is under way */
    _Atomic(bool) started, saw_it; /* the other thread: is about to start, has its snapshot */
    _Atomic(uint64_t) seen;
} race;

typedef struct record {
    txn_undo undo;
    race *race;
} record;

/* What a session does after BASE_RESTART. */
static void start_again(void *argument)
{
    race *self = argument;
    txn_transaction *transaction;
    unit_assert_ok(txn_begin(self->manager, TXN_READ_COMMITTED, false, &transaction, NULL));
    assert_int_equal(txn_restart(transaction), BASE_RESTART);
    while (!atomic_load(&self->half_shown))
        os_yield_point();
    atomic_store(&self->started, true);
    txn_statement_start(transaction);
    atomic_store(&self->seen, txn_snapshot_of(transaction)->sequence);
    atomic_store(&self->saw_it, true);
    txn_rollback(transaction);
}

/* Half of a commit is shown: the other thread must not get a snapshot before all of it is. */
static void be_shown(txn_undo *undo, uint64_t id, uint64_t sequence)
{
    race *self = ((record *)(void *)undo)->race;
    (void)id;
    (void)sequence;
    atomic_store(&self->half_shown, true);
    while (!atomic_load(&self->started))
        os_yield_point();
    int64_t end = self->environment->monotonic_clock(self->environment) + 2000000;
    while (self->environment->monotonic_clock(self->environment) < end)
        assert_false(atomic_load(&self->saw_it));
}

static void be_taken_back(txn_undo *undo)
{
    (void)undo;
}

static const txn_undo_kind kind = {
    .name = "half shown", .rollback = be_taken_back, .commit = be_shown};

static void a_restart_waits_for_the_commit(void **state)
{
    race self = {.environment = os_posix_environment()};
    base_error error;
    (void)state;
    base_error_clear(&error);
    unit_budget_init(&self.budget);
    unit_assert_ok(
        txn_manager_create(&self.budget, self.environment, &self, &self.manager, &error));
    for (int i = 0; i < COMMITS; i++) {
        txn_transaction *transaction;
        os_thread *thread;
        atomic_store(&self.half_shown, false);
        atomic_store(&self.started, false);
        atomic_store(&self.saw_it, false);
        unit_assert_ok(txn_begin(self.manager, TXN_READ_COMMITTED, false, &transaction, &error));
        record *undo = txn_undo_allocate(transaction, sizeof *undo);
        assert_non_null(undo);
        undo->race = &self;
        txn_undo_register(transaction, &undo->undo, &kind);
        unit_assert_ok(os_thread_start(&self.budget, start_again, &self, &thread, &error));
        unit_assert_ok(txn_commit(transaction, &error));
        uint64_t last = txn_last_sequence(self.manager);
        os_thread_join(thread);
        assert_int_equal(atomic_load(&self.seen), last);
    }
    txn_manager_destroy(self.manager);
    unit_budget_check(&self.budget);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_restart_waits_for_the_commit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
