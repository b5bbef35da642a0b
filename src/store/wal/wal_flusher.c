/*
 * wal_flusher.c - the thread that syncs once a second in normal mode.
 *
 * It exists only while there is something to sync: started by the first commit after quiet,
 * it ends after a second without one. So an idle database has no thread, and the promise
 * (at most a second is lost) needs no next commit to be kept. Where the system refuses a
 * thread, the commit that finds the log unsynced does the sync itself.
 *
 * Data race watch: log->durable_sequence is written under the mutex here while a leader in
 * full mode writes it without; both cannot be, as a leader in full mode syncs inside its
 * lead and wal_sync_locked waits for it and takes the lead to start.
 */
#include "store/wal/wal_int.h"

static void flusher_main(void *argument)
{
    wal_log *log = argument;
    os_mutex_lock(&log->mutex);
    while (!log->closing) {
        os_condition_wait_for(&log->flusher_wake, &log->mutex, WAL_FLUSH_INTERVAL);
        if (log->closing || !log->unsynced || log->failure != BASE_OK)
            break;
        (void)wal_sync_locked(log, NULL); /* a failure is kept in the log */
    }
    log->flusher_running = false;
    os_mutex_unlock(&log->mutex);
}

void wal_flusher_start(wal_log *log)
{
    BASE_ASSERT(!log->flusher_running);
    if (log->closing)
        return;
    if (log->flusher) {
        /* It has left its last mutex section, as we are in one: this does not wait long. */
        os_thread_join(log->flusher);
        log->flusher = NULL;
    }
    log->flusher_running = true;
    if (os_thread_start(log->budget, flusher_main, log, &log->flusher, NULL) != BASE_OK) {
        log->flusher = NULL;
        log->flusher_running = false;
        (void)wal_sync_locked(log, NULL);
    }
}

void wal_flusher_stop(wal_log *log)
{
    os_mutex_lock(&log->mutex);
    log->closing = true;
    os_condition_signal(&log->flusher_wake);
    os_mutex_unlock(&log->mutex);
    if (log->flusher)
        os_thread_join(log->flusher);
    log->flusher = NULL;
}
