"""A plugin, loaded and ready: its ports joined to arrays of ours, once and for all."""

import os
import threading
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from engine.audio.lv2.lilv import FREE, MAP, PATHS, UNMAP, ffi, library, text_of, uri, urid, world
from engine.audio.lv2.plugins import MIDI_EVENT, Plugin, handle, presets
from engine.audio.lv2.work import Worker, schedule
from engine.errors import KuchiError
from engine.units import SAMPLE_RATE, SLICE, Samples

SEQUENCE = 1 << 14                          # bytes of events a slice may hold
_ATOM = "http://lv2plug.in/ns/ext/atom#"
_BUF = "http://lv2plug.in/ns/ext/buf-size#"
_EXT = "http://lv2plug.in/ns/ext/"


class Instance:
    """One sounding copy of a plugin. KuchiError where it can't be made.

    controls : float32 (ports,)          what its control ports are set to, or tell
    inputs   : float32 (channels, SLICE) what it hears, at least two
    outputs  : float32 (channels, SLICE) what it makes, at least two
    events   : uint8 (SEQUENCE,)         the sequence its notes come in; empty for every other
    told     : uint8 (n, SEQUENCE)       what its event outlets write
    """

    def __init__(self, plugin: Plugin) -> None:
        if reason := plugin.refusal():
            raise KuchiError(f"{plugin.name} can't be hosted: {reason}")
        if not os.environ.keys() & {"DISPLAY", "WAYLAND_DISPLAY"}:
            os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")    # else Qt ends the process
        self.plugin = plugin
        self._worker = Worker()
        self._features = self._give_features()
        made = library().lilv_plugin_instantiate(handle(plugin), float(SAMPLE_RATE),
                                                 self._features)
        if made == ffi.NULL:
            raise KuchiError(f"{plugin.name} can't be loaded from {plugin.binary}: "
                             "its file is broken, or it refused to start")
        self._made = made
        self._descriptor = made.descriptor
        self.address = int(ffi.cast("intptr_t", made.handle))
        self.run_address = int(ffi.cast("intptr_t", self._descriptor.run))
        self._join_ports()
        self.worker = self._find_worker()
        self._restored: list[tuple[str, float]] = []
        self._call("activate")
        self._live = [False]
        self._free = weakref.finalize(self, _let_go, self._live, made, self._descriptor,
                                      self._worker, self._kept())

    def _kept(self) -> tuple[Any, ...]:
        """What the plugin may touch until it has ended."""
        return (self._features, self._options, self.controls, self.inputs, self.outputs,
                self.events, self.told, self._unheard, self._cv)

    # -- making --------------------------------------------------------------------------------

    def _give_features(self) -> Any:
        """Everything this host offers, as LV2 wants it: a list of names and pointers."""
        self._numbers = [ffi.new("int32_t *", value) for value in (1, SLICE, 64, SEQUENCE)]
        self._rate = ffi.new("float *", float(SAMPLE_RATE))
        names = ("minBlockLength", "maxBlockLength", "nominalBlockLength", "sequenceSize")
        whole = urid(_ATOM + "Int")
        options = [(0, 0, urid(_BUF + name), 4, whole, value)
                   for name, value in zip(names, self._numbers, strict=True)]
        options.append((0, 0, urid(_EXT + "parameters#sampleRate"), 4, urid(_ATOM + "Float"),
                        self._rate))
        self._options = ffi.new("LV2_Option[]", [*options, (0, 0, 0, 0, 0, ffi.NULL)])
        self._schedule = ffi.new("Schedule *", {
            "handle": ffi.cast("void *", self._worker.address),
            "schedule": ffi.cast("void *", schedule.address)})
        given = {_EXT + "urid#map": MAP, _EXT + "urid#unmap": UNMAP,
                 _EXT + "options#options": self._options, _EXT + "worker#schedule": self._schedule,
                 _BUF + "boundedBlockLength": ffi.NULL, _EXT + "state#loadDefaultState": ffi.NULL,
                 _EXT + "state#mapPath": PATHS, _EXT + "state#freePath": FREE,
                 _EXT + "state#threadSafeRestore": ffi.NULL}
        self._texts = [ffi.new("char[]", name.encode()) for name in given]
        self._each = [ffi.new("LV2_Feature *", {"URI": text, "data": data})
                      for text, data in zip(self._texts, given.values(), strict=True)]
        return ffi.new("LV2_Feature *[]", [*self._each, ffi.NULL])

    def _join_ports(self) -> None:
        plugin = self.plugin
        hears, gives = plugin.audio(inputs=True), plugin.audio(inputs=False)
        self.controls = np.array([port.default for port in plugin.ports], np.float32)
        self.inputs: Samples = np.zeros((max(2, len(hears)), SLICE), np.float32)
        self.outputs: Samples = np.zeros((max(2, len(gives)), SLICE), np.float32)
        self._cv = np.zeros((sum(port.kind == "cv" for port in plugin.ports), SLICE), np.float32)
        outlets = [port for port in plugin.ports if port.kind == "atom" and not port.is_input]
        self.events, self._unheard = _sequence(), _sequence()
        self.told = np.zeros((len(outlets), SEQUENCE), np.uint8)
        rows: dict[str, Iterator[np.ndarray]] = {"in": iter(self.inputs), "out": iter(self.outputs),
                                                 "cv": iter(self._cv), "told": iter(self.told)}
        for port in plugin.ports:
            array: np.ndarray
            if port.kind == "audio":
                array = next(rows["in" if port.is_input else "out"])
            elif port.kind == "control":
                array = self.controls[port.index:]
            elif port.kind == "cv":
                array = next(rows["cv"])
            elif port.kind == "atom":
                array = (next(rows["told"]) if not port.is_input
                         else self.events if port == plugin.midi else self._unheard)
            else:
                continue                                # optional, and of no kind we know
            self._connect(port.index, array)

    def _connect(self, index: int, array: np.ndarray) -> None:
        connect = ffi.cast("void (*)(void *, uint32_t, void *)", self._descriptor.connect_port)
        connect(self._made.handle, index, ffi.cast("void *", array.ctypes.data))

    def _find_worker(self) -> Worker | None:
        functions = self._extension("worker#interface")
        if functions == ffi.NULL:
            return None
        self._worker.serve(self.address, ffi.cast("Worker_Interface *", functions))
        return self._worker

    def _extension(self, name: str) -> Any:
        if self._descriptor.extension_data == ffi.NULL:
            return ffi.NULL
        ask = ffi.cast("const void *(*)(const char *)", self._descriptor.extension_data)
        return ask((_EXT + name).encode())

    def _call(self, verb: str) -> None:
        function = getattr(self._descriptor, verb)
        if function != ffi.NULL:
            ffi.cast("void (*)(void *)", function)(self._made.handle)

    # -- what it is set to ---------------------------------------------------------------------

    def restore(self, what: str, folder: Path = Path()) -> dict[str, float]:
        """Take a preset, by its label or URI, or a state from a file; the controls it sets.

        Raises KuchiError where there is no such thing, or it is another plugin's.
        """
        lilv, known = library(), presets(self.plugin)
        if path := _state_file(folder / what):
            state = lilv.lilv_state_new_from_file(world(), MAP, ffi.NULL, str(path).encode())
        elif (own := known.get(what, what)) in known.values():
            state = lilv.lilv_state_new_from_world(world(), MAP, uri(own))
        else:
            there = f'it has {", ".join(known)}' if known else "it has none"
            raise KuchiError(f'{self.plugin.name} has no preset "{what}"; {there}')
        if state == ffi.NULL:
            raise KuchiError(f"{what}: is no state of a plugin that can be read")
        try:
            return self._take_state(state, what)
        finally:
            lilv.lilv_state_free(state)

    def restore_default(self) -> None:
        """The state a plugin begins with, where it wants one."""
        if self.plugin.default_state:
            state = library().lilv_state_new_from_world(world(), MAP, uri(self.plugin.uri))
            if state != ffi.NULL:
                self._take_state(state, "its default state")
                library().lilv_state_free(state)

    def save(self, folder: Path) -> bool:
        """Write its controls and all else it holds to a folder, for `restore`; may be done while
        it plays. False where it holds nothing but its controls. KuchiError where it can't be
        written.
        """
        if self._extension("state#interface") == ffi.NULL:
            return False
        kind, places = urid(_ATOM + "Float"), {p.symbol: p.index for p in self.plugin.controls}

        @ffi.callback("const void *(const char *, void *, uint32_t *, uint32_t *)")
        def value(symbol: Any, _data: Any, size: Any, own_kind: Any) -> Any:
            place = places.get(ffi.string(symbol).decode(errors="replace"))
            size[0], own_kind[0] = (4, kind) if place is not None else (0, 0)
            return ffi.NULL if place is None else ffi.cast(
                "void *", self.controls.ctypes.data + 4 * place)

        where = str(folder).encode()
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise KuchiError(f"{folder} can't be written: {error.strerror}") from None
        lilv = library()
        state = lilv.lilv_state_new_from_instance(
            handle(self.plugin), self._made, MAP, where, ffi.NULL, ffi.NULL, where, value, ffi.NULL,
            0, self._features)
        if state == ffi.NULL:
            raise KuchiError(f"{self.plugin.name} doesn't give its state")
        try:
            if lilv.lilv_state_save(world(), MAP, UNMAP, state, ffi.NULL, where, b"state.ttl"):
                raise KuchiError(f"{folder / 'state.ttl'} can't be written")
        finally:
            lilv.lilv_state_free(state)
        return True

    def _take_state(self, state: Any, what: str) -> dict[str, float]:
        owner = text_of(library().lilv_state_get_plugin_uri(state))
        if owner != self.plugin.uri:
            raise KuchiError(f"{what} is a state of {owner}, not of {self.plugin.name}")
        places = {port.symbol: port.index for port in self.plugin.controls}
        found: dict[str, float] = {}
        strange: list[str] = []

        @ffi.callback("void(const char *, void *, const void *, uint32_t, uint32_t)")
        def tell(symbol: Any, _data: Any, value: Any, size: int, kind: int) -> None:
            name = ffi.string(symbol).decode(errors="replace")
            number = _number(value, size, kind)
            if name in places and number is not None:
                self.controls[places[name]] = found[name] = number
            else:
                strange.append(name)

        library().lilv_state_restore(state, self._made, tell, ffi.NULL, 0, self._features)
        if strange:
            raise KuchiError(f"{what} is of another version of {self.plugin.name}: it sets "
                             f"{', '.join(strange)}, which this one hasn't")
        return found

    # -- running -------------------------------------------------------------------------------

    @property
    def latency(self) -> int:
        """How late its sound is, in frames, by its own account."""
        return 0 if self.plugin.latency is None else max(0, int(self.controls[self.plugin.latency]))

    def run(self, frames: int) -> None:
        """Once, from here: for trials and for warming up. Not while the audio thread runs it."""
        _empty(self.events)
        _empty(self._unheard)
        for place in self.told:
            place[:8].view(np.uint32)[:] = SEQUENCE - 8, urid(_ATOM + "Chunk")
        self._descriptor.run(self._made.handle, frames)

    def go_live(self) -> None:
        """It will be run by the audio thread, and nobody there may wait for its end."""
        self._live[0] = True
        if self.worker is not None:
            self.worker.go_live()

    def restart(self) -> None:
        """Let it forget all that it has heard; the audio thread must not run it meanwhile."""
        self._call("deactivate")
        self._call("activate")

    def restart_beside(self, then: Callable[[], None]) -> None:
        """The same in a thread of its own, since it may take its time."""
        def work() -> None:
            self.restart()
            then()
        threading.Thread(target=work, daemon=True).start()

    def close(self) -> None:
        """End it now."""
        self._free()


def _let_go(live: list[bool], *parts: Any) -> None:
    """When nothing runs it any more: at once, or, live, in a thread of its own."""
    if live[0]:
        threading.Thread(target=_end, args=parts, daemon=True).start()
    else:
        _end(*parts)


def _end(made: Any, descriptor: Any, worker: Worker, _kept: tuple[Any, ...]) -> None:
    """Let a plugin go; `_kept` is what it may touch until it is gone."""
    worker.close()
    if descriptor.deactivate != ffi.NULL:
        ffi.cast("void (*)(void *)", descriptor.deactivate)(made.handle)
    library().lilv_instance_free(made)


def _sequence() -> np.ndarray:
    """An empty sequence of events, as an atom."""
    made = np.zeros(SEQUENCE, np.uint8)
    _empty(made)
    return made


def _empty(sequence: np.ndarray) -> None:
    sequence[:16].view(np.uint32)[:] = 8, urid(_ATOM + "Sequence"), 0, 0


def _number(value: Any, size: int, kind: int) -> float | None:
    """A port's value in a state, whatever type it was written with."""
    for name, c_type in (("Float", "float"), ("Int", "int32_t"), ("Bool", "int32_t"),
                         ("Double", "double"), ("Long", "int64_t")):
        if kind == urid(_ATOM + name) and size == ffi.sizeof(c_type):
            return float(ffi.cast(f"{c_type} *", value)[0])
    return None


def _state_file(path: Path) -> Path | None:
    """A state's file, or the one in a state's folder."""
    if path.is_dir():
        path = path / "state.ttl"
    return path if path.suffix == ".ttl" and path.is_file() else None


NUMBERS = {"sequence": _ATOM + "Sequence", "chunk": _ATOM + "Chunk", "midi": MIDI_EVENT}
"""The names whose numbers the audio thread writes."""
