/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief BPF objects on the command line: compile one with clang, look at one.
 *
 *  Source: abi/tariff_bpf.h. Threads: one. Allocates: yes. Cost: a run of clang.
 */
#ifndef TG_CLI_PLUGIN_BPF_H
#define TG_CLI_PLUGIN_BPF_H

#include "abi/err.h"
#include "base/error.h"
#include "plug/bpf.h"

#include <stdbool.h>

/** @brief Does a file begin as a BPF object? @param path File.
 *  @return false also when it cannot be read. */
bool tg_plugin_is_bpf(const char *path);

/**
 * @brief Read an object and have it verified.
 * @param[in]  path  File.
 * @param[out] code  Caller frees; NULL on failure.
 * @param[out] why   What is wrong with it.
 * @return As tg_bpf_check; TG_E_PLUGIN_OPEN also when it cannot be read.
 */
enum tg_err tg_plugin_bpf_check(const char *path, struct tg_bpf_code **code, struct tg_why *why);

/**
 * @brief Compile with clang, or what $CLANG names, against the headers beside this binary.
 * @param[in]  source  File.c.
 * @param[in]  object  File.o, written.
 * @param[out] why     Filled on failure; clang's own words are on stderr.
 * @return TG_OK, TG_E_NOT_FOUND (no clang, no headers), TG_E_SYNTAX (clang refused).
 */
enum tg_err tg_plugin_bpf_build(const char *source, const char *object, struct tg_why *why);

#endif
