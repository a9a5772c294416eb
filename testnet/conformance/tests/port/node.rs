//! A node with a market on it.

use crate::embedded::terms;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Mutex, MutexGuard};
use wattpool_conformance::port::party::{Keys, DEPOSIT, REGISTERED};
use wattpool_conformance::port::{Party, Place};
use wattpool_core::ports::ledger::Ledger;
use wattpool_fixtures::keys::AgentSigner;
use wattpool_fixtures::MarketApi;
use wattpool_ledger_wasmd::call;
use wattpool_ledger_wasmd::message::coin;
use wattpool_ledger_wasmd::{Account, ChainSettings, Client, Gas, Key, Market, WasmdLedger};
use wattpool_operator::deploy::{deploy, read_codes, DeploySettings, Deployment};
use wattpool_schema::escrow::BookResponse;
use wattpool_schema::pool::{ExecuteMsg as Pool, MeterKind, Registration};
use wattpool_schema::{escrow, Wh, ADDRESS_PREFIX, PAYMENT_DENOM};
use wattpool_testnet::{Coin, Options, Testnet};

/// One node at a time: this machine has other work.
static ONE: Mutex<()> = Mutex::const_new(());

/// Numbers of the keys that own coins.
pub const PEOPLE: std::ops::RangeInclusive<u64> = 1..=4;
/// What each owner and agent begins with, micro-units.
const PURSE: u128 = 50_000_000;

/// How a world is made.
pub struct Setup {
    /// Window length, seconds; none: a long one whose next window begins soon after it is the world's turn.
    pub window_s: Option<u32>,
    /// Milliseconds between blocks.
    pub block_ms: u32,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            window_s: None,
            block_ms: 200,
        }
    }
}

/// A long window length with which the next window begins soon: meters are registered before it, since none may state
/// what was metered before its registration, and everything else has all of it.
fn roomy_window() -> u32 {
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap()
        .as_secs();
    (1_000..30_000_u64)
        .find(|len| (15..30).contains(&(len - now % len)))
        .and_then(|len| u32::try_from(len).ok())
        .expect("one of so many lengths is about to begin")
}

/// A node and its market.
pub struct World {
    /// The node.
    pub net: Testnet,
    /// The market's addresses.
    pub market: Market,
    /// For questions beside the port.
    pub client: Arc<Client>,
    _one: MutexGuard<'static, ()>,
}

/// An address of a key.
pub fn address(key: &AgentSigner) -> String {
    key.address(&MarketApi::new(true)).to_string()
}

/// A key as the ledger takes it.
pub fn key(signer: &AgentSigner) -> Key {
    Key::from_bytes(&signer.secret(), ADDRESS_PREFIX).unwrap()
}

/// Fast settings for these nodes.
pub fn settings(rpc: Vec<String>) -> ChainSettings {
    let price = "0.0025uwatt".parse().unwrap();
    let mut settings = ChainSettings::new(rpc, ADDRESS_PREFIX, price);
    settings.poll = Duration::from_millis(60);
    settings.timeout_blocks = 60;
    settings
}

/// What the market is deployed with.
pub fn market_settings(name: &str, window_s: u32) -> DeploySettings {
    let (tariffs, pairs) = terms();
    let pair = pairs[0];
    DeploySettings::parse(&format!(
        "name = \"{name}\"\nwindow_seconds = {window_s}\nblock_seconds = 2\n\
         [tariffs]\nimport = {}\nfeed_in = {}\n\
         [[zone_pair]]\nfrom = {}\nto = {}\nloss_ppm = {}\ncharge = {}\n",
        tariffs.import, tariffs.feed_in, pair.from, pair.to, pair.loss, pair.charge
    ))
    .unwrap()
}

impl World {
    /// Starts a node, deploys and registers; every owner deposits.
    pub async fn start(setup: Setup) -> Self {
        let one = ONE.lock().await;
        // Only now: the worlds wait for each other, and the next window has to begin soon.
        let window_s = setup.window_s.unwrap_or_else(roomy_window);
        let net = Self::network(window_s, setup.block_ms);
        let client = Arc::new(
            Client::connect(settings(net.rpc_addresses()))
                .await
                .unwrap(),
        );
        let deployment = Deployment {
            deployer: words(&net, "admin"),
            voters: Vec::new(),
            settings: market_settings("port", window_s),
            codes: read_codes(&wattpool_testnet::built::contracts())
                .expect("scripts/build-contracts makes them"),
        };
        let market = deploy(&client, deployment, &|_| {}).await.unwrap();
        let world = Self {
            net,
            market,
            client,
            _one: one,
        };
        if let Some(window_s) = setup.window_s {
            world.await_window(window_s).await;
        }
        let registrar = world.account(words(&world.net, "admin"));
        for number in PEOPLE {
            world.register(&registrar, number).await;
        }
        world
    }

    /// Waits for the next window, so that what follows fits into one.
    async fn await_window(&self, window_s: u32) {
        let window = async || self.client.head().await.unwrap().time.0 / u64::from(window_s);
        let running = window().await;
        while window().await <= running {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// A network in which the people own coins.
    pub fn network(window_s: u32, block_ms: u32) -> Testnet {
        let purse = vec![Coin::new(PURSE, PAYMENT_DENOM)];
        let addresses = PEOPLE.flat_map(|number| {
            let keys = Keys::of(number);
            // The last one's agent has nothing: others pay for it.
            let agent = (number != *PEOPLE.end()).then(|| address(&keys.agent));
            [Some(address(&keys.owner)), agent].into_iter().flatten()
        });
        Testnet::start(&Options {
            block_ms,
            window_s,
            voting_s: 3,
            accounts: addresses.map(|a| (a, purse.clone())).collect(),
            ..Options::default()
        })
        .expect("a network of one node")
    }

    fn account(&self, key: Key) -> Account {
        Account::new(Arc::clone(&self.client), key, None)
    }

    async fn register(&self, registrar: &Account, number: u64) {
        let keys = Keys::of(number);
        let msg = Pool::RegisterMeter {
            registration: Registration {
                meter: keys.meter,
                owner: address(&keys.owner),
                device: keys.device.public,
                household: None,
                zone: keys.zone,
                kind: MeterKind::Pv,
                max_export: REGISTERED,
                max_import: REGISTERED,
            },
        };
        call(registrar, &self.market.pool.address, &msg, Vec::new())
            .await
            .unwrap();
        let owner = self.account(key(&keys.owner));
        let funds = vec![coin(DEPOSIT.into(), PAYMENT_DENOM)];
        let (agent, market) = (keys.agent.public, &self.market);
        let messages = market
            .entering(owner.address(), keys.meter, agent, funds)
            .unwrap();
        let tx = owner.send(messages, Gas::Simulated).await.unwrap();
        assert!(tx.result.is_ok(), "{}", tx.result.log);
    }

    /// A meter with its agent's port.
    pub async fn party(&mut self, number: u64) -> Party<WasmdLedger> {
        self.party_by(number, settings(self.net.rpc_addresses()), None)
            .await
    }

    /// The same by other settings, fees paid by somebody.
    pub async fn party_by(
        &self,
        number: u64,
        settings: ChainSettings,
        granter: Option<String>,
    ) -> Party<WasmdLedger> {
        let keys = Keys::of(number);
        let ledger = WasmdLedger::connect(settings, self.market.clone(), key(&keys.agent), granter)
            .await
            .unwrap();
        Party {
            owner: address(&keys.owner),
            place: self.place(),
            keys,
            ledger,
        }
    }

    /// The market, for signatures.
    pub fn place(&self) -> Place {
        Place {
            chain: self.market.chain_id.clone(),
            pool: self.market.pool.address.clone(),
            escrow: self.market.escrow.address.clone(),
            window_s: self.market.window_seconds,
        }
    }

    /// The escrow's books.
    pub async fn book(&self) -> BookResponse {
        let question = escrow::QueryMsg::Book {};
        let rpc = self.client.rpc();
        rpc.smart(&self.market.escrow.address, &question)
            .await
            .unwrap()
    }

    /// No coin is unaccounted: what the escrow holds is what it owes, and that is what was deposited.
    pub async fn check_books(&self) {
        let book = self.book().await;
        let owed = book.accounts.0 + book.locked.0 + book.charges.0;
        let escrow = &self.market.escrow.address;
        let held = self
            .client
            .rpc()
            .balance(escrow, PAYMENT_DENOM)
            .await
            .unwrap();
        assert_eq!(held, u128::from(owed));
        assert_eq!(owed, DEPOSIT * (PEOPLE.end() - PEOPLE.start() + 1));
    }

    /// No Wh is unaccounted: the seller sold what the buyer redeemed, with the loss of two per cent.
    pub async fn check_energy(
        &self,
        seller: &Party<WasmdLedger>,
        buyers: &[&Party<WasmdLedger>],
        arrived: u64,
    ) {
        let sold = seller.ledger.position(seller.meter()).await.unwrap();
        let mut redeemed = Wh(0);
        for buyer in buyers {
            let position = buyer.ledger.position(buyer.meter()).await.unwrap();
            redeemed.0 += position.redeemed.0;
        }
        assert_eq!(redeemed, Wh(arrived), "redeemed");
        let least = arrived * 1_000_000 / 980_000;
        assert!(
            (least..=least + 10).contains(&sold.sold.0),
            "{} Wh sold for {arrived} that arrived",
            sold.sold
        );
    }
}

/// The key of an account of the network.
pub fn words(net: &Testnet, name: &str) -> Key {
    let account = &net.description().accounts[name];
    Key::from_mnemonic(&account.mnemonic, ADDRESS_PREFIX).unwrap()
}
