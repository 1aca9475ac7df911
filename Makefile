# One line each; the work is in tools/. `make run ARGS="--listen 127.0.0.1:9000"` hands flags on.
.PHONY: help run test check bench web-budget web-feel test-faults test-hostile test-operations up
.DEFAULT_GOAL := help

help:         ; @sed -nE 's/^([a-z-]+):.* ## ([a-z].*)/\1\t\2/p' Makefile | expand -t 16 ## this list
run:          ; @exec tools/run $(ARGS) ## build, start everything on one port, print where
test:         ; @tools/test $(ARGS) ## every test, against a real nats-server, SQLite and MongoDB
check:        ; @tools/check ## format, lints, docs, generated files, Helm chart, architecture
bench:        ; @tools/bench $(ARGS) ## ratios against raw baselines on this machine
web-budget:   ; @tools/web budget ## sizes of the web client: value, budget, verdict
web-feel:     ; @tools/web feel $(ARGS) ## how fast the app is in a real browser, beside its budgets
test-faults:  ; @tools/test --faults $(ARGS) ## the long fault suite
test-hostile: ; @tools/test --hostile $(ARGS) ## the hostile-input suite
test-operations: ; @tools/check-operations ## dashboards, proxies, unit, NATS accounts, containers, chart and image, with the real programs
up:           ; @deploy/compose/make-secrets && docker compose -f deploy/compose/compose.yaml up --build ## the same in containers
