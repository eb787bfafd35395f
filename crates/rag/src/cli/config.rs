//! `rag config`.

use std::process::ExitCode;

use serde::Serialize;

use super::context::Context;
use super::output::table;
use crate::config::Setting;

#[derive(Serialize)]
struct Item {
    name: &'static str,
    value: Option<String>,
    origin: String,
    purpose: &'static str,
}

pub(super) fn run(context: &Context) -> anyhow::Result<ExitCode> {
    let item = |setting: &Setting| Item {
        name: setting.spec.variable,
        value: setting.shown(),
        origin: setting.origin.to_string(),
        purpose: setting.spec.purpose,
    };
    let items: Vec<Item> = context.settings.all().iter().map(item).collect();
    context.show(&items, |items| human(items))?;
    // A value that cannot be used is shown, then reported.
    context.config()?;
    Ok(ExitCode::SUCCESS)
}

fn human(items: &[Item]) -> String {
    let row = |item: &Item| {
        let value = item.value.clone().unwrap_or_else(|| "(unset)".to_owned());
        vec![item.name.to_owned(), value, item.origin.clone()]
    };
    let rows: Vec<_> = items.iter().map(row).collect();
    table(&["SETTING", "VALUE", "FROM"], &rows)
}
