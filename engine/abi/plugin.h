/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief What every plug-in exports: one descriptor that names it and points at its contract.
 *
 *  Source: Tollgate ABI 1.
 *  Threads: constants only. Allocates: never. Cost: one look at load.
 *
 *  The same source is linked into the binary or built as a shared object. A shared object exports
 *  exactly one symbol, `tg_plugin_entry`, a `const struct tg_plugin`.
 */
#ifndef TG_ABI_PLUGIN_H
#define TG_ABI_PLUGIN_H

#include <stdint.h>

/** Raised when a struct in abi/ changes incompatibly. Growth at the end is told by size_bytes. */
#define TG_ABI_VERSION 1u

/** @brief Which contract a plug-in fulfils. */
enum tg_plugin_kind {
    TG_PLUGIN_DECODER = 1, /**< contract is a struct tg_decoder (decoder.h). */
    TG_PLUGIN_TARIFF = 2,  /**< contract is a struct tg_tariff (tariff.h). */
    TG_PLUGIN_FRONT = 3    /**< contract is a struct tg_front (front.h). */
};

/** @brief Self-description; all pointers live as long as the object is loaded. */
struct tg_plugin {
    uint32_t abi_version;         /**< TG_ABI_VERSION it was built against. */
    uint32_t size_bytes;          /**< sizeof(struct tg_plugin) it was built against. */
    uint32_t kind;                /**< enum tg_plugin_kind. */
    uint32_t contract_size_bytes; /**< sizeof the contract it was built against. */
    const char *name;             /**< [a-z0-9_]{1,31}; the name catalogs and configs use. */
    const char *version;          /**< Free text, e.g. "1.0". */
    const char *summary;          /**< One line for a person. */
    const void *contract;         /**< By kind. */
};

/** @brief A name and its text value, as written in the configuration or catalog. */
struct tg_setting {
    const char *key;   /**< Dotted path below the plug-in's own key, e.g. "columns.caller". */
    const char *value; /**< Scalar as written. */
    const char *file;  /**< Where it was written, for messages. May be NULL. */
    uint32_t line;     /**< 1-based; 0 unknown. */
    uint32_t column;   /**< 1-based; 0 unknown. */
};

/** @brief Text buffer a plug-in fills to explain a refusal; the caller owns it. */
struct tg_complaint {
    char text[240];        /**< NUL-terminated sentence; names the setting and the remedy. */
    uint32_t setting_index; /**< Index of the setting at fault, or UINT32_MAX. */
};

#define TG_PLUGIN_JOIN_(a, b) a##b
#define TG_PLUGIN_JOIN(a, b) TG_PLUGIN_JOIN_(a, b)

/* TG_PLUGIN_SHARED is defined by the build when the folder becomes a shared object. */
#ifdef TG_PLUGIN_SHARED
#define TG_PLUGIN_SYMBOL(ident) tg_plugin_entry
#define TG_PLUGIN_VISIBLE __attribute__((visibility("default")))
#else
#define TG_PLUGIN_SYMBOL(ident) TG_PLUGIN_JOIN(tg_plugin_entry_, ident)
#define TG_PLUGIN_VISIBLE
#endif

/**
 * Define the plug-in descriptor, once in a plug-in's main file:
 * `TG_PLUGIN(per_unit, TG_PLUGIN_TARIFF, struct tg_tariff, contract, "1.0", "Per unit price");`
 */
#define TG_PLUGIN(ident, plugin_kind, contract_type, contract_object, plugin_version, text)        \
    extern const struct tg_plugin TG_PLUGIN_SYMBOL(ident);                                         \
    TG_PLUGIN_VISIBLE const struct tg_plugin TG_PLUGIN_SYMBOL(ident) = {                           \
        .abi_version = TG_ABI_VERSION,                                                             \
        .size_bytes = sizeof(struct tg_plugin),                                                    \
        .kind = (plugin_kind),                                                                     \
        .contract_size_bytes = sizeof(contract_type),                                              \
        .name = #ident,                                                                            \
        .version = (plugin_version),                                                               \
        .summary = (text),                                                                         \
        .contract = &(contract_object),                                                            \
    }

#endif
