//! The one form of an address.

use std::fmt::Write as _;

use url::Url;

/// Parameters that say where a visitor came from, not what the page is. Those
/// that begin with `utm_` are too many to list.
const TRACKING: &[&str] = &[
    "_ga",
    "_gl",
    "_hsenc",
    "_hsmi",
    "_openstat",
    "dclid",
    "fbclid",
    "gad_source",
    "gbraid",
    "gclid",
    "gclsrc",
    "igshid",
    "li_fat_id",
    "mc_cid",
    "mc_eid",
    "mkt_tok",
    "msclkid",
    "srsltid",
    "ttclid",
    "twclid",
    "vero_id",
    "wbraid",
    "yclid",
];

/// The form by which two spellings of an address are known as one: no
/// fragment, no default port, no credentials, no dot after the host, no
/// tracking parameters, percent-encoding and empty queries normalised (RFC
/// 3986, 6.2.2). The order of parameters, slashes and the case of the path stay,
/// since servers may tell them apart.
pub fn canonical(url: &Url) -> Url {
    let mut url = url.clone();
    url.set_fragment(None);
    if url.cannot_be_a_base() {
        return url;
    }
    // These fail only for addresses without a host, which have none to remove.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    if let Some(host) = url.host_str().and_then(|host| host.strip_suffix('.')) {
        let host = host.trim_end_matches('.').to_owned();
        // A host of nothing but dots stays as it is.
        let _ = url.set_host(Some(&host));
    }
    let path = normalized(url.path());
    url.set_path(&path);
    let query = url.query().and_then(essential);
    url.set_query(query.as_deref());
    url
}

/// A query without tracking and empty parameters, if anything is left.
fn essential(query: &str) -> Option<String> {
    let kept: Vec<String> = query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(normalized)
        .filter(|pair| !is_tracking(pair))
        .collect();
    (!kept.is_empty()).then(|| kept.join("&"))
}

fn is_tracking(pair: &str) -> bool {
    let name = pair.split_once('=').map_or(pair, |(name, _)| name);
    let name = name.to_ascii_lowercase();
    name.starts_with("utm_") || TRACKING.contains(&name.as_str())
}

/// `text` with its percent-encoding normalised: upper-case digits, and none for
/// characters that need none (RFC 3986, 2.3). A `%` that begins no encoding
/// becomes `%25`; left alone, it could form one with what is decoded after it.
fn normalized(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('%') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let Some(byte) = hex_byte(rest) else {
            out.push_str("%25");
            continue;
        };
        rest = &rest[2..];
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            write!(out, "%{byte:02X}").expect("a string takes any text");
        }
    }
    out.push_str(rest);
    out
}

/// `text` with its percent-encoding undone, if the result is UTF-8.
pub(crate) fn percent_decoded(text: &str) -> Option<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('%') {
        out.extend_from_slice(&rest.as_bytes()[..at]);
        rest = &rest[at + 1..];
        if let Some(byte) = hex_byte(rest) {
            out.push(byte);
            rest = &rest[2..];
        } else {
            out.push(b'%');
        }
    }
    out.extend_from_slice(rest.as_bytes());
    String::from_utf8(out).ok()
}

/// The byte that the first two characters spell.
fn hex_byte(text: &str) -> Option<u8> {
    let digits = text.get(..2)?;
    if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    u8::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percent_encoding_is_undone() {
        for (text, expected) in [
            ("a%20b", Some("a b")),
            ("gr%C3%B6%c3%9fe", Some("größe")),
            ("100%", Some("100%")),
            ("%4", Some("%4")),
            ("%+1%ä", Some("%+1%ä")),
            ("%FF", None),
        ] {
            assert_eq!(percent_decoded(text).as_deref(), expected, "{text}");
        }
    }
}
