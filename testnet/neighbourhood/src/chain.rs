//! The chain of a local network: how fast it is, the market deployed on it, the homes registered and funded.

use anyhow::{ensure, Context, Result};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;
use wattpool_core::io::BlockRef;
use wattpool_ledger_wasmd::ended_well;
use wattpool_ledger_wasmd::proto::cosmos::base::v1beta1::Coin;
use wattpool_ledger_wasmd::{message, Account, Any, ChainSettings, Client, Gas, Key, Market};
use wattpool_operator::deploy::{
    deploy, read_codes, DeploySettings, Deployment, Roles, TariffSettings, ZonePairSettings,
};
use wattpool_scenario::model::{Neighbourhood, ZonePair};
use wattpool_schema::pool::{Registration, Tariffs, ZonePairTerms, ZonePairsResponse};
use wattpool_schema::{pool, Micro, Window};
use wattpool_testnet::{Description, FILE};

use crate::household::Household;
use crate::street::tariffs;

/// How long the next block may take before a run is given up.
pub const PATIENCE: Duration = Duration::from_secs(120);
/// What every owner and every agent begins with, micro-units: fees and more than any deposit.
pub const COINS: u128 = 1_000_000_000;
/// Blocks that the pace is taken over.
const PACED: u64 = 8;
/// Blocks that should fit a window.
const BLOCKS_PER_WINDOW: u32 = 16;
/// Shortest and longest window, seconds.
const WINDOWS_S: (u32, u32) = (10, 40);

/// A network's chain, as those see it who set it up.
pub struct Chain {
    description: Description,
    client: Arc<Client>,
}

/// The description in the folder of a network that `testnet/up` made.
///
/// # Errors
/// There is none, or it is of another version.
pub fn description(home: &Path) -> Result<Description> {
    let file = home.join(FILE);
    let text = std::fs::read(&file).with_context(|| format!("reading {}", file.display()))?;
    serde_json::from_slice(&text).with_context(|| format!("reading {}", file.display()))
}

/// A window in which enough blocks fit, seconds.
///
/// # Errors
/// The chain is too slow.
pub fn window_for(pace: Duration) -> Result<u32> {
    let wanted = (pace * BLOCKS_PER_WINDOW).as_secs() as u32 + 1;
    ensure!(
        wanted <= WINDOWS_S.1,
        "a block takes {pace:?}: this machine is too busy for windows of at most {} s",
        WINDOWS_S.1
    );
    Ok(wanted.max(WINDOWS_S.0))
}

impl Chain {
    /// Connects to a network's nodes.
    ///
    /// # Errors
    /// None answers.
    pub async fn connect(description: Description) -> Result<Self> {
        let client = Arc::new(Client::connect(settings(&description, 0)?).await?);
        Ok(Self {
            description,
            client,
        })
    }

    /// The network.
    pub const fn description(&self) -> &Description {
        &self.description
    }

    /// The client that set-up and questions go through.
    pub const fn client(&self) -> &Arc<Client> {
        &self.client
    }

    /// Settings of a client that prefers one of the nodes.
    ///
    /// # Errors
    /// The gas price is none.
    pub fn settings(&self, preferred: usize) -> Result<ChainSettings> {
        settings(&self.description, preferred)
    }

    /// The account of a role.
    ///
    /// # Errors
    /// There is none of this name.
    pub fn account(&self, role: &str) -> Result<Account> {
        Ok(Account::new(
            Arc::clone(&self.client),
            self.key(role)?,
            None,
        ))
    }

    fn key(&self, role: &str) -> Result<Key> {
        let words = &self.description.account(role)?.mnemonic;
        Ok(Key::from_mnemonic(words, &self.description.address_prefix)?)
    }

    /// The newest block.
    ///
    /// # Errors
    /// No node answers.
    pub async fn head(&self) -> Result<BlockRef> {
        Ok(self.client.head().await?)
    }

    /// How long a block takes now.
    ///
    /// # Errors
    /// Too few blocks come.
    pub async fn pace(&self) -> Result<Duration> {
        let head = self.head().await?.height;
        let (first, last) = (head + 1, head + 1 + PACED);
        self.wait(first).await?;
        let begun = Instant::now();
        let reached = self.wait(last).await?.height;
        Ok(begun.elapsed() / u32::try_from(reached - first)?)
    }

    async fn wait(&self, height: u64) -> Result<BlockRef> {
        let waited = tokio::time::timeout(PATIENCE, self.client.wait_height(height)).await;
        let block = waited.with_context(|| format!("no block {height} in {PATIENCE:?}"))?;
        Ok(block?)
    }

    /// Deploys a market with a neighbourhood's tariffs and zones; codes are left unpinned.
    ///
    /// # Errors
    /// The contracts cannot be read, or the chain refuses a step.
    pub async fn deploy(&self, n: &Neighbourhood, window_s: u32, pace: Duration) -> Result<Market> {
        let (import, feed_in) = tariffs(n);
        let pairs = n.zone_pairs.iter().map(|pair| ZonePairSettings {
            from: pair.from.0,
            to: pair.to.0,
            loss_ppm: pair.loss.0,
            charge: pair.charge.0,
            capacity_wh: pair.capacity.map(|wh| wh.0),
        });
        let address = |role| -> Result<_> {
            let account = self.description.account(role)?;
            Ok(Some(account.address.clone()))
        };
        let settings = DeploySettings {
            name: "street".to_owned(),
            denom: self.description.payment_denom.clone(),
            window_seconds: window_s,
            credit_delay_days: 30,
            // A busy machine makes some blocks late: that is no halt.
            block_seconds: (pace.as_secs() as u32 + 1).min(window_s),
            first_part_seconds: None,
            halt_seconds: None,
            notice_days: 14,
            code_administrator: "governance".to_owned(),
            roles: Roles {
                administrator: None,
                registrar: address("registrar")?,
                grid_operator: address("operator")?,
                regulator: address("regulator")?,
            },
            tariffs: TariffSettings {
                import: import.0,
                feed_in: feed_in.0,
            },
            zone_pairs: pairs.collect(),
        };
        let deployment = Deployment {
            deployer: self.key("admin")?,
            voters: Vec::new(),
            settings,
            codes: read_codes(&wattpool_testnet::built::contracts())?,
        };
        Ok(deploy(&self.client, deployment, &|step| println!("{step}")).await?)
    }

    /// The neighbourhood under the tariffs and zone terms that the market has now.
    ///
    /// # Errors
    /// The chain does not answer.
    pub async fn with_terms(&self, market: &Market, n: &Neighbourhood) -> Result<Neighbourhood> {
        let window = Window::at(self.head().await?.time, market.window_seconds);
        let (pool, rpc) = (&market.pool.address, self.client.rpc());
        let tariffs: Tariffs = rpc.smart(pool, &pool::QueryMsg::Tariffs { window }).await?;
        let mut pages: Vec<ZonePairsResponse> = Vec::new();
        while let Some(question) = ZonePairsResponse::next(window, &pages) {
            pages.push(rpc.smart(pool, &question).await?);
        }
        let pair = |pair: &ZonePairTerms| ZonePair {
            from: pair.from,
            to: pair.to,
            loss: pair.loss,
            charge: pair.charge,
            capacity: pair.capacity,
        };
        Ok(Neighbourhood {
            import_tariff: vec![tariffs.import; n.windows],
            feed_in_tariff: vec![tariffs.feed_in; n.windows],
            zone_pairs: pages
                .iter()
                .flat_map(|page| &page.pairs)
                .map(pair)
                .collect(),
            ..n.clone()
        })
    }

    /// Gives all owners and agents coins, registers the meters, and deposits their owners' money. Answers the fees
    /// that the owners paid, micro-units.
    ///
    /// # Errors
    /// The chain refuses a step.
    pub async fn furnish(
        &self,
        market: &Market,
        n: &Neighbourhood,
        households: &[Household],
    ) -> Result<Vec<u128>> {
        let prefix = &market.address_prefix;
        let faucet = self.account("faucet")?;
        let mut gifts = Vec::new();
        for household in households {
            for key in [household.owner(prefix)?, household.agent(prefix)?] {
                let coins = vec![message::coin(COINS, &market.denom)];
                gifts.push(message::send(faucet.address(), key.address(), coins));
            }
        }
        self.send(&faucet, gifts).await?;

        let registrar = self.account("registrar")?;
        let mut registrations = Vec::new();
        for household in households {
            let registration = Registration {
                meter: household.meter,
                owner: household.owner(prefix)?.address().to_owned(),
                device: household.keys.device(),
                household: None,
                zone: n.homes[household.number].zone,
                kind: household.kind,
                max_import: household.most.0,
                max_export: household.most.1,
            };
            let msg = serde_json::to_vec(&pool::ExecuteMsg::RegisterMeter { registration })?;
            let pool = &market.pool.address;
            registrations.push(message::execute(registrar.address(), pool, msg, Vec::new()));
        }
        self.send(&registrar, registrations).await?;

        let mut depositing = JoinSet::new();
        for household in households {
            let owner = Account::new(Arc::clone(&self.client), household.owner(prefix)?, None);
            let coins = vec![message::coin(household.deposit.0.into(), &market.denom)];
            let number = household.number;
            let sender = owner.address().to_owned();
            let agent = household.keys.agent();
            let messages = market.entering(&sender, household.meter, agent, coins)?;
            depositing.spawn(async move {
                let done = owner.send(messages, Gas::Simulated).await?;
                ensure!(done.result.is_ok(), "{sender}: {}", done.result.log);
                Ok::<_, anyhow::Error>((number, done.result.gas_wanted))
            });
        }
        let mut fees = vec![0; households.len()];
        while let Some(done) = depositing.join_next().await {
            let (number, gas) = done??;
            fees[number] = self.client.settings().gas_price.fee(gas);
        }
        Ok(fees)
    }

    /// The grid's operator funds the reserve, confirms what was fed in and stated up to now, and
    /// claims it for its owners. `due`: the addresses of owners who are owed something.
    ///
    /// # Errors
    /// The chain refuses a step.
    pub async fn pay_feed_in(
        &self,
        market: &Market,
        n: &Neighbourhood,
        fund: Micro,
        due: &[String],
    ) -> Result<()> {
        let operator = self.account("operator")?;
        let pool = &market.pool.address;
        let last = n.first_window.plus(n.windows as u64).prev();
        // What was stated late is due with the window that was live then.
        let running = Window::at(self.head().await?.time, market.window_seconds);
        let through = running.prev().prev().max(last);
        let mut calls = vec![(
            pool::ExecuteMsg::FundReserve {},
            vec![message::coin(fund.0.into(), &market.denom)],
        )];
        calls.push((pool::ExecuteMsg::ConfirmFeedIn { through }, Vec::new()));
        let claims = due.iter().map(|owner| pool::ExecuteMsg::ClaimFeedIn {
            owner: owner.clone(),
            limit: Some(100),
        });
        calls.extend(claims.map(|claim| (claim, Vec::new())));
        let executed = |(msg, funds): (_, Vec<Coin>)| -> Result<_> {
            let msg = serde_json::to_vec(&msg)?;
            Ok(message::execute(operator.address(), pool, msg, funds))
        };
        let messages: Result<Vec<_>> = calls.into_iter().map(executed).collect();
        self.send(&operator, messages?).await
    }

    async fn send(&self, account: &Account, messages: Vec<Any>) -> Result<()> {
        ended_well(account.send(messages, Gas::Simulated).await?)?;
        Ok(())
    }
}

fn settings(description: &Description, preferred: usize) -> Result<ChainSettings> {
    let mut rpc: Vec<String> = description.nodes.iter().map(|n| n.rpc.clone()).collect();
    let nodes = rpc.len().max(1);
    rpc.rotate_left(preferred % nodes);
    let price = format!("{}{}", description.gas_price, description.payment_denom);
    let mut settings = ChainSettings::new(rpc, &description.address_prefix, price.parse()?);
    settings.poll = Duration::from_millis(u64::from(description.block_ms / 2).clamp(100, 400));
    // A busy machine answers late.
    settings.deadline = Duration::from_secs(20);
    Ok(settings)
}
