use crate::fast;
use std::net::TcpListener;
use std::path::PathBuf;
use wattpool_testnet::{Account, Options, Ports, Testnet};

/// A port that is taken, on which no network could be wanted.
fn taken() -> (TcpListener, u16) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, port)
}

fn refusal(options: &Options) -> String {
    format!("{:#}", Testnet::start(options).err().unwrap())
}

#[test]
fn options_out_of_range_are_refused_with_what_was_expected() {
    let no_validator = Options {
        validators: 0,
        ..fast()
    };
    assert_eq!(
        refusal(&no_validator),
        "validators 0: 1 to 16 were expected"
    );
    let hasty = Options {
        block_ms: 10,
        ..fast()
    };
    assert_eq!(
        refusal(&hasty),
        "block_ms 10: 50 to 60000 milliseconds were expected"
    );
    let windowless = Options {
        window_s: 0,
        ..fast()
    };
    assert_eq!(
        refusal(&windowless),
        "window_s 0: at least 1 second was expected"
    );
    let voteless = Options {
        voting_s: 1,
        ..fast()
    };
    assert_eq!(
        refusal(&voteless),
        "voting_s 1: 2 to 86400 seconds were expected"
    );
    let strict = Options {
        jail_after: 0,
        ..fast()
    };
    assert_eq!(
        refusal(&strict),
        "jail_after 0: at least 1 block was expected"
    );
    let small = Options {
        block_gas: 1,
        ..fast()
    };
    assert_eq!(
        refusal(&small),
        "block_gas 1: at least 10000000 was expected, for an upload of code"
    );
    let free = Options {
        gas_price: "free".into(),
        ..fast()
    };
    assert_eq!(
        refusal(&free),
        "gas_price \"free\": a decimal such as 0.0025 was expected"
    );
    let nameless = Options {
        chain_id: "a b".into(),
        ..fast()
    };
    assert_eq!(
        refusal(&nameless),
        "chain_id \"a b\": up to 48 letters, digits and hyphens were expected"
    );
    let high = Options {
        validators: 2,
        ports: Ports::From(65_530),
        ..fast()
    };
    assert_eq!(
        refusal(&high),
        "RPC port 65530: 1025 to 65535 were expected, for every node"
    );
    let twice = Account::generate().unwrap();
    let doubled = Options {
        named: [("admin".to_owned(), (twice, vec![]))].into(),
        ..fast()
    };
    assert_eq!(
        refusal(&doubled),
        "named account \"admin\": every network has one of this name"
    );
}

#[test]
fn a_taken_port_is_named_with_its_holder() {
    let (_listener, port) = taken();
    let options = Options {
        ports: Ports::From(port),
        ..fast()
    };
    // The name is that of the process, which may be cut; its number is not.
    let begin = format!("port {port} (RPC of node 0) is taken by ");
    let refusal = refusal(&options);
    assert!(refusal.starts_with(&begin), "{refusal}");
    assert!(
        refusal.ends_with(&format!("(process {})", std::process::id())),
        "{refusal}"
    );
}

#[test]
fn a_wasmd_that_is_missing_or_fails_is_named() {
    let missing = Options {
        wasmd: Some(PathBuf::from("/nowhere/wasmd")),
        ..fast()
    };
    let expected =
        "no wasmd at /nowhere/wasmd: testnet/build builds it, or WATTPOOL_WASMD names one";
    assert!(
        refusal(&missing).starts_with(expected),
        "{}",
        refusal(&missing)
    );
    let failing = Options {
        wasmd: Some(PathBuf::from("/bin/false")),
        ..fast()
    };
    assert!(refusal(&failing).starts_with("wasmd testnet init-files failed (exit status: 1)"));
}
