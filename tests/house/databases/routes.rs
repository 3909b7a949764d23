//! Where mail goes.

use posthouse::mail::directory::{AliasChange, Directory, DomainChange, NewAlias, NewDomain, Route, UserChange};
use posthouse::model::account::Role;
use posthouse::model::refusal::Refusal;

use super::directory::{address, alias, domain, house, user};
use crate::support::databases::Fresh;

/// The answer in one line: `ada@house.test bob@house.test+detail >out@side.test`, or what was refused.
async fn route(directory: &Directory, to: &str) -> String {
    let answer = match directory.route(&address(to)).await {
        Ok(Route::Outside) => "outside".into(),
        Ok(Route::Here { users, forwards }) => {
            let users = users.iter().map(|it| match &it.detail {
                Some(detail) => format!("{}+{detail}", it.user.login),
                None => it.user.login.clone(),
            });
            users
                .chain(forwards.iter().map(|it| format!(">{it}")))
                .collect::<Vec<_>>()
                .join(" ")
        }
        Err(Refusal::UnknownRecipient(_)) => "unknown".into(),
        Err(Refusal::Disabled(_)) => "disabled".into(),
        Err(Refusal::AliasLoop(_)) => "loop".into(),
        Err(other) => format!("{other:?}"),
    };
    // Asked again, the answer comes from memory and is the same.
    assert_eq!(
        directory.route(&address(to)).await.is_ok(),
        !["unknown", "disabled", "loop"].contains(&&*answer)
    );
    answer
}

async fn lead(directory: &Directory, from: &str, to: &[&str]) {
    let to = to.iter().map(|it| address(it)).collect();
    directory.create_alias(NewAlias::new(alias(from), to)).await.unwrap();
}

async fn expect(directory: &Directory, table: &[(&str, &str)]) {
    for (to, expected) in table {
        assert_eq!(route(directory, to).await, *expected, "{to}");
    }
}

/// A house with all kinds of addresses.
async fn furnished(fresh: &Fresh) -> Directory {
    let directory = house(
        fresh,
        &["ada@house.test", "Bob.B@house.test", "off@house.test", "list+x@house.test"],
    )
    .await;
    directory
        .create_domain(NewDomain {
            alias_of: Some(domain("house.test")),
            ..domain("bücher.example").into()
        })
        .await
        .unwrap();
    directory.create_domain(domain("quiet.test").into()).await.unwrap();
    directory
        .change_domain(
            &domain("quiet.test"),
            DomainChange {
                enabled: Some(false),
                ..Default::default()
            },
        )
        .await
        .unwrap();
    let off = UserChange {
        enabled: Some(false),
        ..Default::default()
    };
    directory.change_user("off@house.test", off).await.unwrap();
    lead(
        &directory,
        "info@house.test",
        &["ada@house.test", "bob.b@house.test", "out@side.test", "OUT@side.test"],
    )
    .await;
    lead(&directory, "chain@house.test", &["info@bücher.example", "ada@house.test"]).await;
    lead(&directory, "bob.b@house.test", &["Bob.B@house.test", "ada@house.test"]).await;
    lead(&directory, "list@house.test", &["ada@house.test"]).await;
    lead(
        &directory,
        "partly@house.test",
        &["off@house.test", "gone@house.test", "ada@house.test"],
    )
    .await;
    lead(&directory, "gone.alias@house.test", &["gone@house.test"]).await;
    lead(&directory, "off.alias@house.test", &["off@house.test"]).await;
    lead(&directory, "sleeping@house.test", &["ada@house.test"]).await;
    directory
        .change_alias(
            &alias("sleeping@house.test"),
            AliasChange {
                enabled: Some(false),
                ..Default::default()
            },
        )
        .await
        .unwrap();
    directory
}

const ADDRESSES: &[(&str, &str)] = &[
    ("ada@house.test", "ada@house.test"),
    ("ADA@HOUSE.TEST", "ada@house.test"),
    ("ada+Shop@house.test", "ada@house.test+Shop"),
    ("ada+a+b@house.test", "ada@house.test+a+b"),
    ("ada+@house.test", "ada@house.test"),
    ("ada@bücher.example", "ada@house.test"),
    ("ada+x@XN--BCHER-KVA.example", "ada@house.test+x"),
    ("who@side.test", "outside"),
    ("who@[192.0.2.1]", "outside"),
    ("nobody@house.test", "unknown"),
    ("nobody+x@bücher.example", "unknown"),
    ("off@house.test", "disabled"),
    ("off+x@house.test", "disabled"),
    ("any@quiet.test", "disabled"),
    // An alias of the same address wins, and naming itself keeps a copy.
    ("bob.b@house.test", "bob.b@house.test ada@house.test"),
    ("info@house.test", "ada@house.test bob.b@house.test >out@side.test"),
    ("info+x@house.test", "ada@house.test+x bob.b@house.test+x >out@side.test"),
    ("chain@house.test", "ada@house.test bob.b@house.test >out@side.test"),
    // The exact user beats the alias of the name without its detail.
    ("list+x@house.test", "list+x@house.test"),
    ("list+y@house.test", "ada@house.test+y"),
    ("partly@house.test", "ada@house.test"),
    ("gone.alias@house.test", "unknown"),
    ("off.alias@house.test", "disabled"),
    ("sleeping@house.test", "unknown"),
];

pub async fn addresses_lead_somewhere(fresh: Fresh) {
    let directory = furnished(&fresh).await;
    expect(&directory, ADDRESSES).await;
    lead(&directory, "@house.test", &["ada@house.test"]).await;
    expect(
        &directory,
        &[
            ("nobody@house.test", "ada@house.test"),
            ("nobody@bücher.example", "ada@house.test"),
            ("off@house.test", "disabled"),
            ("list+x@house.test", "list+x@house.test"),
            ("sleeping@house.test", "ada@house.test"),
            ("any@quiet.test", "disabled"),
        ],
    )
    .await;
    // The catch-all of the domain itself comes before that of the domain it is another name of.
    lead(&directory, "@bücher.example", &["x@side.test"]).await;
    expect(
        &directory,
        &[("nobody@bücher.example", ">x@side.test"), ("ada@bücher.example", "ada@house.test")],
    )
    .await;
}

pub async fn aliases_in_circles_end(fresh: Fresh) {
    let directory = house(&fresh, &["ada@house.test", "bob@house.test", "d@house.test"]).await;
    lead(&directory, "a@house.test", &["b@house.test"]).await;
    lead(&directory, "b@house.test", &["c@house.test"]).await;
    lead(&directory, "c@house.test", &["a@house.test"]).await;
    lead(&directory, "self@house.test", &["self@house.test"]).await;
    lead(&directory, "way-out@house.test", &["a@house.test", "ada@house.test"]).await;
    // Two who keep copies and send them to one another.
    lead(&directory, "ada@house.test", &["ada@house.test", "bob@house.test"]).await;
    lead(&directory, "bob@house.test", &["bob@house.test", "ada@house.test"]).await;
    lead(&directory, "d@house.test", &["e@house.test", "f@house.test"]).await;
    lead(&directory, "e@house.test", &["none@house.test"]).await;
    lead(&directory, "f@house.test", &["none@house.test"]).await;
    for n in 0..11 {
        lead(&directory, &format!("deep{n}@house.test"), &[&*format!("deep{}@house.test", n + 1)]).await;
    }
    lead(&directory, "deep11@house.test", &["out@side.test"]).await;
    expect(
        &directory,
        &[
            ("a@house.test", "loop"),
            ("self@house.test", "unknown"),
            ("way-out@house.test", "ada@house.test bob@house.test"),
            ("ada@house.test", "ada@house.test bob@house.test"),
            ("bob@house.test", "bob@house.test ada@house.test"),
            ("d@house.test", "unknown"),
            ("deep0@house.test", "loop"),
            ("deep2@house.test", ">out@side.test"),
        ],
    )
    .await;
}

pub async fn postmaster_is_always_somebody(fresh: Fresh) {
    let directory = house(&fresh, &["ada@house.test"]).await;
    directory
        .create_domain(NewDomain {
            alias_of: Some(domain("house.test")),
            ..domain("names.test").into()
        })
        .await
        .unwrap();
    directory.create_domain(domain("small.test").into()).await.unwrap();
    expect(&directory, &[("postmaster@house.test", "unknown")]).await;
    let mut admin = user("root@small.test");
    admin.role = Role::ServerAdmin;
    directory.create_user(admin).await.unwrap();
    let table = [
        ("PostMaster@house.test", "root@small.test"),
        ("postmaster@small.test", "root@small.test"),
    ];
    expect(&directory, &table).await;
    let admin = UserChange {
        role: Some(Role::DomainAdmin),
        ..Default::default()
    };
    directory.change_user("ada@house.test", admin).await.unwrap();
    let table = [
        ("postmaster@house.test", "ada@house.test"),
        ("postmaster@names.test", "ada@house.test"),
        ("postmaster@small.test", "root@small.test"),
        ("postmaster@side.test", "outside"),
        ("postmistress@house.test", "unknown"),
    ];
    expect(&directory, &table).await;
    lead(&directory, "postmaster@house.test", &["p@side.test"]).await;
    expect(&directory, &[("postmaster@house.test", ">p@side.test")]).await;
}

pub async fn senders_are_their_own(fresh: Fresh) {
    let directory = house(&fresh, &["ada@house.test", "bob@house.test"]).await;
    directory
        .create_domain(NewDomain {
            alias_of: Some(domain("house.test")),
            ..domain("names.test").into()
        })
        .await
        .unwrap();
    lead(&directory, "info@house.test", &["team@house.test"]).await;
    lead(&directory, "team@house.test", &["ada@house.test", "out@side.test"]).await;
    lead(&directory, "bob@house.test", &["ada@house.test"]).await;
    let ada = directory.user("ada@house.test").await.unwrap();
    let bob = directory.user("bob@house.test").await.unwrap();
    for (who, sender, expected) in [
        (&ada, "Ada@house.test", true),
        (&ada, "ada+shop@house.test", true),
        (&ada, "ada@names.test", true),
        (&ada, "info@house.test", true),
        (&ada, "bob@house.test", true),
        (&ada, "out@side.test", false),
        (&ada, "nobody@house.test", false),
        (&bob, "bob@house.test", true),
        (&bob, "info@house.test", false),
        (&bob, "ada@house.test", false),
        (&bob, "x@elsewhere.test", false),
    ] {
        assert_eq!(
            directory.may_send_as(who, &address(sender)).await,
            Ok(expected),
            "{} as {sender}",
            who.login
        );
    }
    directory
        .change_domain(
            &domain("house.test"),
            DomainChange {
                enabled: Some(false),
                ..Default::default()
            },
        )
        .await
        .unwrap();
    assert_eq!(directory.may_send_as(&bob, &address("bob@house.test")).await, Ok(false));
}
