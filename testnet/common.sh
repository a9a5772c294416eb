# shellcheck shell=bash
# What the testnet's commands share; they source this file and use its names. Afterwards the working directory is
# the project's root.

# Paths that are given belong to where they are given.
caller=$PWD
# shellcheck source=scripts/tools/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/../scripts/tools/common.sh"

runner=$build/debug/wattpool-testnet

# build_runner: builds the command unless it is up to date.
build_runner() {
    need cargo "install Rust with rustup, https://rustup.rs"
    [ -x "$runner" ] || say "building the testnet's command; this takes some minutes" >&2
    build_programs --package wattpool-testnet
}

# run ARGUMENTS...: becomes the command, so that signals reach it.
run() {
    cd "$caller" || exit
    exec "$runner" "$@"
}
