//! The store, the directory and the whole server on SQLite, PostgreSQL and MariaDB: the same cases on real servers, each in a database of its own.

mod core;
mod directory;
mod filters;
mod logins;
mod nodes;
mod routes;
mod sessions;
mod strangers;
mod upgrades;
pub mod whole;

use crate::support::databases::Fresh;

/// Each case as a test on each database.
macro_rules! cases {
    ($($module:ident::$case:ident,)*) => {
        mod sqlite {
            $( #[tokio::test(flavor = "multi_thread")] async fn $case() { super::$module::$case(super::Fresh::sqlite().await).await } )*
        }
        mod postgres {
            $( #[tokio::test(flavor = "multi_thread")] async fn $case() { super::$module::$case(super::Fresh::postgres().await).await } )*
        }
        mod mariadb {
            $( #[tokio::test(flavor = "multi_thread")] async fn $case() { super::$module::$case(super::Fresh::mariadb().await).await } )*
        }
    };
}

cases! {
    core::what_is_not_committed_never_happened,
    core::values_come_back_as_they_went_in,
    core::many_rows_go_in_and_come_out,
    core::inserts_meet_rows_that_are_there,
    core::keys_differ_by_every_octet,
    core::a_read_sees_one_moment,
    core::a_row_is_claimed_once,
    core::opening_at_the_same_time_works,
    core::a_newer_schema_is_refused,
    core::another_schema_is_refused,
    core::policies_are_kept_while_they_hold,
    directory::domains_come_and_go,
    directory::users_come_and_go,
    directory::aliases_come_and_go,
    directory::lists_have_pages,
    directory::lists_are_picked_by_labels,
    directory::the_deleted_can_be_restored,
    directory::aliases_expire,
    directory::wrong_values_are_named,
    directory::domain_names_make_no_chain,
    directory::one_of_two_wins,
    directory::a_change_elsewhere_is_seen,
    directory::rights_go_with_their_user,
    routes::addresses_lead_somewhere,
    routes::aliases_in_circles_end,
    routes::postmaster_is_always_somebody,
    routes::senders_are_their_own,
    logins::passwords_are_checked,
    logins::old_hashes_are_upgraded,
    logins::tokens_live_and_die,
    logins::a_refresh_token_is_good_once,
    logins::scram_keys_come_with_the_next_login,
    logins::keys_live_and_die,
    logins::there_is_an_administrator,
    sessions::sessions_end_with_their_logins,
    sessions::epochs_of_many_are_asked_for,
    filters::a_mark_is_claimed_once,
    filters::mail_is_filtered,
    strangers::what_is_put_off_is_known_until_it_expires,
    strangers::acquaintances_are_kept_by_user,
    strangers::reputations_are_counted_and_the_oldest_go,
    whole::mailboxes_keep_what_they_are_told,
    whole::the_queue_keeps_what_it_is_given,
    whole::policies_of_others_outlive_a_kill,
}
