//! `subscriptions`: the folders that a user has subscribed to, as they are called on disk.
//!
//! The first form has a name a line, its levels parted by the separator of the layout. The second begins with `V`, a tab and `2`, then an
//! empty line; its levels are parted by tabs, and what cannot stand in a line is escaped with `\001`.

use super::lines;

/// How the second form begins.
const SECOND: &[u8] = b"V\t2\n";

/// The names, each as its levels. `separator`: between the levels in the first form.
pub fn parse(octets: &[u8], separator: char) -> Vec<Vec<String>> {
    let (octets, is_second) = match octets.strip_prefix(SECOND) {
        Some(rest) => (rest, true),
        None => (octets, false),
    };
    lines(octets)
        .filter_map(|line| std::str::from_utf8(line).ok())
        .map(|line| match is_second {
            true => line.split('\t').map(unescaped).collect::<Vec<_>>(),
            false => line.split(separator).map(ToOwned::to_owned).collect(),
        })
        .filter(|levels| levels.iter().all(|level| !level.is_empty()))
        .collect()
}

/// Dovecot's escapes of what parts fields and lines.
fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\u{1}' => out.extend(chars.next().map(|escaped| match escaped {
                '0' => '\0',
                '1' => '\u{1}',
                't' => '\t',
                'r' => '\r',
                'n' => '\n',
                other => other,
            })),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_are_read() {
        for (text, separator, want) in [
            ("", '.', &[][..]),
            // Dovecot 2.3.19.
            (
                "V\t2\n\nSent\nArch\t2024\nEntw&APw-rfe\na b\"c\n",
                '.',
                &[&["Sent"][..], &["Arch", "2024"], &["Entw&APw-rfe"], &["a b\"c"]],
            ),
            ("V\t2\n\nv1.2\tx\u{1}ty\n\t\n", '/', &[&["v1.2", "x\ty"]]),
            // Dovecot before 2.2.36, Courier.
            ("Sent\nArch.2024\r\n..\n", '.', &[&["Sent"], &["Arch", "2024"]]),
            ("Arch/v1.2\n", '/', &[&["Arch", "v1.2"]]),
        ] {
            assert_eq!(parse(text.as_bytes(), separator), want, "{text}");
        }
    }
}
