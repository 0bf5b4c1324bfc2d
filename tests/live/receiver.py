"""A MIDI program beside Kuchi, as a synth or a keyboard is one: it hears, and it plays."""

import time

from port_rig import ON

OFF = 0x89                                      # a note of channel 10 ends


class Receiver:
    """A MIDI program at the other end: hears one port, and can play into another."""

    def __init__(self, server: str, name: str = "receiver") -> None:
        from bench.jack_client import Client
        self.client = Client(name, server)
        self.ear = self.client.midi_inports.register("ear")
        self.voice = self.client.midi_outports.register("voice")
        self.heard: list[tuple[int, bytes]] = []
        self.to_play: list[bytes] = []
        self.client.set_process_callback(self._process)
        self.client.activate()

    def _process(self, frames: int) -> None:
        now = time.monotonic_ns()
        for _, data in self.ear.incoming_midi_events():
            self.heard.append((now, bytes(data)))
        self.voice.clear_buffer()
        for data in self.to_play[:8]:
            self.voice.write_midi_event(0, data)
        del self.to_play[:8]

    def sees(self, name: str) -> bool:
        return any(p.name.endswith(f":{name}") for p in self.client.get_ports(is_midi=True))

    def listen_to(self, name: str) -> bool:
        """Be connected to the output of this name; False where it isn't there."""
        return any(self._connect(there, self.ear)
                   for there in self.client.get_ports(is_midi=True, is_output=True)
                   if there.name.endswith(f":{name}"))

    def play_into(self, name: str) -> bool:
        return any(self._connect(self.voice, there)
                   for there in self.client.get_ports(is_midi=True, is_input=True)
                   if there.name.endswith(f":{name}"))

    def _connect(self, source, target) -> bool:
        import jack
        try:
            if not self.client.get_all_connections(source).count(target):
                self.client.connect(source, target)
        except jack.JackError:                           # it has gone just now
            return False
        return True

    @property
    def messages(self) -> list[bytes]:
        return [data for _, data in self.heard]

    def sounding(self) -> set[int]:
        notes: set[int] = set()
        for data in self.messages:
            if data[0] == ON and data[2]:
                notes.add(data[1])
            elif data[0] in (ON, OFF):
                notes.discard(data[1])
        return notes

    def close(self) -> None:
        self.client.deactivate(ignore_errors=True)
        self.client.close(ignore_errors=True)
