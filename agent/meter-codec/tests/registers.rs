//! SunSpec models and plain registers, from registers made here.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_sign_loss,
    clippy::cast_possible_truncation
)]

use wattpool_meter_codec::modbus::{Kind, Layout, RegisterUnit, WordOrder};
use wattpool_meter_codec::sunspec::{map, END, MARKER};
use wattpool_meter_codec::{Obis, Reading, RegistersFrom};

/// A map of a common model and one more, whose points are put at their offsets (counted from the model's first
/// point, as the SunSpec information model reference does).
fn device(id: u16, length: u16, points: &[(usize, u16)]) -> Vec<u16> {
    let mut common = vec![0u16; 66];
    common[0] = u16::from_be_bytes(*b"Wa");
    common[16] = u16::from_be_bytes(*b"M1");
    common[48] = u16::from_be_bytes(*b"07");
    let mut model = vec![0x8000u16; usize::from(length)];
    for (at, value) in points {
        model[*at] = *value;
    }
    [
        &MARKER[..],
        &[1, 66],
        &common,
        &[id, length],
        &model,
        &[END, 0],
    ]
    .concat()
}

fn read(id: u16, length: u16, points: &[(usize, u16)]) -> Result<Reading, String> {
    let models = map(&device(id, length, points)).map_err(|e| e.to_string())?;
    assert_eq!(models[0].1.meter.as_deref(), Some("Wa M1 07"));
    models[0]
        .1
        .reading(RegistersFrom::Total)
        .map_err(|e| e.to_string())
}

fn parts(r: &Reading) -> (Option<u64>, Option<u64>, Option<i64>) {
    (
        r.import.map(|r| r.wh.0),
        r.export.map(|r| r.wh.0),
        r.power_w,
    )
}

const fn sf(n: i16) -> u16 {
    n.to_be_bytes()[0] as u16 * 256 + n.to_be_bytes()[1] as u16
}

#[test]
fn a_meters_scale_factors_hold_for_each_read() {
    // Model 203: W 16, W_SF 20, TotWhExp 36, TotWhImp 44, TotWh_SF 52.
    let points = |scale: i16| {
        [
            (16, sf(-250)),
            (20, sf(1)),
            (36, 0),
            (37, 1_234),
            (44, 0xFFFF),
            (45, 0xFFFF),
            (52, sf(scale)),
        ]
    };
    let r = read(203, 105, &points(0)).unwrap();
    assert_eq!(parts(&r), (Some(0xFFFF_FFFF), Some(1_234), Some(-2_500)));
    let r = read(203, 105, &points(2)).unwrap();
    assert_eq!(
        parts(&r),
        (Some(0xFFFF_FFFF * 100), Some(123_400), Some(-2_500))
    );
    assert_eq!(r.import.unwrap().step.0, 100);
    let r = read(203, 105, &points(-1)).unwrap();
    assert_eq!(parts(&r), (Some(0xFFFF_FFFF / 10), Some(123), Some(-2_500)));
    assert!(read(203, 105, &points(11))
        .unwrap_err()
        .contains("expected -10 to 10, found 11"));
}

#[test]
fn what_is_not_implemented_is_no_value() {
    // The power is not implemented, the energy's scale factor neither.
    let r = read(203, 105, &[(36, 0), (37, 5), (44, 0), (45, 6), (52, 0)]).unwrap();
    assert_eq!(parts(&r), (Some(6), Some(5), None));
    let none = read(203, 105, &[(36, 0), (37, 5)]).unwrap_err();
    assert_eq!(none, "no register or power of electricity in it");
}

#[test]
fn an_inverters_energy_is_export() {
    // Model 103: W 12, W_SF 13, WH 22, WH_SF 24.
    let r = read(103, 50, &[(12, 1_500), (13, 0), (22, 1), (23, 0), (24, 0)]).unwrap();
    assert_eq!(parts(&r), (None, Some(65_536), Some(-1_500)));
    // Model 113, floats: W 20, WH 30.
    let float = |at: usize, value: f32| {
        let bits = value.to_bits();
        [(at, (bits >> 16) as u16), (at + 1, bits as u16)]
    };
    let points = [float(20, 1_500.4), float(30, 123_456.0)].concat();
    let r = read(113, 60, &points).unwrap();
    assert_eq!(parts(&r), (None, Some(123_456), Some(-1_500)));
    // Beyond 2^24 a float does not tell single Wh.
    let points = [float(20, f32::NAN), float(30, 33_554_436.0)].concat();
    let r = read(113, 60, &points).unwrap();
    assert_eq!(
        (parts(&r), r.export.unwrap().step.0),
        ((None, Some(33_554_430), None), 10)
    );
}

#[test]
fn a_map_that_is_cut_off_is_refused_with_its_place() {
    let whole = device(203, 105, &[(36, 0), (37, 5), (44, 0), (45, 6), (52, 0)]);
    for cut in 0..whole.len() - 2 {
        let problem = map(&whole[..cut]).unwrap_err().to_string();
        assert!(problem.starts_with("register "), "{cut}: {problem}");
    }
    assert!(map(&whole[..whole.len() - 1]).is_ok());
}

#[test]
fn plain_registers_in_every_form() {
    let value = |kind, order, scale, unit, registers: &[u16]| {
        let layout = Layout {
            kind,
            order,
            scale,
            unit,
        };
        layout
            .value(Obis::IMPORT, registers)
            .map(|v| v.whole())
            .map_err(|e| e.to_string())
    };
    use RegisterUnit::{KWh, Wh, W};
    use WordOrder::{HighFirst, LowFirst};
    assert_eq!(
        value(Kind::U16, HighFirst, 1, Wh, &[0xFFFF]),
        Ok(Some(655_350))
    );
    assert_eq!(value(Kind::I16, HighFirst, 0, W, &[0xFFFF]), Ok(Some(-1)));
    assert_eq!(
        value(Kind::U32, HighFirst, 0, Wh, &[1, 2]),
        Ok(Some(65_538))
    );
    // Carlo Gavazzi's EM24: INT32, low word first, 0.1 kWh.
    assert_eq!(
        value(Kind::I32, LowFirst, -1, KWh, &[0x1234, 0x0001]),
        Ok(Some(7_019_600))
    );
    // Eastron's SDM630: a float of kWh.
    let bits = 1_234.567f32.to_bits();
    assert_eq!(
        value(
            Kind::F32,
            HighFirst,
            0,
            KWh,
            &[(bits >> 16) as u16, bits as u16]
        ),
        Ok(Some(1_234_567))
    );
    assert_eq!(
        value(Kind::U64, LowFirst, 0, Wh, &[4, 3, 2, 1]),
        Ok(Some(0x0001_0002_0003_0004))
    );
    let nan = value(Kind::F32, HighFirst, 0, KWh, &[0x7FC0, 0]).unwrap_err();
    assert!(nan.contains("found NaN"), "{nan}");
    let few = value(Kind::F64, HighFirst, 0, KWh, &[0; 2]).unwrap_err();
    assert!(few.contains("expected 4 registers, found 2"), "{few}");
}
