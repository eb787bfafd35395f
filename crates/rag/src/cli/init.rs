//! `rag init`: makes the store, asks nothing.

use std::process::ExitCode;

use super::context::Context;
use super::status;

const NEXT: &str = "\
The memory is ready. Next:
  rag try docs \"your question\"                                answer from a folder at once
  rag collection create notes --description \"What it holds\"   make a collection
  rag ingest directory ~/notes --collection notes --recursive  fill it
  rag mcp                                                      serve it to an agent";

pub(super) async fn run(context: &Context) -> anyhow::Result<ExitCode> {
    let status = context.memory()?.status().await?;
    context.show(&status, |status| {
        format!("{}\n\n{NEXT}", status::human(status))
    })
}
