"""A client of JACK whose lists of ports can be asked for while ports come and go.

python-jack-client asks JACK for names and then looks each up; it fails where one has gone
between the two. Here the list is asked for anew. Imported where it's used, since it needs libjack.
"""

from collections.abc import Callable
from typing import Any

import jack

_ASKED = 20                                             # a list, until no port goes meanwhile


class Client(jack.Client):
    """A client of the server of this name, which must be running.

    name : its name; JACK adds a number where another has it
    """

    def __init__(self, name: str, server: str) -> None:
        super().__init__(name, no_start_server=True, servername=server)

    def get_ports(self, *args: Any, **which: Any) -> list[jack.Port]:
        """As jack.Client.get_ports."""
        return _listed(lambda: super(Client, self).get_ports(*args, **which))

    def get_all_connections(self, port: jack.Port | str) -> list[jack.Port]:
        """As jack.Client.get_all_connections; JackError where `port` itself has gone."""
        return _listed(lambda: super(Client, self).get_all_connections(port))


def _listed(ask: Callable[[], list[jack.Port]]) -> list[jack.Port]:
    for _ in range(_ASKED - 1):
        try:
            return ask()
        except jack.JackError:                          # one of them has just gone
            continue
    return ask()
