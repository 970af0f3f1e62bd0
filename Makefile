# make demo   sets everything up and retires the example model end to end
# make test   sets everything up and passes the tests
# make setup  prepares .venv with the program in it
# uv is used when it is there, else venv and pip; PYTHON=python3.12 chooses another Python.

PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready

.PHONY: demo test setup check docs lock clean

demo: setup
	$(BIN)/emeritus demo

test: setup
	$(BIN)/pytest -n auto -m "not long"

setup: $(READY)
	@echo "ready: $(BIN)/emeritus"

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Emeritus needs Python 3.11 or newer; name one with: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@echo "making .venv with $$($(PYTHON) --version), $$(command -v uv >/dev/null 2>&1 && echo by uv || echo by venv and pip)"
	@echo "installing what requirements.lock lists, each file checked by its hash; downloads take a while, once"
	@if command -v uv >/dev/null 2>&1; then \
	  uv venv --quiet --clear --python "$$(command -v $(PYTHON))" .venv && \
	  uv pip install --quiet --python $(BIN)/python --require-hashes --requirements requirements.lock && \
	  uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable . ; \
	else \
	  $(PYTHON) -m venv --clear .venv || { echo "on Debian: apt-get install python3-venv"; exit 1; } ; \
	  $(BIN)/pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements.lock && \
	  $(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable . ; \
	fi
	@echo "installed emeritus in .venv, from this folder"
	@touch $(READY)

check: setup
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python docs/generate.py --check

docs: setup
	$(BIN)/python docs/generate.py

lock:
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-header --extra local --group dev pyproject.toml -o requirements.lock

clean:
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis emeritus-demo
