# One word runs each thing; CI uses the same words.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
MAKEFLAGS += --no-print-directory
# What pip does not compile (pulumi_aws alone has thousands of files) is compiled when it is first imported, and kept.
unexport PYTHONDONTWRITEBYTECODE

PYTHON ?= python3
PACKAGES := .venv/packages.stamp
TOOLS := .venv/bin/python -m tools
IN_ENV := $(TOOLS) run --

.DEFAULT_GOAL := help
.PHONY: help up down env doctor engine test unit check docs format bench lock

help: ## Say what there is
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "  make %-8s %s\n", $$1, $$2 }'

up: ## From nothing to a prediction: set-up, base, model, endpoint
	@started=$$(date +%s); $(MAKE) -s $(PACKAGES); $(TOOLS) up --setup-seconds $$(($$(date +%s) - started))

down: $(PACKAGES) ## Destroy the dev stack and the base, stop the local AWS
	@$(TOOLS) down

env: $(PACKAGES) ## Print shell exports: eval "$(make -s env)"
	@$(TOOLS) env

doctor: $(PACKAGES) ## Say which engine parts are used, and what is missing
	@$(TOOLS) doctor

engine: $(PACKAGES) ## Get the engine: pulumi, its plugins, terraform, its provider
	@$(TOOLS) engine

test: engine ## Every test that needs no AWS account
	@$(IN_ENV) python -m pytest -n 2 --dist loadgroup

unit: $(PACKAGES) ## The pure and mocks rings, in seconds
	@.venv/bin/python -m pytest -q -m "not engine and not terraform and not server"

check: engine ## Format, lint, types, Terraform, docs against code
	@.venv/bin/ruff format --check
	@.venv/bin/ruff check
	@.venv/bin/mypy
	@! command -v gofmt >/dev/null || test -z "$$(gofmt -l tools/go)" || { gofmt -d tools/go; exit 1; }
	@$(IN_ENV) terraform fmt -check -recursive -diff
	@$(IN_ENV) tools/validate
	@.venv/bin/python -m pytest -q tests/test_docs.py tests/test_pages.py

docs: $(PACKAGES) ## Make docs/endpoint.md anew from the code
	@.venv/bin/python -m tools.reference

format: $(PACKAGES) ## Rewrite the sources as `make check` wants them
	@.venv/bin/ruff check --fix --quiet; .venv/bin/ruff format; $(IN_ENV) terraform fmt -recursive; gofmt -w tools/go

bench: $(PACKAGES) ## Measure, as ratios taken in one run
	@.venv/bin/python -m bench

lock: $(PACKAGES) ## Make requirements.txt anew from pyproject.toml
	@.venv/bin/pip install --quiet uv==0.13.9
	@.venv/bin/uv pip compile pyproject.toml --group dev --generate-hashes --python-version 3.11 --universal \
	  --no-emit-index-url --quiet --output-file requirements.txt

$(PACKAGES): requirements.txt Makefile
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed; $(PYTHON) is $$($(PYTHON) --version 2>&1). Try: make PYTHON=python3.12 …" >&2; exit 1; }
	@echo "Python packages: installing into .venv …" >&2
	@$(PYTHON) -m venv .venv || { echo "Install your system's package python3-venv, then run the command again." >&2; exit 1; }
	@.venv/bin/pip install --disable-pip-version-check --progress-bar off --no-compile --no-deps --require-hashes \
	  -r requirements.txt | \
	  awk -v all="$$(grep -c '==' requirements.txt)" \
	    '/^Collecting/ && ++n % 20 == 0 { print "  " n " of " all " fetched"; fflush() } \
	     /^Installing/ { print "  installing " all; fflush() }' >&2
	@# Programs in other folders, as in examples/, import `components` from here.
	@echo "$(CURDIR)" > "$$(.venv/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/sagebridge.pth"
	@touch $@
