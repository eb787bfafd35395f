#!/usr/bin/env bash
# Puts the image `rag` together as the Dockerfile's last stage does, without Docker
# and with what this machine builds: how large it is, and whether the program finds
# all it needs in it. It is compiled with the whole workspace and its tests, so that
# the dependencies are those that are there already; they may have more features
# than the program by itself needs, so the real one is no larger.
set -euo pipefail
cd "$(dirname "$0")/../.."

bytes_max=80000000
target=$(realpath -m "${CARGO_TARGET_DIR:-target}")
image=$target/image

cargo build --quiet --release --locked --workspace --all-targets --no-default-features
rm -rf "$image"
install -D "$target/release/rag" "$image/usr/local/bin/rag"
# What others run afterwards has the browser again.
cargo build --quiet --release --locked --workspace --all-targets

install --directory --mode=1777 "$image/tmp" "$image/data"
ldd "$image/usr/local/bin/rag" > "$image.libraries"
# shellcheck disable=SC2046
cp --parents --dereference --target-directory="$image" \
    $(grep --only-matching '/[^ ]*' "$image.libraries") /etc/ssl/certs/ca-certificates.crt
install -D --mode=644 --target-directory="$image/usr/share/doc/rag" LICENSE-*
install -D --mode=644 --target-directory="$image/usr/share/doc/rag/model" \
    assets/all-MiniLM-L6-v2/LICENSE assets/all-MiniLM-L6-v2/README.md

# rag ARGUMENT...: runs the program with nothing but the image around it.
rag() {
    local enter=(chroot --userspec=65532:65532)
    if [ "$(id -u)" != 0 ]; then
        enter=(unshare --map-root-user chroot)
    fi
    env --ignore-environment RAG_DATA_DIR=/data PATH="$PATH" \
        "${enter[@]}" "$image" /usr/local/bin/rag "$@"
}
rag collection create notes --description 'What the image remembers' > "$image.log"
rag ingest text 'The ferry to the island leaves at nine.' -c notes >> "$image.log"
rag search 'When does the ferry leave?' > "$image.found"
grep -q 'leaves at nine' "$image.found" || { cat "$image.log" "$image.found" >&2; exit 1; }
rm -rf "${image:?}/data" "${image:?}/tmp"

bytes() {
    find "$@" -type f -printf '%s\n' | awk '{ sum += $1 } END { print sum }'
}
all=$(bytes "$image")
printf 'the image: %d.%d MB, of which the program %d.%d MB\n' \
    $((all / 1000000)) $((all / 100000 % 10)) \
    $(($(bytes "$image/usr/local/bin") / 1000000)) $(($(bytes "$image/usr/local/bin") / 100000 % 10))
if [ "$all" -gt "$bytes_max" ]; then
    echo "error: it may have $bytes_max bytes and has $all" >&2
    exit 1
fi
