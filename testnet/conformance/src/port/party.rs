//! Who takes part in the script: a meter, its keys, and its agent's port.

use wattpool_core::io::BlockRef;
use wattpool_core::ports::ledger::Ledger;
use wattpool_fixtures::keys::{AgentSigner, DeviceSigner};
use wattpool_schema::escrow::{OpenOrder, SettleTrade};
use wattpool_schema::signing::digest;
use wattpool_schema::{
    Approval, Commitment, Cover, MeterId, Price, Seconds, SignedApproval, SignedCover,
    SignedStatement, Statement, TradeKind, Wh, Window, Zone, RECORD_VERSION,
};

/// Money that each owner deposits, micro-units.
pub const DEPOSIT: u64 = 5_000_000;
/// Most energy per window and direction that the meters are registered for.
pub const REGISTERED: Wh = Wh(10_000);

/// Which market: what signatures are for.
#[derive(Clone, Debug)]
pub struct Place {
    /// Chain id.
    pub chain: String,
    /// The pool's address.
    pub pool: String,
    /// The escrow's address.
    pub escrow: String,
    /// Window length, seconds.
    pub window_s: u32,
}

/// Keys of a meter.
#[derive(Clone)]
pub struct Keys {
    /// Pseudonym.
    pub meter: MeterId,
    /// Signs statements and covers.
    pub device: DeviceSigner,
    /// Signs approvals and transactions.
    pub agent: AgentSigner,
    /// Signs for the money.
    pub owner: AgentSigner,
    /// Zone.
    pub zone: Zone,
}

impl Keys {
    /// The keys of a number.
    pub fn of(number: u64) -> Self {
        let id = digest(format!("port meter {number}").as_bytes());
        Self {
            meter: MeterId::from_slice(&id[..16]).expect("16 bytes"),
            device: DeviceSigner::from_seed(7_000 + number),
            agent: AgentSigner::from_seed(8_000 + number),
            owner: AgentSigner::from_seed(9_000 + number),
            zone: Zone(0),
        }
    }
}

/// A meter with its agent's port.
pub struct Party<L> {
    /// Its keys.
    pub keys: Keys,
    /// Address of its owner.
    pub owner: String,
    /// The port, through the agent's key.
    pub ledger: L,
    /// The market.
    pub place: Place,
}

impl<L: Ledger> Party<L> {
    /// Its id.
    pub fn meter(&self) -> MeterId {
        self.keys.meter
    }

    /// A signed statement.
    pub fn statement(&self, window: Window, sequence: u64, wh: u64) -> SignedStatement {
        let statement = Statement {
            version: RECORD_VERSION,
            chain: self.place.chain.clone(),
            pool: self.place.pool.clone(),
            meter: self.meter(),
            window,
            sequence,
            export_wh: Wh(wh),
            commitment: Commitment(digest(format!("commitment {sequence}").as_bytes())),
        };
        let signature = self.keys.device.sign(&statement.sign_bytes(), true);
        SignedStatement {
            statement,
            signature,
        }
    }

    /// A signed cover.
    pub fn cover(&self, window: Window, wh: u64) -> SignedCover {
        let cover = Cover {
            version: RECORD_VERSION,
            chain: self.place.chain.clone(),
            pool: self.place.pool.clone(),
            meter: self.meter(),
            window,
            import_wh: Wh(wh),
        };
        let signature = self.keys.device.sign(&cover.sign_bytes(), true);
        SignedCover { cover, signature }
    }

    /// What this seller's agent allows a buyer.
    pub fn approval(&self, buyer: MeterId, window: Window, wh: u64, nonce: u64) -> Approval {
        Approval {
            version: RECORD_VERSION,
            kind: TradeKind::Spot,
            chain: self.place.chain.clone(),
            escrow: self.place.escrow.clone(),
            seller: self.meter(),
            buyer,
            first_window: window,
            count: 1,
            wh: Wh(wh),
            min_wh: Wh(1),
            price: Price(150_000),
            max_gross: Wh(wh + wh / 5 + 2),
            max_charge: Price(50_000),
            requested_at: window.next().start(self.place.window_s),
            expires_at: Seconds(window.plus(2).start(self.place.window_s).0),
            nonce,
        }
    }

    /// Signed by the agent.
    pub fn sign(&self, approval: Approval) -> SignedApproval {
        let signature = self.keys.agent.sign(&approval.sign_bytes(), true);
        SignedApproval {
            approval,
            signature,
        }
    }

    /// A spot trade that takes all of an approval.
    pub fn trade(
        &self,
        trade_id: u64,
        approval: SignedApproval,
        cover: Option<SignedCover>,
    ) -> SettleTrade {
        SettleTrade {
            trade_id,
            wh: approval.approval.wh,
            approval,
            cover,
        }
    }

    /// A standing order that takes all of an approval.
    pub fn order(&self, trade_id: u64, approval: SignedApproval) -> OpenOrder {
        OpenOrder {
            trade_id,
            wh: approval.approval.wh,
            approval,
        }
    }

    /// The window that a block is in.
    pub fn window(&self, block: BlockRef) -> Window {
        Window::at(block.time, self.place.window_s)
    }

    /// Follows the chain until a block of this window, or a later one, is there.
    pub async fn wait_for(&self, window: Window) -> BlockRef {
        let mut block = self.ledger.head().await.expect("a head");
        while self.window(block) < window {
            let news = self.ledger.next_block(block.height).await;
            block = news.expect("a block").block;
        }
        block
    }
}
