//! Passwords, tokens, keys.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::Timestamp;
use posthouse::mail::directory::{ApiKeyChange, Directory, NewApiKey, NewDomain, NewPassword, NewUser, Principal, UserChange, Visit};
use posthouse::model::account::Role;
use posthouse::model::address::Domain;
use posthouse::model::clock::{Clock, timestamp};
use posthouse::model::login::Protocol;
use posthouse::model::refusal::Refusal;
use posthouse::model::scope::Scope;
use posthouse::model::secret::Secret;
use posthouse::store::db::{Database, users};

use super::directory::{clear, domain, events, house, on, open, user};
use crate::support::databases::Fresh;

/// A mail client on this machine.
const IMAP: Visit = Visit {
    protocol: Protocol::Imap,
    from: None,
};

async fn try_login(directory: &Directory, login: &str, password: &str) -> Result<String, Refusal> {
    let found = directory.authenticate(login, &Secret::new(password), IMAP).await;
    found.map(|login| login.user.login.clone())
}

async fn with_ada(fresh: &Fresh, clock: Clock) -> (Directory, Database) {
    house(fresh, &[]).await;
    let database = fresh.open().await;
    let directory = on(database.clone(), clock).await;
    let ada = NewUser {
        password: Some(clear("correct horse")),
        ..user("ada@house.test")
    };
    directory.create_user(ada).await.unwrap();
    (directory, database)
}

fn switch(enabled: bool) -> UserChange {
    UserChange {
        enabled: Some(enabled),
        ..Default::default()
    }
}

pub async fn passwords_are_checked(fresh: Fresh) {
    let (directory, _) = with_ada(&fresh, Clock::System).await;
    directory
        .create_domain(NewDomain {
            alias_of: Some(domain("house.test")),
            ..domain("bücher.example").into()
        })
        .await
        .unwrap();
    directory.create_user(user("mute@house.test")).await.unwrap();
    let ada = Ok("ada@house.test".to_owned());
    // The second time the success is remembered.
    for login in ["ada@house.test", "ada@house.test", "ADA@House.Test", "ada@Bücher.example"] {
        assert_eq!(try_login(&directory, login, "correct horse").await, ada, "{login}");
    }
    for (login, password) in [
        ("ada@house.test", "Correct horse"),
        ("ada@house.test", ""),
        ("ada@house.test", &*"x".repeat(5_000)),
        ("ada", "correct horse"),
        ("ada+x@house.test", "correct horse"),
        ("eve@house.test", "correct horse"),
        ("mute@house.test", ""),
        ("no login\0", "correct horse"),
    ] {
        assert_eq!(
            try_login(&directory, login, password).await,
            Err(Refusal::BadCredentials),
            "{login}"
        );
    }
    directory.change_user("ada@house.test", switch(false)).await.unwrap();
    assert_eq!(
        try_login(&directory, "ada@house.test", "correct horse").await,
        Err(Refusal::BadCredentials)
    );
    directory.change_user("ada@house.test", switch(true)).await.unwrap();
    assert_eq!(try_login(&directory, "ada@house.test", "correct horse").await, ada);
    directory.set_password("ada@house.test", clear("battery staple")).await.unwrap();
    assert_eq!(
        try_login(&directory, "ada@house.test", "correct horse").await,
        Err(Refusal::BadCredentials)
    );
    assert_eq!(try_login(&directory, "ada@house.test", "battery staple").await, ada);
    directory.remove_user("ada@house.test").await.unwrap();
    assert_eq!(
        try_login(&directory, "ada@house.test", "battery staple").await,
        Err(Refusal::BadCredentials)
    );
}

pub async fn old_hashes_are_upgraded(fresh: Fresh) {
    let (directory, database) = with_ada(&fresh, Clock::System).await;
    let old = "{SHA512-CRYPT}$6$rounds=1000$TJCBgwTi.uG0T/wc$rE18Wq3jo7.93kVRksFFRno.9b2d.sBmFfyT8zeXT9o54pQbmtha1hf5pkDzaq8WPafbz9WHyBfIdHPF4S4cD0";
    directory
        .set_password("ada@house.test", NewPassword::Hash(Secret::new(old)))
        .await
        .unwrap();
    let stored = async || {
        let mut tx = database.read().await.unwrap();
        users::find(&mut tx, "ada@house.test").await.unwrap().unwrap().password.unwrap()
    };
    assert_eq!(try_login(&directory, "ada@house.test", "wrong").await, Err(Refusal::BadCredentials));
    assert_eq!(stored().await, old);
    for _ in 0..2 {
        assert!(try_login(&directory, "ada@house.test", "Grüße, Welt").await.is_ok());
        assert!(stored().await.starts_with("{ARGON2ID}$argon2id$v=19$m=19456,t=2,p=1$"));
    }
    assert_eq!(try_login(&directory, "ada@house.test", "wrong").await, Err(Refusal::BadCredentials));
}

pub async fn tokens_live_and_die(fresh: Fresh) {
    let time = Arc::new(AtomicI64::new(1_800_000_000_000));
    let (directory, _) = with_ada(&fresh, Clock::Manual(time.clone())).await;
    let login = async |password: &str| directory.login("ada@house.test", &Secret::new(password), None, None).await;
    let tokens = login("correct horse").await.unwrap();
    assert_eq!(tokens.expires_in, 900);
    let who = directory.bearer(&tokens.access_token).await.unwrap();
    assert!(matches!(who, Principal::User(user) if user.login == "ada@house.test"));
    // Another node knows the key.
    assert!(
        on(fresh.open().await, Clock::Manual(time.clone()))
            .await
            .bearer(&tokens.access_token)
            .await
            .is_ok()
    );
    for bad in [
        "",
        "x",
        "phk_x",
        "phr_x",
        &tokens.refresh_token,
        &tokens.access_token[1..],
        &"x.".repeat(5_000),
    ] {
        assert_eq!(directory.bearer(bad).await, Err(Refusal::BadCredentials), "{bad}");
    }
    time.fetch_add(900_000, Ordering::SeqCst);
    assert_eq!(directory.bearer(&tokens.access_token).await, Err(Refusal::BadCredentials));
    let tokens = directory.refresh(&tokens.refresh_token, None).await.unwrap();
    assert!(directory.bearer(&tokens.access_token).await.is_ok());
    // A new password, and being disabled, end both kinds.
    directory.set_password("ada@house.test", clear("battery staple")).await.unwrap();
    assert_eq!(directory.bearer(&tokens.access_token).await, Err(Refusal::BadCredentials));
    assert!(directory.refresh(&tokens.refresh_token, None).await.is_err());
    assert!(login("correct horse").await.is_err());
    let tokens = login("battery staple").await.unwrap();
    directory.change_user("ada@house.test", switch(false)).await.unwrap();
    directory.change_user("ada@house.test", switch(true)).await.unwrap();
    assert_eq!(directory.bearer(&tokens.access_token).await, Err(Refusal::BadCredentials));
    assert!(directory.refresh(&tokens.refresh_token, None).await.is_err());
    // A refresh token ends as well.
    let tokens = login("battery staple").await.unwrap();
    time.fetch_add(1_209_600_000, Ordering::SeqCst);
    assert!(directory.refresh(&tokens.refresh_token, None).await.is_err());
    // Whoever gets the name later does not get the tokens.
    let tokens = login("battery staple").await.unwrap();
    directory.remove_user("ada@house.test").await.unwrap();
    directory.create_user(user("ada@house.test")).await.unwrap();
    assert_eq!(directory.bearer(&tokens.access_token).await, Err(Refusal::BadCredentials));
    assert!(directory.refresh(&tokens.refresh_token, None).await.is_err());
}

pub async fn scram_keys_come_with_the_next_login(fresh: Fresh) {
    let (without, database) = with_ada(&fresh, Clock::System).await;
    let auth = posthouse::config::Auth {
        scram: true,
        scram_iterations: 5_000,
        ..Default::default()
    };
    let with = Directory::open(database.clone(), Default::default(), auth, Clock::System, events(&database))
        .await
        .unwrap();
    let begin = async |login: &str| with.begin_scram(login, IMAP).await.unwrap();
    let stored = async || {
        let mut tx = database.read().await.unwrap();
        users::find(&mut tx, "ada@house.test").await.unwrap().unwrap().scram
    };
    // Without keys it is as if there were no such user, whose salt is always the same.
    let salts = [
        begin("ada@house.test").await,
        begin("ADA@house.test").await,
        begin("eve@house.test").await,
    ]
    .map(|(_, keys)| keys.salt);
    assert!(salts[0] == salts[1] && salts[0] != salts[2]);
    let (login, _) = begin("ada@house.test").await;
    assert_eq!(with.finish_scram(login, true), Err(Refusal::BadCredentials));
    assert_eq!(stored().await, None);

    assert!(try_login(&without, "ada@house.test", "correct horse").await.is_ok());
    assert_eq!(stored().await, None);
    assert!(try_login(&with, "ada@house.test", "correct horse").await.is_ok());
    let keys = stored().await.unwrap();
    assert!(keys.starts_with("5000,"), "{keys}");
    assert!(try_login(&with, "ada@house.test", "correct horse").await.is_ok());
    assert_eq!(stored().await, Some(keys));
    let (login, keys) = begin("ada@house.test").await;
    assert!(keys.salt != salts[0] && keys.iterations == 5_000);
    assert_eq!(
        with.finish_scram(login, true).map(|login| login.user.login.clone()),
        Ok("ada@house.test".into())
    );
    let (login, _) = begin("ada@house.test").await;
    assert_eq!(with.finish_scram(login, false), Err(Refusal::BadCredentials));

    // Keys that were made elsewhere are as good, and those of an old password go with it.
    let given = "{SCRAM-SHA-256}4096,c2FsdA==,AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=,AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    let given = NewPassword::Hash(Secret::new(given));
    with.set_password("ada@house.test", given).await.unwrap();
    assert_eq!(stored().await, None);
    assert_eq!(begin("ada@house.test").await.1.salt, b"salt");
    with.set_password("ada@house.test", clear("battery staple")).await.unwrap();
    assert!(stored().await.is_some());
    with.change_user("ada@house.test", switch(false)).await.unwrap();
    let (login, _) = begin("ada@house.test").await;
    assert_eq!(with.finish_scram(login, true), Err(Refusal::BadCredentials));
}

pub async fn a_refresh_token_is_good_once(fresh: Fresh) {
    let (directory, _) = with_ada(&fresh, Clock::System).await;
    let tokens = directory
        .login("ada@house.test", &Secret::new("correct horse"), None, None)
        .await
        .unwrap();
    let asking = (0..6).map(|_| {
        let (directory, token) = (directory.clone(), tokens.refresh_token.clone());
        tokio::spawn(async move { directory.refresh(&token, None).await.is_ok() })
    });
    let given = futures_util::future::join_all(asking).await;
    assert_eq!(given.into_iter().filter(|it| matches!(it, Ok(true))).count(), 1);
}

fn new_key(name: &str, domains: Vec<Domain>, expires_at: Option<Timestamp>) -> NewApiKey {
    NewApiKey {
        name: name.into(),
        scopes: vec![Scope::Everything],
        domains,
        expires_at,
    }
}

pub async fn keys_live_and_die(fresh: Fresh) {
    let time = Arc::new(AtomicI64::new(1_800_000_000_000));
    let (directory, _) = with_ada(&fresh, Clock::Manual(time.clone())).await;
    let end = Some(timestamp(1_800_000_200_000));
    let (key, secret) = directory.create_api_key(new_key("panel", vec![], end)).await.unwrap();
    assert!(
        secret.expose().starts_with("phk_") && secret.expose().len() == 47,
        "{}",
        secret.expose()
    );
    let of_domain = vec![domain("house.test")];
    let (_, other) = directory.create_api_key(new_key("bob's", of_domain.clone(), None)).await.unwrap();
    time.fetch_add(70_000, Ordering::SeqCst);
    for _ in 0..3 {
        let Ok(Principal::Key(found)) = directory.bearer(secret.expose()).await else {
            panic!("the key is not known");
        };
        assert_eq!((found.id, found.role), (key.id, Role::ServerAdmin));
    }
    let listed = directory.api_keys().await.unwrap();
    assert_eq!(listed.len(), 2);
    assert_eq!(listed[0].last_used_at, Some(timestamp(1_800_000_060_000)));
    assert_eq!((&listed[1].domains, listed[1].last_used_at), (&of_domain, None));
    let change = ApiKeyChange {
        scopes: Some(vec![Scope::QueueRead, Scope::UsersRead, Scope::QueueRead]),
        ..ApiKeyChange::default()
    };
    let changed = directory.change_api_key(listed[1].id, change).await.unwrap();
    assert_eq!(changed.scopes, [Scope::UsersRead, Scope::QueueRead]);
    let (_, rotated) = directory.rotate_api_key(listed[1].id).await.unwrap();
    assert_eq!(directory.bearer(other.expose()).await, Err(Refusal::BadCredentials));
    let other = rotated;
    time.fetch_add(200_000, Ordering::SeqCst);
    assert_eq!(directory.bearer(secret.expose()).await, Err(Refusal::BadCredentials));
    assert!(directory.bearer(other.expose()).await.is_ok());
    directory.remove_api_key(listed[1].id).await.unwrap();
    assert_eq!(directory.bearer(other.expose()).await, Err(Refusal::BadCredentials));
    assert!(matches!(
        directory.remove_api_key(listed[1].id).await,
        Err(Refusal::NotFound { .. })
    ));
    let nowhere = directory.create_api_key(new_key("x", vec![domain("none.test")], None)).await;
    assert!(matches!(nowhere, Err(Refusal::NotFound { .. })));
}

pub async fn there_is_an_administrator(fresh: Fresh) {
    let nodes = [open(&fresh).await, open(&fresh).await];
    let made = futures_util::future::join_all(nodes.iter().map(|node| node.ensure_admin(None))).await;
    let made: Vec<Secret> = made.into_iter().filter_map(Result::unwrap).collect();
    let [password] = &made[..] else {
        panic!("{} passwords were made up", made.len());
    };
    let [node, _] = &nodes;
    assert_eq!(try_login(node, "Admin", password.expose()).await, Ok("admin".into()));
    assert!(node.ensure_admin(None).await.unwrap().is_none());
    let tokens = node.login("admin", password, None, None).await.unwrap();
    // The same password from the environment changes nothing, another one does.
    assert!(node.ensure_admin(Some(password.clone())).await.unwrap().is_none());
    assert!(node.bearer(&tokens.access_token).await.is_ok());
    assert!(
        node.ensure_admin(Some(Secret::new("from the environment")))
            .await
            .unwrap()
            .is_none()
    );
    assert_eq!(try_login(node, "admin", "from the environment").await, Ok("admin".into()));
    assert!(node.bearer(&tokens.access_token).await.is_err());
    let last = node.remove_user("admin").await;
    assert!(matches!(last, Err(Refusal::InUse(_))), "{last:?}");
    assert!(matches!(node.change_user("admin", switch(false)).await, Err(Refusal::InUse(_))));
    assert!(node.user("admin").await.unwrap().enabled);
}
