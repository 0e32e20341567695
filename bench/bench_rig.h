/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief The data plane assembled around a capture: real ports, decoder, tables, rater, journal.
 *
 *  Source: flow/pipeline.c, which assembles the same objects. Threads: main plays the ingest lcore,
 *  and where the options say so another one the rate worker's; the journal's writer thread runs.
 * Allocates: at open. Cost: 130 octets a subscriber for the account lines and 128 MiB or so for the
 * rest.
 */
#ifndef TG_BENCH_BENCH_RIG_H
#define TG_BENCH_BENCH_RIG_H

#include "bench/bench.h"
#include "bench/bench_feed.h"
#include "bench/bench_reference.h"
#include "bench/bench_world.h"
#include "flow/ingest_state.h"
#include "mediate/dispatch.h"
#include "ports/port_ops.h"
#include "rt/lcore.h"

#include <pthread.h>

/** @brief A port that hands the capture over, fresh in every pass. */
struct tg_bench_port {
    struct tg_port base;         /**< Contract. */
    struct tg_port *inner;       /**< net_pcap with infinite_rx; NULL: frames in memory. */
    struct tg_feed *feed;        /**< The capture. */
    uint64_t given_count;        /**< Data datagrams handed over so far. */
    uint64_t limit_count;        /**< No more than these. */
    bool is_salted;              /**< Make them fresh; false only to measure receive alone. */
    uint32_t burst_max;          /**< Datagrams a burst; 0: as many as asked for. */
    uint32_t templates_given;    /**< Templates that went out. */
    bool has_template;           /**< All templates went out. */
    uint8_t template_frame[160]; /**< The one that is out. */
};

/** @brief Everything. */
struct tg_rig {
    struct tg_snapshot sessions_published;  /**< Address holders, as the lcores read them. */
    const struct tg_bench_options *options; /**< Borrowed. */
    char dir[256];                          /**< Scratch; removed at close. */
    struct tg_feed feed;                    /**< Capture. */
    struct tg_world world;                  /**< Carrier. */
    struct tg_reference reference;          /**< What must come out. */
    struct tg_dispatch dispatch;            /**< IPFIX. */
    struct tg_sources *sources;             /**< One. */
    struct tg_sequence *sequence;           /**< Audit. */
    struct tg_cumulative *cumulative;       /**< Unused by flows. */
    struct tg_accounts *accounts;           /**< Lines. */
    struct tg_rating *rating;               /**< Inline, or behind a ring. */
    struct tg_stop stop;                    /**< Of the thread behind the ring. */
    pthread_t rater;                        /**< That thread. */
    bool is_rater_started;                  /**< It runs. */
    struct tg_journal *journal;             /**< Real directory. */
    struct tg_ingest *ingest;               /**< The lcore's object. */
    struct tg_bench_port port;              /**< Where it comes from. */
    uint64_t passes_count;                  /**< Passes handed over. */
    uint64_t referred_count;                /**< Passes the reference has rated. */
};

/** @brief Assemble. @param[out] rig Written; tg_rig_close also after a failure. @param options
 *  Borrowed. @param subscribers_count Size. @param is_zipf Skew. @param[out] why Reason.
 *  @return TG_OK or what a room said. */
enum tg_err tg_rig_open(struct tg_rig *rig, const struct tg_bench_options *options,
                        uint32_t subscribers_count, bool is_zipf, struct tg_why *why);

/** @brief Free, remove the scratch folder. @param rig Opened or zeroed. */
void tg_rig_close(struct tg_rig *rig);

/** @brief Remove a scratch folder. @param dir Path. */
void tg_rig_remove(const char *dir);

/** @brief Let every subscriber have had rows before, as on any day but a month's first. They are
 *  in accounts and in the reference's allowances, in no journal and no sum. @param rig Open, before
 *  its first pass. @param[out] why Reason. @return TG_OK or TG_E_INVALID. */
enum tg_err tg_rig_month(struct tg_rig *rig, struct tg_why *why);

/** @brief Before a step: wait for the disk where the options say so. @param rig Open. */
void tg_rig_settle(struct tg_rig *rig);

/** @brief One pass of the capture through the ingest lcore's own loop. @param rig Open.
 *  @param[out] why Reason. @return TG_OK; TG_E_NO_MEMORY: no thread for the rate worker. What the
 *  journal says is told by tg_rig_durable. */
enum tg_err tg_rig_pass(struct tg_rig *rig, struct tg_why *why);

/** @brief Wait until everything handed over is durable. @param rig Open. @param[out] why Reason.
 *  @return TG_OK or the journal's error. */
enum tg_err tg_rig_durable(struct tg_rig *rig, struct tg_why *why);

/** @brief Both: a pass until it is durable.
 *  @param rig Open. @param[out] why Reason. @return TG_OK or the journal's error. */
enum tg_err tg_rig_whole(struct tg_rig *rig, struct tg_why *why);

/** @brief Rate the passes so far with the reference, read the journal back, compare.
 *  @param rig Open. @param[out] is_void Set when they differ. @param[out] why What differs.
 *  @return TG_OK, or what the scan said. */
enum tg_err tg_rig_check(struct tg_rig *rig, bool *is_void, struct tg_why *why);

/** @brief CPU time of the whole process. @return ns. */
int64_t tg_bench_process_cpu_ns(void);

#endif
