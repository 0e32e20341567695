/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief The usual record: the loop's vector variant, and the table of variants.
 *
 *  Source: flowplan.h, whose scalar loop is the oracle: a variant gives its rows or none.
 *  Threads: pure. Allocates: never. Cost: `tollgate bench --micro`, ipfix decode.
 *
 *  What is unusual in any of the records (a time that cannot be true, a quantity over 48 bits)
 *  makes the variant give none of its rows, and the scalar loop takes over.
 */
#ifndef TG_DECODERS_LIB_FLOWUSUAL_H
#define TG_DECODERS_LIB_FLOWUSUAL_H

#include "abi/key.h"
#include "lib/flowplan.h"

/** @brief A variant of the loop. */
struct tg_flow_variant {
    const char *name; /**< Instruction set, as the compiler calls it. */
    /** Decode records whose template is usual; as tg_flow_gather, but all of them or, with rows
     *  written to no avail, 0. */
    uint32_t (*gather)(const struct tg_flow_plan *plan, const struct tg_flow_context *context,
                       const uint8_t *records, uint32_t count, struct tg_usage *rows);
};

extern const struct tg_flow_variant tg_flow_avx2; /**< Two columns a vector. */

/**
 * @brief Variants this processor can run, for tests.
 * @param index  0: the scalar loop alone.
 * @return Variant, for the scalar loop one without gather; NULL behind the last.
 */
const struct tg_flow_variant *tg_flow_variant_at(uint32_t index);

/** @brief tg_flow_gather by one variant. @param variant From tg_flow_variant_at.
 *  @param plan As there. @param context As there. @param records As there. @param count As there.
 *  @param rows As there. @return As there. */
uint32_t tg_flow_gather_by(const struct tg_flow_variant *variant, const struct tg_flow_plan *plan,
                           const struct tg_flow_context *context, const uint8_t *records,
                           uint32_t count, struct tg_usage *rows);

/** @brief What the times of a record add to its identity. @param seed Of the message.
 *  @param start_ns Start. @param end_ns End. @return Mixed. */
static inline uint64_t tg_flow_time_mix(uint64_t seed, uint64_t start_ns, uint64_t end_ns)
{
    return tg_key_mix(seed ^ start_ns, end_ns ^ UINT64_C(0x9e3779b97f4a7c15));
}

/** @brief Identity of a record that tells its time. @param seed Of the message.
 *  @param start_ns Start. @param end_ns End. @param record Its octets.
 *  @param octets Its length. @return record_key. */
static inline uint64_t tg_flow_identity(uint64_t seed, uint64_t start_ns, uint64_t end_ns,
                                        const uint8_t *record, uint32_t octets)
{
    return tg_key_hash(tg_flow_time_mix(seed, start_ns, end_ns) ^ seed, record, octets);
}

#endif
