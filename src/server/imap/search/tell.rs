//! The answers to SEARCH and SORT, old and extended (RFC 3501 §7.2.5, RFC 4731 §3.1, RFC 5267 §3).

use crate::model::ids::ModSeq;
use crate::server::imap::outcome::Fault;
use crate::server::imap::updates;
use crate::wire::imap::encode::{number, set};
use crate::wire::imap::partial::Partial;
use crate::wire::imap::search::Returns;

use super::Asked;

/// What a command found.
pub(in crate::server::imap) struct Answer {
    /// The command.
    pub(in crate::server::imap) name: &'static str,
    /// Sequence numbers or UIDs, in the order that was asked for.
    pub(in crate::server::imap) numbers: Vec<u32>,
    /// Whether they are UIDs.
    pub(in crate::server::imap) uid: bool,
    /// The highest modseq among them, if it was asked for.
    pub(in crate::server::imap) modseq: Option<ModSeq>,
}

/// Writes the answer.
pub(in crate::server::imap) async fn tell(answer: &Answer, returns: Option<Returns>, asked: &mut Asked<'_>) -> Result<(), Fault> {
    match returns {
        None => tell_plain(answer, asked).await,
        // RFC 5182 §2.1: what is only saved is not told.
        Some(returns) if returns.save && !returns.names_results() => Ok(()),
        Some(returns) => {
            tell_extended(answer, returns, asked);
            Ok(())
        }
    }
}

/// `* SEARCH 2 84 882`, with `(MODSEQ n)` where it was asked for.
async fn tell_plain(answer: &Answer, asked: &mut Asked<'_>) -> Result<(), Fault> {
    let mut out = b"* ".to_vec();
    out.extend_from_slice(answer.name.as_bytes());
    for &value in &answer.numbers {
        out.push(b' ');
        number(&mut out, u64::from(value));
        updates::pass_on(&mut out, asked.stream).await?;
    }
    if let Some(modseq) = answer.modseq {
        out.extend_from_slice(b" (MODSEQ ");
        number(&mut out, modseq.0);
        out.push(b')');
    }
    out.extend_from_slice(b"\r\n");
    asked.stream.write(&out);
    Ok(())
}

/// `* ESEARCH (TAG "a") UID MIN 2 COUNT 3` (RFC 4731 §3.1). Of what was sorted, MIN is the first and MAX the last, and ALL keeps the
/// order (RFC 5267 §3.1).
fn tell_extended(answer: &Answer, returns: Returns, asked: &mut Asked<'_>) {
    let numbers = &answer.numbers;
    let mut out = b"* ESEARCH (TAG \"".to_vec();
    out.extend_from_slice(asked.tag.as_str().as_bytes());
    out.extend_from_slice(b"\")");
    if answer.uid {
        out.extend_from_slice(b" UID");
    }
    // RFC 4731 §3.1: nothing found has no MIN, MAX and ALL.
    for (wanted, name, value) in [(returns.min, " MIN ", numbers.first()), (returns.max, " MAX ", numbers.last())] {
        if let (true, Some(&value)) = (wanted, value) {
            out.extend_from_slice(name.as_bytes());
            number(&mut out, u64::from(value));
        }
    }
    if returns.tells_all() && !numbers.is_empty() {
        out.extend_from_slice(b" ALL ");
        set(&mut out, numbers.iter().copied());
    }
    if let Some(partial) = returns.partial {
        tell_partial(&mut out, partial, numbers);
    }
    if returns.count {
        out.extend_from_slice(b" COUNT ");
        number(&mut out, numbers.len() as u64);
    }
    if let Some(modseq) = answer.modseq {
        out.extend_from_slice(b" MODSEQ ");
        number(&mut out, modseq.0);
    }
    out.extend_from_slice(b"\r\n");
    asked.stream.write(&out);
}

/// ` PARTIAL (-1:-100 7,9:12)`, or NIL for nothing (RFC 9394 §3.1).
fn tell_partial(out: &mut Vec<u8>, partial: Partial, numbers: &[u32]) {
    out.extend_from_slice(b" PARTIAL (");
    partial.write(out);
    out.push(b' ');
    match numbers.get(partial.window(numbers.len())) {
        Some([]) | None => out.extend_from_slice(b"NIL"),
        Some(window) => set(out, window.iter().copied()),
    }
    out.push(b')');
}
