//! What Qdrant is asked for, in the words of its protocol: reading, counting,
//! ranking and writing points. What they mean is left to the modules that ask.

use qdrant_client::qdrant::points_selector::PointsSelectorOneOf;
use qdrant_client::qdrant::with_payload_selector::SelectorOptions as PayloadOptions;
use qdrant_client::qdrant::with_vectors_selector::SelectorOptions as VectorOptions;
use qdrant_client::qdrant::{
    CountPoints, CreateCollection, CreateFieldIndexCollection, DeletePoints, FacetCounts, FacetHit,
    Filter, GetPoints, PayloadIncludeSelector, PointId, PointStruct, PointsSelector,
    QueryBatchPoints, QueryPoints, RetrievedPoint, ScoredPoint, ScrollPoints, SetPayloadPoints,
    UpsertPoints, VectorsSelector, WithPayloadSelector, WithVectorsSelector, WriteOrdering,
    WriteOrderingType,
};

use super::failure::Failure;
use super::row::Payload;
use super::server::Server;

/// How many points one page of a listing has.
const PAGE_POINTS: u32 = 4_096;

/// How many points are asked for by their ids at once.
const GET_POINTS: usize = 1_024;

/// How many bytes of points are sent at once, as far as they can be parted:
/// Qdrant refuses messages of more than 32 MB.
const BATCH_BYTES: usize = 2 << 20;

/// How many different values of a field are counted.
const FACET_VALUES: u64 = 10_000;

/// What of a point is wanted.
#[derive(Clone, Copy)]
pub(super) enum Fields<'fields> {
    All,
    Only(&'fields [&'fields str]),
}

impl Server {
    /// Makes a Qdrant collection that is not there yet.
    pub(super) async fn create(&self, wanted: &CreateCollection) -> Result<(), Failure> {
        let name = &wanted.collection_name;
        let exists = || self.client.collection_exists(name.as_str());
        if self.call(exists).await? {
            return Ok(());
        }
        let made = self.call(|| self.client.create_collection(wanted.clone()));
        match made.await {
            Ok(_) => Ok(()),
            // Another process was quicker.
            Err(failure) => match self.call(exists).await? {
                true => Ok(()),
                false => Err(failure),
            },
        }
    }

    pub(super) async fn index(&self, index: &CreateFieldIndexCollection) -> Result<(), Failure> {
        let index = || self.client.create_field_index(index.clone());
        self.call(index).await.map(drop)
    }

    /// The points of these ids that are there, in no order.
    pub(super) async fn get(
        &self,
        collection: &str,
        ids: &[PointId],
        fields: Fields<'_>,
        vectors: &[&str],
    ) -> Result<Vec<RetrievedPoint>, Failure> {
        let mut points = Vec::with_capacity(ids.len());
        for some in ids.chunks(GET_POINTS) {
            let request = GetPoints {
                collection_name: collection.to_owned(),
                ids: some.to_vec(),
                with_payload: Some(fields.selector()),
                with_vectors: Some(with_vectors(vectors)),
                ..GetPoints::default()
            };
            let found = self.call(|| self.client.get_points(request.clone()));
            points.extend(found.await?.result);
        }
        Ok(points)
    }

    /// The payload of one point of the records, if it is there.
    pub(super) async fn record(&self, id: &PointId) -> Result<Option<Payload>, Failure> {
        let ids = std::slice::from_ref(id);
        let found = self.get(self.records(), ids, Fields::All, &[]);
        Ok(found.await?.pop().map(|point| point.payload))
    }

    /// The points that pass `filter`, by rising id from `first` on, `limit` of
    /// them at most.
    pub(super) async fn scroll(
        &self,
        collection: &str,
        filter: &Filter,
        first: Option<PointId>,
        limit: usize,
        fields: Fields<'_>,
    ) -> Result<Vec<RetrievedPoint>, Failure> {
        let mut points: Vec<RetrievedPoint> = Vec::new();
        let mut offset = first;
        while points.len() < limit {
            let left = u32::try_from(limit - points.len()).unwrap_or(u32::MAX);
            let request = ScrollPoints {
                collection_name: collection.to_owned(),
                filter: Some(filter.clone()),
                offset,
                limit: Some(left.min(PAGE_POINTS)),
                with_payload: Some(fields.selector()),
                with_vectors: Some(with_vectors(&[])),
                ..ScrollPoints::default()
            };
            let page = self.call(|| self.client.scroll(request.clone())).await?;
            points.extend(page.result);
            offset = page.next_page_offset;
            if offset.is_none() {
                break;
            }
        }
        Ok(points)
    }

    /// A page of a listing in a wanted order, or with vectors.
    pub(super) async fn page(
        &self,
        request: &ScrollPoints,
    ) -> Result<Vec<RetrievedPoint>, Failure> {
        let page = self.call(|| self.client.scroll(request.clone()));
        Ok(page.await?.result)
    }

    pub(super) async fn count(&self, collection: &str, filter: &Filter) -> Result<u64, Failure> {
        let request = CountPoints {
            collection_name: collection.to_owned(),
            filter: Some(filter.clone()),
            exact: Some(true),
            ..CountPoints::default()
        };
        let counted = self.call(|| self.client.count(request.clone())).await?;
        Ok(counted.result.map_or(0, |result| result.count))
    }

    /// How many points of the records that pass `filter` have each value of a field.
    pub(super) async fn facet(&self, key: &str, filter: &Filter) -> Result<Vec<FacetHit>, Failure> {
        let request = FacetCounts {
            collection_name: self.records().to_owned(),
            key: key.to_owned(),
            filter: Some(filter.clone()),
            limit: Some(FACET_VALUES),
            ..FacetCounts::default()
        };
        let counted = self.call(|| self.client.facet(request.clone()));
        Ok(counted.await?.hits)
    }

    /// The answers to queries of one Qdrant collection, in their order.
    pub(super) async fn query(
        &self,
        collection: &str,
        queries: Vec<QueryPoints>,
    ) -> Result<Vec<Vec<ScoredPoint>>, Failure> {
        let request = QueryBatchPoints {
            collection_name: collection.to_owned(),
            query_points: queries,
            ..QueryBatchPoints::default()
        };
        let answers = self
            .call(|| self.client.query_batch(request.clone()))
            .await?;
        Ok(answers
            .result
            .into_iter()
            .map(|answer| answer.result)
            .collect())
    }

    /// Writes points, each whole; with `only_where` those that are there only
    /// when they pass it.
    pub(super) async fn upsert(
        &self,
        collection: &str,
        points: Vec<PointStruct>,
        only_where: Option<&Filter>,
    ) -> Result<(), Failure> {
        if points.is_empty() {
            return Ok(());
        }
        let request = UpsertPoints {
            collection_name: collection.to_owned(),
            wait: Some(true),
            points,
            ordering: Some(in_order()),
            update_filter: only_where.cloned(),
            ..UpsertPoints::default()
        };
        let written = self.call(|| self.client.upsert_points(request.clone()));
        written.await.map(drop)
    }

    /// Writes points that nobody reads yet, a bounded number of bytes at a time.
    pub(super) async fn upsert_all(
        &self,
        collection: &str,
        points: impl Iterator<Item = (PointStruct, usize)>,
    ) -> Result<(), Failure> {
        let mut batch = Vec::new();
        let mut batch_bytes = 0;
        for (point, bytes) in points {
            if batch_bytes + bytes > BATCH_BYTES {
                let full = std::mem::take(&mut batch);
                self.upsert(collection, full, None).await?;
                batch_bytes = 0;
            }
            batch_bytes += bytes;
            batch.push(point);
        }
        self.upsert(collection, batch, None).await
    }

    /// Gives the records that pass `filter` another payload.
    pub(super) async fn overwrite(&self, filter: &Filter, payload: Payload) -> Result<(), Failure> {
        let request = self.payload_request(filter, payload);
        let written = self.call(|| self.client.overwrite_payload(request.clone()));
        written.await.map(drop)
    }

    /// Changes fields of the records that pass `filter`.
    pub(super) async fn set(&self, filter: &Filter, payload: Payload) -> Result<(), Failure> {
        let request = self.payload_request(filter, payload);
        let written = self.call(|| self.client.set_payload(request.clone()));
        written.await.map(drop)
    }

    fn payload_request(&self, filter: &Filter, payload: Payload) -> SetPayloadPoints {
        SetPayloadPoints {
            collection_name: self.records().to_owned(),
            wait: Some(true),
            payload,
            points_selector: Some(those(filter)),
            ordering: Some(in_order()),
            ..SetPayloadPoints::default()
        }
    }

    /// Removes the points that pass `filter`. A collection that is not there has none.
    pub(super) async fn delete(&self, collection: &str, filter: &Filter) -> Result<(), Failure> {
        let request = DeletePoints {
            collection_name: collection.to_owned(),
            wait: Some(true),
            points: Some(those(filter)),
            ordering: Some(in_order()),
            ..DeletePoints::default()
        };
        match self
            .call(|| self.client.delete_points(request.clone()))
            .await
        {
            Err(failure) if failure.is_missing() => Ok(()),
            done => done.map(drop),
        }
    }
}

impl Fields<'_> {
    fn selector(self) -> WithPayloadSelector {
        let options = match self {
            Fields::All => PayloadOptions::Enable(true),
            Fields::Only([]) => PayloadOptions::Enable(false),
            Fields::Only(fields) => {
                let fields = fields.iter().map(|&field| field.to_owned()).collect();
                PayloadOptions::Include(PayloadIncludeSelector { fields })
            }
        };
        WithPayloadSelector {
            selector_options: Some(options),
        }
    }

    /// The same as part of a query.
    pub(super) fn of_query(self) -> Option<WithPayloadSelector> {
        Some(self.selector())
    }
}

/// Asks for the vectors of these names.
pub(super) fn with_vectors(names: &[&str]) -> WithVectorsSelector {
    let options = match names {
        [] => VectorOptions::Enable(false),
        names => {
            let names = names.iter().map(|&name| name.to_owned()).collect();
            VectorOptions::Include(VectorsSelector { names })
        }
    };
    WithVectorsSelector {
        selector_options: Some(options),
    }
}

fn those(filter: &Filter) -> PointsSelector {
    PointsSelector {
        points_selector_one_of: Some(PointsSelectorOneOf::Filter(filter.clone())),
    }
}

/// Of two writes of one point, all copies of a cluster see the same one last.
fn in_order() -> WriteOrdering {
    WriteOrdering {
        r#type: WriteOrderingType::Strong.into(),
    }
}
