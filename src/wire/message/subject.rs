//! The base subject: what the subjects of a message, of its replies and of its forwarded copies have in common (RFC 5256 §2.1).

/// What is left of a subject, and whether something was taken off that marks a reply or a forwarded message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseSubject {
    /// The base subject.
    pub text: String,
    /// Whether the subject was that of a reply or of a forwarded message (RFC 5256 §3 REFERENCES, step 5).
    pub is_reply: bool,
}

impl BaseSubject {
    /// Extracts it from a subject whose encoded words are decoded. Takes time in proportion to the length, whatever stands in it.
    pub fn of(subject: &str) -> Self {
        // Step 1: blanks of all kinds are one space. Those at the begin and the end go by steps 2 and 3 anyway.
        let words: Vec<&str> = subject.split([' ', '\t', '\r', '\n']).filter(|word| !word.is_empty()).collect();
        let spaced = words.join(" ");
        let (mut text, mut is_reply) = (spaced.as_str(), false);
        loop {
            text = without_trailers(text, &mut is_reply);
            text = without_leaders(text, &mut is_reply);
            // Step 6.
            match strip_start(text, "[fwd:").and_then(|rest| rest.strip_suffix(']')) {
                Some(inner) => (text, is_reply) = (inner, true),
                None => break,
            }
        }
        let text = text.to_owned();
        Self { text, is_reply }
    }
}

/// Step 2: `(fwd)` at the end.
fn without_trailers<'a>(mut text: &'a str, is_reply: &mut bool) -> &'a str {
    loop {
        text = text.trim_end_matches(' ');
        match strip_end(text, "(fwd)") {
            Some(rest) => (text, *is_reply) = (rest, true),
            None => return text,
        }
    }
}

/// Steps 3 to 5: `Re:`, `Fwd:` with blobs before and in them, and blobs that something stands behind.
fn without_leaders<'a>(mut text: &'a str, is_reply: &mut bool) -> &'a str {
    loop {
        text = text.trim_start_matches(' ');
        // All blobs at once: what stands behind them decides over each.
        let (mut behind, mut last) = (text, text);
        while let Some(rest) = without_blob(behind) {
            (last, behind) = (behind, rest);
        }
        match without_refwd(behind) {
            Some(rest) => (text, *is_reply) = (rest, true),
            // Step 4: a blob is not taken off if nothing would be left.
            None if behind.is_empty() => return last,
            None => return behind,
        }
    }
}

/// subj-refwd: `Re:`, `Fw [x]:`
fn without_refwd(text: &str) -> Option<&str> {
    let rest = strip_start(text, "re")
        .or_else(|| strip_start(text, "fwd"))
        .or_else(|| strip_start(text, "fw"))?
        .trim_start_matches(' ');
    rest.strip_prefix(':').or_else(|| without_blob(rest)?.strip_prefix(':'))
}

/// subj-blob: `[x] `
fn without_blob(text: &str) -> Option<&str> {
    let inner = text.strip_prefix('[')?;
    let (_, rest) = inner.split_at_checked(inner.find(['[', ']'])?)?;
    Some(rest.strip_prefix(']')?.trim_start_matches(' '))
}

fn strip_start<'a>(text: &'a str, start: &str) -> Option<&'a str> {
    let (head, rest) = text.split_at_checked(start.len())?;
    head.eq_ignore_ascii_case(start).then_some(rest)
}

fn strip_end<'a>(text: &'a str, end: &str) -> Option<&'a str> {
    let (rest, tail) = text.split_at_checked(text.len().checked_sub(end.len())?)?;
    tail.eq_ignore_ascii_case(end).then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base_subjects_are_extracted() {
        for (subject, base, is_reply) in [
            ("", "", false),
            ("Hello", "Hello", false),
            ("  Hello \t there\r\n  you ", "Hello there you", false),
            ("Re: Hello", "Hello", true),
            ("RE: re: Fwd: FW: hello", "hello", true),
            ("Re:Hello", "Hello", true),
            ("Re : Hello", "Hello", true),
            ("Re[2]: Hello", "Hello", true),
            ("Fw [x] : Hello", "Hello", true),
            ("Fw [x] y: Hello", "Fw [x] y: Hello", false),
            ("[list] Hello", "Hello", false),
            ("[list] Re: Hello", "Hello", true),
            ("[a] [b] re [c] : [d] Hello", "Hello", true),
            ("Re: [list] Re: Hello", "Hello", true),
            ("[only]", "[only]", false),
            ("[a][b]", "[b]", false),
            ("Re: [only]", "[only]", true),
            ("Hello (fwd)", "Hello", true),
            ("Hello (FWD) (fwd) ", "Hello", true),
            ("(fwd)", "", true),
            ("Re:", "", true),
            ("[fwd: Hello]", "Hello", true),
            ("[Fwd: [fwd: Re: Hello (fwd)]]", "Hello", true),
            ("[fwd: Hello", "[fwd: Hello", false),
            ("[fwd: Hello] you", "you", false),
            ("Regarding: Hello", "Regarding: Hello", false),
            ("AW: Hallo", "AW: Hallo", false),
            ("[Grüße] Ünïcode", "Ünïcode", false),
            ("re", "re", false),
            ("[a [b] c", "[a [b] c", false),
        ] {
            let want = BaseSubject {
                text: base.into(),
                is_reply,
            };
            assert_eq!(BaseSubject::of(subject), want, "{subject:?}");
        }
    }

    #[test]
    fn a_subject_of_blobs_takes_no_time() {
        let blobs = "[]".repeat(500_000);
        assert_eq!(BaseSubject::of(&blobs).text, "[]");
        let nested = format!("{}x{}", "[fwd: re: ".repeat(50_000), "]".repeat(50_000));
        assert_eq!(BaseSubject::of(&nested).text, "x");
    }
}
