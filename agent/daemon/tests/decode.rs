//! `wattpool-agent meter decode`: what it prints, what it says on stderr, and how it ends.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use serde_json::{json, Value};
use std::io::Write;
use std::process::{Command, Stdio};

/// Exit code, lines, and what was told.
fn decode(arguments: &[&str], input: &[u8]) -> (i32, Vec<Value>, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_wattpool-agent"))
        .args(["meter", "decode"])
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A command that refuses its arguments does not read.
    let _ = child.stdin.take().unwrap().write_all(input);
    let out = child.wait_with_output().unwrap();
    let lines = String::from_utf8(out.stdout).unwrap();
    let lines = lines.lines().map(|l| serde_json::from_str(l).unwrap());
    (
        out.status.code().unwrap(),
        lines.collect(),
        String::from_utf8(out.stderr).unwrap(),
    )
}

const TELEGRAM: &str = "/ISk5\\2MT382-1004\r\n\r\n0-0:1.0.0(170702192002S)\r\n1-0:1.8.1(00001.001*kWh)\r\n1-0:1.8.2(00200.020*kWh)\r\n1-0:2.8.1(00003.300*kWh)\r\n1-0:1.7.0(0001.01*kW)\r\n!\r\n";

#[test]
fn good_telegrams_are_printed_and_bad_ones_told() {
    let bad = TELEGRAM.replace("00200.020*kWh", "00200.0x0*kWh");
    let (code, lines, told) = decode(
        &["--format", "p1", "-"],
        (bad.clone() + TELEGRAM).as_bytes(),
    );
    assert_eq!(code, 0);
    let want = json!({
        "format": "p1", "offset": bad.len(), "meter": "ISk5\\2MT382-1004", "time": "2017-07-02T17:20:02Z",
        "import_wh": 201_021, "export_wh": 3_300, "power_w": 1_010, "step_wh": 1,
        "obis": {"1-0:1.7.0": 1_010, "1-0:1.8.1": 1_001, "1-0:1.8.2": 200_020, "1-0:2.8.1": 3_300},
        "remarks": ["came without a check"],
    });
    // The line's end stands before the second telegram.
    let mut line = lines[0].clone();
    line["offset"] = json!(bad.len());
    assert_eq!((lines.len(), line), (1, want));
    assert!(
        told.contains("at byte 0: line 5, 1-0:1.8.2: expected such as 00001.001*kWh"),
        "{told}"
    );
}

#[test]
fn nothing_decoded_ends_with_1_and_wrong_usage_with_2() {
    let (code, lines, told) = decode(&["--format", "sml", "-"], b"no meter");
    assert_eq!((code, lines.len()), (1, 0));
    assert!(
        told.contains("at byte 0: 8 bytes belong to no frame"),
        "{told}"
    );
    assert!(told.contains("no reading was decoded"), "{told}");
    let (code, _, told) = decode(&["--format", "p1", "/nowhere/telegram"], b"");
    assert_eq!(code, 2);
    assert!(told.contains("/nowhere/telegram"), "{told}");
    let (code, _, told) = decode(&["--format", "dlms", "--key", "0011", "-"], b"");
    assert_eq!(code, 2);
    assert!(
        told.contains("--key: expected 32 hexadecimal digits or a file"),
        "{told}"
    );
    assert_eq!(decode(&["--format", "csv", "-"], b"").0, 2);
}

#[test]
fn hexadecimal_text_and_messages_are_read() {
    let push = "0f 00000000 00 01 01\n0203 0906 0100010800ff 06 00000100 0202 0f00 161e # import";
    let (code, lines, told) = decode(&["--format", "dlms", "-"], push.as_bytes());
    assert_eq!((code, told.as_str()), (0, ""));
    assert_eq!(lines[0]["import_wh"], 256);
    assert_eq!(lines[0]["time"], Value::Null);
    let messages = "tele/plug/SENSOR {\"ENERGY\":{\"Total\":12.345,\"Power\":-7}}\nnothing\n{\"total_act\":5.5}\n";
    let (code, lines, told) = decode(&["--format", "mqtt", "-"], messages.as_bytes());
    assert_eq!((code, lines.len()), (0, 2));
    assert_eq!(
        (&lines[0]["import_wh"], &lines[0]["power_w"]),
        (&json!(12_345), &json!(-7))
    );
    assert_eq!(
        (&lines[1]["import_wh"], &lines[1]["offset"]),
        (&json!(5), &json!(3))
    );
    assert!(
        told.contains("line 2: line 1, column 2: expected JSON"),
        "{told}"
    );
}

#[test]
fn messages_of_no_known_kind_are_read_where_one_says() {
    let (code, lines, told) = decode(
        &["--format", "mqtt", "-"],
        b"evcc/site/grid/energy 15030.566\nevcc/site/grid/power -361\nevcc/site/homePower 400\n",
    );
    assert_eq!((code, lines.len()), (0, 2));
    assert_eq!(
        (&lines[0]["import_wh"], &lines[1]["power_w"]),
        (&json!(15_030_566), &json!(-361))
    );
    assert!(told.contains("line 3: message: of no known kind"), "{told}");

    let sensor = "tele/x/SENSOR {\"Time\":\"2026-11-30T08:00:00\",\"SML\":{\"E_in\":12.345,\"E_out\":1.2,\"P\":-7}}\n\
                  tele/x/LWT {\"online\":true}\nhome/export/state 9.5\n";
    let of_sensor = [
        "--import",
        "SML.E_in",
        "--export",
        "SML.E_out",
        "--power",
        "SML.P",
    ];
    let (code, lines, told) = decode(
        &[&["--format", "mqtt"], &of_sensor[..], &["-"]].concat(),
        sensor.as_bytes(),
    );
    assert_eq!((code, lines.len(), told.as_str()), (0, 1, ""));
    assert_eq!(
        [
            &lines[0]["import_wh"],
            &lines[0]["export_wh"],
            &lines[0]["power_w"],
            &lines[0]["meter"]
        ],
        [
            &json!(12_345),
            &json!(1_200),
            &json!(-7),
            &json!("tele/x/SENSOR")
        ]
    );

    let of_topic = [
        "--format",
        "mqtt",
        "--export",
        "home/export/state",
        "--unit",
        "Wh",
        "-",
    ];
    let (code, lines, _) = decode(&of_topic, sensor.as_bytes());
    assert_eq!(
        (code, &lines[0]["export_wh"], &lines[0]["offset"]),
        (0, &json!(9), &json!(3))
    );

    let (code, _, told) = decode(
        &["--format", "mqtt", "--import", "a", "-"],
        b"x {\"a\":\"on\"}",
    );
    assert_eq!(code, 1);
    assert!(
        told.contains("line 1: path \"a\": expected a number, found \"on\""),
        "{told}"
    );
    let (code, _, told) = decode(&["--format", "p1", "--import", "a", "-"], b"");
    assert_eq!(code, 2);
    assert!(told.contains("expected --format mqtt"), "{told}");
}

#[test]
fn a_sunspec_map_is_read_model_by_model() {
    let mut map = vec![0x53u8, 0x75, 0x6E, 0x53, 0, 203, 0, 105];
    let mut points = vec![0u8; 210];
    points[36 * 2 + 3] = 9;
    points[44 * 2 + 3] = 5;
    points[52 * 2 + 1] = 2;
    map.extend(points);
    map.extend([0xFF; 4]);
    let (code, lines, told) = decode(&["--format", "sunspec", "-"], &map);
    assert_eq!((code, told.as_str()), (0, ""));
    let of = |key: &str| lines[0][key].as_u64().unwrap();
    assert_eq!(
        (of("model"), of("import_wh"), of("export_wh"), of("step_wh")),
        (203, 500, 900, 100)
    );
}
