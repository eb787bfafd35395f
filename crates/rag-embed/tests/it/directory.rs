//! Models from a folder.

use std::fs;
use std::path::Path;

use rag_core::port::{EmbedError, Embedder, Purpose};
use rag_embed::LocalEmbedder;
use tempfile::TempDir;

use crate::{MODEL, passages};

/// A folder `parent/minilm` with the bundled model's files.
fn copy(parent: &TempDir) -> std::path::PathBuf {
    let folder = parent.path().join("minilm");
    fs::create_dir_all(folder.join("1_Pooling")).unwrap();
    for file in [
        "model_int8.onnx",
        "tokenizer.json",
        "config.json",
        "sentence_bert_config.json",
        "1_Pooling/config.json",
    ] {
        fs::copy(Path::new(MODEL).join(file), folder.join(file)).unwrap();
    }
    folder
}

fn open(folder: &Path) -> LocalEmbedder {
    LocalEmbedder::from_directory(folder).unwrap()
}

fn refusal(folder: &Path) -> String {
    match LocalEmbedder::from_directory(folder) {
        Err(EmbedError::BadModel { message, .. }) => message,
        Err(other) => panic!("another error: {other}"),
        Ok(_) => panic!("it was accepted"),
    }
}

#[tokio::test]
async fn a_copy_of_the_bundled_model_gives_its_vectors() {
    let parent = TempDir::new().unwrap();
    let copied = open(&copy(&parent));
    let bundled = LocalEmbedder::bundled();
    let texts = ["the same", "in both"];
    let expected = passages(&bundled, &texts).await.unwrap();
    assert_eq!(passages(&copied, &texts).await.unwrap(), expected);
    assert_eq!(copied.token_limits().max, bundled.token_limits().max);
    assert_eq!(copied.space().dimensions, 384);
    assert_eq!(copied.count_tokens("two words").unwrap(), 2);
}

#[test]
fn a_model_is_known_by_its_content() {
    let (here, there) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let folder = copy(&here);
    let before = open(&folder).space().clone();
    assert!(before.model.starts_with("minilm-"), "{before}");
    assert_eq!(open(&copy(&there)).space(), &before, "it was moved");

    let mut weights = fs::read(folder.join("model_int8.onnx")).unwrap();
    weights[4_000_000..]
        .iter_mut()
        .for_each(|byte| *byte = byte.wrapping_add(1));
    fs::write(folder.join("model_int8.onnx"), weights).unwrap();
    assert_ne!(open(&folder).space(), &before, "the weights changed");

    let prompts = r#"{"prompts": {"query": "find: "}}"#;
    let other = copy(&there);
    fs::write(other.join("config_sentence_transformers.json"), prompts).unwrap();
    assert_ne!(open(&other).space(), &before, "the prompts changed");
}

#[tokio::test]
async fn prompts_tell_questions_from_passages() {
    let parent = TempDir::new().unwrap();
    let folder = copy(&parent);
    let prompts = r#"{"prompts": {"query": "find: ", "document": ""}}"#;
    fs::write(folder.join("config_sentence_transformers.json"), prompts).unwrap();
    let embedder = open(&folder);
    let asked = embedder
        .embed(&["spring".to_owned()], Purpose::Query)
        .await
        .unwrap();
    let written = passages(&embedder, &["spring", "find: spring"])
        .await
        .unwrap();
    assert_eq!(asked[0], written[1]);
    assert_ne!(asked[0], written[0]);
    assert!(embedder.token_limits().max < LocalEmbedder::bundled().token_limits().max);
}

#[test]
fn what_is_missing_is_named() {
    let parent = TempDir::new().unwrap();
    assert_eq!(
        refusal(&parent.path().join("nowhere")),
        "there is no such folder"
    );
    for (file, expected) in [
        (
            "model_int8.onnx",
            "there is no `model.onnx` or `model_int8.onnx` or `onnx/model.onnx`",
        ),
        ("tokenizer.json", "there is no `tokenizer.json`"),
    ] {
        let folder = copy(&parent);
        fs::remove_file(folder.join(file)).unwrap();
        let message = refusal(&folder);
        assert!(message.starts_with(expected), "{message}");
        assert!(message.contains(&folder.display().to_string()), "{message}");
    }
    let folder = copy(&parent);
    fs::remove_file(folder.join("config.json")).unwrap();
    assert_eq!(open(&folder).space().dimensions, 384, "the pooling says it");
    fs::remove_file(folder.join("1_Pooling/config.json")).unwrap();
    assert!(refusal(&folder).contains("does not say its dimensions"));
}

#[test]
fn what_is_not_supported_is_refused() {
    for (file, content, expected) in [
        (
            "config.json",
            "{",
            "its config.json is not what it should be",
        ),
        (
            "config.json",
            r#"{"hidden_size": "many"}"#,
            "its config.json is not what it should be",
        ),
        (
            "1_Pooling/config.json",
            r#"{"pooling_mode_max_tokens": true}"#,
            "its pooling `max_tokens`",
        ),
        (
            "1_Pooling/config.json",
            r#"{"pooling_mode_cls_token": true, "pooling_mode_mean_tokens": true}"#,
            "it pools in several ways",
        ),
        (
            "modules.json",
            r#"[{"type": "sentence_transformers.models.Dense"}]"#,
            "its modules.json asks for `Dense`",
        ),
    ] {
        let parent = TempDir::new().unwrap();
        let folder = copy(&parent);
        fs::write(folder.join(file), content).unwrap();
        let message = refusal(&folder);
        assert!(message.starts_with(expected), "{message}");
    }
}

#[tokio::test]
async fn broken_files_are_reported_at_the_first_use() {
    for (file, content, expected) in [
        ("tokenizer.json", "{}", "its tokenizer cannot be read"),
        (
            "model_int8.onnx",
            "no graph at all",
            "its graph cannot be read",
        ),
        ("model_int8.onnx", "", "its graph"),
    ] {
        let parent = TempDir::new().unwrap();
        let folder = copy(&parent);
        fs::write(folder.join(file), content).unwrap();
        let embedder = open(&folder);
        for error in [
            passages(&embedder, &["a"]).await.unwrap_err(),
            embedder.count_tokens("a").unwrap_err(),
        ] {
            let EmbedError::BadModel { model, message } = error else {
                panic!("{error}")
            };
            assert_eq!(model, embedder.space().model);
            assert!(message.starts_with(expected), "{message}");
        }
    }
}

#[tokio::test]
async fn wrong_dimensions_are_noticed() {
    let parent = TempDir::new().unwrap();
    let folder = copy(&parent);
    fs::write(folder.join("config.json"), r#"{"hidden_size": 512}"#).unwrap();
    let error = passages(&open(&folder), &["a"]).await.unwrap_err();
    assert!(
        matches!(
            error,
            EmbedError::WrongDimensions {
                expected: 512,
                got: 384,
                ..
            }
        ),
        "{error}"
    );
}
