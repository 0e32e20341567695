/* SPDX-License-Identifier: Apache-2.0 */
/* `rating_digits`: how many decimals beyond its minor unit charges in a currency are rounded to.
 * Amounts are kept at the minor unit + TG_RATING_DIGITS whatever it says: fewer digits are a
 * rounding to a multiple of a power of ten, and more would be another unit of all that is stored.
 */
#include "base/money.h"
#include "catalog/compile.h"
#include "catalog/keys.h"
#include "doc/schema.h"

#include <stdlib.h>

_Static_assert(TG_RATING_DIGITS == TG_MONEY_EXTRA_DECIMALS, "no finer than what is stored");

void tg_compile_digits(struct tg_compile *compile)
{
    const struct tg_yaml_node *table = tg_yaml_get(compile->folder->head, "rating_digits_of");
    for (const struct tg_yaml_node *node = table != NULL ? table->child : NULL; node != NULL;
         node = node->next) {
        if (node->key != NULL && tg_currency_by_code(node->key) == NULL) {
            tg_diag_add(compile->diag, TG_DIAG_ERROR, node->key_mark, "use an ISO 4217 code",
                        "rating_digits_of: currency \"%.64s\" is not known", node->key);
        }
    }
}

uint8_t tg_compile_rating_exponent(const struct tg_compile *compile,
                                   const struct tg_currency *currency)
{
    const struct tg_yaml_node *head = compile->folder->head;
    const struct tg_yaml_node *own =
        tg_yaml_get(tg_yaml_get(head, "rating_digits_of"), currency->code);
    int64_t digits = tg_schema_number(&tg_catalog_head_keys, head, "rating_digits");
    if (own != NULL && own->kind == TG_YAML_SCALAR) {
        digits = strtol(own->text, NULL, 10); /* the schema has seen what it is */
    }
    return digits >= 0 && digits <= TG_RATING_DIGITS ? (uint8_t)(TG_RATING_DIGITS - digits) : 0;
}

uint8_t tg_compile_exponent(struct tg_compile *compile, const struct tg_schema *keys,
                            const struct tg_yaml_node *map, const struct tg_currency *currency,
                            uint8_t most)
{
    const struct tg_yaml_node *decimals = tg_yaml_get(map, "decimals");
    const int64_t exponent = decimals != NULL
                                 ? currency->scale - tg_schema_number(keys, map, "decimals")
                                 : tg_compile_rating_exponent(compile, currency);
    if (exponent >= 0 && exponent <= most) {
        return (uint8_t)exponent;
    }
    tg_diag_add(compile->diag, TG_DIAG_ERROR, decimals->mark, NULL,
                "decimals: must be %d to %d in %s", (int)currency->scale - most,
                (int)currency->scale, currency->code);
    return 0;
}
