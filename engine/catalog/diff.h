/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Comparing two images from inside: what the parts of the diff share.
 *
 *  Source: schemas/catalog/README.md, whose options are what is compared. Threads: one.
 *  Allocates: the list of changes and maps of names. Cost: control plane.
 *
 *  Everything is matched by name: the two images may have been compiled apart, so that their
 *  numbers for zones, prices and all else differ.
 */
#ifndef TG_CATALOG_DIFF_H
#define TG_CATALOG_DIFF_H

#include "catalog/image.h"

#include <stdbool.h>
#include <stdint.h>

struct tg_json;
struct tg_schema;

/** @brief Both sides while they are compared. */
struct tg_diff {
    const struct tg_image *before; /**< NULL: everything is added. */
    const struct tg_image *after;  /**< Never NULL. */
    struct tg_json *list;          /**< Changes so far. */
    /** Index before of each one after, by kind, UINT32_MAX none; NULL: not made. */
    uint32_t *before_of[TG_CATALOG_KINDS_COUNT];
    uint8_t scale_before; /**< Of the amounts being compared. */
    uint8_t scale_after;  /**< Likewise. */
    uint8_t unit_before;  /**< enum tg_unit in which quantities being compared are written. */
    uint8_t unit_after;   /**< Likewise. */
};

/** @brief What is being compared; texts are borrowed. */
struct tg_diff_item {
    const char *kind; /**< "price". */
    const char *name; /**< Its name. */
    uint32_t was;     /**< Index before; UINT32_MAX: it was not there. */
    uint32_t is;      /**< Index after; UINT32_MAX: it is gone. */
};

/** @brief How a field of a stored structure is read. */
enum tg_diff_how {
    TG_DIFF_NUMBER = 0,   /**< As it is. */
    TG_DIFF_MONEY = 1,    /**< At the scales of the diff; INT64_MAX and INT64_MIN are none. */
    TG_DIFF_ENUM = 2,     /**< By the names of the schema's key of that name. */
    TG_DIFF_ROUNDING = 3, /**< enum tg_rounding. */
    TG_DIFF_TEXT = 4,     /**< Offset into the text section. */
    TG_DIFF_UNITS = 5     /**< Base quantity, in the units of the diff; UINT64_MAX is none. */
};

/** @brief A field of a stored structure and the option it keeps. */
struct tg_diff_field {
    const char *key;    /**< Option, as written in documents. */
    uint16_t offset;    /**< In the structure. */
    uint8_t size_bytes; /**< 1, 2, 4 or 8. */
    uint8_t how;        /**< enum tg_diff_how. */
};

/** @brief Initialiser of a struct tg_diff_field. */
#define TG_DIFF_FIELD(type, member, option, as)                                                    \
    {                                                                                              \
        .key = (option), .offset = offsetof(struct type, member),                                  \
        .size_bytes = sizeof(((struct type *)0)->member), .how = (as)                              \
    }

/** @brief Tell a change. @param diff Diff. @param item Of what. @param field Option; NULL: all of
 *  it. @param from Text, or NULL: added. @param to Text, or NULL: removed. */
void tg_diff_add(struct tg_diff *diff, const struct tg_diff_item *item, const char *field,
                 const char *from, const char *to);

/** @brief Tell a text that changed. @param diff Diff. @param item Of what. @param field Option.
 *  @param from Text. @param to Text; the same tells nothing. */
void tg_diff_text(struct tg_diff *diff, const struct tg_diff_item *item, const char *field,
                  const char *from, const char *to);

/** @brief A list as one text, in which entries follow each other. */
struct tg_diff_words {
    size_t length;   /**< Of text. */
    bool is_cut;     /**< More did not fit: "..." says so. */
    char text[1024]; /**< NUL-terminated; zero-initialise. */
};

/** @brief Put an entry behind a list; one that is there already is not put again. @param words
 *  List. @param word Entry. */
void tg_diff_word(struct tg_diff_words *words, const char *word);

/** @brief Tell a number that changed. @param diff Diff. @param item Of what. @param field Option.
 *  @param from Number; UINT64_MAX is none. @param to Likewise; the same tells nothing. */
void tg_diff_number(struct tg_diff *diff, const struct tg_diff_item *item, const char *field,
                    uint64_t from, uint64_t to);

/** @brief Tell an amount that changed. @param diff Diff with the scales. @param item Of what.
 *  @param field Option. @param from Amount. @param to Amount; the same tells nothing. */
void tg_diff_money(struct tg_diff *diff, const struct tg_diff_item *item, const char *field,
                   int64_t from, int64_t to);

/** @brief An amount as it is told. @param amount Amount; INT64_MIN and INT64_MAX are none.
 *  @param scale Its scale. @param[out] text Room for TG_MONEY_TEXT_BYTES. */
void tg_diff_money_text(int64_t amount, uint8_t scale, char *text);

/** @brief Tell an instant that changed. @param diff Diff. @param item Of what. @param field Option.
 *  @param from_ns UTC; INT64_MAX open. @param to_ns Likewise; the same tells nothing. */
void tg_diff_time(struct tg_diff *diff, const struct tg_diff_item *item, const char *field,
                  int64_t from_ns, int64_t to_ns);

/** @brief Tell all fields of two structures that differ. @param diff Diff. @param item Of what.
 *  @param keys Schema of its options. @param fields Shape [fields_count]. @param fields_count How
 *  many. @param was Structure before. @param is Structure after. */
void tg_diff_fields(struct tg_diff *diff, const struct tg_diff_item *item,
                    const struct tg_schema *keys, const struct tg_diff_field *fields,
                    size_t fields_count, const void *was, const void *is);

/** @brief Tell that it was added or removed as a whole. @param diff Diff. @param item Of what.
 *  @param was Was it there? @param is Is it there? @return true unless it is on both sides: nothing
 *  else is to be said. */
bool tg_diff_presence(struct tg_diff *diff, const struct tg_diff_item *item, bool was, bool is);

/** @brief Compare a price. @param diff Diff. @param item Which. */
void tg_diff_price(struct tg_diff *diff, const struct tg_diff_item *item);

/** @brief Compare a tax. @param diff Diff. @param item Which. */
void tg_diff_tax(struct tg_diff *diff, const struct tg_diff_item *item);

/** @brief Compare an allowance. @param diff Diff. @param item Which. */
void tg_diff_allowance(struct tg_diff *diff, const struct tg_diff_item *item);

/** @brief Compare a product. @param diff Diff. @param item Which. */
void tg_diff_product(struct tg_diff *diff, const struct tg_diff_item *item);

/** @brief Compare a spend limit. @param diff Diff. @param item Which. */
void tg_diff_limit(struct tg_diff *diff, const struct tg_diff_item *item);

/** @brief Compare a cash rounding. @param diff Diff. @param item Which. */
void tg_diff_cash(struct tg_diff *diff, const struct tg_diff_item *item);

/** @brief Compare the lifecycle of bills. @param diff Diff. */
void tg_diff_billing(struct tg_diff *diff);

/** @brief Compare a legal entity. @param diff Diff. @param item Which. */
void tg_diff_entity(struct tg_diff *diff, const struct tg_diff_item *item);

/** @brief Compare an exchange rate. @param diff Diff. @param item Which. */
void tg_diff_exchange(struct tg_diff *diff, const struct tg_diff_item *item);

/** @brief Compare all services of a plan. @param diff Diff. @param item Which. */
void tg_diff_plan(struct tg_diff *diff, const struct tg_diff_item *item);

/** @brief Compare a table of closing causes. @param diff Diff. @param item Which. */
void tg_diff_causes(struct tg_diff *diff, const struct tg_diff_item *item);

/** @brief Compare the terms of a plan's service that is on both sides. @param diff Diff.
 *  @param item Which. @param was Before. @param is After. */
void tg_diff_terms(struct tg_diff *diff, const struct tg_diff_item *item,
                   const struct tg_plan_service *was, const struct tg_plan_service *is);

/** @brief Compare a deck. @param diff Diff. @param item Which. */
void tg_diff_deck(struct tg_diff *diff, const struct tg_diff_item *item);

/** @brief Compare a time model over the time both versions cover. @param diff Diff.
 *  @param item Which. */
void tg_diff_time_model(struct tg_diff *diff, const struct tg_diff_item *item);

/** @brief Compare a network. @param diff Diff. @param item Which. */
void tg_diff_network(struct tg_diff *diff, const struct tg_diff_item *item);

/** @brief Compare a site: its time zone, and each node of it. @param diff Diff. @param item Which.
 */
void tg_diff_site(struct tg_diff *diff, const struct tg_diff_item *item);

/** @brief Compare a counter of the documents; one that no price names is not there. @param diff
 *  Diff. @param item Which; the name of a kind of sum tells nothing. */
void tg_diff_counter(struct tg_diff *diff, const struct tg_diff_item *item);

#endif
