/* SPDX-License-Identifier: Apache-2.0 */
#define TG_FLOW_LANES 4
#include "lib/flowlanes.h"

const struct tg_flow_variant tg_flow_avx2 = {
    .name = "avx2", .lanes_count = LANES, .gather = variant_gather};
