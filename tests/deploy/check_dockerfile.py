#!/usr/bin/env python3
"""Checks the Dockerfile and .dockerignore against the repository: that a build
finds what it needs, and an image is as it is said to be.

    tests/deploy/check_dockerfile.py [ROOT]

It builds nothing. Of the Dockerfile's own commands it runs the one that makes
the manifests, on a copy of what the builder is given, and asks cargo whether
that is a workspace.
"""

import json
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

from dockerfile import Ignore, Stage, context, stages

# Each image's base, user, extra environment and what it is started with.
IMAGES = {
    "rag": {
        "base": "scratch",
        "user": "65532:65532",
        "env": {},
        "entrypoint": ["/usr/local/bin/rag"],
        "cmd": ["serve"],
    },
    "rag-browser": {
        "base": r"debian:trixie-slim",
        "user": "10001:10001",
        "env": {"RAG_CHROMIUM": "/usr/bin/chromium"},
        "entrypoint": ["/usr/local/bin/rag"],
        "cmd": ["serve"],
    },
    "rag-qdrant": {
        "base": r"qdrant/qdrant:v\d+\.\d+\.\d+-unprivileged",
        "user": "1000:1000",
        "env": {
            "QDRANT_HOST": "localhost",
            "QDRANT_PORT": "6334",
            "QDRANT__SERVICE__HOST": "127.0.0.1",
            "QDRANT__TELEMETRY_DISABLED": "true",
        },
        "entrypoint": ["/usr/local/bin/start"],
        "cmd": ["both"],
    },
}
ENV = {"HOST": "0.0.0.0", "PORT": "8000", "RAG_DATA_DIR": "/data", "RAG_LOG_FORMAT": "json"}
BUILDER = r"rust:(\d+\.\d+\.\d+)-slim-trixie"

# What must not get to a builder, and what must.
KEPT_OUT = [
    ".env", ".env.production", "crates/rag/.env", ".git/config", "target/release/rag",
    "crates/rag/target/debug/rag", "docs/stores.md", "testdata/chunk/a.md", "memory.sqlite",
    "crates/rag/memory.sqlite-wal", "crates/rag/tests/it/main.rs",
    "crates/rag-extract/testdata/document/keeper.docx", "deploy/supabase/fly.toml", "README.md",
    "tests/deploy/run.sh", "scripts/__pycache__/a.pyc",
]
LET_IN = ["Cargo.lock", "Cargo.toml", "LICENSE-MIT", "crates/rag/src/main.rs", "bench/Cargo.toml",
          "testsite/src/lib.rs", "deploy/qdrant/start.sh", "assets/all-MiniLM-L6-v2/LICENSE"]


def check(root: Path, runs_cargo: bool = True) -> list[str]:
    """What is wrong, as sentences."""
    given = context(root)
    ordered = stages((root / "Dockerfile").read_text())
    by_name = {stage.name: stage for stage in ordered}
    wrong = check_ignore(root)
    wrong += check_stages(root, ordered, given)
    wrong += check_sources(root, by_name, given)
    for name in IMAGES:
        wrong += check_image(by_name, name)
    wrong += check_reference(root, by_name)
    if ordered[-1].name != "rag":
        wrong.append(f"`docker build .` gives `{ordered[-1].name}`, the last stage, not `rag`")
    if runs_cargo:
        wrong += check_manifests(root, by_name["manifests"], given)
    return wrong


def check_ignore(root: Path) -> list[str]:
    ignore = Ignore((root / ".dockerignore").read_text())
    return [f".dockerignore lets {path} in" for path in KEPT_OUT if not ignore.excludes(path)] + [
        f".dockerignore keeps {path} out" for path in LET_IN if ignore.excludes(path)
    ]


def check_stages(root: Path, ordered: list[Stage], given: list[str]) -> list[str]:
    wrong, earlier = [], []
    oldest = tomllib.loads((root / "Cargo.toml").read_text())["workspace"]["package"]["rust-version"]
    for stage in ordered:
        where = f"stage `{stage.name}`"
        if stage.base not in [*earlier, "scratch"] and ":" not in stage.base:
            wrong.append(f"{where} begins from `{stage.base}`, neither an earlier stage nor a tagged image")
        if stage.base.endswith(":latest"):
            wrong.append(f"{where} begins from whatever is the latest `{stage.base}`")
        if match := re.fullmatch(BUILDER, stage.base):
            if version(match[1]) < version(oldest):
                wrong.append(f"{where} has Rust {match[1]}, Cargo.toml wants {oldest}")
        elif stage.base.startswith("rust:"):
            wrong.append(f"{where} begins from `{stage.base}`: the images need Debian 13's glibc")
        for copy in stage.all("COPY") + stage.all("ADD"):
            sources = copy.words()[:-1]
            source_stage = copy.flags.get("from")
            if source_stage is None:
                for source in sources:
                    if not files_of(source, given):
                        wrong.append(f"line {copy.line}: {source} is not there, or .dockerignore keeps it out")
            elif source_stage not in earlier and ":" not in source_stage:
                wrong.append(f"line {copy.line}: `{source_stage}` is neither an earlier stage nor a tagged image")
        for run in stage.all("RUN"):
            if "cargo build" in run.rest and "--locked" not in run.rest:
                wrong.append(f"line {run.line}: cargo may change Cargo.lock without --locked")
        if volume := stage.last("VOLUME"):
            wrong.append(f"line {volume.line}: a VOLUME leaves an anonymous volume behind every container")
        earlier.append(stage.name)
    return wrong


def check_sources(root: Path, by_name: dict[str, Stage], given: list[str]) -> list[str]:
    """That each stage which compiles the program has every source."""
    wrong = []
    workspace = tomllib.loads((root / "Cargo.toml").read_text())["workspace"]["members"]
    members = sorted(
        folder.relative_to(root).as_posix()
        for member in workspace for folder in root.glob(member) if (folder / "Cargo.toml").is_file()
    )
    sources = [path for path in given if re.match(r"crates/[^/]+/src/", path)]
    embedded = {}
    for source in sources:
        if source.endswith(".rs"):
            embedded |= embeds(root, source, wrong)
    for name, features in (("build", False), ("build-browser", True)):
        there = copied(by_name, name, given)
        for member in members:
            if f"{member}/Cargo.toml" not in there:
                wrong.append(f"stage `{name}` lacks {member}/Cargo.toml, a member of the workspace")
        for path, source in embedded.items():
            if path not in there:
                wrong.append(f"stage `{name}` lacks {path}, which {source} embeds")
        for path in sources:
            if path not in there:
                wrong.append(f"stage `{name}` lacks {path}")
        builds = [run.rest for run in by_name[name].all("RUN") if "cargo build" in run.rest]
        if not builds:
            wrong.append(f"stage `{name}` does not run cargo build")
        for build in builds:
            if ("--no-default-features" in build) == features:
                wrong.append(f"stage `{name}` is to be built {'with' if features else 'without'} the browser")
    return wrong


def embeds(root: Path, source: str, wrong: list[str]) -> dict[str, str]:
    """The files outside of its own that a source makes part of the program."""
    found = {}
    text = (root / source).read_text()
    for match in re.finditer(r"include_(?:str|bytes)!\(\s*(\"[^\"]*\")?", text):
        if match[1] is None:
            wrong.append(f"{source} embeds a file that is not named by a literal: cannot tell which")
            continue
        path = (root / source).parent.joinpath(match[1].strip('"')).resolve()
        if not path.is_file():
            wrong.append(f"{source} embeds {match[1]}, which is not there")
        found[path.relative_to(root.resolve()).as_posix()] = source
    return found


def copied(by_name: dict[str, Stage], name: str, given: list[str]) -> set[str]:
    """The files of the repository in a stage, with what it has from others."""
    stage = by_name[name]
    there = copied(by_name, stage.base, given) if stage.base in by_name else set()
    for copy in stage.all("COPY"):
        *sources, _ = copy.words()
        if copy.flags.get("from") in by_name:
            if sources == ["/source"]:
                there |= copied(by_name, copy.flags["from"], given)
        else:
            for source in sources:
                there |= set(files_of(source, given))
    return there


def files_of(source: str, given: list[str]) -> list[str]:
    source = source.removeprefix("./").rstrip("/")
    return [path for path in given if path == source or path.startswith(source + "/")]


def check_image(by_name: dict[str, Stage], name: str) -> list[str]:
    wrong, expected = [], IMAGES[name]
    stage = by_name.get(name)
    if stage is None:
        return [f"there is no stage `{name}`"]

    def same(what: str, got: object, wanted: object) -> None:
        if got != wanted:
            wrong.append(f"image `{name}`: {what} is {got!r}, not {wanted!r}")

    if not re.fullmatch(expected["base"], stage.base):
        wrong.append(f"image `{name}`: its base is {stage.base}, not {expected['base']}")
    user = stage.last("USER")
    same("USER", user and user.rest, expected["user"])
    if user is None or not re.fullmatch(r"[1-9]\d*:[1-9]\d*", user.rest):
        wrong.append(f"image `{name}` has no numeric user that is not root")
    for word, wanted in (("ENTRYPOINT", expected["entrypoint"]), ("CMD", expected["cmd"])):
        one = stage.last(word)
        same(word, one and one.rest.startswith("[") and one.words(), wanted)
    same("ENV", stage.env(), ENV | expected["env"])
    expose = stage.last("EXPOSE")
    same("EXPOSE", expose and expose.rest, ENV["PORT"])
    health = stage.last("HEALTHCHECK")
    same("HEALTHCHECK", health and health.rest, 'CMD ["/usr/local/bin/rag", "health"]')
    copies = [(copy.flags, copy.words()) for copy in stage.all("COPY")]
    if not any(words[-1] == "/usr/local/bin/rag" for _, words in copies):
        wrong.append(f"image `{name}` has no /usr/local/bin/rag")
    if not any({"LICENSE-APACHE", "LICENSE-MIT"} <= set(words) for _, words in copies):
        wrong.append(f"image `{name}` lacks the licences")
    owned = any(flags.get("chown") == expected["user"] and words[-1] == "/data" for flags, words in copies)
    made = any("install --directory --owner=rag --group=rag /data" in run.rest for run in stage.all("RUN"))
    if not owned and not made:
        wrong.append(f"image `{name}`: /data does not belong to its user")
    for one in stage.all("ENV") + stage.all("ARG"):
        if re.search(r"(KEY|TOKEN|PASSWORD|SECRET|DATABASE_URL)\b", one.rest):
            wrong.append(f"line {one.line}: a secret would be part of the image `{name}`")
    return wrong


def check_reference(root: Path, by_name: dict[str, Stage]) -> list[str]:
    """That the program knows the settings and the command that images use."""
    settings = (root / "docs/reference/configuration.md").read_text()
    known = set(re.findall(r"^\| `(\w+)` \|", settings, re.M))
    used = {name for stage in by_name.values() for name in stage.env() if not name.startswith("QDRANT__")}
    wrong = [f"ENV {name} is no setting of docs/reference/configuration.md" for name in sorted(used - known)]
    if "\n## rag health\n" not in (root / "docs/reference/command-line.md").read_text():
        wrong.append("HEALTHCHECK uses `rag health`, which docs/reference/command-line.md does not have")
    return wrong


def check_manifests(root: Path, stage: Stage, given: list[str]) -> list[str]:
    """Makes the manifests as the stage does, and sees that they are a workspace
    with the targets of the real one and nothing of its code."""
    wanted = targets(root)
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder)
        for path in sorted(set().union(*(files_of(source, given) for copy in stage.all("COPY")
                                         for source in copy.words()[:-1]))):
            (made / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(root / path, made / path)
        for run in stage.all("RUN"):
            done = subprocess.run(["sh", "-c", run.rest], cwd=made, capture_output=True, text=True)
            if done.returncode:
                return [f"line {run.line} fails: {done.stderr.strip()}"]
        left = [path for path in made.rglob("*") if path.is_file()]
        wrong = [
            f"the manifests still have code in {path.relative_to(made)}"
            for path in left if path.suffix == ".rs" and path.read_text().strip() not in ("", "fn main() { }")
        ]
        try:
            got = targets(made)
        except ValueError as error:
            return wrong + [f"cargo cannot read the manifests: {error}"]
    return wrong + [f"the manifests lack {target}" for target in sorted(wanted - got)]


def targets(root: Path) -> set[str]:
    done = subprocess.run(
        ["cargo", "metadata", "--locked", "--offline", "--no-deps", "--format-version=1"],
        cwd=root, capture_output=True, text=True,
    )
    if done.returncode:
        raise ValueError(done.stderr.strip())
    return {
        f"{kind} {target['name']} of {package['name']}"
        for package in json.loads(done.stdout)["packages"]
        for target in package["targets"] for kind in target["kind"] if kind in ("lib", "bin")
    }


def version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split("."))


if __name__ == "__main__":
    place = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parents[2]
    complaints = check(place)
    for complaint in complaints:
        print(f"error: {complaint}", file=sys.stderr)
    if complaints:
        sys.exit(1)
    print(f"Dockerfile: {len(IMAGES)} images, {len(context(place))} files for the builder")
