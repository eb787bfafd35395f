#!/usr/bin/env bash
# Runs commands and programs of the documents by the letter, as a new user would:
# in an empty home, with the program that was built. Only the addresses are others:
# nothing leaves this machine. Left out is what needs a database server, an account
# elsewhere or Ctrl-C, and what deploys.
set -euo pipefail
cd "$(dirname "$0")/.."

CARGO_TARGET_DIR=$(realpath "${CARGO_TARGET_DIR:-target}")
. tests/install.sh
python_packages tests/clients/requirements-v2.txt python-v2
npm_packages tests/clients node

home=$(mktemp -d)
elsewhere_pid=
jobs_done() {
    local job
    for job in $(jobs -p); do
        kill "$job" 2> /dev/null || true
        wait "$job" 2> /dev/null || true
    done
}
trap 'jobs_done; kill $elsewhere_pid 2> /dev/null || true; rm -rf "$home"' EXIT

free_port() {
    python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}
port=$(free_port)
elsewhere=127.0.0.1:$(free_port)

# here: the addresses on this machine of what the documents speak of.
here() {
    sed -E -e "s,https://memory\.example\.org,http://127.0.0.1:$port,g" -e "s,:8000,:$port,g" \
        -e "s,https://(docs\.)?example\.org,http://$elsewhere,g" \
        -e 's,postgres://me@localhost/rag,sqlite:moved.sqlite,g'
}

# block FILE NUMBER [LANGUAGE]: the lines of the NUMBERth block of a document.
block() {
    awk -v wanted="$2" -v opens="^ *\`\`\`${3:-sh}\$" '$0 ~ opens { number++; inside = 1; next }
        /^ *```$/ { inside = 0 } inside && number == wanted' "$root/$1" | here
}

# run FILE NUMBER [EXPECTED]: runs a block, each command on its own, and wants each
# to succeed; what they print must have EXPECTED in it.
run() {
    local file=$1 number=$2 line command=''
    printf '%s, commands %s\n' "$file" "$number"
    : > "$home/output"
    while IFS= read -r line; do
        command+=$line
        # A command goes on after a backslash.
        if [ "${command%\\}" != "$command" ]; then
            command=${command%\\}
            continue
        fi
        carry_out "$command"
        command=''
    done < <(block "$file" "$number")
    printed "$file, commands $number" "${3:-}"
}

# run_program FILE LANGUAGE EXPECTED COMMAND...: runs the first program in that
# language, whose file COMMAND begins with.
run_program() {
    local file=$1 language=$2 expected=$3
    shift 3
    printf '%s, %s\n' "$file" "$language"
    : > "$home/output"
    block "$file" 1 "$language" > "${!#}"
    carry_out "timeout 60 $*"
    printed "$file, $language" "$expected"
}

# printed WHAT EXPECTED
printed() {
    if [ -n "$2" ] && ! grep -qF -- "$2" "$home/output"; then
        cat "$home/output" >&2
        echo "error: $1 do not print: $2" >&2
        exit 1
    fi
}

# memory NAME: goes on with another, which is empty.
memory() {
    export RAG_DATA_DIR=$home/$1
}

# carry_out COMMAND: runs it; one that goes on in the background is waited for
# until it answers.
carry_out() {
    local command=$1
    [[ $command =~ ^[[:space:]]*(#.*)?$ ]] && return
    # With its comment, `rag serve` is meant to run while the next ones are typed.
    if [[ $command =~ ^([A-Z_]+=[^ ]*\ )*rag\ serve ]]; then
        eval "exec env ${command%%[&#]*}" > "$home/served" 2>&1 &
        for _ in $(seq 100); do
            rag health > "$home/health" 2>&1 && return
            sleep 0.1
        done
        cat "$home/served" "$home/health" >&2
        exit 1
    fi
    printf '  $ %s\n' "$command"
    if ! eval "$command" >> "$home/output" 2> "$home/errors"; then
        cat "$home/output" "$home/errors" >&2
        echo "error: this failed: $command" >&2
        exit 1
    fi
    # curl is content with whatever is answered.
    if grep -qF '"about:blank"' "$home/output"; then
        cat "$home/output" >&2
        echo "error: this was refused: $command" >&2
        exit 1
    fi
    # A reader puts the job that was answered into the next command.
    JOB=$(sed -nE 's/.*"job_id": ?"([^"]*)".*/\1/p' "$home/output" | tail -n 1)
}

# Settings of the caller's may lead rag, and where it writes, elsewhere.
for name in $(compgen -e); do
    [ "$name" = PATH ] || unset "$name"
done
export HOME=$home PATH=$target/release:$PATH PORT=$port
export JOB=
export RAG_ALLOW_PRIVATE_HOSTS=$elsewhere GITHUB_API_URL=http://$elsewhere

# What the documents take to be there: notes, files, and elsewhere a site and a
# repository.
mkdir "$home/notes" "$home/here" "$home/site"
cd "$home/here"
printf '# Pricing\n\nWe decided to charge by the seat.\n' > "$home/notes/meeting.md"
cp "$root/README.md" .
cp "$root/crates/rag-extract/testdata/document/handbook.pdf" handbook.pdf
cp handbook.pdf report.pdf

mkdir "$home/site/docs" "$home/site/guide"
for path in index.html guide/index.html docs/index.html docs/port.html; do
    cat > "$home/site/$path" <<HTML
<html><head><title>$path</title></head><body><main><h1>What $path tells</h1>
<p>The port of the server is changed by the setting PORT: it is 8000 unless you say something else, as $path tells.</p>
<p><a href="/docs/port.html">More</a></p></main></body></html>
HTML
done
commit=0123456789abcdef0123456789abcdef01234567
mkdir -p "$home/tree/owner-repo/docs" "$home/site/repos/owner/repo/tarball"
printf '# Setup\n\nBegin with one sheep.\n' > "$home/tree/owner-repo/docs/setup.md"
tar -czf "$home/site/repos/owner/repo/tarball/$commit" -C "$home/tree" owner-repo
printf '[{"sha": "%s"}]\n' $commit > "$home/site/repos/owner/repo/commits"
python3 -m http.server --bind 127.0.0.1 --directory "$home/site" "${elsewhere#*:}" > "$home/asked" 2>&1 &
elsewhere_pid=$!
disown
curl --silent --retry 50 --retry-delay 1 --retry-connrefused --output "$home/output" "http://$elsewhere"

memory readme
run README.md 3 'mcpServers'
run README.md 5 '"collections"'
jobs_done
run README.md 6 'charge by the seat'

memory api
run docs/api.md 1 '"results"'
run docs/api.md 2 'event: end'
jobs_done

memory connecting
rag collection create docs --description "The handbook" > "$home/output"
run docs/connecting.md 1 'rag-memory'
run docs/connecting.md 2
run docs/connecting.md 3
RAG_TOKEN=$(rag token create docs --scope admin | head -n 1)
export RAG_TOKEN
run docs/connecting.md 4 'event: end'
ln -s "$cache/node/node_modules" "$home/node_modules"
run_program docs/connecting.md python 'PORT' "$cache/python-v2/bin/python" "$home/program.py"
run_program docs/connecting.md ts 'PORT' node "$home/program.mjs"
jobs_done
unset RAG_TOKEN

run docs/sources.md 2 'pages'
run docs/sources.md 3
jobs_done
run docs/sources.md 4 "${commit::7}"
run docs/serving-a-repository.md 1 'ingested'
jobs_done

cd "$RAG_DATA_DIR"
run docs/operations.md 1 'put in 0 documents'
rm backup.rag
run docs/stores.md 1 'put in 0 documents'

memory security
run docs/security.md 1 'revoked token'
(
    set -a
    run docs/security.md 2
    carry_out 'rag config'
    printed 'docs/security.md, commands 2' 'auth0|0123,me@example.org'
)
