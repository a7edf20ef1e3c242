# Kopilka. `make help` lists what there is; `make run` and `make test` need nothing set up before.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

CARGO ?= cargo
# The linter of the .proto files; an npm package that carries its program.
BUF := npx --yes @bufbuild/buf@1.75.0

.PHONY: help
help: ## List the targets
	@awk 'BEGIN { FS = ":.*## " } /^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: run
run: ## Run everything here: the chat at http://127.0.0.1:8090, state in ./data
	@scripts/setup.sh run
	$(CARGO) build --workspace --bins
	@exec target/debug/sandbox

.PHONY: test
test: build-tests ## Run all tests: SQLite, a real PostgreSQL, real processes, a real browser, the Python client
	@status=0; \
	$(CARGO) test --workspace --no-fail-fast || status=$$?; \
	scripts/python-test.sh || status=$$?; \
	exit $$status

.PHONY: python-test
python-test: build-tests ## Check and test the Python client and its examples only
	@scripts/python-test.sh

.PHONY: build-tests
build-tests:
	@scripts/setup.sh test
	$(CARGO) build --workspace --bins --tests

.PHONY: check
check: fmt-check proto-lint workflow-check rules-check deny clippy doc test k8s-check image-test ## All that CI runs

.PHONY: fmt
fmt: ## Format the code
	$(CARGO) fmt --all

.PHONY: fmt-check
fmt-check:
	$(CARGO) fmt --all --check

.PHONY: proto-lint
proto-lint: ## Lint the .proto files (buf STANDARD), and compare them with the last release's
	@scripts/setup.sh test
	$(BUF) lint proto
	$(BUF) breaking proto --against proto/released.binpb

.PHONY: proto-released
proto-released: proto-lint ## At a release: keep its contracts, which the next ones may not break
	$(BUF) build proto --exclude-source-info --output proto/released.binpb

.PHONY: clippy
clippy: ## Lint the code
	$(CARGO) clippy --workspace --all-targets -- -D warnings

.PHONY: doc
doc: ## Build the documentation
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --workspace --no-deps --document-private-items

.PHONY: images
images: ## Build the images with docker, podman or buildah; each holds a list of what is in it
	@scripts/images.sh

.PHONY: image-test
image-test: ## Build the images twice, compare them, run them
	@scripts/image-test.sh

.PHONY: sbom
sbom: ## List what is in each image (CycloneDX), in target/image/context/sbom
	@scripts/images.sh binaries

.PHONY: deny
deny: ## Check the crates: licences, versions twice, sources, advisories
	@scripts/deny.sh

.PHONY: k8s-check
k8s-check: build-tests ## Check the manifests without a cluster, and rehearse the local overlay on loopback
	@scripts/k8s-check.sh target/debug

.PHONY: rules-check
rules-check: ## Check alerts, their tests and sections of the runbook, and dashboards
	@scripts/rules-check.sh

.PHONY: workflow-check
workflow-check: ## Check the workflows of GitHub and Renovate's configuration
	@scripts/workflow-check.sh

.PHONY: bench
bench: build-bench ## Measure Kopilka beside its baselines, in 40 minutes; the ratios are the last line
	@exec target/release/kopilka-bench suite

.PHONY: bench-quick
bench-quick: build-bench ## The same in two minutes, without long histories; tells what fell since bench/baseline.json
	@exec target/release/kopilka-bench suite --quick

.PHONY: build-bench
build-bench:
	@scripts/setup.sh test
	$(CARGO) build --release --workspace --bins

.PHONY: clean-data
clean-data: ## Forget all users, money and pictures of `make run`
	rm -rf data
