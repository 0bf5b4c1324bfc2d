"""The graph that turns what the drum model remembers into a performer's own sounds."""
