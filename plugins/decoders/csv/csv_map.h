/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief The column map: what the settings say about one kind of CSV file.
 *
 *  Source: schemas/csv/fields.tsv; settings are explained in README.md, examples are schemas/csv.
 *  Threads: read only after open. Allocates: never. Cost: at open only.
 */
#ifndef TG_CSV_MAP_H
#define TG_CSV_MAP_H

#include "csv_value.h"

#include "abi/decoder.h"
#include "abi/err.h"

#include <stdbool.h>
#include <stdint.h>

#define TG_CSV_PARTS_MAX      4u   /**< Columns that make one field; more are refused at open. */
#define TG_CSV_NAME_BYTES_MAX 64u  /**< A column name, NUL included; longer is refused at open. */
#define TG_CSV_WORDS_MAX      32u  /**< Translated words a field; more are refused at open. */
#define TG_CSV_TRUNKS_MAX     32u  /**< Trunk groups with a dial plan; more are refused at open. */
#define TG_CSV_COLUMNS_MAX    256u /**< Columns of a line; a line with more is refused. */

/** @brief What a column can be mapped to. */
enum tg_csv_field {
#define TG_CSV_FIELD(ident, name, column) TG_CSV_##ident,
#include "csv_fields.def"
#undef TG_CSV_FIELD
    TG_CSV_FIELDS_COUNT
};

/** @brief One column: by name until the header is read, or by number. */
struct tg_csv_part {
    char name[TG_CSV_NAME_BYTES_MAX]; /**< Empty when given by number. */
    uint16_t column;                  /**< 1-based; 0 by name. */
};

/** @brief Where a field comes from. */
struct tg_csv_source {
    struct tg_csv_part parts[TG_CSV_PARTS_MAX]; /**< Shape [parts_count]; joined by a space. */
    uint8_t parts_count;                        /**< 0 not mapped. */
    bool is_optional; /**< From the default map: its column may be missing. */
};

/** @brief A word of the file and what it stands for. */
struct tg_csv_word {
    char text[TG_CSV_NAME_BYTES_MAX]; /**< Compared without case. */
    uint8_t value;                    /**< By field. */
};

/** @brief Translations of one field. */
struct tg_csv_words {
    struct tg_csv_word words[TG_CSV_WORDS_MAX]; /**< Shape [count]. */
    uint32_t count;                             /**< 0..TG_CSV_WORDS_MAX. */
};

/** @brief How numbers are dialled on a trunk group. */
struct tg_csv_trunk {
    char name[TG_CSV_NAME_BYTES_MAX]; /**< As the file writes it; compared without case. */
    struct tg_csv_dial_plan dial;     /**< That of the map, but for what is set here. */
};

/** @brief What a party is written as. */
enum tg_csv_party {
    TG_CSV_PARTY_AUTO = 0, /**< Called only: a number for voice and messages, else a name. */
    TG_CSV_PARTY_NUMBER,   /**< Telephone number. */
    TG_CSV_PARTY_IMSI,     /**< IMSI; caller only. */
    TG_CSV_PARTY_NAME      /**< Any text. */
};

/** @brief The whole map. */
struct tg_csv_map {
    struct tg_csv_source sources[TG_CSV_FIELDS_COUNT]; /**< By enum tg_csv_field. */
    struct tg_csv_words services;                      /**< Values: enum tg_service. */
    struct tg_csv_words causes;                        /**< Values: closing cause. */
    struct tg_csv_words directions;                    /**< Values: 1 incoming, 0 outgoing. */
    struct tg_csv_words number_types;                  /**< Values: enum tg_csv_number_type. */
    struct tg_csv_trunk trunks[TG_CSV_TRUNKS_MAX];     /**< Shape [trunks_count]. */
    uint32_t trunks_count;                             /**< Trunk groups with a plan. */
    struct tg_csv_time_format time;                    /**< Of start. */
    struct tg_csv_dial_plan dial;                      /**< Of numbers. */
    uint64_t hash;           /**< Of all settings: a header read by another map is void. */
    uint8_t service;         /**< enum tg_service of lines when no column says. */
    uint8_t duration_unit;   /**< enum tg_csv_duration_unit. */
    uint8_t amount_decimals; /**< Of whole amounts, or TG_CSV_DECIMALS_WRITTEN. */
    uint8_t amount_minor;    /**< Decimals of the catalog's currency. */
    uint8_t caller_party;    /**< enum tg_csv_party. */
    uint8_t called_party;    /**< enum tg_csv_party. */
    char delimiter;          /**< One octet. */
    bool has_header;         /**< The first line of a file names the columns. */
    bool is_incoming;        /**< Direction of lines when no column says. */
    bool takes_back;         /**< Quantities below 0 are usage taken back, not refused. */
    bool keeps_spaces;       /**< RFC 4180: spaces are part of a field. */
};

/** @brief Row field's name. @param field Index. @return Static text. */
const char *tg_csv_field_name(enum tg_csv_field field);

/**
 * @brief Read the settings.
 * @param[in]  config  Borrowed until return.
 * @param[out] map     Written.
 * @param[out] why     Filled on failure.
 * @return TG_OK or TG_E_INVALID: an unknown setting, a value that means nothing, a column by name
 *         without a header, or a map that can make no row.
 */
enum tg_err tg_csv_map_read(const struct tg_decoder_config *config, struct tg_csv_map *map,
                            struct tg_complaint *why);

/**
 * @brief Translate a word.
 * @param words  Borrowed. @param text Borrowed. @param text_bytes Its length.
 * @return Its value, or -1 when it is not there.
 */
int tg_csv_word_find(const struct tg_csv_words *words, const char *text, uint32_t text_bytes);

/**
 * @brief Dial plan of a trunk group.
 * @param map  Borrowed. @param text Its name; borrowed. @param text_bytes Its length; 0 none.
 * @return That of the map where the trunk group has none; borrowed.
 */
const struct tg_csv_dial_plan *tg_csv_dial_find(const struct tg_csv_map *map, const char *text,
                                                uint32_t text_bytes);

#endif
