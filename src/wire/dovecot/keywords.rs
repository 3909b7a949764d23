//! `dovecot-keywords`: which letter of a file name stands for which keyword in this folder.
//!
//! ```text
//! 0 $Label1
//! 1 NonJunk
//! ```

use super::lines;

/// Letters from a to z.
const MOST: usize = 26;

/// The names by number: 0 is the letter a. A number that is not named is an empty text.
pub fn parse(octets: &[u8]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for line in lines(octets) {
        let entry = std::str::from_utf8(line).ok().and_then(|line| line.split_once(' '));
        let Some((Ok(number), name)) = entry.map(|(number, name)| (number.parse::<usize>(), name)) else {
            continue;
        };
        if number >= MOST {
            continue;
        }
        if names.len() <= number {
            names.resize(number.saturating_add(1), String::new());
        }
        if let Some(slot) = names.get_mut(number) {
            name.clone_into(slot);
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_their_numbers() {
        for (text, names) in [
            ("", &[][..]),
            ("0 $Label1\n1 foo\n2 $MDNSent\n", &["$Label1", "foo", "$MDNSent"]),
            ("2 c\r\n0 a\n", &["a", "", "c"]),
            (
                "25 z\n26 no\nx no\n-1 no\n99999999999999999999 no\n3\n",
                &[
                    "", "", "", "", "", "", "", "", "", "", "", "", "", "", "", "", "", "", "", "", "", "", "", "", "", "z",
                ],
            ),
        ] {
            assert_eq!(parse(text.as_bytes()), names, "{text}");
        }
    }
}
