/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/zone_time.h"

static const struct tg_account_zone *zone_entry(const struct tg_image *image, uint32_t zone)
{
    const struct tg_image_section *section = &image->sections[TG_IMAGE_SECTION_ACCOUNT_ZONES];
    const struct tg_account_zone *all =
        (const struct tg_account_zone *)tg_image_section(image, TG_IMAGE_SECTION_ACCOUNT_ZONES);
    return section->count == 0 ? NULL : &all[zone < section->count ? zone : 0];
}

struct tg_zone_view tg_image_zone(const struct tg_image *image, uint32_t zone)
{
    const struct tg_account_zone *entry = zone_entry(image, zone);
    const struct tg_zone_offset *offsets =
        (const struct tg_zone_offset *)tg_image_section(image, TG_IMAGE_SECTION_ZONE_OFFSETS);
    return entry == NULL || entry->offsets_count == 0
               ? (struct tg_zone_view){NULL, 0, 0}
               : (struct tg_zone_view){offsets + entry->offset_first, entry->offsets_count, 0};
}

const char *tg_image_zone_name(const struct tg_image *image, uint32_t zone)
{
    const struct tg_account_zone *entry = zone_entry(image, zone);
    return entry == NULL || entry->name_offset == 0 ? "UTC"
                                                    : tg_image_text(image, entry->name_offset);
}

int64_t tg_zone_local_ns(struct tg_zone_view zone, int64_t at_ns)
{
    uint32_t low = 0;
    uint32_t high = zone.count;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (zone.offsets[middle].from_ns > at_ns) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return low > 0 ? at_ns + zone.offsets[low - 1].offset_ns : at_ns;
}

int64_t tg_zone_utc_ns(struct tg_zone_view zone, int64_t local_ns)
{
    for (uint32_t i = 0; i < zone.count; i++) {
        const int64_t from_ns = zone.offsets[i].from_ns;
        const int64_t at_ns = local_ns - zone.offsets[i].offset_ns;
        if (at_ns < from_ns) {
            return from_ns; /* Skipped: behind the end of the offset before, ahead of this one. */
        }
        if (i + 1 == zone.count || at_ns < zone.offsets[i + 1].from_ns) {
            return at_ns;
        }
    }
    return local_ns;
}
