"""From the client's types to the engine's, and back. Only translation is here."""

from uuid import UUID

import qdrant_edge as e
from qdrant_client import models

DISTANCES = {
    models.Distance.COSINE: e.Distance.Cosine,
    models.Distance.DOT: e.Distance.Dot,
    models.Distance.EUCLID: e.Distance.Euclid,
    models.Distance.MANHATTAN: e.Distance.Manhattan,
}


UNUSED_VECTOR = "unused"


def engine_config(config):
    vectors = config.vectors if isinstance(config.vectors, dict) else {"": config.vectors}
    sparse = config.sparse_vectors or {}
    if not vectors and not sparse:
        # A server may keep payloads only; the engine wants something to search.
        sparse = {UNUSED_VECTOR: models.SparseVectorParams()}
    return e.EdgeConfig(
        vectors={name: dense_parameters(each) for name, each in vectors.items()},
        sparse_vectors={name: sparse_parameters(each) for name, each in sparse.items()},
    )


def dense_parameters(wanted):
    if wanted.multivector_config is not None:
        raise NotImplementedError("multivectors, with the engine")
    return e.EdgeVectorParams(wanted.size, DISTANCES[wanted.distance])


def sparse_parameters(wanted):
    idf = wanted.modifier == models.Modifier.IDF
    return e.EdgeSparseVectorParams(modifier=e.Modifier.Idf if idf else None)


def engine_point(point):
    return e.Point(point.id, engine_vector(point.vector), point.payload or {})


def engine_vector(vector):
    if isinstance(vector, dict):
        return {name: engine_vector(each) for name, each in vector.items()}
    if isinstance(vector, models.SparseVector):
        return e.SparseVector(vector.indices, vector.values)
    return vector


def from_engine_vector(vector):
    if isinstance(vector, dict):
        named = {name: from_engine_vector(each) for name, each in vector.items()}
        return named[""] if list(named) == [""] else named
    if isinstance(vector, e.SparseVector):
        return models.SparseVector(indices=vector.indices, values=vector.values)
    return vector


def from_engine_id(point_id):
    return str(point_id) if isinstance(point_id, UUID) else point_id


def payload_selector(wanted):
    if isinstance(wanted, models.PayloadSelectorExclude):
        return e.PayloadSelector.Exclude(wanted.exclude)
    if isinstance(wanted, models.PayloadSelectorInclude):
        return e.PayloadSelector.Include(wanted.include)
    return wanted


def engine_query(query, using):
    name = using or ""
    if query is None:
        return None
    if isinstance(query, models.NearestQuery) and query.mmr is None:
        return e.Query.Nearest(engine_vector(query.nearest), name)
    if isinstance(query, models.RrfQuery):
        return e.Fusion.Rrf(query.rrf.k or RRF_K, query.rrf.weights)
    if isinstance(query, models.FusionQuery) and query.fusion == models.Fusion.RRF:
        return e.Fusion.Rrf(RRF_K)
    if isinstance(query, models.FusionQuery):
        return e.Fusion.Dbsf()
    raise NotImplementedError(f"{type(query).__name__}, with the engine")


# The server's default.
RRF_K = 2


def condition_list(conditions):
    """A clause may be absent, one condition, or many."""
    if conditions is None:
        return []
    return conditions if isinstance(conditions, list) else [conditions]


def engine_filter(wanted):
    if wanted is None:
        return None
    return e.Filter(
        must=clause(wanted.must),
        should=clause(wanted.should),
        must_not=clause(wanted.must_not),
        min_should=None
        if wanted.min_should is None
        else e.MinShould(clause(wanted.min_should.conditions), wanted.min_should.min_count),
    )


def clause(conditions):
    return [condition(each) for each in condition_list(conditions)] or None


def condition(wanted):
    match wanted:
        case models.Filter():
            return engine_filter(wanted)
        case models.FieldCondition():
            return field_condition(wanted)
        case models.HasIdCondition():
            return e.HasIdCondition(set(wanted.has_id))
        case models.HasVectorCondition():
            return e.HasVectorCondition(wanted.has_vector)
        case models.IsEmptyCondition():
            return e.IsEmptyCondition(wanted.is_empty.key)
        case models.IsNullCondition():
            return e.IsNullCondition(wanted.is_null.key)
        case models.NestedCondition():
            return e.NestedCondition(wanted.nested.key, engine_filter(wanted.nested.filter))
    raise NotImplementedError(f"{type(wanted).__name__}, with the engine")


def field_condition(wanted):
    if wanted.geo_bounding_box or wanted.geo_radius or wanted.geo_polygon:
        raise NotImplementedError("places on the earth, with the engine")
    count = wanted.values_count
    return e.FieldCondition(
        wanted.key,
        match=None if wanted.match is None else engine_match(wanted.match),
        range=None if wanted.range is None else engine_range(wanted.range),
        values_count=None
        if count is None
        else e.ValuesCount(lt=count.lt, gt=count.gt, lte=count.lte, gte=count.gte),
        is_empty=wanted.is_empty,
        is_null=wanted.is_null,
    )


def engine_match(wanted):
    match wanted:
        case models.MatchValue(value=bool()):
            # The engine's Python side would take it for a number, and find nothing.
            raise NotImplementedError("matching truth values, with the engine")
        case models.MatchValue():
            return e.MatchValue(wanted.value)
        case models.MatchAny():
            return e.MatchAny(wanted.any)
        case models.MatchExcept():
            return e.MatchExcept(wanted.except_)
        case models.MatchText():
            return e.MatchText(wanted.text)
        case models.MatchTextAny():
            return e.MatchTextAny(wanted.text_any)
        case models.MatchPhrase():
            return e.MatchPhrase(wanted.phrase)
    raise NotImplementedError(f"{type(wanted).__name__}, with the engine")


def engine_range(wanted):
    bounds = {side: getattr(wanted, side) for side in ("gte", "gt", "lte", "lt")}
    if isinstance(wanted, models.DatetimeRange):
        return e.RangeDateTime(**{s: each and each.isoformat() for s, each in bounds.items()})
    return e.RangeFloat(**bounds)
