/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Dispatch: which decoder reads an input, by UDP port or folder, and by the bytes' version.
 *
 *  Source: IANA ports 2055/4739/1813/514 are defaults only; several decoders may share a port, then
 *  each is asked whether the bytes are its own. Threads: one owner, the ingest lcore.
 *  Allocates: in create, through the decoders' open(). Cost: a compare and a probe an input.
 */
#ifndef TG_MEDIATE_DISPATCH_H
#define TG_MEDIATE_DISPATCH_H

#include "abi/decoder.h"
#include "base/error.h"

#include <stdint.h>

/** Decoders open at once; more is TG_E_FULL. */
#define TG_DECODERS_MAX 32u
/** What dispatch answers when nobody reads the input. */
#define TG_DECODER_NONE UINT8_MAX

/** @brief One open decoder. */
struct tg_decoder_slot {
    const struct tg_decoder *decoder; /**< Contract. */
    void *state;                      /**< From open(). */
    const char *name;                 /**< Plug-in's name; static or longer lived than the table. */
    uint16_t local_port;              /**< UDP port; 0: only folders that name it. */
    bool is_dirty;                    /**< Changed since its state was last saved. */
};

/** @brief The table; plain so that the owner may walk it. */
struct tg_dispatch {
    uint32_t slots_count;                            /**< Used. */
    struct tg_decoder_slot slots[TG_DECODERS_MAX];   /**< In order of configuration. */
};

/**
 * @brief Open a decoder and add it.
 * @param[in,out] dispatch    Zeroed at first.
 * @param[in]     name        Its name; kept by reference.
 * @param[in]     decoder     Contract; lives longer than the table.
 * @param[in]     local_port  UDP port, or 0.
 * @param[in]     config      Settings; borrowed until return.
 * @param[out]    why         Reason with the setting at fault.
 * @return TG_OK, TG_E_FULL, or what open() said.
 */
enum tg_err tg_dispatch_add(struct tg_dispatch *dispatch, const char *name,
                            const struct tg_decoder *decoder, uint16_t local_port,
                            const struct tg_decoder_config *config, struct tg_why *why);

/** @brief Close all decoders. @param dispatch May be zeroed. */
void tg_dispatch_close(struct tg_dispatch *dispatch);

/**
 * @brief Decoder of a datagram.
 * @param dispatch  Table.
 * @param input     Borrowed.
 * @return Slot index, or TG_DECODER_NONE.
 */
uint8_t tg_dispatch_find(const struct tg_dispatch *dispatch, const struct tg_input *input);

/** @brief Slot by decoder name. @param dispatch Table. @param name Name. @return Or NONE. */
uint8_t tg_dispatch_by_name(const struct tg_dispatch *dispatch, const char *name);

#endif
