#!/usr/bin/env bash
# Runs deploy/qdrant/start.sh with two programs that stand for Qdrant and for
# `rag`, and sees that they live and end together.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)

folder=$(mktemp -d)
start=
trap '[ -z "$start" ] || kill -KILL "$start" 2> /dev/null || true; rm -rf "$folder"' EXIT
passed=0 failed=0

# A stand-in writes down what happens to it. It ends on SIGTERM after $SLOW, or
# by itself when the file $NAME.end has a status.
program() {
    cat > "$folder/$1" <<'PROGRAM'
#!/usr/bin/env bash
name=${0##*/} folder=${0%/*}
tell() { echo "$name $*" >> "$folder/told"; }
trap 'tell ending; sleep "${SLOW:-0}"; tell ended; exit 0' TERM
trap 'tell interrupted' INT
tell "started $*"
until [ -s "$folder/$name.end" ]; do sleep 0.05; done
tell failed
exit "$(cat "$folder/$name.end")"
PROGRAM
    chmod +x "$folder/$1"
}

program qdrant
program rag
mkdir "$folder/storage"
# The script itself, but for where things are.
sed -e "s|^qdrant=.*|qdrant=$folder/qdrant|" -e "s|^rag=.*|rag=$folder/rag|" \
    -e "s|^storage=.*|storage=$folder/storage|" "$root/deploy/qdrant/start.sh" > "$folder/start"
chmod +x "$folder/start"

# As a machine's init would: a shell's background programs ignore SIGINT, and a
# shell cannot trap what was ignored when it began.
hearing='import os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)
os.execvp(sys.argv[1], sys.argv[1:])'

begin() {
    rm -f "$folder"/*.end "$folder/told" "$folder/said"
    touch "$folder/told"
    python3 -c "$hearing" "${shell:-sh}" "$folder/start" "$@" 2> "$folder/said" &
    start=$!
}

# until_told LINE: waits for it.
until_told() {
    for _ in $(seq 200); do
        grep -qx "$1" "$folder/told" && return
        sleep 0.05
    done
    complain "never told: $1"
}

complain() {
    failed=$((failed + 1))
    printf 'error: %s: %s\n' "$name" "$1" >&2
    sed 's/^/    told /' "$folder/told" >&2
    sed 's/^/    said /' "$folder/said" >&2
}

expect() {
    if [ "$2" = "$3" ]; then
        passed=$((passed + 1))
    else
        complain "$1 is \`$2\`, not \`$3\`"
    fi
}

# over STATUS [LAST...]: waits for the script, and compares its status and the
# last lines that were told.
over() {
    local status=0 wanted=$1
    shift
    for _ in $(seq 200); do
        kill -0 "$start" 2> /dev/null || break
        sleep 0.05
    done
    if kill -0 "$start" 2> /dev/null; then
        complain "does not end"
        kill -KILL "$start"
    fi
    wait "$start" || status=$?
    start=
    expect "the status" "$status" "$wanted"
    [ $# -gt 0 ] || return 0
    expect "what was told last" "$(tail -n $# "$folder/told" | tr '\n' ',')" "$(printf '%s,' "$@")"
}

said() {
    if grep -qF -- "$1" "$folder/said"; then
        passed=$((passed + 1))
    else
        complain "does not say: $1"
    fi
}

for shell in sh bash; do
    for signal in INT TERM; do
        name="$signal to both in $shell"
        SLOW=0.3 begin both
        until_told "qdrant started "
        until_told "rag started serve"
        kill -s "$signal" "$start"
        # Qdrant is there until the server has finished.
        over 0 "rag ending" "rag ended" "qdrant ending" "qdrant ended"
    done

    name="a second signal in $shell"
    SLOW=0.5 begin both
    until_told "qdrant started "
    until_told "rag started serve"
    kill -s INT "$start"
    until_told "rag ending"
    kill -s TERM "$start"
    over 0 "rag ending" "rag ended" "qdrant ending" "qdrant ended"

    name="rag dies in $shell"
    begin both
    until_told "qdrant started "
    until_told "rag started serve"
    echo 7 > "$folder/rag.end"
    over 1 "rag failed" "qdrant ending" "qdrant ended"
    said "rag ended with status 7"

    name="Qdrant dies in $shell"
    begin both
    until_told "qdrant started "
    until_told "rag started serve"
    echo 101 > "$folder/qdrant.end"
    over 1 "qdrant failed" "rag ending" "rag ended"
    said "Qdrant ended with status 101"
done
shell='sh'

name="rag alone"
begin rag
until_told "rag started serve"
expect "what was told" "$(cat "$folder/told")" "rag started serve"
kill "$start"
over 0 "rag started serve" "rag ending" "rag ended"

name="Qdrant alone"
begin qdrant
until_told "qdrant started "
kill "$start"
over 0 "qdrant ending" "qdrant ended"

name="something else"
begin server
over 2
said "expected both, rag or qdrant, not \`server\`"

# Root may write everywhere, so a folder that is not there stands for one that
# is not ours.
name="no storage"
rmdir "$folder/storage"
begin both
over 1
said "may not write to $folder/storage"
said "chown -R"

printf 'start.sh: %d checks passed, %d failed\n' "$passed" "$failed"
[ "$failed" = 0 ]
