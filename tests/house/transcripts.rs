//! One test for each transcript under `tests/transcripts/`.

use crate::support::transcript::play;

macro_rules! transcripts {
    ($($protocol:ident: $($name:ident)+;)+) => {
        $(mod $protocol {
            $(#[test]
            fn $name() {
                super::play(stringify!($protocol), stringify!($name));
            })+
        })+

        const LISTED: &[(&str, &[&str])] = &[$((stringify!($protocol), &[$(stringify!($name)),+])),+];
    };
}

transcripts! {
    smtp:
        bad_addresses
        bare_lf_in_command
        bare_lf_in_data
        bdat
        bdat_errors
        bdat_too_large
        capabilities
        disconnect_in_data
        dot_stuffing
        dsn_parameters
        ehlo_again
        eight_bits
        empty_message
        happy_path
        helo
        line_too_long
        mail_loop
        no_auth_on_port_25
        null_sender
        order
        pipelining
        postmaster
        relay_denied
        rset
        same_recipient_twice
        size_declared
        size_undeclared
        smtputf8
        smuggle_cr_dot_cr
        smuggle_crlf_dot_cr
        smuggle_crlf_dot_lf
        smuggle_lf_dot_crlf
        smuggle_lf_dot_lf
        source_route
        split_terminator
        starttls
        too_many_errors
        too_many_recipients
        unknown_recipient
        utf8_without_smtputf8
        verify_and_help;
    submission:
        auth_as_another
        auth_before_tls
        auth_login
        auth_plain
        auth_plain_two_steps
        auth_wrong
        outside_is_queued
        sender_not_own
        unknown_local;
    lmtp:
        bdat
        no_recipient
        per_recipient;
    imap:
        acl
        acl_odd_login
        acl_off
        acl_taken
        append
        append_limit
        append_too_large
        authenticate
        authenticate_initial
        bad_commands
        binary
        bodystructure
        catenate
        client_apple_mail
        client_gmail
        client_ios
        client_k9
        client_outlook
        client_roundcube
        client_snappymail
        client_thunderbird
        close_and_unselect
        compress
        compress_off
        context
        copy
        create_rename_delete
        create_special_use
        enable_imap4rev2
        envelope
        expunge
        fetch_basics
        greeting_and_login
        idle
        in_progress
        list
        login_with_literal_plus
        login_with_literals
        mailbox_limits
        metadata
        multiappend
        namespace_and_id
        notify
        notify_metadata
        notify_names
        notify_selected
        notify_shared
        objectid
        partial
        pipelined
        preview
        qresync
        quota
        relocate
        rename_inbox
        replace
        replace_quota
        rfc822_items
        savedate
        search
        search_bounds
        search_modseq
        search_nesting
        search_result
        sections
        select
        sort
        sort_extended
        status
        store
        store_silent
        subscriptions
        thread
        two_sessions
        uidonly
        uids_never_repeat
        unauthenticate
        utf8_accept
        within;
    managesieve:
        bad_commands
        capabilities
        limits
        scripts;
    pop3:
        auth_two_steps
        bad_commands
        capabilities
        dot_stuffing
        languages
        login_delay
        maildrop_lock
        reset
        session
        top_and_uidl;
}

#[test]
fn every_transcript_is_listed() {
    for (protocol, listed) in LISTED {
        let folder = format!("{}/tests/transcripts/{protocol}", env!("CARGO_MANIFEST_DIR"));
        let entries = std::fs::read_dir(&folder).expect("a folder of transcripts");
        let mut found: Vec<String> = entries
            .map(|entry| entry.expect("an entry").file_name().to_string_lossy().replace(".txt", ""))
            .collect();
        found.sort();
        assert_eq!(
            found, *listed,
            "the list in tests/house/transcripts.rs and the files in {folder} differ"
        );
    }
}
