# Everything runs in .venv, which any target makes when it is missing or its requirements have changed. Targets that need
# $(STACK) get what deploys and runs the service, those that need $(READY) what checks it as well.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STACK := $(VENV)/.stack
READY := $(VENV)/.ready
WORKERS := --numprocesses=2
TOOLS := $(patsubst infra/tools/%.txt,$(VENV)/tools/%/.ready,$(wildcard infra/tools/*.txt))

export PIP_DISABLE_PIP_VERSION_CHECK = 1

.DEFAULT_GOAL := help
.PHONY: help demo up package deploy destroy localstack-deploy check test chaos lint bench cost clean

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 25

demo: $(STACK) ## a whole mailing on a local stack: 1,000 clients, a schedule, the gateway simulator, the figures
	@$(BIN)/python -m infra.local.demo

up: $(STACK) ## the local stack, staying: the API on port 8000 (PORT, AWS_PORT, GATEWAY_URL, GATEWAY_TOKEN, RECEIPTS, STATE_DIR)
	@exec $(BIN)/python -m infra.local.up

check: lint ## lint, types, and every test that needs no stack and no browser: within a minute (PYTEST="-k rates")
	@$(BIN)/python -m pytest $(WORKERS) -m "not stack" $(PYTEST)

test: lint $(TOOLS) ## lint, types, every test, and the quick part of chaos among them (PYTEST="--durations=30")
	@$(BIN)/python -m pytest $(WORKERS) $(PYTEST)

package: $(STACK) ## the template and the zip of a stage, in build/STAGE (STAGE=prod)
	@$(BIN)/python -m infra.deploy package --stage "$(STAGE)"

deploy: $(STACK) ## a stage into the account of the credentials in the environment (STAGE=prod GATEWAY_URL=... GATEWAY_TOKEN=...)
	@$(BIN)/python -m infra.deploy deploy --stage "$(STAGE)"

destroy: $(STACK) ## take a stage down; its tables stay, unless TABLES=delete
	@$(BIN)/python -m infra.deploy destroy --stage "$(STAGE)" $(if $(filter delete,$(TABLES)),--delete-tables)

localstack-deploy: $(STACK) ## the stack onto a LocalStack that runs already, at AWS_ENDPOINT_URL (GATEWAY_URL, GATEWAY_TOKEN)
	@$(BIN)/python -m infra.local.localstack deploy

chaos: $(STACK) ## the stack broken on purpose, scenario by scenario (CHAOS="--quick --seed 7 --only sender")
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
	@$(BIN)/python -m infra.install $< --python $(@D)/bin/python
	@touch $@

$(READY): requirements-dev.txt $(STACK)
	@echo "installing what checks the service into $(VENV) ..."
	@$(BIN)/python -m infra.install $<
	@touch $@

$(STACK): requirements.txt infra/deploy/lambda-requirements.txt infra/local/requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed: set PYTHON="; exit 1; }
	@echo "installing what runs the service into $(VENV) ..."
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m infra.install infra/local/requirements.txt
	@touch $@
