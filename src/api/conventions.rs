//! What holds for every operation, in the document: the headers of preconditions and of repeating, with the replies that come of them.
//!
//! `reply`, `caller` and `idempotency` do what is said here, without a word of the handlers.

use utoipa::IntoResponses;
use utoipa::openapi::path::{Operation, Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{HeaderBuilder, OpenApi, RefOr, Required, ResponseBuilder};

use super::problem::{Repeated, Unexpected};
use super::reply::BASE;

/// The resources that are changed as a whole and have revisions: a change can expect them in a state.
const WITH_REVISIONS: &[&str] = &[
    "/domains/{domain}",
    "/users/{address}",
    "/users/{address}/password",
    "/aliases/{address}",
    "/api-keys/{id}",
    "/webhooks/{id}",
    "/users/{address}/mailboxes/{mailbox_id}",
    "/users/{address}/mailboxes/{mailbox_id}/rights/{login}",
    "/users/{address}/messages/{message_id}",
];

/// Adds to each operation what it has by being of its kind.
pub(super) fn add(document: &mut OpenApi) {
    for (path, item) in &mut document.paths.paths {
        if let Some(get) = &mut item.get {
            read(get);
        }
        let changes = [&mut item.put, &mut item.patch, &mut item.delete];
        if WITH_REVISIONS.iter().any(|known| path.strip_prefix(BASE) == Some(known)) {
            changes.into_iter().flatten().for_each(change);
        }
        if let Some(post) = item.post.as_mut().filter(|post| !is_open(post)) {
            repeat(post);
        }
    }
}

/// Whether nobody is asked who they are.
fn is_open(operation: &Operation) -> bool {
    operation
        .security
        .as_ref()
        .is_none_or(|all| all.iter().all(|it| *it == Default::default()))
}

fn read(operation: &mut Operation) {
    let Some(RefOr::T(shown)) = operation.responses.responses.get_mut("200") else {
        return;
    };
    if is_open_reply(shown) {
        return;
    }
    let tag = HeaderBuilder::new().description(Some("The state of what is shown."));
    shown.headers.insert("ETag".to_owned(), tag.build().into());
    let same = ResponseBuilder::new().description("The client has it already.");
    operation.responses.responses.insert("304".to_owned(), same.build().into());
    let text = "The `ETag` of what the client has: if it is still the same, the answer is 304 without a body.";
    parameter(operation, header("If-None-Match", text, None));
}

/// What is no JSON has tags of its own, if any.
fn is_open_reply(reply: &utoipa::openapi::Response) -> bool {
    !reply.content.contains_key("application/json")
}

fn change(operation: &mut Operation) {
    operation.responses.responses.extend(Unexpected::responses());
    let text = "The `ETag` of the resource as the client knows it: if it has changed since, the answer is 412 and nothing is done.";
    parameter(operation, header("If-Match", text, None));
}

fn repeat(operation: &mut Operation) {
    for (status, reply) in Repeated::responses() {
        operation.responses.responses.entry(status).or_insert(reply);
    }
    let text = "A text of the client's own for this request: sent again under the same, it is not done again but gets the same reply.";
    parameter(operation, header("Idempotency-Key", text, Some(255)));
}

fn header(name: &str, text: &str, longest: Option<usize>) -> Parameter {
    let schema = ObjectBuilder::new().schema_type(Type::String).max_length(longest);
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some(text))
        .schema(Some(schema.build()))
        .build()
}

fn parameter(operation: &mut Operation, parameter: Parameter) {
    operation.parameters.get_or_insert_default().push(RefOr::T(parameter));
}
