//! A store that is lost and comes back while many callers are at work: each answer
//! is right or says that the store is away, and what was acknowledged is there.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::program::{PATIENCE, until};
use crate::served::Served;
use crate::stores::{postgres_url, qdrant_url, unique, user_at, wired};

/// How many ask at the same time: more than are worked on at once.
const CALLERS: usize = 30;
/// How long they do before the store is lost, and how long it is away.
const BEFORE: Duration = Duration::from_secs(3);
const AWAY: Duration = Duration::from_secs(4);
/// How long one waits before a request is sent again.
const PAUSE: Duration = Duration::from_millis(200);
/// How long an answer may take while the store is away.
const ANSWER_MAX: Duration = Duration::from_secs(30);

/// What is asked, and which document alone answers it.
const FACTS: [(&str, &str); 8] = [
    (
        "Who keeps bees in Brunnhof?",
        "In Brunnhof the glazier keeps bees.",
    ),
    (
        "What is brewed in Talvik?",
        "The monks of Talvik brew beer from spruce.",
    ),
    (
        "Where is the blue ferry mended?",
        "The blue ferry is mended in Ostersund each winter.",
    ),
    (
        "When does the owl of Marnau call?",
        "The owl of Marnau calls at half past four.",
    ),
    (
        "Which bridge is made of oak?",
        "The bridge over the Lind is made of oak.",
    ),
    (
        "Who plays the organ in Pello?",
        "A retired pilot plays the organ in Pello.",
    ),
    (
        "What grows on the roof of the mint?",
        "Saffron grows on the roof of the mint.",
    ),
    (
        "How deep is the well of Kastell?",
        "The well of Kastell is ninety metres deep.",
    ),
];

/// What all callers share.
struct Shared<'test> {
    served: &'test Served,
    /// The documents that answer, in the order of [`FACTS`].
    ids: &'test [String],
    /// Nobody begins anything new.
    is_over: AtomicBool,
    /// The store is back.
    is_back: AtomicBool,
}

/// What happened to one caller.
#[derive(Default)]
struct Told {
    right: usize,
    /// Of these, after the store was back.
    right_again: usize,
    /// How often it was told that the store is away.
    away: usize,
    /// What was acknowledged: its text and its id.
    written: Vec<(String, String)>,
    slowest: Duration,
    wrong: Vec<String>,
}

/// A status, the header `retry-after`, and the body.
struct Reply(u16, bool, Value);

impl Shared<'_> {
    fn ask(&self, told: &mut Told, path: &str, headers: &[&str], body: &Value) -> Reply {
        let began = Instant::now();
        let (status, answer) = self.served.ask("POST", path, headers, &body.to_string());
        told.slowest = told.slowest.max(began.elapsed());
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let body = serde_json::from_str(body).unwrap_or_else(|_| Value::from(body));
        Reply(status, head.contains("retry-after: "), body)
    }

    fn search(&self, told: &mut Told, number: usize) {
        let place = number % FACTS.len();
        let (question, _) = FACTS[place];
        let arguments = json!({"query": question, "collection_name": "asked"});
        let over_mcp = number.is_multiple_of(2);
        let Reply(status, retry, body) = match over_mcp {
            true => {
                let params = json!({"name": "search_documents", "arguments": arguments});
                let call =
                    json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params});
                self.ask(told, "/mcp", &[], &call)
            }
            false => self.ask(told, "/api/v1/search", &[], &arguments),
        };
        let result = &body["result"];
        let (found, is_away) = match over_mcp {
            true => (
                &result["structuredContent"],
                is_unavailable(status, retry, &body)
                    || (result["isError"] == true && mentions(result, "unavailable")),
            ),
            false => (&body, is_unavailable(status, retry, &body)),
        };
        let first = &found["results"][0]["source_document_id"];
        if is_away {
            told.away += 1;
            std::thread::sleep(PAUSE);
        } else if status == 200 && *first == self.ids[place] {
            told.right += 1;
            told.right_again += usize::from(self.is_back.load(Ordering::SeqCst));
        } else {
            told.wrong.push(format!("{question}: {status} {body}"));
        }
    }

    /// Writes a document, and sends it again with the same key until it is there.
    fn write(&self, told: &mut Told, caller: usize, number: usize) {
        let text = format!("Caller {caller} wrote down the number {number}.");
        let body = json!({"content": text});
        let key = format!("Idempotency-Key: write-{caller}-{number}");
        let began = Instant::now();
        while began.elapsed() < PATIENCE {
            let path = "/api/v1/collections/written/documents";
            let Reply(status, retry, answer) = self.ask(told, path, &[&key], &body);
            match status {
                200 | 201 => {
                    let id = answer["source_document_id"].as_str().unwrap();
                    return told.written.push((text, id.to_owned()));
                }
                409 if answer["kind"] == "under_way" => {}
                _ if is_unavailable(status, retry, &answer) => told.away += 1,
                _ => told.wrong.push(format!("{text}: {status} {answer}")),
            }
            std::thread::sleep(PAUSE);
        }
        told.wrong.push(format!("{text}: never acknowledged"));
    }
}

/// Whether an answer says that the store is away, or the server too busy with
/// those who wait for it.
fn is_unavailable(status: u16, retry: bool, body: &Value) -> bool {
    status == 503 && retry && (body["kind"] == "unavailable" || body["kind"] == "busy")
}

fn mentions(value: &Value, word: &str) -> bool {
    value.to_string().contains(word)
}

fn work(shared: &Shared<'_>, caller: usize) -> Told {
    let mut told = Told::default();
    for number in caller.. {
        if shared.is_over.load(Ordering::SeqCst) {
            break;
        }
        match number % 3 {
            0 => shared.write(&mut told, caller, number),
            _ => shared.search(&mut told, number),
        }
    }
    told
}

#[test]
fn nothing_is_lost_when_the_store_is_away_for_a_while() {
    for url in [postgres_url(), qdrant_url()] {
        let (wire, through) = wired(&url);
        let name = unique("outage");
        let user = user_at(&through, &name)
            .with("RAG_RATE_LIMIT", "0")
            .with_collection("asked")
            .with_collection("written");
        let ids = FACTS.map(|(_, text)| {
            let ingested = user.json(&["ingest", "text", text, "-c", "asked"]);
            ingested["source_document_id"].as_str().unwrap().to_owned()
        });
        let served = Served::start(&user, &[]);
        let shared = Shared {
            served: &served,
            ids: &ids,
            is_over: AtomicBool::new(false),
            is_back: AtomicBool::new(false),
        };
        let all: Vec<Told> = std::thread::scope(|scope| {
            let callers = 0..CALLERS;
            let callers: Vec<_> = callers
                .map(|caller| {
                    scope.spawn({
                        let shared = &shared;
                        move || work(shared, caller)
                    })
                })
                .collect();
            std::thread::sleep(BEFORE);
            wire.cut();
            std::thread::sleep(AWAY);
            until("a try to reach the store", || wire.refused() > 0);
            wire.mend();
            let is_well = || served.get("/health", &[]).0 == 200;
            until("a server that is well again", is_well);
            shared.is_back.store(true, Ordering::SeqCst);
            std::thread::sleep(BEFORE);
            shared.is_over.store(true, Ordering::SeqCst);
            callers
                .into_iter()
                .map(|caller| caller.join().unwrap())
                .collect()
        });
        let sum = |count: fn(&Told) -> usize| all.iter().map(count).sum::<usize>();
        let wrong: Vec<&String> = all.iter().flat_map(|told| &told.wrong).collect();
        assert!(wrong.is_empty(), "{url}: {wrong:#?}");
        let slowest = all.iter().map(|told| told.slowest).max().unwrap();
        assert!(slowest < ANSWER_MAX, "{url}: {slowest:?}");
        // Some waited for it and others were told, whichever the store's client does.
        let noticed = sum(|told| told.away) > 0 || slowest > AWAY / 2;
        assert!(noticed, "{url}: nobody noticed");
        assert!(
            sum(|told| told.right_again) > 0,
            "{url}: nobody was answered again"
        );

        let written: Vec<&(String, String)> = all.iter().flat_map(|told| &told.written).collect();
        for (text, id) in &written {
            let (status, answer) = served.get(&format!("/api/v1/documents/{id}"), &[]);
            assert!(
                status == 200 && answer.contains(text.as_str()),
                "{url}: {text} is lost: {answer}"
            );
        }
        // What was sent again is there once.
        let listed = user.json(&["document", "list", "-c", "written", "--limit", "1"]);
        assert_eq!(listed["total_count"], written.len(), "{url}");
    }
}
