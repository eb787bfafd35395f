//! The program `rag`: reads the command line and the settings, opens the
//! memory, and hands over to a command of [`cli`]. What the commands do is in
//! `rag-memory`.

mod cli;
mod config;
mod logging;
mod open;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    let json = cli.global.json;
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => return cli::failure::report(&error.into(), json),
    };
    let result = runtime.block_on(cli::run(cli));
    // Reading from a terminal cannot be interrupted; it must not keep us here.
    runtime.shutdown_background();
    match result {
        Ok(code) => code,
        Err(error) => cli::failure::report(&error, json),
    }
}
