//! What people do themselves where no file will do: ChatGPT is told of servers
//! in its settings, and Claude Desktop of those elsewhere in its own.

use std::path::Path;

use rag_memory::Error;
use serde_json::json;
use url::Url;

/// How to tell ChatGPT of the server at `url`.
pub(super) fn chatgpt(name: &str, url: Option<&Url>) -> Result<String, Error> {
    let hint = "run `rag serve` behind a public https address, then `rag connect chatgpt --remote \
                https://memory.example.org`";
    let url = url.ok_or_else(|| {
        Error::invalid("ChatGPT starts no programs: it needs a server that it can reach").hint(hint)
    })?;
    if url.scheme() != "https" {
        let message = format!("ChatGPT reaches servers over https only, and `{url}` is not");
        return Err(Error::invalid(message).hint(hint));
    }
    Ok(format!(
        "ChatGPT has no file to write to. In its settings:\n\
         \n  \
         1. Apps & Connectors (`Apps` in some versions), Advanced settings: switch on Developer mode\n  \
         2. Apps & Connectors, Create: name `{name}`, MCP server URL `{url}`, authentication OAuth\n  \
         3. sign in when asked, then choose `{name}` in a chat, under `+`\n\
         \n\
         It takes no token and signs in by OAuth: the server needs RAG_PUBLIC_URL and \
         RAG_OAUTH_ISSUER."
    ))
}

/// How to make ChatGPT forget a server.
pub(super) fn chatgpt_removal(name: &str) -> String {
    format!(
        "ChatGPT has no file to write to. In its settings, under Apps & Connectors, open `{name}` \
         and delete it."
    )
}

/// How to tell Claude Desktop, whose file is at `path`, of the server at `url`.
pub(super) fn claude_desktop(name: &str, url: &Url, path: &Path) -> String {
    let mut arguments = vec!["-y", "mcp-remote", url.as_str()];
    if url.scheme() == "http" {
        arguments.push("--allow-http");
    }
    // A blank in an argument is lost on some platforms; one in a variable is not.
    arguments.extend(["--header", "Authorization:${AUTHORIZATION}"]);
    let arguments = json!(arguments);
    let path = path.display();
    format!(
        "The file of Claude Desktop is for programs on this machine only. For a server elsewhere:\n\
         \n\
         A server that Anthropic can reach and that signs in by OAuth (RAG_PUBLIC_URL and \
         RAG_OAUTH_ISSUER):\n  \
         Settings, Connectors, Add custom connector: name `{name}`, URL `{url}`\n\
         \n\
         Any other, and with a token: a bridge, which needs Node.js. Add to {path} under \
         `mcpServers`, with the token in place of TOKEN:\n\
         \n  \
         \"{name}\": {{\n    \
         \"command\": \"npx\",\n    \
         \"args\": {arguments},\n    \
         \"env\": {{ \"AUTHORIZATION\": \"Bearer TOKEN\" }}\n  \
         }}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chatgpt_needs_a_public_server() {
        let of = |url: &str| chatgpt("rag-memory", Some(&Url::parse(url).unwrap()));
        assert!(chatgpt("rag-memory", None).is_err());
        assert!(of("http://h/mcp").is_err());
        let steps = of("https://h/mcp").unwrap();
        assert!(steps.contains("MCP server URL `https://h/mcp`"), "{steps}");
    }

    #[test]
    fn claude_desktop_is_given_a_bridge() {
        let of = |url: &str| {
            let url = Url::parse(url).unwrap();
            claude_desktop("rag-memory", &url, Path::new("/home/me/f.json"))
        };
        let steps = of("https://h/mcp");
        for part in [
            "URL `https://h/mcp`",
            "Add to /home/me/f.json",
            r#""args": ["-y","mcp-remote","https://h/mcp","--header","Authorization:${AUTHORIZATION}"]"#,
        ] {
            assert!(steps.contains(part), "{part} is not in {steps}");
        }
        assert!(of("http://h/mcp").contains("--allow-http"));
    }
}
