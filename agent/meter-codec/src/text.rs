//! Captures as people keep them: bytes, or bytes written as hexadecimal text.

/// The bytes of a capture. Text of hexadecimal digits with blanks, colons, dashes, commas or quotes between them is
/// turned into what it writes; everything else is taken as it is.
pub fn bytes(capture: &[u8]) -> Vec<u8> {
    unhex(capture).unwrap_or_else(|| capture.to_vec())
}

fn unhex(capture: &[u8]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(capture).ok()?;
    let mut digits = Vec::new();
    for line in text.lines() {
        let line = line.split('#').next().unwrap_or("").replace("0x", " ");
        for character in line.chars() {
            match character.to_digit(16) {
                Some(digit) => digits.push(u8::try_from(digit).ok()?),
                None if character.is_whitespace() || ":-,;'\"".contains(character) => {}
                None => return None,
            }
        }
    }
    if digits.len() < 2 {
        return None;
    }
    digits
        .chunks(2)
        .map(|pair| match pair {
            [high, low] => Some((high << 4) | low),
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hexadecimal_text_is_read_in_its_forms() {
        for text in [
            "7ea0 7E",
            "7E:A0:7E",
            "7ea07e',\n",
            "7E-A0-\n7E",
            "0x7E, 0xA0, 0x7e # flag",
        ] {
            assert_eq!(bytes(text.as_bytes()), [0x7E, 0xA0, 0x7E], "{text}");
        }
        for other in ["/ISk5", "7ea", "", "{\"a\":1}"] {
            assert_eq!(bytes(other.as_bytes()), other.as_bytes());
        }
    }
}
