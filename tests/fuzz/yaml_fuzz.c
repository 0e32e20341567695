/* SPDX-License-Identifier: Apache-2.0 */
/* Documents and CSV from anywhere: YAML through the catalog's schema, CSV row by row. */
#include "catalog/keys.h"
#include "doc/csv.h"
#include "doc/diag.h"
#include "doc/schema.h"
#include "doc/yaml.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void yaml_try(const char *text, size_t text_bytes, struct tg_diag *diag)
{
    struct tg_yaml *yaml = NULL;
    (void)tg_yaml_parse("fuzz.yaml", text, text_bytes, NULL, diag, &yaml);
    if (yaml != NULL) {
        (void)tg_schema_check(&tg_catalog_keys, tg_yaml_root(yaml), diag);
        (void)tg_schema_number(&tg_catalog_head_keys, tg_yaml_get(tg_yaml_root(yaml), "catalog"),
                               "valid_from");
    }
    tg_yaml_close(yaml);
}

static void csv_try(const char *text, size_t text_bytes, struct tg_diag *diag)
{
    static const struct tg_csv_column columns[] = {{"prefix", true}, {"zone", true}};
    struct tg_csv csv;
    int16_t index[2];
    uint32_t sum = 0;
    if (tg_csv_open_text(&csv, "fuzz.csv", text, text_bytes) == TG_OK) {
        (void)tg_csv_header(&csv, columns, 2, index, diag);
        for (enum tg_err err = TG_OK; err != TG_E_NOT_FOUND;) {
            err = tg_csv_next(&csv, diag);
            for (uint32_t i = 0; i < csv.fields_count && err == TG_OK; i++) {
                for (uint32_t j = 0; j < csv.fields[i].text_bytes; j++) {
                    sum += (uint8_t)csv.fields[i].text[j];
                }
            }
        }
    }
    if (sum == UINT32_MAX) {
        abort(); /* keeps the reads above from being optimised away */
    }
    tg_csv_close(&csv);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static FILE *nowhere;
    struct tg_diag *diag = tg_diag_open();
    if (nowhere == NULL) {
        nowhere = fopen("/dev/null", "w");
    }
    if (size > 0 && (data[0] & 1) != 0) {
        csv_try((const char *)data + 1, size - 1, diag);
    } else if (size > 0) {
        yaml_try((const char *)data + 1, size - 1, diag);
    }
    tg_diag_print(diag, nowhere);
    tg_diag_close(diag);
    return 0;
}
