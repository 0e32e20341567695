/* SPDX-License-Identifier: Apache-2.0 */
/* What the machine itself gives: the figures that performance.md 2a has of the reference machine,
 * measured here the same way. A stage's figure means little without them. */
#include "bench/bench_extra.h"

#include "base/arena.h"
#include "base/clock.h"
#include "base/hash.h"
#include "bench/bench.h"

#include <immintrin.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define ROUNDS        5u
#define LINE_BYTES    64u
#define LINES_MAX     10000000u /* account lines of ten million subscribers: 640 MB */
#define TABLE_BYTES   ((size_t)LINES_MAX * LINE_BYTES)
#define TOUCHES       2000000u /* lines a round touches */
#define GROUP         16u      /* lines asked for together; the reference's best is 16 to 64 */
#define CHASE_LINES   4000000u /* 256 MB */
#define CHASE_TOUCHES 200000u
#define STREAM_BYTES  ((size_t)256 << 20)
#define CRC_BYTES     ((size_t)16 << 10) /* stays in the first-level cache */
#define CRC_TIMES     4096u
#define ADDS          100000000u /* instructions a round */

struct machine {
    uint64_t *table;
    uint64_t random;
    uint64_t sum; /* what is read is used */
};

/* A multiplication and an addition: a better generator would cost as much as a line. */
static uint64_t line_any(struct machine *machine, uint32_t lines_count)
{
    machine->random = machine->random * UINT64_C(6364136223846793005) + 1442695040888963407u;
    return (machine->random >> 32) * lines_count >> 32;
}

static void line_change(struct machine *machine, uint64_t at)
{
    machine->table[at * (LINE_BYTES / sizeof(uint64_t))]++;
}

enum way { WAY_PLAIN, WAY_AHEAD, WAY_AHEAD_BUSY };

/* As many instructions as a stage has for a row, none of which waits for a line. */
static void busy(struct machine *machine)
{
    uint64_t a = machine->sum;
    uint64_t b = a;
    uint64_t c = a;
    uint64_t d = a;
    __asm__ volatile(".rept 32\n\t"
                     "add $1, %0\n\tadd $3, %1\n\tadd $5, %2\n\tadd $7, %3\n\t"
                     ".endr"
                     : "+r"(a), "+r"(b), "+r"(c), "+r"(d));
    machine->sum = a ^ b ^ c ^ d;
}

static uint64_t lines_run(struct machine *machine, uint32_t lines_count, enum way way)
{
    for (uint32_t done = 0; done < TOUCHES; done += GROUP) {
        uint64_t at[GROUP];
        for (uint32_t i = 0; i < GROUP; i++) {
            at[i] = line_any(machine, lines_count);
        }
        for (uint32_t i = 0; way != WAY_PLAIN && i < GROUP; i++) {
            __builtin_prefetch(&machine->table[at[i] * (LINE_BYTES / sizeof(uint64_t))], 1);
        }
        for (uint32_t i = 0; i < GROUP; i++) {
            line_change(machine, at[i]);
            if (way == WAY_AHEAD_BUSY) {
                busy(machine);
            }
        }
    }
    return TOUCHES;
}

#define LINES_RUN(name, lines_count, way)                                                          \
    static uint64_t name(struct machine *machine)                                                  \
    {                                                                                              \
        return lines_run(machine, lines_count, way);                                               \
    }
LINES_RUN(plain_100k, 100000, WAY_PLAIN)
LINES_RUN(plain_1m, 1000000, WAY_PLAIN)
LINES_RUN(plain_10m, LINES_MAX, WAY_PLAIN)
LINES_RUN(ahead_100k, 100000, WAY_AHEAD)
LINES_RUN(ahead_1m, 1000000, WAY_AHEAD)
LINES_RUN(ahead_10m, LINES_MAX, WAY_AHEAD)
LINES_RUN(busy_100k, 100000, WAY_AHEAD_BUSY)
LINES_RUN(busy_1m, 1000000, WAY_AHEAD_BUSY)
LINES_RUN(busy_10m, LINES_MAX, WAY_AHEAD_BUSY)

/* Each address comes of what was read, so no look begins before the last one ended. The table's
 * words are counts and differ; any of them serves. */
static uint64_t chase(struct machine *machine)
{
    for (uint32_t i = 0; i < CHASE_TOUCHES; i++) {
        const uint64_t at = line_any(machine, CHASE_LINES);
        machine->random += machine->table[at * (LINE_BYTES / sizeof(uint64_t)) + 1];
    }
    return CHASE_TOUCHES;
}

static uint64_t stream_read(struct machine *machine)
{
    const __m256i *at = (const __m256i *)machine->table;
    __m256i sums[4] = {_mm256_setzero_si256()};
    for (size_t i = 0; i < STREAM_BYTES / sizeof *at; i += 4) {
        for (unsigned k = 0; k < 4; k++) {
            sums[k] = _mm256_add_epi64(sums[k], _mm256_load_si256(&at[i + k]));
        }
    }
    const __m256i both =
        _mm256_xor_si256(_mm256_xor_si256(sums[0], sums[1]), _mm256_xor_si256(sums[2], sums[3]));
    machine->sum += (uint64_t)_mm256_extract_epi64(both, 0);
    return STREAM_BYTES / LINE_BYTES;
}

static uint64_t stream_write(struct machine *machine)
{
    __m256i *at = (__m256i *)machine->table;
    const __m256i value = _mm256_set1_epi64x((int64_t)machine->sum);
    for (size_t i = 0; i < STREAM_BYTES / sizeof *at; i++) {
        _mm256_store_si256(&at[i], value);
    }
    return STREAM_BYTES / LINE_BYTES;
}

static uint64_t stream_past(struct machine *machine)
{
    __m256i *at = (__m256i *)machine->table;
    const __m256i value = _mm256_set1_epi64x((int64_t)machine->sum);
    for (size_t i = 0; i < STREAM_BYTES / sizeof *at; i++) {
        _mm256_stream_si256(&at[i], value);
    }
    _mm_sfence();
    return STREAM_BYTES / LINE_BYTES;
}

static uint64_t crc(struct machine *machine)
{
    for (uint32_t i = 0; i < CRC_TIMES; i++) {
        machine->sum += tg_crc32c((uint32_t)machine->sum, machine->table, CRC_BYTES);
    }
    return CRC_TIMES * (CRC_BYTES / LINE_BYTES);
}

/* Four chains of additions, so that what limits is how many the processor can do side by side. */
static uint64_t adds(struct machine *machine)
{
    uint64_t a = machine->sum;
    uint64_t b = a;
    uint64_t c = a;
    uint64_t d = a;
    for (uint32_t i = 0; i < ADDS / 16; i++) {
        __asm__ volatile(".rept 4\n\t"
                         "add $1, %0\n\tadd $3, %1\n\tadd $5, %2\n\tadd $7, %3\n\t"
                         ".endr"
                         : "+r"(a), "+r"(b), "+r"(c), "+r"(d));
    }
    machine->sum += a ^ b ^ c ^ d;
    return ADDS;
}

/* The reference's figures are those of its own measurement, section 2a; 0: it has none. */
static const struct line {
    const char *name;
    const char *note;
    uint64_t (*run)(struct machine *machine);
    uint32_t reference_ps;
} lines[] = {
    {"line of 6.4 MB", "random read-modify-write, one after the other", plain_100k, 7500},
    {"line of 64 MB", "the same", plain_1m, 23000},
    {"line of 640 MB", "the same", plain_10m, 25000},
    {"line of 6.4 MB ahead", "16 asked for together", ahead_100k, 5100},
    {"line of 64 MB ahead", "the same", ahead_1m, 14000},
    {"line of 640 MB ahead", "the same", ahead_10m, 18500},
    {"line of 6.4 MB ahead and busy", "the same, 128 instructions each", busy_100k, 0},
    {"line of 64 MB ahead and busy", "the same", busy_1m, 0},
    {"line of 640 MB ahead and busy", "the same", busy_10m, 0},
    {"line of 256 MB chased", "each address comes of the last", chase, 225000},
    {"64 octets read", "from memory, in order", stream_read, 5120},
    {"64 octets written", "in order", stream_write, 8100},
    {"64 octets written past", "the caches, in order", stream_past, 4320},
    {"64 octets CRC32C", "from the first-level cache", crc, 2700},
    {"instruction", "additions, four chains", adds, 0},
};
#define LINES_COUNT (sizeof lines / sizeof lines[0])

static void line_print(const struct line *line, const struct tg_bench_figure *figure, bool is_csv)
{
    const uint64_t ps = tg_bench_median_ps(figure);
    if (is_csv) {
        (void)printf("%s,%" PRIu64 ",%" PRIu32 "\n", line->name, ps, line->reference_ps);
        return;
    }
    (void)printf("%-26s %5" PRIu64 ".%02" PRIu64, line->name, ps / 1000, ps % 1000 / 10);
    if (line->reference_ps != 0) {
        const uint64_t hundredths = ps * 100 / line->reference_ps;
        (void)printf(" %6" PRIu32 ".%02" PRIu32 " %4" PRIu64 ".%02" PRIu64,
                     line->reference_ps / 1000, line->reference_ps % 1000 / 10, hundredths / 100,
                     hundredths % 100);
    } else {
        (void)printf(" %9s %7s", "-", "-");
    }
    (void)printf("  %s\n", line->note);
}

enum tg_err tg_bench_roofline(const struct tg_bench_extra *extra, struct tg_why *why)
{
    static struct tg_bench_figure figures[LINES_COUNT];
    memset(figures, 0, sizeof figures);
    struct machine machine = {.table = tg_pages_take(TABLE_BYTES), .random = 42};
    if (machine.table == NULL) {
        return tg_why_set(why, TG_E_NO_MEMORY, "no memory for a table of %zu MB",
                          TABLE_BYTES / 1000000);
    }
    for (uint32_t round = 0; round < ROUNDS; round++) {
        for (size_t i = 0; i < LINES_COUNT; i++) {
            const int64_t from_ns = tg_clock_thread_cpu_ns();
            const uint64_t count = lines[i].run(&machine);
            tg_bench_round(&figures[i], tg_clock_thread_cpu_ns() - from_ns, count);
        }
    }
    tg_pages_free(machine.table, TABLE_BYTES);
    if (extra->is_csv) {
        (void)puts("name,median_ps,reference_ps");
    } else {
        (void)printf("%-26s %8s %9s %7s\n", "CPU ns each", "here", "reference", "ratio");
    }
    for (size_t i = 0; i < LINES_COUNT; i++) {
        tg_bench_close(&figures[i]);
        line_print(&lines[i], &figures[i], extra->is_csv);
    }
    return TG_OK;
}
