"""`python -m engine` is the command `kuchi`."""

from engine.commands import main

if __name__ == "__main__":        # a spawned process imports this file again
    main()
