/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* memfd_create, seals */
#include "bill/posting.h"

#include "base/hash.h"
#include "ledger/scan.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

static const char magic[8] = "TGPOST1";

/* Where the arrays are. */
struct layout {
    size_t rows;
    size_t charges;
    size_t shelves;
    size_t orders;
    size_t wanted;
    size_t end;
};

static size_t align(size_t at)
{
    return (at + 63) & ~(size_t)63;
}

static struct layout layout_of(const struct tg_posting_head *head)
{
    struct layout layout = {.rows = align(sizeof *head)};
    layout.charges = align(layout.rows + (size_t)head->count * sizeof(struct tg_usage));
    layout.shelves = align(layout.charges + (size_t)head->count * sizeof(struct tg_charge));
    layout.orders =
        align(layout.shelves + (size_t)head->shelves_count * sizeof(struct tg_adjust_shelf));
    layout.wanted =
        align(layout.orders + (size_t)head->orders_count * sizeof(struct tg_adjust_order));
    layout.end = align(layout.wanted + head->wanted_count);
    return layout;
}

static uint32_t crc_of(const uint8_t *memory, size_t size_bytes)
{
    const size_t from = offsetof(struct tg_posting_head, head_bytes);
    return tg_crc32c(0, memory + from, size_bytes - from);
}

static void memory_fill(uint8_t *memory, const struct tg_posting_head *head,
                        const struct layout *layout, const struct tg_rerate *rerate,
                        const uint8_t *wanted)
{
    struct tg_usage *rows = (struct tg_usage *)(void *)(memory + layout->rows);
    struct tg_charge *charges = (struct tg_charge *)(void *)(memory + layout->charges);
    memcpy(memory, head, sizeof *head);
    for (uint32_t i = 0; i < head->count; i++) {
        rows[i] = rerate->changes[i].row;
        charges[i] = rerate->changes[i].charge;
    }
    if (head->shelves_count > 0) {
        memcpy(memory + layout->shelves, rerate->shelves,
               head->shelves_count * sizeof rerate->shelves[0]);
    }
    if (head->orders_count > 0) {
        memcpy(memory + layout->orders, rerate->orders,
               head->orders_count * sizeof rerate->orders[0]);
    }
    if (head->wanted_count > 0) {
        memcpy(memory + layout->wanted, wanted, head->wanted_count);
    }
    ((struct tg_posting_head *)(void *)memory)->crc = crc_of(memory, layout->end);
}

enum tg_err tg_posting_make(const struct tg_rerate *rerate, const struct tg_rerate_params *params,
                            int *fd, struct tg_why *why)
{
    const struct tg_rerate_selector *selector = &params->selector;
    struct tg_posting_head head = {
        .head_bytes = sizeof head,
        .row_bytes = sizeof(struct tg_usage),
        .charge_bytes = sizeof(struct tg_charge),
        .shelf_bytes = sizeof(struct tg_adjust_shelf),
        .count = rerate->changes_count,
        .shelves_count = rerate->shelves_count,
        .orders_count = rerate->orders_count,
        .order_bytes = sizeof(struct tg_adjust_order),
        .backs_out = params->backs_out ? 1 : 0,
        .wanted_count =
            selector->accounts_wanted != NULL ? params->catalog->roster->accounts_count : 0,
        .candidate_version = params->candidate != NULL ? params->candidate->version : 0,
        .epoch = params->epoch_max,
        .generation = params->catalog->generation,
        .from_ns = selector->from_ns,
        .to_ns = selector->to_ns,
    };
    memcpy(head.magic, magic, sizeof magic);
    const struct layout layout = layout_of(&head);
    *fd = memfd_create("tollgate-posting", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (*fd < 0 || ftruncate(*fd, (off_t)layout.end) != 0) {
        return tg_why_set(why, TG_E_IO, "cannot make %zu octets of shared memory: %s", layout.end,
                          strerror(errno));
    }
    uint8_t *memory = mmap(NULL, layout.end, PROT_READ | PROT_WRITE, MAP_SHARED, *fd, 0);
    if (memory == MAP_FAILED) {
        return tg_why_set(why, TG_E_NO_MEMORY, "no memory for %u adjustments", head.count);
    }
    memory_fill(memory, &head, &layout, rerate, selector->accounts_wanted);
    (void)munmap(memory, layout.end);
    return fcntl(*fd, F_ADD_SEALS, SEALS) == 0
               ? TG_OK
               : tg_why_set(why, TG_E_IO, "cannot seal the adjustments: %s", strerror(errno));
}

static bool is_of_this_build(const struct tg_posting_head *head)
{
    return memcmp(head->magic, magic, sizeof magic) == 0 && head->head_bytes == sizeof *head &&
           head->row_bytes == sizeof(struct tg_usage) &&
           head->charge_bytes == sizeof(struct tg_charge) &&
           head->shelf_bytes == sizeof(struct tg_adjust_shelf) &&
           head->order_bytes == sizeof(struct tg_adjust_order);
}

enum tg_err tg_posting_open(int fd, struct tg_posting *posting, struct tg_why *why)
{
    struct stat status;
    *posting = (struct tg_posting){.head = NULL};
    if (fd < 0 || fstat(fd, &status) != 0 || (fcntl(fd, F_GET_SEALS) & SEALS) != SEALS ||
        status.st_size < (off_t)sizeof(struct tg_posting_head)) {
        return tg_why_set(why, TG_E_FORMAT, "no sealed memory with adjustments came along");
    }
    const size_t size_bytes = (size_t)status.st_size;
    /* Read in full before anybody is held up: no page fault is left for the ingest lcore. */
    uint8_t *memory = mmap(NULL, size_bytes, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
    if (memory == MAP_FAILED) {
        return tg_why_set(why, TG_E_IO, "cannot map the adjustments: %s", strerror(errno));
    }
    posting->head = (const struct tg_posting_head *)(const void *)memory;
    posting->size_bytes = size_bytes;
    const struct tg_posting_head *head = posting->head;
    const struct layout layout = layout_of(head);
    if (!is_of_this_build(head)) {
        tg_posting_close(posting);
        return tg_why_set(why, TG_E_FORMAT,
                          "the adjustments were made by another version of tollgate");
    }
    if (layout.end != size_bytes || head->crc != crc_of(memory, size_bytes)) {
        tg_posting_close(posting);
        return tg_why_set(why, TG_E_CORRUPT, "the adjustments are not whole");
    }
    posting->content = (struct tg_adjust_posting){
        .rows = (const struct tg_usage *)(const void *)(memory + layout.rows),
        .charges = (const struct tg_charge *)(const void *)(memory + layout.charges),
        .shelves = (const struct tg_adjust_shelf *)(const void *)(memory + layout.shelves),
        .orders = (const struct tg_adjust_order *)(const void *)(memory + layout.orders),
        .count = head->count,
        .shelves_count = head->shelves_count,
        .orders_count = head->orders_count};
    posting->wanted = head->wanted_count > 0 ? memory + layout.wanted : NULL;
    return TG_OK;
}

void tg_posting_close(struct tg_posting *posting)
{
    if (posting->head != NULL) {
        (void)munmap((void *)(uintptr_t)posting->head, posting->size_bytes);
    }
    *posting = (struct tg_posting){.head = NULL};
}

static bool is_possible_row(const struct tg_catalog_snapshot *catalog, const struct tg_usage *row,
                            const struct tg_charge *charge)
{
    const struct tg_roster *roster = catalog->roster;
    return tg_row_is_adjustment(row) && row->start_ns >= 0 && charge->fate == TG_FATE_RATED &&
           charge->pieces_count == 0 && charge->unit < TG_UNIT_COUNT &&
           charge->subscriber < roster->subscribers_count &&
           roster->lines[charge->subscriber].account < roster->accounts_count &&
           tg_catalog_image_version(catalog, charge->catalog_version) != NULL;
}

static bool is_possible_shelf(const struct tg_roster *roster, const struct tg_adjust_shelf *shelf)
{
    for (uint32_t i = 0; i < TG_BUCKETS_MAX; i++) {
        if (shelf->shelf.buckets[i].kind >= TG_BUCKET_KINDS_COUNT) {
            return false;
        }
    }
    return shelf->is_pool ? shelf->index < roster->accounts_count
                          : shelf->index < roster->subscribers_count &&
                                roster->lines[shelf->index].account < roster->accounts_count;
}

enum tg_err tg_posting_check(const struct tg_posting *posting,
                             const struct tg_catalog_snapshot *catalog, struct tg_why *why)
{
    const struct tg_adjust_posting *content = &posting->content;
    if (posting->head->generation != catalog->generation) {
        return tg_why_set(why, TG_E_AGAIN,
                          "the engine runs with another catalog than is stored: reload, then run "
                          "again");
    }
    if (posting->wanted != NULL && posting->head->wanted_count != catalog->roster->accounts_count) {
        return tg_why_set(why, TG_E_CORRUPT, "accounts are marked that are not there");
    }
    for (uint32_t i = 0; i < content->count; i++) {
        if (!is_possible_row(catalog, &content->rows[i], &content->charges[i])) {
            return tg_why_set(why, TG_E_CORRUPT, "adjustment %u cannot be one", i);
        }
    }
    for (uint32_t i = 0; i < content->shelves_count; i++) {
        if (!is_possible_shelf(catalog->roster, &content->shelves[i])) {
            return tg_why_set(why, TG_E_CORRUPT, "shelf %u cannot be one", i);
        }
    }
    for (uint32_t i = 0; i < content->orders_count; i++) {
        if (content->orders[i].account >= catalog->roster->accounts_count) {
            return tg_why_set(why, TG_E_CORRUPT, "order %u is of no account", i);
        }
    }
    return TG_OK;
}

void tg_posting_touch(const struct tg_posting *posting, const struct tg_catalog_snapshot *catalog,
                      uint8_t *touched)
{
    const struct tg_adjust_posting *content = &posting->content;
    const struct tg_roster_line *lines = catalog->roster->lines;
    for (uint32_t i = 0; i < content->count; i++) {
        touched[lines[content->charges[i].subscriber].account] = 1;
    }
    for (uint32_t i = 0; i < content->shelves_count; i++) {
        const struct tg_adjust_shelf *shelf = &content->shelves[i];
        touched[shelf->is_pool ? shelf->index : lines[shelf->index].account] = 1;
    }
    for (uint32_t i = 0; i < content->orders_count; i++) {
        touched[content->orders[i].account] = 1;
    }
}

/* A look at the rows behind a rerate. */
struct look {
    const struct tg_posting *posting;
    const struct tg_catalog_snapshot *catalog;
    uint8_t *touched;
    uint64_t epoch_seen;
    uint32_t account; /* of the first row that was found */
    bool has_found;
};

/* (2): would the rerate have priced it otherwise? */
static bool is_left_out(const struct look *look, const struct tg_scan_view *view, uint32_t i,
                        uint32_t account)
{
    const struct tg_posting_head *head = look->posting->head;
    const int64_t start_ns = view->start_ns[i];
    if (head->backs_out != 0 || start_ns < head->from_ns || start_ns >= head->to_ns ||
        (look->posting->wanted != NULL && look->posting->wanted[account] == 0)) {
        return false;
    }
    const struct tg_image *image = tg_catalog_image_at(look->catalog, start_ns);
    const uint32_t version = head->candidate_version != 0 ? head->candidate_version
                             : image != NULL              ? image->version
                                                          : 0;
    return view->catalog_version[i] != version;
}

static enum tg_err block_look(void *context, const struct tg_scan_view *view)
{
    struct look *look = context;
    const struct tg_roster *roster = look->catalog->roster;
    look->epoch_seen = view->epoch;
    for (uint32_t i = 0; i < view->rows_count; i++) {
        if (view->fate[i] != TG_FATE_RATED || view->subscriber[i] >= roster->subscribers_count) {
            continue;
        }
        const uint32_t account = roster->lines[view->subscriber[i]].account;
        if (account >= roster->accounts_count) {
            continue;
        }
        const bool is_adjustment = view->source_id[i] == TG_ADJUST_SOURCE_ID;
        if (look->touched[account] != 0 ||
            (!is_adjustment && is_left_out(look, view, i, account))) {
            look->account = look->has_found ? look->account : account;
            look->has_found = true;
            look->touched[account] = look->touched[account] != 0 ? TG_POSTING_OVERTAKEN : 0;
        }
    }
    return TG_OK;
}

enum tg_err tg_posting_conflict(const struct tg_posting *posting,
                                const struct tg_catalog_snapshot *catalog, uint8_t *touched,
                                const char *data_dir, uint64_t epoch_from, uint64_t epoch_to,
                                struct tg_why *why)
{
    if (epoch_to < epoch_from) {
        return TG_OK;
    }
    struct look look = {.posting = posting, .catalog = catalog, .touched = touched};
    struct tg_scan *scan = NULL;
    const struct tg_scan_params params = {
        .size_bytes = sizeof params,
        .dir = data_dir,
        .epoch_min = epoch_from,
        .epoch_max = epoch_to,
        .columns = TG_COLUMN_BIT(fate) | TG_COLUMN_BIT(subscriber) | TG_COLUMN_BIT(start_ns) |
                   TG_COLUMN_BIT(catalog_version) | TG_COLUMN_BIT(source_id)};
    enum tg_err err = tg_scan_open(&params, &scan, why);
    err = err == TG_OK ? tg_scan_fold(scan, block_look, &look, why) : err;
    tg_scan_close(scan);
    if (err == TG_OK && look.epoch_seen == epoch_to && look.has_found) {
        char name[TG_NAME_BYTES_MAX];
        (void)tg_roster_account_name(catalog->roster, look.account, name, sizeof name);
        return tg_why_set(why, TG_E_AGAIN,
                          "usage of account %s came in while the differences were worked out: run "
                          "again, select fewer accounts, or stop the engine first",
                          name);
    }
    if (err == TG_OK && look.epoch_seen != epoch_to) {
        return tg_why_set(why, TG_E_CORRUPT, "epoch %llu of the journal cannot be read yet",
                          (unsigned long long)epoch_to);
    }
    return err;
}
