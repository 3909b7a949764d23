//! Telling the world that the server is up: a line, a file, systemd.

use std::collections::BTreeMap;
use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::path::Path;

use super::Failure;

/// Writes the actual addresses as JSON, so that whoever waits for the file never reads half of it.
pub(super) fn write_file(path: &Path, listeners: &[(&str, Vec<String>)]) -> Result<(), Failure> {
    let addresses: BTreeMap<&str, &Vec<String>> = listeners.iter().map(|(name, addresses)| (*name, addresses)).collect();
    let text = serde_json::to_string(&addresses).map_err(Failure::of)?;
    let half = path.with_extension("tmp");
    let write = || std::fs::write(&half, text + "\n").and_then(|()| std::fs::rename(&half, path));
    write().map_err(|error| Failure(format!("--ready-file: cannot write {}: {error}", path.display())))
}

/// Tells systemd, if it started us with `Type=notify` (sd_notify(3)).
pub(super) fn notify(state: &str) {
    let Some(socket) = std::env::var_os("NOTIFY_SOCKET") else { return };
    if let Err(error) = send(socket.as_encoded_bytes(), state) {
        tracing::warn!(%error, "systemd could not be told");
    }
}

fn send(socket: &[u8], state: &str) -> io::Result<()> {
    let address = match socket.strip_prefix(b"@") {
        Some(name) => SocketAddr::from_abstract_name(name)?,
        None => SocketAddr::from_pathname(Path::new(&*String::from_utf8_lossy(socket)))?,
    };
    UnixDatagram::unbound()?.send_to_addr(state.as_bytes(), &address)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_has_every_listener() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ready.json");
        write_file(&path, &[("smtp", vec!["127.0.0.1:1".into()]), ("http", vec![])]).unwrap();
        assert_eq!(
            std::fs::read_to_string(&path).unwrap(),
            "{\"http\":[],\"smtp\":[\"127.0.0.1:1\"]}\n"
        );
        assert!(write_file(&dir.path().join("no/where"), &[]).is_err());
    }

    #[test]
    fn systemd_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        send(path.as_os_str().as_encoded_bytes(), "READY=1").unwrap();
        let mut octets = [0; 16];
        let length = socket.recv(&mut octets).unwrap();
        assert_eq!(&octets[..length], b"READY=1");
    }
}
