#!/bin/sh
# What a machine of the image `rag-qdrant` runs:
#
#   both     Qdrant and `rag serve`, for as long as both live (the image's default)
#   rag      `rag serve` alone, with a Qdrant elsewhere
#   qdrant   Qdrant alone
#
# With both, the end of either is the end of this script, with an error, so that
# the machine is started anew. SIGINT and SIGTERM end the server first: its
# requests under way still need Qdrant.
set -eu

qdrant=/qdrant/qdrant
rag=/usr/local/bin/rag
storage=/qdrant/storage

say() {
    echo "start: $*" >&2
}

# Qdrant's own words about this come late, and do not tell what to do.
check_storage() {
    [ -w "$storage" ] && return
    say "user $(id -u) may not write to $storage"
    say "hint: another user made it; as root run: chown -R $(id -u):$(id -g) $storage"
    exit 1
}

alive() {
    kill -0 "$1" 2> /dev/null
}

# Waits for a program, however many signals come meanwhile, and sets `status`.
await() {
    status=0
    wait "$1" || status=$?
    while alive "$1"; do
        status=0
        wait "$1" || status=$?
    done
}

# A shell starts programs in the background deaf to SIGINT, and what they make
# of that is theirs. SIGTERM means the same to both.
finish() {
    kill -TERM "$1" 2> /dev/null || true
    await "$1"
}

both() {
    check_storage
    asked=
    trap 'asked=yes' INT TERM

    "$qdrant" &
    qdrant_id=$!
    "$rag" serve &
    rag_id=$!

    # A plain `sh` cannot wait for whichever of two ends first. A signal ends the
    # pause at once.
    while [ -z "$asked" ] && alive "$qdrant_id" && alive "$rag_id"; do
        sleep 1 &
        wait $! || true
    done

    if [ -n "$asked" ]; then
        finish "$rag_id"
        finish "$qdrant_id"
        exit 0
    fi
    if alive "$qdrant_id"; then
        await "$rag_id"
        say "rag ended with status $status; ending Qdrant too"
        finish "$qdrant_id"
    else
        await "$qdrant_id"
        say "Qdrant ended with status $status; ending rag too"
        finish "$rag_id"
    fi
    exit 1
}

case ${1:-} in
    both)
        both
        ;;
    rag)
        exec "$rag" serve
        ;;
    qdrant)
        check_storage
        exec "$qdrant"
        ;;
    *)
        say "expected both, rag or qdrant, not \`${1:-}\`"
        exit 2
        ;;
esac
