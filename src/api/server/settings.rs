use actix_web::get;
use actix_web::web::Data;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::api::body::Json;
use crate::api::caller::Caller;
use crate::api::house::House;
use crate::api::problem::{Problem, Problems};
use crate::config::{Effective, Origin};

/// A key of the configuration, and what holds.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "key": "smtp.max_recipients", "value": 1000, "set_by": "default", "meaning": "How many recipients a message may have."
}))]
pub(in crate::api) struct SettingShown {
    /// The key with its section.
    key: String,
    /// Its value: a text, number, boolean, list or table; absent where it is unset, depends on the machine, or is a secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Value, required = false)]
    value: Option<Value>,
    /// It is set, to a value that is not shown.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    secret: bool,
    set_by: SetBy,
    /// What it means.
    meaning: &'static str,
}

/// Who set a key.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum SetBy {
    Default,
    File,
    Environment,
}

impl From<&Effective> for SettingShown {
    fn from(effective: &Effective) -> Self {
        Self {
            key: effective.key.clone(),
            value: effective.value.clone(),
            secret: effective.secret,
            set_by: match effective.origin {
                Origin::Default => SetBy::Default,
                Origin::File(..) => SetBy::File,
                Origin::Variable(_) => SetBy::Environment,
            },
            meaning: effective.meaning,
        }
    }
}

/// The configuration.
#[derive(Serialize, ToSchema)]
pub(in crate::api) struct Settings {
    /// In the order of the reference.
    items: Vec<SettingShown>,
}

/// Show the configuration
///
/// Every key with what holds and who set it, as it was when the server started; secrets are left out. It is changed in its file or the
/// environment, not here. For server administrators.
#[utoipa::path(
    operation_id = "show_settings", tag = "server", security(("bearer" = ["server:read"])),
    responses((status = 200, description = "The keys.", body = Settings), Problems)
)]
#[get("/settings")]
pub async fn handler(caller: Caller, house: Data<House>) -> Result<Json<Settings>, Problem> {
    caller.server_admin()?;
    Ok(Json(Settings {
        items: house.about.configuration.iter().map(SettingShown::from).collect(),
    }))
}
