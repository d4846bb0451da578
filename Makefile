PYTHON ?= python3
BIN := .venv/bin

.PHONY: setup demo test lint docs properties bench

setup: .venv/.ready

.venv/.ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --constraint constraints.txt 'torch==2.13.0'
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[torch,dev]'
	touch $@

demo: setup
	$(BIN)/codemod diff fixtures || test $$? -eq 1

test: setup
	$(BIN)/python -m pytest -n 2

lint: setup
	$(BIN)/ruff format --check codemod tests bench
	$(BIN)/ruff check codemod tests bench
	$(BIN)/mypy

docs: setup
	$(BIN)/python docs/generate.py

properties: setup
	$(BIN)/python -m pytest tests/properties --hypothesis-profile=long -p no:xdist

bench: setup
	$(BIN)/python bench/run.py
