#!/usr/bin/env bash
# Sees to it that there is something to run the Qdrant tests on, and prints what
# they need as lines for `eval`. If QDRANT_TEST_URL names a server already, that
# one is used and nothing is started. Otherwise the double runs in the background
# until stop.sh ends it; starting it twice leaves the first one running. Arguments
# go to the double (`--engine edge`), and into QDRANT_DOUBLE.
#
#   eval "$(tests/qdrant/start.sh)"
#   cargo test --release -p rag-store
#   eval "$(tests/qdrant/stop.sh)"
set -euo pipefail
. "$(dirname "$0")/state.sh"

python_packages "$here/requirements.txt" qdrant
# Fault tests start doubles of their own, to end them.
printf 'export QDRANT_DOUBLE="%s"\n' "$python $here/double.py${*:+ $*}"

if [ -n "${QDRANT_TEST_URL:-}" ]; then
    echo "started nothing: QDRANT_TEST_URL is $QDRANT_TEST_URL" >&2
    printf 'export QDRANT_TEST_URL=%s\n' "$QDRANT_TEST_URL"
    exit
fi
if ! running; then
    : > "$said"
    # It must not hold the pipe of whoever evaluates what this prints.
    nohup "$python" "$here/double.py" --port 0 "$@" > "$said" 2> "$said.log" < /dev/null &
    echo $! > "$process"
    first_line "$said" $! > /dev/null || { cat "$said.log" >&2; exit 1; }
    echo "started a double of Qdrant (process $!); tests/qdrant/stop.sh ends it" >&2
fi
printf 'export QDRANT_TEST_URL=http://%s\n' "$(sed -n 's/^LISTENING //p' "$said")"
