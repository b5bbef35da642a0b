/*
 * crypto.h - checksums of the file formats. (Encryption and the key ring will join them.)
 *
 * Both are part of the format: the same bytes give the same number for ever, on every
 * machine. Neither protects against somebody who wants to deceive; authentication tags will.
 */
#ifndef CRYPTO_CRYPTO_H
#define CRYPTO_CRYPTO_H

#include "base/base.h"

/* CRC-32C (Castagnoli). `seed` is 0, or the result for the bytes before these. For small
 * and chained units: log frames, headers. */
uint32_t crypto_crc32c(uint32_t seed, const void *bytes, size_t length);

/* XXH64 of the bytes: 64 bits, for extents. */
uint64_t crypto_checksum64(const void *bytes, size_t length, uint64_t seed);

#endif
