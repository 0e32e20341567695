/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Texts that `plugin new` writes; "@NAME@" stands for the new plug-in's name.
 *
 *  Source: Tollgate ABI 1. Threads: constants. Allocates: never. Cost: none.
 */
#ifndef TG_CLI_PLUGIN_TEMPLATE_H
#define TG_CLI_PLUGIN_TEMPLATE_H

/** NAME.c: a tariff that works as it is. */
extern const char tg_plugin_template_source[];
/** NAME_test.c: a program that calls it. */
extern const char tg_plugin_template_test[];
/** CMakeLists.txt: finds the installed headers, builds NAME.so and the test. */
extern const char tg_plugin_template_cmake[];
/** README.md. */
extern const char tg_plugin_template_readme[];

/** Catalog with one price by the tariff. */
extern const char tg_plugin_template_catalog[];
/** Its accounts.csv. */
extern const char tg_plugin_template_accounts[];
/** Its subscribers.csv. */
extern const char tg_plugin_template_subscribers[];
/** A record to quote: 66 seconds, 0.11. */
extern const char tg_plugin_template_usage[];
/** The program. */
extern const char tg_plugin_template_bpf_source[];
/** CMakeLists.txt of a tariff in BPF. */
extern const char tg_plugin_template_bpf_cmake[];
/** README.md of a tariff in BPF. */
extern const char tg_plugin_template_bpf_readme[];
/** Catalog that brings the program. */
extern const char tg_plugin_template_bpf_catalog[];

#endif
