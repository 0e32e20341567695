/* SPDX-License-Identifier: Apache-2.0 */
/* A call's life:
 *
 *   outside (even) --tg_fence_price--> inside (odd) --returned--> outside
 *                                        |  \--fault signal of this thread--> outside, by a jump
 *                                        \--watchdog marks it expired, its signal--> outside
 *
 * The number of the call tells which one was meant: a signal that comes too late finds another
 * number and does nothing. */
#define _GNU_SOURCE /* REG_RIP, tgkill */
#include "plug/fence.h"

#include "base/clock.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#define LOOK_NS          (25 * TG_NS_PER_MS)
#define HANG_FACTOR      20
#define SIGNAL_BYTES     32768u
#define SIGNAL_OVER_TIME (SIGRTMIN + 5)

static const int crash_signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP};
#define CRASHES_COUNT (sizeof crash_signals / sizeof crash_signals[0])

/* Written by its thread; the watchdog reads call and writes expired. */
struct fence {
    _Atomic uint64_t call;    /* odd: inside. Relaxed: a late look costs one more look */
    _Atomic uint64_t expired; /* the call that is over time; partner: on_over_time */
    struct tg_fence_fault fault;
    jmp_buf back;
    pid_t thread;
    clockid_t clock; /* processor time of the thread */
    bool is_used;    /* under fences_lock, as the rest */
    uint64_t seen_call;
    int64_t seen_cpu_ns;
    int64_t seen_wall_ns;
    uint8_t stack[SIGNAL_BYTES] __attribute__((aligned(64)));
};

static struct fence fences[TG_FENCE_THREADS_MAX];
static pthread_mutex_t fences_lock = PTHREAD_MUTEX_INITIALIZER;
static __thread struct fence *mine;
static pthread_key_t mine_key; /* gives the place back when a thread ends */
static struct sigaction before[CRASHES_COUNT];
static _Atomic int64_t budget_ns = TG_FENCE_BUDGET_MS * TG_NS_PER_MS;
static _Atomic bool is_ready; /* set by the control thread before there is native code */

void tg_fence_budget(uint32_t budget_ms)
{
    atomic_store_explicit(&budget_ns, (int64_t)budget_ms * TG_NS_PER_MS, memory_order_relaxed);
}

static bool is_inside(const struct fence *fence)
{
    return fence != NULL && (atomic_load_explicit(&fence->call, memory_order_relaxed) & 1) != 0;
}

static __attribute__((noreturn)) void fence_leave(struct fence *fence, int signal, uint64_t address,
                                                  const ucontext_t *context)
{
    fence->fault =
        (struct tg_fence_fault){signal, address, (uint64_t)context->uc_mcontext.gregs[REG_RIP]};
    atomic_fetch_add_explicit(&fence->call, 1, memory_order_relaxed);
    _longjmp(fence->back, 1);
}

static void on_crash(int number, siginfo_t *info, void *context)
{
    if (is_inside(mine)) {
        const bool has_address = number == SIGSEGV || number == SIGBUS;
        fence_leave(mine, number, has_address ? (uint64_t)(uintptr_t)info->si_addr : 0, context);
    }
    /* Not ours: as if we were not here. A fault happens again on return, others are raised. */
    for (size_t i = 0; i < CRASHES_COUNT; i++) {
        if (crash_signals[i] == number) {
            (void)sigaction(number, &before[i], NULL);
        }
    }
    if (info->si_code <= 0) {
        (void)raise(number);
    }
}

static void on_over_time(int number, siginfo_t *info, void *context)
{
    (void)number;
    (void)info;
    struct fence *fence = mine;
    if (is_inside(fence) && atomic_load_explicit(&fence->expired, memory_order_relaxed) ==
                                atomic_load_explicit(&fence->call, memory_order_relaxed)) {
        fence_leave(fence, 0, 0, context);
    }
}

static int64_t clock_ns(clockid_t clock)
{
    struct timespec now;
    return clock_gettime(clock, &now) == 0 ? (int64_t)now.tv_sec * TG_NS_PER_S + now.tv_nsec : 0;
}

/* Between claim and release the thread lives: release waits for the lock that the watchdog has. */
static void fence_watch(struct fence *fence, int64_t now_ns, int64_t limit_ns)
{
    const uint64_t call = atomic_load_explicit(&fence->call, memory_order_relaxed);
    if ((call & 1) == 0) {
        return;
    }
    const int64_t cpu_ns = clock_ns(fence->clock);
    if (call != fence->seen_call) {
        fence->seen_call = call;
        fence->seen_cpu_ns = cpu_ns;
        fence->seen_wall_ns = now_ns;
    } else if (cpu_ns - fence->seen_cpu_ns > limit_ns ||
               now_ns - fence->seen_wall_ns > limit_ns * HANG_FACTOR) {
        atomic_store_explicit(&fence->expired, call, memory_order_relaxed);
        (void)syscall(SYS_tgkill, getpid(), fence->thread, SIGNAL_OVER_TIME);
    }
}

static void *watchdog_run(void *nothing)
{
    (void)nothing;
    sigset_t all;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_BLOCK, &all, NULL);
    for (;;) {
        const struct timespec pause = {.tv_nsec = LOOK_NS};
        (void)nanosleep(&pause, NULL);
        const int64_t now_ns = tg_clock_monotonic_ns();
        const int64_t limit_ns = atomic_load_explicit(&budget_ns, memory_order_relaxed);
        (void)pthread_mutex_lock(&fences_lock);
        for (uint32_t i = 0; i < TG_FENCE_THREADS_MAX; i++) {
            if (fences[i].is_used) {
                fence_watch(&fences[i], now_ns, limit_ns);
            }
        }
        (void)pthread_mutex_unlock(&fences_lock);
    }
    return NULL;
}

static void fence_release(void *object)
{
    struct fence *fence = object;
    const stack_t none = {.ss_flags = SS_DISABLE};
    stack_t current;
    if (sigaltstack(NULL, &current) == 0 && current.ss_sp == fence->stack) {
        (void)sigaltstack(&none, NULL);
    }
    mine = NULL;
    (void)pthread_mutex_lock(&fences_lock);
    fence->is_used = false;
    (void)pthread_mutex_unlock(&fences_lock);
}

/* A stack that ran over cannot take the signal that says so. */
static void stack_take(struct fence *fence)
{
    stack_t current;
    const stack_t own = {.ss_sp = fence->stack, .ss_size = sizeof fence->stack};
    if (sigaltstack(NULL, &current) == 0 && (current.ss_flags & SS_DISABLE) != 0) {
        (void)sigaltstack(&own, NULL);
    }
}

static __attribute__((noinline)) struct fence *fence_claim(void)
{
    struct fence *fence = NULL;
    (void)pthread_mutex_lock(&fences_lock);
    for (uint32_t i = 0; i < TG_FENCE_THREADS_MAX && fence == NULL && is_ready; i++) {
        fence = fences[i].is_used ? NULL : &fences[i];
    }
    if (fence != NULL && pthread_getcpuclockid(pthread_self(), &fence->clock) == 0) {
        fence->thread = (pid_t)syscall(SYS_gettid);
        fence->is_used = true;
        stack_take(fence);
        (void)pthread_setspecific(mine_key, fence);
        mine = fence;
    }
    (void)pthread_mutex_unlock(&fences_lock);
    return mine;
}

/* In a child of fork there is no watchdog, and the place may be watched in the parent only. */
enum tg_err tg_fence_ready(struct tg_why *why)
{
    if (is_ready) {
        return TG_OK;
    }
    pthread_t watchdog;
    struct sigaction action = {.sa_sigaction = on_crash,
                               .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
    /* NODEFER: the jump out restores no mask, so none may be set. */
    (void)sigemptyset(&action.sa_mask);
    if (pthread_key_create(&mine_key, fence_release) != 0 ||
        pthread_create(&watchdog, NULL, watchdog_run, NULL) != 0) {
        return tg_why_set(why, TG_E_NO_MEMORY, "no thread to watch plug-ins: %s", strerror(errno));
    }
    (void)pthread_detach(watchdog);
    for (size_t i = 0; i < CRASHES_COUNT; i++) {
        (void)sigaction(crash_signals[i], &action, &before[i]);
    }
    action.sa_sigaction = on_over_time;
    action.sa_flags |= SA_RESTART;
    (void)sigaction(SIGNAL_OVER_TIME, &action, NULL);
    is_ready = true;
    return TG_OK;
}

enum tg_err tg_fence_price(const struct tg_tariff *tariff, const struct tg_price *const *prices,
                           uint32_t prices_count, const struct tg_tariff_row *rows,
                           uint32_t rows_count, struct tg_tariff_result *results,
                           uint32_t *answered, struct tg_fence_fault *fault)
{
    if (__builtin_expect(mine == NULL, 0) && fence_claim() == NULL) {
        *fault = (struct tg_fence_fault){0};
        return TG_E_FULL;
    }
    /* Nothing that lives in a register across the call is changed after this, but for what the
     * thread's own place holds. */
    if (__builtin_expect(_setjmp(mine->back) != 0, 0)) {
        *fault = mine->fault;
        return fault->signal != 0 ? TG_E_PLUGIN_CRASH : TG_E_PLUGIN_TIMEOUT;
    }
    struct fence *fence = mine;
    const uint64_t call = atomic_load_explicit(&fence->call, memory_order_relaxed);
    atomic_store_explicit(&fence->call, call + 1, memory_order_relaxed);
    atomic_signal_fence(memory_order_seq_cst); /* inside before the first instruction of it */
    *answered = tariff->price(prices, prices_count, rows, rows_count, results);
    atomic_signal_fence(memory_order_seq_cst);
    atomic_store_explicit(&fence->call, call + 2, memory_order_relaxed);
    return TG_OK;
}
