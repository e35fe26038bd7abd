SHELL := /bin/bash
export PATH := $(CURDIR)/.venv/bin:$(PATH)
export UV_SYSTEM_CERTS := 1

.PHONY: help demo demo-down test test-long lint sanity unit artifact molecule bench-converge bench-deploy docs clean setup

help: ## Say what each target does
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: setup ## Boot a throwaway host, deploy the example project to it and print its URLs
	@lab/demo

demo-down: setup ## Remove every trace of the demo
	@lab/demo-down

test: setup ## Run the whole gate: every part below, side by side where they can be
	@tools/test

test-long: setup ## Run the whole gate with the long form of its tests
	@GATEHOUSE_LONG=1 tools/test

lint: setup ## Run ansible-lint, yamllint, ruff, mypy, shellcheck and the changelog's check
	@tools/test lint

sanity: setup ## Run ansible-test sanity for every supported Python that is here
	@tools/test sanity

unit: setup ## Run the unit tests with the newest and the oldest ansible-core, and the example project's own tests
	@tools/test unit

artifact: setup ## Build the collection's artifact, install it and look inside
	@tools/test artifact

molecule: setup ## Run the molecule scenarios, or one: make molecule SCENARIO=default
	@tools/test $(if $(SCENARIO),molecule-$(SCENARIO),molecule)

bench-converge: setup ## Measure how long 1 to 1,000 sites take, side by side with other ways: benchmarks/README.md
	@lab/requirements
	@lab/enter python -m benchmarks.converge.run $(if $(FULL),--full)

bench-deploy: setup ## Measure how long a deploy takes and what visitors see of it: benchmarks/README.md
	@lab/requirements
	@lab/enter python -m benchmarks.deploy.run

docs: setup ## Write the variable tables of the roles' READMEs from their argument specs
	@tools/role_docs

clean: ## Remove what make made here, except the demo
	rm -rf .venv .venv-oldest .venv-gixy .collections .artifacts .ansible .mypy_cache .ruff_cache

setup:
	@tools/setup
