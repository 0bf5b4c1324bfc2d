"""Early hits that are corrected, through the whole graph: told once each, and every note ended."""

import numpy as np
import pytest

from engine.events import Hit, Message, NoteOff, NoteOn
from engine.graph import Graph
from engine.mouth import beat, perform
from engine.patch import parse_patch

PATCH = """
cables = ["mic -> onsets -> drums -> kit -> speakers", "mic -> drums", "drums -> daw",
          "drums -> visuals"]
[nodes.onsets]
type = "onset-detector"
[nodes.drums]
type = "drum-classifier"
when = "early"
first_ms = 8
wait_ms = 48
[nodes.daw]
type = "midi-out"
corrected = "HOW"
[nodes.visuals]
type = "osc-out"
"""


@pytest.mark.parametrize("how", ["leave", "send anew"])
def test_a_corrected_hit_names_the_one_it_replaces_and_no_note_is_left_on(how):
    audio, _ = perform(beat({"b": "X.x.x...X...x.x.", "ts": "..x...x...x...x.",
                             "pf": "....X.......X..."}, 100, 4), "chika")
    graph, sent = Graph(parse_patch(PATCH.replace("HOW", how))), []
    for place in range(0, len(audio) - 64, 64):
        graph.hear(audio[place:place + 64, None], np.zeros((64, 2), np.float32))
        sent += graph.take()
    sent += graph.finish()
    hits = [each for each in sent if isinstance(each.event, Hit)]
    corrected = [each for each in hits if each.event.corrects is not None]
    assert corrected
    for each in corrected:
        (first,) = [other for other in hits if other.sent == each.event.corrects]
        assert first.event.time == each.event.time
        assert first.event.drum != each.event.drum
        assert first.sent < each.sent
    told = [each for each in sent if isinstance(each.event, Message)
            and each.event.address == "/kuchi/corrected"]
    assert len(told) == len(corrected)
    notes = [each.event for each in sent if isinstance(each.event, NoteOn | NoteOff)]
    began = sum(isinstance(note, NoteOn) for note in notes)
    assert began == len(hits) - (len(corrected) if how == "leave" else 0)
    assert len(notes) == 2 * began
