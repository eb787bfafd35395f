//! What Chromium is started with, and why.

use std::ffi::OsString;
use std::path::Path;

/// Independent of the machine.
const ARGUMENTS: &[&str] = &[
    // We speak with it over two pipes. A port would be open to everyone on the
    // machine, and a browser whose pipe breaks ends by itself.
    "--headless",
    "--remote-debugging-pipe",
    // Every page gets a proxy of its own, given with its context. What is not a
    // page's (the browser's own wishes) goes to a port where nothing listens.
    // Without the bypass list, loopback addresses would not use a proxy at all.
    "--proxy-server=http://127.0.0.1:9",
    "--proxy-bypass-list=<-loopback>",
    // The proxy finds addresses. What does not use the proxy finds none.
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
    // UDP does not pass through a proxy.
    "--disable-quic",
    "--force-webrtc-ip-handling-policy=disable_non_proxied_udp",
    "--webrtc-ip-handling-policy=disable_non_proxied_udp",
    // Nothing on its own account.
    "--disable-background-networking",
    "--disable-breakpad",
    "--disable-client-side-phishing-detection",
    "--disable-component-extensions-with-background-pages",
    "--disable-component-update",
    "--disable-crash-reporter",
    "--disable-default-apps",
    "--disable-domain-reliability",
    "--disable-extensions",
    "--disable-search-engine-choice-screen",
    "--disable-sync",
    "--no-default-browser-check",
    "--no-first-run",
    "--no-pings",
    "--password-store=basic",
    "--use-mock-keychain",
    // Pages are fetched as they are asked for (no upgrade to https), and their
    // frames live in one process, since a page has no secrets here that another
    // site's frame could read. No search for devices on the network.
    "--disable-features=HttpsUpgrades,IsolateOrigins,site-per-process,MediaRouter,\
     DialMediaRouteProvider,OptimizationHints,OptimizationGuideOnDeviceModel,Translate",
    "--disable-site-isolation-trials",
    // One process less. It speaks with our proxies only.
    "--enable-features=NetworkServiceInProcess2",
    // Small containers have a small /dev/shm, and most have no graphics card.
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--mute-audio",
    // A script whose objects want more memory crashes its page. What is not on
    // the heap of scripts (buffers, images) is bounded by `process`, which looks.
    "--js-flags=--max-old-space-size=512",
    // Two pages at once: neither is the background of the other.
    "--disable-background-timer-throttling",
    "--disable-backgrounding-occluded-windows",
    "--disable-renderer-backgrounding",
    // What is loaded when it scrolls into view is in view.
    "--window-size=1280,2400",
    "--lang=en-US",
];

/// The arguments for a browser that keeps its files in `profile`.
///
/// `root` says that the user is root: Chromium's sandbox refuses to work for
/// root, so it is switched off then, and only then. Run as another user to have
/// it.
pub(crate) fn arguments(profile: &Path, root: bool) -> Vec<OsString> {
    let mut arguments: Vec<OsString> = ARGUMENTS.iter().map(OsString::from).collect();
    let mut folder = OsString::from("--user-data-dir=");
    folder.push(profile);
    arguments.push(folder);
    if root {
        arguments.push("--no-sandbox".into());
    }
    arguments
}
