#!/usr/bin/env bash
# Deploys to Fly.io: checks what can be checked before, deploys, checks the
# server from outside, and says how to go back.
#
# Usage: scripts/deploy-production.sh [OPTIONS]
#
#   --config FILE  the fly.toml of the deployment [deploy/supabase/fly.toml]
#   --app NAME     the app, if not the one the file names
#   --dry-run      do the checks, which change nothing, and print the rest
#   --help         this text
#
# Examples:
#   scripts/deploy-production.sh --dry-run
#   scripts/deploy-production.sh
#   scripts/deploy-production.sh --config deploy/embedded/fly.toml
#
# Exit codes: 0 deployed and well, 1 something was in the way or the deployment
# failed, 2 wrong arguments, 3 and 4 as in check-production-health.sh.
set -euo pipefail
config=deploy/supabase/fly.toml app='' dry_run=no
. "$(dirname "${BASH_SOURCE[0]}")/fly.sh"

arguments() {
    while [ $# -gt 0 ]; do
        case $1 in
            --config) config=$(value_of "$@"); shift 2 ;;
            --app) app=$(value_of "$@"); shift 2 ;;
            --dry-run) dry_run=yes; shift ;;
            --help | -h) help_of "$0"; exit ;;
            *) fail 2 "unknown argument $1" "see --help" ;;
        esac
    done
}

# What is deployed is the folder, whether it is committed or not.
check_tree() {
    if [ -n "$(git status --porcelain 2> /dev/null)" ]; then
        warn "the working tree has changes that are not committed; they are deployed too"
    fi
}

check_config() {
    local answer
    if ! answer=$("$flyctl" config validate --config "$config" --app "$app" 2>&1); then
        printf '%s\n' "$answer" >&2
        fail 1 "$config is not valid" "change what flyctl says above"
    fi
    say "$config is valid"
}

# Values never pass through here; flyctl lists names only.
check_secrets() {
    local there name missing=''
    there=$("$flyctl" secrets list --app "$app")
    for name in $(needed_secrets); do
        grep -Eq "(^|[^A-Z0-9_])$name([^A-Z0-9_]|\$)" <<< "$there" || missing="$missing $name"
    done
    if [ -n "$missing" ]; then
        fail 1 "the app $app lacks the secrets:$missing" \
            "write NAME=VALUE lines and Ctrl-D after: $flyctl secrets import --stage --app $app"
    fi
    say "the secrets are set: $(needed_secrets | sed 's/^$/none needed/')"
}

# A server that thinks it has another name refuses requests for this one.
check_public_url() {
    local host=${public_url#*://}
    host=${host%%[:/]*}
    case $host in
        "$app.fly.dev")
            say "the public address is $public_url"
            ;;
        *.fly.dev)
            fail 1 "RAG_PUBLIC_URL in $config is $public_url, but the app is at https://$app.fly.dev" \
                "in that file change every \`${host%.fly.dev}\` to \`$app\`"
            ;;
        *)
            warn "RAG_PUBLIC_URL is $public_url: requests for $app.fly.dev will be refused; see that $host leads to the app ($flyctl certs check $host --app $app)"
            ;;
    esac
}

remember_image() {
    local list
    list=$(releases)
    before=$(sed -n '/^[^ ]* complete /{s///p;q;}' <<< "$list")
    say "what runs now: ${before:-nothing, this is the first deployment}"
}

how_to_go_back() {
    if [ -n "$before" ]; then
        say "to go back: scripts/rollback-deployment.sh --config $config --app $app --image $before"
    else
        say "there is nothing to go back to: this was the first deployment"
    fi
}

# One machine: `--ha` would make a second one, which costs, and where there is a
# volume has a memory of its own.
deploy() {
    if ! run "$flyctl" deploy . --config "$config" --app "$app" --ha=false; then
        how_to_go_back >&2
        fail 1 "the deployment failed" "look at: $flyctl logs --app $app"
    fi
}

verify() {
    local status=0
    run "$root/scripts/check-production-health.sh" --timeout 120 "$public_url" || status=$?
    how_to_go_back
    if [ "$status" != 0 ]; then
        fail "$status" "it is deployed, but not well" "look at: $flyctl logs --app $app"
    fi
}

arguments "$@"
# The build context is the whole repository.
cd "$root"
find_flyctl
read_config
check_tree
check_logged_in
check_app
check_config
check_secrets
check_public_url
remember_image
deploy
verify
