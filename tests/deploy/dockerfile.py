"""Reads a Dockerfile and a .dockerignore, as far as ours go.

What is not understood is an error, not skipped: no heredocs, no escape directive.
"""

import json
import os
import re
import shlex
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Instruction:
    line: int
    word: str
    flags: dict[str, str]
    rest: str

    def words(self) -> list[str]:
        """The arguments, in either form."""
        if self.rest.startswith("["):
            return json.loads(self.rest)
        return shlex.split(self.rest)


@dataclass
class Stage:
    name: str
    base: str
    line: int
    instructions: list[Instruction] = field(default_factory=list)

    def all(self, word: str) -> list[Instruction]:
        return [one for one in self.instructions if one.word == word]

    def last(self, word: str) -> Instruction | None:
        found = self.all(word)
        return found[-1] if found else None

    def env(self) -> dict[str, str]:
        pairs = [word.split("=", 1) for one in self.all("ENV") for word in one.words()]
        return {name: value for name, value in pairs}


def instructions(text: str) -> list[Instruction]:
    found, begun, parts = [], 0, []
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip().startswith("#") or (not line.strip() and not parts):
            continue
        begun = begun or number
        parts.append(line.strip().removesuffix("\\").strip())
        if line.rstrip().endswith("\\"):
            continue
        word, _, rest = " ".join(parts).strip().partition(" ")
        flags = {}
        while match := re.match(r"--([a-z-]+)=(\S+)\s+", rest):
            if word.upper() == "HEALTHCHECK" or word.upper() in ("COPY", "FROM", "RUN"):
                flags[match[1]] = match[2]
                rest = rest[match.end():]
            else:
                break
        found.append(Instruction(begun, word.upper(), flags, rest.strip()))
        begun, parts = 0, []
    if parts:
        raise ValueError(f"line {begun} goes on after the end of the file")
    return found


def stages(text: str) -> list[Stage]:
    """The stages in order, with the ARGs before the first put into their bases."""
    arguments: dict[str, str] = {}
    found: list[Stage] = []
    for one in instructions(text):
        if one.word == "ARG" and not found:
            name, _, value = one.rest.partition("=")
            arguments[name] = value
        elif one.word == "FROM":
            words = one.rest.split()
            base = re.sub(r"\$\{(\w+)\}", lambda match: arguments[match[1]], words[0])
            name = words[2] if len(words) == 3 and words[1].upper() == "AS" else str(len(found))
            found.append(Stage(name, base, one.line))
        elif found:
            found[-1].instructions.append(one)
        else:
            raise ValueError(f"line {one.line}: {one.word} before the first FROM")
    return found


class Ignore:
    """The rules of .dockerignore: the last one that matches a path, or a folder
    it is in, decides."""

    def __init__(self, text: str):
        self.rules: list[tuple[bool, re.Pattern]] = []
        for line in text.splitlines():
            rule = line.strip()
            if not rule or rule.startswith("#"):
                continue
            excludes = not rule.startswith("!")
            rule = rule.removeprefix("!").strip()
            rule = os.path.normpath(rule).lstrip("/")
            self.rules.append((excludes, re.compile(pattern(rule))))

    def excludes(self, path: str) -> bool:
        names = path.split("/")
        paths = ["/".join(names[: count + 1]) for count in range(len(names))]
        excluded = False
        for excludes, rule in self.rules:
            if any(rule.fullmatch(one) for one in paths):
                excluded = excludes
        return excluded


def pattern(rule: str) -> str:
    """`rule` as a regular expression: `**` is any number of folders, `*` and `?`
    stay within one name."""
    out, rest = "", rule
    while rest:
        if rest.startswith("**/"):
            out, rest = out + "(?:.*/)?", rest[3:]
        elif rest.startswith("**"):
            out, rest = out + ".*", rest[2:]
        elif rest.startswith("*"):
            out, rest = out + "[^/]*", rest[1:]
        elif rest.startswith("?"):
            out, rest = out + "[^/]", rest[1:]
        elif rest.startswith("["):
            raise ValueError(f"character classes are not understood: {rule}")
        else:
            out, rest = out + re.escape(rest[0]), rest[1:]
    return out


def context(root: Path) -> list[str]:
    """The files that the builder is given, in order."""
    ignore = Ignore((root / ".dockerignore").read_text())
    found = []
    for folder, names, files in os.walk(root):
        here = Path(folder).relative_to(root)
        # A build's own folders are large, and no rule brings any of them back.
        names[:] = [name for name in names if name not in (".git", "target", "node_modules")]
        for name in files:
            path = (here / name).as_posix()
            if not ignore.excludes(path):
                found.append(path)
    return sorted(found)
