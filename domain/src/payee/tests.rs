use super::*;
use crate::bolt11::{Draft, encode};
use crate::money::Msats;

const LUD01_URL: &str =
    "https://service.com/api?q=3fc3645b439ce8e7f2553a69e5267081d96dcd340693afabe04be7b0ccd178df";
const LUD01: &str = "LNURL1DP68GURN8GHJ7UM9WFMXJCM99E3K7MF0V9CXJ0M385EKVCENXC6R2C35XVUKXEFCV5MKVV34X5EKZD3EV56NYD3HXQURZEPEXEJXXEPNXSCRVWFNV9NXZCN9XQ6XYEFHVGCXXCMYXYMNSERXFQ5FNS";
const NOW: UnixMillis = UnixMillis(1_800_000_000_000);
const OWED: Sats = Sats::from_sats(10_000);

fn draft() -> Draft {
    Draft {
        network: Network::Regtest,
        amount_msat: OWED.msats().msats(),
        payment_hash: [7; 32],
        payment_secret: [8; 32],
        description: "refund".to_owned(),
        timestamp: NOW.seconds(),
        expiry_seconds: 3600,
    }
}

fn written(draft: &Draft) -> String {
    encode(draft, &[9; 32]).unwrap()
}

fn lnurl(url: &str) -> String {
    let hrp = bech32::Hrp::parse("lnurl").unwrap();
    bech32::encode::<LongBech32>(hrp, url.as_bytes()).unwrap()
}

fn url_of(text: &str) -> String {
    match Payee::parse(text) {
        Ok(Payee::Lnurl { url }) => url,
        other => panic!("{text}: {other:?}"),
    }
}

fn policy() -> UrlPolicy {
    UrlPolicy::new(false, ["https://Kindling.example/", "not a url"])
}

#[test]
fn every_kind_of_address_is_read_in_any_spelling() {
    for text in [
        LUD01.to_owned(),
        LUD01.to_ascii_lowercase(),
        format!("lightning:{LUD01}"),
        format!("LIGHTNING://{LUD01}"),
        format!("  {LUD01}\n"),
        "lnurlp://service.com/api?q=3fc3645b439ce8e7f2553a69e5267081d96dcd340693afabe04be7b0ccd178df".to_owned(),
    ] {
        assert_eq!(url_of(&text), LUD01_URL, "{text}");
    }
    for (text, url) in [
        (
            "satoshi@example.com",
            "https://example.com/.well-known/lnurlp/satoshi",
        ),
        (
            "Satoshi+Tips@Sub.Example.com",
            "https://sub.example.com/.well-known/lnurlp/satoshi+tips",
        ),
        (
            "lightning:a_b-c.9@example.com",
            "https://example.com/.well-known/lnurlp/a_b-c.9",
        ),
        ("LNURLP://Example.com/Path", "https://Example.com/Path"),
    ] {
        assert_eq!(url_of(text), url);
        assert_eq!(policy().check(url), Ok(()));
    }
    let invoice = written(&draft());
    for text in [
        invoice.clone(),
        invoice.to_ascii_uppercase(),
        format!("Lightning:{invoice}"),
    ] {
        let Ok(Payee::Bolt11 {
            text,
            invoice: read,
        }) = Payee::parse(&text)
        else {
            panic!("{text}");
        };
        assert_eq!((text, read.payment_hash), (invoice.clone(), [7; 32]));
    }
    let long = format!("https://example.com/{}", "x".repeat(1000));
    assert_eq!(url_of(&lnurl(&long)), long);
}

#[test]
fn what_is_no_address_is_refused_without_being_repeated() {
    let mut mistyped = LUD01.to_owned();
    mistyped.replace_range(20..21, "Q");
    let invoice = written(&draft());
    let amountless = "lnbc1pvjluezsp5zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zygspp5qqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqypqdpl2pkx2ctnv5sxxmmwwd5kgetjypeh2ursdae8g6twvus8g6rfwvs8qun0dfjkxaq9qrsgq357wnc5r2ueh7ck6q93dj32dlqnls087fxdwk8qakdyafkq3yap9us6v52vjjsrvywa6rt52cm9r9zqt8r2t7mlcwspyetp5h2tztugp9lfyql";
    for (text, about) in [
        ("marker4711", "A refund address"),
        ("", "A refund address"),
        ("https://marker4711.example/pay", "A refund address"),
        ("bc1qmarker4711", "A refund address"),
        ("marker4711 @example.com", "spaces"),
        ("marker4711@ex\u{e4}mple.com", "letters"),
        (&"m".repeat(MAX_LENGTH + 1), "too long"),
        ("@example.com", "before the @"),
        ("..@example.com", "before the @"),
        ("marker/4711@example.com", "before the @"),
        ("marker%2f4711@example.com", "before the @"),
        ("marker4711@", "after the @"),
        ("marker4711@a@b.com", "after the @"),
        ("marker4711@example.com/evil", "after the @"),
        ("marker4711@example.com#x", "after the @"),
        ("lnurlp://", "no host"),
        ("lnurlp:///marker4711", "no host"),
        ("lnurlw://marker4711.com/x", "cannot"),
        ("keyauth://marker4711.com/x", "cannot"),
        (&mistyped, "mistyped"),
        (&LUD01[..60], "mistyped"),
        (&format!("l{}", &LUD01[1..]), "mistyped"),
        (&lnurl("marker4711"), "on the web"),
        (&lnurl("https://marker4711.com/\n"), "on the web"),
        (&invoice[..100], "mistyped"),
        (&format!("{invoice}q"), "mistyped"),
        (amountless, "no amount"),
    ] {
        let error = Payee::parse(text).unwrap_err();
        assert_eq!(error.code, ErrorCode::InvalidRefundAddress, "{text}");
        assert!(!error.message.to_lowercase().contains("4711"), "{error:?}");
        assert!(error.message.ends_with('.'), "{error:?}");
        if about != "cannot" {
            assert!(error.message.contains(about), "{text}: {error:?}");
        }
    }
}

#[test]
fn only_public_places_by_https_are_asked() {
    let policy = policy();
    for good in [
        "https://example.com/x",
        "https://EXAMPLE.com:443/x",
        "https://example.com./x",
        "https://a-b.example/x?y=1#z",
        "https://xn--bcher-kva.example/x",
        "https://b%C3%BCcher.example/x",
        "https://8.8.8.8.example.com/x",
        "https://1.2.3.4.com/",
        "https://kindling.example.com/x",
        "https://my-local.com/",
        "https://local.host/",
        "https://example.com/@x",
        "https://example.com?@x",
    ] {
        assert_eq!(policy.check(good), Ok(()), "{good}");
    }
    for bad in [
        // no https, nothing to ask
        "http://example.com/x",
        "ftp://example.com/",
        "javascript:alert(1)",
        "data:text/html,x",
        "file:///etc/passwd",
        "https:",
        "https://",
        "",
        "example.com/x",
        "//example.com/x",
        "wss://example.com/",
        // addresses, in every spelling that is one
        "https://127.0.0.1/",
        "https://10.0.0.1/",
        "https://192.168.1.1/",
        "https://169.254.169.254/",
        "https://8.8.8.8/",
        "https://2130706433/",
        "https://0x7f000001/",
        "https://0x7f.1/",
        "https://0177.0.0.1/",
        "https://127.1/",
        "https://0/",
        "https://0x0/",
        "https://127.0.0.1./",
        "https://%31%32%37.0.0.1/",
        "https://\u{ff11}27.0.0.1/",
        "https://1.2.3.0x4/",
        "https://[::1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://[::ffff:7f00:1]/",
        "https://[fd00::1]/",
        "https://[2001:db8::1]/",
        "https://[64:ff9b::7f00:1]/",
        "https://[::]/",
        // names that are none, or not public
        "https://localhost/",
        "https://LOCALHOST/",
        "https://localhost./",
        "https://a.localhost/",
        "https://router/",
        "https://router./",
        "https://printer.local/",
        "https://printer.LOCAL./",
        "https://metadata.google.internal/",
        "https://nas.lan/",
        "https://x.home.arpa/",
        "https://1.0.0.127.in-addr.arpa/",
        "https://abcdef.onion/",
        "https://x.test/",
        "https://x.invalid/",
        "https://x.corp/",
        "https://a..example.com/",
        "https://.example.com/",
        "https://example.com../",
        "https://-a.example.com/",
        "https://exa_mple.com-/",
        "https://a%00b.example.com/",
        "https://a%2fb.example.com/",
        "https://host.123/",
        // users, ports
        "https://user@example.com/",
        "https://user:pass@example.com/",
        "https://@example.com/",
        "https://:@example.com/",
        "https://example.com@127.0.0.1/",
        "https://example.com:8443/",
        "https://example.com:80/",
        "https://example.com:99999/",
        // what parsers drop or turn
        "https:\\\\example.com/",
        "https://example.com\\@127.0.0.1/",
        "https://exam\tple.com/",
        "https://exam\nple.com/",
        " https://example.com/",
        // our own
        "https://kindling.example/x",
        "https://KINDLING.example./x",
        "https://kindling.example:443/x",
        "https://kindl%69ng.example/x",
    ] {
        let error = policy.check(bad).expect_err(bad);
        assert_eq!(error.code, ErrorCode::InvalidRefundAddress);
        assert!(error.message.ends_with('.'), "{bad}");
    }
    let long = format!("https://{}example.com/", "a.".repeat(130));
    assert!(policy.check(&long).is_err());
    let long = format!("https://{}.example.com/", "a".repeat(64));
    assert!(policy.check(&long).is_err());
}

#[test]
fn development_may_ask_privately_but_never_itself() {
    let policy = UrlPolicy::new(
        true,
        [
            "http://127.0.0.1:8787",
            "http://[::1]:8787/",
            "https://kindling.example",
        ],
    );
    for good in [
        "http://127.0.0.1:9000/x",
        "http://localhost/x",
        "https://example.com:8443/",
        "http://[::1]/",
        "http://[::1]:9000/",
    ] {
        assert_eq!(policy.check(good), Ok(()), "{good}");
    }
    for bad in [
        "http://127.0.0.1:8787/x",
        "http://2130706433:8787/x",
        "http://[::1]:8787/",
        "http://[0:0:0:0:0:0:0:1]:8787/",
        "https://kindling.example/x",
        "http://kindling.example:9/x",
        "http://user@127.0.0.1:9000/x",
        "ftp://127.0.0.1:9000/x",
    ] {
        assert!(policy.check(bad).is_err(), "{bad}");
    }
    let address = Payee::parse("a@kindling.example").unwrap();
    assert!(address.check(&policy).is_err());
    assert!(
        Payee::parse(&written(&draft()))
            .unwrap()
            .check(&policy)
            .is_ok()
    );
}

#[test]
fn the_first_answer_says_where_and_how_much() {
    let answer = |min: &str, max: &str, callback: &str| {
        format!(
            r#"{{"tag":"payRequest","callback":"{callback}","minSendable":{min},"maxSendable":{max},"metadata":"[]","commentAllowed":9}}"#
        )
    };
    let read = |body: &str| PayRequest::read(body, &policy(), OWED);
    for (callback, asked) in [
        (
            "https://example.com/cb",
            "https://example.com/cb?amount=10000000",
        ),
        (
            "https://example.com/cb?",
            "https://example.com/cb?amount=10000000",
        ),
        (
            "https://example.com/cb?a=b",
            "https://example.com/cb?a=b&amount=10000000",
        ),
        (
            "https://example.com/cb?a=b&",
            "https://example.com/cb?a=b&amount=10000000",
        ),
        (
            "https://example.com/cb?a=b#c?d",
            "https://example.com/cb?a=b&amount=10000000",
        ),
        (
            "https://example.com/cb#c?d",
            "https://example.com/cb?amount=10000000",
        ),
    ] {
        let request = read(&answer("1", "10000000", callback)).unwrap();
        assert_eq!(request.callback_url(OWED.msats()), asked);
        assert_eq!(policy().check(asked), Ok(()));
    }
    assert!(read(&answer("10000000", "10000000", "https://example.com")).is_ok());
    for (min, max, least, most) in [
        ("10000001", "20000000", 10_001, 20_000),
        ("1", "9999999", 1, 9_999),
        ("20", "10", 1, 0),
    ] {
        assert_eq!(
            read(&answer(min, max, "https://example.com/cb")),
            Err(PayeeProblem::AmountOutOfRange {
                min: least,
                max: most
            })
        );
    }
    for callback in [
        "http://example.com/cb",
        "https://127.1/cb",
        "https://kindling.example/cb",
        "",
        "/cb",
    ] {
        assert_eq!(
            read(&answer("1", "10000000", callback)),
            Err(PayeeProblem::Unsafe)
        );
    }
    assert_eq!(
        read(r#"{"status":"ERROR","reason":"gone"}"#),
        Err(PayeeProblem::Refused)
    );
    assert_eq!(read(r#"{"status":"error"}"#), Err(PayeeProblem::Refused));
    let ok = answer("1", "10000000", "https://example.com/cb");
    assert!(read(&ok.replacen('{', r#"{"status":"OK","#, 1)).is_ok());
    for garbage in [
        "",
        "<html>",
        "[]",
        "{}",
        "null",
        &ok.replace("payRequest", "withdrawRequest"),
        &ok.replace(r#""minSendable":1"#, r#""minSendable":-1"#),
        &ok.replace(r#""minSendable":1"#, r#""minSendable":"1""#),
        &ok[..ok.len() - 1],
    ] {
        assert_eq!(
            read(garbage),
            Err(PayeeProblem::NotAPayRequest),
            "{garbage}"
        );
    }
}

#[test]
fn the_second_answer_is_an_invoice_that_fits_exactly() {
    assert_eq!(
        read_pay_answer(r#"{"pr":"lnbc1x","routes":[]}"#),
        Ok("lnbc1x".to_owned())
    );
    assert_eq!(
        read_pay_answer(r#"{"status":"ERROR","reason":"no"}"#),
        Err(PayeeProblem::Refused)
    );
    assert_eq!(
        read_pay_answer(r#"{"routes":[]}"#),
        Err(PayeeProblem::NotAPayRequest)
    );
    assert_eq!(
        read_pay_answer(r#"{"pr":7}"#),
        Err(PayeeProblem::NotAPayRequest)
    );

    let accept = |text: &str| accept_invoice(text, Network::Regtest, OWED, NOW);
    let good = written(&draft());
    let resolved = accept(&good.to_ascii_uppercase()).unwrap();
    assert_eq!(
        resolved,
        ResolvedInvoice {
            payment_request: good.clone(),
            payment_hash: "07".repeat(32),
            amount: OWED,
            expires_at: NOW.plus_seconds(3600),
        }
    );
    let json = serde_json::to_string(&resolved).unwrap();
    assert_eq!(
        serde_json::from_str::<ResolvedInvoice>(&json).unwrap(),
        resolved
    );

    for (amount, fits) in [
        (10_000_000, true),
        (9_999_999, false),
        (10_000_001, false),
        (10_000, false),
    ] {
        let draft = Draft {
            amount_msat: amount,
            ..draft()
        };
        assert_eq!(
            accept(&written(&draft)).err(),
            (!fits).then_some(PayeeProblem::WrongAmount)
        );
    }
    for (made, life, fits) in [
        (0, 61, true),
        (0, 60, false),
        (0, 1, false),
        (3600, 3600, false),
        (3600, 3661, true),
    ] {
        let draft = Draft {
            timestamp: NOW.seconds() - made,
            expiry_seconds: life,
            ..draft()
        };
        assert_eq!(
            accept(&written(&draft)).err(),
            (!fits).then_some(PayeeProblem::Expired)
        );
    }
    for network in [Network::Bitcoin, Network::Testnet, Network::Signet] {
        let draft = Draft { network, ..draft() };
        assert_eq!(accept(&written(&draft)), Err(PayeeProblem::WrongNetwork));
    }
    for garbage in ["", "lnbc1x", LUD01, "a@example.com", &good[..99]] {
        assert_eq!(accept(garbage), Err(PayeeProblem::NotAPayRequest));
    }
    assert_eq!(Msats::from_msats(10_000_000), OWED.msats());
}

#[test]
fn problems_are_stored_by_code_and_have_a_sentence() {
    use PayeeProblem::*;
    let out_of_range = AmountOutOfRange { min: 1, max: 2 };
    for (problem, code, is_final) in [
        (Unreachable, "unreachable", false),
        (NotAPayRequest, "not_a_pay_request", true),
        (out_of_range, "amount_out_of_range", true),
        (WrongNetwork, "wrong_network", true),
        (WrongAmount, "wrong_amount", true),
        (Expired, "expired", true),
        (Unsafe, "unsafe", true),
        (Refused, "refused", false),
        (UsedBefore, "used_before", true),
        (PaymentFailed, "payment_failed", false),
    ] {
        let json = serde_json::to_value(problem).unwrap();
        assert_eq!(json["code"], code);
        assert_eq!(
            serde_json::from_value::<PayeeProblem>(json).unwrap(),
            problem
        );
        assert_eq!(problem.is_final(), is_final);
        assert!(problem.sentence().ends_with('.') && !problem.sentence().contains("  "));
    }
    assert!(out_of_range.sentence().contains("between 1 and 2 sats"));
}
