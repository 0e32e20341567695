/* SPDX-License-Identifier: Apache-2.0 */
/* A catalog folder of one hostile YAML document with a hostile deck and people beside it, compiled;
 * what compiles is then damaged behind a good checksum and read. */
#include "base/arena.h"
#include "base/hash.h"
#include "catalog/catalog.h"
#include "doc/diag.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CRC_AT (offsetof(struct tg_image, checksum) + sizeof(uint32_t))

static char folder[64];

static void file_write(const char *name, const uint8_t *bytes, size_t size)
{
    char path[128];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    if (file == NULL || (size > 0 && fwrite(bytes, 1, size, file) != size)) {
        abort();
    }
    (void)fclose(file);
}

static void folder_remove(void)
{
    static const char *const names[] = {"c.yaml", "d.csv", "subscribers.csv", "accounts.csv"};
    char path[128];
    for (size_t i = 0; i < 4; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        (void)unlink(path);
    }
    (void)rmdir(folder);
}

static void image_read(const struct tg_image *image)
{
    const uint64_t keys[3] = {UINT64_C(0x491511234567800b), 0, UINT64_MAX};
    const int64_t at_ns[3] = {0, INT64_C(1780000000000000000), INT64_MAX};
    uint16_t zones[3];
    int64_t until_ns;
    for (uint32_t plan = 0; plan < 8; plan++) {
        for (uint32_t service = 0; service < 8; service++) {
            const struct tg_plan_service *cell = tg_image_plan_service(image, plan, service);
            if (cell == NULL) {
                continue;
            }
            tg_image_zones(image, cell->deck, keys, at_ns, 3, zones);
            const struct tg_usage row = {.subscriber_key = keys[0],
                                         .serving_network = plan,
                                         .key_kinds = tg_key_kinds(TG_KEY_E164, TG_KEY_E164)};
            zones[1] = tg_image_pair_zone(image, cell, &row, zones[1]);
            for (unsigned i = 0; i < 3; i++) {
                const uint32_t band = tg_image_band(image, cell->time_model, at_ns[i], &until_ns);
                const uint32_t price = tg_image_price_at(image, cell, zones[i], band);
                if (price != TG_PRICE_NONE && tg_image_price(image, price) == NULL) {
                    abort();
                }
            }
        }
    }
}

static void image_damage(const struct tg_image *image, const uint8_t *data, size_t size)
{
    const size_t image_bytes = image->size_bytes;
    struct tg_image *copy = tg_pages_take(image_bytes);
    if (copy == NULL) {
        return;
    }
    memcpy(copy, image, image_bytes);
    for (size_t i = 0; i + 5 <= size && i < 40; i += 5) {
        uint32_t where;
        memcpy(&where, data + i, sizeof where);
        ((uint8_t *)copy)[CRC_AT + where % (image_bytes - CRC_AT)] = data[i + 4];
    }
    if (copy->size_bytes == image_bytes) {
        copy->checksum = tg_crc32c(0, (const uint8_t *)copy + CRC_AT, image_bytes - CRC_AT);
    }
    if (tg_image_check(copy, image_bytes, NULL) == TG_OK) {
        image_read(copy);
    }
    tg_pages_free(copy, image_bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (folder[0] == '\0') {
        (void)strcpy(folder, "/dev/shm/tg_fuzz_XXXXXX");
        if (mkdtemp(folder) == NULL) {
            abort();
        }
        (void)atexit(folder_remove);
    }
    /* Parts are parted by a NUL: YAML, deck, subscribers, damage. */
    const uint8_t *parts[4] = {data, NULL, NULL, NULL};
    size_t lengths[4] = {size, 0, 0, 0};
    for (unsigned i = 0; i < 3; i++) {
        const uint8_t *zero = lengths[i] > 0 ? memchr(parts[i], '\0', lengths[i]) : NULL;
        if (zero == NULL) {
            break;
        }
        parts[i + 1] = zero + 1;
        lengths[i + 1] = lengths[i] - (size_t)(zero + 1 - parts[i]);
        lengths[i] = (size_t)(zero - parts[i]);
    }
    file_write("c.yaml", parts[0], lengths[0]);
    file_write("d.csv", parts[1], lengths[1]);
    file_write("subscribers.csv", parts[2], lengths[2]);
    file_write("accounts.csv", (const uint8_t *)"id\na\n", 5);
    struct tg_diag *diag = tg_diag_open();
    struct tg_catalog_snapshot *snapshot = NULL;
    if (tg_catalog_open_folder(folder, diag, &snapshot, NULL) == TG_OK) {
        image_read(snapshot->images[0]);
        image_damage(snapshot->images[0], parts[3], lengths[3]);
    }
    tg_catalog_close(snapshot);
    tg_diag_close(diag);
    return 0;
}
