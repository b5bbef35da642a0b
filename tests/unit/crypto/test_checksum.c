/*
 * test_checksum.c - published vectors, and all paths against each other.
 */
#include "unit/unit.h"
#include "crypto/crypto_int.h"

static void crc32c_gives_the_published_values(void **state)
{
    (void)state;
    unsigned char bytes[32];
    assert_int_equal(crypto_crc32c(0, "123456789", 9), 0xE3069283);
    assert_int_equal(crypto_crc32c(0, "", 0), 0);
    memset(bytes, 0, sizeof bytes);
    assert_int_equal(crypto_crc32c(0, bytes, 32), 0x8A9136AA);
    memset(bytes, 0xFF, sizeof bytes);
    assert_int_equal(crypto_crc32c(0, bytes, 32), 0x62A8AB43);
    for (int i = 0; i < 32; i++)
        bytes[i] = (unsigned char)i;
    assert_int_equal(crypto_crc32c(0, bytes, 32), 0x46DD794E);
}

static void crc32c_paths_agree_and_chain(void **state)
{
    (void)state;
    unsigned char bytes[200];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (unsigned char)(base_hash_u64(i) >> 8);
    for (size_t start = 0; start < 9; start++) {
        for (size_t length = 0; length + start <= sizeof bytes; length++) {
            uint32_t portable = crypto_crc32c_portable(7, bytes + start, length);
            uint32_t other;
            if (crypto_crc32c_hardware(7, bytes + start, length, &other))
                assert_int_equal(portable, other);
            uint32_t first = crypto_crc32c(7, bytes + start, length / 3);
            assert_int_equal(portable,
                             crypto_crc32c(first, bytes + start + length / 3, length - length / 3));
        }
    }
}

static void checksum64_gives_the_published_values(void **state)
{
    (void)state;
    assert_true(crypto_checksum64("", 0, 0) == UINT64_C(0xEF46DB3751D8E999));
    assert_true(crypto_checksum64("a", 1, 0) == UINT64_C(0xD24EC4F1A98C6E5B));
    assert_true(crypto_checksum64("abc", 3, 0) == UINT64_C(0x44BC2CF5AD770999));
    const char *text = "Nobody inspects the spammish repetition";
    assert_true(crypto_checksum64(text, strlen(text), 0) == UINT64_C(0xFBCEA83C8A378BF1));
}

static void checksum64_sees_every_bit(void **state)
{
    (void)state;
    unsigned char bytes[77] = {1, 2, 3};
    uint64_t whole = crypto_checksum64(bytes, sizeof bytes, 5);
    for (size_t bit = 0; bit < 8 * sizeof bytes; bit++) {
        bytes[bit / 8] ^= (unsigned char)(1u << bit % 8);
        assert_true(crypto_checksum64(bytes, sizeof bytes, 5) != whole);
        bytes[bit / 8] ^= (unsigned char)(1u << bit % 8);
    }
    assert_true(crypto_checksum64(bytes, sizeof bytes - 1, 5) != whole);
    assert_true(crypto_checksum64(bytes, sizeof bytes, 6) != whole);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(crc32c_gives_the_published_values),
        cmocka_unit_test(crc32c_paths_agree_and_chain),
        cmocka_unit_test(checksum64_gives_the_published_values),
        cmocka_unit_test(checksum64_sees_every_bit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
