//! What mail clients and other servers ask for before anybody logs in: Thunderbird's autoconfig, Outlook's Autodiscover, Apple's
//! profiles, and the policy of MTA-STS. All domains get the same answer, and nobody hears whether there is a user.
//!
//! The paths are those that these programs know, so the document does not list them. RFC 8461 §3.3 (the policy over HTTPS).

use actix_web::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use actix_web::middleware::from_fn;
use actix_web::web::{self, Bytes, Data, Payload, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use serde::Deserialize;
use serde_json::json;

use super::body::{self, Query};
use super::field::{self, not_found};
use super::house::House;
use super::problem::{Kind, Problem};
use super::{rates, router};
use crate::model::address::{Domain, EmailAddress};
use crate::wire::client_setup::autodiscover::{self, Request, Trouble};
use crate::wire::client_setup::{autoconfig, mobileconfig};

/// The paths with the methods that they take.
pub(super) const PATHS: [(&str, &[&str]); 7] = [
    ("/mail/config-v1.1.xml", &["GET", "HEAD"]),
    ("/.well-known/autoconfig/mail/config-v1.1.xml", &["GET", "HEAD"]),
    ("/autodiscover/autodiscover.xml", &["POST"]),
    ("/Autodiscover/Autodiscover.xml", &["POST"]),
    ("/autodiscover/autodiscover.json", &["GET", "HEAD"]),
    ("/mobileconfig", &["GET", "HEAD"]),
    ("/.well-known/mta-sts.txt", &["GET", "HEAD"]),
];

/// Adds the routes. Who asks too often is put off, as guests are elsewhere.
pub(super) fn routes(config: &mut ServiceConfig) {
    for (path, _) in PATHS {
        let resource = web::resource(path)
            .wrap(from_fn(rates::limit))
            .default_service(web::to(router::unmatched));
        config.service(match path {
            "/mobileconfig" => resource.route(web::get().to(profile)),
            "/.well-known/mta-sts.txt" => resource.route(web::get().to(policy)),
            "/autodiscover/autodiscover.json" => resource.route(web::get().to(autodiscover_place)),
            path if path.ends_with("/config-v1.1.xml") => resource.route(web::get().to(thunderbird)),
            _ => resource.route(web::post().to(outlook)),
        });
    }
}

#[derive(Deserialize)]
struct Asked {
    emailaddress: Option<String>,
}

/// Of the domain of the address, or else of the host that was asked: `autoconfig.DOMAIN`, or `DOMAIN` itself.
async fn thunderbird(request: HttpRequest, house: Data<House>) -> Result<HttpResponse, Problem> {
    // What else clients add to the query is nothing to us.
    let asked: Option<Asked> = serde_urlencoded::from_str(request.query_string()).ok();
    let domain = match asked.and_then(|asked| asked.emailaddress) {
        Some(address) => domain_of(&field::named::<EmailAddress>("emailaddress", &address)?)?,
        None => host(&request, "autoconfig.").ok_or_else(|| not_found("domain", "of this host"))?,
    };
    serves(&house, &domain).await?;
    Ok(xml(autoconfig::file(&domain, &house.clients.servers)))
}

/// What goes wrong is told in the form of the protocol, as Outlook reads no other.
async fn outlook(request: HttpRequest, payload: Payload, house: Data<House>) -> Result<HttpResponse, Problem> {
    let octets: Bytes = body::small(&request, payload, autodiscover::MOST_OCTETS).await?;
    let Ok(asked) = Request::parse(&octets) else {
        return Ok(xml(Trouble::Invalid.answer()));
    };
    if !asked.takes_ours {
        return Ok(xml(Trouble::Schema.answer()));
    }
    let Some(domain) = asked.address.domain() else {
        return Ok(xml(Trouble::Invalid.answer()));
    };
    match serves(&house, domain).await {
        Ok(()) => Ok(xml(autodiscover::answer(&asked.address, &house.clients.servers))),
        Err(problem) if problem.is(Kind::NotFound) => Ok(xml(Trouble::Invalid.answer())),
        Err(problem) => Err(problem),
    }
}

#[derive(Deserialize)]
struct Place {
    #[serde(rename = "Protocol", alias = "protocol")]
    protocol: String,
}

/// Where the other form is: newer clients ask for that first.
async fn autodiscover_place(request: HttpRequest) -> Result<HttpResponse, Problem> {
    let asked: Option<Place> = serde_urlencoded::from_str(request.query_string()).ok();
    match asked {
        Some(place) if place.protocol.eq_ignore_ascii_case("AutodiscoverV1") => {
            let info = request.connection_info();
            let url = format!("{}://{}/autodiscover/autodiscover.xml", info.scheme(), info.host());
            Ok(HttpResponse::Ok().json(json!({"Protocol": "AutodiscoverV1", "Url": url})))
        }
        _ => Err(not_found("protocol", "of this name")),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    address: String,
}

async fn profile(Query(wanted): Query<Wanted>, house: Data<House>) -> Result<HttpResponse, Problem> {
    let address: EmailAddress = field::named("address", &wanted.address)?;
    let domain = domain_of(&address)?;
    serves(&house, &domain).await?;
    let profile = mobileconfig::profile(&address, &house.clients.servers).ok_or_else(|| not_found("profile", domain.as_str()))?;
    // A profile that is signed is shown as verified, with the name of the server.
    let (kind, body) = match house.certificates.signed(&house.clients.servers.host, profile.as_bytes()) {
        Some(signed) => ("application/x-apple-aspen-config", signed),
        None => ("application/x-apple-aspen-config; charset=utf-8", profile.into_bytes()),
    };
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, kind))
        .insert_header((CONTENT_DISPOSITION, "attachment; filename=\"mail.mobileconfig\""))
        .body(body))
}

async fn policy(request: HttpRequest, house: Data<House>) -> Result<HttpResponse, Problem> {
    let none = || not_found("policy", "of this host");
    let policy = house.clients.policy.as_ref().ok_or_else(none)?;
    let asked = named_host(&request);
    let domain = asked.as_deref().and_then(|host| host.strip_prefix("mta-sts."));
    let domain: Domain = domain.and_then(|domain| domain.parse().ok()).ok_or_else(none)?;
    serves(&house, &domain).await?;
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "text/plain; charset=utf-8"))
        .body(policy.to_string()))
}

async fn serves(house: &Data<House>, domain: &Domain) -> Result<(), Problem> {
    let domain = domain.clone();
    house.run(|house| async move { house.clients.serves(&domain).await }).await
}

fn domain_of(address: &EmailAddress) -> Result<Domain, Problem> {
    address.domain().cloned().ok_or_else(|| not_found("domain", &address.to_string()))
}

/// The name by which the server was asked, in lower case and without a port.
fn named_host(request: &HttpRequest) -> Option<String> {
    let info = request.connection_info();
    let name = info.host().rsplit_once(':').map_or(info.host(), |(name, _)| name);
    (!name.is_empty()).then(|| name.to_ascii_lowercase())
}

/// The domain whose host was asked.
fn host(request: &HttpRequest, prefix: &str) -> Option<Domain> {
    let name = named_host(request)?;
    name.strip_prefix(prefix).unwrap_or(&name).parse().ok()
}

fn xml(text: String) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "application/xml; charset=utf-8"))
        .body(text)
}
