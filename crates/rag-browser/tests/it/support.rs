//! What the tests share: a browser for one site.

use std::sync::Arc;
use std::time::Duration;

use rag_browser::{Browser, BrowserOptions};
use rag_web::Guard;
use testsite::Site;

/// Options that find the Chromium of this machine, with pages that may take
/// `seconds`. Panics, saying what to do, when there is none.
pub(crate) fn options(seconds: u64) -> BrowserOptions {
    let options = BrowserOptions {
        page_timeout: Duration::from_secs(seconds),
        ..BrowserOptions::default()
    };
    if let Err(error) = Browser::find(&options) {
        panic!("these tests need a Chromium: `apt-get install chromium` ({error})");
    }
    options
}

/// A browser whose pages may reach `site` and nothing else that is private.
pub(crate) fn browser_with(site: &Site, options: BrowserOptions) -> Browser {
    let guard = Guard::new(&[site.host()]).unwrap();
    Browser::new(Arc::new(guard), options)
}

/// As above, with pages that may take `seconds`.
pub(crate) fn browser(site: &Site, seconds: u64) -> Browser {
    browser_with(site, options(seconds))
}
