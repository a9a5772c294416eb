//! What the owner's policy was, since when, and who changed it.

use crate::figures::signed;
use crate::history::HistoryReader;
use crate::journal::SqliteJournal;
use crate::schema::failed;
use rusqlite::{params, OptionalExtension, Transaction};
use std::time::{SystemTime, UNIX_EPOCH};
use wattpool_core::policy::Policy;
use wattpool_core::ports::home::JournalError;
use wattpool_schema::Seconds;

/// What makes version 6 of version 5. `before`: none where the configuration's policy held; `done`: it came into force. Who asked is known before that, or
/// a moment later.
pub(crate) const TABLES: &str = "
    CREATE TABLE policies (
        number INTEGER PRIMARY KEY,
        at INTEGER NOT NULL,
        who TEXT,
        before TEXT,
        policy TEXT NOT NULL,
        done INTEGER NOT NULL
    );
";

/// Changes that are kept, bytes: the newest. One is a thousand, with long lists of partners much more.
const KEPT: i64 = 2 << 20;
/// Who asked and what came into force belong together within so many seconds.
const TOGETHER_S: i64 = 600;

/// A change of the policy.
#[derive(Clone, Debug, PartialEq)]
pub struct PolicyRow {
    /// Its number: later ones have larger numbers.
    pub number: u64,
    /// When, by the device's clock.
    pub at: Seconds,
    /// Who; none: it is not known.
    pub who: Option<String>,
    /// The policy before it; none: the configuration's.
    pub before: Option<Policy>,
    /// The policy from then on.
    pub policy: Policy,
}

fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    signed(since.map_or(0, |since| since.as_secs()))
}

/// A policy comes into force; its entry of the journal is not written yet.
pub(crate) fn in_force(change: &Transaction<'_>, policy: &str) -> rusqlite::Result<()> {
    let now = now();
    let last = "SELECT json_extract(entry, '$.policy') FROM journal
                WHERE entry LIKE '{\"policy\":%' ORDER BY number DESC LIMIT 1";
    let before: Option<String> = change.query_row(last, [], |row| row.get(0)).optional()?;
    let asked = change.execute(
        "UPDATE policies SET at = ?1, before = ?2, done = 1 WHERE number =
         (SELECT max(number) FROM policies WHERE NOT done AND policy = ?3 AND at >= ?1 - ?4)",
        params![now, before, policy, TOGETHER_S],
    )?;
    if asked == 0 {
        change.execute(
            "INSERT INTO policies (at, before, policy, done) VALUES (?1, ?2, ?3, 1)",
            params![now, before, policy],
        )?;
    }
    change.execute(
        "DELETE FROM policies WHERE (NOT done AND at < ?2 - ?3) OR number IN (
             SELECT number FROM (
                 SELECT number, sum(length(policy) + coalesce(length(before), 0)) OVER (ORDER BY number DESC) AS size FROM policies
             ) WHERE size > ?1)",
        params![KEPT, now, TOGETHER_S],
    )?;
    Ok(())
}

impl SqliteJournal {
    /// Notes who asked for a policy, which comes into force about now: shortly before this, or soon.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn note_policy_asked(&mut self, who: &str, policy: &Policy) -> Result<(), JournalError> {
        let file = self.file.clone();
        let text = serde_json::to_string(policy).map_err(|e| failed(&file, e))?;
        let fail = |error: rusqlite::Error| failed(&file, error);
        let now = now();
        let change = self.db.transaction().map_err(fail)?;
        let known = change.execute(
            "UPDATE policies SET who = ?1 WHERE number =
             (SELECT max(number) FROM policies WHERE done AND who IS NULL AND policy = ?2 AND at >= ?3 - ?4)",
            params![who, text, now, TOGETHER_S],
        );
        if known.map_err(fail)? == 0 {
            let asked = change.execute(
                "INSERT INTO policies (at, who, policy, done) VALUES (?1, ?2, ?3, 0)",
                params![now, who, text],
            );
            asked.map_err(fail)?;
        }
        change.commit().map_err(fail)
    }
}

impl HistoryReader {
    /// Changes of the policy, newest first; `before`: of a lower number alone.
    ///
    /// # Errors
    /// The file cannot be read, or holds a policy of another version.
    pub fn policies(
        &self,
        before: Option<u64>,
        limit: u32,
    ) -> Result<Vec<PolicyRow>, JournalError> {
        let fail = |e: rusqlite::Error| failed(&self.file, e);
        // A file of an older version, which no agent has brought up to date yet, knows of none.
        let known = "SELECT count(*) > 0 FROM sqlite_schema WHERE name = 'policies'";
        if !self
            .db
            .query_row(known, [], |row| row.get(0))
            .map_err(fail)?
        {
            return Ok(Vec::new());
        }
        let query = "SELECT number, at, who, before, policy FROM policies
                     WHERE done AND (?1 IS NULL OR number < ?1) ORDER BY number DESC LIMIT ?2";
        let mut select = self.db.prepare(query).map_err(fail)?;
        let rows = select
            .query_map(params![before.map(signed), limit], |row| {
                Ok((
                    [row.get::<_, i64>(0)?, row.get::<_, i64>(1)?],
                    row.get(2)?,
                    [row.get::<_, Option<String>>(3)?, row.get(4)?],
                ))
            })
            .map_err(fail)?;
        rows.map(|row| {
            let ([number, at], who, policies) = row.map_err(fail)?;
            let read = |text: String| -> Result<Policy, JournalError> {
                let policy = serde_json::from_str(&text);
                policy.map_err(|e| failed(&self.file, format!("policy {number}: {e}")))
            };
            let [before, policy] = policies.map(|text| text.map(read).transpose());
            Ok(PolicyRow {
                number: number.max(0).unsigned_abs(),
                at: Seconds(at.max(0).unsigned_abs()),
                who,
                before: before?,
                policy: policy?.unwrap_or_default(),
            })
        })
        .collect()
    }
}
