"""Collections: made, described, listed and deleted."""

from qdrant_client import grpc as q
from qdrant_client import models
from qdrant_client.conversions.conversion import GrpcToRest, RestToGrpc

from gate import exists


class Collections(q.CollectionsServicer):
    def __init__(self, storage):
        self.storage = storage

    def Create(self, request, context):
        name = request.collection_name
        if name in self.storage.names():
            raise exists(f"Wrong input: Collection `{name}` already exists!")
        self.storage.create(name, wanted(request))
        return q.CollectionOperationResponse(result=True)

    def Get(self, request, context):
        info = self.storage.collection(request.collection_name).info()
        name = self.storage.resolve(request.collection_name)
        info.payload_schema = {
            field: models.PayloadIndexInfo(data_type=kind, points=info.points_count)
            for field, kind in self.storage.indexes.of(name).items()
        }
        return q.GetCollectionInfoResponse(result=RestToGrpc.convert_collection_info(info))

    def List(self, request, context):
        names = [q.CollectionDescription(name=name) for name in self.storage.names()]
        return q.ListCollectionsResponse(collections=names)

    def Delete(self, request, context):
        there = request.collection_name in self.storage.names()
        if there:
            self.storage.delete(request.collection_name)
        return q.CollectionOperationResponse(result=there)

    def CollectionExists(self, request, context):
        there = self.storage.resolve(request.collection_name) in self.storage.names()
        return q.CollectionExistsResponse(result=q.CollectionExists(exists=there))

    def UpdateAliases(self, request, context):
        actions = [GrpcToRest.convert_alias_operations(action) for action in request.actions]
        self.storage.update_aliases(actions)
        return q.CollectionOperationResponse(result=True)

    def ListAliases(self, request, context):
        aliases = self.storage.aliases()
        converted = [RestToGrpc.convert_alias_description(alias) for alias in aliases]
        return q.ListAliasesResponse(aliases=converted)


def wanted(request):
    """What a collection is to be like."""
    vectors, sparse = {}, None
    if request.HasField("vectors_config"):
        vectors = GrpcToRest.convert_vectors_config(request.vectors_config)
    if request.HasField("sparse_vectors_config"):
        sparse = GrpcToRest.convert_sparse_vector_config(request.sparse_vectors_config)
    metadata = GrpcToRest.convert_payload(request.metadata) if request.metadata else None
    return models.CreateCollection(vectors=vectors, sparse_vectors=sparse, metadata=metadata)
