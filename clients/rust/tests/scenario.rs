//! What a panel and a script do, on a live server: POSTHOUSE_URL and POSTHOUSE_KEY name it, as an administrator.

#![allow(clippy::unwrap_used)]

use chrono::{SecondsFormat, TimeDelta, Utc};
use posthouse_client::models::{AliasPut, DomainCreate, NewAttachment, NewPerson, NewSubmission, UserCreate};
use posthouse_client::{Client, DeleteUserOptions, ListUsersOptions, SubmitMessageOptions, TryStreamExt, WaitForMessageOptions};

const DOMAIN: &str = "rust.test";
const ADA: &str = "ada@rust.test";
const INFO: &str = "info@rust.test";

#[tokio::test]
#[ignore = "needs a live server; tests/house/sdk.rs starts one"]
async fn a_customer_comes_writes_and_goes() {
    let url = std::env::var("POSTHOUSE_URL").unwrap();
    let posthouse = Client::new(&url, &std::env::var("POSTHOUSE_KEY").unwrap()).unwrap();
    provision(&posthouse).await;
    exchange(&posthouse).await;

    posthouse.delete_alias(INFO).await.unwrap();
    // Without this they could be restored for a while, and the domain would be kept for them.
    let purged = DeleteUserOptions { purge: Some(true) };
    posthouse.delete_user(ADA, &purged).await.unwrap();
    posthouse.delete_domain(DOMAIN).await.unwrap();
    assert!(posthouse.show_domain(DOMAIN).await.unwrap_err().is("not-found"));
}

async fn provision(posthouse: &Client) {
    let domain = DomainCreate {
        domain: DOMAIN.to_owned(),
        ..DomainCreate::default()
    };
    assert_eq!(posthouse.create_domain(&domain).await.unwrap().domain, DOMAIN);
    let again = posthouse.create_domain(&domain).await.unwrap_err();
    assert!(again.is("exists"), "{again}");
    assert_eq!(again.problem().unwrap().status, 409);

    let user = UserCreate {
        address: ADA.to_owned(),
        password: Some("correct horse battery staple".to_owned()),
        display_name: Some("Ada".to_owned()),
        ..UserCreate::default()
    };
    posthouse.create_user(&user).await.unwrap();
    let alias = AliasPut {
        destinations: vec![ADA.to_owned()],
        ..AliasPut::default()
    };
    for _ in 0..2 {
        assert_eq!(posthouse.put_alias(INFO, &alias).await.unwrap().destinations, [ADA]);
    }
    let options = ListUsersOptions {
        limit: Some(1),
        ..ListUsersOptions::default()
    };
    let users: Vec<_> = posthouse.list_users_all(&options).try_collect().await.unwrap();
    assert!(users.len() > 1 && users.iter().any(|user| user.address == ADA));
}

async fn exchange(posthouse: &Client) {
    let begun = Utc::now() - TimeDelta::seconds(1);
    let message = NewSubmission {
        to: Some(vec![NewPerson {
            address: INFO.to_owned(),
            ..NewPerson::default()
        }]),
        subject: Some("Grüße".to_owned()),
        text: Some("Your code is 123456.\n".to_owned()),
        attachments: Some(vec![NewAttachment {
            name: Some("data.bin".to_owned()),
            content: vec![0, 1, 2, 255],
            ..NewAttachment::default()
        }]),
        ..NewSubmission::default()
    };
    posthouse
        .submit_message(ADA, &SubmitMessageOptions::default(), &message)
        .await
        .unwrap();

    let options = WaitForMessageOptions {
        subject: Some("Grüße".to_owned()),
        after: Some(begun.to_rfc3339_opts(SecondsFormat::Millis, true)),
        timeout: Some("30s".to_owned()),
        ..WaitForMessageOptions::default()
    };
    let found = posthouse.wait_for_message(ADA, &options).await.unwrap().unwrap();
    let message = posthouse.show_message(ADA, &found.id).await.unwrap();
    assert!(message.text.unwrap().contains("123456"));
    let n = message
        .attachments
        .iter()
        .find(|it| it.name.as_deref() == Some("data.bin"))
        .unwrap()
        .n;
    let attachment = posthouse.get_attachment(ADA, &found.id, n).await.unwrap();
    assert_eq!(attachment.bytes().await.unwrap().as_ref(), [0, 1, 2, 255]);

    posthouse.delete_message(ADA, &found.id).await.unwrap();
    assert!(posthouse.show_message(ADA, &found.id).await.unwrap_err().is("not-found"));
}
