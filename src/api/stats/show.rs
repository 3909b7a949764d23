use actix_web::get;
use actix_web::web::Data;
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::body::Json;
use crate::api::caller::Caller;
use crate::api::house::House;
use crate::api::problem::{Problem, Problems};
use crate::model::login::Protocol;

/// What there is at this moment.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "domains": 3, "users": 120, "deleted_users": 1, "aliases": 40, "stored_messages": 51_200, "stored_bytes": 3_221_225_472_u64,
    "queued_messages": 7, "waiting_recipients": 9, "sessions": {"imap": 34, "pop3": 0, "submission": 2, "managesieve": 0},
    "disk": {"total_bytes": 107_374_182_400_u64, "free_bytes": 64_424_509_440_u64}
}))]
pub(in crate::api) struct Stats {
    domains: u64,
    /// Without those who are deleted.
    users: u64,
    /// Those who are deleted and can be restored.
    deleted_users: u64,
    aliases: u64,
    /// Messages in mailboxes.
    stored_messages: u64,
    /// Their octets.
    stored_bytes: u64,
    /// Messages in the queue.
    queued_messages: u64,
    /// Recipients in the queue that wait or are held.
    waiting_recipients: u64,
    sessions: OpenSessions,
    disk: DiskUse,
}

/// The connections of people who are logged in to this node.
#[derive(Serialize, ToSchema)]
struct OpenSessions {
    imap: usize,
    pop3: usize,
    submission: usize,
    managesieve: usize,
}

/// How full the disk is that holds the mail.
#[derive(Serialize, ToSchema)]
struct DiskUse {
    total_bytes: u64,
    /// What the server may still use.
    free_bytes: u64,
}

/// Show numbers
///
/// What there is at this moment. For server administrators.
#[utoipa::path(
    operation_id = "show_stats", tag = "server", security(("bearer" = ["server:read"])),
    responses((status = 200, description = "The numbers.", body = Stats), Problems)
)]
#[get("/stats")]
pub async fn handler(caller: Caller, house: Data<House>) -> Result<Json<Stats>, Problem> {
    caller.server_admin()?;
    let asked = house.run(|house| async move {
        let totals = house.statistics.totals().await?;
        let disk = house.statistics.disk().await?;
        Ok((totals, disk, house.sessions.list()))
    });
    let (totals, disk, sessions) = asked.await?;
    let count = |count: i64| u64::try_from(count).unwrap_or_default();
    let open = |protocol: Protocol| sessions.iter().filter(|session| session.way.protocol == protocol).count();
    Ok(Json(Stats {
        domains: count(totals.domains),
        users: count(totals.users),
        deleted_users: count(totals.deleted_users),
        aliases: count(totals.aliases),
        stored_messages: count(totals.stored_messages),
        stored_bytes: count(totals.stored_bytes),
        queued_messages: count(totals.queued_messages),
        waiting_recipients: count(totals.waiting_recipients),
        sessions: OpenSessions {
            imap: open(Protocol::Imap),
            pop3: open(Protocol::Pop3),
            submission: open(Protocol::Submission),
            managesieve: open(Protocol::ManageSieve),
        },
        disk: DiskUse {
            total_bytes: disk.total_bytes,
            free_bytes: disk.free_bytes,
        },
    }))
}
