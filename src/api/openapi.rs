//! The document of the API: OpenAPI 3.1, a by-product of the routes.
//!
//! `openapi/posthouse.json` is this document, committed, so that clients are made from it and a change of the API shows in a diff.

use std::collections::HashMap;
use std::sync::LazyLock;

use actix_web::App;
use utoipa::OpenApi;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa_actix_web::AppExt;

use super::problem::Document;
use super::{conventions, nulls, router};
use crate::model::scope::Scope;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Posthouse",
        description = "A whole mail server, run through this API.\n\n\
            **Who may do what.** A *server administrator* may do everything. A *domain administrator* administers the users and aliases \
            of one domain, and reads only their own mail. A *user* reads their own mail and changes their own password. Send \
            `Authorization: Bearer` with an access token from `POST /api/v1/auth/login`, or with an API key (`phk_…`), which may do \
            what its scopes cover: the security of each operation names the scope that it takes. `*` covers all, and `provision` what a \
            hosting panel needs: `domains:read`, `users:read`, `users:write`, `aliases:read`, `aliases:write`.\n\n\
            **Bodies** are JSON in snake case; times are RFC 3339, sizes are octets. A field that is not known is refused by its name. \
            A field without a value is absent, never null; in a merge patch (PATCH) `null` clears what can be cleared. PUT creates or \
            replaces, and may be repeated.\n\n\
            **Lists** come in pages: send `next_cursor` as `cursor` until there is none.\n\n\
            **Errors** are problem documents (RFC 9457) with a stable `type`, `urn:posthouse:problem:` and one of `malformed`, \
            `not-authenticated`, `bad-credentials`, `code-needed`, `not-permitted`, `disabled`, `not-found`, `no-such-path`, `wrong-method`, `too-slow`, \
            `exists`, `in-use`, `over-quota`, `still-running`, `done-already`, `changed`, `too-large`, `wrong-media-type`, `bad-range`, \
            `invalid`, `key-reused`, `alias-loop`, `bad-message`, `limit-reached`, `broken`, `try-later`. Every reply has an `x-request-id`, which the \
            log has too.\n\n\
            **Changes that do not overwrite others'.** A resource has an `ETag`. Sent back as `If-Match` with PUT, PATCH or DELETE, the \
            change is made only if nobody made another meanwhile, and refused with 412 otherwise; `If-None-Match: *` with PUT makes, and \
            never replaces. With GET, `If-None-Match` gets 304 if nothing is new.\n\n\
            **Repeating.** A POST with an `Idempotency-Key` (a text of your own, such as a UUID) is done once: sent again within a day, it \
            gets the reply of the first, with `Idempotency-Replayed: true`; while the first is at work 409, and 422 if the key was used for \
            another request. A reply that shows a secret is not given twice.\n\n\
            **Less.** With `Prefer: return=minimal`, POST, PUT and PATCH answer without the resource: 201 or 204 without a body.\n\n\
            **Rates.** `RateLimit-Policy` and `RateLimit` say how many requests may be made in a minute and how many are left; what is too \
            much is answered 429 with `Retry-After`.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0")
    ),
    servers((url = "/", description = "This server")),
    tags(
        (name = "auth", description = "Logging in."),
        (name = "domains", description = "The domains that mail is received for."),
        (name = "users", description = "The people and programs with a mailbox, and the administrators."),
        (name = "app-passwords", description = "Passwords for mail clients, one for each."),
        (name = "totp", description = "The second factor of a login."),
        (name = "sessions", description = "Who is logged in, and who tried to."),
        (name = "aliases", description = "The addresses that lead to others."),
        (name = "mailboxes", description = "The folders of a user."),
        (name = "messages", description = "Stored mail: reading, finding, changing, importing, waiting for it."),
        (name = "submissions", description = "Sending mail."),
        (name = "sieve", description = "The scripts that filter mail, and vacation replies."),
        (name = "queue", description = "Outgoing mail that waits."),
        (name = "api-keys", description = "The keys by which programs log in."),
        (name = "traces", description = "What happened to messages."),
        (name = "reports", description = "What others have reported of domains here."),
        (name = "defence", description = "Who is kept out, and who is always let in."),
        (name = "spam", description = "Telling spam from mail."),
        (name = "events", description = "What happens, for programs that want to hear of it."),
        (name = "webhooks", description = "Programs elsewhere that are told of events."),
        (name = "server", description = "The server itself."),
        (name = "health", description = "For those who watch the server.")
    ),
    // It occurs only in replies that stand in shared sets, which are not searched for schemas.
    components(schemas(Document))
)]
struct Base;

/// The document.
pub fn document() -> utoipa::openapi::OpenApi {
    let (_, mut document) = App::new()
        .into_utoipa_app()
        .openapi(Base::openapi())
        .configure(router::routes)
        .split_for_parts();
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some("An access token from `POST /api/v1/auth/login`, or an API key (`phk_…`)."));
    let components = document.components.get_or_insert_default();
    components.add_security_scheme("bearer", SecurityScheme::Http(bearer.build()));
    conventions::add(&mut document);
    nulls::take(&mut document);
    document
}

/// The scope that an operation takes, by its method and the pattern of its path; none: it names none.
pub(super) fn scope(method: &str, path: &str) -> Option<Scope> {
    static SCOPES: LazyLock<HashMap<(String, String), Scope>> = LazyLock::new(|| scopes().collect());
    SCOPES.get(&(method.to_owned(), path.to_owned())).copied()
}

fn scopes() -> impl Iterator<Item = ((String, String), Scope)> {
    document().paths.paths.into_iter().flat_map(|(path, item)| {
        let operations = [
            ("GET", item.get),
            ("POST", item.post),
            ("PUT", item.put),
            ("PATCH", item.patch),
            ("DELETE", item.delete),
        ];
        operations.into_iter().filter_map(move |(method, operation)| {
            let named = serde_json::to_value(operation?.security?).ok()?;
            let scope = named.pointer("/0/bearer/0")?.as_str()?.parse().ok()?;
            Some(((method.to_owned(), path.clone()), scope))
        })
    })
}

/// The document as `openapi/posthouse.json` has it: indented, paths and schemas by name, with a line end.
pub fn json() -> String {
    document().to_pretty_json().unwrap_or_default() + "\n"
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;

    use super::*;

    fn value() -> Value {
        serde_json::from_str(&json()).unwrap()
    }

    fn operations(document: &Value) -> Vec<(String, &Value)> {
        let paths = document["paths"].as_object().unwrap();
        let of = |(path, item): (&String, &'_ Value)| {
            let item = item
                .as_object()
                .map(|item| item.keys().cloned().collect::<Vec<_>>())
                .unwrap_or_default();
            item.into_iter().map(|method| (path.clone(), method)).collect::<Vec<_>>()
        };
        let named = paths.iter().flat_map(of).collect::<Vec<_>>();
        named
            .into_iter()
            .map(|(path, method)| (format!("{method} {path}"), &document["paths"][path][method]))
            .collect()
    }

    fn walk<'a>(value: &'a Value, visit: &mut dyn FnMut(&'a serde_json::Map<String, Value>)) {
        match value {
            Value::Array(items) => items.iter().for_each(|item| walk(item, visit)),
            Value::Object(fields) => {
                visit(fields);
                fields.values().for_each(|field| walk(field, visit));
            }
            _ => {}
        }
    }

    #[test]
    fn every_reference_resolves_and_every_schema_is_used() {
        let document = value();
        let mut used = BTreeSet::new();
        walk(&document, &mut |fields| {
            if let Some(Value::String(reference)) = fields.get("$ref") {
                let pointer = reference.strip_prefix('#').unwrap();
                assert!(document.pointer(pointer).is_some(), "{reference}");
                used.insert(pointer.rsplit('/').next().unwrap().to_owned());
            }
        });
        for name in document["components"]["schemas"].as_object().unwrap().keys() {
            assert!(used.contains(name), "{name} is not used");
        }
    }

    /// Of two schemas with one name, only one would stand in the document.
    #[test]
    fn every_schema_has_a_name_of_its_own() {
        fn read(path: &std::path::Path, names: &mut Vec<String>) {
            for entry in std::fs::read_dir(path).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    read(&path, names);
                } else {
                    let text = std::fs::read_to_string(&path).unwrap();
                    let declared = text
                        .split("#[derive(")
                        .skip(1)
                        .filter(|it| it.lines().next().unwrap().contains("ToSchema"));
                    names.extend(declared.filter_map(|it| {
                        let line = it.lines().find(|line| line.contains("struct ") || line.contains("enum "))?;
                        let name = line.split_once("struct ").or_else(|| line.split_once("enum "))?.1;
                        name.split(|c: char| !c.is_alphanumeric()).next().map(str::to_owned)
                    }));
                }
            }
        }
        let mut names = Vec::new();
        read(&std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/api"), &mut names);
        names.sort_unstable();
        assert!(names.len() > 50);
        for pair in names.windows(2) {
            assert_ne!(pair[0], pair[1]);
        }
    }

    #[test]
    fn only_patches_know_null() {
        let mut document = value();
        let schemas = document["components"]["schemas"].as_object_mut().unwrap();
        assert_eq!(
            schemas["UserPatch"]["properties"]["quota_bytes"]["type"],
            serde_json::json!(["integer", "null"])
        );
        // What null clears says so in words too, and the other way round.
        for (name, schema) in schemas.iter() {
            for (field, schema) in schema["properties"].as_object().into_iter().flatten() {
                let said = schema.to_string();
                assert_eq!(said.contains("\"null\""), said.contains("`null`"), "{name}.{field}: {said}");
            }
        }
        schemas.retain(|name, _| !name.ends_with("Patch"));
        walk(&document, &mut |fields| {
            let null = |it: &Value| it == "null" || it.as_array().is_some_and(|names| names.contains(&"null".into()));
            assert!(!fields.get("type").is_some_and(null), "{fields:?}");
            assert!(fields.get("default").is_none_or(|it| !it.is_null()));
        });
    }

    #[test]
    fn every_operation_is_documented() {
        let document = value();
        let mut ids = BTreeSet::new();
        for (name, operation) in operations(&document) {
            for key in ["operationId", "summary", "description"] {
                assert!(operation[key].as_str().is_some_and(|text| !text.is_empty()), "{name}: {key}");
            }
            assert!(ids.insert(operation["operationId"].as_str().unwrap()), "{name}: the id is taken");
            assert_eq!(operation["tags"].as_array().map(Vec::len), Some(1), "{name}");
            let open = operation["security"] == serde_json::json!([{}]);
            assert!(
                open || operation["security"]
                    .pointer("/0/bearer/0")
                    .and_then(|it| it.as_str()?.parse::<Scope>().ok())
                    .is_some(),
                "{name}: {}",
                operation["security"]
            );
            let replies = operation["responses"].as_object().unwrap();
            let wanted: &[&str] = match (open, operation["requestBody"].is_object()) {
                (false, true) => &["400", "401", "403", "404", "408", "409", "413", "415", "422", "500", "503"],
                (false, false) => &["400", "401", "403", "404", "500", "503"],
                (true, true) => &["400", "401", "413", "415", "422", "500", "503"],
                (true, false) => &[],
            };
            assert!(
                wanted.iter().all(|status| replies.contains_key(*status)),
                "{name}: {:?}",
                replies.keys()
            );
            for (status, reply) in replies.iter().filter(|(status, _)| status.as_str() >= "400") {
                assert!(
                    reply["content"]["application/problem+json"]["schema"]["$ref"].is_string(),
                    "{name}: {status}"
                );
            }
            assert_eq!(
                replies.contains_key("201"),
                replies.get("201").is_some_and(|it| it["headers"]["Location"].is_object()),
                "{name}"
            );
        }
        assert!(ids.len() > 30);
    }

    #[test]
    fn every_body_has_an_example() {
        let document = value();
        for (name, operation) in operations(&document) {
            if let Some(reference) = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].as_str() {
                assert!(
                    document.pointer(&reference[1..]).unwrap()["example"].is_object(),
                    "{name}: {reference}"
                );
            }
        }
    }

    /// Its own, or for a list that of its items.
    fn has_example(document: &Value, schema: &Value) -> bool {
        if let Some(reference) = schema["$ref"].as_str() {
            return has_example(document, document.pointer(&reference[1..]).unwrap());
        }
        let own = !schema["example"].is_null() || schema["examples"].as_array().is_some_and(|all| !all.is_empty());
        let items = &schema["properties"]["items"]["items"];
        let parts = schema["allOf"]
            .as_array()
            .is_some_and(|all| all.iter().any(|part| has_example(document, part)));
        own || parts || (items.is_object() && has_example(document, items))
    }

    #[test]
    fn every_reply_has_an_example() {
        let document = value();
        for (name, operation) in operations(&document) {
            for (status, reply) in operation["responses"].as_object().unwrap() {
                let json = &reply["content"]["application/json"];
                let example = json.is_null() || !json["example"].is_null() || has_example(&document, &json["schema"]);
                assert!(example, "{name}: {status}");
            }
        }
    }

    #[test]
    fn the_committed_document_is_fresh() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi/posthouse.json");
        let committed = std::fs::read_to_string(path).unwrap_or_default();
        assert!(
            committed == json(),
            "the API changed: run `posthouse openapi > openapi/posthouse.json`"
        );
    }
}
