/* LV2 plugins for tests: one that answers each note with one sample, and some that misbehave.
 *
 * No header is needed: the few structures are LV2's, written out. A flaw sleeps through a trial
 * and wakes at a note of velocity 1.
 */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef struct { const char *uri; void *data; } Feature;
typedef struct Descriptor {
  const char *uri;
  void *(*instantiate)(const struct Descriptor *, double, const char *, const Feature *const *);
  void (*connect)(void *, uint32_t, void *);
  void (*activate)(void *);
  void (*run)(void *, uint32_t);
  void (*deactivate)(void *);
  void (*cleanup)(void *);
  const void *(*extension)(const char *);
} Descriptor;
typedef struct { uint32_t size, type, unit, pad; } Sequence;
typedef struct { int64_t frame; uint32_t size, type; uint8_t body[8]; } Event;

enum { AUDIO = 16, PORTS = 2 * AUDIO + 4 };
enum { NOTES = 2 * AUDIO, FLAW, LATENCY, MODE };

typedef struct { void *handle; uint32_t (*map)(void *, const char *); } Map;
typedef struct { void *port[PORTS]; const char *uri; float held[64]; int awake;
                 const Map *map; float remembered; } Plugin;

static const char *name_of(const Plugin *p) { return strrchr(p->uri, ':') + 1; }
static int is(const Plugin *p, const char *name) { return !strcmp(name_of(p), name); }

static void *instantiate(const Descriptor *d, double rate, const char *path,
                         const Feature *const *features) {
  Plugin *p = calloc(1, sizeof *p);
  p->uri = d->uri;
  if (is(p, "stillborn")) { free(p); return NULL; }
  if (is(p, "abort")) abort();
  for (; features && *features; ++features)
    if (!strcmp((*features)->uri, "http://lv2plug.in/ns/ext/urid#map")) p->map = (*features)->data;
  return p;
}
static void connect(void *handle, uint32_t port, void *data) {
  ((Plugin *)handle)->port[port] = data;
}
static void activate(void *handle) { ((Plugin *)handle)->awake = 0; }

static void misbehave(Plugin *p, float *out, uint32_t frames) {
  if (is(p, "crash")) *(volatile int *)8 = 1;
  if (is(p, "hang")) for (;;) { volatile int turns = 0; (void)turns; }
  if (is(p, "nan")) for (uint32_t i = 0; i < frames; ++i) out[i] = NAN;
  if (is(p, "slow")) {
    struct timespec t0, t;
    clock_gettime(CLOCK_MONOTONIC, &t0);
    do clock_gettime(CLOCK_MONOTONIC, &t);
    while ((t.tv_sec - t0.tv_sec) * 1e9 + (t.tv_nsec - t0.tv_nsec) < 8e6);
  }
}

static void run(void *handle, uint32_t frames) {
  Plugin *p = handle;
  float *out = p->port[AUDIO], *in = p->port[0], *flaw = p->port[FLAW];
  int through = is(p, "wide") || is(p, "mono") || is(p, "latent");
  for (int k = 0; k < AUDIO; ++k)
    if (p->port[AUDIO + k])
      for (uint32_t i = 0; i < frames; ++i)
        ((float *)p->port[AUDIO + k])[i] =
            through && p->port[k] ? ((float *)p->port[k])[i] : 0.0f;
  if (is(p, "latent")) {
    *(float *)p->port[LATENCY] = 64.0f;
    for (uint32_t i = 0; i < frames; ++i) {
      out[i] = p->held[i % 64];
      p->held[i % 64] = in[i];
    }
  }
  const Sequence *notes = p->port[NOTES];
  if (notes && is(p, "wide") == 0)
    for (uint32_t at = 8; at < notes->size; ) {
      const Event *e = (const Event *)((const char *)notes + 8 + at);
      if ((e->body[0] & 0xF0) == 0x90 && e->frame < frames) {
        out[e->frame] += e->body[2] / 127.0f;
        if (e->body[2] == 1) p->awake = 1;
        p->remembered = e->body[1] / 127.0f;
      }
      if ((e->body[0] & 0xF0) == 0x80 && e->frame < frames) out[e->frame] -= 0.25f;
      at += (16 + e->size + 7) & ~7u;
    }
  if (is(p, "keeps"))
    for (uint32_t i = 0; i < frames; ++i) out[i] = p->remembered;
  if (p->awake || (flaw && *flaw > 0.5f)) misbehave(p, out, frames);
}
static void nothing(void *handle) {}

/* What "keeps" holds is the number of the note it played last. */
typedef int (*Store)(void *, uint32_t, const void *, size_t, uint32_t, uint32_t);
typedef const void *(*Retrieve)(void *, uint32_t, size_t *, uint32_t *, uint32_t *);
static uint32_t number(const Plugin *p, const char *uri) { return p->map->map(p->map->handle, uri); }
static int save(void *handle, Store store, void *to, uint32_t flags, const Feature *const *more) {
  Plugin *p = handle;
  return store(to, number(p, "urn:kuchi-test:last-note"), &p->remembered, sizeof(float),
               number(p, "http://lv2plug.in/ns/ext/atom#Float"), 3);
}
static int restore(void *handle, Retrieve retrieve, void *from, uint32_t flags,
                   const Feature *const *more) {
  Plugin *p = handle;
  size_t size;
  uint32_t type, own;
  const float *kept = retrieve(from, number(p, "urn:kuchi-test:last-note"), &size, &type, &own);
  if (kept && size == sizeof(float)) p->remembered = *kept;
  return 0;
}
static const struct { void *save, *restore; } state = {save, restore};
static const void *extension(const char *uri) {
  return strcmp(uri, "http://lv2plug.in/ns/ext/state#interface") ? NULL : &state;
}
static const void *none(const char *uri) { return NULL; }

static const char *const uris[] = {
  "urn:kuchi-test:pulse", "urn:kuchi-test:crash", "urn:kuchi-test:hang", "urn:kuchi-test:nan",
  "urn:kuchi-test:slow", "urn:kuchi-test:wide", "urn:kuchi-test:mono", "urn:kuchi-test:latent",
  "urn:kuchi-test:stillborn", "urn:kuchi-test:abort", "urn:kuchi-test:keeps"};

const Descriptor *lv2_descriptor(uint32_t index) {
  static Descriptor made[sizeof uris / sizeof *uris];
  if (index >= sizeof uris / sizeof *uris) return NULL;
  made[index] = (Descriptor){uris[index], instantiate, connect, activate, run, nothing, free,
                             strstr(uris[index], "keeps") ? extension : none};
  return &made[index];
}
