/*
 * rwlock.c - a lock that readers share, over a mutex and a condition.
 *
 * Not pthread_rwlock_t: its default starves writers, and the simulator would have to know a
 * third kind of object. This one costs a short mutex section on each side, which is right
 * for locks held over I/O or a memcpy of many kilobytes; what is taken per row uses latches
 * (os_latch.h).
 *
 * A waiting writer holds back new readers (`writers_waiting`), so it gets in once those
 * inside have left.
 */
#include "os/os_int.h"

void os_rwlock_init(os_rwlock *lock)
{
    os_mutex_init(&lock->mutex);
    os_condition_init(&lock->changed);
    lock->readers = 0;
    lock->writers_waiting = 0;
}

void os_rwlock_destroy(os_rwlock *lock)
{
    BASE_ASSERT(lock->readers == 0 && lock->writers_waiting == 0);
    os_condition_destroy(&lock->changed);
    os_mutex_destroy(&lock->mutex);
}

void os_rwlock_read_lock(os_rwlock *lock)
{
    os_mutex_lock(&lock->mutex);
    while (lock->readers < 0 || lock->writers_waiting > 0)
        os_condition_wait(&lock->changed, &lock->mutex);
    lock->readers++;
    os_mutex_unlock(&lock->mutex);
}

void os_rwlock_read_unlock(os_rwlock *lock)
{
    os_mutex_lock(&lock->mutex);
    BASE_ASSERT(lock->readers > 0);
    if (--lock->readers == 0 && lock->writers_waiting > 0)
        os_condition_broadcast(&lock->changed);
    os_mutex_unlock(&lock->mutex);
}

void os_rwlock_write_lock(os_rwlock *lock)
{
    os_mutex_lock(&lock->mutex);
    lock->writers_waiting++;
    while (lock->readers != 0)
        os_condition_wait(&lock->changed, &lock->mutex);
    lock->writers_waiting--;
    lock->readers = -1;
    os_mutex_unlock(&lock->mutex);
}

void os_rwlock_write_unlock(os_rwlock *lock)
{
    os_mutex_lock(&lock->mutex);
    BASE_ASSERT(lock->readers == -1);
    lock->readers = 0;
    os_condition_broadcast(&lock->changed);
    os_mutex_unlock(&lock->mutex);
}
