/*
 * crc32c.c - CRC-32C by instruction or by table.
 *
 * The processor's crc32 instruction takes 8 bytes in 3 cycles; the table takes 8 bytes as 16
 * nibbles, each looked up on its own, so that the lookups do not wait for each other and the
 * table is 1 KiB of constants (256-entry tables for 8 bytes would be 8 KiB and push data out
 * of the first-level cache).
 *
 * Which of the two runs is asked at each call (the compiler's runtime keeps the answer of
 * CPUID): a function pointer set at start would be mutable global state.
 */
#include "crypto/crypto_int.h"

/* [p][n]: what nibble n at bits 4p .. 4p + 3 of a 64-bit word leaves in the register. */
static const uint32_t nibble_table[16][16] = {
    {0x00000000, 0x493C7D27, 0x9278FA4E, 0xDB448769, 0x211D826D, 0x6821FF4A, 0xB3657823, 0xFA590504,
     0x423B04DA, 0x0B0779FD, 0xD043FE94, 0x997F83B3, 0x632686B7, 0x2A1AFB90, 0xF15E7CF9,
     0xB86201DE},
    {0x00000000, 0x847609B4, 0x0D006599, 0x89766C2D, 0x1A00CB32, 0x9E76C286, 0x1700AEAB, 0x9376A71F,
     0x34019664, 0xB0779FD0, 0x3901F3FD, 0xBD77FA49, 0x2E015D56, 0xAA7754E2, 0x230138CF,
     0xA777317B},
    {0x00000000, 0x68032CC8, 0xD0065990, 0xB8057558, 0xA5E0C5D1, 0xCDE3E919, 0x75E69C41, 0x1DE5B089,
     0x4E2DFD53, 0x262ED19B, 0x9E2BA4C3, 0xF628880B, 0xEBCD3882, 0x83CE144A, 0x3BCB6112,
     0x53C84DDA},
    {0x00000000, 0x9C5BFAA6, 0x3D5B83BD, 0xA100791B, 0x7AB7077A, 0xE6ECFDDC, 0x47EC84C7, 0xDBB77E61,
     0xF56E0EF4, 0x6935F452, 0xC8358D49, 0x546E77EF, 0x8FD9098E, 0x1382F328, 0xB2828A33,
     0x2ED97095},
    {0x00000000, 0xEF306B19, 0xDB8CA0C3, 0x34BCCBDA, 0xB2F53777, 0x5DC55C6E, 0x697997B4, 0x8649FCAD,
     0x6006181F, 0x8F367306, 0xBB8AB8DC, 0x54BAD3C5, 0xD2F32F68, 0x3DC34471, 0x097F8FAB,
     0xE64FE4B2},
    {0x00000000, 0xC00C303E, 0x85F4168D, 0x45F826B3, 0x0E045BEB, 0xCE086BD5, 0x8BF04D66, 0x4BFC7D58,
     0x1C08B7D6, 0xDC0487E8, 0x99FCA15B, 0x59F09165, 0x120CEC3D, 0xD200DC03, 0x97F8FAB0,
     0x57F4CA8E},
    {0x00000000, 0x38116FAC, 0x7022DF58, 0x4833B0F4, 0xE045BEB0, 0xD854D11C, 0x906761E8, 0xA8760E44,
     0xC5670B91, 0xFD76643D, 0xB545D4C9, 0x8D54BB65, 0x2522B521, 0x1D33DA8D, 0x55006A79,
     0x6D1105D5},
    {0x00000000, 0x8F2261D3, 0x1BA8B557, 0x948AD484, 0x37516AAE, 0xB8730B7D, 0x2CF9DFF9, 0xA3DBBE2A,
     0x6EA2D55C, 0xE180B48F, 0x750A600B, 0xFA2801D8, 0x59F3BFF2, 0xD6D1DE21, 0x425B0AA5,
     0xCD796B76},
    {0x00000000, 0xDD45AAB8, 0xBF672381, 0x62228939, 0x7B2231F3, 0xA6679B4B, 0xC4451272, 0x1900B8CA,
     0xF64463E6, 0x2B01C95E, 0x49234067, 0x9466EADF, 0x8D665215, 0x5023F8AD, 0x32017194,
     0xEF44DB2C},
    {0x00000000, 0xE964B13D, 0xD725148B, 0x3E41A5B6, 0xABA65FE7, 0x42C2EEDA, 0x7C834B6C, 0x95E7FA51,
     0x52A0C93F, 0xBBC47802, 0x8585DDB4, 0x6CE16C89, 0xF90696D8, 0x106227E5, 0x2E238253,
     0xC747336E},
    {0x00000000, 0xA541927E, 0x4F6F520D, 0xEA2EC073, 0x9EDEA41A, 0x3B9F3664, 0xD1B1F617, 0x74F06469,
     0x38513EC5, 0x9D10ACBB, 0x773E6CC8, 0xD27FFEB6, 0xA68F9ADF, 0x03CE08A1, 0xE9E0C8D2,
     0x4CA15AAC},
    {0x00000000, 0x70A27D8A, 0xE144FB14, 0x91E6869E, 0xC76580D9, 0xB7C7FD53, 0x26217BCD, 0x56830647,
     0x8B277743, 0xFB850AC9, 0x6A638C57, 0x1AC1F1DD, 0x4C42F79A, 0x3CE08A10, 0xAD060C8E,
     0xDDA47104},
    {0x00000000, 0x13A29877, 0x274530EE, 0x34E7A899, 0x4E8A61DC, 0x5D28F9AB, 0x69CF5132, 0x7A6DC945,
     0x9D14C3B8, 0x8EB65BCF, 0xBA51F356, 0xA9F36B21, 0xD39EA264, 0xC03C3A13, 0xF4DB928A,
     0xE7790AFD},
    {0x00000000, 0x3FC5F181, 0x7F8BE302, 0x404E1283, 0xFF17C604, 0xC0D23785, 0x809C2506, 0xBF59D487,
     0xFBC3FAF9, 0xC4060B78, 0x844819FB, 0xBB8DE87A, 0x04D43CFD, 0x3B11CD7C, 0x7B5FDFFF,
     0x449A2E7E},
    {0x00000000, 0xF26B8303, 0xE13B70F7, 0x1350F3F4, 0xC79A971F, 0x35F1141C, 0x26A1E7E8, 0xD4CA64EB,
     0x8AD958CF, 0x78B2DBCC, 0x6BE22838, 0x9989AB3B, 0x4D43CFD0, 0xBF284CD3, 0xAC78BF27,
     0x5E133C24},
    {0x00000000, 0x105EC76F, 0x20BD8EDE, 0x30E349B1, 0x417B1DBC, 0x5125DAD3, 0x61C69362, 0x7198540D,
     0x82F63B78, 0x92A8FC17, 0xA24BB5A6, 0xB21572C9, 0xC38D26C4, 0xD3D3E1AB, 0xE330A81A,
     0xF36E6F75},
};

uint32_t crypto_crc32c_portable(uint32_t seed, const void *bytes, size_t length)
{
    const unsigned char *next = bytes;
    uint32_t crc = ~seed;
    for (; length >= 8; length -= 8, next += 8) {
        uint64_t word = base_load_u64(next) ^ crc;
        crc = 0;
        for (unsigned p = 0; p < 16; p++)
            crc ^= nibble_table[p][word >> (4 * p) & 15];
    }
    /* A single byte is the last two nibbles of a word. */
    for (; length > 0; length--, next++) {
        uint32_t low = crc ^ *next;
        crc = crc >> 8 ^ nibble_table[14][low & 15] ^ nibble_table[15][low >> 4 & 15];
    }
    return ~crc;
}

#if defined(__x86_64__)
#define CRYPTO_CRC32C_HARDWARE 1

__attribute__((target("sse4.2"))) static uint32_t by_instruction(uint32_t seed, const void *bytes,
                                                                 size_t length)
{
    const unsigned char *next = bytes;
    uint64_t crc = ~seed;
    for (; length >= 8; length -= 8, next += 8)
        crc = __builtin_ia32_crc32di(crc, base_load_u64(next));
    for (; length > 0; length--, next++)
        crc = __builtin_ia32_crc32qi((uint32_t)crc, *next);
    return ~(uint32_t)crc;
}
static bool has_instruction(void)
{
    return __builtin_cpu_supports("sse4.2");
}
#elif defined(__aarch64__) && defined(__ARM_FEATURE_CRC32)
#define CRYPTO_CRC32C_HARDWARE 1
#include <arm_acle.h>

static uint32_t by_instruction(uint32_t seed, const void *bytes, size_t length)
{
    const unsigned char *next = bytes;
    uint32_t crc = ~seed;
    for (; length >= 8; length -= 8, next += 8)
        crc = __crc32cd(crc, base_load_u64(next));
    for (; length > 0; length--, next++)
        crc = __crc32cb(crc, *next);
    return ~crc;
}
static bool has_instruction(void)
{
    return true;
}
#endif

bool crypto_crc32c_hardware(uint32_t seed, const void *bytes, size_t length, uint32_t *result)
{
#ifdef CRYPTO_CRC32C_HARDWARE
    if (has_instruction()) {
        *result = by_instruction(seed, bytes, length);
        return true;
    }
#else
    (void)seed;
    (void)bytes;
    (void)length;
    (void)result;
#endif
    return false;
}

uint32_t crypto_crc32c(uint32_t seed, const void *bytes, size_t length)
{
    uint32_t result;
    if (crypto_crc32c_hardware(seed, bytes, length, &result))
        return result;
    return crypto_crc32c_portable(seed, bytes, length);
}
