//! Pages that want to reach what they must not.

use rag_web::{RenderError, Renderer};
use testsite::sites::{HOSTILE_DONE, HOSTILE_LEAVING, HOSTILE_PAGE, hostile_page};
use testsite::{Site, Target};

use crate::support::browser;

#[tokio::test(flavor = "multi_thread")]
async fn a_page_reaches_nothing_private_by_any_means() {
    let (site, target) = (Site::start().await, Target::start().await);
    hostile_page(&site, &target.url());
    let browser = browser(&site, 20);

    let rendered = browser.render(&site.url(HOSTILE_PAGE)).await.unwrap();
    assert!(rendered.html.contains(HOSTILE_DONE), "{}", rendered.html);
    assert!(site.count("/hostile/worker.js") > 0, "its workers ran");
    for path in HOSTILE_LEAVING {
        let url = site.url(path);
        let error = browser.render(&url).await.unwrap_err();
        let message = "`127.0.0.1` is a private address".to_owned();
        let url = url.to_string();
        assert_eq!(error, RenderError::Failed { url, message }, "{path}");
    }
    browser.close().await;
    assert_eq!((target.connections(), target.datagrams()), (0, 0));
}
