#!/usr/bin/env bash
# Makes the bundle of the program that was built, unpacks it, and starts it as a
# host would that has no options set.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
program=$(realpath -m "${CARGO_TARGET_DIR:-$root/target}")/release/rag

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"$root/scripts/build-mcpb.sh" --program "$program" "$folder/rag-memory.mcpb" > "$folder/sum"
# For another system any file will do: nothing starts it.
"$root/scripts/build-mcpb.sh" --program "$0" --platform win32 "$folder/win32.mcpb" >> "$folder/sum"
python3 - "$folder" <<'PYTHON'
import hashlib, json, os, pathlib, subprocess, sys, zipfile

folder = pathlib.Path(sys.argv[1])
for line in (folder / "sum").read_text().splitlines():
    checksum, path = line.split("  ")
    assert hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest() == checksum, path


def unpacked(name):
    """The folder of a bundle, with its files as executable as they are in it, and its manifest."""
    place = folder / name
    with zipfile.ZipFile(folder / f"{name}.mcpb") as bundle:
        for member in bundle.infolist():
            os.chmod(bundle.extract(member, place), member.external_attr >> 16 & 0o777)
    manifest = json.loads((place / "manifest.json").read_text("utf-8"))
    entry_point = place / manifest["server"]["entry_point"]
    assert os.access(entry_point, os.X_OK), f"{entry_point} cannot be executed"
    return place, manifest


_, manifest = unpacked("win32")
assert manifest["compatibility"]["platforms"] == ["win32"], manifest["compatibility"]

place, manifest = unpacked("rag-memory")
start = manifest["server"]["mcp_config"]
options = {f"${{user_config.{name}}}": option["default"] for name, option in manifest["user_config"].items()}
environment = {name: options[value] for name, value in start["env"].items()}
hello = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"},
    },
}
run = subprocess.run(
    [start["command"].replace("${__dirname}", str(place)), *start["args"]],
    input=json.dumps(hello) + "\n",
    env={"HOME": str(folder), "PATH": os.environ["PATH"]} | environment,
    cwd=folder,
    capture_output=True,
    text=True,
    timeout=60,
)
assert run.returncode == 0, run.stderr
server = json.loads(run.stdout.splitlines()[0])["result"]["serverInfo"]
assert (server["name"], server["version"]) == (manifest["name"], manifest["version"]), server
print(f"the bundle: {server['name']} {server['version']} answers")
PYTHON
