# Each target makes .venv if it is missing and installs what it needs under the constraints.
PYTHON ?= python3
METHOD ?= svd
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

.PHONY: run test test-browser lint benchmark docs records clean

run: .venv/core  ## score a method on the shipped references, and show its place
	$(BIN)/simplibench run $(METHOD) --fresh

test: .venv/test  ## the fast test suite; no network, no browser, no speed measurements
	$(BIN)/python -m pytest

test-browser: .venv/browser  ## the page in Debian's Chromium; screenshots in build/screenshots
	command -v chromium >/dev/null || { apt-get update && apt-get install --yes --no-install-recommends chromium; }
	$(BIN)/python -m pytest tests/browser -o addopts=

lint: .venv/lint  ## style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	rm -rf build/typed && mkdir -p build/typed/simplibench
	ln -s $(CURDIR)/benchmark/* $(CURDIR)/baselines build/typed/simplibench
	cd build/typed && $(CURDIR)/$(BIN)/mypy --config-file $(CURDIR)/pyproject.toml

benchmark: .venv/test  ## the speeds that docs/costs.md states; minutes
	$(BIN)/python -m pytest tests/benchmarks -o addopts= --benchmark-only --benchmark-columns=mean,stddev,rounds --capture=no

docs: .venv/docs  ## the documentation, in build/site; links are checked
	$(BIN)/python -m mkdocs build --strict

records: .venv/all  ## make every committed record again, and the leaderboard; about an hour
	$(BIN)/simplibench run $$($(BIN)/simplibench list --format names) --task all --output benchmark/records/committed
	$(BIN)/simplibench leaderboard

.venv/bin/python:
	$(PYTHON) -m venv .venv

.venv/all: .venv/bin/python pyproject.toml setup.py constraints.txt
	$(PIP) --editable '.[baselines]'
	touch $@ .venv/core

.venv/core: .venv/bin/python pyproject.toml setup.py constraints.txt
	$(PIP) --editable .
	touch $@

.venv/test: .venv/bin/python pyproject.toml setup.py constraints.txt
	$(PIP) --editable '.[test]'
	touch $@ .venv/core

.venv/browser: .venv/bin/python pyproject.toml setup.py constraints.txt
	$(PIP) --editable '.[test,browser]'
	touch $@ .venv/core .venv/test

.venv/lint: .venv/bin/python pyproject.toml setup.py constraints.txt
	$(PIP) --editable '.[test,lint]'
	touch $@ .venv/core .venv/test

.venv/docs: .venv/bin/python pyproject.toml setup.py constraints.txt
	$(PIP) --editable '.[docs]'
	touch $@ .venv/core

clean:  ## remove what the other targets made, but not the results
	rm -rf .venv build/site *.egg-info
