"""Points: written, read, counted and searched.

Defaults are the server's where a request leaves something out. Nothing here
knows how collections are kept.
"""

import grpc
from qdrant_client import grpc as q
from qdrant_client import models
from qdrant_client.conversions.conversion import GrpcToRest, RestToGrpc

from gate import Refusal, invalid

LIMIT_DEFAULT = 10
GROUPS_DEFAULT = 3
# The kinds of payload index that keep an order.
ORDERED = ("integer", "float", "datetime")
# Those that count values.
COUNTED = ("keyword", "integer", "bool", "uuid")
INFERENCE = (models.Document, models.Image, models.InferenceObject)


class Points(q.PointsServicer):
    def __init__(self, storage):
        self.storage = storage
        self.operation = 0

    # Writing

    def write(self, request, change):
        """Makes one change, and keeps it before the client hears of it."""
        collection = self.storage.collection(request.collection_name)
        try:
            change(collection)
        finally:
            # Even a refused change may have been made in part, as by the server:
            # points that exist are changed before a missing one is reported.
            collection.commit()
        self.operation += 1
        status = q.UpdateStatus.Completed if request.wait else q.UpdateStatus.Acknowledged
        return q.UpdateResult(operation_id=self.operation, status=status)

    def done(self, request, change):
        return q.PointsOperationResponse(result=self.write(request, change))

    def Upsert(self, request, context):
        points = [GrpcToRest.convert_point_struct(point) for point in request.points]
        for point in points:
            refuse_inference(point.vector)
            if point.vector is None:
                point.vector = {}
        update_filter = optional(request, "update_filter", GrpcToRest.convert_filter)
        mode = optional(request, "update_mode", GrpcToRest.convert_update_mode)
        return self.done(request, lambda c: c.upsert(points, update_filter, mode))

    def Delete(self, request, context):
        selector = GrpcToRest.convert_points_selector(request.points)
        return self.done(request, lambda c: c.delete(selector))

    def UpdateVectors(self, request, context):
        points = [GrpcToRest.convert_point_vectors(point) for point in request.points]
        update_filter = optional(request, "update_filter", GrpcToRest.convert_filter)
        return self.done(request, lambda c: c.update_vectors(points, update_filter))

    def DeleteVectors(self, request, context):
        selector = GrpcToRest.convert_points_selector(request.points_selector)
        names = list(request.vectors.names)
        return self.done(request, lambda c: c.delete_vectors(names, selector))

    def SetPayload(self, request, context):
        payload = GrpcToRest.convert_payload(request.payload)
        selector = GrpcToRest.convert_points_selector(request.points_selector)
        key = request.key or None
        return self.done(request, lambda c: c.set_payload(payload, selector, key))

    def OverwritePayload(self, request, context):
        payload = GrpcToRest.convert_payload(request.payload)
        selector = GrpcToRest.convert_points_selector(request.points_selector)
        return self.done(request, lambda c: c.overwrite_payload(payload, selector))

    def DeletePayload(self, request, context):
        selector = GrpcToRest.convert_points_selector(request.points_selector)
        keys = list(request.keys)
        return self.done(request, lambda c: c.delete_payload(keys, selector))

    def ClearPayload(self, request, context):
        selector = GrpcToRest.convert_points_selector(request.points)
        return self.done(request, lambda c: c.clear_payload(selector))

    def UpdateBatch(self, request, context):
        operations = [
            GrpcToRest.convert_points_update_operation(operation)
            for operation in request.operations
        ]
        result = self.write(request, lambda c: c.batch_update_points(operations))
        return q.UpdateBatchResponse(result=[result] * len(operations))

    def CreateFieldIndex(self, request, context):
        kind = q.FieldType.Name(request.field_type).removeprefix("FieldType").lower()

        def add(collection):
            collection.index(request.field_name, kind)
            self.storage.indexes.add(self.name(request), request.field_name, kind)

        return self.done(request, add)

    def DeleteFieldIndex(self, request, context):
        def remove(collection):
            collection.unindex(request.field_name)
            self.storage.indexes.remove(self.name(request), request.field_name)

        return self.done(request, remove)

    def name(self, request):
        return self.storage.resolve(request.collection_name)

    # Reading

    def Get(self, request, context):
        records = self.storage.collection(request.collection_name).retrieve(
            [GrpcToRest.convert_point_id(point_id) for point_id in request.ids],
            with_payload=payload_wanted(request, otherwise=False),
            with_vectors=vectors_wanted(request),
        )
        return q.GetResponse(result=[RestToGrpc.convert_record(record) for record in records])

    def Scroll(self, request, context):
        order_by = optional(request, "order_by", GrpcToRest.convert_order_by)
        if order_by is not None:
            self.require_order(request, order_by.key)
        records, next_page = self.storage.collection(request.collection_name).scroll(
            scroll_filter=optional(request, "filter", GrpcToRest.convert_filter),
            limit=at_least_one(request, LIMIT_DEFAULT),
            order_by=order_by,
            offset=optional(request, "offset", GrpcToRest.convert_point_id),
            with_payload=payload_wanted(request, otherwise=True),
            with_vectors=vectors_wanted(request),
        )
        return q.ScrollResponse(
            result=[RestToGrpc.convert_record(record) for record in records],
            next_page_offset=None
            if next_page is None
            else RestToGrpc.convert_extended_point_id(next_page),
        )

    def Count(self, request, context):
        wanted = optional(request, "filter", GrpcToRest.convert_filter)
        count = self.storage.collection(request.collection_name).count(wanted).count
        return q.CountResponse(result=q.CountResult(count=count))

    def Facet(self, request, context):
        kind = self.storage.indexes.of(self.name(request)).get(request.key)
        collection = self.storage.collection(request.collection_name)
        if kind not in COUNTED:
            raise invalid(f'Bad request: Index required but not found for "{request.key}"')
        facet = collection.facet(
            request.key,
            optional(request, "filter", GrpcToRest.convert_filter),
            at_least_one(request, LIMIT_DEFAULT),
        )
        return q.FacetResponse(hits=[RestToGrpc.convert_facet_value_hit(h) for h in facet.hits])

    def require_order(self, request, key):
        self.storage.collection(request.collection_name)
        if self.storage.indexes.of(self.name(request)).get(key) not in ORDERED:
            raise invalid(
                f"Wrong input: No range index for `order_by` key: `{key}`. "
                "Please create one to use `order_by`."
            )

    # Searching

    def Query(self, request, context):
        return q.QueryResponse(result=self.scored(request))

    def QueryBatch(self, request, context):
        return q.QueryBatchResponse(
            result=[q.BatchResult(result=self.scored(query)) for query in request.query_points]
        )

    def QueryGroups(self, request, context):
        self.storage.collection(request.collection_name)
        query = optional(request, "query", GrpcToRest.convert_query)
        prefetch = [GrpcToRest.convert_prefetch_query(each) for each in request.prefetch] or None
        refuse_query(query, prefetch)
        groups = self.storage.query_groups(
            request.collection_name,
            group_by=request.group_by,
            query=query,
            using=optional(request, "using", str),
            prefetch=prefetch,
            query_filter=optional(request, "filter", GrpcToRest.convert_filter),
            limit=request.limit or GROUPS_DEFAULT,
            group_size=request.group_size or GROUPS_DEFAULT,
            with_payload=payload_wanted(request, otherwise=False),
            with_vectors=vectors_wanted(request),
        )
        return q.QueryGroupsResponse(result=RestToGrpc.convert_groups_result(groups))

    def Search(self, request, context):
        return q.SearchResponse(result=self.searched(request))

    def SearchBatch(self, request, context):
        return q.SearchBatchResponse(
            result=[q.BatchResult(result=self.searched(each)) for each in request.search_points]
        )

    def scored(self, request):
        self.storage.collection(request.collection_name)
        wanted = GrpcToRest.convert_query_points(request)
        refuse_query(wanted.query, wanted.prefetch)
        order_by = getattr(wanted.query, "order_by", None)
        if order_by is not None:
            key = order_by if isinstance(order_by, str) else order_by.key
            self.require_order(request, key)
        found = self.storage.query(
            request.collection_name,
            query=wanted.query,
            using=wanted.using,
            prefetch=wanted.prefetch,
            query_filter=wanted.filter,
            search_params=wanted.params,
            limit=at_least_one(request, LIMIT_DEFAULT),
            offset=wanted.offset,
            with_payload=payload_wanted(request, otherwise=False),
            with_vectors=vectors_wanted(request),
            score_threshold=wanted.score_threshold,
            lookup_from=wanted.lookup_from,
        )
        return [RestToGrpc.convert_scored_point(point) for point in found]

    def searched(self, request):
        """The older form of a query, without anything but a vector."""
        vector = list(request.vector)
        if request.HasField("sparse_indices"):
            vector = models.SparseVector(indices=list(request.sparse_indices.data), values=vector)
        found = self.storage.query(
            request.collection_name,
            query=models.NearestQuery(nearest=vector),
            using=optional(request, "vector_name", str),
            query_filter=optional(request, "filter", GrpcToRest.convert_filter),
            search_params=optional(request, "params", GrpcToRest.convert_search_params),
            limit=request.limit,
            offset=optional(request, "offset", int),
            with_payload=payload_wanted(request, otherwise=False),
            with_vectors=vectors_wanted(request),
            score_threshold=optional(request, "score_threshold", float),
        )
        return [RestToGrpc.convert_scored_point(point) for point in found]


def optional(request, field, convert):
    """A field of the request, or None when it was not sent."""
    return convert(getattr(request, field)) if request.HasField(field) else None


def at_least_one(request, otherwise):
    if not request.HasField("limit"):
        return otherwise
    if request.limit < 1:
        raise invalid("Validation error in body: [limit: value 0 invalid, must be 1 or larger]")
    return request.limit


def payload_wanted(request, otherwise):
    if not request.HasField("with_payload"):
        return otherwise
    return GrpcToRest.convert_with_payload_interface(request.with_payload)


def vectors_wanted(request):
    if not request.HasField("with_vectors"):
        return False
    return GrpcToRest.convert_with_vectors_selector(request.with_vectors)


def refuse_inference(vector):
    """Local mode would load a model to embed what is not a vector."""
    for each in vector.values() if isinstance(vector, dict) else [vector]:
        if isinstance(each, INFERENCE):
            raise Refusal(grpc.StatusCode.UNIMPLEMENTED, "the double embeds nothing")


def refuse_query(query, prefetch):
    """What the server refuses and local mode would try."""
    for inner in prefetch or []:
        refuse_query(inner.query, inner.prefetch)
    if isinstance(query, models.NearestQuery):
        refuse_inference(query.nearest)
    if isinstance(query, (models.FusionQuery, models.RrfQuery)) and not prefetch:
        raise invalid("Wrong input: Fusion queries need at least one prefetch")
