#!/usr/bin/env bash
# Ends the double that start.sh started, if it is running, and prints what makes
# a shell forget it: eval "$(tests/qdrant/stop.sh)".
set -euo pipefail
. "$(dirname "$0")/state.sh"

if running; then
    pid=$(cat "$process")
    kill "$pid"
    for _ in $(seq 100); do
        kill -0 "$pid" 2> /dev/null || break
        sleep 0.05
    done
    echo "ended the double of Qdrant (process $pid)" >&2
else
    echo "no double of Qdrant is running" >&2
fi
rm -f "$process"
echo "unset QDRANT_TEST_URL QDRANT_DOUBLE"
