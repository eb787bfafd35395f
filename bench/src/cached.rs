//! The bundled embedder with a memory: vectors are kept in a file, so that
//! measuring the same texts again needs no model.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use anyhow::Context;
use async_trait::async_trait;
use clap::Args;
use rag_core::model::{ContentHash, EmbeddingSpace};
use rag_core::port::{EmbedError, Embedder, Purpose, TokenLimits};
use rag_embed::LocalEmbedder;

/// Texts embedded before they are written to the file.
const BATCH: usize = 64;

/// Where vectors are kept.
#[derive(Debug, Args)]
pub(crate) struct CacheArgs {
    /// A file that keeps vectors from one run to the next
    #[arg(long, value_name = "FILE")]
    cache: Option<PathBuf>,
}

/// The bundled embedder, and the vectors it has made before.
pub(crate) struct CachedEmbedder {
    model: LocalEmbedder,
    cache: Mutex<Cache>,
}

struct Cache {
    vectors: HashMap<ContentHash, Vec<f32>>,
    /// Records of a hash (32 bytes) and a vector (f32, little endian), appended.
    file: Option<File>,
}

impl CachedEmbedder {
    pub(crate) fn open(args: &CacheArgs) -> anyhow::Result<Self> {
        let model = LocalEmbedder::bundled();
        let dimensions = model.space().dimensions;
        let cache = match &args.cache {
            None => Cache {
                vectors: HashMap::new(),
                file: None,
            },
            Some(path) => Cache::open(path, dimensions)
                .with_context(|| format!("cannot use the cache {}", path.display()))?,
        };
        Ok(CachedEmbedder {
            model,
            cache: Mutex::new(cache),
        })
    }

    fn key(&self, text: &str, purpose: Purpose) -> ContentHash {
        let purpose = if purpose == Purpose::Query {
            "query"
        } else {
            "passage"
        };
        ContentHash::of_parts(&[&self.space().model, purpose, text])
    }

    fn cache(&self) -> std::sync::MutexGuard<'_, Cache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Cache {
    fn open(path: &Path, dimensions: usize) -> std::io::Result<Self> {
        let file = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .open(path)?;
        let record = 32 + dimensions * 4;
        // A run that was interrupted may have left part of a record.
        let whole = file.metadata()?.len() / record as u64 * record as u64;
        file.set_len(whole)?;
        let mut reader = BufReader::new(&file);
        let mut vectors = HashMap::new();
        let mut hash = [0; 32];
        let mut bytes = vec![0; dimensions * 4];
        for _ in 0..whole / record as u64 {
            reader.read_exact(&mut hash)?;
            reader.read_exact(&mut bytes)?;
            let number = |four: &[u8]| f32::from_le_bytes([four[0], four[1], four[2], four[3]]);
            vectors.insert(
                ContentHash(hash),
                bytes.chunks_exact(4).map(number).collect(),
            );
        }
        Ok(Cache {
            vectors,
            file: Some(file),
        })
    }

    /// Keeps vectors, written in one piece: several runs may share a file.
    fn keep(&mut self, made: Vec<(ContentHash, Vec<f32>)>) -> std::io::Result<()> {
        if let Some(file) = &mut self.file {
            let mut records = Vec::new();
            for (hash, vector) in &made {
                records.extend(hash.0);
                records.extend(vector.iter().flat_map(|number| number.to_le_bytes()));
            }
            file.write_all(&records)?;
        }
        self.vectors.extend(made);
        Ok(())
    }
}

#[async_trait]
impl Embedder for CachedEmbedder {
    fn space(&self) -> &EmbeddingSpace {
        self.model.space()
    }

    fn token_limits(&self) -> TokenLimits {
        self.model.token_limits()
    }

    fn count_tokens(&self, text: &str) -> Result<usize, EmbedError> {
        self.model.count_tokens(text)
    }

    async fn embed(&self, texts: &[String], purpose: Purpose) -> Result<Vec<Vec<f32>>, EmbedError> {
        let hashes: Vec<ContentHash> = texts.iter().map(|text| self.key(text, purpose)).collect();
        let missing: Vec<usize> = {
            let cache = self.cache();
            (0..texts.len())
                .filter(|&place| !cache.vectors.contains_key(&hashes[place]))
                .collect()
        };
        for places in missing.chunks(BATCH) {
            let texts: Vec<String> = places.iter().map(|&place| texts[place].clone()).collect();
            let vectors = self.model.embed(&texts, purpose).await?;
            let made = places
                .iter()
                .map(|&place| hashes[place])
                .zip(vectors)
                .collect();
            self.cache()
                .keep(made)
                .map_err(|error| EmbedError::Unavailable {
                    action: "write to the cache of vectors".to_owned(),
                    source: error.into(),
                })?;
        }
        let cache = self.cache();
        Ok(hashes
            .iter()
            .map(|hash| cache.vectors[hash].clone())
            .collect())
    }
}
