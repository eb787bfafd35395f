//! Which hosts one page may reach.

use std::net::SocketAddr;
use std::sync::Arc;

use rag_web::{Guard, Refused};
use url::Url;

/// What a page may reach, by where it is itself.
///
/// What an operator allows besides the public web is open to pages of those
/// hosts only. A public page could use it to look around in a private network
/// from inside.
#[derive(Clone, Debug)]
pub(crate) struct Reach {
    guard: Arc<Guard>,
    host: String,
    port: u16,
    /// The page's own. They stay what they were when the guard was chosen by
    /// them: another answer a moment later would make a public page of it.
    addresses: Vec<SocketAddr>,
}

impl Reach {
    /// What the page at `url` may reach. Fails when that is not even itself.
    pub(crate) async fn of_page(guard: &Arc<Guard>, url: &Url) -> Result<Self, Refused> {
        let mut addresses = guard.vet(url).await?;
        let mut guard = Arc::clone(guard);
        if !guard.is_own(url) {
            let rule_less = guard.without_rules();
            let mut public = Vec::new();
            for address in &addresses {
                let host = address.ip().to_string();
                if rule_less.vet_host(&host, address.port()).await.is_ok() {
                    public.push(*address);
                }
            }
            if !public.is_empty() {
                (guard, addresses) = (Arc::new(rule_less), public);
            }
        }
        Ok(Reach {
            guard,
            host: url.host_str().unwrap_or_default().to_owned(),
            port: url.port_or_known_default().unwrap_or_default(),
            addresses,
        })
    }

    /// The addresses at which the page may reach a host; at least one.
    pub(super) async fn vet_host(&self, host: &str, port: u16) -> Result<Vec<SocketAddr>, Refused> {
        if (host, port) == (self.host.as_str(), self.port) {
            return Ok(self.addresses.clone());
        }
        self.guard.vet_host(host, port).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_pages_of_allowed_hosts_reach_allowed_hosts() {
        let rules = ["10.0.0.0/8", "127.0.0.1:81", "1.0.0.1"].map(str::to_owned);
        let guard = Arc::new(Guard::new(&rules).unwrap());
        for (page, reaches_private) in [
            ("http://10.1.2.3/", true),
            ("http://127.0.0.1:81/", true),
            // Public, but named by the operator.
            ("http://1.0.0.1/", true),
            ("http://1.1.1.1/", false),
            ("https://[2606:4700::1111]/", false),
        ] {
            let url: Url = page.parse().unwrap();
            let reach = Reach::of_page(&guard, &url).await.unwrap();
            for host in ["10.0.0.7", "127.0.0.1"] {
                let found = reach.vet_host(host, 81).await;
                assert_eq!(found.is_ok(), reaches_private, "{page}: {found:?}");
            }
            assert!(reach.vet_host("8.8.8.8", 443).await.is_ok(), "{page}");
            assert!(reach.vet_host("192.168.0.1", 80).await.is_err(), "{page}");
            let own = reach
                .vet_host(&reach.host, reach.port)
                .await
                .map(|found| found.len());
            assert_eq!(own, Ok(1), "{page}");
        }
        let private: Url = "http://192.168.0.1/".parse().unwrap();
        assert!(Reach::of_page(&guard, &private).await.is_err());
    }
}
