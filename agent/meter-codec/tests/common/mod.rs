//! Telegrams of every version that is read, and how they are made.
#![allow(dead_code, clippy::unwrap_used, clippy::arithmetic_side_effects)]

use aes_gcm::aead::consts::U12;
use aes_gcm::aead::{AeadInPlace, KeyInit};
use wattpool_meter_codec::cipher::Keys;

/// A telegram, and what it says.
pub struct Variant {
    pub name: &'static str,
    /// What an independent parser calls it.
    pub oracle: &'static str,
    pub lines: &'static [&'static str],
    pub checked: bool,
    pub import: Option<u64>,
    pub export: Option<u64>,
    pub power: Option<i64>,
    pub time: Option<&'static str>,
}

pub const TELEGRAMS: &[Variant] = &[
    Variant {
        name: "DSMR 2.2",
        oracle: "V2_2",
        lines: &[
            "/ISk5\\2MT382-1004", "", "0-0:96.1.1(00000000000000)",
            "1-0:1.8.1(00001.001*kWh)", "1-0:1.8.2(00200.020*kWh)",
            "1-0:2.8.1(00003.300*kWh)", "1-0:2.8.2(00004.000*kWh)",
            "0-0:96.14.0(0001)", "1-0:1.7.0(0001.01*kW)", "1-0:2.7.0(0000.00*kW)",
            "0-0:17.0.0(0999.00*kW)", "0-0:96.3.10(1)", "0-0:96.13.1()", "0-0:96.13.0()",
            "0-1:24.1.0(3)", "0-1:96.1.0(000000000000)",
            "0-1:24.3.0(161107190000)(00)(60)(1)(0-1:24.2.1)(m3)", "(00001.001)",
            "0-1:24.4.0(1)",
        ],
        checked: false,
        import: Some(201_021),
        export: Some(7_300),
        power: Some(1_010),
        time: None,
    },
    Variant {
        name: "DSMR 3",
        oracle: "V3",
        lines: &[
            "/ISk5\\2MT382-1000", "", "0-0:96.1.1(4B384547303034303436333935353037)",
            "1-0:1.8.1(12345.678*kWh)", "1-0:1.8.2(12345.678*kWh)",
            "1-0:2.8.1(12345.678*kWh)", "1-0:2.8.2(12345.679*kWh)",
            "0-0:96.14.0(0002)", "1-0:1.7.0(001.19*kW)", "1-0:2.7.0(000.20*kW)",
            "0-0:17.0.0(016.1*kW)", "0-0:96.3.10(1)",
            "0-1:24.1.0(03)", "0-1:96.1.0(3232323241424344313233343536373839)",
            "0-1:24.3.0(090212160000)(00)(60)(1)(0-1:24.2.1)(m3)", "(00000.000)",
            "0-1:24.4.0(1)",
        ],
        checked: false,
        import: Some(24_691_356),
        export: Some(24_691_357),
        power: Some(990),
        time: None,
    },
    Variant {
        name: "DSMR 4.2",
        oracle: "V4",
        lines: &[
            "/KFM5KAIFA-METER", "", "1-3:0.2.8(42)", "0-0:1.0.0(161113205757W)",
            "0-0:96.1.1(3960221976967177082151037881335713)",
            "1-0:1.8.1(001581.123*kWh)", "1-0:1.8.2(001435.706*kWh)",
            "1-0:2.8.1(000000.000*kWh)", "1-0:2.8.2(000000.000*kWh)",
            "0-0:96.14.0(0002)", "1-0:1.7.0(02.027*kW)", "1-0:2.7.0(00.000*kW)",
            "0-0:96.7.21(00015)", "0-0:96.7.9(00007)",
            "1-0:99.97.0(3)(0-0:96.7.19)(000104180320W)(0000237126*s)(000101000001W)(2147583646*s)(000102000003W)(2317482647*s)",
            "1-0:32.32.0(00000)", "1-0:32.36.0(00000)", "0-0:96.13.1()", "0-0:96.13.0()",
            "1-0:31.7.0(000*A)", "1-0:21.7.0(02.027*kW)", "1-0:22.7.0(00.000*kW)",
            "0-1:24.1.0(003)", "0-1:96.1.0(4819243993373755377509728609491464)",
            "0-1:24.2.1(161129200000W)(00981.443*m3)",
        ],
        checked: true,
        import: Some(3_016_829),
        export: Some(0),
        power: Some(2_027),
        time: Some("2016-11-13T19:57:57Z"),
    },
    Variant {
        name: "DSMR 5",
        oracle: "V5",
        lines: &[
            "/ISk5\\2MT382-1000", "", "1-3:0.2.8(50)", "0-0:1.0.0(170702192002S)",
            "0-0:96.1.1(4B384547303034303436333935353037)",
            "1-0:1.8.1(000004.426*kWh)", "1-0:1.8.2(000002.399*kWh)",
            "1-0:2.8.1(000002.444*kWh)", "1-0:2.8.2(000000.001*kWh)",
            "0-0:96.14.0(0002)", "1-0:1.7.0(00.244*kW)", "1-0:2.7.0(01.500*kW)",
            "0-0:96.7.21(00013)", "0-0:96.7.9(00000)", "1-0:99.97.0(0)(0-0:96.7.19)",
            "1-0:32.32.0(00000)", "0-0:96.13.0()",
            "1-0:32.7.0(0230.0*V)", "1-0:31.7.0(0.48*A)", "1-0:21.7.0(00.244*kW)",
            "0-1:24.1.0(003)", "0-1:96.1.0(3232323241424344313233343536373839)",
            "0-1:24.2.1(170102161005W)(00000.107*m3)",
            "0-2:24.1.0(003)", "0-2:96.1.0()",
        ],
        checked: true,
        import: Some(6_825),
        export: Some(2_445),
        power: Some(-1_256),
        time: Some("2017-07-02T17:20:02Z"),
    },
    Variant {
        name: "Belgium (eMUCS)",
        oracle: "BELGIUM_FLUVIUS",
        lines: &[
            "/FLU5\\253769484_A", "", "0-0:96.1.4(50217)",
            "0-0:96.1.1(3153414733313031303231363035)", "0-0:1.0.0(200512135409S)",
            "1-0:1.8.1(000000.034*kWh)", "1-0:1.8.2(000015.758*kWh)",
            "1-0:2.8.1(000000.000*kWh)", "1-0:2.8.2(000000.011*kWh)",
            "1-0:1.4.0(02.351*kW)", "1-0:1.6.0(200509134558S)(02.589*kW)",
            "0-0:96.14.0(0001)", "1-0:1.7.0(00.000*kW)", "1-0:2.7.0(00.345*kW)",
            "1-0:21.7.0(00.000*kW)", "1-0:22.7.0(00.000*kW)", "1-0:32.7.0(234.7*V)",
            "1-0:31.7.0(000.00*A)", "0-0:96.3.10(1)", "0-0:17.0.0(999.9*kW)",
            "1-0:31.4.0(999*A)", "0-0:96.13.0()",
            "0-1:24.1.0(003)", "0-1:96.1.1(37464C4F32313139303333373333)", "0-1:24.4.0(1)",
            "0-1:24.2.3(200512134558S)(00112.384*m3)",
            "0-2:24.1.0(007)", "0-2:96.1.1(3853414731323334353637383930)",
            "0-2:24.2.1(200512134558S)(00872.234*m3)",
        ],
        checked: true,
        import: Some(15_792),
        export: Some(11),
        power: Some(-345),
        time: Some("2020-05-12T11:54:09Z"),
    },
    Variant {
        name: "Luxembourg (Smarty)",
        oracle: "LUXEMBOURG_SMARTY",
        lines: &[
            "/Lux5\\253663629_D", "", "1-3:0.2.8(42)", "0-0:1.0.0(161121175123W)",
            "0-0:42.0.0(53414731303330373030303036333932)",
            "1-0:1.8.0(000273.764*kWh)", "1-0:2.8.0(000100.250*kWh)",
            "1-0:3.8.0(000012.000*kvarh)", "1-0:4.8.0(000045.000*kvarh)",
            "1-0:1.7.0(00.110*kW)", "1-0:2.7.0(00.000*kW)",
            "0-0:17.0.0(027.6*kVA)", "0-0:96.13.0()",
        ],
        checked: true,
        import: Some(273_764),
        export: Some(100_250),
        power: Some(110),
        time: Some("2016-11-21T16:51:23Z"),
    },
    Variant {
        name: "Sweden",
        oracle: "SWEDEN",
        lines: &[
            "/ELL5\\253833635_A", "", "0-0:1.0.0(210217184019W)",
            "1-0:1.8.0(00007264.314*kWh)", "1-0:2.8.0(00000010.001*kWh)",
            "1-0:3.8.0(00000003.144*kvarh)", "1-0:4.8.0(00000001.150*kvarh)",
            "1-0:1.7.0(0001.223*kW)", "1-0:2.7.0(0000.000*kW)",
            "1-0:21.7.0(0001.023*kW)", "1-0:41.7.0(0000.100*kW)", "1-0:61.7.0(0000.100*kW)",
            "1-0:22.7.0(0000.000*kW)", "1-0:32.7.0(240.3*V)", "1-0:31.7.0(004.2*A)",
        ],
        checked: true,
        import: Some(7_264_314),
        export: Some(10_001),
        power: Some(1_223),
        time: Some("2021-02-17T17:40:19Z"),
    },
    Variant {
        name: "Hungary",
        oracle: "EON_HUNGARY",
        lines: &[
            "/SAG5SAG-METER", "", "0-0:1.0.0(230724150730S)", "0-0:42.0.0(53414733303832323030303032313630)",
            "0-0:96.1.0(383930303832323030303032313630)", "0-0:96.14.0(0001)", "0-0:96.50.68(ON)",
            "0-0:17.0.0(90.000*kW)", "1-0:1.8.0(000173.640*kWh)", "1-0:1.8.1(000047.719*kWh)",
            "1-0:1.8.2(000125.921*kWh)", "1-0:1.8.3(000000.000*kWh)", "1-0:1.8.4(000000.000*kWh)",
            "1-0:2.8.0(000627.177*kWh)", "1-0:2.8.1(000401.829*kWh)", "1-0:2.8.2(000225.348*kWh)",
            "1-0:2.8.3(000000.000*kWh)", "1-0:2.8.4(000000.000*kWh)",
            "1-0:32.7.0(240.4*V)", "1-0:1.7.0(00.000*kW)", "1-0:2.7.0(00.366*kW)",
        ],
        checked: true,
        import: Some(173_640),
        export: Some(627_177),
        power: Some(-366),
        time: Some("2023-07-24T13:07:30Z"),
    },
];

/// CRC-16/ARC, bit by bit from its polynomial.
pub fn crc(bytes: &[u8]) -> u16 {
    let mut crc = 0u16;
    for byte in bytes {
        for bit in 0..8 {
            let one = (crc ^ u16::from(byte >> bit)) & 1 == 1;
            crc >>= 1;
            if one {
                crc ^= 0xA001;
            }
        }
    }
    crc
}

pub fn telegram(variant: &Variant) -> String {
    let mut text: String = variant.lines.iter().map(|l| format!("{l}\r\n")).collect();
    text.push('!');
    if variant.checked {
        text = format!("{text}{:04X}", crc(text.as_bytes()));
    }
    text + "\r\n"
}

/// A `general-glo-ciphering` APDU, authenticated and encrypted.
pub fn encrypted(plain: &[u8], keys: &Keys, counter: u32) -> Vec<u8> {
    let title = *b"SAG10307";
    let control = 0x30u8;
    let mut body = plain.to_vec();
    let iv = [&title[..], &counter.to_be_bytes()].concat();
    let iv: [u8; 12] = iv.try_into().unwrap();
    let additional = [&[control][..], &keys.authentication.unwrap()].concat();
    let gcm = aes_gcm::AesGcm::<aes::Aes128, U12, U12>::new(&keys.encryption.into());
    let tag = gcm
        .encrypt_in_place_detached(&iv.into(), &additional, &mut body)
        .unwrap();
    body.extend_from_slice(&tag);
    let length = u16::try_from(body.len() + 5).unwrap().to_be_bytes();
    let head = [
        &[0xDB, 8][..],
        &title,
        &[0x82],
        &length,
        &[control],
        &counter.to_be_bytes(),
    ]
    .concat();
    [head, body].concat()
}
