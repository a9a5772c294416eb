//! Headers, verified from a trusted one: the skipping verification of a light client. No network.

use super::ProofError;
use cosmrs::tendermint::block::signed_header::SignedHeader;
use cosmrs::tendermint::validator::Set;
use cosmrs::tendermint::Time;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use tendermint_light_client_verifier::errors::VerificationErrorDetail;
use tendermint_light_client_verifier::options::Options;
use tendermint_light_client_verifier::types::{TrustedBlockState, UntrustedBlockState};
use tendermint_light_client_verifier::{ProdVerifier, Verdict, Verifier};

/// How far a header may be ahead of the local clock.
pub const CLOCK_DRIFT: Duration = Duration::from_secs(30);
/// How long a header is trusted: two weeks, of the three that stake is bound for.
pub const TRUSTING_PERIOD: Duration = Duration::from_secs(14 * 86_400);

/// A block that is trusted because somebody says so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrustedBlock {
    /// Its height.
    pub height: u64,
    /// Its hash, 64 hexadecimal digits.
    pub hash: String,
}

impl TrustedBlock {
    /// The hash's bytes.
    ///
    /// # Errors
    /// It is none, or the height is 0.
    pub fn check(&self) -> Result<(), String> {
        if self.height == 0 {
            return Err("expected a height from 1".to_owned());
        }
        let mut hash = [0; 32];
        hex::decode_to_slice(&self.hash, &mut hash)
            .map_err(|_| format!("expected 64 hexadecimal digits, found {:?}", self.hash))
    }
}

/// Whom to trust, and for how long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trust {
    /// Where to begin.
    pub origin: TrustedBlock,
    /// How long a verified header is trusted; shorter than stake is bound.
    pub period: Duration,
    /// How old the header may be that a proof is of.
    pub newest: Duration,
}

/// A header with its signatures, and the validators of its height and of the next one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedBlock {
    /// Header and signatures.
    pub signed: SignedHeader,
    /// Who signs it.
    pub validators: Set,
    /// Who signs the next one.
    pub next_validators: Set,
}

impl SignedBlock {
    /// Its height.
    pub fn height(&self) -> u64 {
        self.signed.header.height.value()
    }

    /// Its hash, upper-case hexadecimal.
    pub fn hash(&self) -> String {
        self.signed.header.hash().to_string()
    }

    /// Hash of the state before it.
    pub fn app_hash(&self) -> &[u8] {
        self.signed.header.app_hash.as_bytes()
    }

    /// Its time, Unix seconds.
    pub fn time(&self) -> u64 {
        u64::try_from(self.signed.header.time.unix_timestamp()).unwrap_or(0)
    }

    fn untrusted(&self) -> UntrustedBlockState<'_> {
        UntrustedBlockState {
            signed_header: &self.signed,
            validators: &self.validators,
            next_validators: Some(&self.next_validators),
        }
    }

    fn trusted(&self) -> TrustedBlockState<'_> {
        let header = &self.signed.header;
        TrustedBlockState {
            chain_id: &header.chain_id,
            header_time: header.time,
            height: header.height,
            next_validators: &self.next_validators,
            next_validators_hash: header.next_validators_hash,
        }
    }
}

/// What a verification came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// It is the newest trusted one now, or a known one.
    Verified,
    /// Too many validators changed in between: one between the two is needed first.
    Between(u64),
}

/// Why a block is not trusted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rejected {
    /// It does not verify: whoever gave it lies.
    Forged(String),
    /// It may be right, but it is not for this client to say.
    Undecided(ProofError),
}

/// Follows a chain by its headers.
pub struct LightClient {
    trust: Trust,
    chain_id: String,
    /// The newest trusted block.
    newest: Option<SignedBlock>,
    /// Every block that was trusted since the beginning, where that is remembered.
    trail: Option<Vec<SignedBlock>>,
}

impl LightClient {
    /// Begins at the trusted origin, or at a block that was verified earlier, whichever is newer.
    pub fn new(chain_id: String, trust: Trust, kept: Option<SignedBlock>) -> Self {
        let same = |b: &SignedBlock| {
            let header = &b.signed.header;
            b.height() >= trust.origin.height
                && header.chain_id.as_str() == chain_id
                && b.validators.hash() == header.validators_hash
                && b.next_validators.hash() == header.next_validators_hash
        };
        let newest = kept.filter(same);
        Self {
            trust,
            chain_id,
            newest,
            trail: None,
        }
    }

    /// The same that remembers every block that it trusts, for [`super::Evidence`].
    #[must_use]
    pub fn remembering(mut self) -> Self {
        self.trail = Some(self.newest.iter().cloned().collect());
        self
    }

    /// What it remembers, oldest first.
    pub fn trail(&self) -> &[SignedBlock] {
        self.trail.as_deref().unwrap_or_default()
    }

    fn trusts(&mut self, block: SignedBlock) {
        if let Some(trail) = &mut self.trail {
            trail.push(block.clone());
        }
        self.newest = Some(block);
    }

    /// The newest trusted block.
    pub const fn newest(&self) -> Option<&SignedBlock> {
        self.newest.as_ref()
    }

    /// Whom it trusts.
    pub const fn trust(&self) -> &Trust {
        &self.trust
    }

    /// The height that has to be had first; none: it has begun.
    pub const fn wanted(&self) -> Option<u64> {
        match &self.newest {
            None => Some(self.trust.origin.height),
            Some(_) => None,
        }
    }

    /// Begins with the block of the trusted height.
    ///
    /// # Errors
    /// It is another one, does not hold together, or is too old.
    pub fn begin(&mut self, block: SignedBlock, now: Time) -> Result<(), Rejected> {
        let expected = &self.trust.origin.hash;
        let found = block.hash();
        if !found.eq_ignore_ascii_case(expected) || block.height() != self.trust.origin.height {
            return Err(Rejected::Undecided(ProofError::Origin {
                height: block.height(),
                found,
                expected: expected.clone(),
            }));
        }
        let forged =
            |verdict: Verdict| Rejected::Forged(format!("block {}: {verdict:?}", block.height()));
        let verifier = ProdVerifier::default();
        for verdict in [
            verifier.verify_validator_sets(&block.untrusted()),
            verifier.verify_commit(&block.untrusted()),
        ] {
            if verdict != Verdict::Success {
                return Err(forged(verdict));
            }
        }
        self.expired(&block, now).map_err(Rejected::Undecided)?;
        self.trusts(block);
        Ok(())
    }

    /// Takes a block for the newest one, if it follows from that.
    ///
    /// # Errors
    /// [`Rejected`] says whether whoever gave it lies.
    pub fn advance(&mut self, block: SignedBlock, now: Time) -> Result<Step, Rejected> {
        let Some(trusted) = &self.newest else {
            return Err(Rejected::Forged("nothing is trusted yet".to_owned()));
        };
        self.expired(trusted, now).map_err(Rejected::Undecided)?;
        if block.height() == trusted.height() {
            return self.known(trusted, &block).map(|()| Step::Verified);
        }
        if block.signed.header.chain_id.as_str() != self.chain_id {
            return Err(Rejected::Forged(format!(
                "block {} of chain {}",
                block.height(),
                block.signed.header.chain_id
            )));
        }
        let verifier = ProdVerifier::default();
        let verdict = verifier.verify_update_header(
            block.untrusted(),
            trusted.trusted(),
            &self.options(),
            now,
        );
        match verdict {
            Verdict::Success => {
                self.trusts(block);
                Ok(Step::Verified)
            }
            Verdict::NotEnoughTrust(_) => {
                let (low, high) = (trusted.height(), block.height());
                let half = high.saturating_sub(low).checked_div(2).unwrap_or(0);
                if half == 0 {
                    return Err(Rejected::Forged(format!(
                        "block {high}: its validators are not those that block {low} names"
                    )));
                }
                Ok(Step::Between(low.saturating_add(half)))
            }
            Verdict::Invalid(why) => Err(rejected(&block, &why, now)),
        }
    }

    /// Compares what another node has at the height of the newest trusted block.
    ///
    /// # Errors
    /// It is another one: signed as well, or forged.
    pub fn witness(&self, block: &SignedBlock) -> Result<(), Rejected> {
        match &self.newest {
            Some(trusted) if trusted.height() == block.height() => self.known(trusted, block),
            _ => Ok(()),
        }
    }

    /// A second block of a trusted height: the same one, a forged one, or one that was signed as well.
    fn known(&self, trusted: &SignedBlock, block: &SignedBlock) -> Result<(), Rejected> {
        let (one, other) = (trusted.hash(), block.hash());
        if one == other {
            return Ok(());
        }
        let verifier = ProdVerifier::default();
        // Whoever may sign this height is known: the validators of the trusted block.
        let same = block.signed.header.validators_hash == trusted.signed.header.validators_hash;
        // Whom a forgery names for the next block is its own affair.
        let whole = UntrustedBlockState {
            next_validators: None,
            ..block.untrusted()
        };
        let signed = same
            && verifier.verify_validator_sets(&whole) == Verdict::Success
            && verifier.verify_commit(&whole) == Verdict::Success;
        let height = block.height();
        if signed {
            return Err(Rejected::Undecided(ProofError::Conflict {
                height,
                one,
                other,
            }));
        }
        Err(Rejected::Forged(format!(
            "its block {height} is {other}, and {one} is verified"
        )))
    }

    /// Whether a block is too old to go on from.
    fn expired(&self, block: &SignedBlock, now: Time) -> Result<(), ProofError> {
        let age = now.duration_since(block.signed.header.time);
        match age {
            Ok(age) if age >= self.trust.period => Err(ProofError::Expired {
                height: block.height(),
                days: days(age),
                most: days(self.trust.period),
            }),
            Ok(_) => Ok(()),
            Err(_) => ahead(block, now),
        }
    }

    const fn options(&self) -> Options {
        Options {
            trust_threshold: cosmrs::tendermint::trust_threshold::TrustThresholdFraction::ONE_THIRD,
            trusting_period: self.trust.period,
            clock_drift: CLOCK_DRIFT,
        }
    }

    /// The newest trusted block, if it is new enough for a proof.
    ///
    /// # Errors
    /// There is none, or it is too old.
    pub fn fresh(&self, now: Time) -> Result<&SignedBlock, ProofError> {
        let block = self
            .newest
            .as_ref()
            .ok_or(ProofError::Absent("verified block"))?;
        ahead(block, now)?;
        let age = now
            .duration_since(block.signed.header.time)
            .unwrap_or_default();
        if age > self.trust.newest {
            return Err(ProofError::Stale {
                height: block.height(),
                seconds: age.as_secs(),
                most: self.trust.newest.as_secs(),
            });
        }
        Ok(block)
    }
}

const fn days(age: Duration) -> u64 {
    age.as_secs() / 86_400
}

fn ahead(block: &SignedBlock, now: Time) -> Result<(), ProofError> {
    match block.signed.header.time.duration_since(now) {
        Ok(ahead) if ahead > CLOCK_DRIFT => Err(ProofError::Clock {
            height: block.height(),
            seconds: ahead.as_secs(),
        }),
        _ => Ok(()),
    }
}

/// Time and clock are nobody's lie; all else is.
fn rejected(block: &SignedBlock, why: &VerificationErrorDetail, now: Time) -> Rejected {
    if let VerificationErrorDetail::HeaderFromTheFuture(_) = why {
        if let Err(clock) = ahead(block, now) {
            return Rejected::Undecided(clock);
        }
    }
    Rejected::Forged(format!("block {}: {}", block.height(), short(why)))
}

/// What is wrong, without pages of keys and signatures.
fn short(why: &VerificationErrorDetail) -> &'static str {
    use VerificationErrorDetail as Why;
    match why {
        Why::InvalidSignature(_) | Why::MissingSignature(_) => "a signature is forged",
        Why::InsufficientSignersOverlap(_) | Why::NotEnoughTrust(_) => {
            "too few validators have signed it"
        }
        Why::InvalidValidatorSet(_) | Why::InvalidNextValidatorSet(_) => {
            "its validators are not those that its header names"
        }
        Why::InvalidCommitValue(_) => "the signatures are for another header",
        Why::NonMonotonicBftTime(_) => "it is older than a block before it",
        Why::NonIncreasingHeight(_) => "it is below the last verified one",
        Why::ChainIdMismatch(_) => "it is of another chain",
        Why::FaultySigner(_) => "somebody signed it who is no validator",
        Why::DuplicateValidator(_) => "a validator is listed twice",
        _ => "it does not verify",
    }
}
