/* A simulated sound card: a timed thread that calls a PortAudio callback by its pointer, and watches.
 *
 * Preloaded, it counts what the callback asks of the heap and of locks; inside a block, every system
 * call but `write`, which wakes the engine thread, is trapped and counted. It can also be made to
 * misbehave, so that whoever reads the counts knows that they would tell.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

typedef int (*Callback)(const void *, void *, unsigned long, const void *, unsigned long, void *);

static __thread int inside;
static volatile long heap, locks, system_calls, wakes;

void *__libc_malloc(size_t);
void *__libc_calloc(size_t, size_t);
void *__libc_realloc(void *, size_t);
void __libc_free(void *);
void *malloc(size_t size) { heap += inside; return __libc_malloc(size); }
void *calloc(size_t count, size_t size) { heap += inside; return __libc_calloc(count, size); }
void *realloc(void *old, size_t size) { heap += inside; return __libc_realloc(old, size); }
void free(void *old) { heap += inside; __libc_free(old); }

static int (*real_lock)(pthread_mutex_t *);
int pthread_mutex_lock(pthread_mutex_t *mutex) {
  if (!real_lock) real_lock = dlsym(RTLD_NEXT, "pthread_mutex_lock");
  locks += inside;
  return real_lock(mutex);
}

ssize_t write(int to, const void *from, size_t size) {
  wakes += inside;
  long result = syscall(SYS_write, to, from, size);
  return result;
}

static void trapped(int signal, siginfo_t *info, void *context) { system_calls += inside; }

static void allow(struct sock_filter *rules, int *count, int number) {
  rules[(*count)++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1);
  rules[(*count)++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
}

static int watch_system_calls(void) {
  struct sock_filter rules[32];
  int count = 0;
  struct sigaction action = {.sa_sigaction = trapped, .sa_flags = SA_SIGINFO};
  sigaction(SIGSYS, &action, NULL);
  rules[count++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
                                                offsetof(struct seccomp_data, nr));
  allow(rules, &count, SYS_write);
  allow(rules, &count, SYS_rt_sigreturn);
  allow(rules, &count, SYS_exit);
  rules[count++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP);
  struct sock_fprog program = {count, rules};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)) return 0;
  return !prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

static int64_t now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000000LL + t.tv_nsec;
}

enum { NO_FLAW, SLEEPS, ALLOCATES };
typedef struct {
  int64_t callback, deck, blocks, frames, inputs, outputs, fifo, flaw, timed;
  int64_t *took, *late;
  int64_t heap, locks, system_calls, wakes, watched, was_fifo, done;
} Drive;

static void misbehave(int64_t flaw, int64_t block) {
  if (block % 20 != 10) return;
  if (flaw == SLEEPS) {
    struct timespec t = {0, 2000000};
    nanosleep(&t, NULL);
  }
  if (flaw == ALLOCATES) {
    char *volatile wasted = malloc(64);
    free(wasted);
  }
}

static void *play(void *at) {
  Drive *d = at;
  float *in = calloc(d->frames * d->inputs, 4), *out = calloc(d->frames * d->outputs, 4);
  Callback call = (Callback)d->callback;
  struct sched_param priority = {.sched_priority = 70};
  if (d->fifo) d->was_fifo = !pthread_setschedparam(pthread_self(), SCHED_FIFO, &priority);
  for (int k = 0; k < 20; ++k) call(in, out, d->frames, NULL, 0, (void *)d->deck);
  if (!d->timed) d->watched = watch_system_calls();
  heap = locks = system_calls = wakes = 0;
  int64_t period = d->frames * 1000000000LL / 48000, due = now() + period;
  for (int64_t k = 0; k < d->blocks; ++k) {
    if (d->timed) {
      struct timespec t = {due / 1000000000LL, due % 1000000000LL};
      clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
    }
    int64_t began = now();
    inside = 1;
    call(in, out, d->frames, NULL, 0, (void *)d->deck);
    misbehave(d->flaw, k);
    inside = 0;
    d->took[k] = now() - began;
    d->late[k] = d->timed ? began - due : 0;
    due += period;
    if (d->timed && now() > due + 100 * period) due = now() + period;
  }
  d->heap = heap, d->locks = locks, d->system_calls = system_calls, d->wakes = wakes;
  __atomic_store_n(&d->done, 1, __ATOMIC_RELEASE);
  if (d->watched) syscall(SYS_exit, 0);           /* a thread that may do nothing else */
  return NULL;
}

int nothing(const void *in, void *out, unsigned long frames, const void *t, unsigned long s,
            void *deck) {
  memset(out, 0, frames * 8);
  return 0;
}

int drive(Drive *d) {
  pthread_t thread;
  struct timespec nap = {0, 1000000};
  if (pthread_create(&thread, NULL, play, d)) return 0;
  pthread_detach(thread);
  while (!__atomic_load_n(&d->done, __ATOMIC_ACQUIRE)) nanosleep(&nap, NULL);
  return 1;
}
