/* SPDX-License-Identifier: Apache-2.0 */
/* The build compiles this file, and this one alone, for AVX-512; nothing of it runs before
 * tg_flow_variant_at has asked the processor. */
#define TG_FLOW_LANES 8
#include "lib/flowlanes.h"

const struct tg_flow_variant tg_flow_avx512 = {
    .name = "avx512", .lanes_count = LANES, .gather = variant_gather};
