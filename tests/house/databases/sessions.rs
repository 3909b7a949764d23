//! Who is logged in, and when that ends.

use std::time::Duration;

use posthouse::mail::directory::{Directory, NewUser, UserChange, Visit};
use posthouse::mail::sessions::{Place, Sessions, Way};
use posthouse::model::clock::Clock;
use posthouse::model::login::Protocol;
use posthouse::model::refusal::Refusal;
use posthouse::model::secret::Secret;
use posthouse::store::db::users;

use super::directory::{clear, house, open, user};
use crate::support::databases::Fresh;

/// A mail client on this machine.
const IMAP: Visit = Visit {
    protocol: Protocol::Imap,
    from: None,
};

const WAY: Way = Way {
    protocol: Protocol::Imap,
    peer: None,
    tls: None,
};

async fn enter(directory: &Directory, sessions: &Sessions, login: &str) -> Place {
    let login = directory.authenticate(login, &Secret::new("correct horse"), IMAP).await.unwrap();
    sessions.enter(login, WAY).await.unwrap()
}

async fn is_over(place: &Place) {
    let ended = tokio::time::timeout(Duration::from_secs(20), place.end().cancelled_owned()).await;
    assert!(ended.is_ok() && place.is_ended(), "the session goes on");
}

pub async fn sessions_end_with_their_logins(fresh: Fresh) {
    let here = house(&fresh, &[]).await;
    let elsewhere = open(&fresh).await;
    let sessions = Sessions::open(here.clone(), Clock::System);
    for login in ["ada@house.test", "bob@house.test", "eve@house.test"] {
        let new = NewUser {
            password: Some(clear("correct horse")),
            ..user(login)
        };
        here.create_user(new).await.unwrap();
    }
    let [ada, bob, eve, again] = [
        enter(&here, &sessions, "ada@house.test").await,
        enter(&here, &sessions, "bob@house.test").await,
        enter(&here, &sessions, "eve@house.test").await,
        enter(&here, &sessions, "EVE@house.test").await,
    ];
    let listed: Vec<String> = sessions.list().into_iter().map(|session| session.login).collect();
    assert_eq!(listed, ["ada@house.test", "bob@house.test", "eve@house.test", "eve@house.test"]);

    here.set_password("ada@house.test", clear("battery staple")).await.unwrap();
    is_over(&ada).await;
    elsewhere.remove_user("bob@house.test").await.unwrap();
    is_over(&bob).await;
    assert!(!eve.is_ended() && !again.is_ended());
    drop((ada, bob, again));
    assert_eq!(sessions.list().len(), 1);

    // A login that is over before it takes its place.
    let late = here
        .authenticate("eve@house.test", &Secret::new("correct horse"), IMAP)
        .await
        .unwrap();
    let disabled = UserChange {
        enabled: Some(false),
        ..Default::default()
    };
    here.change_user("eve@house.test", disabled).await.unwrap();
    is_over(&eve).await;
    assert_eq!(sessions.enter(late, WAY).await.err(), Some(Refusal::BadCredentials));
    drop(eve);
    assert!(sessions.list().is_empty());
}

/// More users than one question to the database names.
pub async fn epochs_of_many_are_asked_for(fresh: Fresh) {
    let here = house(&fresh, &[]).await;
    let database = fresh.open().await;
    let mut ids = Vec::new();
    for n in 0..130 {
        let new = NewUser {
            enabled: n % 2 == 0,
            ..user(&format!("user{n}@house.test"))
        };
        ids.push(here.create_user(new).await.unwrap().id);
    }
    let mut tx = database.read().await.unwrap();
    let mut found = users::epochs(&mut tx, &ids).await.unwrap();
    let mut expected: Vec<_> = ids.iter().step_by(2).map(|id| (*id, 0)).collect();
    found.sort_unstable();
    expected.sort_unstable();
    assert_eq!(found, expected);
    assert_eq!(users::epochs(&mut tx, &[]).await.unwrap(), []);
}
