//! UNAUTHENTICATE (RFC 5804 §2.14).

use super::session::State;
use crate::wire::managesieve::response::Response;

/// Whoever was logged in is not any more.
pub(super) fn unauthenticate(state: &mut State) -> Response {
    *state = State::Start;
    Response::ok("logged out")
}
