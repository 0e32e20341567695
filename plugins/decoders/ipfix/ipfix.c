/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief IPFIX: the flow-template engine of lib/ under the IPFIX plug-in descriptor.
 *
 *  Source: RFC 7011, file form RFC 5655. README.md has the table clause by clause.
 *  Threads: one owner per state. Allocates: only open. Cost: see ipfix/README.md.
 */
#include "lib/flowwalk.h"

#define WIRE_VERSION 10u

static bool probe(const uint8_t *bytes, uint32_t length_bytes)
{
    return tg_flow_is_version(bytes, length_bytes, WIRE_VERSION);
}

static enum tg_err open_state(const struct tg_decoder_config *config, void **state,
                              struct tg_complaint *why)
{
    return tg_flow_open(&tg_flow_ipfix, config, state, why);
}

static const struct tg_decoder contract = {
    .size_bytes = sizeof(struct tg_decoder),
    .state_version = TG_FLOW_STATE_VERSION,
    .probe = probe,
    .open = open_state,
    .close = tg_flow_close,
    .decode = tg_flow_decode,
    .save = tg_flow_save,
    .load = tg_flow_load,
    .expire = tg_flow_expire,
};

TG_PLUGIN(ipfix, TG_PLUGIN_DECODER, struct tg_decoder, contract, "1.0", "IPFIX flow records");
