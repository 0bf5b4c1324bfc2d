"""The rules of the house, held by reading its files: who imports whom, who may speak."""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

HOUSE = Path(__file__).parent.parent
ENGINE = HOUSE / "engine"
FILES = sorted(ENGINE.rglob("*.py"))

FLOORS = (
    ("errors", "units", "events", "drums"),
    ("dsp", "mouth"),
    ("clock", "edition", "jobs", "param", "ports", "node", "model", "voice", "audio", "osc",
     "osc_maps"),
    ("music",),
    ("nodes",),
    ("controls", "cables", "patch", "rig", "knobs", "save", "wiring", "graph", "rendering",
     "picture", "demos", "devices", "segments", "capture", "rehearsal"),
    ("live",),
    ("page", "commands"),
    ("__init__", "__main__"),
)
"""A module imports from its own floor or one below, never from above."""

MAY_TOUCH_HARDWARE = {"live", "commands", "devices"}
COMES_WITH = {"llvmlite": "numba", "_sounddevice": "sounddevice"}
OURS = {"engine", "bench"}
HEAVY = ("numpy", "numba", "onnxruntime", "matplotlib", "soundfile", "soxr", "sounddevice", "mido")

every_file = pytest.mark.parametrize("file", FILES, ids=lambda f: str(f.relative_to(HOUSE)))


def tree(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"))


def imported(file: Path) -> Iterator[str]:
    """Every module a file names in an import, also inside functions and for type checks."""
    for node in ast.walk(tree(file)):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}:{node.lineno} imports by dots; write the whole name"
            if node.module == "engine":
                yield from (f"engine.{name.name}" for name in node.names)
            else:
                yield str(node.module)


def room(file: Path) -> str:
    """The module or package directly inside `engine` that a file belongs to."""
    return file.relative_to(ENGINE).parts[0].removesuffix(".py")


def floor_of(name: str) -> int:
    for floor, rooms in enumerate(FLOORS):
        if name in rooms:
            return floor
    raise AssertionError(f"engine.{name} has no floor yet: give it one in FLOORS")


@every_file
def test_imports_point_one_way(file):
    for name in imported(file):
        if name.startswith("engine."):
            other = name.split(".")[1]
            assert floor_of(other) <= floor_of(room(file)), f"{room(file)} imports {name}"


@every_file
def test_only_live_and_commands_touch_hardware(file):
    if room(file) not in MAY_TOUCH_HARDWARE:
        assert not [name for name in imported(file) if name.startswith("engine.devices")]


def test_on_stage_one_thread_owns_every_midi_port():
    """Two that send through one port garble it: `plugs` holds them all, in the port's one loop."""
    def on_stage(module: str) -> set[str]:
        return {file.stem for file in FILES if room(file) == "live" and module in imported(file)}
    assert on_stage("engine.devices.midi") == {"plugs"}
    assert on_stage("engine.live.plugs") == {"port"}
    assert not {"plugs", "port", "ledger"} & on_stage("threading")


@every_file
def test_the_engine_imports_only_what_the_project_asks_for(file):
    """So never torch, nor a training folder, nor a library that only a peer or a test needs."""
    project = tomllib.loads((HOUSE / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    asked = {re.split(r"[^\w-]", line)[0] for line in project["dependencies"]}
    for name in {name.split(".")[0] for name in imported(file)}:
        if name not in sys.stdlib_module_names and name not in OURS:
            assert COMES_WITH.get(name, name) in asked, f"{name} isn't among the dependencies"


@every_file
def test_every_file_opens_with_a_sentence(file):
    opening = ast.get_docstring(tree(file))
    assert opening
    assert re.search(r"[.)`]$", opening.split("\n\n")[0].strip()), "a sentence ends with a point"


@every_file
def test_only_commands_speak(file):
    spoken = [node.lineno for node in ast.walk(tree(file))
              if isinstance(node, ast.Call)
              and ast.unparse(node.func) in ("print", "click.echo", "sys.stdout.write")]
    assert room(file) == "commands" or not spoken


@pytest.mark.parametrize("file", [f for f in FILES if room(f) == "dsp"], ids=lambda f: f.name)
def test_kernels_are_functions_of_arrays(file):
    assert not [node.name for node in ast.walk(tree(file)) if isinstance(node, ast.ClassDef)]
    assert {name.split(".")[0] for name in imported(file)} <= {
        "math", "functools", "typing", "collections", "numpy", "numba", "engine"}


def test_asking_for_help_imports_nothing_heavy():
    ask = f"""
import sys
from engine.commands import kuchi
names = kuchi.list_commands(None)
for words in [["--help"], *([name, "--help"] for name in names)]:
    kuchi(words, standalone_mode=False)
heavy = [name for name in {HEAVY!r} if name in sys.modules]
sys.exit(f"imported: {{heavy}}" if heavy or not names else 0)
"""
    run = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, cwd=HOUSE)
    assert run.returncode == 0, run.stderr
    assert "Usage:" in run.stdout
