# One line each; ./danqing and ./test set themselves up and are all that users need.
.PHONY: test check format docs bench

test:    ; ./test
check:   ; ./test tests/architecture
format:  ; .venv/bin/ruff check --fix . && .venv/bin/ruff format .
docs:    ; .venv/bin/zensical build --clean --strict
bench:   ; for script in benchmarks/*.py; do .venv/bin/python $$script || exit; done
