//! The scripts of users, ready to run, kept in memory.

use std::collections::HashMap;
use std::sync::Arc;

use super::globals::Edition;
use super::keep::ABSENCE;
use super::{Inner, absence, in_folder};
use crate::mail::mailbox::blocking;
use crate::model::account::User;
use crate::model::filter::Vacation;
use crate::model::ids::FilterId;
use crate::model::refusal::Refusal;
use crate::store::db::filters as rows;
use crate::wire::sieve::{Library, Location, Problem, Program, compile};

/// What is to be run for a user.
pub(super) struct Programs {
    /// The active script, or its mistakes: it may include another that is gone.
    pub active: Option<Result<Program, Vec<Problem>>>,
    /// The reply while they are away.
    pub absence: Option<(Vacation, Program)>,
    /// With which scripts of the server it was made.
    edition: Edition,
}

/// Programs by the state of the user's scripts, each of which has a number of its own.
pub(super) type Cache = moka::sync::Cache<FilterId, Arc<Programs>>;

pub(super) fn cache(users: u64) -> Cache {
    Cache::builder().max_capacity(users).build()
}

impl Inner {
    /// What is to be run for the user.
    pub(super) async fn programs(self: &Arc<Self>, user: &User, edition: &Edition) -> Result<Option<Arc<Programs>>, Refusal> {
        let Some(filter) = user.filter else { return Ok(None) };
        if let Some(known) = self.programs.get(&filter).filter(|known| known.edition == *edition) {
            return Ok(Some(known));
        }
        let mut tx = self.ground.database.read_alone().await?;
        let scripts = rows::list_with_content(&mut tx, user.id).await?;
        drop(tx);
        let (inner, edition) = (Arc::clone(self), Arc::clone(edition));
        let made = blocking(move || {
            let (mut active, mut personal) = (None, HashMap::new());
            for (script, content) in scripts {
                if script.active {
                    active = Some(script.name.clone());
                }
                personal.insert(script.name, content);
            }
            Ok(Arc::new(inner.compiled(active, personal, edition)))
        })
        .await?;
        self.programs.insert(filter, Arc::clone(&made));
        Ok(Some(made))
    }

    fn compiled(&self, active: Option<String>, personal: HashMap<String, Vec<u8>>, edition: Edition) -> Programs {
        let settings = self.ground.settings();
        let library = Personal { inner: self, personal };
        let compiled = |name: &String| Some(compile(name, library.personal.get(name)?, &settings, &library));
        let form = library.personal.get(ABSENCE).and_then(|text| absence::read(text));
        Programs {
            active: active.as_ref().and_then(compiled),
            absence: form.and_then(|form| Some((form.clone(), compile(ABSENCE, &absence::script(&form), &settings, &library).ok()?))),
            edition,
        }
    }

    /// A script of a user that is kept with these; none if it is wrong, or not there.
    pub(super) fn compile(&self, name: &str, personal: HashMap<String, Vec<u8>>) -> Option<Program> {
        let library = Personal { inner: self, personal };
        compile(name, library.personal.get(name)?, &self.ground.settings(), &library).ok()
    }

    /// The mistakes of a script of a user, who has these too.
    pub(super) fn problems(&self, name: &str, text: &[u8], personal: HashMap<String, Vec<u8>>) -> Vec<Problem> {
        let library = Personal { inner: self, personal };
        compile(name, text, &self.ground.settings(), &library).err().unwrap_or_default()
    }
}

/// What a script of a user includes: others of theirs, and those of the server.
struct Personal<'i> {
    inner: &'i Inner,
    personal: HashMap<String, Vec<u8>>,
}

impl Library for Personal<'_> {
    fn script(&self, location: Location, name: &str) -> Option<Vec<u8>> {
        match location {
            Location::Personal => self.personal.get(name).cloned(),
            Location::Global => in_folder(self.inner.globals.folder(), name),
        }
    }
}
