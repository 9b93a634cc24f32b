use proptest::prelude::*;

use super::*;

const PASSWORD: &str = "p'a\"$(x)!\\ 中文";

fn in_pieces(masker: &Masker, text: &[u8], cuts: &[usize]) -> String {
    let mut stream = masker.stream();
    let mut out = Vec::new();
    let mut rest = text;
    for cut in cuts {
        let (head, tail) = rest.split_at((*cut).min(rest.len()));
        stream.push(head, &mut out);
        rest = tail;
    }
    stream.push(rest, &mut out);
    stream.finish(&mut out);
    String::from_utf8_lossy(&out).into_owned()
}

#[test]
fn a_secret_is_replaced_by_its_name() {
    let masker = Masker::new([("vars.password", "hunter22")]);
    assert_eq!(masker.text("user=root password=hunter22;"), "user=root password=‹vars.password›;");
    assert_eq!(masker.text("hunter2 is another word"), "hunter2 is another word");
}

#[test]
fn overlapping_secrets_leave_no_tail() {
    let masker = Masker::new([("a", "abcdef"), ("b", "defghi"), ("c", "cdef")]);
    assert_eq!(masker.text("xabcdefghix"), "x‹a›x");
    let shorter_inside = Masker::new([("inner", "bcde"), ("outer", "abcdef")]);
    assert_eq!(shorter_inside.text("abcdef abcdeX"), "‹outer› a‹inner›X");
}

#[test]
fn neighbours_are_two() {
    let masker = Masker::new([("a", "aaaa1"), ("b", "bbbb2")]);
    assert_eq!(masker.text("aaaa1bbbb2"), "‹a›‹b›");
}

#[test]
fn each_form_is_found() {
    let masker = Masker::new([("p", PASSWORD)]);
    for form in [
        PASSWORD,
        r#"p'\''a"$(x)!\ 中文"#,
        r#"p\'a\"\$\(x\)\!\\\ 中文"#,
        r#"p'a\"\$(x)!\\ 中文"#,
        r#"p\'a"$(x)!\\ \344\270\255\346\226\207"#,
        r#"p'a\"$(x)!\\ 中文"#,
        r#"p'a\"$(x)!\\ \u4e2d\u6587"#,
        "p%27a%22%24%28x%29%21%5C%20%E4%B8%AD%E6%96%87",
        "p%27a%22%24%28x%29%21%5C+%E4%B8%AD%E6%96%87",
        "7027612224287829215c20e4b8ade69687",
    ] {
        assert_eq!(masker.text(&format!("<{form}>")), "<‹p›>", "{form}");
    }
}

#[test]
fn base64_is_found_at_every_alignment() {
    use base64::Engine as _;
    let masker = Masker::new([("p", "correct horse")]);
    for before in ["", "a", "ab", "abc"] {
        let text = base64::engine::general_purpose::STANDARD.encode(format!("{before}correct horse and more"));
        assert!(masker.text(&text).contains("‹p›"), "{before}: {text}");
    }
}

#[test]
fn base64_is_found_where_lines_break() {
    let masker = Masker::new([("p", "correct horse")]);
    for at in 1..17 {
        let (head, tail) = "Y29ycmVjdCBob3JzZQ".split_at(at);
        let shown = masker.text(&format!("{head}\n{tail}=="));
        assert!(shown.starts_with("‹p›"), "{shown}");
    }
}

#[test]
fn encodings_are_found_however_their_lines_are_broken() {
    use base64::Engine as _;
    let secret = "-----BEGIN KEY-----\nMIIEvQIBADANBgkqh\nkiG9w0BAQEFAASCB\n-----END KEY-----";
    let masker = Masker::new([("key", secret)]);
    let encoded = base64::engine::general_purpose::STANDARD.encode(format!("a{secret}"));
    for width in [7, 60, 64, 76] {
        for end in ["\n", "\r\n"] {
            let wrapped: Vec<String> = encoded.as_bytes().chunks(width).map(|line| String::from_utf8_lossy(line).into_owned()).collect();
            let shown = masker.text(&wrapped.join(end));
            assert!(shown.len() < "‹key›".len() + 12, "{width}: {shown}");
            let pieces = in_pieces(&masker, wrapped.join(end).as_bytes(), &[1, 63, 2, 17]);
            assert!(pieces.len() < "‹key›".len() + 16, "{width}: {pieces}");
        }
    }
    let dump: Vec<String> = "correct horse".bytes().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(Masker::new([("p", "correct horse")]).text(&dump.join(" ")), "‹p›");
    assert_eq!(masker.text(&secret.replace('\n', "\r\n")), "‹key›");
    assert_eq!(masker.text("  | MIIEvQIBADANBgkqh |"), "  | ‹key› |", "a line of it in a frame");
}

#[test]
fn what_bash_quotes_is_found() {
    // As printed by bash 5.2's `printf %q`, `declare -p` and `set -x`.
    for (secret, forms) in [
        ("url?x=1&y=2#frag", &[r"url\?x=1\&y=2#frag"][..]),
        ("~root,{a}~x", &[r"\~root\,\{a\}~x", r"~root\,\{a\}~x"]),
        ("#hash*[x]!^", &[r"\#hash\*\[x\]\!\^", r"#hash\*\[x\]\!\^"]),
        ("esc\u{1b}[31m\u{7}bell\u{1}", &[r"esc\E[31m\abell\001"]),
    ] {
        let masker = Masker::new([("p", secret)]);
        for form in forms {
            assert_eq!(masker.text(&format!("<{form}>")), "<‹p›>", "{form}");
        }
    }
}

#[test]
fn a_masker_that_learns_hides_what_is_held_back_too() {
    let (before, after) = (Masker::new([("a", "correct horse")]), Masker::new([("a", "correct horse"), ("b", "correct battery")]));
    let mut stream = before.stream();
    let mut out = Vec::new();
    stream.push(b"it is correct ", &mut out);
    stream.renew(&after, &mut out);
    stream.push(b"battery; and correct hor", &mut out);
    stream.renew(&after, &mut out);
    stream.push(b"se.", &mut out);
    stream.finish(&mut out);
    assert_eq!(String::from_utf8_lossy(&out), "it is ‹b›; and ‹a›.");
}

#[test]
fn a_line_is_shown_when_it_ends() {
    let masker = Masker::new([("p", "done-with-it"), ("q", "a1b2c3d4")]);
    let mut stream = masker.stream();
    let mut out = Vec::new();
    stream.push(b"the step is Zm\n", &mut out);
    assert_eq!(String::from_utf8_lossy(&out), "the step is Zm\n");
}

#[test]
fn a_long_secret_takes_a_compact_machine_and_is_found_all_the_same() {
    let key: String = (0..3000).map(|n| char::from(b'!' + u8::try_from(n * 7 % 90).unwrap_or_default())).collect();
    let masker = Masker::new([("key", key.as_str()), ("p", PASSWORD)]);
    assert_eq!(masker.text(&format!("<{key}|{PASSWORD}>")), "<‹key›|‹p›>");
    assert_eq!(
        in_pieces(&masker, format!("<{key}>{}", &key[..2000]).as_bytes(), &[5, 1000, 1, 999, 1500]),
        format!("<‹key›>{}", &key[..2000])
    );
}

#[test]
fn escapes_of_other_languages_are_found() {
    let masker = Masker::new([("p", "a'b<c>&\"d\\e")]);
    for form in ["a''b<c>&\"d\\e", "a\\'b<c>&\\\"d\\\\e", "a'b\\u003cc\\u003e\\u0026\\\"d\\\\e", "a&#39;b&lt;c&gt;&amp;&quot;d\\e"] {
        assert_eq!(masker.text(form), "‹p›", "{form}");
    }
}

#[test]
fn an_endless_overlap_needs_no_memory() {
    let masker = Masker::new([("p", "abab")]);
    let mut stream = masker.stream();
    let mut out = Vec::new();
    for _ in 0..10_000 {
        stream.push(b"ab", &mut out);
        assert!(stream.held.len() <= 8);
    }
    stream.finish(&mut out);
    assert_eq!(String::from_utf8_lossy(&out), "‹p›");
}

#[test]
fn nothing_is_held_back_without_reason() {
    let masker = Masker::new([("p", "a very long secret that could hold back a whole line")]);
    let mut stream = masker.stream();
    let mut out = Vec::new();
    stream.push(b"Continue? [y/N] ", &mut out);
    assert_eq!(out, b"Continue? [y/N] ");
}

#[test]
fn json_is_masked_in_keys_and_numbers() {
    let masker = Masker::new([("pin", "123456")]);
    let mut value = serde_json::json!({ "pin-123456": [123_456, "x123456", true] });
    masker.json(&mut value);
    assert_eq!(value, serde_json::json!({ "pin-‹pin›": ["‹pin›", "x‹pin›", true] }));
}

#[test]
fn a_secret_is_not_in_its_debug_text() {
    assert_eq!(format!("{:?}", Secret::new("hunter22")), "Secret(…)");
    assert_eq!(format!("{:?}", DigestKey::new([7; 32])), "DigestKey(…)");
}

#[test]
fn digests_depend_on_the_key() {
    let (a, b) = (DigestKey::new([1; 32]), DigestKey::new([2; 32]));
    assert_eq!(a.digest(b"x"), a.digest(b"x"));
    assert_ne!(a.digest(b"x"), b.digest(b"x"));
    assert!(a.digest(b"x").starts_with("hmac-sha256:"));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn no_cut_shows_a_secret(
        secrets in prop::collection::vec("[ab\"' \\\\$é]{4,9}", 1..5),
        order in prop::collection::vec((0usize..5, "[ab\"' \\\\x]{0,6}"), 1..8),
        cuts in prop::collection::vec(1usize..9, 0..12),
    ) {
        let names: Vec<String> = (0..secrets.len()).map(|n| format!("S{n}")).collect();
        let masker = Masker::new(names.iter().map(String::as_str).zip(secrets.iter().map(String::as_str)));
        let mut text = String::new();
        for (which, filler) in &order {
            text.push_str(filler);
            text.push_str(&secrets[which % secrets.len()]);
        }
        let whole = masker.text(&text);
        let pieces = in_pieces(&masker, text.as_bytes(), &cuts);
        prop_assert_eq!(&whole, &pieces);
        for secret in &secrets {
            for shown in whole.split(['‹', '›']) {
                prop_assert!(!shown.contains(secret.as_str()), "{secret:?} in {whole:?}");
            }
        }
    }

    #[test]
    fn what_holds_no_secret_is_unchanged(text in "[a-m ]{0,200}", cuts in prop::collection::vec(1usize..20, 0..12)) {
        let masker = Masker::new([("p", "zzzz-nnnn"), ("q", "mmmmmmmmmmmmmmmmmmmmmmz")]);
        prop_assert_eq!(in_pieces(&masker, text.as_bytes(), &cuts), text);
    }
}
