#!/usr/bin/env bash
# Checks what deploys the program: every shell script by shellcheck, the
# Dockerfile by hadolint and against the repository, each fly.toml, the compose
# file, the deployment scripts against stand-ins, and the bundle. Needs neither
# Docker nor an account, but the program, built by `cargo build --release`.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../install.sh"
cache=$target/tools

python3 -c 'import tomllib' 2> /dev/null || { echo "the deployment checks need Python 3.11 or newer" >&2; exit 1; }
python_packages "$here/requirements.txt" deploy
bin=$cache/deploy/bin
cd "$root"

# What has no suffix is named; everything else is found. No name has a space.
scripts=$(
    find . \( -name .git -o -name target -o -name node_modules -o -path ./.cache \) -prune \
        -o -type f -name '*.sh' -print | sort
    printf '%s\n' check .ci/run tests/deploy/stub/flyctl
)

failed=0
# run NAME COMMAND...: the rest is told of even when one fails.
run() {
    local name=$1
    shift
    "$@" || { failed=1; echo "error: $name failed" >&2; }
}

echo "shellcheck: $(wc -l <<< "$scripts") scripts"
# shellcheck disable=SC2086
run "shellcheck" "$bin/shellcheck" $scripts
echo "hadolint: Dockerfile"
run "hadolint" "$bin/hadolint" Dockerfile
run "the check of the Dockerfile" python3 "$here/check_dockerfile.py"
run "the check of fly.toml" python3 "$here/check_fly.py"
run "the check of docker-compose.yml" "$bin/python" "$here/check_compose.py"
run "the check of the checks" python3 "$here/test_checks.py"
run "the test of deploy/qdrant/start.sh" "$here/test_start.sh"
run "the test of the deployment scripts" "$here/test_scripts.sh"
run "the test of the bundle" "$here/test_mcpb.sh"
exit $failed
