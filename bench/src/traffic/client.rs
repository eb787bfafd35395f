//! One client: asks one thing after the other and checks every answer.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::time::{sleep, timeout};

use super::facts::Fact;
use super::tally::{Kind, Tally};
use super::{ASKED, Known, WRITTEN};
use crate::connection::{Answer, Connection, Request};

/// What a client does, again and again.
pub(super) const MIX: [Kind; 10] = [
    Kind::List,
    Kind::SearchTool,
    Kind::List,
    Kind::SearchApi,
    Kind::Write,
    Kind::List,
    Kind::SearchTool,
    Kind::List,
    Kind::SearchApi,
    Kind::SearchTool,
];
/// One write in so many is sent again with its key.
pub(super) const AGAIN_EVERY: usize = 10;
/// How long an answer may take: longer than the server gives a request.
const ANSWER_MAX: Duration = Duration::from_secs(150);
/// How long to wait when the connection broke, and how often that may be in a row.
const BROKEN_PAUSE: Duration = Duration::from_millis(200);
const BROKEN_MAX: usize = 10;
/// How long reading everything again may take.
const SETTLE_MAX: Duration = Duration::from_secs(600);

/// A client with a connection of its own.
pub(super) struct Client {
    number: usize,
    known: Arc<Known>,
    connection: Connection,
    /// How many things it has done.
    step: usize,
    /// What it wrote that is acknowledged and not removed since, oldest first.
    kept: VecDeque<Written>,
    /// How many of these it keeps.
    kept_max: usize,
    /// When it is to stop.
    until: Instant,
    /// How often the connection broke since the last answer.
    broken: usize,
    pub(super) tally: Tally,
}

/// A write that was acknowledged.
struct Written {
    fact: Fact,
    id: String,
}

/// Why a request has no answer that could be checked.
enum Unanswered {
    /// It was refused until there was no time left.
    Refused,
    /// It failed, which is counted.
    Failed,
}

impl Client {
    pub(super) async fn open(
        known: Arc<Known>,
        number: usize,
        kept_max: usize,
    ) -> anyhow::Result<Self> {
        Ok(Client {
            number,
            connection: Connection::open_with(known.address, &known.token).await?,
            known,
            // They do different things at a time.
            step: number,
            kept: VecDeque::new(),
            kept_max,
            until: Instant::now(),
            broken: 0,
            tally: Tally::default(),
        })
    }

    /// Goes through the mix until then.
    pub(super) async fn work(&mut self, until: Instant) -> anyhow::Result<()> {
        self.until = until;
        while Instant::now() < until {
            let kind = MIX[self.step % MIX.len()];
            // What became of it is in the tally.
            let _ = match kind {
                Kind::List => self.list().await,
                Kind::SearchTool | Kind::SearchApi => self.search(kind).await,
                _ => self.write().await,
            };
            self.step += 1;
            self.ensure_reached()?;
        }
        Ok(())
    }

    /// Reads everything again that it keeps, and removes it. What cannot be read is lost.
    pub(super) async fn settle(&mut self) -> anyhow::Result<()> {
        self.until = Instant::now() + SETTLE_MAX;
        while !self.kept.is_empty() && Instant::now() < self.until {
            // What became of it is in the tally.
            let _ = self.retire().await;
            self.ensure_reached()?;
        }
        self.tally.looked_for += self.kept.len();
        self.tally.lost += self.kept.len();
        self.kept.clear();
        Ok(())
    }

    fn ensure_reached(&self) -> anyhow::Result<()> {
        anyhow::ensure!(
            self.broken < BROKEN_MAX,
            "the server does not answer any more\n{}",
            self.tally.problems()
        );
        Ok(())
    }

    async fn list(&mut self) -> Result<(), Unanswered> {
        let request = Request::call("list_collections", &json!({}));
        let answer = self.send(Kind::List, &request, &[200]).await?;
        let documents = self.known.ids.len();
        let is_right = |collection: &Value| {
            collection["name"] == ASKED && collection["document_count"] == documents
        };
        let listed = answer.content()["collections"].as_array();
        if !listed.is_some_and(|listed| listed.iter().any(is_right)) {
            let what = format!("no `{ASKED}` with {documents} documents: {}", answer.body);
            self.tally.wrong(Kind::List, what);
        }
        Ok(())
    }

    /// Asks what one document alone answers: over MCP everywhere, over the API in
    /// its collection.
    async fn search(&mut self, kind: Kind) -> Result<(), Unanswered> {
        let known = Arc::clone(&self.known);
        let place = (self.number * 389 + self.step * 7) % known.ids.len();
        let question = Fact(place).question(self.step);
        let request = match kind {
            Kind::SearchTool => Request::call("search_documents", &json!({ "query": question })),
            _ => {
                let body = json!({ "query": question, "collection_name": ASKED });
                Request::post("/api/v1/search", &body)
            }
        };
        let answer = self.send(kind, &request, &[200]).await?;
        let found = match kind {
            Kind::SearchTool => answer.content(),
            _ => &answer.body,
        };
        let first = &found["results"][0]["source_document_id"];
        if *first != known.ids[place] {
            let expected = &known.ids[place];
            let what = format!("`{question}` is answered by {expected}, not by {first}");
            self.tally.wrong(kind, what);
        }
        Ok(())
    }

    async fn write(&mut self) -> Result<(), Unanswered> {
        let number = self.known.next.fetch_add(1, Ordering::Relaxed);
        let fact = Fact(number);
        let path = format!("/api/v1/collections/{WRITTEN}/documents");
        let request = Request::post(&path, &json!({ "content": fact.text() }))
            .with("idempotency-key", &format!("write-{number}"));
        let answer = self.send(Kind::Write, &request, &[201]).await?;
        let Some(id) = answer.body["source_document_id"].as_str() else {
            let what = format!("no id: {}", answer.body);
            self.tally.wrong(Kind::Write, what);
            return Ok(());
        };
        let id = id.to_owned();
        self.kept.push_back(Written {
            fact,
            id: id.clone(),
        });
        if number.is_multiple_of(AGAIN_EVERY) {
            let again = self.send(Kind::WriteAgain, &request, &[200, 201]).await?;
            if again.body["source_document_id"] != id {
                let what = format!("{id} was answered first, then {}", again.body);
                self.tally.wrong(Kind::WriteAgain, what);
            }
        }
        if self.kept.len() > self.kept_max {
            self.retire().await?;
        }
        Ok(())
    }

    /// Reads the oldest document that it keeps, and removes it.
    async fn retire(&mut self) -> Result<(), Unanswered> {
        let Some(written) = self.kept.pop_front() else {
            return Ok(());
        };
        let path = format!("/api/v1/documents/{}", written.id);
        let read = self
            .send(Kind::Read, &Request::get(&path), &[200, 404])
            .await;
        let is_there = match &read {
            Ok(answer) => answer.body["content"] == written.fact.text(),
            Err(Unanswered::Failed) => false,
            Err(Unanswered::Refused) => {
                self.kept.push_front(written);
                return Err(Unanswered::Refused);
            }
        };
        self.tally.looked_for += 1;
        if !is_there {
            self.tally.lost += 1;
            return Ok(());
        }
        let removal = Request::delete(&path);
        let answer = self.send(Kind::Remove, &removal, &[200]).await?;
        if answer.body["document_id"] != written.id {
            let what = format!("{} was to be removed: {}", written.id, answer.body);
            self.tally.wrong(Kind::Remove, what);
        }
        Ok(())
    }

    /// Sends a request until it is answered with one of the `accepted` statuses or
    /// fails. One that is refused waits for as long as it is told to, and is sent
    /// again; what counts as its time is that of the last try.
    async fn send(
        &mut self,
        kind: Kind,
        request: &Request,
        accepted: &[u16],
    ) -> Result<Answer, Unanswered> {
        loop {
            let began = Instant::now();
            let answer = match timeout(ANSWER_MAX, self.connection.send(request)).await {
                Ok(Ok(answer)) => answer,
                Ok(Err(error)) => return Err(self.broke(kind, format!("{error:#}")).await),
                Err(_) => return Err(self.broke(kind, "no answer in time".to_owned()).await),
            };
            let wall = began.elapsed();
            self.broken = 0;
            if let Some(pause) = refusal(&answer) {
                self.tally.refused(kind);
                let left = self.until.saturating_duration_since(Instant::now());
                sleep(pause.min(left)).await;
                if left <= pause {
                    return Err(Unanswered::Refused);
                }
                continue;
            }
            let Answer { status, body, .. } = &answer;
            if !accepted.contains(status) || answer.is_failed_call() {
                let reason = match status {
                    200 => "failed call".to_owned(),
                    status => status.to_string(),
                };
                self.tally.failed(kind, &reason, format!("{status} {body}"));
                return Err(Unanswered::Failed);
            }
            self.tally.answered(kind, wall);
            return Ok(answer);
        }
    }

    async fn broke(&mut self, kind: Kind, what: String) -> Unanswered {
        self.broken += 1;
        self.tally.failed(kind, "broken", what);
        sleep(BROKEN_PAUSE).await;
        Unanswered::Failed
    }
}

/// How long to stay away, when the server refused a request for having too many.
/// Other answers that say when to come again, such as of a store that cannot be
/// reached, are failures.
fn refusal(answer: &Answer) -> Option<Duration> {
    let is_refused = answer.status == 503 && answer.body["kind"] == "busy";
    let seconds = answer.retry_after.filter(|_| is_refused)?;
    Some(Duration::from_secs(seconds))
}
