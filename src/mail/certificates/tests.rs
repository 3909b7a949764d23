use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::*;
use crate::config::{CertificateFiles, Tls};

fn certificates(settings: Tls, directory: &Path, hostname: &str) -> Certificates {
    Certificates::new(settings, directory.to_owned(), hostname.to_owned(), Clock::System)
}

/// A directory with a certificate for this name.
fn made(hostname: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    certificates(Tls::default(), dir.path(), hostname).load().unwrap();
    dir
}

fn files(dir: &tempfile::TempDir) -> CertificateFiles {
    CertificateFiles {
        certificate: dir.path().join("tls/certificate.pem"),
        key: dir.path().join("tls/key.pem"),
    }
}

#[test]
fn a_certificate_is_made_once() {
    let dir = made("mail.house.test");
    let key = dir.path().join("tls/key.pem");
    assert_eq!(std::fs::metadata(&key).unwrap().permissions().mode() & 0o777, 0o600);
    let before = std::fs::read(&key).unwrap();
    let again = certificates(Tls::default(), dir.path(), "mail.house.test");
    again.load().unwrap();
    assert_eq!(std::fs::read(&key).unwrap(), before);
    let list = again.list();
    assert_eq!(list[0].names, ["localhost", "mail.house.test"]);
    assert_eq!(
        (list[0].source, list[0].is_default, list[0].fingerprint.len()),
        (Source::SelfSigned, true, 64)
    );
}

#[test]
fn what_is_wrong_is_said_in_one_line_with_key_and_file() {
    let (dir, other) = (made("a.test"), made("b.test"));
    let made = |name: &str| dir.path().join("tls").join(name);
    for (certificate, key, says) in [
        (made("none.pem"), made("key.pem"), "tls.certificate: cannot read"),
        (made("key.pem"), made("key.pem"), "tls.certificate: cannot read"),
        (made("certificate.pem"), made("certificate.pem"), "tls.key: cannot read"),
        (made("certificate.pem"), files(&other).key, "tls.key: "),
    ] {
        let settings = Tls {
            certificate: Some(certificate),
            key: Some(key),
            ..Tls::default()
        };
        let error = certificates(settings, dir.path(), "a.test").load().unwrap_err().to_string();
        assert!(error.contains(says) && !error.contains('\n'), "{error}");
    }
    let settings = Tls {
        certificates: vec![CertificateFiles {
            key: made("none.pem"),
            ..files(&dir)
        }],
        ..Tls::default()
    };
    let error = certificates(settings, dir.path(), "a.test").load().unwrap_err().to_string();
    assert!(error.starts_with("tls.certificates[0].key: cannot read"), "{error}");
}

#[test]
fn the_name_that_is_asked_for_chooses() {
    let (first, second) = (made("a.test"), made("b.test"));
    let settings = Tls {
        certificates: vec![files(&first), files(&second)],
        ..Tls::default()
    };
    let all = certificates(settings, first.path(), "a.test");
    all.load().unwrap();
    let names = |name: Option<&str>| all.inner.chosen.held(name).unwrap().described.names.clone();
    assert_eq!(names(Some("B.test")), ["b.test", "localhost"]);
    for default in [None, Some("c.test"), Some("a.test"), Some("localhost")] {
        assert_eq!(names(default), ["a.test", "localhost"], "{default:?}");
    }
    assert_ne!(all.public_key_digest("a.test"), all.public_key_digest("b.test"));
    assert!(all.public_key_digest("b.test").is_some());
}

#[test]
fn files_are_read_again_when_they_are_whole() {
    let (dir, new) = (made("a.test"), made("b.test"));
    let settings = Tls {
        certificates: vec![files(&dir)],
        ..Tls::default()
    };
    let all = certificates(settings, dir.path(), "a.test");
    all.load().unwrap();
    let name = || all.list()[0].names[0].clone();
    let put = |name: &str| {
        let fresh = dir.path().join("fresh");
        std::fs::copy(new.path().join("tls").join(name), &fresh).unwrap();
        std::fs::rename(fresh, dir.path().join("tls").join(name)).unwrap();
    };
    put("certificate.pem");
    // A look alone does not read what was just written.
    all.inner.look_at_files(false);
    assert_eq!((name(), all.list()[0].problem.clone()), ("a.test".into(), None));
    // The key is still the old one: what was read before stays, and the list says why.
    all.inner.look_at_files(false);
    assert_eq!(name(), "a.test");
    assert!(all.list()[0].problem.as_ref().is_some_and(|text| text.contains("cannot be used")));
    put("key.pem");
    all.inner.look_at_files(false);
    all.inner.look_at_files(false);
    assert_eq!((name(), all.list()[0].problem.clone()), ("b.test".into(), None));
    std::fs::remove_file(dir.path().join("tls/key.pem")).unwrap();
    all.inner.look_at_files(true);
    assert_eq!(name(), "b.test");
}
