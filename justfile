# The few commands of every day; `just --list` shows them.

# Everything that CI runs, on real Docker and real databases.
test:
    cargo xtask test

# A failed ODC upgrade, rolled back, on the lab.
demo:
    cargo xtask demo

# Ratios against peers and against the bare work.
bench:
    cargo xtask bench

# Schema, reference and other generated files.
generate:
    cargo xtask generate

# Quick checks without the lab.
lint:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets -- -D warnings
