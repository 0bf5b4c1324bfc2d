"""`python -m engine` is the command `kuchi`."""

from engine.commands import main

main()
