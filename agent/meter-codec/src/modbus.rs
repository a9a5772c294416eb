//! Plain Modbus registers, told by configuration.

use crate::obis::Obis;
use crate::stream::Problem;
use crate::telegram::{Unit, Value};
use serde::{Deserialize, Serialize};

/// How a number lies in registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// 16 bits, unsigned.
    U16,
    /// 16 bits, signed.
    I16,
    /// 32 bits, unsigned.
    U32,
    /// 32 bits, signed.
    I32,
    /// 64 bits, unsigned.
    U64,
    /// 64 bits, signed.
    I64,
    /// IEEE 754, 32 bits.
    F32,
    /// IEEE 754, 64 bits.
    F64,
}

impl Kind {
    /// Registers that it takes.
    pub const fn registers(self) -> u16 {
        match self {
            Self::U16 | Self::I16 => 1,
            Self::U32 | Self::I32 | Self::F32 => 2,
            Self::U64 | Self::I64 | Self::F64 => 4,
        }
    }
}

/// Which of a number's registers comes first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WordOrder {
    /// The most significant, as Modbus does with bytes.
    #[default]
    HighFirst,
    /// The least significant.
    LowFirst,
}

/// What a register's number is of, with the power of ten it stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RegisterUnit {
    /// Watt-hours.
    Wh,
    /// Kilowatt-hours.
    #[serde(rename = "kWh")]
    KWh,
    /// Megawatt-hours.
    MWh,
    /// Watts.
    W,
    /// Kilowatts.
    #[serde(rename = "kW")]
    KW,
}

impl RegisterUnit {
    /// Unit and power of ten.
    pub const fn parts(self) -> (Unit, i8) {
        match self {
            Self::Wh => (Unit::Wh, 0),
            Self::KWh => (Unit::Wh, 3),
            Self::MWh => (Unit::Wh, 6),
            Self::W => (Unit::W, 0),
            Self::KW => (Unit::W, 3),
        }
    }
}

/// A number of a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Form.
    pub kind: Kind,
    /// Order.
    pub order: WordOrder,
    /// The number is multiplied by this power of ten.
    pub scale: i8,
    /// Unit.
    pub unit: RegisterUnit,
}

impl Layout {
    /// The value in these registers.
    ///
    /// # Errors
    /// There are too few or too many registers, or a float is no number within ±2^53 thousandths.
    pub fn value(&self, obis: Obis, registers: &[u16]) -> Result<Value, Problem> {
        let fail = |what: String| Problem::malformed(obis.to_string(), what);
        if registers.len() != usize::from(self.kind.registers()) {
            let what = format!(
                "expected {} registers, found {}",
                self.kind.registers(),
                registers.len()
            );
            return Err(fail(what));
        }
        let join = |n: u64, r: &u16| (n << 16) | u64::from(*r);
        let bits = match self.order {
            WordOrder::HighFirst => registers.iter().fold(0, join),
            WordOrder::LowFirst => registers.iter().rev().fold(0, join),
        };
        let low16 = u16::try_from(bits & 0xFFFF).unwrap_or(0);
        let low32 = u32::try_from(bits & 0xFFFF_FFFF).unwrap_or(0);
        let (unit, prefix) = self.unit.parts();
        let scale = self.scale.saturating_add(prefix);
        let exact = |number: i64| Value {
            obis,
            number,
            scale,
            unit,
        };
        let float = |value: f64| {
            // A thousandth of the unit is finer than any register is.
            let number = crate::json::thousandths(value).ok_or_else(|| {
                fail(format!(
                    "expected a number within 2^53 thousandths, found {value}"
                ))
            })?;
            Ok(Value {
                obis,
                number,
                scale: scale.saturating_sub(3),
                unit,
            })
        };
        match self.kind {
            Kind::U16 => Ok(exact(i64::from(low16))),
            Kind::I16 => Ok(exact(i64::from(i16::from_be_bytes(low16.to_be_bytes())))),
            Kind::U32 => Ok(exact(i64::from(low32))),
            Kind::I32 => Ok(exact(i64::from(i32::from_be_bytes(low32.to_be_bytes())))),
            Kind::U64 => i64::try_from(bits)
                .map(exact)
                .map_err(|_| fail(format!("expected at most 2^63, found {bits}"))),
            Kind::I64 => Ok(exact(i64::from_be_bytes(bits.to_be_bytes()))),
            Kind::F32 => float(f64::from(f32::from_bits(low32))),
            Kind::F64 => float(f64::from_bits(bits)),
        }
    }
}
