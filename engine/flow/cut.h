/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief The cut: the ingest lcore's part of a checkpoint that is written while rows flow.
 *
 *  Source: design.md 6. Threads: the ingest lcore serves; the checkpoint's thread asks and empties.
 *  Allocates: in create, and the checkpoint's thread for decoder states. Cost: one load an epoch
 * and a turn; while a checkpoint runs, at most TG_CUT_BUDGET_NS or one page more at the end of each
 *  epoch.
 *
 *      IDLE --ask--> MEASURE --sizes of decoder states--> MEASURED --room made--> BEGIN --cut-->
 *      PAGES --all taken--> TAKEN --read--> IDLE          (any --abandon--> ABANDON --> IDLE)
 *
 *  Between two epochs no row is under way: the ingest lcore has waited for all rate workers. There
 *  it copies some dirty pages, each with the epoch that has just ended, into buffers that the other
 *  thread stores. So pages of one checkpoint are of different epochs, and nothing is done for a
 * row:
 *   - Lines, sessions and readings: a journaled row or event changes one page (a subscriber's two
 *     lines are taken together), and what it does there depends on nothing else. Recovery replays
 *     from the cut on and leaves pages alone that hold the row's epoch already.
 *   - Shelves: what a row does to an account's depends on its subscriber's, so they are taken as of
 *     the cut; a shelf that a row changes before its page is taken is put aside first
 *     (tg_accounts_cut_begin). Only plans with lists of allowances pay for that.
 *   - Decoder states and sources: as of the cut, in one piece; a state of hundreds of templates is
 * a few KiB. Positions: the journal's, up to the cut.
 *
 *  Rejected, for 1.25 GiB of lines in huge pages on the reference machine: fork() stops all for
 *  1.2 ms the first time and 230 ms the second, as copy on write splits the huge pages: a row's
 *  line then costs 3,300 ns instead of 150 while the child lives, and 400 to 500 ns for ever after.
 *  One cut of everything with pages copied before their first change: the first write to each of
 *  2,442 pages waits for 256 KiB, within the first few thousand rows, that is a stall of 100 ms; in
 *  pieces of 4 KiB still of 50 ms. Building the checkpoint from the journal in another process
 * costs each row's posting twice, a core at full rate, and the tables' memory again.
 */
#ifndef TG_FLOW_CUT_H
#define TG_FLOW_CUT_H

#include "base/error.h"
#include "base/limits.h"
#include "mediate/dispatch.h"
#include "mediate/source.h"

#include <stdbool.h>
#include <stdint.h>

struct tg_accounts;
struct tg_cumulative;
struct tg_sessions;

/** Pages copied and not stored yet. */
#define TG_CUT_BUFFERS_COUNT 32u
#define TG_CUT_BUFFER_BYTES  262144u
/** Copying stops after this long at the end of an epoch, far below the 10 ms of one. */
#define TG_CUT_BUDGET_NS INT64_C(200000)

/** @brief Whose page it is; the high half of its stored number, kept for life. */
enum tg_cut_table {
    TG_CUT_ACCOUNTS = 0,   /**< Lines and shelves. */
    TG_CUT_SESSIONS = 1,   /**< Address holders. */
    TG_CUT_CUMULATIVE = 2, /**< Readings. */
    TG_CUT_TABLES_COUNT = 3
};

/** @brief Where the cut is. */
enum tg_cut_phase {
    TG_CUT_IDLE,     /**< Nothing to do. */
    TG_CUT_MEASURE,  /**< Ingest: say how large decoder states are. */
    TG_CUT_MEASURED, /**< Asker: make room. */
    TG_CUT_BEGIN,    /**< Ingest: cut here. */
    TG_CUT_PAGES,    /**< Ingest copies, asker stores. */
    TG_CUT_TAKEN,    /**< Asker: all pages are copied. */
    TG_CUT_ABANDON   /**< Ingest: stop. */
};

/** @brief What is cut; borrowed, outlives the cut. NULL tables have no pages. */
struct tg_cut_params {
    struct tg_accounts *accounts;     /**< Lines and shelves. */
    struct tg_sessions *sessions;     /**< Address holders. */
    struct tg_cumulative *cumulative; /**< Readings. */
    struct tg_dispatch *dispatch;     /**< Decoders. */
    struct tg_sources *sources;       /**< Sources. */
    int64_t budget_ns;                /**< At the end of an epoch; 0: TG_CUT_BUDGET_NS. */
};

/** @brief A copied page. */
struct tg_cut_page {
    uint64_t number;     /**< Table << 32 | its number there. */
    uint64_t epoch;      /**< Last epoch that is in it. */
    uint32_t size_bytes; /**< Octets of the buffer that are used. */
    uint8_t *bytes;      /**< Buffer. */
};

/** @brief A decoder's state. */
struct tg_cut_state {
    uint8_t *bytes;        /**< Of the asker; NULL: none. */
    size_t capacity_bytes; /**< Its room. */
    size_t size_bytes;     /**< Needed, then used; 0: the decoder keeps nothing. */
};

/** @brief Pages that are visited one after the other, in the order of the enum in cut.c. */
struct tg_cut_walk {
    uint32_t part; /**< Which. */
    uint32_t next; /**< Next of its pages. */
};

/** @brief The cut; one a data plane. */
struct tg_cut {
    struct tg_cut_params params;                    /**< As given. */
    uint32_t phase;                                 /**< enum tg_cut_phase; release, acquire. */
    uint64_t epoch;                                 /**< Of the cut; from PAGES on. */
    uint64_t epoch_last;                            /**< Latest of a page; from TAKEN on. */
    bool is_whole;                                  /**< TAKEN: every shelf found room. */
    uint64_t kept_count;                            /**< TAKEN: shelves put aside. */
    struct tg_cut_walk walk;                        /**< Where copying is. */
    struct tg_cut_state states[TG_DECODERS_MAX];    /**< By decoder slot. */
    uint32_t sources_count;                         /**< As of the cut. */
    struct tg_source_key sources[TG_SOURCES_MAX];   /**< By id, from 1 on. */
    int64_t pause_ns_max;                           /**< Longest serve of this checkpoint. */
    int64_t pause_ns_sum;                           /**< All of them. */
    uint32_t head;                                  /**< Next page to store: asker, release. */
    uint32_t tail;                                  /**< Next buffer to fill: ingest, release. */
    struct tg_cut_page pages[TG_CUT_BUFFERS_COUNT]; /**< Ring. */
    uint8_t *buffers;                               /**< Taken at start. */
};

/** @brief Make. @param params Copied. @param[out] cut Caller's; tg_cut_destroy. @param[out] why May
 *  be NULL. @return TG_OK or TG_E_NO_MEMORY. */
enum tg_err tg_cut_create(const struct tg_cut_params *params, struct tg_cut **cut,
                          struct tg_why *why);

/** @brief Free. @param cut May be NULL. */
void tg_cut_destroy(struct tg_cut *cut);

/** @brief Does the asker wait for the ingest lcore? @param cut Any thread. @return true if so. */
static inline bool tg_cut_is_waiting(const struct tg_cut *cut)
{
    /* Pairs with the release store of tg_cut_phase_set: what was asked is seen. */
    const uint32_t phase = __atomic_load_n(&cut->phase, __ATOMIC_ACQUIRE);
    return phase != TG_CUT_IDLE && phase != TG_CUT_MEASURED && phase != TG_CUT_TAKEN;
}

/** @brief Is a checkpoint being taken? @param cut Any thread. @return true from the asking on. */
static inline bool tg_cut_is_at_work(const struct tg_cut *cut)
{
    return __atomic_load_n(&cut->phase, __ATOMIC_ACQUIRE) != TG_CUT_IDLE;
}

/** @brief Move on; by whose turn it is. @param cut Made. @param phase enum tg_cut_phase. */
static inline void tg_cut_phase_set(struct tg_cut *cut, uint32_t phase)
{
    __atomic_store_n(&cut->phase, phase, __ATOMIC_RELEASE);
}

/**
 * @brief Do what is asked for a bounded time. Only between two epochs: no row is under way.
 * @param cut    Made.
 * @param epoch  The epoch that ended last, at least 1.
 */
void tg_cut_serve(struct tg_cut *cut, uint64_t epoch);

/** @brief Next copied page. @param cut Asker's. @return Page until tg_cut_page_done; NULL: none
 * now.
 */
const struct tg_cut_page *tg_cut_page_next(struct tg_cut *cut);

/** @brief Its buffer may be filled again. @param cut Asker's; tg_cut_page_next gave a page. */
void tg_cut_page_done(struct tg_cut *cut);

/** @brief A page that was taken did not become a checkpoint. @param cut Any thread. @param number
 *  Of the page. */
void tg_cut_page_mark(struct tg_cut *cut, uint64_t number);

#endif
