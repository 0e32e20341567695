/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Keys: packed digits and the hash of texts, the same for decoders and the engine.
 *
 *  Source: digits after ITU-T E.164 (15 digits at most) and 3GPP TS 23.003 (IMSI, 15 digits).
 *  Threads: pure. Allocates: never. Cost: about 1 ns for 8 bytes.
 *
 *  Packed digits: digit i (from the left) is the nibble at bits 63-4i .. 60-4i, unused nibbles are
 *  0, the low nibble is the count 0..15. So the first six digits are the top 24 bits, and keys of
 *  one length sort as their numbers do.
 */
#ifndef TG_ABI_KEY_H
#define TG_ABI_KEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define TG_DIGITS_MAX 15u

/**
 * @brief Pack ASCII digits.
 * @param[in]  text        Digits only; not NUL-terminated.
 * @param[in]  text_bytes  0..15.
 * @param[out] key         Written when the result is true.
 * @return false when there are more than 15 characters or one is no digit.
 */
static inline bool tg_digits_pack(const char *text, size_t text_bytes, uint64_t *key)
{
    if (text_bytes > TG_DIGITS_MAX) {
        return false;
    }
    uint64_t packed = text_bytes;
    for (size_t i = 0; i < text_bytes; i++) {
        const unsigned digit = (unsigned)(unsigned char)text[i] - '0';
        if (digit > 9) {
            return false;
        }
        packed |= (uint64_t)digit << (60 - 4 * i);
    }
    *key = packed;
    return true;
}

/** @brief How many digits. @param key Packed. @return 0..15. */
static inline unsigned tg_digits_count(uint64_t key)
{
    return (unsigned)(key & 15u);
}

/** @brief Digit i from the left. @param key Packed. @param i 0..14. @return 0..9. */
static inline unsigned tg_digits_at(uint64_t key, unsigned i)
{
    return (unsigned)(key >> (60 - 4 * i)) & 15u;
}

/** @brief Unpack. @param key Packed. @param text Room for 16; NUL-terminated. @return Count. */
static inline unsigned tg_digits_unpack(uint64_t key, char text[16])
{
    const unsigned count = tg_digits_count(key);
    for (unsigned i = 0; i < count; i++) {
        text[i] = (char)('0' + tg_digits_at(key, i));
    }
    text[count] = '\0';
    return count;
}

/** @brief Packed digits as a number. @param key Packed; leading zeros are lost. @return Below
 *  10^15. */
static inline uint64_t tg_digits_value(uint64_t key)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < tg_digits_count(key); i++) {
        value = value * 10 + tg_digits_at(key, i);
    }
    return value;
}

/** @brief tg_digits_value undone. @param value Below 10^15, else the last 15 digits count.
 *  @return Packed digits; 0 for 0. */
static inline uint64_t tg_digits_of_value(uint64_t value)
{
    uint64_t key = 0;
    unsigned count = 0;
    for (; value != 0 && count < TG_DIGITS_MAX; count++) {
        key = key >> 4 | value % 10 << 60;
        value /= 10;
    }
    return key | count;
}

/** @brief Mix two 64-bit words into one. @param a Any. @param b Any. @return Mixed. */
static inline uint64_t tg_key_mix(uint64_t a, uint64_t b)
{
    const unsigned __int128 product = (unsigned __int128)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/** @brief The last octets of bytes as a little-endian word: what memcpy of them would give, without
 *         a copy of unknown length, which is a call or an indirect jump.
 *  @param bytes Borrowed. @param length_bytes Count of all. @param left How many of them, 0..8.
 *  @return Word, zero-extended. */
static inline uint64_t tg_key_tail(const uint8_t *bytes, size_t length_bytes, size_t left)
{
    uint64_t word = 0;
    if (left == 0) {
        return 0;
    }
    if (length_bytes >= 8) {
        memcpy(&word, bytes + length_bytes - 8, 8);
        return word >> (64 - 8 * left);
    }
    for (size_t i = 0; i < left; i++) {
        word |= (uint64_t)bytes[length_bytes - left + i] << (8 * i);
    }
    return word;
}

#define TG_KEY_HASH_A UINT64_C(0xa0761d6478bd642f)
#define TG_KEY_HASH_B UINT64_C(0xe7037ed1a0b428db)

/** @brief Begin of tg_key_hash, for callers that hash several strings of one length side by side.
 *  @param seed As there. @param length_bytes As there. @return State. */
static inline uint64_t tg_key_hash_begin(uint64_t seed, size_t length_bytes)
{
    return tg_key_mix(seed ^ TG_KEY_HASH_A, length_bytes ^ TG_KEY_HASH_B);
}

/** @brief 16 octets of tg_key_hash. @param hash State. @param a First eight, little-endian.
 *  @param b Next eight. @return State. */
static inline uint64_t tg_key_hash_step(uint64_t hash, uint64_t a, uint64_t b)
{
    return tg_key_mix(hash ^ a ^ TG_KEY_HASH_A, b ^ TG_KEY_HASH_B);
}

/** @brief Last 0 to 15 octets of tg_key_hash. @param hash State. @param a First eight of them,
 *         zero-extended. @param b The others. @return Hash. */
static inline uint64_t tg_key_hash_end(uint64_t hash, uint64_t a, uint64_t b)
{
    hash = tg_key_mix(hash ^ a ^ TG_KEY_HASH_B, b ^ TG_KEY_HASH_A);
    return tg_key_mix(hash ^ TG_KEY_HASH_A, TG_KEY_HASH_B);
}

/**
 * @brief 64-bit identity hash of bytes; stored in journals, so it never changes.
 *
 * A 64x64->128 multiply folds 16 octets a step; the length is part of the hash, so chained pieces
 * are length-delimited and "ab","c" differs from "a","bc".
 *
 * @param seed   0, or the result of the piece before.
 * @param bytes  Borrowed.
 * @param length_bytes  Count.
 * @return Hash.
 */
static inline uint64_t tg_key_hash(uint64_t seed, const void *bytes, size_t length_bytes)
{
    const uint8_t *at = (const uint8_t *)bytes;
    size_t left = length_bytes;
    uint64_t hash = tg_key_hash_begin(seed, length_bytes);
    uint64_t a;
    uint64_t b;
    for (; left >= 16; at += 16, left -= 16) {
        memcpy(&a, at, 8);
        memcpy(&b, at + 8, 8);
        hash = tg_key_hash_step(hash, a, b);
    }
    if (left > 8) {
        memcpy(&a, at, 8);
        b = tg_key_tail((const uint8_t *)bytes, length_bytes, left - 8);
    } else {
        a = tg_key_tail((const uint8_t *)bytes, length_bytes, left);
        b = 0;
    }
    return tg_key_hash_end(hash, a, b);
}

/** @brief Key of a name (user, APN, host). @param bytes Borrowed. @param n Count. @return Key. */
static inline uint64_t tg_key_name(const void *bytes, size_t n)
{
    return tg_key_hash(0, bytes, n);
}

/** @brief IPv4 address to key. @param network_order 4 octets. @return Key of kind TG_KEY_IP4. */
static inline uint64_t tg_key_ip4(const uint8_t *network_order)
{
    return (uint64_t)network_order[0] << 24 | (uint64_t)network_order[1] << 16 |
           (uint64_t)network_order[2] << 8 | network_order[3];
}

/** @brief First half of an IPv6 address. @param network_order 16 octets. @return TG_KEY_IP6 key. */
static inline uint64_t tg_key_ip6(const uint8_t *network_order)
{
    uint64_t key = 0;
    for (int i = 0; i < 8; i++) {
        key = key << 8 | network_order[i];
    }
    return key;
}

#endif
