//! `rag token`: who may use a server, and for what.

use std::process::ExitCode;

use clap::Subcommand;
use rag_memory::Scope;
use rag_memory::api::{
    CreateToken, ListTokens, RevokeToken, TokenCreated, TokenList, TokenRevoked, TokenView,
};

use super::ask::named;
use super::context::Context;
use super::output::{fields, table};

/// What can be done with tokens.
#[derive(Debug, Subcommand)]
pub(super) enum TokenCommand {
    /// Make a token and show it, this once
    #[command(
        after_help = "Examples:\n  rag token create laptop --scope read,ingest\n  rag token create webhook --scope ingest --collection inbox --expires 90d\n\nread looks things up, ingest puts in and changes, admin does all. The token is in the store of this\ncommand: give the same DATABASE_URL as the server has."
    )]
    Create {
        /// What it is for, to tell it from others
        name: String,
        /// What it allows: read, ingest, admin
        #[arg(long, value_name = "SCOPE", value_delimiter = ',', default_value = "read",
              value_parser = named::<Scope>(&["read", "ingest", "admin"]))]
        scope: Vec<Scope>,
        /// A collection it is limited to; may be repeated
        #[arg(short, long, value_name = "NAME", value_delimiter = ',')]
        collection: Vec<String>,
        /// How long it is good: 30m, 12h, 90d. Forever if left out
        #[arg(long, value_name = "TIME", value_parser = seconds)]
        expires: Option<i64>,
    },
    /// List the tokens that are good
    List,
    /// Make a token useless
    Revoke {
        /// Its id or name
        token: String,
    },
}

pub(super) async fn run(context: &Context, command: TokenCommand) -> anyhow::Result<ExitCode> {
    let memory = context.memory()?;
    match command {
        TokenCommand::Create {
            name,
            scope,
            collection,
            expires,
        } => {
            let request = CreateToken {
                name,
                scopes: scope,
                collections: collection,
                expires_in_s: expires,
            };
            context.show(&memory.create_token(request).await?, created)
        }
        TokenCommand::List => context.show(&memory.list_tokens(ListTokens {}).await?, list),
        TokenCommand::Revoke { token } => {
            let revoked = memory.revoke_token(RevokeToken { token }).await?;
            context.show(&revoked, |revoked: &TokenRevoked| {
                let TokenRevoked { token_id, name } = revoked;
                format!("revoked token {token_id} ({name}); servers let it in for up to 10 s more")
            })
        }
    }
}

fn created(created: &TokenCreated) -> String {
    let about = fields(&[
        ("name", created.about.name.clone()),
        ("id", created.about.token_id.clone()),
        ("allows", allows(&created.about)),
        ("expires", expiry(&created.about)),
    ]);
    let token = &created.token;
    format!(
        "{token}\n\n{about}\n\nKeep it now: it is not shown again. Send it as `Authorization: Bearer …`."
    )
}

fn list(list: &TokenList) -> String {
    if list.tokens.is_empty() {
        return "there are no tokens; `rag token create` makes one".to_owned();
    }
    let row = |token: &TokenView| {
        vec![
            token.token_id.clone(),
            token.name.clone(),
            allows(token),
            token.created_at.clone(),
            expiry(token),
        ]
    };
    let rows: Vec<Vec<String>> = list.tokens.iter().map(row).collect();
    table(&["ID", "NAME", "ALLOWS", "MADE", "EXPIRES"], &rows)
}

fn allows(token: &TokenView) -> String {
    let scopes: Vec<&str> = token.scopes.iter().map(|scope| scope.as_str()).collect();
    let scopes = scopes.join(",");
    match token.collections.is_empty() {
        true => scopes,
        false => format!("{scopes} in {}", token.collections.join(",")),
    }
}

fn expiry(token: &TokenView) -> String {
    token
        .expires_at
        .clone()
        .unwrap_or_else(|| "never".to_owned())
}

/// A time in seconds, written like `90d`.
fn seconds(text: &str) -> Result<i64, String> {
    let error = || format!("`{text}` is no time: write it like 30m, 12h or 90d");
    let unit = text.chars().last().ok_or_else(error)?;
    let factor = match unit {
        's' => 1,
        'm' => 60,
        'h' => 60 * 60,
        'd' => 24 * 60 * 60,
        _ => return Err(error()),
    };
    let count: i64 = text[..text.len() - 1].parse().map_err(|_| error())?;
    count
        .checked_mul(factor)
        .filter(|seconds| *seconds > 0)
        .ok_or_else(error)
}

#[cfg(test)]
mod tests {
    use super::seconds;

    #[test]
    fn times() {
        for (text, expected) in [
            ("45s", Some(45)),
            ("30m", Some(1_800)),
            ("12h", Some(43_200)),
            ("90d", Some(7_776_000)),
            ("90", None),
            ("d", None),
            ("-1d", None),
            ("0d", None),
            ("", None),
            ("9é", None),
            ("99999999999999999d", None),
        ] {
            assert_eq!(seconds(text).ok(), expected, "{text}");
        }
    }
}
