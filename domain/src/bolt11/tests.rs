use super::*;
use bech32::Hrp;
use bech32::primitives::iter::Fe32IterExt;
use lightning_invoice::{Bolt11Invoice, Bolt11InvoiceDescriptionRef};
use proptest::prelude::*;
use std::str::FromStr;

const EXAMPLES: &str = include_str!("../../tests/data/bolt11.txt");

/// Verdict, title and invoice of each of the specification's examples.
fn examples() -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
    EXAMPLES
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| {
            let mut parts = line.split('\t');
            (
                parts.next().unwrap(),
                parts.next().unwrap(),
                parts.next().unwrap(),
            )
        })
}

fn example(title: &str) -> &'static str {
    examples()
        .find(|(_, other, _)| other.starts_with(title))
        .unwrap()
        .2
}

/// What another implementation reads in the same text.
fn judged(text: &str) -> Invoice {
    let judge = Bolt11Invoice::from_str(text).unwrap();
    let network = match judge.currency() {
        lightning_invoice::Currency::Bitcoin => Network::Bitcoin,
        lightning_invoice::Currency::BitcoinTestnet => Network::Testnet,
        lightning_invoice::Currency::Signet => Network::Signet,
        lightning_invoice::Currency::Regtest => Network::Regtest,
        lightning_invoice::Currency::Simnet => panic!("simnet"),
    };
    let (description, description_hash) = match judge.description() {
        Bolt11InvoiceDescriptionRef::Direct(text) => (Some(text.as_inner().0.clone()), None),
        Bolt11InvoiceDescriptionRef::Hash(hash) => {
            (None, Some(*AsRef::<[u8; 32]>::as_ref(&hash.0)))
        }
    };
    Invoice {
        network,
        amount_msat: judge.amount_milli_satoshis(),
        timestamp: judge.duration_since_epoch().as_secs(),
        expiry_seconds: judge.expiry_time().as_secs(),
        payment_hash: *judge.payment_hash().as_ref(),
        payment_secret: judge.payment_secret().0,
        payee: judge.get_payee_pub_key().serialize(),
        description,
        description_hash,
    }
}

fn draft() -> Draft {
    Draft {
        network: Network::Signet,
        amount_msat: 10_000_000,
        payment_hash: [7; 32],
        payment_secret: [8; 32],
        description: "Kindling: ein Knoten ⚡".to_owned(),
        timestamp: 1_790_000_000,
        expiry_seconds: 900,
    }
}

/// The text with one 5-bit group of its data changed and the checksum made right again.
fn with_group(text: &str, position: usize, change: impl Fn(u8) -> u8) -> String {
    let parsed = CheckedHrpstring::new::<LongBech32>(text).unwrap();
    let mut groups: Vec<Fe32> = parsed.fe32_iter::<std::iter::Empty<u8>>().collect();
    groups[position] = Fe32::try_from(change(groups[position].to_u8())).unwrap();
    sealed(&parsed.hrp().to_lowercase(), groups)
}

fn sealed(prefix: &str, groups: Vec<Fe32>) -> String {
    groups
        .into_iter()
        .with_checksum::<LongBech32>(&Hrp::parse(prefix).unwrap())
        .chars()
        .collect()
}

#[test]
fn the_specifications_examples_are_read_as_another_implementation_reads_them() {
    let valid: Vec<_> = examples()
        .filter(|(verdict, ..)| *verdict == "valid")
        .collect();
    assert_eq!(valid.len(), 16);
    for (_, title, text) in valid {
        let invoice = decode(text).unwrap();
        if title.contains("high-S") {
            // The other implementation refuses every high S; libsecp256k1 recovers this key.
            assert_eq!(
                hex::encode(invoice.payee),
                "02d0139ce7427d6dfffd26a326c18be754ef1e64672b42694ba5b23ef6e6e7803d"
            );
        } else {
            assert_eq!(invoice, judged(text), "{title}");
        }
    }
}

#[test]
fn invoices_of_lnbits_are_read() {
    // Written by the library (Python's bolt11 2.x) that LNbits uses; it names no features.
    for (text, amount_msat, expiry_seconds, description) in [
        (
            "lnbc100u1p4tzwuqdqvd4jk6meqcw5sxqzjcsp5zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zygspp5yg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3qf283kzqpwnuc3req72lj67gej8cs8s0x54j0mveg2nnkzhzaz9r5new4jswca3u465058lxpr7u47ny5wqx08t07vsj2clj6rghe4lcpcgtkms",
            10_000_000,
            600,
            "memo é",
        ),
        (
            "lntbs10p1p4tzwuqdqqsp5zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zygspp5yg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3q6rnxv2sujfdwl2fg4k43pwrfjvplkpqp0z9tmgzf8weps6tesjqs5kklv2vxrhw0mv3p9jcxy8swnc2dgsk06nzr57kam2s7fs7u8rcpkgp6ln",
            1,
            3600,
            "",
        ),
    ] {
        let invoice = decode(text).unwrap();
        assert_eq!(
            (invoice.amount_msat, invoice.expiry_seconds),
            (Some(amount_msat), expiry_seconds)
        );
        assert_eq!(
            (invoice.timestamp, invoice.description.as_deref()),
            (1_790_000_000, Some(description))
        );
        assert_eq!(
            (invoice.payment_hash, invoice.payment_secret),
            ([0x22; 32], [0x11; 32])
        );
    }
}

#[test]
fn an_example_says_what_the_specification_says() {
    let invoice = decode(example("Please send $3 for a cup")).unwrap();
    assert_eq!(invoice.network, Network::Bitcoin);
    assert_eq!(invoice.amount_msat, Some(250_000_000));
    assert_eq!(
        (invoice.timestamp, invoice.expiry_seconds),
        (1_496_314_658, 60)
    );
    assert_eq!(invoice.description.as_deref(), Some("1 cup coffee"));
    assert_eq!(
        hex::encode(invoice.payee),
        "03e7156ae33b0a208d0744199163177e909e80176e55d97a2f221ede0f934dd9ad"
    );
    assert_eq!(
        hex::encode(invoice.payment_hash),
        "0001020304050607080900010203040506070809000102030405060708090102"
    );
    assert_eq!(invoice.payment_secret, [0x11; 32]);
}

#[test]
fn the_specifications_invalid_examples_are_refused() {
    let expected = [
        ("Same, but adding", Bolt11Error::UnknownFeature),
        ("Bech32 checksum", Bolt11Error::Checksum),
        ("Malformed bech32 string (no 1)", Bolt11Error::Checksum),
        ("Malformed bech32 string (mixed", Bolt11Error::Checksum),
        ("Signature is not", Bolt11Error::Signature),
        ("String is too short", Bolt11Error::TooShort),
        ("Invalid multiplier", Bolt11Error::Amount),
        ("Invalid sub-milli", Bolt11Error::Amount),
        ("Missing required `s`", Bolt11Error::MissingField),
        ("Non canonical", Bolt11Error::Field),
    ];
    assert_eq!(
        examples()
            .filter(|(verdict, ..)| *verdict == "invalid")
            .count(),
        expected.len()
    );
    for (title, error) in expected {
        assert_eq!(decode(example(title)), Err(error), "{title}");
    }
}

#[test]
fn a_scheme_white_space_and_upper_case_are_taken() {
    let text = encode(&draft(), &[1; 32]).unwrap();
    let invoice = decode(&text).unwrap();
    let upper = text.to_uppercase();
    for form in [
        format!("lightning:{text}"),
        format!(" {text}\n"),
        upper.clone(),
        format!("LIGHTNING:{upper}"),
    ] {
        assert_eq!(decode(&form).as_ref(), Ok(&invoice));
    }
    for form in [
        format!("lightning://{text}"),
        format!("bitcoin:{text}"),
        text.replacen('q', "Q", 1),
        String::new(),
    ] {
        assert_eq!(decode(&form), Err(Bolt11Error::Checksum), "{form}");
    }
}

#[test]
fn amounts_are_whole_millisatoshis() {
    let read = |prefix: &str| read_prefix(prefix).map(|(_, msat)| msat);
    assert_eq!(read("lnbc"), Ok(None));
    assert_eq!(read("lnbc1"), Ok(Some(100_000_000_000)));
    assert_eq!(read("lnbc25m"), Ok(Some(2_500_000_000)));
    assert_eq!(read("lntbs100u"), Ok(Some(10_000_000)));
    assert_eq!(read("lnbcrt1n"), Ok(Some(100)));
    assert_eq!(read("lntb10p"), Ok(Some(1)));
    for prefix in [
        "lnbc0",
        "lnbc01u",
        "lnbc1p",
        "lnbc1x",
        "lnbc1mu",
        "lnbc1m1",
        "lnbc1+1m",
        "lnbc99999999999999999999",
    ] {
        assert_eq!(read(prefix), Err(Bolt11Error::Amount), "{prefix}");
    }
    assert_eq!(read("lnbc184467441"), Err(Bolt11Error::Amount));
    for prefix in ["", "ln", "bc1", "lnbcm", "lnsb1u", "lnltc1u", "lntbx"] {
        assert_eq!(read(prefix), Err(Bolt11Error::Prefix), "{prefix}");
    }
}

#[test]
fn the_shortest_amount_is_written() {
    for (msat, prefix) in [
        (1, "lntbs10p1"),
        (100, "lntbs1n1"),
        (10_000_000, "lntbs100u1"),
        (100_000_000_000, "lntbs11"),
        (u64::MAX / 10, "lntbs18446744073709551610p1"),
    ] {
        let text = encode(
            &Draft {
                amount_msat: msat,
                ..draft()
            },
            &[1; 32],
        )
        .unwrap();
        assert!(text.starts_with(prefix), "{text}");
        assert_eq!(decode(&text).unwrap().amount_msat, Some(msat));
    }
}

#[test]
fn the_written_text_is_pinned() {
    let text = encode(&draft(), &[1; 32]).unwrap();
    assert_eq!(text, encode(&draft(), &[1; 32]).unwrap());
    assert_eq!(
        text,
        "lntbs100u1p4tzwuqpp5qurswpc8qurswpc8qurswpc8qurswpc8qurswpc8qurswpc8qurssp5pqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqdp8fd5kuervd9hxww3qv45kugztdehhgetwyr3f4ggxqzuycqpj9qrsgqnk6w7ye9h98p82ku27h3ksxc8d044t2khhkwxfdem2eyxeuy2w8saln300wkut5awykc9v047gda5c8cn3qxs2q3q27lspx0rm6f0ncpsprcs5"
    );
}

#[test]
fn drafts_that_cannot_be_invoices_are_refused() {
    let refused = |draft: Draft| {
        assert_eq!(
            encode(&draft, &[1; 32]),
            Err(Bolt11Error::Draft),
            "{draft:?}"
        )
    };
    refused(Draft {
        amount_msat: 0,
        ..draft()
    });
    refused(Draft {
        amount_msat: u64::MAX,
        ..draft()
    });
    refused(Draft {
        expiry_seconds: 0,
        ..draft()
    });
    refused(Draft {
        timestamp: 1 << 35,
        ..draft()
    });
    refused(Draft {
        description: "d".repeat(640),
        ..draft()
    });
    assert_eq!(encode(&draft(), &[0; 32]), Err(Bolt11Error::SecretKey));
    assert_eq!(encode(&draft(), &[0xff; 32]), Err(Bolt11Error::SecretKey));
}

#[test]
fn tampering_with_any_character_is_refused() {
    let text = encode(&draft(), &[1; 32]).unwrap();
    for (i, old) in text.char_indices() {
        for new in ['q', 'p', '7', 'l', '1', 'B', 'é']
            .into_iter()
            .filter(|new| *new != old)
        {
            let mut tampered = text.clone();
            tampered.replace_range(i..i + 1, new.encode_utf8(&mut [0; 4]));
            assert!(decode(&tampered).is_err(), "{i} {new}");
        }
        assert!(decode(&text[..i]).is_err(), "cut at {i}");
    }
}

#[test]
fn tampering_under_a_right_checksum_never_keeps_the_payee() {
    let text = encode(&draft(), &[1; 32]).unwrap();
    let payee = decode(&text).unwrap().payee;
    let length = CheckedHrpstring::new::<LongBech32>(&text)
        .unwrap()
        .fe32_iter::<std::iter::Empty<u8>>()
        .count();
    for position in 0..length {
        let tampered = with_group(&text, position, |group| group ^ 1);
        assert!(
            decode(&tampered).map_or(true, |invoice| invoice.payee != payee),
            "{position}"
        );
    }
}

#[test]
fn a_named_payee_must_have_signed() {
    let text = "lnbc10m1pvjluezpp5qqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqypqdp9wpshjmt9de6zqmt9w3skgct5vysxjmnnd9jx2mq8q8a04uqnp4q0n326hr8v9zprg8gsvezcch06gfaqqhde2aj730yg0durunfhv66sp5zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zygs9q2gqqqqqqsgqy9gw6ymamd20jumvdgpfphkhp8fzhhdhycw36egcmla5vlrtrmhs9t7psfy3hkkdqzm9eq64fjg558znccds5nhsfmxveha5xe0dykgpspdha0";
    let invoice = decode(text).unwrap();
    assert_eq!(invoice, judged(text));
    let length = CheckedHrpstring::new::<LongBech32>(text)
        .unwrap()
        .fe32_iter::<std::iter::Empty<u8>>()
        .count();
    // Everything but the recovery id, which nobody needs where the payee is named.
    for position in 0..length - 1 {
        let tampered = decode(&with_group(text, position, |group| group ^ 1));
        // Where the change hides the payee's field, the signature speaks for another key.
        assert!(
            tampered.map_or(true, |other| other.payee != invoice.payee),
            "{position}"
        );
    }
}

#[test]
fn a_named_payees_high_s_is_refused() {
    // The specification's example for this has a second `s` as well; here high S is the only fault.
    let key = k256::ecdsa::SigningKey::from_bytes(&[1; 32].into()).unwrap();
    let payee = compressed(key.verifying_key()).unwrap();
    let text = encode(&draft(), &[1; 32]).unwrap();
    let parsed = CheckedHrpstring::new::<LongBech32>(&text).unwrap();
    let prefix = parsed.hrp().to_lowercase();
    let mut groups: Vec<Fe32> = parsed.fe32_iter::<std::iter::Empty<u8>>().collect();
    groups.truncate(groups.len() - SIGNATURE_GROUPS);
    let five = |bytes: &[u8]| {
        use bech32::primitives::iter::ByteIterExt;
        bytes.iter().copied().bytes_to_fes().collect::<Vec<_>>()
    };
    groups.extend([Fe32::N, Fe32::P, Fe32::_4]);
    groups.extend(five(&payee));
    let (low, recovery) = key
        .sign_prehash_recoverable(&signed_hash(&prefix, &groups))
        .unwrap();
    let high = Signature::from_scalars(low.r(), -low.s()).unwrap();
    let with = |signature: &Signature| {
        let bytes = [&signature.to_bytes()[..], &[recovery.to_byte()]].concat();
        sealed(&prefix, [groups.clone(), five(&bytes)].concat())
    };
    assert_eq!(decode(&with(&low)).map(|invoice| invoice.payee), Ok(payee));
    assert_eq!(decode(&with(&high)), Err(Bolt11Error::Signature));
}

#[test]
fn the_check_names_what_is_wrong() {
    let invoice = decode(&encode(&draft(), &[1; 32]).unwrap()).unwrap();
    let (price, made) = (10_000_000, draft().timestamp);
    assert_eq!(invoice.check(Network::Signet, price, made), Ok(()));
    assert_eq!(invoice.check(Network::Signet, price, made + 899), Ok(()));
    assert_eq!(
        invoice.check(Network::Signet, price, made + 900),
        Err(InvoiceRefusal::Expired)
    );
    assert_eq!(
        invoice.check(Network::Bitcoin, price, made),
        Err(InvoiceRefusal::WrongNetwork)
    );
    assert_eq!(
        invoice.check(Network::Signet, price + 1, made),
        Err(InvoiceRefusal::WrongAmount)
    );
    let open = Invoice {
        amount_msat: None,
        ..invoice
    };
    assert_eq!(
        open.check(Network::Signet, price, made),
        Err(InvoiceRefusal::WrongAmount)
    );
}

#[test]
fn networks_have_their_wire_names() {
    let names = Network::ALL.map(|network| serde_json::to_value(network).unwrap());
    assert_eq!(names, ["bitcoin", "testnet", "signet", "regtest"]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_written_reads_back_here_and_elsewhere(
        network in proptest::sample::select(&Network::ALL[..]),
        amount_msat in prop_oneof![1..=u64::MAX / 10, (1..=21_000_000u64).prop_map(|sat| sat * 1000)],
        payment_hash: [u8; 32],
        payment_secret: [u8; 32],
        description in "\\PC{0,150}",
        timestamp in 0..1u64 << 35,
        expiry_seconds in 1..=u64::from(u32::MAX),
        key in proptest::array::uniform32(1u8..=0xfe),
    ) {
        let draft = Draft { network, amount_msat, payment_hash, payment_secret, description, timestamp, expiry_seconds };
        let text = encode(&draft, &key).unwrap();
        let invoice = decode(&text).unwrap();
        prop_assert_eq!(&invoice, &judged(&text));
        let signer = k256::ecdsa::SigningKey::from_bytes(&key.into()).unwrap();
        prop_assert_eq!(invoice, Invoice {
            network,
            amount_msat: Some(amount_msat),
            timestamp,
            expiry_seconds,
            payment_hash,
            payment_secret,
            payee: compressed(signer.verifying_key()).unwrap(),
            description: Some(draft.description),
            description_hash: None,
        });
    }

    #[test]
    fn no_text_makes_the_reader_panic(text in "\\PC{0,80}", groups in proptest::collection::vec(0u8..32, 0..400)) {
        prop_assert!(decode(&text).is_err());
        let groups = groups.into_iter().map(|group| Fe32::try_from(group).unwrap()).collect();
        // A right checksum lets the fields through to their readers.
        let _either = decode(&sealed("lnbc1u", groups));
    }
}
