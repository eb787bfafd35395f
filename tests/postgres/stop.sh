#!/usr/bin/env bash
# Stops what `start.sh` started. With `--remove`, its data go too.
set -euo pipefail

. "$(dirname "${BASH_SOURCE[0]}")/place.sh"

# end PIDFILE SIGNAL: ends the server that wrote it, and waits for that.
end() {
    local pid
    [ -f "$1" ] || return 0
    pid=$(head -n 1 "$1")
    kill "-$2" "$pid" 2> /dev/null || return 0
    for _ in $(seq 200); do
        kill -0 "$pid" 2> /dev/null || return 0
        sleep 0.05
    done
    echo "process $pid of $1 does not end" >&2
    return 1
}

end "$home/pgbouncer.pid" INT
end "$home/16/postmaster.pid" INT
end "$home/18/postmaster.pid" INT
if [ "${1:-}" = --remove ]; then
    rm -rf "$home"
fi
