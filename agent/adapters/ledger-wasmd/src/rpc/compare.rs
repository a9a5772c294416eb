//! Nodes compared: which of them may be asked, and what is wrong with the others. No network, no clock.
//!
//! A node claims what it wants. What it claims is measured by what the others show: their blocks, and the hash of a block that all of them have. Where a
//! verified header says which hash is right (`crate::proof`), that decides; otherwise most of the nodes do.

use serde::Serialize;
use std::time::Duration;

/// Blocks that a node may lack of what another one showed a whole look earlier.
const BLOCKS_BEHIND: u64 = 1;
/// How much older its newest block may be than the newest of all, seconds.
const SECONDS_BEHIND: u64 = 60;
/// Without a new block for so long a chain or a node is said to stand.
pub(super) const STANDS: Duration = Duration::from_secs(60);

/// What is wrong with a node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, thiserror::Error)]
#[serde(rename_all = "snake_case", tag = "fault")]
pub enum Fault {
    /// It does not answer, or not as it should.
    #[error("it does not answer: {why}")]
    Silent {
        /// What happened.
        why: String,
    },
    /// It is of another chain.
    #[error("it is on chain {found:?}")]
    OtherChain {
        /// Which.
        found: String,
    },
    /// It still replays old blocks.
    #[error("it is still catching up, at block {height}")]
    CatchingUp {
        /// Its newest block.
        height: u64,
    },
    /// Another node has later blocks.
    #[error("it is behind: at block {height}, another node is at {highest}")]
    Behind {
        /// Its newest block.
        height: u64,
        /// The highest of all.
        highest: u64,
    },
    /// It has shown no new block for long, and no other node has.
    #[error("no new block after {height} for {seconds} s")]
    Stands {
        /// Its newest block.
        height: u64,
        /// For how long.
        seconds: u64,
    },
    /// Its block has another hash than that of the others, or than the verified one.
    #[error("its block {height} is {found}, that of {whom} is {expected}")]
    Contradicts {
        /// The block.
        height: u64,
        /// Its hash there.
        found: String,
        /// Whose hash it should have.
        whom: &'static str,
        /// The hash it should have.
        expected: String,
    },
    /// It cannot show its blocks to be the chain's.
    #[error("it cannot prove its blocks: {why}")]
    Unproven {
        /// What is wrong with them.
        why: String,
    },
}

impl Fault {
    /// How bad: nodes of the least rank are asked. None: never asked.
    pub(super) const fn rank(&self) -> Option<u8> {
        match self {
            Self::Stands { .. } => Some(0),
            Self::Silent { .. } => Some(1),
            Self::Behind { .. } => Some(2),
            Self::CatchingUp { .. } => Some(3),
            Self::OtherChain { .. } | Self::Contradicts { .. } | Self::Unproven { .. } => None,
        }
    }

    /// Whether two descriptions are of the same trouble: figures go on.
    pub(super) fn same_kind(&self, other: &Self) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(other)
    }
}

/// What a node was found to be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct View {
    /// What it answered last; none: nothing so far.
    pub answer: Option<Answer>,
    /// Why it did not answer this time.
    pub silent: Option<String>,
    /// What a light client found.
    pub unproven: Option<String>,
}

/// A node's answer to `status`, as far as it is compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Answer {
    pub chain_id: String,
    pub height: u64,
    /// That block's time, Unix seconds.
    pub time: u64,
    pub earliest: u64,
    pub catching_up: bool,
    /// How long it has been at this height.
    pub unmoved: Duration,
    /// A block that is compared, and its hash.
    pub hash: Option<(u64, String)>,
}

/// What is known beyond the nodes' answers.
#[derive(Clone, Debug, Default)]
pub(super) struct Known {
    pub chain_id: Option<String>,
    /// Highest block that was shown a whole look earlier.
    pub shown: u64,
    /// A block whose hash is verified.
    pub verified: Option<(u64, String)>,
}

/// Nodes contradict each other, and nothing says which are right.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Dispute {
    /// The block.
    pub height: u64,
    /// The hashes that they give for it.
    pub hashes: Vec<String>,
}

/// What is wrong with each node, and whether it is undecided who is right.
pub(super) fn judge(views: &[View], known: &Known) -> (Vec<Option<Fault>>, Option<Dispute>) {
    let mut faults: Vec<Option<Fault>> = views.iter().map(|v| alone(v, known)).collect();
    let dispute = contradictions(views, known, &mut faults);
    let good = views.iter().zip(&faults).filter(|(_, f)| f.is_none());
    let answers: Vec<&Answer> = good.filter_map(|(v, _)| v.answer.as_ref()).collect();
    let highest = answers.iter().map(|a| a.height).max().unwrap_or(0);
    let newest = answers.iter().map(|a| a.time).max().unwrap_or(0);
    // A claim counts once it is a look old, and as long as somebody who is believed still makes it.
    let bar = known.shown.min(highest);
    for (view, fault) in views.iter().zip(&mut faults) {
        let (None, Some(answer)) = (&fault, &view.answer) else {
            continue;
        };
        let height = answer.height;
        let late = newest.saturating_sub(answer.time) > SECONDS_BEHIND && height < highest;
        if height.saturating_add(BLOCKS_BEHIND) < bar || late {
            *fault = Some(Fault::Behind { height, highest });
        } else if answer.unmoved >= STANDS {
            let seconds = answer.unmoved.as_secs();
            *fault = Some(Fault::Stands { height, seconds });
        }
    }
    (faults, dispute)
}

/// What a node's own answer shows.
fn alone(view: &View, known: &Known) -> Option<Fault> {
    if let Some(why) = &view.silent {
        return Some(Fault::Silent { why: why.clone() });
    }
    let answer = view.answer.as_ref()?;
    if known
        .chain_id
        .as_ref()
        .is_some_and(|c| *c != answer.chain_id)
    {
        return Some(Fault::OtherChain {
            found: answer.chain_id.clone(),
        });
    }
    if let Some(why) = &view.unproven {
        return Some(Fault::Unproven { why: why.clone() });
    }
    answer.catching_up.then_some(Fault::CatchingUp {
        height: answer.height,
    })
}

/// Marks nodes whose block has another hash than the verified one, or than most nodes say.
fn contradictions(views: &[View], known: &Known, faults: &mut [Option<Fault>]) -> Option<Dispute> {
    let mut disputed = None;
    let shown = |v: &View, f: &Option<Fault>| match f {
        None => v.answer.as_ref()?.hash.clone(),
        Some(_) => None,
    };
    let hashes: Vec<Option<(u64, String)>> = views
        .iter()
        .zip(&*faults)
        .map(|(v, f)| shown(v, f))
        .collect();
    let mut heights: Vec<u64> = hashes.iter().flatten().map(|(h, _)| *h).collect();
    heights.sort_unstable();
    heights.dedup();
    for height in heights {
        let at = |h: &Option<(u64, String)>| {
            h.as_ref()
                .filter(|(at, _)| *at == height)
                .map(|(_, hash)| hash.clone())
        };
        // In the order of preference.
        let mut counts: Vec<(String, usize)> = Vec::new();
        for hash in hashes.iter().filter_map(at) {
            match counts.iter_mut().find(|(known, _)| *known == hash) {
                Some((_, count)) => *count = count.saturating_add(1),
                None => counts.push((hash, 1)),
            }
        }
        let verified = known.verified.as_ref().filter(|(at, _)| *at == height);
        let most = counts.iter().map(|(_, count)| *count).max().unwrap_or(0);
        let leaders = counts.iter().filter(|(_, count)| *count == most).count();
        let (whom, expected) = match verified {
            Some((_, hash)) => ("the verified chain", hash.clone()),
            None if counts.len() < 2 => continue,
            None => {
                let first = counts.iter().find(|(_, count)| *count == most);
                let Some((hash, _)) = first else { continue };
                if leaders > 1 {
                    let hashes = counts.iter().map(|(hash, _)| hash.clone()).collect();
                    disputed = Some(Dispute { height, hashes });
                }
                ("the others", hash.clone())
            }
        };
        for (hash, fault) in hashes.iter().map(at).zip(&mut *faults) {
            match hash {
                Some(found) if found != expected => {
                    *fault = Some(Fault::Contradicts {
                        height,
                        found,
                        whom,
                        expected: expected.clone(),
                    });
                }
                _ => {}
            }
        }
    }
    disputed
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(height: u64) -> View {
        View {
            answer: Some(Answer {
                chain_id: "one-1".into(),
                height,
                time: 1_000_000_u64.saturating_add(height.saturating_mul(5)),
                earliest: 1,
                catching_up: false,
                unmoved: Duration::ZERO,
                hash: None,
            }),
            ..View::default()
        }
    }

    fn with(mut view: View, change: impl FnOnce(&mut Answer)) -> View {
        change(view.answer.as_mut().unwrap());
        view
    }

    fn known(shown: u64) -> Known {
        Known {
            chain_id: Some("one-1".into()),
            shown,
            verified: None,
        }
    }

    fn hashed(hash: &str) -> View {
        with(at(100), |a| a.hash = Some((99, hash.into())))
    }

    fn kinds(views: &[View], known: &Known) -> Vec<Option<String>> {
        let (faults, _) = judge(views, known);
        let name = |f: Fault| {
            let value = serde_json::to_value(f).unwrap();
            value["fault"].as_str().unwrap().to_owned()
        };
        faults.into_iter().map(|f| f.map(name)).collect()
    }

    #[test]
    fn each_fault_beside_a_good_node() {
        for (bad, fault) in [
            (with(at(100), |a| a.catching_up = true), "catching_up"),
            (
                with(at(100), |a| a.chain_id = "two-1".into()),
                "other_chain",
            ),
            (at(90), "behind"),
            (
                View {
                    silent: Some("dead".into()),
                    ..at(100)
                },
                "silent",
            ),
            (
                View {
                    unproven: Some("forged".into()),
                    ..at(100)
                },
                "unproven",
            ),
        ] {
            let found = kinds(&[bad, at(100)], &known(100));
            assert_eq!(found, [Some(fault.to_owned()), None]);
        }
        // Two days old, found at the first look already.
        assert_eq!(
            kinds(&[at(90), at(50_000)], &known(0))[0].as_deref(),
            Some("behind")
        );
    }

    #[test]
    fn what_others_showed_just_now_is_not_missed() {
        assert_eq!(kinds(&[at(95), at(100)], &known(95)), [None, None]);
        assert_eq!(kinds(&[at(99), at(100)], &known(100)), [None, None]);
    }

    #[test]
    fn a_height_that_only_a_disbelieved_node_claims_counts_for_nothing() {
        let liar = View {
            unproven: Some("forged".into()),
            ..at(1_000_000)
        };
        assert_eq!(kinds(&[liar, at(100)], &known(1_000_000))[1], None);
    }

    #[test]
    fn a_chain_that_stands_is_not_left() {
        let still = |v| with(v, |a| a.unmoved = Duration::from_secs(90));
        let found = kinds(&[still(at(100)), still(at(100))], &known(100));
        assert_eq!(found[0].as_deref(), Some("stands"));
        // Where another one goes on, it is behind.
        let found = kinds(&[still(at(100)), at(110)], &known(108));
        assert_eq!(found, [Some("behind".to_owned()), None]);
    }

    #[test]
    fn most_nodes_or_the_verified_header_say_which_hash_is_right() {
        let found = kinds(&[hashed("b"), hashed("a"), hashed("a")], &known(100));
        assert_eq!(found, [Some("contradicts".to_owned()), None, None]);
        let verified = Known {
            verified: Some((99, "b".into())),
            ..known(100)
        };
        let found = kinds(&[hashed("b"), hashed("a"), hashed("a")], &verified);
        assert_eq!(found[0], None);
        assert_eq!(found[1].as_deref(), Some("contradicts"));
    }

    #[test]
    fn one_against_one_is_a_dispute() {
        let (faults, dispute) = judge(&[hashed("a"), hashed("b")], &known(100));
        assert_eq!(faults[0], None);
        assert!(faults[1].is_some());
        assert_eq!(dispute.unwrap().hashes, ["a", "b"]);
        assert_eq!(judge(&[hashed("a"), hashed("a")], &known(100)).1, None);
    }
}
