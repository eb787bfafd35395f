//! Serves the test sites to look at them in a browser, or to measure a crawl of
//! them from another process: `testsite [PAGES [PORT]]`. Without pages, the
//! documentation at `/`, the pages that need scripts at `/js`, and at `/hostile`
//! the page whose target is reached as told at the end; else a generated site
//! of so many.

use std::io::{self, Write};

use testsite::{Site, Target, sites};

#[tokio::main]
async fn main() -> io::Result<()> {
    let number =
        |position: usize| -> Option<usize> { std::env::args().nth(position)?.parse().ok() };
    let port = number(2).and_then(|port| port.try_into().ok());
    let site = Site::start_at(port.unwrap_or(0)).await;
    let target = Target::start().await;
    match number(1).unwrap_or(0) {
        0 => {
            sites::documentation(&site);
            sites::javascript(&site);
            sites::hostile_page(&site, &target.url());
        }
        pages => sites::many(&site, pages),
    }
    writeln!(io::stdout(), "{}", site.url("/"))?;
    tokio::signal::ctrl_c().await?;
    writeln!(
        io::stdout(),
        "the target of the hostile page saw {} connections and {} datagrams",
        target.connections(),
        target.datagrams()
    )?;
    for line in target.lines() {
        writeln!(io::stdout(), "{line}")?;
    }
    Ok(())
}
