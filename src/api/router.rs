//! Every route, once. The document is made of the same list.

use std::sync::LazyLock;

use actix_web::HttpRequest;
use actix_web::dev::ResourceDef;
use actix_web::error::PathError;
use actix_web::http::header::ALLOW;
use actix_web::middleware::from_fn;
use actix_web::web::{self, PathConfig};
use actix_web::{HttpResponse, ResponseError};
use utoipa_actix_web::scope;
use utoipa_actix_web::service_config::ServiceConfig;

use super::problem::{Kind, Problem};
use super::reply::BASE;
use super::{
    acme, aliases, allowlist, api_keys, app_passwords, audit_log, auth, bans, batch, blocklist, caller, certificates, client_setup,
    deprecation, dkim_keys, dmarc_reports, docs, domain_dns, domains, doorkeeper, events, health, idempotency, jwt_keys, lessons,
    login_log, mailboxes, messages, metrics, openapi, queue, rates, resolve, server, sessions, sieve, stats, submissions, tls_reports,
    totp, traces, users, vacation, webhooks,
};

/// Adds all routes.
pub(super) fn routes(config: &mut ServiceConfig) {
    config
        .app_data(PathConfig::default().error_handler(|error, _| bad_path(&error).into()))
        .service(health::live)
        .service(health::ready)
        .service(
            // The last is the first that a request comes to.
            scope::scope(BASE)
                .configure(resources)
                .configure(accounts)
                .configure(on_the_way)
                .configure(defence)
                .configure(mail)
                .wrap(from_fn(deprecation::tell))
                .wrap(from_fn(idempotency::once))
                .wrap(from_fn(rates::limit))
                .wrap(from_fn(caller::recognise))
                .wrap(from_fn(doorkeeper::turn_away)),
        )
        .map(|config| {
            docs::routes(config);
            acme::routes(config);
            metrics::routes(config);
            client_setup::routes(config);
            config.default_service(web::to(unmatched))
        });
}

fn resources(config: &mut ServiceConfig) {
    config
        .service(auth::login::handler)
        .service(auth::refresh::handler)
        .service(auth::logout::handler)
        .service(domains::list::handler)
        .service(domains::create::handler)
        .service(domains::show::handler)
        .service(domains::put::handler)
        .service(domains::change::handler)
        .service(domains::remove::handler)
        .service(domain_dns::handler)
        .service(resolve::handler)
        .service(dkim_keys::list::handler)
        .service(dkim_keys::create::handler)
        .service(dkim_keys::show::handler)
        .service(dkim_keys::change::handler)
        .service(dkim_keys::remove::handler)
        .service(users::list::handler)
        .service(users::create::handler)
        .service(users::show::handler)
        .service(users::put::handler)
        .service(users::change::handler)
        .service(users::remove::handler)
        .service(users::restore::handler)
        .service(users::password::handler)
        .service(traces::list::handler)
        .service(traces::show::handler)
        .service(dmarc_reports::list::handler)
        .service(dmarc_reports::show::handler)
        .service(tls_reports::list::handler)
        .service(tls_reports::show::handler)
        .service(server::show::handler)
        .service(server::settings::handler)
        .service(lessons::server::handler)
        .service(certificates::list::handler)
        .service(stats::show::handler)
        .service(stats::messages::handler)
        .service(jwt_keys::list::handler)
        .service(jwt_keys::rotate::handler)
        .service(aliases::list::handler)
        .service(aliases::create::handler)
        .service(aliases::show::handler)
        .service(aliases::put::handler)
        .service(aliases::change::handler)
        .service(aliases::remove::handler)
        .service(api_keys::list::handler)
        .service(api_keys::create::handler)
        .service(api_keys::show::handler)
        .service(api_keys::change::handler)
        .service(api_keys::remove::handler)
        .service(api_keys::rotate::handler);
}

/// Mail on its way to other servers.
fn on_the_way(config: &mut ServiceConfig) {
    config
        .service(queue::list::handler)
        .service(queue::bulk::change)
        .service(queue::bulk::retry)
        .service(queue::bulk::expire)
        .service(queue::bulk::remove)
        .service(queue::show::handler)
        .service(queue::remove::handler)
        .service(queue::change::handler)
        .service(queue::retry::handler)
        .service(queue::expire::handler);
}

/// Who is kept out, and who is always let in.
fn defence(config: &mut ServiceConfig) {
    config
        .service(bans::list::handler)
        .service(bans::create::handler)
        .service(bans::show::handler)
        .service(bans::remove::handler)
        .service(blocklist::list::handler)
        .service(blocklist::create::handler)
        .service(blocklist::show::handler)
        .service(blocklist::remove::handler)
        .service(allowlist::list::handler)
        .service(allowlist::create::handler)
        .service(allowlist::show::handler)
        .service(allowlist::remove::handler);
}

/// What people log in with, and many of them at a time.
fn accounts(config: &mut ServiceConfig) {
    config
        .service(app_passwords::list::handler)
        .service(app_passwords::create::handler)
        .service(app_passwords::remove::handler)
        .service(totp::show::handler)
        .service(totp::enrol::handler)
        .service(totp::confirm::handler)
        .service(totp::remove::handler)
        .service(sessions::list::handler)
        .service(sessions::remove::all)
        .service(sessions::remove::one)
        .service(login_log::list::handler)
        .service(audit_log::list::handler)
        .service(events::list::handler)
        .service(webhooks::list::handler)
        .service(webhooks::create::handler)
        .service(webhooks::show::handler)
        .service(webhooks::change::handler)
        .service(webhooks::remove::handler)
        .service(webhooks::rotate::handler)
        .service(webhooks::test::handler)
        .service(webhooks::deliveries::list)
        .service(webhooks::deliveries::replay)
        .service(sieve::list::handler)
        .service(sieve::check::handler)
        .service(sieve::show::handler)
        .service(sieve::put::handler)
        .service(sieve::remove::handler)
        .service(sieve::activate::handler)
        .service(sieve::deactivate::handler)
        .service(vacation::show::handler)
        .service(vacation::put::handler)
        .service(vacation::remove::handler)
        .service(batch::domains::handler)
        .service(batch::users::handler)
        .service(batch::aliases::handler);
}

/// The mail of users.
fn mail(config: &mut ServiceConfig) {
    config
        .service(mailboxes::list::handler)
        .service(mailboxes::create::handler)
        .service(mailboxes::show::handler)
        .service(mailboxes::change::handler)
        .service(mailboxes::remove::handler)
        .service(mailboxes::changes::handler)
        .service(mailboxes::rights::list)
        .service(mailboxes::rights::show)
        .service(mailboxes::rights::put)
        .service(mailboxes::rights::remove)
        .service(messages::list::handler)
        .service(messages::wait::handler)
        .service(messages::batch::handler)
        .service(messages::threads::list)
        .service(messages::threads::show)
        .service(messages::search::handler)
        .service(messages::import::handler)
        .service(messages::change::handler)
        .service(messages::remove::handler)
        .service(messages::copy::handler)
        .service(lessons::stored::handler)
        .service(lessons::user::handler)
        .service(messages::show::handler)
        .service(messages::raw::handler)
        .service(messages::attachment::handler)
        .service(submissions::create::handler)
        .service(submissions::show::handler);
}

fn bad_path(error: &PathError) -> Problem {
    Problem::new(Kind::Malformed, format!("the path is malformed: {error}"))
}

/// The paths of the document with their methods.
static METHODS: LazyLock<Vec<(ResourceDef, Vec<&'static str>)>> = LazyLock::new(|| {
    let methods = |item: &utoipa::openapi::PathItem| {
        let has = [
            ("GET", item.get.is_some()),
            ("HEAD", item.get.is_some()),
            ("POST", item.post.is_some()),
            ("PUT", item.put.is_some()),
            ("PATCH", item.patch.is_some()),
            ("DELETE", item.delete.is_some()),
        ];
        has.into_iter().filter_map(|(method, has)| has.then_some(method)).collect()
    };
    let documented = openapi::document().paths.paths;
    let described =
        ["/openapi.json", "/docs", "/docs/{file:.*}", "/metrics", acme::PATH].map(|path| (ResourceDef::new(path), vec!["GET", "HEAD"]));
    let of_clients = client_setup::PATHS.map(|(path, methods)| (ResourceDef::new(path), methods.to_vec()));
    let documented = documented
        .iter()
        .map(|(path, item)| (ResourceDef::new(path.as_str()), methods(item)));
    documented.chain(described).chain(of_clients).collect()
});

/// What no route takes: 405 where the path takes other methods (RFC 9110 §15.5.6), otherwise 404.
pub(super) async fn unmatched(request: HttpRequest) -> HttpResponse {
    let path = request.path();
    match METHODS.iter().find(|(pattern, _)| pattern.is_match(path)) {
        Some((_, methods)) => {
            let methods = methods.join(", ");
            let mut reply = Problem::new(Kind::WrongMethod, format!("{path} takes {methods}")).error_response();
            if let Ok(methods) = methods.parse() {
                reply.headers_mut().insert(ALLOW, methods);
            }
            reply
        }
        None => Problem::new(Kind::NoSuchPath, format!("there is no {path} here; GET /openapi.json has the list")).error_response(),
    }
}

#[cfg(test)]
mod tests {
    use actix_web::body::MessageBody;
    use actix_web::dev::ServiceResponse;
    use actix_web::http::Method;
    use actix_web::test::{TestRequest, call_service, init_service};
    use actix_web::{App, web::Bytes};
    use serde_json::Value;
    use utoipa_actix_web::AppExt;

    use super::*;
    use crate::api::request_id;

    /// The answers to these requests. There are no services: what comes past the doorkeeper would break.
    async fn ask(requests: Vec<TestRequest>) -> Vec<(ServiceResponse<()>, Bytes)> {
        let app = App::new()
            .wrap(from_fn(request_id::stamp))
            .into_utoipa_app()
            .configure(routes)
            .into_app();
        let app = init_service(app).await;
        let mut answers = Vec::new();
        for request in requests {
            let reply = call_service(&app, request.to_request()).await;
            let (request, reply) = reply.into_parts();
            let (reply, body) = reply.into_parts();
            let body = actix_web::body::to_bytes(body.boxed()).await.unwrap();
            answers.push((ServiceResponse::new(request, reply.drop_body()), body));
        }
        answers
    }

    fn problem(body: &Bytes) -> String {
        let value: Value = serde_json::from_slice(body).unwrap();
        value["type"].as_str().unwrap().rsplit(':').next().unwrap().to_owned()
    }

    #[actix_web::test]
    async fn nobody_comes_in_without_a_token() {
        let document: Value = serde_json::from_str(&openapi::json()).unwrap();
        let mut requests = Vec::new();
        for (path, item) in document["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                if operation["security"] != serde_json::json!([{}]) {
                    let method = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
                    let path = path.replace(['{', '}'], "");
                    requests.push(
                        TestRequest::default()
                            .method(method)
                            .uri(&path)
                            .insert_header(("Authorization", "Basic YTpi")),
                    );
                }
            }
        }
        assert!(requests.len() > 30);
        for (reply, body) in ask(requests).await {
            assert_eq!(reply.status(), 401, "{}", reply.request().path());
            assert_eq!(reply.headers().get("www-authenticate").unwrap(), "Bearer");
            assert_eq!(problem(&body), "not-authenticated");
        }
    }

    #[actix_web::test]
    async fn what_no_route_takes_is_a_problem_too() {
        let get = |path: &str| TestRequest::get().uri(path);
        let answers = ask(vec![
            get("/api/v1/domain"),
            TestRequest::delete().uri("/api/v1/domains"),
            TestRequest::post().uri("/docs/"),
            get("/api/v1/auth/login"),
            get("/docs/nothing.js"),
            TestRequest::default().method(Method::HEAD).uri("/api/v1/nothing"),
        ]);
        let found: Vec<_> = answers
            .await
            .iter()
            .map(|(reply, body)| {
                let allow = reply.headers().get("allow").map(|allow| allow.to_str().unwrap().to_owned());
                assert_eq!(reply.headers().get("content-type").unwrap(), "application/problem+json");
                assert_eq!(reply.headers().get("x-request-id").unwrap().len(), 36);
                (reply.status().as_u16(), problem(body), allow)
            })
            .collect();
        let expected = [
            (404, "no-such-path", None),
            (405, "wrong-method", Some("GET, HEAD, POST")),
            (405, "wrong-method", Some("GET, HEAD")),
            (405, "wrong-method", Some("POST")),
            (404, "not-found", None),
            (404, "no-such-path", None),
        ];
        assert_eq!(
            found,
            expected.map(|(status, name, allow)| (status, name.to_owned(), allow.map(str::to_owned)))
        );
    }

    #[actix_web::test]
    async fn the_documentation_loads_nothing_from_elsewhere() {
        let get = |path: &str| TestRequest::get().uri(path);
        let answers = ask(vec![
            get("/openapi.json"),
            get("/docs"),
            get("/docs/"),
            get("/docs/swagger-initializer.js"),
        ])
        .await;
        let [(json, document), (redirect, _), (page, html), (_, script)] = answers.as_slice() else {
            panic!()
        };
        assert_eq!((json.status().as_u16(), document.as_ref()), (200, openapi::json().as_bytes()));
        assert_eq!(
            (
                redirect.status().as_u16(),
                redirect.headers().get("location").unwrap().to_str().unwrap()
            ),
            (308, "/docs/")
        );
        assert!(
            page.headers()
                .get("content-security-policy")
                .unwrap()
                .to_str()
                .unwrap()
                .starts_with("default-src 'self'")
        );
        let html = std::str::from_utf8(html).unwrap();
        assert!(html.contains("swagger-ui-bundle.js") && !html.contains("//"), "{html}");
        let script = std::str::from_utf8(script).unwrap();
        assert!(
            script.contains("/openapi.json") && script.contains("\"validatorUrl\": \"none\""),
            "{script}"
        );
    }
}
