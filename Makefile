# Everything runs in .venv, which any target makes when it is missing or its requirements have changed.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
WORKERS := --numprocesses=2 --dist=loadgroup
TOOLS := $(patsubst infra/tools/%.txt,$(VENV)/tools/%/.ready,$(wildcard infra/tools/*.txt))

export PIP_DISABLE_PIP_VERSION_CHECK = 1

.DEFAULT_GOAL := help
.PHONY: help demo up package deploy destroy localstack-deploy check test chaos lint bench cost clean

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 25

demo: $(READY) ## a whole mailing on a local stack: 1,000 clients, a schedule, the gateway simulator, the figures
	@$(BIN)/python -m infra.local.demo

up: $(READY) ## the local stack, staying: the API on port 8000 (PORT, AWS_PORT, GATEWAY_URL, GATEWAY_TOKEN, RECEIPTS, STATE_DIR)
	@exec $(BIN)/python -m infra.local.up

check: lint ## lint, types, and every test that needs no stack and no browser: within a minute (PYTEST="-k rates")
	@$(BIN)/python -m pytest $(WORKERS) -m "not stack" $(PYTEST)

test: lint $(TOOLS) ## lint, types, every test, and the quick part of chaos among them (PYTEST="--durations=30")
	@$(BIN)/python -m pytest $(WORKERS) $(PYTEST)

package: $(READY) ## the template and the zip of a stage, in build/STAGE (STAGE=prod)
	@$(BIN)/python -m infra.deploy package --stage "$(STAGE)"

deploy: $(READY) ## a stage into the account of the credentials in the environment (STAGE=prod GATEWAY_URL=... GATEWAY_TOKEN=...)
	@$(BIN)/python -m infra.deploy deploy --stage "$(STAGE)"

destroy: $(READY) ## take a stage down; its tables stay, unless TABLES=delete
	@$(BIN)/python -m infra.deploy destroy --stage "$(STAGE)" $(if $(filter delete,$(TABLES)),--delete-tables)

localstack-deploy: $(READY) ## the stack onto a LocalStack that runs already, at AWS_ENDPOINT_URL (GATEWAY_URL, GATEWAY_TOKEN)
	@$(BIN)/python -m infra.local.localstack deploy

chaos: $(READY) ## the stack broken on purpose, scenario by scenario (CHAOS="--quick --seed 7 --only sender")
	@$(BIN)/python -m tools.chaos $(CHAOS)

lint: $(READY) ## ruff and mypy
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

bench: $(READY) ## our figures beside those of the bare minimum, in under ten minutes (BENCH="--only sending")
	@$(BIN)/python -m bench $(BENCH)

cost: $(READY) ## what a million messages cost at AWS: counted, times list prices
	@$(BIN)/python -m bench.cost

clean: ## remove what make has made
	rm -rf $(VENV) build .chalice/deployments .pytest_cache .mypy_cache .ruff_cache .hypothesis

# Programs whose own requirements would quarrel with ours: each in a place of its own, .venv/tools/<name>/bin.
$(VENV)/tools/%/.ready: infra/tools/%.txt | $(READY)
	@echo "installing $* ..."
	@$(BIN)/python -m venv $(@D)
	@$(@D)/bin/python -m pip install -q -r $<
	@touch $@

$(READY): requirements.txt requirements-dev.txt infra/local/requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed: set PYTHON="; exit 1; }
	@echo "installing into $(VENV) ..."
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install -q -r requirements-dev.txt
	@touch $@
