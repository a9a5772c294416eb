//! SunSpec models: what a device's registers say. The layouts of the models come from the crate `sunspec`; scale
//! factors, values that are not implemented and floats are turned into exact values here.

use crate::obis::Obis;
use crate::stream::Problem;
use crate::telegram::{Telegram, Unit, Value};
use sunspec::models::model1::Model1;
use sunspec::models::model101::Model101;
use sunspec::models::model102::Model102;
use sunspec::models::model103::Model103;
use sunspec::models::model111::Model111;
use sunspec::models::model112::Model112;
use sunspec::models::model113::Model113;
use sunspec::models::model201::Model201;
use sunspec::models::model202::Model202;
use sunspec::models::model203::Model203;
use sunspec::models::model204::Model204;
use sunspec::models::model211::Model211;
use sunspec::models::model212::Model212;
use sunspec::models::model213::Model213;
use sunspec::models::model214::Model214;
use sunspec::models::model701::Model701;
use sunspec::Model;

/// `SunS`, the two registers that a map of models begins with.
pub const MARKER: [u16; 2] = [0x5375, 0x6E53];
/// Where the marker may stand.
pub const BASES: [u16; 3] = [40_000, 0, 50_000];
/// The identity of the end.
pub const END: u16 = 0xFFFF;
/// Most models of a device.
pub const MOST_MODELS: usize = 128;

/// What a model is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Name and serial number.
    Common,
    /// An inverter: what it makes counts as export.
    Inverter,
    /// A meter.
    Meter,
    /// A distributed energy resource (IEEE 1547).
    Resource,
    /// Not read.
    Other,
}

/// What a model of this identity is of.
pub const fn kind(id: u16) -> Kind {
    match id {
        1 => Kind::Common,
        101..=103 | 111..=113 => Kind::Inverter,
        201..=204 | 211..=214 => Kind::Meter,
        701 => Kind::Resource,
        _ => Kind::Other,
    }
}

/// A model in a device's map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Its identity.
    pub id: u16,
    /// Register of its first point, counted from the marker.
    pub at: usize,
    /// Registers of its points.
    pub length: usize,
}

/// The models of a map that begins with the marker.
///
/// # Errors
/// The marker is missing, or the map is cut off before its end.
pub fn places(registers: &[u16]) -> Result<Vec<Place>, Problem> {
    if registers.get(..2) != Some(&MARKER) {
        return Err(Problem::malformed(
            "register 0",
            "expected the marker SunS (5375 6E53)",
        ));
    }
    let mut places = Vec::new();
    let mut at = 2usize;
    loop {
        let cut = |at: usize| {
            Problem::malformed(
                format!("register {at}"),
                "the map is cut off before its end (FFFF)",
            )
        };
        let id = *registers.get(at).ok_or_else(|| cut(at))?;
        if id == END {
            return Ok(places);
        }
        let length = usize::from(*registers.get(at.saturating_add(1)).ok_or_else(|| cut(at))?);
        let first = at.saturating_add(2);
        at = first.saturating_add(length);
        if places.len() >= MOST_MODELS || at > registers.len() {
            return Err(cut(first));
        }
        places.push(Place {
            id,
            at: first,
            length,
        });
    }
}

/// All telegrams of a map: one for each model that measures.
///
/// # Errors
/// As [`places`] and [`points`].
pub fn map(registers: &[u16]) -> Result<Vec<(u16, Telegram)>, Problem> {
    let mut name = None;
    let mut all = Vec::new();
    for place in places(registers)? {
        let end = place.at.saturating_add(place.length);
        let data = registers.get(place.at..end).unwrap_or(&[]);
        match kind(place.id) {
            Kind::Common => name = common(data),
            Kind::Other => {}
            _ => {
                let mut telegram = points(place.id, data)?;
                telegram.meter.clone_from(&name);
                telegram.offset = u64::try_from(place.at.saturating_mul(2)).unwrap_or(0);
                all.push((place.id, telegram));
            }
        }
    }
    if all.is_empty() {
        return Err(Problem::NothingOfUse);
    }
    Ok(all)
}

/// Manufacturer, model and serial number of model 1.
pub fn common(data: &[u16]) -> Option<String> {
    let model = Model1::parse(data).ok()?;
    let text = [model.mn, model.md, model.sn].join(" ");
    let text: String = text.chars().filter(|c| !c.is_control()).collect();
    Some(text.split_whitespace().collect::<Vec<_>>().join(" ")).filter(|t| !t.is_empty())
}

/// What one model measures. Import is positive: what an inverter makes is negative power, and export.
///
/// # Errors
/// It is too short, or a scale factor is none.
pub fn points(id: u16, data: &[u16]) -> Result<Telegram, Problem> {
    let mut found = Points {
        id,
        telegram: Telegram::empty(),
    };
    macro_rules! parsed {
        ($model:ty) => {
            <$model>::parse(data).map_err(|_| {
                let what = format!("too short: {} registers", data.len());
                Problem::malformed(format!("model {id}"), what)
            })?
        };
    }
    macro_rules! inverter {
        ($model:ty) => {{
            let m = parsed!($model);
            found.power(Some(m.w), Some(m.w_sf), -1)?;
            found.energy(Obis::EXPORT, Some(u64::from(m.wh)), Some(m.wh_sf))?;
        }};
    }
    macro_rules! inverter_of_floats {
        ($model:ty) => {{
            let m = parsed!($model);
            found.float_power(m.w, -1.0);
            found.float_energy(Obis::EXPORT, m.wh)?;
        }};
    }
    macro_rules! meter {
        ($model:ty) => {{
            let m = parsed!($model);
            found.power(Some(m.w), Some(m.w_sf), 1)?;
            found.energy(
                Obis::IMPORT,
                Some(u64::from(m.tot_wh_imp)),
                Some(m.tot_wh_sf),
            )?;
            found.energy(
                Obis::EXPORT,
                Some(u64::from(m.tot_wh_exp)),
                Some(m.tot_wh_sf),
            )?;
            let phases = [
                (21, m.tot_wh_imp_ph_a),
                (41, m.tot_wh_imp_ph_b),
                (61, m.tot_wh_imp_ph_c),
                (22, m.tot_wh_exp_ph_a),
                (42, m.tot_wh_exp_ph_b),
                (62, m.tot_wh_exp_ph_c),
            ];
            for (c, raw) in phases {
                let raw = raw.map(u64::from).filter(|n| *n > 0);
                found.energy(Obis::electricity(c, 8, 0), raw, Some(m.tot_wh_sf))?;
            }
        }};
    }
    macro_rules! meter_of_floats {
        ($model:ty) => {{
            let m = parsed!($model);
            found.float_power(m.w, 1.0);
            found.float_energy(Obis::IMPORT, m.tot_wh_imp)?;
            found.float_energy(Obis::EXPORT, m.tot_wh_exp)?;
        }};
    }
    match id {
        101 => inverter!(Model101),
        102 => inverter!(Model102),
        103 => inverter!(Model103),
        111 => inverter_of_floats!(Model111),
        112 => inverter_of_floats!(Model112),
        113 => inverter_of_floats!(Model113),
        201 => meter!(Model201),
        202 => meter!(Model202),
        203 => meter!(Model203),
        204 => meter!(Model204),
        211 => meter_of_floats!(Model211),
        212 => meter_of_floats!(Model212),
        213 => meter_of_floats!(Model213),
        214 => meter_of_floats!(Model214),
        701 => {
            let m = parsed!(Model701);
            found.power(m.w, m.w_sf, -1)?;
            found.energy(Obis::EXPORT, m.tot_wh_inj, m.tot_wh_sf)?;
            found.energy(Obis::IMPORT, m.tot_wh_abs, m.tot_wh_sf)?;
        }
        _ => {
            let what = "expected 101-103, 111-113, 201-204, 211-214 or 701";
            return Err(Problem::malformed(format!("model {id}"), what));
        }
    }
    if found.telegram.values.is_empty() {
        return Err(Problem::NothingOfUse);
    }
    Ok(found.telegram)
}

struct Points {
    id: u16,
    telegram: Telegram,
}

/// Of an `int16` or a scale factor.
const NOT_IMPLEMENTED: i16 = i16::MIN;

impl Points {
    fn scale(&self, factor: Option<i16>) -> Result<Option<i8>, Problem> {
        match factor {
            None | Some(NOT_IMPLEMENTED) => Ok(None),
            Some(n @ -10..=10) => Ok(i8::try_from(n).ok()),
            Some(n) => {
                let what = format!("expected -10 to 10, found {n}");
                Err(Problem::malformed(
                    format!("model {}, scale factor", self.id),
                    what,
                ))
            }
        }
    }

    fn power(&mut self, raw: Option<i16>, factor: Option<i16>, sign: i64) -> Result<(), Problem> {
        let scale = self.scale(factor)?;
        if let (Some(raw), Some(scale)) = (raw.filter(|r| *r != NOT_IMPLEMENTED), scale) {
            let number = i64::from(raw).saturating_mul(sign);
            self.put(Obis::POWER, number, scale, Unit::W);
        }
        Ok(())
    }

    fn energy(&mut self, obis: Obis, raw: Option<u64>, factor: Option<i16>) -> Result<(), Problem> {
        let scale = self.scale(factor)?;
        // An accumulator of 64 bits that is not implemented is all ones.
        let number = raw.and_then(|raw| i64::try_from(raw).ok());
        if let (Some(number), Some(scale)) = (number, scale) {
            self.put(obis, number, scale, Unit::Wh);
        }
        Ok(())
    }

    fn float_power(&mut self, watts: f32, sign: f64) {
        if let Some(number) = whole(f64::from(watts) * sign * 1e3) {
            self.put(Obis::POWER, number, -3, Unit::W);
        }
    }

    fn float_energy(&mut self, obis: Obis, wh: f32) -> Result<(), Problem> {
        if wh.is_nan() {
            return Ok(());
        }
        if !(0.0..1e15).contains(&wh) {
            let what = format!("expected 0 to 1e15 Wh, found {wh}");
            return Err(Problem::malformed(
                format!("model {}, {obis}", self.id),
                what,
            ));
        }
        // Beyond 2^24 Wh a float of 32 bits does not tell single Wh: only the digits that it does tell are taken.
        let step = f64::from(f32::from_bits(wh.to_bits().saturating_add(1))) - f64::from(wh);
        let mut scale = 0i8;
        let mut divisor = 1.0;
        while divisor < step {
            divisor *= 10.0;
            scale = scale.saturating_add(1);
        }
        if let Some(number) = whole(f64::from(wh) / divisor) {
            self.put(obis, number, scale, Unit::Wh);
        }
        Ok(())
    }

    fn put(&mut self, obis: Obis, number: i64, scale: i8, unit: Unit) {
        self.telegram.values.push(Value {
            obis,
            number,
            scale,
            unit,
        });
    }
}

/// Rounded down; none if it is no number within ±2^53.
fn whole(value: f64) -> Option<i64> {
    let floor = value.floor();
    #[allow(clippy::cast_possible_truncation, reason = "within 2^53")]
    (floor.abs() < 9_007_199_254_740_992.0).then_some(floor as i64)
}
