SHELL := /bin/bash
export PATH := $(CURDIR)/.venv/bin:$(PATH)
export UV_SYSTEM_CERTS := 1

.PHONY: help demo demo-fleet demo-down test test-long lint sanity unit artifact molecule bench-apps bench-converge bench-data bench-deploy bench-fleet bench-serve docs clean setup

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: setup ## Boot a throwaway host, deploy the example project to it and print its URLs (DATABASE=postgresql: not on SQLite)
	@lab/demo

demo-fleet: setup ## Boot four hosts: the example project with Celery on two web hosts behind a balancer, its database on a fourth
	@lab/demo --fleet

demo-down: setup ## Remove everything that the demo made
	@lab/demo-down

test: setup ## Run the whole gate: every part below, in parallel where possible
	@tools/test

test-long: setup ## Run the whole gate with the long form of its tests
	@GATEHOUSE_LONG=1 tools/test

lint: setup ## Run ansible-lint, yamllint, ruff, mypy, shellcheck, and check the changelog and the licences
	@tools/test lint

sanity: setup ## Run ansible-test sanity with the newest and the oldest ansible-core
	@tools/test sanity

unit: setup ## Run the unit tests with the newest and the oldest ansible-core and Python 3.14, and the example's tests
	@tools/test unit

artifact: setup ## Build the collection's artifact, install it, check its content, and try a release
	@tools/test artifact

molecule: setup ## Run the molecule scenarios, or one of them: make molecule SCENARIO=default
	@tools/test $(if $(SCENARIO),molecule-$(SCENARIO),molecule)

bench-apps: setup ## Measure how long a run takes with 200 apps on one host, and what they need: benchmarks/README.md
	@lab/requirements
	@lab/enter python -m benchmarks.apps.run

bench-converge: setup ## Measure how long 1 to 1,000 sites take, compared with other ways: benchmarks/README.md
	@lab/requirements
	@lab/enter python -m benchmarks.converge.run $(if $(FULL),--full)

bench-data: setup ## Measure what backups and restores of 1 GB cost, and what visitors notice: benchmarks/README.md
	@lab/requirements
	@lab/enter python -m benchmarks.data.run

bench-deploy: setup ## Measure how long a deploy takes, and which requests fail during it: benchmarks/README.md
	@lab/requirements
	@lab/enter python -m benchmarks.deploy.run

bench-serve: setup ## Measure what a request costs, and who is served beside slow clients: benchmarks/README.md
	@lab/requirements
	@lab/enter python -m benchmarks.serve.run

bench-fleet: setup ## Measure deployments to a fleet under load, and plays with up to 16 web hosts: benchmarks/README.md
	@lab/requirements
	@lab/enter python -m benchmarks.fleet.run

docs: setup ## Generate the variable tables of the roles' READMEs from their argument specs
	@tools/role_docs

clean: ## Remove everything that make built in this directory, except the demo
	rm -rf .venv .venv-* .collections .artifacts .ansible .mypy_cache .ruff_cache

setup:
	@tools/setup
