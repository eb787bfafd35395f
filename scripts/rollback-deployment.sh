#!/usr/bin/env bash
# Puts the image back that ran before the newest one, or another one. Images only:
# settings are those of the file, secrets those of now, and a database that a
# newer version has changed is refused by an older one, which says so.
#
# Usage: scripts/rollback-deployment.sh [OPTIONS]
#
#   --image REF    the image [the last complete release with another one]
#   --config FILE  the fly.toml of the deployment [deploy/supabase/fly.toml]
#   --app NAME     the app, if not the one the file names
#   --yes          do not ask
#   --dry-run      print what would be done
#   --help         this text
#
# Examples:
#   scripts/rollback-deployment.sh --dry-run
#   scripts/rollback-deployment.sh
#   scripts/rollback-deployment.sh --yes --image REF    (REF: flyctl releases --image)
#
# Run twice, it goes back once: further back, an image has to be named.
#
# Exit codes: 0 it runs and is well, or ran before; 1 there is nothing to go back
# to, or it failed; 2 wrong arguments; 3 and 4 as in check-production-health.sh;
# 5 not confirmed.
set -euo pipefail
config=deploy/supabase/fly.toml app='' dry_run=no image='' yes=no
. "$(dirname "${BASH_SOURCE[0]}")/fly.sh"

arguments() {
    while [ $# -gt 0 ]; do
        case $1 in
            --image) image=$(value_of "$@"); shift 2 ;;
            --config) config=$(value_of "$@"); shift 2 ;;
            --app) app=$(value_of "$@"); shift 2 ;;
            --yes | -y) yes=yes; shift ;;
            --dry-run) dry_run=yes; shift ;;
            --help | -h) help_of "$0"; exit ;;
            *) fail 2 "unknown argument $1" "see --help" ;;
        esac
    done
}

# Sets `newest`, `newest_status` and `newest_image`, and where no image was named
# `image` to what ran before.
choose_image() {
    local list version status reference first_of='' other=no
    list=$(releases)
    [ -n "$list" ] || fail 1 "the app $app has no releases" "deploy first: scripts/deploy-production.sh"
    read -r newest newest_status newest_image <<< "$list"
    [ -z "$image" ] || return 0
    while read -r version status reference; do
        if [ "$reference" != "$newest_image" ]; then
            other=yes
            # The first other one that was deployed whole is what ran before.
            if [ -z "$image" ] && [ "$status" = complete ]; then
                image=$reference
            fi
        elif [ "$other" = yes ]; then
            # It ran before what came after it: somebody has gone back already.
            first_of=$version
        fi
    done <<< "$list"
    if [ -n "$first_of" ] && [ "$newest_status" = complete ]; then
        say "$newest already went back, to the image of $first_of: $newest_image"
        say "to go further back, name an image: --image REF ($flyctl releases --app $app --image)"
        exit 0
    fi
    # Going back did not work out, and is tried again.
    [ -z "$first_of" ] || image=$newest_image
    [ -n "$image" ] || fail 1 "no other image ran before $newest" "name one: --image REF"
}

confirm() {
    if [ "$yes" = yes ] || [ "$dry_run" = yes ]; then
        return
    fi
    [ -t 0 ] || fail 5 "nobody can be asked here" "pass --yes"
    local answer
    read -r -p "Put $image on $app? [y/N] " answer
    case $answer in
        y | Y | yes) ;;
        *) fail 5 "not confirmed; nothing was changed" ;;
    esac
}

roll_back() {
    if ! run "$flyctl" deploy . --config "$config" --app "$app" --image "$image" --ha=false; then
        fail 1 "$image was not put back" \
            "if it says that the store has a newer schema, this image cannot use it any more; look at: $flyctl logs --app $app"
    fi
}

arguments "$@"
cd "$root"
find_flyctl
read_config
check_logged_in
check_app
choose_image
say "$newest ($newest_status) runs $newest_image"
if [ "$image" = "$newest_image" ] && [ "$newest_status" = complete ]; then
    say "that is the image asked for: nothing to do"
    exit 0
fi
say "going back to $image"
confirm
roll_back
run "$root/scripts/check-production-health.sh" --timeout 120 "$public_url"
