//! Collections.

use rag_memory::ErrorKind;
use rag_memory::api::{
    CreateCollection, DeleteCollection, GetCollectionInfo, ListDocuments,
    UpdateCollectionDescription,
};

use crate::{Fixture, error};

#[tokio::test]
async fn a_collection_lives_and_dies() {
    let fixture = Fixture::new().await;
    let memory = &fixture.memory;
    fixture.put("# One\n\nalpha beta").await;

    let list = memory.list_collections().await.unwrap().collections;
    assert_eq!(
        (list.len(), list[0].document_count, list[0].chunk_count),
        (1, 1, 1)
    );

    let request = UpdateCollectionDescription {
        name: "docs".into(),
        description: " new ".into(),
    };
    assert_eq!(
        memory
            .update_collection_description(request)
            .await
            .unwrap()
            .description,
        "new"
    );

    let info = GetCollectionInfo {
        collection_name: "docs".into(),
    };
    let details = memory.collection_info(info).await.unwrap();
    assert_eq!(
        (details.description.as_str(), details.document_count),
        ("new", 1)
    );
    assert_eq!(details.sample_documents, ["One"]);
    assert!(details.created_at.ends_with('Z'), "{}", details.created_at);

    let delete = |confirm| DeleteCollection {
        name: "docs".into(),
        confirm,
    };
    let refused = memory.delete_collection(delete(false)).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Invalid);
    let deleted = memory.delete_collection(delete(true)).await.unwrap();
    assert_eq!((deleted.documents_deleted, deleted.chunks_deleted), (1, 1));
    assert!(
        memory
            .list_collections()
            .await
            .unwrap()
            .collections
            .is_empty()
    );
    assert_eq!(
        memory
            .list_documents(ListDocuments::default())
            .await
            .unwrap()
            .total_count,
        0
    );
}

#[tokio::test]
async fn wrong_names_and_descriptions_are_refused() {
    let fixture = Fixture::new().await;
    for (name, description, expected) in [
        ("docs", "again", "collection `docs` already exists"),
        (
            "",
            "x",
            "`` is not a collection name: use 1 to 64 of a-z, 0-9, `_` and `-`",
        ),
        (
            "My Docs",
            "x",
            "`My Docs` is not a collection name: use 1 to 64 of a-z, 0-9, `_` and `-`",
        ),
        ("new", "  ", "`description` is blank"),
    ] {
        let request = CreateCollection {
            name: name.into(),
            description: description.into(),
            metadata_schema: None,
        };
        let error = fixture.memory.create_collection(request).await.unwrap_err();
        assert_eq!(error.message(), expected);
    }
}

#[tokio::test]
async fn an_unknown_collection_suggests_a_known_one() {
    let fixture = Fixture::new().await;
    fixture.create("notes").await.unwrap();
    let info = |name: &str| GetCollectionInfo {
        collection_name: name.into(),
    };
    for (name, expected) in [
        (
            "dosc",
            "collection `dosc` does not exist\n\nhint: did you mean `docs`?",
        ),
        (
            "zzz",
            "collection `zzz` does not exist\n\nhint: collections are `notes`, `docs`",
        ),
    ] {
        assert_eq!(
            error(fixture.memory.collection_info(info(name)).await),
            expected
        );
    }
}
