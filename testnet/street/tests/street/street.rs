//! A chain with a market, and homes registered in it.

use crate::home::Home;
use crate::profiles::{csv, Profile};
use serde::de::DeserializeOwned;
use std::fs;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Runtime;
use wattpool_ledger_wasmd::message::{coin, execute};
use wattpool_ledger_wasmd::{Account as Sender, ChainSettings, Client, Gas, Key, Market};
use wattpool_program_harness::{self as harness, Ran};
use wattpool_schema::pool::{ExecuteMsg, MeterKind, PoolWindow, QueryMsg, Registration};
use wattpool_schema::{escrow, Wh, Window, Zone, ADDRESS_PREFIX, PAYMENT_DENOM};
use wattpool_testnet::{Account, Coin, Options, Ports, Testnet};
use wattpool_wallet::store::{Backend, Store};
use wattpool_wallet::words;

pub struct Street {
    pub homes: Vec<Home>,
    pub profiles: Vec<Profile>,
    /// The market window of the profiles' first row.
    pub first: Window,
    pub market: Market,
    pub net: Testnet,
    pub window_s: u32,
    pace: Pace,
    client: Arc<Client>,
    runtime: Runtime,
    folder: tempfile::TempDir,
}

/// Lengths of a market.
#[derive(Clone, Copy)]
pub struct Pace {
    pub validators: u16,
    pub window_s: u32,
    pub block_ms: u32,
    /// First of the ports.
    pub port: u16,
    /// Homes in a zone, which trade among themselves alone.
    pub zone: usize,
}

impl Pace {
    fn zone_of(&self, home: usize) -> Zone {
        Zone(u16::try_from(home / self.zone).unwrap())
    }
}

impl Street {
    /// Chain, market and registrations; no agent runs yet.
    pub fn build(profiles: Vec<Profile>, pace: Pace) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let count = u16::try_from(profiles.len()).unwrap();
        let homes: Vec<Home> = (0..count)
            .map(|n| Home::init(folder.path(), n, pace.port + 100 + n * 2))
            .collect();
        let owners: Vec<Account> = homes.iter().map(|_| Account::generate().unwrap()).collect();
        let money = |address: &str| {
            let coins = vec![Coin::new(1_000_000_000, PAYMENT_DENOM)];
            (address.to_owned(), coins)
        };
        let agents = homes.iter().map(|h| money(h.key("agent_address")));
        let options = Options {
            validators: pace.validators,
            ports: Ports::From(pace.port),
            block_ms: pace.block_ms,
            window_s: pace.window_s,
            accounts: agents
                .chain(owners.iter().map(|o| money(&o.address)))
                .collect(),
            ..Options::default()
        };
        let net = Testnet::start(&options).expect("the chain starts");
        let runtime = Runtime::new().unwrap();
        let price = format!("0.0025{PAYMENT_DENOM}");
        let settings =
            ChainSettings::new(net.rpc_addresses(), ADDRESS_PREFIX, price.parse().unwrap());
        let client = Arc::new(runtime.block_on(Client::connect(settings)).unwrap());
        let zones = profiles.len().div_ceil(pace.zone);
        let market = deploy(&net, &pace, zones, &folder, &price);
        let street = Self {
            homes,
            profiles,
            first: Window(0),
            market,
            net,
            window_s: pace.window_s,
            pace,
            client,
            runtime,
            folder,
        };
        street.register(&owners);
        street
    }

    fn sender(&self, account: &Account) -> Sender {
        let key = Key::from_text(&account.mnemonic, ADDRESS_PREFIX).unwrap();
        Sender::new(Arc::clone(&self.client), key, None)
    }

    fn register(&self, owners: &[Account]) {
        let pool = &self.market.pool.address;
        let admin = self.sender(self.net.description().account("admin").unwrap());
        let registration =
            |(n, (home, (owner, profile))): (usize, (&Home, (&Account, &Profile)))| {
                let most =
                    |f: fn(&(u64, u64)) -> u64| Wh(profile.iter().map(f).max().unwrap_or(0) + 1);
                let msg = ExecuteMsg::RegisterMeter {
                    registration: Registration {
                        meter: home.meter.parse().unwrap(),
                        owner: owner.address.clone(),
                        device: home.key("device").parse().unwrap(),
                        household: None,
                        zone: self.pace.zone_of(n),
                        kind: MeterKind::Pv,
                        max_export: most(|r| r.1),
                        max_import: most(|r| r.0),
                    },
                };
                execute(
                    admin.address(),
                    pool,
                    serde_json::to_vec(&msg).unwrap(),
                    Vec::new(),
                )
            };
        let each = self.homes.iter().zip(owners.iter().zip(&self.profiles));
        let messages: Vec<_> = each.enumerate().map(registration).collect();
        self.runtime.block_on(async {
            let tx = admin
                .send(messages, Gas::Simulated)
                .await
                .expect("registrations are sent");
            assert!(tx.result.is_ok(), "{}", tx.result.log);
            let mut deposits = tokio::task::JoinSet::new();
            for (home, owner) in self.homes.iter().zip(owners) {
                let sender = self.sender(owner);
                let (meter, agent) = (&home.meter, home.key("agent"));
                let funds = vec![coin(500_000_000, PAYMENT_DENOM)];
                let messages = self
                    .market
                    .entering(
                        sender.address(),
                        meter.parse().unwrap(),
                        agent.parse().unwrap(),
                        funds,
                    )
                    .unwrap();
                deposits.spawn(async move {
                    let tx = sender.send(messages, Gas::Simulated).await;
                    let tx = tx.expect("an owner enters the market");
                    assert!(tx.result.is_ok(), "{}", tx.result.log);
                });
            }
            deposits.join_all().await;
        });
    }

    /// Starts all agents; their profiles begin with the window after the next.
    pub fn start(&mut self) {
        self.first = self.now().plus(2);
        self.configure();
        for home in &mut self.homes {
            home.start();
        }
    }

    pub fn configure(&self) {
        let file = self.folder.path().join("market.json");
        let rpc = self.net.rpc_addresses();
        for (n, (home, profile)) in self.homes.iter().zip(&self.profiles).enumerate() {
            fs::write(home.folder.join("profile.csv"), csv(profile)).unwrap();
            // The first two homes are whom everybody begins with.
            let others = self
                .homes
                .iter()
                .take(2)
                .enumerate()
                .filter(|(m, _)| *m != n);
            let bootstrap: Vec<String> = others.map(|(_, h)| h.address()).collect();
            // Each has another node of the chain first.
            let mut rpc = rpc.clone();
            let nodes = rpc.len();
            rpc.rotate_left(n % nodes);
            if let Some(place) = &home.place {
                rpc = vec![place.rpc.clone()];
            }
            home.configure(&rpc, &file, &bootstrap, self.pace.block_ms, self.first.0);
        }
    }

    /// The market's addresses file.
    pub fn market_file(&self) -> String {
        let file = self.folder.path().join("market.json");
        file.to_str().unwrap().to_owned()
    }

    /// The chain's running window. A busy machine may keep its node from answering for a while.
    pub fn now(&self) -> Window {
        let head = || self.runtime.block_on(self.client.head());
        let mut tries = 1;
        loop {
            match head() {
                Ok(head) => return Window::at(head.time, self.window_s),
                Err(why) if tries >= 10 => panic!("the chain does not answer: {why:?}"),
                Err(_) => tries += 1,
            }
            std::thread::sleep(Duration::from_secs(1));
        }
    }

    /// Waits until a window has begun on the chain.
    pub fn wait_for(&self, window: Window) {
        while self.now() < window {
            std::thread::sleep(Duration::from_millis(400));
        }
    }

    /// What the chain says became of a trade.
    pub fn trade(&self, buyer: &str, trade_id: u64) -> escrow::TradeStatus {
        let buyer = buyer.parse().unwrap();
        self.escrow(&escrow::QueryMsg::TradeOf { buyer, trade_id })
    }

    /// Closed trades of a buyer.
    pub fn purchases(&self, meter: &str) -> Vec<escrow::TradeRecord> {
        let meter = meter.parse().unwrap();
        let (start_after, limit) = (None, Some(30));
        let answer: escrow::TradesResponse = self.escrow(&escrow::QueryMsg::Purchases {
            meter,
            start_after,
            limit,
        });
        assert!(answer.trades.len() < 30, "more than one page");
        answer.trades
    }

    fn escrow<T: serde::de::DeserializeOwned>(&self, question: &escrow::QueryMsg) -> T {
        let escrow = &self.market.escrow.address;
        self.runtime
            .block_on(self.client.rpc().smart(escrow, question))
            .expect("the escrow answers")
    }

    /// The pool's books of a metered window.
    pub fn books(&self, window: Window) -> PoolWindow {
        self.ask_pool(&QueryMsg::Window { window })
    }

    /// A question to the pool.
    pub fn ask_pool<T: DeserializeOwned>(&self, question: &QueryMsg) -> T {
        let pool = &self.market.pool.address;
        self.runtime
            .block_on(self.client.rpc().smart(pool, question))
            .expect("the pool answers")
    }

    /// One of the commands that sign a transaction, with the key of one of the network's accounts.
    pub fn sign(&self, account: &str, command: &[&str]) -> Ran {
        keep(
            self.folder.path(),
            account,
            self.net.description().account(account).unwrap(),
        );
        let mut ran = harness::command(command);
        ran.args([
            "--json",
            "--yes",
            "--keyring-backend",
            "test",
            "--from",
            account,
        ]);
        ran.arg("--home").arg(self.folder.path());
        ran.arg("--market")
            .arg(self.folder.path().join("market.json"));
        for rpc in self.net.rpc_addresses() {
            ran.args(["--node", &rpc]);
        }
        harness::ended(ran.output().unwrap())
    }
}

/// Puts an account's key into the wallet of a folder, unless it is there.
fn keep(home: &std::path::Path, name: &str, account: &Account) {
    let store = Store::new(home, Backend::Test, |_| {});
    if !store.has(name).unwrap() {
        let path = words::path(words::COIN_TYPE, 0, 0).unwrap();
        let secret = words::derive(&account.mnemonic, "", &path).unwrap();
        store.add(name, &secret, Some(path), None).unwrap();
    }
}

fn deploy(
    net: &Testnet,
    pace: &Pace,
    zones: usize,
    folder: &tempfile::TempDir,
    price: &str,
) -> Market {
    let (settings, out) = (
        folder.path().join("settings.toml"),
        folder.path().join("market.json"),
    );
    let mut text = format!(
        "name = \"street\"\nwindow_seconds = {}\nblock_seconds = {}\n[tariffs]\nimport = 300000\nfeed_in = 80000\n",
        pace.window_s,
        pace.block_ms.div_ceil(1_000)
    );
    for zone in 0..zones {
        text.push_str(&format!("[[zone_pair]]\nfrom = {zone}\nto = {zone}\n"));
    }
    fs::write(&settings, text).unwrap();
    keep(
        folder.path(),
        "admin",
        net.description().account("admin").unwrap(),
    );
    let mut command = harness::command(&["admin", "deploy", "--gas-prices", price, "--json"]);
    for rpc in net.rpc_addresses() {
        command.args(["--node", &rpc]);
    }
    command
        .args([
            "--keyring-backend",
            "test",
            "--from",
            "admin",
            "--yes",
            "--home",
        ])
        .arg(folder.path())
        .arg("--settings")
        .arg(&settings);
    for node in &net.description().nodes {
        keep(folder.path(), &node.name, &node.validator);
        command.args(["--voter", &node.name]);
    }
    command
        .arg("--contracts")
        .arg(wattpool_testnet::built::contracts())
        .arg("--out")
        .arg(&out);
    let ran = harness::ended(command.output().unwrap());
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    Market::read(&out).unwrap()
}
