//! Deploying a market: codes, contracts, wiring, pinning, addresses file.
//!
//! Every step looks first whether it is done. Contracts stand at addresses that follow from code, account and the
//! market's name, so that a deployment that was cut off anywhere goes on where it was, and one that is
//! complete changes nothing.

mod codes;
mod pin;
mod settings;

pub use codes::{read_codes, upload, Code, CONTRACTS};
pub use settings::{DeploySettings, Roles, TariffSettings, ZonePairSettings, EXAMPLE};

use serde::Serialize;
use std::sync::Arc;
use wattpool_ledger_wasmd::account::Account;
use wattpool_ledger_wasmd::client::Client;
use wattpool_ledger_wasmd::error::ChainError;
use wattpool_ledger_wasmd::key::Key;
use wattpool_ledger_wasmd::market::{Deployed, Market, MARKET_VERSION};
use wattpool_ledger_wasmd::message::{self, Instantiation};
use wattpool_ledger_wasmd::proof::TrustedBlock;
use wattpool_schema::escrow::EscrowConfig;
use wattpool_schema::pool::PoolConfig;
use wattpool_schema::{escrow, pool, token};

/// Told of every step, in words.
pub type Tell<'a> = &'a (dyn Fn(&str) + Sync);

/// A deployment: the same one may be carried out any number of times.
pub struct Deployment {
    /// Pays and signs; deploys the contracts and wires them.
    pub deployer: Key,
    /// Validators' accounts, to vote for pinning; none: the codes are left unpinned.
    pub voters: Vec<Key>,
    /// What with.
    pub settings: DeploySettings,
    /// The contracts, in the order of [`CONTRACTS`].
    pub codes: [Code; 3],
}

/// Carries a deployment out, or what of it is missing.
///
/// # Errors
/// The chain refuses a step, or a market of this name stands there with other settings.
pub async fn deploy(
    client: &Arc<Client>,
    deployment: Deployment,
    tell: Tell<'_>,
) -> Result<Market, ChainError> {
    let Deployment {
        deployer,
        voters,
        settings,
        codes: [token, pool, escrow],
    } = deployment;
    let prefix = client.settings().prefix.clone();
    let code_administrator = settings.code_administrator(&prefix, deployer.address())?;
    let steps = Steps {
        account: Account::new(Arc::clone(client), deployer, None),
        prefix,
        settings,
        code_administrator,
        tell,
    };
    steps.check_roles()?;

    let token = steps.place(&token).await?;
    let pool = steps.place(&pool).await?;
    let escrow = steps.place(&escrow).await?;
    steps.instantiate(&token, &steps.token_msg()).await?;
    let msg = steps.pool_msg(&token)?;
    steps.instantiate(&pool, &msg).await?;
    let msg = steps.escrow_msg(&token, &pool);
    steps.instantiate(&escrow, &msg).await?;
    steps.check_settings(&pool, &escrow).await?;
    steps.wire(&token, &pool, &escrow).await?;
    steps.hand_over(&pool).await?;

    let ids = [token.code_id, pool.code_id, escrow.code_id];
    if !voters.is_empty() {
        pin::pin(&steps.account, voters, &ids, tell).await?;
    }
    let pinned = client.rpc().pinned_codes().await?;
    let deployed = |place: Place| Deployed {
        pinned: pinned.contains(&place.code_id),
        address: place.address,
        code_id: place.code_id,
        checksum: place.checksum,
    };
    // Whoever reads the file believes the chain from here on.
    let height = client.head().await?.height;
    let header = client.rpc().headers(height, height).await?;
    let trusted = header.into_iter().next().map(|meta| TrustedBlock {
        height,
        hash: meta.hash,
    });
    Ok(Market {
        version: MARKET_VERSION,
        trusted,
        chain_id: client.chain_id().to_owned(),
        address_prefix: steps.prefix,
        first_part_seconds: steps.settings.first_part_seconds(),
        denom: steps.settings.denom,
        window_seconds: steps.settings.window_seconds,
        code_administrator: Some(steps.code_administrator),
        token: deployed(token),
        pool: deployed(pool),
        escrow: deployed(escrow),
    })
}

/// Where a contract stands, or will stand.
struct Place {
    name: &'static str,
    code_id: u64,
    checksum: String,
    salt: Vec<u8>,
    address: String,
}

struct Steps<'a> {
    account: Account,
    prefix: String,
    settings: DeploySettings,
    code_administrator: String,
    tell: Tell<'a>,
}

impl Steps<'_> {
    fn check_roles(&self) -> Result<(), ChainError> {
        let roles = &self.settings.roles;
        for (name, set) in [
            ("administrator", &roles.administrator),
            ("registrar", &roles.registrar),
            ("grid_operator", &roles.grid_operator),
            ("regulator", &roles.regulator),
        ] {
            self.role(name, set.as_ref())?;
        }
        Ok(())
    }

    fn role(&self, name: &str, set: Option<&String>) -> Result<String, ChainError> {
        self.settings
            .role(name, set, &self.prefix, self.account.address())
    }

    async fn place(&self, code: &Code) -> Result<Place, ChainError> {
        let code_id = codes::upload(&self.account, code, self.tell).await?;
        let salt = format!("{}/{}", self.settings.name, code.name).into_bytes();
        let rpc = self.account.client().rpc();
        let address = rpc
            .build_address(&code.checksum, self.account.address(), &salt)
            .await?;
        Ok(Place {
            name: code.name,
            code_id,
            checksum: hex::encode(code.checksum),
            salt,
            address,
        })
    }

    async fn instantiate(&self, place: &Place, msg: &impl Serialize) -> Result<(), ChainError> {
        if self.stands(place).await?.is_some() {
            (self.tell)(&format!("{}: stands at {}", place.name, place.address));
            return Ok(());
        }
        let msg = serde_json::to_vec(msg).map_err(|e| ChainError::input("message", e))?;
        let new = Instantiation {
            code_id: place.code_id,
            admin: Some(self.code_administrator.clone()),
            label: format!("{} {}", self.settings.name, place.name),
            msg,
        };
        let message = message::instantiate_at(self.account.address(), new, place.salt.clone());
        self.account
            .ensure(async || self.stands(place).await, vec![message])
            .await?;
        (self.tell)(&format!("{}: made at {}", place.name, place.address));
        Ok(())
    }

    /// Whether the contract is there, under the administrator that it should have.
    async fn stands(&self, place: &Place) -> Result<Option<()>, ChainError> {
        let rpc = self.account.client().rpc();
        let Some(found) = rpc.contract_info(&place.address).await? else {
            return Ok(None);
        };
        if found.admin == self.code_administrator {
            return Ok(Some(()));
        }
        Err(ChainError::input(
            format!("{} at {}", place.name, place.address),
            format!(
                "expected code administrator {}, found {:?}",
                self.code_administrator, found.admin
            ),
        ))
    }

    /// Has a contract do what `done` does not see done.
    async fn ensure(
        &self,
        place: &Place,
        msg: &impl Serialize,
        done: impl AsyncFn() -> Result<Option<()>, ChainError>,
    ) -> Result<(), ChainError> {
        let msg = serde_json::to_vec(msg).map_err(|e| ChainError::input("message", e))?;
        let message = message::execute(self.account.address(), &place.address, msg, Vec::new());
        self.account.ensure(done, vec![message]).await
    }

    fn token_msg(&self) -> token::InstantiateMsg {
        token::InstantiateMsg {
            name: "Wattpool energy".to_owned(),
            symbol: "KWH".to_owned(),
            window_seconds: self.settings.window_seconds,
            marketing: None,
        }
    }

    fn pool_msg(&self, token: &Place) -> Result<pool::InstantiateMsg, ChainError> {
        let roles = &self.settings.roles;
        Ok(pool::InstantiateMsg {
            admin: self.account.address().to_owned(),
            registrar: self.role("registrar", roles.registrar.as_ref())?,
            grid_operator: self.role("grid_operator", roles.grid_operator.as_ref())?,
            regulator: self.role("regulator", roles.regulator.as_ref())?,
            token: token.address.clone(),
            denom: self.settings.denom.clone(),
            window_seconds: self.settings.window_seconds,
            credit_delay_days: self.settings.credit_delay_days,
            halt_seconds: self.settings.halt_seconds(),
            block_seconds: self.settings.block_seconds,
            first_part_seconds: self.settings.first_part_seconds(),
            notice_days: self.settings.notice_days,
            tariffs: self.settings.tariffs(),
            zone_pairs: self.settings.zone_pairs(),
        })
    }

    fn escrow_msg(&self, token: &Place, pool: &Place) -> escrow::InstantiateMsg {
        escrow::InstantiateMsg {
            token: token.address.clone(),
            pool: pool.address.clone(),
            denom: self.settings.denom.clone(),
            window_seconds: self.settings.window_seconds,
        }
    }

    /// What cannot be changed any more must be what the settings say. Roles, tariffs and zone terms may have changed since.
    async fn check_settings(&self, pool: &Place, escrow: &Place) -> Result<(), ChainError> {
        let p = self.pool_config(pool).await?;
        let rpc = self.account.client().rpc();
        let e: EscrowConfig = rpc
            .smart(&escrow.address, &escrow::QueryMsg::Config {})
            .await?;
        let s = &self.settings;
        let found = [
            (
                "window_seconds",
                p.window_seconds.to_string(),
                s.window_seconds.to_string(),
            ),
            (
                "window_seconds",
                e.window_seconds.to_string(),
                s.window_seconds.to_string(),
            ),
            (
                "credit_delay_days",
                p.credit_delay_days.to_string(),
                s.credit_delay_days.to_string(),
            ),
            (
                "halt_seconds",
                p.halt_seconds.to_string(),
                s.halt_seconds().to_string(),
            ),
            (
                "block_seconds",
                p.block_seconds.to_string(),
                s.block_seconds.to_string(),
            ),
            (
                "first_part_seconds",
                p.first_part_seconds.to_string(),
                s.first_part_seconds().to_string(),
            ),
            (
                "notice_days",
                p.notice_days.to_string(),
                s.notice_days.to_string(),
            ),
            ("denom", p.denom, s.denom.clone()),
            ("denom", e.denom, s.denom.clone()),
        ];
        for (what, found, wanted) in found {
            if found != wanted {
                return Err(ChainError::input(
                    what,
                    format!(
                        "market {:?} stands with {found}, the settings say {wanted}: it needs another name",
                        s.name
                    ),
                ));
            }
        }
        Ok(())
    }

    async fn pool_config(&self, pool: &Place) -> Result<PoolConfig, ChainError> {
        let rpc = self.account.client().rpc();
        rpc.smart(&pool.address, &pool::QueryMsg::Config {}).await
    }

    async fn wire(&self, token: &Place, pool: &Place, escrow: &Place) -> Result<(), ChainError> {
        // cw20's minter is the pool, once the token is wired.
        let rpc = self.account.client().rpc();
        let wired = async || {
            let query = token::QueryMsg::Minter {};
            let minter: Option<serde_json::Value> = rpc.smart(&token.address, &query).await?;
            Ok(minter.map(|_| ()))
        };
        let msg = token::ExecuteMsg::Wire {
            pool: pool.address.clone(),
            escrow: escrow.address.clone(),
        };
        self.ensure(token, &msg, wired).await?;
        let wired = async || match self.pool_config(pool).await?.escrow {
            Some(found) if found != escrow.address => Err(ChainError::input(
                "energy_pool",
                format!("expected escrow {}, it is wired to {found}", escrow.address),
            )),
            found => Ok(found.map(|_| ())),
        };
        let msg = pool::ExecuteMsg::Wire {
            escrow: escrow.address.clone(),
        };
        self.ensure(pool, &msg, wired).await?;
        (self.tell)("contracts: wired");
        Ok(())
    }

    /// Proposes another administrator, if the settings name one; it takes over by accepting.
    async fn hand_over(&self, pool: &Place) -> Result<(), ChainError> {
        let wanted = &self.settings.roles.administrator;
        let wanted = self.role("administrator", wanted.as_ref())?;
        let config = self.pool_config(pool).await?;
        if config.admin == wanted || config.proposed_admin.as_ref() == Some(&wanted) {
            return Ok(());
        }
        if config.admin != self.account.address() {
            (self.tell)(&format!("administrator: {} by now", config.admin));
            return Ok(());
        }
        let proposed = async || {
            let config = self.pool_config(pool).await?;
            let done = config.admin == wanted || config.proposed_admin.as_ref() == Some(&wanted);
            Ok(done.then_some(()))
        };
        let msg = pool::ExecuteMsg::ProposeAdmin {
            admin: Some(wanted.clone()),
        };
        self.ensure(pool, &msg, proposed).await?;
        (self.tell)(&format!(
            "administrator: {wanted} is proposed and has to accept"
        ));
        Ok(())
    }
}
