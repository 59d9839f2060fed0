# Everything a developer or a newcomer runs. `make help` lists it. Needed beforehand: Python 3.11+ and make, nothing else.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
# The environments are ours: without compiled files in them every process would compile the SDKs again.
unexport PYTHONDONTWRITEBYTECODE

VENV := .venv
LLMOCK := .venv-llmock
BIN := $(VENV)/bin
PACKAGES := core storage bots admin_cli
PYTHON ?=
ARGS =
# for two cores: a third of what tests take is waiting, for processes that start and servers that answer
WORKERS = 3
KILLS = 20
SESSIONS = 100

FILE = samples/proposal.docx
BRIEF = $(shell cat samples/brief.txt)
OUT = out/demo

# Where the home is not ours to write, uv's cache lies beside the environment.
CACHE = $(shell [ -w "$${XDG_CACHE_HOME:-$$HOME}" ] || echo --cache-dir $(VENV)/.cache)

# $(call install,PYTHON,ARGUMENTS): uv does it in seconds; where it cannot (a mirror that only
# pip knows), pip does the same from the same hashes.
install = $(BIN)/uv pip install -q $(CACHE) --python $(1) $(2) \
	|| { echo "uv could not install it; trying pip" >&2; $(1) -m pip install -q --disable-pip-version-check $(2); }

.PHONY: help demo test check lint format types contracts image-commands chaos bench lock install clean

help:  ## list the targets
	@sed -n 's/^\([a-z-]*\):.*##  *\(.*\)/  make \1|\2/p' Makefile | awk -F'|' '{printf "%-22s %s\n", $$1, $$2}'

demo: $(VENV)/.runtime  ## run a whole session on the sample file, here in the terminal (ARGS="--rounds 2 ...")
	@$(BIN)/atelier demo "$(FILE)" --brief "$(BRIEF)" --out "$(OUT)" $(ARGS)
	@{ echo; echo "The files are in $(OUT):"; ls -1 "$(OUT)" | sed 's/^/  /'; } >&2

test: $(VENV)/.dev $(LLMOCK)/.ready  ## run every test, PostgreSQL included (ARGS="-k name")
	@$(BIN)/python -m pytest -n $(WORKERS) $(ARGS)

check: lint types contracts test image-commands  ## everything that CI runs

install: $(VENV)/.dev $(LLMOCK)/.ready  ## make the environments and nothing more

lint: $(VENV)/.dev  ## ruff: rules and format
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

format: $(VENV)/.dev  ## rewrite the code in the house format
	@$(BIN)/ruff check --fix --exit-zero --quiet .
	@$(BIN)/ruff format .

types: $(VENV)/.dev  ## mypy, strict, on everything
	@$(BIN)/mypy

contracts: $(VENV)/.dev  ## who may import whom, and what may be depended on
	@$(BIN)/lint-imports --no-cache
	@$(BIN)/deptry $(PACKAGES)

image-commands: $(VENV)/.dev  ## build the wheel and run the container's own commands from an empty folder
	@$(BIN)/python -m deploy.image_commands

chaos: $(VENV)/.dev  ## kill -9 a worker KILLS times a database (20) and check that nothing was lost or paid twice
	@CHAOS_KILLS=$(KILLS) $(BIN)/python -m pytest -q tests/scenarios/test_chaos.py $(ARGS)

bench: $(VENV)/.dev  ## the numbers of docs/measurements.md (SESSIONS=100)
	@$(BIN)/python -m benchmarks.cost $(ARGS)
	@$(BIN)/python -m benchmarks.start $(ARGS)
	@$(BIN)/python -m benchmarks.sessions --sessions 10 --bare $(ARGS)
	@$(BIN)/python -m benchmarks.sessions --sessions $(SESSIONS) --ttft-ms 400 --tps 80 $(ARGS)

LOCK = $(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--custom-compile-command "make lock"

lock: $(VENV)/.bootstrap  ## resolve the dependencies anew within pyproject's bounds (ARGS=--upgrade)
	@$(LOCK) $(ARGS) --extra dev pyproject.toml -o requirements/dev.txt
	@$(LOCK) $(ARGS) -c requirements/dev.txt pyproject.toml -o requirements/runtime.txt
	@$(LOCK) $(ARGS) -c requirements/dev.txt requirements/bootstrap.in -o requirements/bootstrap.txt
	@for source in $(wildcard tests/llmock/requirements.in); do \
		$(LOCK) $(ARGS) $$source -o $${source%.in}.txt; done

clean:  ## remove the environments and what runs left behind
	rm -rf $(VENV) $(LLMOCK) out build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis

# A stamp says which lock an environment was made from; it is newer than the lock or it is made again.
$(VENV)/.bootstrap: requirements/bootstrap.txt
	@python=$$(PYTHON="$(PYTHON)" sh deploy/find-python) || exit 1; \
	if ! $(BIN)/python -c 'import sys, pip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
		echo "Making $(VENV) with $$python" >&2; "$$python" -m venv --clear $(VENV); fi
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements/bootstrap.txt
	@touch $@

$(VENV)/.runtime: $(VENV)/.bootstrap requirements/runtime.txt pyproject.toml
	@echo "Installing what Atelier needs from requirements/runtime.txt" >&2
	@$(call install,$(BIN)/python,--require-hashes -r requirements/runtime.txt)
	@$(call install,$(BIN)/python,--no-deps --no-build-isolation -e .)
	@touch $@

$(VENV)/.dev: $(VENV)/.runtime requirements/dev.txt
	@echo "Installing what its tests need from requirements/dev.txt" >&2
	@$(call install,$(BIN)/python,--require-hashes -r requirements/dev.txt)
	@touch $@

# The simulated providers live in an environment of their own: their pins must not touch Atelier's.
$(LLMOCK)/.ready: $(VENV)/.bootstrap $(wildcard tests/llmock/requirements.txt)
	@test -x $(LLMOCK)/bin/python || $(BIN)/python -m venv $(LLMOCK)
	@for lock in $(wildcard tests/llmock/requirements.txt); do \
		$(call install,$(LLMOCK)/bin/python,--require-hashes -r $$lock); done
	@touch $@
