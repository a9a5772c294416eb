# shellcheck shell=bash disable=SC2034
# What the scripts share; they source this file and use its names. Afterwards the working directory is the
# project's root.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$root" || exit
# Where cargo and these scripts put what they build.
build=${CARGO_TARGET_DIR:-target}
case $build in
/*) ;;
*) build=$root/$build ;;
esac

# build_programs OPTIONS...: has cargo build programs into $build/debug, unless WATTPOOL_PREBUILT says that all of them are there
# already: a build of some alone may resolve other features than one of everything, and compile half of it once more.
build_programs() {
    [ -n "${WATTPOOL_PREBUILT-}" ] || cargo build --quiet --locked "$@"
}

# Rust 1.87 and later emit bulk-memory instructions that wasmvm refuses: docs/decisions/0003-rust-1.86-for-contracts.md.
contracts_toolchain=1.86.0
contracts=(energy-token energy-pool trade-escrow)
# The version of the chain's VM. It does not link with the agent's newer toolchain, so it is built with the contracts'.
cosmwasm_check_version=3.0.7
cargo_deny_version=0.20.2

say() {
    printf '%s\n' "$*"
}

die() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
    exit 1
}

# need COMMAND HINT: stops with the hint when the command is missing.
need() {
    command -v "$1" >/dev/null || die "$1 is missing: $2"
}

# while_here COMMAND...: runs it; when this script is ended, it is ended too, with all that it started.
while_here() {
    local code=0
    # Job control gives it a process group of its own.
    set -m
    "$@" &
    set +m
    # shellcheck disable=SC2064 # this very child
    trap "kill -- -$! 2>/dev/null" EXIT
    wait $! || code=$?
    trap - EXIT
    return "$code"
}

# need_go: stops unless Go is there, and as new as testnet/go.mod wants it.
need_go() {
    local wanted found hint="wasmd is built with it; see https://go.dev/doc/install"
    wanted=$(sed -n 's/^go //p' testnet/go.mod)
    need go "$hint (${wanted%.0} or later)"
    found=$(go env GOVERSION)
    found=${found#go}
    [ "$(printf '%s\n' "$wanted" "$found" | sort -V | head -n 1)" = "$wanted" ] ||
        die "Go $found is too old, ${wanted%.0} or later is needed: $hint"
}

# The agent's toolchain as rust-toolchain.toml names it.
agent_toolchain() {
    sed -n 's/^channel *= *"\(.*\)"/\1/p' rust-toolchain.toml
}

# need_toolchain VERSION [--component=NAME | --target=NAME]...: installs the toolchain unless all of it is there;
# when it is, no network is needed.
need_toolchain() {
    local version=$1 installed part missing=false
    shift
    need rustup "install it from https://rustup.rs; it fetches the compilers this project pins"
    installed=$(rustup component list --installed --toolchain "$version" 2>/dev/null) || missing=true
    for part in "$@"; do
        # A target's component is its standard library; components end with the name of the host.
        grep -Eq "^(rust-std-)?${part#*=}(-|\$)" <<<"$installed" || missing=true
    done
    if $missing; then
        rustup toolchain install "$version" --profile minimal --no-self-update "$@" ||
            die "rustup could not install Rust $version $*; is the network reachable?"
    fi
}

# cargo_tool NAME VERSION TOOLCHAIN: sets `tool` to the program; builds it into target/tools where the
# version is not at hand. Not optimised: compiling it takes far longer than running it.
cargo_tool() {
    local name=$1 version=$2 toolchain=$3 found
    for found in "$build/tools/bin/$name" "$(command -v "$name" || true)"; do
        if [ -x "$found" ] && [[ " $("$found" --version 2>/dev/null) " == *" $version "* ]]; then
            tool=$found
            return
        fi
    done
    say "$name $version is not installed: building it into $build/tools (some minutes, once)"
    CARGO_PROFILE_RELEASE_OPT_LEVEL=0 cargo "+$toolchain" install --quiet --locked \
        --root "$build/tools" "$name@$version" ||
        die "$name $version could not be installed; is the network reachable?"
    tool=$build/tools/bin/$name
}
