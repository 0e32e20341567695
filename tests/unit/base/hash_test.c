/* SPDX-License-Identifier: Apache-2.0 */
/* Vectors pinned for life: identity hashes and checksums lie in journals. A change here is a change
 * of the stored format, never a new vector. */
#include "base/hash.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <string.h>

/* If this fails duplicates of records accepted before an upgrade are charged again after it. */
Test(hash, identity_hashes_never_change)
{
    static const struct {
        uint64_t seed;
        const char *text;
        uint64_t hash;
    } rows[] = {
        {0, "", UINT64_C(0x377b8f7a2ab9859c)},
        {0, "a", UINT64_C(0x4b5bb3c52713c91d)},
        {0, "abcdefgh", UINT64_C(0x873a9dcdbe78e659)},
        {0, "alice@example.net", UINT64_C(0x871085b7117aed3b)},
        {0, "0123456789abcdef", UINT64_C(0xf1a5a0d73007245b)},
        {7, "The quick brown fox jumps over the lazy dog", UINT64_C(0xdc2cdadbae764841)},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const uint64_t hash = tg_key_hash(rows[i].seed, rows[i].text, strlen(rows[i].text));
        cr_expect_eq(hash, rows[i].hash, "'%s' is %016" PRIx64, rows[i].text, hash);
    }
    cr_expect_eq(tg_mix64(0), 0);
    cr_expect_eq(tg_mix64(1), UINT64_C(0x4179b061e0c0e0d0));
    cr_expect_eq(tg_mix64(UINT64_MAX), UINT64_C(0x448e29ced4103459));
}

/* If this fails every block of every journal written before is reported corrupt. */
Test(hash, crc32c_is_the_standards)
{
    uint8_t bytes[48];
    memset(bytes, 0, 32);
    cr_expect_eq(tg_crc32c(0, bytes, 32), 0x8a9136aau, "RFC 3720 B.4: 32 zeros");
    memset(bytes, 0xff, 32);
    cr_expect_eq(tg_crc32c(0, bytes, 32), 0x62a8ab43u, "RFC 3720 B.4: 32 ones");
    for (uint8_t i = 0; i < 32; i++) {
        bytes[i] = i;
    }
    cr_expect_eq(tg_crc32c(0, bytes, 32), 0x46dd794eu, "RFC 3720 B.4: ascending");
    cr_expect_eq(tg_crc32c(0, "123456789", 9), 0xe3069283u, "the check value of the catalogue");
    for (uint32_t cut = 0; cut <= 32; cut++) {
        cr_expect_eq(tg_crc32c(tg_crc32c(0, bytes, cut), bytes + cut, 32 - cut), 0x46dd794eu,
                     "in two pieces at %u", cut);
    }
}

/* If this fails a long block checks on one processor and is corrupt on another. */
Test(hash, crc32c_of_long_input_is_that_of_its_pieces)
{
    static uint8_t bytes[8192];
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (uint8_t)tg_mix64(i);
    }
    for (size_t from = 0; from < 9; from++) {
        for (size_t length = 700; length < sizeof bytes - from; length += 61) {
            uint32_t piecewise = 7;
            for (size_t at = 0; at < length; at += 100) { /* too short to run side by side */
                const size_t left = length - at;
                piecewise = tg_crc32c(piecewise, bytes + from + at, left < 100 ? left : 100);
            }
            cr_assert_eq(tg_crc32c(7, bytes + from, length), piecewise, "%zu octets", length);
        }
    }
}

/* If this fails two records of different bytes get one identity: the second is taken as a duplicate
 * and never charged. */
Test(hash, near_inputs_do_not_meet)
{
    enum { COUNT = 1 << 16, SLOTS = 1 << 20 };
    static uint64_t seen[SLOTS];
    for (uint32_t i = 0; i < COUNT; i++) {
        uint8_t record[40] = {0};
        memcpy(record + i % 33, &i, sizeof i);
        const uint64_t hash = tg_key_hash(0, record, 34 + i % 7) | 1;
        uint32_t at = (uint32_t)(hash >> 20) & (SLOTS - 1);
        while (seen[at] != 0) {
            cr_assert_neq(seen[at], hash, "record %u", i);
            at = (at + 1) & (SLOTS - 1);
        }
        seen[at] = hash;
    }
    cr_expect_neq(tg_key_hash(tg_key_hash(0, "ab", 2), "c", 1),
                  tg_key_hash(tg_key_hash(0, "a", 1), "bc", 2), "pieces are delimited");
    cr_expect_neq(tg_key_hash(0, "", 0), tg_key_hash(0, "\0", 1), "the length counts");
}

/* If this fails a number written as one and read as another names another subscriber. */
Test(hash, packed_digits_come_back_and_sort_as_numbers)
{
    static const char *const numbers[] = {"", "0", "00", "4915112345678", "999999999999999"};
    char text[16];
    uint64_t key = 0;
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        cr_assert(tg_digits_pack(numbers[i], strlen(numbers[i]), &key));
        cr_expect_eq(tg_digits_unpack(key, text), strlen(numbers[i]));
        cr_expect_str_eq(text, numbers[i]);
    }
    uint64_t low = 0;
    uint64_t high = 0;
    cr_assert(tg_digits_pack("4915112345678", 13, &low));
    cr_assert(tg_digits_pack("4915112345679", 13, &high));
    cr_expect_lt(low, high);
    cr_expect_eq(low, UINT64_C(0x491511234567800d), "stored in journals: pinned");
    cr_expect_not(tg_digits_pack("1234567890123456", 16, &key), "16 digits");
    cr_expect_not(tg_digits_pack("12a4", 4, &key), "a letter");
    cr_expect_not(tg_digits_pack("+49", 3, &key), "a plus");
}
