//! The text of a file, whatever it is encoded in.

use crate::dialect::Dialect;
use encoding_rs::{Encoding, UTF_16BE, UTF_16LE, UTF_8};
use std::fs::File;
use std::io::{self, BufReader, Cursor, Read, Seek, SeekFrom};
use std::path::Path;

/// Most bytes of a file that is not UTF-8: it is decoded as a whole.
const MOST_DECODED: u64 = 1 << 30;

/// What a file is by its first bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Text.
    Text,
    /// A workbook of Excel or another spreadsheet program.
    Workbook,
    /// Something else, by its name.
    Other(&'static str),
}

/// First bytes of a file.
fn head(file: &mut File) -> io::Result<Vec<u8>> {
    let mut head = Vec::with_capacity(512);
    file.take(512).read_to_end(&mut head)?;
    file.seek(SeekFrom::Start(0))?;
    Ok(head)
}

/// What the file is.
pub(crate) fn kind(path: &Path) -> io::Result<Kind> {
    let head = head(&mut File::open(path)?)?;
    Ok(match head.get(..4).unwrap_or(&head) {
        b"PK\x03\x04" | b"\xd0\xcf\x11\xe0" => Kind::Workbook,
        b"PAR1" => Kind::Other("a Parquet file"),
        b"\x89HDF" => Kind::Other("an HDF5 file"),
        b"\x28\xb5\x2f\xfd" => Kind::Other("a file compressed with zstd"),
        b"\xff\xfe\x00\x00" | b"\x00\x00\xfe\xff" => Kind::Other("a text in UTF-32"),
        [0x1f, 0x8b, ..] => Kind::Other("a file compressed with gzip"),
        b"SQLi" => Kind::Other("an SQLite database"),
        _ => Kind::Text,
    })
}

/// The encoding that the first bytes state, and the length of the mark.
fn marked(head: &[u8]) -> Option<(&'static Encoding, usize)> {
    Encoding::for_bom(head)
}

/// UTF-16 without a mark: every other byte of plain text is zero.
fn looks_like_utf16(head: &[u8]) -> Option<&'static str> {
    let zeros = |from: usize| {
        let all = head.iter().skip(from).step_by(2);
        let (count, zero) = all.fold((0_usize, 0_usize), |(n, z), b| {
            (n.saturating_add(1), z.saturating_add(usize::from(*b == 0)))
        });
        count > 3 && zero.saturating_mul(10) > count.saturating_mul(9)
    };
    match (zeros(0), zeros(1)) {
        (false, true) => Some("utf-16le"),
        (true, false) => Some("utf-16be"),
        _ => None,
    }
}

/// True where lines end with a carriage return alone, as those of old do.
fn only_returns(head: &[u8]) -> bool {
    let last = head.len().saturating_sub(1);
    let first = head.iter().position(|b| *b == b'\r');
    !head.contains(&b'\n') && first.is_some_and(|at| at < last)
}

/// A text with line feeds for carriage returns.
struct Fed<R>(R);

impl<R: Read> Read for Fed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.0.read(buffer)?;
        for byte in buffer.iter_mut().take(count).filter(|b| **b == b'\r') {
            *byte = b'\n';
        }
        Ok(count)
    }
}

/// Opens a text as UTF-8 without a mark, its lines ended by line feeds. Bytes that are no UTF-8 in a file without a stated encoding are
/// passed on, to be refused at their line.
///
/// # Errors
/// What the operating system says, or a reason with what to do.
pub(crate) fn open(
    path: &Path,
    dialect: &Dialect,
) -> Result<Box<dyn Read>, (String, Option<String>)> {
    let plain = |e: io::Error| (e.to_string(), None);
    let mut file = File::open(path).map_err(plain)?;
    let head = head(&mut file).map_err(plain)?;
    let (encoding, skip) = match (marked(&head), dialect.encoding) {
        (Some((encoding, skip)), _) => (encoding, skip),
        (None, Some(encoding)) => (encoding, 0),
        (None, None) => (UTF_8, 0),
    };
    if encoding == UTF_8 {
        if dialect.encoding.is_none() {
            if let Some(label) = looks_like_utf16(&head) {
                let expected = format!("encoding = \"{label}\" beside the file");
                return Err(("it looks like UTF-16 without a mark".into(), Some(expected)));
            }
        }
        let skip = u64::try_from(skip).unwrap_or(0);
        file.seek(SeekFrom::Start(skip)).map_err(plain)?;
        let text = BufReader::new(file);
        return Ok(match only_returns(&head) {
            true => Box::new(Fed(text)),
            false => Box::new(text),
        });
    }
    let length = file.metadata().map_err(plain)?.len();
    if length > MOST_DECODED {
        let expected = format!("at most {MOST_DECODED} bytes, or a file in UTF-8");
        return Err((
            format!("{length} bytes of {}", encoding.name()),
            Some(expected),
        ));
    }
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).map_err(plain)?;
    let (text, _, wrong) = encoding.decode(&bytes);
    if wrong && (encoding == UTF_16LE || encoding == UTF_16BE) {
        let expected = "whole characters of that encoding".to_string();
        return Err((format!("it is no {}", encoding.name()), Some(expected)));
    }
    let bytes = text.into_owned().into_bytes();
    let returns = only_returns(bytes.get(..512).unwrap_or(&bytes));
    let text = Cursor::new(bytes);
    Ok(match returns {
        true => Box::new(Fed(text)),
        false => Box::new(text),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn utf16_is_told_by_its_zeros() {
        let le: Vec<u8> = "time,load\n1,2"
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        let be: Vec<u8> = "time,load\n1,2"
            .encode_utf16()
            .flat_map(u16::to_be_bytes)
            .collect();
        assert_eq!(looks_like_utf16(&le), Some("utf-16le"));
        assert_eq!(looks_like_utf16(&be), Some("utf-16be"));
        assert_eq!(looks_like_utf16(b"time,load\n1,2"), None);
    }
}
