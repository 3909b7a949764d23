//! How many requests a caller may make in a minute: counted in memory, on each node.
//!
//! The headers are those of draft-ietf-httpapi-ratelimit-headers; what is too much is answered 429 with Retry-After (RFC 6585 §4).

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::web::Data;
use actix_web::{Error, ResponseError};
use moka::sync::Cache;

use super::caller;
use super::house::House;
use super::problem::Problem;
use crate::config;
use crate::model::site::Site;

const RATELIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATELIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// What is counted together.
const WINDOW: Duration = Duration::from_secs(60);

/// How many callers are counted at the same time.
const CALLERS: u64 = 100_000;

/// The counts.
pub(super) struct Rates {
    windows: Cache<Who, Arc<Mutex<Window>>>,
    caller: u64,
    guest: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Who {
    Caller(String),
    Guest(Option<Site>),
}

struct Window {
    begun: Instant,
    count: u64,
}

/// How a caller stands after a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Standing {
    policy: &'static str,
    most: u64,
    /// How many are left; none if this one is too much.
    left: Option<u64>,
    seconds: u64,
}

impl Rates {
    pub fn new(settings: &config::Http) -> Self {
        Self {
            windows: Cache::builder().max_capacity(CALLERS).time_to_idle(WINDOW * 2).build(),
            caller: settings.requests_per_minute,
            guest: settings.guest_requests_per_minute,
        }
    }

    /// Counts a request; none where there is no limit.
    fn count(&self, who: Who, now: Instant) -> Option<Standing> {
        let (policy, most) = match who {
            Who::Caller(_) => ("caller", self.caller),
            Who::Guest(_) => ("guest", self.guest),
        };
        if most == 0 {
            return None;
        }
        let window = self.windows.get_with(who, || Arc::new(Mutex::new(Window { begun: now, count: 0 })));
        let mut window = window.lock().unwrap_or_else(PoisonError::into_inner);
        if now.saturating_duration_since(window.begun) >= WINDOW {
            *window = Window { begun: now, count: 0 };
        }
        window.count = window.count.saturating_add(1);
        let passed = now.saturating_duration_since(window.begun);
        Some(Standing {
            policy,
            most,
            left: most.checked_sub(window.count),
            seconds: WINDOW.saturating_sub(passed).as_secs().max(1),
        })
    }
}

impl Standing {
    fn tell(self, headers: &mut HeaderMap) {
        let (policy, most, left, seconds) = (self.policy, self.most, self.left.unwrap_or_default(), self.seconds);
        let window = WINDOW.as_secs();
        let values = [
            (RATELIMIT_POLICY, format!("\"{policy}\";q={most};w={window}")),
            (RATELIMIT, format!("\"{policy}\";r={left};t={seconds}")),
        ];
        for (name, value) in values {
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.insert(name, value);
            }
        }
    }
}

/// Counts the request, and answers it if it is too much.
pub(super) async fn limit(request: ServiceRequest, next: Next<impl MessageBody + 'static>) -> Result<ServiceResponse<BoxBody>, Error> {
    let standing = request.app_data::<Data<House>>().and_then(|house| {
        let site = || request.peer_addr().map(|peer| Site::of(peer.ip()));
        let who = caller::name(&request).map_or_else(|| Who::Guest(site()), Who::Caller);
        house.rates.count(who, Instant::now())
    });
    let mut reply = match standing {
        Some(Standing {
            left: None, most, seconds, ..
        }) => {
            let detail = format!("more than {most} requests in a minute; go on in {seconds} s");
            request.into_response(Problem::too_many(detail, Duration::from_secs(seconds)).error_response())
        }
        _ => next.call(request).await?.map_into_boxed_body(),
    };
    if let Some(standing) = standing {
        standing.tell(reply.headers_mut());
    }
    Ok(reply)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minute_has_its_number_of_requests() {
        let rates = Rates::new(&config::Http {
            requests_per_minute: 2,
            guest_requests_per_minute: 0,
            ..Default::default()
        });
        let who = |name: &str| Who::Caller(name.to_owned());
        let begin = Instant::now();
        let left = |name, seconds| {
            let standing = rates.count(who(name), begin + Duration::from_secs(seconds)).unwrap();
            (standing.left, standing.seconds)
        };
        assert_eq!(
            [left("a", 0), left("a", 20), left("a", 30)],
            [(Some(1), 60), (Some(0), 40), (None, 30)]
        );
        assert_eq!(left("b", 30), (Some(1), 60));
        assert_eq!(left("a", 60), (Some(1), 60));
        assert_eq!(rates.count(Who::Guest(None), begin), None);
    }
}
