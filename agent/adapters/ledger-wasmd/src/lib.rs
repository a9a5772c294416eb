//! The ledger on a Cosmos chain: signing, sending, confirming, following.
