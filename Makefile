# Everything runs in .venv, which is made when it is missing or older than what it is made from.
PYTHON ?= python3
BIN := .venv/bin
UV := uv==0.13.9
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: install run test bench lint lock help

install: .venv/installed  ## make .venv: the project, and its dependencies as requirements.lock pins them

run: install  ## the whole pipeline on the default photographs; make run ARGS="--epochs 20" passes options on
	$(BIN)/zfnet run $(ARGS)

test: install  ## all quick tests; make test ARGS="tests/model -m slow" chooses others
	$(BIN)/python -m pytest $(ARGS)

bench: install  ## measure what the README states, into benchmarks/*.json
	$(BIN)/python benchmarks/default_run.py

lint: install  ## check style and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

lock: install  ## choose the newest dependencies that setup.py allows, into requirements.lock
	$(BIN)/uv pip compile --quiet --upgrade setup.py --universal --python-version 3.11 --all-extras --no-emit-index-url \
		--custom-compile-command "make lock" --output-file requirements.lock

help:  ## list the targets
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1\t/'

.venv/installed: setup.py pyproject.toml requirements.lock
	$(PYTHON) -m venv --clear .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check $(UV)
	$(BIN)/uv pip install --quiet --python $(BIN)/python --compile-bytecode --constraint requirements.lock --editable '.[test]'
	touch $@
