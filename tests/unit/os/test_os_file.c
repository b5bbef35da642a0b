/*
 * test_os_file.c - files of the real and the in-memory environment answer alike.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "unit/unit.h"
#include "os/os.h"

typedef struct fixture {
    base_budget budget;
    os_environment *environment;
    char directory[64];
    char path[96];
} fixture;

static void start(fixture *self, bool memory)
{
    unit_budget_init(&self->budget);
    strcpy(self->directory, "/tmp/tuff-test-XXXXXX");
    assert_non_null(mkdtemp(self->directory));
    snprintf(self->path, sizeof self->path, "%s/file", self->directory);
    self->environment = os_posix_environment();
    if (memory)
        unit_assert_ok(os_memory_environment_create(&self->budget, &self->environment, NULL));
}

static void stop(fixture *self, bool memory)
{
    unit_assert_ok(self->environment->remove(self->environment, self->path, NULL));
    if (memory)
        os_memory_environment_destroy(self->environment);
    rmdir(self->directory);
    unit_budget_check(&self->budget);
}

static os_file *open_file(fixture *self, uint32_t flags)
{
    os_file *file = NULL;
    unit_assert_ok(os_file_open(self->environment, &self->budget, self->path, flags, &file, NULL));
    return file;
}

static void read_write_resize(bool memory)
{
    fixture self;
    start(&self, memory);
    os_file *file = open_file(&self, OS_OPEN_READ | OS_OPEN_WRITE | OS_OPEN_CREATE);
    char block[50000], back[50000];
    for (size_t i = 0; i < sizeof block; i++)
        block[i] = (char)(i * 7);
    unit_assert_ok(os_file_write(file, 12345, block, sizeof block, NULL));
    uint64_t size = 0;
    unit_assert_ok(file->operations->size(file, &size, NULL));
    assert_int_equal(size, 12345 + sizeof block);
    unit_assert_ok(os_file_read(file, 12345, back, sizeof back, NULL));
    assert_memory_equal(block, back, sizeof back);
    /* The hole before is zeros. */
    unit_assert_ok(os_file_read(file, 0, back, 12345, NULL));
    for (size_t i = 0; i < 12345; i++)
        assert_int_equal(back[i], 0);
    /* A read over the end fills with zeros, a strict one is refused. */
    size_t got = 99;
    memset(back, 1, sizeof back);
    unit_assert_ok(os_file_read_some(file, size - 10, back, 100, &got, NULL));
    assert_int_equal(got, 10);
    assert_int_equal(back[10], 0);
    base_error error;
    base_error_clear(&error);
    assert_int_equal(os_file_read(file, size - 10, back, 100, &error), BASE_CORRUPT);
    assert_non_null(strstr(error.message, self.path));
    /* Shrinking and growing again does not bring bytes back. */
    unit_assert_ok(file->operations->set_size(file, 12346, NULL));
    unit_assert_ok(file->operations->set_size(file, 70000, NULL));
    unit_assert_ok(os_file_read(file, 12345, back, 10, NULL));
    assert_int_equal(back[0], block[0]);
    assert_int_equal(back[1], 0);
    unit_assert_ok(file->operations->reserve(file, 100000, NULL));
    unit_assert_ok(file->operations->size(file, &size, NULL));
    assert_int_equal(size, 70000);
    unit_assert_ok(os_file_sync(file, NULL));
    assert_int_equal(atomic_load(&file->counters.writes), 1);
    assert_int_equal(atomic_load(&file->counters.syncs), 1);
    os_file_close(file);
    stop(&self, memory);
}

static void names_and_flags(bool memory)
{
    fixture self;
    start(&self, memory);
    base_error error;
    base_error_clear(&error);
    os_file *file = NULL;
    assert_int_equal(
        os_file_open(self.environment, &self.budget, self.path, OS_OPEN_READ, &file, &error),
        BASE_CANNOT_OPEN);
    assert_null(file);
    assert_non_null(strstr(error.message, self.path));
    bool exists = true;
    unit_assert_ok(self.environment->exists(self.environment, self.path, &exists, NULL));
    assert_false(exists);
    file = open_file(&self, OS_OPEN_READ | OS_OPEN_WRITE | OS_OPEN_CREATE | OS_OPEN_EXCLUSIVE);
    os_file *again = NULL;
    assert_int_equal(os_file_open(self.environment, &self.budget, self.path,
                                  OS_OPEN_READ | OS_OPEN_WRITE | OS_OPEN_CREATE | OS_OPEN_EXCLUSIVE,
                                  &again, NULL),
                     BASE_CANNOT_OPEN);
    again = open_file(&self, OS_OPEN_READ);
    assert_memory_equal(file->identity, again->identity, sizeof file->identity);
    unit_assert_ok(os_file_write(file, 0, "abc", 3, NULL));
    unit_assert_ok(self.environment->sync_directory(self.environment, self.path, NULL));
    /* Removed but open: the bytes stay readable. */
    unit_assert_ok(self.environment->remove(self.environment, self.path, NULL));
    unit_assert_ok(self.environment->exists(self.environment, self.path, &exists, NULL));
    assert_false(exists);
    char back[3];
    unit_assert_ok(os_file_read(again, 0, back, 3, NULL));
    assert_memory_equal(back, "abc", 3);
    os_file_close(again);
    os_file_close(file);
    os_file *temporary = NULL;
    unit_assert_ok(os_file_open(self.environment, &self.budget, NULL,
                                OS_OPEN_READ | OS_OPEN_WRITE | OS_OPEN_TEMPORARY, &temporary,
                                NULL));
    unit_assert_ok(os_file_write(temporary, 5, "abc", 3, NULL));
    unit_assert_ok(os_file_read(temporary, 5, back, 3, NULL));
    os_file_close(temporary);
    stop(&self, memory);
}

static void locks(bool memory)
{
    fixture self;
    start(&self, memory);
    os_file *one = open_file(&self, OS_OPEN_READ | OS_OPEN_WRITE | OS_OPEN_CREATE);
    os_file *two = open_file(&self, OS_OPEN_READ | OS_OPEN_WRITE);
    base_error error;
    base_error_clear(&error);
    unit_assert_ok(one->operations->lock(one, true, NULL));
    unit_assert_ok(one->operations->lock(one, true, NULL));
    assert_int_equal(two->operations->lock(two, true, &error), BASE_FILE_LOCKED);
    assert_non_null(strstr(error.message, self.path));
    assert_int_equal(two->operations->lock(two, false, NULL), BASE_FILE_LOCKED);
    one->operations->unlock(one);
    unit_assert_ok(two->operations->lock(two, false, NULL));
    unit_assert_ok(one->operations->lock(one, false, NULL));
    assert_int_equal(one->operations->lock(one, true, NULL), BASE_FILE_LOCKED);
    os_file_close(two); /* gives its lock back */
    unit_assert_ok(one->operations->lock(one, true, NULL));
    os_file_close(one);
    stop(&self, memory);
}

static void lock_names_the_process_that_holds_it(void **state)
{
    (void)state;
    fixture self;
    start(&self, false);
    os_file *file = open_file(&self, OS_OPEN_READ | OS_OPEN_WRITE | OS_OPEN_CREATE);
    unit_assert_ok(file->operations->lock(file, true, NULL));
    char expected[32];
    snprintf(expected, sizeof expected, "process %ld", (long)getpid());
    pid_t child = fork();
    if (child == 0) {
        os_file *other = NULL;
        base_error error;
        base_error_clear(&error);
        base_budget budget;
        base_budget_init(&budget, NULL, &base_libc_allocator, "child", SIZE_MAX);
        bool right = os_file_open(self.environment, &budget, self.path,
                                  OS_OPEN_READ | OS_OPEN_WRITE, &other, NULL) == BASE_OK &&
                     other->operations->lock(other, true, &error) == BASE_FILE_LOCKED &&
                     strstr(error.message, expected) != NULL;
        _exit(right ? 0 : 1);
    }
    int status = 0;
    waitpid(child, &status, 0);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    os_file_close(file);
    stop(&self, false);
}

static void pipes_are_read_in_order(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], "hello", 5), 5);
    close(ends[1]);
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", ends[0]);
    base_budget budget;
    unit_budget_init(&budget);
    os_file *file = NULL;
    unit_assert_ok(os_file_open(os_posix_environment(), &budget, path, OS_OPEN_READ, &file, NULL));
    char back[8];
    size_t got = 0;
    unit_assert_ok(os_file_read_some(file, 0, back, 2, &got, NULL));
    assert_int_equal(got, 2);
    unit_assert_ok(os_file_read_some(file, 2, back + 2, 6, &got, NULL));
    assert_int_equal(got, 3);
    assert_memory_equal(back, "hello", 5);
    unit_assert_ok(os_file_read_some(file, 5, back, 8, &got, NULL));
    assert_int_equal(got, 0);
    os_file_close(file);
    close(ends[0]);
    unit_budget_check(&budget);
}

/* A writer that were also a reader of its pipe would never learn that the other one has gone,
 * and would wait for ever once the pipe is full; and its signal is the host's. */
static void a_pipe_without_readers_is_an_error_and_no_signal(void **state)
{
    (void)state;
    fixture self;
    start(&self, false);
    assert_int_equal(mkfifo(self.path, 0600), 0);
    int reader = open(self.path, O_RDONLY | O_NONBLOCK);
    assert_true(reader >= 0);
    os_file *file = open_file(&self, OS_OPEN_WRITE | OS_OPEN_CREATE);
    unit_assert_ok(os_file_write(file, 0, "abc", 3, NULL));
    char back[3];
    assert_int_equal(read(reader, back, 3), 3);
    close(reader);
    base_error error;
    base_error_clear(&error);
    assert_int_equal(os_file_write(file, 3, "abc", 3, &error), BASE_IO_ERROR);
    assert_non_null(strstr(error.message, self.path));
    /* Nothing of it is left for the host: neither the signal nor our mask. */
    sigset_t signals;
    assert_int_equal(sigpending(&signals), 0);
    assert_false(sigismember(&signals, SIGPIPE));
    assert_int_equal(sigprocmask(SIG_BLOCK, NULL, &signals), 0);
    assert_false(sigismember(&signals, SIGPIPE));
    os_file_close(file);
    stop(&self, false);
}

static void open_and_write_survive_every_failed_allocation(void **state)
{
    (void)state;
    bool finished = false;
    for (uint64_t fail_at = 1; !finished; fail_at++) {
        unit_allocator allocator;
        unit_allocator_init(&allocator, fail_at, false);
        base_budget budget;
        base_budget_init(&budget, NULL, &allocator.allocator, "test", SIZE_MAX);
        os_environment *environment = NULL;
        os_file *file = NULL;
        base_status status = os_memory_environment_create(&budget, &environment, NULL);
        if (status == BASE_OK)
            status = os_file_open(environment, &budget, "a",
                                  OS_OPEN_WRITE | OS_OPEN_READ | OS_OPEN_CREATE, &file, NULL);
        if (status == BASE_OK)
            status = os_file_write(file, 100000, "x", 1, NULL);
        finished = status == BASE_OK;
        assert_true(finished || status == BASE_OUT_OF_MEMORY);
        os_file_close(file);
        os_memory_environment_destroy(environment);
        unit_budget_check(&budget);
        assert_true(fail_at < 50);
    }
}

static void directories_are_no_databases(void **state)
{
    (void)state;
    base_budget budget;
    unit_budget_init(&budget);
    os_file *file = NULL;
    base_error error;
    base_error_clear(&error);
    assert_int_equal(
        os_file_open(os_posix_environment(), &budget, "/tmp", OS_OPEN_READ, &file, &error),
        BASE_CANNOT_OPEN);
    unit_budget_check(&budget);
}

static void posix_read_write_resize(void **state)
{
    (void)state;
    read_write_resize(false);
}
static void memory_read_write_resize(void **state)
{
    (void)state;
    read_write_resize(true);
}
static void posix_names_and_flags(void **state)
{
    (void)state;
    names_and_flags(false);
}
static void memory_names_and_flags(void **state)
{
    (void)state;
    names_and_flags(true);
}
static void posix_locks(void **state)
{
    (void)state;
    locks(false);
}
static void memory_locks(void **state)
{
    (void)state;
    locks(true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(posix_read_write_resize),
        cmocka_unit_test(memory_read_write_resize),
        cmocka_unit_test(posix_names_and_flags),
        cmocka_unit_test(memory_names_and_flags),
        cmocka_unit_test(posix_locks),
        cmocka_unit_test(memory_locks),
        cmocka_unit_test(lock_names_the_process_that_holds_it),
        cmocka_unit_test(pipes_are_read_in_order),
        cmocka_unit_test(a_pipe_without_readers_is_an_error_and_no_signal),
        cmocka_unit_test(open_and_write_survive_every_failed_allocation),
        cmocka_unit_test(directories_are_no_databases),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
