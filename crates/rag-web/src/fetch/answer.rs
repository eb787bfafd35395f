//! What the head of an answer says. Pure.

use std::time::{Duration, SystemTime};

use reqwest::header::{
    CONTENT_TYPE, ETAG, HeaderMap, HeaderName, LAST_MODIFIED, LOCATION, RETRY_AFTER,
};
use url::Url;

use super::{FetchError, Fetched};
use crate::client;

const ROBOTS_TAG: HeaderName = HeaderName::from_static("x-robots-tag");

/// What was fetched, without its body.
pub(super) fn head(url: &Url, status: u16, headers: &HeaderMap) -> Fetched {
    Fetched {
        url: url.clone(),
        status,
        not_modified: status == 304,
        content_type: text(headers, CONTENT_TYPE),
        etag: text(headers, ETAG),
        last_modified: text(headers, LAST_MODIFIED),
        robots_tag: text(headers, ROBOTS_TAG),
        body: Vec::new(),
    }
}

/// Where a redirect of `url` leads.
pub(super) fn location(url: &Url, headers: &HeaderMap) -> Result<Url, FetchError> {
    let location = text(headers, LOCATION).unwrap_or_default();
    match url.join(&location) {
        Ok(next) if !location.is_empty() => Ok(client::bare(&next)),
        _ => Err(FetchError::BadRedirect {
            url: url.to_string(),
            location,
        }),
    }
}

/// The time a `Retry-After` asks for, given as seconds or as a date (RFC 9110,
/// 10.2.3).
pub(super) fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let value = text(headers, RETRY_AFTER)?;
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = httpdate::parse_http_date(&value).ok()?;
    Some(date.duration_since(now).unwrap_or_default())
}

/// Whether a content type is that of an image, a sound, a video or a font.
pub(super) fn is_media(content_type: &str) -> bool {
    let kind = content_type.split('/').next().unwrap_or_default().trim();
    ["image", "audio", "video", "font"]
        .iter()
        .any(|media| kind.eq_ignore_ascii_case(media))
}

/// All values of a header. Servers write other than ASCII into some.
fn text(headers: &HeaderMap, name: HeaderName) -> Option<String> {
    let values = headers.get_all(name);
    let values: Vec<_> = values
        .iter()
        .map(|value| String::from_utf8_lossy(value.as_bytes()))
        .collect();
    (!values.is_empty()).then(|| values.join(", ").trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use reqwest::header::HeaderValue;

    fn with(name: HeaderName, value: &str) -> HeaderMap {
        let value = HeaderValue::from_bytes(value.as_bytes()).unwrap();
        HeaderMap::from_iter([(name, value)])
    }

    #[test]
    fn retry_after_is_read_in_both_forms() {
        let now = httpdate::parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT").unwrap();
        for (value, seconds) in [
            ("0", Some(0)),
            (" 120 ", Some(120)),
            ("Sun, 06 Nov 1994 08:50:07 GMT", Some(30)),
            ("Sun, 06 Nov 1994 08:49:00 GMT", Some(0)),
            ("soon", None),
            ("-1", None),
            ("", None),
        ] {
            let read = retry_after(&with(RETRY_AFTER, value), now);
            assert_eq!(read, seconds.map(Duration::from_secs), "{value:?}");
        }
        assert_eq!(retry_after(&HeaderMap::new(), now), None);
    }

    #[test]
    fn redirects_lead_to_addresses_without_credentials() {
        let url: Url = "https://a.example/docs/page?q=1".parse().unwrap();
        for (value, expected) in [
            ("other", Some("https://a.example/docs/other")),
            ("/top#part", Some("https://a.example/top")),
            ("//b.example/", Some("https://b.example/")),
            ("http://me:secret@b.example/x", Some("http://b.example/x")),
            ("/größe", Some("https://a.example/gr%C3%B6%C3%9Fe")),
            ("file:///etc/passwd", Some("file:///etc/passwd")),
            ("http://", None),
            ("https://a b/", None),
            ("", None),
        ] {
            let next = location(&url, &with(LOCATION, value));
            let next = next.map(String::from).map_err(|error| error.to_string());
            let expected = expected.map(str::to_owned).ok_or(format!(
                "`{url}` redirects to `{value}`, which is no address"
            ));
            assert_eq!(next, expected, "{value:?}");
        }
    }

    #[test]
    fn media_are_told_by_their_type() {
        for (content_type, expected) in [
            ("image/png", true),
            ("IMAGE/SVG+XML; charset=utf-8", true),
            ("video/mp4", true),
            ("audio/ogg", true),
            ("font/woff2", true),
            ("text/html", false),
            ("application/pdf", false),
            ("imagery/x", false),
            ("", false),
        ] {
            assert_eq!(is_media(content_type), expected, "{content_type:?}");
        }
    }
}
