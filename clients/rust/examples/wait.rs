//! Waits for the next message to an address, half a minute, and prints the code in it: what a test of a sign-up form needs.
//!
//! POSTHOUSE_URL=https://mail.example.org POSTHOUSE_KEY=phk_… cargo run --example wait alice@example.com [AFTER]

use std::env;
use std::error::Error;

use posthouse_client::{Client, WaitForMessageOptions};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let address = env::args().nth(1).ok_or("whose message?")?;
    let posthouse = Client::new(&env::var("POSTHOUSE_URL")?, &env::var("POSTHOUSE_KEY")?)?;

    let options = WaitForMessageOptions {
        timeout: Some("30s".to_owned()),
        // Also one that came since this time.
        after: env::args().nth(2),
        ..WaitForMessageOptions::default()
    };
    let message = posthouse.wait_for_message(&address, &options).await?.ok_or("no message came")?;
    let text = message.text.unwrap_or_default();
    let code = text.split(|c: char| !c.is_ascii_digit()).find(|digits| digits.len() == 6);
    println!("{}: {}", message.subject.unwrap_or_default(), code.unwrap_or("no code"));
    Ok(())
}
