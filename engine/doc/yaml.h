/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief A strict subset of YAML 1.1 read into a bounded tree of nodes with their places.
 *
 *  Source: YAML 1.1 (libyaml 0.2.5); the subset is ours, see below.
 *  Threads: a document belongs to one thread until read, then is read-only.
 *  Allocates: yes, control plane; bounded by the limits. Cost: libyaml's, about 20 MB/s.
 *
 *  Refused, each with its place: anchors, aliases, tags, directives, several documents, tabs,
 *  duplicate keys, keys that are no scalars, merge keys, bytes that are no UTF-8, and anything
 *  beyond the limits. Scalars stay text: `no` is the two letters until a schema asks for a bool,
 *  and then it is refused because only true and false are.
 */
#ifndef TG_DOC_YAML_H
#define TG_DOC_YAML_H

#include "abi/err.h"
#include "base/error.h"
#include "doc/diag.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** @brief What a node is. */
enum tg_yaml_kind {
    TG_YAML_SCALAR = 0, /**< Text; an absent value (`key:`) is an empty plain scalar. */
    TG_YAML_MAP = 1,    /**< Children have keys. */
    TG_YAML_LIST = 2    /**< Children have none. */
};

/** @brief One node; lives as long as its document. */
struct tg_yaml_node {
    enum tg_yaml_kind kind;     /**< What it is. */
    bool is_quoted;             /**< The scalar was written in quotes. */
    const char *text;           /**< Scalar, NUL-terminated; "" otherwise. */
    uint32_t text_bytes;        /**< Its length; it may hold NULs only if quoted. */
    uint32_t children_count;    /**< Of a map or list. */
    const char *key;            /**< Its key in the map it is in; NULL in a list. */
    struct tg_mark mark;        /**< Where the value begins. */
    struct tg_mark key_mark;    /**< Where the key begins; the value's in a list. */
    struct tg_yaml_node *child; /**< First child or NULL. */
    struct tg_yaml_node *next;  /**< Next sibling or NULL. */
};

/** @brief Bounds; zero in any field means the default. */
struct tg_yaml_limits {
    size_t text_bytes_max;     /**< Default 16 MiB. */
    uint32_t nodes_max;        /**< Default 1,000,000. */
    uint32_t depth_max;        /**< Default 16. */
    uint32_t scalar_bytes_max; /**< Default 65,536. */
};

struct tg_yaml;

/**
 * @brief Parse a text.
 * @param[in]     path        Name for messages; copied.
 * @param[in]     text        Copied.
 * @param[in]     text_bytes  Its length.
 * @param[in]     limits      Bounds or NULL.
 * @param[in,out] diag        Every violation is added.
 * @param[out]    yaml        Document on TG_OK; also on TG_E_DOCUMENT when a tree could be made,
 *                            so that a schema can report more (else NULL). Caller closes it.
 * @return TG_OK, TG_E_DOCUMENT (diag has errors) or TG_E_NO_MEMORY.
 */
enum tg_err tg_yaml_parse(const char *path, const char *text, size_t text_bytes,
                          const struct tg_yaml_limits *limits, struct tg_diag *diag,
                          struct tg_yaml **yaml);

/**
 * @brief Read and parse a file.
 * @param[in]     path    File; also the name in messages.
 * @param[in]     limits  Bounds or NULL.
 * @param[in,out] diag    Every violation, and a file that cannot be read.
 * @param[out]    yaml    As tg_yaml_parse.
 * @return TG_OK, TG_E_DOCUMENT or TG_E_NO_MEMORY.
 */
enum tg_err tg_yaml_load(const char *path, const struct tg_yaml_limits *limits,
                         struct tg_diag *diag, struct tg_yaml **yaml);

/** @brief Free. @param yaml Document or NULL. */
void tg_yaml_close(struct tg_yaml *yaml);

/** @brief The root. @param yaml Document. @return Node; an empty file is an empty map. */
const struct tg_yaml_node *tg_yaml_root(const struct tg_yaml *yaml);

/** @brief Whether the text ends being YAML before its end, which is told: what is missing in the
 *  tree may be in what was not read. @param yaml Document. @return true if so. */
bool tg_yaml_is_cut(const struct tg_yaml *yaml);

/** @brief The source, for marks about the file as a whole. @param yaml Document. @return Borrowed.
 */
const struct tg_source *tg_yaml_source(const struct tg_yaml *yaml);

/**
 * @brief Child of a map by key.
 * @param map  Node or NULL.
 * @param key  NUL-terminated.
 * @return The child, or NULL: no such key, or no map.
 */
const struct tg_yaml_node *tg_yaml_get(const struct tg_yaml_node *map, const char *key);

/**
 * @brief Whether a mistake was found inside a node, its key included. What follows from that one
 *        need not be told as well.
 * @param node  Node or NULL.
 * @param diag  Collector the document was checked with.
 * @return false for NULL.
 */
bool tg_yaml_has_error(const struct tg_yaml_node *node, const struct tg_diag *diag);

#endif
