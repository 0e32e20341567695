/* SPDX-License-Identifier: Apache-2.0 */
/* BPF objects from anywhere, taken apart as when a catalog is checked; what comes out is put into
 * words, instruction by instruction. The verifier is DPDK's and runs in a child. */
#include "plug/bpf.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct tg_bpf_code code;
    char line[160];
    char text[80];
    struct tg_why why;
    if (tg_bpf_object_read("fuzz.o", data, size, &code, &why) != TG_OK) {
        return 0;
    }
    for (uint32_t i = 0; i < code.insns_count; i++) {
        tg_bpf_insn_text(code.insns, code.insns_count, i, text, sizeof text);
        tg_bpf_object_line(data, size, i, line, sizeof line);
    }
    return 0;
}
