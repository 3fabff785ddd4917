# The README says what each of these is for.
GO := scripts/go.sh

.PHONY: demo test unit e2e build bench fuzz lint clean

demo: ## set everything up on this machine, show it, and stay up
	scripts/deps.sh demo
	CGO_ENABLED=0 $(GO) build -trimpath -o bin/isthmus ./cmd/isthmus
	CGO_ENABLED=0 $(GO) build -trimpath -o bin/demo ./e2e/demo
	ISTHMUS_BIN=bin/isthmus bin/demo $(DEMO)

test: ## install what the tests need, and run all of them
	scripts/test.sh

unit: ## the tests that need no server, as quickly as they go
	$(GO) test $$($(GO) list ./... | grep -v /e2e)

e2e: ## the tests against real servers; RUN=TestFlow for some of them
	scripts/deps.sh test
	CGO_ENABLED=0 $(GO) build -trimpath -o bin/isthmus ./cmd/isthmus
	ISTHMUS_BIN=$(CURDIR)/bin/isthmus $(GO) test -count=1 -timeout 30m ./e2e/... $(if $(RUN),-run '$(RUN)' -v)

build: ## bin/isthmus
	scripts/deps.sh build
	CGO_ENABLED=0 $(GO) build -trimpath -o bin/isthmus ./cmd/isthmus

bench: ## print the benchmark table
	scripts/bench.sh

fuzz: ## every fuzz target for a minute (FUZZTIME=10s for less)
	scripts/fuzz.sh $(or $(FUZZTIME),1m)

lint:
	scripts/lint.sh

clean:
	rm -rf bin .cache
