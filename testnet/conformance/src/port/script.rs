//! The script.

use super::party::{Party, Place, REGISTERED};
use super::written::Written;
use wattpool_core::io::{BlockRef, MarketTx, TxFailure};
use wattpool_core::ports::ledger::{Executed, Ledger};
use wattpool_schema::error::Code;
use wattpool_schema::event::MarketEvent;
use wattpool_schema::{MeterId, SignedStatement, TradeKind, Wh, Window};

/// A seller and two buyers.
pub struct Cast<L> {
    /// Sells.
    pub seller: Party<L>,
    /// Buys.
    pub buyer: Party<L>,
    /// Buys too.
    pub other: Party<L>,
}

/// Everything that is written down, and the events in their order on the chain.
struct Play<'a, L> {
    cast: &'a Cast<L>,
    written: Written,
    done: Vec<(BlockRef, Vec<MarketEvent>)>,
}

/// Plays the script and gives what was written.
pub async fn play<L: Ledger>(cast: &Cast<L>) -> Vec<String> {
    let begin = cast.seller.ledger.head().await.expect("a head");
    // A fresh window: what follows has all of it.
    let running = cast.seller.window(begin).next();
    cast.seller.wait_for(running).await;
    let place = cast.seller.place.clone();
    let mut play = Play {
        cast,
        written: Written {
            base: running,
            names: names(cast, &place),
            lines: Vec::new(),
        },
        done: Vec::new(),
    };
    play.questions(running).await;
    play.statements(running).await;
    play.spot(running.prev()).await;
    play.side_by_side(running.prev()).await;
    play.order(running).await;
    play.closing(running.next()).await;
    play.followed(begin).await;
    play.written.lines
}

fn names<L>(cast: &Cast<L>, place: &Place) -> Vec<(String, String)> {
    let mut names = vec![
        (place.pool.clone(), "POOL".to_owned()),
        (place.escrow.clone(), "ESCROW".to_owned()),
    ];
    for (party, name) in [
        (&cast.seller, "SELLER"),
        (&cast.buyer, "BUYER"),
        (&cast.other, "OTHER"),
    ] {
        names.push((party.owner.clone(), format!("{name}'S OWNER")));
        names.push((party.keys.meter.to_string(), name.to_owned()));
    }
    names
}

impl<L: Ledger> Play<'_, L> {
    async fn send(&mut self, by: &Party<L>, doing: &str, tx: MarketTx) -> Executed {
        let executed = by.ledger.execute(tx).await;
        self.note(doing, &executed);
        executed
    }

    fn note(&mut self, doing: &str, executed: &Executed) {
        self.written.outcome(doing, &executed.outcome);
        if let Ok(events) = &executed.outcome {
            self.done.push((executed.at, events.clone()));
        }
    }

    async fn refused(&mut self, by: &Party<L>, doing: &str, tx: MarketTx, code: Code) {
        let executed = self.send(by, doing, tx).await;
        assert_eq!(executed.outcome, Err(TxFailure::Refused(code)), "{doing}");
    }

    async fn done(&mut self, by: &Party<L>, doing: &str, tx: MarketTx) -> Vec<MarketEvent> {
        let executed = self.send(by, doing, tx).await;
        executed
            .outcome
            .unwrap_or_else(|e| panic!("{doing}: {e:?}"))
    }

    async fn position(&mut self, of: &Party<L>) {
        let position = of.ledger.position(of.meter()).await.expect("a position");
        let value = serde_json::to_value(position).expect("JSON");
        let name = of.meter();
        self.written.json(&format!("position of {name}"), value);
    }

    /// What is asked before anything is done.
    async fn questions(&mut self, running: Window) {
        let ledger = &self.cast.seller.ledger;
        let meters = ledger.meters().await.expect("meters");
        assert!(meters.windows(2).all(|pair| pair[0].0 < pair[1].0));
        self.written.answer("meters", meters);
        let stranger = MeterId([9; 16]);
        let error = ledger.position(stranger).await.unwrap_err();
        self.written.answer("position of a stranger", error);
        let terms = ledger.terms(running.prev()).await.expect("terms");
        assert!(!terms.paused);
        self.written.answer("terms", terms);
        let record = ledger
            .seller(self.cast.seller.meter())
            .await
            .expect("a record");
        assert_eq!(record.sales, 0);
        self.written.answer("record", record);
    }

    async fn statements(&mut self, running: Window) {
        let (live, cast) = (running.prev(), self.cast);
        let seller = &cast.seller;
        let early = seller.statement(running, 9, 100);
        self.items(seller, "too early", vec![early], &["TOO_EARLY"])
            .await;
        let mut forged = seller.statement(live, 9, 100);
        forged.statement.export_wh = Wh(200);
        let above = seller.statement(live, 9, REGISTERED.0 + 1);
        let mut foreign = seller.statement(live, 9, 100);
        foreign.statement.chain = "another".into();
        let good = seller.statement(live, 10, 5_000);
        let batch = vec![forged, above, foreign, good.clone()];
        let codes = ["BAD_SIGNATURE", "ABOVE_REGISTERED", "WRONG_CHAIN"];
        let events = self
            .items(seller, "three bad and a good one", batch, &codes)
            .await;
        assert!(
            events.iter().any(
                |e| matches!(e, MarketEvent::Minted(m) if m.wh == Wh(5_000) && m.window == live)
            ),
            "minted"
        );
        self.items(seller, "repeated", vec![good], &["WINDOW_STATED"])
            .await;
        let empty = MarketTx::State(Vec::new());
        self.refused(seller, "no statement", empty, Code::BadInput)
            .await;
        self.position(seller).await;
    }

    async fn items(
        &mut self,
        by: &Party<L>,
        doing: &str,
        statements: Vec<SignedStatement>,
        codes: &[&str],
    ) -> Vec<MarketEvent> {
        let events = self.done(by, doing, MarketTx::State(statements)).await;
        let refused: Vec<&str> = events
            .iter()
            .filter_map(|e| match e {
                MarketEvent::ItemRefused(r) => Some(r.code.as_str()),
                _ => None,
            })
            .collect();
        assert_eq!(refused, codes, "{doing}");
        events
    }

    async fn spot(&mut self, live: Window) {
        let cast = self.cast;
        let (seller, buyer) = (&cast.seller, &cast.buyer);
        let settle = |trade| MarketTx::Settle(Box::new(trade));
        let approved = |wh, nonce| seller.sign(seller.approval(buyer.meter(), live, wh, nonce));

        let trade = buyer.trade(1, approved(1_000, 1), None);
        self.refused(buyer, "without cover", settle(trade), Code::CoverMissing)
            .await;
        let trade = buyer.trade(1, approved(1_000, 1), Some(buyer.cover(live, 1_500)));
        self.refused(
            seller,
            "by the seller",
            settle(trade.clone()),
            Code::Unauthorized,
        )
        .await;
        let events = self.done(buyer, "a trade", settle(trade.clone())).await;
        let closed = |e: &&MarketEvent| matches!(e, MarketEvent::TradeClosed(t) if t.trade_id == 1);
        assert_eq!(events.iter().filter(closed).count(), 1);
        let again = self.done(buyer, "repeated", settle(trade)).await;
        assert_eq!(again, [], "a repeated trade changes nothing");

        let other = buyer.trade(1, approved(900, 2), None);
        self.refused(buyer, "other content", settle(other), Code::TradeExists)
            .await;
        let used = buyer.trade(2, approved(1_000, 1), None);
        self.refused(buyer, "the nonce again", settle(used), Code::NonceUsed)
            .await;
        let much = buyer.trade(2, approved(4_500, 2), Some(buyer.cover(live, 6_000)));
        self.refused(buyer, "too much", settle(much), Code::Unsold)
            .await;
        let mut old = seller.approval(buyer.meter(), live, 100, 2);
        old.expires_at = live.next().start(seller.place.window_s);
        old.expires_at.0 -= 1;
        let old = buyer.trade(2, seller.sign(old), None);
        self.refused(buyer, "expired", settle(old), Code::ApprovalExpired)
            .await;
        let mut forged = approved(100, 2);
        forged.approval.price.0 -= 1;
        let forged = buyer.trade(2, forged, None);
        self.refused(buyer, "forged", settle(forged), Code::BadSignature)
            .await;
        let past = seller.sign(seller.approval(buyer.meter(), live.prev(), 100, 2));
        let mut past = buyer.trade(2, past, None);
        past.approval.approval.expires_at.0 += 10_000;
        past.approval = seller.sign(past.approval.approval);
        self.refused(
            buyer,
            "of the window before",
            settle(past),
            Code::WindowClosed,
        )
        .await;
        self.position(seller).await;
        self.position(buyer).await;
    }

    /// Several settles at once: each has its own answer, however they were sent.
    async fn side_by_side(&mut self, live: Window) {
        let cast = self.cast;
        let (seller, buyer) = (&cast.seller, &cast.buyer);
        let trade = |id, wh, nonce| {
            let approval = seller.approval(buyer.meter(), live, wh, nonce);
            let cover = Some(buyer.cover(live, 4_000));
            MarketTx::Settle(Box::new(buyer.trade(id, seller.sign(approval), cover)))
        };
        let l = &buyer.ledger;
        let answers = futures::future::join_all([
            l.execute(trade(11, 300, 11)),
            l.execute(trade(12, 400, 12)),
            l.execute(trade(13, 500, 12)),
            l.execute(trade(12, 400, 12)),
            l.execute(trade(14, 9_000, 14)),
            l.execute(trade(15, 600, 15)),
        ])
        .await;
        let refused = |code| Err(TxFailure::Refused(code));
        for (i, executed) in answers.iter().enumerate() {
            self.note(&format!("side by side {i}"), executed);
            match i {
                2 => assert_eq!(executed.outcome, refused(Code::NonceUsed), "{i}"),
                3 => assert_eq!(executed.outcome, Ok(Vec::new()), "{i}: repeated"),
                4 => assert_eq!(executed.outcome, refused(Code::Unsold), "{i}"),
                _ => {
                    let events = executed.outcome.as_ref().expect("done");
                    let closed = |e: &MarketEvent| matches!(e, MarketEvent::TradeClosed(_));
                    assert_eq!(events.iter().filter(|e| closed(e)).count(), 1, "{i}");
                }
            }
        }
        let record = seller
            .ledger
            .seller(seller.meter())
            .await
            .expect("a record");
        assert_eq!((record.sales, record.arrived_wh), (4, 2_300));
        self.written.answer("record", record);
    }

    /// A standing order: opened, delivered in the next window, cancelled.
    async fn order(&mut self, running: Window) {
        let cast = self.cast;
        let (seller, other) = (&cast.seller, &cast.other);
        let mut forward = seller.approval(other.meter(), running, 700, 21);
        forward.kind = TradeKind::Forward;
        forward.count = 5;
        forward.expires_at.0 += 10_000;
        let order = other.order(21, seller.sign(forward));
        let open = MarketTx::OpenOrder(Box::new(order.clone()));
        self.done(other, "an order", open.clone()).await;
        let again = self.done(other, "the order again", open).await;
        assert_eq!(again, [], "a repeated order changes nothing");
        let mut smaller = order;
        smaller.wh.0 -= 1;
        let smaller = MarketTx::OpenOrder(Box::new(smaller));
        self.refused(other, "another order of its id", smaller, Code::TradeExists)
            .await;
        let deliver = |cover| MarketTx::Deliver {
            buyer: other.meter(),
            trade_id: 21,
            cover,
        };
        self.refused(other, "before its window", deliver(None), Code::OrderNotDue)
            .await;

        seller.wait_for(running.next()).await;
        let statement = vec![seller.statement(running, 20, 2_000)];
        self.items(seller, "the next window", statement, &[]).await;
        let cover = Some(other.cover(running, 500));
        let events = self.done(other, "a part", deliver(cover)).await;
        let delivered = |e: &MarketEvent| match e {
            MarketEvent::Delivered(d) => Some(d.net),
            _ => None,
        };
        assert_eq!(events.iter().find_map(delivered), Some(Wh(500)));
        let cover = Some(other.cover(running, 1_000));
        let events = self
            .done(seller, "the rest, by the seller", deliver(cover))
            .await;
        assert_eq!(events.iter().find_map(delivered), Some(Wh(200)));
        let cancel = MarketTx::CancelOrder {
            buyer: other.meter(),
            trade_id: 21,
        };
        self.done(other, "cancelling", cancel).await;
        let close = MarketTx::CloseOrder {
            buyer: other.meter(),
            trade_id: 21,
        };
        self.refused(other, "closing too soon", close, Code::OrderStillOpen)
            .await;
        self.position(other).await;
    }

    async fn closing(&mut self, running: Window) {
        let cast = self.cast;
        let (seller, other) = (&cast.seller, &cast.other);
        seller.wait_for(running.plus(2)).await;
        let close = MarketTx::CloseOrder {
            buyer: other.meter(),
            trade_id: 21,
        };
        self.done(other, "closing", close.clone()).await;
        self.refused(other, "closing again", close, Code::UnknownTrade)
            .await;
        let record = seller
            .ledger
            .seller(seller.meter())
            .await
            .expect("a record");
        self.written.answer("record", record);
        self.position(seller).await;
    }

    /// Whoever follows all blocks sees every event once, in the order of the answers.
    async fn followed(&mut self, begin: BlockRef) {
        let ledger = &self.cast.other.ledger;
        let end = ledger.head().await.expect("a head");
        let mut seen = Vec::new();
        let mut at = begin;
        while at.height < end.height {
            let news = ledger.next_block(at.height).await.expect("a block");
            assert_eq!(news.block.height, at.height + 1, "no gap");
            assert!(news.block.time >= at.time, "time does not run backwards");
            at = news.block;
            seen.extend(news.events.iter().map(|e| self.written.event(e)));
        }
        let mut told: Vec<String> = Vec::new();
        for (_, events) in &self.done {
            told.extend(events.iter().map(|e| self.written.event(e)));
        }
        // Joined in one message, refusals stand at its end.
        assert_eq!(sorted(&seen), sorted(&told));
        for event in sorted(&seen) {
            self.written.lines.push(event);
        }
    }
}

fn sorted(lines: &[String]) -> Vec<String> {
    let kept = lines.iter().filter(|l| !l.contains("item_refused"));
    let mut kept: Vec<String> = kept.cloned().collect();
    kept.sort();
    kept
}
