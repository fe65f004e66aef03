# The set-up lives in .venv; a target makes it when it is missing or when pyproject.toml or constraints.txt has changed.
# Its versions are those of constraints.txt, except torch's: TORCH chooses among its builds.
PYTHON ?= python3
TORCH ?= torch==2.13.0
INSTALL ?= $(BIN)/python -m pip install --quiet --disable-pip-version-check
SAMPLE ?= 4
GPU_PYTHON ?=
GPU_OUT ?= data/gpu
GPU_OPTIONS ?=
BIN := .venv/bin
GUARDED := reports/baseline/short.toml

.PHONY: help setup lock demo test attack test-results lint lint-style lint-types lint-sql wheel docs guard baseline bench gpu measure results report clean
.DEFAULT_GOAL := help

help: ## print this list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 20

.venv/.demo: EXTRAS = demo
.venv/.dev: EXTRAS = demo,dev
.venv/.demo .venv/.dev: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or later is needed: make PYTHON=python3.11 ..." if sys.version_info < (3, 11) else 0)'
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(INSTALL) -c constraints.txt '$(TORCH)' -e '.[$(EXTRAS)]'
	@touch .venv/.demo $@

setup: .venv/.dev ## make the environment with everything for development

# To renew the versions: empty constraints.txt, make clean lock, run the tests, have the diff reviewed.
lock: .venv/.dev ## write the versions of this environment to constraints.txt
	{ echo '# The versions that `make setup` installs, written by `make lock`; torch and what its builds bring are left out.'; \
	  $(BIN)/python -m pip freeze --exclude-editable | grep -viE '^(torch|triton|nvidia-[a-z0-9-]*|cuda-[a-z0-9-]*)[ =@]'; } > .venv/constraints.txt
	mv .venv/constraints.txt constraints.txt

demo: .venv/.demo ## take the scores of data/scores, score SAMPLE more architectures of NAS-Bench-201, write reports/demo
	$(BIN)/pipeline ingest nasbench201 --mapping analog-nasbench
	$(BIN)/pipeline merge data/scores
	$(BIN)/pipeline score nasbench201 --proxy data/generic-cifar10.toml
	$(BIN)/pipeline score nasbench201 --proxy aggregate-synflow-fast
	$(BIN)/pipeline score nasbench201 --sample $(SAMPLE) --sample-seed 1
	$(BIN)/pipeline report --out reports/demo

# Compiled first: where PYTHONDONTWRITEBYTECODE is set, each of some 150 processes would compile what it imports.
test: .venv/.dev ## run the tests, one file per core
	$(BIN)/python -m compileall -q pipeline tests
	$(BIN)/python -m pytest -q -n auto --maxprocesses 8 --dist loadfile --no-loadscope-reorder

attack: .venv/.dev ## odd and hostile inputs for every verb and kills at random moments, in minutes; CASES="words of a name" for some
	$(BIN)/python -m tests.attack $(CASES)

# Needs the published files: NAS_PROXY_BENCH_DATA names their folder. `make test` holds the same documents to
# reports/results/results.json, and that one to the hash of data/scores.
test-results: .venv/.dev ## compute the numbers of RESULTS.md and README.md anew and compare
	$(BIN)/python -m pytest -q -m slow

lint: lint-style lint-types lint-sql ## ruff, mypy, import-linter, sqlfluff; with -j beside one another

lint-style: .venv/.dev ## of lint: ruff
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

lint-types: .venv/.dev ## of lint: mypy, import-linter
	$(BIN)/mypy
	$(BIN)/lint-imports

lint-sql: .venv/.dev ## of lint: sqlfluff
	$(BIN)/sqlfluff lint --disable-progress-bar queries

wheel: .venv/.dev ## build the wheel and the source archive into dist
	$(BIN)/python -m hatchling build

# From an empty lake, or what is stored already would not be computed again.
define guarded_scores
rm -rf data/guard
$(BIN)/pipeline ingest nasbench201 --mapping analog-nasbench --lake data/guard
set -e; for proxy in $(GUARDED); do \
	$(BIN)/pipeline score nasbench201 --proxy $$proxy --only reports/baseline/architectures.txt --device cpu --lake data/guard; done
endef

guard: .venv/.demo ## score a small fixed set anew; fail where its rank correlations are not those of reports/baseline
	$(guarded_scores)
	$(BIN)/pipeline report --lake data/guard --out reports/guard --against reports/baseline

baseline: .venv/.demo ## make the rank correlations of reports/baseline anew; the diff is to be reviewed
	$(guarded_scores)
	$(BIN)/pipeline report --lake data/guard --out reports/guard
	cp reports/guard/correlations.csv reports/baseline/correlations.csv

bench: .venv/.dev ## time the engine beside the plain loop, ingest, queries, reports and big lakes; print ratios
	$(BIN)/python -m tests.bench.engine
	$(BIN)/python -m tests.bench.lake
	$(BIN)/python -m tests.bench.queries
	$(BIN)/python -m tests.bench.report

# Without pip and network where a Python has a torch for cards already, as GPU_PYTHON, or else PYTHON; else in .venv.
gpu: ## what a CUDA card does, in ten minutes: STEPS="engine workers", STEPS=whole for whole search spaces
	@python='$(GPU_PYTHON)'; if [ -z "$$python" ]; then \
		if $(PYTHON) -c 'import sys, torch; sys.exit(torch.version.cuda is None)' 2>/dev/null; then python='$(PYTHON)'; \
		elif $(MAKE) --no-print-directory .venv/.dev; then python=$(BIN)/python; \
		else echo '$(PYTHON) has no torch for CUDA and .venv could not be made (see above). Without network: make gpu GPU_PYTHON=PYTHON, a Python that has torch' >&2; exit 1; fi; fi; \
	exec "$$python" -m tests.bench.gpu $(STEPS) --out $(GPU_OUT) $(GPU_OPTIONS)

measure: .venv/.demo ## make a lake and a report of all that RESULTS.md tells from the files under DATA (hours; goes on where it was stopped)
	@test -n "$(DATA)" || { echo 'make measure DATA=FOLDER: reports/measure.sh says what is in it' >&2; exit 2; }
	reports/measure.sh $(DATA)

results: .venv/.demo ## write RESULTS.md and the numbers of README.md; with DATA=FOLDER compute them first (minutes; half an hour where tuning has to be done again)
	$(BIN)/python -m reports.results $(DATA)

docs: .venv/.demo ## write the generated pages of docs: the command line, table mappings, benchmarks
	$(BIN)/python -m docs.cli
	$(BIN)/python -m docs.mapping
	$(BIN)/python -m docs.benchmarks

report: .venv/.demo ## write the report of the lake to reports/latest
	$(BIN)/pipeline report

clean: ## remove the environment, caches and generated reports; the lake stays
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache dist data/guard reports/demo reports/guard reports/latest
