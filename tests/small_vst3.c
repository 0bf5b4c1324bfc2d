/* A VST3 plugin for tests: an effect with one gain, or, with -DBELL, one sample a note.
 * With -DFALL it ends the process that loads it.
 *
 * No header is needed: the few structures are VST3's, written out (C layout, 64 bit, Linux).
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef int32_t Result;
typedef uint8_t Uid[16];
enum { OK = 0, NO = 1, NOT_IMPLEMENTED = 3, KNOB = 7 };

#define UID(a, b, c, d) {                                                                        \
    (uint8_t)((a##u) >> 24), (uint8_t)((a##u) >> 16), (uint8_t)((a##u) >> 8), (uint8_t)(a##u),   \
    (uint8_t)((b##u) >> 24), (uint8_t)((b##u) >> 16), (uint8_t)((b##u) >> 8), (uint8_t)(b##u),   \
    (uint8_t)((c##u) >> 24), (uint8_t)((c##u) >> 16), (uint8_t)((c##u) >> 8), (uint8_t)(c##u),   \
    (uint8_t)((d##u) >> 24), (uint8_t)((d##u) >> 16), (uint8_t)((d##u) >> 8), (uint8_t)(d##u)}

static const Uid UNKNOWN = UID(0x00000000, 0x00000000, 0xC0000000, 0x00000046);
static const Uid BASE = UID(0x22888DDB, 0x156E45AE, 0x8358B348, 0x08190625);
static const Uid FACTORY = UID(0x7A4D811C, 0x52114A1F, 0xAED9D2EE, 0x0B43BF9F);
static const Uid FACTORY2 = UID(0x0007B650, 0xF24B4C0B, 0xA464EDB9, 0xF00B2ABB);
static const Uid COMPONENT = UID(0xE831FF31, 0xF2D54301, 0x928EBBEE, 0x25697802);
static const Uid PROCESSOR = UID(0x42043F99, 0xB7DA453C, 0xA569E79D, 0x9AAEC33D);
static const Uid CONTROLLER = UID(0xDCD7BBE3, 0x7742448D, 0xA874AACC, 0x979C759E);
static const Uid OWN = UID(0x4B756368, 0x69205465, 0x73742031, 0x20676169);
static int same(const void *a, const Uid b) { return !memcmp(a, b, 16); }

typedef struct { int32_t media, direction, channels; uint16_t name[128]; int32_t type;
                 uint32_t flags; } Bus;
typedef struct { int32_t channels; uint64_t silent; float **samples; } Buffers;
typedef struct { int32_t bus, offset; double quarter; uint16_t flags, type;
                 struct { int16_t channel, pitch; float tuning, velocity; int32_t length, id;
                          void *room; } note __attribute__((aligned(8))); } Event;
typedef struct { uint32_t id; uint16_t title[128], brief[128], unit[128]; int32_t steps;
                 double initial; int32_t group, flags; } Parameter;
typedef struct { void **v; } Object;
typedef struct { int32_t mode, size, frames, ins, outs; Buffers *in, *out; Object *changes,
                 *changed, *events, *sent; void *context; } Data;

#define CALL(object, place, returns, ...) ((returns (*)(__VA_ARGS__))((object)->v[place]))

typedef struct { void **component, **processor, **controller; double gain; } Plugin;
static Plugin *of(void *self, size_t place) { return (Plugin *)((char *)self - place); }

static Result ask(Plugin *p, const void *id, void **found) {
  *found = same(id, PROCESSOR) ? (void *)&p->processor
         : same(id, CONTROLLER) ? (void *)&p->controller
         : same(id, COMPONENT) || same(id, UNKNOWN) || same(id, BASE) ? (void *)&p->component
         : NULL;
  return *found ? OK : -1;
}
static Result ask_c(void *s, const void *id, void **o) { return ask(of(s, 0), id, o); }
static Result ask_p(void *s, const void *id, void **o) { return ask(of(s, 8), id, o); }
static Result ask_e(void *s, const void *id, void **o) { return ask(of(s, 16), id, o); }
static uint32_t hold(void *self) { return 1; }          /* it lives as long as its file */

static Result yes(void *self, ...) { return OK; }
static Result not_there(void *self, ...) { return NOT_IMPLEMENTED; }
static void word(uint16_t *to, const char *text) { while ((*to++ = (uint8_t)*text++)) {} }

static Result keep(Plugin *p, Object *stream, int write) {
  int32_t done = 0;
  Result told = CALL(stream, write ? 4 : 3, Result, Object *, void *, int32_t, int32_t *)(
      stream, &p->gain, sizeof p->gain, &done);
  return told == OK && done == sizeof p->gain ? OK : NO;
}
static Result set_state(void *s, Object *stream) { return keep(of(s, 0), stream, 0); }
static Result get_state(void *s, Object *stream) { return keep(of(s, 0), stream, 1); }
static Result follow(void *s, Object *stream) { return keep(of(s, 16), stream, 0); }

static int32_t bus_count(void *self, int32_t media, int32_t direction) {
#ifdef BELL
  return media == 0 ? direction == 1 : direction == 0;  /* sound out, events in */
#else
  return media == 0;
#endif
}
static Result bus_info(void *self, int32_t media, int32_t direction, int32_t index, Bus *bus) {
  if (index || !bus_count(self, media, direction)) return NO;
  memset(bus, 0, sizeof *bus);
  bus->media = media, bus->direction = direction, bus->channels = media ? 1 : 2, bus->flags = 1;
  word(bus->name, "Main");
  return OK;
}

static Result arrangement(void *self, int32_t direction, int32_t index, uint64_t *speakers) {
  *speakers = 3;
  return OK;
}
static Result sample_size(void *self, int32_t size) { return size == 0 ? OK : NO; }
static uint32_t none(void *self) { return 0; }

static void hear_changes(Plugin *p, Object *changes) {
  int32_t offset;
  for (int32_t k = 0; changes && k < CALL(changes, 3, int32_t, Object *)(changes); ++k) {
    Object *queue = CALL(changes, 4, Object *, Object *, int32_t)(changes, k);
    int32_t count = CALL(queue, 4, int32_t, Object *)(queue);
    if (count && CALL(queue, 3, uint32_t, Object *)(queue) == KNOB)
      CALL(queue, 5, Result, Object *, int32_t, int32_t *, double *)(queue, count - 1, &offset,
                                                                    &p->gain);
  }
}
static Result process(void *self, Data *data) {
  Plugin *p = of(self, 8);
  hear_changes(p, data->changes);
  for (int32_t c = 0; data->outs && c < data->out[0].channels; ++c)
    for (int32_t i = 0; i < data->frames; ++i)
      data->out[0].samples[c][i] =
          data->ins ? (float)(2.0 * p->gain) * data->in[0].samples[c][i] : 0.0f;
  Event event;
  for (int32_t k = 0; data->events && k < CALL(data->events, 3, int32_t, Object *)(data->events);
       ++k)
    if (!CALL(data->events, 4, Result, Object *, int32_t, Event *)(data->events, k, &event)
        && event.type == 0)
      for (int32_t c = 0; c < data->out[0].channels; ++c)
        data->out[0].samples[c][event.offset] += (float)(2.0 * p->gain);
  return OK;
}

static int32_t parameters(void *self) { return 1; }
static Result parameter(void *self, int32_t index, Parameter *p) {
  if (index) return NO;
  memset(p, 0, sizeof *p);
  word(p->title, "Gain"), word(p->brief, "Gain"), word(p->unit, "x");
  p->id = KNOB, p->initial = 0.5, p->flags = 1;
  return OK;
}
static Result text(void *self, uint32_t id, double value, uint16_t *said) {
  int whole = (int)(2000.0 * value + 0.5);
  char digits[] = {(char)('0' + whole / 1000), '.', (char)('0' + whole / 100 % 10),
                   (char)('0' + whole / 10 % 10), (char)('0' + whole % 10), 0};
  word(said, digits);
  return OK;
}
static double plain(void *self, uint32_t id, double value) { return value; }
static double normal(void *self, uint32_t id) { return of(self, 16)->gain; }
static Result set_normal(void *self, uint32_t id, double value) {
  of(self, 16)->gain = value;
  return OK;
}
static void *view(void *self, const char *kind) { return NULL; }

static void *component_v[] = {ask_c, hold, hold, yes, yes, not_there, yes, bus_count, bus_info,
                              not_there, yes, yes, set_state, get_state};
static void *processor_v[] = {ask_p, hold, hold, yes, arrangement, sample_size, none, yes, yes,
                              process, none};
static void *controller_v[] = {ask_e, hold, hold, yes, yes, follow, yes, yes, parameters,
                               parameter, text, not_there, plain, plain, normal, set_normal, yes,
                               view};

typedef struct { char vendor[64], url[256], mail[128]; int32_t flags; } Maker;
typedef struct { Uid id; int32_t copies; char category[32], name[64]; uint32_t flags;
                 char kind[128], vendor[64], version[64], sdk[64]; } Class;

static Result ask_f(void *self, const void *id, void **found) {
  *found = same(id, FACTORY) || same(id, FACTORY2) || same(id, UNKNOWN) ? self : NULL;
  return *found ? OK : -1;
}
static Result maker(void *self, Maker *m) {
  memset(m, 0, sizeof *m);
  strcpy(m->vendor, "Kuchi");
  m->flags = 1 << 4;                                    /* unicode */
  return OK;
}
static int32_t classes(void *self) { return 1; }
static Result describe(Class *c, size_t size) {
  Class all = {.copies = 0x7FFFFFFF, .category = "Audio Module Class", .vendor = "Kuchi",
               .version = "1", .sdk = "VST 3.7",
#ifdef BELL
               .name = "Kuchi test bell", .kind = "Instrument"
#else
               .name = "Kuchi test gain", .kind = "Fx"
#endif
  };
  memcpy(all.id, OWN, 16);
  memcpy(c, &all, size);
  return OK;
}
static Result class1(void *self, int32_t k, Class *c) { return describe(c, 16 + 4 + 32 + 64); }
static Result class2(void *self, int32_t k, Class *c) { return describe(c, sizeof *c); }
static Result make(void *self, const void *class_id, const void *id, void **made) {
  static Plugin all[64];
  static int count;
  *made = NULL;
  if (!same(class_id, OWN) || count == 64) return NO;
  Plugin *p = &all[count++];
  *p = (Plugin){component_v, processor_v, controller_v, 0.5};
  return ask(p, id, made);
}
static void *factory_v[] = {ask_f, hold, hold, maker, classes, class1, make, class2};
static Object factory = {factory_v};

__attribute__((visibility("default"))) void *GetPluginFactory(void) { return &factory; }
__attribute__((visibility("default"))) int ModuleEntry(void *library) {
#ifdef FALL
  *(volatile int *)8 = 1;
#endif
  return 1;
}
__attribute__((visibility("default"))) int ModuleExit(void) { return 1; }
