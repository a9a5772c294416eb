//! `[fleet]`: whose word counts, for whoever looks after many homes by their configurations.

use serde::{Deserialize, Serialize};

/// `[fleet]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FleetConfig {
    /// Where the policy is from.
    pub policy_from: PolicyFrom,
}

/// Where the policy in force is from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PolicyFrom {
    /// The configuration's counts until the owner changes it by hand; from then on the owner's.
    #[default]
    Owner,
    /// The configuration's wins over what was set by hand, at each start and whenever it is read again.
    File,
}
