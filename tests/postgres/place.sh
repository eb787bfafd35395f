# Where the servers of these tests live and whose they are. To be sourced.
# shellcheck shell=bash disable=SC2034  # what is set here is used there

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
target=${CARGO_TARGET_DIR:-$root/target}
# Not below the target folder: the servers' user must be able to read it.
home=${RAG_TEST_POSTGRES:-${TMPDIR:-/tmp}/rag-memory-postgres}
user=rag-postgres
if [ "$(id -u)" != 0 ]; then
    user=$(id -un)
fi
