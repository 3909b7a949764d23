//! LANG — RFC 6856 §3.

use super::session::{Answer, Session};
use crate::wire::pop3::language;
use crate::wire::pop3::reply::{self, fixed};

/// Lists the languages of the replies, or chooses one.
pub(super) fn lang(session: &mut Session, range: Option<&str>) -> Answer {
    let Some(range) = range else {
        session.say(&fixed::LIST_FOLLOWS);
        session.say_text(&reply::language_listing());
        return session.end_lines();
    };
    Answer::Line(if language::finds(range) {
        reply::speaking()
    } else {
        fixed::UNKNOWN_LANGUAGE
    })
}
