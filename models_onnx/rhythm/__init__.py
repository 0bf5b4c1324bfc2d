"""The rhythm model: what a drummer plays next, how hard and how late."""
