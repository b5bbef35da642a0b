/*
 * cache_format.c - header slots and references to bytes and back; offsets in cache_int.h.
 *
 * A file of a version or with features that this library does not know is told apart from a
 * damaged one: the checksum covers the version, so a header that passes is a true one.
 */
#include "store/cache/cache_int.h"

static const unsigned char magic[8] = {'T', 'U', 'F', 'F', 'F', 'I', 'L', 'E'};

void cache_reference_store(const cache_reference *reference, void *bytes)
{
    unsigned char *to = bytes;
    base_store_u64(to, reference->offset);
    base_store_u32(to + 8, reference->length);
    base_store_u16(to + 12, reference->kind);
    base_store_u16(to + 14, reference->flags);
    base_store_u64(to + 16, reference->birth_epoch);
    base_store_u32(to + 24, reference->key_epoch);
    base_store_u32(to + 28, 0);
    memcpy(to + 32, reference->seal, 16);
    memcpy(to + 48, reference->nonce, 24);
}

void cache_reference_load(cache_reference *reference, const void *bytes)
{
    const unsigned char *from = bytes;
    reference->offset = base_load_u64(from);
    reference->length = base_load_u32(from + 8);
    reference->kind = base_load_u16(from + 12);
    reference->flags = base_load_u16(from + 14);
    reference->birth_epoch = base_load_u64(from + 16);
    reference->key_epoch = base_load_u32(from + 24);
    memcpy(reference->seal, from + 32, 16);
    memcpy(reference->nonce, from + 48, 24);
}

void cache_header_store(const cache_header *header, unsigned char *slot)
{
    memset(slot, 0, CACHE_MAP_START);
    memcpy(slot, magic, sizeof magic);
    base_store_u32(slot + 8, CACHE_VERSION);
    memcpy(slot + 32, header->database_id, 16);
    base_store_u64(slot + 48, header->epoch);
    base_store_u64(slot + 56, header->granules);
    cache_reference_store(&header->root.root, slot + 64);
    cache_reference_store(&header->free_map, slot + 136);
    base_store_u64(slot + 208, header->root.sequence);
    base_store_u64(slot + 216, (uint64_t)header->root.time);
    base_store_u64(slot + 224, header->root.log_generation);
    base_store_u64(slot + 232, header->root.next_id);
    for (int i = 0; i < 4; i++)
        base_store_u64(slot + 240 + 8 * i, header->root.user[i]);
    base_store_u32(slot + 272, header->inline_entries);
    base_store_u32(slot + 276, crypto_crc32c(0, slot + CACHE_MAP_START,
                                             (size_t)header->inline_entries * CACHE_MAP_ENTRY));
    base_store_u64(slot + CACHE_HEADER_CHECKED, crypto_checksum64(slot, CACHE_HEADER_CHECKED, 0));
}

cache_slot_state cache_header_load(cache_header *header, const unsigned char *slot, bool read_only)
{
    if (memcmp(slot, magic, sizeof magic) != 0) {
        for (size_t i = 0; i < CACHE_GRANULE; i++) {
            if (slot[i])
                return CACHE_SLOT_FOREIGN;
        }
        return CACHE_SLOT_DAMAGED;
    }
    if (crypto_checksum64(slot, CACHE_HEADER_CHECKED, 0) !=
        base_load_u64(slot + CACHE_HEADER_CHECKED))
        return CACHE_SLOT_DAMAGED;
    header->epoch = base_load_u64(slot + 48); /* told for newer versions, too */
    bool unknown_writer = base_load_u64(slot + 24) != 0 && !read_only;
    if (base_load_u32(slot + 8) != CACHE_VERSION || base_load_u64(slot + 16) != 0 || unknown_writer)
        return CACHE_SLOT_NEWER;
    memcpy(header->database_id, slot + 32, 16);
    header->granules = base_load_u64(slot + 56);
    cache_reference_load(&header->root.root, slot + 64);
    cache_reference_load(&header->free_map, slot + 136);
    header->root.sequence = base_load_u64(slot + 208);
    header->root.time = (int64_t)base_load_u64(slot + 216);
    header->root.log_generation = base_load_u64(slot + 224);
    header->root.next_id = base_load_u64(slot + 232);
    for (int i = 0; i < 4; i++)
        header->root.user[i] = base_load_u64(slot + 240 + 8 * i);
    header->inline_entries = base_load_u32(slot + 272);
    if (header->inline_entries > CACHE_INLINE_ENTRIES ||
        crypto_crc32c(0, slot + CACHE_MAP_START,
                      (size_t)header->inline_entries * CACHE_MAP_ENTRY) !=
            base_load_u32(slot + 276))
        return CACHE_SLOT_DAMAGED;
    return CACHE_SLOT_VALID;
}
