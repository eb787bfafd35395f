//! The one guard against private addresses: every request of every kind asks
//! it first, on every hop, and connects only to the addresses that it gives.
//!
//! `address` knows which addresses are public, `rule` what an operator allows
//! besides. Connecting is left to those who ask.

mod address;
mod rule;

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use tokio::time::timeout;
use url::{Host, Url};

use self::rule::Rule;

/// The ports of public hosts that may be reached: those where web sites are.
/// Others belong to mail, databases and the like, which read a request of HTTP
/// as a command of their own.
const PUBLIC_PORTS: [u16; 4] = [80, 443, 8080, 8443];

/// Names that are never on the public internet, whatever an answer claims (RFC
/// 6761, RFC 6762, and the name that ICANN keeps for private use).
const PRIVATE_NAMES: [&str; 3] = ["localhost", "local", "internal"];

/// How long a name may take to be resolved.
const LOOKUP_TIMEOUT: Duration = Duration::from_secs(10);

/// The most addresses of a name that are considered.
const ADDRESSES_MAX: usize = 32;

/// Says which hosts may be reached: those with public addresses on the usual
/// ports, and those that an operator allows.
#[derive(Clone, Debug)]
pub struct Guard {
    rules: Vec<Rule>,
}

/// A rule for private hosts that is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{rule}` is not a host, host:port, address or network such as 10.0.0.0/8")]
pub struct BadRule {
    /// What was given.
    pub rule: String,
}

/// Why an address may not be reached.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Neither http nor https.
    #[error("`{url}` is neither http nor https")]
    Scheme {
        /// The address.
        url: String,
    },
    /// A port that web servers do not use.
    #[error("port {port} of `{host}` is not one of the web's")]
    Port {
        /// The host.
        host: String,
        /// The port.
        port: u16,
    },
    /// The host has a private address, or is one.
    #[error("`{host}` is a private address")]
    Private {
        /// The host.
        host: String,
    },
    /// The host has no address.
    #[error("the host `{host}` cannot be found")]
    NoSuchHost {
        /// The host.
        host: String,
    },
}

impl Guard {
    /// A guard that lets public addresses through on ports 80, 443, 8080 and
    /// 8443, and besides them what `private_hosts` name: `intranet`,
    /// `intranet:8080`, `.corp.example` (that name and all below it),
    /// `10.1.2.3`, `10.1.2.3:8080`, `[::1]:8080`, `10.0.0.0/8`. A rule without
    /// a port holds for all ports. A named host may have any address; by a
    /// network, any name may have those addresses.
    pub fn new(private_hosts: &[String]) -> Result<Self, BadRule> {
        let rules = private_hosts.iter().map(|rule| rule.parse());
        Ok(Guard {
            rules: rules.collect::<Result<_, _>>()?,
        })
    }

    /// The same guard without what the operator allows besides: what a public
    /// page may lead to. Else whoever may publish a page could have it lead, by
    /// a redirect, to the private hosts that only what the operator asks for
    /// may reach. A page that this guard lets through, and [`Guard::is_own`]
    /// does not know, is public; from then on only this one is to be asked,
    /// since a name may have another address a moment later.
    pub fn without_rules(&self) -> Guard {
        Guard { rules: Vec::new() }
    }

    /// The addresses at which `url` may be reached; at least one.
    pub async fn vet(&self, url: &Url) -> Result<Vec<SocketAddr>, Refused> {
        let (Some((host, port)), "http" | "https") = (host_and_port(url), url.scheme()) else {
            return Err(Refused::Scheme {
                url: url.to_string(),
            });
        };
        self.vet_parsed(host, port).await
    }

    /// The addresses at which a host may be reached on a port, whatever is
    /// spoken there; at least one. `host` may be an address, in any spelling,
    /// with or without brackets.
    pub async fn vet_host(&self, host: &str, port: u16) -> Result<Vec<SocketAddr>, Refused> {
        let parsed = match host.parse::<Ipv6Addr>() {
            Ok(address) => Ok(Host::Ipv6(address)),
            // Knows all spellings that a browser does: 0x7f.1, 2130706433, 0177.1.
            Err(_) => Host::parse(host),
        };
        match parsed {
            Ok(host) => self.vet_parsed(host, port).await,
            Err(_) => Err(Refused::NoSuchHost {
                host: host.to_owned(),
            }),
        }
    }

    /// Whether the operator named this host, or this address: it is the
    /// operator's own, and need not be spared. Names are not resolved for this.
    pub fn is_own(&self, url: &Url) -> bool {
        match host_and_port(url) {
            Some((Host::Domain(name), port)) => self.is_named(bare(&name), port),
            Some((Host::Ipv4(address), port)) => self.is_allowed(address.into(), port),
            Some((Host::Ipv6(address), port)) => self.is_allowed(address.into(), port),
            None => false,
        }
    }

    async fn vet_parsed(&self, host: Host<String>, port: u16) -> Result<Vec<SocketAddr>, Refused> {
        match host {
            Host::Ipv4(address) => self.admit(&host.to_string(), port, [address.into()]),
            Host::Ipv6(address) => self.admit(&host.to_string(), port, [address.into()]),
            Host::Domain(name) => {
                self.precheck(&name, port)?;
                let no_such_host = || Refused::NoSuchHost { host: name.clone() };
                let lookup = tokio::net::lookup_host((name.as_str(), port));
                let found = timeout(LOOKUP_TIMEOUT, lookup)
                    .await
                    .map_err(|_| no_such_host())?
                    .map_err(|_| no_such_host())?;
                self.admit(&name, port, found.map(|at| at.ip()).take(ADDRESSES_MAX))
            }
        }
    }

    /// Refuses a name that no address can help, so that it is not even asked
    /// for: questions reach others too.
    fn precheck(&self, name: &str, port: u16) -> Result<(), Refused> {
        let by_rule = |rule: &Rule| rule.names(bare(name), port) || rule.depends_on_addresses(port);
        if self.rules.iter().any(by_rule) {
            Ok(())
        } else if is_private_name(bare(name)) {
            Err(private(name))
        } else if !PUBLIC_PORTS.contains(&port) {
            Err(bad_port(name, port))
        } else {
            Ok(())
        }
    }

    /// Those of a host's addresses that may be reached on a port.
    fn admit(
        &self,
        host: &str,
        port: u16,
        addresses: impl IntoIterator<Item = IpAddr>,
    ) -> Result<Vec<SocketAddr>, Refused> {
        let named = self.is_named(bare(host), port);
        let may_be_public = !is_private_name(bare(host));
        let (mut admitted, mut any, mut any_public) = (Vec::new(), false, false);
        for address in addresses {
            let public = may_be_public && address::is_public(address);
            (any, any_public) = (true, any_public || public);
            if named || self.is_allowed(address, port) || (public && PUBLIC_PORTS.contains(&port)) {
                admitted.push(SocketAddr::new(address, port));
            }
        }
        match (admitted.is_empty(), any, any_public) {
            (false, ..) => Ok(admitted),
            (true, true, true) => Err(bad_port(host, port)),
            (true, true, false) => Err(private(host)),
            (true, false, _) => Err(Refused::NoSuchHost {
                host: host.to_owned(),
            }),
        }
    }

    fn is_named(&self, name: &str, port: u16) -> bool {
        self.rules.iter().any(|rule| rule.names(name, port))
    }

    fn is_allowed(&self, address: IpAddr, port: u16) -> bool {
        self.rules.iter().any(|rule| rule.holds(address, port))
    }
}

fn host_and_port(url: &Url) -> Option<(Host<String>, u16)> {
    Some((url.host()?.to_owned(), url.port_or_known_default()?))
}

/// A name without the dot of the root, which changes nothing.
fn bare(name: &str) -> &str {
    name.strip_suffix('.').unwrap_or(name)
}

fn is_private_name(name: &str) -> bool {
    let last = name.rsplit('.').next().unwrap_or(name);
    PRIVATE_NAMES.contains(&last)
}

fn private(host: &str) -> Refused {
    Refused::Private {
        host: host.to_owned(),
    }
}

fn bad_port(host: &str, port: u16) -> Refused {
    Refused::Port {
        host: host.to_owned(),
        port,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_several_addresses_those_that_may_be_reached_remain() {
        for (rules, host, port, addresses, expected) in [
            ("", "a.example", 80, "1.1.1.1", "1.1.1.1:80"),
            ("", "a.example", 443, "10.0.0.1 1.1.1.1 ::1", "1.1.1.1:443"),
            ("", "a.example", 80, "10.0.0.1 ::1", "private"),
            ("", "a.example", 25, "10.0.0.1 1.1.1.1", "port"),
            ("", "a.example", 80, "", "no such host"),
            ("", "printer.local", 80, "1.1.1.1", "private"),
            (
                "a.example:25",
                "a.example.",
                25,
                "1.1.1.1 10.0.0.1",
                "1.1.1.1:25 10.0.0.1:25",
            ),
            (
                "10.0.0.0/8",
                "printer.local",
                631,
                "1.1.1.1 10.0.0.1",
                "10.0.0.1:631",
            ),
            ("10.0.0.1:8080", "a.example", 80, "10.0.0.1", "private"),
        ] {
            let rules: Vec<String> = rules.split_whitespace().map(str::to_owned).collect();
            let guard = Guard::new(&rules).unwrap();
            let addresses = addresses.split(' ').filter_map(|at| at.parse().ok());
            let admitted = match guard.admit(host, port, addresses) {
                Ok(admitted) => admitted
                    .iter()
                    .map(SocketAddr::to_string)
                    .collect::<Vec<_>>()
                    .join(" "),
                Err(Refused::Private { .. }) => "private".to_owned(),
                Err(Refused::Port { .. }) => "port".to_owned(),
                Err(Refused::NoSuchHost { .. }) => "no such host".to_owned(),
                Err(refused) => refused.to_string(),
            };
            assert_eq!(admitted, expected, "{host}:{port} by {rules:?}");
        }
    }
}
