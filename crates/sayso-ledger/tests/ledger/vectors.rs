//! Forged histories, as files: each is told from an honest one by the step, the verdict and the
//! sentence that it names. `SAYSO_WRITE_VECTORS=1` writes them anew.

use std::collections::BTreeSet;
use std::path::PathBuf;

use sayso_core::signature::PersonKey;
use sayso_ledger::trust::Trust;
use sayso_ledger::verify::{Auditor, Body, Evidence, KnownHead, KnownKeys, Report, Step, Verdict};
use sayso_ledger::{Checkpoint, SigningKey};
use serde::{Deserialize, Serialize};

use crate::forgeries::all;
use crate::story::day;
use crate::world::{Row, head, key_of, log_key};

/// What an auditor has before them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Case {
    /// A trust file (C2SP tlog-policy).
    pub(crate) trust: String,
    /// The newest head.
    pub(crate) head: String,
    /// Fingerprints of keys that the auditor knows.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) pinned: Vec<String>,
    /// The organisation's key, as an SSH public key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) organisation: Option<String>,
    /// Other heads.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) heads: Vec<Other>,
    /// The entries, in order.
    pub(crate) entries: Vec<String>,
    /// The bodies, in order of their entries.
    pub(crate) bodies: Vec<Kept>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Other {
    pub(crate) from: String,
    pub(crate) text: String,
    pub(crate) kept: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Kept {
    pub(crate) index: u64,
    pub(crate) salt: String,
    pub(crate) content: String,
}

/// A file of this suite.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Vector {
    about: String,
    expect: Expect,
    case: Case,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Expect {
    step: String,
    verdict: String,
    says: String,
}

impl Case {
    /// Rows as an operator would seal them: bodies hashed anew, the tree grown anew, the head
    /// signed by the log's own key.
    pub(crate) fn sealed(rows: &[Row]) -> Self {
        let entries: Vec<_> = rows.iter().map(Row::seal).collect();
        let bodies = rows.iter().zip(0..).filter_map(|(row, index)| {
            let Body { salt, content } = row.body.as_ref()?;
            let content = String::from_utf8(content.clone()).unwrap();
            Some(Kept { index, salt: hex::encode(salt), content })
        });
        Self {
            trust: format!("log {}\n", log_key().public()),
            head: head(&entries, &log_key()),
            pinned: vec![key_of("ana").public().fingerprint()],
            organisation: None,
            heads: Vec::new(),
            bodies: bodies.collect(),
            entries: entries.into_iter().map(|entry| String::from_utf8(entry).unwrap()).collect(),
        }
    }

    /// The head over the entries as they are, signed by that key.
    pub(crate) fn seal_with(mut self, key: &SigningKey) -> Self {
        let entries: Vec<_> = self.entries.iter().map(|entry| entry.clone().into_bytes()).collect();
        self.head = head(&entries, key);
        self
    }

    /// An auditor kept that head of the honest log.
    pub(crate) fn kept(mut self, text: &str) -> Self {
        self.heads.push(Other { from: "kept".into(), text: text.into(), kept: true });
        self
    }

    pub(crate) fn checkpoint(&self) -> Checkpoint {
        let note: sayso_ledger::Note = self.head.parse().unwrap();
        note.text().parse().unwrap()
    }

    pub(crate) fn verify(&self) -> Report {
        let heads = self.heads.iter().cloned();
        let heads = heads.map(|Other { from, text, kept }| KnownHead { from, text, kept });
        let organisation = self.organisation.as_deref();
        let mut auditor = Auditor::new(&Evidence {
            head: Some(self.head.clone()),
            heads: heads.collect(),
            keys: KnownKeys {
                organisation: organisation.map(|key| PersonKey::Ssh(key.parse().unwrap())),
                pinned: self.pinned.clone(),
            },
            trust: Some(Trust::parse(&self.trust).unwrap()),
        });
        let mut bodies = self.bodies.iter().peekable();
        for (entry, index) in self.entries.iter().zip(0..) {
            let body = bodies.next_if(|body| body.index == index).map(|body| Body {
                salt: hex::decode(&body.salt).unwrap(),
                content: body.content.clone().into_bytes(),
            });
            auditor.entry(entry.as_bytes(), body);
        }
        auditor.finish()
    }
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/ledger/vectors")
}

#[test]
fn an_honest_day_is_verified() {
    let report = Case::sealed(&day().rows).verify();
    let odd = report.steps.iter().filter(|step| step.verdict != Verdict::Verified);
    assert_eq!(odd.collect::<Vec<_>>(), Vec::<&sayso_ledger::verify::StepReport>::new());
    assert_eq!(report.step(Step::Signatures).checked, 4);
    for step in [Step::History, Step::Bodies, Step::Policy, Step::Permits, Step::Grants] {
        assert!(report.step(step).checked > 3, "{step}");
    }
}

#[test]
fn every_forged_history_is_told_by_its_step_and_sentence() {
    let write = std::env::var_os("SAYSO_WRITE_VECTORS").is_some();
    let mut known = BTreeSet::from(["README.md".to_owned()]);
    let mut untold = Vec::new();
    for forged in all() {
        let report = forged.case.verify();
        let step = report.step(forged.step);
        let finding = step.findings.iter().find(|finding| finding.verdict == forged.verdict);
        let Some(finding) = finding else {
            let heard: Vec<_> = report.steps.iter().flat_map(|step| &step.findings).collect();
            untold.push(format!("{}: {heard:#?}", forged.name));
            continue;
        };
        let vector = Vector {
            about: forged.about.to_owned(),
            expect: Expect {
                step: forged.step.word().into(),
                verdict: forged.verdict.word().into(),
                says: finding.to_string(),
            },
            case: forged.case,
        };
        let name = format!("{}.json", forged.name);
        let path = folder().join(&name);
        assert!(known.insert(name), "{} stands twice", forged.name);
        if write {
            let text = serde_json::to_string_pretty(&vector).unwrap();
            std::fs::write(&path, format!("{text}\n")).unwrap();
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap_or_else(|error| {
            panic!("{}: {error}; SAYSO_WRITE_VECTORS=1 writes it", path.display())
        });
        let kept: Vector = serde_json::from_str(&text).unwrap();
        assert_eq!(kept, vector, "{}: SAYSO_WRITE_VECTORS=1 writes it anew", forged.name);
    }
    assert!(untold.is_empty(), "not told: {}", untold.join("\n"));
    let files = std::fs::read_dir(folder()).unwrap();
    let files: BTreeSet<_> =
        files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(files, known, "a file that nothing makes, or none for what is made");
    assert!(known.len() > 30);
}
