//! The settings of what is fetched from the web, and by what.

use std::path::PathBuf;

use rag_web::Guard;
use url::Url;

use super::setting::Name;
use super::sources::Settings;
use super::{ConfigError, Secret, list};

/// What is fetched from the web, and by what.
#[derive(Clone, Debug)]
#[cfg_attr(
    not(feature = "browser"),
    expect(dead_code, reason = "what is said of browsers is read by one only")
)]
pub(crate) struct WebConfig {
    /// Says which hosts may be reached.
    pub(crate) guard: Guard,
    /// The private ones among them, as the operator wrote them.
    pub(crate) private_hosts: Vec<String>,
    /// The browser's program; `None` looks for one.
    pub(crate) chromium: Option<PathBuf>,
    /// The folders in which programs are looked for.
    pub(crate) program_folders: Vec<PathBuf>,
    /// The DevTools address of a browser that runs already; may hold credentials.
    pub(crate) browser_url: Option<Secret>,
    /// The base of GitHub's API.
    pub(crate) github_api: Url,
    /// The token for it.
    pub(crate) github_token: Option<Secret>,
}

impl WebConfig {
    /// What `settings` mean.
    pub(super) fn new(settings: &Settings) -> Result<Self, ConfigError> {
        let private_hosts = list(settings.value(Name::AllowPrivateHosts));
        let expected = "hosts, host:port, .suffix, addresses or networks such as 10.0.0.0/8, \
                        separated by commas";
        let guard = settings.parse(Name::AllowPrivateHosts, expected, |_| {
            Guard::new(&private_hosts).ok()
        })?;
        let expected = "an address with http, https, ws or wss";
        let browser_url = settings.parse(Name::BrowserUrl, expected, |text| {
            address(text, &["http", "https", "ws", "wss"])
        })?;
        Ok(WebConfig {
            guard: guard.unwrap_or_else(|| Guard::new(&[]).expect("no rules are right")),
            private_hosts,
            chromium: settings.value(Name::Chromium).map(PathBuf::from),
            program_folders: std::env::var_os("PATH")
                .map(|path| std::env::split_paths(&path).collect())
                .unwrap_or_default(),
            browser_url: browser_url.map(|url| Secret::new(url.as_str())),
            github_api: settings
                .parse(
                    Name::GithubApiUrl,
                    "an address with http or https",
                    |text| address(text, &["http", "https"]),
                )?
                .expect("it has a default"),
            github_token: settings.value(Name::GithubToken).map(Secret::new),
        })
    }
}

/// The address in `text`, if it has one of the `schemes` and a host.
pub(super) fn address(text: &str, schemes: &[&str]) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    (schemes.contains(&url.scheme()) && url.has_host()).then_some(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn web(pairs: &[(&str, &str)]) -> Result<WebConfig, ConfigError> {
        WebConfig::new(&Settings::from_pairs(pairs))
    }

    #[test]
    fn nothing_private_is_allowed_unless_said() {
        let none = web(&[]).unwrap();
        assert_eq!(none.private_hosts, Vec::<String>::new());
        assert_eq!(none.github_api.as_str(), "https://api.github.com/");
        let some = web(&[("RAG_ALLOW_PRIVATE_HOSTS", "intranet:8080, 10.0.0.0/8,")]).unwrap();
        assert_eq!(some.private_hosts, ["intranet:8080", "10.0.0.0/8"]);
    }

    #[test]
    fn secrets_stay_secret() {
        let web = web(&[
            ("GITHUB_TOKEN", "ghp_secret"),
            ("RAG_BROWSER_URL", "wss://browser.example/?token=secret"),
        ]);
        let shown = format!("{:?}", web.unwrap());
        assert!(!shown.contains("secret"), "{shown}");
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for (name, value) in [
            ("RAG_BROWSER_URL", "browser.example:9222"),
            ("GITHUB_API_URL", "ftp://github.example"),
            ("RAG_ALLOW_PRIVATE_HOSTS", "10.0.0.0/99"),
        ] {
            let error = web(&[(name, value)]).unwrap_err().to_string();
            assert!(error.starts_with(&format!("{name} (from ")), "{error}");
        }
    }
}
