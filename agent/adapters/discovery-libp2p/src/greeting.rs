//! What two nodes tell each other when they meet: whose meter they are, where they can be reached in the scope in which
//! they met, and which other meters of the zone they know. A neighbour is passed on with its own binding: whoever hears
//! of it checks that by the registry, and need not believe who told.

use crate::wire::{self, WireError};
use serde::{Deserialize, Serialize};
use wattpool_schema::peer::SignedBinding;

/// Most bytes of a greeting.
pub const MAX_GREETING: usize = 24 * 1024;
/// Most neighbours in a greeting.
pub const NEIGHBOURS: usize = 12;
/// Most addresses of a node in it.
const MOST_ADDRESSES: usize = 8;
/// Most bytes of an address.
const MAX_ADDRESS: usize = 256;

/// A greeting, or the answer to one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Greeting {
    /// Whose node it is.
    pub binding: Option<SignedBinding>,
    /// Multiaddresses of it, of the scope in which the two met.
    pub addresses: Vec<String>,
    /// Other nodes of the zone; told to registered meters alone.
    pub neighbours: Vec<Neighbour>,
}

/// A node of the same zone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Neighbour {
    /// Whose node it is.
    pub binding: SignedBinding,
    /// Where it was reached.
    pub addresses: Vec<String>,
}

/// Writes a greeting.
pub fn encode_greeting(greeting: &Greeting) -> Vec<u8> {
    wire::encode(greeting)
}

/// Reads a greeting.
///
/// # Errors
/// [`WireError`]; also for more neighbours, addresses or longer ones than there may be.
pub fn decode_greeting(bytes: &[u8]) -> Result<Greeting, WireError> {
    wire::fits(bytes, MAX_GREETING)?;
    let greeting: Greeting = wire::decode(bytes)?;
    let few = |addresses: &Vec<String>| {
        addresses.len() <= MOST_ADDRESSES && addresses.iter().all(|a| a.len() <= MAX_ADDRESS)
    };
    let told = &greeting.neighbours;
    if told.len() > NEIGHBOURS
        || !few(&greeting.addresses)
        || !told.iter().all(|n| few(&n.addresses))
    {
        return Err(WireError::Malformed(format!(
            "expected at most {NEIGHBOURS} neighbours and {MOST_ADDRESSES} addresses of {MAX_ADDRESS} bytes"
        )));
    }
    Ok(greeting)
}
