use super::*;
use crate::error::ErrorCode;

/// Found by the search, and again by a plain one with another ChaCha20 and another primality test. Links and registered keys depend on
/// them for ever: they must not change.
const GOLDEN_RSA: [(u8, Counters, &str); 3] = [
    (
        2,
        Counters { p: 776, q: 204 },
        "SHA256:YhBt9VHs/Cy/KEOzLcnU4JjHxsMYrO9VX0Q1yBNjed8",
    ),
    (
        3,
        Counters { p: 22, q: 459 },
        "SHA256:uZmac2t9V4MiD+pSuKFa3WRMUTix2n1JRkm2EAK3Mko",
    ),
    (
        5,
        Counters { p: 422, q: 710 },
        "SHA256:oJ3Pae5PfXbALJaC0pwZM8RlkOkC/4UISl9SvL+/Lp0",
    ),
];
const GOLDEN_RSA_LINE: &str = "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAACAQDZD6g0hYyG+83S0alQwxY/vbHHcH0Gou30yOUewbUiYIAWLqPzQIOZoBpm2Sl6hytXteHuTaCdNTxbXdGzNBS8d1BbO1sF8aHM9Y1nwVUQoZ5hQk6vzZ/ECwWgQgbxHfMP42hCYy6BQkGdhif+D8LvpLppSb3IGQM4N9+CJyR2NHI9OX6FWaZRsXCJ4cy3O5hGWzLxvU/isEgFWgWYVUGPiKty1JKVXsnYoWa/F7u1S1OZqob9wMW13vmCaJ9sEyyMBDNa+liAu3oc7NqMhroSyAscFCcGak35KYKOe3BRucWx8atX2hCoIRGyFbIPbhOGrcFe6HU9wNcs2S46VdxEiJdFUEbj3hyo9nOuYmei1T+d9bA0FZGlBqjJsxNQCna2pn7dutviM5HcE1z+zeSAq3WjXBT8+VYp5rkVKaJdjcM58e0w/5ogNSDIjyC7zgSa9ZlScVNcO2J6ykSm9c5JakfF5UCiF9k6Gg1KlYyqiC8IboeZB9fta8RHm93Qr272FNG/lMtYb9IWxyZx/vldxvayyh0fvBOFDrs6fxRVKUYzqwT7KhxivfeIZ7kcOcCPIi0oIxSxO1GGT//kjt91EPx83XZ5yziBIGCld/hGQxQ16cPlYDznorrXV9/LA4gE+FI3jPRj7oeHL1v5LjQla4Cr0qBidXdqPxf6avPoeQ==";

const LINES: &str = include_str!("../../tests/data/public-keys.txt");
const ED25519_LINE: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIqI4910CfGV/VLbLTy6XXLKZwm/HZQSG/N0iAG0D29c";

fn seed(byte: u8) -> SshSeed {
    SshSeed::new([byte; 32])
}

fn refusal(line: &str) -> Option<PublicKeyError> {
    parse_public_key(line).err()
}

/// A line of the fields as they stand.
fn line_of(algorithm: &str, fields: &[&[u8]]) -> String {
    use base64::Engine;
    let mut blob = Vec::new();
    for field in [&[algorithm.as_bytes()], fields].concat() {
        blob.extend((field.len() as u32).to_be_bytes());
        blob.extend(field);
    }
    format!(
        "{algorithm} {}",
        base64::engine::general_purpose::STANDARD.encode(blob)
    )
}

/// An RSA line whose modulus has this many bits, all of them set.
fn rsa_line(bits: usize, exponent: &[u8]) -> String {
    let mut modulus = vec![0xff; bits.div_ceil(8)];
    match bits % 8 {
        0 => modulus.insert(0, 0),
        rest => modulus[0] = (1 << rest) - 1,
    }
    line_of("ssh-rsa", &[exponent, &modulus])
}

#[test]
fn rsa_keys_are_golden() {
    for (byte, counters, fingerprint) in GOLDEN_RSA {
        let key = rsa_from_counters(&seed(byte), counters).unwrap();
        assert_eq!(key.fingerprint_sha256(), fingerprint);
        let line = key.public().normalized();
        assert_eq!(fingerprint_of(&line).as_deref(), Some(fingerprint));
        assert_eq!(key.key_type(), KeyType::Rsa4096);
        let public = rsa_public_from_counters(&seed(byte), counters).unwrap();
        assert_eq!(public, *key.public());
    }
    let (byte, counters, _) = GOLDEN_RSA[1];
    let public = rsa_public_from_counters(&seed(byte), counters).unwrap();
    assert_eq!(
        public.openssh("kindling"),
        format!("{GOLDEN_RSA_LINE} kindling")
    );
}

#[test]
fn only_a_key_whose_halves_agree_signs() {
    let (byte, counters, _) = GOLDEN_RSA[0];
    let key = rsa_from_counters(&seed(byte), counters).unwrap();
    assert!(key.signs(b"a message"));
    assert!(ed25519(&seed(1)).unwrap().signs(b"a message"));
    // One counter on is no prime: the private exponent belongs to another number of residues.
    let wrong = Counters {
        p: counters.p + 1,
        ..counters
    };
    let wrong = rsa_from_counters(&seed(byte), wrong);
    assert!(!wrong.is_ok_and(|key| key.signs(b"a message")));
}

#[test]
fn rsa_keys_come_in_der_for_others() {
    use rsa::pkcs8::{DecodePrivateKey, DecodePublicKey};
    use rsa::traits::PublicKeyParts;
    let (byte, counters, _) = GOLDEN_RSA[0];
    let key = rsa_from_counters(&seed(byte), counters).unwrap();
    let (private, public) = key.rsa_der().unwrap();
    let private = RsaPrivateKey::from_pkcs8_der(private.as_bytes()).unwrap();
    let public = RsaPublicKey::from_public_key_der(&public).unwrap();
    assert_eq!(private.to_public_key(), public);
    assert_eq!(
        (public.e(), public.size()),
        (&BigUint::from(PUBLIC_EXPONENT), 512)
    );
    assert!(ed25519(&seed(1)).unwrap().rsa_der().is_none());
}

#[test]
fn ed25519_keys_are_golden() {
    let key = ed25519(&seed(1)).unwrap();
    assert_eq!(key.public_openssh("a\nb\r "), format!("{ED25519_LINE} ab"));
    assert_eq!(key.public_openssh(""), ED25519_LINE);
    // What ssh-keygen -l prints for it.
    assert_eq!(
        key.fingerprint_sha256(),
        "SHA256:fe85JkIjo8VPe+XqXJGH5Mau1EMFdK1OdKvJUFicyA8"
    );
    assert_eq!(
        key.public().md5_fingerprint(),
        "ab:f1:da:70:fb:1d:78:2a:1a:c7:69:73:3c:43:07:4f"
    );
    assert_eq!(key.key_type(), KeyType::Ed25519);
}

#[test]
fn private_keys_read_back() {
    let (byte, counters, _) = GOLDEN_RSA[0];
    for key in [
        ed25519(&seed(1)).unwrap(),
        rsa_from_counters(&seed(byte), counters).unwrap(),
    ] {
        let private = key.private_openssh("to\nme").unwrap();
        assert_eq!(refusal(&private), Some(PublicKeyError::Private));
        let read = PrivateKey::from_openssh(private.as_bytes()).unwrap();
        assert_eq!(read.comment(), "tome");
        assert_eq!(
            read.public_key().to_openssh().unwrap(),
            key.public_openssh("tome")
        );
        assert_eq!(
            refusal(&key.private_pem().unwrap()),
            Some(PublicKeyError::Private)
        );
    }
}

#[test]
fn pem_files_are_golden() {
    use rsa::pkcs1::DecodeRsaPrivateKey;
    use sha2::{Digest, Sha256};
    let (byte, counters, _) = GOLDEN_RSA[0];
    let key = rsa_from_counters(&seed(byte), counters).unwrap();
    let pem = key.private_pem().unwrap();
    assert!(pem.starts_with("-----BEGIN RSA PRIVATE KEY-----\n"));
    assert!(pem.ends_with("\n-----END RSA PRIVATE KEY-----\n"));
    // Of the file that ssh-keygen -p -m PEM makes of the same key in OpenSSH's format.
    assert_eq!(
        hex::encode(Sha256::digest(pem.as_bytes())),
        "d36100801a0782aa51963461bcdd2d2be2b9da8524e2e2ef67609c1b7001d79b"
    );
    let read = RsaPrivateKey::from_pkcs1_pem(&pem).unwrap();
    assert!(read.validate().is_ok());
    // RFC 8410's own example of a private key.
    let bytes =
        hex::decode("d4ee72dbf913584ad5b6d8f1f769f8ad3afe7c28cbf1d4fbe097a88f44755842").unwrap();
    let key = ed25519(&SshSeed::new(bytes.try_into().unwrap())).unwrap();
    assert_eq!(
        key.private_pem().unwrap().as_str(),
        "-----BEGIN PRIVATE KEY-----\n\
         MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n\
         -----END PRIVATE KEY-----\n"
    );
}

#[test]
fn counters_without_numbers_are_refused() {
    // Of the stream of this seed: nothing is known about most wrong counters before a library has judged them.
    let unfit = |byte: u8| {
        let fits =
            |p: &u32| rsa_public_from_counters(&seed(byte), Counters { p: *p, q: 0 }).is_err();
        (0..2 * PUBLIC_EXPONENT).find(fits).unwrap()
    };
    let p = unfit(2);
    let wrong = Counters { p, q: 204 };
    assert_eq!(
        rsa_from_counters(&seed(2), wrong).err(),
        Some(KeyError::WrongCounters)
    );
}

#[test]
fn primes_must_be_far_apart() {
    let (one, p) = (BigUint::from(1u32), BigUint::from(1u32) << 2047);
    let limit = BigUint::from(1u32) << 1948;
    for (q, far) in [
        (&p + &limit, false),
        (&p - &limit, false),
        (&p + &limit + &one, true),
        (&p - &limit - &one, true),
    ] {
        assert_eq!(far_apart(&p, &q), far);
        assert_eq!(far_apart(&q, &p), far);
    }
}

#[test]
fn nothing_secret_prints() {
    let seed = seed(0xab);
    let key = ed25519(&seed).unwrap();
    assert_eq!(
        format!("{seed:?} {key:?}"),
        "SshSeed(..) SshKey(ed25519, ..)"
    );
}

#[test]
fn key_types_have_their_wire_names() {
    for kind in [KeyType::Rsa4096, KeyType::Ed25519] {
        assert_eq!(kind.as_str().parse(), Ok(kind));
        assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
    }
    assert_eq!("rsa".parse::<KeyType>(), Err(KeyError::UnknownType));
}

#[test]
fn keys_that_ssh_keygen_made_are_judged() {
    let mut seen = 0;
    for line in LINES.lines().filter(|line| !line.starts_with('#')) {
        let (verdict, key) = line.split_once('\t').unwrap();
        match parse_public_key(key) {
            Ok(parsed) => {
                assert_eq!(verdict, "ok", "{key}");
                assert_eq!(
                    parsed.normalized(),
                    key.split(' ').take(2).collect::<Vec<_>>().join(" ")
                );
                assert_eq!(parse_public_key(&parsed.normalized()), Ok(parsed));
            }
            Err(error) => assert_eq!(verdict, error.code().as_str(), "{key}"),
        }
        seen += 1;
    }
    assert_eq!(seen, 7);
}

#[test]
fn spelling_does_not_make_another_key() {
    let expected = parse_public_key(ED25519_LINE).unwrap();
    for line in [
        format!("  {ED25519_LINE}\r\n"),
        format!("{ED25519_LINE} my laptop, größer"),
        ED25519_LINE.replace(' ', "  "),
    ] {
        assert_eq!(parse_public_key(&line).as_ref(), Ok(&expected), "{line}");
    }
}

#[test]
fn what_is_not_one_line_of_a_key_is_invalid() {
    let rsa = rsa_line(3072, &[3]);
    assert_eq!(refusal(&rsa), None);
    let (name, base64) = ED25519_LINE.split_once(' ').unwrap();
    let invalid = [
        String::new(),
        "hello".to_owned(),
        name.to_owned(),
        base64.to_owned(),
        format!("{ED25519_LINE}\n{ED25519_LINE}"),
        format!("{ED25519_LINE} a\0b"),
        format!("{ED25519_LINE} a\tb"),
        format!("{ED25519_LINE} {}", "a".repeat(9000)),
        format!("ssh-rsa {base64}"),
        format!("{name} {base64}="),
        format!("{name} {}", &base64[..base64.len() - 4]),
        format!("{name} {base64}AAAA"),
        "---- BEGIN SSH2 PUBLIC KEY ----".to_owned(),
        // Not on the curve; the neutral element, for which anybody can sign; a byte short.
        line_of(name, &[&[2; 32]]),
        line_of(
            name,
            &[&{
                let mut neutral = [0; 32];
                neutral[0] = 1;
                neutral
            }],
        ),
        line_of(name, &[&[1; 31]]),
        // Even, one, zero, negative and badly spelt numbers.
        rsa_line(3072, &[4]),
        rsa_line(3072, &[1]),
        rsa_line(3072, &[]),
        rsa_line(3072, &[0x83]),
        rsa_line(3072, &[0, 3]),
        line_of(
            "ssh-rsa",
            &[&[3], &{
                let mut even = vec![0x7f; 384];
                even[383] = 2;
                even
            }],
        ),
    ];
    for line in invalid {
        assert_eq!(refusal(&line), Some(PublicKeyError::Invalid), "{line}");
    }
}

#[test]
fn private_keys_are_told_apart_from_anything_else() {
    for text in [
        "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAABG5vbmU=",
        "  -----BEGIN RSA PRIVATE KEY-----",
        "-----BEGIN ENCRYPTED PRIVATE KEY-----",
        "b3BlbnNzaC1rZXktdjEAAAAABG5vbmU",
        "PuTTY-User-Key-File-3: ssh-ed25519",
    ] {
        assert_eq!(refusal(text), Some(PublicKeyError::Private), "{text}");
    }
}

#[test]
fn options_are_named_as_the_fault() {
    for options in [
        "no-pty",
        "command=\"echo a b\",no-pty",
        "from=\"10.0.0.1\"",
        "cert-authority",
    ] {
        assert_eq!(
            refusal(&format!("{options} {ED25519_LINE}")),
            Some(PublicKeyError::HasOptions),
            "{options}"
        );
    }
}

#[test]
fn sizes_and_types_have_limits() {
    assert_eq!(
        refusal(&rsa_line(3071, &[1, 0, 1])),
        Some(PublicKeyError::TooShort)
    );
    assert_eq!(refusal(&rsa_line(3072, &[1, 0, 1])), None);
    assert_eq!(refusal(&rsa_line(16_384, &[1, 0, 1])), None);
    assert_eq!(
        refusal(&rsa_line(16_385, &[1, 0, 1])),
        Some(PublicKeyError::Unsupported)
    );
    assert_eq!(refusal(&rsa_line(4096, &[0, 0xff, 0xff, 0xff])), None);
    assert_eq!(
        refusal(&rsa_line(4096, &[1, 0, 0, 1])),
        Some(PublicKeyError::Unsupported)
    );
    for name in [
        "ssh-dss",
        "ecdsa-sha2-nistp521",
        "sk-ssh-ed25519@openssh.com",
        "ssh-rsa-cert-v01@openssh.com",
    ] {
        assert_eq!(
            refusal(&format!("{name} AAAA")),
            Some(PublicKeyError::Unsupported),
            "{name}"
        );
    }
}

#[test]
fn every_refusal_has_its_code_and_sentence() {
    for (error, code) in [
        (PublicKeyError::Invalid, ErrorCode::InvalidSshKey),
        (PublicKeyError::Private, ErrorCode::SshKeyIsPrivate),
        (PublicKeyError::TooShort, ErrorCode::SshKeyTooShort),
        (PublicKeyError::HasOptions, ErrorCode::SshKeyHasOptions),
        (PublicKeyError::Unsupported, ErrorCode::SshKeyUnsupported),
    ] {
        assert_eq!(
            (error.code(), error.to_string().as_str()),
            (code, code.message())
        );
    }
}
