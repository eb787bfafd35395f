"""Collections kept by Qdrant's own engine: PyPI `qdrant-edge-py` carries the code
that a server runs for each shard. What stays a double around it is what a server
does above its shards; what the engine decides (filters, scores, IDF, order,
conditional writes) it decides here as it does there.
"""

import json
import re
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path

import qdrant_edge as e
from qdrant_client import models
from qdrant_client.local.local_collection import LocalCollection

from gate import invalid, missing, no_collection
from storage import Indexes, write_whole
from to_engine import (
    condition_list,
    engine_config,
    engine_filter,
    engine_point,
    engine_query,
    engine_vector,
    from_engine_id,
    from_engine_vector,
    payload_selector,
)


class EngineStorage:
    """All collections, a shard each, in `path` or a temporary folder."""

    def __init__(self, path=None):
        self.temporary = None
        if path is None:
            self.temporary = tempfile.TemporaryDirectory(prefix="qdrant-double-")
            path = self.temporary.name
        self.path = Path(path)
        self.path.mkdir(parents=True, exist_ok=True)
        self.indexes = Indexes(self.path)
        self.collections = {}
        for name, config in self.read_configs().items():
            self.collections[name] = EngineCollection(self.folder(name), config)

    def names(self):
        return list(self.collections)

    def resolve(self, name):
        return name

    def collection(self, name):
        if name not in self.collections:
            raise no_collection(name)
        return self.collections[name]

    def create(self, name, config):
        if not re.fullmatch(r"[\w.-]{1,255}", name):
            raise invalid(f"Wrong input: collection name `{name}`")
        # What a kill may have left here was never a collection.
        shutil.rmtree(self.folder(name), ignore_errors=True)
        with said_by_the_engine():
            self.collections[name] = EngineCollection(self.folder(name), config)
        self.write_configs()

    def delete(self, name):
        collection = self.collections.pop(name)
        self.write_configs()
        self.indexes.forget(name)
        collection.shard.close()
        shutil.rmtree(self.folder(name), ignore_errors=True)

    def query(self, name, **query):
        return self.collection(name).query(**query)

    def query_groups(self, name, **query):
        raise NotImplementedError("groups, with the engine")

    def update_aliases(self, actions):
        raise NotImplementedError("aliases, with the engine")

    def aliases(self):
        return []

    def folder(self, name):
        return self.path / "shards" / name

    def configs_file(self):
        return self.path / "collections.json"

    def read_configs(self):
        if not self.configs_file().exists():
            return {}
        configs = json.loads(self.configs_file().read_text())
        return {name: models.CreateCollection(**config) for name, config in configs.items()}

    def write_configs(self):
        configs = {
            name: collection.config.model_dump(mode="json", exclude_none=True)
            for name, collection in self.collections.items()
        }
        write_whole(self.configs_file(), json.dumps(configs))


class EngineCollection:
    """A shard, with the methods of a collection of local mode."""

    def __init__(self, folder, config):
        self.config = config
        # The engine writes a request point by point; a server looks at all of them
        # first, and so does local mode.
        self.model = LocalCollection(config)
        if folder.exists():
            self.shard = e.EdgeShard.load(str(folder))
        else:
            folder.mkdir(parents=True)
            self.shard = e.EdgeShard.create(str(folder), engine_config(config))

    def commit(self):
        """Nothing to do: the engine writes its own log ahead."""

    def info(self):
        """Local mode's description of an empty collection, with our number of points."""
        info = self.model.info()
        info.points_count = self.count(None).count
        return info

    def index(self, field, kind):
        schema = getattr(e.PayloadSchemaType, kind.capitalize())
        self.update(e.UpdateOperation.create_field_index(field, schema))

    def unindex(self, field):
        self.update(e.UpdateOperation.delete_field_index(field))

    # Writing

    def update(self, operation):
        with said_by_the_engine():
            self.shard.update(operation)

    def upsert(self, points, update_filter=None, update_mode=None):
        for point in points:
            self.model._validate_point(point)
        converted = [engine_point(point) for point in points]
        mode = None if update_mode is None else UPDATE_MODES[update_mode]
        self.update(e.UpdateOperation.upsert_points(converted, engine_filter(update_filter), mode))

    def update_vectors(self, points, update_filter=None):
        converted = [e.PointVectors(point.id, engine_vector(point.vector)) for point in points]
        condition = engine_filter(update_filter)
        self.update(e.UpdateOperation.update_vectors(converted, condition))

    def delete(self, selector):
        self.change("delete_points", selector)

    def delete_vectors(self, names, selector):
        self.change("delete_vectors", selector, names)

    def set_payload(self, payload, selector, key=None):
        self.change("set_payload", selector, payload, key)

    def overwrite_payload(self, payload, selector):
        self.change("overwrite_payload", selector, payload)

    def delete_payload(self, keys, selector):
        self.change("delete_payload", selector, keys)

    def clear_payload(self, selector):
        self.change("clear_payload", selector)

    def change(self, operation, selector, *what):
        """The engine has two operations for each change: of ids, and by a filter."""
        # A batch hands over what is inside the selectors.
        selector = getattr(selector, "points", getattr(selector, "filter", selector))
        if isinstance(selector, models.Filter):
            by_filter = getattr(e.UpdateOperation, operation + "_by_filter")
            self.update(by_filter(engine_filter(selector), *what))
        else:
            by_ids = getattr(e.UpdateOperation, operation)
            self.update(by_ids(selector, *what))

    def batch_update_points(self, operations):
        """Local mode takes a batch apart, and calls methods that are here as well."""
        LocalCollection.batch_update_points(self, operations)

    def _validate_update_operation(self, operation):
        """The engine refuses what is wrong when it comes to it."""

    # Reading

    def retrieve(self, ids, with_payload, with_vectors):
        with said_by_the_engine():
            records = self.shard.retrieve(ids, payload_selector(with_payload), with_vectors)
        # The engine answers in its own order, a server in the order asked for.
        by_id = {from_engine_id(each.id): record(each) for each in records}
        return [by_id[each] for each in map(str_or_int, ids) if each in by_id]

    def scroll(self, scroll_filter, limit, order_by, offset, with_payload, with_vectors):
        order = None
        if order_by is not None:
            direction = None if order_by.direction is None else DIRECTIONS[order_by.direction]
            order = e.OrderBy(order_by.key, direction, order_by.start_from)
        with said_by_the_engine():
            records, following = self.shard.scroll(
                e.ScrollRequest(
                    offset,
                    limit,
                    engine_filter(scroll_filter),
                    payload_selector(with_payload),
                    with_vectors,
                    order,
                )
            )
        following = None if following is None else from_engine_id(following)
        return [record(each) for each in records], following

    def count(self, count_filter):
        with said_by_the_engine():
            count = self.shard.count(e.CountRequest(True, engine_filter(count_filter)))
        return models.CountResult(count=count)

    def facet(self, key, facet_filter, limit):
        with said_by_the_engine():
            facet = self.shard.facet(e.FacetRequest(key, limit, True, engine_filter(facet_filter)))
        hits = [models.FacetValueHit(value=hit.value, count=hit.count) for hit in facet.hits]
        return models.FacetResponse(hits=hits)

    def query(
        self, query=None, using=None, prefetch=None, query_filter=None, search_params=None,
        limit=10, offset=None, with_payload=False, with_vectors=False, score_threshold=None,
        lookup_from=None,
    ):  # fmt: skip
        if lookup_from is not None:
            raise NotImplementedError("lookups in other collections")
        query, excluded = self.resolved(query, using)
        if excluded is not None:
            itself = models.HasIdCondition(has_id=[excluded])
            clauses = models.Filter(must_not=[itself])
            if query_filter is not None:
                clauses.must = [query_filter]
            query_filter = clauses
        with said_by_the_engine():
            found = self.shard.query(
                e.QueryRequest(
                    limit=limit,
                    offset=offset or 0,
                    query=engine_query(query, using),
                    prefetches=[self.prefetch(each) for each in condition_list(prefetch)],
                    with_vector=with_vectors,
                    with_payload=payload_selector(with_payload),
                    filter=engine_filter(query_filter),
                    score_threshold=score_threshold,
                    params=parameters(search_params),
                )
            )
        return [scored(each) for each in found]

    def prefetch(self, wanted):
        query, _ = self.resolved(wanted.query, wanted.using)
        return e.Prefetch(
            limit=wanted.limit or 10,
            query=engine_query(query, wanted.using),
            prefetches=[self.prefetch(each) for each in condition_list(wanted.prefetch)],
            params=parameters(wanted.params),
            filter=engine_filter(wanted.filter),
            score_threshold=wanted.score_threshold,
        )

    def resolved(self, query, using):
        """A query by a point's id is one by its vector that leaves the point out."""
        if not isinstance(query, models.NearestQuery) or isinstance(
            query.nearest, (list, models.SparseVector)
        ):
            return query, None
        found = self.retrieve([query.nearest], False, True)
        if not found:
            raise missing(f"Not found: No point with id {query.nearest} found")
        vector = found[0].vector
        nearest = vector[using] if isinstance(vector, dict) else vector
        return models.NearestQuery(nearest=nearest), query.nearest


UPDATE_MODES = {
    models.UpdateMode.UPSERT: e.UpdateMode.Upsert,
    models.UpdateMode.INSERT_ONLY: e.UpdateMode.InsertOnly,
    models.UpdateMode.UPDATE_ONLY: e.UpdateMode.UpdateOnly,
}
DIRECTIONS = {models.Direction.ASC: e.Direction.Asc, models.Direction.DESC: e.Direction.Desc}


@contextmanager
def said_by_the_engine():
    """The engine has one kind of error; a server tells them apart by status."""
    try:
        yield
    except (NotImplementedError, TypeError):
        raise
    except Exception as error:  # noqa: BLE001 - it is only ever `Exception`
        text = str(error)
        if text.startswith("No point with id"):
            raise missing(f"Not found: {text} found") from error
        raise invalid(f"Wrong input: {text}") from error


def parameters(wanted):
    """Only IDF's corpus changes what is found; the rest is about indexes."""
    corpus = getattr(getattr(wanted, "idf", None), "corpus", None)
    idf = None if corpus is None else e.IdfParams(engine_filter(corpus))
    return e.SearchParams(exact=True, idf=idf)


def str_or_int(point_id):
    return point_id if isinstance(point_id, int) else str(point_id)


def record(each):
    return models.Record(
        id=from_engine_id(each.id),
        payload=each.payload,
        vector=from_engine_vector(each.vector),
        order_value=each.order_value,
    )


def scored(each):
    return models.ScoredPoint(
        id=from_engine_id(each.id),
        version=each.version,
        score=each.score,
        payload=each.payload,
        vector=from_engine_vector(each.vector),
        order_value=each.order_value,
    )
