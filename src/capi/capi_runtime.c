/*
 * capi_runtime.c - runtimes: those that a host makes, and the process's own.
 *
 * The default runtime is the library's only process-wide variable. It is counted: made by the
 * first tuff_open, destroyed with the last tuff_close, so that a program that closes what it
 * opened leaves neither threads nor memory behind.
 */
#include "capi/capi_int.h"

static struct {
    os_latch latch; /* zero is unlocked */
    tuff_runtime *runtime;
    uint32_t references;
} default_runtime;

static base_status runtime_create(const tuff_runtime_options *given, tuff_runtime **created,
                                  base_error *error)
{
    os_runtime_options options = {.worker_count = UINT32_MAX};
    const tuff_allocator *host = NULL;
    if (given) {
        if (given->struct_size < offsetof(tuff_runtime_options, allocator))
            return base_error_set(error, BASE_INVALID_PARAMETER, "struct_size is not set");
        options.worker_count = given->worker_count;
        options.memory_limit = (size_t)given->memory_limit;
        if (given->struct_size >= sizeof *given)
            host = given->allocator;
    }
    /* The handle itself comes from the host's allocator too. */
    tuff_runtime *runtime = host ? host->allocate(host->context, sizeof *runtime)
                                 : base_libc_allocator.allocate(NULL, sizeof *runtime);
    if (!runtime)
        return base_error_no_memory(error);
    memset(runtime, 0, sizeof *runtime);
    runtime->adapted =
        host ? (base_allocator){host->allocate, host->reallocate, host->release, host->context}
             : base_libc_allocator;
    runtime->allocator = &runtime->adapted;
    options.allocator = runtime->allocator;
    atomic_init(&runtime->databases, 0);
    base_status status = os_runtime_create(os_posix_environment(), &options, &runtime->os, error);
    if (status != BASE_OK) {
        base_allocator allocator = runtime->adapted;
        allocator.release(allocator.context, runtime, sizeof *runtime);
        return status;
    }
    *created = runtime;
    return BASE_OK;
}

static void runtime_destroy(tuff_runtime *runtime)
{
    base_allocator allocator = runtime->adapted;
    os_runtime_destroy(runtime->os);
    allocator.release(allocator.context, runtime, sizeof *runtime);
}

tuff_status tuff_runtime_create(const tuff_runtime_options *options, tuff_runtime **runtime)
{
    *runtime = NULL;
    return capi_status(runtime_create(options, runtime, NULL));
}

tuff_status tuff_runtime_destroy(tuff_runtime *runtime)
{
    if (!runtime)
        return TUFF_OK;
    if (atomic_load(&runtime->databases))
        return TUFF_MISUSE;
    runtime_destroy(runtime);
    return TUFF_OK;
}

base_status capi_default_runtime(tuff_runtime **runtime, base_error *error)
{
    base_status status = BASE_OK;
    os_latch_lock(&default_runtime.latch);
    if (!default_runtime.runtime)
        status = runtime_create(NULL, &default_runtime.runtime, error);
    if (status == BASE_OK)
        default_runtime.references++;
    *runtime = default_runtime.runtime;
    os_latch_unlock(&default_runtime.latch);
    return status;
}

void capi_release_default_runtime(tuff_runtime *runtime)
{
    tuff_runtime *last = NULL;
    os_latch_lock(&default_runtime.latch);
    BASE_ASSERT(runtime == default_runtime.runtime && default_runtime.references > 0);
    if (--default_runtime.references == 0) {
        last = default_runtime.runtime;
        default_runtime.runtime = NULL;
    }
    os_latch_unlock(&default_runtime.latch);
    if (last)
        runtime_destroy(last);
}
