/* SPDX-License-Identifier: Apache-2.0 */
/* A target that must fail: a read one octet past its input, behind a word that mutation has to
 * find. If a fuzzing run lets it pass, it would let anything pass: no sanitizer, no coverage, no
 * time. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char word[] = "gate";
    static volatile uint8_t seen;
    uint8_t *copy = malloc(size);
    if (copy == NULL || size == 0) {
        free(copy);
        return 0;
    }
    memcpy(copy, data, size);
    size_t at = 0;
    while (at < size && at < sizeof word - 1 && copy[at] == (uint8_t)word[at]) {
        at++;
    }
    if (at == sizeof word - 1) {
        seen = copy[size];
        (void)seen;
    }
    free(copy);
    return 0;
}
