/*
 * run.c - open runs: what head and filters tell, the extents, the integrity check.
 *
 * An open run is its reference and no more. The head is pinned for the time of a call, like
 * any other block: an index with ten runs that nobody uses costs nothing, and one that
 * everybody uses has its heads in the buffer cache.
 */
#include "index/run/run_int.h"

static base_status discard_extent(void *context, const cache_reference *reference,
                                  base_error *error)
{
    (void)error;
    cache_discard(context, reference);
    return BASE_OK;
}

base_status index_run_open(cache_file *file, base_budget *budget, const cache_reference *reference,
                           index_run **opened, base_error *error)
{
    if (reference->kind != CACHE_KIND_INDEX_RUN)
        return index_run_damaged(error);
    index_run *run = base_allocate_zeroed(budget, sizeof *run);
    if (!run)
        return base_error_no_memory(error);
    atomic_init(&run->references, 1);
    run->file = file;
    run->budget = budget;
    run->reference = *reference;
    run->discard = discard_extent;
    run->discard_context = file;
    *opened = run;
    return BASE_OK;
}

void index_run_keep(index_run *run)
{
    atomic_fetch_add_explicit(&run->references, 1, memory_order_relaxed);
}

void index_run_drop(index_run *run)
{
    if (!run || atomic_fetch_sub_explicit(&run->references, 1, memory_order_acq_rel) != 1)
        return;
    if (atomic_load(&run->loose))
        (void)index_run_visit(run, run->discard, run->discard_context, NULL);
    if (run->guarded)
        cache_leave(run->file, run->token);
    base_free(run->budget, run, sizeof *run);
}

void index_run_set_discard(index_run *run,
                           base_status (*discard)(void *context, const cache_reference *reference,
                                                  base_error *error),
                           void *context)
{
    run->discard = discard;
    run->discard_context = context;
}

void index_run_set_stamp(index_run *run, uint64_t stamp)
{
    atomic_store_explicit(&run->stamp, stamp, memory_order_release);
}

uint64_t index_run_stamp(const index_run *run)
{
    return atomic_load_explicit(&run->stamp, memory_order_acquire);
}

void index_run_guard(index_run *run, uint64_t token)
{
    BASE_ASSERT(!run->guarded);
    run->guarded = true;
    run->token = token;
}

const cache_reference *index_run_reference(const index_run *run)
{
    return &run->reference;
}

void index_run_set_loose(index_run *run, bool loose)
{
    atomic_store(&run->loose, loose);
}

bool index_run_is_loose(const index_run *run)
{
    return atomic_load(&run->loose);
}

/* ---- The head -------------------------------------------------------------------------------- */

/* The pin is the caller's to let go, also after a failure. */
static base_status pin_head(index_run *run, cache_pin *pin, run_head *head, base_error *error)
{
    *pin = (cache_pin){0};
    RETURN_IF_ERROR(cache_pin_extent(run->file, &run->reference, pin, error));
    return index_run_parse_head(pin->data, pin->length, head) ? BASE_OK : index_run_damaged(error);
}

base_status index_run_describe(index_run *run, index_run_info *info, base_error *error)
{
    cache_pin pin;
    run_head head;
    base_status status = pin_head(run, &pin, &head, error);
    if (status == BASE_OK)
        *info = (index_run_info){head.entry_count, head.byte_count + pin.length, head.leaf_count};
    cache_unpin(run->file, &pin);
    return status;
}

static base_status ask_filter(index_run *run, const cache_reference *reference, uint64_t hash,
                              bool *may, base_error *error)
{
    cache_pin pin;
    RETURN_IF_ERROR(cache_pin_extent(run->file, reference, &pin, error));
    *may = index_run_filter_has(pin.data, pin.length, hash);
    cache_unpin(run->file, &pin);
    return BASE_OK;
}

/* Is what begins with `key` below all of the run (negative), above (positive), or not? */
static int compare_with_run(const run_head *head, base_text key)
{
    if (base_text_compare(key, head->high) > 0)
        return 1;
    base_text low = {head->low.data, BASE_MIN(head->low.length, key.length)};
    return base_text_compare(key, low) < 0 ? -1 : 0;
}

/* Asks the filters of the nodes among which entries with this key would be: nearly always
 * one. */
static base_status ask_nodes(index_run *run, const run_head *head, base_text key, bool *may,
                             base_error *error)
{
    uint32_t place;
    uint64_t hash = index_run_filter_hash(key);
    if (!index_run_find_child(&head->nodes, key, true, &place))
        return index_run_damaged(error);
    for (; place < head->nodes.count && !*may; place++) {
        run_child child;
        cache_reference filter;
        if (!index_run_get_child(&head->nodes, place, &child))
            return index_run_damaged(error);
        base_text separator = {child.separator.data, BASE_MIN(child.separator.length, key.length)};
        if (base_text_compare(separator, key) > 0)
            return BASE_OK;
        cache_reference_load(&filter, child.fixed + CACHE_REFERENCE_SIZE);
        *may = true;
        if (!cache_reference_is_null(&filter))
            RETURN_IF_ERROR(ask_filter(run, &filter, hash, may, error));
    }
    return BASE_OK;
}

base_status index_run_head_may_have(index_run *run, const run_head *head, base_text key, bool *may,
                                    base_error *error)
{
    *may = false;
    return compare_with_run(head, key) == 0 ? ask_nodes(run, head, key, may, error) : BASE_OK;
}

base_status index_run_may_have(index_run *run, base_text key, bool *may, base_error *error)
{
    cache_pin pin;
    run_head head;
    *may = false;
    base_status status = pin_head(run, &pin, &head, error);
    if (status == BASE_OK)
        status = index_run_head_may_have(run, &head, key, may, error);
    cache_unpin(run->file, &pin);
    return status;
}

/* ---- Extents --------------------------------------------------------------------------------- */

typedef base_status (*extent_visitor)(void *context, const cache_reference *reference,
                                      base_error *error);

static base_status visit_leaves(const cache_pin *pin, extent_visitor visit, void *context,
                                base_error *error)
{
    run_directory directory;
    if (!index_run_parse_node(pin->data, pin->length, &directory))
        return index_run_damaged(error);
    for (uint32_t i = 0; i < directory.count; i++) {
        run_child child;
        cache_reference leaf;
        if (!index_run_get_child(&directory, i, &child))
            return index_run_damaged(error);
        cache_reference_load(&leaf, child.fixed);
        RETURN_IF_ERROR(visit(context, &leaf, error));
    }
    return BASE_OK;
}

base_status index_run_visit_node(cache_file *file, const cache_reference *node,
                                 const cache_reference *filter, extent_visitor visit, void *context,
                                 base_error *error)
{
    cache_pin pin;
    RETURN_IF_ERROR(cache_pin_extent(file, node, &pin, error));
    base_status status = visit_leaves(&pin, visit, context, error);
    cache_unpin(file, &pin);
    if (status == BASE_OK && !cache_reference_is_null(filter))
        status = visit(context, filter, error);
    return status == BASE_OK ? visit(context, node, error) : status;
}

base_status index_run_visit(index_run *run, extent_visitor visit, void *context, base_error *error)
{
    cache_pin pin;
    run_head head;
    base_status status = pin_head(run, &pin, &head, error);
    for (uint32_t i = 0; status == BASE_OK && i < head.nodes.count; i++) {
        run_child child;
        cache_reference node, filter;
        if (!index_run_get_child(&head.nodes, i, &child)) {
            status = index_run_damaged(error);
            break;
        }
        cache_reference_load(&node, child.fixed);
        cache_reference_load(&filter, child.fixed + CACHE_REFERENCE_SIZE);
        status = index_run_visit_node(run->file, &node, &filter, visit, context, error);
    }
    cache_unpin(run->file, &pin);
    return status == BASE_OK ? visit(context, &run->reference, error) : status;
}
