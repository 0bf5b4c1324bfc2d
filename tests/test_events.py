"""An event's line in the log says when it was heard and when it left."""

import json

from engine.events import Hit, NoteOn, Onset, Release, Sent, Skipped


def test_a_corrected_hit_points_to_the_one_it_corrects():
    row = Sent(0.524, "drums", Hit(0.5, "boots", "kick", 0.81, 0.93, corrects=0.509)).row()
    assert row == {"event": "hit", "node": "drums", "time": 0.5, "sent": 0.524, "sound": "boots",
                   "drum": "kick", "velocity": 0.81, "confidence": 0.93, "corrects": 0.509}


def test_each_kind_of_event_carries_what_programs_rely_on():
    rows = [Sent(1.0, "n", event).row() for event in (
        Onset(0.99, 21.0), NoteOn(0.98, 36, 100, 10), Release(0.9, "tss", "hihat_open"),
        Skipped(0.5, 0.25))]
    assert [row["event"] for row in rows] == ["onset", "note_on", "release", "skipped"]
    assert rows[0]["strength"] == 21.0
    assert (rows[1]["note"], rows[1]["velocity"], rows[1]["channel"]) == (36, 100, 10)
    assert all(json.loads(json.dumps(row)) == row for row in rows)
