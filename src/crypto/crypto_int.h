/*
 * crypto_int.h - the two ways to a CRC, apart so that tests can compare them.
 */
#ifndef CRYPTO_CRYPTO_INT_H
#define CRYPTO_CRYPTO_INT_H

#include "crypto/crypto.h"

uint32_t crypto_crc32c_portable(uint32_t seed, const void *bytes, size_t length);
/* True when the processor has the instruction, and then the result by it. */
bool crypto_crc32c_hardware(uint32_t seed, const void *bytes, size_t length, uint32_t *result);

#endif
