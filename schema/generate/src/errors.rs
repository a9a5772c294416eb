//! The refusals' codes and what an agent should make of each.

use serde::Serialize;
use wattpool_schema::error::{self, Class};

/// A refusal.
#[derive(Serialize)]
pub struct Code {
    code: &'static str,
    class: &'static str,
}

/// Every code with its class, in the order of their definition.
pub fn all() -> Vec<Code> {
    error::Code::ALL
        .iter()
        .map(|code| Code {
            code: code.as_str(),
            class: match code.class() {
                Class::Retry => "retry",
                Class::Refuse => "refuse",
                Class::Fatal => "fatal",
            },
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_listed_with_its_class() {
        let listed = all();
        assert_eq!(listed.len(), error::Code::ALL.len());
        let class_of = |code| listed.iter().find(|c| c.code == code).map(|c| c.class);
        assert_eq!(class_of("PAUSED"), Some("retry"));
        assert_eq!(class_of("NONCE_USED"), Some("refuse"));
        assert_eq!(class_of("BAD_SIGNATURE"), Some("fatal"));
    }
}
