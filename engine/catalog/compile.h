/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief A checked folder to one image: references resolved, cross-checks made, offsets laid out.
 *
 *  Source: schemas/catalog/README.md. Threads: one owner. Allocates: yes, control plane.
 *  Cost: dominated by sorting decks; see catalog_test.c.
 *
 *  (1) Names of the previous image come first, in its order, so that every index keeps its number.
 *  (2) Every mistake is reported; a part with mistakes leaves a hole and the others go on.
 *  (3) Offsets inside sections are relative until tg_compile_run has laid the sections out.
 */
#ifndef TG_CATALOG_COMPILE_H
#define TG_CATALOG_COMPILE_H

#include "abi/err.h"
#include "abi/tariff.h"
#include "catalog/blob.h"
#include "catalog/folder.h"
#include "catalog/image.h"
#include "doc/csv.h"
#include "doc/diag.h"

#include <stdbool.h>
#include <stdint.h>

struct tg_compile_codes;
struct tg_currency;
struct tg_schema;

/** @brief One file of a deck. */
struct tg_compile_file {
    const struct tg_yaml_node *node; /**< That names it. */
    struct tg_csv csv;               /**< Open until the compiler ends. */
    char path[TG_FOLDER_PATH_BYTES]; /**< Where it is. */
};

/** @brief A deck's rows as they were written; kept for the lints. */
struct tg_compile_sheet {
    const struct tg_yaml_node *node; /**< Of the deck. */
    const struct tg_source *source;  /**< Where rows were written; NULL nothing was read. */
    struct tg_compile_file *files;   /**< Shape [files_count]; NULL: prefixes of the document. */
    uint32_t files_count;            /**< How many sheets. */
    struct tg_blob rows;             /**< struct tg_deck_row, sorted. */
    uint32_t rows_count;             /**< How many. */
    uint16_t buy_deck;               /**< Rate sheet of what it costs; TG_DECK_NONE none. */
    bool has_rates;                  /**< Its rows bring prices. */
};

/** @brief Where a row was written. @param sheet Borrowed. @param file tg_deck_row.file.
 *  @return Source for marks. */
static inline const struct tg_source *tg_compile_source(const struct tg_compile_sheet *sheet,
                                                        uint16_t file)
{
    return file < sheet->files_count ? &sheet->files[file].csv.source : sheet->source;
}

/** @brief A price that rows of a rate sheet bring. One that depends on where from has a zone of its
 *  own, named as the rule of the pair is written: "ny>az/212" and "?>az/212". */
struct tg_compile_rate {
    int64_t price;      /**< Of per_units, at the rating scale. */
    int64_t connect;    /**< Connect fee. */
    uint64_t per_units; /**< Units the price is for. */
    uint64_t first;     /**< First increment, units. */
    uint64_t next;      /**< Further increments, units. */
    uint64_t minimum;   /**< Raised to, units. */
    uint64_t grace;     /**< Free at or below, units. */
    uint64_t included;  /**< Free of every call, units. */
    int64_t min;        /**< Of the charge; INT64_MIN none. */
    int64_t max;        /**< Of the charge; INT64_MAX none. */
    uint32_t price_id;  /**< Its number; its name is that of its zone. */
    uint32_t zone;      /**< Its zone, which no other price has. */
    uint32_t pairs[2];  /**< Zones of callers of its jurisdiction and of no known place, each with
                             a price of its name; 0: such callers pay this one. */
    uint16_t currency;  /**< ISO 4217 numeric. */
    uint8_t scale;      /**< Of its money. */
    uint8_t unit;       /**< enum tg_unit. */
    uint8_t rounding;   /**< enum tg_rounding. */
    uint8_t exponent;   /**< tg_price_info.round_exponent. */
    uint8_t quantity_rounding; /**< enum tg_rounding. */
    uint8_t options;           /**< enum tg_price_option bits. */
    uint16_t tax_plus;         /**< Tax of its usage, plus 1; 0: the product's. */
};

/** @brief Everything the parts share while they compile. */
struct tg_compile {
    struct tg_diag *diag;                          /**< Borrowed. */
    struct tg_folder *folder;                      /**< Borrowed. */
    const struct tg_currency *currency;            /**< Of the catalog; EUR while unknown. */
    struct tg_image head;                          /**< Draft of the image's head. */
    struct tg_names names[TG_CATALOG_KINDS_COUNT]; /**< By enum tg_catalog_kind. */
    const struct tg_yaml_node **nodes[TG_CATALOG_KINDS_COUNT]; /**< By index; NULL a hole. */
    uint32_t nodes_count[TG_CATALOG_KINDS_COUNT];              /**< Room of each. */
    struct tg_blob text;                                       /**< TG_IMAGE_SECTION_TEXT. */
    struct tg_blob sections[TG_IMAGE_SECTION_NAMES];           /**< The others, by id. */
    uint8_t **deck_zones;            /**< One bit a zone of each deck; [decks][8192]. */
    struct tg_compile_codes *codes;  /**< BPF tariffs; NULL none. */
    struct tg_compile_sheet *sheets; /**< Rows of each deck; [decks]. */
    struct tg_names network_zones;   /**< Time zones of networks; index + 1 is the variant. */
    struct tg_names site_zones;      /**< Time zones of sites; the same. */
    struct tg_blob plan_products;    /**< uint32_t by plan: 1 + the product whose decks it has. */
    struct tg_blob rates;            /**< struct tg_compile_rate of all rate sheets, by price_id. */
    uint64_t prefixes_count;         /**< Rows of all decks. */
    bool is_out_of_memory;           /**< Give up. */
    bool has_lost_rows;              /**< Files of decks have mistakes: there may be more zones. */
};

/** Bytes of a bit set over all zones there can be. */
#define TG_ZONE_BITS_BYTES 8192u

/**
 * @brief Compile.
 * @param[in,out] folder    Opened; the decks' bytes are mixed into its content_hash.
 * @param[in]     previous  Image whose numbers are kept, or NULL.
 * @param[in]     is_next   It is to follow previous: what that would break is told.
 * @param[in,out] diag      Every mistake.
 * @param[out]    image     New image from tg_pages_take; free with tg_pages_free(image,
 *                          image->size_bytes). Written on TG_OK.
 * @return TG_OK, TG_E_DOCUMENT or TG_E_NO_MEMORY.
 */
enum tg_err tg_compile_run(struct tg_folder *folder, const struct tg_image *previous, bool is_next,
                           struct tg_diag *diag, struct tg_image **image);

/** @brief Prefixes compiled into an image. @param image Checked. @return Sum over its decks. */
uint64_t tg_compile_prefixes_count(const struct tg_image *image);

/* What the parts of the compiler offer each other. */

/** @brief Entry of a number. @param compile State. @param kind Kind. @param index Any.
 *  @return Its node; NULL: a hole, or not in this version. */
static inline const struct tg_yaml_node *tg_compile_node(const struct tg_compile *compile,
                                                         enum tg_catalog_kind kind, uint32_t index)
{
    return index < compile->nodes_count[kind] ? compile->nodes[kind][index] : NULL;
}

/** @brief Whether something is wrong with an entry or a part of one already. What it would follow
 *  from, such as that a price does not fit a plan, is not told then: mended, it may be right.
 *  @param compile State. @param node Any node of a document, or NULL. @return false for NULL. */
static inline bool tg_compile_is_doubtful(const struct tg_compile *compile,
                                          const struct tg_yaml_node *node)
{
    return tg_yaml_has_error(node, compile->diag);
}

/** @brief Whether an entry that nothing has may be there all the same: under a name that is none,
 * in a table whose own name is misspelt, or in text that is no YAML. Each of these is told.
 *  @param compile State. @param kind Kind.
 *  @return true if so. */
bool tg_compile_is_lost(const struct tg_compile *compile, enum tg_catalog_kind kind);

/** @brief Whether what brings zones has mistakes: a zone that nothing has may be in what was not
 *  read. @param compile State; decks are read. @return true if so. */
bool tg_compile_zones_are_doubtful(const struct tg_compile *compile);

/** @brief Add text. @param compile State. @param text NUL-terminated or NULL.
 *  @return Offset in the text section; 0 is "". */
uint32_t tg_compile_text(struct tg_compile *compile, const char *text);

/**
 * @brief Resolve a reference.
 * @param[in,out] compile  State.
 * @param[in]     kind     Whose name it is.
 * @param[in]     noun     For the message: "price".
 * @param[in]     node     The scalar that names it.
 * @return Index of an entry of this version, or UINT32_MAX after reporting (did you mean).
 */
uint32_t tg_compile_resolve(struct tg_compile *compile, enum tg_catalog_kind kind, const char *noun,
                            const struct tg_yaml_node *node);

/**
 * @brief The same of a name that a CSV field gives.
 * @param[in,out] compile  State.
 * @param[in]     kind     Whose name it is.
 * @param[in]     noun     For the message.
 * @param[in]     text     NUL-terminated.
 * @param[in]     mark     Where it is.
 * @return As tg_compile_resolve.
 */
uint32_t tg_compile_resolve_text(struct tg_compile *compile, enum tg_catalog_kind kind,
                                 const char *noun, const char *text, struct tg_mark mark);

/**
 * @brief Read an amount of money exactly.
 * @param[in,out] compile  State; the currency's scale.
 * @param[in]     schema   Of the map.
 * @param[in]     map      Map.
 * @param[in]     key      MONEY key.
 * @param[in]     absent   Amount without the key and without a default.
 * @return Amount; absent after reporting an inexact or too large one.
 */
int64_t tg_compile_money(struct tg_compile *compile, const struct tg_schema *schema,
                         const struct tg_yaml_node *map, const char *key, int64_t absent);

/**
 * @brief tg_compile_money in a currency that is not the catalog's.
 * @param[in,out] compile   State.
 * @param[in]     currency  Its scale counts.
 * @param[in]     schema    Of the map.
 * @param[in]     map       Map.
 * @param[in]     key       MONEY key.
 * @param[in]     absent    Amount without the key and without a default.
 * @return As tg_compile_money.
 */
int64_t tg_compile_money_in(struct tg_compile *compile, const struct tg_currency *currency,
                            const struct tg_schema *schema, const struct tg_yaml_node *map,
                            const char *key, int64_t absent);

/** @brief Read the zones of accounts; before allowances. @param compile State. */
void tg_compile_account_zones(struct tg_compile *compile);

/** @brief Read a key that holds a currency. @param compile Problems go there. @param map Of the
 *  entry; may be NULL. @param key The key. @return Static, or NULL: told. */
const struct tg_currency *tg_compile_currency(struct tg_compile *compile,
                                              const struct tg_yaml_node *map, const char *key);

/** A charge remembers what rounding took in 2^-32 scale units, in 64 bits. */
#define TG_COMPILE_EXPONENT_MAX 9

/** @brief Check `rating_digits_of`. @param compile State; problems go there. */
void tg_compile_digits(struct tg_compile *compile);

/** @brief To which power of ten of scale units charges in a currency are rounded. @param compile
 *  State. @param currency Any. @return 0..TG_RATING_DIGITS. */
uint8_t tg_compile_rating_exponent(const struct tg_compile *compile,
                                   const struct tg_currency *currency);

/**
 * @brief To which power of ten of scale units charges of a price, or of a sheet's, are rounded.
 * @param[in,out] compile   State; `decimals` that are out of range are told.
 * @param[in]     keys      Of the map: they have `decimals`.
 * @param[in]     map       Entry of `prices`, or `rates`.
 * @param[in]     currency  Of its money.
 * @param[in]     most      Greatest exponent it may have.
 * @return By `decimals`, else by the rating digits of the currency; 0 after reporting.
 */
uint8_t tg_compile_exponent(struct tg_compile *compile, const struct tg_schema *keys,
                            const struct tg_yaml_node *map, const struct tg_currency *currency,
                            uint8_t most);

/** @brief Compile cash roundings. @param compile State. */
void tg_compile_cash(struct tg_compile *compile);

/** @brief Compile legal entities. @param compile State. */
void tg_compile_entities(struct tg_compile *compile);

/** @brief Compile exchange rates. @param compile State. */
void tg_compile_exchange(struct tg_compile *compile);

/** @brief Compile spend limits. @param compile State. */
void tg_compile_spend_limits(struct tg_compile *compile);

/** @brief A compiled spend limit. @param compile State. @param index Of TG_CATALOG_SPEND_LIMIT;
 * any.
 *  @return Borrowed until the section grows; NULL: there is none. */
const struct tg_spend_limit *tg_compile_limit(const struct tg_compile *compile, uint32_t index);

/** @brief Why a price carries remainders. @param price Entry of `prices`. @return The value of
 *  `carry_remainder` or of `rounding` that says so, borrowed; NULL: it does not. */
const struct tg_yaml_node *tg_compile_carry(const struct tg_yaml_node *price);

/** @brief Which plans owe the minimum of a limit; after plans. @param compile State. */
void tg_compile_minimums(struct tg_compile *compile);

/**
 * @brief The counter of each price; after plans.
 * @param[in,out] compile   State.
 * @param[in]     previous  Image of the version before, or NULL: what it counts on a shelf stays
 *                          there.
 */
void tg_compile_counters(struct tg_compile *compile, const struct tg_image *previous);

/** @brief Rules of prices, and what they ask of each other; after plans. @param compile State. */
void tg_compile_rules(struct tg_compile *compile);

/** @brief Refuse plans that need more places on a shelf than it has; after rules. @param compile
 *  State without errors. */
void tg_compile_shelves(struct tg_compile *compile);

/**
 * @brief Refuse a version that moves an allowance or a counter between the account line and the
 *        shelf in mid-month: each has counters of its own, and the second would start at zero.
 * @param[in,out] compile   Errors go to its diag.
 * @param[in]     image     Just made.
 * @param[in]     previous  Image of the version before, or NULL.
 */
void tg_compile_moves_check(struct tg_compile *compile, const struct tg_image *image,
                            const struct tg_image *previous);

/** @brief Local times of a zone over the years that time models are expanded for.
 *  @param compile State; an unknown zone is reported. @param node Where it is written.
 *  @param name IANA name. @param[out] out struct tg_zone_offset are appended. */
void tg_compile_zone_offsets(struct tg_compile *compile, const struct tg_yaml_node *node,
                             const char *name, struct tg_blob *out);

/** @brief Compile decks; adds their zones. @param compile State. */
void tg_compile_decks(struct tg_compile *compile);

/** @brief Read and verify the tariffs that the catalog brings as BPF. @param compile State. */
void tg_compile_tariffs(struct tg_compile *compile);

/** @brief Forget them. @param compile State. */
void tg_compile_tariffs_free(struct tg_compile *compile);

/**
 * @brief If a price's tariff is one of them: its name in the image and its parameter block.
 * @param[in,out] compile  State.
 * @param[in]     node     The price.
 * @param[in]     price    Its common part.
 * @param[out]    index    Number of the tariff's name.
 * @param[in,out] params   The block is appended.
 * @return false: the tariff is a plug-in's.
 */
bool tg_compile_tariff_bpf(struct tg_compile *compile, const struct tg_yaml_node *node,
                           const struct tg_price *price, uint16_t *index, struct tg_blob *params);

/**
 * @brief Have the BPF code that an image carries ready for pricing.
 * @param[in]  image  Checked.
 * @param[out] why    May be NULL.
 * @return TG_OK, also when DPDK refuses code (its rows are suspended with the reason);
 *         TG_E_CORRUPT, TG_E_NO_MEMORY, TG_E_FULL.
 */
enum tg_err tg_image_code_ensure(const struct tg_image *image, struct tg_why *why);

/** @brief Columns of a rate sheet behind those of every deck. */
enum tg_rate_column {
    TG_RATE_COLUMN_PRICE,    /**< Money, of `per` units. */
    TG_RATE_COLUMN_CONNECT,  /**< Money. */
    TG_RATE_COLUMN_FIRST,    /**< Units. */
    TG_RATE_COLUMN_NEXT,     /**< Units. */
    TG_RATE_COLUMN_BUY,      /**< Money, of `per` units: what it costs us. */
    TG_RATE_COLUMN_INTRA,    /**< Money, of `per` units, for callers of the row's jurisdiction. */
    TG_RATE_COLUMN_UNKNOWN,  /**< The same for callers of no jurisdiction that is known. */
    TG_RATE_COLUMN_PLACE,    /**< The row's jurisdiction: a zone of the deck of origins. */
    TG_RATE_COLUMN_MINIMUM,  /**< Units. */
    TG_RATE_COLUMN_GRACE,    /**< Units. */
    TG_RATE_COLUMN_INCLUDED, /**< Units. */
    TG_RATE_COLUMN_MIN,      /**< Money. */
    TG_RATE_COLUMN_MAX,      /**< Money. */
    TG_RATE_COLUMN_TAX,      /**< Tax of the usage instead of the product's. */
    TG_RATE_COLUMNS_COUNT    /**< How many. */
};

struct tg_rate_sheet;

/**
 * @brief Begin to read a deck whose rows bring prices.
 * @param[in,out] compile  State; gets a zone and a price for each distinct rate.
 * @param[in]     deck     The deck's entry.
 * @param[in]     rates    Its `rates` map.
 * @param[in,out] zones    The deck's zone bits.
 * @return New reader, or NULL without memory.
 */
struct tg_rate_sheet *tg_rate_sheet_open(struct tg_compile *compile,
                                         const struct tg_yaml_node *deck,
                                         const struct tg_yaml_node *rates, uint8_t *zones);

/**
 * @brief Zone of a row: the one its zone text and rate had before, or a new one.
 * @param[in,out] sheet    Reader.
 * @param[in]     csv      At the row.
 * @param[in]     zone     The row's zone field.
 * @param[in]     columns  Field of each enum tg_rate_column, or -1.
 * @return Zone, or UINT32_MAX after reporting.
 */
uint32_t tg_rate_sheet_row(struct tg_rate_sheet *sheet, const struct tg_csv *csv,
                           const struct tg_csv_field *zone, const int16_t *columns);

/** @brief Free the reader; what it added stays. @param sheet Any or NULL. */
void tg_rate_sheet_close(struct tg_rate_sheet *sheet);

/** @brief Rate of a price. @param compile State. @param price_id Any. @return NULL: not from a
 *  rate sheet of this version. */
const struct tg_compile_rate *tg_compile_rate_find(const struct tg_compile *compile,
                                                   uint32_t price_id);

/** @brief Compile prices; after tariffs. @param compile State. */
void tg_compile_prices(struct tg_compile *compile);

/** @brief Plan of a product with decks of its own: "plan/product", a copy of the plan in which they
 *  come first. @param compile State. @param product Entry. @param index Room to write to; its
 * number among plans. @return Whether the product has one. */
bool tg_compile_customer_plan(const struct tg_compile *compile, const struct tg_yaml_node *product,
                              uint32_t *index);

/** @brief Numbers for the plans of all such products. @param compile State; plans have theirs. */
void tg_compile_customers_declare(struct tg_compile *compile);

/** @brief Who has a plan to himself. @param compile State. @param plan Its number.
 *  @return Product; NULL: the plan is one of the documents, or a hole. */
const struct tg_yaml_node *tg_compile_customer_find(const struct tg_compile *compile,
                                                    uint32_t plan);

/** @brief All that a deck before the plan's needs, each mistake at the deck. @param compile State.
 *  @param product With decks. @param plan The plan it is a copy of. */
void tg_compile_customer_check(struct tg_compile *compile, const struct tg_yaml_node *product,
                               const struct tg_yaml_node *plan);

/** @brief Compile plans; after decks, prices, allowances, time models. @param compile State. */
void tg_compile_plans(struct tg_compile *compile);

/** @brief Call for every entry of a map that services of plans have. @param compile State.
 *  @param key Of the service, such as "prices"; what is no map is passed over.
 *  @param each Of an entry; false: enough. */
void tg_compile_service_entries(struct tg_compile *compile, const char *key,
                                bool (*each)(struct tg_compile *, const struct tg_yaml_node *));

/** @brief Number the zone that a key names. @param compile State. @param node Entry with the key.
 *  @return false: there are too many, which is told. */
bool tg_compile_zone_declare(struct tg_compile *compile, const struct tg_yaml_node *node);

/** @brief Give every group of content of the plans a zone; after decks, before whatever counts
 *  zones. @param compile State. */
void tg_compile_groups_declare(struct tg_compile *compile);

/** @brief Compile the groups of one service. @param compile State. @param service The service's
 *  map. @param zones Bits of the groups' zones are set. @param out Its groups are written. */
void tg_compile_groups(struct tg_compile *compile, const struct tg_yaml_node *service,
                       uint8_t *zones, struct tg_origin *out);

/** @brief Compile tables of closing causes; before plans. @param compile State. */
void tg_compile_causes(struct tg_compile *compile);

/**
 * @brief Compile what few services have: struct tg_plan_terms.
 * @param[in,out] compile  State.
 * @param[in]     service  The service's map.
 * @param[in]     cell     How it is priced: what the terms must go with.
 * @param[in]     prices   Its price ids, TG_PRICE_NONE among them; shape [prices_count].
 * @param[in]     prices_count  Zones times bands.
 * @param[out]    terms    Written.
 * @return true when any of them is not the default.
 */
bool tg_compile_terms(struct tg_compile *compile, const struct tg_yaml_node *service,
                      const struct tg_plan_service *cell, const uint32_t *prices,
                      size_t prices_count, struct tg_plan_terms *terms);

/** @brief Is a key of a plan's prices a rule over pairs: "A>B" or "="? @param key Key. @return true
 *  if so. */
bool tg_compile_is_pair(const char *key);

/** @brief Give every rule over pairs a zone; after decks, before whatever counts zones.
 *  @param compile State. */
void tg_compile_pairs_declare(struct tg_compile *compile);

/**
 * @brief Compile the groups and the rules over pairs of one service; after networks.
 * @param[in,out] compile  State.
 * @param[in]     service  The service's map.
 * @param[in]     zones    Bits of the zones its decks have; NULL without a deck.
 * @param[out]    groups   Bits of the zones its groups have; TG_ZONE_BITS_BYTES.
 * @return What tg_plan_service.origin holds; 0 without rules or after reporting.
 */
uint16_t tg_compile_origin(struct tg_compile *compile, const struct tg_yaml_node *service,
                           const uint8_t *zones, uint8_t *groups);

#define TG_TZDATA_RELEASE_BYTES 16u       /**< "2025b", or TG_TZDATA_UNKNOWN. */
#define TG_TZDATA_UNKNOWN       "unknown" /**< There is no tzdata.zi, or it does not tell. */

/** @brief Release of the tz data that is installed, or of the folder TZDIR. @param[out] release
 *  Written. */
void tg_tzdata_release(char release[TG_TZDATA_RELEASE_BYTES]);

/** @brief Compile time models. @param compile State. */
void tg_compile_time_models(struct tg_compile *compile);

/** @brief Compile sites; after time models. @param compile State. */
void tg_compile_sites(struct tg_compile *compile);

/** @brief Compile taxes. @param compile State. */
void tg_compile_taxes(struct tg_compile *compile);

/** @brief Compile taxes, networks and allowances. @param compile State. */
void tg_compile_parts(struct tg_compile *compile);

/** @brief Compile products; after plans. @param compile State. */
void tg_compile_products(struct tg_compile *compile);

#endif
