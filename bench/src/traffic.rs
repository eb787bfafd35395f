//! What `load` and `soak` have in common: the program with a filled store and
//! behind authentication, and clients that ask it all they can and check every
//! answer.
//!
//! A client sends its next request when the last is answered, so there are as many
//! under way as there are clients, and the server has no rest.

mod client;
mod facts;
mod tally;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::{Duration, Instant};

use anyhow::Context;
use serde_json::json;

use crate::connection::{Connection, Request};
use crate::location::{Fresh, StoreUrl};
use crate::process::Process;
use crate::program::{Program, Server};
use crate::sample::or_dash;
use client::{AGAIN_EVERY, Client, MIX};
use facts::Fact;
pub(crate) use tally::{Kind, Tally};

/// The collection whose documents are asked for, and the one that is written to.
const ASKED: &str = "asked";
const WRITTEN: &str = "written";

/// What is asked.
#[derive(Debug, clap::Args)]
pub(crate) struct TargetArgs {
    /// The program
    #[arg(long, default_value = "target/release/rag", value_name = "FILE")]
    program: PathBuf,
    /// The store: `sqlite:FOLDER`, postgres://… or qdrant://HOST:PORT
    #[arg(long, default_value = "sqlite:")]
    store: StoreUrl,
    /// Documents to ask for, of one chunk each
    #[arg(long, default_value_t = 1_000)]
    documents: usize,
}

/// `rag serve` with a store of its own.
pub(crate) struct Target {
    server: Server,
    known: Arc<Known>,
    fresh: Fresh,
}

/// Processor time so far, of the server and of this process with its clients.
pub(crate) struct Cpu {
    server: Option<Duration>,
    clients: Option<Duration>,
}

/// What all clients know.
struct Known {
    address: SocketAddr,
    token: String,
    /// The ids of the documents that are asked for, by their facts.
    ids: Vec<String>,
    /// The fact that is written next.
    next: AtomicUsize,
}

impl Target {
    /// Starts the program and puts the documents in; says what is asked.
    pub(crate) async fn start(args: &TargetArgs) -> anyhow::Result<Self> {
        anyhow::ensure!(args.documents > 0, "there must be a document to ask for");
        let home = tempfile::tempdir()?;
        let fresh = args.store.fresh()?;
        let program = Program::new(&args.program)?
            .with(fresh.location.settings())
            .with([
                ("RAG_AUTH", "required".to_owned()),
                ("RAG_RATE_LIMIT", "0".to_owned()),
            ]);
        let create = ["token", "create", "bench", "--scope", "admin", "--json"];
        let made = program.run(home.path(), &create)?;
        let token = made["token"].as_str().context("no token was made")?;
        let server = Server::start(&program, &[])?;
        let mut connection = Connection::open_with(server.address, token).await?;
        let (ids, chunks) = fill(&mut connection, args.documents).await?;
        println!(
            "The {} store with {} documents of {chunks} chunks; callers have a token, their rate \
             is not limited, all else is as it is by default.\n",
            args.store.kind(),
            args.documents,
        );
        println!("{}\n", mix());
        let known = Known {
            address: server.address,
            token: token.to_owned(),
            ids,
            next: AtomicUsize::new(args.documents),
        };
        Ok(Target {
            server,
            known: Arc::new(known),
            fresh,
        })
    }

    /// The server's process.
    pub(crate) fn process(&self) -> Process {
        self.server.process()
    }

    /// The processor time so far.
    pub(crate) fn cpu(&self) -> Cpu {
        Cpu {
            server: self.process().cpu(),
            clients: Process::this().cpu(),
        }
    }

    /// Ends the program and takes the store out of its server.
    pub(crate) async fn end(self) -> anyhow::Result<()> {
        drop(self.server);
        self.fresh.remove().await
    }
}

impl Cpu {
    /// What was spent between this and then, in words.
    pub(crate) fn until(&self, then: &Cpu) -> String {
        let seconds = |before: Option<Duration>, after: Option<Duration>| {
            let spent = after.zip(before);
            let spent = spent.map(|(after, before)| after.saturating_sub(before).as_secs_f64());
            or_dash(spent, 1)
        };
        format!(
            "CPU: {} s of the server, {} s of the clients",
            seconds(self.server, then.server),
            seconds(self.clients, then.clients)
        )
    }
}

/// Makes the collections and puts in what is asked for: gives the ids, and how many
/// chunks there are.
async fn fill(connection: &mut Connection, documents: usize) -> anyhow::Result<(Vec<String>, u64)> {
    for name in [WRITTEN, ASKED] {
        let new = json!({ "name": name, "description": "What is measured" });
        connection.call("create_collection", new).await?;
    }
    let path = format!("/api/v1/collections/{ASKED}/documents");
    let (mut ids, mut chunks) = (Vec::with_capacity(documents), 0);
    for number in 0..documents {
        let request = Request::post(&path, &json!({ "content": Fact(number).text() }));
        let body = connection.send(&request).await?.body;
        let id = body["source_document_id"].as_str();
        ids.push(id.with_context(|| format!("no id: {body}"))?.to_owned());
        chunks += body["num_chunks"].as_u64().unwrap_or_default();
    }
    Ok((ids, chunks))
}

/// What clients do, in a sentence.
fn mix() -> String {
    let count = |kind: Kind| MIX.iter().filter(|other| **other == kind).count();
    format!(
        "Of {} requests of a client, {} are `list_collections` and {} searches over MCP, {} \
         searches and {} a put over the API; one put in {AGAIN_EVERY} is sent again with its key. \
         A search is wrong unless the one document that answers comes first. A request that is \
         refused waits as long as it is told to and is sent again, and its time is that of the \
         last try. Clients and server share the machine.",
        MIX.len(),
        count(Kind::List),
        count(Kind::SearchTool),
        count(Kind::SearchApi),
        count(Kind::Write),
    )
}

/// Clients that ask at the same time.
pub(crate) struct Crowd {
    clients: Vec<Client>,
}

impl Crowd {
    /// `count` clients, each of which keeps the last `kept_max` documents it wrote
    /// and removes older ones.
    pub(crate) async fn gather(
        target: &Target,
        count: usize,
        kept_max: usize,
    ) -> anyhow::Result<Self> {
        let mut clients = Vec::with_capacity(count);
        for number in 0..count {
            let known = Arc::clone(&target.known);
            clients.push(Client::open(known, number, kept_max).await?);
        }
        Ok(Crowd { clients })
    }

    /// Has all ask before anything is measured. What goes wrong here ends it.
    pub(crate) async fn warm_up(&mut self, time: Duration) -> anyhow::Result<()> {
        let tally = self.work(time).await?;
        anyhow::ensure!(
            tally.wrong_count() + tally.error_count() + tally.lost == 0,
            "something went wrong while warming up\n{}",
            tally.problems()
        );
        Ok(())
    }

    /// Has all ask for that long.
    pub(crate) async fn work(&mut self, time: Duration) -> anyhow::Result<Tally> {
        let until = Instant::now() + time;
        self.each(move |mut client| async move {
            client.work(until).await?;
            anyhow::Ok(client)
        })
        .await
    }

    /// Has all read what they wrote again, and remove it.
    pub(crate) async fn settle(&mut self) -> anyhow::Result<Tally> {
        self.each(|mut client| async move {
            client.settle().await?;
            anyhow::Ok(client)
        })
        .await
    }

    async fn each<Doing>(&mut self, doing: impl Fn(Client) -> Doing) -> anyhow::Result<Tally>
    where
        Doing: Future<Output = anyhow::Result<Client>> + Send + 'static,
    {
        let clients = self.clients.drain(..);
        let tasks: Vec<_> = clients.map(|client| tokio::spawn(doing(client))).collect();
        let mut all = Tally::default();
        for task in tasks {
            let mut client = task.await??;
            all.add(std::mem::take(&mut client.tally));
            self.clients.push(client);
        }
        Ok(all)
    }
}
