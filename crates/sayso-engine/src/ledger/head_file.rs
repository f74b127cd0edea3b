//! The newest signed head outside of the store, so that an older copy of the store is noticed.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::PathBuf;

use super::LedgerError;

/// A file that holds one signed note.
#[derive(Clone, Debug)]
pub(super) struct HeadFile(pub(super) PathBuf);

impl HeadFile {
    /// The note; none, if there has been none yet.
    pub(super) fn read(&self) -> Result<Option<String>, LedgerError> {
        match fs::read_to_string(&self.0) {
            Ok(note) => Ok(Some(note)),
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(cause) => Err(self.failed(cause)),
        }
    }

    /// Puts another note in its place: all of it, or nothing. It is on disk when this returns.
    pub(super) fn write(&self, note: &str) -> Result<(), LedgerError> {
        let begun = self.0.with_extension("new");
        let write = || {
            let mut file = File::create(&begun)?;
            file.write_all(note.as_bytes())?;
            file.sync_data()?;
            fs::rename(&begun, &self.0)?;
            match self.0.parent() {
                Some(folder) => File::open(folder)?.sync_all(),
                None => Ok(()),
            }
        };
        write().map_err(|cause| self.failed(cause))
    }

    fn failed(&self, cause: io::Error) -> LedgerError {
        LedgerError::File { file: self.0.clone(), cause }
    }
}
