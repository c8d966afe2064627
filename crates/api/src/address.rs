//! Where a request comes from: the peer of the socket, or whom proxies of ours name.

use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

use axum::http::HeaderMap;

/// Most hops of `X-Forwarded-For` that are looked at; nobody has more proxies of their own in a row.
const MOST_HOPS: usize = 20;
/// One customer's network of IPv6 (RFC 6177): addresses within it are the same person's.
const V6_NETWORK: u32 = 64;

/// A network of addresses, such as `10.0.0.0/8`, or one address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    prefix: u32,
}

/// A text that is no network.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no network; write an address or a network, such as 10.0.0.1 or 10.0.0.0/8")]
pub struct NotANetwork {
    text: String,
}

impl Network {
    /// True for addresses within it. An IPv4 address in IPv6 clothes is an IPv4 address.
    pub fn contains(&self, address: IpAddr) -> bool {
        let (one, width) = bits(self.address);
        let (other, other_width) = bits(address.to_canonical());
        let shift = width - self.prefix;
        width == other_width && (shift == width || one >> shift == other >> shift)
    }
}

impl From<IpAddr> for Network {
    fn from(address: IpAddr) -> Self {
        let address = address.to_canonical();
        Self { address, prefix: bits(address).1 }
    }
}

impl FromStr for Network {
    type Err = NotANetwork;

    fn from_str(text: &str) -> Result<Self, NotANetwork> {
        let wrong = || NotANetwork { text: text.to_owned() };
        let Some((address, prefix)) = text.split_once('/') else {
            return text.trim().parse::<IpAddr>().map(Self::from).map_err(|_| wrong());
        };
        let address: IpAddr = address.trim().parse().map_err(|_| wrong())?;
        let prefix = prefix.trim().parse().ok().filter(|prefix| *prefix <= bits(address).1).ok_or_else(wrong)?;
        Ok(Self { address, prefix })
    }
}

/// The address as a number, and how many bits it has.
fn bits(address: IpAddr) -> (u128, u32) {
    match address {
        IpAddr::V4(address) => (u128::from(address.to_bits()), 32),
        IpAddr::V6(address) => (address.to_bits(), 128),
    }
}

/// Who asks: `peer`, or, when that is a proxy of ours, the last hop of `X-Forwarded-For` that is not. What stands left of that hop was written by
/// somebody we do not know.
pub fn client_address(peer: IpAddr, headers: &HeaderMap, trusted: &[Network]) -> IpAddr {
    let is_ours = |address: IpAddr| trusted.iter().any(|network| network.contains(address));
    let mut client = peer.to_canonical();
    let lines: Vec<&str> = headers.get_all("x-forwarded-for").iter().map(|line| line.to_str().unwrap_or_default()).collect();
    for hop in lines.iter().rev().flat_map(|line| line.rsplit(',')).take(MOST_HOPS) {
        if !is_ours(client) {
            return client;
        }
        // A hop that is no address was not written by a proxy that we trust to know better.
        let Some(address) = hop_address(hop) else { return client };
        client = address;
    }
    client
}

/// An address as proxies write it: some add the port, some put IPv6 in brackets.
fn hop_address(hop: &str) -> Option<IpAddr> {
    let hop = hop.trim().trim_matches('"');
    let address = hop.parse().or_else(|_| hop.parse::<std::net::SocketAddr>().map(|address| address.ip()));
    let address = address.or_else(|_| hop.trim_start_matches('[').trim_end_matches(']').parse::<Ipv6Addr>().map(IpAddr::V6));
    address.ok().map(|address: IpAddr| address.to_canonical())
}

/// Whom limits count: an IPv4 address, or a network of IPv6.
pub(crate) fn counted(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let kept = u128::MAX << (128 - V6_NETWORK);
            IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & kept))
        }
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn client(peer: &str, forwarded: &[&str], trusted: &[&str]) -> String {
        let headers = forwarded.iter().map(|line| ("x-forwarded-for".parse().unwrap(), line.parse().unwrap())).fold(
            HeaderMap::new(),
            |mut headers, (name, line): (axum::http::HeaderName, axum::http::HeaderValue)| {
                headers.append(name, line);
                headers
            },
        );
        let trusted: Vec<Network> = trusted.iter().map(|text| text.parse().unwrap()).collect();
        client_address(ip(peer), &headers, &trusted).to_string()
    }

    #[test]
    fn nobody_names_himself_without_a_proxy_of_ours() {
        assert_eq!(client("203.0.113.9", &["198.51.100.1"], &[]), "203.0.113.9");
        assert_eq!(client("203.0.113.9", &["198.51.100.1"], &["10.0.0.0/8"]), "203.0.113.9");
    }

    #[test]
    fn the_last_hop_that_is_not_ours_is_the_client() {
        let ours = ["10.0.0.0/8", "fd00::/8"];
        assert_eq!(client("10.0.0.1", &["198.51.100.1"], &ours), "198.51.100.1");
        assert_eq!(
            client("10.0.0.1", &["1.2.3.4, 198.51.100.1, 10.0.0.2"], &ours),
            "198.51.100.1",
            "what the client wrote is not believed"
        );
        assert_eq!(client("10.0.0.1", &["1.2.3.4", "198.51.100.1, 10.0.0.2"], &ours), "198.51.100.1", "several lines are one list");
        assert_eq!(client("fd00::1", &["2001:db8::7"], &ours), "2001:db8::7");
        assert_eq!(client("::ffff:10.0.0.1", &["198.51.100.1:4711"], &ours), "198.51.100.1");
        assert_eq!(client("10.0.0.1", &["[2001:db8::7]:80"], &ours), "2001:db8::7");
    }

    #[test]
    fn a_list_that_is_not_to_be_read_ends_at_the_proxy() {
        assert_eq!(client("10.0.0.1", &["198.51.100.1, unknown"], &["10.0.0.0/8"]), "10.0.0.1");
        assert_eq!(client("10.0.0.1", &[""], &["10.0.0.0/8"]), "10.0.0.1");
        assert_eq!(client("10.0.0.1", &["10.0.0.3, 10.0.0.2"], &["10.0.0.0/8"]), "10.0.0.3");
        let many = vec!["10.0.0.2"; 5000].join(",");
        assert_eq!(client("10.0.0.1", &[&format!("198.51.100.1,{many}")], &["10.0.0.0/8"]), "10.0.0.2");
    }

    #[test]
    fn networks_are_read_and_compared() {
        for wrong in ["", "10.0.0.0/33", "10.0.0/8", "::/129", "host", "10.0.0.0/-1"] {
            assert!(wrong.parse::<Network>().is_err(), "{wrong}");
        }
        assert!("0.0.0.0/0".parse::<Network>().unwrap().contains(ip("203.0.113.9")));
        assert!(!"0.0.0.0/0".parse::<Network>().unwrap().contains(ip("2001:db8::7")));
        assert!("::/0".parse::<Network>().unwrap().contains(ip("2001:db8::7")));
        assert!("10.0.0.1".parse::<Network>().unwrap().contains(ip("::ffff:10.0.0.1")));
    }

    #[test]
    fn limits_count_networks_of_ipv6() {
        assert_eq!(counted(ip("2001:db8:1:2:3:4:5:6")), ip("2001:db8:1:2::"));
        assert_eq!(counted(ip("::ffff:203.0.113.9")), ip("203.0.113.9"));
    }
}
