//! Transactions as documents.

use serde_json::{json, Value};
use wattpool_wallet::key::{PublicKey, Secret};
use wattpool_wallet::message;
use wattpool_wallet::multisig;
use wattpool_wallet::tx::{Document, Fee, Mode, SignerData};

fn secret(n: u8) -> Secret {
    Secret::from_slice(&[n; 32]).unwrap()
}

fn single(n: u8) -> [u8; 33] {
    match secret(n).public().unwrap() {
        PublicKey::Secp256k1(key) => key,
        PublicKey::Multisig { .. } => panic!("one key"),
    }
}

fn data() -> SignerData {
    SignerData {
        chain_id: "c".to_owned(),
        account_number: 7,
        sequence: 3,
    }
}

fn fee() -> Fee {
    Fee {
        amount: vec![(500, "uwatt".to_owned())],
        gas_limit: 200_000,
        granter: String::new(),
    }
}

/// As CosmJS 0.32 writes it for the same messages.
#[test]
fn what_members_sign_is_the_older_encodings_json() {
    let address = "cosmos19rl4cm2hmr8afy4kldpxz3fka4jguq0auqdal4";
    let send = message::send(address, address, &[(5, "uwatt".to_owned())]);
    let document = Document::new(
        vec![send],
        "<a> & b",
        0,
        &Fee {
            gas_limit: 1,
            ..Fee::default()
        },
    );
    let bytes = document
        .sign_bytes(Mode::Amino, &secret(1).public().unwrap(), &data())
        .unwrap();
    assert_eq!(
        String::from_utf8(bytes).unwrap(),
        r#"{"account_number":"7","chain_id":"c","fee":{"amount":[],"gas":"1"},"memo":"\u003ca\u003e \u0026 b","msgs":[{"type":"cosmos-sdk/MsgSend","value":{"amount":[{"amount":"5","denom":"uwatt"}],"from_address":"cosmos19rl4cm2hmr8afy4kldpxz3fka4jguq0auqdal4","to_address":"cosmos19rl4cm2hmr8afy4kldpxz3fka4jguq0auqdal4"}}],"sequence":"3"}"#
    );
}

/// One of every kind that the wallet makes.
fn every_message(from: &str, operator: &str) -> Vec<Value> {
    let stake = (5, "ustake".to_owned());
    let coins = [(5, "uwatt".to_owned())];
    let description = message::Description {
        moniker: "m".to_owned(),
        identity: String::new(),
        website: String::new(),
        security_contact: String::new(),
        details: "<>&".to_owned(),
    };
    vec![
        message::send(from, from, &coins),
        message::execute(from, from, json!({"deposit": {}}), &coins),
        message::execute(from, from, json!({"a": {"b": [1, "x<"]}}), &[]),
        message::migrate(from, from, 3, json!({})),
        message::propose(
            from,
            vec![message::pin_codes(from, &[1, 300])],
            &coins,
            "t",
            "s",
        ),
        message::upgrade(from, "v2", 1_000, "<>&"),
        message::cancel_upgrade(from),
        message::vote(from, 4, "VOTE_OPTION_NO_WITH_VETO"),
        message::deposit(from, 4, &coins),
        message::delegate(from, operator, &stake),
        message::undelegate(from, operator, &stake),
        message::redelegate(from, operator, operator, &stake),
        message::withdraw_rewards(from, operator),
        message::withdraw_commission(operator),
        message::unjail(operator),
        message::create_validator(&message::NewValidator {
            operator: operator.to_owned(),
            consensus: [7; 32],
            description: description.clone(),
            commission: ["0.1".to_owned(), "0.2".to_owned(), "0.01".to_owned()],
            least_own_stake: 1,
            stake: stake.clone(),
        }),
        message::edit_validator(operator, &description, Some("0.15"), None),
        message::grant_fees(from, from, &coins, Some("2030-01-31T12:00:00Z")),
        message::grant_fees(from, from, &coins, None),
        message::revoke_fees(from, from),
    ]
}

#[test]
fn every_message_goes_through_bytes_and_back() {
    let public = secret(1).public().unwrap();
    let from = public.address("watt").unwrap();
    let operator = public.address("wattvaloper").unwrap();
    for message in every_message(&from, &operator) {
        let document = Document::new(vec![message.clone()], "m", 9, &fee());
        assert_eq!(document.signer().unwrap(), from, "{message}");
        for mode in [Mode::Direct, Mode::Amino] {
            let signed = document.sign(&secret(1), mode, &data()).unwrap();
            let bytes = signed.bytes().unwrap();
            let back = Document::from_bytes(&bytes).unwrap();
            assert_eq!(back.bytes().unwrap(), bytes, "{message}");
            assert_eq!(back.signer().unwrap(), from);
            assert_eq!(
                (back.memo(), back.timeout_height(), back.fee()),
                ("m", 9, fee().amount)
            );
            // A document that was written and read again is the same transaction.
            let read = Document::parse("tx", &signed.json().to_string()).unwrap();
            assert_eq!(read.bytes().unwrap(), bytes);
        }
    }
}

#[test]
fn members_sign_and_anybody_combines() {
    let account = PublicKey::multisig(2, vec![single(1), single(2), single(3)], true).unwrap();
    let from = account.address("watt").unwrap();
    let document = Document::new(
        vec![message::send(&from, &from, &[(5, "uwatt".to_owned())])],
        "<>&",
        0,
        &fee(),
    );
    let part = |n: u8, data: &SignerData| {
        let signed = multisig::sign(&document, &account, &secret(n), data).unwrap();
        (format!("{n}.json"), signed.to_string())
    };
    let whole = multisig::combine(
        &document,
        &account,
        &data(),
        &[part(3, &data()), part(1, &data())],
    )
    .unwrap();
    let bytes = whole.bytes().unwrap();
    assert_eq!(
        Document::from_bytes(&bytes).unwrap().bytes().unwrap(),
        bytes
    );
    // The order in which the signatures come does not matter.
    let other = multisig::combine(
        &document,
        &account,
        &data(),
        &[part(1, &data()), part(3, &data())],
    )
    .unwrap();
    assert_eq!(other.bytes().unwrap(), bytes);
    let told = |parts: &[(String, String)]| {
        multisig::combine(&document, &account, &data(), parts)
            .unwrap_err()
            .to_string()
    };
    assert!(told(&[part(1, &data())]).contains("expected 2 of different members, found 1"));
    assert!(told(&[part(1, &data()), part(1, &data())]).contains("found 1"));
    let late = SignerData {
        sequence: 4,
        ..data()
    };
    assert!(told(&[part(1, &late)]).contains("1.json: the signature is not of this transaction"));
    assert!(
        told(&[("x.json".to_owned(), "{}".to_owned())]).contains("x.json: expected \"signatures\"")
    );
    assert!(multisig::sign(&document, &account, &secret(4), &data()).is_err());
    assert!(document
        .sign(&secret(1), Mode::Direct, &data())
        .unwrap_err()
        .to_string()
        .contains("has to sign it"));
}

#[test]
fn what_is_no_transaction_is_told_by_field() {
    let public = secret(1).public().unwrap();
    let from = public.address("watt").unwrap();
    let good = Document::new(vec![message::send(&from, &from, &[])], "", 0, &fee())
        .json()
        .clone();
    let told = |change: &dyn Fn(&mut Value)| {
        let mut value = good.clone();
        change(&mut value);
        Document::parse("tx.json", &value.to_string())
            .unwrap_err()
            .to_string()
    };
    let error = told(&|v| v["body"]["messages"][0]["to"] = "x".into());
    assert!(
        error.contains("tx.json") && error.contains("body.messages[0].to: there is no such field"),
        "{error}"
    );
    assert!(told(&|v| v["body"]["messages"][0]["@type"] = "/x.Y".into())
        .contains("messages of type /x.Y are not known"));
    assert!(told(&|v| v["auth_info"]["fee"]["gas_limit"] = "-1".into())
        .contains("auth_info.fee.gas_limit: expected a number"));
    assert!(told(&|v| v["body"]["memo"] = 3.into()).contains("body.memo: expected text"));
    assert!(told(&|v| v["auth_info"] = Value::Null)
        .contains("expected a transaction with \"auth_info\""));
    assert!(Document::parse("tx.json", "no").is_err());
    let unsigned = Document::parse("tx.json", &good.to_string()).unwrap();
    assert!(unsigned
        .bytes()
        .unwrap_err()
        .to_string()
        .contains("sign it first"));
    let two = Document::new(
        vec![
            message::send(&from, &from, &[]),
            message::revoke_fees(&secret(2).public().unwrap().address("watt").unwrap(), &from),
        ],
        "",
        0,
        &fee(),
    );
    assert!(two
        .signer()
        .unwrap_err()
        .to_string()
        .contains("several signers"));
}
