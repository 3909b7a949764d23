//! Provisions a customer: a domain, its first user, and the addresses that a domain must have. It may be repeated.
//!
//! POSTHOUSE_URL=https://mail.example.org POSTHOUSE_KEY=phk_… cargo run --example provision example.com

use std::env;
use std::error::Error;

use posthouse_client::Client;
use posthouse_client::models::{AliasPut, DomainPut, UserPut};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let domain = env::args().nth(1).ok_or("which domain?")?;
    let posthouse = Client::new(&env::var("POSTHOUSE_URL")?, &env::var("POSTHOUSE_KEY")?)?;

    posthouse.put_domain(&domain, &DomainPut::default()).await?;
    let owner = format!("owner@{domain}");
    let user = UserPut {
        display_name: Some("The owner".to_owned()),
        quota_bytes: Some(5 << 30),
        ..UserPut::default()
    };
    posthouse.put_user(&owner, &user).await?;
    // RFC 2142 §5: everybody may write to these.
    for name in ["postmaster", "abuse"] {
        let alias = AliasPut {
            destinations: vec![owner.clone()],
            ..AliasPut::default()
        };
        posthouse.put_alias(&format!("{name}@{domain}"), &alias).await?;
    }
    println!("{owner}");
    Ok(())
}
