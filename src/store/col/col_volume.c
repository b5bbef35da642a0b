/*
 * col_volume.c - an open volume: metadata, loading pieces, statistics, zone maps.
 *
 * Pieces are loaded once and kept for as long as the volume is open: a reader finds them
 * with one atomic load. Giving single pieces back under memory pressure was put off: the
 * extents below are the buffer cache's, which counts them.
 *
 * Invariant: everything in the metadata is checked here, once; the rest of the room relies
 * on it.
 */
#include "store/col/col_int.h"

/* Sizes that the head announces must be those of the extent. */
static bool sizes_agree(const uint8_t *bytes, size_t length)
{
    if (length < COL_HEAD_SIZE || base_load_u32(bytes + COL_HEAD_MAGIC) != COL_MAGIC)
        return false;
    uint64_t rows = base_load_u64(bytes + COL_HEAD_ROWS);
    uint64_t groups = base_load_u32(bytes + COL_HEAD_GROUPS);
    uint64_t columns = base_load_u32(bytes + COL_HEAD_COLUMNS);
    if (rows == 0 || rows > COL_MAX_ROWS ||
        groups != (rows + COL_GROUP_ROWS - 1) / COL_GROUP_ROWS || columns < COL_OWN_COLUMNS ||
        columns > 1 << 16)
        return false;
    return length == COL_HEAD_SIZE + columns * (COL_COLUMN_SIZE + COL_REGISTERS) +
                         groups * COL_GROUP_SIZE + groups * columns * COL_PIECE_SIZE;
}

static bool parse_groups(col_volume *volume, const uint8_t *at)
{
    uint64_t left = volume->info.row_count;
    for (uint32_t i = 0; i < volume->info.group_count; i++, at += COL_GROUP_SIZE) {
        col_group_info *group = &volume->groups[i];
        group->rows = base_load_u32(at);
        group->first_rowid = (int64_t)base_load_u64(at + 8);
        group->last_rowid = (int64_t)base_load_u64(at + 16);
        if (group->rows != BASE_MIN(left, (uint64_t)COL_GROUP_ROWS) ||
            (uint64_t)group->last_rowid - (uint64_t)group->first_rowid < group->rows - 1u ||
            group->first_rowid > group->last_rowid ||
            (i && group->first_rowid <= volume->groups[i - 1].last_rowid))
            return false;
        left -= group->rows;
    }
    return left == 0;
}

static void parse_pieces(col_volume *volume, const uint8_t *at)
{
    uint32_t count = volume->info.group_count * volume->column_count;
    for (uint32_t i = 0; i < count; i++, at += COL_PIECE_SIZE) {
        col_piece_info *info = &volume->pieces[i];
        const uint8_t *rest = at + CACHE_REFERENCE_SIZE;
        cache_reference_load(&info->extent, at);
        info->offset = base_load_u32(rest);
        info->length = base_load_u32(rest + 4);
        info->null_count = base_load_u32(rest + 8);
        info->low_key = base_load_u64(rest + 16);
        info->high_key = base_load_u64(rest + 24);
    }
}

static bool parse_columns(col_volume *volume, const uint8_t *at)
{
    for (uint32_t i = 0; i < volume->column_count; i++, at += COL_COLUMN_SIZE) {
        uint32_t form = base_load_u32(at + 4);
        if (form >= TYPES_FORM_COUNT)
            return false;
        volume->columns[i] = (col_column){base_load_u32(at), (types_form)form};
    }
    return volume->columns[0].id == COL_ROWID && volume->columns[0].form == TYPES_FORM_INT64 &&
           volume->columns[1].id == COL_STAMP && volume->columns[1].form == TYPES_FORM_UINT64;
}

static base_status parse_metadata(col_volume *volume, const uint8_t *bytes, size_t length,
                                  base_error *error)
{
    if (!sizes_agree(bytes, length))
        return col_damaged(error);
    if (base_load_u32(bytes + COL_HEAD_VERSION) != COL_VERSION)
        return base_error_set(error, BASE_FORMAT, "volume of unknown version %u",
                              base_load_u32(bytes + COL_HEAD_VERSION));
    volume->column_count = base_load_u32(bytes + COL_HEAD_COLUMNS);
    volume->info = (col_volume_info){
        .row_count = base_load_u64(bytes + COL_HEAD_ROWS),
        .byte_count = base_load_u64(bytes + COL_HEAD_BYTES),
        .first_rowid = (int64_t)base_load_u64(bytes + COL_HEAD_FIRST_ROWID),
        .last_rowid = (int64_t)base_load_u64(bytes + COL_HEAD_LAST_ROWID),
        .first_stamp = base_load_u64(bytes + COL_HEAD_FIRST_STAMP),
        .last_stamp = base_load_u64(bytes + COL_HEAD_LAST_STAMP),
        .group_count = base_load_u32(bytes + COL_HEAD_GROUPS),
    };
    base_arena *arena = &volume->arena;
    uint32_t pieces = volume->info.group_count * volume->column_count;
    volume->columns = base_arena_allocate(arena, volume->column_count * sizeof *volume->columns);
    volume->groups = base_arena_allocate(arena, volume->info.group_count * sizeof *volume->groups);
    volume->pieces = base_arena_allocate(arena, pieces * sizeof *volume->pieces);
    volume->loaded = base_arena_allocate_zeroed(arena, pieces * sizeof *volume->loaded);
    uint8_t *registers = base_arena_allocate(arena, (size_t)volume->column_count * COL_REGISTERS);
    if (!volume->columns || !volume->groups || !volume->pieces || !volume->loaded || !registers)
        return base_error_no_memory(error);
    const uint8_t *at = bytes + COL_HEAD_SIZE;
    if (!parse_columns(volume, at))
        return col_damaged(error);
    at += volume->column_count * COL_COLUMN_SIZE;
    memcpy(registers, at, (size_t)volume->column_count * COL_REGISTERS);
    volume->registers = registers;
    at += (size_t)volume->column_count * COL_REGISTERS;
    if (!parse_groups(volume, at))
        return col_damaged(error);
    parse_pieces(volume, at + volume->info.group_count * COL_GROUP_SIZE);
    return BASE_OK;
}

base_status col_volume_open(cache_file *file, base_budget *budget, const cache_reference *reference,
                            col_volume **opened, base_error *error)
{
    *opened = NULL;
    col_volume *volume = base_allocate_zeroed(budget, sizeof *volume);
    uint8_t *bytes = base_allocate(budget, reference->length);
    base_status status = BASE_OK;
    if (!volume || !bytes)
        status = base_error_no_memory(error);
    if (volume) {
        volume->file = file;
        volume->budget = budget;
        volume->reference = *reference;
        base_arena_init(&volume->arena, budget);
        os_mutex_init(&volume->mutex);
    }
    if (status == BASE_OK)
        status = cache_read(file, reference, bytes, error);
    if (status == BASE_OK)
        status = parse_metadata(volume, bytes, reference->length, error);
    base_free(budget, bytes, reference->length);
    if (status != BASE_OK) {
        col_volume_close(volume);
        return status;
    }
    *opened = volume;
    return BASE_OK;
}

static void free_piece(col_volume *volume, col_piece *piece)
{
    if (piece->dictionary) {
        base_free(volume->budget, piece->dictionary->data,
                  piece->entry_count * sizeof(types_string));
        base_free(volume->budget, piece->dictionary, sizeof *piece->dictionary);
    }
    cache_unpin(volume->file, &piece->pin);
    base_free(volume->budget, piece, sizeof *piece);
}

void col_volume_close(col_volume *volume)
{
    if (!volume)
        return;
    uint32_t count = volume->loaded ? volume->info.group_count * volume->column_count : 0;
    for (uint32_t i = 0; i < count; i++) {
        col_piece *piece = atomic_load_explicit(&volume->loaded[i], memory_order_relaxed);
        if (piece)
            free_piece(volume, piece);
    }
    os_mutex_destroy(&volume->mutex);
    base_arena_destroy(&volume->arena);
    base_free(volume->budget, volume, sizeof *volume);
}

const cache_reference *col_volume_reference(const col_volume *volume)
{
    return &volume->reference;
}

void col_volume_describe(const col_volume *volume, col_volume_info *info)
{
    *info = volume->info;
}

int32_t col_volume_column(const col_volume *volume, uint32_t id)
{
    /* Behind rowid and stamp nearly always all columns of the relation, in order. */
    if (id < volume->column_count - 2 && volume->columns[id + 2].id == id)
        return (int32_t)id + 2;
    for (uint32_t i = 0; i < volume->column_count; i++) {
        if (volume->columns[i].id == id)
            return (int32_t)i;
    }
    return -1;
}

uint32_t col_volume_column_count(const col_volume *volume)
{
    return volume->column_count;
}

col_column col_volume_column_at(const col_volume *volume, uint32_t place)
{
    BASE_ASSERT(place < volume->column_count);
    return volume->columns[place];
}

base_status col_volume_visit(const col_volume *volume,
                             base_status (*visit)(void *context, const cache_reference *reference,
                                                  base_error *error),
                             void *context, base_error *error)
{
    RETURN_IF_ERROR(visit(context, &volume->reference, error));
    for (uint32_t group = 0; group < volume->info.group_count; group++) {
        const col_piece_info *pieces = volume->pieces + (size_t)group * volume->column_count;
        for (uint32_t i = 0; i < volume->column_count; i++) {
            bool repeated = false;
            for (uint32_t j = 0; j < i && !repeated; j++)
                repeated = pieces[j].extent.offset == pieces[i].extent.offset;
            if (!repeated)
                RETURN_IF_ERROR(visit(context, &pieces[i].extent, error));
        }
    }
    return BASE_OK;
}

void col_volume_statistics(const col_volume *volume, int32_t place, col_statistics *statistics)
{
    memset(statistics, 0, sizeof *statistics);
    statistics->low_key = UINT64_MAX;
    memcpy(statistics->registers, volume->registers + (size_t)place * COL_REGISTERS, COL_REGISTERS);
    for (uint32_t group = 0; group < volume->info.group_count; group++) {
        const col_piece_info *info =
            &volume->pieces[(size_t)group * volume->column_count + (uint32_t)place];
        statistics->null_count += info->null_count;
        statistics->low_key = BASE_MIN(statistics->low_key, info->low_key);
        statistics->high_key = BASE_MAX(statistics->high_key, info->high_key);
    }
    statistics->has_range = statistics->low_key <= statistics->high_key;
}

/* ---- Pieces ---------------------------------------------------------------------------------- */

/* The entries of a dictionary as a vector that DICTIONARY vectors point to. */
static base_status make_dictionary(col_volume *volume, col_piece *piece, base_error *error)
{
    if (!piece->codec->decode_codes)
        return BASE_OK;
    uint32_t count = piece->codec->entry_count(&piece->body);
    vector *dictionary = base_allocate_zeroed(volume->budget, sizeof *dictionary);
    types_string *entries = base_allocate_array(volume->budget, count, sizeof *entries);
    if (!dictionary || !entries) {
        base_free(volume->budget, dictionary, sizeof *dictionary);
        base_free(volume->budget, entries, count * sizeof *entries);
        return base_error_no_memory(error);
    }
    for (uint32_t i = 0; i < count; i++)
        entries[i] = piece->codec->entry(&piece->body, i);
    dictionary->type = TYPES_OF(TEXT);
    dictionary->form = TYPES_FORM_STRING;
    dictionary->shape = VECTOR_FLAT;
    dictionary->data = entries;
    piece->dictionary = dictionary;
    piece->entry_count = count;
    return BASE_OK;
}

/* The borders of the row group, by which rows are searched, are those of its rowids. */
static bool has_borders(const col_piece *piece, const col_group_info *group)
{
    types_cell first, last;
    (void)piece->codec->get(&piece->body, 0, &first, NULL); /* integers need no heap */
    (void)piece->codec->get(&piece->body, group->rows - 1, &last, NULL);
    return !piece->nulls && first.int64 == group->first_rowid && last.int64 == group->last_rowid;
}

static base_status load_piece(col_volume *volume, uint32_t group, uint32_t place,
                              col_piece **loaded, base_error *error)
{
    const col_piece_info *info = &volume->pieces[(size_t)group * volume->column_count + place];
    col_piece *piece = base_allocate_zeroed(volume->budget, sizeof *piece);
    if (!piece)
        return base_error_no_memory(error);
    base_status status = cache_pin_extent(volume->file, &info->extent, &piece->pin, error);
    if (status == BASE_OK &&
        (info->offset > piece->pin.length || piece->pin.length - info->offset < info->length))
        status = col_damaged(error);
    if (status == BASE_OK)
        status =
            col_piece_parse((const uint8_t *)piece->pin.data + info->offset, info->length,
                            volume->columns[place].form, volume->groups[group].rows, piece, error);
    if (status == BASE_OK && place == 0 && !has_borders(piece, &volume->groups[group]))
        status = col_damaged(error);
    if (status == BASE_OK)
        status = make_dictionary(volume, piece, error);
    if (status != BASE_OK) {
        free_piece(volume, piece);
        return status;
    }
    *loaded = piece;
    return BASE_OK;
}

base_status col_volume_piece(col_volume *volume, uint32_t group, uint32_t place,
                             const col_piece **piece, base_error *error)
{
    _Atomic(col_piece *) *slot = &volume->loaded[(size_t)group * volume->column_count + place];
    *piece = atomic_load_explicit(slot, memory_order_acquire);
    if (BASE_LIKELY(*piece != NULL))
        return BASE_OK;
    base_status status = BASE_OK;
    os_mutex_lock(&volume->mutex);
    col_piece *loaded = atomic_load_explicit(slot, memory_order_relaxed);
    if (!loaded) {
        status = load_piece(volume, group, place, &loaded, error);
        if (status == BASE_OK)
            atomic_store_explicit(slot, loaded, memory_order_release);
    }
    os_mutex_unlock(&volume->mutex);
    *piece = loaded;
    return status;
}

/* ---- Zone maps ------------------------------------------------------------------------------- */

static bool range_passes(const col_range *range, uint64_t low, uint64_t high, bool has_nulls)
{
    if (range->nulls && has_nulls)
        return true;
    return range->values && low <= high && low <= range->high && high >= range->low;
}

bool col_group_may_match(const col_volume *volume, uint32_t group, const col_range *ranges,
                         uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        const col_piece_info *info =
            &volume->pieces[(size_t)group * volume->column_count + (uint32_t)ranges[i].place];
        if (!range_passes(&ranges[i], info->low_key, info->high_key, info->null_count > 0))
            return false;
    }
    return true;
}

base_status col_vector_may_match(col_volume *volume, uint32_t number, const col_range *ranges,
                                 uint32_t count, bool *may, base_error *error)
{
    uint32_t group = number / COL_GROUP_VECTORS, zone = number % COL_GROUP_VECTORS;
    *may = true;
    for (uint32_t i = 0; i < count && *may; i++) {
        const col_piece *piece;
        RETURN_IF_ERROR(col_volume_piece(volume, group, (uint32_t)ranges[i].place, &piece, error));
        const uint8_t *keys = piece->zones + (size_t)zone * 16;
        *may = range_passes(&ranges[i], base_load_u64(keys), base_load_u64(keys + 8),
                            piece->nulls != NULL);
    }
    return BASE_OK;
}
