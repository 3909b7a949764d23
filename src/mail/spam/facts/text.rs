//! Texts as they are meant to be read, and the tricks by which programs are to read something else.

use unicode_security::MixedScript;
use unicode_security::confusable_detection::skeleton;

/// A text made plain: in lower case, blanks are one blank, without characters that nobody sees.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(in crate::mail::spam) struct Plain {
    /// The text.
    pub folded: String,
    /// Its letters and digits.
    pub letters: usize,
    /// Its capitals.
    pub capitals: usize,
    /// Its words.
    pub words: usize,
    /// Characters inside of words that nobody sees.
    pub invisible: usize,
    /// Words that mix scripts to look like others.
    pub mixed: usize,
}

impl Plain {
    /// Makes a text plain.
    pub(in crate::mail::spam) fn of(text: &str) -> Self {
        let mut plain = Self::default();
        plain.folded.reserve(text.len());
        let mut word = String::new();
        let mut behind_letter = false;
        let mut rest = text;
        loop {
            // Most of most texts: taken at once, which is several times as fast as letter by letter.
            let run = rest.bytes().take_while(u8::is_ascii_alphanumeric).count();
            let (letters, behind) = rest.split_at_checked(run).unwrap_or((rest, ""));
            if run > 0 {
                match word.is_empty() && behind.bytes().next().is_none_or(|octet| octet.is_ascii()) {
                    true => plain.add_word(letters),
                    false => plain.add_ascii(letters, &mut word),
                }
                behind_letter = true;
            }
            let mut chars = behind.chars();
            let Some(c) = chars.next() else { break };
            rest = chars.as_str();
            if is_invisible(c) {
                plain.invisible += usize::from(behind_letter);
                continue;
            }
            behind_letter = c.is_alphanumeric();
            plain.add(c, &mut word);
        }
        plain.end_word(&mut word);
        plain
    }

    /// Adds letters and digits of ASCII that are a whole word.
    fn add_word(&mut self, letters: &str) {
        self.words += 1;
        self.count(letters);
        push_lower(&mut self.folded, letters);
    }

    /// Adds letters and digits of ASCII to a word.
    fn add_ascii(&mut self, letters: &str, word: &mut String) {
        self.count(letters);
        push_lower(word, letters);
    }

    fn count(&mut self, letters: &str) {
        self.letters += letters.len();
        self.capitals += letters.bytes().filter(u8::is_ascii_uppercase).count();
    }

    /// Adds a character.
    fn add(&mut self, c: char, word: &mut String) {
        if c.is_alphanumeric() {
            self.letters += 1;
            self.capitals += usize::from(c.is_uppercase());
            word.extend(c.to_lowercase());
            return;
        }
        self.end_word(word);
        if !c.is_whitespace() {
            self.folded.push(c);
        } else if !self.folded.is_empty() && !self.folded.ends_with(' ') {
            self.folded.push(' ');
        }
    }

    fn end_word(&mut self, word: &mut String) {
        if word.is_empty() {
            return;
        }
        self.words += 1;
        let has_latin = || word.bytes().any(|octet| octet.is_ascii_alphabetic());
        if !word.is_ascii() && has_latin() && word.chars().any(|c| latin(c).is_some()) {
            self.mixed += 1;
            self.folded.extend(word.chars().map(|c| latin(c).unwrap_or(c)));
        } else {
            self.folded.push_str(word);
        }
        word.clear();
    }
}

fn push_lower(out: &mut String, letters: &str) {
    let begin = out.len();
    out.push_str(letters);
    if let Some(added) = out.get_mut(begin..) {
        added.make_ascii_lowercase();
    }
}

/// The Latin letter that a letter of another script is taken for.
fn latin(c: char) -> Option<char> {
    Some(match c {
        'а' | 'α' => 'a',
        'е' | 'ё' | 'ε' => 'e',
        'о' | 'ο' | 'σ' => 'o',
        'р' | 'ρ' => 'p',
        'с' => 'c',
        'х' | 'χ' => 'x',
        'у' | 'γ' => 'y',
        'і' | 'ι' => 'i',
        'ј' => 'j',
        'ѕ' => 's',
        'к' | 'κ' => 'k',
        'м' => 'm',
        'н' => 'h',
        'т' | 'τ' => 't',
        'в' | 'β' => 'b',
        'ԁ' => 'd',
        'ν' => 'v',
        'υ' => 'u',
        _ => return None,
    })
}

/// Characters that take no place: soft hyphens, joiners, directions, tags. Not those that make an emoji or a letter of an Indic or Arabic
/// word what it is, where they stand behind one (they are not behind a Latin letter).
pub(in crate::mail::spam) const fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180e}'
        | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2064}' | '\u{206a}'..='\u{206f}' | '\u{feff}'
        | '\u{e0000}'..='\u{e007f}')
}

/// What a name looks like: the same for all that are taken for one another.
pub(in crate::mail::spam) fn look_alike(text: &str) -> String {
    let lower = text.to_lowercase();
    let shapes: String = match lower.is_ascii() {
        // The skeletons of ASCII, without looking them up.
        true => lower.replace('m', "rn"),
        false => skeleton(&lower).collect::<String>().to_lowercase(),
    };
    let letter = |c| match c {
        '0' => 'o',
        '1' | '|' | '!' => 'l',
        '3' => 'e',
        '4' | '@' => 'a',
        '5' | '$' => 's',
        '7' => 't',
        // An I and an l are one in many a font.
        'i' => 'l',
        c => c,
    };
    shapes.chars().map(letter).collect::<String>().replace("vv", "w")
}

/// Whether letters of scripts that do not belong together stand in one word.
pub(in crate::mail::spam) fn mixes_scripts(word: &str) -> bool {
    !word.is_ascii() && !word.is_single_script()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_made_plain() {
        let plain = Plain::of("Buy  V\u{200b}iag\u{ad}ra\r\nNOW, \u{440}\u{430}ypal Привет");
        assert_eq!(plain.folded, "buy viagra now, paypal привет");
        assert_eq!((plain.invisible, plain.mixed, plain.words, plain.capitals), (2, 1, 5, 6));
    }

    #[test]
    fn what_looks_alike_is_the_same() {
        let paypal = look_alike("paypal");
        for name in ["PayPal", "paypa1", "pаypal", "раураl", "paypaI"] {
            assert_eq!(look_alike(name), paypal, "{name}");
        }
        assert_eq!(look_alike("rnicr0soft"), look_alike("Microsoft"));
        assert_eq!(look_alike("arnazon"), look_alike("amazon"));
        assert_ne!(look_alike("example"), paypal);
    }

    #[test]
    fn scripts_that_do_not_belong_together_are_seen() {
        assert!(mixes_scripts("pаypal"));
        for one in ["paypal", "привет", "東京タワー", "grüße"] {
            assert!(!mixes_scripts(one), "{one}");
        }
    }
}
