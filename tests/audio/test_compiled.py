"""What enters the audio thread may not allocate, raise, or know of Python."""

import re

import numpy as np
import pytest
from numba import carray, cfunc

from engine.audio import callback, mix, output, sampler, source, tap, tones
from engine.audio.unit import RUN

UNITS = {"mix": mix.run, "output": output.run, "sampler": sampler.run, "source": source.run,
         "tap": tap.run, "tones": tones.run, "callback": callback.callback}


def bodies(compiled) -> dict[str, str]:
    """The compiled functions, without numba's own wrapper and reference counting."""
    code = cfunc(compiled._sig, error_model="numpy")(compiled.__wrapped__).inspect_llvm()
    found = re.findall(r'^define [^\n]*?@"?([\w.$]+)"?\([^\n]*\{\n(.*?)^\}', code, re.S | re.M)
    return {name: body for name, body in found if not name.startswith(("cfunc.", "NRT_"))}


@pytest.mark.parametrize("name", UNITS)
def test_no_unit_allocates_raises_or_takes_the_interpreter_lock(name):
    code = "".join(bodies(UNITS[name]).values())
    assert not re.findall(r'@"?((?:NRT_|Py|numba_)\w*)', code)
    assert set(re.findall(r"ret i32 (\S+)", code)) == {"0"}     # numba's wrapper raises on others


def test_the_search_would_find_an_allocation():
    @cfunc(RUN, error_model="numpy")
    def careless(handle, frames):
        carray(handle, 1, np.float64)[0] = np.ones(frames).sum()

    assert "NRT_" in "".join(bodies(careless).values())
