"""How fast, how small, how late: one question a file, a table on screen, the same as JSON.

    python -m bench [NAME...] [--json FILE] [--quick]

A bench is a module of this folder with `run(quick) -> Report`. The peers run in the same process
and in the same rounds, and a null control says whether the machine could be trusted: where it
could not, the report is `void` and its gates are not judged.
"""
