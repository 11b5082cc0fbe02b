//! The private key's files, read by the programs they are for.

#![allow(clippy::unwrap_used)] // that is how a test fails

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use kindling_domain::keys::{Counters, SshKey, SshSeed, ed25519, rsa_from_counters};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

fn rsa() -> SshKey {
    rsa_from_counters(&SshSeed::new([2; 32]), Counters { p: 776, q: 204 }).unwrap()
}

/// A file that only its owner may read; ssh-keygen takes no other.
fn file(name: &str, text: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let mut options = std::fs::OpenOptions::new();
    let mut file = options
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&path)
        .unwrap();
    file.write_all(text.as_bytes()).unwrap();
    path
}

fn run(program: &str, arguments: &[&str], file: &Path) -> Vec<u8> {
    let output = Command::new(program)
        .args(arguments)
        .arg(file)
        .output()
        .unwrap();
    assert!(output.status.success(), "{program}: {output:?}");
    output.stdout
}

/// Name and key of a public line.
fn public(line: &[u8]) -> Vec<String> {
    let line = std::str::from_utf8(line).unwrap();
    line.split_whitespace().take(2).map(str::to_owned).collect()
}

#[test]
fn ssh_keygen_reads_every_format_it_knows() {
    for (name, key, text) in [
        ("ed25519", ed25519(&SshSeed::new([1; 32])).unwrap(), None),
        ("rsa", rsa(), None),
        ("rsa.pem", rsa(), Some(rsa().private_pem().unwrap())),
    ] {
        let text = text.unwrap_or_else(|| key.private_openssh("kindling").unwrap());
        let line = run("ssh-keygen", &["-y", "-f"], &file(name, &text));
        assert_eq!(
            public(&line),
            public(key.public_openssh("").as_bytes()),
            "{name}"
        );
    }
}

#[test]
fn ssh_keygen_writes_the_same_pem() {
    let path = file("rsa-to-pem", &rsa().private_openssh("kindling").unwrap());
    run(
        "ssh-keygen",
        &["-q", "-p", "-P", "", "-N", "", "-m", "PEM", "-f"],
        &path,
    );
    assert_eq!(
        std::fs::read_to_string(path).unwrap(),
        *rsa().private_pem().unwrap()
    );
}

#[test]
fn openssl_reads_both_pems() {
    let rsa = file("rsa-openssl.pem", &rsa().private_pem().unwrap());
    assert_eq!(
        String::from_utf8(run("openssl", &["pkey", "-check", "-noout", "-in"], &rsa)).unwrap(),
        "Key is valid\n"
    );
    let key = ed25519(&SshSeed::new([1; 32])).unwrap();
    let pem = file("ed25519-openssl.pem", &key.private_pem().unwrap());
    let der = run(
        "openssl",
        &["pkey", "-pubout", "-outform", "DER", "-in"],
        &pem,
    );
    let line = key.public_openssh("");
    let blob = STANDARD.decode(line.split(' ').nth(1).unwrap()).unwrap();
    // Both end with the point.
    assert_eq!(der.last_chunk::<32>(), blob.last_chunk::<32>());
}
