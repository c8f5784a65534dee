# make demo    install into .venv, run the demo study, print the path of its page
# make test    install what tests need, run the fast tests      make test-slow    the others
# make check   formatter, linter, type checker                  make docs         regenerate settings.md, settings_ini.md, audit.md, commands.md, architecture.svg
# make test-slurm   campaigns on a SLURM of one node, started for that (Debian: apt-get install slurm-wlm munge; root)
# make test-gpu     where there is a CUDA GPU: the tests of its kernels and of whole runs on it, and how fast it is
# make site    build the pages of docs as a site, build/site/index.html; a broken link is an error
# make notebooks  execute docs/notebooks and write them as pages, runs/notebooks/NAME/NAME.md
# make validate   run every reference case, write docs/validation.md and its figure
#
# test-slow and validate install CLASS first (a minute or two to compile) and do without it where that fails.
#
# PIP_FLAGS goes to pip; without a GPU, PyTorch's CPU build saves some gigabytes:
#   make demo PIP_FLAGS='--extra-index-url INDEX_OF_CPU_BUILDS'

PYTHON ?= python3
PIP_FLAGS ?=
PYTEST_FLAGS ?=
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet $(PIP_FLAGS) -c constraints.txt

.PHONY: demo test test-slow test-slurm test-gpu check docs site notebooks validate clean
.DELETE_ON_ERROR:

demo: $(VENV)/.installed
	$(BIN)/weakfield run demo --out runs/demo
	@echo "The page: $(CURDIR)/runs/demo/report/index.html"

test: $(VENV)/.installed-test
	@$(BIN)/python tests/helpers/compile_kernels.py # else each process of pytest would compile for itself
	$(BIN)/python -m pytest -n auto --dist worksteal -m "not slow" $(PYTEST_FLAGS)

test-slow: $(VENV)/.installed-class
	$(BIN)/python -m pytest -n auto --dist worksteal -m slow $(PYTEST_FLAGS)

test-slurm: $(VENV)/.installed-test
	tests/pairs/slurm/run.sh $(BIN)/python -m pytest -m slurm tests/pairs/test_slurm.py $(PYTEST_FLAGS)

test-gpu: $(VENV)/.installed-test
	@$(BIN)/python -c "import sys, torch; torch.cuda.is_available() or sys.exit('PyTorch finds no CUDA GPU to test')"
	$(BIN)/weakfield doctor
	$(BIN)/python -m pytest -m "slow or not slow" tests/mesh/test_triton.py tests/simulation/test_devices.py $(PYTEST_FLAGS)
	$(BIN)/python benchmarks/gpu.py

check: $(VENV)/.installed-test
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy

docs: $(VENV)/.installed
	$(BIN)/weakfield settings > docs/settings.md
	$(BIN)/weakfield settings --ini > docs/settings_ini.md
	$(BIN)/weakfield audit --list > docs/audit.md
	$(BIN)/python docs/scripts/commands.py
	$(BIN)/python docs/scripts/architecture.py

site: $(VENV)/.installed-docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build

notebooks: $(VENV)/.installed
	$(BIN)/python docs/scripts/notebooks.py --out runs/notebooks

validate: $(VENV)/.installed-class
	$(BIN)/python docs/scripts/validation.py

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) -e '.[all]'
	@touch $@

$(VENV)/.installed-test: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) -e '.[test]'
	@touch $@ $(VENV)/.installed

$(VENV)/.installed-docs: $(VENV)/.installed
	$(PIP) -e '.[docs]'
	@touch $@

$(VENV)/.installed-class: $(VENV)/.installed-test
	@if $(PIP) -e '.[test,class]'; then touch $@; \
	else echo "CLASS could not be installed: its tests will be skipped, its rows left out"; fi
