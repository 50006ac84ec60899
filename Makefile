# Everything runs from .venv, which the first target that needs it makes. `make help` lists the targets.
PYTHON  ?= python3
DATASET ?= data/sample/saas
QUARTER ?= 2026Q2
JOBS    ?= 2
BIN     := .venv/bin
READY   := .venv/.ready
SPARK   := .venv/.spark
SPARK_LOCK := tests/backends/requirements-spark.txt

.DEFAULT_GOAL := help
.PHONY: help review test lab bench lint format notebooks sample lock clean

help: ## this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'
	@echo "  Settings: DATASET=$(DATASET) QUARTER=$(QUARTER) JOBS=$(JOBS) PYTHON=$(PYTHON)"

$(READY): requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; set PYTHON=")'
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

# Spark is tried only where Java is found; without it the tests on Spark are listed as skipped.
$(SPARK): $(READY) $(SPARK_LOCK)
	@if java -version >/dev/null 2>&1; then \
	  echo "Java found: installing PySpark for the tests on Spark"; \
	  $(BIN)/pip install --quiet --disable-pip-version-check --no-build-isolation --require-hashes --no-deps -r $(SPARK_LOCK); \
	fi
	@touch $@

review: $(READY) ## review a data set: executed notebooks and an offline report
	$(BIN)/kpi review $(DATASET) --quarter $(QUARTER) --jobs $(JOBS)

test: $(READY) $(SPARK) ## every test: unit, laws, doctests, notebooks, browser, real data where present
	$(BIN)/python -m pytest -n $(JOBS) --dist loadfile --doctest-modules kpi_lib tests

lab: $(READY) ## JupyterLab on notebooks/start_here.ipynb
	$(BIN)/kpi lab

bench: $(READY) ## speed against papermill and against a plain script, as ratios
	$(BIN)/python benchmarks/review.py

lint: $(READY) ## ruff, mypy and the normal form of the notebooks
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/kpi tidy --check

format: $(READY) ## put code and notebooks into their normal form
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/kpi tidy

notebooks: $(READY) ## execute the notebooks on the sample and store their outputs
	$(BIN)/kpi tidy --execute

sample: $(READY) ## make the two sample companies again
	$(BIN)/python data/sample/make.py

lock: $(READY) ## pin requirements.in anew (needs uv, installed on the fly)
	$(BIN)/pip install --quiet uv
	$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-emit-find-links requirements.in -o requirements.txt
	echo 'pyspark>=4,<4.1' | $(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-emit-find-links - -o $(SPARK_LOCK)

clean: ## remove the environment, caches and reviews
	rm -rf .venv reviews .pytest_cache .mypy_cache .ruff_cache .hypothesis
