"""The graph that ships is the one the script writes, and gives what numpy gives."""

import pytest

from models_onnx.mapper.make import CLOSE, HERE, apart, graph


def test_the_graph_that_ships_is_the_one_that_is_made():
    assert (HERE / "model.onnx").read_bytes() == graph().SerializeToString()


@pytest.mark.parametrize("sounds", [2, 5, 16])
def test_the_graph_gives_what_the_formula_gives(sounds):
    assert apart(HERE / "model.onnx", sounds, seed=1) < CLOSE
