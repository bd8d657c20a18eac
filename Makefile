# All set-up happens by itself: `make test` and `make demo` work on a clean clone that finds Python 3.11, make and git.

PYTHON ?= python3
# Test processes. Each of those that run tests/cluster has a control plane of its own (700 MB).
WORKERS ?= 3
# Further arguments for pytest, as in: make test PYTEST_ARGS="tests/unit -k ledger"
PYTEST_ARGS ?=
# For make figures: a commit to compare with, the git range that adds a setting, and whether to list what was counted, as in:
# make figures BASE=v0.1.0 SETTING=v0.1.0..v0.2.0 VERBOSE=1
BASE ?=
SETTING ?=
VERBOSE ?=
# For make chaos: seeds of schedules, and the number of actions of each, as in: make chaos SEED="1 2 3" N=300
SEED ?= 1
N ?= 300
CHAOS_ARGS ?=

BIN := .venv/bin
READY := .venv/.ready
PACKAGES := operator/ses_operator sandbox/ses_sandbox tools/bench tools/devcluster tools/docs tools/figures tools/pictures tools/release tools/bootstrap.py tests
COMPILE = $(BIN)/uv pip compile --quiet --python-version 3.11 --generate-hashes --no-annotate --no-header --no-emit-index-url
# The Python packages in tools/ are run from there, not installed.
export PYTHONPATH := $(CURDIR)/tools
# Bytecode is kept, whatever the machine says: most of what a short Python process does is to compile.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup binaries test image-test check format lock crds docs schemas gitops demo up bench bench-large bench-audit chaos chaos-planted dist figures pictures site clean

help: ## Show what there is to make
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(READY) ## Make .venv from the lock; done by all other targets as needed

$(READY): requirements/dev.txt requirements/uv.txt pyproject.toml sandbox/pyproject.toml tools/bootstrap.py
	@echo "Setting up .venv …"
	@$(PYTHON) tools/bootstrap.py
	@touch $@

binaries: setup ## Find or build the control plane and the other real programs; a quarter of an hour the first time
	@$(BIN)/python -m devcluster build > /dev/null

test: setup binaries ## Run all tests
	@$(BIN)/pytest -n $(WORKERS) $(PYTEST_ARGS)

image-test: setup ## Build the image and start the operator from it; needs root, and Debian's buildah and debootstrap
	@$(BIN)/python -m devcluster build control-plane > /dev/null
	@$(BIN)/pytest tests/image

check: setup ## Lint, check the format, the types and the layers
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy --strict $(PACKAGES)
	@$(BIN)/lint-imports

format: setup ## Format the code and fix what can be fixed mechanically
	@$(BIN)/ruff check --fix
	@$(BIN)/ruff format

lock: setup ## Compile requirements/ anew from pyproject.toml
	@$(COMPILE) pyproject.toml -o requirements/runtime.txt
	@$(COMPILE) -c requirements/runtime.txt pyproject.toml --group dev --group sandbox -o requirements/dev.txt
	@$(COMPILE) -c requirements/dev.txt --group pictures -o requirements/pictures.txt

crds: setup ## Generate crds/ from the API models
	@$(BIN)/ses-operator crds --output crds
	@$(BIN)/ses-operator crds --output charts/ses-operator/files/crds
	@$(BIN)/ses-operator admission > charts/ses-operator/files/admission.yaml

docs: setup ## Write what repeats what the code says: parts of docs/, the chart's dashboard
	@$(BIN)/python -m docs.reasons
	@$(BIN)/python -m docs.metrics
	@$(BIN)/python -m docs.dashboard
	@$(BIN)/python -m docs.chart
	@$(BIN)/python -m docs.permissions
	@$(BIN)/python -m docs.reference
	@$(BIN)/python -m docs.audit

schemas: setup ## Write JSON schemas of the kinds, for editors and kubeconform, to dist/schemas
	@$(BIN)/python -m docs.schemas

gitops: setup ## Write what Argo CD needs to know of the kinds
	@PYTHONPATH=$(CURDIR)/tools:$(CURDIR)/tests $(BIN)/python -m gitops.customizations

demo: setup ## Watch an identity go from kubectl apply to verified in three regions
	@$(BIN)/python -m devcluster demo

up: setup ## Start control plane, sandbox and operator, and leave them running to play with
	@$(BIN)/python -m devcluster up

bench: setup ## Measure 200 identities in 4 regions
	@$(BIN)/python -m bench

bench-large: setup ## Measure 2,000 identities in 4 regions
	@$(BIN)/python -m bench --large

bench-audit: setup ## Measure an audit of 10,000 identities in 4 regions
	@$(BIN)/python -m bench.audit

chaos: setup binaries ## Let things go wrong by the schedule of each SEED, N of them, and check what must hold
	@PYTHONPATH=$(CURDIR)/tools:$(CURDIR)/tests $(BIN)/python -m chaos $(foreach seed,$(SEED),--seed $(seed)) --actions $(N) $(CHAOS_ARGS)

chaos-planted: setup binaries ## Plant defects into copies of the operator, and see that a seed finds each
	@PYTHONPATH=$(CURDIR)/tools:$(CURDIR)/tests $(BIN)/python -m chaos.planted $(CHAOS_ARGS)

figures: setup ## Print figures of the structure, of BASE too if given
	@$(BIN)/python -m figures $(if $(BASE),--base $(BASE)) $(if $(SETTING),--setting $(SETTING)) $(if $(VERBOSE),--verbose)

pictures: setup ## Draw docs/images anew, from a run of a quarter of an hour; needs Debian's prometheus
	@$(BIN)/uv pip install --quiet --require-hashes --target build/pictures -r requirements/pictures.txt
	@PYTHONPATH=$(PYTHONPATH):$(CURDIR)/build/pictures $(BIN)/python -m pictures

site: setup ## Make the documentation's site in build/site; a broken link is an error
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build

dist: setup ## Make what a release consists of: wheel, chart, CRDs, JSON schemas, SBOM, checksums
	@$(BIN)/python -m release

clean: ## Remove what was made in this folder; what was built once for all clones stays
	rm -rf .venv .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache dist build
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
