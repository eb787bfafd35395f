#!/usr/bin/env python3
"""Checks every deploy/*/fly.toml against what flyctl reads, what the images are,
which settings there are, and what each deployment is meant to be.

    tests/deploy/check_fly.py [ROOT]

flyctl's own check needs an account; `scripts/deploy-production.sh` runs it.
"""

import re
import sys
import tomllib
from pathlib import Path

from dockerfile import Stage, stages

# The deployments, and what tells them apart. Memory is by process group; `app`
# is the group that there is without [processes].
DEPLOYMENTS = {
    "supabase": {"target": "rag", "sleeps": True, "memory": {"app": 256}, "secrets": {"DATABASE_URL", "OPENAI_API_KEY"}},
    "supabase-browser": {"target": "rag-browser", "sleeps": True, "memory": {"app": 1024}, "secrets": {"DATABASE_URL", "OPENAI_API_KEY"}},
    "embedded": {"target": "rag", "sleeps": True, "memory": {"app": 512}, "secrets": set()},
    "qdrant": {"target": "rag-qdrant", "sleeps": False, "memory": {"app": 1024}, "secrets": {"OPENAI_API_KEY"}},
    "qdrant-two-machines": {
        "target": "rag-qdrant", "sleeps": False, "memory": {"web": 256, "qdrant": 512},
        "secrets": {"OPENAI_API_KEY", "QDRANT_API_KEY", "QDRANT__SERVICE__API_KEY"},
    },
}

# What flyctl knows, of what is used here. It passes over any other key, so that
# a slip of the pen would simply have no effect.
KEYS = {
    "": {"app", "primary_region", "kill_signal", "kill_timeout", "swap_size_mb", "build", "deploy", "env",
         "processes", "http_service", "checks", "mounts", "restart", "vm"},
    "build": {"dockerfile", "build-target"},
    "deploy": {"release_command", "release_command_timeout", "strategy"},
    "http_service": {"internal_port", "force_https", "auto_stop_machines", "auto_start_machines",
                     "min_machines_running", "processes", "concurrency", "checks"},
    "http_service.concurrency": {"type", "soft_limit", "hard_limit"},
    "http_service.checks": {"method", "path", "grace_period", "interval", "timeout"},
    "checks": {"type", "port", "method", "path", "grace_period", "interval", "timeout", "processes"},
    "mounts": {"source", "destination", "initial_size", "snapshot_retention", "processes"},
    "restart": {"policy", "retries", "processes"},
    "vm": {"size", "memory", "processes"},
}

QDRANT_STORAGE = "/qdrant/storage"
SECRET_NAME = re.compile(r"(^DATABASE_URL|(^|_)(KEY|TOKEN|PASSWORD|SECRET)S?)$")
SECRET_VALUE = re.compile(r"://[^/@\s]*:[^/@\s]+@|\bsk-\w|\beyJ\w")


def check(root: Path) -> list[str]:
    """What is wrong, as sentences that begin with the file."""
    found = {path.parent.relative_to(root / "deploy").as_posix(): path
             for path in sorted((root / "deploy").glob("**/fly.toml"))}
    wrong = [f"deploy/{name}/fly.toml: this deployment is not known here" for name in found.keys() - DEPLOYMENTS.keys()]
    wrong += [f"deploy/{name}/fly.toml is not there" for name in DEPLOYMENTS.keys() - found.keys()]
    for name in sorted(found.keys() & DEPLOYMENTS.keys()):
        wrong += [f"deploy/{name}/fly.toml: {one}" for one in check_one(root, name, found[name])]
    return wrong


def check_one(root: Path, name: str, path: Path) -> list[str]:
    expected, text = DEPLOYMENTS[name], path.read_text()
    try:
        config = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        return [f"is no TOML: {error}"]
    secrets = re.findall(r"^# secrets: (.*)$", text, re.M)
    names = set(" ".join(secrets).split()) - {"none"}

    wrong = check_keys(config)
    if "services" in config:
        wrong.append("[[services]] beside [http_service] would claim the same ports")
    if "http_service" not in config:
        return wrong + ["there is no [http_service]"]
    wrong += same("the secrets under `# secrets:`", names, expected["secrets"]) if len(secrets) == 1 else [
        "one line `# secrets:` says which it needs"]
    wrong += check_build(root, path, config, expected)
    wrong += check_top(root, config)
    wrong += check_service(root, config, expected)
    wrong += check_env(root, config, names, expected)
    wrong += check_groups(root, config, expected)
    wrong += check_mounts(config, name, expected)
    return wrong


def same(what: str, got: object, wanted: object) -> list[str]:
    return [] if got == wanted else [f"{what} is {got!r}, not {wanted!r}"]


def check_keys(config: dict) -> list[str]:
    wrong = [f"flyctl knows no `{key}`" for key in config.keys() - KEYS[""] - {"services"}]
    tables = [(key, config.get(key, {})) for key in ("build", "deploy", "http_service")]
    tables += [(key, table) for key in ("mounts", "restart", "vm") for table in config.get(key, [])]
    tables += [("checks", table) for table in config.get("checks", {}).values()]
    service = config.get("http_service", {})
    tables.append(("http_service.concurrency", service.get("concurrency", {})))
    tables += [("http_service.checks", table) for table in service.get("checks", [])]
    return wrong + [f"flyctl knows no `{key}` in {table}" for table, keys in tables for key in keys.keys() - KEYS[table]]


def image(root: Path, config: dict) -> Stage | None:
    built = stages((root / "Dockerfile").read_text())
    return next((stage for stage in built if stage.name == config["build"].get("build-target")), None)


def check_build(root: Path, path: Path, config: dict, expected: dict) -> list[str]:
    dockerfile = path.parent.joinpath(config.get("build", {}).get("dockerfile", "")).resolve()
    if dockerfile != (root / "Dockerfile").resolve():
        return ["[build] dockerfile does not lead from this file to the repository's Dockerfile"]
    wrong = same("build-target", config["build"].get("build-target"), expected["target"])
    if image(root, config) is None:
        wrong.append("build-target is no stage of the Dockerfile")
    return wrong


def check_top(root: Path, config: dict) -> list[str]:
    wrong = same("primary_region", config.get("primary_region"), "iad")
    wrong += same("kill_signal", config.get("kill_signal"), "SIGINT")
    kill = seconds(config.get("kill_timeout"))
    serve = root / "crates/rag/src/http/serve.rs"
    grace = re.search(r"const GRACE: Duration = Duration::from_secs\((\d+)\);", serve.read_text())
    if grace is None:
        wrong.append(f"cannot find how long requests under way may take in {serve.relative_to(root)}")
    elif kill is None:
        wrong.append("kill_timeout is text with a unit, such as \"6s\": a bare number is not always taken for seconds")
    elif kill <= (end := int(grace[1]) + 1):
        wrong.append(f"kill_timeout leaves nothing beyond the {end} s that the end of the program may take")
    if command := config.get("deploy", {}).get("release_command"):
        if "mounts" in config:
            wrong.append("a release_command would run without the volume")
        reference = (root / "docs/reference/command-line.md").read_text()
        if not re.search(rf"^## rag {re.escape(command.split()[0])}$", reference, re.M):
            wrong.append(f"release_command runs after the image's ENTRYPOINT, `rag`, which has no command `{command}`")
    return wrong


def check_service(root: Path, config: dict, expected: dict) -> list[str]:
    service, stage = config["http_service"], image(root, config)
    wrong = same("force_https", service.get("force_https"), True)
    wrong += same("concurrency", service.get("concurrency"), {"type": "requests", "soft_limit": 20, "hard_limit": 25})
    wrong += same("auto_stop_machines", service.get("auto_stop_machines"), "off")
    wrong += same("auto_start_machines", service.get("auto_start_machines"), True)
    wrong += same("min_machines_running", service.get("min_machines_running"), 0 if expected["sleeps"] else 1)
    policies = [one.get("policy") for one in config.get("restart", [])]
    wrong += same("the restart policy", policies, ["on-failure" if expected["sleeps"] else "always"])
    if stage is not None:
        expose = stage.last("EXPOSE")
        port = config.get("env", {}).get("PORT", stage.env().get("PORT"))
        wrong += same("internal_port", str(service.get("internal_port")), port)
        wrong += same("internal_port", str(service.get("internal_port")), expose and expose.rest)
    timings = {"method": "GET", "path": "/health", "grace_period": "10s",
               "interval": "30s" if expected["sleeps"] else "15s", "timeout": "5s"}
    wrong += same("the check", service.get("checks"), [timings])
    sources = [root / "crates/rag/src/http.rs", *(root / "crates/rag/src/http").rglob("*.rs")]
    if not any('"/health"' in source.read_text() for source in sources):
        wrong.append("/health is no route in crates/rag/src/http")
    return wrong


def check_env(root: Path, config: dict, secrets: set[str], expected: dict) -> list[str]:
    env = config.get("env", {})
    known = set(re.findall(r"^\| `(\w+)` \|", (root / "docs/reference/configuration.md").read_text(), re.M))
    wrong = []
    for name in sorted(env.keys() | secrets):
        if name not in known and not name.startswith("QDRANT__"):
            wrong.append(f"{name} is no setting of docs/reference/configuration.md")
    for name, value in env.items():
        if not isinstance(value, str):
            wrong.append(f"{name} under [env] is not text")
        elif SECRET_NAME.search(name) or SECRET_VALUE.search(value):
            wrong.append(f"{name} under [env] is a secret: `flyctl secrets` keeps those")
    app = config.get("app")
    wrong += same("RAG_PUBLIC_URL", env.get("RAG_PUBLIC_URL"), f"https://{app}.fly.dev")
    wrong += same("RAG_AUTH", env.get("RAG_AUTH"), "required")
    wrong += same("RAG_IDLE_EXIT", env.get("RAG_IDLE_EXIT"), "300" if expected["sleeps"] else None)
    remote = env.get("RAG_EMBEDDING", "local") != "local"
    if remote != ("OPENAI_API_KEY" in secrets):
        wrong.append(f"RAG_EMBEDDING is {env.get('RAG_EMBEDDING')!r}, which does not go with the secrets {sorted(secrets)}")
    return wrong


def check_groups(root: Path, config: dict, expected: dict) -> list[str]:
    """That machines are those that are meant, and find each other."""
    processes, env = config.get("processes", {}), config.get("env", {})
    groups = list(processes) or ["app"]
    wrong = same("the process groups", set(groups), set(expected["memory"]))
    tables = [("http_service", config["http_service"])]
    tables += [(key, table) for key in ("mounts", "restart", "vm") for table in config.get(key, [])]
    tables += [(f"checks.{key}", table) for key, table in config.get("checks", {}).items()]
    for key, table in tables:
        for group in table.get("processes", []):
            if group not in groups:
                wrong.append(f"{key} is for `{group}`, which is no process group")
    if processes and not config["http_service"].get("processes"):
        wrong.append("[http_service] does not say of which process groups it is")
    memory = {}
    for table in config.get("vm", []):
        wrong += same("the size of a machine", table.get("size"), "shared-cpu-1x")
        for group in table.get("processes", groups):
            memory[group] = megabytes(table.get("memory"))
    wrong += same("the memory in MB", memory, expected["memory"])

    start = (root / "deploy/qdrant/start.sh").read_text()
    known = re.findall(r"^    (\w+)\)$", start, re.M)
    for group, command in processes.items():
        if command not in known:
            wrong.append(f"process group `{group}` runs `{command}`, which deploy/qdrant/start.sh does not know")
    if expected["target"] == "rag-qdrant":
        apart = len(groups) > 1
        wrong += same("QDRANT_HOST", env.get("QDRANT_HOST"),
                      f"qdrant.process.{config.get('app')}.internal" if apart else "localhost")
        wrong += same("QDRANT_PORT", env.get("QDRANT_PORT"), "6334")
        wrong += same("QDRANT__SERVICE__HOST", env.get("QDRANT__SERVICE__HOST"), "::" if apart else "127.0.0.1")
    return wrong


def check_mounts(config: dict, name: str, expected: dict) -> list[str]:
    wanted = {"rag": "/data" if name == "embedded" else None, "rag-qdrant": QDRANT_STORAGE}.get(expected["target"])
    mounts = config.get("mounts", [])
    wrong = same("the volumes' destinations", [one.get("destination") for one in mounts], [wanted] if wanted else [])
    for one in mounts:
        if one.get("destination") == QDRANT_STORAGE and "processes" in config:
            wrong += same("the volume's process groups", one.get("processes"), ["qdrant"])
    return wrong


def seconds(text: object) -> int | None:
    match = re.fullmatch(r"(\d+)s", text) if isinstance(text, str) else None
    return int(match[1]) if match else None


def megabytes(text: object) -> int | None:
    match = re.fullmatch(r"(\d+)(mb|gb)", text) if isinstance(text, str) else None
    return int(match[1]) * (1024 if match[2] == "gb" else 1) if match else None


if __name__ == "__main__":
    place = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parents[2]
    complaints = check(place)
    for complaint in complaints:
        print(f"error: {complaint}", file=sys.stderr)
    if complaints:
        sys.exit(1)
    print(f"fly.toml: {len(DEPLOYMENTS)} deployments")
