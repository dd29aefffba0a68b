# make train   fresh machine -> virtual environment -> the quickstart, trained on real data
# make test    the whole test suite, style and types
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/ready
PEERS  := .venv-peers

.DELETE_ON_ERROR:
.PHONY: train test check offline gallery results bench bench-peers bench-gpu proof fuzz-config docs lecture wheel clean

train: $(READY)
	$(BIN)/rnnexp train configs/quickstart.yaml

test: check
	$(BIN)/python -m pytest -q -n 2

check: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

$(READY): pyproject.toml constraints.txt $(wildcard rnnexp/kernels/native/*)
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q -c constraints.txt setuptools
	$(BIN)/python -m pip install -q -c constraints.txt --no-build-isolation -e '.[dev]'
	touch $@

offline: $(READY)  ## the test suite where there is no network but this machine's own (Linux)
	unshare --net --map-root-user sh -c 'ip link set lo up && exec $(BIN)/python -m pytest -q -n 2'

gallery: $(READY)  ## train every config of the gallery whole and check its expected metric (about 25 min)
	$(BIN)/python -m benchmarks.gallery

results: $(READY)  ## train the rows of the results table and write docs/results.md (about 3 h; goes on where it stopped)
	$(BIN)/python -m benchmarks.results --out docs/results.md

bench: $(READY)  ## our layers against torch's, what the runner adds to a bare loop, start-up, memory under truncated BPTT
	$(BIN)/rnnexp bench
	$(BIN)/python -m benchmarks.runner_overhead
	$(BIN)/python -m benchmarks.start_up
	$(BIN)/python -m benchmarks.truncated_memory

bench-peers: $(READY) $(PEERS)/ready  ## training steps of our layers against torch, JAX and Keras (about 15 min)
	$(BIN)/python -m benchmarks.layer_speed --peers $(PEERS)/bin/python

$(PEERS)/ready: constraints.txt benchmarks/peers.txt
	$(PYTHON) -m venv $(PEERS)
	$(PEERS)/bin/python -m pip install -q -c constraints.txt -c benchmarks/peers.txt jax optax keras torch==2.13.0
	touch $@

bench-gpu: $(READY)  ## the same on a GPU beside a loop written by hand: steps a second, kernel launches
	$(BIN)/python -m benchmarks.gpu_speed

proof: $(READY)  ## crash safety in full: kills, signals, chains, errors at every storage call, saboteurs (about 3 h)
	RNNEXP_PROOF=1 $(BIN)/python -m pytest -q -n 2 tests/test_resuming.py tests/test_storage_trouble.py tests/recording tests/test_hostile.py tests/test_saboteurs.py

fuzz-config: $(READY)  ## 10,000 mutated configs
	RNNEXP_FUZZ=10000 $(BIN)/python -m pytest -q tests/config/test_mutations.py

docs: $(READY)  ## write docs/config.md from the schema
	$(BIN)/python -m rnnexp.config.reference > docs/config.md

lecture: $(READY)  ## run every command of docs/lecture and write its output and pictures anew (about 4 min)
	$(BIN)/python -m benchmarks.lecture_pages

wheel: $(READY)
	$(BIN)/python -m pip wheel -q -c constraints.txt --no-build-isolation --no-deps -w dist .

clean:
	rm -rf $(VENV) $(PEERS) build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
