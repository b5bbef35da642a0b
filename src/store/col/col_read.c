/*
 * col_read.c - rows of a volume: finding one, reading its cells, decoding vectors.
 *
 * A rowid is found by its group (binary search over at most eight) and then in the group's
 * rowid piece: computed where rowids follow each other by a fixed step, else guessed from the
 * values at both ends, which nearly always are spread evenly enough for three or four probes;
 * each unpacks a single value. After GUESSES of them the range is halved, so that no spread
 * of rowids takes more than some twenty.
 */
#include "store/col/col_int.h"

enum {
    GUESSES = 6
};

static bool is_progression(const col_piece *piece)
{
    return piece->codec->id == CODEC_CONSTANT;
}

static int64_t rowid_at(const col_piece *piece, uint32_t index)
{
    types_cell cell;
    (void)piece->codec->get(&piece->body, index, &cell, NULL); /* integers need no heap */
    return cell.int64;
}

/* First group whose last rowid is not below `rowid`; the group count if there is none. */
static uint32_t group_of(const col_volume *volume, int64_t rowid)
{
    uint32_t first = 0, end = volume->info.group_count;
    while (first < end) {
        uint32_t middle = (first + end) / 2;
        if (volume->groups[middle].last_rowid < rowid)
            first = middle + 1;
        else
            end = middle;
    }
    return first;
}

/* Lower bound inside a group that `rowid` is not above. */
static uint32_t place_in_group(const col_piece *piece, const col_group_info *group, int64_t rowid)
{
    uint32_t first = 0, end = group->rows - 1;
    if (rowid <= group->first_rowid)
        return 0;
    if (is_progression(piece)) {
        uint64_t step = ((uint64_t)group->last_rowid - (uint64_t)group->first_rowid) / end;
        uint64_t distance = (uint64_t)rowid - (uint64_t)group->first_rowid;
        uint64_t place = distance / step + (distance % step != 0);
        return (uint32_t)BASE_MIN(place, (uint64_t)end);
    }
    /* The place is first .. end; low < rowid <= high are values before and at these. */
    int64_t low = group->first_rowid, high = group->last_rowid;
    for (uint32_t probes = 0; first < end; probes++) {
        uint32_t middle = (first + end) / 2;
        if (probes < GUESSES) {
            double part = (double)((uint64_t)rowid - (uint64_t)low) /
                          (double)((uint64_t)high - (uint64_t)low); /* above 0, at most 1 */
            uint32_t guess = first + (uint32_t)(part * (end - first));
            middle = BASE_MIN(guess, end - 1);
        }
        int64_t value = rowid_at(piece, middle);
        if (value == rowid)
            return middle;
        if (value < rowid) {
            first = middle + 1;
            low = value;
        } else {
            end = middle;
            high = value;
        }
    }
    return first;
}

base_status col_volume_lower_bound(col_volume *volume, int64_t rowid, uint32_t *position,
                                   base_error *error)
{
    uint32_t group = group_of(volume, rowid);
    *position = (uint32_t)volume->info.row_count;
    if (group == volume->info.group_count)
        return BASE_OK;
    const col_piece *piece;
    RETURN_IF_ERROR(col_volume_piece(volume, group, 0, &piece, error));
    *position = group * COL_GROUP_ROWS + place_in_group(piece, &volume->groups[group], rowid);
    return BASE_OK;
}

base_status col_volume_load_rowids(col_volume *volume, base_error *error)
{
    for (uint32_t group = 0; group < volume->info.group_count; group++) {
        const col_piece *piece;
        RETURN_IF_ERROR(col_volume_piece(volume, group, 0, &piece, error));
    }
    return BASE_OK;
}

base_status col_volume_find(col_volume *volume, int64_t rowid, uint32_t *position,
                            base_error *error)
{
    if (rowid < volume->info.first_rowid || rowid > volume->info.last_rowid)
        return BASE_NOT_FOUND;
    uint32_t group = group_of(volume, rowid);
    if (group == volume->info.group_count || volume->groups[group].first_rowid > rowid)
        return BASE_NOT_FOUND;
    const col_piece *piece;
    RETURN_IF_ERROR(col_volume_piece(volume, group, 0, &piece, error));
    uint32_t place = place_in_group(piece, &volume->groups[group], rowid);
    if (rowid_at(piece, place) != rowid)
        return BASE_NOT_FOUND;
    *position = group * COL_GROUP_ROWS + place;
    return BASE_OK;
}

static bool is_null_at(const col_piece *piece, uint32_t index)
{
    return piece->nulls && !(piece->nulls[index / 8] >> (index % 8) & 1);
}

base_status col_volume_read(col_volume *volume, uint32_t position, const int32_t *places,
                            uint32_t count, types_cell *cells, bool *nulls, base_arena *heap,
                            base_error *error)
{
    uint32_t group = position / COL_GROUP_ROWS, index = position % COL_GROUP_ROWS;
    BASE_ASSERT(position < volume->info.row_count);
    for (uint32_t i = 0; i < count; i++) {
        const col_piece *piece;
        RETURN_IF_ERROR(col_volume_piece(volume, group, (uint32_t)places[i], &piece, error));
        nulls[i] = is_null_at(piece, index);
        if (!nulls[i] && !piece->codec->get(&piece->body, index, &cells[i], heap))
            return base_error_no_memory(error);
    }
    return BASE_OK;
}

base_status col_volume_vector(col_volume *volume, int32_t place, uint32_t number, vector *out,
                              uint32_t *count, base_arena *heap, base_error *error)
{
    uint32_t first = number % COL_GROUP_VECTORS * VECTOR_SIZE;
    *count =
        BASE_MIN(volume->groups[number / COL_GROUP_VECTORS].rows - first, (uint32_t)VECTOR_SIZE);
    return col_volume_rows(volume, place, number * VECTOR_SIZE, *count, out, heap, error);
}

base_status col_volume_rows(col_volume *volume, int32_t place, uint32_t position, uint32_t count,
                            vector *out, base_arena *heap, base_error *error)
{
    uint32_t group = position / COL_GROUP_ROWS, first = position % COL_GROUP_ROWS;
    const col_piece *piece;
    BASE_ASSERT(position % 64 == 0 && count <= VECTOR_SIZE);
    RETURN_IF_ERROR(col_volume_piece(volume, group, (uint32_t)place, &piece, error));
    BASE_ASSERT(count <= volume->groups[group].rows - first);
    out->data = out->own_data;
    out->validity = NULL;
    if (piece->nulls) {
        /* The rows begin at a whole word; the bitmap's tail is padded to one. */
        memcpy(out->own_validity, piece->nulls + first / 8, (count + 63) / 64 * 8);
        out->validity = out->own_validity;
    }
    if (piece->dictionary) {
        out->shape = VECTOR_DICTIONARY;
        out->dictionary = piece->dictionary;
        out->dictionary_size = piece->entry_count;
        piece->codec->decode_codes(&piece->body, first, count, out->data);
        return BASE_OK;
    }
    out->shape = VECTOR_FLAT;
    if (!piece->nulls && piece->codec->is_one_value && piece->codec->is_one_value(&piece->body)) {
        types_cell cell;
        (void)piece->codec->get(&piece->body, first, &cell, heap); /* points into the body */
        memcpy(out->data, &cell, types_form_size((types_form)out->form));
        out->shape = VECTOR_CONSTANT;
        return BASE_OK;
    }
    if (!piece->codec->decode(&piece->body, first, count, out->data, heap))
        return base_error_no_memory(error);
    return BASE_OK;
}

/* ---- Check ----------------------------------------------------------------------------------- */

typedef struct check_state {
    col_volume *volume;
    void (*report)(void *context, const char *problem);
    void *context;
    base_arena heap;
    uint8_t values[VECTOR_SIZE * 16];
} check_state;

static base_status check_vector(check_state *state, const col_piece *piece, types_form form,
                                uint32_t first, uint32_t count, int64_t *last_rowid,
                                base_error *error)
{
    const uint8_t *zone = piece->zones + (size_t)(first / VECTOR_SIZE) * 16;
    uint64_t low = base_load_u64(zone), high = base_load_u64(zone + 8);
    size_t size = types_form_size(form);
    base_arena_reset(&state->heap);
    if (!piece->codec->decode(&piece->body, first, count, state->values, &state->heap))
        return base_error_no_memory(error);
    for (uint32_t i = 0; i < count; i++) {
        types_cell cell;
        if (is_null_at(piece, first + i))
            continue;
        memcpy(&cell, state->values + i * size, size);
        uint64_t key = col_key_of(form, &cell);
        if (key < low || key > high) {
            state->report(state->context, "a cold value lies outside its zone map");
            return BASE_OK;
        }
        if (last_rowid) {
            if (cell.int64 <= *last_rowid)
                state->report(state->context, "cold rowids do not rise");
            *last_rowid = cell.int64;
        }
    }
    return BASE_OK;
}

static base_status check_all(check_state *state, base_error *error)
{
    col_volume *volume = state->volume;
    int64_t last_rowid = INT64_MIN;
    for (uint32_t group = 0; group < volume->info.group_count; group++) {
        uint32_t rows = volume->groups[group].rows;
        for (uint32_t place = 0; place < volume->column_count; place++) {
            const col_piece *piece;
            RETURN_IF_ERROR(col_volume_piece(volume, group, place, &piece, error));
            for (uint32_t first = 0; first < rows; first += VECTOR_SIZE)
                RETURN_IF_ERROR(check_vector(state, piece, volume->columns[place].form, first,
                                             BASE_MIN(rows - first, (uint32_t)VECTOR_SIZE),
                                             place == 0 ? &last_rowid : NULL, error));
        }
    }
    return BASE_OK;
}

base_status col_volume_check(col_volume *volume, void (*report)(void *context, const char *problem),
                             void *context, base_error *error)
{
    check_state *state = base_allocate(volume->budget, sizeof *state);
    if (!state)
        return base_error_no_memory(error);
    state->volume = volume;
    state->report = report;
    state->context = context;
    base_arena_init(&state->heap, volume->budget);
    base_status status = check_all(state, error);
    base_arena_destroy(&state->heap);
    base_free(volume->budget, state, sizeof *state);
    return status;
}
