//! The mailboxes on a real SQLite and real files.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use tempfile::TempDir;

use super::*;
use crate::model::account::Role;
use crate::model::address::EmailAddress;
use crate::model::mailbox::{FlagChange, Flags, MailboxName, SpecialUse};
use crate::store::db::derived::Derived;
use crate::store::db::looks;
use crate::store::db::snapshots;
use crate::store::db::users::{self, StoredUser};

pub(super) struct House {
    dir: TempDir,
    pub(super) mailboxes: Mailboxes,
}

impl House {
    pub(super) async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mailboxes = open(dir.path()).await;
        Self { dir, mailboxes }
    }

    /// The same data with nothing in memory.
    async fn reopen(self) -> Self {
        let mailboxes = open(self.dir.path()).await;
        Self { dir: self.dir, mailboxes }
    }

    pub(super) fn maildir(&self, user: &str) -> PathBuf {
        self.dir.path().join("mail/house.test").join(user)
    }

    async fn append(&self, mailbox: &Mailbox, text: &str, flags: Flags) -> Result<Uid, Refusal> {
        let mut draft = self.mailboxes.draft(LineEnds::Mended);
        draft.write(text.as_bytes()).await?;
        mailbox.append(draft, flags, Timestamp::from_second(1_600_000_000).unwrap()).await
    }
}

async fn open(dir: &Path) -> Mailboxes {
    open_with(dir, config::Mail::default()).await
}

async fn open_with(dir: &Path, settings: config::Mail) -> Mailboxes {
    let database = Database::open(&config::Database::default(), dir).await.unwrap();
    let events = Events::open(database.clone(), &config::Events::default(), Clock::System);
    Mailboxes::open_all(Ground {
        database,
        spool: Spool::open(dir).unwrap(),
        root: dir.join("mail"),
        hostname: "house.test".into(),
        max_message_bytes: 1_000_000,
        settings,
        events,
        clock: Clock::System,
    })
}

pub(super) fn user(id: i64, local: &str) -> User {
    let address = EmailAddress::parse(&format!("{local}@house.test")).unwrap();
    let (created_at, updated_at) = (Timestamp::UNIX_EPOCH, Timestamp::UNIX_EPOCH);
    let (login, display_name) = (address.canonical(), String::new());
    let address = Some(address);
    User {
        id: UserId(id),
        login,
        address,
        display_name,
        role: Role::User,
        enabled: true,
        quota_bytes: None,
        quota_messages: None,
        retention: Default::default(),
        filter: None,
        labels: Default::default(),
        deleted_at: None,
        created_at,
        updated_at,
    }
}

pub(super) fn name(text: &str) -> MailboxName {
    MailboxName::parse(text).unwrap()
}

fn uids(mailbox: &Mailbox) -> Vec<u32> {
    mailbox.messages().iter().map(|it| it.uid.0).collect()
}

fn files(dir: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(dir)
        .unwrap()
        .map(|it| it.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[tokio::test]
async fn a_new_user_has_the_special_mailboxes() {
    let house = House::new().await;
    let alice = user(1, "alice");
    let list = house.mailboxes.list(&alice).await.unwrap();
    let names: Vec<&str> = list.iter().map(|it| it.name.as_str()).collect();
    assert_eq!(names, ["INBOX", "Archive", "Drafts", "Junk", "Sent", "Trash"]);
    assert_eq!(list[2].special_use, Some(SpecialUse::Drafts));
    assert!(list.iter().all(|it| it.subscribed));
    assert!(house.maildir("alice").join(".Sent/maildirfolder").exists());
    let mut validities: Vec<u32> = list.iter().map(|it| it.uidvalidity).collect();
    validities.dedup();
    assert_eq!(validities.len(), 6);
}

#[tokio::test]
async fn one_file_for_several_users() {
    let house = House::new().await;
    let users = [Arc::new(user(1, "alice")), Arc::new(user(2, "bob"))];
    let mut draft = house.mailboxes.draft(LineEnds::AsTheyAre);
    draft.write(b"Subject: x\r\n\r\nhello\r\n").await.unwrap();
    for placed in house.mailboxes.place(&users, b"Return-Path: <>\r\n".to_vec(), &draft).await {
        assert_eq!(placed.unwrap().index().await.unwrap(), Uid(1));
    }
    let inode = |user: &str| {
        let dir = house.maildir(user).join("new");
        std::fs::metadata(dir.join(&files(&dir)[0])).unwrap().ino()
    };
    assert_eq!(inode("alice"), inode("bob"));
    let inbox = house.mailboxes.open(&users[1], &MailboxName::inbox()).await.unwrap();
    let message = inbox.open_message(Uid(1)).await.unwrap().unwrap();
    assert_eq!(
        &*message.read_all().await.unwrap(),
        b"Return-Path: <>\r\nSubject: x\r\n\r\nhello\r\n"
    );
    assert_eq!(inbox.messages().get(0).unwrap().size, message.size());
    assert_eq!(inbox.picture(false, None).recent, [Uid(1)]);
    assert_eq!(inbox.take_recent(Uid(1)), [Uid(1)]);
    let told = inbox.picture(true, None);
    assert!(told.recent.is_empty());
    assert_eq!(inbox.first_unseen(&told), Some(1));
    inbox.store(&[Uid(1)], FlagChange::Add(Flags::SEEN), None).await.unwrap();
    for _ in 0..2 {
        assert_eq!(inbox.first_unseen(&inbox.picture(true, None)), None);
        assert_eq!(inbox.first_unseen(&told), Some(1), "a moment before");
    }
}

#[tokio::test]
async fn what_was_placed_and_not_indexed_is_taken_away() {
    let house = House::new().await;
    let users = [Arc::new(user(1, "alice"))];
    let draft = house.mailboxes.draft(LineEnds::AsTheyAre);
    drop(house.mailboxes.place(&users, b"x".to_vec(), &draft).await);
    assert!(files(&house.maildir("alice").join("new")).is_empty());
    assert_eq!(house.mailboxes.usage(&users[0]).await.unwrap(), Usage::default());
}

#[tokio::test]
async fn flags_are_in_the_names_and_survive() {
    let mut house = House::new().await;
    let alice = user(1, "alice");
    let inbox = house.mailboxes.open(&alice, &MailboxName::inbox()).await.unwrap();
    for _ in 0..3 {
        house.append(&inbox, "a\n", Flags::NONE).await.unwrap();
    }
    let red = inbox.keyword("red").await.unwrap().unwrap();
    assert_eq!(inbox.keyword("RED").await.unwrap(), Some(red));
    let before = inbox.highest_modseq();
    let (stored, left) = inbox
        .store(&[Uid(1), Uid(3), Uid(9)], FlagChange::Add(Flags::SEEN.with(red)), None)
        .await
        .unwrap();
    assert_eq!((stored.len(), left.len()), (2, 0));
    let (stored, left) = inbox
        .store(&[Uid(1), Uid(2)], FlagChange::Add(Flags::FLAGGED), Some(before))
        .await
        .unwrap();
    assert_eq!((stored[0].uid, left), (Uid(2), vec![Uid(1)]));
    let cur = files(&house.maildir("alice").join("cur"));
    assert!(cur[0].ends_with(":2,Sa") && cur[1].ends_with(":2,F"), "{cur:?}");
    drop(inbox);
    house = house.reopen().await;
    let inbox = house.mailboxes.open(&alice, &MailboxName::inbox()).await.unwrap();
    assert_eq!(uids(&inbox), [1, 2, 3]);
    assert_eq!(inbox.messages().get(2).unwrap().flags, Flags::SEEN.with(red));
    assert_eq!(&*inbox.keywords(), ["red".to_owned()]);
    assert_eq!(inbox.messages().get(0).unwrap().internal_date.as_second(), 1_600_000_000);
}

#[tokio::test]
async fn expunged_uids_do_not_come_back() {
    let mut house = House::new().await;
    let alice = user(1, "alice");
    let inbox = house.mailboxes.open(&alice, &MailboxName::inbox()).await.unwrap();
    for _ in 0..3 {
        house.append(&inbox, "a\r\n", Flags::DELETED).await.unwrap();
    }
    let watch = inbox.watch();
    assert_eq!(inbox.expunge(Some(&[Uid(2)])).await.unwrap(), [Uid(2)]);
    assert!(watch.has_changed().unwrap());
    assert_eq!(inbox.expunge(None).await.unwrap(), [Uid(1), Uid(3)]);
    drop(inbox);
    house = house.reopen().await;
    let inbox = house.mailboxes.open(&alice, &MailboxName::inbox()).await.unwrap();
    assert_eq!(house.append(&inbox, "b\r\n", Flags::NONE).await.unwrap(), Uid(4));
    assert_eq!(house.mailboxes.usage(&alice).await.unwrap(), Usage { bytes: 3, messages: 1 });
}

#[tokio::test]
async fn what_went_is_remembered_for_a_while() {
    let dir = tempfile::tempdir().unwrap();
    let settings = config::Mail {
        keep_expunged: 3,
        ..config::Mail::default()
    };
    let (mailboxes, another_node) = (open_with(dir.path(), settings.clone()).await, open_with(dir.path(), settings).await);
    let house = House { dir, mailboxes };
    let alice = user(1, "alice");
    let inbox = house.mailboxes.open(&alice, &MailboxName::inbox()).await.unwrap();
    for at in 0..200 {
        let flags = if at % 3 == 1 { Flags::DELETED } else { Flags::NONE };
        house.append(&inbox, "a\r\n", flags).await.unwrap();
    }
    let elsewhere = another_node.open(&alice, &MailboxName::inbox()).await.unwrap();
    let before = inbox.highest_modseq();
    inbox.remove(&[Uid(3), Uid(4), Uid(6), Uid(7)]).await.unwrap();
    let runs = inbox.expunged_since(before).await.unwrap();
    assert_eq!(runs, Some(vec![(Uid(3), Uid(4)), (Uid(6), Uid(7))]));
    let between = inbox.highest_modseq();
    assert_eq!(inbox.expunged_since(between).await.unwrap(), Some(vec![]));
    // So many runs at once that the old ones are let go.
    inbox.expunge(None).await.unwrap();
    assert_eq!(inbox.expunged_since(between).await.unwrap(), None);
    assert_eq!(inbox.expunged_since(inbox.highest_modseq()).await.unwrap(), Some(vec![]));
    elsewhere.refresh().await.unwrap();
    assert_eq!(uids(&elsewhere), uids(&inbox));
}

#[tokio::test]
async fn copies_are_links_and_moves_leave_nothing() {
    let house = House::new().await;
    let alice = user(1, "alice");
    let inbox = house.mailboxes.open(&alice, &MailboxName::inbox()).await.unwrap();
    let sent = house.mailboxes.open(&alice, &name("Sent")).await.unwrap();
    sent.keyword("other").await.unwrap();
    let red = inbox.keyword("red").await.unwrap().unwrap();
    for _ in 0..2 {
        house.append(&inbox, "a\r\n", Flags::SEEN.with(red)).await.unwrap();
    }
    let copied = inbox.copy(&[Uid(1), Uid(2)], &sent).await.unwrap();
    assert_eq!(copied.uids, [(Uid(1), Uid(1)), (Uid(2), Uid(2))]);
    let theirs = sent.keyword("red").await.unwrap().unwrap();
    assert_ne!(theirs, red);
    assert_eq!(sent.messages().get(1).unwrap().flags, Flags::SEEN.with(theirs));
    let moved = inbox.relocate(&[Uid(2)], &sent).await.unwrap();
    assert_eq!(moved.uids, [(Uid(2), Uid(3))]);
    assert_eq!((uids(&inbox), uids(&sent)), (vec![1], vec![1, 2, 3]));
    assert_eq!(files(&house.maildir("alice").join("cur")).len(), 1);
    assert_eq!(files(&house.maildir("alice").join(".Sent/cur")).len(), 3);
    assert!(sent.open_message(Uid(3)).await.unwrap().is_some());
}

#[tokio::test]
async fn what_other_programs_do_is_seen() {
    let house = House::new().await;
    let alice = user(1, "alice");
    let inbox = house.mailboxes.open(&alice, &MailboxName::inbox()).await.unwrap();
    house.append(&inbox, "a\r\n", Flags::NONE).await.unwrap();
    house.append(&inbox, "b\r\n", Flags::NONE).await.unwrap();
    let dir = house.maildir("alice");
    std::fs::write(dir.join("new/1700000000.M1P2.elsewhere"), "Subject: y\n\nhello\n").unwrap();
    let mut own = files(&dir.join("new"));
    own.retain(|it| it.contains("PH"));
    std::fs::rename(dir.join("new").join(&own[0]), dir.join("cur").join(format!("{}:2,S", own[0]))).unwrap();
    std::fs::remove_file(dir.join("new").join(&own[1])).unwrap();
    let inbox = house.mailboxes.open(&alice, &MailboxName::inbox()).await.unwrap();
    assert_eq!(uids(&inbox), [1, 3]);
    assert!(inbox.messages().get(0).unwrap().flags.contains(Flags::SEEN));
    let message = inbox.open_message(Uid(3)).await.unwrap().unwrap();
    assert_eq!(&*message.read_all().await.unwrap(), b"Subject: y\r\n\r\nhello\r\n");
    assert_eq!(
        house.mailboxes.usage(&alice).await.unwrap(),
        Usage {
            bytes: 3 + 21,
            messages: 2
        }
    );
    std::fs::create_dir_all(dir.join(".Made.Elsewhere/cur")).unwrap();
    assert!(
        house
            .mailboxes
            .list(&alice)
            .await
            .unwrap()
            .iter()
            .any(|it| it.name == name("Made/Elsewhere"))
    );
    let report = house.mailboxes.reindex(&alice).await.unwrap();
    assert_eq!((report.mailboxes, report.messages, report.added, report.removed), (7, 2, 0, 0));
}

#[tokio::test]
async fn who_is_first_need_not_wait_for_what_is_taken_in() {
    let house = House::new().await;
    let alice = user(1, "alice");
    house.mailboxes.list(&alice).await.unwrap();
    for number in 1..=700 {
        std::fs::write(house.maildir("alice").join(format!("cur/{number}.x.y:2,S")), "a: b\n\n").unwrap();
    }
    let (inbox, coming) = house.mailboxes.open_at_once(&alice, &MailboxName::inbox()).await.unwrap();
    let coming = coming.unwrap();
    let told: Vec<u32> = coming.messages.iter().map(|message| message.uid.0).collect();
    assert_eq!(told, (1..=700).collect::<Vec<_>>());
    let picture = inbox.picture(true, Some(&coming));
    assert_eq!((picture.messages.len(), picture.recent.len()), (700, 700));
    assert!(picture.messages.iter().all(|message| message.flags == Flags::SEEN));
    // Nor need the next: they are told the same, but not that it is recent.
    let (_, joined) = house.mailboxes.open_at_once(&alice, &MailboxName::inbox()).await.unwrap();
    let again = inbox.picture(true, joined.as_ref());
    assert_eq!((again.messages.len(), again.recent.len()), (700, 0));
    // What comes meanwhile comes after them.
    assert_eq!(picture.uid_next, Uid(701));
    assert_eq!(house.append(&inbox, "a", Flags::NONE).await.unwrap(), Uid(701));
    coming.arrived().await;
    assert_eq!(uids(&inbox), (1..=701).collect::<Vec<_>>());
    assert!(inbox.messages().iter().take(700).all(|message| message.size == 8));
    assert_eq!(inbox.first_unseen(&picture), None);
    let now = inbox.picture(true, None);
    assert_eq!((&*now.recent, inbox.first_unseen(&now)), (&[Uid(701)][..], Some(701)));
    assert_eq!(inbox.first_unseen(&picture), None, "a moment before");
    // Who comes later is told of everything at once, whatever the folder holds by then.
    for number in 701..=1400 {
        std::fs::write(house.maildir("alice").join(format!("cur/{number}.x.y:2,")), "a: b\r\n\r\n").unwrap();
    }
    let (inbox, coming) = house.mailboxes.open_at_once(&alice, &MailboxName::inbox()).await.unwrap();
    assert!(coming.is_none());
    assert_eq!(uids(&inbox), (1..=1401).collect::<Vec<_>>());
    assert_eq!(house.mailboxes.usage(&alice).await.unwrap().messages, 1401);
    let before = uids(&inbox);
    drop(inbox);
    let house = house.reopen().await;
    let inbox = house.mailboxes.open(&alice, &MailboxName::inbox()).await.unwrap();
    assert_eq!(uids(&inbox), before);
}

#[tokio::test]
async fn uids_that_were_set_aside_are_not_given_again() {
    let house = House::new().await;
    let alice = user(1, "alice");
    let inbox = house.mailboxes.open(&alice, &MailboxName::inbox()).await.unwrap();
    assert_eq!(inbox.set_aside(5).await.unwrap().0, Uid(1));
    // As if the process had ended before the messages were entered.
    drop(inbox);
    let house = house.reopen().await;
    std::fs::write(house.maildir("alice").join("cur/1.x.y:2,S"), "a: b\r\n\r\n").unwrap();
    let inbox = house.mailboxes.open(&alice, &MailboxName::inbox()).await.unwrap();
    assert_eq!((uids(&inbox), inbox.uid_next()), (vec![6], Uid(7)));
}

#[tokio::test]
async fn a_large_folder_that_has_not_changed_is_not_listed_again() {
    let house = House::new().await;
    let alice = user(1, "alice");
    house.mailboxes.list(&alice).await.unwrap();
    let cur = house.maildir("alice").join("cur");
    for number in 1..=1000 {
        std::fs::write(cur.join(format!("{number}.x.y:2,S")), "a: b\r\n\r\n").unwrap();
    }
    let inbox = house.mailboxes.open(&alice, &MailboxName::inbox()).await.unwrap();
    let noted = async |inbox: &Mailbox| {
        let mut tx = inbox.house.ledger.database.read().await.unwrap();
        looks::find(&mut tx, inbox.id, inbox.highest_modseq()).await.unwrap()
    };
    // Until the last change is so long ago that no other can hide behind it.
    while noted(&inbox).await.is_none() {
        inbox.look(scan::Patience::None).await.unwrap();
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    drop(inbox);
    let house = house.reopen().await;
    let inbox = house.mailboxes.open(&alice, &MailboxName::inbox()).await.unwrap();
    assert!(locked(&inbox.scanned).is_noted());
    // Another program's message is seen nonetheless.
    std::fs::write(cur.join("1001.x.y:2,S"), "a: b\r\n\r\n").unwrap();
    inbox.look(scan::Patience::None).await.unwrap();
    assert_eq!(inbox.messages().len(), 1001);
    // What was noted does not hold once a message has changed.
    inbox.store(&[Uid(7)], FlagChange::Add(Flags::FLAGGED), None).await.unwrap();
    assert_eq!(noted(&inbox).await, None);
    drop(inbox);
    let house = house.reopen().await;
    let inbox = house.mailboxes.open(&alice, &MailboxName::inbox()).await.unwrap();
    assert!(!locked(&inbox.scanned).is_noted());
}

#[tokio::test]
async fn a_snapshot_and_what_changed_since_are_the_mailbox() {
    let house = House::new().await;
    let alice = user(1, "alice");
    house.mailboxes.list(&alice).await.unwrap();
    let cur = house.maildir("alice").join("cur");
    for number in 1..=5000 {
        std::fs::write(cur.join(format!("{number}.x.y:2,S")), "a: b\r\n\r\n").unwrap();
    }
    let inbox = house.mailboxes.open(&alice, &MailboxName::inbox()).await.unwrap();
    inbox.keep_snapshot();
    let database = house.mailboxes.inner.ledger.database.clone();
    let parts = async || snapshots::find(&mut database.read().await.unwrap(), inbox.id).await.unwrap();
    while parts().await.is_empty() {
        tokio::task::yield_now().await;
    }
    assert_eq!(parts().await.len(), 2);
    // Flags, one that goes and one that comes, none of which is worth another snapshot.
    inbox.store(&[Uid(7)], FlagChange::Add(Flags::DELETED), None).await.unwrap();
    inbox.expunge(None).await.unwrap();
    inbox.store(&[Uid(9)], FlagChange::Add(Flags::FLAGGED), None).await.unwrap();
    let last = house.append(&inbox, "c: d\r\n\r\n", Flags::SEEN).await.unwrap();
    // The database keeps dates to the millisecond.
    let told = |it: &MessageMeta| (it.uid, it.flags, it.modseq, it.size, it.internal_date.as_millisecond());
    let expected: Vec<_> = inbox.messages().iter().map(told).collect();
    assert_eq!((expected.len(), expected.last().map(|it| it.0)), (5000, Some(last)));
    let (modseq, id) = (inbox.highest_modseq(), inbox.id);
    drop(inbox);
    let mut house = house;
    for sql in [
        "SELECT 1",
        "UPDATE snapshots SET data = substr(data, 2) WHERE number = 1",
        "DELETE FROM snapshots WHERE number = 0",
    ] {
        let mut tx = house.mailboxes.inner.ledger.database.write().await.unwrap();
        tx.query(sql).execute().await.unwrap();
        tx.commit().await.unwrap();
        house = house.reopen().await;
        let inbox = house.mailboxes.open(&alice, &MailboxName::inbox()).await.unwrap();
        assert_eq!((inbox.id, inbox.highest_modseq()), (id, modseq));
        assert!(inbox.messages().iter().map(told).eq(expected.iter().copied()), "{sql}");
        assert_eq!(inbox.messages().iter().count(), inbox.view().files.len());
    }
}

#[tokio::test]
async fn a_size_that_is_put_right_is_a_change() {
    let house = House::new().await;
    let alice = user(1, "alice");
    house.mailboxes.list(&alice).await.unwrap();
    let cur = house.maildir("alice").join("cur");
    for number in 1..=1200 {
        std::fs::write(cur.join(format!("{number}.x.y:2,S")), "a: b\r\n\r\n").unwrap();
    }
    let elsewhere = open(house.dir.path()).await;
    let inbox = house.mailboxes.open(&alice, &MailboxName::inbox()).await.unwrap();
    let there = elsewhere.open(&alice, &MailboxName::inbox()).await.unwrap();
    let ledger = &house.mailboxes.inner.ledger;
    let parts = async || snapshots::find(&mut ledger.database.read().await.unwrap(), inbox.id).await.unwrap();
    inbox.keep_snapshot();
    while parts().await.is_empty() {
        tokio::task::yield_now().await;
    }
    // A part that is still to be written while the sizes are put right.
    let late = parts().await.remove(0);
    std::fs::write(cur.join("7.x.y:2,S"), "a: b\r\n\r\nlonger\r\n").unwrap();
    let before = inbox.highest_modseq();
    assert_eq!(house.mailboxes.reindex(&alice).await.unwrap().changed, 1);
    ledger.index.write(vec![index::Write::Snapshot(inbox.id, late)]).await.unwrap();
    let told = |mailbox: &Mailbox| {
        let message = mailbox.messages().iter().find(|it| it.uid == Uid(7)).cloned().unwrap();
        (message.size, message.modseq)
    };
    assert_eq!((told(&inbox).0, inbox.highest_modseq()), (16, told(&inbox).1));
    assert!(inbox.highest_modseq() > before);
    there.refresh().await.unwrap();
    assert_eq!(told(&there), told(&inbox));
    let expected = told(&inbox);
    drop((inbox, there));
    let house = house.reopen().await;
    let inbox = house.mailboxes.open(&alice, &MailboxName::inbox()).await.unwrap();
    assert_eq!(told(&inbox), expected);
}

#[tokio::test]
async fn flags_of_many_are_changed_some_at_a_time() {
    let house = House::new().await;
    let alice = user(1, "alice");
    house.mailboxes.list(&alice).await.unwrap();
    for number in 1..=2500 {
        let flags = if number % 3 == 0 { "S" } else { "" };
        std::fs::write(
            house.maildir("alice").join(format!("cur/{number:04}.x.y:2,{flags}")),
            "a: b\r\n\r\n",
        )
        .unwrap();
    }
    let inbox = house.mailboxes.open(&alice, &MailboxName::inbox()).await.unwrap();
    let all: Vec<Uid> = inbox.messages().iter().map(|message| message.uid).collect();
    let seen = |flags: Flags| flags.contains(Flags::SEEN);
    let (stored, left) = inbox.store(&all, FlagChange::Add(Flags::FLAGGED), None).await.unwrap();
    assert_eq!((stored.len(), left.len()), (2500, 0));
    let check = |inbox: &Mailbox, flagged: bool| {
        for message in inbox.messages().iter() {
            assert_eq!(seen(message.flags), message.uid.0 % 3 == 0);
            assert_eq!(message.flags.contains(Flags::FLAGGED), flagged);
        }
    };
    check(&inbox, true);
    assert!(house.maildir("alice").join("cur/0003.x.y:2,FS").exists() && house.maildir("alice").join("cur/2500.x.y:2,F").exists());
    drop(inbox);
    let house = house.reopen().await;
    let inbox = house.mailboxes.open(&alice, &MailboxName::inbox()).await.unwrap();
    check(&inbox, true);
    inbox.store(&all, FlagChange::Remove(Flags::FLAGGED), None).await.unwrap();
    check(&inbox, false);
}

#[tokio::test]
async fn renaming_takes_what_is_below_and_what_is_open() {
    let house = House::new().await;
    let alice = user(1, "alice");
    house.mailboxes.create(&alice, &name("a/b/c"), None).await.unwrap();
    let open = house.mailboxes.open(&alice, &name("a/b/c")).await.unwrap();
    house.append(&open, "x\r\n", Flags::NONE).await.unwrap();
    house.mailboxes.rename(&alice, &name("a/b"), &name("x/y")).await.unwrap();
    assert_eq!(open.info().name, name("x/y/c"));
    assert!(open.open_message(Uid(1)).await.unwrap().is_some());
    assert!(matches!(
        house.mailboxes.delete(&alice, &name("x"), Contents::Any).await,
        Err(Refusal::InUse(_))
    ));
    assert!(matches!(
        house.mailboxes.rename(&alice, &name("x"), &name("x/z")).await,
        Err(Refusal::NotPermitted(_))
    ));
    let full = house.mailboxes.delete(&alice, &name("x/y/c"), Contents::None).await;
    assert!(matches!(full, Err(Refusal::InUse(_))), "{full:?}");
    house.mailboxes.delete(&alice, &name("x/y/c"), Contents::Any).await.unwrap();
    assert!(matches!(
        house.mailboxes.open(&alice, &name("x/y/c")).await,
        Err(Refusal::NotFound { .. })
    ));
    assert!(!house.maildir("alice").join(".x.y.c").exists());
    let inbox = house.mailboxes.open(&alice, &MailboxName::inbox()).await.unwrap();
    house.append(&inbox, "x\r\n", Flags::NONE).await.unwrap();
    house.mailboxes.rename(&alice, &MailboxName::inbox(), &name("old")).await.unwrap();
    assert!(uids(&inbox).is_empty());
    assert_eq!(house.mailboxes.status(&alice, &name("old")).await.unwrap().messages, 1);
}

#[tokio::test]
async fn quotas_hold() {
    let house = House::new().await;
    let alice = User {
        quota_bytes: Some(5),
        quota_messages: Some(2),
        ..user(1, "alice")
    };
    let mut stored = StoredUser {
        user: alice.clone(),
        password: None,
        scram: None,
        token_epoch: 0,
        totp: false,
    };
    let database = &house.mailboxes.inner.ground.database;
    let mut tx = database.write().await.unwrap();
    users::insert(&mut tx, &stored, None).await.unwrap();
    tx.commit().await.unwrap();
    let inbox = house.mailboxes.open(&alice, &MailboxName::inbox()).await.unwrap();
    assert_eq!(
        house.append(&inbox, "abcdef", Flags::NONE).await,
        Err(Refusal::OverQuota("alice@house.test".into()))
    );
    house.append(&inbox, "a", Flags::NONE).await.unwrap();
    house.append(&inbox, "b", Flags::NONE).await.unwrap();
    assert!(matches!(inbox.copy(&[Uid(1)], &inbox).await, Err(Refusal::OverQuota(_))));
    inbox.remove(&[Uid(1)]).await.unwrap();
    inbox.copy(&[Uid(2)], &inbox).await.unwrap();
    assert_eq!(uids(&inbox), [2, 3]);
    // Another limit counts for whoever holds the mailbox open.
    stored.user.quota_messages = Some(3);
    let mut tx = database.write().await.unwrap();
    users::update(&mut tx, &stored).await.unwrap();
    tx.commit().await.unwrap();
    inbox.copy(&[Uid(2)], &inbox).await.unwrap();
    assert!(matches!(inbox.copy(&[Uid(2)], &inbox).await, Err(Refusal::OverQuota(_))));
}

#[tokio::test]
async fn a_second_process_is_caught_up_with() {
    let house = House::new().await;
    let alice = user(1, "alice");
    let other = open(house.dir.path()).await;
    let (here, there) = (
        house.mailboxes.open(&alice, &MailboxName::inbox()).await.unwrap(),
        other.open(&alice, &MailboxName::inbox()).await.unwrap(),
    );
    house.append(&here, "a\r\n", Flags::NONE).await.unwrap();
    there.refresh().await.unwrap();
    assert_eq!(uids(&there), [1]);
    there.store(&[Uid(1)], FlagChange::Add(Flags::DELETED), None).await.unwrap();
    // This one has a gap: the flags were stored over there.
    house.append(&here, "b\r\n", Flags::NONE).await.unwrap();
    assert!(here.messages().get(0).unwrap().flags.contains(Flags::DELETED));
    there.expunge(None).await.unwrap();
    here.refresh().await.unwrap();
    there.refresh().await.unwrap();
    assert_eq!((uids(&here), uids(&there)), (vec![2], vec![2]));
}

#[tokio::test]
async fn many_at_once_have_one_uid_each() {
    let house = House::new().await;
    let alice = user(1, "alice");
    let inbox = house.mailboxes.open(&alice, &MailboxName::inbox()).await.unwrap();
    let appends = (0..50).map(|_| house.append(&inbox, "a\r\n", Flags::NONE));
    let mut given: Vec<u32> = futures_util::future::join_all(appends)
        .await
        .into_iter()
        .map(|uid| uid.unwrap().0)
        .collect();
    given.sort_unstable();
    assert_eq!(given, (1..=50).collect::<Vec<_>>());
    assert_eq!(uids(&inbox), given);
    inbox.refresh().await.unwrap();
    assert_eq!(uids(&inbox), given);
}

#[tokio::test]
async fn two_who_copy_in_opposite_directions_do_not_wait_for_each_other() {
    let house = House::new().await;
    let alice = user(1, "alice");
    let inbox = house.mailboxes.open(&alice, &MailboxName::inbox()).await.unwrap();
    let sent = house.mailboxes.open(&alice, &name("Sent")).await.unwrap();
    for (mailbox, keywords) in [(&inbox, ["red", "blue"]), (&sent, ["green", "grey"])] {
        let mut flags = Flags::NONE;
        for keyword in keywords {
            flags = flags.with(mailbox.keyword(keyword).await.unwrap().unwrap());
        }
        house.append(mailbox, "a\r\n", flags).await.unwrap();
    }
    let both = futures_util::future::join(inbox.copy(&[Uid(1)], &sent), sent.copy(&[Uid(1)], &inbox));
    let (there, back) = tokio::time::timeout(Duration::from_secs(20), both).await.unwrap();
    assert_eq!((there.unwrap().uids.len(), back.unwrap().uids.len()), (1, 1));
    assert_eq!(sent.keywords().len(), 4);
}

#[tokio::test]
async fn a_copy_that_fails_leaves_nothing() {
    let house = House::new().await;
    let alice = user(1, "alice");
    let inbox = house.mailboxes.open(&alice, &MailboxName::inbox()).await.unwrap();
    let sent = house.mailboxes.open(&alice, &name("Sent")).await.unwrap();
    house.append(&inbox, "a\r\n", Flags::SEEN).await.unwrap();
    std::fs::remove_dir(house.maildir("alice").join(".Sent/new")).unwrap();
    assert!(inbox.copy(&[Uid(1)], &sent).await.is_err());
    assert!(inbox.relocate(&[Uid(1)], &sent).await.is_err());
    assert_eq!(files(&house.maildir("alice").join(".Sent/cur")), [""; 0]);
    assert!(inbox.open_message(Uid(1)).await.unwrap().is_some());
}

#[tokio::test]
async fn a_folder_that_is_missing_says_nothing_of_its_messages() {
    let house = House::new().await;
    let alice = user(1, "alice");
    let sent = house.mailboxes.open(&alice, &name("Sent")).await.unwrap();
    house.append(&sent, "a\r\n", Flags::SEEN).await.unwrap();
    let (here, away) = (house.maildir("alice").join(".Sent"), house.maildir("alice").join("away"));
    std::fs::rename(&here, &away).unwrap();
    house.mailboxes.open(&alice, &name("Sent")).await.unwrap();
    assert_eq!(uids(&sent), [1]);
    std::fs::rename(&away, &here).unwrap();
    house.mailboxes.open(&alice, &name("Sent")).await.unwrap();
    assert!(sent.open_message(Uid(1)).await.unwrap().is_some());
}

#[tokio::test]
async fn what_a_sibling_left_is_looked_for_again() {
    let house = House::new().await;
    let alice = user(1, "alice");
    house.mailboxes.list(&alice).await.unwrap();
    let dir = house.maildir("alice");
    std::fs::write(dir.join("new/1700000000.PH00000000Q1.house.test"), "a\r\n").unwrap();
    for sub in ["new", "cur"] {
        let directory = std::fs::File::open(dir.join(sub)).unwrap();
        directory.set_modified(std::time::SystemTime::UNIX_EPOCH).unwrap();
    }
    let inbox = house.mailboxes.open(&alice, &MailboxName::inbox()).await.unwrap();
    assert_eq!(uids(&inbox), [0; 0]);
    assert!(!locked(&inbox.scanned).is_settled());
}

#[tokio::test]
async fn files_are_read_however_they_are_spelled() {
    let house = House::new().await;
    let alice = user(1, "alice");
    let inbox = house.mailboxes.open(&alice, &MailboxName::inbox()).await.unwrap();
    house.append(&inbox, "a\r\n", Flags::SEEN).await.unwrap();
    let dir = house.maildir("alice");
    let own = files(&dir.join("cur")).remove(0);
    let odd = own.replace(":2,S", ":2,SF");
    std::fs::rename(dir.join("cur").join(own), dir.join("cur").join(odd)).unwrap();
    std::fs::write(dir.join("new/1700000000.M1P2.elsewhere:2,"), "b\r\n").unwrap();
    std::fs::write(dir.join("new/1700000000.M2P2.elsewhere:2,S"), "c\r\n").unwrap();
    let inbox = house.mailboxes.open(&alice, &MailboxName::inbox()).await.unwrap();
    let flags: Vec<Flags> = inbox.messages().iter().map(|it| it.flags).collect();
    assert_eq!(flags, [Flags::SEEN.with(Flags::FLAGGED), Flags::NONE, Flags::SEEN]);
    for uid in uids(&inbox) {
        assert!(inbox.open_message(Uid(uid)).await.unwrap().is_some(), "{uid}");
    }
}

#[tokio::test]
async fn structures_that_two_sessions_parsed_are_kept_once() {
    let house = House::new().await;
    let alice = user(1, "alice");
    let inbox = house.mailboxes.open(&alice, &MailboxName::inbox()).await.unwrap();
    let index = &house.mailboxes.inner.ledger.index;
    for uids in [1..3, 2..4] {
        let made = uids.map(|uid| (Uid(uid), vec![1])).collect();
        index
            .write(vec![index::Write::Derived(Derived::Structure, inbox.id, made)])
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn two_folders_of_one_name_do_not_hide_the_others() {
    let house = House::new().await;
    let alice = user(1, "alice");
    house.mailboxes.list(&alice).await.unwrap();
    for folder in [".Entwürfe/cur", ".Entw&APw-rfe/cur", ".Other/cur"] {
        std::fs::create_dir_all(house.maildir("alice").join(folder)).unwrap();
    }
    for _ in 0..2 {
        let list = house.mailboxes.list(&alice).await.unwrap();
        assert_eq!(list.iter().filter(|it| it.name == name("Entwürfe")).count(), 1);
        assert_eq!(list.iter().filter(|it| it.name == name("Other")).count(), 1);
    }
}

#[tokio::test]
async fn what_a_crash_left_is_removed() {
    let house = House::new().await;
    let alice = user(1, "alice");
    house.mailboxes.list(&alice).await.unwrap();
    let left = house.maildir("alice").join("tmp/1500000000.PH00000000Q1.house.test");
    std::fs::write(&left, "Subject: ha").unwrap();
    let file = std::fs::File::options().write(true).open(&left).unwrap();
    file.set_modified(std::time::SystemTime::UNIX_EPOCH).unwrap();
    house.mailboxes.open(&alice, &MailboxName::inbox()).await.unwrap();
    assert!(!left.exists());
}

#[tokio::test]
async fn a_message_for_several_is_indexed_for_all_or_none() {
    let house = House::new().await;
    let (alice, bob) = (Arc::new(user(1, "alice")), Arc::new(user(2, "bob")));
    let draft = house.mailboxes.draft(LineEnds::AsTheyAre);
    let users = [Arc::clone(&alice), Arc::clone(&bob)];
    let place = || house.mailboxes.place(&users, b"a\r\n".to_vec(), &draft);
    let index = async |placed: Vec<Result<Placed, Refusal>>| {
        let mut placed: Vec<Placed> = placed.into_iter().map(Result::unwrap).collect();
        Placed::index_together(&mut placed).await
    };
    let placed = place().await;
    // Another process removes one of them in between.
    open(house.dir.path()).await.purge(&bob).await.unwrap();
    assert_eq!(index(placed).await, Err(Refusal::LATER));
    let inbox = house.mailboxes.open(&alice, &MailboxName::inbox()).await.unwrap();
    assert_eq!((uids(&inbox), files(&house.maildir("alice").join("new")).len()), (vec![], 0));
    assert_eq!(house.mailboxes.usage(&alice).await.unwrap(), Usage::default());
    index(place().await).await.unwrap();
    assert_eq!(uids(&inbox), [1]);
    // What was promised to somebody stays, and gets its UID at the next look.
    place().await.into_iter().map(Result::unwrap).for_each(Placed::leave);
    assert_eq!(files(&house.maildir("alice").join("new")).len(), 2);
    inbox.look(scan::Patience::None).await.unwrap();
    assert_eq!(uids(&inbox), [1, 2]);
}

/// Somebody deletes a mailbox while others put messages into it: it stays away.
#[tokio::test]
async fn a_mailbox_that_was_deleted_does_not_come_back() {
    let house = House::new().await;
    let alice = user(1, "alice");
    house.mailboxes.create(&alice, &name("x"), None).await.unwrap();
    let inbox = house.mailboxes.open(&alice, &MailboxName::inbox()).await.unwrap();
    let open = house.mailboxes.open(&alice, &name("x")).await.unwrap();
    house.append(&inbox, "a\r\n", Flags::NONE).await.unwrap();
    let mut draft = house.mailboxes.draft(LineEnds::Mended);
    draft.write(b"b\r\n").await.unwrap();
    let placed = open.place(draft, Flags::NONE, Timestamp::UNIX_EPOCH).await.unwrap();
    house.mailboxes.delete(&alice, &name("x"), Contents::Any).await.unwrap();
    let gone = |refusal: Refusal| assert!(matches!(refusal, Refusal::NotFound { .. }), "{refusal:?}");
    gone(Placed::index_all(vec![placed]).await.unwrap_err());
    gone(house.append(&open, "c\r\n", Flags::NONE).await.unwrap_err());
    gone(inbox.copy(&[Uid(1)], &open).await.unwrap_err());
    gone(inbox.relocate(&[Uid(1)], &open).await.unwrap_err());
    assert!(!house.maildir("alice").join(".x").exists());
    assert!(house.mailboxes.list(&alice).await.unwrap().iter().all(|it| it.name != name("x")));
    assert_eq!(uids(&inbox), [1]);
    assert!(inbox.open_message(Uid(1)).await.unwrap().is_some());
    // The INBOX is always there.
    for place in ["tmp", "new", "cur"] {
        std::fs::remove_dir_all(house.maildir("alice").join(place)).unwrap();
    }
    house.append(&inbox, "d\r\n", Flags::NONE).await.unwrap();
}
