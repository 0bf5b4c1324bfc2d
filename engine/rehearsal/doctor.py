"""What a technician would say about this computer before the gig.

Measurements in, findings out: each says in one sentence how things are, and, where they aren't
well, exactly what to do. Nothing is measured here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from engine.rehearsal.loopback import Loop

State = Literal["ok", "look", "mend"]

_GOOD_MS, _BAD_MS = 1.0, 5.0        # a wake-up this late at most: unfelt; felt
_READY_S = 3.0
_SHARE = 0.5                        # of a hop's time that hearing it may take
_MEMORY_MB = 1_000.0                # all of Kuchi's processes, and some air
_HOUR_GB = 1.04                     # input and output of an hour, 16 bit, 48 kHz
_NEEDED_H, _BARE_H = 4.0, 1.0
_QUIET_DB = -60.0                   # three seconds below this: nobody spoke, or no microphone
_SAVING = ("powersave", "conservative")

ALLOW_REAL_TIME = """\
put these two lines into /etc/security/limits.d/95-audio.conf:
    @audio - rtprio 95
    @audio - memlock unlimited
then `sudo usermod -aG audio $USER`, and log out and in. Or install rtkit (Debian and Ubuntu: \
apt install rtkit). Started by systemd: LimitRTPRIO=95 in its unit."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    state  : "ok", "look" (may do harm) or "mend" (will)
    words  : how it is
    mend   : what to do; empty where it is ok
    values : what was measured, for other programs
    """

    about: str
    state: State
    words: str
    mend: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)


def loop(device: str, found: "Loop | None", about: str = "speakers to microphone") -> Finding:
    """What was measured with this card, or with this MIDI port from its output to its input."""
    if found is None:
        return Finding(about, "ok", f"Never measured with {device}: `kuchi bench loopback` does, "
                                    "with the microphone at the speakers.")
    words = (f"{device}: {found.p50_ms:.1f} ms, 99 of 100 within {found.p99_ms:.1f}, jitter "
             f"{found.jitter_ms:.2f} (measured {found.date[:10]}).")
    return Finding(about, "ok", words, values={
        "p50_ms": found.p50_ms, "p95_ms": found.p95_ms, "p99_ms": found.p99_ms,
        "jitter_ms": found.jitter_ms})


def sound_cards(found: Sequence[Mapping[str, Any]] | str) -> Finding:
    """The cards as `sound_cards.as_data` tells them, with `advice` where one doesn't fit us."""
    about = "sound cards"
    if isinstance(found, str):
        install = "isn't installed" in found
        return Finding(about, "mend", _sentence(found), "install it as said, then start again."
                       if install else "unplug the card, restart the sound server, look again.")
    if not found:
        return Finding(about, "mend", "No sound card is connected, or no driver shows it.",
                       "plug the interface in and look at `kuchi devices`; in a container or "
                       "over SSH start JACK first.")
    apis = list(dict.fromkeys(card["host_api"] for card in found))
    values = {"cards": len(found), "apis": apis}
    used = [card for card in found if card["default_input"] or card["default_output"]]
    if not any(card["inputs"] for card in found):
        return Finding(about, "mend", f"No card has an input ({_names(found)}).",
                       "connect an interface with a microphone input.", values)
    ill = next((card for card in used if card.get("advice")), None)
    if ill:
        return Finding(about, "mend", _sentence(ill["advice"]), "set it there, then look again.",
                       values)
    if not used:
        return Finding(about, "look", f"No card is the default; there are {_names(found)}.",
                       'name yours in the rig: [audio] device = "part of its name".', values)
    return Finding(about, "ok", f"Used where none is named: {_cards(used)}. "
                   f"{len(found)} in all, by {', '.join(apis)}.", values=values)


def _names(cards: Sequence[Mapping[str, Any]]) -> str:
    return ", ".join(dict.fromkeys(f"{card['name']}, {card['host_api']}" for card in cards))


def _cards(cards: Sequence[Mapping[str, Any]]) -> str:
    return " and ".join(f"{card['name']}, {card['host_api']} ({card['inputs']} in, "
                        f"{card['outputs']} out, {card['rate']} Hz)" for card in cards)


def midi(found: Mapping[str, Any] | str, system: str) -> Finding:
    """api, inputs and outputs of the sequencer, or why there is none."""
    if isinstance(found, str):
        mends = {"linux": "load it with `sudo modprobe snd-seq`, or start JACK or PipeWire.",
                 "win32": "install the MIDI driver of your interface.",
                 "darwin": "open Audio MIDI Setup once and look at its MIDI studio."}
        return Finding("MIDI", "look", f"{_sentence(found)} Notes go into a .mid file only.",
                       mends.get(system, "install a MIDI driver."))
    values = dict(found)
    count = f"{found['api']}: {len(found['outputs'])} ports to play, {len(found['inputs'])} to hear"
    if system == "win32" and not found["outputs"]:
        return Finding("MIDI", "mend", f"{count}. Windows has no virtual ports.",
                       'install loopMIDI and make a port named "Kuchi drums" there.', values)
    names = ", ".join([*found["outputs"], *found["inputs"]][:4])
    return Finding("MIDI", "ok", f"{count}{f' ({names})' if names else ''}; virtual ports can be "
                   "made." if system != "win32" else f"{count} ({names}).", values=values)


def priority(words: str, real_time: bool, asked: bool) -> Finding:
    """May our threads go before others? `words` are the system's answer."""
    state: State = "ok" if real_time or not asked else "look"
    return Finding("priority", state, words.partition(":")[0].rstrip(".") + ".",
                   ALLOW_REAL_TIME if state == "look" else "", {"real_time": real_time})


def wake_ups(p50_ms: float, p99_ms: float, max_ms: float) -> Finding:
    """How late a timer of 1 ms wakes us, over two seconds."""
    values = {"p50_ms": p50_ms, "p99_ms": p99_ms, "max_ms": max_ms}
    words = f"A 1 ms timer wakes {p50_ms:.2f} ms late as a rule, {p99_ms:.2f} ms once in a hundred."
    if p99_ms <= _GOOD_MS:
        return Finding("wake-ups", "ok", words, values=values)
    return Finding("wake-ups", "mend" if p99_ms > _BAD_MS else "look", words,
                   "allow real time (above), close browsers and other busy programs, plug the "
                   "charger in.", values)


def warm_up(imports_s: float, model_s: float, kernels_s: float, hop_ms: float,
            period_ms: float) -> Finding:
    """How long until Kuchi is ready, and what 99 of 100 hops take, of the time there is."""
    total = imports_s + model_s + kernels_s
    values = {"imports_s": imports_s, "model_s": model_s, "kernels_s": kernels_s,
              "hop_ms": hop_ms}
    words = (f"Ready in {total:.1f} s: libraries {imports_s:.1f}, model {model_s:.1f}, kernels "
             f"{kernels_s:.1f}. A hop of {period_ms:.2f} ms takes {hop_ms:.2f} ms to hear.")
    if hop_ms > _SHARE * period_ms:
        return Finding("warm-up", "mend", words, "close other programs: this processor is busy, or "
                       "too slow.", values)
    if total > _READY_S:
        return Finding("warm-up", "look", words, "a first start compiles and a second is quick. If "
                       "every start is slow, set NUMBA_CACHE_DIR to a folder that can be written.",
                       values)
    return Finding("warm-up", "ok", words, values=values)


def microphone(found: Mapping[str, Any] | str) -> list[Finding]:
    """device, peak_db (None: exact zeros) and mends of a few seconds of input, or why none."""
    about = "microphone"
    if isinstance(found, str):
        return [Finding(about, "mend", _sentence(found), "quit the program that holds it (see "
                        "below), plug it in again, and look at `kuchi devices`.")]
    peak_db, values = found["peak_db"], {"device": found["device"], "peak_db": found["peak_db"]}
    if found["mends"]:
        return [Finding(about, "mend", words.partition(":")[0].rstrip(".") + ".",
                        words.partition(":")[2].strip() or "see docs/stage.md.", values)
                for words in found["mends"]]
    words = f"{found['device']} hears you, {peak_db:.0f} dB at most, and nothing is wrong with it."
    if peak_db < _QUIET_DB:
        return [Finding(about, "look", f"{found['device']} is very quiet: {peak_db:.0f} dB at "
                        "most.", "speak while the doctor listens; then gain, phantom power "
                        "(+48 V), cable, channel.", values)]
    return [Finding(about, "ok", words, values=values)]


def holders(servers: Sequence[str], others: Sequence[tuple[str, int, str]]) -> Finding:
    """Who has the sound card: sound servers by name, others as (name, pid, device)."""
    values = {"servers": list(servers), "others": [list(other) for other in others]}
    run = f"Sound server: {' and '.join(servers)}" if servers else "No sound server"
    if others:
        held = ", ".join(f"{name} (process {pid}) has {device}" for name, pid, device in others)
        return Finding("who holds it", "look", f"{run}; {held}.",
                       "quit it before the gig, or let both use JACK or PipeWire.", values)
    if "pulseaudio" in servers and not {"jackd", "jackdbus", "pipewire"} & {*servers}:
        return Finding("who holds it", "look", f"{run}, which adds its own delay.",
                       "play under JACK or PipeWire, or start `pasuspender -- kuchi run`.", values)
    return Finding("who holds it", "ok", f"{run}; no other program holds a card.", values=values)


def power(on_battery: bool | None, percent: int | None, governors: Sequence[str]) -> Finding:
    """Charger and power saving; None where the system doesn't tell."""
    values = {"on_battery": on_battery, "percent": percent, "governors": list(governors)}
    if on_battery:
        return Finding("power", "mend", f"On battery, {percent} % left: the processor slows down "
                       "when it likes.", "plug the charger in.", values)
    saving = [governor for governor in governors if governor in _SAVING]
    if saving:
        return Finding("power", "look", f"The processor saves power ({saving[0]}).",
                       "`sudo cpupower frequency-set -g performance`, or the desktop's "
                       "performance mode.", values)
    words = {False: "The charger is in.", None: "No battery is seen here."}[on_battery]
    return Finding("power", "ok", words, values=values)


def memory(available_mb: float) -> Finding:
    """What other programs have left."""
    state: State = "ok" if available_mb >= _MEMORY_MB else "mend"
    return Finding("memory", state, f"{available_mb / 1000:.1f} GB are free.",
                   "" if state == "ok" else "close other programs: Kuchi needs 1 GB to be safe "
                   "from swapping.", {"available_mb": available_mb})


def disk(free_gb: float, folder: str) -> Finding:
    """How many hours of recording there is room for."""
    hours = free_gb / _HOUR_GB
    state: State = "ok" if hours >= _NEEDED_H else "look" if hours >= _BARE_H else "mend"
    return Finding("disk", state, f"{free_gb:.1f} GB are free at {folder}: {hours:.0f} hours of "
                   "recording.", "" if state == "ok" else "make room, or record elsewhere.",
                   {"free_gb": free_gb})


def rig(path: str, mistakes: Sequence[str] | None) -> Finding:
    """The performer's own settings: None where there are none yet."""
    if mistakes is None:
        return Finding("rig", "look", f"There is no {path} yet.", "run `kuchi soundcheck`.")
    if mistakes:
        return Finding("rig", "mend", f"The rig {path} has mistakes: {'; '.join(mistakes)}.",
                       "correct them there; `kuchi run` won't start with it.")
    return Finding("rig", "ok", f"The rig {path} is without mistake.")


def unknown(about: str, why: str) -> Finding:
    """What couldn't be found out."""
    return Finding(about, "look", _sentence(why), "run `kuchi doctor` again; if it stays, that "
                   "part of the system hangs: restart the computer.")


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:].rstrip(".") + "."
