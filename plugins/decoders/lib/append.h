/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Append to a struct tg_decoded without ever passing a capacity.
 *
 *  Source: Tollgate ABI 1 (abi/decoder.h). Threads: pure. Allocates: never. Cost: one compare each.
 *
 *  An append that does not fit changes nothing and says so; the decoder then stops and resumes at
 *  the next call. Ask `tg_out_*_left` before a step that appends several things and must not be
 *  done by half.
 */
#ifndef TG_DECODERS_LIB_APPEND_H
#define TG_DECODERS_LIB_APPEND_H

#include "abi/decoder.h"
#include "abi/err.h"
#include "abi/usage.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/** @brief Rows that still fit. @param out Borrowed. @return Count. */
static inline uint32_t tg_out_rows_left(const struct tg_decoded *out)
{
    return out->rows_capacity - out->rows_count;
}

/** @brief Observations that still fit. @param out Borrowed. @return Count. */
static inline uint32_t tg_out_observations_left(const struct tg_decoded *out)
{
    return out->observations_capacity - out->observations_count;
}

/** @brief Sessions that still fit. @param out Borrowed. @return Count. */
static inline uint32_t tg_out_sessions_left(const struct tg_decoded *out)
{
    return out->sessions_capacity - out->sessions_count;
}

/** @brief Refusals that still fit. @param out Borrowed. @return Count. */
static inline uint32_t tg_out_refusals_left(const struct tg_decoded *out)
{
    return out->refusals_capacity - out->refusals_count;
}

/** @brief Text bytes that still fit. @param out Borrowed. @return Count. */
static inline uint32_t tg_out_text_left_bytes(const struct tg_decoded *out)
{
    return out->text_capacity_bytes - out->text_bytes;
}

/** @brief Released keys that still fit. @param out Borrowed. @return Count. */
static inline uint32_t tg_out_released_left(const struct tg_decoded *out)
{
    return out->released_capacity - out->released_count;
}

/**
 * @brief Append one row.
 * @param[in,out] out          Rows and rows_input grow by one.
 * @param[in]     row          Copied.
 * @param[in]     input_index  Which input of the call it came from.
 * @return false when rows are full; nothing is changed then.
 */
static inline bool tg_out_row(struct tg_decoded *out, const struct tg_usage *row,
                              uint32_t input_index)
{
    if (out->rows_count >= out->rows_capacity) {
        return false;
    }
    out->rows[out->rows_count] = *row;
    out->rows_input[out->rows_count++] = input_index;
    return true;
}

/**
 * @brief Say in which network the row appended last took place.
 * @param[in,out] out   Networks grow by one; nothing when the caller does not ask for them.
 * @param[in]     plmn  tg_plmn_pack; 0: the record does not say, nothing is appended.
 */
static inline void tg_out_network(struct tg_decoded *out, uint32_t plmn)
{
    if (plmn != 0 && out->rows_count > 0 && out->size_bytes >= sizeof *out &&
        out->networks_count < out->networks_capacity) {
        out->networks[out->networks_count++] =
            (struct tg_row_network){.row_index = out->rows_count - 1, .plmn = plmn};
    }
}

/** @brief Append an observation. @param out Grows. @param o Copied. @return false when full. */
static inline bool tg_out_observation(struct tg_decoded *out, const struct tg_observation *o)
{
    if (out->observations_count >= out->observations_capacity) {
        return false;
    }
    out->observations[out->observations_count++] = *o;
    return true;
}

/** @brief Append a session event. @param out Grows. @param s Copied. @return false when full. */
static inline bool tg_out_session(struct tg_decoded *out, const struct tg_session *s)
{
    if (out->sessions_count >= out->sessions_capacity) {
        return false;
    }
    out->sessions[out->sessions_count++] = *s;
    return true;
}

/**
 * @brief Append a refusal.
 * @param[in,out] out      Refusals grow by one.
 * @param[in]     refusal  Copied; a length_bytes of 0 becomes 1, as each refusal covers a byte.
 * @return false when refusals are full; nothing is changed then.
 */
static inline bool tg_out_refusal(struct tg_decoded *out, const struct tg_refusal *refusal)
{
    if (out->refusals_count >= out->refusals_capacity) {
        return false;
    }
    struct tg_refusal *slot = &out->refusals[out->refusals_count++];
    *slot = *refusal;
    if (slot->length_bytes == 0) {
        slot->length_bytes = 1;
    }
    return true;
}

/** @brief Append the key of a released piece. @param out Grows. @param key Key. @return Fitted? */
static inline bool tg_out_released(struct tg_decoded *out, uint64_t key)
{
    if (out->released_count >= out->released_capacity) {
        return false;
    }
    out->released_keys[out->released_count++] = key;
    return true;
}

/**
 * @brief Append bytes to the text arena.
 * @param[in,out] out           Text grows by length_bytes.
 * @param[in]     bytes         Copied; may be NULL when length_bytes is 0.
 * @param[in]     length_bytes  Count.
 * @param[out]    offset_bytes  Where they begin in the arena; may be NULL.
 * @return false when they do not fit; nothing is changed then.
 */
static inline bool tg_out_text(struct tg_decoded *out, const void *bytes, uint32_t length_bytes,
                               uint32_t *offset_bytes)
{
    if (tg_out_text_left_bytes(out) < length_bytes) {
        return false;
    }
    if (offset_bytes != NULL) {
        *offset_bytes = out->text_bytes;
    }
    if (length_bytes > 0) {
        memcpy(out->text + out->text_bytes, bytes, length_bytes);
    }
    out->text_bytes += length_bytes;
    return true;
}

/**
 * @brief Append a field for `tollgate decode`; silently nothing when nobody asked or none fits.
 * @param[in,out] out    Fields grow by one when there is room.
 * @param[in]     field  Copied.
 */
static inline void tg_out_field(struct tg_decoded *out, const struct tg_field *field)
{
    if (out->fields_count < out->fields_capacity) {
        out->fields[out->fields_count++] = *field;
    }
}

#endif
