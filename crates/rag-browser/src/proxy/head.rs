//! The heads of HTTP/1.1 messages: reads what the proxy has to know and writes
//! them anew without the fields that are meant for one hop (RFC 9110, 7.6.1).
//!
//! Every connection carries one request: both sides are told that it closes
//! afterwards, so that the bodies can pass unread.

use url::{Position, Url};

/// The most fields of a head.
const FIELDS_MAX: usize = 128;

/// Fields that are not passed on. `transfer-encoding` is: the body passes as it
/// is, with its chunks.
const HOP_FIELDS: &[&str] = &[
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "upgrade",
];

/// What a client asks of the proxy.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Request {
    /// The host to reach, as it was written.
    pub(super) host: String,
    /// Its port.
    pub(super) port: u16,
    /// The head for the origin; none when the client wants a tunnel (`CONNECT`).
    pub(super) forward: Option<Vec<u8>>,
}

/// Why a head cannot be used.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum BadHead {
    /// No HTTP/1.x, or too many fields.
    #[error("the head is not HTTP")]
    Malformed,
    /// A request that names no http address.
    #[error("the request names no address that a proxy can reach")]
    Target,
}

/// Reads the head of a request to the proxy.
pub(super) fn request(head: &[u8]) -> Result<Request, BadHead> {
    let mut fields = [httparse::EMPTY_HEADER; FIELDS_MAX];
    let mut parsed = httparse::Request::new(&mut fields);
    match parsed.parse(head) {
        Ok(httparse::Status::Complete(_)) => {}
        _ => return Err(BadHead::Malformed),
    }
    let (Some(method), Some(target)) = (parsed.method, parsed.path) else {
        return Err(BadHead::Malformed);
    };
    if method == "CONNECT" {
        let (host, port) = target.rsplit_once(':').ok_or(BadHead::Target)?;
        return Ok(Request {
            host: host.to_owned(),
            port: port.parse().map_err(|_| BadHead::Target)?,
            forward: None,
        });
    }
    let url = Url::parse(target).map_err(|_| BadHead::Target)?;
    let (Some(host), Some(port), "http") =
        (url.host_str(), url.port_or_known_default(), url.scheme())
    else {
        return Err(BadHead::Target);
    };
    let path = &url[Position::BeforePath..Position::AfterQuery];
    let authority = &url[Position::BeforeHost..Position::AfterPort];
    let mut forward = format!("{method} {path} HTTP/1.1\r\nhost: {authority}\r\n").into_bytes();
    // The host is the one that is vetted, whatever the client's field says.
    write_fields(&mut forward, parsed.headers, &["host"]);
    Ok(Request {
        host: host.to_owned(),
        port,
        forward: Some(forward),
    })
}

/// The head of an origin's answer for the client, and whether it is only an
/// interim one, which another follows (1xx).
pub(super) fn response(head: &[u8]) -> Result<(Vec<u8>, bool), BadHead> {
    let mut fields = [httparse::EMPTY_HEADER; FIELDS_MAX];
    let mut parsed = httparse::Response::new(&mut fields);
    match parsed.parse(head) {
        Ok(httparse::Status::Complete(_)) => {}
        _ => return Err(BadHead::Malformed),
    }
    let status = parsed.code.ok_or(BadHead::Malformed)?;
    let reason = parsed.reason.unwrap_or_default();
    let mut rewritten = format!("HTTP/1.1 {status:03} {reason}\r\n").into_bytes();
    write_fields(&mut rewritten, parsed.headers, &[]);
    Ok((rewritten, (100..200).contains(&status)))
}

/// Writes the fields that are passed on and the end of the head.
fn write_fields(head: &mut Vec<u8>, fields: &[httparse::Header<'_>], besides: &[&str]) {
    let named = named_by_connection(fields);
    for field in fields {
        let name = field.name.to_ascii_lowercase();
        let stays = HOP_FIELDS.contains(&name.as_str())
            || besides.contains(&name.as_str())
            || named.contains(&name);
        if !stays {
            head.extend_from_slice(name.as_bytes());
            head.extend_from_slice(b": ");
            head.extend_from_slice(field.value);
            head.extend_from_slice(b"\r\n");
        }
    }
    head.extend_from_slice(b"connection: close\r\n\r\n");
}

/// The fields that a `Connection` field declares to be for this hop. A message's
/// framing is not among them, whoever says so.
fn named_by_connection(fields: &[httparse::Header<'_>]) -> Vec<String> {
    fields
        .iter()
        .filter(|field| field.name.eq_ignore_ascii_case("connection"))
        .filter_map(|field| std::str::from_utf8(field.value).ok())
        .flat_map(|value| value.split(','))
        .map(|name| name.trim().to_ascii_lowercase())
        .filter(|name| !matches!(name.as_str(), "content-length" | "transfer-encoding"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(bytes: &[u8]) -> String {
        String::from_utf8(bytes.to_vec()).unwrap()
    }

    #[test]
    fn requests_tell_where_they_go_and_are_written_for_the_origin() {
        for (head, host, port, forward) in [
            (
                "GET http://site.example/a?b=c HTTP/1.1\r\nHost: other.example\r\n\
                 Proxy-Connection: keep-alive\r\nX-Hop: 1\r\nConnection: x-hop, close\r\n\
                 Accept: */*\r\n\r\n",
                "site.example",
                80,
                Some(
                    "GET /a?b=c HTTP/1.1\r\nhost: site.example\r\naccept: */*\r\n\
                     connection: close\r\n\r\n",
                ),
            ),
            (
                "POST http://[::1]:8080 HTTP/1.1\r\nContent-Length: 3\r\nUpgrade: h2c\r\n\r\n",
                "[::1]",
                8080,
                Some(
                    "POST / HTTP/1.1\r\nhost: [::1]:8080\r\ncontent-length: 3\r\n\
                     connection: close\r\n\r\n",
                ),
            ),
            (
                "CONNECT site.example:443 HTTP/1.1\r\n\r\n",
                "site.example",
                443,
                None,
            ),
            ("CONNECT [::1]:80 HTTP/1.1\r\n\r\n", "[::1]", 80, None),
        ] {
            let request = request(head.as_bytes()).unwrap();
            assert_eq!(
                (request.host.as_str(), request.port),
                (host, port),
                "{head}"
            );
            assert_eq!(
                request.forward.as_deref().map(text).as_deref(),
                forward,
                "{head}"
            );
        }
    }

    #[test]
    fn what_names_no_http_address_is_refused() {
        for (head, expected) in [
            (
                "GET /path HTTP/1.1\r\nHost: site.example\r\n\r\n",
                BadHead::Target,
            ),
            (
                "GET https://site.example/ HTTP/1.1\r\n\r\n",
                BadHead::Target,
            ),
            ("GET ftp://site.example/ HTTP/1.1\r\n\r\n", BadHead::Target),
            ("CONNECT site.example HTTP/1.1\r\n\r\n", BadHead::Target),
            (
                "CONNECT site.example:70000 HTTP/1.1\r\n\r\n",
                BadHead::Target,
            ),
            ("no http at all\r\n\r\n", BadHead::Malformed),
            ("GET http://site.example/ HTTP/1.1\r\n", BadHead::Malformed),
        ] {
            assert_eq!(request(head.as_bytes()), Err(expected), "{head}");
        }
    }

    #[test]
    fn answers_close_their_connection() {
        let (head, interim) = response(
            b"HTTP/1.1 200 Fine\r\nConnection: keep-alive, content-length\r\n\
              Keep-Alive: timeout=5\r\nContent-Length: 2\r\n\r\n",
        )
        .unwrap();
        let expected = "HTTP/1.1 200 Fine\r\ncontent-length: 2\r\nconnection: close\r\n\r\n";
        assert_eq!((text(&head).as_str(), interim), (expected, false));
        assert!(response(b"HTTP/1.1 103 Early Hints\r\n\r\n").unwrap().1);
        assert_eq!(response(b"SSH-2.0-server\r\n\r\n"), Err(BadHead::Malformed));
    }
}
