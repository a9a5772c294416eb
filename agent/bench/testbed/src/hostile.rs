//! What hostile nodes do: lie about records, and burden others.

use crate::members::{Member, Register};
use crate::stranger::Stranger;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use wattpool_discovery_libp2p::internals::{self, Asker, Contact, Exchange, Keeper, VERSION};
use wattpool_discovery_libp2p::wire::{
    decode_request, encode_answer, encode_record, encode_request, list, At, RecordsAnswer,
    RecordsRequest, MAX_ANSWER, MAX_REQUEST,
};
use wattpool_schema::peer::{Location, Record, SignedRecord};
use wattpool_schema::{MeterId, Price, Seconds, Wh};

/// Records remembered for later abuse.
const SPOILS: usize = 512;
/// Pause between two rounds of an attack.
const PAUSE: Duration = Duration::from_millis(100);

/// A way to be hostile. All of them take what they are given, say that they stored it, and do not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Vice {
    /// Lists and puts honest meters' offers at a better price and with a higher sequence, not signed by them.
    Forge,
    /// Lists and puts old records again.
    Replay,
    /// Lists and puts records of its own that have expired.
    Expire,
    /// Answers and asks with messages that are far too long.
    Oversize,
    /// Puts a great many records of its own, validly signed, and garbage.
    Flood,
    /// Lists genuine records where they do not belong, and none that do.
    Misplace,
    /// Does not answer.
    Silence,
    /// Answers that there is nothing.
    Hide,
}

/// All of them.
pub(super) const VICES: [Vice; 8] = [
    Vice::Forge,
    Vice::Replay,
    Vice::Expire,
    Vice::Oversize,
    Vice::Flood,
    Vice::Misplace,
    Vice::Silence,
    Vice::Hide,
];

type Spoils = Arc<Mutex<HashMap<MeterId, (Location, SignedRecord)>>>;

fn collected(spoils: &Spoils) -> Vec<(Location, SignedRecord)> {
    let spoils = spoils.lock().unwrap_or_else(PoisonError::into_inner);
    spoils.values().cloned().collect()
}

/// Answers requests about records as its vice demands.
struct Liar {
    vice: Vice,
    member: Member,
    register: Arc<Register>,
    spoils: Spoils,
}

fn forged(record: &SignedRecord) -> SignedRecord {
    let mut forged = record.clone();
    if let Record::Offer(offer) = &mut forged.record {
        offer.price = Price(1);
        offer.sequence = offer.sequence.saturating_add(1_000_000);
    }
    forged
}

impl Liar {
    /// What it lists at the locations asked for.
    fn lies(&self, at: &[At]) -> Vec<SignedRecord> {
        let spoils = collected(&self.spoils);
        match self.vice {
            Vice::Forge => spoils.iter().map(|(_, r)| forged(r)).collect(),
            Vice::Replay => spoils.into_iter().map(|(_, r)| r).collect(),
            Vice::Misplace => spoils
                .into_iter()
                .filter(|(home, _)| !at.contains(&At(*home)))
                .map(|(_, r)| r)
                .collect(),
            Vice::Expire => {
                let end = Seconds(self.register.now().0.saturating_sub(1_000));
                let offers = (1..20u64).map(|n| self.member.offer(n.saturating_mul(50), n, end));
                offers
                    .map(|o| SignedRecord::clone(&self.member.sign(Record::Offer(o))))
                    .collect()
            }
            Vice::Oversize | Vice::Flood | Vice::Silence | Vice::Hide => Vec::new(),
        }
    }
}

impl Keeper for Liar {
    fn answer(&mut self, _: Asker, request: &[u8], _: Instant) -> (Option<Vec<u8>>, u32) {
        if self.vice == Vice::Silence {
            return (None, 0);
        }
        let answer = match decode_request(request) {
            Ok(RecordsRequest::Put { at, record }) => {
                let mut spoils = self.spoils.lock().unwrap_or_else(PoisonError::into_inner);
                // The first of each meter, so that it is old soon.
                if spoils.len() < SPOILS {
                    spoils.entry(record.meter()).or_insert((at.0, *record));
                }
                RecordsAnswer::Done
            }
            Ok(RecordsRequest::Get { at }) => {
                if self.vice == Vice::Oversize {
                    return (Some(vec![b' '; MAX_ANSWER.saturating_mul(2)]), 0);
                }
                let lies = self.lies(&at);
                return (Some(list(lies.iter().map(encode_record), false)), 0);
            }
            _ => RecordsAnswer::Done,
        };
        (Some(encode_answer(&answer)), 0)
    }

    fn tidy(&mut self) {}
}

/// A hostile node.
pub(super) struct Hostile {
    /// Its meter, which is registered like others.
    pub meter: MeterId,
    stranger: Arc<Stranger>,
    attack: tokio::task::JoinHandle<()>,
}

impl Drop for Hostile {
    fn drop(&mut self) {
        self.attack.abort();
    }
}

impl Hostile {
    /// Starts one; it attacks until it is dropped.
    pub fn start(
        vice: Vice,
        member: &Member,
        register: &Arc<Register>,
        bootstrap: Vec<String>,
        places: Vec<Location>,
    ) -> Result<Self, String> {
        let spoils = Spoils::default();
        let liar = Liar {
            vice,
            member: member.clone(),
            register: Arc::clone(register),
            spoils: Arc::clone(&spoils),
        };
        let stranger = Stranger::start_with(member, register, bootstrap, Box::new(liar), VERSION)?;
        let stranger = Arc::new(stranger);
        let attack = Attack {
            vice,
            member: member.clone(),
            register: Arc::clone(register),
            spoils,
            places,
            stranger: Arc::clone(&stranger),
        };
        Ok(Self {
            meter: member.meter,
            stranger,
            attack: tokio::spawn(attack.run()),
        })
    }

    /// Where it can be dialled: hostile nodes are known like others.
    pub fn known(&self) -> u64 {
        self.stranger.figures().known
    }
}

struct Attack {
    vice: Vice,
    member: Member,
    register: Arc<Register>,
    spoils: Spoils,
    places: Vec<Location>,
    stranger: Arc<Stranger>,
}

impl Attack {
    /// Goes on until it is aborted.
    async fn run(self) {
        let mut round = 0u64;
        loop {
            tokio::time::sleep(PAUSE).await;
            round = round.wrapping_add(1);
            let place = usize::try_from(round).unwrap_or(0);
            let Some(at) = place
                .checked_rem(self.places.len())
                .and_then(|i| self.places.get(i))
            else {
                return;
            };
            let near = internals::closest(&self.stranger.mesh, *at).await;
            let sends = near.iter().map(|to| self.burden(to, *at, round));
            futures::future::join_all(sends).await;
        }
    }

    async fn burden(&self, to: &Contact, at: Location, round: u64) {
        for bytes in self.messages(at, round) {
            // Refusals do not stop it.
            let _ =
                internals::send(&self.stranger.mesh, Exchange::Records, to.clone(), bytes).await;
        }
    }

    fn messages(&self, at: Location, round: u64) -> Vec<Vec<u8>> {
        let put = |at: Location, record: SignedRecord| {
            encode_request(&RecordsRequest::Put {
                at: At(at),
                record: Box::new(record),
            })
        };
        let spoils = || collected(&self.spoils).into_iter().take(4);
        let now = self.register.now().0;
        let own = |n: u64, sequence: u64, end: u64| {
            let wh = Wh(1u64 << n.checked_rem(14).unwrap_or(0));
            let offer = self.member.offer(wh.0, sequence, Seconds(end));
            SignedRecord::clone(&self.member.sign(Record::Offer(offer)))
        };
        match self.vice {
            Vice::Forge => spoils().map(|(at, r)| put(at, forged(&r))).collect(),
            Vice::Replay => spoils().map(|(at, r)| put(at, r)).collect(),
            Vice::Misplace => spoils().map(|(_, r)| put(at, r)).collect(),
            Vice::Expire => vec![put(at, own(round, round, now.saturating_sub(1)))],
            Vice::Oversize => vec![vec![b'{'; MAX_REQUEST.saturating_mul(16)]],
            Vice::Flood => {
                let flood = (0..20u64).map(|n| {
                    let sequence = round.saturating_mul(100).saturating_add(n);
                    put(at, own(n, sequence, now.saturating_add(600)))
                });
                flood.chain([vec![0xff; 600]]).collect()
            }
            Vice::Silence | Vice::Hide => Vec::new(),
        }
    }
}
