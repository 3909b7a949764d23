//! How the message is built, and what is wrong with it.
//!
//! RFC 2045 §4, §6 (MIME-Version, encodings), RFC 2046 §5.1 (multipart)

use super::{Rule, rule, that, when};
use crate::mail::spam::tokens::hash;
use crate::wire::message::structure::Part;
use crate::wire::message::transfer::Encoding;

pub(super) const RULES: &[Rule] = &[
    rule(
        "MISSING_MIME_VERSION",
        1.0,
        "It has parts or an encoding, and no MIME-Version.",
        |it| {
            let is_mime = it.structure.root.is_multipart() || it.has("Content-Transfer-Encoding");
            when(is_mime && !it.has("MIME-Version"))
        },
    ),
    rule(
        "MIME_BASE64_TEXT_BOGUS",
        1.5,
        "Its text is encoded as base64 though it is ASCII.",
        |it| {
            let bogus = |part: &&Part| is_base64(part) && part.is_text() && part.disposition.is_none();
            let is_ascii = it.plain.as_deref().is_none_or(str::is_ascii) && it.html.as_deref().is_none_or(str::is_ascii);
            when(is_ascii && it.text.letters > 0 && it.parts().any(|part| bogus(&part)))
        },
    ),
    rule("MIME_BASE64_TEXT", 0.2, "Its text is encoded as base64.", |it| {
        when(
            it.parts()
                .any(|part| is_base64(part) && part.is_text() && part.disposition.is_none()),
        )
    }),
    rule("MIME_HTML_ONLY", 0.5, "It has HTML only.", |it| {
        when(it.html.is_some() && it.plain.is_none())
    }),
    rule("R_PARTS_DIFFER", 0.7, "Its plain text and its HTML say different things.", |it| {
        let (plain, seen) = (it.plain.as_deref()?, it.page.as_ref()?.text.as_str());
        if !it.parts().any(|part| part.is("multipart", "alternative")) {
            return None;
        }
        let (one, other) = (words(plain), words(seen));
        let common = one.iter().filter(|word| other.binary_search(word).is_ok()).count();
        let least = one.len().min(other.len());
        that(least >= 8 && common * 10 < least * 3, format!("{common} of {least}"))
    }),
    rule("MIME_BAD_CHARSET", 0.7, "A text is in a charset that nobody knows.", |it| {
        let charset = it.parts().filter(|part| part.is_text()).filter_map(|part| part.param("charset"));
        let mut odd = charset.filter(|it| it.iter().any(|octet| !octet.is_ascii_graphic()) || it.is_empty());
        when(odd.next().is_some())
    }),
    rule("MIME_BAD_ENCODING", 1.0, "A part is encoded in a way that nobody knows.", |it| {
        let unknown = |part: &&Part| part.encoding.is_some() && Encoding::known(part.encoding.as_deref()).is_none();
        when(it.parts().any(|part| unknown(&part)))
    }),
    rule(
        "MIME_ENCODED_MULTIPART",
        1.5,
        "A multipart is encoded itself, which it must not be.",
        |it| {
            let is_encoded = |part: &&Part| part.is_multipart() && Encoding::named(part.encoding.as_deref()) != Encoding::Identity;
            when(it.parts().any(|part| is_encoded(&part)))
        },
    ),
    rule("MIME_MANY_PARTS", 0.5, "It has more than fifty parts.", |it| {
        when(it.parts().count() > 50)
    }),
    rule("MIME_DEEP", 1.5, "Its parts are nested very deep.", |it| {
        when(depth(&it.structure.root, 0) > 8)
    }),
    rule(
        "MIME_ONE_ALTERNATIVE",
        1.0,
        "There is nothing to choose between in its alternatives.",
        |it| {
            when(
                it.parts()
                    .any(|part| part.is("multipart", "alternative") && part.children.len() == 1),
            )
        },
    ),
    rule(
        "MIME_TWICE_TYPED",
        2.0,
        "Content-Type stands twice: readers and checkers may choose differently.",
        |it| when(it.count("Content-Type") > 1 || it.count("Content-Transfer-Encoding") > 1),
    ),
    rule("MIME_NUL", 1.5, "Its text has octets that no text has.", |it| {
        let has_nul = |text: &Option<String>| text.as_deref().is_some_and(|text| text.contains('\0'));
        when(has_nul(&it.plain) || has_nul(&it.html))
    }),
    rule("MIME_TEXT_AS_FILE", 0.5, "Its HTML is sent as a file of an unnamed type.", |it| {
        when(
            it.files()
                .iter()
                .any(|file| file.media_type == "application/octet-stream" && matches!(file.ending().as_str(), "htm" | "html")),
        )
    }),
    rule("EMPTY_BODY", 1.0, "It says nothing and carries nothing.", |it| {
        when(it.text.words == 0 && it.files().is_empty() && it.page.as_ref().is_none_or(|page| page.pictures.is_empty()))
    }),
    rule("ONLY_A_FILE", 0.7, "It says nothing and carries a file.", |it| {
        when(it.text.words == 0 && !it.files().is_empty())
    }),
    rule(
        "MIME_ODD_BOUNDARY",
        0.5,
        "A boundary is of characters that programs do not make.",
        |it| {
            let boundary = it.structure.root.param("boundary")?;
            when(boundary.len() < 4 || boundary.contains(&b' '))
        },
    ),
];

fn is_base64(part: &Part) -> bool {
    Encoding::named(part.encoding.as_deref()) == Encoding::Base64
}

fn depth(part: &Part, at: usize) -> usize {
    if at > 20 {
        return at;
    }
    part.children.iter().map(|child| depth(child, at + 1)).max().unwrap_or(at)
}

/// The words of the begin of a text without regard to capitals, as their hashes, each once, ascending.
fn words(text: &str) -> Vec<u64> {
    let begin = text.get(..text.floor_char_boundary(32_768)).unwrap_or(text);
    let words = begin
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| word.chars().nth(2).is_some());
    let is_lower = |word: &str| word.bytes().all(|octet| octet.is_ascii_lowercase());
    let folded = words.take(500).map(|word| match is_lower(word) {
        true => hash(word),
        false => hash(&word.to_lowercase()),
    });
    let mut words: Vec<u64> = folded.collect();
    words.sort_unstable();
    words.dedup();
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depth_is_bounded() {
        let mut part = Part::default();
        for _ in 0..50 {
            part = Part {
                children: vec![part],
                ..Part::default()
            };
        }
        assert_eq!(depth(&part, 0), 21);
    }
}
