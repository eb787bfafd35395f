# Puts what tests need from PyPI and npm under one folder, and leaves it there
# until its list changes. To be sourced by the scripts beside it.
# shellcheck shell=bash

tests=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(dirname "$tests")
target=${CARGO_TARGET_DIR:-$root/target}
cache=${RAG_TEST_CACHE:-$target/clients}

# unchanged STAMP FILE...: whether the files are those of the last installation.
unchanged() {
    local stamp=$1
    shift
    [ -f "$stamp" ] && cat "$@" | cmp -s - "$stamp"
}

# npm_packages FOLDER NAME: installs FOLDER's package.json as $cache/NAME.
npm_packages() {
    local list=$1 home=$cache/$2
    unchanged "$home/.installed" "$list/package.json" "$list/package-lock.json" && return
    rm -rf "$home" && mkdir -p "$home"
    cp "$list/package.json" "$list/package-lock.json" "$home/"
    (cd "$home" && npm ci --no-audit --no-fund --loglevel=error >&2)
    cat "$list/package.json" "$list/package-lock.json" > "$home/.installed"
}

# python_packages REQUIREMENTS NAME: installs them in the environment $cache/NAME.
python_packages() {
    local list=$1 home=$cache/$2
    unchanged "$home/.installed" "$list" && return
    rm -rf "$home" && mkdir -p "$cache"
    python3 -m venv "$home"
    "$home/bin/pip" install --quiet --disable-pip-version-check --requirement "$list" >&2
    cat "$list" > "$home/.installed"
}

# first_line FILE PID: waits for the first line of FILE, which process PID writes.
first_line() {
    local file=$1 pid=$2
    for _ in $(seq 200); do
        if [ -s "$file" ] && [ "$(wc -l < "$file")" -gt 0 ]; then
            head -n 1 "$file"
            return
        fi
        kill -0 "$pid" 2> /dev/null || break
        sleep 0.05
    done
    echo "the server did not start" >&2
    return 1
}
