# Works from a fresh clone: whatever is missing is set up first (scripts/setup.sh).
# Every path is relative, so that a checkout may lie anywhere; .venv/bin/python is called by name,
# never a script of .venv/bin, whose first line cannot hold a space.

SHELL := /bin/sh
PYTHON_IN_VENV := .venv/bin/python
ifeq ($(shell uname -s),Darwin)
# macOS looks neither for libraries nor for Java where Homebrew puts them.
RUN := DYLD_FALLBACK_LIBRARY_PATH="/opt/homebrew/lib:/usr/local/lib:/usr/lib" \
       PATH="/opt/homebrew/opt/openjdk/bin:/usr/local/opt/openjdk/bin:$$PATH" $(PYTHON_IN_VENV)
else
RUN := $(PYTHON_IN_VENV)
endif
COMPILE := $(RUN) -m uv pip compile --quiet --universal --generate-hashes \
           --custom-compile-command "make lock" --group setup $(LOCK_ARGS) pyproject.toml

# One set-up for all goals of a run, so that `make -j` sets up once and a user reads one message.
SETUP_FLAGS := $(if $(filter-out all setup build check clean help,$(MAKECMDGOALS)),--test)

.PHONY: all setup setup-test build check test golden bench lint types lock pictures clean help

all: build ## set up what is missing and write the four artefacts to build/

setup: ## set up what a build needs, and nothing else
	@sh scripts/setup.sh $(SETUP_FLAGS)

setup-test: setup ## set up what the tests need too

build: setup ## write the artefacts (ARGS="pdf --paper A5": see studyguide build --help)
	@$(RUN) -m generator build $(ARGS)

check: setup ## diagnostics only
	@$(RUN) -m generator check $(ARGS)

test: setup ## run the tests (ARGS="-k cloze": see pytest --help)
	$(RUN) -m pytest $(ARGS)

golden: setup ## write the golden files anew; review the difference
	UPDATE_GOLDEN=1 $(RUN) -m pytest tests/golden $(ARGS)

bench: setup ## measure
	$(RUN) -m pytest -s tests/benchmark $(ARGS)

lint: setup ## ruff: rules and format
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .

types: setup ## mypy --strict
	$(RUN) -m mypy --strict generator

lock: setup ## write the lock files from pyproject.toml (LOCK_ARGS=--upgrade: newest versions)
	$(COMPILE) --output-file requirements.lock
	$(COMPILE) --group test --constraint requirements.lock --output-file requirements-test.lock
	npm --prefix tests/node --loglevel=error install --package-lock-only

pictures: build ## take the README's pictures anew (needs a Chromium on the PATH)
	@$(RUN) scripts/pictures.py

clean: ## remove what was built and cached; .venv stays
	find build -mindepth 1 ! -name .gitkeep -delete
	rm -rf dist .mypy_cache .pytest_cache .ruff_cache .hypothesis

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1	\2/p' Makefile
