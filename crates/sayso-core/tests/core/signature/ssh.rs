use std::path::Path;
use std::process::{Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::Signer as _;
use sha2::{Digest as _, Sha256, Sha512};

use sayso_core::signature::{BadKey, BadProof, Domain, PersonKey, Proof, SshKey, SshSignature};

const MESSAGE: &[u8] = include_bytes!("vectors/ssh/message");

pub(super) struct Stored {
    pub(super) key: SshKey,
    pub(super) signature: String,
}

/// What OpenSSH 9.2 made of the message.
pub(super) fn stored(name: &str) -> Stored {
    let (key, signature) = match name {
        "ed25519" => {
            (include_str!("vectors/ssh/ed25519.pub"), include_str!("vectors/ssh/ed25519.sig"))
        }
        "ed25519-sha256" => (
            include_str!("vectors/ssh/ed25519.pub"),
            include_str!("vectors/ssh/ed25519-sha256.sig"),
        ),
        "ecdsa" => (include_str!("vectors/ssh/ecdsa.pub"), include_str!("vectors/ssh/ecdsa.sig")),
        other => panic!("{other} is not stored"),
    };
    Stored { key: key.parse().unwrap(), signature: signature.into() }
}

pub(super) const ED25519_BLOB: &[u8] =
    b"\0\0\0\x0bssh-ed25519\0\0\0\x20\xd7\x5a\x98\x01\x82\xb1\x0a\xb7\xd5\x4b\xfe\xd3\xc9\x64\x07\x3a\x0e\xe1\x72\xf3\xda\xa6\x23\x25\xaf\x02\x1a\x68\xf7\x07\x51\x1a";

/// The stored Ed25519 signature, without its armour.
pub(super) fn signature_blob() -> Vec<u8> {
    unarmour(&stored("ed25519").signature)
}

fn unarmour(text: &str) -> Vec<u8> {
    let body: String = text.lines().filter(|line| !line.starts_with("-----")).collect();
    STANDARD.decode(body).unwrap()
}

pub(super) fn armour(blob: &[u8]) -> String {
    let body = STANDARD.encode(blob);
    let lines: Vec<&str> =
        body.as_bytes().chunks(70).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN SSH SIGNATURE-----\n{}\n-----END SSH SIGNATURE-----\n", lines.join("\n"))
}

fn verify(key: &SshKey, domain: Domain, message: &[u8], signature: &str) -> Result<(), BadProof> {
    let proof = Proof::Ssh(SshSignature { signature: signature.into() });
    PersonKey::Ssh(key.clone()).verify(domain, message, &proof)
}

fn decides(key: &SshKey, signature: &str) -> Result<(), BadProof> {
    verify(key, Domain::Decision, MESSAGE, signature)
}

/// Writes as SSH does: each part with its length before it.
fn strings(parts: &[&[u8]]) -> Vec<u8> {
    parts
        .iter()
        .flat_map(|part| {
            let length = u32::try_from(part.len()).unwrap().to_be_bytes();
            [&length[..], part].concat()
        })
        .collect()
}

/// The parts of a signature, to be put together honestly or not.
#[derive(Clone)]
struct Parts {
    magic: &'static [u8],
    version: u32,
    key: Vec<u8>,
    namespace: &'static [u8],
    reserved: &'static [u8],
    hash: &'static [u8],
}

impl Parts {
    fn of(key: Vec<u8>) -> Self {
        Self {
            magic: b"SSHSIG",
            version: 1,
            key,
            namespace: Domain::Decision.tag().as_bytes(),
            reserved: b"",
            hash: b"sha512",
        }
    }

    fn signed(&self) -> Vec<u8> {
        let digest = Sha512::digest(MESSAGE);
        let rest = strings(&[self.namespace, self.reserved, self.hash, &digest]);
        [self.magic, &rest].concat()
    }

    fn armoured(&self, signature: &[u8]) -> String {
        let rest = strings(&[&self.key, self.namespace, self.reserved, self.hash, signature]);
        armour(&[self.magic, &self.version.to_be_bytes(), &rest].concat())
    }
}

fn ed25519() -> (ed25519_dalek::SigningKey, Vec<u8>) {
    let secret = ed25519_dalek::SigningKey::from_bytes(&[7; 32]);
    let blob = strings(&[b"ssh-ed25519", secret.verifying_key().as_bytes()]);
    (secret, blob)
}

fn key(word: &str, blob: &[u8]) -> SshKey {
    format!("{word} {}", STANDARD.encode(blob)).parse().unwrap()
}

/// An Ed25519 signature over `parts`, told in `word`'s name.
fn sign(parts: &Parts, word: &[u8]) -> String {
    let raw = ed25519().0.sign(&parts.signed()).to_bytes();
    parts.armoured(&strings(&[word, &raw]))
}

#[test]
fn what_openssh_signed_is_proof() {
    for name in ["ed25519", "ed25519-sha256", "ecdsa"] {
        let Stored { key, signature } = stored(name);
        assert_eq!(decides(&key, &signature), Ok(()), "{name}");
        assert_eq!(decides(&key, &signature.replace('\n', "\r\n")), Ok(()), "{name}");
    }
}

#[test]
fn it_proves_nothing_of_other_bytes_keys_or_uses() {
    for name in ["ed25519", "ed25519-sha256", "ecdsa"] {
        let Stored { key, signature } = stored(name);
        let other = verify(&key, Domain::Decision, b"other", &signature);
        assert_eq!(other, Err(BadProof::Signature), "{name}");
        assert_eq!(
            verify(&key, Domain::Enrolment, MESSAGE, &signature),
            Err(BadProof::Namespace {
                found: "sayso-decision-v1".into(),
                wanted: "sayso-enrolment-v1"
            })
        );
        let others = if name == "ecdsa" { stored("ed25519") } else { stored("ecdsa") };
        assert_eq!(decides(&others.key, &signature), Err(BadProof::OtherKey), "{name}");
    }
}

#[test]
fn a_namespace_put_in_another_ones_place_does_not_fit() {
    let (_, blob) = ed25519();
    let git = Parts { namespace: b"git", ..Parts::of(blob.clone()) };
    let raw = ed25519().0.sign(&git.signed()).to_bytes();
    let swapped = Parts::of(blob.clone()).armoured(&strings(&[b"ssh-ed25519", &raw]));
    assert_eq!(decides(&key("ssh-ed25519", &blob), &swapped), Err(BadProof::Signature));
}

#[test]
fn a_key_named_in_place_of_the_signers_does_not_help() {
    let (_, blob) = ed25519();
    let stored = stored("ed25519");
    let stored_blob = STANDARD.decode(stored.key.to_string().split_once(' ').unwrap().1).unwrap();
    let signature = sign(&Parts::of(stored_blob), b"ssh-ed25519");
    assert_eq!(decides(&stored.key, &signature), Err(BadProof::Signature));
    assert_eq!(decides(&key("ssh-ed25519", &blob), &signature), Err(BadProof::OtherKey));
}

#[test]
fn every_part_is_what_it_should_be() {
    let (_, blob) = ed25519();
    let own = key("ssh-ed25519", &blob);
    let honest = Parts::of(blob);
    assert_eq!(decides(&own, &sign(&honest, b"ssh-ed25519")), Ok(()));
    for other in [
        Parts { magic: b"SSHSIX", ..honest.clone() },
        Parts { version: 2, ..honest.clone() },
        Parts { reserved: b"x", ..honest.clone() },
    ] {
        let refused = decides(&own, &sign(&other, b"ssh-ed25519"));
        assert!(matches!(refused, Err(BadProof::Malformed { .. })), "{refused:?}");
    }
    let weak = Parts { hash: b"sha1", ..honest.clone() };
    assert_eq!(
        decides(&own, &sign(&weak, b"ssh-ed25519")),
        Err(BadProof::Algorithm("sha1".into()))
    );
    let swapped = Parts { hash: b"sha256", ..honest.clone() };
    let raw = ed25519().0.sign(&honest.signed()).to_bytes();
    let swapped = swapped.armoured(&strings(&[b"ssh-ed25519", &raw]));
    assert_eq!(decides(&own, &swapped), Err(BadProof::Signature));
    for word in [&b"ssh-rsa"[..], b"sk-ssh-ed25519@openssh.com", b"none", b""] {
        let refused = decides(&own, &sign(&honest, word));
        assert!(matches!(refused, Err(BadProof::Algorithm(_))), "{refused:?}");
    }
    for raw in [&[0; 64][..], &[], &[0; 63]] {
        let nothing = honest.armoured(&strings(&[b"ssh-ed25519", raw]));
        assert_eq!(decides(&own, &nothing), Err(BadProof::Signature));
    }
}

#[test]
fn a_signature_ends_where_it_should() {
    let stored = stored("ed25519");
    let blob = signature_blob();
    for length in 0..blob.len() {
        assert!(decides(&stored.key, &armour(&blob[..length])).is_err(), "{length}");
    }
    assert!(decides(&stored.key, &armour(&[&blob[..], &[0]].concat())).is_err());
    let (_, own) = ed25519();
    let honest = Parts::of(own.clone());
    let raw = ed25519().0.sign(&honest.signed()).to_bytes();
    let trailing = [&strings(&[b"ssh-ed25519", &raw])[..], &[0]].concat();
    let refused = decides(&key("ssh-ed25519", &own), &honest.armoured(&trailing));
    assert!(matches!(refused, Err(BadProof::Malformed { .. })), "{refused:?}");
}

#[test]
fn every_bit_of_a_signature_matters() {
    for name in ["ed25519", "ecdsa"] {
        let Stored { key, signature } = stored(name);
        let blob = unarmour(&signature);
        for bit in 0..blob.len() * 8 {
            let mut flipped = blob.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(decides(&key, &armour(&flipped)).is_err(), "{name} {bit}");
        }
    }
}

#[test]
fn armour_is_whole_and_of_honest_size() {
    let Stored { key, signature } = stored("ed25519");
    let body = signature.replace("-----END SSH SIGNATURE-----", "");
    for text in ["", &body, &body.replace("BEGIN SSH", "BEGIN PGP"), &signature.replace('=', "!")] {
        assert!(matches!(decides(&key, text), Err(BadProof::Malformed { .. })), "{text}");
    }
    let large = format!("{}{signature}", "\n".repeat(8 * 1024));
    let limit = BadProof::TooLarge { part: "signature", limit: 8 * 1024 };
    assert_eq!(decides(&key, &large), Err(limit));
}

#[test]
fn a_numbers_spelling_is_the_shortest() {
    let secret = p256::ecdsa::SigningKey::from_slice(&[7; 32]).unwrap();
    let point = secret.verifying_key().to_sec1_bytes();
    let blob = strings(&[b"ecdsa-sha2-nistp256", b"nistp256", &point]);
    let key = key("ecdsa-sha2-nistp256", &blob);
    let parts = Parts::of(blob);
    let signature: p256::ecdsa::Signature = secret.sign(&parts.signed());
    let (r, s) = signature.split_bytes();
    let with = |r: &[u8], s: &[u8]| {
        decides(&key, &parts.armoured(&strings(&[b"ecdsa-sha2-nistp256", &strings(&[r, s])])))
    };
    assert_eq!(with(&shortest(&r), &shortest(&s)), Ok(()));
    let padded = [&[0], &shortest(&r)[..]].concat();
    for (r, s) in [(&padded[..], &s[..]), (b"", &s), (b"\0", &s), (b"\x80", &s), (&[1; 33], &s)] {
        assert!(matches!(with(r, &shortest(s)), Err(BadProof::Malformed { .. })));
    }
    assert_eq!(with(&[1], &[1]), Err(BadProof::Signature));
}

/// A positive number as SSH writes it.
fn shortest(bytes: &[u8]) -> Vec<u8> {
    let first = bytes.iter().position(|byte| *byte != 0).unwrap();
    match bytes[first] >= 0x80 {
        true => [&[0], &bytes[first..]].concat(),
        false => bytes[first..].to_vec(),
    }
}

/// Signs these bytes.
type Sign = Box<dyn Fn(&[u8]) -> Vec<u8>>;

/// A security key in software.
struct SecurityKey {
    word: &'static str,
    blob: Vec<u8>,
    sign: Sign,
}

const APPLICATION: &[u8] = b"ssh:";

fn security_keys() -> [SecurityKey; 2] {
    let (ed25519, _) = ed25519();
    let p256 = p256::ecdsa::SigningKey::from_slice(&[7; 32]).unwrap();
    let (ed25519_word, p256_word) =
        ("sk-ssh-ed25519@openssh.com", "sk-ecdsa-sha2-nistp256@openssh.com");
    let public = ed25519.verifying_key();
    let ed25519_blob = strings(&[ed25519_word.as_bytes(), public.as_bytes(), APPLICATION]);
    let point = p256.verifying_key().to_sec1_bytes();
    let p256_blob = strings(&[p256_word.as_bytes(), b"nistp256", &point, APPLICATION]);
    let by_p256 = move |bytes: &[u8]| {
        let signature: p256::ecdsa::Signature = p256.sign(bytes);
        let (r, s) = signature.split_bytes();
        strings(&[&shortest(&r), &shortest(&s)])
    };
    let by_ed25519 = move |bytes: &[u8]| ed25519.sign(bytes).to_vec();
    [
        SecurityKey { word: ed25519_word, blob: ed25519_blob, sign: Box::new(by_ed25519) },
        SecurityKey { word: p256_word, blob: p256_blob, sign: Box::new(by_p256) },
    ]
}

impl SecurityKey {
    fn key(&self) -> SshKey {
        key(self.word, &self.blob)
    }

    fn signature(&self, flags: u8, application: &[u8]) -> String {
        let parts = Parts::of(self.blob.clone());
        let counter = 5_u32.to_be_bytes();
        let asked = Sha256::digest(parts.signed());
        let seen = [&Sha256::digest(application)[..], &[flags], &counter, &asked[..]].concat();
        let raw = (self.sign)(&seen);
        let told = [&strings(&[self.word.as_bytes(), &raw])[..], &[flags], &counter].concat();
        parts.armoured(&told)
    }
}

#[test]
fn a_security_key_signs_only_when_touched() {
    for device in security_keys() {
        let key = device.key();
        assert!(key.is_on_security_key());
        assert_eq!(decides(&key, &device.signature(1, APPLICATION)), Ok(()), "{}", device.word);
        assert_eq!(decides(&key, &device.signature(5, APPLICATION)), Ok(()));
        assert_eq!(decides(&key, &device.signature(0, APPLICATION)), Err(BadProof::NotPresent));
        assert_eq!(decides(&key, &device.signature(4, APPLICATION)), Err(BadProof::NotPresent));
        assert_eq!(decides(&key, &device.signature(1, b"web:")), Err(BadProof::Signature));
    }
}

#[test]
fn keys_of_other_kinds_and_certificates_are_refused_by_name() {
    for (line, kind) in [
        (include_str!("vectors/ssh/rsa.pub"), "ssh-rsa"),
        (include_str!("vectors/ssh/p384.pub"), "ecdsa-sha2-nistp384"),
    ] {
        let refused = line.parse::<SshKey>().unwrap_err();
        assert!(matches!(&refused, BadKey::Kind { found, .. } if found == kind), "{refused}");
    }
    let stored = stored("ed25519").key.to_string();
    let (_, base64) = stored.split_once(' ').unwrap();
    for line in [
        String::new(),
        base64.to_owned(),
        format!("ecdsa-sha2-nistp256 {base64}"),
        format!("restrict {stored}"),
        format!("{stored}\n{stored}"),
        format!("{stored}{}", " ".repeat(5000) + "x"),
        format!("{stored}AAAA"),
    ] {
        assert!(line.parse::<SshKey>().is_err(), "{line}");
    }
}

#[test]
fn a_key_is_known_without_its_comment_and_has_one_spelling() {
    let line = include_str!("vectors/ssh/ed25519.pub");
    let key: SshKey = line.parse().unwrap();
    assert!(line.trim_end().ends_with(" ana@example"));
    assert_eq!(format!("{key} ana@example"), line.trim_end());

    let written = serde_json::json!({ "kind": "ssh", "public_key": key.to_string() });
    let read: PersonKey = serde_json::from_value(written.clone()).unwrap();
    assert_eq!(read, PersonKey::Ssh(key));
    assert_eq!(serde_json::to_value(&read).unwrap(), written);
    for (member, value) in [("public_key", line), ("comment", "ana")] {
        let mut other = written.clone();
        other[member] = value.into();
        assert!(serde_json::from_value::<PersonKey>(other).is_err(), "{member}");
    }
}

#[test]
fn fingerprints_are_those_of_ssh_keygen() {
    let key = PersonKey::Ssh(stored("ed25519").key);
    assert_eq!(key.fingerprint(), "SHA256:Smy/Bh6LMo5nqyI59TZm0QA/PFwEqaHbHLZgiaMxSv8");
}

/// `ssh-keygen` with these arguments and `input`; how it ended and what it said.
fn ssh_keygen(folder: &Path, arguments: &[&str], input: &[u8]) -> (bool, String) {
    std::fs::write(folder.join("input"), input).unwrap();
    let output = Command::new("ssh-keygen")
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::from(std::fs::File::open(folder.join("input")).unwrap()))
        .output()
        .expect("ssh-keygen (Debian: openssh-client); scripts/setup installs it");
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&said).into_owned())
}

/// Whether stock `ssh-keygen -Y verify` takes the signature as Ana's decision.
fn stock_verifies(key: &SshKey, signature: &str, message: &[u8]) -> bool {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("allowed"), format!("ana {key}\n")).unwrap();
    std::fs::write(folder.path().join("signature"), signature).unwrap();
    let verify = ["-Y", "verify", "-n", "sayso-decision-v1", "-I", "ana"];
    let files = ["-f", "allowed", "-s", "signature"];
    ssh_keygen(folder.path(), &[&verify[..], &files].concat(), message).0
}

#[test]
fn stock_ssh_keygen_takes_what_we_take() {
    for name in ["ed25519", "ed25519-sha256", "ecdsa"] {
        let Stored { key, signature } = stored(name);
        assert!(stock_verifies(&key, &signature, MESSAGE), "{name}");
        assert!(!stock_verifies(&key, &signature, b"other"), "{name}");
    }
    let (_, blob) = ed25519();
    let own = sign(&Parts::of(blob.clone()), b"ssh-ed25519");
    assert!(stock_verifies(&key("ssh-ed25519", &blob), &own, MESSAGE));
    for device in security_keys() {
        let signature = device.signature(1, APPLICATION);
        assert!(stock_verifies(&device.key(), &signature, MESSAGE), "{}", device.word);
    }
}

#[test]
fn we_take_what_stock_ssh_keygen_signs_today() {
    let folder = tempfile::tempdir().unwrap();
    for (kind, bits) in [("ed25519", "256"), ("ecdsa", "256")] {
        let new = ["-q", "-t", kind, "-b", bits, "-N", "", "-f", kind];
        assert_eq!(ssh_keygen(folder.path(), &new, b""), (true, String::new()));
        let line = std::fs::read_to_string(folder.path().join(format!("{kind}.pub"))).unwrap();
        let key: SshKey = line.parse().unwrap();
        for (domain, other) in
            [(Domain::Decision, Domain::Enrolment), (Domain::Enrolment, Domain::Decision)]
        {
            let sign = ["-Y", "sign", "-q", "-n", domain.tag(), "-f", kind];
            let (signed, signature) = ssh_keygen(folder.path(), &sign, b"bytes\n\0\xff");
            assert!(signed, "{signature}");
            assert_eq!(verify(&key, domain, b"bytes\n\0\xff", &signature), Ok(()));
            assert!(verify(&key, other, b"bytes\n\0\xff", &signature).is_err());
        }
        let (_, listed) = ssh_keygen(folder.path(), &["-l", "-f", kind], b"");
        assert!(listed.contains(&PersonKey::Ssh(key).fingerprint()), "{listed}");
    }
}
