/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Layout of the compiled catalog: what lies in the blob, structure by structure.
 *
 *  Source: design.md sections 6, 7; byte layout in schemas/catalog/image.md.
 *  Threads: types only. Allocates: never. Cost: none. How it is read is image.h.
 *
 *  (1) Every offset is in bytes from the start of struct tg_image, every section is 64-byte
 *      aligned, so the blob works at any 64-byte aligned address.
 *  (2) Indices of zones, prices, plans, allowances, products, taxes, networks and sites are stable:
 *      the next version keeps every number and appends new ones; what was removed is a hole.
 */
#ifndef TG_CATALOG_IMAGE_LAYOUT_H
#define TG_CATALOG_IMAGE_LAYOUT_H

#include <stdint.h>

#define TG_IMAGE_MAGIC        UINT64_C(0x31474d4945474c54) /* "TLGEIMG1" as stored */
#define TG_IMAGE_FORMAT       10u
#define TG_IMAGE_ALIGN_BYTES  64u
#define TG_IMAGE_SECTIONS_MAX 46u

#define TG_ZONE_NONE         0u      /**< No prefix matched, or the service has no zones. */
#define TG_DECK_NONE         0xffffu /**< The plan's service has no deck. */
#define TG_ALLOWANCE_NONE    0xffffu /**< No allowance. */
#define TG_ACCOUNT_ZONES_MAX 64u     /**< Zones of accounts, the period zone counted. */
#define TG_TIME_MODEL_NONE   0xffffu /**< One band, always. */
#define TG_BAND_NONE         0xffffu /**< The time lies outside what the model was compiled for. */
#define TG_TAX_NONE          0xffffu /**< No tax category: not taxed. */
#define TG_PLAN_NONE         0xffffu /**< The product has no plan: fees only. */
#define TG_PRODUCT_NONE      0xffffu /**< No such product. */

/** @brief What a quantity is counted in. A row's base quantity is octets, milliseconds, events. */
enum tg_unit {
    TG_UNIT_MILLISECOND = 0, /**< 1 ms. */
    TG_UNIT_SECOND = 1,      /**< 1,000 ms. */
    TG_UNIT_MINUTE = 2,      /**< 60,000 ms. */
    TG_UNIT_HOUR = 3,        /**< 3,600,000 ms. */
    TG_UNIT_OCTET = 4,       /**< 1 octet. */
    TG_UNIT_KILOBYTE = 5,    /**< 1,000 octets. */
    TG_UNIT_KIBIBYTE = 6,    /**< 1,024 octets. */
    TG_UNIT_MEGABYTE = 7,    /**< 10^6 octets. */
    TG_UNIT_MEBIBYTE = 8,    /**< 2^20 octets. */
    TG_UNIT_GIGABYTE = 9,    /**< 10^9 octets. */
    TG_UNIT_GIBIBYTE = 10,   /**< 2^30 octets. */
    TG_UNIT_EVENT = 11,      /**< 1 event or message. */
    TG_UNIT_AMOUNT = 12      /**< 10^-4 of the currency's minor unit, carried by the record. */
};
#define TG_UNIT_COUNT 13u

/** Rating scale units in one base unit of carried money: scale is minor + 6, the row has minor + 4.
 */
#define TG_AMOUNT_SCALE_COUNT 100

/** @brief What a unit measures; a price and an allowance meet only within one dimension. */
enum tg_dimension {
    TG_DIMENSION_TIME = 0,   /**< Base milliseconds: tg_usage.duration_ms. */
    TG_DIMENSION_BYTES = 1,  /**< Base octets: quantity_up + quantity_down. */
    TG_DIMENSION_EVENTS = 2, /**< Base events: quantity_up. */
    TG_DIMENSION_MONEY = 3   /**< Base 10^-4 minor units: quantity_down with TG_USAGE_AMOUNT. */
};

/** @brief How usage that crosses a band boundary is priced (rating-semantics 4.4). */
enum tg_split_mode {
    TG_SPLIT_CONSECUTIVE = 0, /**< Split; counters go on across bands. Default. */
    TG_SPLIT_START = 1,       /**< All at the band of the start. */
    TG_SPLIT_END = 2,         /**< All at the band of the end. */
    TG_SPLIT_ISOLATED = 3     /**< Split; counters start again in each band. */
};

/** @brief Who owns an increment that straddles a boundary (rating-semantics 4.4). */
enum tg_increment_owner {
    TG_INCREMENT_START = 0,      /**< The band in which it starts. Default. */
    TG_INCREMENT_PER_SECOND = 1, /**< Raw split; only the last piece rounds up. */
    TG_INCREMENT_PER_SEGMENT = 2 /**< Each piece is rounded by itself. */
};

/** @brief What the tiers of a price count (rating-semantics 4.5). */
enum tg_price_counter {
    TG_COUNTER_MONTH = 0,  /**< In the account line: the calendar month, UTC. */
    TG_COUNTER_RECORD = 1, /**< Each record starts at 0: tiers within a call. */
    TG_COUNTER_SHELF = 2   /**< This plus enum tg_period: of that period, counted on the shelf. */
};

#define TG_COUNTER_NONE 0xffffu /**< The price counts nothing that it would look at. */

/** @brief Bits of tg_price_info.options. */
enum tg_price_option {
    TG_PRICE_MAX_STOPS = 1,      /**< max bounds what may be granted; it does not cap the charge. */
    TG_PRICE_CONNECT_ON_USE = 2, /**< Connect fee also when an allowance covers all units. */
    TG_PRICE_RULES = 4,          /**< Has a struct tg_price_rule that must be looked at. */
    TG_PRICE_INCLUDED_FIRST = 8, /**< Included units come off before minimum and increments. */
    TG_PRICE_UNITS_OF_CALL = 16, /**< Whole units of a call's sum, not of each of its records. */
    TG_PRICE_ROUND_SEGMENTS = 32, /**< Each piece of a charge is rounded to decimals by itself. */
    TG_PRICE_METERS_MAX = 64 /**< A record says how high it is: what is above the counter counts. */
};

/** @brief How a recurring fee is shared out over part of a period (rating-semantics 4.7). */
enum tg_proration {
    TG_PRORATE_ACTUAL_DAYS = 0, /**< Days covered / days in the cycle. Default. */
    TG_PRORATE_FIXED_30 = 1,    /**< Kill Bill's 30-day month. */
    TG_PRORATE_SECONDS = 2,     /**< Seconds covered / seconds in the cycle. */
    TG_PRORATE_NONE_FULL = 3,   /**< Any part costs the whole. */
    TG_PRORATE_NONE_ZERO = 4,   /**< Only a whole period costs anything. */
    TG_PRORATE_THIRTIETHS = 5   /**< Days covered / 30, at most 1; 1 for a whole cycle. */
};

/** @brief Periods that only fees have, beside some of enum tg_period. Values are stored. */
enum tg_fee_period {
    TG_FEE_QUARTER = 16, /**< Three cycles; the first begins in January, April, July or October. */
    TG_FEE_YEAR = 17,    /**< Twelve; the first begins in January. */
    TG_FEE_HALF_YEAR = 18, /**< Six; the first begins in January or July. */
    TG_FEE_CYCLES = 19,    /**< As many as period_cycles says; not written so in documents. */
    TG_FEE_DAYS = 20,      /**< So many days from the begin, whatever the cycle; likewise. */
    TG_FEE_WEEKS = 21      /**< So many weeks; likewise. */
};

#define TG_FEE_CYCLES_MAX 240u /**< Of one period of a fee; days too. */
#define TG_FEE_WEEKS_MAX  52u  /**< Weeks of one. */

/** @brief From where quarters and years of a fee are counted. Values are stored. */
enum tg_fee_anchor {
    TG_FEE_FROM_JANUARY = 0, /**< From the cycle that begins in January. Default. */
    TG_FEE_FROM_START = 1    /**< From the cycle, of days and weeks from the day, in which the
                                  subscription begins. */
};

/** @brief What minimum and maximum look at. Values are stored. */
enum tg_bounds_order {
    TG_BOUNDS_AFTER_DISCOUNTS = 0, /**< Lines less discounts. Default. */
    TG_BOUNDS_BEFORE_DISCOUNTS = 1 /**< Lines as they are; discounts are of what is added, too. */
};

/** @brief Periods of allowances, counters, spend limits and fees; in the account's zone.
 *  Values are stored. */
enum tg_period {
    TG_PERIOD_MONTH = 0,    /**< Calendar month. */
    TG_PERIOD_DAY = 1,      /**< Calendar day. */
    TG_PERIOD_EVER = 2,     /**< Never renewed. */
    TG_PERIOD_WEEK = 3,     /**< Monday to Sunday. */
    TG_PERIOD_CYCLE = 4,    /**< From the account's cycle day to the next; not of fees. */
    TG_PERIOD_YEAR = 5,     /**< Calendar year; not of fees. */
    TG_PERIOD_HOUR = 6,     /**< Clock hour; not of fees. */
    TG_PERIOD_QUARTER = 7,  /**< From January, April, July or October on; not of fees. */
    TG_PERIOD_HALF_YEAR = 8 /**< From January or July on; not of fees. */
};
#define TG_PERIODS_COUNT 9u

/** @brief Who draws from an allowance. */
enum tg_allowance_scope {
    TG_SCOPE_SUBSCRIBER = 0, /**< Each subscription has its own. Default. */
    TG_SCOPE_ACCOUNT = 1     /**< All subscriptions of the account that have it share one. */
};

/** @brief Grant of a period in which the subscription begins. */
enum tg_grant_proration {
    TG_GRANT_FULL = 0,       /**< Whole. Default. */
    TG_GRANT_ACTUAL_DAYS = 1 /**< Days left / days of the period, rounded down. */
};

#define TG_DISCOUNT_PRICES_MAX  8u /**< Prices that discounts of a product may be of. */
#define TG_FALLBACK_DECKS_MAX   3u /**< Decks behind a plan's own. */
#define TG_ROLLOVER_PERIODS_MAX 4u /**< Oldest age of units rolled over. */
#define TG_THRESHOLDS_MAX       3u /**< Thresholds of an allowance. */

/** @brief Whose names tg_image_name gives. Values index image sections: pinned for a format. */
enum tg_catalog_kind {
    TG_CATALOG_ZONE = 0,          /**< Zones; 0 is "" (none). */
    TG_CATALOG_PRICE = 1,         /**< Prices. */
    TG_CATALOG_PLAN = 2,          /**< Plans. */
    TG_CATALOG_ALLOWANCE = 3,     /**< Allowances. */
    TG_CATALOG_PRODUCT = 4,       /**< Products. */
    TG_CATALOG_TAX = 5,           /**< Tax categories. */
    TG_CATALOG_NETWORK = 6,       /**< Visited networks; 0 is "" (home). */
    TG_CATALOG_DECK = 7,          /**< Prefix decks; not stable across versions. */
    TG_CATALOG_TIME_MODEL = 8,    /**< Time models; not stable across versions. */
    TG_CATALOG_TARIFF = 9,        /**< Tariff plug-in names; not stable across versions. */
    TG_CATALOG_EXCHANGE = 10,     /**< Exchange rates; not stable across versions. */
    TG_CATALOG_SPEND_LIMIT = 11,  /**< Spend limits. */
    TG_CATALOG_ACCOUNT_ZONE = 12, /**< IANA zones of accounts; 0 is "": the period zone. */
    TG_CATALOG_SITE = 13,         /**< Where nodes stand; 0 is "": in no site. */
    TG_CATALOG_COUNTER = 14,      /**< Counters of prices; 0 is "". Beside the ids of documents
                                       one a kind of sum: id or ":price", period, scope and
                                       dimension with ":" between. */
    TG_CATALOG_CAUSES = 15,       /**< Tables of closing causes; not stable across versions. */
    TG_CATALOG_CASH = 16,         /**< Cash roundings; not stable across versions. */
    TG_CATALOG_ENTITY = 17        /**< Legal entities; 0 is "": who bills if nobody is named. */
};
#define TG_CATALOG_KINDS_COUNT 18u

/** @brief Where a section lies. */
struct tg_image_section {
    uint32_t offset;     /**< Bytes from struct tg_image; a multiple of 64. */
    uint32_t size_bytes; /**< Its length. */
    uint32_t count;      /**< Items. */
    uint32_t item_bytes; /**< Size of an item; 1 for bytes. */
};

/** @brief Sections; names of kind K are section TG_IMAGE_SECTION_NAMES + K. */
enum tg_image_section_id {
    TG_IMAGE_SECTION_TEXT = 0,   /**< NUL-terminated strings. */
    TG_IMAGE_SECTION_PRICES = 1, /**< uint32_t offset of each struct tg_price; 0 a hole. */
    TG_IMAGE_SECTION_PRICE_DATA =
        2, /**< struct tg_price with its steps and params, 16-byte aligned. */
    TG_IMAGE_SECTION_PRICE_INFO = 3,    /**< struct tg_price_info. */
    TG_IMAGE_SECTION_PLAN_SERVICES = 4, /**< struct tg_plan_service [plans][TG_SERVICE_COUNT]. */
    TG_IMAGE_SECTION_MATRIX = 5,        /**< uint32_t price ids. */
    TG_IMAGE_SECTION_DECKS = 6,         /**< struct tg_deck. */
    TG_IMAGE_SECTION_DECK_DATA =
        7, /**< Direct tables, nodes, dated entries, zone bits, band names. */
    TG_IMAGE_SECTION_TIME_MODELS = 8,     /**< struct tg_time_model. */
    TG_IMAGE_SECTION_SWITCHES = 9,        /**< struct tg_band_switch. */
    TG_IMAGE_SECTION_ALLOWANCES = 10,     /**< struct tg_allowance. */
    TG_IMAGE_SECTION_PRODUCTS = 11,       /**< struct tg_product. */
    TG_IMAGE_SECTION_TAXES = 12,          /**< struct tg_tax. */
    TG_IMAGE_SECTION_NETWORKS = 13,       /**< struct tg_network. */
    TG_IMAGE_SECTION_ORIGINS = 14,        /**< struct tg_origin. */
    TG_IMAGE_SECTION_PRICE_RULES = 15,    /**< struct tg_price_rule, one a price, or none. */
    TG_IMAGE_SECTION_EXCHANGE_RATES = 16, /**< struct tg_exchange_rate, by pair and time. */
    TG_IMAGE_SECTION_SPEND_LIMITS = 17,   /**< struct tg_spend_limit. */
    TG_IMAGE_SECTION_ZONE_OFFSETS = 18,   /**< struct tg_zone_offset of all account zones; none:
                                               everything is UTC. */
    TG_IMAGE_SECTION_PLAN_LIMITS = 19,    /**< uint16_t a plan's service: spend limit plus 1, 0
                                               none; the section may be empty. */
    TG_IMAGE_SECTION_ACCOUNT_ZONES = 20,  /**< struct tg_account_zone; 0 the period zone. */
    TG_IMAGE_SECTION_SITES = 21,          /**< struct tg_site. */
    TG_IMAGE_SECTION_SITE_NODES = 22,     /**< struct tg_site_node, longer prefixes first. */
    TG_IMAGE_SECTION_CAUSES = 23,         /**< struct tg_causes. */
    TG_IMAGE_SECTION_PLAN_TERMS = 24,     /**< struct tg_plan_terms a plan's service, or none. */
    TG_IMAGE_SECTION_CASH = 25,           /**< struct tg_cash_rounding, by name. */
    TG_IMAGE_SECTION_ENTITIES = 26,       /**< struct tg_legal_entity. */
    TG_IMAGE_SECTION_NAMES = 27 /**< uint32_t offsets into the text section, one section a kind. */
};

#define TG_DUNNING_STEPS_MAX 8u /**< Reminders of an unpaid bill. */

/** @brief What pays the fees of prepaid accounts. Values are stored. */
enum tg_prepaid_fees {
    TG_PREPAID_DUE = 0,     /**< Whoever pays the bill. */
    TG_PREPAID_PARTIAL = 1, /**< The balance as far as it reaches. */
    TG_PREPAID_WHOLE = 2,   /**< The balance where it pays all that is due, else nothing. */
    TG_PREPAID_MODES = 3    /**< How many. */
};

/** @brief How bills go from draft to paid; all 0: as nothing says otherwise. */
struct tg_billing {
    uint8_t needs_approval;     /**< 1: nothing is issued that was not approved. */
    uint8_t dunning_count;      /**< Of dunning_days. */
    uint8_t grace_days_plus;    /**< Days that a run waits for sources, plus 1; 0: it does not. */
    uint8_t keeps_credit;       /**< 1: what a bill leaves below 0 is not for later ones. */
    uint16_t payment_days_plus; /**< Days from a bill's date to its due date, plus 1; 0: none. */
    uint16_t dunning_days[TG_DUNNING_STEPS_MAX]; /**< After the due date, rising. */
    uint8_t prepaid_fees;                        /**< enum tg_prepaid_fees. */
    uint8_t rounds_lines;                        /**< 1: each line is rounded by itself. */
};
_Static_assert(sizeof(struct tg_billing) == 24, "stored behind the sections");

/** Decimals of the rating scale beyond a currency's minor unit, at most and by default. */
#define TG_RATING_DIGITS 6u

/** @brief Head of the blob. */
struct tg_image {
    uint64_t magic;            /**< TG_IMAGE_MAGIC. */
    uint32_t format;           /**< TG_IMAGE_FORMAT. */
    uint32_t checksum;         /**< CRC32C of all bytes after this field. */
    uint64_t size_bytes;       /**< Of the whole blob, at most 4 GiB. */
    uint32_t version;          /**< Catalog version as in the YAML. */
    uint16_t currency;         /**< ISO 4217 numeric, of every amount in the image. */
    uint8_t scale;             /**< Rating scale of that currency. */
    uint8_t minor;             /**< Its minor exponent. */
    int64_t valid_from_ns;     /**< Events from here on use this version. */
    int64_t built_for_ns;      /**< Horizon: first event time its time models do not cover. */
    uint8_t rounding_rate;     /**< enum tg_rounding, default of prices. */
    uint8_t rounding_tax;      /**< enum tg_rounding, default of taxes. */
    uint8_t rounding_bill;     /**< enum tg_rounding of the BILL stage. */
    uint8_t rounding_exchange; /**< enum tg_rounding of amounts that change currency. */
    uint32_t tzdata_offset;    /**< Release of the tz data, e.g. "2025b", in the text section. */
    uint64_t content_hash;     /**< tg_key_hash of the documents it was made from. */
    struct tg_image_section sections[TG_IMAGE_SECTIONS_MAX]; /**< By enum tg_image_section_id. */
    struct tg_billing billing;                               /**< Lifecycle of bills of its time. */
    uint8_t rating_exponent; /**< Charges and fees in its currency are multiples of 10^this scale
                                  units, unless a price says otherwise: TG_RATING_DIGITS less
                                  `rating_digits`; 0 no coarser than the scale. */
    uint8_t reserved[7];     /**< 0. */
};
_Static_assert(sizeof(struct tg_image) == 832, "stored head");
_Static_assert(TG_IMAGE_SECTION_NAMES + TG_CATALOG_KINDS_COUNT <= TG_IMAGE_SECTIONS_MAX,
               "room for all");

/** @brief What the engine must know of a price beyond the tariff's struct tg_price. */
struct tg_price_info {
    uint64_t unit_base_count;  /**< Base quantity in one block: 1000 for seconds and block 1. */
    uint64_t block_units;      /**< Units in what is counted and priced as one; at least 1. */
    uint16_t tariff;           /**< Index of the tariff's name: TG_CATALOG_TARIFF. */
    uint16_t zones_count;      /**< How often a matrix names it; 0: unreachable. */
    uint8_t unit;              /**< enum tg_unit. */
    uint8_t dimension;         /**< enum tg_dimension. */
    uint8_t quantity_rounding; /**< enum tg_rounding base quantity -> units; default TG_ROUND_UP. */
    uint8_t is_present;        /**< 0: a hole kept for its number. */
    uint8_t counter;           /**< enum tg_price_counter. */
    uint8_t options;           /**< enum tg_price_option bits. */
    uint8_t round_exponent;    /**< Charges are multiples of 10^this scale units; 0 no rounding. */
    uint8_t counter_scope;     /**< enum tg_allowance_scope of the counter. */
    uint16_t counter_index;    /**< Which: TG_CATALOG_COUNTER, or TG_COUNTER_NONE. */
    uint16_t spend_minimum;    /**< Limit to whose minimum its charges count, plus 1; 0 none. */
};
_Static_assert(sizeof(struct tg_price_info) == 32, "stored");

/** @brief What gives a row its zone. Values are stored. */
enum tg_zone_by {
    TG_ZONE_BY_DECK = 0,    /**< The peer's number in the decks; without a deck zone 0. */
    TG_ZONE_BY_NETWORK = 1, /**< The visited network. */
    TG_ZONE_BY_PAIR = 2     /**< The decks, then tg_image_pair_zone: groups, networks, pairs. */
};

/** @brief Which of a plan's decks decides about a number. Values are stored. */
enum tg_deck_match {
    TG_DECK_MATCH_FIRST = 0,  /**< The first in order with any match. Default. */
    TG_DECK_MATCH_LONGEST = 1 /**< The one with the longest; of equally long ones the first. */
};

/** @brief How a plan prices one service. */
struct tg_plan_service {
    uint32_t matrix_offset;      /**< Bytes from the image: uint32_t [zones_count][bands_count]. */
    uint16_t zones_count;        /**< Rows: 1 without a deck, else all zones of the image. */
    uint16_t bands_count;        /**< Columns, at least 1. */
    uint16_t deck;               /**< Deck, or TG_DECK_NONE: zone is the network's or 0. */
    uint16_t time_model;         /**< Time model, or TG_TIME_MODEL_NONE. */
    uint16_t allowance;          /**< Allowance that may cover it, or TG_ALLOWANCE_NONE. */
    uint8_t split_mode : 4;      /**< enum tg_split_mode. */
    uint8_t deck_match : 4;      /**< enum tg_deck_match. */
    uint8_t increment_owner : 6; /**< enum tg_increment_owner. */
    uint8_t has_terms : 1;       /**< Its struct tg_plan_terms must be looked at. */
    uint8_t is_data_timed : 1;   /**< Octets are spread evenly over the record's time. */
    uint8_t is_present;          /**< 0: the plan does not sell this service. */
    uint8_t dimension;           /**< enum tg_dimension of all its prices. */
    uint8_t zone_by;             /**< enum tg_zone_by. */
    uint8_t buckets_count : 7; /**< Allowances in the order of use, when one is not enough; or 0. */
    uint8_t buckets_by_end : 1; /**< Of one priority the soonest end counts, at event time. */
    uint32_t buckets_offset;    /**< Bytes from the image: uint16_t allowance indexes. */
    uint16_t fallback_decks[TG_FALLBACK_DECKS_MAX]; /**< Asked in turn for numbers no deck before
                                                         has; TG_DECK_NONE ends them. */
    uint16_t origin;                                /**< 1 + struct tg_origin by pair; else 0. */
};
_Static_assert(sizeof(struct tg_plan_service) == 32, "two in a cache line");

/** @brief What becomes of usage whose closing cause is not billable. Values are stored. */
enum tg_cause_otherwise {
    TG_CAUSE_FREE = 0,   /**< It costs nothing. Default. */
    TG_CAUSE_SUSPEND = 1 /**< It is suspended with TG_E_NOT_BILLABLE. */
};

/** @brief Which closing causes make usage billable (rating-semantics 4.3). */
struct tg_causes {
    uint8_t billable[32]; /**< One bit a cause, 0 .. 255. */
    uint8_t otherwise;    /**< enum tg_cause_otherwise. */
    uint8_t reserved[7];  /**< 0. */
};
_Static_assert(sizeof(struct tg_causes) == 40, "stored");

/** @brief What becomes of a record that reports no usage. Values are stored. */
enum tg_zero_usage {
    TG_ZERO_FREE = 0,   /**< It costs nothing. Default. */
    TG_ZERO_FIRST = 1,  /**< It is priced as the least there is: its first increment. */
    TG_ZERO_SUSPEND = 2 /**< It is suspended with TG_E_ZERO_USAGE. */
};

/** @brief What becomes of a record that takes usage back. Values are stored. */
enum tg_negative_usage {
    TG_NEGATIVE_SUSPEND = 0, /**< It is suspended with TG_E_NEGATIVE_USAGE. Default. */
    TG_NEGATIVE_REVERSE = 1  /**< It is priced as the usage, and the charge is negated. */
};

/** @brief Which row of a deck prices a call that goes on when another begins. Values are stored. */
enum tg_rate_change {
    TG_RATE_CHANGE_START = 0, /**< That of the start, to the end. Default. */
    TG_RATE_CHANGE_SPLIT = 1, /**< Each from its own time on. */
    TG_RATE_CHANGE_CALL = 2   /**< That of the call's start, for all its records. */
};

/** @brief Which number of the other party gives the zone. Values are stored. */
enum tg_number_of {
    TG_NUMBER_DIALLED = 0, /**< tg_usage.peer_key. Default. */
    TG_NUMBER_ROUTED = 1   /**< Where the network routed it, when the record says so. */
};

/** @brief What few services of plans have: looked at with tg_plan_service.has_terms only. */
struct tg_plan_terms {
    uint16_t causes;        /**< Table of causes plus 1; 0: every cause is billable. */
    uint8_t zero_usage;     /**< enum tg_zero_usage. */
    uint8_t negative_usage; /**< enum tg_negative_usage. */
    uint8_t rate_change;    /**< enum tg_rate_change. */
    uint8_t number;         /**< enum tg_number_of. */
    uint8_t reserved[2];    /**< 0. */
};
_Static_assert(sizeof(struct tg_plan_terms) == 8, "stored");

/** @brief What the zone of the A party is taken from. Values are stored. */
enum tg_origin_by {
    TG_ORIGIN_NUMBER = 0, /**< The subscriber's number in a deck; no match is zone 0. */
    TG_ORIGIN_NETWORK = 1 /**< The serving network; at home is zone 0. */
};

/** @brief Zones of what is used, and of pairs (A party, B party): a table over the zones that rules
 *  name.
 *
 *  A pair that a rule names becomes the zone of the rule; any other keeps the zone of B. */
struct tg_origin {
    uint32_t a_rows_offset;    /**< Bytes from the image: uint16_t [zones_count], row of zone A. */
    uint32_t b_columns_offset; /**< uint16_t [zones_count], column of zone B; 0 for no zone. */
    uint32_t pairs_offset;     /**< uint16_t [a_count][b_count] zones; 0: that of B stays. */
    uint16_t a_count;          /**< Rows; row 0 is every zone that no rule names; 0: no pairs. */
    uint16_t b_count;          /**< Columns; column 0 is no zone, 1 every unnamed one. */
    uint16_t zones_count;      /**< All zones of the image. */
    uint16_t deck;             /**< Of the A numbers; TG_DECK_NONE by network. */
    uint8_t by;                /**< enum tg_origin_by. */
    uint8_t reserved[3];       /**< 0. */
    uint32_t groups_offset;    /**< Bytes from the image: struct tg_zone_group. */
    uint32_t groups_count;     /**< Entries; 0: zones are of numbers and networks only. */
};
_Static_assert(sizeof(struct tg_origin) == 32, "stored");

/** @brief What is used, to a zone: rating groups or a name. */
struct tg_zone_group {
    uint64_t name;     /**< Peer key of kind TG_KEY_NAME, where `to` is 0. */
    uint16_t from;     /**< First rating group. */
    uint16_t to;       /**< Last rating group; 0: by name. */
    uint16_t zone;     /**< Zone. */
    uint16_t reserved; /**< 0. */
};
_Static_assert(sizeof(struct tg_zone_group) == 16, "stored");

/** @brief What few prices have: rating looks at it for prices with TG_PRICE_RULES only. */
struct tg_price_rule {
    uint32_t carry_denominator; /**< Remainders are carried; every exact charge is a multiple of
                                     1 / this, below 2^31. 0: each charge is rounded by itself. */
    uint16_t spend_limit;       /**< Limit that rating counts its charges to, plus 1; 0 none. */
    uint16_t tax_plus;          /**< Tax of its usage instead of the product's, plus 1; 0 none. */
    uint8_t converts_at_event;  /**< 1: the charge is in the account's currency at once. */
    uint8_t carry_scope;        /**< enum tg_allowance_scope: whose remainder it is. */
    uint8_t reserved[2];        /**< 0. */
};
_Static_assert(sizeof(struct tg_price_rule) == 12, "stored");

/** @brief An exchange rate: amount in `to` = amount in `from` x rate / 10^decimals. */
struct tg_exchange_rate {
    int64_t rate;          /**< At least 1. */
    int64_t valid_from_ns; /**< Inclusive. */
    int64_t valid_to_ns;   /**< Exclusive; INT64_MAX: open. */
    uint16_t from;         /**< ISO 4217 numeric. */
    uint16_t to;           /**< ISO 4217 numeric. */
    uint8_t decimals;      /**< 0..12. */
    uint8_t from_scale;    /**< Rating scale of from. */
    uint8_t to_scale;      /**< Rating scale of to. */
    uint8_t to_exponent;   /**< Amounts in `to` are multiples of 10^this scale units; 0..6. */
};
_Static_assert(sizeof(struct tg_exchange_rate) == 32, "stored");

/** @brief What may and must be spent in a period, and when to tell; amounts in the catalog's
 *  currency. */
struct tg_spend_limit {
    int64_t maximum;                       /**< Charges are cut to what is left; INT64_MAX none. */
    int64_t thresholds[TG_THRESHOLDS_MAX]; /**< Told once a period, rising; INT64_MAX none. */
    uint8_t period;                        /**< enum tg_period. */
    uint8_t scope;                         /**< enum tg_allowance_scope. */
    uint8_t is_present;                    /**< 0: a hole. */
    uint8_t stops;                         /**< 1: maximum cuts no charge, it only bounds grants. */
    uint32_t plans_offset; /**< Bytes from the image: one bit a plan that sells a price with this
                                minimum; 0: none does. */
    int64_t minimum;       /**< Its charges make at least this a cycle, by the bill; 0 none. */
};
_Static_assert(sizeof(struct tg_spend_limit) == 48, "stored");

/** @brief To what amounts due in a currency are rounded, as there is no smaller coin. */
struct tg_cash_rounding {
    uint32_t step;     /**< In the currency's minor unit; at least 2. */
    uint16_t currency; /**< ISO 4217 numeric; one entry a currency. */
    uint8_t rounding;  /**< enum tg_rounding. */
    uint8_t is_named;  /**< 1: only of accounts that say so; 0: of all that do not say otherwise. */
};
_Static_assert(sizeof(struct tg_cash_rounding) == 8, "stored");

#define TG_ENTITY_NAME_MAX 32u       /**< Characters of a legal entity's name. */
#define TG_SERIES_MAX      16u       /**< Characters of a series of numbers. */
#define TG_ENTITY_DEFAULT  "default" /**< Who bills if nobody is named. */

/** @brief Who bills: a seller with numbers of its own. */
struct tg_legal_entity {
    uint32_t title_offset;  /**< Name on bills, in the text section. */
    uint32_t tax_id_offset; /**< Tax number on bills; 0 none. */
    uint32_t series_offset; /**< Prefix of its invoices' numbers; 0: that of the run. */
    uint32_t is_present;    /**< 0: a hole. */
};
_Static_assert(sizeof(struct tg_legal_entity) == 16, "stored");

/** @brief Local time of a zone from an instant on. */
struct tg_zone_offset {
    int64_t from_ns;   /**< UTC. */
    int64_t offset_ns; /**< Local time = UTC + this. */
};
_Static_assert(sizeof(struct tg_zone_offset) == 16, "stored");

/** @brief A zone that accounts may be in; read with catalog/zone_time.h. */
struct tg_account_zone {
    uint32_t offset_first;  /**< Into the section of offsets. */
    uint32_t offsets_count; /**< 0: UTC. */
    uint32_t name_offset;   /**< IANA name, in the text section; 0: UTC. */
    uint32_t reserved;      /**< 0. */
};
_Static_assert(sizeof(struct tg_account_zone) == 16, "stored");

/** @brief Bits of tg_allowance.directions_mask. */
enum tg_direction {
    TG_DIRECTION_OUT = 1, /**< Made or sent by the subscriber. */
    TG_DIRECTION_IN = 2   /**< Received (TG_USAGE_INCOMING). */
};

/** @brief Bits of tg_allowance.options. */
enum tg_allowance_option {
    TG_ALLOWANCE_FROM_IS_LOCAL = 1, /**< valid_from_ns is the account's local time: a date. */
    TG_ALLOWANCE_TO_IS_LOCAL = 2,   /**< valid_to_ns is. */
    TG_ALLOWANCE_BLOCKS = 4,        /**< Behind it no other one is asked. */
    TG_ALLOWANCE_NEWEST_FIRST = 8,  /**< Units rolled over are used behind the period's own. */
    TG_ALLOWANCE_RAW = 16,          /**< Draws what was used, before minimum and increments. */
    TG_ALLOWANCE_ONCE = 32          /**< Plans that a subscription has one behind the other share
                                         it: it lies on the shelf of its first line. */
};

/** @brief One bucket of free units. */
struct tg_allowance {
    uint64_t amount_base;  /**< Granted a period, in base quantity (ms, octets, events). */
    uint32_t zones_offset; /**< Bytes from the image: one bit a zone; 0: every zone. */
    uint32_t bands_offset; /**< Bytes from the image: uint64_t a time model, one bit a band; 0: any
                                time. */
    uint8_t services_mask; /**< Bit 1 << enum tg_service. */
    uint8_t directions_mask;  /**< enum tg_direction bits; 0: both. */
    uint8_t is_zoned;         /**< Periods are of another zone than UTC. */
    uint8_t options;          /**< enum tg_allowance_option bits. */
    uint16_t priority;        /**< Lower is used first. */
    uint8_t unit;             /**< enum tg_unit it was written in, for people. */
    uint8_t dimension;        /**< enum tg_dimension. */
    uint8_t period;           /**< enum tg_period. */
    uint8_t is_present;       /**< 0: a hole. */
    uint8_t scope;            /**< enum tg_allowance_scope. */
    uint8_t proration;        /**< enum tg_grant_proration. */
    uint8_t rollover_periods; /**< Periods that units left over last; 0: they end with theirs. */
    uint8_t thresholds_percent[TG_THRESHOLDS_MAX]; /**< Use that is told, rising; 0 none. */
    uint64_t rollover_min_base;   /**< At least this rolls over a period, granted or not. */
    uint64_t rollover_max_base;   /**< At most this rolls over a period. */
    uint64_t rollover_total_base; /**< At most this is carried, all ages together. */
    uint64_t member_cap_base;     /**< At most this of a pool for one member; UINT64_MAX: all. */
    int64_t valid_from_ns;        /**< First event time it covers; 0: since ever. */
    int64_t valid_to_ns;          /**< First event time behind; 0: for ever. */
    uint32_t price;               /**< What covered units cost: price id plus 1; 0 nothing. */
    uint16_t period_count;        /**< From start: so many of `period` are one; else 0. */
    uint8_t rollover_lost;        /**< Percent of what a period leaves that does not roll over. */
    uint8_t reserved;             /**< 0. */
};
_Static_assert(sizeof(struct tg_allowance) == 88, "stored");

/** @brief Which lines of a subscription a discount, a maximum or a minimum looks at.
 *  Values are stored. */
enum tg_bill_eligible {
    TG_ELIGIBLE_USAGE = 0, /**< Usage, late usage and adjustments. Default. */
    TG_ELIGIBLE_FEES = 1,  /**< Recurring and one-off fees and charges. */
    TG_ELIGIBLE_ALL = 2    /**< Both. */
};

/** @brief What becomes of usage that arrives when its bill is issued (rating-semantics 4.11). */
enum tg_late_usage {
    TG_LATE_NEXT_BILL = 0, /**< Lines of their own on the next bill. Default. */
    TG_LATE_WRITE_OFF = 1, /**< Not charged; counted. */
    TG_LATE_SUSPEND = 2,   /**< Waits until the product says otherwise; counted. */
    TG_LATE_NOTE = 3       /**< A debit or credit note on the bill it is late for. */
};

/** @brief What the cycle of a change of product costs; the new product says so (rating-semantics
 *  4.7: prorate_on_plan_change is a flag of its own). Values are stored. */
enum tg_plan_change {
    TG_CHANGE_REFUND_AND_CHARGE = 0, /**< Old to the change, new from it. Default. */
    TG_CHANGE_CHARGE_ONLY = 1,       /**< Old whole, new from the change. */
    TG_CHANGE_KEEP = 2,              /**< Old whole, new from the next cycle on. */
    TG_CHANGE_NONE = 3,              /**< Both whole: nothing is prorated. */
    TG_CHANGE_ADDED_SEATS = 4        /**< Old whole, new from the change, of seats that are more. */
};

/** @brief What a tax is rounded over (rating-semantics 4.15). Values are stored. */
enum tg_tax_mode {
    TG_TAX_PER_CATEGORY = 0, /**< round(sum of the category's net x rate), shared out. Default. */
    TG_TAX_PER_LINE = 1,     /**< round(line's net x rate), summed. */
    TG_TAX_PER_CHARGE = 2    /**< round(row's charge x rate), summed; fees as per line. */
};

/** @brief What a customer buys. */
struct tg_product {
    int64_t fee;            /**< Recurring fee a period at the image's scale; may be negative. */
    int64_t minimum;        /**< Least net a minimum_period of the eligible lines; 0 none. */
    int64_t discount_fixed; /**< Taken off the eligible lines a cycle; 0 none. */
    int64_t late_write_off_below; /**< Late usage of a cycle under this is not charged; 0 none. */
    uint32_t title_offset;        /**< Name for people, in the text section. */
    uint32_t discount_ppm;        /**< Part of the eligible lines taken off; 0 none. */
    uint16_t plan;                /**< Plan, or TG_PLAN_NONE. */
    uint16_t tax;                 /**< Tax category, or TG_TAX_NONE. */
    uint8_t period;               /**< enum tg_period or tg_fee_period of the fee. */
    uint8_t proration;            /**< enum tg_proration. */
    uint8_t is_present;           /**< 0: a hole. */
    uint8_t prorate_on_start;     /**< 1: a first part period is prorated; else charged whole. */
    uint8_t prorate_on_end;       /**< 1: a last part period is prorated; else charged whole. */
    uint8_t is_in_advance;        /**< 1: billed at the start of the period; 0: at its end. */
    uint8_t discount_on;          /**< enum tg_bill_eligible. */
    uint8_t minimum_on : 4;       /**< enum tg_bill_eligible. */
    uint8_t minimum_period : 4;   /**< Of minimum: 0 cycle, 1 quarter, 2 half year, 3 year. */
    uint8_t late_usage;           /**< enum tg_late_usage. */
    uint8_t maximum_on;           /**< enum tg_bill_eligible. */
    uint8_t on_plan_change;       /**< enum tg_plan_change, into this product. */
    uint8_t bounds_scope;         /**< enum tg_allowance_scope of minimum and maximum. */
    int64_t maximum;              /**< Most net a cycle of the eligible lines; 0 none. */
    uint8_t discount_rounding;    /**< enum tg_rounding of the DISCOUNT stage. */
    uint8_t discount_decimals;    /**< Decimals it is rounded to + 1; 0: those of charges. */
    uint8_t period_from;          /**< enum tg_fee_anchor. */
    uint8_t bounds_order;         /**< enum tg_bounds_order. */
    uint16_t discount_cycles;     /**< Bills of a subscription that have discounts; 0: all. */
    uint8_t discount_scope;       /**< enum tg_allowance_scope of the discounts. */
    uint8_t period_cycles;        /**< Of TG_FEE_CYCLES and TG_FEE_DAYS, at least 2; of
                                       TG_FEE_WEEKS, at least 1; else 0. */
    int64_t discount_from;        /**< Least of the eligible lines that is discounted; 0 any. */
    int64_t discount_max;         /**< Most that discount_ppm takes off a cycle; 0 none. */
    /** Prices whose usage discounts are of, plus 1, ended by 0; the first 0: of all usage. */
    uint32_t discount_prices[TG_DISCOUNT_PRICES_MAX];
};
_Static_assert(sizeof(struct tg_product) == 120, "stored");

/** @brief Days of a period of a fee that is counted in days from the begin. @param product Product.
 *  @return 2 to 364; 0: its fee is by the cycle, the calendar's week, or paid once. */
static inline uint32_t tg_fee_days(const struct tg_product *product)
{
    return product->period == TG_FEE_DAYS    ? product->period_cycles
           : product->period == TG_FEE_WEEKS ? 7u * product->period_cycles
                                             : 0u;
}

/** @brief Whose rate a line is taxed with (rating-semantics 4.15). Values are stored. */
enum tg_tax_point {
    TG_TAX_AT_PERIOD_END = 0, /**< Of the version valid at the last instant of the bill. Default. */
    TG_TAX_AT_USAGE = 1,      /**< Of the version that priced the usage, or whose fee it is. */
    TG_TAX_AT_ISSUE = 2       /**< Of the version valid at the date of the bill. */
};

#define TG_TAX_PARTS_MAX 6u /**< Taxes of a set. */

/** @brief One tax category, or a set of taxes that is one. */
struct tg_tax {
    uint32_t rate_ppm;     /**< Parts per million: 190,000 for 19 %. */
    uint32_t title_offset; /**< Name for people, in the text section. */
    uint8_t rounding;      /**< enum tg_rounding of the TAX stage. */
    uint8_t is_present;    /**< 0: a hole. */
    char category[2];      /**< UN/ECE 5305 code, e.g. "S", "Z", "E", "AE"; NUL-padded. */
    uint8_t mode;          /**< enum tg_tax_mode. */
    uint8_t is_inclusive;  /**< 1: prices are with this tax in them. */
    uint8_t is_compound;   /**< 1: as part of a set also on the parts before it. */
    uint8_t parts_count;   /**< Of a set, whose rate is what its parts come to; 0: one tax. */
    uint16_t parts[TG_TAX_PARTS_MAX]; /**< Taxes, in order; shape [parts_count]. */
    uint8_t point;                    /**< enum tg_tax_point. */
    uint8_t reserved[3];              /**< 0. */
};
_Static_assert(sizeof(struct tg_tax) == 32, "stored");

/** @brief A visited network. */
struct tg_network {
    uint32_t plmn;       /**< Mobile country and network code as decimal digits, e.g. 26201. */
    uint16_t zone;       /**< Zone of usage there. */
    uint8_t plmn_digits; /**< 5 or 6; 0 a hole. */
    uint8_t time_zone;   /**< Which variant of time models by serving network: from 1; 0 home. */
};
_Static_assert(sizeof(struct tg_network) == 8, "stored");

#define TG_SITES_MAX 255u /**< Sites over all versions: a row carries an octet. */

/** @brief Where nodes stand. */
struct tg_site {
    uint8_t time_zone;   /**< Which variant of time models by node: from 1; 0 the model's zone. */
    uint8_t is_present;  /**< 0: a hole, or no site. */
    uint8_t reserved[2]; /**< 0. */
};
_Static_assert(sizeof(struct tg_site) == 4, "stored");

/** @brief A node of a site, by its name or by the address it sends from. */
struct tg_site_node {
    uint8_t address[16];  /**< Network order, IPv4 as ::ffff:a.b.c.d; all 0 with a name. */
    uint32_t name_offset; /**< Lower-case name in the text section; 0: by address. */
    uint8_t prefix_bits;  /**< Of the address, 0..128. */
    uint8_t site;         /**< Index, from 1. */
    uint8_t reserved[2];  /**< 0. */
};
_Static_assert(sizeof(struct tg_site_node) == 24, "stored");

/** @brief A prefix deck: direct table by the first digits, then one node a digit. */
struct tg_deck {
    uint64_t direct_offset; /**< Bytes from the image: uint32_t entries. */
    uint64_t nodes_offset; /**< uint32_t [11] a node: ten digits, then the number that ends here. */
    uint64_t dated_offset; /**< struct tg_deck_dated. */
    uint32_t direct_count; /**< 1 + 10 + ... + 10^direct_digits. */
    uint32_t nodes_count;  /**< Spill nodes. */
    uint32_t dated_count;  /**< Dated entries. */
    uint32_t prefixes_count; /**< Rows it was made from. */
    uint8_t direct_digits;   /**< 1..6, by the size of the deck. */
    uint8_t reserved[23];    /**< 0. */
};
_Static_assert(sizeof(struct tg_deck) == 64, "stored");

/** @brief A prefix that counts only for a time; when it does not, next says what does. */
struct tg_deck_dated {
    int64_t valid_from_ns; /**< Inclusive. */
    int64_t valid_to_ns;   /**< Exclusive. */
    uint32_t zone;         /**< Zone while valid, with the prefix's weight. */
    uint32_t next;         /**< Entry otherwise: a zone or another dated entry. */
};
_Static_assert(sizeof(struct tg_deck_dated) == 24, "stored");

/** @brief Bits of a deck entry: a node number, a dated entry's number, or a zone (0 none) with the
 *  weight of the prefix that gives it: twice its digits, and 1 more for a short code. */
#define TG_DECK_IS_NODE      0x80000000u
#define TG_DECK_IS_DATED     0x40000000u
#define TG_DECK_WEIGHT_SHIFT 16u
#define TG_DECK_WEIGHT_MAX   31u

/** @brief Whose wall time counts (rating-semantics 4.4). Values are stored. */
enum tg_wall_time {
    TG_WALL_FIXED = 0,   /**< The model's zone. Default. */
    TG_WALL_SERVING = 1, /**< The serving network's. */
    TG_WALL_NODE = 2,    /**< Of the site of the node that reported the usage. */
    TG_WALL_HOME = 3     /**< Of the subscriber's account. */
};

/** @brief A time model, expanded to the instants at which the band changes. */
struct tg_time_model {
    uint32_t switches_offset;   /**< Bytes from the image: struct tg_band_switch. */
    uint32_t switches_count;    /**< 0: band 0 always. */
    uint32_t zone_name_offset;  /**< IANA zone, in the text section. */
    uint16_t bands_count;       /**< At least 1. */
    uint16_t variants;          /**< First of its variants, one a zone of `by`; 0 none. */
    uint32_t band_names_offset; /**< Bytes from the image: uint32_t text offsets [bands_count]. */
    uint32_t tz_hash;           /**< CRC32C of the zone file it was expanded with. */
    uint16_t variants_count;    /**< How many. */
    uint8_t by;                 /**< enum tg_wall_time. */
    uint8_t is_second;          /**< 1: boundaries in a repeated hour are of its second pass. */
    uint8_t reserved[4];        /**< 0. */
    uint32_t repeats_offset;    /**< Bytes from the image: struct tg_band_repeat. */
    uint32_t repeats_count;     /**< 0: no boundary lies in a repeated hour. */
};
_Static_assert(sizeof(struct tg_time_model) == 40, "stored");

/** @brief One of the two passes of a repeated hour: usage that starts in it has the bands of its
 *  wall time, which are those of the other pass. Usage from before goes on by the switches. */
struct tg_band_repeat {
    int64_t from_ns;  /**< UTC. */
    int64_t to_ns;    /**< UTC, exclusive. */
    int64_t shift_ns; /**< Added to an instant: the same wall time in the other pass. */
};
_Static_assert(sizeof(struct tg_band_repeat) == 24, "stored");

/** @brief From this instant the band applies, until the next one. */
struct tg_band_switch {
    int64_t from_ns;   /**< UTC. */
    uint32_t band;     /**< Band. */
    uint32_t reserved; /**< 0. */
};
_Static_assert(sizeof(struct tg_band_switch) == 16, "stored");

#endif
