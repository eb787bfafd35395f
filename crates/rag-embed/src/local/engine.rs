//! A loaded model: tokens in, one vector out.

use std::sync::Arc;

use rten::{Model, ModelOptions, NodeId, RunOptions, ThreadPool, ValueOrView};
use rten_tensor::prelude::*;
use rten_tensor::{NdTensor, Tensor};

use super::files::{Bytes, ModelFiles, Pooling};
use super::tokens::Tokens;
use crate::vector::normalise;

pub(super) struct Engine {
    model: Model,
    tokens: Tokens,
    inputs: Vec<(NodeId, Input)>,
    output: NodeId,
    pooling: Pooling,
}

/// What the graphs of encoders are fed.
#[derive(Clone, Copy)]
enum Input {
    Ids,
    AttentionMask,
    TypeIds,
}

impl Engine {
    /// Loads the model and its tokenizer.
    pub(super) fn load(files: &ModelFiles) -> Result<Self, String> {
        // Packed weights take 10 MB and make a short query three times as fast.
        let options = ModelOptions::with_all_ops().prepack_weights(true).clone();
        let model = match &files.model {
            Bytes::Bundled(bytes) => options.load_static_slice(bytes),
            Bytes::File(path) => options.load_file(path),
        }
        .map_err(|error| format!("its graph cannot be read: {error}"))?;
        let tokens = match &files.tokenizer {
            Bytes::Bundled(bytes) => Tokens::load(bytes, files.tokens_max)?,
            Bytes::File(path) => {
                let bytes = std::fs::read(path)
                    .map_err(|error| format!("cannot read {}: {error}", path.display()))?;
                Tokens::load(&bytes, files.tokens_max)?
            }
        };
        let inputs = inputs_of(&model)?;
        let output = output_of(&model)?;
        Ok(Engine {
            model,
            tokens,
            inputs,
            output,
            pooling: files.pooling,
        })
    }

    /// The unit vector of `text`, computed on the threads of `pool`.
    pub(super) fn embed(&self, text: &str, pool: &Arc<ThreadPool>) -> Result<Vec<f32>, String> {
        let encoding = self.tokens.encode(text)?;
        let shape = [1, encoding.len()];
        let feed = |&(node, input): &(NodeId, Input)| -> Result<_, String> {
            let numbers = match input {
                Input::Ids => signed(encoding.get_ids())?,
                Input::AttentionMask => vec![1; encoding.len()],
                Input::TypeIds => signed(encoding.get_type_ids())?,
            };
            Ok((node, ValueOrView::from(NdTensor::from_data(shape, numbers))))
        };
        let inputs = self.inputs.iter().map(feed).collect::<Result<_, _>>()?;
        let mut options = RunOptions::default();
        options.thread_pool = Some(Arc::clone(pool));
        let [output] = self
            .model
            .run_n(inputs, [self.output], Some(options))
            .map_err(|error| format!("the model failed: {error}"))?;
        let output: Tensor<f32> = output
            .into_tensor()
            .ok_or("the model's output is not of 32-bit floats")?;
        let mut vector = pooled(&output, self.pooling)?;
        if !normalise(&mut vector) {
            return Err("the model gave a vector without a length".to_owned());
        }
        Ok(vector)
    }

    /// How many tokens `text` has, start and end marks left out.
    pub(super) fn count_tokens(&self, text: &str) -> Result<usize, String> {
        self.tokens.count(text)
    }
}

fn signed(numbers: &[u32]) -> Result<Vec<i32>, String> {
    let signed: Result<_, _> = numbers
        .iter()
        .map(|&number| i32::try_from(number))
        .collect();
    signed.map_err(|_| "the tokenizer gave a token id beyond 31 bits".to_owned())
}

fn inputs_of(model: &Model) -> Result<Vec<(NodeId, Input)>, String> {
    let input_of = |&node: &NodeId| {
        let name = name_of(model, node);
        let input = match name {
            "input_ids" => Input::Ids,
            "attention_mask" => Input::AttentionMask,
            "token_type_ids" => Input::TypeIds,
            _ => return Err(format!("its graph wants the unknown input `{name}`")),
        };
        Ok((node, input))
    };
    model.input_ids().iter().map(input_of).collect()
}

/// The output that holds the embedding: by its usual names, else the first.
fn output_of(model: &Model) -> Result<NodeId, String> {
    let outputs = model.output_ids();
    [
        "sentence_embedding",
        "last_hidden_state",
        "token_embeddings",
    ]
    .iter()
    .find_map(|wanted| {
        outputs
            .iter()
            .find(|&&node| name_of(model, node) == *wanted)
    })
    .or(outputs.first())
    .copied()
    .ok_or_else(|| "its graph has no output".to_owned())
}

fn name_of(model: &Model, node: NodeId) -> &str {
    model
        .node_info(node)
        .and_then(|info| info.name())
        .unwrap_or_default()
}

/// One vector from what a model says of one text: of the whole text already
/// (`[1, dimensions]`), or of each token (`[1, tokens, dimensions]`). All
/// tokens count, because nothing is ever padded.
fn pooled(output: &Tensor<f32>, pooling: Pooling) -> Result<Vec<f32>, String> {
    let shape = output.shape();
    let numbers = output.to_vec();
    match *shape {
        [1, _] => Ok(numbers),
        [1, tokens, dimensions] if tokens > 0 && dimensions > 0 => {
            let mut rows = numbers.chunks_exact(dimensions);
            let mut vector = rows.next().map_or_else(Vec::new, <[f32]>::to_vec);
            if matches!(pooling, Pooling::Mean) {
                // The sum serves as the mean: only the direction is kept.
                for row in rows {
                    vector
                        .iter_mut()
                        .zip(row)
                        .for_each(|(sum, number)| *sum += number);
                }
            }
            Ok(vector)
        }
        _ => Err(format!(
            "the model's output has the unexpected shape {shape:?}"
        )),
    }
}
