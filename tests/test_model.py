"""A model does what was trained, in its own arrays; a wrong file is explained, never run."""

from threading import Thread

import numpy as np
import onnx
import psutil
import pytest
from onnx import TensorProto, helper, numpy_helper

from engine.errors import ModelError
from engine.model import Model

SHAPES = {"frame": (1, 40)}, {"half": (1, 40)}


def halving(path, *, bands=40, name="frame", kind=TensorProto.FLOAT):
    """Write a model that halves what it is given."""
    factor = numpy_helper.from_array(np.array(0.5, helper.tensor_dtype_to_np_dtype(kind)), "factor")
    graph = helper.make_graph(
        [helper.make_node("Mul", [name, "factor"], ["half"])], "halving",
        [helper.make_tensor_value_info(name, kind, [1, bands])],
        [helper.make_tensor_value_info("half", kind, [1, bands])], [factor])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.save(model, path)
    return model


def test_a_step_reads_and_writes_the_same_arrays_for_ever(tmp_path):
    halving(tmp_path / "m.onnx")
    model = Model(tmp_path / "m.onnx", *SHAPES)
    frame, half = model.inputs["frame"], model.outputs["half"]
    for step in range(5):
        frame[:] = step
        model.run()
        assert half == pytest.approx(np.full((1, 40), step / 2))
    assert model.outputs["half"] is half
    assert half.dtype == np.float32


def test_a_step_is_made_by_the_thread_that_asks_so_that_none_spikes(tmp_path):
    """A runtime's own threads wait, spin and are preempted: there must be none."""
    halving(tmp_path / "m.onnx")
    Model(tmp_path / "m.onnx", *SHAPES).run()                   # whatever the library itself needs
    before = psutil.Process().num_threads()
    models = [Model(tmp_path / "m.onnx", *SHAPES) for _ in range(3)]
    for model in models:
        model.run()
    assert psutil.Process().num_threads() == before


def test_two_models_of_one_file_keep_apart(tmp_path):
    halving(tmp_path / "m.onnx")
    one, other = (Model(tmp_path / "m.onnx", *SHAPES) for _ in range(2))
    one.inputs["frame"][:] = 8.0
    one.run()
    other.run()
    assert one.outputs["half"].max() == 4.0
    assert other.outputs["half"].max() == 0.0


def test_a_fading_state_ends_in_silence_not_in_denormals(tmp_path):
    halving(tmp_path / "m.onnx")
    model = Model(tmp_path / "m.onnx", *SHAPES)
    model.inputs["frame"][:] = np.float32(1.5e-38)
    runs = model.run, Thread(target=model.run)              # here, and where it wasn't loaded
    runs[0]()
    assert not model.outputs["half"].any()
    model.outputs["half"][:] = 1.0
    runs[1].start()
    runs[1].join()
    assert not model.outputs["half"].any()
    assert np.float32(1.5e-38) * np.float32(0.5) > 0.0      # and numpy's own are as before


def test_a_missing_file_is_named_and_what_to_do(tmp_path):
    with pytest.raises(ModelError, match=r"absent\.onnx: no model can be read there .*built-in"):
        Model(tmp_path / "absent.onnx", *SHAPES)


@pytest.mark.parametrize("content", [b"", b"RIFF....WAVE", bytes(range(256)) * 40])
def test_a_file_that_is_no_model_is_refused(tmp_path, content):
    (tmp_path / "m.onnx").write_bytes(content)
    with pytest.raises(ModelError, match=r"m\.onnx: not an ONNX model"):
        Model(tmp_path / "m.onnx", *SHAPES)


def test_a_model_cut_short_is_refused(tmp_path):
    halving(tmp_path / "m.onnx")
    whole = (tmp_path / "m.onnx").read_bytes()
    (tmp_path / "m.onnx").write_bytes(whole[:len(whole) // 2])
    with pytest.raises(ModelError, match=r"m\.onnx"):
        Model(tmp_path / "m.onnx", *SHAPES)


def test_another_number_of_bands_is_explained(tmp_path):
    halving(tmp_path / "m.onnx", bands=32)
    with pytest.raises(ModelError, match=r'"frame" has the shape 1 x 32; needed is 1 x 40'):
        Model(tmp_path / "m.onnx", *SHAPES)


def test_an_axis_of_any_length_is_refused(tmp_path):
    halving(tmp_path / "m.onnx", bands=None)
    with pytest.raises(ModelError, match=r"has the shape 1 x any; needed is 1 x 40"):
        Model(tmp_path / "m.onnx", *SHAPES)


def test_other_names_are_explained(tmp_path):
    halving(tmp_path / "m.onnx", name="spectrum")
    with pytest.raises(ModelError, match=r"has the inputs spectrum; needed are frame"):
        Model(tmp_path / "m.onnx", *SHAPES)


def test_doubles_are_refused(tmp_path):
    halving(tmp_path / "m.onnx", kind=TensorProto.DOUBLE)
    with pytest.raises(ModelError, match=r"tensor\(double\).*float32"):
        Model(tmp_path / "m.onnx", *SHAPES)


@pytest.mark.parametrize("elsewhere", ["weights.bin", "/etc/hostname", "../weights.bin"])
def test_weights_in_other_files_are_refused(tmp_path, elsewhere):
    model = halving(tmp_path / "m.onnx")
    tensor = model.graph.initializer[0]
    onnx.external_data_helper.set_external_data(tensor, elsewhere)
    tensor.ClearField("raw_data")
    (tmp_path / "m.onnx").write_bytes(model.SerializeToString())
    (tmp_path / "weights.bin").write_bytes(bytes(4))
    with pytest.raises(ModelError, match=r"m\.onnx: keeps weights in other files"):
        Model(tmp_path / "m.onnx", *SHAPES)
