//! Addresses without what is nobody else's business.

use url::Url;

/// The address without the user and the password in it.
pub(crate) fn without_credentials(mut url: Url) -> Url {
    // An address that can have none has none.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url
}

/// The address as it may be told to anyone: neither credentials nor a query,
/// which may hold a token.
pub(crate) fn told(url: &Url) -> Url {
    let mut url = without_credentials(url.clone());
    url.set_query(None);
    url.set_fragment(None);
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_secret_is_left_out() {
        for (address, expected, told_as) in [
            (
                "http://user:word@a.example/b?c#d",
                "http://a.example/b?c#d",
                "http://a.example/b",
            ),
            (
                "ws://:word@127.0.0.1:9222/?token=x",
                "ws://127.0.0.1:9222/?token=x",
                "ws://127.0.0.1:9222/",
            ),
            (
                "data:text/plain,a",
                "data:text/plain,a",
                "data:text/plain,a",
            ),
        ] {
            let url: Url = address.parse().unwrap();
            assert_eq!(without_credentials(url.clone()).as_str(), expected);
            assert_eq!(told(&url).as_str(), told_as);
        }
    }
}
