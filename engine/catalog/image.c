/* SPDX-License-Identifier: Apache-2.0 */
/* Readers of the image. What checks it before anyone reads is image_check.c. */
#include "catalog/image.h"

#include "abi/key.h"

#include <string.h>

#define GROUP        32u
#define NODE_ENTRIES 11u

struct unit_text {
    const char *name;
    uint64_t base_count;
    enum tg_dimension dimension;
};

static const struct unit_text units[TG_UNIT_COUNT] = {
    [TG_UNIT_MILLISECOND] = {"millisecond", 1, TG_DIMENSION_TIME},
    [TG_UNIT_SECOND] = {"second", 1000, TG_DIMENSION_TIME},
    [TG_UNIT_MINUTE] = {"minute", 60000, TG_DIMENSION_TIME},
    [TG_UNIT_HOUR] = {"hour", 3600000, TG_DIMENSION_TIME},
    [TG_UNIT_OCTET] = {"octet", 1, TG_DIMENSION_BYTES},
    [TG_UNIT_KILOBYTE] = {"kilobyte", 1000, TG_DIMENSION_BYTES},
    [TG_UNIT_KIBIBYTE] = {"kibibyte", 1024, TG_DIMENSION_BYTES},
    [TG_UNIT_MEGABYTE] = {"megabyte", 1000000, TG_DIMENSION_BYTES},
    [TG_UNIT_MEBIBYTE] = {"mebibyte", 1048576, TG_DIMENSION_BYTES},
    [TG_UNIT_GIGABYTE] = {"gigabyte", 1000000000, TG_DIMENSION_BYTES},
    [TG_UNIT_GIBIBYTE] = {"gibibyte", 1073741824, TG_DIMENSION_BYTES},
    [TG_UNIT_EVENT] = {"event", 1, TG_DIMENSION_EVENTS},
    [TG_UNIT_AMOUNT] = {"amount", 1, TG_DIMENSION_MONEY},
};

const char *tg_unit_name(unsigned unit)
{
    return unit < TG_UNIT_COUNT ? units[unit].name : "";
}

uint64_t tg_unit_base_count(unsigned unit)
{
    return unit < TG_UNIT_COUNT ? units[unit].base_count : 1;
}

enum tg_dimension tg_unit_dimension(unsigned unit)
{
    return unit < TG_UNIT_COUNT ? units[unit].dimension : TG_DIMENSION_EVENTS;
}

static const uint32_t powers[7] = {1, 10, 100, 1000, 10000, 100000, 1000000};
static const uint32_t bases[7] = {0, 1, 11, 111, 1111, 11111, 111111};

/* Up to six packed digits to their decimal value, two at a time. */
static inline uint32_t packed_value(uint32_t packed)
{
    const uint32_t pairs = ((packed >> 4) & 0x0f0f0fu) * 10 + (packed & 0x0f0f0fu);
    return (pairs >> 16) * 10000 + ((pairs >> 8) & 0xffu) * 100 + (pairs & 0xffu);
}

/* Where the look-up of a key starts. A nibble above nine, which no number has, finds nothing. */
static inline const uint32_t *direct_slot(const struct tg_deck *deck, const uint32_t *direct,
                                          uint64_t key)
{
    static const uint32_t nothing = TG_ZONE_NONE;
    const unsigned count = tg_digits_count(key);
    const unsigned taken = count < deck->direct_digits ? count : deck->direct_digits;
    const uint32_t value = packed_value((uint32_t)((key >> 40) >> (24 - 4 * taken)));
    return value < powers[taken] ? &direct[bases[taken] + value] : &nothing;
}

static inline const uint32_t *node_slot(const uint32_t *nodes, uint32_t entry, uint64_t key,
                                        unsigned depth)
{
    const uint32_t *node = nodes + (size_t)(entry & ~TG_DECK_IS_NODE) * NODE_ENTRIES;
    const unsigned digit = depth < tg_digits_count(key) ? tg_digits_at(key, depth) : 10;
    return &node[digit < 10 ? digit : 10];
}

/* What is valid then: zone and weight. */
static uint32_t dated_entry(const struct tg_deck_dated *dated, uint32_t entry, int64_t at_ns)
{
    while ((entry & TG_DECK_IS_DATED) != 0) {
        const struct tg_deck_dated *row = &dated[entry & ~TG_DECK_IS_DATED];
        entry = at_ns >= row->valid_from_ns && at_ns < row->valid_to_ns ? row->zone : row->next;
    }
    return entry;
}

/* All first loads are started before any is used, then all second ones: the misses overlap. */
static void zones_group(const struct tg_image *image, const struct tg_deck *deck,
                        const uint64_t *keys, const int64_t *at_ns, uint32_t count, uint16_t *zones)
{
    const uint32_t *direct = (const uint32_t *)tg_image_at(image, deck->direct_offset);
    const uint32_t *nodes = (const uint32_t *)tg_image_at(image, deck->nodes_offset);
    const struct tg_deck_dated *dated =
        (const struct tg_deck_dated *)tg_image_at(image, deck->dated_offset);
    const uint32_t *slots[GROUP];
    uint8_t active[GROUP];
    uint32_t active_count = count;
    for (uint32_t i = 0; i < count; i++) {
        slots[i] = direct_slot(deck, direct, keys[i]);
        __builtin_prefetch(slots[i]);
        active[i] = (uint8_t)i;
    }
    for (unsigned depth = deck->direct_digits; active_count > 0; depth++) {
        uint32_t left = 0;
        for (uint32_t i = 0; i < active_count; i++) {
            const uint32_t row = active[i];
            const uint32_t entry = *slots[row];
            if ((entry & TG_DECK_IS_NODE) != 0) {
                slots[row] = node_slot(nodes, entry, keys[row], depth);
                __builtin_prefetch(slots[row]);
                active[left++] = (uint8_t)row;
            } else {
                zones[row] = (uint16_t)((entry & TG_DECK_IS_DATED) != 0
                                            ? dated_entry(dated, entry, at_ns[row])
                                            : entry);
            }
        }
        active_count = left;
    }
}

void tg_image_zones(const struct tg_image *image, uint32_t deck, const uint64_t *keys,
                    const int64_t *at_ns, uint32_t count, uint16_t *zones)
{
    if (deck >= image->sections[TG_IMAGE_SECTION_DECKS].count) {
        memset(zones, 0, count * sizeof *zones);
        return;
    }
    const struct tg_deck *all =
        (const struct tg_deck *)tg_image_section(image, TG_IMAGE_SECTION_DECKS);
    for (uint32_t done = 0; done < count; done += GROUP) {
        const uint32_t group = count - done < GROUP ? count - done : GROUP;
        zones_group(image, &all[deck], keys + done, at_ns + done, group, zones + done);
    }
}

/* Zone and weight of one number in one deck. */
static uint32_t deck_entry(const struct tg_image *image, uint16_t index, uint64_t key,
                           int64_t at_ns)
{
    const struct tg_deck *deck =
        (const struct tg_deck *)tg_image_section(image, TG_IMAGE_SECTION_DECKS) + index;
    const uint32_t *nodes = (const uint32_t *)tg_image_at(image, deck->nodes_offset);
    uint32_t entry =
        *direct_slot(deck, (const uint32_t *)tg_image_at(image, deck->direct_offset), key);
    for (unsigned depth = deck->direct_digits; (entry & TG_DECK_IS_NODE) != 0; depth++) {
        entry = *node_slot(nodes, entry, key, depth);
    }
    return dated_entry((const struct tg_deck_dated *)tg_image_at(image, deck->dated_offset), entry,
                       at_ns);
}

/* All decks are asked; the first of those with the longest prefix decides. */
static uint16_t longest_zone(const struct tg_image *image,
                             const struct tg_plan_service *plan_service, uint64_t key,
                             int64_t at_ns, uint16_t *deck)
{
    uint16_t asked = plan_service->deck;
    uint16_t found_deck = TG_DECK_NONE;
    uint32_t found = TG_ZONE_NONE;
    for (uint32_t i = 0; asked != TG_DECK_NONE; i++) {
        const uint32_t entry = deck_entry(image, asked, key, at_ns);
        if ((uint16_t)entry != TG_ZONE_NONE &&
            (found_deck == TG_DECK_NONE ||
             entry >> TG_DECK_WEIGHT_SHIFT > found >> TG_DECK_WEIGHT_SHIFT)) {
            found = entry;
            found_deck = asked;
        }
        asked = i < TG_FALLBACK_DECKS_MAX ? plan_service->fallback_decks[i] : TG_DECK_NONE;
    }
    if (deck != NULL) {
        *deck = found_deck;
    }
    return (uint16_t)found;
}

uint16_t tg_image_plan_zone(const struct tg_image *image,
                            const struct tg_plan_service *plan_service, uint64_t key, int64_t at_ns,
                            uint16_t *deck)
{
    if (plan_service->deck_match == TG_DECK_MATCH_LONGEST) {
        return longest_zone(image, plan_service, key, at_ns, deck);
    }
    uint16_t asked = plan_service->deck;
    uint16_t zone = TG_ZONE_NONE;
    for (uint32_t i = 0; asked != TG_DECK_NONE; i++) {
        tg_image_zones(image, asked, &key, &at_ns, 1, &zone);
        if (zone != TG_ZONE_NONE) {
            break;
        }
        asked = i < TG_FALLBACK_DECKS_MAX ? plan_service->fallback_decks[i] : TG_DECK_NONE;
    }
    if (deck != NULL) {
        *deck = asked;
    }
    return zone;
}

unsigned tg_image_prefix_digits(const struct tg_image *image, uint16_t deck, uint64_t key,
                                int64_t at_ns)
{
    return deck < image->sections[TG_IMAGE_SECTION_DECKS].count
               ? (deck_entry(image, deck, key, at_ns) >> TG_DECK_WEIGHT_SHIFT) / 2
               : 0;
}

/* Zone of a rating group or a service's name; TG_ZONE_NONE: in no group. */
static uint16_t group_zone(const struct tg_image *image, const struct tg_origin *origin,
                           const struct tg_usage *row)
{
    const struct tg_zone_group *groups =
        (const struct tg_zone_group *)tg_image_at(image, origin->groups_offset);
    const bool has_name = tg_usage_peer_kind(row) == TG_KEY_NAME;
    for (uint32_t i = 0; i < origin->groups_count; i++) {
        const bool is_of_group = groups[i].to != 0 ? row->rating_group >= groups[i].from &&
                                                         row->rating_group <= groups[i].to
                                                   : has_name && row->peer_key == groups[i].name;
        if (is_of_group) {
            return groups[i].zone;
        }
    }
    return TG_ZONE_NONE;
}

uint16_t tg_image_pair_zone(const struct tg_image *image,
                            const struct tg_plan_service *plan_service, const struct tg_usage *row,
                            uint16_t zone)
{
    if (plan_service->origin == 0) {
        return zone;
    }
    const struct tg_origin *origin =
        (const struct tg_origin *)tg_image_section(image, TG_IMAGE_SECTION_ORIGINS) +
        (plan_service->origin - 1);
    uint16_t from = TG_ZONE_NONE;
    uint16_t own = zone; /* where no rule names the pair */
    if (origin->groups_count != 0) {
        const uint16_t visited = plan_service->deck == TG_DECK_NONE
                                     ? tg_image_network_zone(image, row->serving_network)
                                     : (uint16_t)TG_ZONE_NONE;
        const uint16_t group = group_zone(image, origin, row);
        zone = group != TG_ZONE_NONE ? group : visited != TG_ZONE_NONE ? visited : zone;
        own = visited != TG_ZONE_NONE ? visited : zone;
    }
    if (origin->a_count == 0) {
        return own;
    }
    if (origin->by == TG_ORIGIN_NETWORK) {
        from = tg_image_network_zone(image, row->serving_network);
    } else if (tg_usage_subscriber_kind(row) == TG_KEY_E164) {
        tg_image_zones(image, origin->deck, &row->subscriber_key, &row->start_ns, 1, &from);
    }
    if (from >= origin->zones_count || zone >= origin->zones_count) {
        return own;
    }
    const uint16_t *rows = (const uint16_t *)tg_image_at(image, origin->a_rows_offset);
    const uint16_t *columns = (const uint16_t *)tg_image_at(image, origin->b_columns_offset);
    const uint16_t *pairs = (const uint16_t *)tg_image_at(image, origin->pairs_offset);
    const uint16_t pair = pairs[(size_t)rows[from] * origin->b_count + columns[zone]];
    return pair != TG_ZONE_NONE ? pair : own;
}

static const struct tg_time_model *time_model_at(const struct tg_image *image, uint32_t index)
{
    const struct tg_time_model *all =
        (const struct tg_time_model *)tg_image_section(image, TG_IMAGE_SECTION_TIME_MODELS);
    return index < image->sections[TG_IMAGE_SECTION_TIME_MODELS].count ? &all[index] : NULL;
}

/* The pass of a repeated hour in which both the usage started and the instant lies; NULL: none. */
static const struct tg_band_repeat *repeat_of(const struct tg_image *image,
                                              const struct tg_time_model *model, int64_t start_ns,
                                              int64_t at_ns)
{
    const struct tg_band_repeat *repeats =
        (const struct tg_band_repeat *)tg_image_at(image, model->repeats_offset);
    for (uint32_t i = 0; i < model->repeats_count; i++) {
        if (start_ns >= repeats[i].from_ns && at_ns < repeats[i].to_ns) {
            return &repeats[i];
        }
    }
    return NULL;
}

static uint32_t band_at(const struct tg_image *image, const struct tg_time_model *model,
                        int64_t at_ns, int64_t *until_ns)
{
    *until_ns = INT64_MAX;
    const struct tg_band_switch *switches =
        (const struct tg_band_switch *)tg_image_at(image, model->switches_offset);
    uint32_t low = 0; /* switches before low are at or before the instant */
    uint32_t high = model->switches_count;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (switches[middle].from_ns <= at_ns) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low < model->switches_count) {
        *until_ns = switches[low].from_ns;
    }
    if (low == 0 || at_ns >= image->built_for_ns) {
        return TG_BAND_NONE; /* outside what was expanded: a guess would be a wrong price */
    }
    return switches[low - 1].band;
}

uint32_t tg_image_band_since(const struct tg_image *image, uint32_t time_model, int64_t start_ns,
                             int64_t at_ns, int64_t *until_ns)
{
    const struct tg_time_model *model = time_model_at(image, time_model);
    if (model == NULL || model->switches_count == 0) {
        *until_ns = INT64_MAX;
        return 0;
    }
    const struct tg_band_repeat *repeat =
        model->repeats_count != 0 ? repeat_of(image, model, start_ns, at_ns) : NULL;
    if (__builtin_expect(repeat == NULL, 1)) {
        return band_at(image, model, at_ns, until_ns);
    }
    const uint32_t band = band_at(image, model, at_ns + repeat->shift_ns, until_ns);
    /* The next boundary by the wall clock: in this pass, or where the switches have it. */
    *until_ns -= *until_ns < repeat->from_ns ? repeat->shift_ns : 0;
    return band;
}

bool tg_image_time_model_varies(const struct tg_image *image, uint32_t time_model)
{
    const struct tg_time_model *model = time_model_at(image, time_model);
    return model != NULL && model->variants != 0;
}

static uint32_t site_time_zone(const struct tg_image *image, uint32_t site)
{
    const struct tg_site *sites =
        (const struct tg_site *)tg_image_section(image, TG_IMAGE_SECTION_SITES);
    return site < image->sections[TG_IMAGE_SECTION_SITES].count ? sites[site].time_zone : 0;
}

uint32_t tg_image_time_model_at(const struct tg_image *image, uint32_t time_model,
                                const struct tg_image_place *place)
{
    const struct tg_time_model *model = time_model_at(image, time_model);
    if (model == NULL || model->variants == 0) {
        return time_model;
    }
    uint32_t zone = place->account_zone;
    if (model->by == TG_WALL_SERVING) {
        const struct tg_network *network = tg_image_network(image, place->serving_network);
        zone = network != NULL ? network->time_zone : 0;
    } else if (model->by == TG_WALL_NODE) {
        zone = site_time_zone(image, place->site);
    }
    return zone != 0 && zone <= model->variants_count ? model->variants + zone - 1 : time_model;
}

const char *tg_image_band_name(const struct tg_image *image, uint32_t time_model, uint32_t band)
{
    const struct tg_time_model *model = time_model_at(image, time_model);
    if (model == NULL || band >= model->bands_count) {
        return "";
    }
    const uint32_t *offsets = (const uint32_t *)tg_image_at(image, model->band_names_offset);
    return tg_image_text(image, offsets[band]);
}

const struct tg_allowance *tg_image_allowance(const struct tg_image *image, uint32_t allowance)
{
    const struct tg_allowance *all =
        (const struct tg_allowance *)tg_image_section(image, TG_IMAGE_SECTION_ALLOWANCES);
    return allowance < image->sections[TG_IMAGE_SECTION_ALLOWANCES].count &&
                   all[allowance].is_present != 0
               ? &all[allowance]
               : NULL;
}

const struct tg_product *tg_image_product(const struct tg_image *image, uint32_t product)
{
    const struct tg_product *all =
        (const struct tg_product *)tg_image_section(image, TG_IMAGE_SECTION_PRODUCTS);
    return product < image->sections[TG_IMAGE_SECTION_PRODUCTS].count &&
                   all[product].is_present != 0
               ? &all[product]
               : NULL;
}

const struct tg_tax *tg_image_tax(const struct tg_image *image, uint32_t tax)
{
    const struct tg_tax *all =
        (const struct tg_tax *)tg_image_section(image, TG_IMAGE_SECTION_TAXES);
    return tax < image->sections[TG_IMAGE_SECTION_TAXES].count && all[tax].is_present != 0
               ? &all[tax]
               : NULL;
}

const struct tg_network *tg_image_network(const struct tg_image *image, uint32_t network)
{
    const struct tg_network *all =
        (const struct tg_network *)tg_image_section(image, TG_IMAGE_SECTION_NETWORKS);
    return network < image->sections[TG_IMAGE_SECTION_NETWORKS].count &&
                   all[network].plmn_digits != 0
               ? &all[network]
               : NULL;
}

uint32_t tg_image_network_find(const struct tg_image *image, uint32_t plmn)
{
    const struct tg_network *all =
        (const struct tg_network *)tg_image_section(image, TG_IMAGE_SECTION_NETWORKS);
    const uint8_t digits = plmn >= 1000000 ? 6 : 5;
    const uint32_t value = plmn % 1000000;
    for (uint32_t i = 0; i < image->sections[TG_IMAGE_SECTION_NETWORKS].count; i++) {
        if (all[i].plmn == value && all[i].plmn_digits == digits) {
            return i;
        }
    }
    return UINT32_MAX;
}

uint16_t tg_image_network_zone(const struct tg_image *image, uint32_t network)
{
    const struct tg_network *visited = tg_image_network(image, network);
    return visited != NULL ? visited->zone : TG_ZONE_NONE;
}

/* Are the first bits of two addresses the same? */
static bool prefix_is_of(const uint8_t *prefix, uint32_t bits, const uint8_t *address)
{
    const uint32_t whole = bits / 8;
    const uint8_t mask = (uint8_t)(0xff00u >> (bits % 8));
    return memcmp(prefix, address, whole) == 0 &&
           (bits % 8 == 0 || ((prefix[whole] ^ address[whole]) & mask) == 0);
}

uint8_t tg_image_site_find(const struct tg_image *image, const uint8_t *address, const char *name)
{
    const struct tg_site_node *nodes =
        (const struct tg_site_node *)tg_image_section(image, TG_IMAGE_SECTION_SITE_NODES);
    const uint32_t count = image->sections[TG_IMAGE_SECTION_SITE_NODES].count;
    uint8_t by_address = 0;
    for (uint32_t i = 0; i < count; i++) {
        const struct tg_site_node *node = &nodes[i];
        if (node->name_offset != 0) {
            if (name != NULL && strcmp(tg_image_text(image, node->name_offset), name) == 0) {
                return node->site;
            }
        } else if (by_address == 0 && address != NULL &&
                   prefix_is_of(node->address, node->prefix_bits, address)) {
            by_address = node->site; /* longer prefixes come first */
        }
    }
    return by_address;
}

const char *tg_image_tariff_name(const struct tg_image *image, uint32_t price_id)
{
    return price_id < tg_image_prices_count(image)
               ? tg_image_name(image, TG_CATALOG_TARIFF,
                               tg_image_price_info(image, price_id)->tariff)
               : "";
}

const char *tg_image_name(const struct tg_image *image, enum tg_catalog_kind kind, uint32_t index)
{
    if ((unsigned)kind >= TG_CATALOG_KINDS_COUNT || index >= tg_image_count(image, kind)) {
        return "";
    }
    const uint32_t *offsets = (const uint32_t *)tg_image_section(
        image, (enum tg_image_section_id)(TG_IMAGE_SECTION_NAMES + kind));
    return tg_image_text(image, offsets[index]);
}

uint32_t tg_image_find(const struct tg_image *image, enum tg_catalog_kind kind, const char *name)
{
    for (uint32_t i = 0; i < tg_image_count(image, kind); i++) {
        if (strcmp(tg_image_name(image, kind, i), name) == 0) {
            return i;
        }
    }
    return UINT32_MAX;
}
