# make bench is the main thing: it needs Go, make and git, and nothing else.

GO      ?= go
OUT     ?= out
SOAK    ?= 5m
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
PROFILE := sim/hot.pgo
LINTER  := honnef.co/go/tools/cmd/staticcheck@v0.8.2

# Tests that fail are tried once more, aloud: real sockets and processes fare
# differently on a machine that is busy elsewhere. A data race is never excused.
TESTED := gotest.tools/gotestsum@v1.13.0
TEST    = $(GO) run $(TESTED) --format pkgname --hide-summary skipped --rerun-fails=1 --rerun-fails-abort-on-data-race --packages="$(1)" -- -timeout 20m $(2)

# Where goroutines meet: these are tested under the race detector.
RACE    := ./live/... ./sim/... ./bench/... ./components/...

# What tests need beyond Go. With TRAFFICLAB_ALL=1 (CI), leaving out is failing.
HAS      = $(firstword $(foreach name,$(1),$(shell command -v $(name) 2>/dev/null)))
BROWSER := $(call HAS,chromium chromium-browser google-chrome)
REDIS   := $(call HAS,redis-server)
CURL    := $(call HAS,curl)
H2LOAD  := $(call HAS,h2load)
CC      := $(call HAS,$(shell $(GO) env CC) gcc clang)
comma   := ,
empty   :=
space   := $(empty) $(empty)
# One line: each thing that is missing, with what goes untested.
MISSING  = $(if $(CC),,the_race_detector_(no_C_compiler)) $(if $(BROWSER),,the_report_and_the_gateway_in_a_browser_(no_Chromium)) $(if $(REDIS),,shared_limits_over_a_real_Redis_(no_redis-server)) $(if $(and $(CURL),$(H2LOAD)),,other_clients_(no_curl_or_h2load))
OMITTED := $(subst _, ,$(subst $(space),$(comma) ,$(strip $(MISSING))))
ROOT    := $(if $(filter 0,$(shell id -u)),,sudo)

# The public conformance suite for HTTP caches, by the name of its npm package.
CACHE_SUITE := http-cache-tests
SUITES      := $(OUT)/suites

.PHONY: help build bench bench-short bench-proxy bench-sim profile test omitted cache-tests soak lint fmt deps clean

help: ## print this
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{printf "%-20s %s\n", $$1, $$2}'

build: ## make bin/trafficlab
	@mkdir -p bin
	$(GO) build -pgo=$(PROFILE) -ldflags '-X main.version=$(VERSION)' -o bin/trafficlab ./cmd/trafficlab

bench: build ## run all shipped scenarios in both worlds; then open out/index.html
	bin/trafficlab run --all --out $(OUT)

bench-short: build ## the same, shortened: to see that all works, not for figures
	bin/trafficlab run --all --short --out $(OUT)

bench-proxy: ## CPU time per request of what proxies do, beside NGINX, HAProxy and Caddy if installed
	$(GO) test -run '^$$' -bench Proxy -timeout 30m ./live

bench-sim: ## how fast the simulator is, and how right at high loads
	$(GO) test -pgo=$(PROFILE) -run '^$$' -bench . -benchmem -timeout 30m ./sim

profile: ## note anew where the simulator spends its time, for the compiler: when its path has changed much
	$(GO) test -run '^$$' -bench 'Run/(over_10|costs)$$' -benchtime 2000000x -cpuprofile $(PROFILE) -o /dev/null ./sim

test: ## vet and test all that this machine can
	$(GO) vet ./...
	$(if $(CC),$(call TEST,$(RACE),-race -short))
	$(call TEST,./...)
	@$(MAKE) --no-print-directory omitted

omitted:
	@$(if $(OMITTED),echo 'left out: $(OMITTED); make deps installs what is missing'; test -z "$(TRAFFICLAB_ALL)",:)

cache-tests: ## run the public conformance suite for caches (it needs node and npm)
ifeq ($(and $(call HAS,node),$(call HAS,npm)),)
	@echo 'left out: the conformance suite for caches (no node, or no npm)'; test -z "$(TRAFFICLAB_ALL)"
else
	@test -d $(SUITES)/node_modules/$(CACHE_SUITE) || npm install --silent --ignore-scripts --no-save --prefix $(SUITES) $(CACHE_SUITE)@0.4.5
	TRAFFICLAB_CACHE_TESTS=$(abspath $(SUITES)/node_modules/$(CACHE_SUITE)) $(GO) test -count=1 -v -run TestCacheSuite ./live
endif

soak: ## five minutes of mixed load, reloads, crashes and drains: nothing lost or mixed up; and as long of each topology against itself: nothing found (SOAK=10m for longer)
	TRAFFICLAB_SOAK=$(SOAK) $(GO) test -count=1 -v -p 1 -timeout 24h -run TestSoak ./live ./bench

lint: ## gofmt and staticcheck
	@test -z "$$(gofmt -l .)" || { echo 'not gofmt-ed (make fmt):'; gofmt -l .; exit 1; }
	$(GO) run $(LINTER) ./...

fmt: ## format the source
	gofmt -w .

deps: ## install what some tests need: Chromium, a C compiler, Redis, curl, h2load (Debian, Ubuntu)
	$(ROOT) apt-get update -q
	$(ROOT) env DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends $(if $(CC),,gcc libc6-dev) $(if $(BROWSER),,chromium) $(if $(REDIS),,redis-server) $(if $(CURL),,curl) $(if $(H2LOAD),,nghttp2-client)

clean: ## empty out/ and bin/
	rm -rf out bin
