//! An optional field is absent, never null: takes the null out of each type of the document, but for the fields of merge patches
//! that null clears (RFC 7396).

use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::schema::{AdditionalProperties, ArrayItems, Schema, SchemaType, Type};
use utoipa::openapi::{Content, OpenApi, RefOr, Response};

/// The fields that null clears, with their schemas.
const CLEARABLE: &[(&str, &[&str])] = &[
    ("AliasPatch", &["expires_at", "metadata"]),
    ("ApiKeyPatch", &["expires_at"]),
    ("DomainPatch", &["alias_of", "metadata"]),
    ("MailboxPatch", &["special_use"]),
    (
        "UserPatch",
        &["junk_days", "metadata", "quota_bytes", "quota_messages", "trash_days"],
    ),
];

/// Takes the nulls out of the whole document.
pub(super) fn take(document: &mut OpenApi) {
    if let Some(components) = &mut document.components {
        for (name, schema) in &mut components.schemas {
            match CLEARABLE.iter().find(|(known, _)| known == name) {
                Some((_, clearable)) => of_patch(schema, clearable),
                None => of_schema(schema),
            }
        }
        components.responses.values_mut().for_each(of_response);
    }
    document.paths.paths.values_mut().flat_map(operations).for_each(of_operation);
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    let operations = [
        &mut item.get,
        &mut item.head,
        &mut item.post,
        &mut item.put,
        &mut item.patch,
        &mut item.delete,
    ];
    operations.into_iter().flatten()
}

fn of_operation(operation: &mut Operation) {
    for parameter in operation.parameters.iter_mut().flatten() {
        if let RefOr::T(parameter) = parameter {
            parameter.schema.iter_mut().for_each(of_schema);
        }
    }
    if let Some(RefOr::T(body)) = &mut operation.request_body {
        body.content.values_mut().for_each(of_content);
    }
    operation.responses.responses.values_mut().for_each(of_response);
}

fn of_response(response: &mut RefOr<Response>) {
    if let RefOr::T(response) = response {
        response.content.values_mut().for_each(of_content);
    }
}

fn of_content(content: &mut RefOr<Content>) {
    if let RefOr::T(content) = content {
        content.schema.iter_mut().for_each(of_schema);
    }
}

fn of_patch(schema: &mut RefOr<Schema>, clearable: &[&str]) {
    if let RefOr::T(Schema::Object(patch)) = schema {
        let others = patch.properties.iter_mut().filter(|(name, _)| !clearable.contains(&name.as_str()));
        others.for_each(|(_, field)| of_schema(field));
    }
}

fn of_schema(schema: &mut RefOr<Schema>) {
    if let RefOr::T(inner) = schema {
        of_own_schema(inner);
        if let Schema::OneOf(choice) = inner
            && let [only] = choice.items.as_mut_slice()
        {
            *schema = only.clone();
        }
    }
}

fn of_own_schema(schema: &mut Schema) {
    match schema {
        Schema::Object(object) => {
            of_type(&mut object.schema_type);
            object.properties.values_mut().for_each(of_schema);
            if let Some(AdditionalProperties::RefOr(values)) = object.additional_properties.as_deref_mut() {
                of_schema(values);
            }
        }
        Schema::Array(array) => {
            of_type(&mut array.schema_type);
            if let ArrayItems::RefOrSchema(items) = &mut array.items {
                of_schema(items);
            }
        }
        Schema::OneOf(choice) => {
            choice.items.retain(|it| !is_null(it));
            choice.items.iter_mut().for_each(of_schema);
        }
        Schema::AllOf(parts) => parts.items.iter_mut().for_each(of_schema),
        Schema::AnyOf(choice) => choice.items.iter_mut().for_each(of_schema),
        _ => {}
    }
}

fn is_null(schema: &RefOr<Schema>) -> bool {
    matches!(schema, RefOr::T(Schema::Object(object)) if object.schema_type == SchemaType::Type(Type::Null))
}

fn of_type(kind: &mut SchemaType) {
    if let SchemaType::Array(names) = kind {
        names.retain(|name| *name != Type::Null);
        if let [only] = names.as_slice() {
            *kind = SchemaType::Type(only.clone());
        }
    }
}
