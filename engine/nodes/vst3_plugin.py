"""A VST3 plugin, an instrument or an effect, with its own settings, in a process of its own."""

from collections.abc import Mapping
from typing import Any, ClassVar

from engine.errors import KuchiError
from engine.node import Node
from engine.nodes.lv2_plugin import Lv2Plugin
from engine.param import Param


class Vst3Plugin(Lv2Plugin):
    """Host a VST3 plugin: `plugin` is its path, or part of its file's name.

    It needs pedalboard (GPL, `pip install kuchi[vst3]`) and Linux, and always runs in a process of
    its own, one block later. What the plugin can be set to are settings of this node.
    """

    loader: ClassVar[str] = "vst3"
    isolated = True

    plugin = Param("", help="its path, or part of its file's name in the usual folders")
    preset = Param("", help="a .vstpreset file beside the patch")
    state = Param("", help="a state that was saved, beside the patch")

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> type[Node]:
        """This class with the plugin's own settings, and the ports it has."""
        wanted = settings.get("plugin", "")
        if not isinstance(wanted, str) or not wanted:
            raise ValueError('plugin: must name a plugin, such as plugin = "~/.vst3/Room.vst3"')
        from engine.audio.vst3 import find
        try:
            return cls.hosting(find(wanted))
        except KuchiError as error:
            raise ValueError(f"plugin = {wanted!r}: {error}") from None
