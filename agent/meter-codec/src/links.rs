//! What carries a DLMS push: HDLC frames (IEC 62056-46) and M-Bus long frames (EN 13757-2).

use crate::stream::Problem;

/// FCS-16 of HDLC (X.25).
pub fn fcs(bytes: &[u8]) -> u16 {
    let crc = bytes.iter().fold(0xFFFFu16, |crc, byte| {
        (0..8).fold(crc ^ u16::from(*byte), |crc, _| {
            if crc & 1 == 1 {
                (crc >> 1) ^ 0x8408
            } else {
                crc >> 1
            }
        })
    });
    !crc
}

/// One frame of a link: how many bytes it takes, and what of the push it carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece<'a> {
    /// Bytes of the whole frame.
    pub used: usize,
    /// Part of the APDU.
    pub body: &'a [u8],
    /// The first part.
    pub first: bool,
    /// The last part.
    pub last: bool,
    /// A number that rises by one from part to part, modulo the second value.
    pub number: Option<(u8, u8)>,
}

/// A frame that is not whole or not right.
#[derive(Debug)]
pub enum Flaw {
    /// Not yet there.
    More,
    /// These bytes are no frame.
    Bad(usize, Problem),
}

/// HDLC's flag.
pub const FLAG: u8 = 0x7E;
/// Beginning of an M-Bus long frame.
pub const LONG: u8 = 0x68;

/// Length of an address: it ends with the first odd byte.
fn address(bytes: &[u8]) -> Option<usize> {
    let at = bytes.iter().take(4).position(|b| b & 1 == 1)?;
    at.checked_add(1)
}

/// The HDLC frame that begins with the flag at the beginning. Its closing flag may open the next one: it is not
/// counted among the bytes that the frame takes.
///
/// # Errors
/// [`Flaw`]: not whole yet, or no frame.
pub fn hdlc(bytes: &[u8], ignore_checks: bool) -> Result<Piece<'_>, Flaw> {
    let [_, high, low, ..] = bytes else {
        return Err(Flaw::More);
    };
    let format = u16::from_be_bytes([*high, *low]);
    let length = usize::from(format & 0x07FF);
    if length < 9 {
        let what = format!("expected at least 9 bytes, found {length}");
        return Err(Flaw::Bad(1, Problem::malformed("length", what)));
    }
    let end = length.saturating_add(1);
    let Some(inside) = bytes.get(1..end) else {
        return Err(Flaw::More);
    };
    match bytes.get(end) {
        None => return Err(Flaw::More),
        Some(&FLAG) => {}
        Some(other) => {
            let what = format!("expected 7E after {length} bytes, found {other:02X}");
            return Err(Flaw::Bad(1, Problem::malformed("closing flag", what)));
        }
    }
    let bad = |problem| Flaw::Bad(end, problem);
    let (content, check) = inside
        .split_last_chunk::<2>()
        .ok_or_else(|| bad(Problem::malformed("frame", "too short")))?;
    compare("FCS", check, fcs(content), ignore_checks).map_err(bad)?;
    let short = || {
        bad(Problem::malformed(
            "addresses",
            "expected one, two or four bytes each",
        ))
    };
    let addresses = content.get(2..).ok_or_else(short)?;
    let to = address(addresses).ok_or_else(short)?;
    let from = address(addresses.get(to..).unwrap_or(&[])).ok_or_else(short)?;
    // The control byte follows, then the header's own check where there is information.
    let control = 2usize.saturating_add(to).saturating_add(from);
    let header = control.saturating_add(1);
    let Some(check) = content.get(header..header.saturating_add(2)) else {
        let what = "no information in the frame";
        return Err(bad(Problem::malformed("information", what)));
    };
    let check = check.try_into().map_err(|_| short())?;
    compare(
        "HCS",
        check,
        fcs(content.get(..header).unwrap_or(&[])),
        ignore_checks,
    )
    .map_err(bad)?;
    let information = content.get(header.saturating_add(2)..).unwrap_or(&[]);
    let (first, body) = match information {
        [0xE6, 0xE6 | 0xE7, 0x00, rest @ ..] => (true, rest),
        rest => (false, rest),
    };
    Ok(Piece {
        used: end,
        body,
        first,
        last: format & 0x0800 == 0,
        number: None,
    })
}

fn compare(name: &'static str, said: &[u8; 2], computed: u16, ignore: bool) -> Result<(), Problem> {
    let said = u16::from_le_bytes(*said);
    if said == computed || ignore {
        return Ok(());
    }
    // Shown in the order of the bytes on the line.
    Err(Problem::Check {
        name,
        said: said.swap_bytes(),
        computed: computed.swap_bytes(),
        width: 4,
    })
}

/// The M-Bus long frame at the beginning.
///
/// # Errors
/// [`Flaw`]: not whole yet, or no frame.
pub fn mbus(bytes: &[u8], ignore_checks: bool) -> Result<Piece<'_>, Flaw> {
    let [_, length, again, start, ..] = bytes else {
        return Err(Flaw::More);
    };
    if length != again || *start != LONG || *length < 5 {
        let what = format!("expected 68 L L 68, found 68 {length:02X} {again:02X} {start:02X}");
        return Err(Flaw::Bad(1, Problem::malformed("beginning", what)));
    }
    let end = usize::from(*length).saturating_add(4);
    let (Some(content), Some([sum, stop])) =
        (bytes.get(4..end), bytes.get(end..end.saturating_add(2)))
    else {
        return Err(Flaw::More);
    };
    if *stop != 0x16 {
        let what = format!("expected 16, found {stop:02X}");
        return Err(Flaw::Bad(1, Problem::malformed("stop byte", what)));
    }
    let used = end.saturating_add(2);
    let computed = content
        .iter()
        .fold(0u8, |sum, byte| sum.wrapping_add(*byte));
    if computed != *sum && !ignore_checks {
        let (said, computed) = (u16::from(*sum), u16::from(computed));
        let problem = Problem::Check {
            name: "checksum",
            said,
            computed,
            width: 2,
        };
        return Err(Flaw::Bad(used, problem));
    }
    // C, A, CI, and the two transport addresses.
    let [_, _, ci, _, _, body @ ..] = content else {
        return Err(Flaw::Bad(used, Problem::malformed("frame", "too short")));
    };
    if ci & 0xE0 != 0 {
        let what = format!("expected 00 to 1F, a part of a push, found {ci:02X}");
        return Err(Flaw::Bad(used, Problem::malformed("CI", what)));
    }
    Ok(Piece {
        used,
        body,
        first: ci & 0x0F == 0,
        last: ci & 0x10 != 0,
        number: Some((ci & 0x0F, 16)),
    })
}
