/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Tariffs that are not trusted: BPF from an ELF object, verified, translated, called.
 *
 *  Source: abi/tariff_bpf.h; DPDK 22.11 rte_bpf (verifier and translator; EAL is not needed).
 *  Threads: check and load on the control thread, as check forks; price on any worker at once.
 *  Allocates: check, load and close. Cost: check a fork and below a millisecond of verification;
 *  price see `tollgate bench --micro`.
 *
 *  An object is taken apart once, when a catalog is checked: its instructions, with every call
 *  resolved to a number that is pinned for life, go into the catalog image behind the price's
 *  parameters. From then on no file is needed, and a version of the catalog is priced by the same
 *  code for ever.
 */
#ifndef TG_PLUG_BPF_H
#define TG_PLUG_BPF_H

#include "abi/err.h"
#include "abi/tariff.h"
#include "abi/tariff_bpf.h"
#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Instructions of a program; more are refused. */
#define TG_BPF_INSNS_MAX 4096u
/** Octets of an object file; more are refused. */
#define TG_BPF_OBJECT_BYTES_MAX (1024u * 1024u)
/** Wall time that verification of one program gets. */
#define TG_BPF_CHECK_LIMIT_MS 2000u

/** @brief A program taken out of its object; calls carry helper numbers. */
struct tg_bpf_code {
    uint64_t hash;                    /**< tg_key_hash of the instructions: its identity. */
    uint32_t insns_count;             /**< 1..TG_BPF_INSNS_MAX. */
    uint32_t reserved;                /**< 0. */
    uint64_t insns[TG_BPF_INSNS_MAX]; /**< As encoded, little-endian. */
};

/** @brief Parameter block of a price whose tariff is BPF: this, then insns_count instructions. */
struct tg_bpf_block {
    uint64_t hash;                     /**< Of the code that the price was compiled for. */
    uint32_t insns_count;              /**< Instructions that follow. */
    uint32_t reserved;                 /**< 0. */
    int64_t params[TG_BPF_PARAMS_MAX]; /**< Given to the program. */
};
_Static_assert(sizeof(struct tg_bpf_block) == 80, "stored in catalog images");

/** @brief A loaded program; opaque. */
struct tg_bpf;

/**
 * @brief Take a program out of an object and have it verified and tried in a child process.
 *
 * @param[in]  path        For messages.
 * @param[in]  bytes       The object; shape [size_bytes].
 * @param[in]  size_bytes  At most TG_BPF_OBJECT_BYTES_MAX.
 * @param[out] code        The program.
 * @param[out] why         File, instruction, source line where the object has debug information,
 *                         the instruction as text, and the reason.
 * @return TG_OK; TG_E_PLUGIN_OPEN (no BPF object), TG_E_PLUGIN_ENTRY (no section "tariff" with one
 *         function), TG_E_PLUGIN_ABI (an instruction or call that is not allowed, or refused by the
 *         verifier), TG_E_PLUGIN_TIMEOUT, TG_E_PLUGIN_CRASH, TG_E_PLUGIN_ERROR (three rows, priced
 *         to try it, gave no answer or different ones when asked twice), TG_E_PLUGIN_RANGE.
 */
enum tg_err tg_bpf_check(const char *path, const void *bytes, size_t size_bytes,
                         struct tg_bpf_code *code, struct tg_why *why);

/**
 * @brief Only take it apart: tg_bpf_check without the verifier.
 * @param[in]  path        For messages.
 * @param[in]  bytes       The object; shape [size_bytes].
 * @param[in]  size_bytes  At most TG_BPF_OBJECT_BYTES_MAX.
 * @param[out] code        The program.
 * @param[out] why         As tg_bpf_check.
 * @return TG_OK, TG_E_PLUGIN_OPEN, TG_E_PLUGIN_ENTRY or TG_E_PLUGIN_ABI.
 */
enum tg_err tg_bpf_object_read(const char *path, const void *bytes, size_t size_bytes,
                               struct tg_bpf_code *code, struct tg_why *why);

/**
 * @brief Where an instruction comes from, as "night.c:17: `for (...)`".
 * @param[in]  bytes       The object; shape [size_bytes].
 * @param[in]  size_bytes  Its size.
 * @param[in]  index       Instruction.
 * @param[out] text        Empty when the object has no debug information; shape [text_bytes].
 * @param[in]  text_bytes  Room.
 */
void tg_bpf_object_line(const void *bytes, size_t size_bytes, uint32_t index, char *text,
                        size_t text_bytes);

/**
 * @brief An instruction in the notation of llvm-objdump.
 * @param[in]  insns        Shape [insns_count].
 * @param[in]  insns_count  How many.
 * @param[in]  index        Below insns_count.
 * @param[out] text         Shape [text_bytes].
 * @param[in]  text_bytes   Room.
 */
void tg_bpf_insn_text(const uint64_t *insns, uint32_t insns_count, uint32_t index, char *text,
                      size_t text_bytes);

/** @brief Function a program may call, by name. @param name As in abi/tariff_bpf.h.
 *  @return Its number, pinned for life, or UINT32_MAX. */
uint32_t tg_bpf_helper(const char *name);

/** @brief Name of a function a program may call. @param number Any.
 *  @return Name, or NULL beyond the last. */
const char *tg_bpf_helper_name(uint32_t number);

/**
 * @brief Verify and translate.
 * @param[in]  insns        Shape [insns_count].
 * @param[in]  insns_count  1..TG_BPF_INSNS_MAX.
 * @param[in]  hash         Of them: blocks of prices must carry it.
 * @param[out] bpf          New; tg_bpf_close.
 * @param[out] why          May be NULL.
 * @return TG_OK, TG_E_PLUGIN_ABI (refused) or TG_E_NO_MEMORY.
 */
enum tg_err tg_bpf_load(const uint64_t *insns, uint32_t insns_count, uint64_t hash,
                        struct tg_bpf **bpf, struct tg_why *why);

/** @brief Free. @param bpf Loaded or NULL; nobody may be pricing with it. */
void tg_bpf_close(struct tg_bpf *bpf);

/** @brief Is it machine code? @param bpf Loaded.
 *  @return false: interpreted, as DPDK has no translator for this machine. */
bool tg_bpf_is_translated(const struct tg_bpf *bpf);

/**
 * @brief Price rows; a row that got no answer keeps its result as it was.
 * @param[in]     bpf           Loaded.
 * @param[in]     is_slow       Interpret even when translated: for tests and benches.
 * @param[in]     prices        Borrowed; their parameters are a struct tg_bpf_block.
 * @param[in]     rows          Shape [rows_count].
 * @param[in]     rows_count    How many.
 * @param[in,out] results       Shape [rows_count].
 * @return rows_count.
 */
uint32_t tg_bpf_price(const struct tg_bpf *bpf, bool is_slow, const struct tg_price *const *prices,
                      const struct tg_tariff_row *rows, uint32_t rows_count,
                      struct tg_tariff_result *results);

#endif
