"""What the Rust store needs of Qdrant, checked through the official client.

Starts a double for itself, with the switches given to this script; with
QDRANT_TEST_URL the same checks run on whatever answers there (its gRPC port), so
that the double can be held against a server.
Prints how many passed. Faults and restarts are the double's own and are checked
in `test_faults.py`.
"""

import os
import random
import sys
import traceback
from urllib.parse import urlparse

import grpc
from qdrant_client import QdrantClient
from qdrant_client import grpc as q
from qdrant_client import models as m

import double

NAME = "double_contract"
UUID = "5c56c793-69f3-4fbf-87e6-c4bf54c28c26"
SPARSE_IDF = m.SparseVectorParams(modifier=m.Modifier.IDF)


def has(key, value):
    return m.FieldCondition(key=key, match=m.MatchValue(value=value))


IN_A = m.Filter(must=[has("coll", "a")])
IN_B = m.Filter(must=[has("coll", "b")])


def sparse(*pairs):
    return m.SparseVector(indices=[i for i, _ in pairs], values=[v for _, v in pairs])


def points():
    """Four points that differ in all that filters look at."""
    first = {"coll": "a", "n": 1, "tags": ["x", "y"], "meta": {"lang": "en"}}
    first |= {"when": "2026-01-01T00:00:00Z", "text": "the quick brown fox"}
    second = {"coll": "a", "n": 2, "tags": ["y"], "meta": {"lang": "de"}}
    return [
        m.PointStruct(
            id=1, vector={"dense": [1, 0, 0, 0], "words": sparse((1, 1), (7, 2))}, payload=first
        ),
        m.PointStruct(
            id=2, vector={"dense": [0.9, 0.1, 0, 0], "words": sparse((1, 3))}, payload=second
        ),
        m.PointStruct(
            id=3,
            vector={"dense": [0, 1, 0, 0], "words": sparse((1, 1), (9, 1))},
            payload={"coll": "b", "n": 3},
        ),
        m.PointStruct(
            id=UUID, vector={"dense": [0, 0, 1, 0]}, payload={"coll": "b", "n": 4, "tags": []}
        ),
    ]


def prefetches():
    return [
        m.Prefetch(query=[1, 0, 0, 0], using="dense", limit=10),
        m.Prefetch(query=sparse((1, 1)), using="words", limit=10),
    ]


def equal(got, wanted):
    assert got == wanted, f"got {got!r}, wanted {wanted!r}"


def refused(code, call):
    try:
        got = call()
    except grpc.RpcError as error:
        equal(error.code().name, code)
    else:
        raise AssertionError(f"got {got!r}, wanted {code}")


def ids(found):
    return [point.id for point in found.points]


def near(c, **more):
    return c.query_points(NAME, query=[1, 0, 0, 0], using="dense", **more)


def filtered(c, **clauses):
    return set(ids(c.query_points(NAME, query_filter=m.Filter(**clauses), limit=10)))


def count(c, wanted=None):
    return c.count(NAME, count_filter=wanted).count


def payload(c, point_id):
    return c.retrieve(NAME, [point_id])[0].payload


def index(c, field, kind):
    c.create_payload_index(NAME, field, kind, wait=True)


# Collections


def test_health(c):
    reply = c._client.grpc_root.HealthCheck(q.HealthCheckRequest())
    assert "qdrant" in reply.title and reply.version


def test_collections_are_listed(c):
    assert c.collection_exists(NAME) and not c.collection_exists("nowhere")
    assert NAME in [each.name for each in c.get_collections().collections]


def test_a_collection_is_created_once(c):
    refused("ALREADY_EXISTS", lambda: c.create_collection(NAME, vectors_config={}))


def test_a_missing_collection(c):
    refused("NOT_FOUND", lambda: c.count("nowhere"))
    refused("NOT_FOUND", lambda: c.query_points("nowhere", query=[1.0]))
    refused("NOT_FOUND", lambda: c.delete("nowhere", [1]))
    equal(c.delete_collection("nowhere"), False)


def test_a_collection_is_deleted(c):
    equal(c.delete_collection(NAME), True)
    equal(c.collection_exists(NAME), False)


def test_a_collection_describes_itself(c):
    info = c.get_collection(NAME)
    equal(info.points_count, 4)
    equal(sorted(info.config.params.vectors), ["alt", "dense"])
    equal(info.config.params.sparse_vectors["words"].modifier, m.Modifier.IDF)


def test_a_collection_without_vectors(c):
    c.delete_collection(NAME)
    c.create_collection(NAME, vectors_config={})
    c.upsert(NAME, [m.PointStruct(id=1, vector={}, payload={"n": 1})])
    equal(payload(c, 1), {"n": 1})
    equal(c.scroll(NAME, limit=5)[0][0].id, 1)


def test_payload_indexes_are_listed(c):
    index(c, "n", m.PayloadSchemaType.INTEGER)
    index(c, "coll", m.KeywordIndexParams(type="keyword", is_tenant=True))
    equal(sorted(c.get_collection(NAME).payload_schema), ["coll", "n"])
    c.delete_payload_index(NAME, "n")
    equal(sorted(c.get_collection(NAME).payload_schema), ["coll"])


def test_an_alias_stands_for_its_collection(c):
    alias = m.CreateAlias(collection_name=NAME, alias_name="double_alias")
    c.update_collection_aliases([m.CreateAliasOperation(create_alias=alias)])
    equal(c.count("double_alias").count, 4)


# Writing


def test_an_upsert_says_when_it_is_done(c):
    equal(c.upsert(NAME, points(), wait=True).status.value, "completed")


def test_what_does_not_fit_is_refused_whole(c):
    fits = m.PointStruct(id=8, vector={"dense": [1, 2, 3, 4]})
    for vector in ({"dense": [1, 2]}, {"nowhere": [1, 2, 3, 4]}):
        unfit = m.PointStruct(id=9, vector=vector)
        refused("INVALID_ARGUMENT", lambda unfit=unfit: c.upsert(NAME, [fits, unfit]))
    equal(count(c), 4)


def test_an_upsert_replaces_the_whole_point(c):
    c.upsert(NAME, [m.PointStruct(id=1, vector={"dense": [0, 0, 0, 1]}, payload={"only": 1})])
    point = c.retrieve(NAME, [1], with_vectors=True)[0]
    equal((point.payload, point.vector), ({"only": 1}, {"dense": [0, 0, 0, 1]}))


def test_a_conditional_upsert_changes_what_matches(c):
    def write(wanted, text):
        point = m.PointStruct(id=1, vector={}, payload={"n": wanted + 1, "text": text})
        c.upsert(NAME, [point], update_filter=m.Filter(must=[has("n", wanted)]))
        return payload(c, 1).get("text")

    equal(write(1, "first"), "first")
    equal(write(1, "second"), "first")
    equal(write(2, "third"), "third")


def test_a_conditional_upsert_inserts_what_is_new(c):
    point = m.PointStruct(id=70, vector={}, payload={"n": 70})
    c.upsert(NAME, [point], update_filter=m.Filter(must=[has("n", -1)]))
    equal(payload(c, 70), {"n": 70})


def test_update_modes(c):
    old = m.PointStruct(id=1, vector={}, payload={"n": 100})
    new = m.PointStruct(id=71, vector={}, payload={"n": 100})
    c.upsert(NAME, [old, new], update_mode=m.UpdateMode.INSERT_ONLY)
    equal((payload(c, 1)["n"], payload(c, 71)["n"]), (1, 100))
    other = m.PointStruct(id=72, vector={}, payload={"n": 100})
    c.upsert(NAME, [old, other], update_mode=m.UpdateMode.UPDATE_ONLY)
    equal((payload(c, 1), c.retrieve(NAME, [72])), ({"n": 100}, []))


def test_an_id_is_free_again_after_its_deletion(c):
    c.delete(NAME, [1], wait=True)
    c.upsert(NAME, [points()[0]], update_mode=m.UpdateMode.INSERT_ONLY)
    equal(payload(c, 1)["n"], 1)


def test_delete_by_filter_and_by_ids(c):
    c.delete(NAME, m.FilterSelector(filter=IN_B), wait=True)
    equal(count(c), 2)
    c.delete(NAME, [2, 12345], wait=True)
    equal(count(c), 1)


def test_set_payload_merges(c):
    c.set_payload(NAME, {"seen": "yes"}, points=IN_A, wait=True)
    equal(count(c, m.Filter(must=[has("seen", "yes")])), 2)
    c.set_payload(NAME, {"x": 1}, points=[1], key="meta", wait=True)
    equal(payload(c, 1)["meta"], {"lang": "en", "x": 1})
    equal(payload(c, 1)["n"], 1)


def test_overwrite_and_delete_payload(c):
    c.overwrite_payload(NAME, {"coll": "c", "n": 9}, points=[1], wait=True)
    equal(payload(c, 1), {"coll": "c", "n": 9})
    c.delete_payload(NAME, ["n"], points=[1], wait=True)
    equal(payload(c, 1), {"coll": "c"})
    c.clear_payload(NAME, points_selector=[1], wait=True)
    equal(payload(c, 1), {})


def test_changes_of_what_is_not_there(c):
    refused("NOT_FOUND", lambda: c.set_payload(NAME, {"n": 1}, points=[99], wait=True))


def test_update_vectors_leaves_the_payload(c):
    c.update_vectors(NAME, [m.PointVectors(id=3, vector={"dense": [0, 0, 0, 1]})])
    point = c.retrieve(NAME, [3], with_vectors=["dense"])[0]
    equal((point.vector, point.payload["n"]), ({"dense": [0, 0, 0, 1]}, 3))
    c.delete_vectors(NAME, ["words"], points=[3])
    equal(sorted(c.retrieve(NAME, [3], with_vectors=True)[0].vector), ["dense"])


def test_a_batch_of_changes(c):
    new = m.PointStruct(id=80, vector={}, payload={"n": 80})
    by_filter = m.SetPayload(payload={"n": 81}, filter=m.Filter(must=[has("n", 80)]))
    by_ids = m.SetPayload(payload={"n": 33}, points=[3])
    c.batch_update_points(
        NAME,
        [
            m.UpsertOperation(upsert=m.PointsList(points=[new])),
            m.SetPayloadOperation(set_payload=by_filter),
            m.SetPayloadOperation(set_payload=by_ids),
            m.DeleteOperation(delete=m.PointIdsList(points=[1])),
            m.DeleteOperation(delete=m.FilterSelector(filter=IN_A)),
        ],
    )
    equal((count(c), payload(c, 80)["n"], payload(c, 3)["n"]), (3, 81, 33))


# Reading


def test_count(c):
    equal((count(c), count(c, IN_A)), (4, 2))


def test_retrieve_skips_what_is_not_there(c):
    equal([each.id for each in c.retrieve(NAME, [1, UUID, 77])], [1, UUID])


def test_retrieve_gives_back_what_was_put_in(c):
    point = c.retrieve(NAME, [1], with_vectors=True)[0]
    equal((point.payload, point.vector), (points()[0].payload, points()[0].vector))


def test_payload_selectors(c):
    point = near(c, limit=1, with_payload=["n"], with_vectors=["dense"]).points[0]
    equal((point.payload, sorted(point.vector)), ({"n": 1}, ["dense"]))


def test_scroll_pages_in_the_order_of_ids(c):
    seen, offset = [], None
    while True:
        page, offset = c.scroll(NAME, limit=3, offset=offset)
        seen.append([point.id for point in page])
        if offset is None:
            break
    equal(seen[0], [1, 2, 3])
    equal(seen[1], [UUID])


def test_scroll_in_the_order_of_a_field_needs_an_index(c):
    refused("INVALID_ARGUMENT", lambda: c.scroll(NAME, order_by="n"))
    index(c, "n", m.PayloadSchemaType.INTEGER)
    page, offset = c.scroll(NAME, order_by=m.OrderBy(key="n", direction="desc"))
    equal(([point.id for point in page], offset), ([UUID, 3, 2, 1], None))
    later = m.OrderBy(key="n", direction="asc", start_from=3)
    equal([point.id for point in c.scroll(NAME, order_by=later, limit=1)[0]], [3])


def test_facet_needs_an_index(c):
    refused("INVALID_ARGUMENT", lambda: c.facet(NAME, "coll"))
    index(c, "coll", m.PayloadSchemaType.KEYWORD)
    c.delete(NAME, [1], wait=True)
    equal({hit.value: hit.count for hit in c.facet(NAME, "coll").hits}, {"a": 1, "b": 2})
    equal([hit.value for hit in c.facet(NAME, "coll", limit=1).hits], ["b"])


# Filters


def test_filters_on_values(c):
    is_any = m.FieldCondition(key="coll", match=m.MatchAny(any=["b", "z"]))
    is_not = m.FieldCondition(key="coll", match=m.MatchExcept(**{"except": ["b"]}))
    equal(filtered(c, must=[is_any]), {3, UUID})
    equal(filtered(c, must=[is_not]), {1, 2})
    equal(filtered(c, must=[has("tags", "y")]), {1, 2})
    equal(filtered(c, must=[has("meta.lang", "de")]), {2})
    equal(filtered(c, must=[m.FieldCondition(key="n", range=m.Range(gte=2, lt=4))]), {2, 3})


def test_filters_on_truth_values(c):
    c.set_payload(NAME, {"seen": True}, points=IN_A, wait=True)
    equal(filtered(c, must=[has("seen", True)]), {1, 2})
    equal(filtered(c, must=[has("seen", 1)]), set())


def test_filters_are_joined(c):
    equal(filtered(c, should=[has("n", 1), has("n", 4)], must_not=[has("coll", "b")]), {1})
    equal(filtered(c, must=[m.Filter(should=[has("n", 1), has("n", 4)])]), {1, UUID})
    equal(filtered(c, must_not=[has("coll", "a")]), {3, UUID})
    two = m.MinShould(conditions=[has("n", 1), has("coll", "a"), has("tags", "x")], min_count=2)
    equal(filtered(c, min_should=two), {1})


def test_filters_on_what_is_there(c):
    after = m.DatetimeRange(gte="2025-12-31T00:00:00Z")
    equal(filtered(c, must=[m.FieldCondition(key="when", range=after)]), {1})
    equal(filtered(c, must=[m.HasIdCondition(has_id=[1, UUID, 99])]), {1, UUID})
    tags = m.PayloadField(key="tags")
    equal(filtered(c, must=[m.IsEmptyCondition(is_empty=tags)]), {3, UUID})
    equal(filtered(c, must=[m.IsNullCondition(is_null=tags)]), set())
    equal(filtered(c, must=[m.HasVectorCondition(has_vector="words")]), {1, 2, 3})


def test_filters_on_text_without_an_index(c):
    quick = m.FieldCondition(key="text", match=m.MatchText(text="quick"))
    equal(filtered(c, must=[quick]), {1})


def test_an_index_changes_no_answer(c):
    index(c, "coll", m.PayloadSchemaType.KEYWORD)
    index(c, "tags", m.PayloadSchemaType.KEYWORD)
    index(c, "n", m.PayloadSchemaType.INTEGER)
    index(c, "meta.lang", m.PayloadSchemaType.KEYWORD)
    test_filters_on_values(c)
    test_filters_are_joined(c)
    test_filters_on_what_is_there(c)
    c.set_payload(NAME, {"coll": "b", "n": 2, "tags": ["x", "x"]}, points=[1], wait=True)
    c.delete(NAME, [3], wait=True)
    equal(filtered(c, must=[has("coll", "b")]), {1, UUID})
    equal(filtered(c, must=[has("tags", "x")], must_not=[has("tags", "y")]), {1})
    equal(filtered(c, must=[m.FieldCondition(key="n", range=m.Range(gte=2, lt=4))]), {1, 2})
    c.upsert(NAME, [points()[2]], wait=True)
    equal(filtered(c, must=[has("coll", "b")]), {1, 3, UUID})


def test_an_index_holds_values_of_its_type(c):
    """The one way in which an index changes answers."""
    within = m.FieldCondition(key="n", range=m.Range(gte=2, lt=4))
    c.set_payload(NAME, {"n": 2.5}, points=[1], wait=True)
    equal(filtered(c, must=[within]), {1, 2, 3})
    index(c, "n", m.PayloadSchemaType.INTEGER)
    equal(filtered(c, must=[within]), {2, 3})


# Searching


def test_dense(c):
    best = near(c, limit=3).points
    equal([point.id for point in best[:2]], [1, 2])
    equal(round(best[0].score, 4), 1.0)
    equal(round(best[1].score, 4), 0.9939)
    refused("INVALID_ARGUMENT", lambda: c.query_points(NAME, query=[1, 0], using="dense"))


def test_sparse_is_weighed_by_rarity(c):
    found = c.query_points(NAME, query=sparse((1, 1), (7, 1)), using="words").points
    equal([point.id for point in found], [1, 2, 3])
    # Three points have words; ln((n - df + 0.5) / (df + 0.5) + 1) for df 3 and 1.
    common, rare = 0.13353, 0.98083
    wanted = [common + 2 * rare, 3 * common, common]
    for point, score in zip(found, wanted, strict=True):
        assert abs(point.score - score) < 1e-4, (point, score)


def test_sparse_finds_only_what_shares_a_word(c):
    equal(ids(c.query_points(NAME, query=sparse((9, 1)), using="words")), [3])
    equal(ids(c.query_points(NAME, query=sparse((12345, 1)), using="words")), [])


def test_thresholds_and_offsets(c):
    equal(ids(near(c, score_threshold=0.5)), [1, 2])
    equal(ids(near(c, limit=2, offset=1))[0], 2)


def test_query_by_id_and_with_a_filter(c):
    equal(ids(c.query_points(NAME, query=1, using="dense", limit=1)), [2])
    equal(set(ids(near(c, query_filter=IN_B))), {3, UUID})


def test_the_older_search(c):
    request = q.SearchPoints(
        collection_name=NAME, vector=[1, 0, 0, 0], vector_name="dense", limit=2
    )
    found = c._client.grpc_points.Search(request).result
    equal([point.id.num for point in found], [1, 2])


def test_batches(c):
    both = c.query_batch_points(
        NAME,
        [
            m.QueryRequest(query=[1, 0, 0, 0], using="dense", limit=2),
            m.QueryRequest(
                prefetch=prefetches(), query=m.FusionQuery(fusion=m.Fusion.RRF), limit=3
            ),
        ],
    )
    equal([len(each.points) for each in both], [2, 3])


def test_groups(c):
    groups = c.query_points_groups(NAME, group_by="coll", query=[1, 0, 0, 0], using="dense").groups
    equal(sorted((group.id, len(group.hits)) for group in groups), [("a", 2), ("b", 2)])


def fused(c, query, **more):
    return ids(c.query_points(NAME, prefetch=prefetches(), query=query, limit=4, **more))


def test_fusion(c):
    equal(set(fused(c, m.FusionQuery(fusion=m.Fusion.RRF))[:2]), {1, 2})
    equal(len(fused(c, m.RrfQuery(rrf=m.Rrf(k=60)))), 4)
    equal(len(fused(c, m.RrfQuery(rrf=m.Rrf(k=2, weights=[3.0, 1.0])))), 4)
    equal(len(fused(c, m.FusionQuery(fusion=m.Fusion.DBSF))), 4)
    bare = m.FusionQuery(fusion=m.Fusion.RRF)
    refused("INVALID_ARGUMENT", lambda: c.query_points(NAME, query=bare))


def test_prefetches_filter_and_feed(c):
    inner = [each.model_copy(update={"filter": IN_B}) for each in prefetches()]
    rrf = m.FusionQuery(fusion=m.Fusion.RRF)
    equal(set(ids(c.query_points(NAME, prefetch=inner, query=rrf))), {3, UUID})
    words = prefetches()[1]
    found = c.query_points(NAME, prefetch=[words], query=[0, 1, 0, 0], using="dense", limit=1)
    equal(ids(found), [3])


# The wire


def test_what_the_rust_client_sends(c):
    """Its vectors are a oneof that the Python client never sends."""
    vectors = {
        "dense": q.Vector(dense=q.DenseVector(data=[0, 0, 0, 1])),
        "words": q.Vector(sparse=q.SparseVector(indices=[4, 2], values=[1, 2])),
    }
    inner = [q.Value(integer_value=3), q.Value(double_value=0.5), q.Value(null_value=0)]
    struct = q.Struct(fields={"b": q.Value(list_value=q.ListValue(values=inner))})
    point = q.PointStruct(
        id=q.PointId(num=50),
        vectors=q.Vectors(vectors=q.NamedVectors(vectors=vectors)),
        payload={"a": q.Value(struct_value=struct)},
    )
    stub = c._client.grpc_points
    stub.Upsert(q.UpsertPoints(collection_name=NAME, wait=True, points=[point]))
    query = q.Query(nearest=q.VectorInput(dense=q.DenseVector(data=[0, 0, 0, 1])))
    found = stub.Query(
        q.QueryPoints(
            collection_name=NAME,
            query=query,
            using="dense",
            limit=1,
            with_payload=q.WithPayloadSelector(enable=True),
            with_vectors=q.WithVectorsSelector(enable=True),
        )
    ).result[0]
    equal(found.id.num, 50)
    values = found.payload["a"].struct_value.fields["b"].list_value.values
    equal([each.WhichOneof("kind") for each in values],
          ["integer_value", "double_value", "null_value"])  # fmt: skip
    # Which of the two fields a server fills depends on its age.
    named = found.vectors.vectors.vectors
    equal(list(named["dense"].dense.data or named["dense"].data), [0, 0, 0, 1])
    words = named["words"]
    equal(list(words.sparse.indices or words.indices.data), [2, 4])


def test_large_messages(c):
    large = [m.PointStruct(id=i, vector={}, payload={"text": "x" * 1_000_000}) for i in range(20)]
    c.upsert(NAME, large, wait=True)
    equal(len(c.retrieve(NAME, [19])[0].payload["text"]), 1_000_000)


# Many


def test_rankings_of_many_agree_with_arithmetic(c):
    """On 300 points, dense and sparse queries rank as plain arithmetic does."""
    seed = random.Random(3)
    dense = {i: [round(seed.gauss(0, 1), 4) for _ in range(4)] for i in range(300)}
    words = {
        i: {index: round(seed.uniform(0.5, 3), 3) for index in seed.sample(range(40), 8)}
        for i in range(300)
    }
    c.delete(NAME, [1, 2, 3, UUID], wait=True)
    c.upsert(
        NAME,
        [
            m.PointStruct(id=i, vector={"dense": dense[i], "words": sparse(*words[i].items())})
            for i in range(300)
        ],
        wait=True,
    )
    wanted = sorted(range(300), key=lambda i: -dense[i][0] / sum(x * x for x in dense[i]) ** 0.5)
    equal(ids(near(c, limit=6)), wanted[:6])
    # One word: rarity is then a factor that changes no order.
    having = sorted((i for i in range(300) if 5 in words[i]), key=lambda i: -words[i][5])
    equal(ids(c.query_points(NAME, query=sparse((5, 1)), using="words", limit=300)), having)


def connect(port):
    return QdrantClient(
        host="127.0.0.1",
        port=1,
        grpc_port=port,
        prefer_grpc=True,
        check_compatibility=False,
        timeout=30,
        api_key=os.environ.get("QDRANT_TEST_API_KEY"),
        https=False,
    )


def fill(c):
    """Every check begins with the same four points."""
    c.delete_collection(NAME)
    c.create_collection(
        NAME,
        vectors_config={
            "dense": m.VectorParams(size=4, distance=m.Distance.COSINE),
            "alt": m.VectorParams(size=2, distance=m.Distance.EUCLID),
        },
        sparse_vectors_config={"words": SPARSE_IDF},
    )
    c.upsert(NAME, points(), wait=True)


def run(checks, prepare):
    """Runs the checks, prints what failed, and returns how the process ends."""
    passed, failed, beyond = 0, 0, []
    for check in checks:
        try:
            check(*prepare())
            passed += 1
        except Exception as error:  # noqa: BLE001 - it may fail in any way; the others still run
            if "the double cannot do this" in str(error):
                beyond.append(check.__name__)
            else:
                failed += 1
                print(f"FAILED {check.__name__}\n{traceback.format_exc()}", file=sys.stderr)
    print(f"{passed} passed, {failed} failed")
    if beyond:
        print(f"{len(beyond)} beyond this double: {', '.join(beyond)}")
    return 1 if failed else 0


def main():
    url = os.environ.get("QDRANT_TEST_URL")
    if url:
        c = connect(urlparse(url).port)
    else:
        server, port, _ = double.serve(double.arguments(["--port", "0", *sys.argv[1:]]))
        c = connect(port)

    def prepare():
        fill(c)
        return (c,)

    checks = [value for name, value in globals().items() if name.startswith("test_")]
    status = run(checks, prepare)
    c.delete_collection(NAME)
    c.close()
    if not url:
        server.stop(None)
    return status


if __name__ == "__main__":
    sys.exit(main())
