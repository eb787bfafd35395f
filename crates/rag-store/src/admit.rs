//! What may be put in: the same checks for every store.

use rag_core::model::{CollectionName, DocumentInfo, EmbeddedDocument, EmbeddingSpace};
use rag_core::port::{Expect, StoreError};

/// Refuses vectors of `got` that cannot be compared with those of `space`, that
/// of `collection`, or that are no vectors at all.
pub(crate) fn vectors(
    embedded: &EmbeddedDocument,
    got: &EmbeddingSpace,
    collection: &CollectionName,
    space: &EmbeddingSpace,
) -> Result<(), StoreError> {
    let mut got = got.clone();
    for chunk in &embedded.chunks {
        if chunk.vector.iter().any(|number| !number.is_finite()) {
            let action = format!("keep the vector of chunk {}", chunk.chunk.index);
            let source = "it has numbers that are infinite or not numbers at all".into();
            return Err(StoreError::Unavailable { action, source });
        }
        if got == *space {
            got.dimensions = chunk.vector.len();
        }
    }
    if got == *space {
        return Ok(());
    }
    Err(StoreError::WrongSpace {
        collection: collection.clone(),
        expected: space.clone(),
        got,
    })
}

/// Refuses a document when `present`, what has its id, is of another identity or
/// not what `expect` says, and when `twin`, another document, has its source.
pub(crate) fn expected(
    info: &DocumentInfo,
    present: Option<&DocumentInfo>,
    twin: Option<&DocumentInfo>,
    expect: Expect,
) -> Result<(), StoreError> {
    let found = present.map(|present| present.revision);
    match (present, twin) {
        (Some(present), _)
            if present.collection != info.collection || present.source_uri != info.source_uri =>
        {
            return Err(StoreError::IdTaken(info.id));
        }
        // The source may be there under an id that was salted differently.
        (None, Some(twin)) => {
            return Err(StoreError::Conflict {
                found: Some(twin.revision),
            });
        }
        _ => {}
    }
    let is_as_expected = match expect {
        Expect::Any => true,
        Expect::Absent => found.is_none(),
        Expect::Revision(revision) => found == Some(revision),
    };
    if is_as_expected {
        Ok(())
    } else {
        Err(StoreError::Conflict { found })
    }
}

/// Refuses a vector of other dimensions than its space: it cannot be compared.
pub(crate) fn query(space: &EmbeddingSpace, vector: &[f32]) -> Result<(), StoreError> {
    if vector.len() == space.dimensions {
        return Ok(());
    }
    let source = format!("it is not a vector of {space}").into();
    let action = format!("compare a vector of {} dimensions", vector.len());
    Err(StoreError::Unavailable { action, source })
}
