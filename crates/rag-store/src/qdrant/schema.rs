//! The Qdrant collections that the store needs, and their indexes.

use std::collections::HashMap;

use qdrant_client::qdrant::payload_index_params::IndexParams;
use qdrant_client::qdrant::vectors_config::Config;
use qdrant_client::qdrant::{
    CreateCollection, CreateFieldIndexCollection, Distance, FieldType, HnswConfigDiff,
    IntegerIndexParams, KeywordIndexParams, Modifier, PayloadIndexParams, PointStruct,
    SparseVectorConfig, SparseVectorParams, Value, VectorParams, VectorParamsMap, VectorsConfig,
};
use rag_core::port::StoreError;

use super::failure::Failure;
use super::row::{Row, number, payload};
use super::server::Server;
use super::{record, token};

/// The version of what is written here.
const SCHEMA_VERSION: u32 = 1;

/// The oldest Qdrant that knows conditional writes.
const QDRANT_MIN: (u32, u32) = (1, 16);

/// The vectors of chunks.
pub(super) const DENSE: &str = "dense";

/// The words of chunks.
pub(super) const WORDS: &str = "words";

/// How many vectors are looked at to find the neighbours of a new one: twice
/// Qdrant's own number. With that and what `nearest` looks at, the engine found
/// all of the ten nearest of 60,000 clustered vectors.
const HNSW_CANDIDATES: u64 = 200;

/// What is looked up in the records.
const RECORD_KEYWORDS: [&str; 6] = ["kind", "home", "version", "source", "owner", "state"];
const RECORD_NUMBERS: [&str; 4] = ["keys", "position", "chunk_count", "updated_at"];

/// What is looked up in chunks.
const CHUNK_KEYWORDS: [&str; 2] = ["token", "hash"];

/// Refuses a server that would take conditional writes for plain ones.
pub(super) fn check_version(version: &str) -> Result<(), Failure> {
    let mut parts = version.split('.').map(|part| part.parse().ok());
    let (Some(Some(major)), Some(Some(minor))) = (parts.next(), parts.next()) else {
        return Ok(());
    };
    if (major, minor) >= QDRANT_MIN {
        return Ok(());
    }
    let (known_major, known_minor) = QDRANT_MIN;
    Err(Failure::Stuck(format!(
        "Qdrant {version} does not know conditional writes\n\nhint: use Qdrant {known_major}.{known_minor} or newer"
    )))
}

/// Makes what is not there yet. The record of the schema is written last.
pub(super) async fn ensure(server: &Server) -> Result<(), Failure> {
    let id = token::point(&["schema"]);
    let found = match server.record(&id).await {
        Err(failure) if failure.is_missing() => None,
        found => found?,
    };
    if let Some(found) = found {
        let found = Row(&found).number("schema")?;
        if found > SCHEMA_VERSION {
            return Err(Failure::Store(StoreError::TooNew {
                location: server.location().to_owned(),
                found,
                known: SCHEMA_VERSION,
            }));
        }
        return Ok(());
    }
    let records = server.records();
    server
        .create(&CreateCollection {
            collection_name: records.to_owned(),
            ..CreateCollection::default()
        })
        .await?;
    for name in RECORD_KEYWORDS {
        server.index(&keyword(records, name, false)).await?;
    }
    for name in RECORD_NUMBERS {
        server.index(&integer(records, name, true)).await?;
    }
    let fields = payload([
        ("kind", Value::from("schema")),
        ("schema", number(SCHEMA_VERSION)),
    ]);
    let schema = PointStruct {
        id: Some(id),
        vectors: Some(record::no_vectors()),
        payload: fields,
    };
    server.upsert(records, vec![schema], None).await
}

/// Makes the Qdrant collection of a space, and the index of what documents have there.
pub(super) async fn ensure_space(
    server: &Server,
    space: &str,
    dimensions: usize,
) -> Result<(), Failure> {
    let chunks = server.chunks(space);
    let vectors = VectorParams {
        size: u64::try_from(dimensions).unwrap_or(u64::MAX),
        // Vectors are of unit length, and come back as they went in.
        distance: Distance::Dot.into(),
        hnsw_config: Some(HnswConfigDiff {
            ef_construct: Some(HNSW_CANDIDATES),
            ..HnswConfigDiff::default()
        }),
        ..VectorParams::default()
    };
    let words = SparseVectorParams {
        modifier: Some(Modifier::Idf.into()),
        ..SparseVectorParams::default()
    };
    server
        .create(&CreateCollection {
            collection_name: chunks.clone(),
            vectors_config: Some(VectorsConfig {
                config: Some(Config::ParamsMap(VectorParamsMap {
                    map: HashMap::from([(DENSE.to_owned(), vectors)]),
                })),
            }),
            sparse_vectors_config: Some(SparseVectorConfig {
                map: HashMap::from([(WORDS.to_owned(), words)]),
            }),
            ..CreateCollection::default()
        })
        .await?;
    server.index(&keyword(&chunks, "home", true)).await?;
    for name in CHUNK_KEYWORDS {
        server.index(&keyword(&chunks, name, false)).await?;
    }
    server.index(&integer(&chunks, "keys", false)).await?;
    let totals = keyword(server.records(), &super::totals::field(space), false);
    server.index(&totals).await
}

fn keyword(collection: &str, field: &str, is_tenant: bool) -> CreateFieldIndexCollection {
    let params = KeywordIndexParams {
        is_tenant: is_tenant.then_some(true),
        ..KeywordIndexParams::default()
    };
    index(
        collection,
        field,
        FieldType::Keyword,
        IndexParams::KeywordIndexParams(params),
    )
}

fn integer(collection: &str, field: &str, has_order: bool) -> CreateFieldIndexCollection {
    let params = IntegerIndexParams {
        lookup: Some(true),
        range: Some(has_order),
        ..IntegerIndexParams::default()
    };
    index(
        collection,
        field,
        FieldType::Integer,
        IndexParams::IntegerIndexParams(params),
    )
}

fn index(
    collection: &str,
    field: &str,
    kind: FieldType,
    params: IndexParams,
) -> CreateFieldIndexCollection {
    CreateFieldIndexCollection {
        collection_name: collection.to_owned(),
        wait: Some(true),
        field_name: field.to_owned(),
        field_type: Some(kind.into()),
        field_index_params: Some(PayloadIndexParams {
            index_params: Some(params),
        }),
        ..CreateFieldIndexCollection::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_servers_are_refused() {
        for (version, is_known) in [
            ("1.16.0", true),
            ("1.20.1-dev", true),
            ("2.0.0", true),
            ("1.15.5", false),
            ("0.9.0", false),
            ("who knows", true),
        ] {
            assert_eq!(check_version(version).is_ok(), is_known, "{version}");
        }
    }
}
