/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief A template compiled once into a gather plan, and the loop that turns records into rows.
 *
 *  Source: RFC 7011 3.4, 6.2 (reduced size), 7 (variable length); RFC 5103 (biflow); RFC 3954 8.
 *  Threads: a plan is read by the one owner of the decoder state. Allocates: never.
 *  Cost: see plugins/decoders/ipfix/README.md.
 *
 *  Invariants:
 *  (1) Every load is 8 octets that END with the field, so it reads at most 8 octets before the
 *      record and never one past it. Callers keep TG_FLOW_LEAD_BYTES readable before a record; in
 *      a datagram these are the message and set headers.
 *  (2) A column without a field loads with mask 0, so the loop has no question per column.
 *  (3) The row is a pure function of (plan, context, record bytes).
 */
#ifndef TG_DECODERS_LIB_FLOWPLAN_H
#define TG_DECODERS_LIB_FLOWPLAN_H

#include "abi/decoder.h"

#include <stdbool.h>
#include <stdint.h>

#define TG_FLOW_FIELDS_MAX       256u   /**< Fields of a template; more is refused TG_E_TEMPLATE. */
#define TG_FLOW_LEAD_BYTES       16u    /**< Readable octets a caller keeps before every record. */
#define TG_FLOW_VARIABLE         65535u /**< The record tells the length, RFC 7011 7. */
#define TG_FLOW_SLOT_NONE        255u   /**< A field that feeds no column. */
#define TG_FLOW_SUSPECT_AGE_NS   (INT64_C(366) * 86400 * 1000000000) /**< Older than a leap year. */
#define TG_FLOW_SUSPECT_AHEAD_NS (INT64_C(3600) * 1000000000)      /**< An hour ahead of export. */
#define TG_FLOW_EPOCH_MIN_NS     (INT64_C(946684800) * 1000000000) /**< 2000-01-01: clocks unset. */

/** @brief Values gathered from a record. */
enum tg_flow_slot {
    TG_FLOW_SLOT_SOURCE4,  /**< IPv4 source. */
    TG_FLOW_SLOT_SOURCE6,  /**< First half of the IPv6 source. */
    TG_FLOW_SLOT_PEER4,    /**< IPv4 destination. */
    TG_FLOW_SLOT_PEER6,    /**< First half of the IPv6 destination. */
    TG_FLOW_SLOT_UP,       /**< Octets. */
    TG_FLOW_SLOT_DOWN,     /**< Octets the other way. */
    TG_FLOW_SLOT_GROUP,    /**< Application. */
    TG_FLOW_SLOT_START,    /**< Start, by start_clock. */
    TG_FLOW_SLOT_END,      /**< End, by end_clock. */
    TG_FLOW_SLOT_DURATION, /**< Length, by duration_clock. */
    TG_FLOW_SLOT_INIT,     /**< Boot time in milliseconds. */
    TG_FLOW_SLOT_COUNT     /**< How many. */
};

/** @brief How a time value counts. */
enum tg_flow_clock {
    TG_FLOW_CLOCK_NONE = 0,
    TG_FLOW_CLOCK_SECONDS,      /**< Since 1970. */
    TG_FLOW_CLOCK_MILLISECONDS, /**< Since 1970, or a length. */
    TG_FLOW_CLOCK_MICROSECONDS, /**< NTP timestamp, or a length in microseconds. */
    TG_FLOW_CLOCK_NANOSECONDS,  /**< NTP timestamp. */
    TG_FLOW_CLOCK_DELTA,        /**< Microseconds before export. */
    TG_FLOW_CLOCK_UPTIME        /**< Milliseconds since boot. */
};

/** @brief One gather: 8 octets at record + at, byte-swapped, masked. */
struct tg_flow_load {
    uint64_t mask; /**< 0 when the column has no field. */
    int32_t at;    /**< End of the field minus 8; at least -8. */
    uint32_t reserved;
};

/** @brief One field of a template. */
struct tg_flow_field {
    uint32_t enterprise;    /**< Private enterprise number; 0 IANA. */
    uint16_t element;       /**< Number. */
    uint16_t length_octets; /**< Or TG_FLOW_VARIABLE. */
    uint8_t slot;           /**< enum tg_flow_slot or TG_FLOW_SLOT_NONE. */
    uint8_t is_scope;       /**< Options scope field. */
    uint8_t reserved[2];    /**< 0, so that templates compare as bytes. */
};

/** @brief A compiled template. */
struct tg_flow_plan {
    struct tg_flow_load loads[TG_FLOW_SLOT_COUNT]; /**< By slot; `at` is per record if variable. */
    uint32_t record_octets; /**< Length, or the least length when variable. */
    uint16_t fields_count;  /**< 1..TG_FLOW_FIELDS_MAX. */
    uint16_t version;       /**< 5, 9 or 10. */
    bool is_variable;       /**< Has a variable-length field. */
    bool is_options;        /**< Options template. */
    bool has_quantity;      /**< Has octets: usage; else metadata. */
    uint8_t start_clock;    /**< enum tg_flow_clock. */
    uint8_t end_clock;      /**< enum tg_flow_clock. */
    uint8_t duration_clock; /**< enum tg_flow_clock. */
    uint8_t service;        /**< enum tg_service of its rows. */
    uint8_t kinds4;         /**< key_kinds when the IPv4 addresses count. */
    uint8_t kinds6;         /**< key_kinds when the IPv6 addresses count. */
    bool is_dual;           /**< Has both families: a record's zero IPv4 pair means IPv6. */
};

/** @brief What the records of one message share. */
struct tg_flow_context {
    int64_t export_ns;      /**< Export time that stands in for a missing one. */
    uint64_t seed;          /**< tg_key_hash over sender address and domain. */
    const uint8_t *anchor;  /**< A byte whose offset in its message is anchor_offset. */
    uint32_t anchor_offset; /**< Offsets of records are part of keys of records without a time. */
    uint32_t sequence;      /**< Message sequence. */
    uint32_t uptime_ms;     /**< Exporter's uptime at export. */
    bool has_uptime;        /**< uptime_ms is known. */
};

/**
 * @brief Compile a field list.
 *
 * @param[in]     version       5, 9 or 10: which tables name the fields.
 * @param[in]     is_options    An options template.
 * @param[in,out] fields        Shape [fields_count]; slot is written.
 * @param[in]     fields_count  Fields.
 * @param[out]    plan          Written when the result is TG_OK.
 * @return TG_OK; TG_E_TEMPLATE when a record would be empty or longer than a message, or an address
 *         or number has a length it cannot have; TG_E_COUNT for no field or too many.
 */
enum tg_err tg_flow_plan_compile(uint16_t version, bool is_options, struct tg_flow_field *fields,
                                 uint32_t fields_count, struct tg_flow_plan *plan);

/**
 * @brief Decode fixed-length records into rows until one must be refused.
 *
 * @param[in]  plan     Fixed length: is_variable is false.
 * @param[in]  context  Of the message.
 * @param[in]  records  First record; TG_FLOW_LEAD_BYTES before it are readable.
 * @param[in]  count    Records there, each plan->record_octets long.
 * @param[out] rows     Shape [count].
 * @return Rows written, 0..count. Less than count: that record's octets do not fit 48 bits
 *         (TG_E_OVERFLOW).
 */
uint32_t tg_flow_gather(const struct tg_flow_plan *plan, const struct tg_flow_context *context,
                        const uint8_t *records, uint32_t count, struct tg_usage *rows);

/**
 * @brief One gathered value of a record.
 * @param plan    Fixed-length or placed plan.
 * @param record  First octet, as for tg_flow_gather.
 * @param slot    Which.
 * @return Value, or 0 when the template has no such field.
 */
uint64_t tg_flow_value(const struct tg_flow_plan *plan, const uint8_t *record,
                       enum tg_flow_slot slot);

/**
 * @brief Find where a variable-length record ends and where its columns lie.
 *
 * @param[in]  plan         Template's plan.
 * @param[in]  fields       Its fields.
 * @param[in]  record       First octet.
 * @param[in]  left_octets  Octets left in the set.
 * @param[out] placed       A plan for this record alone, fit for tg_flow_gather with count 1.
 * @return Length of the record; 0 when it runs past the set or a number has an impossible length.
 */
uint32_t tg_flow_place(const struct tg_flow_plan *plan, const struct tg_flow_field *fields,
                       const uint8_t *record, uint32_t left_octets, struct tg_flow_plan *placed);

/**
 * @brief Step over one field of a record, fixed or variable.
 *
 * @param[in]     length_octets  The template's.
 * @param[in,out] at             Offset within the record; moves past the field.
 * @param[in]     record         First octet of the record.
 * @param[in]     limit_octets   Octets that may be read.
 * @param[out]    start          Offset of the field's content.
 * @param[out]    octets         Length of the content.
 * @return false when it does not fit.
 */
bool tg_flow_field_step(uint16_t length_octets, uint32_t *at, const uint8_t *record,
                        uint32_t limit_octets, uint32_t *start, uint32_t *octets);

/**
 * @brief Append every field of a record to out->fields.
 *
 * A field whose length its type cannot have is given as TG_FIELD_OCTETS.
 *
 * @param[in]     plan       Template's plan.
 * @param[in]     fields     Its fields.
 * @param[in]     record     First octet; lives as long as the caller's buffer.
 * @param[in]     octets     Length of the record.
 * @param[in]     row_index  Row it became.
 * @param[in,out] out        Fields grow; stops silently at the capacity.
 */
void tg_flow_fields_append(const struct tg_flow_plan *plan, const struct tg_flow_field *fields,
                           const uint8_t *record, uint32_t octets, uint32_t row_index,
                           struct tg_decoded *out);

#endif
