#!/usr/bin/env bash
# Checks a deployed server from outside: that it is healthy, that nobody gets in
# without a token, and that plain HTTP leads to HTTPS. It changes nothing.
#
# Usage: scripts/check-production-health.sh [OPTIONS] [URL]
#
#   URL               where the server is; else RAG_PUBLIC_URL of the file
#   --config FILE     the fly.toml of the deployment [deploy/supabase/fly.toml]
#   --app NAME        the app's address, https://NAME.fly.dev
#   --timeout SECONDS how long a server that sleeps may take to answer [60]
#   --json            print one line of JSON instead
#   --help            this text
#
# Examples:
#   scripts/check-production-health.sh
#   scripts/check-production-health.sh --app rag-memory-mcp --json
#   scripts/check-production-health.sh http://127.0.0.1:8000
#
# Exit codes: 0 all is well, 1 not healthy in time, 2 wrong arguments,
# 3 something answers without a token, 4 plain HTTP does not lead to HTTPS.
set -euo pipefail
config=deploy/supabase/fly.toml app='' dry_run=no url='' timeout_s=60 json=no
. "$(dirname "${BASH_SOURCE[0]}")/fly.sh"

arguments() {
    while [ $# -gt 0 ]; do
        case $1 in
            --config) config=$(value_of "$@"); shift 2 ;;
            --app) app=$(value_of "$@"); shift 2 ;;
            --timeout) timeout_s=$(value_of "$@"); shift 2 ;;
            --json) json=yes; shift ;;
            --help | -h) help_of "$0"; exit ;;
            -*) fail 2 "unknown option $1" "see --help" ;;
            *) url=$1; shift ;;
        esac
    done
    command -v curl > /dev/null || fail 1 "curl is not installed"
    case $timeout_s in
        '' | *[!0-9]* | 0*) fail 2 "--timeout takes a number of seconds from 1, not \`$timeout_s\`" ;;
    esac
    if [ -z "$url" ] && [ -n "$app" ]; then
        url=https://$app.fly.dev
    elif [ -z "$url" ]; then
        cd "$root"
        read_config
        url=$public_url
    fi
    url=${url%/}
    case $url in
        http://?* | https://?*) ;;
        *) fail 2 "$url is no address of a server" "it begins with https://" ;;
    esac
}

note() {
    [ "$json" = yes ] || say "$*"
}

# fetch URL [CURL OPTION...]: sets `code` (000 when there was no answer), `took_s`
# and `reply`. An answer whose end does not come counts by its beginning.
fetch() {
    local address=$1 file measured
    shift
    file=$(mktemp)
    measured=$(curl --silent --show-error --max-time 10 --output "$file" \
        --write-out '%{http_code} %{time_total}' "$@" "$address" 2> "$file.error") || true
    code=${measured%% *} took_s=${measured##* }
    reply=$(head -c 4000 "$file" | tr -d '\0\n')
    [ -n "$reply" ] || reply=$(head -c 400 "$file.error" | tr '\n' ' ')
    rm -f "$file" "$file.error"
}

# field NAME: a string, number or truth value of `reply`.
field() {
    printf '%s' "$reply" | sed -n 's/.*"'"$1"'"[[:space:]]*:[[:space:]]*"\{0,1\}\([^",}]*\).*/\1/p'
}

# Waits for 200. A machine that sleeps is started by the first request, which
# waits for it; one that is replaced refuses for a while.
wait_until_healthy() {
    local began=$SECONDS
    while :; do
        fetch "$url/health"
        waited_s=$((SECONDS - began))
        [ "$code" != 200 ] || break
        if [ "$waited_s" -ge "$timeout_s" ]; then
            report no
            fail 1 "$url/health is not healthy after $waited_s s: status $code: $reply" \
                "look at: flyctl logs --app NAME, flyctl status --app NAME"
        fi
        note "waiting for $url/health (status $code)"
        sleep 1
    done
    version=$(field version) uptime_s=$(field uptime_s) reachable=$(field reachable) health_s=$took_s
    note "healthy: version ${version:-unknown}, up ${uptime_s:-?} s, store reachable: ${reachable:-unknown}"
    note "/health answered in $health_s s, after a wait of $waited_s s"
}

# refused PATH [CURL OPTION...]: sees whether a request without a token is answered 401,
# and adds the path to `open` when not.
refused() {
    local path=$1
    shift
    fetch "$url$path" "$@"
    if [ "$code" = 401 ]; then
        note "refused without a token: $path"
        return
    fi
    open="$open $path"
    warn "$path answers $code without a token, instead of 401"
}

check_closed() {
    open=
    refused /api/v1/collections
    refused /sse --header 'Accept: text/event-stream' --max-time 3
    refused /mcp --header 'Content-Type: application/json' \
        --header 'Accept: application/json, text/event-stream' \
        --data '{"jsonrpc":"2.0","id":1,"method":"tools/list"}'
    if [ -n "$open" ]; then
        report no
        fail 3 "$url answers without a token:$open" "set RAG_AUTH = \"required\" under [env] and deploy again"
    fi
}

check_redirect() {
    redirects=null
    case $url in
        https://*) ;;
        *) return ;;
    esac
    # Plain HTTP has a port of its own, whatever port the address names.
    local host=${url#https://}
    host=${host%%[:/]*}
    fetch "http://$host/health" --head
    case $code in
        301 | 302 | 307 | 308)
            redirects=true
            note "http:// leads to https://"
            ;;
        *)
            redirects=false
            report no
            fail 4 "http://$host answers $code, not a redirect to https://" \
                "set force_https = true under [http_service] and deploy again"
            ;;
    esac
}

# report yes|no: the line of JSON, if that is wanted.
report() {
    [ "$json" = yes ] || return 0
    local healthy=false closed=null
    [ -z "${health_s:-}" ] || healthy=true
    if [ -n "${open+set}" ]; then
        closed=true
        [ -z "$open" ] || closed=false
    fi
    printf '{"url":"%s","ok":%s,"healthy":%s,"version":%s,"uptime_s":%s,"store_reachable":%s,"response_s":%s,"waited_s":%s,"refuses_without_token":%s,"redirects_to_https":%s}\n' \
        "$url" "$([ "$1" = yes ] && echo true || echo false)" "$healthy" \
        "$([ -n "${version:-}" ] && printf '"%s"' "$version" || echo null)" \
        "${uptime_s:-null}" "${reachable:-null}" "${health_s:-null}" "${waited_s:-0}" \
        "$closed" "${redirects:-null}"
}

arguments "$@"
wait_until_healthy
check_closed
check_redirect
report yes
note "all is well at $url"
