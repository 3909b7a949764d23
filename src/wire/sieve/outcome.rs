//! What a script decides: actions, in order, that agree with each other (RFC 5228 §2.10).

use super::message::Message;
use super::settings::Settings;

/// An action.
#[derive(Debug, Clone)]
pub enum Action {
    /// Into the mailbox where mail goes without a script (RFC 5228 §4.3).
    Keep(Store),
    /// Into a mailbox (RFC 5228 §4.1).
    Fileinto(Store),
    /// To another address (RFC 5228 §4.2).
    Redirect {
        /// Where to.
        to: String,
        /// With the changes of the header until then.
        message: Message,
    },
    /// Nowhere (RFC 5228 §4.4).
    Discard,
    /// Back, with a reason (RFC 5429).
    Reject {
        /// What the sender is told.
        reason: String,
        /// Rather in the SMTP dialogue than by a message (RFC 5429 §2.1).
        in_protocol: bool,
    },
    /// An automatic reply (RFC 5230).
    Vacation(Reply),
    /// A notification (RFC 5435).
    Notify(Notification),
}

/// Where a message is stored, and how.
#[derive(Debug, Clone)]
pub struct Store {
    /// The mailbox's name.
    pub mailbox: String,
    /// The mailbox's id, which wins over the name where it is there (RFC 9042 §4).
    pub mailbox_id: Option<String>,
    /// The special use, which wins over the name where a mailbox has it (RFC 8579 §4).
    pub special_use: Option<String>,
    /// The mailbox is made where it is not there (RFC 5490 §3.2).
    pub create: bool,
    /// Flags and keywords (RFC 5232).
    pub flags: Vec<String>,
    /// The message with the changes until then.
    pub message: Message,
}

/// A vacation reply that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// Seconds until the same sender may get another.
    pub seconds: u64,
    /// The subject, if the script gives one.
    pub subject: Option<String>,
    /// The From, if the script gives one.
    pub from: Option<String>,
    /// Further addresses of the user.
    pub addresses: Vec<String>,
    /// The reason is a MIME entity (RFC 5230 §4.4).
    pub mime: bool,
    /// What tells this reply from others of the user (RFC 5230 §4.7).
    pub handle: String,
    /// The text, or the MIME entity.
    pub reason: Vec<u8>,
}

/// A notification that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notification {
    /// The URI of the method (RFC 5435 §3.1).
    pub method: String,
    /// The author of the notification (RFC 5435 §3.3).
    pub from: Option<String>,
    /// 1 is high, 3 is low (RFC 5435 §3.4).
    pub importance: u8,
    /// The text (RFC 5435 §3.6).
    pub message: Option<String>,
    /// Options of the method (RFC 5435 §3.5).
    pub options: Vec<String>,
}

impl Action {
    /// Its name in the language of the test suite and of `posthouse sieve run`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Keep(_) => "keep",
            Self::Fileinto(_) => "store",
            Self::Redirect { .. } => "redirect",
            Self::Discard => "discard",
            Self::Reject { .. } => "reject",
            Self::Vacation(_) => "vacation",
            Self::Notify(_) => "notify",
        }
    }

    fn store(&self) -> Option<&Store> {
        match self {
            Self::Keep(store) | Self::Fileinto(store) => Some(store),
            _ => None,
        }
    }
}

impl Store {
    /// Whether both go to one mailbox with one content.
    fn is_same(&self, other: &Self) -> bool {
        self.mailbox == other.mailbox
            && self.mailbox_id == other.mailbox_id
            && self.special_use == other.special_use
            && self.message.is(&other.message)
    }
}

/// What scripts have decided so far.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    /// The actions in order.
    pub actions: Vec<Action>,
    /// How many of them have been carried out.
    pub done: usize,
    /// An action has taken the place of the implicit keep (RFC 5228 §2.10.2).
    pub keep_is_cancelled: bool,
    /// The flags of the implicit keep and of actions that name none (RFC 5232 §2).
    pub flags: Vec<String>,
}

impl Outcome {
    /// Prepares for the next script in a row; false if the message is not kept, so that there is none. What a script keeps, the next one
    /// may decide about.
    pub fn hand_on(&mut self) -> bool {
        let before = self.actions.len();
        self.actions.retain(|action| !matches!(action, Action::Keep(_)));
        let kept = !self.keep_is_cancelled || self.actions.len() < before;
        if kept {
            self.keep_is_cancelled = false;
        }
        kept
    }

    /// Adds an action; says why it must not be.
    pub(super) fn add(&mut self, action: Action, settings: &Settings) -> Result<(), String> {
        if self.merge(&action) {
            return Ok(());
        }
        self.check_conflicts(&action)?;
        let mut counted = self.actions.iter().filter(|it| !matches!(it, Action::Discard));
        if counted.clone().count() >= settings.most_actions && !matches!(action, Action::Discard) {
            return Err(format!(
                "total number of actions exceeds policy limit: at most {} are allowed",
                settings.most_actions
            ));
        }
        let most = match action {
            Action::Redirect { .. } => Some(("redirect", settings.most_redirects)),
            Action::Notify(_) => Some(("notify", settings.notify.most)),
            _ => None,
        };
        if let Some((name, most)) = most {
            if most == 0 {
                return Err(format!("local policy prohibits the use of a {name} action"));
            }
            let kind = std::mem::discriminant(&action);
            if counted.by_ref().filter(|it| std::mem::discriminant(*it) == kind).count() >= most {
                return Err(format!("number of {name} actions exceeds policy limit: at most {most} are allowed"));
            }
        }
        self.actions.push(action);
        Ok(())
    }

    /// RFC 5228 §2.10.3: the same action twice is done once. Whether it was there already.
    fn merge(&mut self, action: &Action) -> bool {
        let done = self.done;
        match action {
            Action::Keep(store) | Action::Fileinto(store) => {
                let earlier = self
                    .actions
                    .iter_mut()
                    .find(|it| it.store().is_some_and(|earlier| earlier.is_same(store)));
                let Some(earlier) = earlier else { return false };
                // RFC 5232 §5: the flags of the last one count.
                let is_keep = matches!(earlier, Action::Keep(_)) || matches!(action, Action::Keep(_));
                let mut store = store.clone();
                store.create |= earlier.store().is_some_and(|earlier| earlier.create);
                *earlier = if is_keep { Action::Keep(store) } else { Action::Fileinto(store) };
                true
            }
            Action::Redirect { to, message } => self.actions.iter().any(
                |it| matches!(it, Action::Redirect { to: earlier, message: old } if earlier.eq_ignore_ascii_case(to) && old.is(message)),
            ),
            Action::Discard => self.actions.iter().any(|it| matches!(it, Action::Discard)),
            Action::Notify(notification) => self
                .actions
                .iter()
                .any(|it| matches!(it, Action::Notify(earlier) if earlier == notification)),
            // What another script has done already is not done again.
            Action::Reject { .. } => self.actions.iter().take(done).any(|it| matches!(it, Action::Reject { .. })),
            Action::Vacation(_) => self.actions.iter().take(done).any(|it| matches!(it, Action::Vacation(_))),
        }
    }

    /// RFC 5429 §2.2 and RFC 5230 §4.8: what cannot be together. What other scripts have done stays out of it.
    fn check_conflicts(&self, action: &Action) -> Result<(), String> {
        for earlier in self.actions.iter().skip(self.done) {
            let (first, second) = (earlier.name(), action.name());
            match (earlier, action) {
                (Action::Vacation(_), Action::Vacation(_)) => return Err("vacation may be used only once".into()),
                (Action::Reject { .. }, Action::Reject { .. }) => return Err("reject may be used only once".into()),
                (Action::Reject { .. }, Action::Discard | Action::Notify(_))
                | (Action::Discard | Action::Notify(_), Action::Reject { .. }) => {}
                (Action::Reject { .. }, _) | (_, Action::Reject { .. }) => {
                    return Err(format!(
                        "{second} conflicts with the earlier action {first}: a message that is rejected is neither kept nor answered"
                    ));
                }
                _ => {}
            }
        }
        Ok(())
    }
}
