"""The only code that touches hardware, sockets or the performer's files."""
