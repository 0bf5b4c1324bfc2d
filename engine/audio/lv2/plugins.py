"""What plugins there are, and what each says of itself: ports, parameters, presets, needs.

All of it is read from descriptions; no plugin's code is run here.
"""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any, Literal

from engine.audio.lv2.lilv import ffi, library, text_of, uri, world
from engine.errors import DeviceError
from engine.units import SAMPLE_RATE

_CORE = "http://lv2plug.in/ns/lv2core#"
_EXT = "http://lv2plug.in/ns/ext/"
_UNITS = "http://lv2plug.in/ns/extensions/units#"
MIDI_EVENT = _EXT + "midi#MidiEvent"
_STATE = _EXT + "state#"

KNOWN_FEATURES = frozenset((
    _EXT + "urid#map", _EXT + "urid#unmap", _EXT + "options#options", _EXT + "worker#schedule",
    _EXT + "buf-size#boundedBlockLength", _STATE + "loadDefaultState", _STATE + "mapPath",
    _STATE + "freePath", _STATE + "makePath", _STATE + "threadSafeRestore",
    _CORE + "hardRTCapable", _CORE + "isLive", _CORE + "inPlaceBroken"))
"""What this host gives or is fine with; a plugin that needs more is refused by name."""

Kind = Literal["audio", "control", "atom", "cv", "unknown"]


@dataclass(frozen=True, slots=True)
class PluginPort:
    """One port, by its number; `values` are its scale points, label -> value."""

    index: int
    symbol: str
    name: str
    kind: Kind
    is_input: bool
    midi: bool = False
    default: float = 0.0
    low: float | None = None
    high: float | None = None
    unit: str = ""
    whole: bool = False
    toggled: bool = False
    values: tuple[tuple[str, float], ...] = ()
    optional: bool = False


@dataclass(frozen=True)
class Plugin:
    """A plugin as its description has it.

    version : changes when its file does
    latency : the number of the port that tells its delay in frames, or None
    """

    uri: str
    name: str
    author: str
    about: str
    binary: str
    version: str
    ports: tuple[PluginPort, ...]
    needs: tuple[str, ...]
    latency: int | None
    default_state: bool

    def audio(self, *, inputs: bool) -> tuple[PluginPort, ...]:
        """Its audio ports, in order."""
        return tuple(p for p in self.ports if p.kind == "audio" and p.is_input == inputs)

    @property
    def controls(self) -> tuple[PluginPort, ...]:
        """What can be set."""
        return tuple(p for p in self.ports if p.kind == "control" and p.is_input)

    @property
    def midi(self) -> PluginPort | None:
        """Where notes go in."""
        return next((p for p in self.ports if p.midi and p.is_input), None)

    def refusal(self) -> str:
        """Why this host can't run it, in words; "" where it can."""
        if lacking := [need for need in self.needs if need not in KNOWN_FEATURES]:
            return f"it needs {', '.join(lacking)}, which Kuchi doesn't give"
        if not self.audio(inputs=False):
            return "no audio comes out of it; Kuchi hosts plugins that sound"
        strange = [p for p in self.ports if p.kind == "unknown" and not p.optional]
        if strange:
            return f'its port "{strange[0].symbol}" is of a kind Kuchi does not know'
        if self.binary and not Path(self.binary).exists():
            return f"its file {self.binary} is missing"
        return ""


def installed() -> dict[str, str]:
    """Every plugin's URI -> its name, in order of names."""
    return dict(sorted(_handles_and_names()[1].items(), key=lambda item: item[1].casefold()))


@cache
def _handles_and_names() -> tuple[dict[str, Any], dict[str, str]]:
    lilv, handles, names = library(), {}, {}
    found = lilv.lilv_world_get_all_plugins(world())
    place = lilv.lilv_plugins_begin(found)
    while not lilv.lilv_plugins_is_end(found, place):
        plugin = lilv.lilv_plugins_get(found, place)
        name = text_of(lilv.lilv_plugin_get_uri(plugin))
        handles[name] = plugin
        names[name] = text_of(lilv.lilv_plugin_get_name(plugin), free=True) or name
        place = lilv.lilv_plugins_next(found, place)
    return handles, names


def handle(plugin: Plugin) -> Any:
    """Lilv's own handle for a plugin."""
    return _handles_and_names()[0][plugin.uri]


@cache
def find(wanted: str) -> Plugin:
    """A plugin by its URI, or by part of its name or URI. DeviceError tells what is near."""
    names = installed()
    if wanted in names:
        return _read(wanted)
    exact = [own for own, name in names.items()
             if name.casefold() == wanted.casefold() or own.endswith((f"/{wanted}", f":{wanted}"))]
    part = exact or [own for own, name in names.items()
                     if wanted.strip() and wanted.casefold() in f"{name} {own}".casefold()]
    if len(part) == 1:
        return _read(part[0])
    if part:
        shown = ", ".join(f'"{names[own]}"' for own in part[:6]) + (", …" * (len(part) > 6))
        raise DeviceError(f'"{wanted}" could be any of {shown}: write more of its name, or its URI')
    near = get_close_matches(wanted, [*names.values(), *names], n=1, cutoff=0.5)
    hint = f'did you mean "{near[0]}"?' if near else "`kuchi plugins list` names what is installed"
    raise DeviceError(f'no LV2 plugin "{wanted}" is installed; {hint}')


def _read(own: str) -> Plugin:
    lilv, plugin = library(), _handles_and_names()[0][own]
    file = text_of(lilv.lilv_plugin_get_library_uri(plugin))
    path = re.sub("^file://", "", file)
    count = lilv.lilv_plugin_get_num_ports(plugin)
    ports = tuple(_port(plugin, lilv.lilv_plugin_get_port_by_index(plugin, i), i)
                  for i in range(count))
    latency = (lilv.lilv_plugin_get_latency_port_index(plugin)
               if lilv.lilv_plugin_has_latency(plugin) else None)
    return Plugin(
        uri=own, name=_handles_and_names()[1][own],
        author=text_of(lilv.lilv_plugin_get_author_name(plugin), free=True),
        about=text_of(lilv.lilv_plugin_class_get_label(lilv.lilv_plugin_get_class(plugin))),
        binary=path, version=_version(Path(path)), ports=ports,
        needs=tuple(_texts(lilv.lilv_plugin_get_required_features(plugin))),
        latency=latency,
        default_state=bool(lilv.lilv_plugin_has_feature(plugin, uri(_STATE + "loadDefaultState"))))


def _version(path: Path) -> str:
    try:
        found = path.stat()
    except OSError:
        return "missing"
    return f"{found.st_size:x}-{found.st_mtime_ns:x}"


def _port(plugin: Any, port: Any, index: int) -> PluginPort:
    lilv = library()

    def is_a(kind: str) -> bool:
        return bool(lilv.lilv_port_is_a(plugin, port, uri(kind)))

    def has(name: str) -> bool:
        return bool(lilv.lilv_port_has_property(plugin, port, uri(name)))

    kinds: dict[str, Kind] = {_CORE + "AudioPort": "audio", _CORE + "ControlPort": "control",
                              _EXT + "atom#AtomPort": "atom", _CORE + "CVPort": "cv"}
    kind: Kind = next((kind for name, kind in kinds.items() if is_a(name)), "unknown")
    low, high, default = _range(plugin, port, has(_CORE + "sampleRate"))
    values = tuple(_scale_points(plugin, port)) if kind == "control" else ()
    return PluginPort(
        index, text_of(lilv.lilv_port_get_symbol(plugin, port)),
        text_of(lilv.lilv_port_get_name(plugin, port), free=True), kind,
        is_a(_CORE + "InputPort"),
        midi=bool(lilv.lilv_port_supports_event(plugin, port, uri(MIDI_EVENT))),
        default=default, low=low, high=high, unit=_unit(plugin, port),
        whole=has(_CORE + "integer"), toggled=has(_CORE + "toggled"),
        values=values if has(_CORE + "enumeration") else (),
        optional=has(_CORE + "connectionOptional"))


def _range(plugin: Any, port: Any, in_rates: bool) -> tuple[float | None, float | None, float]:
    """Low, high and default; a default that lies outside widens the range."""
    places = ffi.new("LilvNode *[3]")
    library().lilv_port_get_range(plugin, port, places, places + 1, places + 2)
    default, low, high = (_number(node) for node in places)
    if in_rates:
        low, high = (None if end is None else end * SAMPLE_RATE for end in (low, high))
    if default is None:
        default = low if low is not None else 0.0
    if low is not None and high is not None:
        low, high = min(low, high, default), max(low, high, default)
    return low, high, default


def _number(node: Any) -> float | None:
    if node == ffi.NULL:
        return None
    value = float(library().lilv_node_as_float(node))
    library().lilv_node_free(node)
    return value if math.isfinite(value) else None


def _scale_points(plugin: Any, port: Any) -> Iterator[tuple[str, float]]:
    lilv, seen = library(), set()
    points = lilv.lilv_port_get_scale_points(plugin, port)
    if points == ffi.NULL:
        return
    found = []
    place = lilv.lilv_scale_points_begin(points)
    while not lilv.lilv_scale_points_is_end(points, place):
        point = lilv.lilv_scale_points_get(points, place)
        found.append((float(lilv.lilv_node_as_float(lilv.lilv_scale_point_get_value(point))),
                      text_of(lilv.lilv_scale_point_get_label(point))))
        place = lilv.lilv_scale_points_next(points, place)
    lilv.lilv_scale_points_free(points)
    for value, label in sorted(found):
        if label not in seen:
            seen.add(label)
            yield label, value


def _unit(plugin: Any, port: Any) -> str:
    node = library().lilv_port_get(plugin, port, uri(_UNITS + "unit"))
    name = text_of(node, free=True).rpartition("#")[2] if node != ffi.NULL else ""
    return {"db": "dB", "hz": "Hz", "khz": "kHz", "pc": "%", "coef": "", "frame": "frames",
            "semitone12TET": "semitones", "midiNote": "", "min": "minutes"}.get(name, name)


def _texts(nodes: Any) -> Iterator[str]:
    lilv = library()
    place = lilv.lilv_nodes_begin(nodes)
    while not lilv.lilv_nodes_is_end(nodes, place):
        yield text_of(lilv.lilv_nodes_get(nodes, place))
        place = lilv.lilv_nodes_next(nodes, place)
    lilv.lilv_nodes_free(nodes)


@cache
def presets(plugin: Plugin) -> dict[str, str]:
    """The presets that are installed for a plugin: label -> URI."""
    lilv, found = library(), {}
    kind = uri("http://lv2plug.in/ns/ext/presets#Preset")
    for own in _texts(lilv.lilv_plugin_get_related(handle(plugin), kind)):
        node = uri(own)
        lilv.lilv_world_load_resource(world(), node)
        label = lilv.lilv_world_get(world(), node,
                                    uri("http://www.w3.org/2000/01/rdf-schema#label"), ffi.NULL)
        found[text_of(label, free=True) or own] = own
    return found
