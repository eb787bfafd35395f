//! Which addresses are public, by the special-purpose registries of IANA for
//! [IPv4] and [IPv6]. Pure.
//!
//! Addresses that stand for another one are judged by that one. Where the
//! registries leave a choice, the answer is private: no web site is lost by it.
//!
//! [IPv4]: https://www.iana.org/assignments/iana-ipv4-special-registry
//! [IPv6]: https://www.iana.org/assignments/iana-ipv6-special-registry

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What is not the public internet, as network and length of its prefix.
const PRIVATE_V4: [(Ipv4Addr, u32); 16] = [
    (Ipv4Addr::new(0, 0, 0, 0), 8),     // this network
    (Ipv4Addr::new(10, 0, 0, 0), 8),    // private, RFC 1918
    (Ipv4Addr::new(100, 64, 0, 0), 10), // behind a provider's NAT, RFC 6598
    (Ipv4Addr::new(127, 0, 0, 0), 8),   // loopback
    // Public by the registry, but the host's own agent on machines of Azure.
    (Ipv4Addr::new(168, 63, 129, 16), 32),
    (Ipv4Addr::new(169, 254, 0, 0), 16), // link-local: metadata services of clouds
    (Ipv4Addr::new(172, 16, 0, 0), 12),  // private, RFC 1918
    (Ipv4Addr::new(192, 0, 0, 0), 24),   // protocol assignments
    (Ipv4Addr::new(192, 0, 2, 0), 24),   // documentation
    (Ipv4Addr::new(192, 88, 99, 0), 24), // relays of 6to4, withdrawn
    (Ipv4Addr::new(192, 168, 0, 0), 16), // private, RFC 1918
    (Ipv4Addr::new(198, 18, 0, 0), 15),  // benchmarks
    (Ipv4Addr::new(198, 51, 100, 0), 24), // documentation
    (Ipv4Addr::new(203, 0, 113, 0), 24), // documentation
    (Ipv4Addr::new(224, 0, 0, 0), 4),    // multicast
    (Ipv4Addr::new(240, 0, 0, 0), 4),    // reserved, broadcast
];

/// All that IANA gives out for global unicast; what lies outside (loopback,
/// unique local and Fly's `fdaa::/16`, link-local, site-local, multicast,
/// discard, segment routing, local NAT64, …) is private without being listed.
const GLOBAL_V6: (Ipv6Addr, u32) = (Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);

/// What is not public inside of [`GLOBAL_V6`].
const PRIVATE_V6: [(Ipv6Addr, u32); 3] = [
    // Protocol assignments: Teredo, benchmarks, ORCHID. The few that are global
    // serve no web sites.
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23),
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32), // documentation
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20),     // documentation
];

const SIX_TO_FOUR: (Ipv6Addr, u32) = (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16);
const NAT64: (Ipv6Addr, u32) = (Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, 0, 0), 96);

/// Whether anyone on the internet may be there.
pub(super) fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => match embedded(address) {
            Some(embedded) => is_public_v4(embedded),
            None => is_within_v6(address, GLOBAL_V6) && !is_special_v6(address),
        },
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    !PRIVATE_V4
        .iter()
        .any(|&(network, length)| is_within(address.into(), network.into(), length))
}

fn is_special_v6(address: Ipv6Addr) -> bool {
    PRIVATE_V6
        .iter()
        .any(|&network| is_within_v6(address, network))
}

fn is_within_v6(address: Ipv6Addr, (network, length): (Ipv6Addr, u32)) -> bool {
    is_within(address.into(), network.into(), length)
}

/// The IPv4 address that packets to this one reach: mapped, 6to4 (RFC 3056) or
/// by a NAT64 (RFC 6052).
fn embedded(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let [_, high, low, .., second_last, last] = address.segments();
    let join = |high: u16, low: u16| Ipv4Addr::from(u32::from(high) << 16 | u32::from(low));
    if is_within_v6(address, SIX_TO_FOUR) {
        Some(join(high, low))
    } else if is_within_v6(address, NAT64) {
        Some(join(second_last, last))
    } else {
        address.to_ipv4_mapped()
    }
}

/// Whether an address is in a network whose prefix has `length` bits. Those of
/// different families never are in each other.
pub(super) fn is_within(address: IpAddr, network: IpAddr, length: u32) -> bool {
    let (differing, bits) = match (address, network) {
        (IpAddr::V4(address), IpAddr::V4(network)) => {
            ((u32::from(address) ^ u32::from(network)).into(), 32)
        }
        (IpAddr::V6(address), IpAddr::V6(network)) => {
            (u128::from(address) ^ u128::from(network), 128)
        }
        _ => return false,
    };
    // A shift by all 128 bits is none in Rust: everything is in `::/0`.
    differing
        .checked_shr(bits - length.min(bits))
        .unwrap_or_default()
        == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn public_addresses_are_told_from_private_ones() {
        let public = [
            "1.1.1.1",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.0",
            "168.63.129.15",
            "168.63.129.17",
            "169.253.255.255",
            "169.255.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "192.0.1.0",
            "192.31.196.1",
            "192.167.255.255",
            "192.169.0.0",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "2000::1",
            "2001:200::1",
            "2600:1f18::1",
            "2606:4700:4700::1111",
            "3fff:1000::1",
            "::ffff:1.1.1.1",
            "64:ff9b::1.1.1.1",
            "2002:101:101::1",
        ];
        let private = [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.0",
            "10.255.255.255",
            "100.64.0.0",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.255.255",
            "168.63.129.16",
            "169.254.0.0",
            "169.254.169.254",
            "172.16.0.0",
            "172.31.255.255",
            "192.0.0.1",
            "192.0.0.170",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.0.0",
            "192.168.255.255",
            "198.18.0.0",
            "198.19.255.255",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::2",
            "::7f00:1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::ffff:168.63.129.16",
            "::ffff:169.254.169.254",
            "::ffff:0:10.0.0.1",
            "64:ff9b::10.0.0.1",
            "64:ff9b::7f00:1",
            "64:ff9b:1::1.1.1.1",
            "64:ff9b:1::10.0.0.1",
            "100::1",
            "100:0:0:1::1",
            "2001::1",
            "2001:0:4136:e378:8000:63bf:3fff:fdd2",
            "2001:2::1",
            "2001:10::1",
            "2001:20::1",
            "2001:db8::1",
            "2002:7f00:1::1",
            "2002:a00:1::1",
            "2002:a9fe:a9fe::1",
            "3fff::1",
            "3fff:fff::1",
            "4000::1",
            "5f00::1",
            "fc00::1",
            "fd00::1",
            "fdaa:0:1::3",
            "fe80::1",
            "febf::1",
            "fec0::1",
            "ff02::1",
        ];
        let cases = public.map(|address| (address, true)).into_iter();
        for (address, expected) in cases.chain(private.map(|address| (address, false))) {
            assert_eq!(is_public(address.parse().unwrap()), expected, "{address}");
        }
    }

    #[test]
    fn networks_hold_what_shares_their_prefix() {
        for (address, network, length, expected) in [
            ("10.1.2.3", "10.0.0.0", 8, true),
            ("11.1.2.3", "10.0.0.0", 8, false),
            ("10.1.2.3", "10.1.2.3", 32, true),
            ("10.1.2.2", "10.1.2.3", 32, false),
            ("10.1.2.3", "0.0.0.0", 0, true),
            ("fd00::1", "::", 0, true),
            ("fd00::1", "fd00::", 8, true),
            ("fd00::1", "fd00::2", 128, false),
            ("10.1.2.3", "::", 0, false),
        ] {
            let (at, of) = (address.parse().unwrap(), network.parse().unwrap());
            let found = is_within(at, of, length);
            assert_eq!(found, expected, "{address} in {network}/{length}");
        }
    }
}
