/*
 * txn_wait.c - waiting for other transactions, locks held to the end, and deadlocks.
 *
 * A transaction that waits is in a list under one mutex, with what it waits for: a
 * transaction, or everybody who shares a lock. Who is about to wait first looks whether a
 * path of waiting transactions leads back to it; if so it is refused. Only waiting
 * transactions can be part of a circle and a circle is closed by its last member, so every
 * deadlock is found when it comes to be, and no timer is needed. The list is as short as the
 * number of threads, so the search may be simple.
 *
 * Rejected: a lock table per row (the row's stamp is the lock); wake-ups per transaction
 * (waiting is rare, and a broadcast needs no bookkeeping when objects are recycled).
 *
 * Invariant I5: a waiting transaction's `locks` do not change; they are read by others under
 * the wait mutex.
 */
#include "txn/txn_int.h"

enum {
    SLICE = 20 * 1000 * 1000 /* ns between looks at the interrupt */
};

static txn_transaction *waiting_by_id(const txn_manager *manager, uint64_t id)
{
    for (txn_transaction *each = manager->waiting; each; each = each->next_waiting) {
        if (each->snapshot.self == id)
            return each;
    }
    return NULL;
}

static const txn_held_lock *find_held(const txn_transaction *transaction, const txn_lock *lock)
{
    for (uint32_t i = transaction->lock_count; i > 0; i--) {
        if (transaction->locks[i - 1].lock == lock)
            return &transaction->locks[i - 1];
    }
    return NULL;
}

/* Marks those that `waiter` waits for directly; true when `self` is among them. */
static bool mark_successors(const txn_manager *manager, const txn_transaction *waiter,
                            const txn_transaction *self)
{
    if (waiter->wait_kind == TXN_WAIT_ID) {
        if (waiter->wait_id == self->snapshot.self)
            return true;
        txn_transaction *holder = waiting_by_id(manager, waiter->wait_id);
        if (holder && !holder->wait_reached)
            holder->wait_reached = true;
        return false;
    }
    for (txn_transaction *each = manager->waiting; each; each = each->next_waiting) {
        if (each == waiter || !find_held(each, waiter->wait_lock))
            continue;
        if (each == self)
            return true;
        each->wait_reached = true;
    }
    return false;
}

/* Would `self`, already in the list, close a circle? */
static bool closes_circle(txn_manager *manager, const txn_transaction *self)
{
    for (txn_transaction *each = manager->waiting; each; each = each->next_waiting)
        each->wait_reached = false;
    if (mark_successors(manager, self, self))
        return true;
    bool found_more = true;
    while (found_more) {
        uint32_t reached = 0, after = 0;
        for (txn_transaction *each = manager->waiting; each; each = each->next_waiting)
            reached += each->wait_reached;
        for (txn_transaction *each = manager->waiting; each; each = each->next_waiting) {
            if (each->wait_reached && each != self && mark_successors(manager, each, self))
                return true;
        }
        for (txn_transaction *each = manager->waiting; each; each = each->next_waiting)
            after += each->wait_reached;
        found_more = after > reached;
    }
    return false;
}

/* Under the wait mutex. The transaction says what it waits for... */
static base_status enter(txn_transaction *transaction, txn_wait_kind kind, uint64_t id,
                         const txn_lock *lock, base_error *error)
{
    txn_manager *manager = transaction->manager;
    transaction->wait_kind = kind;
    transaction->wait_id = id;
    transaction->wait_lock = lock;
    transaction->next_waiting = manager->waiting;
    manager->waiting = transaction;
    if (!closes_circle(manager, transaction))
        return BASE_OK;
    base_error_set(error, BASE_DEADLOCK, "transactions wait for each other");
    base_error_set_hint(error, "this transaction was chosen to give way: run it again");
    return BASE_DEADLOCK;
}

/* ... and leaves the list. */
static void leave(txn_transaction *transaction)
{
    txn_transaction **link = &transaction->manager->waiting;
    while (*link != transaction)
        link = &(*link)->next_waiting;
    *link = transaction->next_waiting;
    transaction->wait_kind = TXN_WAIT_NONE;
}

/* One sleep of at most a slice. */
static base_status sleep_a_while(txn_transaction *transaction, int64_t deadline, base_error *error)
{
    txn_manager *manager = transaction->manager;
    if (transaction->interrupted && transaction->interrupted(transaction->interrupt_context))
        return base_error_set(error, BASE_INTERRUPTED, "cancelled while waiting for a lock");
    int64_t nap = SLICE;
    if (deadline >= 0) {
        int64_t left = deadline - manager->environment->monotonic_clock(manager->environment);
        if (left <= 0)
            return base_error_set(error, BASE_LOCK_TIMEOUT,
                                  "another transaction held a lock for too long");
        nap = BASE_MIN(nap, left);
    }
    (void)os_condition_wait_for(&manager->ended, &manager->wait_mutex, nap);
    return BASE_OK;
}

static int64_t deadline_of(const txn_transaction *transaction)
{
    os_environment *environment = transaction->manager->environment;
    int64_t timeout = transaction->lock_timeout, deadline;
    if (timeout < 0 || __builtin_mul_overflow(timeout, 1000, &timeout) ||
        __builtin_add_overflow(environment->monotonic_clock(environment), timeout, &deadline))
        return -1;
    return deadline;
}

void txn_wake_waiters(txn_manager *manager)
{
    os_mutex_lock(&manager->wait_mutex);
    os_condition_broadcast(&manager->ended);
    os_mutex_unlock(&manager->wait_mutex);
}

/* Under the wait mutex: until the transaction with this id has ended. */
static base_status wait_for_end(txn_transaction *transaction, uint64_t id, base_error *error)
{
    txn_manager *manager = transaction->manager;
    const txn_transaction *holder = txn_object_at(manager, (uint32_t)(id & (TXN_MAX_OBJECTS - 1)));
    int64_t deadline = deadline_of(transaction);
    base_status status = enter(transaction, TXN_WAIT_ID, id, NULL, error);
    while (status == BASE_OK && atomic_load(&holder->id) == id)
        status = sleep_a_while(transaction, deadline, error);
    leave(transaction);
    return status;
}

base_status txn_wait_for(txn_transaction *transaction, uint64_t id, base_error *error)
{
    txn_manager *manager = transaction->manager;
    BASE_ASSERT(id & TXN_ID_BIT && id != transaction->snapshot.self);
    atomic_fetch_add(&manager->waiter_count, 1);
    os_mutex_lock(&manager->wait_mutex);
    base_status status = wait_for_end(transaction, id, error);
    os_mutex_unlock(&manager->wait_mutex);
    atomic_fetch_sub(&manager->waiter_count, 1);
    return status;
}

/* ---- Claims --------------------------------------------------------------------------------- */
/*
 * Who wants a unique key first writes its row and its index entry, then looks at the others
 * that have the key. Two may find each other that way. The one that decides to wait says so
 * here, under the wait mutex; the other, about to wait as well, then sees it and need not:
 * before the first may have the key it looks again, and finds the second there. (It takes the
 * word back before it looks; the second had its entry in the index before it saw the word.)
 */

bool txn_waits_to_claim(const txn_manager *manager, uint64_t id, const txn_claim *claim)
{
    const txn_transaction *other = txn_object_at(manager, (uint32_t)(id & (TXN_MAX_OBJECTS - 1)));
    return atomic_load(&other->claim_object) == claim->object &&
           atomic_load(&other->claim_place) == claim->place && atomic_load(&other->id) == id;
}

base_status txn_wait_to_claim(txn_transaction *transaction, uint64_t id, const txn_claim *own,
                              const txn_claim *others, base_error *error)
{
    txn_manager *manager = transaction->manager;
    base_status status = BASE_OK;
    BASE_ASSERT(id & TXN_ID_BIT && id != transaction->snapshot.self);
    BASE_ASSERT(own->object && (!others || own->place != others->place));
    atomic_fetch_add(&manager->waiter_count, 1);
    os_mutex_lock(&manager->wait_mutex);
    if (!others || !txn_waits_to_claim(manager, id, others)) {
        atomic_store(&transaction->claim_place, own->place);
        atomic_store(&transaction->claim_object, own->object);
        status = wait_for_end(transaction, id, error);
        atomic_store(&transaction->claim_object, NULL);
    }
    os_mutex_unlock(&manager->wait_mutex);
    atomic_fetch_sub(&manager->waiter_count, 1);
    return status;
}

/* ---- Locks to the transaction's end ----------------------------------------------------- */

void txn_lock_init(txn_lock *lock, void (*keep)(txn_lock *lock), void (*drop)(txn_lock *lock))
{
    lock->keep = keep;
    lock->drop = drop;
    atomic_init(&lock->state, 0);
    atomic_init(&lock->exclusive, 0);
}

bool txn_lock_is_held(const txn_transaction *transaction, const txn_lock *lock)
{
    return find_held(transaction, lock) != NULL;
}

/* The entry of a lock, made if missing; NULL: no memory. */
static txn_held_lock *hold(txn_transaction *transaction, txn_lock *lock)
{
    for (uint32_t i = transaction->lock_count; i > 0; i--) {
        if (transaction->locks[i - 1].lock == lock)
            return &transaction->locks[i - 1];
    }
    if (!base_grow_array(transaction->manager->budget, &transaction->locks,
                         &transaction->lock_capacity, transaction->lock_count + 1,
                         sizeof *transaction->locks))
        return NULL;
    txn_held_lock *held = &transaction->locks[transaction->lock_count++];
    *held = (txn_held_lock){.lock = lock};
    return held;
}

/* Waits, under the mutex, while somebody else has or wants the lock exclusively. */
static base_status wait_for_exclusive(txn_transaction *transaction, txn_lock *lock,
                                      base_error *error)
{
    int64_t deadline = deadline_of(transaction);
    base_status status = BASE_OK;
    while (status == BASE_OK) {
        uint64_t owner = atomic_load_explicit(&lock->exclusive, memory_order_relaxed);
        if (owner == 0 || owner == transaction->snapshot.self)
            return BASE_OK;
        status = enter(transaction, TXN_WAIT_ID, owner, NULL, error);
        if (status == BASE_OK)
            status = sleep_a_while(transaction, deadline, error);
        leave(transaction);
    }
    return status;
}

static base_status lock_shared_slow(txn_transaction *transaction, txn_lock *lock, base_error *error)
{
    txn_manager *manager = transaction->manager;
    atomic_fetch_add(&manager->waiter_count, 1);
    os_mutex_lock(&manager->wait_mutex);
    base_status status = wait_for_exclusive(transaction, lock, error);
    if (status == BASE_OK)
        atomic_fetch_add_explicit(&lock->state, 1, memory_order_acquire);
    os_mutex_unlock(&manager->wait_mutex);
    atomic_fetch_sub(&manager->waiter_count, 1);
    return status;
}

base_status txn_lock_shared(txn_transaction *transaction, txn_lock *lock, base_error *error)
{
    if (BASE_LIKELY(find_held(transaction, lock) != NULL))
        return BASE_OK;
    txn_held_lock *held = hold(transaction, lock);
    if (!held)
        return base_error_no_memory(error);
    uint64_t before = atomic_fetch_add_explicit(&lock->state, 1, memory_order_acquire);
    if (BASE_UNLIKELY(before & TXN_LOCK_EXCLUSIVE)) {
        atomic_fetch_sub_explicit(&lock->state, 1, memory_order_release);
        transaction->lock_count--;              /* not held while it waits */
        txn_wake_waiters(transaction->manager); /* may have counted us */
        RETURN_IF_ERROR(lock_shared_slow(transaction, lock, error));
        held = &transaction->locks[transaction->lock_count++];
    }
    held->shared = true;
    if (lock->keep)
        lock->keep(lock);
    return BASE_OK;
}

/* Waits, under the mutex, until nobody else shares the lock. */
static base_status wait_for_sharers(txn_transaction *transaction, txn_lock *lock, bool shares,
                                    base_error *error)
{
    int64_t deadline = deadline_of(transaction);
    base_status status = enter(transaction, TXN_WAIT_LOCK, 0, lock, error);
    while (status == BASE_OK && (atomic_load_explicit(&lock->state, memory_order_acquire) &
                                 ~TXN_LOCK_EXCLUSIVE) > (shares ? 1u : 0u))
        status = sleep_a_while(transaction, deadline, error);
    leave(transaction);
    return status;
}

base_status txn_lock_exclusive(txn_transaction *transaction, txn_lock *lock, base_error *error)
{
    txn_manager *manager = transaction->manager;
    txn_held_lock *held = hold(transaction, lock);
    if (!held)
        return base_error_no_memory(error);
    if (held->exclusive)
        return BASE_OK;
    if (!held->shared)
        transaction->lock_count--; /* others must not see it before it is held */
    bool shares = held->shared;
    atomic_fetch_add(&manager->waiter_count, 1);
    os_mutex_lock(&manager->wait_mutex);
    base_status status = wait_for_exclusive(transaction, lock, error);
    if (status == BASE_OK) {
        /* New sharers are held off from here on. */
        atomic_store(&lock->exclusive, transaction->snapshot.self);
        atomic_fetch_or(&lock->state, TXN_LOCK_EXCLUSIVE);
        status = wait_for_sharers(transaction, lock, shares, error);
        if (status != BASE_OK) {
            atomic_store(&lock->exclusive, 0);
            atomic_fetch_and(&lock->state, ~TXN_LOCK_EXCLUSIVE);
            os_condition_broadcast(&manager->ended);
        }
    }
    os_mutex_unlock(&manager->wait_mutex);
    atomic_fetch_sub(&manager->waiter_count, 1);
    if (status != BASE_OK)
        return status;
    if (!shares) {
        held = &transaction->locks[transaction->lock_count++];
        if (lock->keep)
            lock->keep(lock);
    }
    held->exclusive = true;
    return BASE_OK;
}

/* Lets others have the locks. The list stays: what they lie in is still needed by undo. */
void txn_locks_release(txn_transaction *transaction)
{
    txn_manager *manager = transaction->manager;
    for (uint32_t i = transaction->lock_count; i > 0; i--) {
        txn_held_lock *held = &transaction->locks[i - 1];
        bool wake = held->exclusive;
        if (held->exclusive) {
            os_mutex_lock(&manager->wait_mutex);
            atomic_store(&held->lock->exclusive, 0);
            atomic_fetch_and(&held->lock->state, ~TXN_LOCK_EXCLUSIVE);
            os_mutex_unlock(&manager->wait_mutex);
        }
        if (held->shared)
            wake |= (atomic_fetch_sub_explicit(&held->lock->state, 1, memory_order_acq_rel) &
                     TXN_LOCK_EXCLUSIVE) != 0;
        held->shared = held->exclusive = false;
        if (wake)
            txn_wake_waiters(manager);
    }
}

void txn_locks_drop(txn_transaction *transaction)
{
    while (transaction->lock_count > 0) {
        txn_lock *lock = transaction->locks[--transaction->lock_count].lock;
        if (lock->drop)
            lock->drop(lock);
    }
}
