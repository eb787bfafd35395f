//! Documents.

use rag_memory::ErrorKind;
use rag_memory::api::{
    DeleteDocument, GetDocument, ListDocuments, SearchDocuments, UpdateDocument,
};
use serde_json::json;

use crate::{Fixture, error, object, text};

#[tokio::test]
async fn a_document_is_shown_whole_and_in_parts() {
    let fixture = Fixture::new().await;
    let content = "# Größe\n\nEin Satz über Käse. 日本語もあります。";
    let id = fixture.put(content).await.source_document_id;
    let whole = GetDocument {
        include_chunks: true,
        ..GetDocument::new(id.clone())
    };
    let view = fixture.memory.get_document(whole).await.unwrap();
    assert_eq!((view.content.as_str(), view.next_offset), (content, None));
    let characters: Vec<char> = content.chars().collect();
    for chunk in view.chunks.unwrap() {
        let slice: String = characters[chunk.char_start..chunk.char_end]
            .iter()
            .collect();
        assert_eq!(slice, chunk.content);
    }

    let mut parts = String::new();
    let mut offset = Some(0);
    while let Some(start) = offset {
        let request = GetDocument {
            offset: i64::try_from(start).unwrap(),
            max_chars: 7,
            ..GetDocument::new(id.clone())
        };
        let view = fixture.memory.get_document(request).await.unwrap();
        parts += &view.content;
        offset = view.next_offset;
    }
    assert_eq!(parts, content);
}

#[tokio::test]
async fn ids_that_are_wrong_or_gone_are_told_apart() {
    let fixture = Fixture::new().await;
    let get = async |id: &str| {
        fixture
            .memory
            .get_document(GetDocument::new(id))
            .await
            .unwrap_err()
    };
    assert_eq!(get("42").await.kind(), ErrorKind::Invalid);
    let gone = get("0000000000000").await;
    assert_eq!(
        (gone.kind(), gone.message()),
        (
            ErrorKind::NotFound,
            "document `0000000000000` does not exist"
        )
    );
}

#[tokio::test]
async fn lists_are_paged_without_gaps() {
    let fixture = Fixture::new().await;
    for number in 0..7 {
        fixture.put(&format!("text number {number}")).await;
    }
    let mut seen = Vec::new();
    loop {
        let request = ListDocuments {
            limit: 3,
            offset: i64::try_from(seen.len()).unwrap(),
            include_details: true,
            ..ListDocuments::default()
        };
        let page = fixture.memory.list_documents(request).await.unwrap();
        assert_eq!(page.total_count, 7);
        seen.extend(page.documents.into_iter().map(|item| item.filename));
        if !page.has_more {
            break;
        }
    }
    seen.sort();
    assert_eq!(
        seen,
        (0..7)
            .map(|number| format!("text number {number}"))
            .collect::<Vec<_>>()
    );

    let request = |limit, offset| ListDocuments {
        limit,
        offset,
        ..ListDocuments::default()
    };
    assert_eq!(
        error(fixture.memory.list_documents(request(0, 0)).await),
        "`limit` must be from 1 to 200, not 0"
    );
    assert!(fixture.memory.list_documents(request(5, -1)).await.is_err());
    let beyond = fixture
        .memory
        .list_documents(request(5, i64::MAX))
        .await
        .unwrap();
    assert_eq!((beyond.returned_count, beyond.has_more), (0, false));
}

#[tokio::test]
async fn updates_change_what_they_name_and_nothing_else() {
    let fixture = Fixture::new().await;
    let mut put = text("# Old\n\nalpha");
    put.metadata = object(json!({"keep": 1, "drop": 2}));
    let id = fixture
        .memory
        .ingest_text(put)
        .await
        .unwrap()
        .source_document_id;
    let update = |change: fn(&mut UpdateDocument)| {
        let mut request = UpdateDocument {
            document_id: id.clone(),
            ..UpdateDocument::default()
        };
        change(&mut request);
        fixture.memory.update_document(request)
    };
    let nothing = update(|_| {}).await;
    assert!(error(nothing).starts_with("there is nothing to change"));
    assert_eq!(
        error(update(|request| request.title = Some(" ".into())).await),
        "`title` is blank"
    );
    let blank = update(|request| request.content = Some("\n".into())).await;
    assert_eq!(blank.unwrap_err().kind(), ErrorKind::Invalid);

    let updated = update(|request| {
        request.metadata = Some(object(json!({"drop": null, "add": [1]})));
        request.content = Some("# New\n\nbeta".into());
    })
    .await
    .unwrap();
    assert_eq!(updated.updated_fields, ["metadata", "content"]);
    let view = fixture
        .memory
        .get_document(GetDocument::new(id.clone()))
        .await
        .unwrap();
    assert_eq!(
        (view.filename.as_str(), view.content.as_str()),
        ("Old", "# New\n\nbeta")
    );
    assert_eq!(view.metadata, object(json!({"keep": 1, "add": [1]})));
    assert!(view.updated_at > view.created_at);

    let found = fixture
        .memory
        .search_documents(SearchDocuments::new("beta"))
        .await
        .unwrap();
    assert_eq!(found.results[0].content, "# New\n\nbeta");
}

#[tokio::test]
async fn a_deleted_document_is_gone_everywhere() {
    let fixture = Fixture::new().await;
    let id = fixture.put("unique zebra").await.source_document_id;
    let delete = || {
        fixture.memory.delete_document(DeleteDocument {
            document_id: id.clone(),
        })
    };
    let deleted = delete().await.unwrap();
    assert_eq!(
        (deleted.document_title.as_str(), deleted.chunks_deleted),
        ("unique zebra", 1)
    );
    assert_eq!(deleted.collections_affected, ["docs"]);
    assert_eq!(delete().await.unwrap_err().kind(), ErrorKind::NotFound);
    let found = fixture
        .memory
        .search_documents(SearchDocuments::new("zebra"))
        .await
        .unwrap();
    assert!(found.results.is_empty());
}

#[tokio::test]
async fn a_document_is_read_by_its_source_too() {
    let fixture = Fixture::new().await;
    let put = fixture.put("# Where\n\nfrom nowhere").await;
    let view = GetDocument::new(put.source_document_id.clone());
    let by_id = fixture.memory.get_document(view).await.unwrap();
    let view = GetDocument::new(by_id.source_uri.clone());
    let by_source = fixture.memory.get_document(view).await.unwrap();
    assert_eq!(by_source.id, by_id.id);
    let missing = GetDocument::new("https://example.org/none");
    let said = error(fixture.memory.get_document(missing).await);
    assert!(said.contains("https://example.org/none"), "{said}");
}
