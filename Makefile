# Kuchi: `make demo` to hear it, `make test` to check it. Everything lands in .venv/.

PYTHON ?= python3
DATA   ?= ../shared/data
JOBS   ?= 2
BIN    := $(if $(filter Windows_NT,$(OS)),.venv/Scripts,.venv/bin)

.DEFAULT_GOAL := help
.PHONY: demo test scores bench bench-quick lint train docs help

demo: .venv/ready                ## set up, beatbox through the whole graph, leave files to hear
	$(BIN)/kuchi demo

test: .venv/ready                ## set up, lint, check types and run every test
	.ci/system-packages
	$(MAKE) --no-print-directory lint
	$(BIN)/python -m pytest -q -n $(JOBS) -m "not live" engine tests models_onnx
	$(BIN)/python -m pytest -q -m live tests

scores: .venv/ready              ## score models, capture and tempo on $(DATA), rewrite scores and cards
	$(BIN)/python -m models_onnx.onsets.evaluate --data $(DATA) --card
	$(BIN)/python -m models_onnx.drums.evaluate --data $(DATA) --card
	$(BIN)/python -m models_onnx.melody.evaluate --data $(DATA) --card
	$(BIN)/python -m models_onnx.bars.evaluate --data $(DATA) --card
	$(BIN)/python -m models_onnx.performance.evaluate --data $(DATA) --card
	$(BIN)/python -m models_onnx.rhythm.evaluate --data $(DATA) --card
	$(BIN)/python -m models_onnx.groove.evaluate --data $(DATA) --card
	$(BIN)/python -m models_onnx.mapper.evaluate --data $(DATA) --card
	$(BIN)/python -m models_onnx.readme
	DATA=$(DATA) $(BIN)/python -m bench capture --json bench/capture.json
	DATA=$(DATA) $(BIN)/python -m bench tempo --json bench/tempo.json

bench: .venv/ready               ## measure speed, memory and latency
	$(BIN)/python -m bench

bench-quick: .venv/ready         ## the same in three minutes: asserts ratios and counts only
	$(BIN)/python -m bench --quick dsp models sameness driver plugins soak
	$(BIN)/python -m bench --self-check

lint: .venv/ready                ## style and types
	$(BIN)/python -m ruff check .
	$(BIN)/python -m mypy

train: .venv/ready               ## make every model again from $(DATA) (about an hour and a half)
	$(BIN)/python -m pip install --quiet "torch>=2.5"
	$(BIN)/python -m models_onnx.onsets.train --data $(DATA)
	$(BIN)/python -m models_onnx.onsets.again --data $(DATA)
	$(BIN)/python -m models_onnx.drums.train --data $(DATA)
	$(BIN)/python -m models_onnx.drums.bound --data $(DATA)
	$(BIN)/python -m models_onnx.mapper.make
	$(BIN)/python -m models_onnx.melody.train --data $(DATA)
	$(BIN)/python -m models_onnx.bars.train --data $(DATA)
	$(BIN)/python -m models_onnx.performance.train --data $(DATA)
	$(BIN)/python -m models_onnx.rhythm.train --data $(DATA)
	$(BIN)/python -m models_onnx.groove.train --data $(DATA)

docs: .venv/ready                ## write the generated page of nodes
	$(BIN)/kuchi patch nodes > docs/nodes.md

help:                            ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*##/\t/' | expand -t 14

.venv/ready: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Kuchi needs Python 3.11 to 3.14; name one, such as: make $(MAKECMDGOALS) PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@
