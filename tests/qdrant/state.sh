# What start.sh and stop.sh know in common. To be sourced.
# shellcheck shell=bash disable=SC2034  # what is set here is used there

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/../install.sh"
cache=$target/tools
python=$cache/qdrant/bin/python
# Beside the environment, not in it: a new one is made from nothing.
process=$cache/qdrant-double.pid
said=$cache/qdrant-double.out

# running: whether the process of the file is there, and is a double.
running() {
    [ -f "$process" ] && ps -p "$(cat "$process")" -o args= 2> /dev/null | grep -qF "$here/double.py"
}
