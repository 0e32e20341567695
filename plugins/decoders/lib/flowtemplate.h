/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Read one template record from a template or options template set.
 *
 *  Source: RFC 7011 3.2 (field specifier), 3.4.1, 3.4.2, 8.1 (withdrawal); RFC 3954 5.2, 6.1.
 *  Threads: pure. Allocates: never. Cost: some hundred ns a template; templates are rare.
 */
#ifndef TG_DECODERS_LIB_FLOWTEMPLATE_H
#define TG_DECODERS_LIB_FLOWTEMPLATE_H

#include "lib/flowwalk.h"

/**
 * @brief Read and compile one template.
 *
 * @param[in]     dialect        Protocol.
 * @param[in]     is_options     It stands in an options template set.
 * @param[in]     bytes          First octet of the template record.
 * @param[in]     left_octets    At least 4: octets left in the set.
 * @param[in,out] made           key.source_id and key.domain are given; all else is written.
 * @param[out]    is_withdrawal  IPFIX: field count 0; only made->key is written then.
 * @param[out]    octets         Length of the record, at least 1, at most left_octets. When its end
 *                               cannot be told this is all that is left.
 * @return TG_OK; TG_E_TRUNCATED it runs past the set; TG_E_COUNT no field or more than
 *         TG_FLOW_FIELDS_MAX; TG_E_TEMPLATE a bad id, scope or field length.
 */
enum tg_err tg_flow_template_read(const struct tg_flow_dialect *dialect, bool is_options,
                                  const uint8_t *bytes, uint32_t left_octets,
                                  struct tg_flow_template *made, bool *is_withdrawal,
                                  uint32_t *octets);

#endif
