//! Domains, users and aliases come, change and go.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use posthouse::config;
use posthouse::mail::directory::{
    AliasChange, Directory, DomainChange, NewAlias, NewApiKey, NewDomain, NewPassword, NewUser, Picked, Route, UserChange,
};
use posthouse::mail::events::Events;
use posthouse::model::account::{AliasAddress, Role, User};
use posthouse::model::address::{Domain, EmailAddress};
use posthouse::model::clock::{Clock, timestamp};
use posthouse::model::ids::{MailboxId, ModSeq, Uid};
use posthouse::model::labels::{Labels, LabelsChange};
use posthouse::model::mailbox::{MailboxInfo, MailboxName};
use posthouse::model::refusal::Refusal;
use posthouse::model::rights::Rights;
use posthouse::model::secret::Secret;
use posthouse::store::db::mailboxes::{self, Counters, MailboxRow};
use posthouse::store::db::{Database, acls, users};

use crate::support::databases::Fresh;

pub async fn on(database: Database, clock: Clock) -> Directory {
    let settings = config::Directory {
        watch_milliseconds: 20,
        ..Default::default()
    };
    let events = events(&database);
    Directory::open(database, settings, config::Auth::default(), clock, events)
        .await
        .unwrap()
}

pub fn events(database: &Database) -> Events {
    Events::open(database.clone(), &config::Events::default(), Clock::System)
}

pub async fn open(fresh: &Fresh) -> Directory {
    on(fresh.open().await, Clock::System).await
}

pub fn address(text: &str) -> EmailAddress {
    text.parse().unwrap()
}

pub fn domain(text: &str) -> Domain {
    text.parse().unwrap()
}

pub fn alias(text: &str) -> AliasAddress {
    text.parse().unwrap()
}

pub fn clear(text: &str) -> NewPassword {
    NewPassword::Clear(Secret::new(text))
}

/// A plain user without a password.
pub fn user(login: &str) -> NewUser {
    NewUser {
        login: login.into(),
        password: None,
        display_name: "Some Body".into(),
        role: Role::User,
        enabled: true,
        quota_bytes: None,
        quota_messages: None,
        retention: Default::default(),
        labels: Default::default(),
    }
}

/// `house.test` with these users.
pub async fn house(fresh: &Fresh, users: &[&str]) -> Directory {
    let directory = open(fresh).await;
    directory.create_domain(domain("house.test").into()).await.unwrap();
    for login in users {
        directory.create_user(user(login)).await.unwrap();
    }
    directory
}

pub async fn domains_come_and_go(fresh: Fresh) {
    let directory = open(&fresh).await;
    let made = directory
        .create_domain(NewDomain {
            description: "books".into(),
            ..domain("Bücher.Example").into()
        })
        .await
        .unwrap();
    assert_eq!(made.domain.as_str(), "xn--bcher-kva.example");
    assert_eq!(directory.domain(&domain("BÜCHER.example")).await.unwrap(), made);
    let again = directory.create_domain(domain("bücher.example").into()).await;
    assert!(matches!(again, Err(Refusal::Exists { what: "domain", .. })), "{again:?}");
    let other = directory
        .create_domain(NewDomain {
            alias_of: Some(made.domain.clone()),
            ..domain("books.test").into()
        })
        .await
        .unwrap();
    assert_eq!(other.alias_of, Some(made.domain.clone()));
    let busy = directory.remove_domain(&made.domain).await;
    assert!(matches!(busy, Err(Refusal::InUse(_))), "{busy:?}");
    let changed = directory
        .change_domain(
            &other.domain,
            DomainChange {
                alias_of: Some(None),
                enabled: Some(false),
                description: Some("x".into()),
                ..Default::default()
            },
        )
        .await
        .unwrap();
    assert_eq!((changed.alias_of, changed.enabled, &*changed.description), (None, false, "x"));
    directory.create_user(user("ada@bücher.example")).await.unwrap();
    assert!(matches!(directory.remove_domain(&made.domain).await, Err(Refusal::InUse(_))));
    directory.remove_user("Ada@bücher.example").await.unwrap();
    directory.remove_domain(&made.domain).await.unwrap();
    assert!(matches!(directory.domain(&made.domain).await, Err(Refusal::NotFound { .. })));
    assert!(matches!(directory.remove_domain(&made.domain).await, Err(Refusal::NotFound { .. })));
}

pub async fn users_come_and_go(fresh: Fresh) {
    let directory = house(&fresh, &["Ada@House.Test"]).await;
    let ada = directory.user("ADA@house.test").await.unwrap();
    assert_eq!(ada.login, "ada@house.test");
    assert_eq!(ada.address.as_ref().map(ToString::to_string).as_deref(), Some("Ada@house.test"));
    let again = directory.create_user(user("ada@HOUSE.test")).await;
    assert!(matches!(again, Err(Refusal::Exists { what: "user", .. })), "{again:?}");
    let elsewhere = directory.create_user(user("ada@nowhere.test")).await;
    assert!(matches!(elsewhere, Err(Refusal::NotFound { what: "domain", .. })), "{elsewhere:?}");
    let change = UserChange {
        display_name: Some("Ada Lovelace".into()),
        quota_bytes: Some(Some(u64::MAX)),
        quota_messages: Some(Some(10)),
        role: Some(Role::DomainAdmin),
        ..Default::default()
    };
    let changed = directory.change_user("ada@house.test", change).await.unwrap();
    // More than a signed number holds is no limit anybody can reach.
    let expected = User {
        quota_bytes: Some(i64::MAX as u64),
        ..(*changed).clone()
    };
    assert_eq!(*directory.user("ada@house.test").await.unwrap(), expected);
    let lifted = UserChange {
        quota_messages: Some(None),
        ..Default::default()
    };
    let lifted = directory.change_user("ada@house.test", lifted).await.unwrap();
    assert_eq!((lifted.quota_messages, &*lifted.display_name), (None, "Ada Lovelace"));
    assert_eq!(directory.remove_user("ada@house.test").await.unwrap().id, ada.id);
    assert!(matches!(directory.user("ada@house.test").await, Err(Refusal::NotFound { .. })));
}

pub async fn aliases_come_and_go(fresh: Fresh) {
    let directory = house(&fresh, &["ada@house.test"]).await;
    let to = vec![address("ada@house.test"), address("Out@side.test"), address("ADA@house.test")];
    let made = directory.create_alias(NewAlias::new(alias("Info@house.test"), to)).await.unwrap();
    assert_eq!(made.destinations, [address("ada@house.test"), address("out@side.test")]);
    let found = directory.alias(&alias("INFO@house.test")).await.unwrap();
    assert_eq!((found.id, &found.destinations), (made.id, &made.destinations));
    assert_eq!(found.destinations[1].to_string(), "Out@side.test");
    let again = directory
        .create_alias(NewAlias::new(alias("info@house.test"), vec![address("x@y.test")]))
        .await;
    assert!(matches!(again, Err(Refusal::Exists { what: "alias", .. })), "{again:?}");
    let one = vec![address("x@y.test")];
    let changed = directory
        .change_alias(
            &made.address,
            AliasChange {
                destinations: Some(one.clone()),
                enabled: Some(false),
                ..Default::default()
            },
        )
        .await
        .unwrap();
    assert_eq!((changed.destinations, changed.enabled), (one, false));
    let catch_all = directory
        .create_alias(NewAlias::new(alias("@house.test"), vec![address("ada@house.test")]))
        .await;
    assert_eq!(catch_all.unwrap().address.to_string(), "@house.test");
    directory.remove_alias(&made.address).await.unwrap();
    assert!(matches!(directory.alias(&made.address).await, Err(Refusal::NotFound { .. })));
    assert!(matches!(directory.remove_alias(&made.address).await, Err(Refusal::NotFound { .. })));
}

fn of(domains: &[&str]) -> Picked {
    Picked {
        domains: Some(domains.iter().map(|name| domain(name)).collect()),
        ..Picked::default()
    }
}

pub async fn lists_have_pages(fresh: Fresh) {
    let directory = house(&fresh, &["b@house.test", "a@house.test", "d@house.test", "c@house.test"]).await;
    directory.create_domain(domain("other.test").into()).await.unwrap();
    directory.create_user(user("b@other.test")).await.unwrap();
    for name in ["x@house.test", "@house.test", "x@other.test"] {
        directory
            .create_alias(NewAlias::new(alias(name), vec![address("a@house.test"), address("b@house.test")]))
            .await
            .unwrap();
    }
    let mut logins = Vec::new();
    let mut after = None;
    loop {
        let page = directory.users(&of(&["house.test"]), after.as_deref(), 3).await.unwrap();
        logins.extend(page.items.into_iter().map(|user| user.login));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(logins, ["a@house.test", "b@house.test", "c@house.test", "d@house.test"]);
    let all = directory.users(&Picked::default(), None, 100).await.unwrap();
    assert_eq!((all.items.len(), all.next), (5, None));
    let page = directory.domains(&Picked::default(), None, 1).await.unwrap();
    assert_eq!(page.next.as_deref(), Some("house.test"));
    let aliases = directory.aliases(&Picked::default(), None, 2).await.unwrap();
    let shown: Vec<String> = aliases.items.iter().map(|it| it.address.to_string()).collect();
    assert_eq!(shown, ["@house.test", "x@house.test"]);
    assert!(aliases.items.iter().all(|it| it.destinations.len() == 2));
    let of_other = directory.aliases(&of(&["other.test"]), None, 2).await.unwrap();
    assert_eq!(of_other.items.len(), 1);
    assert!(matches!(
        directory.users(&of(&["none.test"]), None, 3).await,
        Err(Refusal::NotFound { .. })
    ));
}

pub async fn wrong_values_are_named(fresh: Fresh) {
    let directory = house(&fresh, &[]).await;
    let mut cases = Vec::new();
    for (field, change) in [
        (
            "login",
            NewUser {
                login: "not a name".into(),
                ..user("")
            },
        ),
        (
            "login",
            NewUser {
                login: "a@[192.0.2.1]".into(),
                ..user("")
            },
        ),
        ("login", user("")),
        ("role", user("bare")),
        (
            "display_name",
            NewUser {
                display_name: "nul\0".into(),
                ..user("a@house.test")
            },
        ),
        (
            "password",
            NewUser {
                password: Some(clear("short")),
                ..user("a@house.test")
            },
        ),
        (
            "password",
            NewUser {
                password: Some(NewPassword::Hash(Secret::new("{PLAIN}x"))),
                ..user("a@house.test")
            },
        ),
    ] {
        cases.push((field, directory.create_user(change).await.map(drop)));
    }
    cases.extend(other_wrong_values(&directory).await);
    for (expected, result) in cases {
        assert!(
            matches!(&result, Err(Refusal::Invalid { field, .. }) if *field == expected),
            "{expected}: {result:?}"
        );
    }
}

/// Those of aliases, domains and keys.
async fn other_wrong_values(directory: &Directory) -> [(&'static str, Result<(), Refusal>); 3] {
    let none = directory.create_alias(NewAlias::new(alias("a@house.test"), vec![])).await;
    let itself = directory
        .change_domain(
            &domain("house.test"),
            DomainChange {
                alias_of: Some(Some(domain("house.test"))),
                ..Default::default()
            },
        )
        .await;
    let idle = NewApiKey {
        name: "k".into(),
        scopes: vec![],
        domains: vec![],
        expires_at: None,
    };
    let key = directory.create_api_key(idle).await;
    [
        ("destinations", none.map(drop)),
        ("alias_of", itself.map(drop)),
        ("scopes", key.map(drop)),
    ]
}

pub async fn domain_names_make_no_chain(fresh: Fresh) {
    let directory = house(&fresh, &[]).await;
    directory
        .create_domain(NewDomain {
            alias_of: Some(domain("house.test")),
            ..domain("x.test").into()
        })
        .await
        .unwrap();
    let chain = directory
        .create_domain(NewDomain {
            alias_of: Some(domain("x.test")),
            ..domain("y.test").into()
        })
        .await;
    assert!(matches!(chain, Err(Refusal::Invalid { field: "alias_of", .. })), "{chain:?}");
}

pub async fn one_of_two_wins(fresh: Fresh) {
    let directory = house(&fresh, &[]).await;
    let other_node = open(&fresh).await;
    let making = (0..6).map(|n| {
        let directory = if n % 2 == 0 { directory.clone() } else { other_node.clone() };
        tokio::spawn(async move { directory.create_user(user("ada@house.test")).await })
    });
    let made = futures_util::future::join_all(making).await;
    let (good, bad): (Vec<_>, Vec<_>) = made.into_iter().map(Result::unwrap).partition(Result::is_ok);
    assert_eq!(good.len(), 1);
    assert!(bad.iter().all(|it| matches!(it, Err(Refusal::Exists { .. }))), "{bad:?}");
}

pub async fn a_change_elsewhere_is_seen(fresh: Fresh) {
    let here = house(&fresh, &["ada@house.test"]).await;
    let elsewhere = open(&fresh).await;
    let bob = address("bob@house.test");
    assert!(matches!(here.route(&bob).await, Err(Refusal::UnknownRecipient(_))));
    // Here a change is seen at once, also by those who ask all the time.
    let made = here.create_user(user("bob@house.test")).await.unwrap();
    assert!(matches!(here.route(&bob).await, Ok(Route::Here { users, .. }) if users[0].user.id == made.id));
    until(async || elsewhere.route(&bob).await.is_ok()).await;
    elsewhere.remove_user("bob@house.test").await.unwrap();
    assert!(matches!(elsewhere.route(&bob).await, Err(Refusal::UnknownRecipient(_))));
    until(async || here.route(&bob).await.is_err()).await;
}

/// Waits for what another node's watcher brings about.
async fn until(condition: impl AsyncFn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !condition().await {
        assert!(Instant::now() < deadline, "the change was not seen");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Rights on mailboxes of others are one's own domain's affair, and go with the user.
pub async fn rights_go_with_their_user(fresh: Fresh) {
    let directory = house(&fresh, &["alice@house.test", "bob@house.test"]).await;
    directory.create_domain(domain("other.test").into()).await.unwrap();
    let eve = directory.create_user(user("eve@other.test")).await.unwrap();
    let (alice, bob) = (
        directory.user("alice@house.test").await.unwrap(),
        directory.user("bob@house.test").await.unwrap(),
    );
    let database = fresh.open().await;
    let mailbox = MailboxRow {
        user: alice.id,
        info: MailboxInfo {
            id: MailboxId(7),
            name: MailboxName::inbox(),
            uidvalidity: 1,
            special_use: None,
            subscribed: false,
        },
        folder: String::new(),
        counters: Counters {
            uid_next: Uid(1),
            recent_from: Uid(1),
            modseq: ModSeq(1),
            forgotten: ModSeq(0),
        },
    };
    let mut tx = database.write().await.unwrap();
    mailboxes::insert(&mut tx, &mailbox).await.unwrap();
    acls::set(&mut tx, MailboxId(7), acls::ANYONE, Rights::LOOKUP).await.unwrap();
    acls::set(&mut tx, MailboxId(7), "bob@house.test", Rights::READ).await.unwrap();
    tx.commit().await.unwrap();
    let shared = async |user: &User| {
        let mut tx = database.read().await.unwrap();
        let shared = acls::shared_with(&mut tx, user.id, &user.login).await.unwrap();
        let mut rights: Vec<String> = shared.into_iter().map(|it| format!("{} {}", it.login, it.rights)).collect();
        rights.sort();
        rights
    };
    assert_eq!(shared(&bob).await, ["alice@house.test l", "alice@house.test r"]);
    assert!(shared(&eve).await.is_empty() && shared(&alice).await.is_empty());

    let mut tx = database.write().await.unwrap();
    assert!(users::hold_enabled(&mut tx, "bob@house.test").await.unwrap());
    assert!(!users::hold_enabled(&mut tx, "nobody@house.test").await.unwrap());
    drop(tx);
    directory.remove_user("bob@house.test").await.unwrap();
    let bob = directory.create_user(user("bob@house.test")).await.unwrap();
    assert_eq!(shared(&bob).await, ["alice@house.test l"]);
}

fn labels(id: &str, tags: &[&str]) -> Labels {
    Labels {
        metadata: [("panel.id".to_owned(), id.to_owned())].into(),
        tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
    }
}

async fn logins(directory: &Directory, picked: Picked) -> Vec<String> {
    let page = directory.users(&picked, None, 100).await.unwrap();
    page.items.into_iter().map(|user| user.login).collect()
}

pub async fn lists_are_picked_by_labels(fresh: Fresh) {
    let directory = house(&fresh, &["bob@house.test"]).await;
    for (login, id, tags) in [("ada@house.test", "1", &["vip", "10% off"][..]), ("eve@house.test", "2", &["vip"])] {
        let new = NewUser {
            labels: labels(id, tags),
            display_name: format!("Mrs {id}"),
            ..user(login)
        };
        directory.create_user(new).await.unwrap();
    }
    let tag = |tag: &str| Picked {
        tag: Some(tag.into()),
        ..Picked::default()
    };
    let search = |text: &str| Picked {
        search: Some(text.into()),
        ..of(&["house.test"])
    };
    let by_id = Picked {
        metadata: Some(("panel.id".into(), "2".into())),
        ..tag("vip")
    };
    assert_eq!(logins(&directory, tag("vip")).await, ["ada@house.test", "eve@house.test"]);
    assert_eq!(logins(&directory, tag("10% off")).await, ["ada@house.test"]);
    assert_eq!(logins(&directory, by_id.clone()).await, ["eve@house.test"]);
    assert_eq!(logins(&directory, search("mrs 1")).await, ["ada@house.test"]);
    assert_eq!(logins(&directory, search("OB@")).await, ["bob@house.test"]);
    assert_eq!(logins(&directory, search("%")).await, Vec::<String>::new());
    assert_eq!(logins(&directory, of(&[])).await, Vec::<String>::new());
    let change = UserChange {
        labels: LabelsChange {
            metadata: Some(Some([("panel.id".to_owned(), Some("3".to_owned()))].into())),
            tags: None,
        },
        ..UserChange::default()
    };
    let eve = directory.change_user("eve@house.test", change).await.unwrap();
    assert_eq!(eve.labels, labels("3", &["vip"]));
    assert_eq!(*directory.user("eve@house.test").await.unwrap(), *eve);
    assert_eq!(logins(&directory, by_id).await, Vec::<String>::new());
    directory.remove_user("ada@house.test").await.unwrap();
    assert_eq!(logins(&directory, tag("vip")).await, ["eve@house.test"]);
}

pub async fn the_deleted_can_be_restored(fresh: Fresh) {
    let directory = house(&fresh, &["ada@house.test", "bob@house.test"]).await;
    let ada = directory.user("ada@house.test").await.unwrap();
    let before = directory.delete_user("ada@house.test").await.unwrap();
    assert_eq!(before.id, ada.id);
    let deleted = Picked {
        deleted: true,
        ..Picked::default()
    };
    assert_eq!(logins(&directory, Picked::default()).await, ["bob@house.test"]);
    assert_eq!(logins(&directory, deleted.clone()).await, ["ada@house.test"]);
    assert!(matches!(directory.user("ada@house.test").await, Err(Refusal::NotFound { .. })));
    assert!(matches!(
        directory.route(&address("ada@house.test")).await,
        Err(Refusal::UnknownRecipient(_))
    ));
    assert!(matches!(
        directory.create_user(user("ada@house.test")).await,
        Err(Refusal::InUse(_))
    ));
    assert!(matches!(
        directory.put_user(user("ada@house.test"), |_| Ok(())).await,
        Err(Refusal::InUse(_))
    ));
    assert!(matches!(
        directory.remove_domain(&domain("house.test")).await,
        Err(Refusal::InUse(_))
    ));
    assert_eq!(directory.deleted_for_good().await.unwrap(), []);
    assert_eq!(directory.restore_user("ada@house.test").await.unwrap().id, ada.id);
    assert!(matches!(directory.restore_user("ada@house.test").await, Err(Refusal::InUse(_))));
    assert!(directory.route(&address("ada@house.test")).await.is_ok());
    directory.condemn_user("ada@house.test").await.unwrap();
    assert!(matches!(
        directory.restore_user("ada@house.test").await,
        Err(Refusal::NotFound { .. })
    ));
    assert_eq!(directory.deleted_for_good().await.unwrap().len(), 1);
    assert_eq!(logins(&directory, deleted).await, Vec::<String>::new());
    directory.remove_user("ada@house.test").await.unwrap();
    assert_ne!(directory.create_user(user("ada@house.test")).await.unwrap().id, ada.id);
}

pub async fn aliases_expire(fresh: Fresh) {
    house(&fresh, &["ada@house.test"]).await;
    let time = Arc::new(AtomicI64::new(1_800_000_000_000));
    let directory = on(fresh.open().await, Clock::Manual(Arc::clone(&time))).await;
    let new = NewAlias {
        expires_at: Some(timestamp(1_800_000_060_000)),
        ..NewAlias::new(alias("sale@house.test"), vec![address("ada@house.test")])
    };
    directory.create_alias(new).await.unwrap();
    for (milliseconds, found) in [(59_999, true), (1, false)] {
        time.fetch_add(milliseconds, Ordering::SeqCst);
        assert_eq!(directory.route(&address("sale@house.test")).await.is_ok(), found);
    }
    let never = AliasChange {
        expires_at: Some(None),
        ..AliasChange::default()
    };
    directory.change_alias(&alias("sale@house.test"), never).await.unwrap();
    assert!(directory.route(&address("sale@house.test")).await.is_ok());
}
