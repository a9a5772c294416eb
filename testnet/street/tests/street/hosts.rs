//! Agents on hosts of their own: each in a network namespace with an address of its own. Nothing is routed between
//! them: what they say to each other and to the chain passes a relay that delays, loses and cuts.
//!
//! The test runs itself again in a network (and process) namespace: whatever happens to it, nothing stays behind.

use crate::home::Place;
use crate::market::{agree, own_books};
use crate::profiles::generated;
use crate::relay::Relay;
use crate::street::{Pace, Street};
use std::io::Write;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::Ordering::Relaxed;

const HOMES: usize = 4;
const ROWS: usize = 4;
const NAME: &str = "hosts::agents_on_hosts_of_their_own_trade_over_slow_and_lossy_links";
/// Set where the test runs inside its namespace.
const INSIDE: &str = "WATTPOOL_STREET_INSIDE";
const NAMESPACES: [&str; 6] = [
    "--map-root-user",
    "--net",
    "--pid",
    "--fork",
    "--kill-child",
    "--mount-proc",
];
/// Where everybody dials everybody: the relay.
const HUB: &str = "10.77.0.1";

/// Runs a command to its end.
fn run(command: &str) -> Result<(), String> {
    let ran = Command::new("sh").args(["-c", command]).output();
    let ran = ran.map_err(|e| format!("{command}: {e}"))?;
    let said = String::from_utf8_lossy(&ran.stderr).trim().to_owned();
    ran.status
        .success()
        .then_some(())
        .ok_or(format!("{command}: {said}"))
}

/// Whether this machine lets a process have networks of its own.
fn possible() -> Result<(), String> {
    let within = "ip link set lo up && ip link add hub0 type veth peer name home && unshare --net true && nsenter --version";
    run(&format!(
        "unshare {} sh -c '{within}'",
        NAMESPACES.join(" ")
    ))
}

/// A network namespace that lasts as long as this.
struct Host(Child);

impl Host {
    /// Its link to the hub; addresses are 10.77.N.1 on the hub's side and 10.77.N.2 on its own.
    fn new(number: usize) -> Self {
        let mut holder = Command::new("unshare");
        holder
            .args(["--net", "sleep", "infinity"])
            .stdin(Stdio::null());
        let host = Self(holder.spawn().unwrap());
        let space = |pid: &str| std::fs::read_link(format!("/proc/{pid}/ns/net")).ok();
        let pid = host.0.id().to_string();
        while space(&pid).is_none() || space(&pid) == space("self") {
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        let n = number;
        run(&format!(
            "ip link add hub{n} type veth peer name home && ip link set home netns {pid} && \
             ip addr add 10.77.{n}.1/30 dev hub{n} && ip link set hub{n} up"
        ))
        .unwrap();
        run(&format!(
            "nsenter --net=/proc/{pid}/ns/net sh -c 'ip link set lo up && ip addr add 10.77.{n}.2/30 dev home && \
             ip link set home up && ip route add {HUB} via 10.77.{n}.1'"
        ))
        .unwrap();
        host
    }

    /// Whether this host can reach an address at all.
    fn has_route_to(&self, address: &str) -> bool {
        let pid = self.0.id();
        run(&format!(
            "nsenter --net=/proc/{pid}/ns/net ip route get {address}"
        ))
        .is_ok()
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        // It may have ended with the namespace of processes.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn agents_on_hosts_of_their_own_trade_over_slow_and_lossy_links() {
    if std::env::var_os(INSIDE).is_some() {
        return inside();
    }
    let _one = crate::ONE_AT_A_TIME.lock();
    if let Err(why) = possible() {
        // Past the harness, which keeps what a passing test prints to itself.
        let text = format!("NOT RUN: {NAME}: no network namespaces on this machine: {why}\n");
        std::io::stderr().write_all(text.as_bytes()).unwrap();
        return;
    }
    let ran = Command::new("unshare")
        .args(NAMESPACES)
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", NAME, "--nocapture"])
        .env(INSIDE, "1")
        .output()
        .unwrap();
    let (said, wrong) = (
        String::from_utf8_lossy(&ran.stdout),
        String::from_utf8_lossy(&ran.stderr),
    );
    println!("{said}\n{wrong}");
    assert!(
        ran.status.success(),
        "inside the namespaces: {}",
        ran.status
    );
    assert!(said.contains("1 passed"), "it ran inside the namespaces");
}

fn inside() {
    run(&format!("ip link set lo up && ip addr add {HUB}/32 dev lo")).unwrap();
    std::fs::write("/proc/sys/net/ipv4/ip_forward", "0").unwrap();
    let pace = Pace {
        validators: 1,
        // A request, an approval and three questions to the chain each take a tenth of a second here: an approval holds
        // for six blocks, so blocks are slower than in the other streets.
        window_s: 24,
        block_ms: 1_000,
        port: 30_800,
        zone: HOMES,
    };
    let mut street = Street::build(generated(HOMES as u64, ROWS as u64), pace);
    let relay = Relay::new(0x5eed);
    let chain = street.net.rpc_addresses()[0].clone();
    let chain = chain.trim_start_matches("http://").parse().unwrap();
    let mut hosts = Vec::new();
    for (n, home) in street.homes.iter_mut().enumerate() {
        let host = Host::new(n + 1);
        let ip = format!("10.77.{}.2", n + 1);
        let (peer, rpc) = (home.port + 1, 30_950 + n as u16);
        let hub = |port: u16| format!("{HUB}:{port}").parse().unwrap();
        relay.relay(hub(peer), format!("{ip}:{peer}").parse().unwrap());
        relay.relay(hub(rpc), chain);
        home.place = Some(Place {
            pid: host.0.id(),
            ip,
            dialled: (HUB.to_owned(), peer),
            rpc: format!("http://{HUB}:{rpc}"),
        });
        hosts.push(host);
    }
    assert!(hosts[0].has_route_to(HUB), "a host reaches the relay");
    assert!(!hosts[0].has_route_to("10.77.2.2"), "and no other host");

    street.start();
    let last = street.first.plus(ROWS as u64 - 1);
    street.wait_for(last.plus(2));
    let (traded, most) = agree(&street, ROWS);
    own_books(&street, traded);
    let share = traded as f64 / most as f64;
    let c = &relay.counts;
    println!(
        "share of the ceiling: {share:.4}; {} connections, {} pieces, {} lost, {} cut",
        c.connections.load(Relaxed),
        c.pieces.load(Relaxed),
        c.lost.load(Relaxed),
        c.cut.load(Relaxed)
    );
    assert!(
        c.lost.load(Relaxed) > 0 && c.cut.load(Relaxed) > 0,
        "the links are lossy"
    );
    // A window of 24 s holds some rounds of asking; a link that is cut during the last one may cost a trade.
    assert!(share >= 0.8, "{share}");
    for home in &mut street.homes {
        assert!(home.stop(), "it stops when it is told to:\n{}", home.log());
    }
}
