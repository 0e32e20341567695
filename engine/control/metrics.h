/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief /metrics in the Prometheus text format, and /healthz.
 *
 *  Source: Prometheus text exposition format 0.0.4. No label holds a subscriber.
 *  Threads: libmicrohttpd's own thread reads relaxed counters. Allocates: in open and per request.
 *  Cost: under a millisecond a scrape.
 */
#ifndef TG_CONTROL_METRICS_H
#define TG_CONTROL_METRICS_H

#include "base/error.h"
#include "flow/pipeline.h"

#include <stddef.h>

struct tg_metrics;

/**
 * @brief Serve metrics of a pipeline.
 * @param[in]  listen    "127.0.0.1:9464".
 * @param[in]  pipeline  Open until tg_metrics_close.
 * @param[in]  ports     Names for labels; shape [ports_count].
 * @param[in]  ports_count  How many.
 * @param[out] metrics   Caller's.
 * @param[out] why       May be NULL.
 * @return TG_OK, TG_E_SYNTAX, TG_E_PORT_OPEN, TG_E_NO_MEMORY.
 */
enum tg_err tg_metrics_open(const char *listen, const struct tg_pipeline *pipeline,
                            const struct tg_pipeline_port *ports, uint32_t ports_count,
                            struct tg_metrics **metrics, struct tg_why *why);

/** @brief Stop. @param metrics May be NULL. */
void tg_metrics_close(struct tg_metrics *metrics);

/**
 * @brief The text itself.
 * @param[in]  pipeline  Open.
 * @param[in]  ports     As above.
 * @param[in]  ports_count  How many.
 * @param[out] text      NUL-terminated; cut at the end when room is short.
 * @param[in]  text_bytes  Room; 64 KiB is plenty.
 * @return Length.
 */
size_t tg_metrics_text(const struct tg_pipeline *pipeline, const struct tg_pipeline_port *ports,
                       uint32_t ports_count, char *text, size_t text_bytes);

#endif
