"""Where the double keeps its collections: local mode, and beside it the payload
indexes, which local mode does not remember.
"""

import json
import os
import time
from pathlib import Path

from gate import no_collection
from quick import quick_local_mode

OPEN_FOR_S = 10


class Indexes:
    """The payload indexes of collections: their types by collection and field. Kept
    in `path`, if there is one."""

    def __init__(self, path):
        self.file = None if path is None else Path(path) / "indexes.json"
        self.all = {}
        if self.file is not None and self.file.exists():
            self.all = json.loads(self.file.read_text())

    def of(self, name):
        return self.all.get(name, {})

    def add(self, name, field, kind):
        self.all.setdefault(name, {})[field] = kind
        self.write()

    def remove(self, name, field):
        if self.of(name).pop(field, None) is not None:
            self.write()

    def forget(self, name):
        if self.all.pop(name, None) is not None:
            self.write()

    def write(self):
        if self.file is not None:
            write_whole(self.file, json.dumps(self.all))


class LocalStorage:
    """All collections, in `path` or in memory."""

    def __init__(self, path=None):
        self.local = open_local(path or ":memory:")
        self.indexes = Indexes(path)
        for name, collection in self.local.collections.items():
            for field, kind in self.indexes.of(name).items():
                collection.index(field, kind)

    def names(self):
        return list(self.local.collections)

    def resolve(self, name):
        """The collection's own name, if this is an alias."""
        return self.local.aliases.get(name, name)

    def collection(self, name):
        """The collection of that name or alias."""
        name = self.resolve(name)
        if name not in self.local.collections:
            raise no_collection(name)
        return self.local.collections[name]

    def create(self, name, config):
        self.local.create_collection(
            name,
            vectors_config=config.vectors,
            sparse_vectors_config=config.sparse_vectors,
            metadata=config.metadata,
        )

    def delete(self, name):
        self.local.collections[name].close()
        self.local.delete_collection(name)
        self.indexes.forget(name)

    def query(self, name, **query):
        return self.local.query_points(name, **query).points

    def query_groups(self, name, **query):
        return self.local.query_points_groups(name, **query)

    def update_aliases(self, actions):
        self.local.update_collection_aliases(actions)

    def aliases(self):
        return self.local.get_aliases().aliases


def write_whole(file, text):
    """Writes a file so that a kill leaves the old one or the new one."""
    unfinished = file.with_suffix(".tmp")
    unfinished.write_text(text)
    os.replace(unfinished, file)


def open_local(location):
    """Opens local mode; a double that was just killed may still hold its lock."""
    until = time.monotonic() + OPEN_FOR_S
    while True:
        try:
            return quick_local_mode(location)
        except RuntimeError:
            if time.monotonic() > until:
                raise
            time.sleep(0.05)
