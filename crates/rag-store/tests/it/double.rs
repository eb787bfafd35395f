//! Qdrant servers for tests: the one that `QDRANT_TEST_URL` names, and doubles
//! that a test starts and ends itself.

use std::env;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use qdrant_client::Qdrant;
use rag_store::qdrant::{QdrantOptions, QdrantStore};

/// The server that tests may use.
pub(crate) fn test_server() -> String {
    setting("QDRANT_TEST_URL")
}

fn setting(name: &str) -> String {
    match env::var(name) {
        Ok(value) if !value.is_empty() => value,
        _ => panic!(
            "there is no Qdrant to test on, {name} is not set: run `eval \"$(tests/qdrant/start.sh)\"`, \
             which starts a double unless QDRANT_TEST_URL names a server's gRPC port"
        ),
    }
}

/// The names that one test has on a server.
pub(crate) struct Names {
    pub(crate) options: QdrantOptions,
}

impl Names {
    /// Names that no other test has.
    pub(crate) fn on(url: &str) -> Self {
        static COUNTER: AtomicU32 = AtomicU32::new(0);
        let number = COUNTER.fetch_add(1, Ordering::Relaxed);
        let mut options = QdrantOptions::new(url);
        options.api_key = env::var("QDRANT_TEST_API_KEY").ok();
        options.prefix = format!("ragtest{}x{number}", std::process::id());
        options.timeout = Duration::from_secs(60);
        Names { options }
    }

    /// A store that is not connected yet, as in a process of its own.
    pub(crate) fn store(&self) -> QdrantStore {
        QdrantStore::new(self.options.clone()).unwrap()
    }

    pub(crate) fn client(&self) -> Qdrant {
        Qdrant::from_url(&self.options.url)
            .api_key(self.options.api_key.clone())
            .timeout(self.options.timeout)
            .skip_compatibility_check()
            .build()
            .unwrap()
    }

    /// How many points there are in the Qdrant collections of these names.
    pub(crate) async fn point_count(&self) -> u64 {
        let client = self.client();
        let mut count = 0;
        for name in self.collections(&client).await {
            let request = qdrant_client::qdrant::CountPoints {
                collection_name: name,
                exact: Some(true),
                ..Default::default()
            };
            count += client.count(request).await.unwrap().result.unwrap().count;
        }
        count
    }

    /// Removes what the test made.
    pub(crate) async fn remove(self) {
        let client = self.client();
        for name in self.collections(&client).await {
            client.delete_collection(name).await.unwrap();
        }
    }

    async fn collections(&self, client: &Qdrant) -> Vec<String> {
        let start = format!("{}_", self.options.prefix);
        let listed = client.list_collections().await.unwrap().collections;
        let names = listed.into_iter().map(|collection| collection.name);
        names.filter(|name| name.starts_with(&start)).collect()
    }
}

/// A double at work. It is killed when it is dropped.
pub(crate) struct Double {
    process: Child,
    pub(crate) url: String,
}

impl Double {
    /// Starts one with these switches, and waits until it listens.
    pub(crate) fn start(port: u16, switches: &[&str]) -> Self {
        let command = setting("QDRANT_DOUBLE");
        let mut words = command.split_whitespace();
        let mut process = Command::new(words.next().unwrap())
            .args(words)
            .args(["--port", &port.to_string()])
            .args(switches)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut said = BufReader::new(process.stdout.take().unwrap());
        said.read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("LISTENING ");
        let address = address.unwrap_or_else(|| panic!("the double said {line:?}"));
        Double {
            process,
            url: format!("http://{address}"),
        }
    }

    /// Ends it at once, whatever it does.
    pub(crate) fn kill(&mut self) {
        // It may have killed itself, as some switches make it do.
        let _ = self.process.kill();
        self.process.wait().unwrap();
    }
}

impl Drop for Double {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A port that nobody listens on.
pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    listener.local_addr().unwrap().port()
}
