//! The JSON door: what it refuses, what it says, and that what passes has one spelling.

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use sayso_core::json::{BadJson, Limits, canonical, read, read_into, try_canonical};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

fn door(text: &str) -> Result<Value, BadJson> {
    read(text.as_bytes(), Limits::default())
}

fn passes(text: &str) -> String {
    String::from_utf8(canonical(&door(text).unwrap())).unwrap()
}

fn refusal(text: &str) -> String {
    door(text).unwrap_err().to_string()
}

fn place(text: &str) -> String {
    door(text).unwrap_err().field().unwrap().to_owned()
}

#[test]
fn the_number_table_of_rfc_8785_is_met() {
    let table = [
        (0x0000_0000_0000_0000, "0"),
        (0x8000_0000_0000_0000, "0"),
        (0x0000_0000_0000_0001, "5e-324"),
        (0x8000_0000_0000_0001, "-5e-324"),
        (0x7fef_ffff_ffff_ffff, "1.7976931348623157e+308"),
        (0xffef_ffff_ffff_ffff, "-1.7976931348623157e+308"),
        (0x4340_0000_0000_0000, "9007199254740992"),
        (0xc340_0000_0000_0000, "-9007199254740992"),
        (0x4430_0000_0000_0000, "295147905179352830000"),
        (0x44b5_2d02_c7e1_4af5, "9.999999999999997e+22"),
        (0x44b5_2d02_c7e1_4af6, "1e+23"),
        (0x44b5_2d02_c7e1_4af7, "1.0000000000000001e+23"),
        (0x444b_1ae4_d6e2_ef4e, "999999999999999700000"),
        (0x444b_1ae4_d6e2_ef4f, "999999999999999900000"),
        (0x444b_1ae4_d6e2_ef50, "1e+21"),
        (0x3eb0_c6f7_a0b5_ed8c, "9.999999999999997e-7"),
        (0x3eb0_c6f7_a0b5_ed8d, "0.000001"),
        (0x41b3_de43_5555_5553, "333333333.3333332"),
        (0x41b3_de43_5555_5554, "333333333.33333325"),
        (0x41b3_de43_5555_5555, "333333333.3333333"),
        (0x41b3_de43_5555_5556, "333333333.3333334"),
        (0x41b3_de43_5555_5557, "333333333.33333343"),
        (0xbecb_f647_612f_3696, "-0.0000033333333333333333"),
        (0x4314_3ff3_c1cb_0959, "1424953923781206.2"),
    ];
    for (bits, text) in table {
        assert_eq!(canonical(&f64::from_bits(bits)), text.as_bytes());
        assert_eq!(passes(text), text);
    }
    for bits in [0x7fff_ffff_ffff_ffff, 0x7ff0_0000_0000_0000, 0xfff0_0000_0000_0000] {
        assert!(try_canonical(&f64::from_bits(bits)).is_err());
    }
}

#[test]
fn names_are_sorted_as_rfc_8785_shows() {
    let text = r#"{"\u20ac":"Euro Sign","\r":"Carriage Return",
        "\ufb33":"Hebrew Letter Dalet With Dagesh","1":"One",
        "\ud83d\ude00":"Emoji: Grinning Face","\u0080":"Control",
        "\u00f6":"Latin Small Letter O With Diaeresis"}"#;
    let sorted = "{\"\\r\":\"Carriage Return\",\"1\":\"One\",\"\u{80}\":\"Control\",\
        \"ö\":\"Latin Small Letter O With Diaeresis\",\"€\":\"Euro Sign\",\
        \"😀\":\"Emoji: Grinning Face\",\"\u{fb33}\":\"Hebrew Letter Dalet With Dagesh\"}";
    assert_eq!(passes(text), sorted);
}

#[test]
fn the_sample_of_rfc_8785_is_met_but_for_the_number_that_it_changes() {
    let text = r#"{
        "numbers": [333333333.3333333, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
        "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
        "literals": [null, true, false]
    }"#;
    let expected = r#"{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\u000f\nA'B\"\\\\\"/"}"#;
    assert_eq!(passes(text), expected);
    assert_eq!(
        refusal(&text.replace("333333333.3333333", "333333333.33333329")),
        "the number 333333333.33333329 at /numbers/0 would turn into 333333333.3333333; \
         send it as a string",
    );
}

#[test]
fn numbers_that_a_double_holds_pass_however_they_are_spelt() {
    for (text, spelt) in [
        ("9007199254740992", "9007199254740992"),
        ("-9007199254740992", "-9007199254740992"),
        ("9007199254740994", "9007199254740994"),
        ("12345678901234567000", "12345678901234567000"),
        ("0.1", "0.1"),
        ("0.30000000000000004", "0.30000000000000004"),
        ("10.0", "10"),
        ("1E2", "100"),
        ("1e+2", "100"),
        ("-0", "0"),
        ("-0.0e5", "0"),
        ("0e999999999999", "0"),
        ("5e-324", "5e-324"),
        ("1e308", "1e+308"),
        ("2.2250738585072014e-308", "2.2250738585072014e-308"),
    ] {
        assert_eq!(passes(text), spelt, "{text}");
    }
}

#[test]
fn numbers_that_would_change_are_refused_with_what_they_would_become() {
    for (text, becomes) in [
        ("9007199254740993", "9007199254740992"),
        ("-9007199254740993", "-9007199254740992"),
        ("18446744073709551615", "18446744073709552000"),
        ("18446744073709551616", "18446744073709552000"),
        ("9223372036854775807", "9223372036854776000"),
        ("0.1000000000000000055511151231257827", "0.1"),
        ("1e400", "Infinity"),
        ("-1e400", "Infinity"),
        ("1e999999999999999999999999", "Infinity"),
        ("1e-400", "0"),
        ("4e-324", "5e-324"),
        ("1.7976931348623158e308", "1.7976931348623157e+308"),
    ] {
        let expected = format!("would turn into {becomes}; send it as a string");
        assert!(refusal(text).ends_with(&expected), "{}", refusal(text));
        assert_eq!(place(&format!(r#"{{"a":[1,{{"b":{text}}}]}}"#)), "/a/1/b");
    }
}

#[test]
fn a_value_does_not_depend_on_the_spelling_of_its_numbers() {
    assert_eq!(door("[10, 10.0, 1e1, 100e-1]").unwrap(), json!([10, 10, 10, 10]));
    assert_eq!(door("[-3.0, -0.0, 25e-1]").unwrap(), json!([-3, 0, 2.5]));
}

#[test]
fn a_name_given_twice_is_refused_however_it_is_escaped() {
    let twice = r#"{"action":{"arguments":{"to":"anna","t\u006f":"mallory"}}}"#;
    assert_eq!(
        refusal(twice),
        "/action/arguments/to is given twice: JSON readers differ in which one they take, \
         so send the name \"to\" once",
    );
    assert_eq!(place(r#"[{"":1,"":1}]"#), "/0/");
    assert_eq!(place(r#"{"a/b~":1,"a/b~":1}"#), "/a~1b~0");
    assert!(door(r#"[{"a":1},{"a":{"a":1}}]"#).is_ok());
    // Not normalised: these are two names to every reader.
    assert!(door(r#"{"\u00e9":1,"e\u0301":1}"#).is_ok());
}

#[test]
fn nesting_is_limited_to_the_depth_and_no_deeper_document_is_followed() {
    let nested = |depth| "[".repeat(depth) + &"]".repeat(depth);
    assert!(door(&nested(64)).is_ok());
    let refused = door(&nested(65)).unwrap_err();
    assert!(matches!(&refused, BadJson::TooDeep { limit: 64, path } if path.len() == 128));
    assert!(
        refused
            .to_string()
            .ends_with("is nested more than 64 deep; flatten it, or send it as a string")
    );
    assert!(matches!(door(&"[".repeat(200_000)), Err(BadJson::TooDeep { .. })));
    assert!(matches!(door(&r#"{"a":"#.repeat(40_000)), Err(BadJson::TooDeep { .. })));
    let flat = Limits { depth: 0, ..Limits::default() };
    assert_eq!(read(b"1", flat), Ok(json!(1)));
    assert_eq!(read(b"{}", flat).unwrap_err().field(), Some(""));
    assert!(read(nested(500).as_bytes(), Limits { depth: 500, ..flat }).is_ok());
}

#[test]
fn size_and_encoding_are_checked_first() {
    let three = Limits { bytes: 3, ..Limits::default() };
    assert!(read(b"[1]", three).is_ok());
    let refused = read(b"[1] ", three).unwrap_err().to_string();
    assert_eq!(refused, "the JSON is larger than 3 bytes; send less, or a reference to the rest");
    assert_eq!(read(b"[\"\xff\"]", Limits::default()), Err(BadJson::NotUtf8 { at: 2 }));
    // A surrogate in UTF-8's clothes.
    assert_eq!(read(b"\"\xed\xa0\x80\"", Limits::default()), Err(BadJson::NotUtf8 { at: 1 }));
}

#[test]
fn what_is_not_json_is_refused_with_its_place_and_the_mend() {
    for (text, expected) in [
        ("", "line 1, column 1: the JSON ends where a value is expected"),
        ("\u{feff}{}", "line 1, column 1: a byte order mark; send the JSON without it"),
        ("{}{}", "line 1, column 3: text after the end of the JSON; send one value"),
        ("{}\0", "line 1, column 3: text after the end of the JSON; send one value"),
        ("[1,\n\"é\" 2]", "line 2, column 5: expected a comma or the ] of the array"),
        ("[1,]", "line 1, column 4: expected a value; remove the comma before it"),
        ("{\"a\":1,}", "line 1, column 8: expected a member's name in double quotes"),
        ("{\"a\":1", "line 1, column 7: expected a comma or the } of the object"),
        ("{'a':1}", "line 1, column 2: expected a member's name in double quotes"),
        ("{\"a\" 1}", "line 1, column 6: expected a colon after the member's name"),
        ("NaN", "line 1, column 1: JSON has no NaN or Infinity; send null, or a string"),
        ("[-Infinity]", "line 1, column 3: JSON has no NaN or Infinity"),
        ("nul", "line 1, column 1: expected a value: an object, array"),
        ("// x", "line 1, column 1: expected a value: an object, array"),
        ("01", "line 1, column 1: a number may not begin with a zero; remove it"),
        ("-", "line 1, column 2: expected a digit"),
        ("+1", "line 1, column 1: expected a value: an object, array"),
        (".5", "line 1, column 1: expected a value: an object, array"),
        ("1.", "line 1, column 3: expected a digit"),
        ("1e+", "line 1, column 4: expected a digit"),
        ("0x10", "line 1, column 2: text after the end of the JSON; send one value"),
        ("\"", "line 1, column 2: the JSON ends inside a string"),
        ("\"\\", "line 1, column 2: an unknown escape; write a backslash itself as \\\\"),
        ("\"a\\é\"", "line 1, column 3: an unknown escape; write a backslash itself as \\\\"),
        ("\"\n\"", "line 1, column 2: a control character in a string; write it as \\u00XX"),
        ("\"\\u12G4\"", "line 1, column 4: expected four hexadecimal digits after \\u"),
        ("\"\\u+123\"", "line 1, column 4: expected four hexadecimal digits after \\u"),
        ("\"\\u00é\"", "line 1, column 4: expected four hexadecimal digits after \\u"),
    ] {
        let refused = door(text).unwrap_err();
        let expected = format!("not JSON at {expected}");
        assert!(refused.to_string().starts_with(&expected), "{text:?} got {refused}");
        assert_eq!(refused.field(), None);
    }
}

#[test]
fn half_a_surrogate_pair_is_refused_and_a_whole_one_is_a_character() {
    for half in
        [r"\ud800", r"\udc00", r"\ud800\u0041", r"\ud800\ud800", r"\udc00\ud800", r"\ud83dx"]
    {
        let refused = refusal(&format!(r#"{{"a":"{half}"}}"#));
        assert!(refused.contains("column 7: half of a surrogate pair"), "{half}: {refused}");
        assert!(refusal(&format!(r#"{{"{half}":1}}"#)).contains("half of a surrogate pair"));
    }
    assert_eq!(door(r#""\uD83D\uDE00\u0000""#).unwrap(), json!("😀\0"));
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
struct Proposal {
    action: Wanted,
    #[serde(default)]
    times: Vec<u8>,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
struct Wanted {
    tool: String,
    arguments: serde_json::Map<String, Value>,
}

fn misfit(text: &str) -> (String, String) {
    let refused = read_into::<Proposal>(text.as_bytes(), Limits::default()).unwrap_err();
    (refused.field().unwrap().to_owned(), refused.to_string())
}

#[test]
fn what_does_not_fit_is_named_by_its_pointer() {
    let fine = br#"{"action":{"tool":"mail","arguments":{"n":10.0}},"times":[1e0]}"#;
    let arguments = json!({"n": 10}).as_object().unwrap().clone();
    assert_eq!(
        read_into::<Proposal>(fine, Limits::default()),
        Ok(Proposal { action: Wanted { tool: "mail".into(), arguments }, times: vec![1] }),
    );
    for (text, field, problem) in [
        (
            r#"{"action":{"tool":"mail","arguments":{},"tiers":1}}"#,
            "/action/tiers",
            "/action/tiers does not fit: unknown field `tiers`, expected `tool` or `arguments`",
        ),
        (
            r#"{"action":{"tool":"mail"}}"#,
            "/action",
            "/action does not fit: missing field `arguments`",
        ),
        (
            r#"{"action":{"tool":7,"arguments":{}}}"#,
            "/action/tool",
            "/action/tool does not fit: invalid type: integer `7`, expected a string",
        ),
        (
            r#"{"action":{"tool":"a","arguments":{}},"times":[1,2,300]}"#,
            "/times/2",
            "/times/2 does not fit: invalid value: integer `300`, expected u8",
        ),
        ("7", "", "the document does not fit: invalid type: integer `7`, expected struct Proposal"),
        ("{}", "", "the document does not fit: missing field `action`"),
    ] {
        assert_eq!(misfit(text), (field.to_owned(), problem.to_owned()));
    }
    let twice = read_into::<Proposal>(br#"{"action":1,"action":2}"#, Limits::default());
    assert!(matches!(twice, Err(BadJson::DuplicateName { .. })));
}

#[test]
fn no_refusal_repeats_much_of_a_hostile_document_or_lets_it_disguise_itself() {
    let long = "\u{202e}\\u0007\\u001b[2J\\n".to_owned() + &"A".repeat(100_000);
    let many = "9".repeat(100_000);
    let key = |inner: &str| format!(r#"{{"{long}":{inner}}}"#);
    let nested = |inner: &str| (0..30).fold(inner.to_owned(), |inner, _| key(&inner));
    let documents = [
        nested(&format!("[0.{many}]")),
        nested(&format!(r#"{{"{long}":1,"{long}":1}}"#)),
        nested(&"[".repeat(100)),
        key("1"),
        format!(r#"{{"action":"{long}"}}"#),
        format!(r#"{{"action":{{"tool":[],"arguments":{{}},"{long}":1}}}}"#),
        format!(r#"{{"action":{{"{long}, expected `x`":1}}}}"#),
    ];
    let limits = Limits { bytes: usize::MAX, ..Limits::default() };
    for document in documents {
        let refused = read_into::<Proposal>(document.as_bytes(), limits).unwrap_err();
        let said = refused.to_string();
        assert!(said.len() < 1000, "{} bytes", said.len());
        assert!(!said.contains(|c: char| c.is_control() || c == '\u{202e}'), "{said}");
        assert!(!refused.field().unwrap().contains(|c: char| c.is_control() || c == '\u{202e}'));
    }
    let said = misfit(&format!(r#"{{"action":{{"{}":1}}}}"#, "A".repeat(1000))).1;
    assert!(said.ends_with("AAA…`, expected `tool` or `arguments`"), "{said}");
}

#[test]
fn full_size_documents_of_every_kind_are_read_in_one_pass() {
    let full = Limits::default();
    let repeat = |part: &str| part.repeat(full.bytes / part.len() - 2);
    let list = |part: &str| format!("[{}0]", repeat(part));
    for text in [list("0,"), list("1e5,"), list("0.30000000000000004,"), list("[],"), list("{},")] {
        assert!(door(&text).is_ok());
    }
    assert!(door(&format!("\"{}\"", repeat("é"))).is_ok());
    assert!(door(&format!("\"{}\"", repeat("\\u00e9"))).is_ok());
    assert!(door(&format!("{}0", repeat(" \n"))).is_ok());
    let members = |last: &str| {
        let members = (0..18_000).map(|n| format!("\"{n:x}\":{n},")).collect::<Vec<_>>().concat();
        format!("{{{members}\"{last}\":1}}")
    };
    assert!(door(&members("last")).is_ok());
    assert_eq!(place(&members("1234")), "/1234");
    // One token that fills the document.
    assert!(door(&format!("{}e-200000", repeat("10"))).is_err());
    assert_eq!(passes(&format!("1{}e-200000", "0".repeat(200_000))), "1");
    assert!(door(&format!("1e{}", repeat("9"))).is_err());
}

#[derive(Serialize)]
enum Shape {
    Unit,
    Newtype(u8),
    Tuple(u8, char),
    Struct { b: Option<u8>, a: () },
}

#[derive(Serialize)]
struct Odd<T> {
    z: T,
    a: &'static [u8],
}

#[test]
fn our_own_types_are_spelt_as_serde_json_would_in_canonical_order() {
    let shapes =
        (Shape::Unit, Shape::Newtype(1), Shape::Tuple(2, 'é'), Shape::Struct { b: None, a: () });
    assert_eq!(
        String::from_utf8(canonical(&shapes)).unwrap(),
        r#"["Unit",{"Newtype":1},{"Tuple":[2,"é"]},{"Struct":{"a":null,"b":null}}]"#,
    );
    let odd = Odd { z: BTreeMap::from([("\u{fb33}", 1.5), ("\u{1f600}", -0.0)]), a: b"\x01" };
    assert_eq!(canonical(&odd), "{\"a\":[1],\"z\":{\"\u{1f600}\":0,\"\u{fb33}\":1.5}}".as_bytes());
    assert_eq!(canonical("text"), b"\"text\"");
}

#[derive(Serialize)]
struct Outer {
    a: u8,
    #[serde(flatten)]
    rest: BTreeMap<String, u8>,
}

#[test]
fn a_value_without_an_exact_canonical_form_gets_no_bytes() {
    let said = |refused: Result<Vec<u8>, _>| {
        refused.map_err(|e: sayso_core::json::NoCanonicalForm| e.to_string())
    };
    assert_eq!(
        said(try_canonical(&json!({"a": [9_007_199_254_740_993_u64]}))).unwrap_err(),
        "no canonical JSON: 9007199254740993 would turn into 9007199254740992; make it a string",
    );
    assert!(try_canonical(&i64::MAX).is_err());
    // A power of two, yet its canonical spelling is another number.
    assert!(try_canonical(&i64::MIN).is_err());
    assert!(try_canonical(&Odd { z: f64::NAN, a: &[] }).is_err());
    assert!(try_canonical(&Odd { z: Some([f32::INFINITY]), a: &[] }).is_err());
    assert!(try_canonical(&BTreeMap::from([(1, 2)])).is_err());
    let rest = BTreeMap::from([("a".to_owned(), 1)]);
    assert_eq!(
        said(try_canonical(&Outer { a: 1, rest })).unwrap_err(),
        "no canonical JSON: the member \"a\" is given twice",
    );
}

#[test]
#[should_panic(expected = "never passed the JSON door")]
fn hashing_a_value_without_a_canonical_form_stops_rather_than_hash_something_else() {
    canonical(&json!(u64::MAX));
}

fn any_value() -> impl Strategy<Value = Value> {
    let finite = any::<u64>().prop_map(f64::from_bits).prop_filter("finite", |n| n.is_finite());
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-9_007_199_254_740_992_i64..=9_007_199_254_740_992).prop_map(Value::from),
        (-1000..1000).prop_map(Value::from),
        finite.prop_map(Value::from),
        any::<f32>().prop_filter("finite", |n| n.is_finite()).prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        ".{0,4}".prop_map(Value::from),
    ];
    let name =
        prop_oneof!["[a-c]{0,2}", "[\u{0}-\u{ff}]{0,3}", "[\u{e000}\u{fb33}\u{1f600}z]{1,3}"];
    leaf.prop_recursive(5, 60, 8, move |inner| {
        prop_oneof![
            vec(inner.clone(), 0..8).prop_map(Value::from),
            vec((name.clone(), inner), 0..8)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// The exact value of a number token, as its sign and its digits written out on both sides of the
/// point: arithmetic as at school, unlike the door's.
fn written_out(token: &str) -> (bool, String, String) {
    let unsigned = token.trim_start_matches('-');
    let (mantissa, power) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
    let (whole, part) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let (mut whole, mut part) = (whole.to_owned(), part.to_owned());
    for _ in 0..power.parse::<i32>().unwrap().max(0) {
        if part.is_empty() {
            part.push('0');
        }
        whole.push(part.remove(0));
    }
    for _ in power.parse::<i32>().unwrap()..0 {
        part.insert(0, whole.pop().unwrap_or('0'));
    }
    let whole = whole.trim_start_matches('0').to_owned();
    let part = part.trim_end_matches('0').to_owned();
    (token.starts_with('-') && !(whole.is_empty() && part.is_empty()), whole, part)
}

fn number_token() -> impl Strategy<Value = String> {
    let any_token =
        ("-?", "(0|[1-9][0-9]{0,21})", "(|\\.[0-9]{1,21})", "(|[eE][+-]?[0-9]{1,2}|e-?3[0-9]{2})")
            .prop_map(|(sign, whole, part, power)| format!("{sign}{whole}{part}{power}"));
    let near_doubles = (any::<u64>().prop_map(f64::from_bits), "(|0|00|1|5|9)").prop_filter_map(
        "finite",
        |(double, more)| {
            let text = format!("{double:e}");
            let (mantissa, power) = text.split_once('e').filter(|_| double.is_finite())?;
            let point = if mantissa.contains('.') || more.is_empty() { "" } else { "." };
            Some(format!("{mantissa}{point}{more}e{power}"))
        },
    );
    let near_integers = any::<u64>().prop_map(|n| n.to_string());
    let near_the_last_exact = (0..5000_u64).prop_map(|n| (9_007_199_254_738_000 + n).to_string());
    prop_oneof![any_token, near_doubles, near_integers, near_the_last_exact]
}

const SEEDS: [&str; 8] = [
    r#"{"action":{"tool":"mail.send","arguments":{"to":["anna@example.org"],"n":12.5}},"tier":2}"#,
    "[0,-0,1,-1,9007199254740992,9007199254740993,0.1,1e2,1E+2,1.5e-300,123456789.123456789]",
    r#"{"a":{"b":{"c":{"d":[[[[{"e":null}]]]]}}},"A":true,"\u0061\u0062":false}"#,
    r#""\ud83d\ude00 \u20ac \b\f\n\r\t\"\\\/ é 😀""#,
    "{ \"x\" : [ ] ,\r\n\t\"y\" : { } , \"z\" : \"\" }",
    r#"[{"k":1},{"k":1.0},{"k":"1"},{"k":[1]}]"#,
    "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]",
    "18446744073709551615",
];

const SHARDS: [&[u8]; 30] = [
    b"\"",
    b"\\",
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b":",
    b"0",
    b"9",
    b"-",
    b"+",
    b".",
    b"e",
    b"E99",
    b"\\u",
    b"\\ud800",
    b"\\udc00",
    b"\xff",
    b"\xed\xa0\x80",
    b"\xef\xbb\xbf",
    b"\0",
    b"\n",
    b" ",
    b"null",
    b"NaN",
    b"\"a\":1,",
    b"1e400",
    b"[[[[",
    b"\xf0\x9f\x98\x80",
];

/// One way to damage a document.
#[derive(Clone, Debug)]
enum Damage {
    Insert(Index, &'static [u8]),
    Overwrite(Index, u8),
    Remove(Index, usize),
    Repeat(Index, usize),
    Truncate(Index),
}

fn damage() -> impl Strategy<Value = Damage> {
    prop_oneof![
        (any::<Index>(), select(&SHARDS[..])).prop_map(|(at, shard)| Damage::Insert(at, shard)),
        (any::<Index>(), any::<u8>()).prop_map(|(at, byte)| Damage::Overwrite(at, byte)),
        (any::<Index>(), 1..6_usize).prop_map(|(at, length)| Damage::Remove(at, length)),
        (any::<Index>(), 1..20_usize).prop_map(|(at, length)| Damage::Repeat(at, length)),
        any::<Index>().prop_map(Damage::Truncate),
    ]
}

fn apply(bytes: &mut Vec<u8>, damage: &Damage) {
    let size = bytes.len();
    let span = |at: &Index, length: usize| {
        let start = at.index(size + 1);
        start..(start + length).min(size)
    };
    match damage {
        Damage::Insert(at, shard) => {
            let at = span(at, 0).start;
            bytes.splice(at..at, shard.iter().copied());
        }
        Damage::Overwrite(at, byte) => bytes[span(at, 1)].fill(*byte),
        Damage::Remove(at, length) => drop(bytes.drain(span(at, *length))),
        Damage::Repeat(at, length) => {
            let span = span(at, *length);
            let again = bytes[span.clone()].to_vec();
            bytes.splice(span.start..span.start, again);
        }
        Damage::Truncate(at) => bytes.truncate(at.index(bytes.len() + 1)),
    }
}

/// What must hold of any bytes at all.
fn keeps_the_law(bytes: &[u8]) -> Result<(), TestCaseError> {
    let lenient = serde_json::from_slice::<Value>(bytes);
    match read(bytes, Limits::default()) {
        Ok(value) => {
            let spelt = canonical(&value);
            let again = read(&spelt, Limits::default()).unwrap();
            prop_assert_eq!(&again, &value);
            prop_assert_eq!(canonical(&again), &spelt[..]);
            prop_assert_eq!(serde_jcs::to_vec(&lenient.unwrap()).unwrap(), spelt);
        }
        Err(refused) => {
            prop_assert!(refused.to_string().chars().count() < 1000);
            // What others can read is refused for one of our own reasons only.
            let ours = matches!(
                refused,
                BadJson::TooDeep { .. }
                    | BadJson::DuplicateName { .. }
                    | BadJson::NumberChanges { .. }
            );
            prop_assert!(lenient.is_err() || ours, "{}", refused);
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, ..ProptestConfig::default() })]

    #[test]
    fn canonical_bytes_are_those_of_two_other_implementations(value in any_value()) {
        let Ok(spelt) = try_canonical(&value) else { unreachable!("only exact numbers are made") };
        prop_assert_eq!(&spelt, &serde_jcs::to_vec(&value).unwrap());
        prop_assert_eq!(&spelt, &serde_json_canonicalizer::to_vec(&value).unwrap());
        let read = read(&spelt, Limits::default()).unwrap();
        prop_assert_eq!(canonical(&read), spelt);
    }

    #[test]
    fn however_a_value_is_laid_out_it_is_read_alike(value in any_value()) {
        let canonical = read(&canonical(&value), Limits::default()).unwrap();
        let plain = read(&serde_json::to_vec(&value).unwrap(), Limits::default()).unwrap();
        let pretty = read(&serde_json::to_vec_pretty(&value).unwrap(), Limits::default()).unwrap();
        prop_assert_eq!(&plain, &canonical);
        prop_assert_eq!(&pretty, &canonical);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 20_000, ..ProptestConfig::default() })]

    #[test]
    fn a_number_passes_exactly_if_its_canonical_form_has_its_value(token in number_token()) {
        let double = token.parse::<f64>().unwrap();
        let spelt = serde_jcs::to_string(&double).unwrap_or_default();
        let same = double.is_finite() && written_out(&token) == written_out(&spelt);
        match door(&token) {
            Ok(value) => {
                prop_assert!(same, "{} passed, though it is spelt {}", token, spelt);
                prop_assert_eq!(canonical(&value), spelt.as_bytes());
            }
            Err(BadJson::NumberChanges { becomes, .. }) => {
                prop_assert!(!same, "{} was refused", token);
                prop_assert!(becomes == spelt || !double.is_finite());
            }
            Err(other) => prop_assert!(false, "{}: {}", token, other),
        }
    }

    #[test]
    fn damaged_documents_never_panic_and_what_passes_has_one_spelling(
        seed in select(&SEEDS[..]),
        damages in vec(damage(), 0..6),
    ) {
        let mut bytes = seed.as_bytes().to_vec();
        for damage in &damages {
            apply(&mut bytes, damage);
        }
        keeps_the_law(&bytes)?;
    }

    #[test]
    fn strings_of_shards_never_panic_and_what_passes_has_one_spelling(
        shards in vec(select(&SHARDS[..]), 0..12),
    ) {
        keeps_the_law(&shards.concat())?;
    }
}
