"""Which card is meant, and what is said where there is none."""

import json
from dataclasses import replace

import pytest
from click.testing import CliRunner

from engine.commands.devices import command
from engine.devices import sound_cards
from engine.devices.sound_cards import Device, as_data, choose, list_devices
from engine.errors import DeviceError

JACK, ALSA = "JACK Audio Connection Kit", "ALSA"
SYSTEM = Device(0, "system", JACK, 2, 2, 48_000, 0.0013, 0.0027, True, True)
BUILT_IN = Device(1, "HDA Intel: ALC257 (hw:0,0)", ALSA, 2, 2, 44_100, 0.008, 0.008)
SCARLETT = Device(2, "Scarlett 2i2 USB (hw:1,0)", ALSA, 2, 2, 44_100, 0.008, 0.008)
MICROPHONE = Device(3, "Microphone (Yeti)", "Windows WASAPI", 2, 0, 48_000, 0.003, 0.0)
SPEAKERS = Device(4, "Speakers (Yeti)", "Windows WASAPI", 0, 2, 48_000, 0.0, 0.003)
SLOW_SPEAKERS = Device(5, "Speakers (Yeti)", "MME", 0, 2, 44_100, 0.0, 0.09)
CARDS = [SYSTEM, BUILT_IN, SCARLETT, MICROPHONE, SPEAKERS, SLOW_SPEAKERS]


@pytest.mark.parametrize(("wanted", "card"), [
    ("", SYSTEM), ("  ", SYSTEM), ("scarlett", SCARLETT), ("2i2 alsa", SCARLETT),
    ("Scarlett 2i2 USB (hw:1,0), ALSA", SCARLETT), ("jack", SYSTEM), ("alsa", BUILT_IN)])
def test_a_card_is_named_by_any_part_of_its_name_and_driver(wanted, card):
    assert choose(CARDS, wanted) == (card, card)


def test_one_device_for_both_is_taken_before_two():
    both = replace(SPEAKERS, number=6, name="Yeti", inputs=2)
    assert choose([*CARDS, both], "yeti") == (both, both)


def test_a_card_that_shows_its_sides_apart_is_put_together_within_one_driver():
    assert choose(CARDS, "yeti") == (MICROPHONE, SPEAKERS)


@pytest.mark.parametrize(("card", "expected"), [(MICROPHONE, (MICROPHONE, None)),
                                                (SPEAKERS, (None, SPEAKERS))])
def test_a_card_with_only_one_side_is_enough(card, expected):
    assert choose([SYSTEM, card], "yeti") == expected


def test_a_missing_card_is_told_with_those_that_are_connected():
    with pytest.raises(DeviceError, match=r'no sound card contains "rme".*connected: system, JACK.*'
                                          r'Scarlett 2i2'):
        choose(CARDS, "rme")
    with pytest.raises(DeviceError, match="connected: nothing"):
        choose([], "rme")
    with pytest.raises(DeviceError, match="this computer has no sound card"):
        choose([])


def test_another_rate_is_told_with_where_to_set_it():
    with pytest.raises(DeviceError, match=r"system, JACK.* runs at 44100 Hz; Kuchi needs 48000: "
                                          "set it in the JACK server's settings"):
        replace(SYSTEM, rate=44_100).check_rate()


def test_a_rate_that_is_only_a_suggestion_is_no_mistake():
    SYSTEM.check_rate()
    SCARLETT.check_rate()                   # ALSA names 44100 for whatever can do more


def test_the_driver_that_is_quickest_is_the_default_one():
    jack = {"name": JACK, "devices": [3], "default_input_device": 3, "default_output_device": 3}
    alsa = {"name": ALSA, "devices": [0], "default_input_device": 0, "default_output_device": 0}
    assert sound_cards._host_api([alsa, jack], 0) is jack
    assert sound_cards._host_api([alsa, {**jack, "devices": []}], 0) is alsa
    assert sound_cards._host_api([], -1)["default_input_device"] == -1


def listing(answer: str) -> str:
    return f"import os; os.write(1, {answer.encode()!r}); os._exit(0)"


def test_devices_are_listed_by_a_process_that_is_thrown_away(monkeypatch):
    found = "a driver's chatter\n" + json.dumps(as_data(CARDS))
    monkeypatch.setattr(sound_cards, "_LOOK", listing(found))
    assert list_devices() == CARDS


def test_a_driver_that_hangs_while_it_is_asked_is_given_up(monkeypatch):
    monkeypatch.setattr(sound_cards, "_LOOK", "import time; time.sleep(60)")
    monkeypatch.setattr(sound_cards, "_LOOK_S", 0.2)
    with pytest.raises(DeviceError, match="give no answer"):
        list_devices()


@pytest.mark.parametrize("look", ["raise SystemExit(1)", "import os; os.abort()", "pass"])
def test_a_driver_that_falls_takes_only_the_thrown_away_process_with_it(monkeypatch, look):
    monkeypatch.setattr(sound_cards, "_LOOK", look)
    with pytest.raises(DeviceError, match="give no answer"):
        list_devices()


def test_a_missing_portaudio_is_told_as_such(monkeypatch):
    monkeypatch.setattr(sound_cards, "_LOOK", listing('"PortAudio isn\'t installed"'))
    with pytest.raises(DeviceError, match="PortAudio isn't installed"):
        list_devices()


def test_the_command_lists_cards_by_driver_with_the_default_marked(monkeypatch):
    monkeypatch.setattr(sound_cards, "_LOOK", listing(json.dumps(as_data(
        [replace(SYSTEM, rate=44_100), SCARLETT, MICROPHONE]))))
    said = CliRunner().invoke(command).output.splitlines()
    assert said[0] == JACK
    assert said[1].split() == ["system", "✓", "2", "in,", "1.3", "ms", "✓", "2", "out,", "2.7",
                               "ms", "44100", "Hz:", "Kuchi", "needs", "48000:", "set", "it", "in",
                               "the", "JACK", "server's", "settings"]
    assert said[2] == ALSA
    assert "✓" not in said[3]
    assert said[5].endswith("48000 Hz")


def test_the_command_tells_the_same_as_json(monkeypatch):
    monkeypatch.setattr(sound_cards, "_LOOK", listing(json.dumps(as_data(CARDS))))
    done = CliRunner().invoke(command, ["--json"])
    assert [Device(**card) for card in json.loads(done.output)] == CARDS
    assert done.exit_code == 0


def test_a_computer_without_a_card_is_told_in_words_and_leaves_with_3(monkeypatch):
    monkeypatch.setattr(sound_cards, "_LOOK", listing("[]"))
    done = CliRunner().invoke(command)
    assert isinstance(done.exception, DeviceError)
    assert "no sound card" in str(done.exception)
    assert DeviceError.exit_code == 3
    as_json = CliRunner().invoke(command, ["--json"])
    assert (as_json.output.strip(), as_json.exit_code) == ("[]", 3)


def test_a_process_may_look_again_as_often_as_it_likes():
    try:
        before = sound_cards.scan()
    except DeviceError:
        pytest.skip("PortAudio isn't installed")
    for _ in range(3):
        sound_cards.look_again()
    assert sound_cards.scan() == before
