//! Who is calling, and what they may do: the rules of the API in one place.
//!
//! A server administrator (user or key) may do everything. A domain administrator (user or key) administers the users and aliases
//! of a domain (a key: of its domains), but reads only their own mail; what belongs to another domain does not exist for them. A user
//! reads their own data. Of all this a key may do what its scopes cover: each operation takes the one that its entry in the document
//! names, and an operation that names none takes all. The rules look at names only, before anything is looked up, so a refusal never
//! tells whether a thing exists.

use std::future::{Ready, ready};
use std::net::IpAddr;
use std::sync::Arc;

use actix_web::body::MessageBody;
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::http::header::{AUTHORIZATION, HeaderMap};
use actix_web::middleware::Next;
use actix_web::web::Data;
use actix_web::{Error, FromRequest, HttpMessage, HttpRequest};

use super::field::Login;
use super::house::House;
use super::problem::{Kind, Problem};
use super::request_id::RequestId;
use super::{metrics, openapi, tag};
use crate::mail::defence::Defence;
use crate::mail::directory::{Directory, Principal};
use crate::mail::filter::Filters;
use crate::model::account::{ApiKey, Role, User};
use crate::model::address::Domain;
use crate::model::audit::Actor;
use crate::model::refusal::Refusal;
use crate::model::revision::Expectation;
use crate::model::scope::Scope;

/// The longest token that is looked at.
const TOKEN: usize = 4096;

/// Who is calling. A handler that takes one is closed to everybody else (RFC 6750 §2.1).
pub(super) struct Caller {
    principal: Principal,
    /// In which state they expect what they change.
    expected: Expectation,
    /// From where.
    from: Option<IpAddr>,
    request_id: Option<String>,
}

impl FromRequest for Caller {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        let missing = || {
            Problem::new(
                Kind::NotAuthenticated,
                "this needs 'Authorization: Bearer' with an access token or an API key",
            )
        };
        let recognised = request.extensions().get::<Recognised>().map(|recognised| recognised.0.clone());
        let known = recognised.unwrap_or_else(|| Err(missing()));
        let caller = known.and_then(|principal| {
            let caller = Self {
                principal,
                expected: tag::expectation(request.headers()),
                from: request.peer_addr().map(|peer| peer.ip()),
                request_id: request.extensions().get::<RequestId>().map(|id| id.0.clone()),
            };
            let needed = request
                .match_pattern()
                .and_then(|path| openapi::scope(request.method().as_str(), &path));
            caller.has_scope(needed.unwrap_or(Scope::Everything))?;
            Ok(caller)
        });
        ready(caller)
    }
}

/// What the token of a request turned out to be.
struct Recognised(Result<Principal, Problem>);

/// Looks at the token before anything else of the request is looked at: a stranger hears of nothing but that.
pub(super) async fn recognise(request: ServiceRequest, next: Next<impl MessageBody>) -> Result<ServiceResponse<impl MessageBody>, Error> {
    if let (Some(house), Some(token)) = (request.app_data::<Data<House>>(), bearer(request.headers())) {
        let token = token.to_owned();
        let principal = house.run(|house| async move { house.directory.bearer(&token).await }).await;
        request.extensions_mut().insert(Recognised(principal.map_err(unrecognised)));
    }
    next.call(request).await
}

/// A name for whoever is calling, if it is known who: no two callers have the same.
pub(super) fn name(request: &ServiceRequest) -> Option<String> {
    let extensions = request.extensions();
    match extensions.get::<Recognised>()?.0.as_ref().ok()? {
        Principal::User(user) => Some(format!("user {}", user.id)),
        Principal::Key(key) => Some(format!("key {}", key.id)),
    }
}

/// The token that a request came with.
pub(super) fn token(request: &HttpRequest) -> Option<String> {
    bearer(request.headers()).map(str::to_owned)
}

/// Those who may read how the server does without being in the document: server administrators, and their keys with `server:read`.
pub(super) async fn reads_server(headers: &HeaderMap, house: &Data<House>) -> Result<(), Problem> {
    let token = bearer(headers).ok_or_else(metrics::needs_token)?.to_owned();
    let principal = house.run(|house| async move { house.directory.bearer(&token).await }).await;
    let caller = Caller {
        principal: principal.map_err(unrecognised)?,
        expected: Expectation::default(),
        from: None,
        request_id: None,
    };
    caller.has_scope(Scope::ServerRead)?;
    caller.server_admin()
}

/// RFC 6750 §3.1: a token that stands for nobody, or for somebody who is switched off or gone, is an invalid token.
fn unrecognised(problem: Problem) -> Problem {
    let invalid = [Kind::BadCredentials, Kind::Disabled, Kind::NotFound];
    match invalid.into_iter().any(|kind| problem.is(kind)) {
        true => Problem::new(Kind::NotAuthenticated, "the token is not valid, or no longer"),
        false => problem,
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let header = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = header.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("Bearer") && !token.is_empty() && token.len() <= TOKEN).then_some(token)
}

impl Caller {
    /// The directory, for a change by this caller.
    pub fn directory(&self, house: &House) -> Directory {
        house.directory.expecting(self.expected.clone()).acting(&self.actor())
    }

    /// The filters, for a change by this caller.
    pub fn filters(&self, house: &House) -> Filters {
        house.filters.acting(&self.actor())
    }

    /// The defence, for a change by this caller.
    pub fn defence(&self, house: &House) -> Defence {
        house.defence.acting(&self.actor())
    }

    /// Who is calling, for the audit log.
    pub fn actor(&self) -> Arc<Actor> {
        let actor = match &self.principal {
            Principal::User(user) => Actor::user(user, self.from),
            Principal::Key(key) => Actor::key(key, self.from),
        };
        Arc::new(Actor {
            request_id: self.request_id.clone(),
            ..actor
        })
    }

    /// In which state they expect what they change.
    pub fn expected(&self) -> Expectation {
        self.expected.clone()
    }

    fn role(&self) -> Role {
        match &self.principal {
            Principal::User(user) => user.role,
            Principal::Key(key) => key.role,
        }
    }

    /// The domains that a domain administrator administers.
    fn own_domains(&self) -> &[Domain] {
        match &self.principal {
            Principal::User(user) => {
                let domain = user.address.as_ref().and_then(|address| address.domain());
                domain.map_or(&[], std::slice::from_ref)
            }
            Principal::Key(key) => &key.domains,
        }
    }

    /// Whether a key may be used for this; whoever comes with a password may do what their role may.
    fn has_scope(&self, wanted: Scope) -> Result<(), Problem> {
        match &self.principal {
            Principal::Key(key) if !key.covers(wanted) => Err(not_permitted(&format!("this API key lacks the scope {wanted}"))),
            Principal::Key(_) | Principal::User(_) => Ok(()),
        }
    }

    /// Those who may set what others log in with.
    pub fn sets_passwords(&self) -> Result<(), Refusal> {
        match &self.principal {
            Principal::Key(key) if !key.covers(Scope::UsersPassword) => Err(Refusal::NotPermitted(format!(
                "this API key lacks the scope {}, and the user is there already",
                Scope::UsersPassword
            ))),
            Principal::Key(_) | Principal::User(_) => Ok(()),
        }
    }

    /// Nobody gives a key more than they have.
    pub fn gives(&self, scopes: &[Scope]) -> Result<(), Refusal> {
        let lacking = match &self.principal {
            Principal::Key(own) => scopes.iter().find(|scope| !own.covers(**scope)),
            Principal::User(_) => None,
        };
        match lacking {
            Some(scope) => Err(Refusal::NotPermitted(format!(
                "this API key cannot give the scope {scope}, which it lacks"
            ))),
            None => Ok(()),
        }
    }

    /// Those who may change this key, or get its secret: nobody takes over a key that may do more than they.
    pub fn outranks(&self, key: &ApiKey) -> Result<(), Refusal> {
        self.gives(&key.scopes)
    }

    /// Whether the caller is this very user.
    fn is(&self, login: &Login) -> bool {
        matches!(&self.principal, Principal::User(user) if login.is(&user.login))
    }

    /// Administrators of the server or of any domain.
    pub fn administers(&self) -> Result<(), Problem> {
        match self.role() {
            Role::ServerAdmin | Role::DomainAdmin => Ok(()),
            Role::User => Err(not_permitted("only an administrator may do this")),
        }
    }

    /// Only the user.
    pub fn oneself(&self, login: &Login) -> Result<(), Problem> {
        if self.is(login) {
            return Ok(());
        }
        self.domain_admin(login.domain())?;
        Err(not_permitted("only the user may do this"))
    }

    /// Only server administrators.
    pub fn server_admin(&self) -> Result<(), Problem> {
        match self.role() {
            Role::ServerAdmin => Ok(()),
            Role::DomainAdmin | Role::User => Err(not_permitted("only a server administrator may do this")),
        }
    }

    /// Administrators of this domain: its users and aliases.
    pub fn domain_admin(&self, domain: Option<&Domain>) -> Result<(), Problem> {
        match self.role() {
            Role::ServerAdmin => Ok(()),
            Role::DomainAdmin if domain.is_some_and(|domain| self.own_domains().contains(domain)) => Ok(()),
            Role::DomainAdmin => Err(Problem::new(Kind::NotFound, "there is no such thing in your domain")),
            Role::User => Err(not_permitted("only an administrator may do this")),
        }
    }

    /// The part of a list that the caller may see, when they asked for `domain` or for all: `None` is all.
    pub fn visible(&self, domain: Option<Domain>) -> Result<Option<Vec<Domain>>, Problem> {
        match (self.role(), domain) {
            (Role::ServerAdmin, domain) => Ok(domain.map(|domain| vec![domain])),
            (Role::DomainAdmin, None) => Ok(Some(self.own_domains().to_vec())),
            (Role::DomainAdmin | Role::User, domain) => {
                self.domain_admin(domain.as_ref())?;
                Ok(Some(domain.into_iter().collect()))
            }
        }
    }

    /// Those who may see a user: the user, and administrators of the domain.
    pub fn sees(&self, login: &Login) -> Result<(), Problem> {
        if self.is(login) {
            Ok(())
        } else {
            self.domain_admin(login.domain())
        }
    }

    /// Those who may change a user: administrators of the domain, but nobody changes a role above their own.
    pub fn manages(&self, user: &User) -> Result<(), Refusal> {
        self.grants(user.role)
    }

    /// Nobody makes a role above their own, and a key that may not do everything makes no administrators: they could do more than it.
    pub fn grants(&self, role: Role) -> Result<(), Refusal> {
        let most = match &self.principal {
            Principal::Key(key) if !key.covers(Scope::Everything) => Role::User,
            Principal::Key(_) | Principal::User(_) => self.role(),
        };
        if role <= most {
            return Ok(());
        }
        if most < self.role() {
            let why = format!(
                "this API key makes and changes plain users only, since it lacks the scope {}",
                Scope::Everything
            );
            return Err(Refusal::NotPermitted(why));
        }
        Err(Refusal::NotPermitted(
            "only a server administrator may make or change a server administrator".to_owned(),
        ))
    }

    /// Whether setting the password of this user takes the old one: a plain user's own does.
    pub fn must_know_password(&self, login: &Login) -> bool {
        self.role() == Role::User && self.is(login)
    }

    /// Those who may change a user's mail: those who may read it.
    pub fn changes_mail(&self, login: &Login) -> Result<(), Problem> {
        self.reads_mail(login)
    }

    /// Those who may send mail in a user's name: those who may read it.
    pub fn sends_mail(&self, login: &Login) -> Result<(), Problem> {
        self.reads_mail(login)
    }

    /// Those who may read a user's mail: the user, server administrators, and keys of the domain that were given a scope for it.
    pub fn reads_mail(&self, login: &Login) -> Result<(), Problem> {
        if self.is(login) || self.role() == Role::ServerAdmin {
            return Ok(());
        }
        self.domain_admin(login.domain())?;
        // The scope of the operation is covered; by what is said of mail, or only by "everything".
        if matches!(&self.principal, Principal::Key(key) if !key.covers(Scope::Everything)) {
            return Ok(());
        }
        Err(not_permitted("an administrator of a domain does not read its users' mail"))
    }
}

fn not_permitted(why: &str) -> Problem {
    Problem::new(Kind::NotPermitted, why)
}

#[cfg(test)]
mod tests {
    use actix_web::ResponseError;
    use jiff::Timestamp;

    use super::*;
    use crate::model::ids::{ApiKeyId, UserId};

    fn user(login: &str, role: Role) -> User {
        User {
            id: UserId(1),
            login: login.to_owned(),
            address: login.parse().ok(),
            display_name: String::new(),
            role,
            enabled: true,
            quota_bytes: None,
            quota_messages: None,
            retention: Default::default(),
            filter: None,
            labels: Default::default(),
            deleted_at: None,
            created_at: Timestamp::UNIX_EPOCH,
            updated_at: Timestamp::UNIX_EPOCH,
        }
    }

    fn caller_of(principal: Principal) -> Caller {
        Caller {
            principal,
            expected: Expectation::default(),
            from: None,
            request_id: None,
        }
    }

    fn key(role: Role, domain: Option<&str>) -> Caller {
        scoped(role, domain, &[Scope::Everything])
    }

    fn scoped(role: Role, domain: Option<&str>, scopes: &[Scope]) -> Caller {
        caller_of(Principal::Key(Arc::new(ApiKey {
            id: ApiKeyId(1),
            name: String::new(),
            role,
            scopes: scopes.to_vec(),
            domains: domain.iter().map(|domain| domain.parse().unwrap()).collect(),
            created_at: Timestamp::UNIX_EPOCH,
            updated_at: Timestamp::UNIX_EPOCH,
            expires_at: None,
            last_used_at: None,
        })))
    }

    fn caller(login: &str, role: Role) -> Caller {
        caller_of(Principal::User(Arc::new(user(login, role))))
    }

    fn status(outcome: Result<(), Problem>) -> u16 {
        outcome.map_or_else(|problem| problem.status_code().as_u16(), |()| 200)
    }

    #[test]
    fn who_may_do_what() {
        let callers = [
            caller("admin", Role::ServerAdmin),
            key(Role::ServerAdmin, None),
            caller("ada@a.test", Role::DomainAdmin),
            key(Role::DomainAdmin, Some("a.test")),
            caller("bob@a.test", Role::User),
            caller("eve@b.test", Role::User),
        ];
        let bob: Login = "BOB@a.test".parse().unwrap();
        let zoe: Login = "zoe@z.test".parse().unwrap();
        let check = |ask: &dyn Fn(&Caller) -> Result<(), Problem>| callers.iter().map(|it| status(ask(it))).collect::<Vec<_>>();
        assert_eq!(check(&Caller::server_admin), [200, 200, 403, 403, 403, 403]);
        assert_eq!(check(&|it| it.domain_admin(bob.domain())), [200, 200, 200, 200, 403, 403]);
        assert_eq!(check(&|it| it.domain_admin(zoe.domain())), [200, 200, 404, 404, 403, 403]);
        assert_eq!(check(&|it| it.sees(&bob)), [200, 200, 200, 200, 200, 403]);
        assert_eq!(check(&|it| it.reads_mail(&bob)), [200, 200, 403, 403, 200, 403]);
        assert_eq!(check(&|it| it.reads_mail(&zoe)), [200, 200, 404, 404, 403, 403]);
    }

    #[test]
    fn an_administrator_of_a_domain_sees_only_it() {
        let ada = caller("ada@a.test", Role::DomainAdmin);
        assert_eq!(ada.visible(None).unwrap(), Some(vec!["a.test".parse().unwrap()]));
        assert_eq!(status(ada.visible(Some("b.test".parse().unwrap())).map(|_| ())), 404);
        assert_eq!(key(Role::ServerAdmin, None).visible(None).unwrap(), None);
        assert!(caller("bob@a.test", Role::User).visible(None).is_err());
    }

    #[test]
    fn a_key_does_what_its_scopes_cover() {
        let bob: Login = "bob@a.test".parse().unwrap();
        let provision = scoped(Role::DomainAdmin, Some("a.test"), &[Scope::Provision]);
        assert!(provision.has_scope(Scope::UsersWrite).is_ok() && provision.grants(Role::User).is_ok());
        assert_eq!(status(provision.has_scope(Scope::MessagesRead)), 403);
        assert!(provision.sets_passwords().is_err());
        assert!(provision.grants(Role::DomainAdmin).is_err() && provision.gives(&[Scope::Everything]).is_err());
        let reader = scoped(Role::DomainAdmin, Some("a.test"), &[Scope::MessagesRead]);
        assert_eq!(status(reader.reads_mail(&bob)), 200);
        assert_eq!(status(reader.reads_mail(&"bob@b.test".parse().unwrap())), 404);
    }

    #[test]
    fn nobody_rises_above_their_own_role() {
        let ada = caller("ada@a.test", Role::DomainAdmin);
        assert!(ada.grants(Role::DomainAdmin).is_ok());
        assert!(ada.grants(Role::ServerAdmin).is_err());
        assert!(ada.manages(&user("root@a.test", Role::ServerAdmin)).is_err());
        assert!(caller("bob@a.test", Role::User).must_know_password(&"bob@a.test".parse().unwrap()));
        assert!(!ada.must_know_password(&"ada@a.test".parse().unwrap()));
    }
}
