/*
 * expr_set.c - IN lists.
 *
 * A list without slots becomes a set when the first row needs it: open addressing over the cells,
 * at most half full, so a probe is a hash and about one compare however long the list is.
 * (Short lists over a bare column never come here: expr_compile.c makes them an OR of comparisons,
 * which dictionaries and selections speed up.) A list with slots is compared argument by
 * argument on the rows that are still open.
 *
 * Rejected: a sorted array (log n mispredicted branches a row).
 */
#include "expr/expr_int.h"

struct expr_set {
    types_form form;
    bool has_null;
    uint32_t count; /* distinct values */
    uint32_t mask;  /* table size - 1 */
    uint8_t *used;
    types_cell *cells;
};

/* Cells of up to eight bytes by value; the upper bytes of such a cell may be anything. */
BASE_INLINE bool is_machine_integer(types_form form)
{
    return form == TYPES_FORM_INT64 || form == TYPES_FORM_INT32 || form == TYPES_FORM_UINT64;
}

BASE_INLINE int64_t integer_of(types_form form, const types_cell *cell)
{
    return form == TYPES_FORM_INT32 ? cell->int32 : cell->int64;
}

static bool set_has_integer(const expr_set *set, int64_t value)
{
    for (uint32_t at = (uint32_t)base_hash_u64((uint64_t)value) & set->mask; set->used[at];
         at = (at + 1) & set->mask)
        if (set->cells[at].int64 == value)
            return true;
    return false;
}

/* Where the value is or would go. */
static uint32_t find_cell(const expr_set *set, const types_cell *cell)
{
    uint32_t at = (uint32_t)types_cell_hash(set->form, cell) & set->mask;
    while (set->used[at] && types_cell_compare(set->form, &set->cells[at], cell) != 0)
        at = (at + 1) & set->mask;
    return at;
}

static bool set_has(const expr_set *set, const types_cell *cell)
{
    if (is_machine_integer(set->form))
        return set_has_integer(set, integer_of(set->form, cell));
    return set->used[find_cell(set, cell)];
}

static void set_add(expr_set *set, const types_cell *cell)
{
    uint32_t at;
    if (is_machine_integer(set->form)) {
        int64_t value = integer_of(set->form, cell);
        at = (uint32_t)base_hash_u64((uint64_t)value) & set->mask;
        while (set->used[at] && set->cells[at].int64 != value)
            at = (at + 1) & set->mask;
        set->cells[at].int64 = value;
    } else {
        at = find_cell(set, cell);
        set->cells[at] = *cell;
    }
    set->count += !set->used[at];
    set->used[at] = 1;
}

base_status expr_set_build(expr_program *program, expr_node *node, base_arena *arena,
                           base_error *error)
{
    uint32_t list_count = node->argument_count - 1;
    uint32_t size = (uint32_t)base_next_power_of_two((uint64_t)list_count * 2 + 2);
    expr_set *set = base_arena_allocate_zeroed(arena, sizeof *set);
    uint8_t *used = base_arena_allocate_array(arena, size, 1);
    types_cell *cells = base_arena_allocate_array(arena, size, sizeof *cells);
    if (!set || !used || !cells)
        return base_error_no_memory(error);
    *set = (expr_set){.form = (types_form)node->arguments[0]->result.form,
                      .mask = size - 1,
                      .used = used,
                      .cells = cells};
    for (uint32_t i = 1; i <= list_count; i++) {
        types_cell cell;
        bool is_null;
        RETURN_IF_ERROR(expr_node_row(program, node->arguments[i], &cell, &is_null, error));
        if (is_null)
            set->has_null = true;
        else
            set_add(set, &cell);
    }
    node->in.set = set;
    return BASE_OK;
}

/* The set, built on first use in an execution; a list of constants only lives with the program. */
static base_status need_set(expr_program *program, expr_node *node, base_error *error)
{
    if (node->in.set)
        return BASE_OK;
    return expr_set_build(program, node, node->in.is_of_run ? &program->run_arena : program->arena,
                          error);
}

/* ---- By vector -------------------------------------------------------------------------- */

#define PROBE_LOOP(load)                                                                           \
    for (uint32_t i = 0; i < count; i++) {                                                         \
        uint32_t position = vector_row(selection, i);                                              \
        if (!vector_is_valid(value, position)) {                                                   \
            truths[position] = EXPR_UNKNOWN;                                                       \
            continue;                                                                              \
        }                                                                                          \
        truths[position] = (load) ? found : missing;                                               \
    }

static void probe_set(const expr_set *set, const vector *value, const uint16_t *selection,
                      uint32_t count, uint8_t found, uint8_t missing, uint8_t *truths)
{
    types_cell cell;
    if (value->shape == VECTOR_FLAT && value->form == TYPES_FORM_INT64) {
        const int64_t *integers = value->data;
        PROBE_LOOP(set_has_integer(set, integers[position]))
    } else if (value->shape == VECTOR_FLAT && value->form == TYPES_FORM_INT32) {
        const int32_t *integers = value->data;
        PROBE_LOOP(set_has_integer(set, integers[position]))
    } else {
        PROBE_LOOP((vector_cell_at(value, position, &cell), set_has(set, &cell)))
    }
}

/* Probes each entry of a dictionary once. */
static void probe_entries(const expr_set *set, const vector *value, const uint16_t *selection,
                          uint32_t count, uint8_t found, uint8_t missing, uint8_t *truths)
{
    uint8_t of_entry[VECTOR_SIZE];
    probe_set(set, value->dictionary, NULL, value->dictionary_size, found, missing, of_entry);
    const uint16_t *codes = value->data;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t position = vector_row(selection, i);
        truths[position] =
            vector_is_valid(value, position) ? of_entry[codes[position]] : EXPR_UNKNOWN;
    }
}

/* Compares with each argument on the rows not found yet; leaves IN's truths. */
static base_status compare_list(expr_program *program, expr_node *node, const vector *value,
                                const uint16_t *selection, uint32_t count, uint8_t *truths,
                                base_error *error)
{
    uint16_t *found = node->selections[0], *rest = node->selections[1];
    uint32_t open_count = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t position = vector_row(selection, i);
        bool is_valid = vector_is_valid(value, position);
        truths[position] = is_valid ? EXPR_FALSE : EXPR_UNKNOWN;
        rest[open_count] = (uint16_t)position;
        open_count += is_valid;
    }
    const uint16_t *open = rest;
    for (uint32_t a = 1; a < node->argument_count && open_count > 0; a++) {
        const vector *item;
        RETURN_IF_ERROR(
            expr_node_evaluate(program, node->arguments[a], open, open_count, &item, error));
        if (item->validity)
            for (uint32_t i = 0; i < open_count; i++)
                if (!vector_is_valid(item, vector_row(open, i)))
                    truths[vector_row(open, i)] = EXPR_UNKNOWN;
        uint32_t found_count =
            vector_select_compare(VECTOR_EQUAL, value, item, open, open_count, found);
        for (uint32_t i = 0; i < found_count; i++)
            truths[found[i]] = EXPR_TRUE;
        uint32_t left = 0;
        for (uint32_t i = 0; i < open_count; i++) {
            uint32_t position = vector_row(open, i);
            rest[left] = (uint16_t)position;
            left += truths[position] != EXPR_TRUE;
        }
        open = rest;
        open_count = left;
    }
    return BASE_OK;
}

static base_status in_evaluate(expr_program *program, expr_node *node, const uint16_t *selection,
                               uint32_t count, const vector **result, base_error *error)
{
    const vector *value;
    RETURN_IF_ERROR(
        expr_node_evaluate(program, node->arguments[0], selection, count, &value, error));
    vector_reset(&node->result);
    uint8_t *truths = node->result.data;
    if (node->in.is_list_fixed) {
        RETURN_IF_ERROR(need_set(program, node, error));
        const expr_set *set = node->in.set;
        uint8_t found = EXPR_TRUE ^ node->negated;
        uint8_t missing = set->has_null ? EXPR_UNKNOWN : EXPR_FALSE ^ node->negated;
        if (value->shape == VECTOR_DICTIONARY && value->dictionary_size <= count)
            probe_entries(set, value, selection, count, found, missing, truths);
        else
            probe_set(set, value, selection, count, found, missing, truths);
    } else {
        RETURN_IF_ERROR(compare_list(program, node, value, selection, count, truths, error));
        if (node->negated)
            for (uint32_t i = 0; i < count; i++) {
                uint32_t position = vector_row(selection, i);
                if (i > 0 && position == vector_row(selection, i - 1))
                    continue; /* a repeated position is turned over once */
                truths[position] ^= truths[position] != EXPR_UNKNOWN;
            }
    }
    expr_truths_to_validity(&node->result, selection, count);
    *result = &node->result;
    return BASE_OK;
}

/* ---- By row --------------------------------------------------------------------------- */

static base_status in_row(expr_program *program, expr_node *node, types_cell *result,
                          bool *result_null, base_error *error)
{
    types_cell value, item;
    bool item_null, found = false, unknown = false;
    RETURN_IF_ERROR(expr_node_row(program, node->arguments[0], &value, result_null, error));
    if (node->in.is_list_fixed)
        RETURN_IF_ERROR(need_set(program, node, error));
    if (*result_null)
        return BASE_OK;
    if (node->in.is_list_fixed) {
        found = set_has(node->in.set, &value);
        unknown = node->in.set->has_null;
    } else {
        types_form form = (types_form)node->arguments[0]->result.form;
        for (uint32_t i = 1; i < node->argument_count && !found; i++) {
            RETURN_IF_ERROR(expr_node_row(program, node->arguments[i], &item, &item_null, error));
            if (item_null)
                unknown = true;
            else
                found = types_cell_compare(form, &value, &item) == 0;
        }
    }
    *result_null = !found && unknown;
    result->boolean = found ^ node->negated;
    return BASE_OK;
}

const expr_operation expr_in_operation = {.evaluate = in_evaluate,
                                          .row = in_row,
                                          .own_result = true,
                                          .result_first = true,
                                          .selection_count = 2};
