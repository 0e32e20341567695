/* SPDX-License-Identifier: Apache-2.0 */
/* Sites: where nodes stand. What names a node is an address, a prefix of addresses, or the name
 * that the configuration of the engine gives it. */
#include "catalog/compile.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define ADDRESS_BITS 128u
#define IP4_AT_BITS  96u /* ::ffff:0:0/96 */

/* A name has a letter that no address has, or none of what addresses are written with. */
static bool is_name(const char *text)
{
    return strchr(text, ':') == NULL && text[strspn(text, "0123456789./")] != '\0';
}

static bool has_bits_below(const uint8_t address[16], uint32_t bits)
{
    for (uint32_t i = bits; i < ADDRESS_BITS; i++) {
        if ((address[i / 8] >> (7 - i % 8) & 1u) != 0) {
            return true;
        }
    }
    return false;
}

/* "192.0.2.0/24", "2001:db8::/32" or one address. @return NULL, or what is wrong. */
static const char *prefix_read(const char *text, struct tg_site_node *node)
{
    char address[64];
    const size_t length = strcspn(text, "/");
    const bool is_ip6 = strchr(text, ':') != NULL;
    const uint32_t own_bits = is_ip6 ? ADDRESS_BITS : ADDRESS_BITS - IP4_AT_BITS;
    unsigned long bits = own_bits;
    if (length >= sizeof address) {
        return "is no address";
    }
    memcpy(address, text, length);
    address[length] = '\0';
    if (!is_ip6) {
        memset(&node->address[10], 0xff, 2);
    }
    if (inet_pton(is_ip6 ? AF_INET6 : AF_INET, address, &node->address[is_ip6 ? 0 : 12]) != 1) {
        return "is no address";
    }
    if (text[length] == '/') {
        const char *digits = text + length + 1;
        bits = strspn(digits, "0123456789") == strlen(digits) && digits[0] != '\0' &&
                       strlen(digits) <= 3
                   ? strtoul(digits, NULL, 10)
                   : ADDRESS_BITS + 1;
    }
    if (bits > own_bits) {
        return is_ip6 ? "has no prefix length of 0 to 128" : "has no prefix length of 0 to 32";
    }
    node->prefix_bits = (uint8_t)(bits + ADDRESS_BITS - own_bits);
    return has_bits_below(node->address, node->prefix_bits) ? "has bits behind its prefix length"
                                                            : NULL;
}

/* Nodes of all sites with the place where each is written. */
struct listed {
    struct tg_site_node node;
    const struct tg_yaml_node *at;
    size_t order; /* as written: the later one of two is the mistake */
};

/* Which node it is, nothing else: 0 for two of one address and length, or of one name. */
static int node_compare(const struct listed *a, const struct listed *b)
{
    const bool is_name_a = a->node.name_offset != 0;
    const bool is_name_b = b->node.name_offset != 0;
    const int by_address = memcmp(a->node.address, b->node.address, sizeof a->node.address);
    if (a->node.prefix_bits != b->node.prefix_bits) {
        return a->node.prefix_bits > b->node.prefix_bits ? -1 : 1;
    }
    return by_address != 0          ? by_address
           : is_name_a != is_name_b ? (is_name_a ? 1 : -1)
           : is_name_a              ? strcasecmp(a->at->text, b->at->text)
                                    : 0;
}

static int listed_compare(const void *left, const void *right)
{
    const struct listed *a = left;
    const struct listed *b = right;
    const int by_node = node_compare(a, b);
    return by_node != 0 ? by_node : (a->order > b->order) - (a->order < b->order);
}

static void node_list(struct tg_compile *compile, const struct tg_yaml_node *item, uint32_t site,
                      struct tg_blob *all)
{
    struct listed listed = {
        .at = item, .node = {.site = (uint8_t)site}, .order = all->size_bytes / sizeof listed};
    if (item->kind != TG_YAML_SCALAR || item->text_bytes == 0) {
        return; /* the schema has said so */
    }
    if (is_name(item->text)) {
        char name[64];
        size_t length = 0;
        for (; item->text[length] != '\0' && length + 1 < sizeof name; length++) {
            name[length] = (char)tolower((unsigned char)item->text[length]);
        }
        name[length] = '\0';
        listed.node.name_offset = tg_compile_text(compile, name);
    } else {
        const char *wrong = prefix_read(item->text, &listed.node);
        if (wrong != NULL) {
            tg_diag_add(compile->diag, TG_DIAG_ERROR, item->mark,
                        "write an address, a prefix such as 192.0.2.0/24, or a node's name",
                        "nodes: \"%.64s\" %s", item->text, wrong);
            return;
        }
    }
    (void)tg_blob_append(all, &listed, sizeof listed, 8);
}

static void nodes_put(struct tg_compile *compile, struct tg_blob *all)
{
    struct listed *listed = (struct listed *)(void *)all->bytes;
    const size_t count = all->size_bytes / sizeof *listed;
    if (count > 0) {
        qsort(listed, count, sizeof *listed, listed_compare);
    }
    for (size_t i = 0; i < count; i++) {
        if (i > 0 && node_compare(&listed[i - 1], &listed[i]) == 0) {
            tg_diag_add(compile->diag, TG_DIAG_ERROR, listed[i].at->mark, NULL,
                        "nodes: site \"%.64s\" has \"%.64s\" already",
                        tg_names_text(&compile->names[TG_CATALOG_SITE], listed[i - 1].node.site),
                        listed[i].at->text);
        }
        (void)tg_blob_append(&compile->sections[TG_IMAGE_SECTION_SITE_NODES], &listed[i].node,
                             sizeof listed[i].node, 8);
    }
}

void tg_compile_sites(struct tg_compile *compile)
{
    const struct tg_names *names = &compile->names[TG_CATALOG_SITE];
    struct tg_blob all = {0};
    for (uint32_t i = 0; i < names->count; i++) {
        const struct tg_yaml_node *node = tg_compile_node(compile, TG_CATALOG_SITE, i);
        const struct tg_yaml_node *list = tg_yaml_get(node, "nodes");
        const struct tg_yaml_node *zone = tg_yaml_get(node, "time_zone");
        struct tg_site site = {.is_present = node != NULL};
        if (i > TG_SITES_MAX) {
            if (node != NULL) {
                tg_diag_add(compile->diag, TG_DIAG_ERROR, node->key_mark,
                            "list all nodes of one place under one site",
                            "more than %u sites over all versions", TG_SITES_MAX);
            }
            break;
        }
        if (zone != NULL && zone->kind == TG_YAML_SCALAR) {
            site.time_zone =
                (uint8_t)(tg_names_find(&compile->site_zones, zone->text, zone->text_bytes) + 1);
        }
        for (const struct tg_yaml_node *item =
                 list != NULL && list->kind == TG_YAML_LIST ? list->child : NULL;
             item != NULL; item = item->next) {
            node_list(compile, item, i, &all);
        }
        (void)tg_blob_append(&compile->sections[TG_IMAGE_SECTION_SITES], &site, sizeof site, 4);
    }
    nodes_put(compile, &all);
    compile->is_out_of_memory |= all.is_broken;
    tg_blob_free(&all);
}
