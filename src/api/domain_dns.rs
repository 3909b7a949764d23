//! What a domain needs in DNS, and what is there.

use actix_web::get;
use actix_web::web::{Data, Path};
use serde::Serialize;
use utoipa::ToSchema;

use super::body::Json;
use super::caller::Caller;
use super::field;
use super::house::House;
use super::problem::{Problem, Problems};
use crate::mail::zone::{self, Checked, Purpose, State};
use crate::model::address::Domain;

/// What a domain needs in DNS.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "domain": "example.test", "host": "mail.example.org", "ready": false,
    "records": [{
        "purpose": "mx", "name": "example.test", "type": "MX", "value": "10 mail.example.org.", "required": true, "found": [],
        "state": "missing", "problem": "example.test does not exist: nobody finds its mail server"
    }],
    "problems": [], "zone": "example.test. 3600 IN MX 10 mail.example.org.\\n"
}))]
pub(super) struct DomainDns {
    domain: String,
    /// The name of this server.
    host: String,
    /// Whether everything that mail suffers without is there and right.
    ready: bool,
    records: Vec<DnsRecord>,
    /// What is wrong beside the records.
    problems: Vec<String>,
    /// All records as lines of a zone file.
    zone: String,
}

/// A record that the domain needs, or would do well to have.
#[derive(Serialize, ToSchema)]
struct DnsRecord {
    purpose: DnsPurpose,
    /// Its name, without final dot.
    name: String,
    /// Its type, such as `MX`.
    r#type: &'static str,
    /// What it should say; absent for the address of this server, which only its operator knows.
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<String>,
    /// Mail suffers without it.
    required: bool,
    /// What DNS says now.
    found: Vec<String>,
    state: DnsState,
    /// What is wrong, and what would be right.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
}

/// What a record is for.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum DnsPurpose {
    Mx,
    Host,
    Spf,
    Dkim,
    Dmarc,
    MtaSts,
    TlsReports,
    Tlsa,
    Clients,
}

impl From<Purpose> for DnsPurpose {
    fn from(purpose: Purpose) -> Self {
        match purpose {
            Purpose::Mx => Self::Mx,
            Purpose::Host => Self::Host,
            Purpose::Spf => Self::Spf,
            Purpose::Dkim => Self::Dkim,
            Purpose::Dmarc => Self::Dmarc,
            Purpose::MtaSts => Self::MtaSts,
            Purpose::TlsReports => Self::TlsReports,
            Purpose::Tlsa => Self::Tlsa,
            Purpose::Clients => Self::Clients,
        }
    }
}

/// How a record stands: `unknown` if it could not be found out.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum DnsState {
    Right,
    Missing,
    Wrong,
    Unknown,
}

impl From<State> for DnsState {
    fn from(state: State) -> Self {
        match state {
            State::Right => Self::Right,
            State::Missing => Self::Missing,
            State::Wrong => Self::Wrong,
            State::Unknown => Self::Unknown,
        }
    }
}

impl From<Checked> for DnsRecord {
    fn from(checked: Checked) -> Self {
        Self {
            purpose: checked.needed.purpose.into(),
            name: checked.needed.name,
            r#type: checked.needed.kind.as_str(),
            value: checked.needed.value,
            required: checked.needed.required,
            found: checked.found,
            state: checked.state.into(),
            problem: checked.problem,
        }
    }
}

/// Show what a domain needs in DNS
///
/// Every record, what DNS says of it now, what is wrong in words, and all of them as lines of a zone file. For administrators of the domain.
#[utoipa::path(
    operation_id = "show_domain_dns", tag = "domains", security(("bearer" = ["domains:read"])),
    params(("domain" = String, Path, description = "The name of the domain.", example = "example.test")),
    responses((status = 200, description = "The records.", body = DomainDns), Problems)
)]
#[get("/domains/{domain}/dns")]
pub(super) async fn handler(caller: Caller, house: Data<House>, path: Path<String>) -> Result<Json<DomainDns>, Problem> {
    let name: Domain = field::named("domain", &path)?;
    caller.domain_admin(Some(&name))?;
    let asked = name.clone();
    let zone: zone::Zone = house.run(|house| async move { house.zones.of(&asked).await }).await?;
    Ok(Json(DomainDns {
        domain: name.to_string(),
        ready: zone.is_ready(),
        zone: zone.file(),
        host: zone.host,
        records: zone.records.into_iter().map(DnsRecord::from).collect(),
        problems: zone.problems,
    }))
}
