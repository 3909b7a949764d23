//! Becoming somebody who may do less.
//!
//! credentials(7): real, effective and saved ids are all given up, and the groups of root with them.

use std::ffi::CString;
use std::os::unix::fs::{DirBuilderExt, chown};
use std::path::Path;

use nix::unistd::{Gid, Group, Uid, User, geteuid, initgroups, setgid, setuid};

use super::Failure;
use crate::config::Process;

/// Becomes the user and group of the section `[process]`, if it names any, for good. The data directory is made for them if it is not there.
pub(super) fn give_up(process: &Process, data_dir: &Path) -> Result<(), Failure> {
    if process.user.is_empty() {
        return Ok(());
    }
    let user = find_user(&process.user)?;
    let group = match process.group.as_str() {
        "" => user.gid,
        name => find_group(name)?,
    };
    if geteuid() == user.uid {
        return Ok(());
    }
    if !geteuid().is_root() {
        let text = format!(
            "process.user: only root can become {}; start the server as root or as {}",
            user.name, user.name
        );
        return Err(Failure(text));
    }
    make(data_dir, user.uid, group).map_err(|error| Failure(format!("data_dir: cannot make {}: {error}", data_dir.display())))?;
    let name = CString::new(user.name.as_str()).map_err(Failure::of)?;
    let become_user = || {
        initgroups(&name, group)?;
        setgid(group)?;
        setuid(user.uid)
    };
    become_user().map_err(|error| Failure(format!("process.user: cannot become {}: {error}", user.name)))?;
    // Who could be root again has given up nothing.
    match setuid(Uid::from_raw(0)) {
        Err(_) => Ok(()),
        Ok(()) => Err(Failure(format!("process.user: {} could be root again", user.name))),
    }
}

fn find_user(name: &str) -> Result<User, Failure> {
    let found = User::from_name(name).map_err(|error| Failure(format!("process.user: {error}")))?;
    found.ok_or_else(|| {
        Failure(format!(
            "process.user: there is no user {name} on this machine; make one, or choose another"
        ))
    })
}

fn find_group(name: &str) -> Result<Gid, Failure> {
    let found = Group::from_name(name).map_err(|error| Failure(format!("process.group: {error}")))?;
    let group = found.ok_or_else(|| {
        Failure(format!(
            "process.group: there is no group {name} on this machine; make one, or choose another"
        ))
    })?;
    Ok(group.gid)
}

/// Makes the data directory, readable by its owner only.
fn make(path: &Path, user: Uid, group: Gid) -> std::io::Result<()> {
    if path.exists() {
        return Ok(());
    }
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path)?;
    chown(path, Some(user.as_raw()), Some(group.as_raw()))
}
