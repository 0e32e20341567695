/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief What the readers of accounts.csv, subscribers.csv, exemptions.csv and suspensions.csv
 *  share.
 *
 *  Source: schemas/catalog/README.md. Threads: one owner. Allocates: yes, control plane. Only
 *  people*.c include this.
 */
#ifndef TG_CATALOG_PEOPLE_READER_H
#define TG_CATALOG_PEOPLE_READER_H

#include "catalog/people.h"
#include "doc/csv.h"

#include <stdbool.h>
#include <stdint.h>

#define TG_PEOPLE_COLUMNS_MAX  16u /**< Columns of any of the files. */
#define TG_PEOPLE_ID_BYTES_MAX 63u /**< Of an id. */

/** @brief One of the files while it is read. */
struct tg_people_reader {
    struct tg_people *people;             /**< Filled. */
    const struct tg_image *image;         /**< For names. */
    struct tg_csv csv;                    /**< The open file. */
    struct tg_diag *diag;                 /**< Every mistake. */
    int16_t index[TG_PEOPLE_COLUMNS_MAX]; /**< Field of each known column; -1: absent. */
    bool has_lost_rows;     /**< Of this file: their names are not known, and not missed. */
    bool has_lost_accounts; /**< The same of accounts.csv. */
    bool has_lost_lines;    /**< The same of subscribers.csv. */
};

/** @brief Whether a line of the file that is read has a mistake already: what follows from it is
 *  not told. @param reader Reader. @param line From 1. @return true if so. */
bool tg_people_line_is_told(const struct tg_people_reader *reader, uint32_t line);

/** @brief Field of a known column; an absent one reads as empty. @param reader At a row.
 *  @param column Its number. @return By value; text is borrowed until the next row. */
struct tg_csv_field tg_people_field(const struct tg_people_reader *reader, uint32_t column);

/** @brief Report a field. @param reader Reader. @param field Where. @param hint For people, or
 *  NULL. @param format With one %s: the field's text. */
void tg_people_refuse(struct tg_people_reader *reader, const struct tg_csv_field *field,
                      const char *hint, const char *format);

/** @brief Index of an entry that this version of the catalog has. @param reader Reader.
 *  @param kind Products, taxes or zones of accounts. @param field Its name. @param format With one
 *  %s. @return UINT32_MAX after reporting (did you mean). */
uint32_t tg_people_entry(struct tg_people_reader *reader, enum tg_catalog_kind kind,
                         const struct tg_csv_field *field, const char *format);

/** @brief Whether an id can be one; reported else. @param reader Reader. @param id Field.
 *  @return Whether. */
bool tg_people_id_check(struct tg_people_reader *reader, const struct tg_csv_field *id);

/** @brief Number of a listed id, the same as ever. @param reader Reader. @param ids All known.
 *  @param items Grows with ids, filled with 0. @param item_bytes Of one. @param lines Likewise, a
 *  uint32_t line of the file each; written. @param id Field. @return Index; UINT32_MAX after
 *  reporting (listed twice), or when there is no memory. */
uint32_t tg_people_id_number(struct tg_people_reader *reader, struct tg_names *ids,
                             struct tg_blob *items, size_t item_bytes, struct tg_blob *lines,
                             const struct tg_csv_field *id);

/** @brief Mark who is no longer listed: he keeps his number. @param items All, each with a flags
 *  octet. @param item_bytes Of one. @param flags_offset Of the octet. @param lines As of
 *  tg_people_id_number, of the file that was read. */
void tg_people_unlisted_mark(struct tg_blob *items, size_t item_bytes, size_t flags_offset,
                             const struct tg_blob *lines);

/** @brief Index of a listed account. @param reader Reader. @param field Its id. @return UINT32_MAX
 *  after reporting. */
uint32_t tg_people_account_find(struct tg_people_reader *reader, const struct tg_csv_field *field);

/** @brief What a row of accounts.csv says of its bills. */
struct tg_people_bills {
    struct tg_csv_field period; /**< bill_period. */
    struct tg_csv_field count;  /**< bill_period_count. */
    struct tg_csv_field from;   /**< cycle_from. */
    struct tg_csv_field day;    /**< cycle_day. */
};

/** @brief Read when an account is billed. @param reader At a row. @param bills Its fields.
 *  @param[in,out] account cycle_day is written, and the flags of bills are added. */
void tg_people_bills_read(struct tg_people_reader *reader, const struct tg_people_bills *bills,
                          struct tg_roster_account *account);

/** @brief Refuse another period of bills than an account had. @param reader At a row. @param bills
 *  Its fields. @param before The account as it was; all 0: it is new. @param now As it is. */
void tg_people_bills_keep(struct tg_people_reader *reader, const struct tg_people_bills *bills,
                          const struct tg_roster_account *before,
                          const struct tg_roster_account *now);

/** @brief Read one file, row by row. @param reader Reader. @param path File. @param columns Shape
 *  [columns_count]; the first is required. @param columns_count At most TG_PEOPLE_COLUMNS_MAX.
 *  @param take Told each row. @return false: there is no such file. */
bool tg_people_file_read(struct tg_people_reader *reader, const char *path,
                         const struct tg_csv_column *columns, uint32_t columns_count,
                         void (*take)(struct tg_people_reader *reader));

/** @brief Read accounts.csv. @param reader Reader. @param folder Opened. @return false: there is no
 *  such file. */
bool tg_people_accounts_read(struct tg_people_reader *reader, const struct tg_folder *folder);

/** @brief Read subscribers.csv, behind accounts.csv. @param reader Reader. @param folder Opened.
 *  @return false: there is no such file. */
bool tg_people_subscribers_read(struct tg_people_reader *reader, const struct tg_folder *folder);

/** @brief Read exemptions.csv, behind accounts.csv. @param reader Reader. @param folder Opened. */
void tg_people_exempt_read(struct tg_people_reader *reader, const struct tg_folder *folder);

/** @brief Read suspensions.csv, behind tg_people_chain_make. @param reader Reader. @param folder
 *  Opened. */
void tg_people_pause_read(struct tg_people_reader *reader, const struct tg_folder *folder);

/** @brief Remember which lines were counted together, before keys are read anew. @param people All.
 */
void tg_people_chain_keep(struct tg_people *people);

/** @brief Find the lines that are counted together, behind subscribers.csv. @param reader Reader;
 *  keys sorted by kind, key and subscriber, no two of one key at the same time. */
void tg_people_chain_make(struct tg_people_reader *reader);

/** @brief Line of the file that a subscriber is on. @param people All. @param index Dense index.
 *  @return Line from 1; 0: not listed. */
uint32_t tg_people_line(const struct tg_people *people, uint32_t index);

/** @brief Zone of an account. @param people All. @param account Dense index, or UINT32_MAX.
 *  @return As in tg_roster_account. */
uint32_t tg_people_account_zone(const struct tg_people *people, uint32_t account);

/** @brief Read a date or time. @param reader Reader. @param field It. @param zone Whose midnight a
 *  date is. @param absent Of an empty field. @param[out] seconds POSIX seconds.
 *  @return false after reporting. */
bool tg_people_second(struct tg_people_reader *reader, const struct tg_csv_field *field,
                      uint32_t zone, uint32_t absent, uint32_t *seconds);

#endif
