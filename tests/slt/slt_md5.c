/*
 * slt_md5.c - MD5 (RFC 1321), by which the corpus writes down long results.
 */
#include "slt.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

void slt_md5_start(slt_md5 *md5)
{
    *md5 = (slt_md5){.state = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476}};
}

static uint32_t rotate(uint32_t value, unsigned bits)
{
    return value << bits | value >> (32 - bits);
}

static void add_block(slt_md5 *md5, const unsigned char *block)
{
    static const unsigned char shifts[4][4] = {
        {7, 12, 17, 22}, {5, 9, 14, 20}, {4, 11, 16, 23}, {6, 10, 15, 21}};
    uint32_t words[16];
    memcpy(words, block, sizeof words);
    uint32_t a = md5->state[0], b = md5->state[1], c = md5->state[2], d = md5->state[3];
    for (unsigned i = 0; i < 64; i++) {
        uint32_t mixed;
        unsigned word;
        switch (i / 16) {
        case 0:
            mixed = (b & c) | (~b & d);
            word = i;
            break;
        case 1:
            mixed = (d & b) | (~d & c);
            word = (5 * i + 1) % 16;
            break;
        case 2:
            mixed = b ^ c ^ d;
            word = (3 * i + 5) % 16;
            break;
        default:
            mixed = c ^ (b | ~d);
            word = 7 * i % 16;
        }
        /* The constants are the first 32 bits of |sin(i + 1)|. */
        uint32_t constant = (uint32_t)(fabs(sin((double)i + 1)) * 4294967296.0);
        uint32_t sum = a + mixed + constant + words[word];
        a = d;
        d = c;
        c = b;
        b += rotate(sum, shifts[i / 16][i % 4]);
    }
    md5->state[0] += a;
    md5->state[1] += b;
    md5->state[2] += c;
    md5->state[3] += d;
}

void slt_md5_add(slt_md5 *md5, const void *bytes, size_t length)
{
    const unsigned char *from = bytes;
    size_t filled = md5->length % 64;
    md5->length += length;
    while (length) {
        size_t part = 64 - filled < length ? 64 - filled : length;
        memcpy(md5->block + filled, from, part);
        from += part;
        length -= part;
        filled += part;
        if (filled == 64) {
            add_block(md5, md5->block);
            filled = 0;
        }
    }
}

void slt_md5_finish(slt_md5 *md5, char hex[33])
{
    static const unsigned char padding[64] = {0x80};
    uint64_t bits = md5->length * 8;
    size_t filled = md5->length % 64;
    slt_md5_add(md5, padding, filled < 56 ? 56 - filled : 120 - filled);
    slt_md5_add(md5, &bits, sizeof bits);
    for (unsigned i = 0; i < 16; i++)
        (void)snprintf(hex + 2 * i, 3, "%02x", md5->state[i / 4] >> (i % 4 * 8) & 0xFF);
}
