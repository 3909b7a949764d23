//! NOOP (RFC 5804 §2.13).

use crate::wire::managesieve::response::{Code, Response};

/// Says what the client said, so that it knows where it is in the responses.
pub(super) fn noop(tag: Option<String>) -> Response {
    Response {
        code: tag.map(Code::Tag),
        ..Response::ok("done")
    }
}
