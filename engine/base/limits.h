/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Every fixed bound of the engine in one place, with what happens when it is reached.
 *
 *  Source: design law 7 (bounded). Threads: constants. Allocates: never. Cost: none.
 */
#ifndef TG_BASE_LIMITS_H
#define TG_BASE_LIMITS_H

#define TG_BATCH_ROWS_MAX       256u      /**< Rows in a batch; the next batch takes the rest. */
#define TG_BURST_MAX            64u       /**< Datagrams a port hands over at once. */
#define TG_SHARDS_COUNT         1024u     /**< Virtual shards; accounts hash onto them. */
#define TG_WORKERS_MAX          8u        /**< Rate lcores; more is a configuration error. */
#define TG_PORTS_MAX            32u       /**< Configured ports; more is a configuration error. */
#define TG_SOURCES_MAX          4096u /**< Exporters and files; beyond: counted under source 0. */
#define TG_NODES_MAX            4096u /**< Nodes in the inventory; more is a configuration error. */
#define TG_DATAGRAM_BYTES_MAX   65535u /**< Largest payload; longer frames are counted bad length. \
                                        */
#define TG_FILE_CHUNK_BYTES                                                                        \
    1048576u /**< Files are read in pieces of this; a longer line is refused. */
#define TG_NAME_BYTES_MAX       64u       /**< Identifiers in documents, NUL included. */
#define TG_ALARMS_MAX           100000u   /**< Alarms kept; beyond: counted storm alarm. */
#define TG_PIECES_PER_ROW_MAX   64u       /**< Pieces a row may split into; more is suspended. */

#endif
