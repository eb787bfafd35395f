//! A model in a folder, laid out as sentence-transformers does.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use rag_core::model::EmbeddingSpace;
use rag_core::port::{EmbedError, TokenLimits};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{Bytes, MARKS, ModelFiles, Pooling, Prompts};

/// Where the graph may be, best first.
const MODEL_PATHS: [&str; 3] = ["model.onnx", "model_int8.onnx", "onnx/model.onnx"];

/// What a model reads when it does not say so.
const TOKENS_MAX_DEFAULT: usize = 512;

/// More than any encoder reads; guards against nonsense in a configuration.
const TOKENS_MAX: usize = 8_192;

/// Longer passages than this blur what a single vector can say.
const TARGET_MAX: usize = 350;

/// How large a configuration file may be, in bytes.
const CONFIG_BYTES_MAX: u64 = 1024 * 1024;

/// How a large file is sampled for its identity: blocks and bytes in each.
const SAMPLES: u64 = 64;
const SAMPLE_BYTES: u64 = 4_096;

#[derive(Deserialize)]
struct Config {
    hidden_size: Option<usize>,
    max_position_embeddings: Option<usize>,
}

#[derive(Deserialize)]
struct SentenceConfig {
    max_seq_length: Option<usize>,
}

#[derive(Deserialize)]
struct PromptConfig {
    #[serde(default)]
    prompts: HashMap<String, String>,
}

#[derive(Deserialize)]
struct Module {
    #[serde(rename = "type")]
    kind: String,
}

impl ModelFiles {
    /// The model in the folder `path`; see `LocalEmbedder::from_directory`.
    pub(in crate::local) fn in_directory(path: &Path) -> Result<Self, EmbedError> {
        read(path).map_err(|message| EmbedError::BadModel {
            model: path.display().to_string(),
            message,
        })
    }
}

fn read(folder: &Path) -> Result<ModelFiles, String> {
    if !folder.is_dir() {
        return Err("there is no such folder".to_owned());
    }
    let model = find(folder, &MODEL_PATHS)?;
    let tokenizer = find(folder, &["tokenizer.json"])?;
    check_modules(folder)?;

    let config: Option<Config> = read_json(folder, "config.json")?;
    let sentence: Option<SentenceConfig> = read_json(folder, "sentence_bert_config.json")?;
    let (pooling, pooled) = read_pooling(folder)?;
    let prompts = read_prompts(folder)?;

    let dimensions = config
        .as_ref()
        .and_then(|config| config.hidden_size)
        .or(pooled);
    let dimensions = dimensions.filter(|&dimensions| dimensions > 0).ok_or(
        "it does not say its dimensions: neither `hidden_size` in config.json nor \
         `word_embedding_dimension` in 1_Pooling/config.json",
    )?;
    let positions = config.and_then(|config| config.max_position_embeddings);
    let tokens_max = sentence
        .and_then(|sentence| sentence.max_seq_length)
        .or(positions.map(|positions| positions.min(TOKENS_MAX_DEFAULT)))
        .unwrap_or(TOKENS_MAX_DEFAULT)
        .clamp(2 * MARKS, TOKENS_MAX);
    let token_limits = limits(tokens_max, &prompts);

    let mut hasher = Sha256::new();
    for file in [
        Some(&model),
        Some(&tokenizer),
        weights_beside(&model).as_ref(),
    ] {
        let Some(file) = file else { continue };
        sample(file, &mut hasher).map_err(|error| unreadable(file, &error))?;
    }
    let settings = format!(
        "{pooling:?} {tokens_max} {:?}",
        (&prompts.query, &prompts.passage)
    );
    hasher.update(settings);

    Ok(ModelFiles {
        space: EmbeddingSpace {
            model: name(folder, &hasher.finalize()),
            dimensions,
        },
        model: Bytes::File(model),
        tokenizer: Bytes::File(tokenizer),
        pooling,
        tokens_max,
        token_limits,
        prompts,
    })
}

/// The folder's name and the beginning of the hash: the same in another place,
/// never the same for another model.
fn name(folder: &Path, hash: &[u8]) -> String {
    let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    let name = folder
        .file_name()
        .map_or("model".into(), |name| name.to_string_lossy());
    let hash: String = hash
        .iter()
        .take(4)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("{name}-{hash}")
}

fn limits(tokens_max: usize, prompts: &Prompts) -> TokenLimits {
    // A token of a prompt has two bytes at least, its space included.
    let prompt = prompts.query.len().max(prompts.passage.len()).div_ceil(2);
    let max = tokens_max.saturating_sub(MARKS + prompt).max(1);
    TokenLimits {
        target: (max * 4 / 5).clamp(1, TARGET_MAX),
        max,
    }
}

fn find(folder: &Path, paths: &[&str]) -> Result<PathBuf, String> {
    let found = paths
        .iter()
        .map(|path| folder.join(path))
        .find(|path| path.is_file());
    found.ok_or_else(|| {
        let names: Vec<_> = paths.iter().map(|path| format!("`{path}`")).collect();
        format!("there is no {} in {}", names.join(" or "), folder.display())
    })
}

/// The file that large graphs keep their weights in.
fn weights_beside(model: &Path) -> Option<PathBuf> {
    ["onnx_data", "onnx.data"]
        .iter()
        .map(|extension| model.with_extension(extension))
        .find(|path| path.is_file())
}

/// Refuses models with a step that this program does not do.
fn check_modules(folder: &Path) -> Result<(), String> {
    let modules: Vec<Module> = read_json(folder, "modules.json")?.unwrap_or_default();
    let known = ["Transformer", "Pooling", "Normalize"];
    for module in modules {
        let kind = module.kind.rsplit('.').next().unwrap_or_default();
        if !known.contains(&kind) {
            return Err(format!(
                "its modules.json asks for `{kind}`, which is not supported"
            ));
        }
    }
    Ok(())
}

/// How to pool, and the dimensions if the file says them. The mean is the
/// custom where there is no such file.
fn read_pooling(folder: &Path) -> Result<(Pooling, Option<usize>), String> {
    let config: HashMap<String, Value> = match read_json(folder, "1_Pooling/config.json")? {
        Some(config) => config,
        None => return Ok((Pooling::Mean, None)),
    };
    let dimensions = config
        .get("word_embedding_dimension")
        .and_then(Value::as_u64);
    let mut modes = config.iter().filter_map(|(field, value)| match value {
        Value::Bool(true) => field.strip_prefix("pooling_mode_"),
        Value::String(mode) if field == "pooling_mode" => Some(mode.as_str()),
        _ => None,
    });
    let pooling = match (modes.next(), modes.next()) {
        (None | Some("mean_tokens" | "mean"), None) => Pooling::Mean,
        (Some("cls_token" | "cls"), None) => Pooling::First,
        (Some(mode), None) => return Err(format!("its pooling `{mode}` is not supported")),
        (_, Some(_)) => return Err("it pools in several ways, which is not supported".to_owned()),
    };
    Ok((
        pooling,
        dimensions.and_then(|dimensions| usize::try_from(dimensions).ok()),
    ))
}

fn read_prompts(folder: &Path) -> Result<Prompts, String> {
    let config: Option<PromptConfig> = read_json(folder, "config_sentence_transformers.json")?;
    let mut prompts = config.map(|config| config.prompts).unwrap_or_default();
    let query = prompts.remove("query").unwrap_or_default();
    let passage = prompts
        .remove("passage")
        .or_else(|| prompts.remove("document"));
    Ok(Prompts {
        query,
        passage: passage.unwrap_or_default(),
    })
}

/// The content of a small JSON file; `None` when there is none.
fn read_json<T: DeserializeOwned>(folder: &Path, file: &str) -> Result<Option<T>, String> {
    let path = folder.join(file);
    let mut text = String::new();
    let read = File::open(&path)
        .and_then(|opened| opened.take(CONFIG_BYTES_MAX).read_to_string(&mut text));
    match read {
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unreadable(&path, &error)),
    }
    let value = serde_json::from_str(&text);
    value
        .map(Some)
        .map_err(|error| format!("its {file} is not what it should be: {error}"))
}

fn unreadable(path: &Path, error: &io::Error) -> String {
    format!("cannot read {}: {error}", path.display())
}

/// Hashes a file's size and blocks spread evenly over it. Two models differ in
/// nearly every weight, so this tells them apart without reading all of them.
fn sample(path: &Path, hasher: &mut Sha256) -> io::Result<()> {
    let mut file = File::open(path)?;
    let size = file.metadata()?.len();
    hasher.update(size.to_le_bytes());
    let step = (size / SAMPLES).max(SAMPLE_BYTES);
    let mut block = Vec::new();
    for start in (0..SAMPLES)
        .map(|index| index * step)
        .take_while(|&start| start < size)
    {
        block.clear();
        file.seek(SeekFrom::Start(start))?;
        file.by_ref().take(SAMPLE_BYTES).read_to_end(&mut block)?;
        hasher.update(&block);
    }
    Ok(())
}
