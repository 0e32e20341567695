/* SPDX-License-Identifier: Apache-2.0 */
/* The three generated tables and the search in them. */
#include "lib/flowfields.h"

#define TG_ROW(number, pen, text, kind, use)                                                       \
    {.enterprise = (pen), .element = (number), .type = (kind), .usage = (use), .name = (text)},

static const struct tg_flow_element ipfix_elements[] = {
#include "ipfix_elements.def"
};

static const struct tg_flow_element netflow9_elements[] = {
#include "netflow9_elements.def"
};

static const struct tg_flow_element netflow9_scopes[] = {
#include "netflow9_scopes.def"
};
#undef TG_ROW

#define TABLE_COUNT(table) (sizeof(table) / sizeof((table)[0]))

static const struct tg_flow_element unknown_element = {.type = TG_FIELD_OCTETS};

/* Tables ascend by (enterprise, element); tools/gen_fields.awk refuses one that does not. */
static const struct tg_flow_element *search(const struct tg_flow_element *table, size_t count,
                                            uint32_t enterprise, uint16_t element)
{
    const uint64_t wanted = (uint64_t)enterprise << 16 | element;
    size_t low = 0;
    size_t high = count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        const uint64_t found = (uint64_t)table[middle].enterprise << 16 | table[middle].element;
        if (found == wanted) {
            return &table[middle];
        }
        if (found < wanted) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return NULL;
}

const struct tg_flow_element *tg_flow_element_find(uint16_t version, bool is_scope,
                                                   uint32_t enterprise, uint16_t element)
{
    const struct tg_flow_element *found = NULL;
    if (version == 9 && is_scope) {
        found = search(netflow9_scopes, TABLE_COUNT(netflow9_scopes), 0, element);
        return found != NULL ? found : &unknown_element;
    }
    if (version == 9) {
        found = search(netflow9_elements, TABLE_COUNT(netflow9_elements), 0, element);
    }
    if (found == NULL) {
        found = search(ipfix_elements, TABLE_COUNT(ipfix_elements), enterprise, element);
    }
    return found != NULL ? found : &unknown_element;
}
