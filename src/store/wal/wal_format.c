/*
 * wal_format.c - segment and frame headers to bytes and back; offsets in wal_int.h.
 *
 * Every field is loaded and stored by offset: no structure is laid over file bytes, so that
 * padding and compilers have no say in the format.
 */
#include "store/wal/wal_int.h"

static const unsigned char magic[8] = {'T', 'U', 'F', 'F', 'W', 'A', 'L', '1'};

void wal_segment_header_store(wal_segment_header *header, unsigned char *block)
{
    memset(block, 0, WAL_BLOCK);
    memcpy(block, magic, sizeof magic);
    base_store_u32(block + 8, WAL_VERSION);
    base_store_u32(block + 12, header->ordinal);
    memcpy(block + 16, header->database_id, 16);
    base_store_u64(block + 32, header->generation);
    base_store_u64(block + 40, header->salt);
    base_store_u64(block + 48, header->base_sequence);
    base_store_u64(block + 56, header->base_epoch);
    base_store_u64(block + 64, header->previous_length);
    base_store_u32(block + 72, header->previous_chain);
    header->crc = crypto_crc32c(0, block, WAL_SEGMENT_HEADER_SIZE - 4);
    base_store_u32(block + 124, header->crc);
}

bool wal_segment_header_begins(const unsigned char *block)
{
    size_t length = 0; /* of what was written: the rest reads as zeros */
    while (length < sizeof magic && block[length])
        length++;
    return memcmp(block, magic, length) == 0;
}

base_status wal_segment_header_load(wal_segment_header *header, const unsigned char *block,
                                    const char *path, base_error *error)
{
    if (memcmp(block, magic, sizeof magic) != 0 ||
        crypto_crc32c(0, block, WAL_SEGMENT_HEADER_SIZE - 4) != base_load_u32(block + 124))
        return BASE_NOT_FOUND;
    if (base_load_u32(block + 8) != WAL_VERSION || base_load_u32(block + 76) != 0)
        return base_error_set(error, BASE_FORMAT, "log \"%s\" is of a newer version (%u, flags %u)",
                              path, base_load_u32(block + 8), base_load_u32(block + 76));
    header->ordinal = base_load_u32(block + 12);
    memcpy(header->database_id, block + 16, 16);
    header->generation = base_load_u64(block + 32);
    header->salt = base_load_u64(block + 40);
    header->base_sequence = base_load_u64(block + 48);
    header->base_epoch = base_load_u64(block + 56);
    header->previous_length = base_load_u64(block + 64);
    header->previous_chain = base_load_u32(block + 72);
    header->crc = base_load_u32(block + 124);
    return BASE_OK;
}

void wal_frame_header_store(wal_frame_header *header, uint32_t chain_before, unsigned char *bytes)
{
    base_store_u32(bytes, header->length);
    bytes[4] = header->type;
    bytes[5] = header->flags;
    base_store_u16(bytes + 6, 0);
    base_store_u64(bytes + 8, header->salt);
    base_store_u64(bytes + 16, header->sequence);
    base_store_u64(bytes + 24, header->durable);
    base_store_u64(bytes + 32, (uint64_t)header->time);
    base_store_u32(bytes + 40, header->payload_crc);
    base_store_u32(bytes + 44, crypto_crc32c(0, bytes, 44));
    header->chain = crypto_crc32c(chain_before, bytes, 48);
    base_store_u32(bytes + 48, header->chain);
    base_store_u32(bytes + 52, 0);
}

bool wal_frame_header_is_whole(const unsigned char *bytes)
{
    return base_load_u32(bytes + 44) == crypto_crc32c(0, bytes, 44);
}

bool wal_frame_header_load(wal_frame_header *header, uint64_t salt, uint32_t chain_before,
                           const unsigned char *bytes)
{
    header->length = base_load_u32(bytes);
    header->type = bytes[4];
    header->flags = bytes[5];
    header->salt = base_load_u64(bytes + 8);
    header->sequence = base_load_u64(bytes + 16);
    header->durable = base_load_u64(bytes + 24);
    header->time = (int64_t)base_load_u64(bytes + 32);
    header->payload_crc = base_load_u32(bytes + 40);
    header->chain = base_load_u32(bytes + 48);
    return header->salt == salt && wal_frame_header_is_whole(bytes) &&
           header->chain == crypto_crc32c(chain_before, bytes, 48) &&
           (header->type == WAL_FRAME_DATA || header->type == WAL_FRAME_PADDING) &&
           header->length <= WAL_MAX_FRAME_LENGTH;
}
