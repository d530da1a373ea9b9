# `make help` lists the targets. Everything is installed into .venv of this checkout, nothing elsewhere.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
# Tried in this order; the first one that is new enough and can make a virtual environment is taken.
PYTHON ?=
PYTHONS := $(or $(PYTHON),python3 python3.14 python3.13 python3.12 python3.11)

.PHONY: help install up test lint bench clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(VENV)/.installed ## make .venv and install spancost into it (.venv/bin/spancost)

up: install ## install, then run the collector in the foreground with the embedded engine
	@exec $(BIN)/spancost up

test: $(VENV)/.installed-dev ## install with the development tools, then run ruff, mypy and the whole test suite
	@$(MAKE) --no-print-directory lint
	@$(BIN)/python -m pytest

lint: $(VENV)/.installed-dev ## ruff and mypy (strict) alone
	@$(BIN)/ruff check .
	@$(BIN)/mypy

bench: $(VENV)/.installed-dev ## start a collector, load it, print CPU per span by stage
	@$(BIN)/python -m tests.benchmarks

clean: ## remove .venv and what the tools cached; spancost-data stays
	@rm -rf $(VENV) build .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(BIN)/python:
	@found=; seen=; \
	for name in $(PYTHONS); do \
	  version=$$("$$name" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null) || continue; \
	  seen="$$seen $$name ($$version)"; \
	  "$$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || continue; \
	  if "$$name" -c 'import venv, ensurepip' 2>/dev/null; then found=$$name; break; fi; \
	  seen="$$seen without venv"; \
	done; \
	if [ -z "$$found" ]; then \
	  echo "spancost needs Python 3.11 or newer with its venv module; found:$${seen:- none}." >&2; \
	  echo "Install one (on Debian and Ubuntu venv is a package of its own: apt install python3-venv)," >&2; \
	  echo "or name one that is elsewhere: make install PYTHON=/path/to/python3.12" >&2; \
	  exit 2; \
	fi; \
	echo "Making $(VENV) with $$found ($$("$$found" --version))"; \
	"$$found" -m venv $(VENV) || { rm -rf $(VENV); exit 2; }

$(VENV)/.installed: $(BIN)/python pyproject.toml constraints.txt
	@echo "Installing spancost into $(VENV) (the first time takes a minute or two)"
	@$(PIP) install -c constraints.txt -e .
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	@echo "Installing the development tools into $(VENV)"
	@$(PIP) install -c constraints.txt -e '.[dev]'
	@touch $@
