"""The C library that knows LV2, and the one table of names that all plugins share.

Nothing here is heavy until it is asked for: a house without lilv plays all patches that host no
plugin, and says what to install for those that do.
"""

from functools import cache
from typing import Any

import cffi

from engine.errors import KuchiError

ffi = cffi.FFI()
ffi.cdef("""
typedef struct { const char *URI; void *data; } LV2_Feature;
typedef struct {
  const char *URI; void *instantiate; void *connect_port; void *activate;
  void (*run)(void *, uint32_t); void *deactivate; void *cleanup; void *extension_data;
} LV2_Descriptor;
typedef struct { const LV2_Descriptor *descriptor; void *handle; void *pimpl; } LilvInstance;
typedef struct { void *handle; uint32_t (*map)(void *, const char *); } URID_Map;
typedef struct { void *handle; const char *(*unmap)(void *, uint32_t); } URID_Unmap;
typedef struct { void *handle; void *schedule; } Schedule;
typedef struct { void *handle; char *(*a)(void *, const char *);
                 char *(*b)(void *, const char *); } Map_Path;
typedef struct { void *handle; void (*free)(void *, char *); } Free_Path;
typedef struct { int context; uint32_t subject; uint32_t key; uint32_t size; uint32_t type;
                 const void *value; } LV2_Option;
typedef struct { void *work; void *work_response; void *end_run; } Worker_Interface;

typedef void LilvWorld; typedef void LilvPlugin; typedef void LilvPlugins; typedef void LilvNode;
typedef void LilvNodes; typedef void LilvPort; typedef void LilvState; typedef void LilvScalePoint;
typedef void LilvScalePoints; typedef void LilvIter; typedef void LilvPluginClass;

void *malloc(size_t); void free(void *); char *strdup(const char *);

LilvWorld *lilv_world_new(void);
void lilv_world_load_all(LilvWorld *);
int lilv_world_load_resource(LilvWorld *, const LilvNode *);
const LilvPlugins *lilv_world_get_all_plugins(const LilvWorld *);
LilvNode *lilv_world_get(LilvWorld *, const LilvNode *, const LilvNode *, const LilvNode *);
LilvIter *lilv_plugins_begin(const LilvPlugins *);
const LilvPlugin *lilv_plugins_get(const LilvPlugins *, LilvIter *);
LilvIter *lilv_plugins_next(const LilvPlugins *, LilvIter *);
bool lilv_plugins_is_end(const LilvPlugins *, LilvIter *);
LilvNode *lilv_new_uri(LilvWorld *, const char *);
void lilv_node_free(LilvNode *);
const char *lilv_node_as_string(const LilvNode *);
float lilv_node_as_float(const LilvNode *);
bool lilv_node_is_float(const LilvNode *); bool lilv_node_is_int(const LilvNode *);
char *lilv_file_uri_parse(const char *, char **);
void lilv_free(void *);
const LilvNode *lilv_plugin_get_uri(const LilvPlugin *);
const LilvNode *lilv_plugin_get_library_uri(const LilvPlugin *);
const LilvPluginClass *lilv_plugin_get_class(const LilvPlugin *);
const LilvNode *lilv_plugin_class_get_label(const LilvPluginClass *);
LilvNode *lilv_plugin_get_name(const LilvPlugin *);
LilvNode *lilv_plugin_get_author_name(const LilvPlugin *);
LilvNodes *lilv_plugin_get_value(const LilvPlugin *, const LilvNode *);
LilvNodes *lilv_plugin_get_required_features(const LilvPlugin *);
LilvNodes *lilv_plugin_get_related(const LilvPlugin *, const LilvNode *);
bool lilv_plugin_has_feature(const LilvPlugin *, const LilvNode *);
uint32_t lilv_plugin_get_num_ports(const LilvPlugin *);
uint32_t lilv_plugin_get_latency_port_index(const LilvPlugin *);
bool lilv_plugin_has_latency(const LilvPlugin *);
const LilvPort *lilv_plugin_get_port_by_index(const LilvPlugin *, uint32_t);
LilvIter *lilv_nodes_begin(const LilvNodes *);
const LilvNode *lilv_nodes_get(const LilvNodes *, LilvIter *);
LilvIter *lilv_nodes_next(const LilvNodes *, LilvIter *);
bool lilv_nodes_is_end(const LilvNodes *, LilvIter *);
void lilv_nodes_free(LilvNodes *);
bool lilv_port_is_a(const LilvPlugin *, const LilvPort *, const LilvNode *);
bool lilv_port_has_property(const LilvPlugin *, const LilvPort *, const LilvNode *);
bool lilv_port_supports_event(const LilvPlugin *, const LilvPort *, const LilvNode *);
const LilvNode *lilv_port_get_symbol(const LilvPlugin *, const LilvPort *);
LilvNode *lilv_port_get_name(const LilvPlugin *, const LilvPort *);
LilvNode *lilv_port_get(const LilvPlugin *, const LilvPort *, const LilvNode *);
void lilv_port_get_range(const LilvPlugin *, const LilvPort *, LilvNode **, LilvNode **,
                         LilvNode **);
LilvScalePoints *lilv_port_get_scale_points(const LilvPlugin *, const LilvPort *);
LilvIter *lilv_scale_points_begin(const LilvScalePoints *);
const LilvScalePoint *lilv_scale_points_get(const LilvScalePoints *, LilvIter *);
LilvIter *lilv_scale_points_next(const LilvScalePoints *, LilvIter *);
bool lilv_scale_points_is_end(const LilvScalePoints *, LilvIter *);
void lilv_scale_points_free(LilvScalePoints *);
const LilvNode *lilv_scale_point_get_label(const LilvScalePoint *);
const LilvNode *lilv_scale_point_get_value(const LilvScalePoint *);
LilvInstance *lilv_plugin_instantiate(const LilvPlugin *, double, const LV2_Feature *const *);
void lilv_instance_free(LilvInstance *);
LilvState *lilv_state_new_from_world(LilvWorld *, URID_Map *, const LilvNode *);
LilvState *lilv_state_new_from_file(LilvWorld *, URID_Map *, const LilvNode *, const char *);
const LilvNode *lilv_state_get_plugin_uri(const LilvState *);
void lilv_state_restore(const LilvState *, LilvInstance *, void *, void *, uint32_t,
                        const LV2_Feature *const *);
void lilv_state_free(LilvState *);
LilvState *lilv_state_new_from_instance(const LilvPlugin *, LilvInstance *, URID_Map *,
    const char *, const char *, const char *, const char *, void *, void *, uint32_t,
    const LV2_Feature *const *);
int lilv_state_save(LilvWorld *, URID_Map *, URID_Unmap *, const LilvState *, const char *,
                    const char *, const char *);
""")

_names: list[Any] = [ffi.NULL]              # URID 1 is the first; each is kept, as C reads it
_numbers: dict[bytes, int] = {}


@cache
def library() -> Any:
    """Lilv, loaded once. KuchiError where it isn't installed."""
    for name in ("liblilv-0.so.0", "liblilv-0.0.dylib", "lilv-0.dll"):
        try:
            return ffi.dlopen(name)
        except OSError:
            continue
    raise KuchiError("LV2 plugins need the library lilv: install liblilv-0-0 (Debian, Ubuntu), "
                     "lilv (Fedora, Arch, Homebrew)")


@cache
def libc() -> Any:
    """The C library, whose memory plugins hand back and forth."""
    return ffi.dlopen(None)


@cache
def world() -> Any:
    """All plugins installed, read from their bundles' descriptions; no plugin's code is run."""
    made = library().lilv_world_new()
    library().lilv_world_load_all(made)
    return made


@cache
def uri(text: str) -> Any:
    """A name as lilv knows it, kept for ever."""
    return library().lilv_new_uri(world(), text.encode())


def text_of(node: Any, *, free: bool = False) -> str:
    """What a node of lilv's says; "" for none."""
    if node == ffi.NULL:
        return ""
    text = ffi.string(library().lilv_node_as_string(node)).decode(errors="replace")
    if free:
        library().lilv_node_free(node)
    return str(text)


def urid(name: str) -> int:
    """The number that stands for a name in this process."""
    return int(_map(ffi.NULL, ffi.from_buffer(name.encode() + b"\0")))


@ffi.callback("uint32_t(void *, const char *)")
def _map(_handle: Any, name: Any) -> int:
    key = ffi.string(name)
    if key not in _numbers:
        _names.append(ffi.new("char[]", key))
        _numbers[key] = len(_names) - 1
    return _numbers[key]


@ffi.callback("const char *(void *, uint32_t)")
def _unmap(_handle: Any, number: int) -> Any:
    return _names[number] if number < len(_names) else ffi.NULL


@ffi.callback("char *(void *, const char *)")
def _same_path(_handle: Any, path: Any) -> Any:
    return libc().strdup(path)


@ffi.callback("void(void *, char *)")
def _free_path(_handle: Any, path: Any) -> None:
    libc().free(path)


MAP = ffi.new("URID_Map *", {"handle": ffi.NULL, "map": _map})
UNMAP = ffi.new("URID_Unmap *", {"handle": ffi.NULL, "unmap": _unmap})
PATHS = ffi.new("Map_Path *", {"handle": ffi.NULL, "a": _same_path, "b": _same_path})
FREE = ffi.new("Free_Path *", {"handle": ffi.NULL, "free": _free_path})
