/*
 * exec_group_codes.c - grouping a batch by the codes of its keys.
 *
 * Scans of cold rows hand strings on as dictionary codes. Keys with few values (flags, states,
 * kinds) have few codes, and so has their combination: a number below the product of the
 * dictionaries' sizes, made by one multiplication and addition a key. A table of that many entries
 * says which numbers the batch has met; only the first row of each goes to the hash table. All
 * other rows cost two loads, whatever the length of the strings.
 *
 * The table is made anew for each batch: dictionaries change from volume to volume, and functions
 * over dictionaries (UPPER(state)) reuse one vector for all of them. Rejected: keeping it while the
 * dictionary's address stays the same, which is wrong for those, and saves a microsecond.
 *
 * Invariants: a code is below its domain at every position up to the last selected one (the
 * promise of vector.h, for NULLs too); equal keys may have several codes, but a code has one key.
 */
#include "exec/rows/exec_group_codes.h"

enum {
    MOST_CODES = 1024, /* entries of the table: 2 KiB to clear for a batch */
    NO_RANK = UINT16_MAX,
};

struct exec_group_codes {
    exec_groups *groups;
    exec_group_ranks ranks;
    uint16_t *combined; /* by physical position */
    uint16_t *table;    /* rank of a combined code, or NO_RANK */
    uint16_t *of_row;
    uint16_t *firsts; /* position of the first row of each rank */
    char **rank_rows;
};

base_status exec_group_codes_new(exec_groups *groups, exec_group_codes **result, base_error *error)
{
    *result = NULL;
    for (uint32_t k = 0; k < groups->key_count; k++) {
        types_form form = (types_form)groups->layout->forms[k];
        if (form != TYPES_FORM_STRING && form != TYPES_FORM_BOOL)
            return BASE_OK;
    }
    if (!groups->key_count)
        return BASE_OK;
    exec_execution *execution = groups->execution;
    exec_group_codes *self = EXEC_NEW(execution, exec_group_codes);
    if (!self)
        return base_error_no_memory(error);
    self->groups = groups;
    self->combined = exec_new(execution, VECTOR_SIZE * sizeof(uint16_t));
    self->table = exec_new(execution, MOST_CODES * sizeof(uint16_t));
    self->of_row = exec_new(execution, VECTOR_SIZE * sizeof(uint16_t));
    self->firsts = exec_new(execution, MOST_CODES * sizeof(uint16_t));
    self->rank_rows = exec_new(execution, MOST_CODES * sizeof(char *));
    if (!self->combined || !self->table || !self->of_row || !self->firsts || !self->rank_rows)
        return base_error_no_memory(error);
    self->ranks = (exec_group_ranks){0, self->of_row, self->rank_rows};
    *result = self;
    return BASE_OK;
}

/* How many codes the key can have in this batch; 0: its values are no codes. */
static uint32_t domain_of(const vector *key)
{
    uint32_t nulls = key->validity != NULL;
    switch ((vector_shape)key->shape) {
    case VECTOR_CONSTANT:
        return 1;
    case VECTOR_DICTIONARY:
        return key->dictionary_size + nulls;
    default:
        return key->form == TYPES_FORM_BOOL ? 2 + nulls : 0;
    }
}

/* Adds the key's codes, times `scale`, to all positions below `extent`: without the selection
 * these are loops for SIMD. A NULL has the code behind the others. */
static void add_codes(const vector *key, uint32_t scale, uint32_t domain, uint32_t extent,
                      uint16_t *combined)
{
    if (key->shape == VECTOR_CONSTANT)
        return;
    uint16_t coded[VECTOR_SIZE];
    const uint16_t *codes = key->data;
    if (key->shape == VECTOR_FLAT) {
        const uint8_t *truths = key->data;
        for (uint32_t i = 0; i < extent; i++)
            coded[i] = truths[i] & 1; /* undefined under NULL */
        codes = coded;
    }
    if (key->validity) {
        for (uint32_t i = 0; i < extent; i++) {
            uint16_t null_code = (uint16_t)(domain - 1);
            coded[i] = base_bit_get(key->validity, i) ? codes[i] : null_code;
        }
        codes = coded;
    }
    for (uint32_t i = 0; i < extent; i++)
        combined[i] = (uint16_t)(combined[i] + codes[i] * scale);
}

/* Numbers the combined codes in the order in which the selected rows meet them. */
static void rank_rows(exec_group_codes *self, const uint16_t *selection, uint32_t count)
{
    const uint16_t *combined = self->combined;
    uint16_t *table = self->table, *of_row = self->of_row;
    uint32_t ranks = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t position = vector_row(selection, i);
        uint16_t rank = table[combined[position]];
        if (BASE_UNLIKELY(rank == NO_RANK)) {
            table[combined[position]] = rank = (uint16_t)ranks;
            self->firsts[ranks++] = (uint16_t)position;
        }
        of_row[i] = rank;
    }
    self->ranks.count = ranks;
}

base_status exec_group_codes_find(exec_group_codes *self, const vector *const *keys,
                                  const uint16_t *selection, uint32_t count, char **rows,
                                  const exec_group_ranks **ranks, base_error *error)
{
    uint32_t key_count = self->groups->key_count, product = 1;
    /* With more codes than a quarter of the rows too many rows would be first ones. */
    uint32_t most = BASE_MIN(count / 4, (uint32_t)MOST_CODES);
    *ranks = NULL;
    for (uint32_t k = 0; k < key_count; k++) {
        uint32_t domain = domain_of(keys[k]);
        if (domain == 0 || domain > most / product)
            return BASE_OK;
        product *= domain;
    }
    uint32_t extent = selection ? (uint32_t)selection[count - 1] + 1 : count, scale = 1;
    memset(self->combined, 0, extent * sizeof(uint16_t));
    for (uint32_t k = 0; k < key_count; k++) {
        uint32_t domain = domain_of(keys[k]);
        add_codes(keys[k], scale, domain, extent, self->combined);
        scale *= domain;
    }
    memset(self->table, 0xFF, product * sizeof(uint16_t));
    rank_rows(self, selection, count);
    RETURN_IF_ERROR(exec_groups_find_or_add(self->groups, keys, self->firsts, self->ranks.count,
                                            self->rank_rows, NULL, error));
    for (uint32_t i = 0; i < count; i++)
        rows[i] = self->rank_rows[self->of_row[i]];
    *ranks = &self->ranks;
    return BASE_OK;
}
