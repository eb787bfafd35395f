# What the deployment scripts have in common. To be sourced by those beside it,
# which set these three, `app` empty where the file names it.
# shellcheck shell=bash
: "${config?}" "${app?}" "${dry_run?}"

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# Numbers of curl and patterns of sed do not depend on the language.
export LC_ALL=C

say() {
    printf '%s\n' "$*"
}

warn() {
    printf 'warning: %s\n' "$*" >&2
}

# fail STATUS MESSAGE [HINT]
fail() {
    printf 'error: %s\n' "$2" >&2
    if [ -n "${3:-}" ]; then
        printf '\nhint: %s\n' "$3" >&2
    fi
    exit "$1"
}

# value_of OPTION [VALUE]: the value, which has to be there.
value_of() {
    [ -n "${2:-}" ] || fail 2 "$1 needs a value" "see --help"
    printf '%s' "$2"
}

# help_of SCRIPT: the comment at its head.
help_of() {
    sed -n '2,/^set -/{/^set -/d;s/^# \{0,1\}//;p;}' "$1"
}

# Sets `flyctl` to what Fly's program is called here.
find_flyctl() {
    for flyctl in flyctl fly; do
        command -v "$flyctl" > /dev/null && return
    done
    fail 1 "flyctl is not installed" "https://fly.io/docs/flyctl/install/"
}

# at_top KEY: the string that KEY has before the first section of the file.
at_top() {
    sed -n -e '/^[[:space:]]*\[/q' -e "s/^$1[[:space:]]*=[[:space:]]*\"\([^\"]*\)\".*/\1/p" "$config"
}

# in_env NAME: the string that NAME has under [env].
in_env() {
    sed -n '/^\[env\]/,/^\[/s/^[[:space:]]*'"$1"'[[:space:]]*=[[:space:]]*"\([^"]*\)".*/\1/p' "$config"
}

# The names of the secrets that the file says it needs.
needed_secrets() {
    sed -n 's/^# secrets: //p' "$config" | sed 's/^none$//'
}

# Checks `config`, and sets `app` and `public_url` from it where they are not given.
read_config() {
    [ -f "$config" ] || fail 2 "there is no file $config" "one of: $(cd "$root" && echo deploy/*/fly.toml)"
    [ -n "$app" ] || app=$(at_top app)
    [ -n "$app" ] || fail 2 "$config names no app" "add a line: app = \"NAME\""
    public_url=$(in_env RAG_PUBLIC_URL)
    [ -n "$public_url" ] || fail 2 "$config has no RAG_PUBLIC_URL under [env]" "add a line: RAG_PUBLIC_URL = \"https://$app.fly.dev\""
}

check_logged_in() {
    local who
    if ! who=$("$flyctl" auth whoami 2>&1); then
        fail 1 "flyctl is not logged in: $who" "$flyctl auth login"
    fi
    say "logged in as $who"
}

# check_app: Fly's own words say why it cannot be used.
check_app() {
    local answer
    if ! answer=$("$flyctl" status --app "$app" 2>&1); then
        fail 1 "the app $app cannot be used: $(printf '%s' "$answer" | tail -n 1)" \
            "if it is not there yet: $flyctl apps create $app"
    fi
    say "the app $app is there"
}

# Prints the releases, newest first, a line each: VERSION STATUS IMAGE.
#
# flyctl writes each field on a line of its own, which is all that is relied on.
releases() {
    "$flyctl" releases --app "$app" --image --json | sed -n \
        -e 's/^ *"Version": \([0-9]*\),*$/v\1/p' \
        -e 's/^ *"Status": "\([^"]*\)",*$/\1/p' \
        -e 's/^ *"ImageRef": "\([^"]*\)",*$/image=\1/p' |
        {
            version='' status=''
            while read -r field; do
                case $field in
                    v[0-9]*) version=$field ;;
                    image=*)
                        [ "$field" = image= ] || printf '%s %s %s\n' "$version" "${status:-unknown}" "${field#image=}"
                        version='' status=''
                        ;;
                    *) status=$field ;;
                esac
            done
        }
}

# run COMMAND...: runs it, or says in a dry run that it would.
run() {
    if [ "$dry_run" = yes ]; then
        say "would run: $*"
        return
    fi
    say "\$ $*"
    "$@"
}
