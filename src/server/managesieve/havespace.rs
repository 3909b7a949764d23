//! HAVESPACE (RFC 5804 §2.5).

use super::refusal;
use super::session::Session;
use crate::mail::filter::NoRoom;
use crate::model::account::User;
use crate::wire::managesieve::response::{Code, Response};

/// Whether a script of this size can be stored.
pub(super) async fn havespace(session: &Session, user: &User, name: &str, size: u64) -> Response {
    let size = usize::try_from(size).unwrap_or(usize::MAX);
    match session.door.filters.room_for(&user.login, name, size).await {
        Ok(Ok(())) => Response::ok("there is room"),
        Ok(Err(no_room)) => spell(no_room),
        Err(refusal) => refusal::spell(&refusal),
    }
}

pub(super) fn spell(no_room: NoRoom) -> Response {
    let code = match no_room {
        NoRoom::TooLarge(_) => Code::MaxSize,
        NoRoom::TooMany(_) => Code::MaxScripts,
    };
    Response::no(Some(code), no_room.to_string())
}
