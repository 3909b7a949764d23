//! PUTSCRIPT (RFC 5804 §2.6).

use super::session::Session;
use super::{havespace, refusal};
use crate::mail::filter::NotKept;
use crate::model::account::User;
use crate::model::revision::Expectation;
use crate::wire::managesieve::response::Response;

/// Stores a script that is right.
pub(super) async fn putscript(session: &Session, user: &User, name: &str, text: &[u8]) -> Response {
    let filters = session.filters(user);
    match filters.put_script(&user.login, name, text.to_vec(), &Expectation::default()).await {
        Ok(_) => Response::ok("stored"),
        Err(NotKept::Wrong(problems)) => refusal::wrong(&problems),
        Err(NotKept::NoRoom(no_room)) => havespace::spell(no_room),
        Err(NotKept::Refused(refusal)) => refusal::spell(&refusal),
    }
}
