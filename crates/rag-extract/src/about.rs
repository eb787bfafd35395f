//! What a caller knows about bytes, and what it allows.

use url::Url;

/// What is known about bytes besides themselves.
#[derive(Clone, Copy, Debug, Default)]
pub struct About<'a> {
    /// A file's name, or the last part of a URL's path: its extension is a hint.
    pub name: Option<&'a str>,
    /// What a server said they are, such as `text/html; charset=utf-8`.
    pub content_type: Option<&'a str>,
    /// Where they came from: what relative links are resolved against.
    pub url: Option<&'a Url>,
}

/// What one document may take.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The most bytes of text that come out.
    pub text_bytes_max: u64,
    /// The most pages, sheets or slides that are read.
    pub pages_max: u32,
}

impl Default for Limits {
    /// 20 MiB and 5,000 pages.
    fn default() -> Self {
        Limits {
            text_bytes_max: 20 << 20,
            pages_max: 5_000,
        }
    }
}
