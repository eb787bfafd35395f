//! A web site on loopback that answers what a test tells it to.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard};

use tokio::net::{TcpListener, TcpSocket};
use tokio::task::JoinHandle;
use url::Url;

use crate::serve::serve;
use crate::{Answer, SeenRequest};

/// So many requests are kept; of more, the oldest are forgotten.
const REQUESTS_MAX: usize = 100_000;

/// How many connections may wait to be accepted.
const BACKLOG: u32 = 1024;

/// Answers requests for which no path was put, or leaves them to others. Called
/// anew for each request, so that `failing_first` on its answers never ends.
pub type Fallback = Arc<dyn Fn(&SeenRequest) -> Option<Answer> + Send + Sync>;

/// A web site on loopback. Ends, with all its connections, when it is dropped.
#[derive(Debug)]
pub struct Site {
    address: SocketAddr,
    state: Arc<State>,
    server: Mutex<Server>,
}

/// Whether the site is up.
#[derive(Debug)]
enum Server {
    Up(JoinHandle<()>),
    /// Bound, not listening: the port stays ours, and connections are refused.
    Down(Option<TcpSocket>),
}

impl Site {
    /// An empty site, which answers 404, on a port that the system chooses.
    pub async fn start() -> Site {
        Site::start_at(0).await
    }

    /// An empty site on this port. Panics when that is taken.
    pub async fn start_at(port: u16) -> Site {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))
            .await
            .expect("loopback has the port");
        let address = listener.local_addr().expect("a listener has an address");
        let state = Arc::new(State::default());
        let server = tokio::spawn(serve(listener, Arc::clone(&state)));
        Site {
            address,
            state,
            server: Mutex::new(Server::Up(server)),
        }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// `127.0.0.1:PORT`: what to name among the private hosts that are allowed.
    pub fn host(&self) -> String {
        self.address.to_string()
    }

    /// The address of a path, with or without a query.
    pub fn url(&self, path: &str) -> Url {
        let text = format!("http://{}{path}", self.address);
        Url::parse(&text).expect("a path on loopback is an address")
    }

    /// Answers a path so, whatever its query; or, where `path` has a query,
    /// only exactly that.
    pub fn put(&self, path: &str, answer: Answer) {
        self.lock().answers.insert(path.to_owned(), answer);
    }

    /// Answers a path with 404 again, or with what a fallback makes of it.
    pub fn remove(&self, path: &str) {
        self.lock().answers.remove(path);
    }

    /// Asks `fallback` for every path that is not put. The latest comes first.
    pub fn put_fallback(&self, fallback: Fallback) {
        self.lock().fallbacks.insert(0, fallback);
    }

    /// Breaks all connections and refuses new ones.
    pub async fn go_down(&self) {
        let server = std::mem::replace(&mut *self.server(), Server::Down(None));
        let socket = match server {
            Server::Down(socket) => socket,
            Server::Up(task) => {
                task.abort();
                // The port is free only when the task is really gone.
                let _ = task.await;
                let socket = TcpSocket::new_v4().expect("the system has a socket");
                socket.set_reuseaddr(true).expect("the option exists");
                socket.bind(self.address).expect("the port was ours");
                Some(socket)
            }
        };
        *self.server() = Server::Down(socket);
    }

    /// Listens again, at the same address.
    pub async fn come_back(&self) {
        let mut server = self.server();
        if let Server::Down(socket) = &mut *server {
            let socket = socket.take().expect("going down has ended");
            let listener = socket.listen(BACKLOG).expect("the port is ours");
            *server = Server::Up(tokio::spawn(serve(listener, Arc::clone(&self.state))));
        }
    }

    /// How many requests there were for a path, whatever its query; or, where
    /// `path` has a query, for exactly that.
    pub fn count(&self, path: &str) -> usize {
        self.lock().counts.get(path).copied().unwrap_or(0)
    }

    /// The requests in the order in which they came, the latest 100,000.
    pub fn requests(&self) -> Vec<SeenRequest> {
        self.lock().requests.iter().cloned().collect()
    }

    /// Forgets the requests and their counts.
    pub fn clear_requests(&self) {
        let mut inner = self.lock();
        inner.requests.clear();
        inner.counts.clear();
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.state.lock()
    }

    fn server(&self) -> MutexGuard<'_, Server> {
        self.server.lock().expect("nobody panics holding this")
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        if let Server::Up(task) = &*self.server() {
            task.abort();
        }
    }
}

/// What the site's connections share.
#[derive(Debug, Default)]
pub(crate) struct State(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    answers: HashMap<String, Answer>,
    fallbacks: Vec<Fallback>,
    requests: VecDeque<SeenRequest>,
    counts: HashMap<String, usize>,
}

impl State {
    /// Notes a request and answers it.
    pub(crate) fn answer(&self, request: &SeenRequest) -> Answer {
        let (put, fallbacks) = {
            let mut inner = self.lock();
            inner.note(request);
            let put = inner
                .answers
                .get(&request.path_and_query)
                .or_else(|| inner.answers.get(request.path()));
            (put.cloned(), inner.fallbacks.clone())
        };
        // Outside of the lock: a fallback may look at the site's requests.
        put.or_else(|| fallbacks.iter().find_map(|fallback| fallback(request)))
            .unwrap_or_else(|| Answer::status(404))
            .resolve(request)
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().expect("nobody panics holding this")
    }
}

impl Inner {
    fn note(&mut self, request: &SeenRequest) {
        let path = request.path().to_owned();
        *self.counts.entry(path).or_default() += 1;
        if request.path_and_query.contains('?') {
            let exactly = request.path_and_query.clone();
            *self.counts.entry(exactly).or_default() += 1;
        }
        if self.requests.len() == REQUESTS_MAX {
            self.requests.pop_front();
        }
        self.requests.push_back(request.clone());
    }
}

impl fmt::Debug for Inner {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Inner")
            .field("answers", &self.answers.len())
            .field("fallbacks", &self.fallbacks.len())
            .field("requests", &self.requests.len())
            .finish_non_exhaustive()
    }
}
