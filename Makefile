# All targets run in .venv. A target creates or updates it if it is missing or its requirements have changed: $(STACK) has
# the packages that deploy and run the service, $(READY) also those that check it.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STACK := $(VENV)/.stack
READY := $(VENV)/.ready
# More than a machine of CI has processors: tests on a stack wait for most of their time.
WORKERS := --numprocesses=3
CORE := $(VENV)/tools/localstack/.ready
TOOLS := $(filter-out $(CORE),$(patsubst infra/tools/%.txt,$(VENV)/tools/%/.ready,$(wildcard infra/tools/*.txt)))
QUICK_ON_LOCALSTACK := tests/e2e/test_contract.py tests/e2e/test_mailing.py::test_each_client_gets_the_text_with_its_attributes

export PIP_DISABLE_PIP_VERSION_CHECK = 1
# Compiled modules are kept, whatever the shell says: each of the processes of the tests would compile 250 of them anew.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help demo up package deploy destroy localstack-deploy localstack-destroy localstack-test check test hostile chaos lint hashes bench cost clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 27

demo: $(STACK) ## import 1,000 clients and send a mailing on a local stack, with a simulator of the gateway (GATEWAY=twilio)
	@$(BIN)/python -m infra.local.demo

up: $(STACK) ## run the local stack until Ctrl-C, on port 8000 (PORT, AWS_PORT, GATEWAY, GATEWAY_URL, GATEWAY_TOKEN, GATEWAY_RATE, RECEIPTS, STATE_DIR)
	@exec $(BIN)/python -m infra.local.up

check: lint ## run lint, types, and all tests that need no stack and no browser, in four minutes (PYTEST="-k rates")
	@TEST_DEPTH=quick $(BIN)/python -m pytest --numprocesses=3 -m "not stack" $(PYTEST)

test: lint $(TOOLS) ## run lint, types, and all tests, with the quick scenarios of chaos (PYTEST="--durations=30")
	@$(BIN)/python -m pytest $(WORKERS) $(PYTEST)

package: $(STACK) ## write the template and the zip of a stage into build/STAGE (STAGE=prod)
	@$(BIN)/python -m infra.deploy package --stage "$(STAGE)"

deploy: $(STACK) ## deploy a stage with the AWS credentials of the environment (STAGE=prod GATEWAY_URL=... GATEWAY_TOKEN=...; PLAN=1: only say what would change)
	@$(BIN)/python -m infra.deploy deploy --stage "$(STAGE)" $(if $(PLAN),--plan)

destroy: $(STACK) ## delete a stage; its tables and secrets stay, unless TABLES=delete (STAGE=prod)
	@$(BIN)/python -m infra.deploy destroy --stage "$(STAGE)" $(if $(filter delete,$(TABLES)),--delete-tables)

localstack-deploy: $(STACK) ## deploy to a running LocalStack at AWS_ENDPOINT_URL (GATEWAY_URL, GATEWAY_TOKEN)
	@$(BIN)/python -m infra.local.localstack deploy

localstack-destroy: $(STACK) ## delete the stack from a running LocalStack at AWS_ENDPOINT_URL, with its tables and secrets
	@$(BIN)/python -m infra.local.localstack destroy

localstack-test: $(CORE) ## run the end-to-end tests on LocalStack's core, without Docker, in 15 minutes (QUICK=1: two minutes)
	@$(BIN)/python -m pytest --localstack $(if $(QUICK),$(QUICK_ON_LOCALSTACK),tests/e2e) $(PYTEST)

hostile: $(READY) ## play 8,000 random sequences of events on a double of AWS that misbehaves as AWS does (SEED=7)
	@seed=$${SEED:-$$(date +%s)}; echo "the seed of Hypothesis: $$seed"; \
	TEST_DEPTH=deep $(BIN)/python -m pytest $(WORKERS) tests/invariants/test_hostile.py tests/invariants/test_any_series.py --hypothesis-seed=$$seed $(PYTEST)

chaos: $(STACK) ## inject faults into a local stack, scenario by scenario (CHAOS="--quick --seed 7 --only sender")
	@$(BIN)/python -m tools.chaos $(CHAOS)

lint: $(READY) ## run ruff and mypy
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

hashes: $(STACK) ## write the hashes of the Lambdas' packages and of the tools, after a change of their versions
	@$(BIN)/python -m infra.deploy.hashes

bench: $(READY) ## measure the service against minimal programs, in about ten minutes (BENCH="--only sending")
	@$(BIN)/python -m bench $(BENCH)

cost: $(READY) ## count what a million messages use of AWS, and price it by AWS's price lists
	@$(BIN)/python -m bench.cost

clean: ## remove all files that make created
	rm -rf $(VENV) build .chalice/deployments .pytest_cache .mypy_cache .ruff_cache .hypothesis

# Programs whose requirements conflict with ours: each has its own environment, .venv/tools/<name>.
$(VENV)/tools/%/.ready: infra/tools/%.txt | $(READY)
	@echo "installing $* ..."
	@$(BIN)/python -m venv $(@D)
	@$(BIN)/python -m infra.install $< --python $(@D)/bin/python
	@touch $@

$(READY): requirements-dev.txt $(STACK)
	@echo "installing the packages that check the service into $(VENV) ..."
	@$(BIN)/python -m infra.install $<
	@touch $@

$(STACK): requirements.txt infra/uv.txt infra/deploy/lambda-requirements.txt infra/local/requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed: set PYTHON="; exit 1; }
	@echo "installing the packages that run the service into $(VENV) ..."
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m infra.install infra/local/requirements.txt
	@touch $@
