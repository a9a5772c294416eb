//! Signed statements, covers and approvals of a market's homes.

use crate::setup::CHAIN;
use crate::Market;
use wattpool_schema::{
    Approval, Commitment, Cover, Price, SignedApproval, SignedCover, SignedStatement, Statement,
    TradeKind, Wh, Window, RECORD_VERSION,
};

impl Market {
    /// A statement of home `i` with the next sequence.
    pub fn statement(&mut self, i: usize, window: Window, wh: u64) -> SignedStatement {
        let sequence = self.homes[i].next_sequence();
        self.sign_statement(
            i,
            Statement {
                version: RECORD_VERSION,
                chain: CHAIN.into(),
                pool: self.pool.to_string(),
                meter: self.homes[i].meter,
                window,
                sequence,
                export_wh: Wh(wh),
                commitment: Commitment([u8::try_from(i % 256).unwrap_or(0); 32]),
            },
        )
    }

    /// Signs a statement with home `i`'s device key.
    pub fn sign_statement(&self, i: usize, statement: Statement) -> SignedStatement {
        let signature = self.homes[i]
            .device
            .sign(&statement.sign_bytes(), self.real_signatures);
        SignedStatement {
            statement,
            signature,
        }
    }

    /// A cover of home `i`.
    pub fn cover(&self, i: usize, window: Window, wh: u64) -> SignedCover {
        self.sign_cover(
            i,
            Cover {
                version: RECORD_VERSION,
                chain: CHAIN.into(),
                pool: self.pool.to_string(),
                meter: self.homes[i].meter,
                window,
                import_wh: Wh(wh),
            },
        )
    }

    /// Signs a cover with home `i`'s device key.
    pub fn sign_cover(&self, i: usize, cover: Cover) -> SignedCover {
        let signature = self.homes[i]
            .device
            .sign(&cover.sign_bytes(), self.real_signatures);
        SignedCover { cover, signature }
    }

    /// An approval of home `seller` for home `buyer` on the live window, with a fresh nonce and generous
    /// bounds; not signed yet.
    pub fn spot(&mut self, seller: usize, buyer: usize, wh: u64, price: u64) -> Approval {
        let now = self.now();
        Approval {
            version: RECORD_VERSION,
            kind: TradeKind::Spot,
            chain: CHAIN.into(),
            escrow: self.escrow.to_string(),
            seller: self.homes[seller].meter,
            buyer: self.homes[buyer].meter,
            first_window: self.live(),
            count: 1,
            wh: Wh(wh),
            price: Price(price),
            max_gross: Wh(wh.saturating_mul(2)),
            max_charge: Price(1_000_000),
            requested_at: now.saturating_sub(wattpool_schema::Seconds(60)),
            expires_at: now.saturating_add(wattpool_schema::Seconds(1_800)),
            nonce: self.homes[seller].next_nonce(),
        }
    }

    /// An approval of a standing order from `first` on; not signed yet.
    pub fn forward(
        &mut self,
        seller: usize,
        buyer: usize,
        (first, count): (Window, u32),
        wh: u64,
        price: u64,
    ) -> Approval {
        Approval {
            kind: TradeKind::Forward,
            first_window: first,
            count,
            ..self.spot(seller, buyer, wh, price)
        }
    }

    /// Signs an approval with home `seller`'s agent key.
    pub fn approve(&self, seller: usize, approval: Approval) -> SignedApproval {
        let signature = self.homes[seller]
            .agent
            .sign(&approval.sign_bytes(), self.real_signatures);
        SignedApproval {
            approval,
            signature,
        }
    }
}
