/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief One well-formed UTF-8 character.
 *
 *  Source: RFC 3629 section 4; table 3-7 of the Unicode Standard. Threads: pure. Allocates: never.
 *  Cost: a few compares a character.
 */
#ifndef TG_DOC_UTF8_H
#define TG_DOC_UTF8_H

#include <stddef.h>

/**
 * @brief Length of the character that begins here.
 * @param at          Borrowed; shape [left_bytes].
 * @param left_bytes  At least 1.
 * @return 1..4 bytes; 0 when none begins here: overlong, a surrogate, above U+10FFFF, or cut short.
 */
static inline size_t tg_utf8_length(const unsigned char *at, size_t left_bytes)
{
    if (at[0] < 0x80) {
        return 1;
    }
    const size_t need = at[0] >= 0xc2 && at[0] <= 0xdf   ? 2
                        : at[0] >= 0xe0 && at[0] <= 0xef ? 3
                        : at[0] >= 0xf0 && at[0] <= 0xf4 ? 4
                                                         : 0;
    if (need == 0 || left_bytes < need) {
        return 0;
    }
    const unsigned char low = at[0] == 0xe0 ? 0xa0 : at[0] == 0xf0 ? 0x90 : 0x80;
    const unsigned char high = at[0] == 0xed ? 0x9f : at[0] == 0xf4 ? 0x8f : 0xbf;
    if (at[1] < low || at[1] > high) {
        return 0;
    }
    for (size_t i = 2; i < need; i++) {
        if ((at[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    return need;
}

#endif
