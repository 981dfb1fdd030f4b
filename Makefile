# All targets use .venv. Make creates it if it is missing, or older than the files that define it.
PYTHON ?= python3
BIN := .venv/bin
UV := uv==0.13.9
# Python compiles what it imports, not all 30,000 modules.
INSTALL = $(BIN)/uv pip install --quiet --python $(BIN)/python --constraint requirements.lock
ARGS ?=
BENCHMARKS ?= default_run run_profile recipe preprocessing input training training_cost step_profile projections steps_down branches search whole_gallery galleries growth repeated_calls claims checks features pictures tensorboard_pages paper

.DEFAULT_GOAL := help
.PHONY: install run test bench lint docs lock help

install: .venv/installed  ## make .venv: the project and what running needs, pinned by requirements.lock

run: install  ## the whole pipeline on the default photographs; ARGS="--epochs 20" passes options
	$(BIN)/zfnet run $(ARGS)

test: .venv/tests  ## all quick tests; ARGS="tests/model -m slow" chooses others
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder $(ARGS)

bench: .venv/bench $(if $(filter input,$(BENCHMARKS)),.venv-torch/installed)  ## measure the numbers of the documentation, into benchmarks/*.json and its tables
	for name in $(BENCHMARKS); do $(BIN)/python benchmarks/$$name.py || exit 1; done

lint: .venv/tests  ## check style, format and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

docs: .venv/tests  ## build the documentation into build/site, or fail and print the errors
	$(BIN)/mkdocs build --quiet

lock: install  ## write the newest dependencies that setup.py allows into requirements.lock
	$(BIN)/uv pip compile --quiet --upgrade setup.py --universal --python-version 3.11 --all-extras --no-emit-index-url \
		--custom-compile-command "make lock" --output-file requirements.lock

help:  ## list the targets
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1\t/'

# Installed with pip, which also accepts a PyTorch wheel from a local directory.
.venv/bench: .venv/tests
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint requirements.lock --editable '.[bench]'
	touch $@

# PyTorch's DataLoader with torchvision, whose torch is another one; 5.5 GB.
.venv-torch/installed: benchmarks/peers/input_in_torch.txt
	$(PYTHON) -m venv --clear .venv-torch
	.venv-torch/bin/python -m pip install --quiet --disable-pip-version-check --requirement $<
	touch $@

.venv/installed: setup.py pyproject.toml requirements.lock
	$(PYTHON) -m venv --clear .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check $(UV)
	$(INSTALL) --editable .
	touch $@

# What tests, lint and documentation need on top.
.venv/tests: .venv/installed
	$(INSTALL) --editable '.[test]'
	touch $@
