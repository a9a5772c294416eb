//! Encrypted pushes: `general-glo-ciphering` under AES-128-GCM with the owner's key (IEC 62056-5-3, suite 0).

use crate::stream::Problem;
use aes::cipher::{KeyIvInit, StreamCipher};
use aes::Aes128;
use aes_gcm::aead::consts::U12;
use aes_gcm::aead::{AeadInPlace, KeyInit};
use aes_gcm::AesGcm;
use std::fmt;

/// GCM with the 12 bytes of tag that DLMS sends.
type Gcm = AesGcm<Aes128, U12, U12>;
/// GCM's own counter mode, for what is encrypted without a tag, or whose tag cannot be checked.
type Counter = ctr::Ctr32BE<Aes128>;

/// The owner's keys, from the grid operator.
#[derive(Clone, PartialEq, Eq)]
pub struct Keys {
    /// Encryption key (GUEK).
    pub encryption: [u8; 16],
    /// Authentication key (GAK), where the operator gives it.
    pub authentication: Option<[u8; 16]>,
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keys(..)")
    }
}

/// A key of 16 bytes from 32 hexadecimal digits.
pub fn parse_key(text: &str) -> Option<[u8; 16]> {
    let text = text.trim();
    if text.len() != 32 || !text.is_ascii() {
        return None;
    }
    let mut key = [0u8; 16];
    for (n, byte) in key.iter_mut().enumerate() {
        let from = n.checked_mul(2)?;
        let pair = text.get(from..from.checked_add(2)?)?;
        *byte = u8::from_str_radix(pair, 16)
            .ok()
            .filter(|_| !pair.starts_with('+'))?;
    }
    Some(key)
}

/// `general-glo-ciphering`.
pub const GENERAL_GLO: u8 = 0xDB;
/// `general-ded-ciphering`.
pub const GENERAL_DED: u8 = 0xDC;

/// What was opened.
#[derive(Debug)]
pub struct Opened {
    /// The plain APDU, or a P1 telegram.
    pub plain: Vec<u8>,
    /// The meter's system title.
    pub title: [u8; 8],
    /// Its frame counter.
    pub counter: u32,
    /// Whether its tag was checked.
    pub authentic: bool,
}

/// The parts of an encrypted APDU.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Envelope<'a> {
    /// System title.
    pub title: [u8; 8],
    /// Security control byte.
    pub control: u8,
    /// Frame counter.
    pub counter: u32,
    /// Ciphertext, and the tag where there is one.
    pub body: &'a [u8],
}

/// How many bytes an encrypted APDU at the beginning takes. `Ok(None)`: not enough to say.
///
/// # Errors
/// It is none.
pub fn length(bytes: &[u8]) -> Result<Option<usize>, Problem> {
    match bytes.first() {
        None => return Ok(None),
        Some(&(GENERAL_GLO | GENERAL_DED)) => {}
        Some(other) => {
            return Err(Problem::malformed(
                "tag",
                format!("expected DB or DC, found {other:02X}"),
            ))
        }
    }
    match bytes.get(1) {
        None => return Ok(None),
        Some(8) => {}
        Some(n) => {
            return Err(Problem::malformed(
                "system title",
                format!("expected 8 bytes, found {n}"),
            ))
        }
    }
    let Some(rest) = bytes.get(10..) else {
        return Ok(None);
    };
    let Some((size, used)) = ber_length(rest)? else {
        return Ok(None);
    };
    Ok(10usize.checked_add(used).and_then(|n| n.checked_add(size)))
}

/// A length of A-XDR and BER, and how many bytes it takes itself.
///
/// # Errors
/// It is longer than two bytes.
pub fn ber_length(bytes: &[u8]) -> Result<Option<(usize, usize)>, Problem> {
    Ok(match bytes {
        [short, ..] if *short < 0x80 => Some((usize::from(*short), 1)),
        [0x81, n, ..] => Some((usize::from(*n), 2)),
        [0x82, high, low, ..] => Some((usize::from(u16::from_be_bytes([*high, *low])), 3)),
        [] | [0x81 | 0x82, ..] => None,
        [other, ..] => {
            let what = format!("expected at most 65,535 (81 or 82), found {other:02X}");
            return Err(Problem::malformed("length", what));
        }
    })
}

/// Takes an encrypted APDU apart.
///
/// # Errors
/// It is cut off or malformed.
pub fn envelope(bytes: &[u8]) -> Result<Envelope<'_>, Problem> {
    let cut = || {
        Problem::malformed(
            "encrypted APDU",
            format!("cut off after {} bytes", bytes.len()),
        )
    };
    let whole = length(bytes)?.ok_or_else(cut)?;
    let whole = bytes.get(..whole).ok_or_else(cut)?;
    let title = whole
        .get(2..10)
        .and_then(|t| t.try_into().ok())
        .ok_or_else(cut)?;
    let rest = whole.get(10..).ok_or_else(cut)?;
    let (_, used) = ber_length(rest)?.ok_or_else(cut)?;
    match rest.get(used..) {
        Some([control, c0, c1, c2, c3, body @ ..]) => Ok(Envelope {
            title,
            control: *control,
            counter: u32::from_be_bytes([*c0, *c1, *c2, *c3]),
            body,
        }),
        _ => Err(cut()),
    }
}

/// Opens an encrypted APDU.
///
/// # Errors
/// There is no key, the key does not fit, or the APDU is malformed.
pub fn open(bytes: &[u8], keys: Option<&Keys>) -> Result<Opened, Problem> {
    let Envelope {
        title,
        control,
        counter,
        body,
    } = envelope(bytes)?;
    let opened = |plain: Vec<u8>, authentic| Opened {
        plain,
        title,
        counter,
        authentic,
    };
    let tagged = control & 0x10 != 0;
    if control & 0x0F != 0 {
        let what = format!("suite {}: only suite 0 (AES-128) is known", control & 0x0F);
        return Err(Problem::Locked(what));
    }
    if control & 0x80 != 0 {
        return Err(Problem::Locked("its content is compressed".into()));
    }
    if control & 0x20 == 0 {
        // Plain, perhaps with a tag.
        let text = if tagged {
            body.split_last_chunk::<12>().map(|(text, _)| text)
        } else {
            Some(body)
        };
        let text = text.ok_or_else(|| Problem::malformed("tag", "cut off"))?;
        return Ok(opened(text.to_vec(), false));
    }
    let Some(keys) = keys else {
        return Err(Problem::Locked("the owner's key is needed".into()));
    };
    let mut iv = [0u8; 12];
    for (to, from) in iv
        .iter_mut()
        .zip(title.iter().chain(&counter.to_be_bytes()))
    {
        *to = *from;
    }
    let (text, tag) = if tagged {
        let (text, tag) = body
            .split_last_chunk::<12>()
            .ok_or_else(|| Problem::malformed("tag", "cut off"))?;
        (text, Some(tag))
    } else {
        (body, None)
    };
    let mut plain = text.to_vec();
    if let (Some(tag), Some(authentication)) = (tag, keys.authentication) {
        let mut additional = vec![control];
        additional.extend_from_slice(&authentication);
        let gcm = Gcm::new(&keys.encryption.into());
        return match gcm.decrypt_in_place_detached(&iv.into(), &additional, &mut plain, tag.into())
        {
            Ok(()) => Ok(opened(plain, true)),
            Err(_) => {
                let what = "the tag does not fit: a wrong encryption or authentication key, or a forged frame";
                Err(Problem::Locked(what.into()))
            }
        };
    }
    let mut block = [0u8; 16];
    for (to, from) in block.iter_mut().zip(iv.iter().chain(&[0, 0, 0, 2])) {
        *to = *from;
    }
    Counter::new_from_slices(&keys.encryption, &block)
        .map_err(|_| Problem::Locked("a key of another length than 16 bytes".into()))?
        .apply_keystream(&mut plain);
    Ok(opened(plain, false))
}
