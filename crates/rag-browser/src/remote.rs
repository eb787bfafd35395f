//! Connects to a browser that somebody else started, by its DevTools address, and
//! checks how it was started.
//!
//! Its pages go through our proxies, which listen on loopback and tell nobody
//! apart: so it must be on this machine, or in the same network namespace
//! (`network_mode: "service:…"`, a second container of a pod). Then the same
//! guard holds for its pages as for those of a browser of our own. What passes
//! by every proxy, WebRTC over UDP, has to be closed for the whole browser: what
//! we could tell a page does not hold for its workers, for frames of other sites
//! and for windows that it opens. So a browser that was not started that way is
//! refused.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use chromiumoxide::types::{Command, Method, MethodId};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use url::{Host, Url};

use crate::address::told;
use crate::link::{Link, Wire};

/// How long connecting may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// The longest answer to where the WebSocket is, in bytes.
const ANSWER_BYTES_MAX: u64 = 64 << 10;

/// What a browser has to be started with. Some versions have it with `--force-`
/// before it.
const NO_UDP: &str = "webrtc-ip-handling-policy=disable_non_proxied_udp";

/// Asks how the browser was started. The protocol's own type is not used: it
/// tells of graphics cards, other with every version.
#[derive(Serialize)]
struct GetInfo {}

#[derive(Debug, Deserialize)]
struct Info {
    #[serde(default, rename = "commandLine")]
    command_line: String,
}

impl Method for GetInfo {
    fn identifier(&self) -> MethodId {
        "SystemInfo.getInfo".into()
    }
}

impl Command for GetInfo {
    type Response = Info;
}

/// Whether the pages of the browser at `address` reach the network through
/// their proxy only. Fails with what is wrong and what can be done.
pub(crate) async fn check(link: &Link, address: &Url) -> Result<(), String> {
    let asked = link.execute(None, GetInfo {}).await;
    let info = asked.map_err(|error| error.to_string())?;
    if is_closed_to_udp(&info.command_line) {
        return Ok(());
    }
    let address = told(address);
    Err(format!(
        "the browser at `{address}` was not started with `--force-{NO_UDP}`: its pages could \
         reach private addresses past the guard\n\n\
         hint: start it with that argument"
    ))
}

fn is_closed_to_udp(command_line: &str) -> bool {
    let mut arguments = command_line.split_ascii_whitespace();
    arguments.any(|argument| {
        let argument = argument.trim_start_matches("--");
        argument.strip_prefix("force-").unwrap_or(argument) == NO_UDP
    })
}

/// The wire to the browser at `address`. Fails with what is wrong and what can be
/// done.
pub(crate) async fn connect(address: &Url) -> Result<Wire, String> {
    let (place, port) = loopback(address)?;
    let named = told(address);
    let failed = |error: String| format!("the browser at `{named}` cannot be reached: {error}");
    let connecting = async {
        let path = match address.scheme() {
            "ws" => address.path().to_owned(),
            _ => ask(place, port).await?,
        };
        let host = match place {
            IpAddr::V4(address) => address.to_string(),
            IpAddr::V6(address) => format!("[{address}]"),
        };
        let socket = Wire::socket(&format!("ws://{host}:{port}{path}")).await;
        socket.map_err(|error| error.to_string())
    };
    timeout(CONNECT_TIMEOUT, connecting)
        .await
        .unwrap_or_else(|_| Err("it does not answer".to_owned()))
        .map_err(failed)
}

/// The address and port of a browser on this machine.
fn loopback(address: &Url) -> Result<(IpAddr, u16), String> {
    let (port, named) = (address.port_or_known_default(), told(address));
    let (Some(port), "http" | "ws") = (port, address.scheme()) else {
        return Err(format!(
            "`{named}` is no DevTools address\n\n\
             hint: set `RAG_BROWSER_URL` to one such as `http://127.0.0.1:9222`"
        ));
    };
    let place = match address.host() {
        Some(Host::Ipv4(place)) => Some(IpAddr::V4(place)),
        Some(Host::Ipv6(place)) => Some(IpAddr::V6(place)),
        Some(Host::Domain("localhost")) => Some(IpAddr::V4(Ipv4Addr::LOCALHOST)),
        Some(Host::Domain(_)) | None => None,
    };
    match place.filter(IpAddr::is_loopback) {
        Some(place) => Ok((place, port)),
        None => Err(format!(
            "the browser at `{named}` is on another machine, where its pages could reach \
             private addresses past the guard\n\n\
             hint: run it in the same network namespace, and set `RAG_BROWSER_URL` to its \
             address on loopback"
        )),
    }
}

/// Asks where the browser's WebSocket is.
async fn ask(place: IpAddr, port: u16) -> Result<String, String> {
    let exchange = async {
        let mut stream = TcpStream::connect((place, port)).await?;
        let request = format!(
            "GET /json/version HTTP/1.1\r\nhost: localhost:{port}\r\nconnection: close\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).await?;
        let mut answer = Vec::new();
        let mut limited = stream.take(ANSWER_BYTES_MAX);
        // The browser may keep the connection open all the same.
        while socket_path(&answer).is_none() && limited.read_buf(&mut answer).await? > 0 {}
        Ok(answer)
    };
    let answer: std::io::Result<Vec<u8>> = exchange.await;
    let answer = answer.map_err(|error| error.to_string())?;
    socket_path(&answer).ok_or_else(|| "it gives no DevTools address".to_owned())
}

/// The path of the WebSocket that an answer tells, when it is there to its end.
fn socket_path(answer: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(answer).ok()?;
    let (_, body) = text.split_once("\r\n\r\n")?;
    let body: serde_json::Value = serde_json::from_str(body).ok()?;
    let socket = Url::parse(body["webSocketDebuggerUrl"].as_str()?).ok()?;
    Some(socket.path().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_browser_on_this_machine_will_do() {
        for (address, expected) in [
            ("http://127.0.0.1:9222", Ok(9222)),
            ("http://localhost:9222/", Ok(9222)),
            ("ws://[::1]:9000/devtools/browser/1", Ok(9000)),
            ("http://127.0.0.1", Ok(80)),
            ("http://10.0.0.7:9222", Err("another machine")),
            ("http://chrome:9222", Err("another machine")),
            ("wss://127.0.0.1:9222", Err("no DevTools address")),
            ("file:///tmp/browser", Err("no DevTools address")),
        ] {
            let found = loopback(&Url::parse(address).unwrap());
            match (found, expected) {
                (Ok((_, port)), Ok(expected)) => assert_eq!(port, expected, "{address}"),
                (Err(message), Err(expected)) => assert!(message.contains(expected), "{message}"),
                (found, expected) => panic!("{address}: {found:?}, not {expected:?}"),
            }
        }
    }

    #[test]
    fn a_browser_has_to_be_closed_to_udp() {
        for (command_line, expected) in [
            (
                format!("chrome --headless --force-{NO_UDP} about:blank"),
                true,
            ),
            (format!("chrome --{NO_UDP}"), true),
            ("chrome --headless".to_owned(), false),
            (String::new(), false),
            (format!("chrome --{NO_UDP}_not"), false),
            (format!("chrome --title=--{NO_UDP}"), false),
        ] {
            assert_eq!(is_closed_to_udp(&command_line), expected, "{command_line}");
        }
    }

    #[test]
    fn an_address_is_told_without_its_secrets() {
        let address = "http://user:word@chrome.example:9222/?token=secret";
        let message = loopback(&Url::parse(address).unwrap()).unwrap_err();
        assert!(message.contains("chrome.example"), "{message}");
        assert!(
            !message.contains("word") && !message.contains("secret"),
            "{message}"
        );
    }

    #[test]
    fn the_socket_is_known_when_the_answer_is_there_to_its_end() {
        let answer = "HTTP/1.1 200 OK\r\nContent-Length: 67\r\n\r\n\
            {\"webSocketDebuggerUrl\": \"ws://localhost:9222/devtools/browser/ab-12\"}";
        let path = socket_path(answer.as_bytes());
        assert_eq!(path.as_deref(), Some("/devtools/browser/ab-12"));
        for part in [&answer[..30], &answer[..60], "HTTP/1.1 200 OK\r\n\r\n{}"] {
            assert_eq!(socket_path(part.as_bytes()), None, "{part}");
        }
    }
}
