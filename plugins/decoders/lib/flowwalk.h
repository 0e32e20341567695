/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief The engine under NetFlow v9 and IPFIX: walks messages, keeps templates, parks data.
 *
 *  Source: RFC 7011 3 (message, set, template, data), 8 (templates), RFC 5655 (file: messages in a
 *          row), RFC 3954 5 and 6.
 *  Threads: one owner. Allocates: only tg_flow_open. Cost: see plugins/decoders/ipfix/README.md.
 *
 *      header -> set -+- template set: each template is stored, then what waited for it is released
 *         ^           +- data set, template known: records become rows
 *         |           +- data set, template unknown: parked
 *         +-----------+- anything else: refused with reason and offset
 *
 *  Every arrow is a step that either happens as a whole or, when an array of struct tg_decoded is
 *  full, not at all; the walk then keeps its position and goes on in the next call.
 */
#ifndef TG_DECODERS_LIB_FLOWWALK_H
#define TG_DECODERS_LIB_FLOWWALK_H

#include "lib/flowpark.h"
#include "lib/flowstore.h"

#define TG_FLOW_STATE_VERSION 1u /**< Of tg_flow_save's format. */

/** @brief What differs between the two protocols. */
struct tg_flow_dialect {
    uint16_t version;       /**< 9 or 10; first word of a message. */
    uint16_t header_octets; /**< 20 or 16. */
    uint16_t template_set;  /**< Set id of templates: 0 or 2. */
    uint16_t options_set;   /**< Set id of options templates: 1 or 3. */
};

extern const struct tg_flow_dialect tg_flow_netflow9; /**< RFC 3954. */
extern const struct tg_flow_dialect tg_flow_ipfix;    /**< RFC 7011. */

/** @brief Where a decode call stopped, so that the next can go on. */
struct tg_flow_walk {
    struct tg_message message;      /**< As far as known. */
    struct tg_flow_context context; /**< Of the current message; anchor is set anew each call. */
    struct tg_flow_key release_key; /**< Template whose waiting pieces are being released. */
    uint32_t message_start;         /**< Offset in the input. */
    uint32_t message_end;           /**< One past; at most the input's length. */
    uint32_t at;                    /**< Next octet to look at. */
    uint32_t set_end;               /**< One past the current set. */
    uint32_t sets_left;             /**< Sets the header allows still. */
    uint16_t set_id;                /**< Of the current set. */
    bool is_active;                 /**< An input is half done. */
    bool in_message;                /**< Header is read. */
    bool in_set;                    /**< Set header is read. */
    bool is_releasing;              /**< release_key is meant. */
    bool is_first;                  /**< No message of this input ended yet. */
    bool is_uncountable;            /**< Records of it are unknown: parked or unreadable. */
};

/** @brief State of a decoder. */
struct tg_flow {
    const struct tg_flow_dialect *dialect;
    struct tg_flow_store store;
    struct tg_flow_park park;
    struct tg_flow_walk walk;
    struct tg_flow_template scratch; /**< Template being read. */
};

/**
 * @brief Make a state. Settings: templates, templates_per_source, park_bytes, park_pieces.
 * @param dialect  tg_flow_netflow9 or tg_flow_ipfix.
 * @param config   Borrowed until return.
 * @param state    The state, NULL on failure; end it with tg_flow_close.
 * @param why      Filled on failure.
 * @return TG_OK, TG_E_INVALID (setting), TG_E_NO_MEMORY.
 */
enum tg_err tg_flow_open(const struct tg_flow_dialect *dialect,
                         const struct tg_decoder_config *config, void **state,
                         struct tg_complaint *why);

/** @brief End a state. @param state From tg_flow_open, or NULL. */
void tg_flow_close(void *state);

/** @brief tg_decoder.decode. @param state Open. @param inputs Borrowed. @param inputs_count Count.
 *  @param out Appended to. @return Inputs finished. */
uint32_t tg_flow_decode(void *state, const struct tg_input *inputs, uint32_t inputs_count,
                        struct tg_decoded *out);

/** @brief tg_decoder.expire. @param state Open. @param before_ns Arrivals before this are given up.
 *  @param out Appended to. @return More remains. */
bool tg_flow_expire(void *state, int64_t before_ns, struct tg_decoded *out);

/** @brief tg_decoder.save. @param state Open. @param bytes Room. @param capacity_bytes Its length.
 *  @return Bytes needed. */
size_t tg_flow_save(const void *state, uint8_t *bytes, size_t capacity_bytes);

/** @brief tg_decoder.load. @param state Open. @param bytes Borrowed. @param length_bytes Count.
 *  @return TG_OK; TG_E_FORMAT another version or protocol, TG_E_CORRUPT, TG_E_FULL (saved with
 *  larger bounds): the state is empty then. */
enum tg_err tg_flow_load(void *state, const uint8_t *bytes, size_t length_bytes);

/** @brief Does the payload begin with this version word? @param bytes Payload.
 *  @param length_bytes Its length. @param version Word. @return Yes or no. */
static inline bool tg_flow_is_version(const uint8_t *bytes, uint32_t length_bytes, uint16_t version)
{
    return length_bytes >= 2 && bytes[0] == version >> 8 && bytes[1] == (version & 255);
}

/**
 * @brief The time that stands for "now" in a message: its own, or the arrival if that clock is
 * unset.
 * @param header_ns   Export time of the header.
 * @param arrival_ns  Arrival.
 * @return Within 1970..2116, so that sums with record times cannot overflow.
 */
static inline int64_t tg_flow_reference_ns(int64_t header_ns, int64_t arrival_ns)
{
    const int64_t most_ns = INT64_C(1) << 62;
    const int64_t ns = header_ns >= TG_FLOW_EPOCH_MIN_NS ? header_ns : arrival_ns;
    return ns < 0 ? 0 : ns > most_ns ? most_ns : ns;
}

/** @brief Identity seed of a sender and domain. @param input Borrowed. @param domain Its. @return
 * It. */
uint64_t tg_flow_seed(const struct tg_input *input, uint32_t domain);

#endif
