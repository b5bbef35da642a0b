/*
 * col_piece.c - one column of one row group: statistics, NULLs, zones and the codec's body.
 *
 * Under a NULL the value before it is repeated (the first value at the front), so NULLs
 * neither widen a frame of reference nor add a dictionary entry.
 */
#include "store/col/col_int.h"

uint64_t col_key_of(types_form form, const types_cell *cell)
{
    const uint64_t sign = UINT64_C(1) << 63;
    switch (form) {
    case TYPES_FORM_BOOL:
        return cell->boolean ^ sign;
    case TYPES_FORM_INT8:
        return (uint64_t)(int64_t)cell->int8 ^ sign;
    case TYPES_FORM_INT16:
        return (uint64_t)(int64_t)cell->int16 ^ sign;
    case TYPES_FORM_INT32:
        return (uint64_t)(int64_t)cell->int32 ^ sign;
    case TYPES_FORM_INT64:
        return (uint64_t)cell->int64 ^ sign;
    case TYPES_FORM_UINT64:
        return cell->uint64;
    case TYPES_FORM_INT128: {
        int128_t value = cell->int128;
        value = value > INT64_MAX ? INT64_MAX : value < INT64_MIN ? INT64_MIN : value;
        return (uint64_t)(int64_t)value ^ sign;
    }
    case TYPES_FORM_FLOAT32:
    case TYPES_FORM_FLOAT64: {
        double value = form == TYPES_FORM_FLOAT32 ? (double)cell->float32 : cell->float64;
        if (isnan(value))
            return UINT64_MAX; /* NaN is the largest, whatever its bits */
        if (value == 0)
            value = 0; /* -0 is 0 */
        uint64_t bits;
        memcpy(&bits, &value, sizeof bits);
        return bits & sign ? ~bits : bits | sign;
    }
    case TYPES_FORM_STRING: {
        char head[8] = {0};
        memcpy(head, types_string_data(&cell->string), BASE_MIN(cell->string.length, 8u));
        return __builtin_bswap64(base_load_u64(head));
    }
    default:
        return 0; /* intervals have no simple key: no test excludes them */
    }
}

bool col_value_of_key(types_form form, uint64_t key, types_cell *cell)
{
    const uint64_t sign = UINT64_C(1) << 63;
    memset(cell, 0, sizeof *cell);
    switch (form) {
    case TYPES_FORM_BOOL:
    case TYPES_FORM_INT8:
    case TYPES_FORM_INT16:
    case TYPES_FORM_INT32:
    case TYPES_FORM_INT64: {
        int64_t value = (int64_t)(key ^ sign);
        codec_from_int64(form, &value, 1, cell);
        return true;
    }
    case TYPES_FORM_UINT64:
        cell->uint64 = key;
        return true;
    case TYPES_FORM_INT128:
        cell->int128 = (int64_t)(key ^ sign);
        return true;
    case TYPES_FORM_FLOAT32:
    case TYPES_FORM_FLOAT64: {
        uint64_t bits = key & sign ? key ^ sign : ~key;
        double value;
        memcpy(&value, &bits, sizeof value);
        if (form == TYPES_FORM_FLOAT32)
            cell->float32 = (float)value;
        else
            cell->float64 = value;
        return true;
    }
    case TYPES_FORM_STRING: {
        uint64_t head = __builtin_bswap64(key);
        char bytes[8];
        memcpy(bytes, &head, sizeof bytes);
        uint32_t length = sizeof bytes;
        while (length && !bytes[length - 1])
            length--;
        cell->string = types_string_of(bytes, length);
        return true;
    }
    default:
        return false;
    }
}

/* Every key of an interval is 0, which would wrongly exclude ranges. */
static bool form_has_keys(types_form form)
{
    return form != TYPES_FORM_INTERVAL;
}

/* Repeats values under NULLs; returns how many NULLs there are. */
static uint32_t fill_nulls(types_form form, void *values, const uint64_t *validity, uint32_t count)
{
    size_t size = types_form_size(form);
    uint8_t *bytes = values;
    uint32_t nulls = 0, first = 0;
    if (!validity)
        return 0;
    while (first < count && !base_bit_get(validity, first))
        first++;
    if (first == count) {
        memset(values, 0, count * size);
        return count;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (base_bit_get(validity, i))
            continue;
        nulls++;
        uint32_t source = i ? i - 1 : first;
        memcpy(bytes + i * size, bytes + source * size, size);
    }
    return nulls;
}

double col_distinct_estimate(const uint8_t registers[COL_REGISTERS])
{
    double sum = 0;
    uint32_t zeros = 0;
    for (uint32_t i = 0; i < COL_REGISTERS; i++) {
        sum += ldexp(1.0, -registers[i]);
        zeros += registers[i] == 0;
    }
    double estimate = 0.7213 / (1 + 1.079 / COL_REGISTERS) * COL_REGISTERS * COL_REGISTERS / sum;
    if (estimate < 2.5 * COL_REGISTERS && zeros)
        estimate = COL_REGISTERS * log((double)COL_REGISTERS / zeros);
    return estimate;
}

/* Zones per vector into `out`; range of all into `info`. */
static void measure(types_form form, const void *values, const uint64_t *validity, uint32_t count,
                    base_buffer *out, col_piece_info *info, uint8_t *registers)
{
    info->low_key = UINT64_MAX;
    info->high_key = 0;
    for (uint32_t first = 0; first < count; first += VECTOR_SIZE) {
        uint64_t zone[2] = {UINT64_MAX, 0};
        col_measure(form, values, validity, first, BASE_MIN(first + VECTOR_SIZE, count), zone,
                    registers);
        if (!form_has_keys(form) && zone[0] <= zone[1]) {
            zone[0] = 0;
            zone[1] = UINT64_MAX;
        }
        base_buffer_append(out, zone, sizeof zone);
        info->low_key = BASE_MIN(info->low_key, zone[0]);
        info->high_key = BASE_MAX(info->high_key, zone[1]);
    }
}

base_status col_piece_encode(types_form form, void *values, const uint64_t *validity,
                             uint32_t count, base_budget *budget, base_buffer *out,
                             col_piece_info *info, uint8_t *registers, base_error *error)
{
    size_t start = out->length;
    uint8_t head[COL_PIECE_HEAD] = {0};
    info->null_count = fill_nulls(form, values, validity, count);
    bool has_nulls = info->null_count > 0;
    uint32_t null_size = has_nulls ? (count + 63) / 64 * 8 : 0;
    uint32_t zones_at = COL_PIECE_HEAD + null_size;
    uint32_t body_at = zones_at + (count + VECTOR_SIZE - 1) / VECTOR_SIZE * 16;
    base_buffer_append(out, head, sizeof head);
    if (has_nulls)
        base_buffer_append(out, validity, null_size);
    measure(form, values, validity, count, out, info, registers);
    base_arena arena;
    base_arena_init(&arena, budget);
    codec_input input = {form, count, values, &arena};
    const codec *chosen;
    void *plan = NULL;
    base_status status = codec_choose(&input, &chosen, &plan, error);
    if (status == BASE_OK)
        status = chosen->encode(&input, plan, out, error);
    base_arena_destroy(&arena);
    if (status != BASE_OK)
        return status;
    if (out->failed)
        return base_error_no_memory(error);
    BASE_ASSERT(out->length - start >= body_at);
    uint8_t *stored = (uint8_t *)out->data + start;
    stored[COL_PIECE_CODEC] = (uint8_t)chosen->id;
    stored[COL_PIECE_FORM] = (uint8_t)form;
    stored[COL_PIECE_HAS_NULLS] = has_nulls;
    base_store_u32(stored + COL_PIECE_COUNT, count);
    base_store_u32(stored + COL_PIECE_NULLS_AT, has_nulls ? COL_PIECE_HEAD : 0);
    base_store_u32(stored + COL_PIECE_ZONES_AT, zones_at);
    base_store_u32(stored + COL_PIECE_BODY_AT, body_at);
    base_store_u32(stored + COL_PIECE_BODY_LENGTH, (uint32_t)(out->length - start - body_at));
    info->length = (uint32_t)(out->length - start);
    return BASE_OK;
}

base_status col_damaged(base_error *error)
{
    return base_error_set(error, BASE_CORRUPT, "a columnar volume is damaged");
}

base_status col_piece_parse(const uint8_t *bytes, size_t length, types_form form, uint32_t count,
                            col_piece *piece, base_error *error)
{
    if (length < COL_PIECE_HEAD || bytes[COL_PIECE_FORM] != form ||
        base_load_u32(bytes + COL_PIECE_COUNT) != count)
        return col_damaged(error);
    size_t nulls_at = base_load_u32(bytes + COL_PIECE_NULLS_AT);
    size_t zones_at = base_load_u32(bytes + COL_PIECE_ZONES_AT);
    size_t body_at = base_load_u32(bytes + COL_PIECE_BODY_AT);
    size_t body_length = base_load_u32(bytes + COL_PIECE_BODY_LENGTH);
    size_t null_size = bytes[COL_PIECE_HAS_NULLS] ? (count + 63u) / 64 * 8 : 0;
    size_t zone_size = (count + VECTOR_SIZE - 1u) / VECTOR_SIZE * 16;
    piece->codec = codec_find(bytes[COL_PIECE_CODEC]);
    if (!piece->codec)
        return base_error_set(error, BASE_FORMAT, "column with unknown codec %u",
                              bytes[COL_PIECE_CODEC]);
    if (nulls_at > length || length - nulls_at < null_size || zones_at > length ||
        length - zones_at < zone_size || body_at > length || length - body_at < body_length)
        return col_damaged(error);
    piece->nulls = null_size ? bytes + nulls_at : NULL;
    piece->zones = bytes + zones_at;
    piece->body = (codec_body){form, count, bytes + body_at, body_length};
    return piece->codec->check(&piece->body) ? BASE_OK : col_damaged(error);
}
