#!/usr/bin/env python3
"""Checks docker-compose.yml: the database for local use, for this machine alone.

    tests/deploy/check_compose.py [ROOT]
"""

import sys
from pathlib import Path

import yaml


def check(root: Path) -> list[str]:
    compose = yaml.safe_load((root / "docker-compose.yml").read_text())
    service = compose["services"]["postgres"]
    wrong = []

    def same(what: str, got: object, wanted: object) -> None:
        if got != wanted:
            wrong.append(f"docker-compose.yml: {what} is {got!r}, not {wanted!r}")

    same("the services", list(compose["services"]), ["postgres"])
    same("the image", service["image"], "pgvector/pgvector:pg17")
    same("the ports", service["ports"], ["127.0.0.1:54320:5432"])
    same("the environment", service["environment"],
         {"POSTGRES_USER": "raguser", "POSTGRES_PASSWORD": "ragpassword", "POSTGRES_DB": "rag_memory"})
    # A folder of the machine would have other owners, and be in the build context.
    volume, _, place = service["volumes"][0].partition(":")
    same("whether the volume is a named one", volume in compose["volumes"], True)
    same("where the data are", place, "/var/lib/postgresql/data")
    same("what asks whether it is ready", service["healthcheck"]["test"][:2], ["CMD", "pg_isready"])
    return wrong


if __name__ == "__main__":
    complaints = check(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parents[2])
    for complaint in complaints:
        print(f"error: {complaint}", file=sys.stderr)
    if complaints:
        sys.exit(1)
    print("docker-compose.yml: one database on loopback")
