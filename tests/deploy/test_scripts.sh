#!/usr/bin/env bash
# Runs the deployment scripts against a stub of flyctl and a server on loopback
# that stands for the deployed one. curl is the real one; its configuration leads
# the names of the deployments to that server.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../install.sh"

folder=$(mktemp -d)
servers=()
trap 'kill "${servers[@]}" 2> /dev/null || true; rm -rf "$folder"' EXIT
# Nothing of the caller's may lead curl or flyctl elsewhere.
unset http_proxy https_proxy all_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY CURL_HOME
unset FLY_API_TOKEN FLY_ACCESS_TOKEN FLY_APP
export HOME=$folder/home FLY_STUB=$folder/stub PATH=$here/stub:$PATH
mkdir "$HOME" "$FLY_STUB"
passed=0 failed=0 name='' status=0

# serve MODE [CERTIFICATE KEY]: starts a server and sets `port`.
serve() {
    local out=$folder/$1.${#servers[@]}
    python3 "$here/stub/server.py" "$@" > "$out" 2> "$out.log" &
    servers+=($!)
    port=$(first_line "$out" $!) || { cat "$out.log" >&2; exit 1; }
}

certificate() {
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 \
        -keyout "$folder/key.pem" -out "$folder/certificate.pem" -subj /CN=test \
        -addext 'subjectAltName=DNS:*.fly.dev' 2> "$folder/openssl.log" ||
        { cat "$folder/openssl.log" >&2; exit 1; }
}

# lead HTTPS_PORT HTTP_PORT: where curl gets to, whatever the name.
lead() {
    cat > "$HOME/.curlrc" <<CURL
connect-to = ":443:127.0.0.1:$1"
connect-to = ":80:127.0.0.1:$2"
cacert = "$folder/certificate.pem"
noproxy = "*"
CURL
}

# releases VERSION:STATUS:IMAGE...: newest first.
releases() {
    local one version state reference separator=
    {
        echo '['
        for one in "$@"; do
            IFS=: read -r version state reference <<< "$one"
            [ -z "$separator" ] || echo '    },'
            separator=yes
            cat <<JSON
    {
        "ID": "r$version",
        "Version": $version,
        "Stable": true,
        "InProgress": false,
        "Reason": "",
        "Description": "Release \"Status\": \"complete\"",
        "Status": "$state",
        "DeploymentStrategy": "",
        "Metadata": null,
        "User": {
            "ID": "u1",
            "Name": "Me",
            "Email": "me@example.org"
        },
        "EvaluationID": "",
        "CreatedAt": "2026-08-21T11:11:32Z",
        "ImageRef": "$reference"
JSON
        done
        [ -z "$separator" ] || echo '    }'
        echo ']'
    } > "$FLY_STUB/releases.json"
}

# Everything as it should be: an app with two releases, asleep on a good server.
reset() {
    rm -rf "$FLY_STUB" && mkdir "$FLY_STUB"
    : > "$FLY_STUB/calls"
    cat > "$FLY_STUB/secrets" <<'TABLE'
 NAME           │ DIGEST           │ STATUS   
 DATABASE_URL   │ 0123456789abcdef │ Deployed 
 * OPENAI_API_KEY │ fedcba9876543210 │ Staged   

TABLE
    releases 2:complete:registry.example/rag:two 1:complete:registry.example/rag:one
    lead "$well" "$redirects"
}

# try NAME SCRIPT [ARGUMENT...]: runs a script, from a folder that is not ours, in
# the state that is there.
try() {
    name=$1
    shift
    status=0
    (cd / && "$root/scripts/$1" "${@:2}") > "$folder/out" 2>&1 < /dev/null || status=$?
}

complain() {
    failed=$((failed + 1))
    printf 'error: %s: %s\n' "$name" "$1" >&2
    sed 's/^/    /' "$folder/out" >&2
    sed 's/^/    flyctl /' "$FLY_STUB/calls" >&2
}

ends_with() {
    if [ "$status" = "$1" ]; then
        passed=$((passed + 1))
    else
        complain "ended with $status, not $1"
    fi
}

says() {
    local text
    for text in "$@"; do
        if grep -qF -- "$text" "$folder/out"; then
            passed=$((passed + 1))
        else
            complain "does not say: $text"
        fi
    done
}

says_not() {
    if grep -qF -- "$1" "$folder/out"; then
        complain "says: $1"
    else
        passed=$((passed + 1))
    fi
}

# changes [CALL...]: which calls of flyctl changed something, all of them.
changes() {
    local got wanted
    got=$(grep -vE '^(auth whoami$|status |config validate |secrets list |releases )' "$FLY_STUB/calls" || true)
    wanted=$(printf '%s\n' "$@")
    if [ "$got" = "$wanted" ]; then
        passed=$((passed + 1))
    else
        complain "calls that change something: $got"
    fi
}

deploy_call="deploy . --config deploy/supabase/fly.toml --app rag-memory-mcp --ha=false"

certificate
serve well "$folder/certificate.pem" "$folder/key.pem"
well=$port
serve redirects
redirects=$port
serve plain
plain=$port

# -- check-production-health.sh

reset
try "health of the default deployment" check-production-health.sh
ends_with 0
says "healthy: version 0.1.0, up 7 s, store reachable: true" "refused without a token: /mcp" \
    "refused without a token: /sse" "refused without a token: /api/v1/collections" \
    "http:// leads to https://" "all is well at https://rag-memory-mcp.fly.dev"
changes

try "health by app, as JSON" check-production-health.sh --app rag-memory-embedded --json
ends_with 0
says '{"url":"https://rag-memory-embedded.fly.dev","ok":true,"healthy":true,"version":"0.1.0","uptime_s":7,"store_reachable":true,' \
    '"refuses_without_token":true,"redirects_to_https":true}'
python3 -c 'import json, sys; json.load(open(sys.argv[1]))' "$folder/out" || complain "is no JSON"

try "health by file" check-production-health.sh --config deploy/qdrant/fly.toml
ends_with 0
says "all is well at https://rag-memory-qdrant.fly.dev"

lead "$well" "$plain"
try "health without a redirect" check-production-health.sh
ends_with 4
says "answers 200, not a redirect to https://" "force_https = true"

for mode in wakes down open streams; do
    serve "$mode"
    url=http://127.0.0.1:$port
    case $mode in
        wakes)
            try "a server that wakes" check-production-health.sh "$url/"
            ends_with 0
            says "waiting for $url/health (status 503)" "all is well at $url"
            says_not "leads to https"
            ;;
        down)
            try "a server whose store is away" check-production-health.sh --timeout 1 "$url"
            ends_with 1
            says "is not healthy after" "status 503" "cannot reach it" "flyctl logs"
            try "the same as JSON" check-production-health.sh --timeout 1 --json "$url"
            ends_with 1
            says '"ok":false,"healthy":false,"version":null'
            ;;
        open)
            try "a server that is open" check-production-health.sh "$url"
            ends_with 3
            says "/mcp answers 200 without a token" "answers without a token: /api/v1/collections /sse /mcp" \
                'RAG_AUTH = "required"'
            try "the same as JSON" check-production-health.sh --json "$url"
            ends_with 3
            says '"ok":false,"healthy":true' '"refuses_without_token":false'
            ;;
        streams)
            try "a server whose /sse is open" check-production-health.sh "$url"
            ends_with 3
            says "/sse answers 200 without a token" "answers without a token: /sse"
            ;;
    esac
done

serve well
kill "${servers[${#servers[@]}-1]}"
try "no server at all" check-production-health.sh --timeout 1 "http://127.0.0.1:$port"
ends_with 1
says "status 000"

try "an address that is none" check-production-health.sh ftp://example.org
ends_with 2
try "a timeout that is none" check-production-health.sh --timeout soon
ends_with 2
try "an option without its value" check-production-health.sh --app
ends_with 2
says "--app needs a value"
try "an unknown option" check-production-health.sh --apps x
ends_with 2
for script in check-production-health deploy-production rollback-deployment; do
    try "help of $script" "$script.sh" --help
    ends_with 0
    says "Usage: scripts/$script.sh" "Examples:" "Exit codes:"
done

# -- deploy-production.sh

reset
try "deploying" deploy-production.sh
ends_with 0
says "logged in as me@example.org" "deploy/supabase/fly.toml is valid" \
    "the secrets are set: DATABASE_URL OPENAI_API_KEY" "what runs now: registry.example/rag:two" \
    "all is well at https://rag-memory-mcp.fly.dev" \
    "to go back: scripts/rollback-deployment.sh --config deploy/supabase/fly.toml --app rag-memory-mcp --image registry.example/rag:two"
changes "$deploy_call"
try "deploying again" deploy-production.sh
ends_with 0
changes "$deploy_call" "$deploy_call"

reset
try "a dry run" deploy-production.sh --dry-run
ends_with 0
says "would run: flyctl $deploy_call" "would run: $root/scripts/check-production-health.sh" "to go back:"
changes

reset
releases
try "deploying for the first time" deploy-production.sh --config deploy/embedded/fly.toml
ends_with 0
says "the secrets are set: none needed" "what runs now: nothing, this is the first deployment" \
    "there is nothing to go back to"
changes "deploy . --config deploy/embedded/fly.toml --app rag-memory-embedded --ha=false"

reset
releases 3:failed:registry.example/rag:three 2:complete:registry.example/rag:two
try "deploying after a failure" deploy-production.sh
ends_with 0
says "what runs now: registry.example/rag:two"

reset
touch "$FLY_STUB/logged-out"
try "not logged in" deploy-production.sh
ends_with 1
says "flyctl is not logged in" "hint: flyctl auth login"
changes

reset
touch "$FLY_STUB/no-app"
try "no app" deploy-production.sh
ends_with 1
says 'Could not find App "rag-memory-mcp"' "flyctl apps create rag-memory-mcp"
changes

reset
touch "$FLY_STUB/invalid"
try "a file that is not valid" deploy-production.sh
ends_with 1
says "more than one thing is wrong" "deploy/supabase/fly.toml is not valid"
changes

reset
# A name that only contains the one that is needed.
printf ' NAME │ DIGEST\n OLD_OPENAI_API_KEY │ 1\n DATABASE_URL │ 2\n' > "$FLY_STUB/secrets"
try "a secret that is missing" deploy-production.sh
ends_with 1
says "lacks the secrets: OPENAI_API_KEY" "flyctl secrets import --stage --app rag-memory-mcp"
changes
try "a secret that is missing, in a dry run" deploy-production.sh --dry-run
ends_with 1
changes

reset
touch "$FLY_STUB/deploy-fails"
try "a deployment that fails" deploy-production.sh
ends_with 1
says "release command failed" "the deployment failed" "--image registry.example/rag:two"
changes "$deploy_call"

reset
lead "$well" "$plain"
try "deployed, but not well" deploy-production.sh
ends_with 4
says "it is deployed, but not well" "to go back: scripts/rollback-deployment.sh"
changes "$deploy_call"

reset
try "another app than the public address" deploy-production.sh --app my-memory
ends_with 1
says "RAG_PUBLIC_URL in deploy/supabase/fly.toml is https://rag-memory-mcp.fly.dev, but the app is at https://my-memory.fly.dev" \
    "change every \`rag-memory-mcp\` to \`my-memory\`"
changes

reset
sed 's/rag-memory-mcp\.fly\.dev/memory.example.org/' "$root/deploy/supabase/fly.toml" > "$folder/own.toml"
try "a domain of one's own" deploy-production.sh --dry-run --config "$folder/own.toml"
ends_with 0
says "requests for rag-memory-mcp.fly.dev will be refused" "flyctl certs check memory.example.org"

try "a file that is not there" deploy-production.sh --config deploy/nowhere/fly.toml
ends_with 2
says "there is no file deploy/nowhere/fly.toml" "deploy/supabase/fly.toml"

reset
mkdir "$folder/bin"
ln -s "$(command -v bash)" "$(command -v dirname)" "$(command -v sed)" "$folder/bin/"
name="no flyctl" status=0
PATH=$folder/bin "$root/scripts/deploy-production.sh" > "$folder/out" 2>&1 || status=$?
ends_with 1
says "flyctl is not installed"

# -- rollback-deployment.sh

back="deploy . --config deploy/supabase/fly.toml --app rag-memory-mcp --image registry.example/rag:one --ha=false"
reset
try "going back" rollback-deployment.sh --yes
ends_with 0
says "v2 (complete) runs registry.example/rag:two" "going back to registry.example/rag:one" \
    "all is well at https://rag-memory-mcp.fly.dev"
changes "$back"
releases 3:complete:registry.example/rag:one 2:complete:registry.example/rag:two 1:complete:registry.example/rag:one
try "going back again" rollback-deployment.sh --yes
ends_with 0
says "v3 already went back, to the image of v1" "name an image"
changes "$back"

reset
try "a dry run of going back" rollback-deployment.sh --dry-run
ends_with 0
says "would run: flyctl $back"
changes

try "nobody to ask" rollback-deployment.sh
ends_with 5
says "pass --yes"
changes

# STATE of the releases | what is put back
while IFS='|' read -r list image; do
    reset
    # shellcheck disable=SC2086  # one word for each release
    releases $list
    try "back from $list" rollback-deployment.sh --dry-run
    ends_with 0
    says "going back to $image"
done <<'CASES'
3:failed:three 2:complete:two 1:complete:one|two
3:complete:three 2:failed:two 1:complete:one|one
4:complete:three 3:complete:three 2:complete:two|two
4:failed:one 3:complete:three 2:complete:two 1:complete:one|one
4:complete:four 3:complete:one 2:complete:two 1:complete:one|one
CASES

reset
try "to a named image" rollback-deployment.sh --yes --image registry.example/rag:zero
ends_with 0
changes "deploy . --config deploy/supabase/fly.toml --app rag-memory-mcp --image registry.example/rag:zero --ha=false"

reset
try "to the image that runs" rollback-deployment.sh --yes --image registry.example/rag:two
ends_with 0
says "nothing to do"
changes

reset
releases 1:complete:registry.example/rag:one
try "nothing to go back to" rollback-deployment.sh --yes
ends_with 1
says "no other image ran before v1"
changes

reset
releases
try "no releases" rollback-deployment.sh --yes
ends_with 1
says "has no releases"

reset
touch "$FLY_STUB/deploy-fails"
try "going back fails" rollback-deployment.sh --yes
ends_with 1
says "registry.example/rag:one was not put back" "a newer schema"

name="the stub" status=0
flyctl version > "$folder/out"
says "not flyctl"

printf 'deployment scripts: %d checks passed, %d failed\n' "$passed" "$failed"
[ "$failed" = 0 ]
