/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Preloaded into the engine: counts what its data-path threads ask of malloc and of locks.
 *
 *  Source: ld.so(8) LD_PRELOAD; glibc's __libc_malloc family; DPDK 22.11 rte_eal_remote_launch.
 *  Threads: counters are atomic; a thread's class is its own. Allocates: never.
 *  Cost: one thread-local load and, on counted threads, one atomic addition a call.
 *
 *  A thread is `worker` from the moment DPDK launches its job until the job returns, and `writer`
 *  when its first function is the one at ROWPATH_WRITER: the journal's writer. All
 *  other threads are set-up and control, and may allocate. The counts are written to the file that
 *  ROWPATH_OUT names when the process ends, one line each: class, call, count. With ROWPATH_CANARY
 *  set every worker does one of each by itself, so that the test can see that counting works.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum call {
    CALL_MALLOC,
    CALL_CALLOC,
    CALL_REALLOC,
    CALL_MEMALIGN,
    CALL_FREE,
    CALL_LOCK,
    CALL_POST,
    CALLS_COUNT
};
enum class { CLASS_OTHER, CLASS_WORKER, CLASS_WRITER, CLASSES_COUNT };

static const char *const call_names[] = {"malloc", "calloc", "realloc", "memalign",
                                         "free",   "lock",   "post"};
static const char *const class_names[] = {"other", "worker", "writer"};
static atomic_ulong counts[CLASSES_COUNT][CALLS_COUNT];
static atomic_ulong threads[CLASSES_COUNT];
static _Thread_local enum class own_class __attribute__((tls_model("initial-exec")));

static inline void count(enum call call)
{
    if (own_class != CLASS_OTHER) {
        atomic_fetch_add_explicit(&counts[own_class][call], 1, memory_order_relaxed);
    }
}

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *memory, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);
extern void __libc_free(void *memory);

void *malloc(size_t size)
{
    count(CALL_MALLOC);
    return __libc_malloc(size);
}

void *calloc(size_t number, size_t size)
{
    count(CALL_CALLOC);
    return __libc_calloc(number, size);
}

void *realloc(void *memory, size_t size)
{
    count(CALL_REALLOC);
    return __libc_realloc(memory, size);
}

void *memalign(size_t alignment, size_t size)
{
    count(CALL_MEMALIGN);
    return __libc_memalign(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
    return memalign(alignment, size);
}

int posix_memalign(void **memory, size_t alignment, size_t size)
{
    *memory = memalign(alignment, size);
    return *memory == NULL ? 12 : 0; /* ENOMEM */
}

void free(void *memory)
{
    if (memory != NULL) {
        count(CALL_FREE);
    }
    __libc_free(memory);
}

/* Looked up once, at load: dlsym itself allocates. A thread that waits for a semaphore sleeps by
 * intent; posting one is what hands a block to the writer, so it is counted by itself. */
#define REAL(type, name, ...) static type (*real_##name)(__VA_ARGS__)
REAL(int, pthread_mutex_lock, pthread_mutex_t *);
REAL(int, pthread_mutex_trylock, pthread_mutex_t *);
REAL(int, pthread_rwlock_rdlock, pthread_rwlock_t *);
REAL(int, pthread_rwlock_wrlock, pthread_rwlock_t *);
REAL(int, pthread_spin_lock, pthread_spinlock_t *);
REAL(int, sem_post, sem_t *);
REAL(int, pthread_create, pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
REAL(int, rte_eal_remote_launch, int (*)(void *), void *, unsigned);

__attribute__((constructor)) static void hook_load(void)
{
#define LOOK(name) *(void **)&real_##name = dlsym(RTLD_NEXT, #name)
    LOOK(pthread_mutex_lock);
    LOOK(pthread_mutex_trylock);
    LOOK(pthread_rwlock_rdlock);
    LOOK(pthread_rwlock_wrlock);
    LOOK(pthread_spin_lock);
    LOOK(sem_post);
    LOOK(pthread_create);
    LOOK(rte_eal_remote_launch);
}

/* A constructor of another library may lock before ours has run. */
#define COUNTED(name, type, call)                                                                  \
    int name(type *object)                                                                         \
    {                                                                                              \
        if (real_##name == NULL) {                                                                 \
            hook_load();                                                                           \
        }                                                                                          \
        count(call);                                                                               \
        return real_##name(object);                                                                \
    }
COUNTED(pthread_mutex_lock, pthread_mutex_t, CALL_LOCK)
COUNTED(pthread_mutex_trylock, pthread_mutex_t, CALL_LOCK)
COUNTED(pthread_rwlock_rdlock, pthread_rwlock_t, CALL_LOCK)
COUNTED(pthread_rwlock_wrlock, pthread_rwlock_t, CALL_LOCK)
COUNTED(pthread_spin_lock, pthread_spinlock_t, CALL_LOCK)
COUNTED(sem_post, sem_t, CALL_POST)

/* What a thread really runs. Never freed: a thread may outlive the job. */
struct job {
    int (*launch)(void *);
    void *(*start)(void *);
    void *argument;
};
static struct job jobs[256];
static atomic_uint jobs_count;

static void canary(void)
{
    static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    if (getenv("ROWPATH_CANARY") != NULL) {
        void *volatile memory = malloc(1);
        free(memory);
        pthread_mutex_lock(&mutex);
        pthread_mutex_unlock(&mutex);
    }
}

static int worker_main(void *context)
{
    const struct job *job = context;
    own_class = CLASS_WORKER;
    atomic_fetch_add(&threads[CLASS_WORKER], 1);
    canary();
    const int result = job->launch(job->argument);
    own_class = CLASS_OTHER;
    return result;
}

static void *writer_main(void *context)
{
    const struct job *job = context;
    own_class = CLASS_WRITER;
    atomic_fetch_add(&threads[CLASS_WRITER], 1);
    void *result = job->start(job->argument);
    own_class = CLASS_OTHER;
    return result;
}

static struct job *job_take(void)
{
    const unsigned index = atomic_fetch_add(&jobs_count, 1);
    if (index >= sizeof jobs / sizeof jobs[0]) {
        abort();
    }
    return &jobs[index];
}

int rte_eal_remote_launch(int (*launch)(void *), void *argument, unsigned lcore_id)
{
    struct job *job = job_take();
    *job = (struct job){.launch = launch, .argument = argument};
    return real_rte_eal_remote_launch(worker_main, job, lcore_id);
}

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *),
                   void *argument)
{
    Dl_info info;
    if (real_pthread_create == NULL) {
        hook_load();
    }
    const char *writer = getenv("ROWPATH_WRITER"); /* its address in the executable, hexadecimal */
    if (writer == NULL || dladdr((void *)(size_t)start, &info) == 0 ||
        (size_t)start - (size_t)info.dli_fbase != strtoull(writer, NULL, 16)) {
        return real_pthread_create(thread, attributes, start, argument);
    }
    struct job *job = job_take();
    *job = (struct job){.start = start, .argument = argument};
    return real_pthread_create(thread, attributes, writer_main, job);
}

__attribute__((destructor)) static void hook_report(void)
{
    const char *path = getenv("ROWPATH_OUT");
    const int fd = path == NULL ? -1 : open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0) {
        return;
    }
    for (unsigned class = CLASS_WORKER; class < CLASSES_COUNT; class ++) {
        dprintf(fd, "%s threads %lu\n", class_names[class], threads[class]);
        for (unsigned call = 0; call < CALLS_COUNT; call++) {
            dprintf(fd, "%s %s %lu\n", class_names[class], call_names[call], counts[class][call]);
        }
    }
    close(fd);
}
