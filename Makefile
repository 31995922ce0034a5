# One word runs each thing; CI uses the same words.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
MAKEFLAGS += --no-print-directory
# Of what the shell tells pip, uv and Python, only where packages come from and how to connect is kept
# (docs/every-shell.md). The rest would install elsewhere, or import other modules than those of .venv. BASH_ENV and ENV
# name a file that each shell runs first, and which may set all of that again.
KEPT := PIP_CACHE_DIR PIP_CERT PIP_CLIENT_CERT PIP_CONFIG_FILE PIP_DEFAULT_TIMEOUT PIP_EXTRA_INDEX_URL PIP_FIND_LINKS \
  PIP_INDEX_URL PIP_KEYRING_PROVIDER PIP_NO_CACHE_DIR PIP_NO_INDEX PIP_PROXY PIP_RETRIES PIP_ROOT_USER_ACTION \
  PIP_TIMEOUT PIP_TRUSTED_HOST UV_CACHE_DIR UV_CONCURRENT_% UV_CONFIG_FILE UV_DEFAULT_INDEX UV_EXTRA_INDEX_URL \
  UV_FIND_LINKS UV_HTTP_% UV_INDEX% UV_INSECURE_HOST UV_KEYRING_PROVIDER UV_LINK_MODE UV_NATIVE_TLS UV_NO_CACHE \
  UV_OFFLINE UV_SYSTEM_CERTS PYTHONUNBUFFERED PYTHONUTF8
unexport BASH_ENV ENV MYPY_CACHE_DIR $(filter-out $(KEPT),$(filter PIP_% UV_% PYTHON%,$(.VARIABLES)))
# uv trusts what the system trusts, as pip does: a company's proxy may sign with a certificate of its own.
export UV_SYSTEM_CERTS := true
# What is printed has signs that older encodings of a terminal or a log lack.
export PYTHONUTF8 := 1
# From nothing, mypy takes more than a minute. It compares files by their hashes, so all checkouts share what it keeps.
# Nobody else may write there: a mypy with other options, as Pulumi starts one for a program, replaces what it finds.
MYPY_CACHE := $(if $(filter /%,$(firstword $(XDG_CACHE_HOME))),$(XDG_CACHE_HOME),$(HOME)/.cache)/sagebridge/mypy

PYTHON ?= python3
PACKAGES := .venv/packages.stamp
TOOLS := .venv/bin/python -m tools
IN_ENV := $(TOOLS) run --
PIP := .venv/bin/pip install --quiet --disable-pip-version-check --no-compile --no-deps --require-hashes

.DEFAULT_GOAL := help
.PHONY: help up down env doctor engine parts test stress soak next terraforms unit check ranges docs images imports \
  format bench bench-long lock wheel

help: ## Say what there is
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "  make %-10s %s\n", $$1, $$2 }'

up: ## From nothing to a prediction: set-up, base, model, endpoint
	@started=$$(date +%s); $(MAKE) -s $(PACKAGES); $(TOOLS) up --setup-seconds $$(($$(date +%s) - started))

down: $(PACKAGES) ## Destroy the dev stack and the base, stop the local AWS
	@$(TOOLS) down $(if $(FORCE),--force)

env: ## Print shell exports: eval "$(make -s env)"
	@# A set-up that fails must not let the shell go on.
	@{ $(MAKE) -s $(PACKAGES) >&2 && $(TOOLS) env; } || { echo false; exit 1; }

doctor: $(PACKAGES) ## Say which engine parts are used, and what is missing
	@$(TOOLS) doctor

engine: $(PACKAGES) ## Get the engine: pulumi, its plugins, terraform, its provider
	@$(TOOLS) engine --renew

parts: $(PACKAGES)
	@$(TOOLS) engine

test: parts ## Every test that needs no AWS account
	@# Four on two cores, as a test waits for AWS for about as long as it computes.
	@$(IN_ENV) python -m pytest -n 4 --dist loadgroup

stress: parts ## The tests on the engine, and the longest form of others, three times in random order on busy cores
	@$(TOOLS) stress

soak: parts ## 50 endpoints, half an hour of updates, kills, faults and deletions by hand: make soak SEED=7 does it again
	@$(TOOLS) soak $(if $(SEED),--seed $(SEED))

next: parts ## The tests on the engine with the newest Pulumi that can be built, to know what breaks on it
	@$(TOOLS) next -- python -m pytest -n 2 --dist loadgroup -m engine

terraforms: parts ## Export to other versions of Terraform and to OpenTofu, to know what breaks on them
	@$(TOOLS) terraforms
	@$(IN_ENV) python -m pytest tests/bridge/test_terraforms.py

unit: $(PACKAGES) ## The pure and mocks rings, in seconds
	@tools/unit

check: parts ## Format, lint, types, Terraform, docs against code
	@.venv/bin/ruff format --check
	@.venv/bin/ruff check
	@.venv/bin/mypy --cache-dir "$(MYPY_CACHE)"
	@cd templates/sagebridge-python && ../../.venv/bin/mypy --config-file= --strict --cache-dir "$(MYPY_CACHE)" .
	@.venv/bin/lint-imports --no-logo --no-cache
	@! command -v gofmt >/dev/null || test -z "$$(gofmt -l tools/go)" || { gofmt -d tools/go; exit 1; }
	@$(IN_ENV) terraform fmt -check -recursive -diff
	@$(IN_ENV) tools/validate
	@.venv/bin/python -m pytest -q tests/test_docs.py tests/test_pages.py tests/bench/test_report.py

ranges: $(PACKAGES) ## The same with the lowest and the newest Python and versions that the package allows
	@tools/ranges

docs: $(PACKAGES) ## Make the pages and the schema anew that come from the code
	@.venv/bin/python -m tools.reference
	@.venv/bin/python -m tools.shells
	@.venv/bin/python -m tools.bridge_types
	@.venv/bin/python -m tools.model_servers

images: $(PACKAGES) ## Renew the tables of AWS's images from the newest sagemaker-core
	@$(TOOLS) images

imports: $(PACKAGES) ## Renew the table of Terraform's import IDs from the AWS provider's sources
	@$(TOOLS) imports

format: $(PACKAGES) ## Rewrite the sources as `make check` wants them
	@.venv/bin/ruff check --fix --quiet; .venv/bin/ruff format; $(IN_ENV) terraform fmt -recursive; gofmt -w tools/go

bench: parts ## Measure, as ratios taken in one run, into build/measured
	@.venv/bin/python -m bench

bench-long: parts ## Measure the largest sizes too, into docs/measured, for the figures to quote: half an hour
	@.venv/bin/python -m bench --long

lock: $(PACKAGES) ## Make requirements.txt anew from pyproject.toml
	@.venv/bin/uv pip compile pyproject.toml --group dev --generate-hashes --python-version 3.11 --universal \
	  --no-emit-index-url --quiet --output-file requirements.txt

wheel: $(PACKAGES) ## Build dist/sagebridge-….whl
	@.venv/bin/uv build --quiet --wheel --no-build-isolation --python .venv/bin/python --out-dir dist components

$(PACKAGES): requirements.txt components/pyproject.toml Makefile
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed; $(PYTHON) is $$($(PYTHON) --version 2>&1). Try: make PYTHON=python3.12 …" >&2; exit 1; }
	@tools/room
	@echo "Python packages: $$(grep -c '==' requirements.txt), into .venv …" >&2
	@$(PYTHON) -m venv .venv || { echo "Install your system's package python3-venv, then run the command again." >&2; exit 1; }
	@# uv first, then uv gets the rest. Where it cannot, as behind a mirror that only pip is told of, pip does.
	@awk '/^[a-z]/ { own = /^uv==/ } own' requirements.txt > .venv/uv.txt
	@$(PIP) -r .venv/uv.txt
	@.venv/bin/uv pip sync $$(test -t 2 || echo --quiet) --python .venv/bin/python --require-hashes \
	  requirements.txt || \
	  { tools/room; echo "Python packages: uv could not; with pip, which takes longer …" >&2; $(PIP) -r requirements.txt; }
	@.venv/bin/uv pip install $$(test -t 2 || echo --quiet) --python .venv/bin/python --offline --no-deps \
	  --no-build-isolation --editable components
	@touch $@
