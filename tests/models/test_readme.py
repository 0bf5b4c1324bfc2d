"""The README's figures are the models' own."""

from models_onnx.readme import HOUSE, page


def test_the_readme_shows_the_scores():
    text = (HOUSE / "README.md").read_text(encoding="utf-8")
    assert page(text) == text, "run `make scores`, or `python -m models_onnx.readme`"
