"""Keys enter the graph, from the channel that was asked for."""

from engine.events import Gesture, NoteOn
from engine.nodes.midi_in import MidiIn


def test_only_the_channel_asked_for_is_heard_and_each_note_once():
    node = MidiIn(channel=2)
    node.arrive(NoteOn(0.0, 60, 90, 1))
    node.arrive(NoteOn(0.0, 61, 90, 2))
    assert [note.note for note in node.process()] == [61]
    assert not node.process()


def test_a_reset_forgets_what_arrived():
    node = MidiIn()
    node.arrive(NoteOn(0.0, 60, 90, 1))
    node.reset()
    assert not node.process()


def test_pedals_enter_beside_notes_in_the_order_in_which_they_came():
    node = MidiIn(channel=1)
    pedal, note = Gesture(0.0, "controller", 64, 127, 1), NoteOn(0.0, 60, 90, 1)
    for event in (pedal, note, Gesture(0.0, "controller", 64, 127, 2)):
        node.arrive(event)
    assert node.process() == [pedal, note]
