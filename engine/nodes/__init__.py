"""One event node per file; the file's name is the node's type."""
