#!/usr/bin/env python3
"""Makes one mistake at a time in a copy of the repository, and sees that the
checks tell of it. Prints how many were found."""

import shutil
import sys
import tempfile
from pathlib import Path

import check_dockerfile
import check_fly

ROOT = Path(__file__).resolve().parents[2]
SUPABASE, TWO, QDRANT, EMBEDDED = (
    f"deploy/{name}/fly.toml" for name in ("supabase", "qdrant-two-machines", "qdrant", "embedded"))

# (file, what is in it, what it becomes, a part of the complaint)
MISTAKES = [
    (SUPABASE, "[http_service]\n", "[[services]]\n  internal_port = 8000\n\n[http_service]\n", "claim the same ports"),
    (SUPABASE, "internal_port = 8000", "internal_port = 8080", "internal_port is '8080', not '8000'"),
    (SUPABASE, 'path = "/health"', 'path = "/healthz"', "the check is"),
    (SUPABASE, 'interval = "30s"', 'interval = "15s"', "the check is"),
    (SUPABASE, "soft_limit = 20", "soft_limit = 200", "concurrency is"),
    (SUPABASE, "soft_limit = 20", "softlimit = 20", "flyctl knows no `softlimit` in http_service.concurrency"),
    (SUPABASE, 'memory = "256mb"', 'memory = "1gb"', "the memory in MB is {'app': 1024}"),
    (SUPABASE, '"iad"', '"fra"', "primary_region"),
    (SUPABASE, "force_https = true", "force_https = false", "force_https"),
    (SUPABASE, 'kill_timeout = "6s"', 'kill_timeout = "5s"', "leaves nothing beyond the 5 s"),
    (SUPABASE, 'kill_timeout = "6s"', "kill_timeout = 6", "a bare number"),
    (SUPABASE, "[env]\n", '[env]\n  DATABASE_URL = "postgres://db/rag"\n', "DATABASE_URL under [env] is a secret"),
    (SUPABASE, "[env]\n", '[env]\n  OPENAI_BASE_URL = "https://me:hush@example.org/v1"\n', "OPENAI_BASE_URL under [env] is a secret"),
    (SUPABASE, "[env]\n", '[env]\n  GITHUB_TOKEN = "x"\n', "GITHUB_TOKEN under [env] is a secret"),
    (SUPABASE, "[env]\n", '[env]\n  RAG_DATABASE = "x"\n', "RAG_DATABASE is no setting"),
    (SUPABASE, 'RAG_AUTH = "required"', 'RAG_AUTH = "off"', "RAG_AUTH is 'off'"),
    (SUPABASE, "https://rag-memory-mcp.fly.dev", "https://other.fly.dev", "RAG_PUBLIC_URL is"),
    (SUPABASE, '"../../Dockerfile"', '"Dockerfile"', "does not lead from this file"),
    (SUPABASE, 'build-target = "rag"', 'build-target = "server"', "build-target is no stage"),
    (SUPABASE, 'auto_stop_machines = "off"', 'auto_stop_machines = "stop"', "auto_stop_machines is 'stop'"),
    (SUPABASE, '"on-failure"', '"always"', "the restart policy is ['always']"),
    (SUPABASE, 'release_command = "migrate"', 'release_command = "rag migrate"', "has no command `rag migrate`"),
    (SUPABASE, "# secrets: DATABASE_URL OPENAI_API_KEY", "# secrets: DATABASE_URL", "the secrets under"),
    (SUPABASE, 'RAG_EMBEDDING = "text-embedding-3-small"', 'RAG_EMBEDDING = "local"', "does not go with the secrets"),
    (EMBEDDED, 'destination = "/data"', 'destination = "/var/data"', "the volumes' destinations"),
    (EMBEDDED, "[env]\n", '[deploy]\n  release_command = "migrate"\n\n[env]\n', "without the volume"),
    (QDRANT, '"127.0.0.1"', '"0.0.0.0"', "QDRANT__SERVICE__HOST is '0.0.0.0'"),
    (TWO, 'processes = ["web"]\n  internal_port', 'processes = ["server"]\n  internal_port', "`server`, which is no process group"),
    (TWO, 'processes = ["qdrant"]\n  initial_size', "initial_size", "the volume's process groups"),
    (TWO, '"qdrant.process.rag-memory-qdrant-two.internal"', '"localhost"', "QDRANT_HOST is 'localhost'"),
    (TWO, 'web = "rag"', 'web = "serve"', "which deploy/qdrant/start.sh does not know"),
    (TWO, 'QDRANT__SERVICE__HOST = "::"', 'QDRANT__SERVICE__HOST = "0.0.0.0"', "not '::'"),
    (TWO, 'app = "rag-memory-qdrant-two"', "app = ", "is no TOML"),
    ("Dockerfile", "COPY crates crates\nCOPY testsite testsite\n", "COPY crates crates\n", "lacks testsite/Cargo.toml"),
    ("Dockerfile", "COPY assets assets\n", "", "which crates/rag-embed/src/local/files.rs embeds"),
    ("Dockerfile", "COPY assets assets\n", "COPY models assets\n", "models is not there"),
    ("Dockerfile", "COPY --from=build-browser /source/t", "COPY --from=build-chromium /source/t", "`build-chromium` is neither"),
    ("Dockerfile", "USER 65532:65532", "USER nonroot", "no numeric user"),
    ("Dockerfile", "USER 10001:10001", "USER 0:0", "no numeric user"),
    ("Dockerfile", '["/usr/local/bin/rag"]\nCMD', '["/bin/rag"]\nCMD', "ENTRYPOINT is ['/bin/rag']"),
    ("Dockerfile", "PORT=8000", "PORT=8080", "ENV is"),
    ("Dockerfile", "EXPOSE 8000", "EXPOSE 80", "EXPOSE is '80'"),
    ("Dockerfile", '["/usr/local/bin/rag", "health"]', '["curl", "localhost"]', "HEALTHCHECK is"),
    ("Dockerfile", "RAG_LOG_FORMAT=json", "RAG_LOG_FORMAT=json OPENAI_API_KEY=x", "a secret would be part"),
    ("Dockerfile", "EXPOSE 8000", "VOLUME /data\nEXPOSE 8000", "leaves an anonymous volume"),
    ("Dockerfile", "RUST=1.95.0", "RUST=1.80.0", "has Rust 1.80.0"),
    ("Dockerfile", "slim-trixie AS manifests", "slim-bookworm AS manifests", "need Debian 13's glibc"),
    ("Dockerfile", "cargo build --release --locked --package rag\n", "cargo build --release --package rag\n", "without --locked"),
    ("Dockerfile", "! -path '*/src/main.rs' -delete", "! -path '*/src/*.rs' -delete", "the manifests still have code"),
    ("Dockerfile", "! -path '*/src/lib.rs' ", "", "cargo cannot read the manifests"),
    ("Dockerfile", "! -path '*/src/main.rs' -delete", "! -path 'bench/src/main.rs' -delete", "the manifests lack bin rag of rag"),
    ("Dockerfile", "FROM scratch AS rag\n", "FROM debian AS rag\n", "neither an earlier stage nor a tagged image"),
    (".dockerignore", "**/.env*\n", "", "lets crates/rag/.env in"),
    (".dockerignore", "*\n!.dockerignore", "!.dockerignore", "lets docs/stores.md in"),
    (".dockerignore", "!assets\n", "", "assets is not there, or .dockerignore keeps it out"),
    (".dockerignore", "crates/*/tests\n", "crates/*/tests\n**/*.md\n", "crates/rag-mcp/src/instructions.md"),
    (".dockerignore", "crates/*/tests\n", "crates/*/tests\n**/*.sql\n", "migrations/0001.sql"),
]


def complaints(root: Path, name: str, expected: str) -> set[str]:
    if name.startswith("deploy/"):
        return set(check_fly.check(root))
    # Making the manifests takes longer than all else.
    return set(check_dockerfile.check(root, runs_cargo="the manifests" in expected))


def copy(root: Path) -> None:
    """What the checks look at. The model is large, and only its being there counts."""
    for name in ("bench", "crates", "deploy", "docs/reference", "testsite", "assets"):
        shutil.copytree(ROOT / name, root / name, symlinks=True, copy_function=light)
    for name in ("Cargo.lock", "Cargo.toml", "Dockerfile", ".dockerignore", "LICENSE-APACHE", "LICENSE-MIT"):
        shutil.copyfile(ROOT / name, root / name)


def light(source: str, target: str) -> None:
    if source.endswith(".onnx"):
        Path(target).touch()
    else:
        shutil.copyfile(source, target)


def main() -> int:
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        copy(root)
        before = set(check_fly.check(root)) | set(check_dockerfile.check(root))
        for name, was, becomes, expected in MISTAKES:
            path = root / name
            whole = path.read_text()
            if was not in whole:
                print(f"error: {name} does not have {was!r} to make a mistake in", file=sys.stderr)
                failed += 1
                continue
            path.write_text(whole.replace(was, becomes))
            told = complaints(root, name, expected) - before
            path.write_text(whole)
            if not any(expected in one for one in told):
                print(f"error: {name}: {was!r} -> {becomes!r}\n  expected: {expected}\n  told: {sorted(told)}", file=sys.stderr)
                failed += 1
    print(f"mistakes that the checks find: {len(MISTAKES) - failed} of {len(MISTAKES)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
