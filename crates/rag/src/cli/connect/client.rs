//! The clients: where each lists its servers, how it names the environment, and
//! what there is to do for it to notice. What an entry holds is in `entry`.

use std::path::{Path, PathBuf};

use clap::ValueEnum;

use super::entry::{Server, Token};
use crate::config::Folders;

/// A program that agents run in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Client {
    /// Anthropic's agent for the terminal
    ClaudeCode,
    /// Anthropic's desktop program
    ClaudeDesktop,
    /// The editor Cursor
    Cursor,
    /// Visual Studio Code with Copilot
    Vscode,
    /// OpenAI's agent for the terminal and the editor
    Codex,
    /// OpenAI's ChatGPT, which reaches public servers only
    Chatgpt,
    /// Google's agent for the terminal
    GeminiCli,
}

/// How a configuration file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// JSON.
    Json,
    /// TOML.
    Toml,
}

impl Client {
    /// Its name on the command line.
    pub(super) fn name(self) -> &'static str {
        match self {
            Client::ClaudeCode => "claude-code",
            Client::ClaudeDesktop => "claude-desktop",
            Client::Cursor => "cursor",
            Client::Vscode => "vscode",
            Client::Codex => "codex",
            Client::Chatgpt => "chatgpt",
            Client::GeminiCli => "gemini-cli",
        }
    }

    /// Its name for people.
    pub(super) fn title(self) -> &'static str {
        match self {
            Client::ClaudeCode => "Claude Code",
            Client::ClaudeDesktop => "Claude Desktop",
            Client::Cursor => "Cursor",
            Client::Vscode => "VS Code",
            Client::Codex => "Codex",
            Client::Chatgpt => "ChatGPT",
            Client::GeminiCli => "Gemini CLI",
        }
    }

    /// What its list of servers is called in its file.
    pub(super) fn section(self) -> &'static str {
        match self {
            Client::Vscode => "servers",
            Client::Codex => "mcp_servers",
            _ => "mcpServers",
        }
    }

    /// How its file is written.
    pub(super) fn format(self) -> Format {
        match self {
            Client::Codex => Format::Toml,
            _ => Format::Json,
        }
    }

    /// The user's file. `claude mcp add`, `codex mcp add` and `gemini mcp add`
    /// would write the same ones; we do it ourselves so that it works without
    /// the client on PATH, alike for all, and with a backup.
    pub(super) fn user_file(self, folders: &Folders) -> Option<PathBuf> {
        let home = &folders.home;
        Some(match self {
            Client::ClaudeCode => folders
                .claude_code
                .as_ref()
                .unwrap_or(home)
                .join(".claude.json"),
            Client::ClaudeDesktop => claude_desktop(folders).join("claude_desktop_config.json"),
            Client::Cursor => home.join(".cursor").join("mcp.json"),
            Client::Vscode => folders
                .applications
                .join("Code")
                .join("User")
                .join("mcp.json"),
            Client::Codex => match &folders.codex {
                Some(folder) => folder.join("config.toml"),
                None => home.join(".codex").join("config.toml"),
            },
            Client::GeminiCli => home.join(".gemini").join("settings.json"),
            Client::Chatgpt => return None,
        })
    }

    /// The file of a project, below its folder.
    pub(super) fn project_file(self) -> Option<&'static str> {
        match self {
            Client::ClaudeCode => Some(".mcp.json"),
            Client::Cursor => Some(".cursor/mcp.json"),
            Client::Vscode => Some(".vscode/mcp.json"),
            Client::Codex => Some(".codex/config.toml"),
            Client::GeminiCli => Some(".gemini/settings.json"),
            Client::ClaudeDesktop | Client::Chatgpt => None,
        }
    }

    /// How its file refers to an environment variable. VS Code could ask for
    /// the value by its `inputs` instead, but keeps servers that ask from the
    /// agents it runs in the background.
    pub(super) fn reference(self, variable: &str) -> String {
        match self {
            Client::Cursor | Client::Vscode => format!("${{env:{variable}}}"),
            _ => format!("${{{variable}}}"),
        }
    }

    /// What there is to do after its file has changed.
    pub(super) fn next(self, name: &str, server: Option<&Server>, project: bool) -> String {
        let mut steps = vec![self.reload(name)];
        match server {
            Some(Server::Remote {
                token: Token::Variable(variable),
                ..
            }) => {
                let title = self.title();
                steps.push(format!(
                    "Set {variable} in the environment that {title} is started from."
                ));
                if self == Client::ClaudeCode && !project {
                    steps.push(format!(
                        "Some versions read ${{{variable}}} in a project's file only; --project \
                         writes that."
                    ));
                }
            }
            Some(Server::Remote {
                token: Token::None, ..
            }) => steps.extend(self.sign_in(name)),
            Some(Server::Local { arguments, .. })
                if self == Client::ClaudeDesktop && arguments.len() == 1 =>
            {
                steps.push(
                    "It may have no files read; --root DIR allows those of a folder.".to_owned(),
                );
            }
            Some(_) | None => {}
        }
        if project && self == Client::Codex {
            steps.push("Codex reads this file in projects that it trusts.".to_owned());
        }
        steps.join("\n")
    }

    fn reload(self, name: &str) -> String {
        match self {
            Client::ClaudeCode | Client::Codex | Client::GeminiCli => {
                let title = self.title();
                format!("Start {title} anew; `/mcp` there lists its servers.")
            }
            Client::ClaudeDesktop => {
                "Quit Claude Desktop and start it anew; closing its window is not enough.".into()
            }
            Client::Cursor => {
                format!("Start Cursor anew and see to `{name}` in its settings, under MCP.")
            }
            Client::Vscode => {
                format!("In VS Code run `MCP: List Servers` and see to `{name}` there.")
            }
            Client::Chatgpt => "Reload ChatGPT.".into(),
        }
    }

    /// How to sign in to a server for which there is no token.
    fn sign_in(self, name: &str) -> Option<String> {
        let how = match self {
            Client::ClaudeCode => "`/mcp` signs in".to_owned(),
            Client::Codex => format!("`codex mcp login {name}` signs in"),
            Client::GeminiCli => format!("`/mcp auth {name}` signs in"),
            Client::Cursor | Client::Vscode => "it asks to sign in".to_owned(),
            Client::ClaudeDesktop | Client::Chatgpt => return None,
        };
        Some(format!(
            "If the server asks for a token, {how} by OAuth; --token-env NAME names a token."
        ))
    }
}

/// The folder of Claude Desktop. On Windows it is a packaged program, which
/// never sees what is written to the usual place.
fn claude_desktop(folders: &Folders) -> PathBuf {
    let packaged = folders.packages.as_deref().and_then(packaged_claude);
    packaged.unwrap_or_else(|| folders.applications.join("Claude"))
}

/// Where Windows keeps the settings of the packaged Claude Desktop.
fn packaged_claude(packages: &Path) -> Option<PathBuf> {
    let entries = std::fs::read_dir(packages).ok()?;
    entries
        .filter_map(Result::ok)
        .filter(|entry| entry.file_name().to_string_lossy().starts_with("Claude_"))
        .map(|entry| entry.path().join("LocalCache/Roaming/Claude"))
        .find(|folder| folder.is_dir())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folders() -> Folders {
        Folders {
            home: "/home/me".into(),
            applications: "/home/me/.config".into(),
            packages: None,
            claude_code: None,
            codex: None,
        }
    }

    #[test]
    fn every_client_is_named_and_has_its_file() {
        for (client, name, file) in [
            (
                Client::ClaudeCode,
                "claude-code",
                Some("/home/me/.claude.json"),
            ),
            (
                Client::ClaudeDesktop,
                "claude-desktop",
                Some("/home/me/.config/Claude/claude_desktop_config.json"),
            ),
            (Client::Cursor, "cursor", Some("/home/me/.cursor/mcp.json")),
            (
                Client::Vscode,
                "vscode",
                Some("/home/me/.config/Code/User/mcp.json"),
            ),
            (Client::Codex, "codex", Some("/home/me/.codex/config.toml")),
            (Client::Chatgpt, "chatgpt", None),
            (
                Client::GeminiCli,
                "gemini-cli",
                Some("/home/me/.gemini/settings.json"),
            ),
        ] {
            let typed = Client::from_str(name, false);
            assert_eq!((typed, client.name()), (Ok(client), name));
            assert_eq!(client.user_file(&folders()), file.map(PathBuf::from));
        }
    }

    #[test]
    fn clients_may_keep_their_files_elsewhere() {
        let folders = Folders {
            claude_code: Some("/elsewhere/claude".into()),
            codex: Some("/elsewhere/codex".into()),
            ..folders()
        };
        for (client, file) in [
            (Client::ClaudeCode, "/elsewhere/claude/.claude.json"),
            (Client::Codex, "/elsewhere/codex/config.toml"),
        ] {
            assert_eq!(client.user_file(&folders), Some(file.into()));
        }
    }

    #[test]
    fn a_packaged_claude_has_a_place_of_its_own() {
        let packages = tempfile::tempdir().unwrap();
        let own = packages
            .path()
            .join("Claude_pz/LocalCache/Roaming")
            .join("Claude");
        std::fs::create_dir_all(packages.path().join("Other")).unwrap();
        assert_eq!(packaged_claude(packages.path()), None);
        std::fs::create_dir_all(&own).unwrap();
        let folders = Folders {
            packages: Some(packages.path().to_owned()),
            ..folders()
        };
        let file = Client::ClaudeDesktop.user_file(&folders);
        assert_eq!(file, Some(own.join("claude_desktop_config.json")));
    }
}
