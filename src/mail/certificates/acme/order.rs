//! One certificate, from the order to the chain.

use std::sync::Arc;
use std::time::Duration;

use instant_acme::{
    Account, AccountCredentials, AuthorizationHandle, AuthorizationStatus, ChallengeType, Identifier, NewAccount, NewOrder, Order,
    OrderStatus, RetryPolicy,
};
use rcgen::{CertificateParams, CustomExtension, DistinguishedName, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::sign::CertifiedKey;
use sha2::{Digest, Sha256};

use super::Acme;
use crate::config::AcmeChallenge;
use crate::model::secret::Secret;
use crate::store;
use crate::store::db::acme::{self, Challenge};

/// For how many milliseconds something is shown to the authority at most.
const SHOWN_MS: i64 = 600_000;

/// How long the authority may take for each of its steps.
const STEP: Duration = Duration::from_secs(90);

/// Why there is no certificate: a sentence for the operator.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct NotHad(pub(super) String);

impl From<instant_acme::Error> for NotHad {
    fn from(error: instant_acme::Error) -> Self {
        Self(match error {
            instant_acme::Error::Other(cause) => cause.to_string(),
            other => other.to_string(),
        })
    }
}

impl From<store::Error> for NotHad {
    fn from(error: store::Error) -> Self {
        Self(error.to_string())
    }
}

impl From<rcgen::Error> for NotHad {
    fn from(error: rcgen::Error) -> Self {
        Self(error.to_string())
    }
}

impl From<serde_json::Error> for NotHad {
    fn from(error: serde_json::Error) -> Self {
        Self(error.to_string())
    }
}

impl Acme {
    /// A new chain for this name and its key, both PEM.
    pub(super) async fn order(&self, name: &str) -> Result<(String, String), NotHad> {
        let account = self.account().await?;
        let names = [Identifier::Dns(name.to_owned())];
        let mut order = account.new_order(&NewOrder::new(&names)).await?;
        let mut shown = Vec::new();
        let got = self.fulfil(&mut order, name, &mut shown).await;
        self.hide(&shown).await?;
        got
    }

    async fn fulfil(&self, order: &mut Order, name: &str, shown: &mut Vec<String>) -> Result<(String, String), NotHad> {
        let mut authorizations = order.authorizations();
        while let Some(authorization) = authorizations.next().await {
            self.prove(authorization?, name, shown).await?;
        }
        let patience = RetryPolicy::new().timeout(STEP);
        if order.poll_ready(&patience).await? != OrderStatus::Ready {
            return Err(NotHad(refusal(order).await));
        }
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::new([name.to_owned()])?;
        params.distinguished_name = DistinguishedName::new();
        order.finalize_csr(params.serialize_request(&key)?.der()).await?;
        let chain = order.poll_certificate(&patience).await?;
        Ok((chain, key.serialize_pem()))
    }

    /// Shows the authority what it is to find, and asks it to look.
    async fn prove(&self, mut authorization: AuthorizationHandle<'_>, name: &str, shown: &mut Vec<String>) -> Result<(), NotHad> {
        match authorization.status {
            AuthorizationStatus::Valid => return Ok(()),
            AuthorizationStatus::Pending => {}
            status => return Err(NotHad(format!("the authorization is {status:?}"))),
        }
        let kind = match self.settings.challenge {
            AcmeChallenge::Http01 => ChallengeType::Http01,
            AcmeChallenge::TlsAlpn01 => ChallengeType::TlsAlpn01,
        };
        let missing = || NotHad(format!("the authority does not offer {kind:?}"));
        let mut challenge = authorization.challenge(kind.clone()).ok_or_else(missing)?;
        let answer = Challenge {
            token: challenge.token.clone(),
            name: name.to_owned(),
            answer: challenge.key_authorization().as_str().to_owned(),
        };
        shown.push(answer.token.clone());
        let mut tx = self.database.write().await?;
        acme::put_challenge(&mut tx, &answer, self.clock.now_ms().saturating_add(SHOWN_MS)).await?;
        tx.commit().await?;
        if kind == ChallengeType::TlsAlpn01 {
            self.show_challenges().await?;
            // The other nodes show it after their next look.
            tokio::time::sleep(Duration::from_secs(self.settings.watch_seconds)).await;
        }
        Ok(challenge.set_ready().await?)
    }

    async fn hide(&self, shown: &[String]) -> Result<(), NotHad> {
        let mut tx = self.database.write().await?;
        for token in shown {
            acme::delete_challenge(&mut tx, token).await?;
        }
        Ok(tx.commit().await?)
    }

    /// The account at the authority, which all nodes share; it is made if there is none.
    async fn account(&self) -> Result<Account, NotHad> {
        let directory = &self.settings.directory_url;
        let known = acme::account(&mut self.database.read().await?, directory).await?;
        if let Some(octets) = known {
            let credentials: AccountCredentials = serde_json::from_slice(&octets)?;
            return Ok(self.builder().from_credentials(credentials).await?);
        }
        let contact: Vec<String> = self.settings.contact.iter().map(|address| format!("mailto:{address}")).collect();
        let contact: Vec<&str> = contact.iter().map(String::as_str).collect();
        let new = NewAccount {
            contact: &contact,
            terms_of_service_agreed: true,
            only_return_existing: false,
        };
        let (account, credentials) = self.builder().create(&new, directory.clone(), None).await?;
        let octets = Secret::new(serde_json::to_string(&credentials)?);
        let mut tx = self.database.write().await?;
        match acme::insert_account(&mut tx, directory, octets.expose().as_bytes(), self.clock.now_ms()).await {
            Ok(()) => tx.commit().await?,
            // Another node was faster: from the next time on its account is used.
            Err(store::Error::Conflict) => {}
            Err(error) => return Err(error.into()),
        }
        Ok(account)
    }

    fn builder(&self) -> instant_acme::AccountBuilder {
        Account::builder_with_http(Box::new(self.client.clone()))
    }
}

/// What the authority did not like.
async fn refusal(order: &mut Order) -> String {
    let mut authorizations = order.authorizations();
    while let Some(Ok(mut authorization)) = authorizations.next().await {
        if authorization.refresh().await.is_err() {
            continue;
        }
        if let Some(problem) = authorization.challenges.iter().find_map(|challenge| challenge.error.as_ref()) {
            return problem.to_string();
        }
    }
    "the authority refused the order".into()
}

/// The certificate that is shown to an authority that looks (RFC 8737 §3).
pub(super) fn shown_in_handshake(challenge: &Challenge) -> Result<Arc<CertifiedKey>, NotHad> {
    let digest = Sha256::digest(challenge.answer.as_bytes());
    let mut params = CertificateParams::new([challenge.name.clone()])?;
    params.custom_extensions = vec![CustomExtension::new_acme_identifier(&digest)];
    let key = KeyPair::generate()?;
    let certificate = params.self_signed(&key)?;
    let secret = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let secret = rustls::crypto::ring::default_provider().key_provider.load_private_key(secret);
    let secret = secret.map_err(|error| NotHad(error.to_string()))?;
    // Whether the two belong together cannot be checked by rustls, which does not know the extension that must be known.
    Ok(Arc::new(CertifiedKey::new(vec![certificate.der().clone()], secret)))
}
