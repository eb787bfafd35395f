//! Pages that need a browser, and some that try its patience.

use std::time::Duration;

use serde_json::json;

use crate::{Answer, Site};

/// Longer than any deadline of the product.
const NEVER: Duration = Duration::from_secs(3600);

/// Each page that needs scripts, with the sentence that a browser finds on it.
///
/// - `/js/shell`: an empty `<div id="root">`, filled after 300 ms; has a link to
///   `/js/linked` and one to `/js/fetched`.
/// - `/js/linked`: an empty shell too, filled at once.
/// - `/js/fetched`: filled with what `/js/data.json` says.
/// - `/js/hanging`: filled, but two requests of it never end, so that it never
///   has loaded.
/// - `/js/looping`: says its sentence without scripts; its script never ends.
/// - `/js/dialogs`: opens alert, confirm and prompt before it is filled, and
///   asks before it is left.
pub const JAVASCRIPT_PAGES: &[(&str, &str)] = &[
    (
        "/js/shell",
        "The tide table is drawn three times a day by the harbour script.",
    ),
    (
        "/js/linked",
        "Only a script leads to the warehouse on the eastern quay.",
    ),
    (
        "/js/fetched",
        "The ferry to the outer islands leaves at seven past the hour.",
    ),
    (
        "/js/hanging",
        "The slow crane unloads grain while the clock stands still.",
    ),
    (
        "/js/looping",
        "The carousel at the pier has been turning since it was built.",
    ),
    (
        "/js/dialogs",
        "The doorkeeper asks three questions before the gate opens.",
    ),
];

/// Puts [`JAVASCRIPT_PAGES`], and `/js`, a plain page that links to all of them.
pub fn javascript(site: &Site) {
    let sentence = |path: &str| {
        let page = JAVASCRIPT_PAGES.iter().find(|(own, _)| *own == path);
        page.expect("the page is in the list").1
    };
    let fill = |path: &str, more: &str| {
        let html = format!(
            "<main><h1>Harbour office</h1><p>{}</p><p>{FILLER}</p>{more}</main>",
            sentence(path)
        );
        // In single words, so that the source does not hold the sentence.
        let words: Vec<_> = html.split(' ').collect();
        format!(
            "document.getElementById('root').innerHTML = {}.join(' ');",
            json!(words)
        )
    };
    let links = "<a href=\"/js/linked\">Warehouse</a> <a href=\"/js/fetched\">Ferry</a>";
    let pages = [
        (
            "/js/shell",
            format!("setTimeout(() => {{ {} }}, 300);", fill("/js/shell", links)),
        ),
        ("/js/linked", fill("/js/linked", "")),
        ("/js/fetched", FETCHED.to_owned()),
        ("/js/hanging", fill("/js/hanging", "") + HANGING),
        (
            "/js/dialogs",
            format!("{DIALOGS}{}", fill("/js/dialogs", "")),
        ),
    ];
    for (path, script) in pages {
        site.put(path, Answer::html(shell(&script)));
    }
    site.put(
        "/js/looping",
        Answer::html(looping(sentence("/js/looping"))),
    );
    site.put("/js/never", Answer::text("").slow(NEVER));
    let data = json!({ "title": "Ferries", "text": sentence("/js/fetched"), "more": FILLER });
    site.put(
        "/js/data.json",
        Answer::bytes("application/json", data.to_string()),
    );

    let links: String = JAVASCRIPT_PAGES
        .iter()
        .map(|(path, _)| format!("<li><a href=\"{path}\">{path}</a></li>"))
        .collect();
    let index = format!(
        "<!DOCTYPE html><html lang=\"en\"><head><title>Harbour office</title></head><body><main>\
         <h1>Harbour office</h1><p>{FILLER}</p><ul>{links}</ul></main></body></html>"
    );
    site.put("/js", Answer::html(index));
}

/// Enough text that a page with it does not count as thin.
const FILLER: &str = "The office is open on weekdays from eight until four. Visitors who arrive by \
    boat tie up at the northern wall, where rings are let into the stone, and ring the bell beside \
    the blue door. Parcels are kept for thirty days, letters for a year, and lost umbrellas until \
    somebody needs one. The keeper writes every arrival into the green book, in ink, with the hour \
    and the direction of the wind.";

const FETCHED: &str = "fetch('/js/data.json').then((answer) => answer.json()).then((data) => {
    const root = document.getElementById('root');
    for (const [tag, text] of [['h1', data.title], ['p', data.text], ['p', data.more]]) {
        root.appendChild(document.createElement(tag)).textContent = text;
    }
});";

const HANGING: &str = "
fetch('/js/never').catch(() => {});
const script = document.createElement('script');
script.src = '/js/never';
document.head.appendChild(script);
";

const DIALOGS: &str = "
window.addEventListener('beforeunload', (event) => { event.preventDefault(); event.returnValue = 'stay'; });
alert('Who are you?');
confirm('Are you sure?');
prompt('What is the word?');
";

fn shell(script: &str) -> String {
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <title>Harbour office</title></head>\n<body>\
         <noscript>You need to enable JavaScript to run this app.</noscript>\
         <div id=\"root\"></div>\n<script>\n{script}\n</script></body></html>\n"
    )
}

fn looping(sentence: &str) -> String {
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><title>Carousel</title></head><body>\
         <main><h1>Carousel</h1><p>{sentence}</p><p>{FILLER}</p></main>\
         <script>while (true) {{}}</script></body></html>\n"
    )
}
