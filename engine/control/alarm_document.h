/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Alarms and nodes as TM Forum documents: what the fronts and the CLI show.
 *
 *  Source: TMF642 Alarm Management 4.0.0, TMF639 Resource Inventory 4.0.0; own fields begin with
 * x_. Threads: control thread. Allocates: yes. Cost: microseconds.
 */
#ifndef TG_CONTROL_ALARM_DOCUMENT_H
#define TG_CONTROL_ALARM_DOCUMENT_H

#include "doc/json.h"
#include "health/summary.h"
#include "health/timeline.h"

/** @brief TMF642 Alarm. @param item Borrowed. @return New object; caller frees. */
struct tg_json *tg_alarm_document(const struct tg_summary_item *item);

/**
 * @brief TMF639 Resource of a node.
 * @param inventory  Borrowed.
 * @param timeline   Borrowed.
 * @param node_id    1..nodes_count.
 * @param now_ns     Event time now.
 * @return New object; caller frees.
 */
struct tg_json *tg_node_document(const struct tg_inventory *inventory,
                                 const struct tg_timeline *timeline, uint16_t node_id,
                                 int64_t now_ns);

#endif
