//! What a site answers. How it gets onto the wire is left to `serve`.

use std::fmt;
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::body::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use sha1::{Digest, Sha1};

use crate::SeenRequest;

/// An endless body is sent in pieces of at least so many bytes.
const ENDLESS_PIECE_BYTES_MIN: usize = 16 << 10;

/// An answer: a status, headers, a body, and how they are delivered.
#[derive(Clone)]
pub struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Bytes,
    pub(crate) delivery: Delivery,
    pub(crate) conditional: bool,
    failing_first: Option<FailingFirst>,
    dynamic: Option<Dynamic>,
}

/// How a body is sent, where that is not at once.
#[derive(Clone, Copy, Default)]
pub(crate) struct Delivery {
    pub(crate) before_head: Duration,
    pub(crate) drip: Option<(usize, Duration)>,
    pub(crate) endless: bool,
    pub(crate) broken_off: bool,
}

type Dynamic = Arc<dyn Fn(&SeenRequest) -> Answer + Send + Sync>;

/// Shared by the clones of an answer, so that the site's copy counts down.
#[derive(Clone)]
struct FailingFirst {
    left: Arc<AtomicUsize>,
    status: u16,
    retry_after_s: Option<u64>,
}

impl Answer {
    /// A page.
    pub fn html(body: impl Into<String>) -> Self {
        Answer::bytes("text/html; charset=utf-8", body.into())
    }

    /// Plain text.
    pub fn text(body: impl Into<String>) -> Self {
        Answer::bytes("text/plain; charset=utf-8", body.into())
    }

    /// XML, such as a sitemap.
    pub fn xml(body: impl Into<String>) -> Self {
        Answer::bytes("application/xml", body.into())
    }

    /// Anything, with its `Content-Type`. An empty type leaves the header out.
    pub fn bytes(content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        let answer = Answer {
            status: 200,
            headers: Vec::new(),
            body: Bytes::from(body.into()),
            delivery: Delivery::default(),
            conditional: false,
            failing_first: None,
            dynamic: None,
        };
        match content_type {
            "" => answer,
            content_type => answer.header("content-type", content_type),
        }
    }

    /// A status with a line that says it.
    pub fn status(status: u16) -> Self {
        Answer::text(format!("{status}\n")).with_status(status)
    }

    /// A 302 to `location`, which is sent as it is written here.
    pub fn redirect(location: impl AsRef<str>) -> Self {
        Answer::status(302).header("location", location.as_ref())
    }

    /// What `answer` makes of each request. Modifiers belong on what it returns;
    /// here only `failing_first` has an effect.
    pub fn dynamic(answer: Arc<dyn Fn(&SeenRequest) -> Answer + Send + Sync>) -> Self {
        Answer {
            dynamic: Some(answer),
            ..Answer::status(200)
        }
    }

    /// With this status instead.
    pub fn with_status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    /// With this header besides. Panics when it is served and is no header.
    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_ascii_lowercase(), value.into()));
        self
    }

    /// With an `ETag` made of the content. An `If-None-Match` that names it is
    /// answered with 304.
    pub fn with_etag(mut self) -> Self {
        let etag = format!("\"{}\"", hex(&Sha1::digest(&self.body)));
        self.conditional = true;
        self.header("etag", etag)
    }

    /// With `Last-Modified`. An `If-Modified-Since` of exactly that date is
    /// answered with 304.
    pub fn last_modified(mut self, http_date: &str) -> Self {
        self.conditional = true;
        self.header("last-modified", http_date)
    }

    /// Compressed, whatever the request accepts.
    pub fn gzip(mut self) -> Self {
        self.body = Bytes::from(gzip(&self.body));
        self.header("content-encoding", "gzip")
    }

    /// The head is sent only after this time.
    pub fn slow(mut self, before_head: Duration) -> Self {
        self.delivery.before_head = before_head;
        self
    }

    /// The body is sent in pieces of so many bytes, with a wait between them.
    pub fn drip(mut self, piece_bytes: usize, every: Duration) -> Self {
        self.delivery.drip = Some((piece_bytes.max(1), every));
        self
    }

    /// The body is repeated until the client goes.
    pub fn endless(mut self) -> Self {
        if self.body.is_empty() {
            self.body = Bytes::from_static(b" ");
        }
        let times = ENDLESS_PIECE_BYTES_MIN.div_ceil(self.body.len());
        self.body = Bytes::from(self.body.repeat(times));
        self.delivery.endless = true;
        self
    }

    /// The connection is closed when half of the body is sent.
    pub fn broken_off(mut self) -> Self {
        self.delivery.broken_off = true;
        self
    }

    /// The first `times` requests are answered with `status`, and with
    /// `Retry-After` in seconds where that is given.
    pub fn failing_first(mut self, times: usize, status: u16, retry_after_s: Option<u64>) -> Self {
        self.failing_first = Some(FailingFirst {
            left: Arc::new(AtomicUsize::new(times)),
            status,
            retry_after_s,
        });
        self
    }

    /// What is served for this request.
    pub(crate) fn resolve(self, request: &SeenRequest) -> Answer {
        if let Some(failure) = self.failing_first.as_ref().and_then(FailingFirst::next) {
            return failure;
        }
        if let Some(dynamic) = &self.dynamic {
            return dynamic(request).resolve(request);
        }
        match self.conditional && self.is_known(request) {
            true => Answer {
                body: Bytes::new(),
                delivery: Delivery::default(),
                ..self.with_status(304)
            },
            false => self,
        }
    }

    /// Whether the request's validators name this version. `If-None-Match`
    /// takes precedence (RFC 9110, 13.2.2).
    fn is_known(&self, request: &SeenRequest) -> bool {
        let own = |name: &str| {
            let header = self.headers.iter().find(|(own, _)| own == name);
            header.map(|(_, value)| value.trim_start_matches("W/"))
        };
        if let Some(known) = request.header("if-none-match") {
            let mut tags = known
                .split(',')
                .map(|tag| tag.trim().trim_start_matches("W/"));
            return tags.any(|tag| tag == "*" || Some(tag) == own("etag"));
        }
        let since = request.header("if-modified-since");
        since.is_some() && since == own("last-modified")
    }
}

impl FailingFirst {
    fn next(&self) -> Option<Answer> {
        let one_less = |left: usize| left.checked_sub(1);
        self.left
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, one_less)
            .ok()?;
        let answer = Answer::status(self.status);
        Some(match self.retry_after_s {
            Some(seconds) => answer.header("retry-after", seconds.to_string()),
            None => answer,
        })
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Answer")
            .field("status", &self.status)
            .field("headers", &self.headers)
            .field("body_bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// Compressed as gzip.
pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).expect("a vector takes any bytes");
    encoder.finish().expect("a vector takes any bytes")
}

/// In lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
