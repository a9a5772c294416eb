//! A wallet on a Cosmos chain: keys at rest, addresses, signatures, transactions as documents.
//!
//! [`words`] and [`key`] make keys, [`store`] keeps them under a [`passphrase`], [`armour`] exchanges them with other
//! wallets, [`backup`] packs what is to be kept. [`codec`] knows the chain's messages, as JSON, as protobuf and as what multisig accounts sign; [`tx`]
//! makes, signs and combines transactions in the documents of the Cosmos SDK, [`send`] hands them to a chain and [`outbox`]
//! remembers them until it is known what became of them.
//! [`amount`] reads and writes money, prices and energy as people do.

pub mod address;
pub mod adr36;
pub mod amount;
pub mod armour;
pub mod backup;
pub mod codec;
pub mod error;
pub mod files;
pub mod key;
pub mod message;
pub mod multisig;
pub mod outbox;
pub mod passphrase;
pub mod seal;
pub mod send;
pub mod store;
pub mod tx;
pub mod words;

pub use error::WalletError;
