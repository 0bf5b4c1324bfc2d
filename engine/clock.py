"""One clock for the whole house: the count of samples heard.

Offline it is moved by `render`; live, the audio callback notes (frame, monotonic ns) each block
and every process converts with that pair. Nodes read `now`; nobody asks the operating system.
"""

from engine.units import HOP, SAMPLE_RATE


class Clock:
    """The end of the hop being processed, in frames and in seconds.

    frame : int    the first sample not yet heard
    now   : float  the same in seconds
    next  : float  the end of the hop after this one: what is due before it must leave now
    latency : float  what is played now is heard at the input so much later, seconds; 0 offline
    """

    __slots__ = ("frame", "latency", "mark_frame", "mark_ns", "next", "now")

    def __init__(self) -> None:
        self.latency = 0.0
        self.mark(0, 0)
        self.move_to(0)

    def move_to(self, frame: int) -> None:
        """Everything before `frame` has been heard."""
        self.frame = frame
        self.now = frame / SAMPLE_RATE
        self.next = (frame + HOP) / SAMPLE_RATE

    def mark(self, frame: int, monotonic_ns: int) -> None:
        """Sample `frame` was heard at `monotonic_ns`."""
        self.mark_frame = frame
        self.mark_ns = monotonic_ns

    def time_at(self, monotonic_ns: int) -> float:
        """The time, in seconds of this clock, of a monotonic instant."""
        return self.mark_frame / SAMPLE_RATE + (monotonic_ns - self.mark_ns) / 1e9

    def ns_at(self, time: float) -> int:
        """The monotonic instant of a time of this clock."""
        return self.mark_ns + round((time - self.mark_frame / SAMPLE_RATE) * 1e9)
