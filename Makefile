# Each target runs on a fresh machine that has Python 3.11 or newer and nothing else: it makes .venv and fills it.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ARGS ?=
CLIENTS := .venv-clients
BENCH := .venv-bench
DOCS := .venv-docs
UI := .venv-ui
RAY := .venv-ray
# Each micro-benchmark once, untimed: so that none of them rots.
MICRO := benchmarks/micro --benchmark-disable
NODE := tests/clients/node
# The page that the server shows: made by Node from its own folder, carried by the wheel.
PAGE := playground
# The clients that are asked again through Ray's proxy.
ON_RAY := $(addprefix test_,$(addsuffix .py,openai_python openai_python_tools openai_python_responses \
	openai_python_responses_stored openai_node openai_node_tools openai_node_responses ai_sdk langchain_openai \
	langchain_responses))
BUILT := src/mserve/web/built/index.html

.PHONY: demo test test-unit test-clients test-faults test-ray test-ui playground docs environments clients bench bench-micro bench-ray costs check format lock clean

demo: $(VENV)/.demo
	$(BIN)/mserve demo $(ARGS)

test: $(VENV)/.dev
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest -n 3 --dist loadfile tests $(MICRO) --ignore tests/clients --ignore tests/faults --ignore tests/deploy --ignore tests/on_ray $(ARGS)
	$(BIN)/coverage combine -q
	$(BIN)/coverage report

# The fast part, in half a minute.
test-unit: $(VENV)/.dev
	$(BIN)/python -m pytest tests/test_transcript.py tests/protocols tests/programs tests/runs tests/bench tests/costs $(MICRO) $(ARGS)

# Clients that others wrote, each against a real server: needs npm with Node 20, and Chromium.
# MSERVE_TEST_SHARE=0.1 runs a tenth of what is generated.
test-clients: $(VENV)/.dev clients
	$(BIN)/python -m pytest tests/clients $(ARGS)

# Whatever goes wrong, each against a real server; and what is shipped to run one: needs nginx, Caddy and systemd-analyze.
# MSERVE_TEST_SHARE=0.1 runs a tenth of what is done many times.
test-faults: $(VENV)/.dev
	$(BIN)/python -m pytest tests/faults tests/deploy $(ARGS)

# On a Ray cluster of two nodes, on this machine; with HAProxy what that does otherwise; then the clients through Ray's own
# proxy: needs PostgreSQL, and npm with Node 20.
# MSERVE_TEST_SHARE=0.1 runs a tenth of the streams.
test-ray: $(RAY)/.done clients
	$(RAY)/bin/python -m pytest -n 2 --dist loadfile tests/on_ray --ignore tests/on_ray/haproxy --timeout 180 $(ARGS)
	RAY_SERVE_ENABLE_HA_PROXY=1 $(RAY)/bin/python -m pytest tests/on_ray/haproxy tests/on_ray/test_serving.py --timeout 180 $(ARGS)
	MSERVE_TEST_ON_RAY=1 $(RAY)/bin/python -m pytest $(addprefix tests/clients/,$(ON_RAY)) --timeout 180 $(ARGS)

# The page by itself, then in a browser, served by the wheel as anybody installs it: needs npm with Node 20, and Chromium.
# MSERVE_TEST_SHARE=0.1 lets a tenth of the long answer come at its pace; UI_PICTURES=1 takes the documents' pictures anew.
test-ui: $(VENV)/.dev $(UI)/.done
	cd $(PAGE) && npm run -s check && npm test -s
	cd $(PAGE) && MSERVE=$(CURDIR)/$(UI)/bin/mserve npm run -s e2e -- $(ARGS)

playground: $(BUILT)

# The site, into build/site; a link that leads nowhere, and whatever a page would load from another host, is an error.
# Not --quiet: MkDocs counts no warning then that it does not print.
docs: $(DOCS)/.done
	$(DOCS)/bin/mkdocs build

# All that the slower suites need, beside .venv.
environments: clients $(RAY)/.done $(PAGE)/node_modules/.done

clients: $(CLIENTS)/openai-2/.done $(CLIENTS)/openai-3/.done $(NODE)/node_modules/.done

# The race of docs/performance.md, on an idle machine of two cores or more: a quarter of an hour.
# ARGS="--rounds 1 --only ours,raw" takes two minutes, and writes to build/bench.
bench: $(VENV)/.dev $(BENCH)/.done
	$(BIN)/python -m benchmarks $(ARGS)

# What each step of a request costs by itself, in memory: half a minute. ARGS="-k encode" for a part of it.
bench-micro: $(VENV)/.dev
	$(BIN)/python -m pytest benchmarks/micro --benchmark-columns=min,median,iqr --benchmark-sort=fullname $(ARGS)

# Workers against Ray Serve, for docs/scaling.md, on an idle machine of two cores: five minutes. PostgreSQL is the tests' own.
# ARGS="--rounds 1 --only workers-1,ray-1" takes one, and writes to build/bench.
bench-ray: $(RAY)/.done
	PYTHONPATH=tests $(RAY)/bin/python -m benchmarks.scaling $(ARGS)

# Counts anew what a token, a request and an idle stream cost: docs/performance.md says when.
costs: $(VENV)/.dev
	costs=$$($(BIN)/python -m tests.costs.counting) && echo "$$costs" > tests/costs/costs.json

check: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.dev
	$(BIN)/ruff check --fix-only -q .
	$(BIN)/ruff format .

# Takes the newest versions that pyproject.toml allows, and writes them down.
lock:
	rm -rf $(VENV)
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q -e '.[dev]'
	$(BIN)/python -m pip freeze --exclude-editable > requirements.lock
	rm -rf $(DOCS)
	$(PYTHON) -m venv $(DOCS)
	$(DOCS)/bin/python -m pip install -q -c requirements.lock -e '.[docs]'
	$(DOCS)/bin/python -m pip freeze --exclude-editable > docs/requirements.lock
	rm -rf $(RAY)
	$(PYTHON) -m venv $(RAY)
	$(RAY)/bin/python -m pip install -q -c requirements.lock -e '.[dev,ray]'
	$(RAY)/bin/python -m pip freeze --exclude-editable > tests/on_ray/requirements.lock

clean:
	rm -rf $(VENV) $(CLIENTS) $(BENCH) $(DOCS) $(UI) $(RAY) $(NODE)/node_modules $(PAGE)/node_modules $(dir $(BUILT))

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "mserve needs Python 3.11 or newer; try: make PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.demo: $(BIN)/python pyproject.toml requirements.lock
	$(BIN)/python -m pip install -q -c requirements.lock -e '.[demo]'
	touch $@

$(VENV)/.dev: $(BIN)/python pyproject.toml requirements.lock
	$(BIN)/python -m pip install -q -c requirements.lock -e '.[dev]'
	touch $@ $(VENV)/.demo

# Clients of one time cannot live together: each lock is an environment of its own.
$(CLIENTS)/%/.done: tests/clients/python/%.lock
	rm -rf $(@D)
	$(PYTHON) -m venv $(@D)
	$(@D)/bin/python -m pip install -q --no-deps --no-compile -r $<
	touch $@

$(UI)/.done: $(BUILT) pyproject.toml requirements.lock $(shell find src examples -name '*.py' -o -name '*.html')
	rm -rf $(UI)
	$(PYTHON) -m venv $(UI)
	$(UI)/bin/python -m pip wheel -q --no-deps -w $(UI)/wheel .
	$(UI)/bin/python -m pip install -q -c requirements.lock $(UI)/wheel/*.whl
	touch $@

# What the race runs against cannot live together with what is developed here.
$(BENCH)/.done: benchmarks/contenders.lock
	rm -rf $(@D)
	$(PYTHON) -m venv $(@D)
	$(@D)/bin/python -m pip install -q --no-deps -r $<
	touch $@

$(DOCS)/.done: pyproject.toml docs/requirements.lock
	rm -rf $(@D)
	$(PYTHON) -m venv $(@D)
	$(@D)/bin/python -m pip install -q -c docs/requirements.lock -e '.[docs]'
	touch $@

$(RAY)/.done: pyproject.toml tests/on_ray/requirements.lock
	rm -rf $(@D)
	$(PYTHON) -m venv $(@D)
	$(@D)/bin/python -m pip install -q -c tests/on_ray/requirements.lock -e '.[dev,ray]'
	touch $@

$(NODE)/node_modules/.done: $(NODE)/package-lock.json
	cd $(NODE) && npm ci --silent --no-audit --no-fund
	touch $@

$(PAGE)/node_modules/.done: $(PAGE)/package-lock.json
	cd $(PAGE) && npm ci --silent --no-audit --no-fund
	touch $@

$(BUILT): $(PAGE)/node_modules/.done $(PAGE)/index.html $(PAGE)/vite.config.ts $(shell find $(PAGE)/src -type f)
	cd $(PAGE) && npm run -s build
