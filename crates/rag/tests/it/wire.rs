//! A wire to a server that can be cut: what goes through it is the server's, and
//! cut it is as if the server were away.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// A wire. It ends with the test's process.
pub(crate) struct Wire {
    port: u16,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    is_cut: AtomicBool,
    /// How many connections were refused.
    refused: AtomicUsize,
    open: Mutex<Vec<TcpStream>>,
}

impl Wire {
    /// A wire to `port` of this machine.
    pub(crate) fn to(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let wire = Wire {
            port: listener.local_addr().unwrap().port(),
            state: Arc::default(),
        };
        let state = wire.state.clone();
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                if state.is_cut.load(Ordering::SeqCst) {
                    state.refused.fetch_add(1, Ordering::SeqCst);
                } else {
                    connect(client, port, &state);
                }
            }
        });
        wire
    }

    /// The port to talk to instead of the server's.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Ends all connections, and refuses others until it is mended.
    pub(crate) fn cut(&self) {
        self.state.is_cut.store(true, Ordering::SeqCst);
        for end in self.state.open.lock().unwrap().drain(..) {
            // One that ended by itself is no matter.
            let _ = end.shutdown(Shutdown::Both);
        }
    }

    pub(crate) fn mend(&self) {
        self.state.refused.store(0, Ordering::SeqCst);
        self.state.is_cut.store(false, Ordering::SeqCst);
    }

    /// How many connections were refused since it was cut.
    pub(crate) fn refused(&self) -> usize {
        self.state.refused.load(Ordering::SeqCst)
    }
}

fn connect(client: TcpStream, port: u16, state: &State) {
    let server = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let ends = [&client, &server].map(|end| end.try_clone().unwrap());
    state.open.lock().unwrap().extend(ends);
    let back = (server.try_clone().unwrap(), client.try_clone().unwrap());
    for (from, to) in [(client, server), back] {
        std::thread::spawn(move || pass(from, to));
    }
}

/// Passes on what comes, and the end of it.
fn pass(mut from: TcpStream, mut to: TcpStream) {
    let mut buffer = [0; 16 * 1024];
    while let Ok(count) = from.read(&mut buffer) {
        if count == 0 || to.write_all(&buffer[..count]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}
