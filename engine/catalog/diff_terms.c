/* SPDX-License-Identifier: Apache-2.0 */
/* Differences of what few services of plans have, and of tables of closing causes. */
#include "catalog/diff.h"
#include "catalog/keys.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define CODES_BYTES 1024u

/* "0 16-31": the causes that are billable. */
static void codes_text(const struct tg_causes *causes, char text[CODES_BYTES])
{
    text[0] = '\0';
    for (uint32_t from = 0; from < 256; from++) {
        uint32_t to = from;
        while (to < 256 && tg_causes_bill(causes, (uint8_t)to)) {
            to++;
        }
        if (to == from) {
            continue;
        }
        const size_t length = strlen(text);
        const int count =
            snprintf(text + length, CODES_BYTES - length, to - from > 1 ? "%s%u-%u" : "%s%u",
                     length > 0 ? " " : "", from, to - 1);
        from = count > 0 ? to : from;
    }
}

static const struct tg_causes *causes_at(const struct tg_image *image, uint32_t index)
{
    return image != NULL && index != UINT32_MAX
               ? (const struct tg_causes *)tg_image_section(image, TG_IMAGE_SECTION_CAUSES) + index
               : NULL;
}

void tg_diff_causes(struct tg_diff *diff, const struct tg_diff_item *item)
{
    static const struct tg_diff_field fields[] = {
        TG_DIFF_FIELD(tg_causes, otherwise, "otherwise", TG_DIFF_ENUM)};
    const struct tg_causes *was = causes_at(diff->before, item->was);
    const struct tg_causes *is = causes_at(diff->after, item->is);
    char left[CODES_BYTES];
    char right[CODES_BYTES];
    if (tg_diff_presence(diff, item, was != NULL, is != NULL)) {
        return;
    }
    codes_text(was, left);
    codes_text(is, right);
    tg_diff_text(diff, item, "billable", left, right);
    tg_diff_fields(diff, item, &tg_catalog_cause_keys, fields, sizeof fields / sizeof fields[0],
                   was, is);
}

static const char *causes_name(const struct tg_image *image, const struct tg_plan_terms *terms)
{
    return terms->causes != 0 ? tg_image_name(image, TG_CATALOG_CAUSES, terms->causes - 1) : "none";
}

void tg_diff_terms(struct tg_diff *diff, const struct tg_diff_item *item,
                   const struct tg_plan_service *was, const struct tg_plan_service *is)
{
    static const struct tg_diff_field fields[] = {
        TG_DIFF_FIELD(tg_plan_terms, zero_usage, "zero_usage", TG_DIFF_ENUM),
        TG_DIFF_FIELD(tg_plan_terms, negative_usage, "negative_usage", TG_DIFF_ENUM),
        TG_DIFF_FIELD(tg_plan_terms, rate_change, "rate_change", TG_DIFF_ENUM),
        TG_DIFF_FIELD(tg_plan_terms, number, "number", TG_DIFF_ENUM)};
    static const struct tg_plan_terms none = {0};
    const struct tg_plan_terms *left = tg_image_plan_terms(diff->before, was);
    const struct tg_plan_terms *right = tg_image_plan_terms(diff->after, is);
    left = left != NULL ? left : &none;
    right = right != NULL ? right : &none;
    tg_diff_text(diff, item, "causes", causes_name(diff->before, left),
                 causes_name(diff->after, right));
    tg_diff_fields(diff, item, &tg_catalog_service_keys, fields, sizeof fields / sizeof fields[0],
                   left, right);
}
