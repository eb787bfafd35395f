//! A request as the site saw it.

use std::collections::BTreeMap;
use std::time::Instant;

use axum::http::request::Parts;

/// A request that reached a site, without its body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenRequest {
    /// `GET`, `HEAD`, …
    pub method: String,
    /// Such as `/page?x=1`, as it was sent.
    pub path_and_query: String,
    /// By lower-case name; the values of a repeated header joined by `, `.
    pub headers: BTreeMap<String, String>,
    /// When its head was read.
    pub at: Instant,
}

impl SeenRequest {
    /// Its path, without the query.
    pub fn path(&self) -> &str {
        self.path_and_query
            .split_once('?')
            .map_or(&self.path_and_query, |(path, _)| path)
    }

    /// A header's value; `name` in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    /// The decoded value of a parameter of its query.
    pub fn parameter(&self, name: &str) -> Option<String> {
        let (_, query) = self.path_and_query.split_once('?')?;
        url::form_urlencoded::parse(query.as_bytes())
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.into_owned())
    }

    pub(crate) fn from_head(head: &Parts) -> Self {
        let mut headers = BTreeMap::<String, String>::new();
        for (name, value) in &head.headers {
            let value = String::from_utf8_lossy(value.as_bytes());
            headers
                .entry(name.as_str().to_owned())
                .and_modify(|values| {
                    values.push_str(", ");
                    values.push_str(&value);
                })
                .or_insert_with(|| value.into_owned());
        }
        SeenRequest {
            method: head.method.to_string(),
            path_and_query: head.uri.path_and_query().map_or_else(
                || head.uri.path().to_owned(),
                |path_and_query| path_and_query.as_str().to_owned(),
            ),
            headers,
            at: Instant::now(),
        }
    }
}
