//! The data directory: who may read it, whose it is, whether it can be written, how much room it has.

use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::{Area, Finding};
use crate::config::Config;

const GIB: u64 = 1 << 30;

/// Permissions and owners.
pub(super) fn examine(config: &Config, file: Option<&Path>) -> Vec<Finding> {
    let root = &config.data_dir;
    let mut findings = Vec::new();
    match fs::metadata(root) {
        Ok(found) => {
            findings.extend([privacy(root, &found), owners(root, &found), writable(root)]);
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => findings.push(Finding::doubtful(
            Area::Data,
            format!(
                "{} is not there: the server was never started with this configuration",
                root.display()
            ),
            "start it, or name another directory with data_dir or --data",
        )),
        Err(error) => findings.push(Finding::wrong(
            Area::Data,
            format!("{} cannot be looked at: {error}", root.display()),
            "run this as the user of the server, or as root",
        )),
    }
    findings.extend(secrets(config, file));
    findings
}

fn privacy(root: &Path, found: &Metadata) -> Finding {
    let mode = found.mode() & 0o777;
    match mode & 0o077 {
        0 => Finding::fine(Area::Data, format!("{} is for its owner alone", root.display())),
        _ => Finding::wrong(
            Area::Data,
            format!("others on this machine may look into {} (mode {mode:o})", root.display()),
            format!("chmod 700 {}", root.display()),
        ),
    }
}

/// What root made by a command, the server cannot write.
fn owners(root: &Path, found: &Metadata) -> Finding {
    let inside = [
        "posthouse.db",
        "posthouse.db-wal",
        "posthouse.db.lock",
        "mail",
        "spool",
        "tls",
        "tls/key.pem",
        "search",
    ];
    let strange = inside
        .iter()
        .map(|name| root.join(name))
        .find(|path| fs::symlink_metadata(path).is_ok_and(|inner| inner.uid() != found.uid()));
    let own = rustix::process::geteuid().as_raw();
    match strange {
        Some(path) => Finding::wrong(
            Area::Data,
            format!("{} belongs to another user than {}", path.display(), root.display()),
            format!("chown -R --reference={0} {0}", root.display()),
        ),
        None if own != 0 && own != found.uid() => Finding::wrong(
            Area::Data,
            format!("{} belongs to user {}, and this runs as {own}", root.display(), found.uid()),
            "run the server, and this, as the user that the directory belongs to",
        ),
        None => Finding::fine(Area::Data, "all of it belongs to one user"),
    }
}

fn writable(root: &Path) -> Finding {
    let path = root.join(format!(".doctor-{}", std::process::id()));
    let tried = fs::write(&path, b"x").and_then(|()| fs::remove_file(&path));
    match tried {
        Ok(()) => Finding::fine(Area::Data, "it can be written"),
        Err(error) => Finding::wrong(
            Area::Data,
            format!("{} cannot be written: {error}", root.display()),
            "look at its disk, how it is mounted, and whose it is",
        ),
    }
}

/// Files with secrets that others may read.
fn secrets(config: &Config, file: Option<&Path>) -> Vec<Finding> {
    let has_password = !config.outbound.password.expose().is_empty() || config.database.url.contains('@');
    let made = config.data_dir.join("tls").join("key.pem");
    let key = config.tls.key.as_deref().unwrap_or(&made);
    let with_secrets = file.filter(|_| has_password).into_iter().chain([key]);
    let open = with_secrets.filter(|path| fs::metadata(path).is_ok_and(|found| found.mode() & 0o007 != 0));
    let finding = |path: &Path| {
        Finding::wrong(
            Area::Data,
            format!("{} has a secret in it, and everybody on this machine may read it", path.display()),
            format!("chmod o= {}", path.display()),
        )
    };
    open.map(finding).collect()
}

/// The room on the disk.
pub(super) fn room(root: &Path) -> Finding {
    let there = root.ancestors().find(|path| path.exists()).unwrap_or(Path::new("."));
    let found = match rustix::fs::statvfs(there) {
        Ok(found) => found,
        Err(error) => {
            return Finding::unknown(
                Area::Disk,
                format!("the disk of {} does not say how full it is: {error}", there.display()),
            );
        }
    };
    let (total, free) = (
        found.f_blocks.saturating_mul(found.f_frsize),
        found.f_bavail.saturating_mul(found.f_frsize),
    );
    let percent = |part: u64, whole: u64| part.saturating_mul(100).checked_div(whole).unwrap_or(100);
    let (room, files) = (percent(free, total), percent(found.f_favail, found.f_files));
    let said = format!("{} of {} free ({room} %), {files} % of its files", shown(free), shown(total));
    let advice = "make room, or move data_dir to a larger disk; a server without room answers 452 and loses nothing";
    match () {
        () if free < GIB / 4 || files < 1 => Finding::wrong(Area::Disk, said, advice),
        () if room < 10 || files < 10 => Finding::doubtful(Area::Disk, said, advice),
        () => Finding::fine(Area::Disk, said),
    }
}

fn shown(octets: u64) -> String {
    match octets {
        0..GIB => format!("{} MiB", octets >> 20),
        _ => format!("{} GiB", octets >> 30),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::super::Level;
    use super::*;

    #[test]
    fn what_others_may_read_is_found() {
        let dir = tempfile::tempdir().unwrap();
        let mode = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        let config = Config {
            data_dir: dir.path().into(),
            ..Config::default()
        };
        let wrong = || {
            examine(&config, None)
                .into_iter()
                .filter(|it| it.level == Level::Wrong)
                .collect::<Vec<_>>()
        };
        mode(dir.path(), 0o700);
        assert_eq!(wrong(), []);
        mode(dir.path(), 0o750);
        assert_eq!(wrong().len(), 1);
        mode(dir.path(), 0o700);
        fs::create_dir(dir.path().join("tls")).unwrap();
        let key = dir.path().join("tls/key.pem");
        fs::write(&key, "x").unwrap();
        mode(&key, 0o644);
        assert_eq!(wrong()[0].advice.as_deref(), Some(format!("chmod o= {}", key.display()).as_str()));
        assert_ne!(room(&dir.path().join("not/there")).level, Level::Unknown);
    }
}
