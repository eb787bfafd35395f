//! Picks the passages worth reading from a ranking.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};

use super::{Answer, Passage, Query};
use crate::fuse::Candidate;
use crate::model::{ChunkRef, DocumentId, Span};
use crate::port::{Store, StoreError, StoredPassage};
use crate::tokens::estimate_tokens;

/// Two passages are the same to a reader when they share this part of their
/// word triples (Jaccard; Broder 1997).
const NEAR_DUPLICATE: f64 = 0.8;
/// Words in a shingle.
const SHINGLE_WORDS: usize = 3;

/// Goes down the ranking until the query's limit is reached. Passages that are
/// nearly the same as one above them are folded into it.
pub(super) async fn pick(
    store: &dyn Store,
    query: &Query,
    ranked: &[(Candidate, f32)],
) -> Result<Answer, StoreError> {
    let mut picked = Picked::default();
    // Most searches are done after the first batch; duplicates ask for more.
    let batch = query.limit.saturating_mul(2).max(1);
    for candidates in ranked.chunks(batch) {
        if picked.passages.len() >= query.limit {
            break;
        }
        let chunks: Vec<ChunkRef> = candidates.iter().map(|(hit, _)| hit.chunk).collect();
        let mut stored: HashMap<ChunkRef, StoredPassage> = store
            .passages(&chunks)
            .await?
            .into_iter()
            .map(|passage| {
                let chunk = ChunkRef {
                    document: passage.document.id,
                    index: passage.chunk.index,
                };
                (chunk, passage)
            })
            .collect();
        for (hit, score) in candidates {
            // Gone since it was ranked.
            let Some(stored) = stored.remove(&hit.chunk) else {
                continue;
            };
            if picked.passages.len() >= query.limit {
                break;
            }
            picked.offer(query, hit, *score, stored);
        }
    }
    let mut answer = Answer {
        passages: picked.passages,
        warnings: Vec::new(),
    };
    if query.neighbours > 0 {
        widen(store, query.neighbours, &mut answer.passages).await?;
    }
    if let Some(tokens_max) = query.tokens_max {
        keep_within(tokens_max, &mut answer);
    }
    Ok(answer)
}

#[derive(Default)]
struct Picked {
    passages: Vec<Passage>,
    shingles: Vec<HashSet<u64>>,
    per_document: HashMap<DocumentId, usize>,
}

impl Picked {
    fn offer(&mut self, query: &Query, hit: &Candidate, score: f32, stored: StoredPassage) {
        let document = stored.document.id;
        let shingles = shingles(&stored.chunk.text);
        let twin = self
            .shingles
            .iter()
            .position(|known| jaccard(known, &shingles) >= NEAR_DUPLICATE);
        if let Some(twin) = twin {
            let twin = &mut self.passages[twin];
            if twin.document.id != document && !twin.also_in.contains(&document) {
                twin.also_in.push(document);
            }
            return;
        }
        let count = self.per_document.entry(document).or_default();
        if *count >= query.per_document_max {
            return;
        }
        *count += 1;
        self.shingles.push(shingles);
        self.passages.push(Passage {
            document: stored.document,
            chunk: stored.chunk,
            similarity: hit.similarity,
            score,
            also_in: Vec::new(),
        });
    }
}

/// The hashes of every three words in a row, lower-cased; of all words when
/// there are fewer.
fn shingles(text: &str) -> HashSet<u64> {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let words: Vec<String> = text
        .split(|character: char| !character.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect();
    let hash = |words: &[String]| {
        let mut hasher = DefaultHasher::new();
        words.hash(&mut hasher);
        hasher.finish()
    };
    if words.len() < SHINGLE_WORDS {
        // Text of signs only is told apart by itself.
        return match words.is_empty() {
            true => HashSet::from([hash(&[text.trim().to_owned()])]),
            false => HashSet::from([hash(&words)]),
        };
    }
    words.windows(SHINGLE_WORDS).map(hash).collect()
}

fn jaccard(a: &HashSet<u64>, b: &HashSet<u64>) -> f64 {
    let (small, large) = if a.len() < b.len() { (a, b) } else { (b, a) };
    // The sizes alone often rule it out.
    if (small.len() as f64) < NEAR_DUPLICATE * large.len() as f64 {
        return 0.0;
    }
    let shared = small
        .iter()
        .filter(|shingle| large.contains(shingle))
        .count();
    shared as f64 / (a.len() + b.len() - shared) as f64
}

/// Lets passages reach over the chunks before and after them. One that a
/// better passage of the same document then covers is dropped.
async fn widen(
    store: &dyn Store,
    neighbours: u32,
    passages: &mut Vec<Passage>,
) -> Result<(), StoreError> {
    let mut texts: HashMap<DocumentId, Option<String>> = HashMap::new();
    let mut covered: HashMap<DocumentId, Vec<Span>> = HashMap::new();
    let mut widened = Vec::with_capacity(passages.len());
    for mut passage in passages.drain(..) {
        let id = passage.document.id;
        let spans = covered.entry(id).or_default();
        let own = passage.chunk.span;
        if spans
            .iter()
            .any(|span| span.start <= own.start && own.end <= span.end)
        {
            continue;
        }
        let first = passage.chunk.index.saturating_sub(neighbours);
        let last = passage.chunk.index.saturating_add(neighbours);
        let around = store.chunks(id, first, last).await?;
        let text = match texts.entry(id) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(unknown) => {
                unknown.insert(store.document(id).await?.map(|document| document.text))
            }
        };
        let ends = (around.first(), around.last(), text);
        if let (Some(first), Some(last), Some(text)) = ends {
            let span = Span {
                start: first.span.start,
                char_start: first.span.char_start,
                end: last.span.end,
                char_end: last.span.char_end,
            };
            // A document replaced since it was ranked keeps the passage as it was.
            if text.get(own.start..own.end) == Some(&passage.chunk.text)
                && let Some(slice) = text.get(span.start..span.end)
            {
                passage.chunk.text = slice.to_owned();
                passage.chunk.span = span;
            }
        }
        spans.push(passage.chunk.span);
        widened.push(passage);
    }
    *passages = widened;
    Ok(())
}

/// Keeps the best passages that fit into the budget together. The first stays
/// in any case: an answer of nothing helps nobody.
fn keep_within(tokens_max: usize, answer: &mut Answer) {
    let found = answer.passages.len();
    let mut spent = 0;
    let mut first = true;
    answer.passages.retain(|passage| {
        let tokens = estimate_tokens(&passage.chunk.text);
        let fits = first || spent + tokens <= tokens_max;
        first = false;
        if fits {
            spent += tokens;
        }
        fits
    });
    if answer.passages.len() < found {
        answer.warnings.push(format!(
            "{} of {found} passages fit into the budget of {tokens_max} tokens",
            answer.passages.len()
        ));
    } else if spent > tokens_max {
        answer.warnings.push(format!(
            "the best passage alone is about {spent} tokens, over the budget of {tokens_max}"
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_duplicates() {
        let long =
            "the cache is warmed on the first request and kept for an hour after it was used";
        for (a, b, expected) in [
            (long, &*long.to_uppercase(), true),
            (long, &*format!("{long} last"), true),
            (long, "the cache is cold", false),
            ("one two", "one two", true),
            ("one two", "one three", false),
            ("***", "***", true),
            ("***", "---", false),
            ("黑豹队的防守", "黑豹队的防守", true),
        ] {
            let same = jaccard(&shingles(a), &shingles(b)) >= NEAR_DUPLICATE;
            assert_eq!(same, expected, "{a:?} and {b:?}");
        }
    }
}
