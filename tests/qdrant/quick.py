"""What makes local mode fast enough for tests with thousands of points.

Local mode looks at every point for every filter and every sparse query, and
commits every point by itself. Here payload indexes answer filters, postings
answer sparse queries, and a call is committed once, which also makes it whole or
nothing when the process is killed. Answers stay those of local mode: where a
filter is not about indexed values, local mode's own check decides.

Local mode offers no place to put this, so `quick_local_mode` replaces its parts.
The version of `qdrant-client` is pinned for that reason.
"""

import functools
import pickle
import sqlite3

import numpy as np
from qdrant_client import models
from qdrant_client._pydantic_compat import construct
from qdrant_client.local import (
    local_collection,
    payload_value_extractor,
    qdrant_local,
)
from qdrant_client.local.local_collection import LocalCollection
from qdrant_client.local.payload_filters import check_filter, check_range_interface, validate_filter
from qdrant_client.local.payload_value_extractor import value_by_key
from qdrant_client.local.persistence import CollectionPersistence
from qdrant_client.local.utils import normalize_point_id

# What an index holds. Like on the server a value of another type is not in it, and
# so is not found by what the index answers.
INDEXED_TYPES = {"keyword": (str,), "integer": (int,), "float": (int, float), "bool": (bool,)}
JSON_PATHS_KEPT = 1024


def quick_local_mode(location):
    """Opens local mode with its slow parts replaced."""
    replace_slow_parts()
    return qdrant_local.QdrantLocal(location, force_disable_check_same_thread=True)


@functools.cache
def replace_slow_parts():
    """Once: replacing a replacement would wrap it again."""
    qdrant_local.LocalCollection = QuickCollection
    local_collection.CollectionPersistence = QuickPersistence
    local_collection.calculate_distance_sparse = functools.partial(
        sparse_scores, local_collection.calculate_distance_sparse
    )
    local_collection.calculate_distance = functools.partial(
        dense_scores, local_collection.calculate_distance
    )
    payload_value_extractor.parse_json_path = functools.lru_cache(JSON_PATHS_KEPT)(
        payload_value_extractor.parse_json_path
    )


class QuickPersistence(CollectionPersistence):
    """Commits when it is told to. What is committed survives the process, not the
    machine; that is all that tests need."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.storage.execute("PRAGMA journal_mode=WAL")
        self.storage.execute("PRAGMA synchronous=OFF")

    def persist(self, point):
        value = construct(
            models.PointStruct, id=point.id, vector=point.vector, payload=point.payload
        )
        row = (self.encode_key(point.id), sqlite3.Binary(pickle.dumps(value)))
        self.storage.execute("INSERT OR REPLACE INTO points VALUES (?, ?)", row)

    def delete(self, point_id):
        row = (self.encode_key(point_id),)
        self.storage.execute("DELETE FROM points WHERE id = ?", row)


class QuickCollection(LocalCollection):
    """A collection whose payloads and sparse vectors know where a value occurs."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.payload = Payloads(self.payload)
        for name, vectors in self.sparse_vectors.items():
            self.sparse_vectors[name] = Postings(vectors)
        for name, vectors in self.vectors.items():
            # Loaded ones are doubles; the server's, and those just put in, are not.
            self.vectors[name] = vectors.astype(np.float32)

    def index(self, field, kind):
        self.payload.index(field, kind)

    def unindex(self, field):
        self.payload.unindex(field)

    def commit(self):
        if self.storage is not None:
            self.storage.storage.commit()

    def _payload_and_non_deleted_mask(self, payload_filter, vector_name=None):
        validate_filter(payload_filter)
        mask = ~self.deleted.astype(bool)
        if vector_name is not None:
            mask &= ~self.deleted_per_vector[vector_name].astype(bool)
        if payload_filter is not None:
            mask = self.filtered(payload_filter, mask)
        return mask

    def filtered(self, wanted, mask):
        """What of the mask matches: first by the indexes, then one by one."""
        rest = models.Filter()
        must, rest.must = self.split(wanted.must)
        must_not, rest.must_not = self.split(wanted.must_not)
        for found in must:
            mask = mask & found
        for found in must_not:
            mask = mask & ~found
        should, unknown = self.split(wanted.should)
        if unknown:
            rest.should = wanted.should
        elif should:
            mask = mask & np.logical_or.reduce(should)
        rest.min_should = wanted.min_should
        if rest == models.Filter():
            return mask
        return self.checked(rest, mask)

    def split(self, conditions):
        """The masks of conditions that indexes answer, and the other conditions."""
        masks, unknown = [], []
        for condition in listed(conditions):
            mask = self.known(condition)
            if mask is None:
                unknown.append(condition)
            else:
                masks.append(mask)
        return masks, unknown or None

    def known(self, condition):
        """The mask of a condition, or None if the indexes do not tell."""
        if isinstance(condition, models.Filter):
            return self.filtered(condition, np.ones(len(self.payload), dtype=bool))
        if isinstance(condition, models.HasIdCondition):
            ids = (normalize_point_id(each) for each in condition.has_id)
            return self.at([self.ids[each] for each in ids if each in self.ids])
        if isinstance(condition, models.FieldCondition):
            found = self.payload.matching(condition)
            return None if found is None else self.at(found)
        return None

    def at(self, places):
        mask = np.zeros(len(self.payload), dtype=bool)
        mask[np.fromiter(places, dtype=np.intp, count=len(places))] = True
        return mask

    def checked(self, rest, mask):
        """Local mode's own check of every point of the mask."""
        mask = mask.copy()
        for place in np.flatnonzero(mask):
            vectors = self._calculate_has_vector(place)
            if not check_filter(rest, self.payload[place], self.ids_inv[place], vectors):
                mask[place] = False
        return mask

    def _get_payload(self, idx, with_payload=True, return_copy=True):
        # It is written to the wire at once, so nobody can change the original.
        return super()._get_payload(idx, with_payload, return_copy=False)

    def _filter_to_ids(self, delete_filter):
        mask = self._payload_and_non_deleted_mask(delete_filter)
        return [self.ids_inv[place] for place in np.flatnonzero(mask)]

    def _scroll_by_id(self, scroll_filter, limit, offset, with_payload, with_vectors):
        first = None if offset is None else self._universal_id(normalize_point_id(offset))
        ids = self._filter_to_ids(scroll_filter)
        ids.sort(key=self._universal_id)
        if first is not None:
            ids = [each for each in ids if self._universal_id(each) >= first]
        records = [
            models.Record(
                id=each,
                payload=self._get_payload(self.ids[each], with_payload),
                vector=self._get_vectors(self.ids[each], with_vectors),
            )
            for each in ids[:limit]
        ]
        return records, ids[limit] if len(ids) > limit else None


def listed(conditions):
    """A filter's clause may be absent, one condition, or many."""
    if conditions is None:
        return []
    return conditions if isinstance(conditions, list) else [conditions]


class Payloads(list):
    """The payloads by place, with an index for some fields."""

    def __init__(self, payloads):
        super().__init__(payloads)
        self.fields = {}

    def index(self, field, kind):
        self.fields.pop(field, None)
        if kind in INDEXED_TYPES:
            self.fields[field] = Index(field, INDEXED_TYPES[kind])
            for place, payload in enumerate(self):
                self.fields[field].enter(payload, place)

    def unindex(self, field):
        self.fields.pop(field, None)

    def append(self, payload):
        super().append(payload)
        for index in self.fields.values():
            index.enter(payload, len(self) - 1)

    def __setitem__(self, place, payload):
        for index in self.fields.values():
            index.leave(self[place], place)
            index.enter(payload, place)
        super().__setitem__(place, payload)

    def matching(self, condition):
        """The places that match, or None if no index tells."""
        index = self.fields.get(condition.key)
        return None if index is None else index.matching(condition)


class Index:
    """The places of each value of a field."""

    def __init__(self, field, types):
        self.field = field
        self.types = types
        self.places = {}

    def values(self, payload):
        values = value_by_key(payload, self.field) or []
        # By exact type: to Python, but not to Qdrant, a truth value is a number.
        return {value for value in values if type(value) in self.types}

    def enter(self, payload, place):
        for value in self.values(payload):
            self.places.setdefault(value, set()).add(place)

    def leave(self, payload, place):
        for value in self.values(payload):
            self.places[value].discard(place)
            if not self.places[value]:
                del self.places[value]

    def matching(self, condition):
        """The places that match, or None if this index does not tell."""
        wanted = None
        if isinstance(condition.match, models.MatchValue):
            wanted = [condition.match.value]
        elif isinstance(condition.match, models.MatchAny):
            wanted = condition.match.any
        elif isinstance(condition.range, models.Range) and int in self.types:
            wanted = [v for v in self.places if check_range_interface(condition.range, v)]
        if wanted is None or not all(type(value) in self.types for value in wanted):
            return None
        if float in self.types and condition.range is None:
            # Numbers with fractions are not matched, only compared.
            return None
        return set().union(*(self.places.get(value, ()) for value in wanted))


class Postings(list):
    """Sparse vectors by place, with the weight at each place of each index."""

    def __init__(self, vectors):
        super().__init__(vectors)
        self.weights = {}
        for place, vector in enumerate(self):
            self.enter(vector, place)

    def append(self, vector):
        super().append(vector)
        self.enter(vector, len(self) - 1)

    def __setitem__(self, place, vector):
        for index in self[place].indices:
            del self.weights[index][place]
        super().__setitem__(place, vector)
        self.enter(vector, place)

    def __getitem__(self, place):
        # Local mode takes a slice of all before it searches; that would be a copy
        # without postings.
        if place == slice(None, len(self)):
            return self
        return super().__getitem__(place)

    def enter(self, vector, place):
        for index, value in zip(vector.indices, vector.values, strict=True):
            self.weights.setdefault(index, {})[place] = value

    def scores(self, query):
        """The products with the query; minus infinity where nothing is shared."""
        sums = np.zeros(len(self))
        shared = np.zeros(len(self), dtype=bool)
        for index, weight in zip(query.indices, query.values, strict=True):
            found = self.weights.get(index, {})
            places = np.fromiter(found.keys(), dtype=np.intp, count=len(found))
            values = np.fromiter(found.values(), dtype=np.float64, count=len(found))
            sums[places] += weight * values
            shared[places] = True
        return np.where(shared, sums, -np.inf).astype(np.float32)


def sparse_scores(by_comparing, query, vectors, empty_is_zero=False):
    """Local mode's function, but by postings where there are some."""
    if isinstance(vectors, Postings) and not empty_is_zero:
        return vectors.scores(query)
    return by_comparing(query, vectors, empty_is_zero)


def dense_scores(by_comparing, query, vectors, distance):
    """Local mode's function, but in single precision, as the server computes: in
    double, scores would be better than they will be, and slower to come by."""
    products = (models.Distance.DOT, models.Distance.COSINE)
    if query.ndim != 1 or distance not in products or np.isnan(query).any():
        return by_comparing(query, vectors, distance)
    if distance == models.Distance.COSINE:
        query = query / (np.linalg.norm(query) or 1.0)
    return np.dot(vectors, query.astype(np.float32))
