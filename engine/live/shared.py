"""The one block of memory that all processes see. The command process makes it and outlives it.

Numbers are single int64 words, so a reader never sees half of one. Audio is the last minute of
what was heard and played, for capture and for the black box.
"""

from multiprocessing.shared_memory import SharedMemory

import numpy as np

from engine.units import SAMPLE_RATE, Samples

(ENGINE_BEAT, PORT_BEAT, FRAME, FRAME_NS, LISTENING, BLOCKS, LATE_BLOCKS, SKIPPED, HITS,
 PEAK_MICRO, CLIPPED, NOTES_ON, STATE, TEMPO_MILLI, ONE_NS, ANALYSED,
 BEGAN, WORKER_BEAT) = range(18)
"""Places in `words`: when the engine thread and the port loop were last alive (ns); the clock
pair; whether hits are listened for; audio blocks, late ones; hops skipped; hits so far; the
input's recent peak in millionths; clipped samples; notes sounding; the state's number; tempo
in thousandths of a bpm, 0 unknown; when a bar's first beat was (ns); frames that have passed the
event nodes; the frame at which the patch that plays began; when the worker last began a job or
waited for one (ns)."""

IN_PLUGIN = 40                        # two words: which plugin runs now, which one is being made
KEPT_FRAMES = 1 << 22                 # 87 s at 48 kHz: a minute, and room to read it while it moves
JOURNAL = (16, 16, 128)               # port, channel, note: 1 while it sounds
SNAPSHOT = 1 << 16                    # bytes: the engine's picture of itself, as msgpack

_SIZES = (64 * 8, KEPT_FRAMES * 4, KEPT_FRAMES * 8, int(np.prod(JOURNAL)), SNAPSHOT)


class SharedBlock:
    """All views of the block.

    words   : int64 (64,)              see the names above
    heard   : float32 (KEPT_FRAMES,)   the microphone, frame n at n modulo its length
    played  : float32 (KEPT_FRAMES, 2) what left for the speakers
    journal : uint8 (16, 16, 128)      notes that sound, by port, channel, note
    """

    def __init__(self, name: str | None = None) -> None:
        self._memory = SharedMemory(name, create=name is None, size=sum(_SIZES))
        places = np.cumsum((0, *_SIZES))
        buffer = self._memory.buf
        assert buffer is not None
        views = [np.frombuffer(buffer, np.uint8, size, place)
                 for size, place in zip(_SIZES, places.tolist(), strict=False)]
        self.words = views[0].view(np.int64)
        self.heard: Samples = views[1].view(np.float32)
        self.played: Samples = views[2].view(np.float32).reshape(-1, 2)
        self.journal = views[3].reshape(JOURNAL)
        self._snapshot = views[4]
        self._owner = name is None

    def write_snapshot(self, picture: bytes) -> None:
        """Publish the engine's picture of itself; what doesn't fit is not published."""
        count = self._snapshot[:8].view(np.int64)
        if len(picture) > SNAPSHOT - 16:
            return
        count[0] += 1                        # odd: being written
        self._snapshot[8:16].view(np.int64)[0] = len(picture)
        self._snapshot[16:16 + len(picture)] = np.frombuffer(picture, np.uint8)
        count[0] += 1

    def read_snapshot(self) -> bytes:
        """The latest whole picture; empty where there is none yet."""
        for _ in range(100):
            before = int(self._snapshot[:8].view(np.int64)[0])
            size = int(self._snapshot[8:16].view(np.int64)[0])
            picture = self._snapshot[16:16 + max(0, min(size, SNAPSHOT - 16))].tobytes()
            if before % 2 == 0 and before == int(self._snapshot[:8].view(np.int64)[0]):
                return picture
        return b""

    @property
    def name(self) -> str:
        """What another process opens it by."""
        return self._memory.name

    def last_heard(self, seconds: float, frame: int | None = None) -> Samples:
        """A copy of the microphone's last seconds, float32 (frames,); at most sixty.

        frame : before this one, of not long ago; None: until now
        """
        return _last(self.heard, int(self.words[FRAME]) if frame is None else frame, seconds)

    def last_played(self, seconds: float) -> Samples:
        """A copy of what was played, float32 (frames, 2)."""
        return _last(self.played, int(self.words[FRAME]), seconds)

    def close(self) -> None:
        """Let go of it; the process that made it takes it away. BufferError where views are left.

        Who ends by `os._exit` need not close it.
        """
        if self._owner:
            self._memory.unlink()
        del self.words, self.heard, self.played, self.journal, self._snapshot
        self._memory.close()


def _last(ring: Samples, end: int, seconds: float) -> Samples:
    count = min(end, int(min(seconds, 60.0) * SAMPLE_RATE))
    return ring[np.arange(end - count, end) & (len(ring) - 1)]
