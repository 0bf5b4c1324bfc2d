"""What runs in the audio thread: compiled, without Python, without waiting for anyone."""

from engine.audio.run_list import AudioList, Feed

__all__ = ["AudioList", "Feed"]
