/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/pattern.h"

#include "abi/key.h"

#include <assert.h>
#include <stdbool.h>

#define ANY_DIGIT 0x3ffu

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* "[2-58]": digits and rising ranges; `at` is behind the bracket on return. 0: not that. */
static uint16_t set_read(const char *text, size_t text_bytes, size_t *at)
{
    uint16_t set = 0;
    size_t i = *at + 1;
    while (i < text_bytes && is_digit(text[i])) {
        const int from = text[i] - '0';
        int to = from;
        if (i + 2 < text_bytes && text[i + 1] == '-' && is_digit(text[i + 2])) {
            to = text[i + 2] - '0';
            i += 2;
        }
        if (to < from) {
            return 0;
        }
        for (int digit = from; digit <= to; digit++) {
            set |= (uint16_t)(1u << digit);
        }
        i++;
    }
    if (i >= text_bytes || text[i] != ']') {
        return 0;
    }
    *at = i + 1;
    return set;
}

enum tg_pattern_fault tg_pattern_read(const char *text, size_t text_bytes,
                                      struct tg_pattern *pattern)
{
    uint64_t numbers = 1;
    size_t at = 0;
    *pattern = (struct tg_pattern){.places_count = 0};
    while (at < text_bytes) {
        uint16_t set = 0;
        if (text[at] == '[') {
            set = set_read(text, text_bytes, &at);
        } else {
            const char c = text[at++];
            set = is_digit(c)                        ? (uint16_t)(1u << (c - '0'))
                  : c == 'x' || c == 'X' || c == '?' ? ANY_DIGIT
                                                     : 0;
        }
        if (set == 0 || pattern->places_count == TG_PATTERN_PLACES_MAX) {
            return TG_PATTERN_SYNTAX;
        }
        pattern->places[pattern->places_count++] = set;
        numbers *= (unsigned)__builtin_popcount(set); /* at most 10^15 */
    }
    if (pattern->places_count == 0) {
        return TG_PATTERN_SYNTAX;
    }
    pattern->numbers_count = numbers <= TG_PATTERN_NUMBERS_MAX ? (uint32_t)numbers : 0;
    return pattern->numbers_count != 0 ? TG_PATTERN_FINE : TG_PATTERN_TOO_MANY;
}

uint64_t tg_pattern_key(const struct tg_pattern *pattern, uint32_t index)
{
    char digits[TG_PATTERN_PLACES_MAX];
    uint64_t key = 0;
    assert(index < pattern->numbers_count);
    for (uint32_t i = pattern->places_count; i-- > 0;) {
        const uint32_t choices = (uint32_t)__builtin_popcount(pattern->places[i]);
        uint16_t left = pattern->places[i];
        for (uint32_t skip = index % choices; skip > 0; skip--) {
            left &= (uint16_t)(left - 1);
        }
        digits[i] = (char)('0' + __builtin_ctz(left));
        index /= choices;
    }
    (void)tg_digits_pack(digits, pattern->places_count, &key);
    return key;
}
