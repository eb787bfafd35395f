//! What an operator allows besides the public internet. Pure.

use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

use url::Host;

use super::{BadRule, address};

/// One of the operator's rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Rule {
    hosts: Hosts,
    /// The only port it holds for; `None` means all.
    port: Option<u16>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Hosts {
    /// This name.
    Name(String),
    /// This name and all below it.
    Suffix(String),
    /// The addresses of this network, and names that resolve to them.
    Network { first: IpAddr, length: u32 },
}

impl Rule {
    /// Whether the operator named this host, so that it may have any address.
    pub(super) fn names(&self, host: &str, port: u16) -> bool {
        self.is_for(port)
            && match &self.hosts {
                Hosts::Name(name) => host == name,
                Hosts::Suffix(suffix) => host
                    .strip_suffix(suffix.as_str())
                    .is_some_and(|rest| rest.is_empty() || rest.ends_with('.')),
                Hosts::Network { .. } => false,
            }
    }

    /// Whether this address may be reached, by whatever name.
    pub(super) fn holds(&self, address: IpAddr, port: u16) -> bool {
        match self.hosts {
            // An address that is mapped into IPv6 is the same address.
            Hosts::Network { first, length } => {
                self.is_for(port) && address::is_within(address.to_canonical(), first, length)
            }
            Hosts::Name(_) | Hosts::Suffix(_) => false,
        }
    }

    /// Whether a name may pass by this rule once its addresses are known.
    pub(super) fn depends_on_addresses(&self, port: u16) -> bool {
        self.is_for(port) && matches!(self.hosts, Hosts::Network { .. })
    }

    fn is_for(&self, port: u16) -> bool {
        self.port.is_none_or(|only| only == port)
    }

    fn new(host: &str, port: Option<u16>) -> Option<Self> {
        let hosts = match host.strip_prefix('.') {
            Some(suffix) => Hosts::Suffix(name(suffix)?),
            None => match Host::parse(host).ok()? {
                Host::Domain(domain) => Hosts::Name(name(&domain)?),
                Host::Ipv4(address) => Hosts::address(address.into()),
                Host::Ipv6(address) => Hosts::address(address.into()),
            },
        };
        Some(Rule { hosts, port })
    }
}

impl Hosts {
    fn address(address: IpAddr) -> Self {
        let first = address.to_canonical();
        Hosts::Network {
            first,
            length: bits(first),
        }
    }
}

impl FromStr for Rule {
    type Err = BadRule;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let rule = text.trim();
        let read = if let Some((first, length)) = rule.split_once('/') {
            network(first, length)
        } else if let Ok(address) = rule.parse::<Ipv6Addr>() {
            Some(Rule {
                hosts: Hosts::address(address.into()),
                port: None,
            })
        } else {
            match rule.rsplit_once(':') {
                // The colons within brackets are the address's own.
                Some((host, port)) if !port.ends_with(']') => port
                    .parse()
                    .ok()
                    .and_then(|port| Rule::new(host, Some(port))),
                _ => Rule::new(rule, None),
            }
        };
        read.ok_or_else(|| BadRule {
            rule: text.to_owned(),
        })
    }
}

fn network(first: &str, length: &str) -> Option<Rule> {
    let first: IpAddr = first.parse().ok()?;
    let length = length
        .parse()
        .ok()
        .filter(|&length| length <= bits(first))?;
    let hosts = Hosts::Network { first, length };
    Some(Rule { hosts, port: None })
}

fn bits(address: IpAddr) -> u32 {
    match address {
        IpAddr::V4(_) => 32,
        IpAddr::V6(_) => 128,
    }
}

/// A name as the guard compares it: in lower case, without the root's dot.
fn name(text: &str) -> Option<String> {
    let Ok(Host::Domain(domain)) = Host::parse(text) else {
        return None;
    };
    let name = domain.strip_suffix('.').unwrap_or(&domain);
    let is_known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    (!name.is_empty() && name.chars().all(is_known)).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_matched_whole_or_by_their_end() {
        for (rule, host, port, expected) in [
            ("intranet", "intranet", 80, true),
            ("Intranet.", "intranet", 9999, true),
            ("intranet", "www.intranet", 80, false),
            ("intranet:8080", "intranet", 8080, true),
            ("intranet:8080", "intranet", 80, false),
            (".corp.example", "wiki.corp.example", 80, true),
            (".corp.example", "a.b.corp.example", 80, true),
            (".corp.example", "corp.example", 80, true),
            (".corp.example", "evilcorp.example", 80, false),
            (".corp.example:81", "wiki.corp.example", 81, true),
            (".corp.example:81", "wiki.corp.example", 80, false),
            ("10.0.0.0/8", "10.0.0.0", 80, false),
        ] {
            let read: Rule = rule.parse().unwrap();
            assert_eq!(read.names(host, port), expected, "{rule}: {host}:{port}");
        }
    }

    #[test]
    fn addresses_are_matched_in_any_spelling() {
        for (rule, address, port, expected) in [
            ("10.1.2.3", "10.1.2.3", 80, true),
            ("10.1.2.3", "::ffff:10.1.2.3", 80, true),
            ("::ffff:10.1.2.3", "10.1.2.3", 80, true),
            ("10.1.2.3", "10.1.2.4", 80, false),
            ("10.1.2.3:8080", "10.1.2.3", 8080, true),
            ("10.1.2.3:8080", "10.1.2.3", 80, false),
            ("10.0.0.0/8", "10.255.0.1", 1234, true),
            ("10.9.9.9/8", "10.255.0.1", 1234, true),
            ("10.0.0.0/8", "11.0.0.1", 80, false),
            ("::1", "::1", 80, true),
            ("[::1]", "::1", 80, true),
            ("[::1]:8080", "::1", 8080, true),
            ("[::1]:8080", "::1", 80, false),
            ("fd00::/8", "fd12::1", 80, true),
            ("fd00::/8", "fc12::1", 80, false),
            ("intranet", "10.1.2.3", 80, false),
        ] {
            let read: Rule = rule.parse().unwrap();
            let found = read.holds(address.parse().unwrap(), port);
            assert_eq!(found, expected, "{rule}: {address} port {port}");
        }
    }

    #[test]
    fn what_is_no_rule_is_refused() {
        for rule in [
            "",
            " ",
            ".",
            "*",
            "*.corp.example",
            "http://intranet",
            "intranet:",
            "intranet:port",
            "intranet:70000",
            "10.0.0.0/33",
            "10.0.0.0/-1",
            "10.0.0.0/8:80",
            "intranet/8",
            "fd00::/129",
            "[::1",
            "[::1]:",
            ".10.0.0.1",
            "a b",
            "user@intranet",
        ] {
            let read = rule.parse::<Rule>();
            let expected = BadRule {
                rule: rule.to_owned(),
            };
            assert_eq!(read, Err(expected));
        }
    }
}
