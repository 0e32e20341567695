/* SPDX-License-Identifier: Apache-2.0 */
/* libFuzzer target of the ipfix decoder: the bytes are datagrams, each after two octets of length.
 */
#include "flow_fuzz.h"

extern const struct tg_plugin tg_plugin_entry_ipfix;

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length_bytes)
{
    return tg_fuzz_flow(&tg_plugin_entry_ipfix, bytes, length_bytes);
}
