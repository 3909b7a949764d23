//! Every command and test by its name.

use super::action::{
    addheader, debug_log, deleteheader, discard, enclose, extracttext, fileinto, flags, keep, notify, redirect, reject, replace, set,
    vacation,
};
use super::arguments::Arguments;
use super::control::{r#break, error, foreverypart, global, include, r#return, stop};
use super::extension::Extension as E;
use super::run::{Command, Test};
use super::signature::Signature;
use super::test::{
    address, allof, anyof, body, constant, currentdate, date, duplicate, envelope, environment, exists, hasflag, header, ihave,
    mailboxexists, mailboxidexists, metadata, metadataexists, not, notify_method_capability, size, spamtest, specialuse_exists, string,
    valid_ext_list, valid_notify_method, virustest,
};
use super::testsuite::commands as suite;

/// How a command or test is compiled.
pub(super) enum Compile {
    Command(fn(&mut Arguments<'_, '_, '_>) -> Option<Box<dyn Command>>),
    Test(fn(&mut Arguments<'_, '_, '_>) -> Option<Box<dyn Test>>),
    /// The test suite has commands that are tests too.
    Both(
        fn(&mut Arguments<'_, '_, '_>) -> Option<Box<dyn Command>>,
        fn(&mut Arguments<'_, '_, '_>) -> Option<Box<dyn Test>>,
    ),
}

/// A command or test.
pub(super) struct Entry {
    name: &'static str,
    pub needs: Option<E>,
    pub signature: Signature,
    pub compile: Compile,
}

const fn command(
    name: &'static str,
    needs: Option<E>,
    signature: Signature,
    compile: fn(&mut Arguments<'_, '_, '_>) -> Option<Box<dyn Command>>,
) -> Entry {
    Entry {
        name,
        needs,
        signature,
        compile: Compile::Command(compile),
    }
}

const fn test(
    name: &'static str,
    needs: Option<E>,
    signature: Signature,
    compile: fn(&mut Arguments<'_, '_, '_>) -> Option<Box<dyn Test>>,
) -> Entry {
    Entry {
        name,
        needs,
        signature,
        compile: Compile::Test(compile),
    }
}

/// A request to the test suite; with `true` a test too.
const fn ask(name: &'static str, signature: Signature, both: bool) -> Entry {
    let compile = match both {
        true => Compile::Both(suite::compile, suite::compile_test),
        false => Compile::Command(suite::compile),
    };
    Entry {
        name,
        needs: Some(E::DovecotTestsuite),
        signature,
        compile,
    }
}

/// The entry of this name in lower case. `if`, `elsif`, `else` and `require` have none: they mean nothing alone.
pub(super) fn find(name: &str) -> Option<&'static Entry> {
    CONTROLS
        .iter()
        .chain(ACTIONS)
        .chain(TESTS)
        .chain(SUITE)
        .find(|entry| entry.name == name)
}

static CONTROLS: &[Entry] = &[
    command("stop", None, stop::SIGNATURE, stop::compile),
    command("include", Some(E::Include), include::SIGNATURE, include::compile),
    command("return", Some(E::Include), r#return::SIGNATURE, r#return::compile),
    command("global", Some(E::Include), global::SIGNATURE, global::compile),
    command("import", Some(E::Include), global::SIGNATURE, global::compile_old),
    command("export", Some(E::Include), global::SIGNATURE, global::compile_old),
    command(
        "foreverypart",
        Some(E::Foreverypart),
        foreverypart::SIGNATURE,
        foreverypart::compile,
    ),
    command("break", Some(E::Foreverypart), r#break::SIGNATURE, r#break::compile),
    command("error", Some(E::Ihave), error::SIGNATURE, error::compile),
];

static ACTIONS: &[Entry] = &[
    command("keep", None, keep::SIGNATURE, keep::compile),
    command("discard", None, discard::SIGNATURE, discard::compile),
    command("redirect", None, redirect::SIGNATURE, redirect::compile),
    command("fileinto", Some(E::Fileinto), fileinto::SIGNATURE, fileinto::compile),
    command("reject", Some(E::Reject), reject::SIGNATURE, reject::compile),
    command("ereject", Some(E::Ereject), reject::SIGNATURE, reject::compile_ereject),
    command("vacation", Some(E::Vacation), vacation::SIGNATURE, vacation::compile),
    command("notify", Some(E::Enotify), notify::SIGNATURE, notify::compile),
    command("set", Some(E::Variables), set::SIGNATURE, set::compile),
    command("setflag", Some(E::Imap4flags), flags::SIGNATURE, flags::compile_set),
    command("addflag", Some(E::Imap4flags), flags::SIGNATURE, flags::compile_add),
    command("removeflag", Some(E::Imap4flags), flags::SIGNATURE, flags::compile_remove),
    command("addheader", Some(E::Editheader), addheader::SIGNATURE, addheader::compile),
    command("deleteheader", Some(E::Editheader), deleteheader::SIGNATURE, deleteheader::compile),
    command("extracttext", Some(E::Extracttext), extracttext::SIGNATURE, extracttext::compile),
    command("replace", Some(E::Replace), replace::SIGNATURE, replace::compile),
    command("enclose", Some(E::Enclose), enclose::SIGNATURE, enclose::compile),
    command("debug_log", Some(E::DovecotDebug), debug_log::SIGNATURE, debug_log::compile),
];

static TESTS: &[Entry] = &[
    test("true", None, constant::SIGNATURE, constant::compile_true),
    test("false", None, constant::SIGNATURE, constant::compile_false),
    test("not", None, not::SIGNATURE, not::compile),
    test("allof", None, allof::SIGNATURE, allof::compile),
    test("anyof", None, anyof::SIGNATURE, anyof::compile),
    test("address", None, address::SIGNATURE, address::compile),
    test("header", None, header::SIGNATURE, header::compile),
    test("exists", None, exists::SIGNATURE, exists::compile),
    test("size", None, size::SIGNATURE, size::compile),
    test("envelope", Some(E::Envelope), envelope::SIGNATURE, envelope::compile),
    test("string", Some(E::Variables), string::SIGNATURE, string::compile),
    test("hasflag", Some(E::Imap4flags), hasflag::SIGNATURE, hasflag::compile),
    test("body", Some(E::Body), body::SIGNATURE, body::compile),
    test("date", Some(E::Date), date::SIGNATURE, date::compile),
    test("currentdate", Some(E::Date), currentdate::SIGNATURE, currentdate::compile),
    test("duplicate", Some(E::Duplicate), duplicate::SIGNATURE, duplicate::compile),
    test("environment", Some(E::Environment), environment::SIGNATURE, environment::compile),
    test("ihave", Some(E::Ihave), ihave::SIGNATURE, ihave::compile),
    test("mailboxexists", Some(E::Mailbox), mailboxexists::SIGNATURE, mailboxexists::compile),
    test(
        "mailboxidexists",
        Some(E::Mailboxid),
        mailboxidexists::SIGNATURE,
        mailboxidexists::compile,
    ),
    test("metadata", Some(E::Mboxmetadata), metadata::SIGNATURE, metadata::compile),
    test(
        "metadataexists",
        Some(E::Mboxmetadata),
        metadataexists::SIGNATURE,
        metadataexists::compile,
    ),
    test(
        "servermetadata",
        Some(E::Servermetadata),
        metadata::SERVER_SIGNATURE,
        metadata::compile_server,
    ),
    test(
        "servermetadataexists",
        Some(E::Servermetadata),
        metadataexists::SERVER_SIGNATURE,
        metadataexists::compile_server,
    ),
    test(
        "specialuse_exists",
        Some(E::SpecialUse),
        specialuse_exists::SIGNATURE,
        specialuse_exists::compile,
    ),
    test("spamtest", Some(E::Spamtest), spamtest::SIGNATURE, spamtest::compile),
    test("virustest", Some(E::Virustest), virustest::SIGNATURE, virustest::compile),
    test(
        "valid_ext_list",
        Some(E::Extlists),
        valid_ext_list::SIGNATURE,
        valid_ext_list::compile,
    ),
    test(
        "valid_notify_method",
        Some(E::Enotify),
        valid_notify_method::SIGNATURE,
        valid_notify_method::compile,
    ),
    test(
        "notify_method_capability",
        Some(E::Enotify),
        notify_method_capability::SIGNATURE,
        notify_method_capability::compile,
    ),
    test("test_error", Some(E::DovecotTestsuite), suite::VALUES, suite::compile_values),
    test(
        "test_result_action",
        Some(E::DovecotTestsuite),
        suite::VALUES,
        suite::compile_values,
    ),
];

static SUITE: &[Entry] = &[
    command("test", Some(E::DovecotTestsuite), suite::TEST, suite::compile_block),
    command("test_fail", Some(E::DovecotTestsuite), suite::ONE, suite::compile_fail),
    ask("test_set", suite::TWO, false),
    ask("test_message", suite::MESSAGE, true),
    ask("test_script_compile", suite::ONE, true),
    ask("test_script_run", suite::RUN, true),
    ask("test_multiscript", suite::MANY, true),
    ask("test_result_execute", Signature::NOTHING, true),
    ask("test_result_reset", Signature::NOTHING, false),
    ask("test_result_print", Signature::NOTHING, false),
    ask("test_config_set", suite::TWO, false),
    ask("test_config_unset", suite::ONE, false),
    ask("test_config_reload", suite::RELOAD, false),
    ask("test_mailbox_create", suite::ONE, false),
    ask("test_mailbox_delete", suite::ONE, false),
    ask("test_imap_metadata_set", suite::METADATA, false),
    ask("test_binary_load", suite::ONE, false),
    ask("test_binary_save", suite::ONE, false),
];
