//! The ports of the agent, on this network.

use crate::handle::{Contact, Exchange, Failure};
use crate::mesh::Mesh;
use crate::wire::{decode_reply, encode_ask, Refusal, TradeReply, WireError};
use libp2p::PeerId;
use std::sync::Arc;
use std::time::Duration;
use wattpool_core::ports::network::{Discovery, Found, NetworkError, Peers, Replier};
use wattpool_schema::peer::{Location, Record, SignedRecord, SignedRequest, TradeAnswer};

impl Discovery for Mesh {
    /// An offer is put at its location and where its meter lives, so that it can be found by the meter alone.
    async fn announce(
        &self,
        location: Location,
        record: Arc<SignedRecord>,
    ) -> Result<(), NetworkError> {
        let home = match &record.record {
            Record::Offer(offer) => Some(Location::of_meter(&offer.network, &offer.meter)),
            Record::Status(_) => None,
        };
        let listed = self.put(location, Arc::clone(&record));
        let put = match home.filter(|home| *home != location) {
            Some(home) => tokio::join!(listed, self.put(home, record)).0,
            None => listed.await,
        };
        match (put.stored, put.why) {
            (0, Some(why)) => Err(NetworkError::Alone(format!(
                "no node takes the record: {why:?}"
            ))),
            (0, None) => Err(NetworkError::Alone("no node answers".to_owned())),
            _ => Ok(()),
        }
    }

    async fn withdraw(&self, location: Location) {
        let Some(record) = self.own.take_offer(location) else {
            return;
        };
        let (meter, sequence) = (record.meter(), record.sequence());
        let home = Location::of_meter(record.network(), &meter);
        self.own.take_offer(home);
        let told = async {
            tokio::join!(
                self.net.withdraw(location, meter, sequence),
                self.net.withdraw(home, meter, sequence)
            )
        };
        // Whoever was not told sees it expire.
        let _ = tokio::time::timeout(self.limits.announce(), told).await;
    }

    async fn lookup(&self, locations: Vec<Location>, within: Duration) -> Found {
        let got = self.get(&locations, within).await;
        Found {
            records: got.records,
            complete: got.complete,
        }
    }
}

impl Peers for Mesh {
    async fn ask(
        &self,
        peer: Vec<u8>,
        request: SignedRequest,
        within: Duration,
    ) -> Result<TradeAnswer, NetworkError> {
        self.net.counters.asks.one();
        let peer = PeerId::from_bytes(&peer)
            .map_err(|e| NetworkError::Silent(format!("its offer names no peer id: {e}")))?;
        let (id, seller, buyer) = (
            request.request.id,
            request.request.seller,
            request.request.buyer,
        );
        let asked = tokio::time::timeout(within, self.exchange(peer, &request)).await;
        let answer = asked.unwrap_or_else(|_| {
            let ms = within.as_millis();
            Err(NetworkError::Silent(format!("no answer in {ms} ms")))
        })?;
        if (answer.id, answer.seller, answer.buyer) != (id, seller, buyer) {
            self.net.handle.strike(peer, 1).await;
            return Err(NetworkError::Silent(
                "it answers another request".to_owned(),
            ));
        }
        Ok(answer)
    }

    async fn next_request(&self) -> Option<(SignedRequest, Replier)> {
        self.requests.lock().await.recv().await
    }
}

impl Mesh {
    /// Sends a request. A peer that is not known is searched; one that cannot be reached is searched too, and asked
    /// again: it may have moved. Asking twice is harmless, the seller answers the same.
    async fn exchange(
        &self,
        peer: PeerId,
        request: &SignedRequest,
    ) -> Result<TradeAnswer, NetworkError> {
        let handle = &self.net.handle;
        let bytes = encode_ask(request);
        let to = |addresses| Contact {
            peer,
            addresses,
            registered: true,
        };
        let mut answer = handle
            .send(Exchange::Trade, to(Vec::new()), bytes.clone())
            .await;
        if answer == Err(Failure::Unreachable) {
            let addresses = handle.find(peer).await;
            if !addresses.is_empty() {
                answer = handle.send(Exchange::Trade, to(addresses), bytes).await;
            }
        }
        match decode_reply(&answer?) {
            Ok(TradeReply::Answer(answer)) => Ok(answer),
            Ok(TradeReply::Busy) => Err(NetworkError::Busy("the meter asked".to_owned())),
            Ok(TradeReply::Refused(Refusal::OtherVersion)) => Err(NetworkError::OtherVersion(
                "it does not know this version of requests".to_owned(),
            )),
            Ok(TradeReply::Refused(why)) => Err(NetworkError::Silent(format!(
                "it refuses the request: {why:?}"
            ))),
            Err(e @ WireError::OtherVersion { .. }) => {
                self.net.counters.other_version.one();
                Err(NetworkError::OtherVersion(e.to_string()))
            }
            Err(WireError::Malformed(why)) => {
                handle.strike(peer, 1).await;
                Err(NetworkError::Silent(format!("malformed answer: {why}")))
            }
        }
    }
}
