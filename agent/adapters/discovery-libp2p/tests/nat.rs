//! Homes behind routers, each in a network namespace of its own. Needs root, `ip` and `nft` (Debian: iproute2, nftables);
//! the one with UPnP `miniupnpd`, too (miniupnpd-nftables).
//!
//! `cargo test -p wattpool-discovery-libp2p --test nat -- --ignored --test-threads 1 --skip a_node_of_its_own`

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    reason = "small numbers of a test"
)]

mod common;

use common::{deny_all, request, run, Net, WITHIN};
use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use wattpool_core::ports::network::Peers;
use wattpool_discovery_libp2p::{Limits, Mesh};
use wattpool_testbed::Member;

/// How long AutoNAT, relays and hole punching may take together.
const PATIENCE: Duration = Duration::from_secs(150);

/// What runs in a namespace: a node that tells how it is, and asks whom it is told to.
#[test]
#[ignore = "run by the others, within their namespaces"]
fn a_node_of_its_own() {
    let Ok(number) = std::env::var("NODE_NUMBER") else {
        return;
    };
    let list = |name: &str| -> Vec<String> {
        let text = std::env::var(name).unwrap_or_default();
        text.split(',')
            .filter(|t| !t.is_empty())
            .map(ToOwned::to_owned)
            .collect()
    };
    run(async {
        let net = Net::new(8);
        // From 100 on the register knows nobody.
        let number: u32 = number.parse().unwrap();
        let mut config = Member::new(number)
            .unwrap()
            .config(list("NODE_BOOTSTRAP"), Limits::default());
        config.listen = list("NODE_LISTEN");
        config.external = list("NODE_EXTERNAL");
        config.relay = !config.external.is_empty();
        config.upnp = std::env::var("NODE_UPNP").is_ok();
        config.hidden = number >= 100;
        let check = Arc::clone(&net.register);
        let mesh = Arc::new(Mesh::start(&config, check, net.register.clock()).unwrap());
        let _answering = deny_all(&mesh);
        let asking = Arc::clone(&mesh);
        let runtime = tokio::runtime::Handle::current();
        std::thread::spawn(move || {
            for line in std::io::stdin().lines().map_while(Result::ok) {
                let peer = Net::new(8)
                    .member(line.trim().parse().unwrap())
                    .peer()
                    .unwrap();
                let answer = runtime.block_on(asking.ask(peer, request(1), WITHIN));
                println!(
                    "\nanswer={}",
                    answer.map_or_else(|e| format!("{e}"), |_| "yes".into())
                );
            }
            std::process::exit(0);
        });
        loop {
            let f = mesh.figures();
            println!(
                "\nhidden={}\nmembers={}\npunched={}\nrelayed={}\nlinked={}\nplaces={}\nexternal={}",
                f.hidden,
                f.members,
                f.punched,
                f.relayed,
                f.linked,
                mesh.addresses().await.iter().filter(|a| a.contains("p2p-circuit")).count(),
                mesh.external().await.iter().filter(|a| !a.contains("p2p-circuit")).count(),
            );
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
    });
}

struct Node {
    child: Child,
    stdin: ChildStdin,
    told: Arc<Mutex<HashMap<String, String>>>,
}

impl Node {
    fn get(&self, what: &str) -> String {
        self.told
            .lock()
            .unwrap()
            .get(what)
            .cloned()
            .unwrap_or_default()
    }

    fn number(&self, what: &str) -> u64 {
        self.get(what).parse().unwrap_or(0)
    }

    fn until(&self, what: &str, is: impl Fn(&Self) -> bool) {
        let started = Instant::now();
        while !is(self) {
            let told = self.told.lock().unwrap().clone();
            assert!(
                started.elapsed() < PATIENCE,
                "not in time: {what}: {told:?}"
            );
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    fn ask(&mut self, number: u32) -> String {
        self.told.lock().unwrap().remove("answer");
        writeln!(self.stdin, "{number}").unwrap();
        self.until("an answer", |n| !n.get("answer").is_empty());
        self.get("answer")
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Namespaces of a test, taken down at its end.
struct Street(Vec<String>, Vec<Child>);

fn sh(text: &str) {
    let status = Command::new("sh").args(["-ec", text]).status().unwrap();
    assert!(status.success(), "{text}");
}

impl Street {
    /// The internet: a bridge on which everybody has an address of 11.0.0.0/24.
    fn new() -> Self {
        let mut street = Self(Vec::new(), Vec::new());
        street.namespace("wpnet");
        sh("ip -n wpnet link add br0 type bridge && ip -n wpnet link set br0 up");
        street
    }

    fn namespace(&mut self, name: &str) {
        let _ = Command::new("ip")
            .args(["netns", "del", name])
            .stderr(Stdio::null())
            .status();
        sh(&format!(
            "ip netns add {name} && ip -n {name} link set lo up"
        ));
        self.0.push(name.to_owned());
    }

    /// A machine on the internet.
    fn public(&mut self, name: &str, last: u8) {
        self.namespace(name);
        sh(&format!(
            "ip -n {name} link add wan type veth peer name {name} netns wpnet
             ip -n wpnet link set {name} master br0 up
             ip -n {name} addr add 11.0.0.{last}/24 dev wan
             ip -n {name} link set wan up"
        ));
    }

    /// A home of one machine behind a router that masquerades.
    fn home(&mut self, name: &str, last: u8, masquerade: &str) {
        let router = format!("{name}r");
        self.public(&router, last);
        self.namespace(name);
        sh(&format!(
            "ip -n {name} link add eth type veth peer name lan netns {router}
             ip -n {router} addr add 192.168.{last}.1/24 dev lan
             ip -n {router} link set lan up
             ip -n {name} addr add 192.168.{last}.2/24 dev eth
             ip -n {name} link set eth up
             ip -n {name} route add default via 192.168.{last}.1
             ip netns exec {router} sysctl -qw net.ipv4.ip_forward=1
             ip netns exec {router} nft -f - <<'END'
             table ip nat {{
               chain post {{ type nat hook postrouting priority 100; oifname wan {masquerade}; }}
             }}
             table inet filter {{
               chain here {{ type filter hook input priority 0;
                 ct state established,related accept
                 iifname wan tcp dport 7400 drop
                 iifname wan ct state new drop
               }}
               chain through {{ type filter hook forward priority 0;
                 ct state established,related accept
                 iifname wan ct status dnat accept
                 iifname wan drop
               }}
             }}
END"
        ));
    }

    fn node(&self, name: &str, number: u32, settings: &[(&str, &str)]) -> Node {
        let mut child = Command::new("ip")
            .args(["netns", "exec", name])
            .arg(std::env::current_exe().unwrap())
            .args(["--ignored", "--exact", "a_node_of_its_own", "--nocapture"])
            .env("NODE_NUMBER", number.to_string())
            .envs(settings.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let (stdin, stdout) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let told = Arc::<Mutex<HashMap<String, String>>>::default();
        let into = Arc::clone(&told);
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                if let Some((what, value)) = line.split_once('=') {
                    into.lock()
                        .unwrap()
                        .insert(what.to_owned(), value.to_owned());
                }
            }
        });
        Node { child, stdin, told }
    }

    /// A relay on the internet, and how to begin with it.
    fn relay(&mut self) -> (Node, String) {
        self.public("wprelay", 10);
        let at = "/ip4/11.0.0.10/tcp/7400";
        let relay = self.node("wprelay", 0, &[("NODE_LISTEN", at), ("NODE_EXTERNAL", at)]);
        let peer = Net::new(1).member(0).peer().unwrap();
        let peer = libp2p::PeerId::from_bytes(&peer).unwrap();
        (relay, format!("{at}/p2p/{peer}"))
    }
}

impl Drop for Street {
    fn drop(&mut self) {
        for child in &mut self.1 {
            let _ = child.kill();
            let _ = child.wait();
        }
        for name in &self.0 {
            let _ = Command::new("ip").args(["netns", "del", name]).status();
        }
    }
}

const LISTEN: (&str, &str) = ("NODE_LISTEN", "/ip4/0.0.0.0/tcp/7400");

/// Two homes behind masquerading routers and a relay; what was punched and what was relayed when they trade.
fn two_homes(masquerade: &str) -> (u64, u64) {
    let mut street = Street::new();
    let (relay, begin) = street.relay();
    street.home("wpa", 2, masquerade);
    street.home("wpb", 3, masquerade);
    let begin = ("NODE_BOOTSTRAP", begin.as_str());
    let seller = street.node("wpa", 1, &[LISTEN, begin]);
    let mut buyer = street.node("wpb", 2, &[LISTEN, begin]);
    seller.until("it finds that it cannot be reached", |n| {
        n.number("hidden") == 1
    });
    seller.until("it has a place at the relay", |n| n.number("places") > 0);
    buyer.until("it knows both", |n| n.number("members") == 2);
    assert_eq!(buyer.ask(1), "yes");
    std::thread::sleep(Duration::from_secs(10));
    assert_eq!(buyer.ask(1), "yes");
    eprintln!(
        "{masquerade}: relayed {}, punched {}",
        relay.get("relayed"),
        buyer.get("punched")
    );
    (
        buyer.number("punched") + seller.number("punched"),
        relay.number("relayed"),
    )
}

#[test]
#[ignore = "needs root, ip and nft; see above"]
fn homes_behind_routers_that_keep_ports_trade_directly() {
    let (punched, _) = two_homes("masquerade");
    assert!(punched > 0);
}

#[test]
#[ignore = "needs root, ip and nft; see above"]
fn homes_behind_routers_that_draw_ports_trade_over_a_relay() {
    let (punched, relayed) = two_homes("masquerade fully-random");
    assert!(
        punched == 0 && relayed > 0,
        "punched {punched}, relayed {relayed}"
    );
}

#[test]
#[ignore = "needs root, ip and nft; see above"]
fn strangers_use_no_relay_up() {
    let mut street = Street::new();
    let (relay, begin) = street.relay();
    street.home("wpa", 2, "masquerade fully-random");
    street.public("wps", 66);
    let begin = ("NODE_BOOTSTRAP", begin.as_str());
    let strangers: Vec<_> = (0..20)
        .map(|n| {
            street.node(
                "wps",
                100 + n,
                &[("NODE_LISTEN", "/ip4/11.0.0.66/tcp/0"), begin],
            )
        })
        .collect();
    let seller = street.node("wpa", 1, &[LISTEN, begin]);
    seller.until("it has a place all the same", |n| n.number("places") > 0);
    assert!(strangers.iter().all(|s| s.number("places") == 0));
    assert_eq!(relay.number("relayed"), 0);
}

#[test]
#[ignore = "needs root, ip, nft and miniupnpd; see above"]
fn a_router_that_forwards_ports_is_asked_to() {
    let mut street = Street::new();
    let (_relay, begin) = street.relay();
    street.home("wpa", 2, "masquerade");
    street.public("wpc", 20);
    // Both tables of the family inet, the only one that it knows; the filter lets through what was forwarded.
    sh("ip netns exec wpar nft -f - <<'END'
        table inet filter {
          chain miniupnpd { }
        }
        table inet nat {
          chain prerouting_miniupnpd { }
          chain postrouting_miniupnpd { }
          chain pre { type nat hook prerouting priority -100; jump prerouting_miniupnpd; }
        }
END
        printf 'ext_ifname=wan\\nlistening_ip=lan\\nport=5000\\nenable_upnp=yes\\nenable_natpmp=no\\nsecure_mode=yes\\nupnp_table_name=filter\\nupnp_nat_table_name=nat\\nupnp_forward_chain=miniupnpd\\nupnp_nat_chain=prerouting_miniupnpd\\nupnp_nat_postrouting_chain=postrouting_miniupnpd\\nlease_file=/tmp/wp-upnp.leases\\nuuid=00000000-0000-0000-0000-000000000000\\nallow 1024-65535 192.168.2.0/24 1024-65535\\n' > /tmp/wp-upnpd.conf");
    let upnpd = Command::new("ip")
        .args([
            "netns",
            "exec",
            "wpar",
            "miniupnpd",
            "-d",
            "-f",
            "/tmp/wp-upnpd.conf",
        ])
        .stdout(Stdio::null())
        .stderr(std::fs::File::create("/tmp/wp-upnpd.log").unwrap())
        .spawn()
        .unwrap();
    street.1.push(upnpd);
    std::thread::sleep(Duration::from_secs(2));
    let begin = ("NODE_BOOTSTRAP", begin.as_str());
    let begun = Instant::now();
    let seller = street.node("wpa", 1, &[LISTEN, begin, ("NODE_UPNP", "yes")]);
    seller.until("the router forwards a port", |n| n.number("external") > 0);
    eprintln!("UPnP: {:.1} s", begun.elapsed().as_secs_f64());
    let mut buyer = street.node(
        "wpc",
        2,
        &[("NODE_LISTEN", "/ip4/11.0.0.20/tcp/7400"), begin],
    );
    buyer.until("it knows both", |n| n.number("members") == 2);
    assert_eq!(buyer.ask(1), "yes");
    assert_eq!(seller.number("places"), 0, "without a relay");
}
