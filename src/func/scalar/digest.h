/*
 * digest.h - checksums of bytes for the SQL functions of their names.
 */
#ifndef FUNC_SCALAR_DIGEST_H
#define FUNC_SCALAR_DIGEST_H

#include "base/base.h"

void digest_md5(const void *bytes, size_t length, uint8_t digest[16]);
void digest_sha1(const void *bytes, size_t length, uint8_t digest[20]);
void digest_sha256(const void *bytes, size_t length, uint8_t digest[32]);
uint32_t digest_crc32(const void *bytes, size_t length);

#endif
