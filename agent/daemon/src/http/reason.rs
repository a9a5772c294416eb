//! Codes of refusals by which the page finds its own words, in the language of whoever reads; beside those of `answer::CODES`, which follow from the status.

macro_rules! reasons {
    ($($name:ident = $code:literal;)*) => {
        $(#[allow(missing_docs, reason = "the code says it")] pub const $name: &str = $code;)*

        /// All of them.
        #[cfg(test)]
        pub const ALL: &[&str] = &[$($code),*];
    };
}

reasons! {
    NO_AGENT = "no_agent";
    CHAIN_AWAY = "chain_away";
    BAD_POLICY = "bad_policy";
    TRADE_GONE = "trade_gone";
    REGISTERS = "registers";
    CODE_WRONG = "code_wrong";
    PASSWORD_WRONG = "password_wrong";
    PASSWORD_NONE = "password_none";
    PASSWORD_LENGTH = "password_length";
    FAILURES = "failures";
    BUSY = "busy";
    SIGN_IN = "sign_in";
    FOREIGN = "foreign";
    VIEWER = "viewer";
}
