//! A meter's life on the chain by its operators' commands: another device at once, another owner or out of service only after notice.

use crate::street::{Pace, Street};
use wattpool_program_harness::wattpool;
use wattpool_schema::pool::{MeterResponse, QueryMsg};

#[test]
fn a_meter_gets_another_device_and_its_owner_gets_notice() {
    let _one = crate::ONE_AT_A_TIME.lock();
    let pace = Pace {
        validators: 1,
        window_s: 60,
        block_ms: 200,
        port: 30_800,
        zone: 2,
    };
    let street = Street::build(vec![vec![(100, 300)], vec![(300, 100)]], pace);
    let (home, other) = (&street.homes[0], &street.homes[1]);
    let id = home.meter.as_str();
    let meter = || -> MeterResponse {
        street.ask_pool(&QueryMsg::Meter {
            meter: id.parse().unwrap(),
        })
    };
    let before = meter();
    let done = |account: &str, command: &[&str]| {
        let ran = street.sign(account, command);
        assert!(ran.json()["height"].as_u64().is_some(), "{command:?}");
    };
    let refused = |account: &str, command: &[&str], code: &str| {
        let ran = street.sign(account, command);
        assert_eq!(ran.code, Some(1), "{command:?}: {}", ran.stderr);
        assert!(ran.stderr.contains(code), "{command:?}: {}", ran.stderr);
        assert_eq!(ran.stdout, "");
    };

    // The device is the registrar's to set, and the admin is the registrar here.
    let device = [
        "admin",
        "set-device",
        "--meter",
        id,
        "--device",
        other.key("device"),
    ];
    refused("faucet", &device, "UNAUTHORIZED");
    done("admin", &device);
    assert_eq!(meter().device.to_string(), other.key("device"));
    assert_eq!(
        meter().position,
        before.position,
        "sequence and window survive"
    );

    // It changes hands once the other owner has accepted.
    let account = street.net.description().account("faucet").unwrap();
    refused(
        "faucet",
        &["owner", "accept", "--meter", id],
        "NOTHING_PROPOSED",
    );
    // The registrar's proposal is a notice to the owner, who may agree at once: it proposes the same.
    done(
        "admin",
        &[
            "owner",
            "propose",
            "--meter",
            id,
            "--owner",
            &account.address,
        ],
    );
    assert_eq!(
        meter().proposed_owner.as_deref(),
        Some(account.address.as_str())
    );
    refused("faucet", &["owner", "accept", "--meter", id], "NOTICE_RUNS");
    assert_eq!(meter().owner, before.owner);

    let agent = [
        "owner",
        "set-agent",
        "--meter",
        id,
        "--agent",
        other.key("agent"),
    ];
    refused("operator", &agent, "UNAUTHORIZED");
    refused("faucet", &agent, "UNAUTHORIZED");
    assert_eq!(meter().agent, before.agent);

    // Taking a meter out of service is a notice as well.
    let retire = ["admin", "retire-meter", "--meter", id];
    refused("operator", &retire, "UNAUTHORIZED");
    done("admin", &retire);
    refused("admin", &retire, "NOTICE_RUNS");
    assert!(!meter().retired);
}

#[test]
fn a_key_that_is_none_is_refused_before_anything_is_sent() {
    let id = "00000000000000000000000000000001";
    let ran = wattpool(&["admin", "set-device", "--meter", id, "--device", "12"]);
    assert_eq!(ran.code, Some(2), "{}", ran.stderr);
    assert!(ran.stderr.contains("--device"), "{}", ran.stderr);
}
