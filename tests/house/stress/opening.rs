//! Opening a mailbox, for the first time or with what the client knew of it (RFC 3501 §6.3.1, RFC 7162 §3.2.5).

use std::collections::BTreeMap;

use rand::RngExt;

use super::client::{Client, Kind};
use super::model::{Fetched, Message, Model, number_after, ranges};
use crate::support::imap::{Answer, Untagged};

/// SELECT or EXAMINE; a client that can comes back with what it knew, and is told the rest.
pub fn open(client: &mut Client, mailbox: &str) {
    let read_only = client.random.random_bool(0.1);
    let verb = if read_only { "EXAMINE" } else { "SELECT" };
    let gone = client.ledger.gone(mailbox);
    let before = client.remembered(mailbox).cloned();
    let back = before.clone().filter(|_| client.kind == Kind::QResync);
    let parameters = match &back {
        Some(model) => format!(" (QRESYNC ({} {}))", model.uidvalidity, model.highest),
        None => String::new(),
    };
    let command = format!("{verb} {mailbox}{parameters}");
    let answer = client.imap().ok_answer(&command);
    client.ledger.count(&command);
    let mut model = described(&answer).unwrap_or_else(|| client.fail(&format!("{command:?} was answered {answer:?}")));
    model.mailbox = mailbox.to_owned();
    model.read_only = read_only;
    if let Some(before) = before {
        let modseqs = before.messages.iter().map(|message| message.modseq);
        let known = modseqs.max().unwrap_or(0).max(before.highest);
        if before.uidvalidity != model.uidvalidity || known > model.highest || before.uid_next > model.uid_next {
            client.fail(&format!("{command:?}: {model:?}, and before {before:?}"));
        }
    }
    if let Some(back) = back {
        model.messages = resynced(back, &answer, model.messages.len())
            .unwrap_or_else(|problem| client.fail(&format!("{command:?} was answered {answer:?}: {problem}")));
    }
    look(client, model, &command);
    let uids = client.model().uids();
    if let Some(back) = uids.iter().find(|uid| gone.contains(uid)) {
        client.fail(&format!("{command:?}: UID {back} was gone"));
    }
}

/// What the untagged responses say of the mailbox; its messages are not known yet.
fn described(answer: &Answer) -> Option<Model> {
    let number = |mark: &str| answer.untagged.iter().find_map(|it| number_after(&it.text, mark));
    let before = |mark: &str| {
        let text = answer.untagged.iter().find_map(|it| it.text.strip_suffix(mark)?.strip_prefix("* "));
        text?.parse::<usize>().ok()
    };
    let (exists, recent) = (before(" EXISTS")?, before(" RECENT")?);
    // One picture: nothing is told to have come or gone before it is whole.
    let again = |it: &Untagged| it.text.starts_with("* VANISHED ") && !it.text.contains("EARLIER") || it.text.ends_with(" EXPUNGE");
    let counts = answer.untagged.iter().filter(|it| it.text.ends_with(" EXISTS")).count();
    (recent <= exists && counts == 1 && !answer.untagged.iter().any(again)).then_some(())?;
    Some(Model {
        uidvalidity: number("[UIDVALIDITY ")?.try_into().ok()?,
        uid_next: number("[UIDNEXT ")?.try_into().ok()?,
        highest: number("[HIGHESTMODSEQ ")?,
        messages: vec![Message::default(); exists],
        ..Model::default()
    })
}

/// What the client knew, with what vanished taken out and what changed or came put in.
fn resynced(back: Model, answer: &Answer, exists: usize) -> Result<Vec<Message>, String> {
    let known = back.messages.into_iter().filter_map(|message| Some((message.uid?, message)));
    let mut known: BTreeMap<u32, Message> = known.collect();
    let mut numbers = Vec::new();
    for response in &answer.untagged {
        if let Some(set) = response.text.strip_prefix("* VANISHED (EARLIER) ") {
            for (first, last) in ranges(set)? {
                known.retain(|uid, _| !(first..=last).contains(uid));
            }
        } else if response.text.contains(" FETCH (") {
            let fetched = Fetched::read(response);
            let uid = fetched.uid.ok_or("FETCH without UID")?;
            numbers.push((uid, number_after(&response.text, "* ")));
            known.insert(
                uid,
                Message {
                    uid: Some(uid),
                    flags: fetched.flags,
                    modseq: fetched.modseq.ok_or("FETCH without MODSEQ")?,
                    flags_at: fetched.modseq,
                },
            );
        }
    }
    if known.len() != exists {
        return Err(format!("{} messages are known: {:?}", known.len(), known.keys()));
    }
    let uids: Vec<u32> = known.keys().copied().collect();
    for (uid, number) in numbers {
        let at = uids.binary_search(&uid).map_err(|_| format!("UID {uid} vanished and changed"))?;
        if number != Some(at as u64 + 1) {
            return Err(format!("UID {uid} has number {}", at + 1));
        }
    }
    Ok(known.into_values().collect())
}

/// Looks at all that was there at that moment, and compares with what the client was told.
fn look(client: &mut Client, model: Model, command: &str) {
    let (told, uid_next, highest) = (model.messages.clone(), model.uid_next, model.highest);
    let messages = vec![Message::default(); told.len()];
    client.enter(Model {
        messages,
        uid_next: 0,
        ..model
    });
    client.find_out();
    let messages = client.model().messages.get(..told.len()).unwrap_or_default().to_vec();
    for (told, now) in told.iter().zip(&messages) {
        let is_same = told.uid.is_none() || (told.uid == now.uid && (now.modseq > highest || told.flags == now.flags));
        if !is_same {
            client.fail(&format!(
                "{command:?}: {told:?} is known, and there is {now:?} (HIGHESTMODSEQ {highest})"
            ));
        }
        if now.uid >= Some(uid_next) {
            client.fail(&format!("{command:?}: UIDNEXT {uid_next}, and there is {now:?}"));
        }
    }
    client.model_mut().uid_next = uid_next;
}
