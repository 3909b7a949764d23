//! Filter scripts.

use std::sync::Arc;

use posthouse::wire::sieve::testsuite::run_suite;
use posthouse::wire::sieve::{Envelope, Message, NoLibrary, NoWorld, Settings, State, compile, effects, run};

const LETTER: &[u8] = b"From: a@b.test\r\nTo: c@d.test\r\nSubject: x\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\none\r\n--b\r\n\r\ntwo\r\n--b--\r\n";

/// A script is right, or its mistakes stand in it; what is right runs to an end within its limits, and so does a test script.
pub fn script(data: &[u8]) {
    let settings = Settings {
        most_steps: 10_000,
        ..Settings::default()
    };
    let lines = data.split(|&octet| octet == b'\n').count();
    match compile("script", data, &settings, &NoLibrary) {
        Ok(program) => {
            let most = settings.most_actions;
            let mut state = State::new(Message::new(LETTER), Envelope::default(), Arc::new(settings));
            let _ = run(&program, &mut NoWorld, &mut state);
            assert!(state.outcome.actions.len() <= most + 1);
            assert!(!effects(&mut state, &mut NoWorld).is_empty() || state.outcome.keep_is_cancelled);
        }
        Err(problems) => {
            assert!(!problems.is_empty());
            for problem in problems {
                assert!((1..=lines + 1).contains(&(problem.at.line as usize)), "{problem}");
            }
        }
    }
    let _ = run_suite("script", data, "", jiff::Timestamp::UNIX_EPOCH, &|_| None);
}
