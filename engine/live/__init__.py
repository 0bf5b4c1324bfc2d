"""The stage: four processes, one shared block of memory, one pipe of small messages a pair."""
