//! A page that tries to reach what it must not, by every means that browsers
//! have. It is attacked; nothing here attacks anything but a test's `Target`.

use serde_json::json;
use url::{Host, Url};

use crate::{Answer, Site};

/// Where the page is.
pub const HOSTILE_PAGE: &str = "/hostile";

/// What the page says when it has tried everything, about 1.5 s after it loaded.
pub const HOSTILE_DONE: &str = "The burglar has tried every window of the house.";

/// Pages that leave for the target at once: by redirect, refresh, script and
/// form. `/redirect-out` takes the status in its query, such as `?307`.
pub const HOSTILE_LEAVING: &[&str] = &[
    "/redirect-out",
    "/hostile/refresh",
    "/hostile/refresh-header",
    "/hostile/location",
    "/hostile/form",
];

const SCRIPT: &str = include_str!("hostile/attempts.js");
const WORKER: &str = include_str!("hostile/worker.js");

/// Puts [`HOSTILE_PAGE`] with its helpers, and [`HOSTILE_LEAVING`]. All of them
/// try to reach `target`, some of them under every spelling of its address: as a
/// number, octal, hexadecimal, shortened, mapped into IPv6, and by name.
pub fn hostile_page(site: &Site, target: &Url) {
    let spellings = spellings(target);
    let constants = format!(
        "const TARGETS = {};\nconst DONE = {};\n",
        json!(spellings),
        json!(HOSTILE_DONE)
    );
    let first = &spellings[0];
    // Every means for one spelling, one means for every spelling: both at once
    // would keep a browser busy for a minute.
    let others = spellings[1..].iter().map(|url| {
        format!("<img src=\"{url}?img\" alt=\"\"><script src=\"{url}?script\" async></script>\n")
    });
    let plain = elements(first) + &others.collect::<String>();
    let page = format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Hostile</title>\n\
         <script type=\"importmap\">{{\"imports\": {{\"target\": \"{first}?importmap\"}}}}</script>\n\
         <script type=\"speculationrules\">{{\"prerender\": [{{\"urls\": [\"{first}?prerender\"]}}]}}\
         </script></head>\n<body><p>A page about windows and doors.</p>\n{plain}\n\
         <script src=\"/hostile/attempts.js\"></script></body></html>\n"
    );
    let page = Answer::html(page)
        .header(
            "link",
            format!("<{first}?link-header>; rel=preload; as=script"),
        )
        .header(
            "content-security-policy-report-only",
            format!("img-src 'none'; report-uri {first}?csp"),
        );
    site.put(HOSTILE_PAGE, page);

    for (path, script) in [
        ("/hostile/attempts.js", SCRIPT),
        ("/hostile/worker.js", WORKER),
        ("/hostile/service-worker.js", WORKER),
    ] {
        let script = format!("{constants}{script}");
        site.put(path, Answer::bytes("text/javascript", script));
    }
    put_leaving(site, first);
}

fn put_leaving(site: &Site, target: &str) {
    let page = |head: &str, body: &str| {
        Answer::html(format!(
            "<!DOCTYPE html><html lang=\"en\"><head><title>Leaving</title>{head}</head>\
             <body><p>This page leaves.</p>{body}</body></html>"
        ))
    };
    for status in [301, 302, 303, 307, 308] {
        let redirect = Answer::redirect(format!("{target}?redirect")).with_status(status);
        if status == 302 {
            site.put("/redirect-out", redirect.clone());
        }
        site.put(&format!("/redirect-out?{status}"), redirect);
    }
    let refresh = format!("0;url={target}?refresh");
    let meta = format!("<meta http-equiv=\"refresh\" content=\"{refresh}\">");
    site.put("/hostile/refresh", page(&meta, ""));
    site.put(
        "/hostile/refresh-header",
        page("", "").header("refresh", refresh),
    );
    let location = format!("<script>location.href = '{target}?location';</script>");
    site.put("/hostile/location", page("", &location));
    let form = format!(
        "<form method=\"post\" action=\"{target}?form\"><input name=\"a\" value=\"b\"></form>\
         <script>document.forms[0].submit();</script>"
    );
    site.put("/hostile/form", page("", &form));
}

/// The address in every spelling that resolves to it without a name server.
fn spellings(target: &Url) -> Vec<String> {
    let port = target
        .port_or_known_default()
        .expect("it is an http address");
    let path = target.path();
    let mut hosts = vec![target.host_str().expect("it has a host").to_owned()];
    if let Some(Host::Ipv4(address)) = target.host() {
        let [a, b, c, d] = address.octets();
        let number = u32::from(address);
        hosts.extend([
            number.to_string(),
            format!("{number:#x}"),
            format!("0{a:o}.0{b:o}.0{c:o}.0{d:o}"),
            format!("{a:#x}.{b:#x}.{c:#x}.{d:#x}"),
            format!("[{}]", address.to_ipv6_mapped()),
            format!("[::{address}]"),
            format!("[64:ff9b::{address}]"),
        ]);
        if address.is_loopback() {
            let others = [
                "localhost",
                "a.localhost",
                "LOCALHOST.",
                "127.1",
                "0.0.0.0",
                "0",
            ];
            hosts.extend(others.map(str::to_owned));
            hosts.extend(["[::1]", "[::]"].map(str::to_owned));
        }
    }
    hosts
        .iter()
        .map(|host| format!("http://{host}:{port}{path}"))
        .collect()
}

/// The means that need no script.
fn elements(url: &str) -> String {
    let socket = url.replacen("http", "ws", 1);
    format!(
        r##"<img src="{url}?img" srcset="{url}?srcset 2x">
<picture><source srcset="{url}?source"><img alt=""></picture>
<script src="{url}?script" async></script>
<script src="{url}?module" type="module"></script>
<link rel="stylesheet" href="{url}?stylesheet">
<link rel="icon" href="{url}?icon"><link rel="manifest" href="{url}?manifest">
<link rel="preload" href="{url}?preload" as="fetch" crossorigin>
<link rel="modulepreload" href="{url}?modulepreload">
<link rel="prefetch" href="{url}?prefetch"><link rel="prerender" href="{url}?prerender">
<link rel="preconnect" href="{url}"><link rel="dns-prefetch" href="{url}">
<iframe src="{url}?iframe"></iframe>
<iframe srcdoc="&lt;img src='{url}?srcdoc'&gt;"></iframe>
<object data="{url}?object"></object><embed src="{url}?embed">
<video src="{url}?video" poster="{url}?poster" preload="auto" autoplay muted></video>
<audio src="{url}?audio" preload="auto"></audio>
<video preload="auto" crossorigin><track src="{url}?track" default></video>
<svg><image href="{url}?svg"/><use href="{url}?use#a"/></svg>
<input type="image" src="{url}?input" alt=""><table background="{url}?background"></table>
<p style="background: url('{url}?css'); cursor: url('{url}?cursor'), auto">Doors.</p>
<style>@import url('{url}?import'); @font-face {{ font-family: x; src: url('{url}?font'); }}
</style><p style="font-family: x">Locks.</p><a ping="{url}?ping" href="#here" data-socket="{socket}">Windows.</a>
"##
    )
}
