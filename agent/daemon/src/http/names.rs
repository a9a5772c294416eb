//! Under which names and addresses the page is found: what the configuration names, and what the machine is called.

use std::net::IpAddr;
use wattpool_daemon::config::{is_name, HttpConfig};

/// Addresses that a certificate names, at most.
const MOST_ADDRESSES: usize = 32;

/// A host name, and the one that multicast DNS has for it.
fn of_host(host: &str) -> Vec<String> {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    let short = host.split('.').next().unwrap_or_default();
    if !is_name(&host) || short == "localhost" {
        return Vec::new();
    }
    let local = format!("{short}.local");
    vec![host, local]
}

fn joined(names: &[String], own: Vec<String>) -> Vec<String> {
    let mut all = names.to_vec();
    for name in own {
        if !all.iter().any(|known| known.eq_ignore_ascii_case(&name)) {
            all.push(name);
        }
    }
    all
}

/// Names of the configuration, and the machine's own.
pub fn names(config: &HttpConfig) -> Vec<String> {
    let host = nix::unistd::gethostname().ok();
    let host = host.and_then(|host| host.into_string().ok());
    joined(&config.names, of_host(&host.unwrap_or_default()))
}

/// What others reach of a machine that has these addresses and listens on one of them, or on all.
fn reached(listen: IpAddr, own: impl Iterator<Item = IpAddr>) -> Vec<IpAddr> {
    if !listen.is_unspecified() {
        return vec![listen];
    }
    let others = |ip: &IpAddr| match ip {
        IpAddr::V4(v4) => !v4.is_loopback() && !v4.is_link_local(),
        // Nobody types the zone that a link-local one needs.
        IpAddr::V6(v6) => listen.is_ipv6() && !v6.is_loopback() && !v6.is_unicast_link_local(),
    };
    let mut found: Vec<IpAddr> = own.filter(others).collect();
    found.sort_unstable();
    found.dedup();
    found.truncate(MOST_ADDRESSES);
    found
}

/// What a certificate for the home network is made out to: names, and the addresses that the machine has now.
pub fn subjects(config: &HttpConfig) -> Vec<String> {
    let own = || if_addrs::get_if_addrs().unwrap_or_default().into_iter();
    let addresses = config
        .home
        .map(|home| reached(home.ip(), own().map(|i| i.ip())));
    let addresses = addresses.unwrap_or_default();
    let addresses = addresses.iter().map(ToString::to_string).collect();
    joined(&names(config), addresses)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_is_found_under_its_names_and_addresses() {
        assert_eq!(of_host("Meter"), ["meter", "meter.local"]);
        assert_eq!(of_host("meter.home."), ["meter.home", "meter.local"]);
        for none in ["", "localhost", "a b", "localhost.localdomain"] {
            assert_eq!(of_host(none), [""; 0], "{none:?}");
        }
        let named = ["Meter.local".to_owned()];
        assert_eq!(joined(&named, of_host("meter")), ["Meter.local", "meter"]);
        let ips =
            |list: &[&str]| -> Vec<IpAddr> { list.iter().map(|ip| ip.parse().unwrap()).collect() };
        let own = ips(&[
            "192.168.1.7",
            "127.0.0.1",
            "::1",
            "fe80::1",
            "fd00::7",
            "192.168.1.7",
        ]);
        let of = |listen: &str| reached(listen.parse().unwrap(), own.iter().copied());
        assert_eq!(of("0.0.0.0"), ips(&["192.168.1.7"]));
        assert_eq!(of("::"), ips(&["192.168.1.7", "fd00::7"]));
        assert_eq!(of("10.0.0.9"), ips(&["10.0.0.9"]));
    }
}
