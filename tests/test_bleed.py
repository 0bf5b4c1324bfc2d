"""What a looper plays, cabled to `bleed` by an audio-in of its own, is no strike of the singer."""

import numpy as np

from engine.events import Onset
from engine.graph import Graph
from engine.mouth import beat, perform
from engine.patch import parse_patch
from engine.units import SAMPLE_RATE, gain

PATCH = """
cables = ["mic -> onsets", {looper} "onsets -> drums -> daw", "mic -> drums"]
[nodes.mic]
type = "audio-in"
channel = "1"
[nodes.looper]
type = "audio-in"
channel = "2"
[nodes.onsets]
type = "onset-detector"
[nodes.drums]
type = "drum-classifier"
[nodes.daw]
type = "midi-out"
"""
LATE = round(0.03 * SAMPLE_RATE)        # from the speakers back into the microphone


def onsets_of(stereo, looper):
    cables = '"looper -> onsets.bleed",' if looper else '"looper -> level-meter",'
    graph, found = Graph(parse_patch(PATCH.format(looper=cables)), input_channels=2), []
    for place in range(0, len(stereo) - 256, 256):
        graph.hear(stereo[place:place + 256], np.zeros((256, 2), np.float32))
        found += [sent.event.time for sent in graph.take() if isinstance(sent.event, Onset)]
    return found


def test_a_looper_that_returns_on_a_second_input_is_not_played():
    loop, played = perform(beat({"b": "X...x...X...x...", "ts": "..x...x...x...x."}, 104, 6),
                           "bo", seconds=14.0)
    voice, sung = perform([(3.21 + 0.83 * k, "pf", 0.9) for k in range(12)], "aki", seconds=14.0)
    back = np.concatenate([np.zeros(LATE, np.float32), loop[:-LATE]]) * np.float32(gain(-10.0))
    stereo = np.stack([voice + back, loop], axis=1).astype(np.float32)
    deaf, told = onsets_of(stereo, looper=False), onsets_of(stereo, looper=True)

    def own(found):
        return sum(any(abs(time - strike.time) < 0.03 for time in found) for strike in sung)

    assert len(deaf) - own(deaf) > 20
    assert len(told) - own(told) < 0.25 * (len(deaf) - own(deaf))
    assert own(told) >= 10
    assert len(played) > 40
