/*
 * cache_check.c - does every granule belong to exactly one owner?
 *
 * A bitmap of the file is filled from what the caller reaches and from what this room knows
 * to be free, loose or awaiting. A granule claimed twice is reported where it happens; what
 * nobody claims is reported at the end, or freed by the checkpoint under way: that is how space
 * comes back whose owner was damaged when it was dropped. Nobody can take or give back what
 * nobody owns, so what other threads do meanwhile does not matter.
 */
#include "store/cache/cache_int.h"

struct cache_check {
    cache_file *file;
    void (*report)(void *context, const char *problem);
    void *context;
    uint64_t *claimed;
    uint64_t granules;
    unsigned char *buffer; /* for reading extents */
    size_t buffer_size;
};

static void BASE_PRINTF(2, 3) problem(const cache_check *check, const char *format, ...)
{
    char text[256];
    va_list arguments;
    if (!check->report)
        return;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    check->report(check->context, text);
}

static void claim(cache_check *check, cache_run run, const char *owner)
{
    if (run.start > check->granules || run.count > check->granules - run.start) {
        problem(check, "%s: extent at granule %llu lies outside the file", owner,
                (unsigned long long)run.start);
        return;
    }
    bool reported = false;
    for (uint64_t i = run.start; i < run.start + run.count; i++) {
        if (base_bit_get(check->claimed, i) && !reported) {
            problem(check, "%s: granule %llu belongs to something else, too", owner,
                    (unsigned long long)i);
            reported = true;
        }
        base_bit_set(check->claimed, i);
    }
}

static void claim_free(void *context, cache_run run)
{
    claim(context, run, "free space");
}
static void claim_loose(void *context, cache_run run)
{
    claim(context, run, "loose space");
}

static void claim_all(cache_check *check, const run_list *runs, const char *owner)
{
    for (uint32_t i = 0; i < runs->count; i++)
        claim(check, runs->runs[i], owner);
}

static size_t bitmap_size(uint64_t granules)
{
    return (size_t)((granules + 63) / 64 * 8);
}

base_status cache_check_start(cache_file *file, void (*report)(void *context, const char *problem),
                              void *context, cache_check **check, base_error *error)
{
    cache_check *self = base_allocate_zeroed(file->budget, sizeof *self);
    if (!self)
        return base_error_no_memory(error);
    self->file = file;
    self->report = report;
    self->context = context;
    os_mutex_lock(&file->mutex);
    self->granules = file->granules;
    self->claimed = base_allocate_zeroed(file->budget, bitmap_size(self->granules));
    if (self->claimed) {
        claim(self, (cache_run){0, CACHE_FIRST_GRANULE}, "headers");
        space_walk(&file->free, claim_free, self);
        space_walk(&file->loose, claim_loose, self);
        for (uint32_t i = 0; i < file->awaiting_count; i++)
            claim(self, file->awaiting[i].run, "freed space");
        claim_all(self, &file->written, "what the checkpoint wrote");
        claim_all(self, &file->adopted, "what the checkpoint adopted");
        claim_all(self, &file->freed, "what the checkpoint freed");
        if (!cache_reference_is_null(&file->header.free_map))
            claim(self, cache_run_of(&file->header.free_map), "free map");
        if (file->free.lost)
            problem(self, "%llu granules were lost for want of memory",
                    (unsigned long long)file->free.lost);
    }
    os_mutex_unlock(&file->mutex);
    if (!self->claimed) {
        base_free(file->budget, self, sizeof *self);
        return base_error_no_memory(error);
    }
    *check = self;
    return BASE_OK;
}

base_status cache_check_reference(cache_check *check, const cache_reference *reference, bool read,
                                  base_error *error)
{
    if (cache_reference_check(check->file, reference, NULL) != BASE_OK) {
        problem(check, "a reference to offset %llu (kind %u) is malformed",
                (unsigned long long)reference->offset, reference->kind);
        return BASE_OK;
    }
    char owner[64];
    snprintf(owner, sizeof owner, "extent of kind %u", reference->kind);
    claim(check, cache_run_of(reference), owner);
    if (!read)
        return BASE_OK;
    if (reference->length > check->buffer_size) {
        unsigned char *larger = base_reallocate(check->file->budget, check->buffer,
                                                check->buffer_size, reference->length);
        if (!larger)
            return base_error_no_memory(error);
        check->buffer = larger;
        check->buffer_size = reference->length;
    }
    base_error damage;
    base_error_clear(&damage);
    base_status status = cache_read(check->file, reference, check->buffer, &damage);
    if (status == BASE_CORRUPT)
        problem(check, "%s", damage.message);
    else if (status != BASE_OK)
        return base_error_set(error, status, "%s", damage.message);
    return BASE_OK;
}

base_status cache_check_finish(cache_check *check, base_error *error)
{
    (void)error;
    uint64_t unowned = 0, first = 0;
    for (uint64_t i = 0; i < check->granules; i++) {
        if (!base_bit_get(check->claimed, i) && unowned++ == 0)
            first = i;
    }
    if (unowned)
        problem(check, "%llu granules, the first at %llu, are neither reached nor free",
                (unsigned long long)unowned, (unsigned long long)first);
    cache_check_drop(check);
    return BASE_OK;
}

static bool free_run(cache_file *file, uint64_t start, uint64_t end)
{
    return start == end ||
           run_list_add(file->budget, &file->freed, (cache_run){start, end - start});
}

base_status cache_check_free_rest(cache_check *check, base_error *error)
{
    cache_file *file = check->file;
    bool noted = true;
    uint64_t start = 0; /* of a run that nobody owns */
    os_mutex_lock(&file->mutex);
    BASE_ASSERT(file->in_checkpoint);
    for (uint64_t i = 0; i < check->granules && noted; i++) {
        if (!base_bit_get(check->claimed, i))
            continue;
        noted = free_run(file, start, i);
        start = i + 1;
    }
    noted = noted && free_run(file, start, check->granules);
    if (noted)
        file->found = file->free.lost;
    os_mutex_unlock(&file->mutex);
    cache_check_drop(check);
    return noted ? BASE_OK : base_error_no_memory(error);
}

void cache_check_drop(cache_check *check)
{
    base_budget *budget = check->file->budget;
    base_free(budget, check->buffer, check->buffer_size);
    base_free(budget, check->claimed, bitmap_size(check->granules));
    base_free(budget, check, sizeof *check);
}
