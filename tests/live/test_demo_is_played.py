"""Where a sound device can be opened, the demo is heard."""

import subprocess
import sys
import time

import numpy as np
import pytest
import soundfile

pytestmark = pytest.mark.live


def test_the_demo_is_played_and_what_is_heard_is_what_was_kept(jack_server, tmp_path):
    from bench.jack_client import Client
    listener = Client("listener", jack_server)
    ear = listener.inports.register("ear")
    heard: list[np.ndarray] = []

    @listener.set_process_callback
    def process(frames: int) -> None:
        heard.append(ear.get_array().copy())

    with listener:
        demo = subprocess.Popen([sys.executable, "-m", "engine", "demo", "--out", str(tmp_path)],
                                stdout=subprocess.PIPE, text=True)
        deadline = time.monotonic() + 120
        while not any(ear.is_connected_to(port) for port in _outputs(listener)):
            assert time.monotonic() < deadline, "the demo never opened the device"
            assert demo.poll() is None, "the demo ended unheard"
            for port in _outputs(listener)[:1]:
                listener.connect(port, ear)
            time.sleep(0.01)
        said = demo.communicate(timeout=120)[0]
    assert demo.returncode == 0
    assert "Played on" in said
    kept, _ = soundfile.read(tmp_path / "out.wav", dtype="float32")
    sound = np.concatenate(heard)
    assert np.max(np.abs(sound)) > 0.5 * np.max(np.abs(kept[:, 0]))
    assert np.sum(sound ** 2) > 0.7 * np.sum(kept[:, 0] ** 2)


def _outputs(client) -> list:
    return [port for port in client.get_ports(is_audio=True, is_output=True)
            if not port.name.startswith(("system:", "listener:"))]
