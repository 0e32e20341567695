/* SPDX-License-Identifier: Apache-2.0 */
/* The two header forms differ; the field specifiers are read by one loop. */
#include "lib/flowtemplate.h"

#include "lib/cursor.h"

#include <string.h>

#define TEMPLATE_ID_MIN 256u
#define IPFIX_VERSION   10u
#define ENTERPRISE_BIT  0x8000u /* RFC 7011 3.2 */

/** Counts from the header of a template record. */
struct counts {
    uint32_t fields;
    uint32_t scopes;
    bool is_misaligned;
};

static struct counts counts_read(const struct tg_flow_dialect *dialect, bool is_options,
                                 struct tg_cursor *c)
{
    struct counts counts = {0, 0, false};
    const uint32_t first = tg_cursor_be16(c);
    if (!is_options) {
        counts.fields = first;
    } else if (dialect->version == IPFIX_VERSION) {
        counts.fields = first;
        counts.scopes = first > 0 ? tg_cursor_be16(c) : 0;
    } else { /* RFC 3954 6.1 counts octets, 4 a field */
        const uint32_t second = tg_cursor_be16(c);
        counts.scopes = first / 4;
        counts.fields = counts.scopes + second / 4;
        counts.is_misaligned = first % 4 != 0 || second % 4 != 0;
    }
    return counts;
}

static struct tg_flow_field field_read(const struct tg_flow_dialect *dialect, struct tg_cursor *c)
{
    struct tg_flow_field field;
    memset(&field, 0, sizeof(field));
    field.element = tg_cursor_be16(c);
    field.length_octets = tg_cursor_be16(c);
    if (dialect->version == IPFIX_VERSION && (field.element & ENTERPRISE_BIT) != 0) {
        field.element &= (uint16_t)~ENTERPRISE_BIT;
        field.enterprise = tg_cursor_be32(c);
    }
    return field;
}

enum tg_err tg_flow_template_read(const struct tg_flow_dialect *dialect, bool is_options,
                                  const uint8_t *bytes, uint32_t left_octets,
                                  struct tg_flow_template *made, bool *is_withdrawal,
                                  uint32_t *octets)
{
    struct tg_cursor c = tg_cursor(bytes, left_octets);
    made->key.id = tg_cursor_be16(&c);
    const struct counts counts = counts_read(dialect, is_options, &c);
    *is_withdrawal = false;
    *octets = left_octets;
    if (c.failed) {
        return TG_E_TRUNCATED;
    }
    if (counts.fields == 0 && dialect->version == IPFIX_VERSION) {
        const uint32_t all_id = is_options ? dialect->options_set : dialect->template_set;
        *octets = tg_cursor_offset(&c);
        *is_withdrawal = made->key.id >= TEMPLATE_ID_MIN || made->key.id == all_id;
        return *is_withdrawal ? TG_OK : TG_E_TEMPLATE;
    }
    for (uint32_t i = 0; i < counts.fields; i++) {
        struct tg_flow_field field = field_read(dialect, &c);
        field.is_scope = i < counts.scopes;
        if (c.failed) {
            return TG_E_TRUNCATED;
        }
        if (i < TG_FLOW_FIELDS_MAX) {
            made->fields[i] = field;
        }
    }
    if (counts.is_misaligned) {
        return TG_E_TEMPLATE; /* where the next template begins is unknown */
    }
    *octets = tg_cursor_offset(&c);
    if (made->key.id < TEMPLATE_ID_MIN || counts.scopes > counts.fields) {
        return TG_E_TEMPLATE;
    }
    made->scopes_count = (uint16_t)counts.scopes;
    return tg_flow_plan_compile(dialect->version, is_options, made->fields, counts.fields,
                                &made->plan);
}
