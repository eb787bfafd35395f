#!/usr/bin/env bash
# Puts packaging/mcpb/manifest.json and a program into a bundle for programs
# such as Claude Desktop, and prints its checksum, which server.json needs once
# the bundle is published. The same program gives the same bytes.
#
#   scripts/build-mcpb.sh [--program FILE] [--platform darwin|linux|win32] [OUTPUT]
#
# Without options: target/release/rag, for this platform, into
# target/rag-memory.mcpb. A bundle is for one platform. On macOS the program
# should be for both kinds of processors: join the two by `lipo -create`.
set -euo pipefail
cd "$(dirname "$0")/.."

program=
platform=
output=target/rag-memory.mcpb
while [ $# -gt 0 ]; do
    case $1 in
        --program) program=${2:?--program needs a file} && shift 2 ;;
        --platform) platform=${2:?--platform needs a name} && shift 2 ;;
        -h | --help) sed -n '2,/^set/s/^# \{0,1\}//p' "$0" && exit ;;
        -*) echo "error: there is no option $1" >&2 && exit 2 ;;
        *) output=$1 && shift ;;
    esac
done
if [ -z "$platform" ]; then
    case $(uname -s) in
        Darwin) platform=darwin ;;
        Linux) platform=linux ;;
        *) platform=win32 ;;
    esac
fi
name=rag
case $platform in
    darwin | linux) ;;
    win32) name=rag.exe ;;
    *) echo "error: there is no platform $platform: it is darwin, linux or win32" >&2 && exit 2 ;;
esac
program=${program:-target/release/$name}
if [ ! -f "$program" ]; then
    echo "error: there is no program $program; cargo build --release makes it" >&2
    exit 1
fi

python3 - "$program" "$platform" "$name" "$output" <<'PYTHON'
import hashlib, json, pathlib, sys, zipfile

program, platform, name, output = sys.argv[1:]
manifest = json.loads(pathlib.Path("packaging/mcpb/manifest.json").read_text("utf-8"))
manifest["compatibility"]["platforms"] = [platform]
manifest["server"]["entry_point"] = f"server/{name}"
members = [
    ("manifest.json", json.dumps(manifest, indent=2, ensure_ascii=False).encode(), 0o644),
    ("LICENSE-MIT", pathlib.Path("LICENSE-MIT").read_bytes(), 0o644),
    ("LICENSE-APACHE", pathlib.Path("LICENSE-APACHE").read_bytes(), 0o644),
    (f"server/{name}", pathlib.Path(program).read_bytes(), 0o755),
]
path = pathlib.Path(output)
path.parent.mkdir(parents=True, exist_ok=True)
with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as bundle:
    for member, content, mode in members:
        info = zipfile.ZipInfo(member, date_time=(1980, 1, 1, 0, 0, 0))
        info.create_system = 3
        info.compress_type = zipfile.ZIP_DEFLATED
        info.external_attr = (0o100000 | mode) << 16
        bundle.writestr(info, content)
print(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path}")
PYTHON
