"""How soon after its last block has come is a hit's OSC at a socket?

Kuchi hears strikes on JACK's dummy card at 64 frames and says each as soon as it is sure, so that
nothing is waited for: what is left is the audio thread, the hop that names the hit, and the way
out. When the bytes came is the system's own stamp. The null control is JACK's own way from one
client to another.
"""

import time
from contextlib import ExitStack, closing

import numpy as np

from bench.company import hits_told, kuchi, plug, strikes, visuals
from bench.dummy_card import dummy_card, real_time_is_allowed
from bench.lateness import clicks_ns, late_ms, since_block_ms
from bench.players import Player
from bench.strike import VOID_MS, row
from bench.table import Gate, Report
from engine.errors import DeviceError

PERIOD = 64
MUST = {"p50": 0.4, "p99": 1.2}
_WHAT = "block end to socket"
_PATCH = """
cables = ["mic -> onsets -> drums -> kit -> speakers", "mic -> drums", "drums -> visuals"]
[nodes.onsets]
type = "onset-detector"
[nodes.drums]
type = "drum-classifier"
when = "sure"
sure_at = 0.5
[nodes.visuals]
type = "osc-out"
to = "127.0.0.1:{port}"
gate_ms = 20
"""


def run(quick: bool) -> Report:
    """Measure; without JACK nothing can be said."""
    question = f"How soon after its last block of {PERIOD} frames is a hit's OSC at a socket?  ms"
    count = 12 if quick else 1000
    try:
        found, null_ms = measure(count)
    except DeviceError as error:
        return Report(question, [], void=True, rule=str(error))
    figures = row(PERIOD, _WHAT, found, count)
    gates = [Gate(f"{_WHAT}: {figure}, ms", float(figures[figure]), limit)      # type: ignore
             for figure, limit in MUST.items()]
    priority = "with" if real_time_is_allowed() else "WITHOUT"
    return Report(question, [figures], void=null_ms > VOID_MS,
                  gates=gates if real_time_is_allowed() and not quick else [],
                  rule=f"from client to client JACK itself wavered by more than {VOID_MS:g} ms "
                       f"(p99 - p50, here {null_ms:.2g}): the machine was busy elsewhere",
                  notes=[f"{count} strikes at random moments of the block; {priority} real-time "
                         "priority"])


def measure(count: int) -> tuple[np.ndarray, float]:
    """Of so many strikes: ms from the end of its last block to the socket, of each that was told;
    and how JACK itself wavers, p99 - p50, ms."""
    song, places = strikes(count)
    with ExitStack() as stack:
        environment = stack.enter_context(dummy_card(PERIOD))
        singer, _, null = (
            stack.enter_context(closing(Player(name, environment["JACK_DEFAULT_SERVER"], [does])))
            for name, does in (("singer", "mouth"), ("ear", "ear"), ("null", "ear")))
        there = stack.enter_context(closing(visuals()))
        stack.enter_context(kuchi(environment, _PATCH.format(port=there.getsockname()[1])))
        plug(singer, "PortAudio.*:in_0", {"PortAudio.*:out_0": "ear:ear"})
        time.sleep(1.0)
        singer.sing(song)
        told = hits_told(there, singer)
        nulls = late_ms(singer.sung_at_ns(places), clicks_ns(null))
        return since_block_ms(told, singer), float(np.percentile(nulls, 99)
                                                   - np.percentile(nulls, 50))
