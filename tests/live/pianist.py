"""A pianist on JACK: a patch as it comes, a client that plays into its keys, and what came back."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import jack

from bench.concert import Concert
from bench.players import Note, Player
from engine.devices.files import read_midi, write_midi
from engine.events import NoteOff, NoteOn, Sent

Wait = Callable[..., None]


@contextmanager
def recital(server: str, patch: str, eventually: Wait, log: Path | None = None
            ) -> Iterator[tuple[Concert, Player]]:
    """The patch plays, and a pianist is plugged into its keys."""
    with Concert(server, [patch], ports=("Kuchi melody",), log=log) as concert:
        pianist = Player("pianist", server, ["hand"])
        try:
            concert.begin(eventually)
            eventually(lambda: plug(pianist, "pianist:hand", ":Kuchi keys"), "a keyboard", 30)
            yield concert, pianist
        finally:
            pianist.close()


def plug(player: Player, source: str, target: str) -> bool:
    """A cable between two ports, each known by the end of its name."""
    found = [[port for port in player.client.get_ports(is_midi=True) if port.name.endswith(name)]
             for name in (source, target)]
    if not all(found):
        return False
    try:
        player.client.connect(found[0][0], found[1][-1])
    except jack.JackErrorCode:
        return any(port.name == found[1][-1].name
                   for port in player.client.get_all_connections(found[0][0]))
    return True


def play_file(pianist: Player, path: Path) -> None:
    """Every note of a MIDI file at its time."""
    begun = time.monotonic()
    for event in read_midi(path):
        if isinstance(event, NoteOn | NoteOff):
            time.sleep(max(0.0, begun + event.time - time.monotonic()))
            loud = event.velocity if isinstance(event, NoteOn) else 0
            pianist.touch(0x90 if loud else 0x80, event.note, loud)


def a_call(path: Path, beat_s: float,
           notes: tuple[int, ...] = (60, 64, 67, 65, 64, 62, 60)) -> Path:
    """A MIDI file of notes, a beat apart."""
    sent = []
    for place, note in enumerate(notes):
        start = place * beat_s
        sent += [Sent(start, "call", NoteOn(start, note, 90, 1)),
                 Sent(start + 0.8 * beat_s, "call", NoteOff(start, note, 64, 1))]
    write_midi(path, sent)
    return path


def never_twice(messages: list[Note]) -> bool:
    """Did every note begin only where it had ended, and end only once?"""
    held: set[tuple[int, int]] = set()
    for message in messages:
        key = (message.status & 0x0F, message.note)
        if message.is_on == (key in held) and (message.is_on or message.is_off):
            return False
        (held.add if message.is_on else held.discard)(key)
    return True
